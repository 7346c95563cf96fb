"""Checked arguments, shared by the files of this package."""

from __future__ import annotations

import math
import operator
from typing import SupportsFloat, SupportsIndex

from minidl.errors import ArgumentError

__all__ = ["integer", "number", "seed_number"]


def integer(name: str, value: SupportsIndex, *, low: int, high: int | None = None) -> int:
    """Return `value` as an int from `low` up to, not including, `high`.

    Raises
    ------
    ArgumentError
        It is not a whole number (a bool or 3.0 is not), or out of range.

    Examples
    --------
    >>> integer("n", 5, low=2)
    5
    """
    expected = f"a whole number from {low}" + ("" if high is None else f" to {high - 1}")
    try:
        found = low - 1 if isinstance(value, bool) else operator.index(value)
    except TypeError:
        found = low - 1
    if found < low or (high is not None and found >= high):
        raise ArgumentError(f"{name} cannot be used", received=repr(value), expected=expected)
    return found


def seed_number(name: str, value: SupportsIndex) -> int:
    """Return a seed; the upper limit is scikit-learn's, 2**32 - 1.

    Examples
    --------
    >>> seed_number("seed", 7)
    7
    """
    return integer(name, value, low=0, high=2**32)


def number(
    name: str,
    value: SupportsFloat,
    *,
    below: float = math.inf,
    up_to: float = math.inf,
    expected: str,
) -> float:
    """Return `value` as a float with 0 <= value < `below` and value <= `up_to`.

    Raises
    ------
    ArgumentError
        It is not a number (a bool or text is not), or out of range.

    Examples
    --------
    >>> number("test_size", 0.25, below=1.0, expected="0 <= test_size < 1")
    0.25
    """
    try:
        found = math.nan if isinstance(value, (bool, str, bytes)) else float(value)
    except (TypeError, ValueError, OverflowError):
        found = math.nan
    if not (0.0 <= found < below and found <= up_to):
        raise ArgumentError(f"{name} cannot be used", received=repr(value), expected=expected)
    return found
