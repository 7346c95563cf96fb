"""The same elements in another arrangement; each rule arranges the gradient back."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from minidl.autograd.primitive import composite, primitive
from minidl.errors import DTypeError

__all__ = [
    "broadcast_to",
    "expand_dims",
    "flip",
    "moveaxis",
    "reshape",
    "roll",
    "squeeze",
    "swapaxes",
    "transpose",
]

Ints = int | tuple[int, ...]


@primitive(lambda g, y, x, shape: g, numpy=[np.broadcast_to], methods=["broadcast_to"])
def broadcast_to(array: Any, shape: Any) -> Any:
    """Repeat along axes until the shape is `shape`; the gradient is summed over the repeats."""
    return np.broadcast_to(array, shape)


@primitive(lambda g, y, x, shape: g.reshape(x.shape), numpy=[np.reshape])
def reshape(a: Any, shape: Any) -> Any:
    """Give the elements, in order, another shape; one length may be -1, for what is left.

    The method takes ``x.reshape(2, 3)`` as well as ``x.reshape((2, 3))``.
    """
    return np.reshape(a, shape)


@primitive(
    lambda g, y, x, axes=None: np.transpose(g, _order_back(axes, g.ndim)),
    numpy=[np.transpose],
)
def transpose(a: Any, axes: Any = None) -> Any:
    """Permute the axes, or reverse them when none are given; the rule permutes back.

    The method takes ``x.transpose(1, 0)`` as well as ``x.transpose((1, 0))``. In PyTorch this is
    ``permute``, and ``transpose`` is :func:`swapaxes`.
    """
    return np.transpose(a, axes)


def _order_back(axes: Any, ndim: int) -> Any:
    return None if axes is None else np.argsort(normalize_axis_tuple(axes, ndim)).tolist()


def _listed(numbers: tuple[Any, ...]) -> Any:
    """Return what a method was given, be it as one sequence or as many numbers."""
    return numbers[0] if len(numbers) == 1 else numbers


@composite(methods=["reshape"])
def _reshape(a: Any, *shape: Any) -> Any:
    return reshape(a, _listed(shape))


@composite(methods=["transpose"])
def _transpose(a: Any, *axes: Any) -> Any:
    return transpose(a, _listed(axes) if axes else None)


@composite(numpy=[np.ravel], methods=["flatten", "ravel"])
def _ravel(a: Any) -> Any:
    return reshape(a, -1)


@primitive(
    lambda g, y, x, axis1, axis2: g.swapaxes(axis1, axis2),
    numpy=[np.swapaxes],
    methods=["swapaxes"],
)
def swapaxes(a: Any, axis1: int, axis2: int) -> Any:
    """Exchange two axes; the rule exchanges them back."""
    return np.swapaxes(a, axis1, axis2)


@primitive(
    lambda g, y, x, source, destination: np.moveaxis(g, destination, source),
    numpy=[np.moveaxis],
    methods=["moveaxis"],
)
def moveaxis(a: Any, source: Ints, destination: Ints) -> Any:
    """Move axes to other positions, the rest in their order; the rule moves them back."""
    return np.moveaxis(a, source, destination)


@primitive(lambda g, y, x, axis: g.reshape(x.shape), numpy=[np.expand_dims])
def expand_dims(a: Any, axis: Ints) -> Any:
    """Insert axes of length one, at these positions of the result."""
    return np.expand_dims(a, axis)


@primitive(lambda g, y, x, axis=None: g.reshape(x.shape), numpy=[np.squeeze], methods=["squeeze"])
def squeeze(a: Any, axis: Ints | None = None) -> Any:
    """Drop axes of length one: these, or all.

    An axis of another length is an error; PyTorch keeps it.
    """
    return np.squeeze(a, axis)


@primitive(lambda g, y, x, axis=None: np.flip(g, axis), numpy=[np.flip], methods=["flip"])
def flip(m: Any, axis: Ints | None = None) -> Any:
    """Reverse the order of elements along these axes, or all; the rule reverses it again."""
    return np.flip(m, axis)


@primitive(
    lambda g, y, x, shift, axis=None: np.roll(g, (-np.asarray(shift, np.int64)).tolist(), axis),
    numpy=[np.roll],
    methods=["roll"],
)
def roll(a: Any, shift: Ints, axis: Ints | None = None) -> Any:
    """Move elements along by `shift` places, those at the end to the start; the rule moves back.

    Without an axis all elements are one row, in order.
    """
    whole = np.asarray(shift)
    if whole.dtype.kind not in "iub":
        raise DTypeError("shift is an integer, or one for each axis", received=repr(shift))
    return np.roll(a, whole.astype(np.int64).tolist(), axis)  # NumPy 2.0 negates unsigned ones
