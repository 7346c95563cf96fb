"""Cumulative products and log-sum-exps: results of the first 1, 2, ... elements.

Each is written as log2 n operations on whole arrays: after k of them, an element has met the
2^k - 1 before it. So there is no rule, and no division by elements that may be 0.
"""

from collections.abc import Callable

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from minidl.autograd.node import Value, as_floats
from minidl.autograd.ops.elementwise import logaddexp
from minidl.autograd.ops.extra.joining import along, concatenate
from minidl.autograd.ops.ufuncs import multiply
from minidl.autograd.primitive import composite

__all__ = ["cumprod", "logcumsumexp"]


def _scan(x: Value, axis: int | None, combine: Callable[[Value, Value], Value]) -> Value:
    """Return ``combine`` of all elements up to each, along an axis."""
    x = as_floats(x)
    if axis is None or x.ndim == 0:
        x, axis = np.reshape(x, -1), 0 if axis is None else normalize_axis_index(axis, 1)
    axis = normalize_axis_index(axis, x.ndim)
    d = 1
    while d < x.shape[axis]:
        first, rest = (along(axis, x.ndim, part) for part in (slice(d), slice(d, None)))
        before = along(axis, x.ndim, slice(-d))
        x = concatenate([x[first], combine(x[before], x[rest])], axis)
        d *= 2
    return x


@composite
def cumprod(a: Value, axis: int | None = None) -> Value:
    """Cumulative product, y_i = x_1 ... x_i; the gradient is exact also where elements are 0.

    With ``axis=None``, the array is flattened; PyTorch requires an axis.

    >>> cumprod([1.0, 2.0, 3.0])
    array([1., 2., 6.])
    """
    return _scan(a, axis, multiply)


@composite
def logcumsumexp(a: Value, axis: int | None = None) -> Value:
    """Logarithm of the cumulative sum of exponentials, y_i = log(e^x_1 + ... + e^x_i).

    dy_i/dx_k = e^(x_k - y_i) for k <= i. Nothing overflows, and infinite elements share the
    gradient equally (nan in PyTorch). Axes as in :func:`cumprod`.

    >>> np.exp(logcumsumexp(np.log([1.0, 2.0, 3.0]))).round(12)
    array([1., 3., 6.])
    """
    return _scan(a, axis, logaddexp)
