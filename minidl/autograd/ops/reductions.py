"""Sums and their kin: many elements in, fewer out.

``axis`` is an int, a tuple of ints or None for all axes; negative ones count from the end.
``keepdims`` leaves the reduced axes in place, of length one.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from minidl.autograd.ops.elementwise import ratio
from minidl.autograd.primitive import primitive, quiet
from minidl.autograd.tensor import Tensor
from minidl.errors import ArgumentError

__all__ = ["cumsum", "logsumexp", "max", "mean", "min", "prod", "std", "sum", "var"]

Axis = int | tuple[int, ...] | None


@functools.lru_cache(maxsize=64)
def kept_shape(shape: tuple[int, ...], axis: int | tuple[int, ...]) -> tuple[int, ...]:
    """Return the shape with these axes of length one."""
    axes = {a % len(shape) for a in (axis if isinstance(axis, tuple) else (axis,))}
    return tuple(1 if i in axes else n for i, n in enumerate(shape))


def _kept(value: Any, x: Any, axis: Axis, keepdims: bool) -> Any:
    """Return a reduced `value` with the reduced axes back in place, of length one."""
    if keepdims or value.ndim == x.ndim:
        return value
    if axis is None:
        return value  # without axes, it fits any shape
    return value.reshape(kept_shape(x.shape, axis))


def _count(x: Any, y: Any) -> float:
    return x.size / y.size if x.size and y.size else 1.0  # of nothing, whatever


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


def _freedom(x: Any, y: Any, ddof: float, correction: float | None) -> float:
    """Return n - ddof, the divisor of a variance; `correction` is another name of ddof."""
    if correction is not None:
        if ddof != 0:
            raise ArgumentError(
                "ddof and correction are two names of one number",
                received=f"ddof={ddof}, correction={correction}",
                hint="Give one of them.",
            )
        ddof = correction
    n = _count(x, y) - ddof
    if n <= 0 < y.size:
        raise ArgumentError(
            "a variance needs more elements than ddof",
            received=f"{_count(x, y):g} elements, ddof={ddof}",
        )
    return n


def _centred(x: Any, axis: Axis) -> Any:
    """Return x - mean, of numbers from which the first was taken: of equal ones it is exactly 0.

    The mean of 0.1, 0.1, 0.1 is not 0.1 in floating point, that of 0, 0, 0 is 0. The shift is a
    constant, for no derivative depends on it.
    """
    data = x.data if isinstance(x, Tensor) else x
    axes = range(data.ndim) if axis is None else normalize_axis_tuple(axis, data.ndim)
    first = tuple(slice(0, 1) if i in axes else slice(None) for i in range(data.ndim))
    shifted = x - data[first]
    return shifted - shifted.mean(axis=axis, keepdims=True)


@primitive(
    lambda g, y, x, axis=None, ddof=0, keepdims=False, correction=None: (
        _kept(g, x, axis, keepdims) * (_centred(x, axis) * (2.0 / _freedom(x, y, ddof, correction)))
    ),
    numpy=[np.var],
    methods=["var"],
)
def var(
    a: Any,
    axis: Axis = None,
    *,
    ddof: float = 0,
    keepdims: bool = False,
    correction: float | None = None,
) -> Any:
    """Variance of n elements, y = sum (x - mean)^2 / (n - ddof); dy/dx = 2 (x - mean) / (n - ddof).

    `ddof` is 0 as in NumPy; ``correction`` is the same number by another name, 1 by default in
    PyTorch. Of equal numbers the variance is exactly 0. With no more than `ddof` elements it is an
    ArgumentError (NumPy and PyTorch warn and return nan).

    >>> var([1.0, 3.0]).item(), var([1.0, 3.0], ddof=1).item()
    (1.0, 2.0)
    """
    a = np.add(a, 0.0)  # of integers without a sign no differences could be taken
    freedom = _freedom(a, np.sum(a, axis=axis), ddof, correction)
    return np.sum(np.square(_centred(a, axis)), axis=axis, keepdims=keepdims) / freedom


@primitive(
    lambda g, y, x, axis=None, ddof=0, keepdims=False, correction=None: (
        _kept(ratio(g, y), x, axis, keepdims)
        * (_centred(x, axis) / _freedom(x, y, ddof, correction))
    ),
    numpy=[np.std],
    methods=["std"],
)
def std(
    a: Any,
    axis: Axis = None,
    *,
    ddof: float = 0,
    keepdims: bool = False,
    correction: float | None = None,
) -> Any:
    """Root of the variance, y = sqrt(var(x)); dy/dx = (x - mean) / ((n - ddof) y), 0 where y = 0.

    `ddof` and `correction` as in :func:`var`. Of equal numbers the gradient is exactly 0; in
    PyTorch it is what rounding left over, of size 1 / n.
    """
    return np.sqrt(var(a, axis, ddof=ddof, keepdims=keepdims, correction=correction))


def _to_extremes(g: Any, y: Any, x: Any, axis: Axis = None, keepdims: bool = False) -> Any:
    at = np.equal(x, _kept(y, x, axis, keepdims)) | np.isnan(x)  # nan, where there is one, is y
    return _kept(g, x, axis, keepdims) * (at / at.sum(axis=axis, keepdims=True))


@primitive(_to_extremes, numpy=[np.max, np.amax], methods=["max"])
def max(a: Any, axis: Axis = None, *, keepdims: bool = False) -> Any:
    """Largest element; the gradient goes to it, in equal shares at a tie.

    A nan is the largest and the smallest of all, as in NumPy, and so receives the gradient.
    """
    return np.max(a, axis=axis, keepdims=keepdims)


@primitive(_to_extremes, numpy=[np.min, np.amin], methods=["min"])
def min(a: Any, axis: Axis = None, *, keepdims: bool = False) -> Any:
    """Smallest element; the gradient goes to it, in equal shares at a tie."""
    return np.min(a, axis=axis, keepdims=keepdims)


@primitive(
    lambda g, y, x, axis=None, keepdims=False: (
        _kept(g, x, axis, keepdims) * _softmax(_kept(y, x, axis, keepdims), x, axis)
    ),
    methods=["logsumexp"],
)
@quiet
def logsumexp(a: Any, axis: Axis = None, *, keepdims: bool = False) -> Any:
    """Logarithm of a sum of exponentials, y = log sum e^x; dy/dx = softmax(x) = e^(x - y).

    The largest element is taken out of the sum first, so nothing overflows. Of nothing, or of
    -inf alone, it is -inf, with gradient 0. Where elements are +inf it is +inf, and they share the
    gradient equally, as in :func:`max` (nan in PyTorch).
    """
    top = np.max(a, axis=axis, keepdims=True, initial=-np.inf)
    top = np.where(np.isfinite(top), top, 0.0)
    with np.errstate(divide="ignore", over="ignore"):  # of nothing it is -inf; beside inf it is inf
        total = np.add.reduce(np.exp(a - top), axis=axis, keepdims=True)
        y = np.log(total) + top
    return y if keepdims else np.squeeze(y, axis=axis)


def _softmax(y: Any, x: Any, axis: Axis) -> Any:
    """Return e^(x - y), and its limit where y is infinite: 0, or equal shares of all +inf."""
    infinite = np.isinf(y)
    share = np.exp(np.where(infinite, -np.inf, x) - np.where(infinite, 0.0, y))
    at = np.equal(x, np.inf)
    return share + at / np.maximum(at.sum(axis=axis, keepdims=True), 1) if at.any() else share


def _running_product(x: Any) -> Any:
    """Return the products of the first 1, 2, ... elements of the last axis.

    Of a Tensor by doubling the number of factors, in operations that have rules. An array's go on
    from one to the next, so that none overflows that the others would bring back.
    """
    if isinstance(x, np.ndarray):
        return np.cumprod(x, axis=-1)
    n, d = x.shape[-1], 1
    while d < n:
        x = np.concatenate([x[..., :d], x[..., d:] * x[..., :-d]], axis=-1)
        d *= 2
    return x


def _product_before(x: Any) -> Any:
    """Return, for each element of the last axis, the product of those before it."""
    ones = np.ones(x[..., :1].shape, x.dtype)
    return _running_product(np.concatenate([ones, x[..., :-1]], axis=-1))


def _product_of_others(x: Any, axis: Axis) -> Any:
    """Return, for each element, the product of all others: without division, so zeros are fine."""
    axes = range(x.ndim) if axis is None or x.ndim == 0 else normalize_axis_tuple(axis, x.ndim)
    order = [*(i for i in range(x.ndim) if i not in axes), *axes]
    moved = np.transpose(x, order)
    kept = moved.shape[: x.ndim - len(axes)]
    rows = moved.reshape((*kept, int(np.prod(moved.shape[len(kept) :]))))
    others = _product_before(rows) * _product_before(rows[..., ::-1])[..., ::-1]
    return np.transpose(others.reshape(moved.shape), np.argsort(order).tolist())


@primitive(
    lambda g, y, x, axis=None, keepdims=False: (
        _kept(g, x, axis, keepdims) * _product_of_others(x, axis)
    ),
    numpy=[np.prod],
    methods=["prod"],
)
def prod(a: Any, axis: Axis = None, *, keepdims: bool = False) -> Any:
    """Product of elements; dy/dx_i is the product of all others, exact also where some are 0.

    >>> from minidl import Tensor, grad
    >>> x = Tensor([2.0, 0.0, 5.0], requires_grad=True)
    >>> grad(prod(x), x)
    Tensor([ 0., 10.,  0.])
    """
    return np.prod(a, axis=axis, keepdims=keepdims)


def _sums_from_the_end(g: Any, x: Any, axis: int | None) -> Any:
    along = 0 if axis is None else axis
    return np.flip(np.cumsum(np.flip(g, along), along), along).reshape(x.shape)


@primitive(
    lambda g, y, x, axis=None: _sums_from_the_end(g, x, axis),
    numpy=[np.cumsum],
    methods=["cumsum"],
)
def cumsum(a: Any, axis: int | None = None) -> Any:
    """Cumulative sum, of the first 1, 2, ... elements; dL/dx_i is the sum of g from i on.

    Without an axis the elements are taken in order, as one vector; PyTorch demands an axis.

    >>> cumsum([1.0, 2.0, 3.0])
    array([1., 3., 6.])
    """
    return np.cumsum(a, axis=axis)
