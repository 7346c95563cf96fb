"""Variances, products, cumulative sums and log-sum-exp."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from minidl.autograd.node import Node, Value
from minidl.autograd.ops.reductions import kept
from minidl.autograd.ops.ufuncs import Axis, ratio
from minidl.autograd.primitive import primitive, quiet
from minidl.errors import ArgumentError

__all__ = ["cumsum", "logsumexp", "prod", "std", "var"]

Ddof = float | None


def _axes(x: Value, axis: Axis) -> Sequence[int]:
    return range(x.ndim) if axis is None else normalize_axis_tuple(axis, x.ndim)


def _freedom(x: Value, axis: Axis, ddof: float, correction: Ddof) -> float:
    """Return n - ddof, the divisor of a variance; `correction` is another name of ddof."""
    if correction is not None:
        if ddof != 0:
            message = "ddof and correction are two names of one number"
            received = f"ddof={ddof}, correction={correction}"
            raise ArgumentError(message, received=received, hint="Give one of them.")
        ddof = correction
    axes = _axes(x, axis)
    n: int = math.prod(x.shape[i] for i in axes)
    if n > ddof:
        return n - ddof
    if math.prod(x.shape[i] for i in range(x.ndim) if i not in axes):
        message = "a variance needs more elements than ddof"
        raise ArgumentError(message, received=f"{n} elements with ddof={ddof}")
    return 1.0  # there is no variance to divide


def _centred(x: Value, axis: Axis) -> Value:
    """Return x - mean, after the first element was taken off, so equal elements give exactly 0."""
    data = x.data if isinstance(x, Node) else x
    axes = _axes(data, axis)
    shifted = x - data[tuple(slice(0, 1 if i in axes else None) for i in range(data.ndim))]
    return shifted - shifted.mean(axis=axis, keepdims=True)


@primitive(
    lambda g, y, x, axis=None, ddof=0, keepdims=False, correction=None: (
        kept(g, x, axis, keepdims)
        * (_centred(x, axis) * (2.0 / _freedom(x, axis, ddof, correction)))
    )
)
def var(
    a: Value, axis: Axis = None, *, ddof: float = 0, keepdims: bool = False, correction: Ddof = None
) -> Value:
    """Variance of n elements, y = sum (x - mean)^2 / (n - ddof); dy/dx = 2 (x - mean) / (n - ddof).

    ``correction`` is another name of `ddof` (PyTorch's default is 1). The variance of equal
    numbers is exactly 0; that of no elements, or of no more than `ddof`, is an ArgumentError,
    where NumPy warns and returns nan or inf.

    >>> var([1.0, 3.0]).item(), var([1.0, 3.0], ddof=1).item()
    (1.0, 2.0)
    """
    a = np.add(a, 0.0)  # floats, as differences of unsigned integers wrap around
    freedom = _freedom(a, axis, ddof, correction)
    return np.sum(np.square(_centred(a, axis)), axis=axis, keepdims=keepdims) / freedom


@primitive(
    lambda g, y, x, axis=None, ddof=0, keepdims=False, correction=None: (
        kept(ratio(g, y), x, axis, keepdims)
        * (_centred(x, axis) / _freedom(x, axis, ddof, correction))
    )
)
def std(
    a: Value, axis: Axis = None, *, ddof: float = 0, keepdims: bool = False, correction: Ddof = None
) -> Value:
    """Root of the variance, y = sqrt(var(x)); dy/dx = (x - mean) / ((n - ddof) y), 0 where y = 0.

    The gradient of equal numbers is exactly 0; in PyTorch it is rounding error of size 1 / n.
    Errors as in :func:`var`.
    """
    return np.sqrt(var(a, axis, ddof=ddof, keepdims=keepdims, correction=correction))


def _lse_rule(g: Value, y: Value, x: Value, axis: Axis = None, keepdims: bool = False) -> Value:
    """Return g e^(x - y), and its limit where y is infinite: 0, or equal shares of all +inf."""
    g, y = kept(g, x, axis, keepdims), kept(y, x, axis, keepdims)
    infinite, at = np.isinf(y), np.equal(x, np.inf)
    share = np.exp(np.where(infinite, -np.inf, x) - np.where(infinite, 0.0, y))
    if at.any():
        share = share + at / np.maximum(at.sum(axis=axis, keepdims=True), 1)
    return g * share


@primitive(_lse_rule)
@quiet
def logsumexp(a: Value, axis: Axis = None, *, keepdims: bool = False) -> Value:
    """Logarithm of a sum of exponentials, y = log sum e^x; dy/dx = softmax(x) = e^(x - y).

    The largest element is taken out first, so nothing overflows. Of no elements, or of -inf alone,
    it is -inf, with gradient 0; elements of +inf share the gradient equally (nan in PyTorch).
    """
    top = np.max(a, axis=axis, keepdims=True, initial=-np.inf)
    top = np.where(np.isfinite(top), top, 0.0)
    with np.errstate(divide="ignore", over="ignore"):  # log 0 is -inf; beside inf, e^x is inf
        y = np.log(np.add.reduce(np.exp(a - top), axis=axis, keepdims=True)) + top
    return y if keepdims else np.squeeze(y, axis=axis)


def _product_before(x: Value) -> Value:
    """Return, for each element of the last axis, the product of those before it."""
    x = np.concatenate([np.ones(x[..., :1].shape, x.dtype), x[..., :-1]], axis=-1)
    if isinstance(x, np.ndarray):
        return np.cumprod(x, axis=-1)
    d = 1
    while d < x.shape[-1]:  # doubles the number of factors, in differentiable operations
        x = np.concatenate([x[..., :d], x[..., d:] * x[..., :-d]], axis=-1)
        d *= 2
    return x


def _prod_rule(g: Value, y: Value, x: Value, axis: Axis = None, keepdims: bool = False) -> Value:
    """Multiply g by the product of all others: without division, so zeros are fine."""
    axes = range(x.ndim) if axis is None or x.ndim == 0 else normalize_axis_tuple(axis, x.ndim)
    order = [*(i for i in range(x.ndim) if i not in axes), *axes]
    moved = np.transpose(x, order)
    lead = moved.shape[: x.ndim - len(axes)]
    rows = moved.reshape((*lead, math.prod(moved.shape[len(lead) :])))
    others = _product_before(rows) * _product_before(rows[..., ::-1])[..., ::-1]
    others = np.transpose(others.reshape(moved.shape), np.argsort(order).tolist())
    return kept(g, x, axis, keepdims) * others


@primitive(_prod_rule)
def prod(a: Value, axis: Axis = None, *, keepdims: bool = False) -> Value:
    """Product of elements; dy/dx_i is the product of all others, exact also where some are 0."""
    return np.prod(a, axis=axis, keepdims=keepdims)


def _cumsum_rule(g: Value, y: Value, x: Value, axis: int | None = None) -> Value:
    along = 0 if axis is None else axis
    return np.flip(np.cumsum(np.flip(g, along), along), along).reshape(x.shape)


@primitive(_cumsum_rule)
def cumsum(a: Value, axis: int | None = None) -> Value:
    """Cumulative sum, of the first 1, 2, ... elements; dL/dx_i is the sum of g from i on.

    With ``axis=None``, the array is flattened; PyTorch requires an axis.

    >>> cumsum([1.0, 2.0, 3.0])
    array([1., 3., 6.])
    """
    return np.cumsum(a, axis=axis)
