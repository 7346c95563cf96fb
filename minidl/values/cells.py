"""Python objects as floats: what is a number, and what is missing."""

import math
import sys
from numbers import Real
from typing import Any

import numpy as np

from minidl.errors import DataError, DTypeError
from minidl.values.hints import hint_for
from minidl.values.missing import REMEDY, RENAME, Array, Names, a, is_missing, place, summary

NOT_REAL = (np.timedelta64, np.complexfloating)  # NumPy calls a timedelta64 an integer
NULLS = ("NAType", "NaTType")  # the types of pandas.NA and pandas.NaT
EXACT = 2**53  # larger integers may have no float64
ROUNDED = "Leave out identifiers; .astype(float) rounds"


class Null:
    """The cell of a value that its container marks as missing."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return self.name


MASKED, NULL = Null("a masked value"), Null("null")


def is_masked_array(data: object) -> bool:
    """Return True for a masked array; without asking for numpy.ma, whose import takes 10 ms.

    >>> is_masked_array(np.zeros(1)), is_masked_array(np.ma.masked)
    (False, True)
    """
    return "numpy.ma" in sys.modules and isinstance(data, np.ma.MaskedArray)


def floats(array: Array, names: Names = None, what: str = "value", text: str = "") -> Array:
    """Return objects, text or dates as floats, or raise for the first that is not a number.

    Missing values are a :class:`DataError`, other things a :class:`DTypeError`; for the arguments
    see :func:`minidl.values.numbers`.
    """
    cells = [_plain(cell) for cell in as_objects(array).ravel()]
    gaps = [_is_gap(cell) for cell in cells]
    nan = [isinstance(cell, float) and math.isnan(cell) for cell in cells]
    if any(isinstance(cell, (str, bytes)) for cell in cells):  # among labels NaN is a gap, too
        gaps = [gap or is_nan for gap, is_nan in zip(gaps, nan, strict=True)]
    if any(gaps) and array.ndim:
        position = gaps.index(True)
        received = f"{_shown(cells[position])} in {place(_index(position, array), names)}"
        mask = np.logical_or(gaps, nan).reshape(array.shape)
        renamed = "target" in what and isinstance(cells[position], str) and cells[position].strip()
        hint = f"{summary(mask, names)}. {REMEDY}" + (f" {RENAME}" if renamed else "")
        raise DataError(f"{a(what)} is missing", received=received, hint=hint)
    values = np.empty(len(cells))
    for i, cell in enumerate(cells):
        try:
            values[i] = _float(cell)
        except (TypeError, ValueError, OverflowError) as error:
            place_text = f" in {place(_index(i, array), names)}" if array.ndim else ""
            advice = hint_for(cell, text) if isinstance(error, TypeError) else None
            raise DTypeError(f"{_shown(cell)}{place_text} {error}", hint=advice) from None
    return values.reshape(array.shape)


def as_objects(array: Array) -> Array:
    """Return an array of Python objects; dates stay dates, which NumPy may make integers."""
    if array.dtype.kind not in "Mm":
        return array.astype(object)
    cells = np.empty(array.size, dtype=object)
    cells[:] = list(array.ravel())
    return cells.reshape(array.shape)


def exact(number: int) -> float:
    """Return an integer as a float, or raise an OverflowError that says why it differs.

    >>> exact(2**60)
    1.152921504606847e+18
    >>> exact(2**53 + 1)  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    OverflowError: would be rounded to 9007199254740992. Leave ...; .astype(float) rounds
    """
    try:
        value = float(number)
    except OverflowError:
        raise OverflowError("is too large for float64") from None
    if int(value) != number:
        raise OverflowError(f"would be rounded to {int(value)}. {ROUNDED}")
    return value


def check_exact(array: Array, names: Names = None) -> None:
    """Raise a :class:`DTypeError` if float64 would round an integer of an array."""
    if array.dtype.kind not in "iu" or array.dtype.itemsize < 8 or not array.size:
        return
    if array.max() <= EXACT and array.min() >= -EXACT:
        return
    for index in np.argwhere((array > EXACT) | (array < -EXACT)).tolist():
        number = int(array[tuple(index)])
        try:
            exact(number)
        except OverflowError as error:
            raise DTypeError(f"{number} in {place(index, names)} {error}") from None


def _plain(cell: Any) -> Any:
    """Return the number in an array without axes or a Tensor, as a list of these is read."""
    if isinstance(cell, np.generic) or not hasattr(cell, "__array__") or np.ndim(cell):
        return cell
    return MASKED if is_masked_array(cell) and cell.mask else np.asarray(cell)[()]


def _is_gap(cell: object) -> bool:
    """Return True if a cell is a missing value; a float NaN is not one."""
    if isinstance(cell, (str, bytes)):
        return is_missing(cell if isinstance(cell, str) else cell.decode("latin-1"))
    if isinstance(cell, (np.datetime64, np.timedelta64)):
        return bool(np.isnat(cell))
    return cell is None or isinstance(cell, Null) or type(cell).__name__ in NULLS


def _index(i: int, array: Array) -> list[int]:
    """Return the index of the entry `i` of a flat array."""
    return [int(k) for k in np.unravel_index(i, array.shape)]


def _shown(cell: object) -> str:
    """Return a cell as it is written, or its type if that is long."""
    shown = str(cell) if type(cell).__name__ in NULLS else repr(cell)
    short = len(shown) <= 40 and "\n" not in shown and " at 0x" not in shown
    return shown if short else a(type(cell).__name__)


def _float(cell: Any) -> float:
    """Return a real number as a float, or raise an error that says why it is not one."""
    decimal = getattr(sys.modules.get("decimal"), "Decimal", ())  # its import takes 1 ms
    if not isinstance(cell, (Real, decimal, np.bool_)) or isinstance(cell, NOT_REAL):
        raise TypeError("is not a real number")
    if isinstance(cell, (int, np.integer)):
        return exact(int(cell))
    try:
        value = float(cell)
    except OverflowError:  # a Fraction
        value = math.inf
    if math.isinf(value) and cell != value:
        raise OverflowError("is too large for float64")
    return value
