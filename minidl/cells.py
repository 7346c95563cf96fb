"""Python objects as floats: what is a number, what is missing, and what to write instead."""

import math
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from numbers import Real
from typing import Any

import numpy as np

from minidl.errors import DataError, DTypeError
from minidl.missing import REMEDY, RENAME, Array, Names, is_missing, place, summary

NOT_REAL = (np.timedelta64, np.complexfloating)  # NumPy calls a timedelta64 an integer
NULLS = ("NAType", "NaTType")  # the types of pandas.NA and pandas.NaT
ROUNDED = "Leave identifiers out; .astype(float) rounds"
DATES = "Count from a day: (dates - dates.min()) / np.timedelta64(1, 'D')."
DURATIONS = "Divide by a unit: durations / np.timedelta64(1, 's')."
COMPLEX = "Use .real and .imag."
FIELDS = "Use numpy.lib.recfunctions.structured_to_unstructured."
HINTS: tuple[tuple[Callable[[Any], bool], str], ...] = (  # the first that applies
    (lambda x: hasattr(x, "toarray"), "Use .toarray()."),  # scipy.sparse
    (lambda x: hasattr(x, "collect"), "Use .collect()."),  # polars.LazyFrame
    (lambda x: hasattr(x, "detach"), "Use .detach().cpu().numpy()."),  # PyTorch
    (lambda x: isinstance(x, Mapping), "Use np.column_stack(list(columns.values()))."),
    (lambda x: isinstance(x, (set, frozenset)), "A set has no order; use a list."),
    (lambda x: isinstance(x, np.datetime64) or hasattr(x, "isoformat"), DATES),
    (lambda x: isinstance(x, np.timedelta64) or hasattr(x, "total_seconds"), DURATIONS),
    (lambda x: isinstance(x, (complex, np.complexfloating)), COMPLEX),
    (lambda x: isinstance(x, Iterable), "Use an array, such as np.array(list(rows))."),
)


def floats(array: Array, names: Names, what: str, text: str) -> Array:
    """Return objects, text or dates as floats, or raise for the first that is no number.

    Missing values are a :class:`DataError`, other things a :class:`DTypeError`; for the arguments
    see :func:`minidl.arrays.numbers`.
    """
    cells = list(as_objects(array).ravel())
    gaps = [_is_gap(cell) for cell in cells]
    if any(gaps) and array.ndim:
        first = gaps.index(True)
        nan = [isinstance(cell, float) and math.isnan(cell) for cell in cells]
        received = f"{_shown(cells[first])} in {place(_index(first, array), names)}"
        bad = np.logical_or(gaps, nan).reshape(array.shape)
        renamed = "target" in what and isinstance(cells[first], str) and cells[first].strip()
        hint = f"{summary(bad, names)}. {REMEDY}" + (f" {RENAME}" if renamed else "")
        raise DataError(f"a {what} is missing", received=received, hint=hint)
    values = np.empty(len(cells))
    for i, cell in enumerate(cells):
        try:
            values[i] = _float(cell)
        except (TypeError, ValueError, OverflowError) as error:
            at = f" in {place(_index(i, array), names)}" if array.ndim else ""
            advice = hint_for(cell, text) if isinstance(error, TypeError) else None
            raise DTypeError(f"{_shown(cell)}{at} {error}", hint=advice) from None
    return values.reshape(array.shape)


def as_objects(array: Array) -> Array:
    """Return an array of Python objects; dates stay dates, which NumPy may make integers."""
    if array.dtype.kind not in "Mm":
        return array.astype(object)
    cells = np.empty(array.size, dtype=object)
    cells[:] = list(array.ravel())
    return cells.reshape(array.shape)


def exact(number: int) -> float:
    """Return an integer as a float, or raise an OverflowError that says why it is not the same.

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


def hint_for(data: Any, text: str = "") -> str | None:
    """Return what to write instead of something that is no number and no array of numbers."""
    if isinstance(data, (str, bytes)):
        return text
    return next((hint for applies, hint in HINTS if applies(data)), None)


def _is_gap(cell: object) -> bool:
    """Return True if a cell is a missing value; a float NaN is not one."""
    if isinstance(cell, (str, bytes)):
        return is_missing(cell if isinstance(cell, str) else cell.decode("latin-1"))
    if isinstance(cell, (np.datetime64, np.timedelta64)):
        return bool(np.isnat(cell))
    return cell is None or type(cell).__name__ in NULLS


def _index(i: int, array: Array) -> list[int]:
    """Return the index of the entry `i` of a flat array."""
    return [int(k) for k in np.unravel_index(i, array.shape)]


def _shown(cell: object) -> str:
    """Return a cell as it is written, or its type if that is long."""
    shown = str(cell) if type(cell).__name__ in NULLS else repr(cell)
    return shown if len(shown) <= 40 and "\n" not in shown else f"a {type(cell).__name__}"


def _float(cell: Any) -> float:
    """Return a real number as a float, or raise an error that says why it is none."""
    if not isinstance(cell, (Real, Decimal, np.bool_)) or isinstance(cell, NOT_REAL):
        raise TypeError("is not a real number")
    if isinstance(cell, (int, np.integer)):
        return exact(int(cell))
    try:
        return float(cell)
    except OverflowError:  # a Fraction
        raise OverflowError("is too large for float64") from None
