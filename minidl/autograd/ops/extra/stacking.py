"""Rows, columns and layers put together, and arrays with more axes."""

from collections.abc import Sequence

import numpy as np

from minidl.autograd.node import Value
from minidl.autograd.ops.extra.joining import as_array, beside, concatenate
from minidl.autograd.primitive import composite
from minidl.errors import DTypeError, ShapeError, UnknownNameError

__all__ = ["append", "atleast_1d", "atleast_2d", "atleast_3d", "broadcast_arrays", "column_stack"]
__all__ += ["dstack", "hstack", "meshgrid", "vstack"]


def _each(arrays: tuple[Value, ...], reshaped: list[Value]) -> Value:
    """Return one array, or a tuple of several, as NumPy does."""
    return reshaped[0] if len(arrays) == 1 else tuple(reshaped)


@composite
def atleast_1d(*arrays: Value) -> Value:
    """Give a number an axis, (1,); several arrays come back as a tuple."""
    return _each(arrays, [np.reshape(a, -1) if np.ndim(a) == 0 else as_array(a) for a in arrays])


@composite
def atleast_2d(*arrays: Value) -> Value:
    """Make rows of numbers and vectors, (1, n); several arrays come back as a tuple."""
    return _each(
        arrays, [np.reshape(a, (1, -1)) if np.ndim(a) < 2 else as_array(a) for a in arrays]
    )


@composite
def atleast_3d(*arrays: Value) -> Value:
    """Make vectors (1, n, 1) and matrices (n, m, 1); several arrays come back as a tuple."""
    shapes = {0: (1, 1, 1), 1: (1, -1, 1)}
    found = []
    for a in map(as_array, arrays):
        shape = shapes.get(a.ndim, (*a.shape, 1))
        found.append(np.reshape(a, shape) if a.ndim < 3 else a)
    return _each(arrays, found)


def _parts(tup: Sequence[Value], name: str) -> list[Value]:
    """Return the arrays of a list or tuple; the rows of one array or Tensor count as well."""
    try:
        parts = [as_array(a) for a in tup]
    except TypeError:
        message = f"{name} needs a list of arrays, got a {type(tup).__name__}"
        raise DTypeError(message, hint=f"Write {name}([a, b]).") from None
    if not parts:
        raise ShapeError(f"{name} needs at least one array", received="no arrays")
    return parts


@composite
def vstack(tup: Sequence[Value]) -> Value:
    """Stack rows and matrices on top of each other, along the first axis.

    >>> vstack([[1.0, 2.0], [3.0, 4.0]]).tolist()
    [[1.0, 2.0], [3.0, 4.0]]
    """
    return concatenate([atleast_2d(a) for a in _parts(tup, "vstack")], axis=0)


@composite
def hstack(tup: Sequence[Value]) -> Value:
    """Join arrays side by side: vectors along their axis, matrices and others along the second.

    >>> hstack([[1.0, 2.0], [3.0]])
    array([1., 2., 3.])
    """
    parts = [atleast_1d(a) for a in _parts(tup, "hstack")]
    return concatenate(parts, axis=0 if parts[0].ndim == 1 else 1)


@composite
def dstack(tup: Sequence[Value]) -> Value:
    """Join matrices in depth, along the third axis.

    >>> dstack([[1.0, 2.0], [3.0, 4.0]]).tolist()
    [[[1.0, 3.0], [2.0, 4.0]]]
    """
    return concatenate([atleast_3d(a) for a in _parts(tup, "dstack")], axis=2)


@composite
def column_stack(tup: Sequence[Value]) -> Value:
    """Join vectors, as columns, and matrices side by side.

    >>> column_stack([[1.0, 2.0], [3.0, 4.0]]).tolist()
    [[1.0, 3.0], [2.0, 4.0]]
    """
    parts = _parts(tup, "column_stack")
    return concatenate([np.reshape(a, (-1, 1)) if a.ndim < 2 else a for a in parts], axis=1)


@composite
def append(arr: Value, values: Value, axis: int | None = None) -> Value:
    """Join `values` to the end of an axis; with ``axis=None``, both are flattened.

    >>> append([[1.0, 2.0]], [3.0])
    array([1., 2., 3.])
    """
    arr = as_array(arr)
    return concatenate([arr, beside(values, arr)], axis)


@composite
def broadcast_arrays(*args: Value) -> tuple[Value, ...]:
    """Repeat arrays to their common shape; return a tuple."""
    parts = [as_array(a) for a in args]
    shape = np.broadcast_shapes(*(a.shape for a in parts))
    return tuple(a if a.shape == shape else np.broadcast_to(a, shape) for a in parts)


@composite
def meshgrid(*xi: Value, indexing: str = "xy", sparse: bool = False) -> tuple[Value, ...]:
    """Grids of coordinates from vectors, of shape (len(y), len(x)) for x and y; return a tuple.

    ``indexing="ij"`` gives (len(x), len(y)), PyTorch's default. With `sparse` each grid keeps
    length one on the axes of the others. Another word is an
    UnknownNameError; arrays are flattened.

    >>> meshgrid([1.0, 2.0, 3.0], [4.0, 5.0])[1].tolist()
    [[4.0, 4.0, 4.0], [5.0, 5.0, 5.0]]
    """
    if indexing not in ("xy", "ij"):
        raise UnknownNameError("indexing of meshgrid", indexing, ["xy", "ij"])
    n, grids = len(xi), []
    for k, x in enumerate(xi):
        place = 1 - k if indexing == "xy" and n > 1 and k < 2 else k
        grids.append(np.reshape(x, (1,) * place + (-1,) + (1,) * (n - 1 - place)))
    return tuple(grids) if sparse else broadcast_arrays(*grids)
