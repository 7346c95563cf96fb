"""One function decides what is a number, and what is missing, in every container."""

from typing import Any

import numpy as np

from minidl.errors import DTypeError
from minidl.values.cells import check_exact, floats
from minidl.values.containers import columns_of, read
from minidl.values.hints import COMPLEX, FIELDS, TEXT, hint_for
from minidl.values.missing import Array, Names, a


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
    minidl.errors.DataError: a value is missing: got None in row 1. 1 of 2 values is missing. ...
    """
    if type(data) is np.ndarray and data.dtype.kind in "biuf":
        array, names = data, None
    else:
        table = columns_of(data)
        array, names = read(data), table and table[0]
    letter = array.dtype.kind
    if letter == "O" and not array.ndim and hint_for(array[()]):
        cell = array[()]
        raise DTypeError(f"{a(type(cell).__name__)} is not an array", hint=hint_for(cell))
    if letter in "OUSTMm":
        return floats(array, names, what, text), names
    if letter not in "biuf":
        hint = COMPLEX if letter == "c" else FIELDS if array.dtype.names else None
        raise DTypeError(f"dtype {array.dtype} is not real", hint=hint or "Use .astype(float).")
    check_exact(array, names)
    return array, names
