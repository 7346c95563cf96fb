"""Lists, arrays, and the DataFrames, Series and arrays of pandas, polars and Arrow as arrays.

They are read by their methods, so none of these libraries is imported.
"""

from collections import deque
from typing import Any

import numpy as np

from minidl.errors import DTypeError, MinidlError, ShapeError
from minidl.values.cells import (
    EXACT,
    MASKED,
    NULL,
    as_objects,
    check_exact,
    floats,
    is_masked_array,
)
from minidl.values.missing import Array, a

PLAIN = {bool, int, float, str, bytes, complex, type(None), np.float64, np.float32, np.int64}


def columns_of(data: Any) -> tuple[list[object], list[Any]] | None:
    """Return names and columns of a DataFrame or an Arrow table; None for anything else."""
    if hasattr(data, "get_columns") and hasattr(data, "columns"):  # polars
        return list(data.columns), list(data.get_columns())
    if hasattr(data, "column_names") and hasattr(data, "itercolumns"):  # Arrow
        return list(data.column_names), list(data.itercolumns())
    if hasattr(data, "iloc") and hasattr(data, "columns"):  # pandas
        return [name for name, _ in data.items()], [column for _, column in data.items()]
    return None


def read(data: Any) -> Array:
    """Return the array of a container, with a Null for what it marks as missing."""
    if type(data) is np.ndarray:
        return data
    try:
        plain = _marked(data)
        if not hasattr(plain, "__array__") and hasattr(plain, "__dlpack__"):
            return np.from_dlpack(plain)
        array = np.asarray(plain)
        if not isinstance(plain, (list, tuple, deque)):
            return array
        if array.dtype.kind in "US":  # NumPy makes text of [1.5, "b"]
            return np.asarray(plain, object)
        if array.dtype.char in "dg" and np.any(np.abs(array) >= EXACT):
            floats(np.asarray(plain, object))  # checks the integers of [1.5, 2**53 + 1]
        return array
    except MinidlError:
        raise
    except ValueError:
        raise ShapeError(f"data must be a rectangular array{_ragged(data)}") from None
    except Exception as error:  # of other libraries, or of NumPy for dates beside numbers
        reason = str(error).partition("\n")[0].rstrip(".")  # of PyTorch, it says what to use
        message = f"NumPy cannot read {a(type(data).__name__)}: {reason}"
        hint = None if "Use " in reason else "Convert it to an array of floats."
        raise DTypeError(message, hint=hint) from None


def _ragged(data: Any) -> str:
    """Return which row of a list has another length than the first."""
    try:
        sizes = [len(row) if hasattr(row, "__len__") else 0 for row in data]
    except TypeError:
        return ""
    differing = next((i for i, size in enumerate(sizes) if size != sizes[0]), None)
    if differing is None:
        return ", but its parts have different shapes"
    return f", but row 0 has {sizes[0]} entries and row {differing} has {sizes[differing]}"


def _marked(data: Any) -> Any:
    """Return data whose masked and null values, at any depth, are marked by a Null."""
    if isinstance(data, (list, tuple, deque)):
        plain = PLAIN.issuperset(map(type, data))
        return data if plain else [_marked(item) for item in data]
    if (table := columns_of(data)) is not None:
        return _joined(*table)
    mask: Any = np.zeros(1, bool)
    null = NULL
    if is_masked_array(data) and not data.dtype.names:
        mask, data, null = np.ma.getmaskarray(data), np.ma.getdata(data), MASKED
    elif hasattr(data, "is_null"):  # polars, Arrow
        mask = np.asarray(data.is_null())
    elif hasattr(data, "isna") and not isinstance(data.dtype, np.dtype):  # pandas
        mask = np.asarray(data.isna())
    elif hasattr(data, "as_py"):  # an element of an Arrow array
        return data.as_py()
    if not mask.any():
        return data
    cells = as_objects(np.asarray(data))
    cells[mask] = null
    return cells if cells.ndim else null  # np.ma.masked


def _joined(names: list[object], columns: list[Any]) -> Array:
    """Return the columns of a table side by side, each read by itself."""
    arrays = [np.asarray(_marked(column)) for column in columns]
    for name, array in zip(names, arrays, strict=True):
        if array.ndim != 1:
            raise DTypeError(f"column {name!r} holds arrays, of shape {array.shape[1:]}")
        check_exact(array[:, None], [name])  # before it is joined to floats
    if any(array.dtype.kind not in "biuf" for array in arrays):
        arrays = [as_objects(array) for array in arrays]
    return np.stack(arrays, axis=1) if arrays else np.empty((0, 0))
