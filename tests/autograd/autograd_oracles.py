"""Derivatives without minidl: the complex step, exact to rounding, and slopes of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
STEP = 1e-30


def gradients(f: Callable[..., Any], arrays: Sequence[Array], weight: Any) -> list[Array]:
    """Return d sum(weight f) / d array for each array: Im f(x + ih) / h, element by element."""
    found = []
    for position, array in enumerate(arrays):
        gradient = np.zeros(array.shape)
        for index in np.ndindex(array.shape):
            moved = [a.astype(np.complex128) for a in arrays]
            moved[position][index] += STEP * 1j
            gradient[index] = np.sum(weight * f(*moved)).imag / STEP
        found.append(gradient)
    return found


def hessian_products(
    f: Callable[..., Any],
    arrays: Sequence[Array],
    weight: Any,
    directions: Sequence[Array],
    step: float = 1e-4,
) -> list[Array]:
    """Return, for each array, the slope of its gradient along all directions at once.

    A difference over four points, whose error is of the order of step^4.
    """
    slopes: list[Any] = [0.0] * len(arrays)
    for factor, distance in ((8, step), (-8, -step), (-1, 2 * step), (1, -2 * step)):
        points = [np.asarray(a + distance * u) for a, u in zip(arrays, directions, strict=True)]
        there = gradients(f, points, weight)
        slopes = [s + factor * g / (12 * step) for s, g in zip(slopes, there, strict=True)]
    return slopes
