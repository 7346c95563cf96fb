"""Products of vectors and matrices beyond the matrix product."""

import functools
from collections.abc import Sequence

import numpy as np

from minidl.autograd.node import Value
from minidl.autograd.ops.extra.contractions import dot, tensordot
from minidl.autograd.ops.extra.joining import as_array
from minidl.autograd.ops.ufuncs import matmul, multiply
from minidl.autograd.primitive import composite
from minidl.errors import ShapeError

__all__ = ["cross", "inner", "kron", "matvec", "multi_dot", "vdot", "vecdot", "vecmat"]


@composite
def inner(a: Value, b: Value) -> Value:
    """Sum of products over the last axes, y_ij = sum_k a_ik b_jk; with a number, the multiple.

    >>> inner([1.0, 2.0], [3.0, 4.0]).item()
    11.0
    """
    if np.ndim(a) == 0 or np.ndim(b) == 0:
        return multiply(a, b)
    return tensordot(a, b, (-1, -1))


@composite
def vdot(a: Value, b: Value) -> Value:
    """Sum of products of all elements in order, y = sum_i a_i b_i."""
    return dot(np.reshape(a, -1), np.reshape(b, -1))


@composite
def vecdot(x1: Value, x2: Value, *, axis: int = -1) -> Value:
    """Inner product of the vectors along an axis, y = sum_k a_..k b_..k, with broadcasting.

    >>> vecdot([[1.0, 2.0], [3.0, 4.0]], [1.0, 1.0])
    array([3., 7.])
    """
    x1, x2 = (np.moveaxis(as_array(x), axis, -1) for x in (x1, x2))
    if x1.shape[-1] != x2.shape[-1]:
        raise ShapeError("vectors of vecdot differ in length", received=f"{x1.shape}, {x2.shape}")
    return np.sum(x1 * x2, axis=-1)


@composite
def matvec(x1: Value, x2: Value) -> Value:
    """Product of matrices (..., m, n) and vectors (..., n), y_i = sum_j A_ij x_j, broadcast."""
    return np.squeeze(matmul(x1, np.expand_dims(x2, -1)), -1)


@composite
def vecmat(x1: Value, x2: Value) -> Value:
    """Product of vectors (..., m) and matrices (..., m, n), y_j = sum_i x_i A_ij, broadcast."""
    return np.squeeze(matmul(np.expand_dims(x1, -2), x2), -2)


@composite
def multi_dot(arrays: Sequence[Value]) -> Value:
    """Product of matrices from left to right; the first and the last may be vectors."""
    if len(arrays) < 2:
        raise ShapeError("multi_dot needs two arrays or more", received=len(arrays))
    return functools.reduce(dot, arrays)


@composite
def cross(  # noqa: PLR0917 (NumPy's order)
    a: Value, b: Value, axisa: int = -1, axisb: int = -1, axisc: int = -1, axis: int | None = None
) -> Value:
    """Vector product of vectors with three elements, y = (a2 b3 - a3 b2, a3 b1 - a1 b3, ...).

    `axis` is where the vectors lie in a, b and y; `axisa`, `axisb` and `axisc` set it for each.
    Another length is a ShapeError. dL/da = b x g, dL/db = g x a.

    >>> cross([1.0, 0.0, 0.0], [0.0, 1.0, 0.0])
    array([0., 0., 1.])
    """
    if axis is not None:
        axisa = axisb = axisc = axis
    a, b = np.moveaxis(as_array(a), axisa, -1), np.moveaxis(as_array(b), axisb, -1)
    if a.shape[-1] != 3 or b.shape[-1] != 3:
        hint = "For two elements, write a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0]."
        received = f"{a.shape[-1]} and {b.shape[-1]}"
        raise ShapeError("cross needs vectors of three elements", received=received, hint=hint)
    on, back = [1, 2, 0], [2, 0, 1]
    y = a[..., on] * b[..., back] - a[..., back] * b[..., on]
    return np.moveaxis(y, -1, axisc)


@composite
def kron(a: Value, b: Value) -> Value:
    """Kronecker product: the matrix of blocks a_ij b, of shape (n_a n_b, m_a m_b).

    >>> kron([1.0, 10.0], [1.0, 2.0])
    array([ 1.,  2., 10., 20.])
    """
    a, b = as_array(a), as_array(b)
    n = max(a.ndim, b.ndim)
    rows, columns = (1,) * (n - a.ndim) + a.shape, (1,) * (n - b.ndim) + b.shape
    left = np.reshape(a, tuple(m for length in rows for m in (length, 1)))
    right = np.reshape(b, tuple(m for length in columns for m in (1, length)))
    shape = tuple(p * q for p, q in zip(rows, columns, strict=True))
    return np.reshape(multiply(left, right), shape)
