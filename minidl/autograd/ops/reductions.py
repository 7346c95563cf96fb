"""Reductions: many elements in, fewer out.

``axis`` is an int, a tuple of ints or None for all axes; negative ones count from the end.
``keepdims`` keeps the reduced axes, with length one.
"""

import functools

import numpy as np

from minidl.autograd.node import Value
from minidl.autograd.ops.ufuncs import Axis
from minidl.autograd.primitive import primitive

__all__ = ["max", "mean", "min", "sum"]


@functools.lru_cache(maxsize=64)
def kept_shape(shape: tuple[int, ...], axis: int | tuple[int, ...]) -> tuple[int, ...]:
    """Return the shape with these axes of length one."""
    axes = {a % len(shape) for a in (axis if isinstance(axis, tuple) else (axis,))}
    return tuple(1 if i in axes else n for i, n in enumerate(shape))


def kept(value: Value, x: Value, axis: Axis, keepdims: bool = False) -> Value:
    """Return a reduced `value` with the reduced axes of `x`, of length one."""
    if keepdims or axis is None or value.ndim == x.ndim:
        return value  # a number fits any shape
    return value.reshape(kept_shape(x.shape, axis))


def count(x: Value, y: Value) -> float:
    """Return how many elements of x each of y was reduced from; 1 if there are none."""
    return x.size / y.size if x.size and y.size else 1.0


def _sum_rule(g: Value, y: Value, x: Value, axis: Axis = None, keepdims: bool = False) -> Value:
    return np.broadcast_to(kept(g, x, axis, keepdims), x.shape)


@primitive(_sum_rule)
def sum(a: Value, axis: Axis = None, *, keepdims: bool = False) -> Value:
    """Sum of elements; dy/dx = 1."""
    return np.sum(a, axis=axis, keepdims=keepdims)


@primitive(lambda g, y, x, *axis, **keepdims: _sum_rule(g / count(x, y), y, x, *axis, **keepdims))
def mean(a: Value, axis: Axis = None, *, keepdims: bool = False) -> Value:
    """Arithmetic mean of n elements; dy/dx = 1 / n."""
    return np.mean(a, axis=axis, keepdims=keepdims)


def _extreme_rule(g: Value, y: Value, x: Value, axis: Axis = None, keepdims: bool = False) -> Value:
    at = np.equal(x, kept(y, x, axis, keepdims)) | np.isnan(x)  # where there is a nan, y is nan
    return kept(g, x, axis, keepdims) * (at / at.sum(axis=axis, keepdims=True))


@primitive(_extreme_rule)
def max(a: Value, axis: Axis = None, *, keepdims: bool = False) -> Value:
    """Largest element; the gradient goes to it, in equal shares at a tie, and to nan if any."""
    return np.max(a, axis=axis, keepdims=keepdims)


@primitive(_extreme_rule)
def min(a: Value, axis: Axis = None, *, keepdims: bool = False) -> Value:
    """Smallest element; the gradient goes to it, in equal shares at a tie, and to nan if any."""
    return np.min(a, axis=axis, keepdims=keepdims)
