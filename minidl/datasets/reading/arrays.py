"""Arrays, lists and DataFrames as a table; none of their libraries is imported."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from minidl.checks import is_list_of
from minidl.datasets.reading.columns import Column, Numbers, Table, Words
from minidl.errors import DataError, ShapeError, invalid
from minidl.values import columns_of, numbers, read

Array = npt.NDArray[Any]
GAP = ""  # the text of a missing value


def column_of(name: str, data: Any, role: str = "feature") -> Column:
    """Return a column of numbers (n,), or of words if there is text, None or another object.

    >>> column_of("a", [1, 2.5]).values.tolist(), column_of("b", ["x", None]).words
    ([1.0, 2.5], ('x', ''))
    """
    array = _array(data, role)
    if array.ndim != 1:
        expected = "one value for each row"
        raise ShapeError(f"column {name!r} has shape {array.shape}", expected=expected)
    if array.dtype.kind in "biuf":
        return Numbers(name, numbers(array, role)[0].astype(np.float64))
    if array.dtype.kind == "c":
        numbers(array, role)  # raises
    return Words.of(name, [_word(cell) for cell in array.astype(object).tolist()])


def _word(cell: Any) -> str:
    """Return an object as text, which is empty if it is missing."""
    if cell is None or type(cell).__name__ in ("NAType", "NaTType", "Null"):
        return GAP
    if isinstance(cell, bytes):
        return cell.decode("utf-8", "replace").strip()
    return str(cell).strip()


def frame_table(title: str, frame: Any) -> Table | None:
    """Return a DataFrame or an Arrow table as a table, or None for anything else."""
    content = columns_of(frame)
    if content is None:
        return None
    names, data = content
    columns = [column_of(str(name), values) for name, values in zip(names, data, strict=True)]
    check_names(title, [column.name for column in columns])
    if not columns or not len(frame):
        raise DataError(f"{title} has no {'rows' if columns else 'columns'}")
    return Table(title, columns, len(frame))


def check_names(title: str, names: Sequence[str]) -> None:
    """Raise if two columns have the same name."""
    earlier: set[str] = set()
    for name in names:
        if name in earlier:
            raise DataError(f"{title} has two columns that are called {name!r}")
        earlier.add(name)


def arrays_table(
    title: str, X: Any, y: Any, feature_names: Sequence[str] | None, target: str
) -> Table:
    """Return features X (n, d) and targets y (n,) as a table whose last column is the target."""
    if feature_names is not None and not is_list_of(feature_names, object):
        raise invalid("feature_names", feature_names, 'a list of names such as ["a", "b"]')
    table = frame_table(f"{title}, X", X)
    features = table.columns if table else _features(title, X, feature_names)
    names = [column.name for column in features]
    if feature_names is not None and names != list(feature_names):
        received = f"{len(feature_names)} names for {len(names)} columns"
        raise DataError(f"{title}: the names do not fit X", received=received)
    while target in names:
        target += "_"
    try:
        labels = column_of(target, y, "target")
    except ShapeError:
        shape = np.shape(read(y))
        raise DataError(f"{title}: y must be (n,), such as y.ravel()", received=shape) from None
    sizes = {_length(column) for column in (*features, labels)}
    if len(sizes) > 1:
        received = f"{_length(features[0])} rows of X, {_length(labels)} of y"
        raise DataError(f"{title}: X and y differ in length", received=received)
    if sizes == {0}:
        raise DataError(f"{title} has no rows")
    return Table(title, [*features, labels], sizes.pop())


def features_table(title: str, X: Any, names: Sequence[str]) -> Table:
    """Return features X (n, d) without targets as a table with these names."""
    array = read(X)
    if array.ndim == 2 and array.shape[1] != len(names):
        expected = f"{len(names)}: {', '.join(names[:12])}{', ...' * (len(names) > 12)}"
        problem = f"{title} has another number of columns"
        raise DataError(problem, received=str(array.shape[1]), expected=expected)
    columns = _features(title, array, names)
    return Table(title, columns, len(array))


def _array(data: Any, role: str) -> Array:
    """Return data as an array, or raise for anything else, such as a sparse matrix."""
    array = read(data)
    if not array.ndim and array.dtype.kind == "O":
        numbers(data, role)  # raises for most of them, and says what to write instead
    return array


def _length(column: Column) -> int:
    return len(column.values if isinstance(column, Numbers) else column.codes)


def _features(title: str, X: Any, names: Sequence[str] | None) -> list[Column]:
    """Return the columns of an array or of rows in a list."""
    array = _array(X, "feature")
    if array.ndim != 2 or not array.shape[1]:
        hint = "One feature is X.reshape(-1, 1)." if array.ndim == 1 else None
        received = f"shape {array.shape}"
        problem = f"{title}: X must be (n, d), with d >= 1"
        raise DataError(problem, received=received, hint=hint)
    if names is None:
        names = [f"x{j}" for j in range(array.shape[1])]
    if len(names) != array.shape[1]:
        received = f"{len(names)} names for {array.shape[1]} columns"
        raise DataError(f"{title}: the names do not fit X", received=received)
    check_names(title, [str(name) for name in names])
    if array.dtype.kind in "biuf":
        values = numbers(array, "feature")[0].astype(np.float64, copy=False)
        return [Numbers(str(name), values[:, j]) for j, name in enumerate(names)]
    return [column_of(str(name), array[:, j]) for j, name in enumerate(names)]
