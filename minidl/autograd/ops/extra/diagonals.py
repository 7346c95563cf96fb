"""Diagonals and triangles of matrices.

`k` or `offset` counts diagonals from the main one, 0: positive above it, negative below.
"""

import numpy as np

from minidl.autograd.node import Array, Value
from minidl.autograd.ops.shapes import scatter
from minidl.autograd.primitive import composite, primitive
from minidl.errors import ShapeError

__all__ = ["diag", "diagonal", "trace", "tril", "triu"]


def _places(n: int, offset: int) -> tuple[Array, Array]:
    """Return the rows and the columns of a diagonal of n elements."""
    along = np.arange(n)
    return along + max(-offset, 0), along + max(offset, 0)


def _diagonal_rule(  # noqa: PLR0917 (called by position)
    g: Value, y: Value, a: Value, offset: int = 0, axis1: int = 0, axis2: int = 1
) -> Value:
    """Return zeros like `a`, with `g` on the diagonal of the matrices over these axes."""
    pair = [axis1 % a.ndim, axis2 % a.ndim]
    order = [*(i for i in range(a.ndim) if i not in pair), *pair]
    places = (Ellipsis, *_places(g.shape[-1], offset))
    d = scatter(g, places, tuple(a.shape[i] for i in order))
    return np.transpose(d, np.argsort(order).tolist())  # axis k of d is axis order[k] of a


@primitive(_diagonal_rule)
def diagonal(a: Value, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Value:
    """Diagonal of the matrices over two axes, y_..i = a_..i,i+offset, as the last axis.

    >>> diagonal(np.arange(6.0).reshape(2, 3), offset=1)
    array([1., 5.])
    """
    return np.diagonal(a, offset, axis1, axis2).copy()  # NumPy's is read-only


@composite
def diag(v: Value, k: int = 0) -> Value:
    """Matrix with the vector v on its k-th diagonal, or the k-th diagonal of a matrix v.

    >>> diag([1.0, 2.0], k=1).tolist()
    [[0.0, 1.0, 0.0], [0.0, 0.0, 2.0], [0.0, 0.0, 0.0]]
    """
    if np.ndim(v) not in (1, 2):
        message = f"diag needs a vector or a matrix, got shape {np.shape(v)}"
        raise ShapeError(message, hint="diagonal takes the diagonals of many matrices.")
    if np.ndim(v) == 2:
        return diagonal(v, k)
    n = len(v)
    return scatter(v, _places(n, k), (n + abs(k), n + abs(k)))


@composite
def trace(a: Value, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Value:
    """Sum of the diagonal of the matrices over two axes, y = sum_i a_i,i+offset; dy/da = I."""
    return np.sum(diagonal(a, offset, axis1, axis2), axis=-1)


@primitive(lambda g, y, m, k=0: np.tril(g, k))
def tril(m: Value, k: int = 0) -> Value:
    """Lower triangle: zeros above the k-th diagonal of each matrix; the rule cuts g likewise."""
    return np.tril(_matrices(m, "tril"), k)


@primitive(lambda g, y, m, k=0: np.triu(g, k))
def triu(m: Value, k: int = 0) -> Value:
    """Upper triangle: zeros below the k-th diagonal of each matrix; the rule cuts g likewise."""
    return np.triu(_matrices(m, "triu"), k)


def _matrices(m: Value, name: str) -> Value:
    if np.ndim(m) == 0:
        raise ShapeError(f"{name} needs matrices, got an array without axes")
    return m
