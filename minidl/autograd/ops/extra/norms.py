"""Norms of vectors and matrices."""

import math

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from minidl.autograd.node import Node, Value
from minidl.autograd.ops.reductions import kept, kept_shape
from minidl.autograd.ops.ufuncs import Axis, ratio
from minidl.autograd.primitive import composite, primitive
from minidl.errors import ArgumentError, ShapeError, UnknownNameError, shown

__all__ = ["norm"]

Order = float | str | None


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


def _largest(x: Value, axis: Axis) -> Value:
    """Return the largest of numbers >= 0; 0 if there are none."""
    lengths = [x.shape[i] for i in normalize_axis_tuple(axis, x.ndim)]  # type: ignore[arg-type]
    return (np.max if all(lengths) else np.sum)(x, axis=axis)


def _vector_norm(x: Value, order: Order, axis: Axis) -> Value:
    if order is None or order == 2:
        return euclidean_norm(x, axis)
    if isinstance(order, str):
        raise UnknownNameError("order of a vector's norm", order, ["a number", "inf", "-inf"])
    if order == 0:
        return np.sum(np.absolute(np.sign(x)), axis=axis)  # the number of nonzero elements
    reductions: dict[Order, Value] = {1: np.sum, math.inf: _largest, -math.inf: np.min}
    if order not in reductions:
        return p_norm(x, float(order), axis)
    return reductions[order](np.absolute(x), axis=axis)


def _matrix_norm(x: Value, order: Order, axes: tuple[int, ...]) -> Value:
    if order is None or order == "fro":
        return euclidean_norm(x, axes)
    if isinstance(order, str) or abs(order) not in (1, math.inf):
        message = "ord of a matrix norm must be None, 'fro', 1, -1, inf or -inf"
        hint = "minidl has no singular values." if order in (2, -2, "nuc") else None
        raise ArgumentError(message, received=shown(order), hint=hint)
    summed, compared = axes if abs(order) == 1 else axes[::-1]
    sums = np.sum(np.absolute(x), axis=summed, keepdims=True)
    return (_largest if order > 0 else np.min)(sums, axis=(summed, compared))


@composite
def norm(x: Value, ord: Order = None, axis: Axis = None, *, keepdims: bool = False) -> Value:
    """Norm of vectors (axis an int) or of matrices (a pair of axes), as numpy.linalg.norm.

    At x = 0 the gradient is 0, as in PyTorch. The norm of no elements is 0; the smallest magnitude
    or row sum of none is a ShapeError. Powers of x / max |x| cannot overflow.

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
