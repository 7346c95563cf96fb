"""Copies, turns, and differences of neighbours."""

import operator

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from minidl.autograd.node import Value
from minidl.autograd.ops.extra.joining import along, as_array, beside, concatenate
from minidl.autograd.primitive import composite, primitive
from minidl.checks import check_count
from minidl.errors import DTypeError, ShapeError, shown

__all__ = ["copy", "diff", "fliplr", "flipud", "ravel", "rot90", "unstack"]


@primitive(lambda g, y, x: g)
def copy(a: Value) -> Value:
    """Copy into a new array, y = x; dy/dx = 1. PyTorch's ``clone``."""
    return np.array(a)


@composite
def ravel(a: Value) -> Value:
    """All elements in order, as one vector."""
    return np.reshape(a, -1)


@composite
def fliplr(m: Value) -> Value:
    """Reverse the second axis: left and right of a matrix."""
    return np.flip(_with_axes(m, 2, "fliplr"), 1)


@composite
def flipud(m: Value) -> Value:
    """Reverse the first axis: top and bottom of a matrix."""
    return np.flip(_with_axes(m, 1, "flipud"), 0)


def _with_axes(m: Value, least: int, name: str) -> Value:
    m = as_array(m)
    if m.ndim < least:
        expected = f"at least {least} axes" if least > 1 else "at least one axis"
        raise ShapeError(f"{name} needs more axes", received=f"shape {m.shape}", expected=expected)
    return m


@composite
def rot90(m: Value, k: int = 1, axes: tuple[int, int] = (0, 1)) -> Value:
    """Rotate by k quarter turns, from the first of two axes to the second.

    >>> rot90([[1.0, 2.0], [3.0, 4.0]]).tolist()
    [[2.0, 4.0], [1.0, 3.0]]
    """
    m = _with_axes(m, 2, "rot90")
    first, second = (normalize_axis_index(axis, m.ndim) for axis in axes)
    if first == second:
        raise ShapeError("rot90 needs two different axes", received=f"axes={axes}")
    try:
        quarters = operator.index(k) % 4
    except TypeError:
        raise DTypeError("k must be an integer", received=shown(k)) from None
    if quarters == 2:
        return np.flip(m, (first, second))
    if quarters == 1:
        return np.swapaxes(np.flip(m, second), first, second)
    return np.flip(np.swapaxes(m, first, second), second) if quarters else m


@composite
def unstack(x: Value, axis: int = 0) -> tuple[Value, ...]:
    """Cut into the elements of an axis, as a tuple; the opposite of :func:`stack`."""
    x = as_array(x)
    axis = normalize_axis_index(axis, x.ndim)
    return tuple(x[along(axis, x.ndim, i)] for i in range(x.shape[axis]))


@composite
def diff(
    a: Value, n: int = 1, axis: int = -1, prepend: Value = None, append: Value = None
) -> Value:
    """Differences of neighbours, y_i = x_i+1 - x_i, along an axis, n times.

    `prepend` and `append`, numbers or arrays that fit, are joined to the array first.

    >>> diff([1.0, 4.0, 9.0]), diff([1.0, 4.0, 9.0], n=2), diff([1.0, 4.0], prepend=0.0)
    (array([3., 5.]), array([2.]), array([1., 3.]))
    """
    a, n = as_array(a), check_count("n", n, least=0)
    axis = normalize_axis_index(axis, a.ndim)
    one = (*a.shape[:axis], 1, *a.shape[axis + 1 :])
    ends = [beside(end, a) for end in (prepend, append) if end is not None]
    ends = [np.broadcast_to(end, one) if end.ndim == 0 else end for end in ends]
    if ends and n:
        parts = [*ends[:1], a, *ends[1:]] if prepend is not None else [a, *ends]
        a = concatenate(parts, axis)
    for _ in range(min(n, a.shape[axis])):  # then nothing is left
        a = a[along(axis, a.ndim, slice(1, None))] - a[along(axis, a.ndim, slice(-1))]
    return a
