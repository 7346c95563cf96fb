"""Norms of vectors and matrices. At 0, where a norm has a kink, its gradient is 0."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from minidl.autograd.node import Node
from minidl.autograd.ops.elementwise import ratio
from minidl.autograd.ops.reductions import Axis, _kept, kept_shape
from minidl.autograd.primitive import composite, primitive
from minidl.errors import ArgumentError, ShapeError, UnknownNameError

__all__ = ["norm"]


def _scale(x: Any, axis: Axis) -> Any:
    """Return the largest size, kept in its axes, or 1: powers of x / scale do not overflow."""
    top = np.max(np.absolute(x), axis=axis, keepdims=True, initial=0.0)
    return np.where(np.isfinite(top) & (top > 0), top, 1.0)


@primitive(lambda g, y, x, axis: _kept(g, x, axis, False) * ratio(x, _kept(y, x, axis, False)))
def euclidean_norm(x: Any, axis: Axis) -> Any:
    """Length, y = sqrt(sum x^2); dy/dx = x / y."""
    scale = _scale(x, axis)
    y = scale * np.sqrt(np.sum(np.square(x / scale), axis=axis, keepdims=True))
    return np.squeeze(y, axis=axis)


def _p_slope(y: Any, x: Any, p: float) -> Any:
    zero = np.equal(x, 0) | np.equal(y, 0)
    share = np.absolute(x) / np.where(np.equal(y, 0), 1.0, y)
    return np.sign(x) * np.where(zero, 0.0, np.where(zero, 1.0, share) ** (p - 1.0))


@primitive(
    lambda g, y, x, p, axis: _kept(g, x, axis, False) * _p_slope(_kept(y, x, axis, False), x, p)
)
def p_norm(x: Any, p: float, axis: Axis) -> Any:
    """Norm of order p, y = (sum |x|^p)^(1/p); dy/dx = sign(x) (|x| / y)^(p - 1)."""
    scale = _scale(x, axis)
    with np.errstate(divide="ignore"):  # with p < 0 an element of 0 makes the norm 0
        powers = np.sum(np.absolute(x / scale) ** p, axis=axis, keepdims=True)
        y = scale * powers ** (1.0 / p)
    return np.squeeze(y, axis=axis)


def _vector_norm(x: Any, order: Any, axis: Axis) -> Any:
    if order is None or order == 2:
        return euclidean_norm(x, axis)
    if isinstance(order, str):
        raise UnknownNameError("order of a vector's norm", order, ["a number", "inf", "-inf"])
    if order == math.inf:
        return np.max(np.absolute(x), axis=axis)
    if order == -math.inf:
        return np.min(np.absolute(x), axis=axis)
    if order == 0:
        return np.sum(np.absolute(np.sign(x)), axis=axis)  # how many are not 0
    return np.sum(np.absolute(x), axis=axis) if order == 1 else p_norm(x, float(order), axis)


def _matrix_norm(x: Any, order: Any, axes: tuple[int, int]) -> Any:
    if order is None or order == "fro":
        return euclidean_norm(x, axes)
    extreme = {1: np.max, math.inf: np.max, -1: np.min, -math.inf: np.min}
    if order not in extreme:
        singular = order in (2, -2, "nuc")
        raise ArgumentError(
            "minidl has no singular values, and so not this norm of a matrix"
            if singular
            else "there is no such norm of a matrix",
            received=f"ord={order!r}",
            expected="None, 'fro', 1, -1, inf or -inf",
        )
    summed, other = axes if abs(order) == 1 else axes[::-1]
    sums = np.sum(np.absolute(x), axis=summed, keepdims=True)
    return extreme[order](sums, axis=(summed, other))


@composite(numpy=[np.linalg.norm], methods=["norm"])
def norm(x: Any, ord: Any = None, axis: Axis = None, *, keepdims: bool = False) -> Any:
    """Norm of vectors (axis an int) or of matrices (a pair of axes), as numpy.linalg.norm.

    Parameters
    ----------
    x : array_like
        Without `axis` a vector or a matrix; without `ord` either, elements in any shape.
    ord : None, number, inf, -inf or "fro", default None
        For vectors p, (sum |x|^p)^(1/p), 2 by default; inf and -inf are the largest and the
        smallest size, 0 the number of elements that are not 0. For matrices "fro", the root of
        the sum of squares, by default; 1 and inf are the largest sum of sizes of a column and of
        a row, -1 and -inf the smallest.
    axis : int, pair of int or None
        Where the vectors or matrices are.
    keepdims : bool, default False
        Leave these axes in place, of length one.

    Raises
    ------
    ArgumentError
        The order asks for singular values (2, -2 or "nuc" of matrices).
    ShapeError
        `ord` is given without `axis` for something else than a vector or matrix.

    Notes
    -----
    At x = 0 the gradient is 0, the subgradient that PyTorch takes too. Powers are taken of
    x / max |x|, so that nothing overflows (in NumPy it may).

    Examples
    --------
    >>> norm([3.0, 4.0]).item(), norm([3.0, -4.0], 1).item(), norm([[3.0, -4.0]], np.inf).item()
    (5.0, 7.0, 7.0)
    """
    if not isinstance(x, Node):
        x = np.asarray(x)
        x = x.astype(float) if x.dtype.kind in "biu" else x  # of int8, |-128| would be -128
    axes: Any = axis if isinstance(axis, tuple) else (axis,)
    if axis is None:
        if ord is not None and x.ndim not in (1, 2):
            raise ShapeError(
                "a norm of this order needs an axis",
                received=f"shape {x.shape}, ord={ord!r}",
                hint="One axis for vectors, a pair of axes for matrices.",
            )
        axes = tuple(range(x.ndim))
    flat = ord is None and axis is None
    if not flat and len(axes) not in (1, 2):
        raise ShapeError("a norm is of vectors or of matrices", received=f"axis={axis!r}")
    matrix = len(axes) == 2 and not flat
    y = _matrix_norm(x, ord, axes) if matrix else _vector_norm(x, ord, axes)
    return y.reshape(kept_shape(x.shape, axes)) if keepdims else y
