"""Reductions: many elements in, fewer out.

``axis`` is an int, a tuple of ints or None for all axes; negative ones count from the end.
``keepdims`` keeps the reduced axes, with length one.
"""

from __future__ import annotations

import functools
from collections.abc import Callable

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from minidl.autograd.node import Rule, Value
from minidl.autograd.ops.activations import Axis
from minidl.autograd.ops.ufuncs import ratio
from minidl.autograd.primitive import from_numpy, primitive, quiet
from minidl.autograd.tensor import Tensor
from minidl.errors import ArgumentError

__all__ = ["cumsum", "logsumexp", "max", "mean", "min", "prod", "std", "sum", "var"]


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


def _count(x: Value, y: Value) -> float:
    """Return how many elements of x each of y was reduced from; 1 if there are none."""
    return x.size / y.size if x.size and y.size else 1.0


def _extreme_rule(g: Value, y: Value, x: Value, axis: Axis = None, keepdims: bool = False) -> Value:
    at = np.equal(x, kept(y, x, axis, keepdims)) | np.isnan(x)  # where there is a nan, y is nan
    return kept(g, x, axis, keepdims) * (at / at.sum(axis=axis, keepdims=True))


def _reduction(function: Callable[..., Value], rule: Rule, doc: str) -> Callable[..., Value]:
    """Return a NumPy function of an axis and `keepdims` as an operation."""

    def reduction(a: Value, axis: Axis = None, *, keepdims: bool = False) -> Value:
        return function(a, axis=axis, keepdims=keepdims)

    reduction.__name__ = function.__name__
    return from_numpy(reduction, rule, doc=doc)


# fmt: off
sum = _reduction(np.sum,
    lambda g, y, x, axis=None, keepdims=False: (
        np.broadcast_to(kept(g, x, axis, keepdims), x.shape)),
    doc="Sum of elements; dy/dx = 1.")
mean = _reduction(np.mean,
    lambda g, y, x, axis=None, keepdims=False: (
        np.broadcast_to(kept(g, x, axis, keepdims) / _count(x, y), x.shape)),
    doc="Arithmetic mean of n elements; dy/dx = 1 / n.")
prod = _reduction(np.prod,
    lambda g, y, x, axis=None, keepdims=False: (
        kept(g, x, axis, keepdims) * _product_of_others(x, axis)),
    doc="Product of elements; dy/dx_i is the product of all others, exact also where some are 0.")
max = _reduction(np.max, _extreme_rule,
    doc="Largest element; the gradient goes to it, in equal shares at a tie, and to nan if any.")
min = _reduction(np.min, _extreme_rule,
    doc="Smallest element; the gradient goes to it, in equal shares at a tie, and to nan if any.")
# fmt: on


def _freedom(x: Value, y: Value, ddof: float, correction: float | None) -> float:
    """Return n - ddof, the divisor of a variance; `correction` is another name of ddof."""
    if correction is not None:
        if ddof != 0:
            raise ArgumentError(
                "ddof and correction are two names of one number",
                received=f"ddof={ddof}, correction={correction}",
                hint="Give one of them.",
            )
        ddof = correction
    n = _count(x, y)
    if n <= ddof and y.size:
        raise ArgumentError(f"a variance of {n:g} elements needs a smaller ddof, got ddof={ddof}")
    return n - ddof


def _centred(x: Value, axis: Axis) -> Value:
    """Return x - mean, after the first element was taken off, so equal elements give exactly 0.

    The mean of 0.1, 0.1, 0.1 is not 0.1 in floating point, that of 0, 0, 0 is 0.
    """
    data = x.data if isinstance(x, Tensor) else x
    axes = range(data.ndim) if axis is None else normalize_axis_tuple(axis, data.ndim)
    first = tuple(slice(0, 1) if i in axes else slice(None) for i in range(data.ndim))
    shifted = x - data[first]
    return shifted - shifted.mean(axis=axis, keepdims=True)


@primitive(
    lambda g, y, x, axis=None, ddof=0, keepdims=False, correction=None: (
        kept(g, x, axis, keepdims) * (_centred(x, axis) * (2.0 / _freedom(x, y, ddof, correction)))
    )
)
def var(
    a: Value,
    axis: Axis = None,
    *,
    ddof: float = 0,
    keepdims: bool = False,
    correction: float | None = None,
) -> Value:
    """Variance of n elements, y = sum (x - mean)^2 / (n - ddof); dy/dx = 2 (x - mean) / (n - ddof).

    ``correction`` is another name of `ddof` (PyTorch's default is 1). The variance of equal
    numbers is exactly 0; that of no more than `ddof` elements is an ArgumentError.

    >>> var([1.0, 3.0]).item(), var([1.0, 3.0], ddof=1).item()
    (1.0, 2.0)
    """
    a = np.add(a, 0.0)  # floats, as differences of unsigned integers wrap around
    freedom = _freedom(a, np.sum(a, axis=axis), ddof, correction)
    return np.sum(np.square(_centred(a, axis)), axis=axis, keepdims=keepdims) / freedom


@primitive(
    lambda g, y, x, axis=None, ddof=0, keepdims=False, correction=None: (
        kept(ratio(g, y), x, axis, keepdims)
        * (_centred(x, axis) / _freedom(x, y, ddof, correction))
    )
)
def std(
    a: Value,
    axis: Axis = None,
    *,
    ddof: float = 0,
    keepdims: bool = False,
    correction: float | None = None,
) -> Value:
    """Root of the variance, y = sqrt(var(x)); dy/dx = (x - mean) / ((n - ddof) y), 0 where y = 0.

    The gradient of equal numbers is exactly 0; in PyTorch it is rounding error of size 1 / n.
    """
    return np.sqrt(var(a, axis, ddof=ddof, keepdims=keepdims, correction=correction))


@primitive(
    lambda g, y, x, axis=None, keepdims=False: (
        kept(g, x, axis, keepdims) * _softmax(kept(y, x, axis, keepdims), x, axis)
    )
)
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


def _softmax(y: Value, x: Value, axis: Axis) -> Value:
    """Return e^(x - y), and its limit where y is infinite: 0, or equal shares of all +inf."""
    infinite = np.isinf(y)
    share = np.exp(np.where(infinite, -np.inf, x) - np.where(infinite, 0.0, y))
    at = np.equal(x, np.inf)
    return share + at / np.maximum(at.sum(axis=axis, keepdims=True), 1) if at.any() else share


def _running_product(x: Value) -> Value:
    """Return the products of the first 1, 2, ... elements of the last axis.

    Of a Tensor by doubling the number of factors, in differentiable operations.
    """
    if isinstance(x, np.ndarray):
        return np.cumprod(x, axis=-1)
    n, d = x.shape[-1], 1
    while d < n:
        x = np.concatenate([x[..., :d], x[..., d:] * x[..., :-d]], axis=-1)
        d *= 2
    return x


def _product_before(x: Value) -> Value:
    """Return, for each element of the last axis, the product of those before it."""
    ones = np.ones(x[..., :1].shape, x.dtype)
    return _running_product(np.concatenate([ones, x[..., :-1]], axis=-1))


def _product_of_others(x: Value, axis: Axis) -> Value:
    """Return, for each element, the product of all others: without division, so zeros are fine."""
    axes = range(x.ndim) if axis is None or x.ndim == 0 else normalize_axis_tuple(axis, x.ndim)
    order = [*(i for i in range(x.ndim) if i not in axes), *axes]
    moved = np.transpose(x, order)
    lead = moved.shape[: x.ndim - len(axes)]
    rows = moved.reshape((*lead, int(np.prod(moved.shape[len(lead) :]))))
    others = _product_before(rows) * _product_before(rows[..., ::-1])[..., ::-1]
    return np.transpose(others.reshape(moved.shape), np.argsort(order).tolist())


def _cumsum_rule(g: Value, y: Value, x: Value, axis: int | None = None) -> Value:
    along = 0 if axis is None else axis
    return np.flip(np.cumsum(np.flip(g, along), along), along).reshape(x.shape)


@primitive(_cumsum_rule)
def cumsum(a: Value, axis: int | None = None) -> Value:
    """Cumulative sum, of the first 1, 2, ... elements; dL/dx_i is the sum of g from i on.

    Without an axis all elements are one vector; PyTorch requires an axis.

    >>> cumsum([1.0, 2.0, 3.0])
    array([1., 3., 6.])
    """
    return np.cumsum(a, axis=axis)
