"""Numbers from any container: one function decides what is a number, and what is missing.

Lists, arrays, and the DataFrames, Series and arrays of pandas, polars and Arrow are read by their
methods, so none of these libraries is imported.
"""

from collections import deque
from typing import Any

import numpy as np

from minidl.cells import COMPLEX, FIELDS, as_objects, exact, floats, hint_for
from minidl.errors import DTypeError, MinidlError, ShapeError
from minidl.missing import Array, Names, place

EXACT = 2**53  # larger integers may have no float64
PLAIN = {bool, int, float, str, bytes, complex, type(None), np.float64, np.float32, np.int64}
TEXT = "Encode text as numbers, such as 0 and 1; X.astype(float) reads numbers in text."

CLASSES = "Number the classes with np.unique(y, return_inverse=True)[1]."


def numbers(data: Any, what: str = "value", text: str = TEXT) -> tuple[Array, Names]:
    """Return real numbers as an array of bool, integers or floats, and the names of its columns.

    None, NA, NaT, masked entries, nulls and texts such as "NA" are a :class:`DataError` that counts
    them; NaN in floats remains. What is not a real number, and integers that float64 would round,
    are a :class:`DTypeError`; rows of different lengths are a :class:`ShapeError`. `what` and
    `text` are for errors: what a value is called, and the hint for text.

    >>> numbers([[1, 2.5], [True, -3]])[0].tolist()
    [[1.0, 2.5], [1.0, -3.0]]
    >>> numbers([1.5, None])  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    minidl.errors.DataError: a value is missing: got None in row 1. 1 of 2 values is missing, ...
    """
    if type(data) is np.ndarray and data.dtype.kind in "biuf":
        array, names = data, None
    else:
        table = columns_of(data)
        array, names = _read(data), table and table[0]
    kind = array.dtype.kind
    if kind == "O" and not array.ndim and hint_for(array[()]):
        cell = array[()]
        raise DTypeError(f"a {type(cell).__name__} is not an array", hint=hint_for(cell))
    if kind in "OUSTMm":
        return floats(array, names, what, text), names
    if kind not in "biuf":
        hint = COMPLEX if kind == "c" else FIELDS if array.dtype.names else None
        raise DTypeError(f"their dtype is {array.dtype}", hint=hint or "Use .astype(float).")
    if kind in "iu" and array.dtype.itemsize == 8 and array.size:
        _check_exact(array, names)
    return array, names


def columns_of(data: Any) -> tuple[list[object], list[Any]] | None:
    """Return names and columns of a DataFrame or an Arrow table; None for anything else."""
    if hasattr(data, "get_columns") and hasattr(data, "columns"):  # polars
        return list(data.columns), list(data.get_columns())
    if hasattr(data, "column_names") and hasattr(data, "itercolumns"):  # Arrow
        return list(data.column_names), list(data.itercolumns())
    if hasattr(data, "iloc") and hasattr(data, "columns"):  # pandas
        return [name for name, _ in data.items()], [column for _, column in data.items()]
    return None


def _read(data: Any) -> Array:
    """Return the array of a container, with None for what it marks as missing."""
    try:
        plain = _marked(data)
        if not hasattr(plain, "__array__") and hasattr(plain, "__dlpack__"):
            return np.from_dlpack(plain)
        array = np.asarray(plain)
        mixed = array.dtype.kind in "US" and not isinstance(plain, np.ndarray)
        return np.asarray(plain, object) if mixed else array  # NumPy makes text of [1.5, "b"]
    except MinidlError:
        raise
    except ValueError:
        raise ShapeError(f"data must be a rectangular array{_ragged(data)}") from None
    except Exception as error:  # of other libraries, or of NumPy for dates beside numbers
        hint = hint_for(data) if hasattr(data, "detach") else None
        message = f"NumPy cannot read a {type(data).__name__}: {error}"
        raise DTypeError(message, hint=hint or "Convert it to an array of floats.") from None


def _ragged(data: Any) -> str:
    """Return which row of a list has another length than the first."""
    try:
        sizes = [len(row) if hasattr(row, "__len__") else 0 for row in data]
    except TypeError:
        return ""
    other = next((i for i, size in enumerate(sizes) if size != sizes[0]), None)
    if other is None:
        return ", but its parts have different shapes"
    return f", but row 0 has {sizes[0]} entries and row {other} has {sizes[other]}"


def _marked(data: Any) -> Any:
    """Return data whose masked and null values, at any depth, are None."""
    if isinstance(data, (list, tuple, deque)):
        plain = PLAIN.issuperset(map(type, data))
        return data if plain else [_marked(item) for item in data]
    if (table := columns_of(data)) is not None:
        return _joined(*table)
    mask: Any = False
    if isinstance(data, np.ma.MaskedArray):
        mask, data = np.ma.getmaskarray(data), np.ma.getdata(data)
    elif hasattr(data, "is_null"):  # polars, Arrow
        mask = np.asarray(data.is_null())
    elif hasattr(data, "isna") and not isinstance(data.dtype, np.dtype):  # pandas
        mask = np.asarray(data.isna())
    elif hasattr(data, "as_py"):  # an element of an Arrow array
        return data.as_py()
    if not mask.any() if isinstance(mask, np.ndarray) else True:
        return data
    cells = as_objects(np.asarray(data))
    cells[mask] = None
    return cells if cells.ndim else None  # np.ma.masked


def _joined(names: list[object], columns: list[Any]) -> Array:
    """Return the columns of a table side by side, each read by itself."""
    arrays = [np.asarray(_marked(column)) for column in columns]
    for name, array in zip(names, arrays, strict=True):
        if array.ndim != 1:
            raise DTypeError(f"column {name!r} holds arrays, of shape {array.shape[1:]}")
    if any(array.dtype.kind not in "biuf" for array in arrays):
        arrays = [as_objects(array) for array in arrays]
    return np.stack(arrays, axis=1) if arrays else np.empty((0, 0))


def _check_exact(array: Array, names: Names) -> None:
    """Raise if float64 would round an integer."""
    if array.max() <= EXACT and array.min() >= -EXACT:
        return
    for index in np.argwhere((array > EXACT) | (array < -EXACT)).tolist():
        number = int(array[tuple(index)])
        try:
            exact(number)
        except OverflowError as error:
            raise DTypeError(f"{number} in {place(index, names)} {error}") from None
