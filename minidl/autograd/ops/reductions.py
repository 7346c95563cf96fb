"""Sums and their kin: many elements in, fewer out.

``axis`` is an int, a tuple of ints or None for all axes; negative ones count from the end.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minidl.autograd.primitive import primitive

__all__ = ["logsumexp", "max", "mean", "min", "sum"]

Axis = int | tuple[int, ...] | None


def _kept(value: Any, x: Any, axis: Axis, keepdims: bool) -> Any:
    """Return a reduced `value` with the reduced axes back in place, of length one."""
    if keepdims or value.ndim == x.ndim:
        return value
    if axis is None:
        return value  # without axes, it fits any shape
    axes = {a % x.ndim for a in (axis if isinstance(axis, tuple) else (axis,))}
    return value.reshape(tuple(1 if i in axes else n for i, n in enumerate(x.shape)))


def _count(x: Any, y: Any) -> float:
    return x.size / y.size if y.size else 1.0


@primitive(
    lambda g, y, x, axis=None, keepdims=False: np.broadcast_to(
        _kept(g, x, axis, keepdims), x.shape
    ),
    numpy=[np.sum],
    methods=["sum"],
)
def sum(a: Any, axis: Axis = None, *, keepdims: bool = False) -> Any:
    """Sum of elements; dy/dx = 1."""
    return np.sum(a, axis=axis, keepdims=keepdims)


@primitive(
    lambda g, y, x, axis=None, keepdims=False: np.broadcast_to(
        _kept(g, x, axis, keepdims) / _count(x, y), x.shape
    ),
    numpy=[np.mean],
    methods=["mean"],
)
def mean(a: Any, axis: Axis = None, *, keepdims: bool = False) -> Any:
    """Arithmetic mean of n elements; dy/dx = 1 / n."""
    return np.mean(a, axis=axis, keepdims=keepdims)


def _to_extremes(g: Any, y: Any, x: Any, axis: Axis = None, keepdims: bool = False) -> Any:
    at = np.equal(x, _kept(y, x, axis, keepdims))
    return _kept(g, x, axis, keepdims) * (at / at.sum(axis=axis, keepdims=True))


@primitive(_to_extremes, numpy=[np.max, np.amax], methods=["max"])
def max(a: Any, axis: Axis = None, *, keepdims: bool = False) -> Any:
    """Largest element; the gradient goes to it, in equal shares at a tie."""
    return np.max(a, axis=axis, keepdims=keepdims)


@primitive(_to_extremes, numpy=[np.min, np.amin], methods=["min"])
def min(a: Any, axis: Axis = None, *, keepdims: bool = False) -> Any:
    """Smallest element; the gradient goes to it, in equal shares at a tie."""
    return np.min(a, axis=axis, keepdims=keepdims)


@primitive(
    lambda g, y, x, axis=None, keepdims=False: (
        _kept(g, x, axis, keepdims) * np.exp(x - _kept(y, x, axis, keepdims))
    )
)
def logsumexp(a: Any, axis: Axis = None, *, keepdims: bool = False) -> Any:
    """Logarithm of a sum of exponentials, y = log sum e^x; dy/dx = softmax(x) = e^(x - y).

    The largest element is taken out of the sum first, so nothing overflows.
    """
    top = np.max(a, axis=axis, keepdims=True)
    top = np.where(np.isfinite(top), top, 0.0)
    y = np.log(np.add.reduce(np.exp(a - top), axis=axis, keepdims=True)) + top
    return y if keepdims else np.squeeze(y, axis=axis)
