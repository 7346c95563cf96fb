"""Inverse, determinant, and linear equations.

Matrices are the last two axes; the others are batches, such as those of replicas.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from minidl.autograd.node import Value, array_of, as_floats
from minidl.autograd.ops.ufuncs import matmul
from minidl.autograd.primitive import composite, primitive
from minidl.errors import ArgumentError, ShapeError

__all__ = ["det", "inv", "slogdet", "solve"]


def _square(a: Value, name: str) -> Value:
    """Return `a` as floats; raise unless its matrices are square."""
    a = as_floats(a)
    if a.ndim < 2 or a.shape[-1] != a.shape[-2]:
        expected = "(..., n, n)"
        raise ShapeError(f"{name} needs square matrices", received=a.shape, expected=expected)
    return a


def _singular(name: str) -> ArgumentError:
    hint = "Its rows are linearly dependent; a + 1e-6 * np.eye(n) may be what you want."
    return ArgumentError(f"{name} needs an invertible matrix, got a singular one", hint=hint)


@primitive(lambda g, y, a: -matmul(matmul(y.mT, g), y.mT))
def _inv(a: Value) -> Value:
    try:
        return np.linalg.inv(a)
    except np.linalg.LinAlgError:
        raise _singular("inv") from None


@composite
def inv(a: Value) -> Value:
    """Inverse of square matrices, Y = A^-1; dL/dA = -Y' G Y'.

    From A Y = I follows dA Y + A dY = 0, so dY = -Y dA Y. A singular matrix is an ArgumentError. To
    solve equations, :func:`solve` is faster and more exact than the product with an inverse.

    >>> inv([[2.0, 0.0], [1.0, 1.0]]).tolist()
    [[0.5, 0.0], [-0.5, 1.0]]
    """
    return _inv(_square(a, "inv"))


def _cofactors(y: Value, a: Value) -> Value:
    """Return d det(A) / dA: y (A^-1)', or the signed minors where a matrix is singular."""
    if not np.any(np.equal(y, 0)):
        return y.reshape((*y.shape, 1, 1)) * inv(a).mT
    n = a.shape[-1]
    if n > 64:  # n^4 numbers
        message = f"det of order {n} is 0, and has no gradient there beyond order 64"
        raise ArgumentError(message, hint="slogdet does not underflow.")
    others = np.array([[j for j in range(n) if j != i] for i in range(n)], int).reshape(n, n - 1)
    minors = a[..., others[:, None, :, None], others[None, :, None, :]]  # (..., n, n, n-1, n-1)
    return det(minors) * (-1.0) ** np.add.outer(np.arange(n), np.arange(n))


@primitive(lambda g, y, a: g.reshape((*y.shape, 1, 1)) * _cofactors(y, a))
def _det(a: Value) -> Value:
    return np.linalg.det(a)


@composite
def det(a: Value) -> Value:
    """Compute determinants of square matrices, y = det A; dy/dA = y (A^-1)'.

    These are the cofactors. For a singular matrix, they are computed as n^2 determinants of order
    n - 1, up to n = 64; PyTorch may return 0. Determinants of large matrices overflow: use
    :func:`slogdet`.

    >>> det([[1.0, 2.0], [3.0, 4.0]]).round(12).item()
    -2.0
    """
    return _det(_square(a, "det"))


class SlogDet(NamedTuple):
    """Sign and logarithm of the magnitude of determinants."""

    sign: Value
    logabsdet: Value


@primitive(lambda g, y, a: g.reshape((*y.shape, 1, 1)) * inv(a).mT)
def _log_det(a: Value) -> Value:
    return np.linalg.slogdet(a)[1]


@composite
def slogdet(a: Value) -> SlogDet:
    """Sign and log |det A| of square matrices, as a named pair; d log |det A| / dA = (A^-1)'.

    The sign, -1, 0 or 1, has no gradient. For a singular matrix, the logarithm is -inf and its
    gradient an ArgumentError.

    >>> slogdet([[1.0, 2.0], [3.0, 4.0]]).logabsdet.round(12).item()
    0.69314718056
    """
    a = _square(a, "slogdet")
    return SlogDet(np.asarray(np.linalg.slogdet(array_of(a))[0]), _log_det(a))


def _right(g: Value, y: Value, a: Value, b: Value) -> Value:
    return _solve(a.mT, g)


def _left(g: Value, y: Value, a: Value, b: Value) -> Value:
    return -matmul(_right(g, y, a, b), y.mT)


@primitive(_left, _right)
def _solve(a: Value, b: Value) -> Value:
    try:
        return np.linalg.solve(a, b)
    except np.linalg.LinAlgError:
        raise _singular("solve") from None


@composite
def solve(a: Value, b: Value) -> Value:
    """Solution of linear equations A Y = B; dL/dB = A'^-1 G =: H, dL/dA = -H Y'.

    From dA Y + A dY = dB follows dY = A^-1 (dB - dA Y). A is (..., n, n); B is a vector (n,), or
    matrices (..., n, k). A singular matrix is an ArgumentError, another shape a ShapeError.

    >>> solve([[2.0, 0.0], [0.0, 4.0]], [1.0, 1.0])
    array([0.5 , 0.25])
    """
    a, b = _square(a, "solve"), as_floats(b)
    if b.ndim == 0 or b.shape[0 if b.ndim == 1 else -2] != a.shape[-1]:
        received, n = f"A {a.shape}, B {b.shape}", a.shape[-1]
        expected = f"B ({n},) or (..., {n}, k)"
        raise ShapeError("the right side does not fit", received=received, expected=expected)
    return _solve(a, b) if b.ndim > 1 else np.squeeze(_solve(a, b.reshape((-1, 1))), -1)
