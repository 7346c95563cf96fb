"""Checks of what losses are given: valid targets, and settings that are shares or weights."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from minidl.autograd import Array
from minidl.checks import check_number
from minidl.errors import DataError, invalid
from minidl.values import CLASSES, REMEDY


def check_share(name: str, value: float) -> float:
    """Return a number from 0 to 1, or raise an ArgumentError that names it."""
    return check_number(name, value, lambda share: 0 <= share <= 1, "a number from 0 to 1")


def check_weight(name: str, value: float) -> float:
    """Return a finite number >= 0, or raise an ArgumentError that names it."""
    return check_number(name, value, lambda w: 0 <= w < math.inf, "a finite number >= 0")


def check_weights(name: str, values: object, hint: str) -> tuple[float, ...]:
    """Return weights as a tuple, or raise an ArgumentError that names them."""
    listed = values.tolist() if hasattr(values, "tolist") else values
    if not isinstance(listed, list | tuple) or not listed:
        raise invalid(name, values, "a list of numbers", hint)
    return tuple(check_weight(f"{name}[{k}]", value) for k, value in enumerate(listed))


def check_valid(
    loss: object,
    t: Array,
    valid: Array,
    expected: str,
    hint: Callable[[Array], str | None],
    *,
    problem: str = "a target is not a valid class",
) -> Array:
    """Return targets (n,), (n, 1), (R, n) or (R, n, 1), or raise for the first invalid one."""
    if not np.all(valid):
        place = tuple(int(i) for i in np.argwhere(~valid)[0])
        row = place[-2] if len(place) > 1 and t.shape[-1] == 1 else place[-1]
        message, received = f"{type(loss).__name__}: {problem}", t[place]
        advice = hint(np.unique(t)) if np.isfinite(t).all() else REMEDY
        raise DataError(
            message, received=f"{received} in row {row}", expected=expected, hint=advice
        )
    return t


def recoding(values: Array) -> str | None:
    """Return how targets with these values become 0 and 1, or which loss takes them."""
    if len(values) <= 2:
        return f"Recode two classes as 0 and 1: y = np.equal(y, {values[-1]:g})."
    if np.any(values % 1):
        return "For numbers that are not classes, use mean_squared_error."
    hint = (
        f"For {len(values)} classes, use SoftmaxCrossEntropy with {len(values)} outputs, and number"
    )
    return f"{hint} the classes with np.unique(y, return_inverse=True)[1]."


def numbering(values: Array, outputs: int) -> str | None:
    """Return how targets with these values become class indices, or how many outputs they need."""
    if np.any(values % 1):
        return "For numbers that are not classes, use mean_squared_error."
    if len(values) <= outputs:
        return f"{CLASSES} Number all rows at once, so that validation rows have the same numbers."
    return f"There are {len(values)} classes: end the network with {len(values)} outputs."
