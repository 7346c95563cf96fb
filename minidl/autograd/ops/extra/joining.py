"""Arrays put together, cut apart, rolled, and enlarged by repetition."""

import functools
import operator
from collections.abc import Sequence

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from minidl.autograd.node import Node, Value
from minidl.autograd.ops.shapes import Index, Ints, scatter
from minidl.autograd.primitive import composite, from_numpy, plain, primitive
from minidl.errors import ArgumentError, DTypeError, ShapeError, UnknownNameError, invalid, shown

__all__ = ["concatenate", "pad", "repeat", "roll", "split", "stack", "tile"]


def along(axis: int, ndim: int, index: Index) -> tuple[Index, ...]:
    """Return the index that takes `index` along one axis, and everything along the others."""
    return (slice(None),) * normalize_axis_index(axis, ndim) + (index,)


def as_array(a: Value) -> Value:
    """Return a Tensor as it is, and anything else as an array."""
    return a if isinstance(a, Node) else plain(a)


def beside(value: Value, a: Value) -> Value:
    """Return a value as an array: a Python number gets the dtype of `a`, so float32 stays."""
    return np.asarray(value, a.dtype) if type(value) in (int, float) else as_array(value)


def _part(k: int, g: Value, y: Value, *arrays: Value, axis: int = 0) -> Value:
    """Return the part of g that belongs to the k-th array."""
    start = sum(array.shape[axis] for array in arrays[:k])
    return g[along(axis, g.ndim, slice(start, start + arrays[k].shape[axis]))]


@primitive(rule_at=lambda position: functools.partial(_part, position))
def _concatenate(*arrays: Value, axis: int = 0) -> Value:
    return np.concatenate(arrays, axis=axis)


@composite
def concatenate(arrays: Sequence[Value], axis: int | None = 0) -> Value:
    """Join arrays along an axis they have; without one, as vectors. The rule cuts g likewise.

    >>> concatenate([[1.0, 2.0], [3.0]])
    array([1., 2., 3.])
    """
    parts = [as_array(a) for a in arrays]
    if not parts:
        raise ShapeError("concatenate needs at least one array", received="no arrays")
    if axis is None:
        return _concatenate(*(np.reshape(a, -1) for a in parts), axis=0)
    return _concatenate(*parts, axis=axis)


@composite
def stack(arrays: Sequence[Value], axis: int = 0) -> Value:
    """Join arrays of one shape along a new axis.

    >>> stack([[1.0, 2.0], [3.0, 4.0]], axis=1).tolist()
    [[1.0, 3.0], [2.0, 4.0]]
    """
    parts = [as_array(a) for a in arrays]
    if len({a.shape for a in parts}) != 1:
        received = ", ".join(str(a.shape) for a in parts) or "no arrays"
        raise ShapeError("stack needs arrays of one shape", received=received)
    return _concatenate(*(np.expand_dims(a, axis) for a in parts), axis=axis)


@composite
def split(ary: Value, indices_or_sections: Value, axis: int = 0) -> list[Value]:
    """Cut along an axis into so many equal parts, or at these places; return a list.

    PyTorch's split takes the length of the parts instead.

    >>> split(np.arange(4.0), [1, 3])
    [array([0.]), array([1., 2.]), array([3.])]
    """
    ary = as_array(ary)
    n = ary.shape[normalize_axis_index(axis, ary.ndim)]
    if np.ndim(indices_or_sections) == 0:
        n_parts = operator.index(indices_or_sections)
        if n_parts < 1 or n % n_parts:
            message = f"an axis of length {n} cannot be cut into {n_parts} parts of equal length"
            raise ShapeError(message, hint="A list of places cuts anywhere: split(x, [2, 5]).")
        cuts = [n // n_parts * k for k in range(1, n_parts)]
    else:
        cuts = list(indices_or_sections)
    edges = zip([0, *cuts], [*cuts, n], strict=True)
    return [ary[along(axis, ary.ndim, slice(start, stop))] for start, stop in edges]


def _pad_rule(
    g: Value, y: Value, x: Value, pad_width: Value, mode: str = "constant", **options: Value
) -> Value:
    if mode == "constant":
        widths = np.broadcast_to(np.asarray(pad_width), (x.ndim, 2)).tolist()
        inside = zip(widths, x.shape, strict=True)
        return g[tuple(slice(before, before + n) for (before, _), n in inside)]
    sources = np.pad(np.arange(x.size).reshape(x.shape), pad_width, mode)  # type: ignore[call-overload]
    return scatter(g, sources, (x.size,)).reshape(x.shape)


@primitive(_pad_rule)
def pad(
    array: Value, pad_width: Value, mode: str = "constant", *, constant_values: Value = 0
) -> Value:
    """Enlarge an array at its edges; the gradient of an element is the sum over its copies.

    Parameters
    ----------
    pad_width : int, pair of int, or one pair for each axis
        How many elements before and after. A dictionary raises an ArgumentError.
    mode : {"constant", "edge", "reflect", "symmetric", "wrap"}
        As in NumPy, whose other modes depend on the values; another raises an UnknownNameError.
    constant_values : number, pair, or one pair for each axis; default 0
        With another mode than "constant" it raises an ArgumentError.

    Examples
    --------
    >>> pad([1.0, 2.0, 3.0], (1, 2)), pad([1.0, 2.0, 3.0], (0, 2), "reflect")
    (array([0., 1., 2., 3., 0., 0.]), array([1., 2., 3., 2., 1.]))
    """
    modes = ("constant", "edge", "reflect", "symmetric", "wrap")
    if mode not in modes:
        raise UnknownNameError("mode of pad", mode, modes)
    if mode != "constant" and np.any(constant_values):
        message = f"needs mode='constant', got mode={mode!r}, constant_values={constant_values!r}"
        raise ArgumentError(message, argument="constant_values")
    if isinstance(pad_width, dict):
        raise invalid("pad_width", pad_width, "a number, a pair, or one pair for each axis")
    options = {"constant_values": constant_values} if mode == "constant" else {}
    return np.pad(array, pad_width, mode, **options)  # type: ignore[call-overload]


@primitive(lambda g, y, x, shift, axis=None: np.roll(g, (-np.asarray(shift, int)).tolist(), axis))
def roll(a: Value, shift: Ints, axis: Ints | None = None) -> Value:
    """Move elements by `shift` places, from the end to the start; the rule moves them back.

    With ``axis=None``, the array is flattened.
    """
    places = np.asarray(shift)
    if places.dtype.kind not in "iub":
        raise DTypeError("shift must be an integer, or one for each axis", received=shown(shift))
    return np.roll(a, places.astype(np.int64).tolist(), axis)  # NumPy 2.0 negates unsigned ones


def _tile_rule(g: Value, y: Value, x: Value, reps: Ints) -> Value:
    """Sum over the copies, whose number precedes each length once the axes are split."""
    counts = tuple(np.ravel(reps).tolist())
    counts = (1,) * (g.ndim - len(counts)) + counts
    lengths = (1,) * (g.ndim - x.ndim) + x.shape
    pairs = [n for pair in zip(counts, lengths, strict=True) for n in pair]
    return g.reshape(tuple(pairs)).sum(axis=tuple(range(0, 2 * g.ndim, 2))).reshape(x.shape)


tile = from_numpy(np.tile, _tile_rule, doc="Repeat the whole array along each axis.")


@composite
def repeat(a: Value, repeats: Value, axis: int | None = None) -> Value:
    """Repeat each element along an axis, all equally often or each by its own number.

    With ``axis=None``, the array is flattened. PyTorch's ``Tensor.repeat`` is :func:`tile`.

    >>> repeat([1.0, 2.0], [1, 3])
    array([1., 2., 2., 2.])
    """
    if np.asarray(repeats).dtype.kind not in "iub":
        raise DTypeError("repeats must be integers", received=shown(repeats))
    a = as_array(a)
    if axis is None:
        a, axis = np.reshape(a, -1), 0
    n = a.shape[normalize_axis_index(axis, a.ndim)]
    return a[along(axis, a.ndim, np.repeat(np.arange(n), repeats))]
