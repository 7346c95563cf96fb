"""Diagonals and triangles of matrices; further axes are batches of them.

`k` or `offset` counts diagonals from the main one, 0: positive above it, negative below.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minidl.autograd.ops.indexing import scatter
from minidl.autograd.primitive import composite, primitive
from minidl.errors import ShapeError

__all__ = ["diag", "diagonal", "trace", "tril", "triu"]


def _places(n: int, offset: int) -> tuple[Any, Any]:
    """Return the rows and the columns of a diagonal of n elements."""
    along = np.arange(n)
    return along + max(-offset, 0), along + max(offset, 0)


def _onto_diagonal(g: Any, a: Any, offset: int, axes: tuple[int, int]) -> Any:
    """Return zeros like `a`, with `g` on the diagonal of the matrices over these axes."""
    pair = [axis % a.ndim for axis in axes]
    order = [*(i for i in range(a.ndim) if i not in pair), *pair]
    rows, columns = _places(g.shape[-1], offset)
    d = scatter(g, (Ellipsis, rows, columns), tuple(a.shape[i] for i in order))
    return np.transpose(d, np.argsort(order).tolist())  # axis k of d is axis order[k] of a


@primitive(
    lambda g, y, a, offset=0, axis1=0, axis2=1: _onto_diagonal(g, a, offset, (axis1, axis2)),
    numpy=[np.diagonal],
    methods=["diagonal"],
)
def diagonal(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    """Diagonal of the matrices over two axes, y_..i = a_..i,i+offset; the rule puts g back there.

    The diagonal is the last axis of the result, after those of `a` that are neither.

    >>> diagonal(np.arange(6.0).reshape(2, 3), offset=1)
    array([1., 5.])
    """
    return np.diagonal(a, offset, axis1, axis2).copy()  # NumPy's own cannot be written to


@composite(numpy=[np.diag], methods=["diag"])
def diag(v: Any, k: int = 0) -> Any:
    """Matrix with the vector v on its k-th diagonal, or the k-th diagonal of a matrix v.

    >>> diag([1.0, 2.0], k=1)
    array([[0., 1., 0.],
           [0., 0., 2.],
           [0., 0., 0.]])
    >>> diag(diag([1.0, 2.0], k=1), k=1)
    array([1., 2.])
    """
    if np.ndim(v) not in (1, 2):
        raise ShapeError(
            "diag takes a vector or a matrix",
            received=f"shape {np.shape(v)}",
            hint="diagonal takes the diagonals of many matrices.",
        )
    if np.ndim(v) == 2:
        return diagonal(v, k)
    n = len(v)
    return scatter(v, _places(n, k), (n + abs(k), n + abs(k)))


@composite(numpy=[np.trace], methods=["trace"])
def trace(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    """Sum of the diagonal of the matrices over two axes, y = sum_i a_i,i+offset; dy/da = I.

    >>> trace(np.arange(9.0).reshape(3, 3)).item()
    12.0
    """
    return np.sum(diagonal(a, offset, axis1, axis2), axis=-1)


@primitive(lambda g, y, m, k=0: np.tril(g, k), numpy=[np.tril], methods=["tril"])
def tril(m: Any, k: int = 0) -> Any:
    """Lower triangle: zeros above the k-th diagonal of each matrix; the rule cuts g likewise.

    >>> tril(np.ones((2, 3)))
    array([[1., 0., 0.],
           [1., 1., 0.]])
    """
    return np.tril(_matrices(m, "tril"), k)


@primitive(lambda g, y, m, k=0: np.triu(g, k), numpy=[np.triu], methods=["triu"])
def triu(m: Any, k: int = 0) -> Any:
    """Upper triangle: zeros below the k-th diagonal of each matrix; the rule cuts g likewise.

    >>> triu(np.ones((2, 3)))
    array([[1., 1., 1.],
           [0., 1., 1.]])
    """
    return np.triu(_matrices(m, "triu"), k)


def _matrices(m: Any, name: str) -> Any:
    if np.ndim(m) == 0:
        raise ShapeError(f"{name} takes matrices", received="an array without axes")
    return m
