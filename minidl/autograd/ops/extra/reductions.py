"""Variances, products, cumulative sums, log-sum-exp, and norms of vectors and matrices."""

import math

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from minidl.autograd.node import Node, Value
from minidl.autograd.ops.reductions import count, kept, kept_shape
from minidl.autograd.ops.ufuncs import Axis, ratio
from minidl.autograd.primitive import composite, primitive, quiet
from minidl.errors import ArgumentError, ShapeError, UnknownNameError

__all__ = ["cumsum", "logsumexp", "norm", "prod", "std", "var"]

Ddof = float | None
Order = float | str | None


def _freedom(x: Value, y: Value, ddof: float, correction: Ddof) -> float:
    """Return n - ddof, the divisor of a variance; `correction` is another name of ddof."""
    if correction is not None:
        if ddof != 0:
            message = "ddof and correction are two names of one number"
            received = f"ddof={ddof}, correction={correction}"
            raise ArgumentError(message, received=received, hint="Give one of them.")
        ddof = correction
    n = count(x, y)
    if n <= ddof and y.size:
        raise ArgumentError(f"a variance of {n:g} elements needs a smaller ddof, got ddof={ddof}")
    return n - ddof


def _centred(x: Value, axis: Axis) -> Value:
    """Return x - mean, after the first element was taken off, so equal elements give exactly 0."""
    data = x.data if isinstance(x, Node) else x
    axes = range(data.ndim) if axis is None else normalize_axis_tuple(axis, data.ndim)
    shifted = x - data[tuple(slice(0, 1 if i in axes else None) for i in range(data.ndim))]
    return shifted - shifted.mean(axis=axis, keepdims=True)


@primitive(
    lambda g, y, x, axis=None, ddof=0, keepdims=False, correction=None: (
        kept(g, x, axis, keepdims) * (_centred(x, axis) * (2.0 / _freedom(x, y, ddof, correction)))
    )
)
def var(
    a: Value, axis: Axis = None, *, ddof: float = 0, keepdims: bool = False, correction: Ddof = None
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
    a: Value, axis: Axis = None, *, ddof: float = 0, keepdims: bool = False, correction: Ddof = None
) -> Value:
    """Root of the variance, y = sqrt(var(x)); dy/dx = (x - mean) / ((n - ddof) y), 0 where y = 0.

    The gradient of equal numbers is exactly 0; in PyTorch it is rounding error of size 1 / n.
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

    Without an axis all elements are one vector; PyTorch requires an axis.

    >>> cumsum([1.0, 2.0, 3.0])
    array([1., 3., 6.])
    """
    return np.cumsum(a, axis=axis)


def _scale(x: Value, axis: Axis) -> Value:
    """Return the largest magnitude, or 1: powers of x / scale do not overflow."""
    top = np.max(np.absolute(x), axis=axis, keepdims=True, initial=0.0)
    return np.where(np.isfinite(top) & (top > 0), top, 1.0)


@primitive(lambda g, y, x, axis: kept(g, x, axis) * ratio(x, kept(y, x, axis)))
def euclidean_norm(x: Value, axis: Axis) -> Value:
    """Length, y = sqrt(sum x^2); dy/dx = x / y."""
    scale = _scale(x, axis)
    y = scale * np.sqrt(np.sum(np.square(x / scale), axis=axis, keepdims=True))
    return np.squeeze(y, axis=axis)


def _p_slope(y: Value, x: Value, p: float) -> Value:
    zero = np.equal(x, 0) | np.equal(y, 0)
    share = np.absolute(x) / np.where(np.equal(y, 0), 1.0, y)
    return np.sign(x) * np.where(zero, 0.0, np.where(zero, 1.0, share) ** (p - 1.0))


@primitive(lambda g, y, x, p, axis: kept(g, x, axis) * _p_slope(kept(y, x, axis), x, p))
def p_norm(x: Value, p: float, axis: Axis) -> Value:
    """Norm of order p, y = (sum |x|^p)^(1/p); dy/dx = sign(x) (|x| / y)^(p - 1)."""
    scale = _scale(x, axis)
    with np.errstate(divide="ignore"):  # with p < 0 an element of 0 makes the norm 0
        powers = np.sum(np.absolute(x / scale) ** p, axis=axis, keepdims=True)
        y = scale * powers ** (1.0 / p)
    return np.squeeze(y, axis=axis)


def _vector_norm(x: Value, order: Order, axis: Axis) -> Value:
    if order is None or order == 2:
        return euclidean_norm(x, axis)
    if isinstance(order, str):
        raise UnknownNameError("order of a vector's norm", order, ["a number", "inf", "-inf"])
    if order == 0:
        return np.sum(np.absolute(np.sign(x)), axis=axis)  # the number of nonzero elements
    reductions: dict[Order, Value] = {1: np.sum, math.inf: np.max, -math.inf: np.min}
    if order not in reductions:
        return p_norm(x, float(order), axis)
    return reductions[order](np.absolute(x), axis=axis)


def _matrix_norm(x: Value, order: Order, axes: tuple[int, ...]) -> Value:
    if order is None or order == "fro":
        return euclidean_norm(x, axes)
    if isinstance(order, str) or abs(order) not in (1, math.inf):
        message = "ord of a matrix norm must be None, 'fro', 1, -1, inf or -inf"
        hint = "minidl has no singular values." if order in (2, -2, "nuc") else None
        raise ArgumentError(message, received=repr(order), hint=hint)
    summed, compared = axes if abs(order) == 1 else axes[::-1]
    sums = np.sum(np.absolute(x), axis=summed, keepdims=True)
    return (np.max if order > 0 else np.min)(sums, axis=(summed, compared))


@composite
def norm(x: Value, ord: Order = None, axis: Axis = None, *, keepdims: bool = False) -> Value:
    """Norm of vectors (axis an int) or of matrices (a pair of axes), as numpy.linalg.norm.

    At x = 0 the gradient is 0, as in PyTorch. Powers of x / max |x| cannot overflow.

    Parameters
    ----------
    x : array_like
        Without `axis` a vector or a matrix; without `ord` either, of any shape.
    ord : None, number, inf, -inf or "fro", default None
        For vectors p, (sum |x|^p)^(1/p), 2 by default; inf and -inf are the largest and smallest
        magnitude, 0 the number of nonzero elements. For matrices "fro" by default, the root of the
        sum of squares; 1 and inf are the largest column and row sum of magnitudes, -1 and -inf
        the smallest. Those of singular values (2, -2, "nuc") raise an ArgumentError.
    axis : int, pair of int or None
        The axes of the vectors or matrices; with `ord` and another number of axes, a ShapeError.
    keepdims : bool, default False
        Keep these axes, with length one.

    Examples
    --------
    >>> norm([3.0, 4.0]).item(), norm([3.0, -4.0], 1).item(), norm([[3.0, -4.0]], np.inf).item()
    (5.0, 7.0, 7.0)
    """
    if not isinstance(x, Node):
        x = np.asarray(x)
        x = x.astype(float) if x.dtype.kind in "biu" else x  # in int8, |-128| is -128
    axes = axis if isinstance(axis, tuple) else tuple(range(x.ndim)) if axis is None else (axis,)
    if axis is None and ord is None:
        y = euclidean_norm(x, axes)
    elif len(axes) not in (1, 2):
        message, expected = "a norm is of vectors or of matrices", "one axis or a pair of axes"
        raise ShapeError(message, received=f"shape {x.shape}, {ord=}, {axis=}", expected=expected)
    else:
        y = (_matrix_norm if len(axes) == 2 else _vector_norm)(x, ord, axes)
    return y.reshape(kept_shape(x.shape, axes)) if keepdims else y
