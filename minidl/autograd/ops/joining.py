"""Arrays put together, cut apart, and enlarged by repetition."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from minidl.autograd.node import Rule
from minidl.autograd.ops.indexing import scatter
from minidl.autograd.primitive import composite, primitive
from minidl.autograd.tensor import Tensor
from minidl.errors import ArgumentError, DTypeError, ShapeError, UnknownNameError

__all__ = ["concatenate", "pad", "repeat", "split", "stack", "tile"]


def _along(axis: int, ndim: int, index: Any) -> tuple[Any, ...]:
    """Return the index that means `index` along one axis, and everything along the others."""
    return (slice(None),) * normalize_axis_index(axis, ndim) + (index,)


def _part(position: int) -> Rule:
    """Return the rule of a joined array: the part of g that stands where the array went."""

    def rule(g: Any, y: Any, *arrays: Any, axis: int = 0) -> Any:
        start = sum(array.shape[axis] for array in arrays[:position])
        part = slice(start, start + arrays[position].shape[axis])
        return g[_along(axis, g.ndim, part)]

    return rule


@primitive(each=_part)
def _concatenate(*arrays: Any, axis: int = 0) -> Any:
    return np.concatenate(arrays, axis=axis)


def _as_arrays(arrays: Any) -> list[Any]:
    return [a if isinstance(a, Tensor) else np.asarray(a) for a in arrays]


@composite(numpy=[np.concatenate])
def concatenate(arrays: Sequence[Any], axis: int | None = 0) -> Any:
    """Put arrays one after the other along an axis they have; without one, as vectors.

    The gradient is cut at the same places.

    >>> concatenate([[1.0, 2.0], [3.0]])
    array([1., 2., 3.])
    """
    given = _as_arrays(arrays)
    if not given:
        raise ShapeError("there is nothing to concatenate", received="no arrays")
    if axis is None:
        return _concatenate(*(np.reshape(a, -1) for a in given), axis=0)
    return _concatenate(*given, axis=axis)


@composite(numpy=[np.stack])
def stack(arrays: Sequence[Any], axis: int = 0) -> Any:
    """Put arrays of one shape side by side along a new axis.

    >>> stack([[1.0, 2.0], [3.0, 4.0]], axis=1)
    array([[1., 3.],
           [2., 4.]])
    """
    given = _as_arrays(arrays)
    shapes = {a.shape for a in given}
    if len(shapes) != 1:
        raise ShapeError(
            "stack needs arrays of one shape",
            received=", ".join(str(a.shape) for a in given) or "no arrays",
        )
    return _concatenate(*(np.expand_dims(a, axis) for a in given), axis=axis)


@composite(numpy=[np.split], methods=["split"])
def split(ary: Any, indices_or_sections: Any, axis: int = 0) -> list[Any]:
    """Cut along an axis into so many equal parts, or at these places; return a list.

    PyTorch's split takes the length of the parts instead.

    >>> split(np.arange(4.0), 2)
    [array([0., 1.]), array([2., 3.])]
    >>> split(np.arange(4.0), [1, 3])
    [array([0.]), array([1., 2.]), array([3.])]
    """
    ary = ary if isinstance(ary, Tensor) else np.asarray(ary)
    n = ary.shape[normalize_axis_index(axis, ary.ndim)]
    if np.ndim(indices_or_sections) == 0:
        parts = operator.index(indices_or_sections)
        if parts < 1 or n % parts:
            raise ShapeError(
                "an axis cannot be cut into parts of equal length",
                received=f"length {n}, {parts} parts",
                expected="a number that divides the length",
                hint="A list of places cuts anywhere: split(x, [2, 5]).",
            )
        cuts = [n // parts * k for k in range(1, parts)]
    else:
        cuts = list(indices_or_sections)
    edges = zip([0, *cuts], [*cuts, n], strict=True)
    return [ary[_along(axis, ary.ndim, slice(start, stop))] for start, stop in edges]


MODES = ("constant", "edge", "reflect", "symmetric", "wrap")


def _unpad(g: Any, y: Any, x: Any, pad_width: Any, mode: str = "constant", **options: Any) -> Any:
    if mode == "constant":
        widths = np.broadcast_to(np.asarray(pad_width), (x.ndim, 2)).tolist()
        inside = zip(widths, x.shape, strict=True)
        return g[tuple(slice(before, before + n) for (before, _), n in inside)]
    sources = np.pad(np.arange(x.size).reshape(x.shape), pad_width, mode)  # type: ignore[call-overload]
    return scatter(g, sources, (x.size,)).reshape(x.shape)


@primitive(_unpad, numpy=[np.pad])
def pad(array: Any, pad_width: Any, mode: str = "constant", *, constant_values: Any = 0) -> Any:
    """Enlarge an array at its edges.

    The gradient of a number that was copied to the edge is the sum of all its copies'.

    Parameters
    ----------
    array : array_like
    pad_width : int, pair of int, or one pair for each axis
        How many numbers before and after.
    mode : {"constant", "edge", "reflect", "symmetric", "wrap"}
        What they are: constants; the outermost number; the array mirrored without or with its
        outermost number; or the array from its other end.
    constant_values : number, pair, or one pair for each axis; default 0

    Raises
    ------
    UnknownNameError
        There is no such mode; NumPy's others depend on the numbers.

    Examples
    --------
    >>> pad([1.0, 2.0, 3.0], (1, 2)), pad([1.0, 2.0, 3.0], (0, 2), "reflect")
    (array([0., 1., 2., 3., 0., 0.]), array([1., 2., 3., 2., 1.]))
    """
    if mode not in MODES:
        raise UnknownNameError("mode of pad", mode, MODES)
    if mode != "constant" and np.any(constant_values):
        raise ArgumentError(
            "only the mode 'constant' has constant_values",
            received=f"mode={mode!r}, constant_values={constant_values!r}",
        )
    if isinstance(pad_width, dict):
        raise ArgumentError(
            "pad_width cannot be used",
            received=repr(pad_width),
            expected="a number, a pair of numbers, or one pair for each axis",
        )
    options = {"constant_values": constant_values} if mode == "constant" else {}
    return np.pad(array, pad_width, mode, **options)  # type: ignore[call-overload]


def _untile(g: Any, y: Any, x: Any, reps: Any) -> Any:
    """Sum over the copies, whose number stands before each length once the axes are split."""
    counts = tuple(np.ravel(reps).tolist())
    counts = (1,) * (g.ndim - len(counts)) + counts
    lengths = (1,) * (g.ndim - x.ndim) + x.shape
    pairs = [n for pair in zip(counts, lengths, strict=True) for n in pair]
    return g.reshape(tuple(pairs)).sum(axis=tuple(range(0, 2 * g.ndim, 2))).reshape(x.shape)


@primitive(_untile, numpy=[np.tile], methods=["tile"])
def tile(A: Any, reps: Any) -> Any:
    """Repeat the whole array along each axis; the gradient is summed over the copies.

    >>> tile([1.0, 2.0], 2)
    array([1., 2., 1., 2.])
    """
    return np.tile(A, reps)


@composite(numpy=[np.repeat], methods=["repeat"])
def repeat(a: Any, repeats: Any, axis: int | None = None) -> Any:
    """Repeat each element along an axis, all as often or each by its own number.

    Without an axis all elements are one row, in order. PyTorch's ``Tensor.repeat`` is
    :func:`tile`.

    >>> repeat([1.0, 2.0], 2), repeat([1.0, 2.0], [1, 3])
    (array([1., 1., 2., 2.]), array([1., 2., 2., 2.]))
    """
    if np.asarray(repeats).dtype.kind not in "iub":
        raise DTypeError("repeats are integers", received=repr(repeats))
    a = a if isinstance(a, Tensor) else np.asarray(a)
    if axis is None:
        a, axis = np.reshape(a, -1), 0
    n = a.shape[normalize_axis_index(axis, a.ndim)]
    return a[_along(axis, a.ndim, np.repeat(np.arange(n), repeats))]
