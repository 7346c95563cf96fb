"""Weighted means, and reductions that leave out nan.

The gradient with respect to a nan is 0.
"""

import numpy as np

from minidl.autograd.node import Value, as_floats
from minidl.autograd.ops.extra.joining import as_array
from minidl.autograd.ops.ufuncs import Axis
from minidl.autograd.primitive import composite
from minidl.errors import ArgumentError, ShapeError

__all__ = ["average", "nanmax", "nanmean", "nanmin", "nanprod", "nansum"]


def _filled(a: Value, value: float) -> Value:
    a = as_floats(a)
    return np.where(np.isnan(a), value, a)


def _count(a: Value, axis: Axis, keepdims: bool) -> Value:
    """Return the number of elements that are not nan; nan for none, so a mean of them is nan."""
    a = as_floats(a)
    n = np.asarray(np.sum(~np.isnan(a), axis=axis, keepdims=keepdims))
    return np.where(n == 0, np.nan, n).astype(a.dtype)


@composite
def nansum(a: Value, axis: Axis = None, *, keepdims: bool = False) -> Value:
    """Sum of the elements that are not nan, 0 if all are; dy/dx = 1 for these.

    >>> nansum([1.0, np.nan, 3.0]).item()
    4.0
    """
    return np.sum(_filled(a, 0.0), axis=axis, keepdims=keepdims)


@composite
def nanprod(a: Value, axis: Axis = None, *, keepdims: bool = False) -> Value:
    """Product of the elements that are not nan, 1 if all are."""
    return np.prod(_filled(a, 1.0), axis=axis, keepdims=keepdims)


@composite
def nanmean(a: Value, axis: Axis = None, *, keepdims: bool = False) -> Value:
    """Mean of the n elements that are not nan; dy/dx = 1 / n for these.

    If all are nan, it is nan, without NumPy's warning, and the gradient 0 (nan in PyTorch).

    >>> nanmean([1.0, np.nan, 3.0]).item()
    2.0
    """
    return nansum(a, axis, keepdims=keepdims) / _count(a, axis, keepdims)


def _extreme(a: Value, axis: Axis, keepdims: bool, sign: float) -> Value:
    filled = _filled(a, -sign * np.inf)
    y = (np.max if sign > 0 else np.min)(filled, axis=axis, keepdims=keepdims)
    return np.where(np.isnan(_count(a, axis, keepdims)), np.nan, y)


@composite
def nanmax(a: Value, axis: Axis = None, *, keepdims: bool = False) -> Value:
    """Largest of the elements that are not nan, nan if all are; ties as in :func:`max`."""
    return _extreme(a, axis, keepdims, 1.0)


@composite
def nanmin(a: Value, axis: Axis = None, *, keepdims: bool = False) -> Value:
    """Smallest of the elements that are not nan, nan if all are; ties as in :func:`min`."""
    return _extreme(a, axis, keepdims, -1.0)


@composite
def average(
    a: Value, axis: Axis = None, weights: Value = None, returned: bool = False,
    *, keepdims: bool = False,
) -> Value:  # fmt: skip
    """Weighted mean, y = sum w x / sum w; dy/dx = w / sum w, dy/dw = (x - y) / sum w.

    Parameters
    ----------
    axis : int, tuple of int or None
        All axes by default.
    weights : array_like, optional
        Shaped like `a`, or a vector with one weight for each place of `axis`; another shape is a
        ShapeError, and a sum of 0 an ArgumentError. Without weights it is the mean.
    returned : bool, default False
        Return a pair: the mean and the sum of the weights.

    Examples
    --------
    >>> average([1.0, 4.0], weights=[2.0, 1.0]).item()
    2.0
    """
    a = as_floats(a)
    w = np.ones(a.shape, a.dtype) if weights is None else as_array(weights)
    w = w.astype(a.dtype) if w.dtype.kind in "biu" else w
    if w.shape != a.shape:
        if not isinstance(axis, int | np.integer) or w.shape != (a.shape[axis],):
            received = f"weights {w.shape}, a {a.shape}, {axis=}"
            expected = f"shape {a.shape}, or a vector and its axis"
            raise ShapeError("the weights do not fit", received=received, expected=expected)
        w = np.broadcast_to(np.reshape(w, (-1,) + (1,) * (a.ndim - 1 - axis % a.ndim)), a.shape)
    total = np.sum(w, axis=axis, keepdims=keepdims)
    if weights is None:
        y = np.mean(a, axis=axis, keepdims=keepdims)
        return (y, total) if returned else y
    if np.any(np.equal(total, 0)):
        message = "must not sum to 0" if a.size else "must not be empty"
        raise ArgumentError(message, argument="weights")
    y = np.sum(a * w, axis=axis, keepdims=keepdims) / total
    return (y, total) if returned else y
