"""Arguments, checked; data, as floats."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from minidl.autograd import Tensor
from minidl.autograd.node import to_float
from minidl.errors import ArgumentError

__all__ = ["as_floats", "check_count", "check_number"]


def check_count(name: str, value: object, least: int = 1) -> int:
    """Return `value` as an int of at least `least`, or raise :class:`ArgumentError`."""
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < least:
        raise ArgumentError(
            f"{name} cannot be used", received=repr(value), expected=f"an integer >= {least}"
        )
    return int(value)


def check_number(name: str, value: Any, valid: Callable[[float], bool], expected: str) -> float:
    """Return `value` as a float for which `valid` holds, or raise :class:`ArgumentError`."""
    try:
        number = float("nan" if isinstance(value, (bool, np.bool_, str)) else value)
    except (TypeError, ValueError):
        number = float("nan")
    if not valid(number):
        raise ArgumentError(f"{name} cannot be used", received=repr(value), expected=expected)
    return number


def as_floats(x: Any) -> Any:
    """Return a Tensor or an array of floats as it is, and anything else as a new float array."""
    if isinstance(x, Tensor) or (isinstance(x, np.ndarray) and x.dtype.char in "fd"):
        return x
    return to_float(x)
