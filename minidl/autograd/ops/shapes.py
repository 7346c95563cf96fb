"""The same elements in another arrangement."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from minidl.autograd.primitive import primitive

__all__ = ["broadcast_to", "getitem", "reshape", "scatter", "swapaxes", "transpose"]


@primitive(lambda g, y, x, shape: g, numpy=[np.broadcast_to])
def broadcast_to(x: Any, shape: Any) -> Any:
    """Repeat along axes until the shape is `shape`; the gradient is summed over the repeats."""
    return np.broadcast_to(x, shape)


@primitive(lambda g, y, x, *shape: g.reshape(x.shape), numpy=[np.reshape], methods=["reshape"])
def reshape(x: Any, *shape: Any) -> Any:
    """Give the elements, in order, another shape: ``x.reshape(2, 3)`` or ``x.reshape((2, 3))``."""
    return x.reshape(*shape)


def _axes(axes: tuple[Any, ...], ndim: int) -> list[int]:
    order = axes[0] if len(axes) == 1 and not isinstance(axes[0], int | np.integer) else axes
    if order is None or axes == ():
        return list(range(ndim))[::-1]
    return list(normalize_axis_tuple(order, ndim))


@primitive(
    lambda g, y, x, *axes: g.transpose(np.argsort(_axes(axes, g.ndim)).tolist()),
    numpy=[np.transpose],
    methods=["transpose"],
)
def transpose(x: Any, *axes: Any) -> Any:
    """Permute the axes, or reverse them when none are given; the rule permutes back."""
    return np.transpose(x, _axes(axes, x.ndim))


@primitive(
    lambda g, y, x, axis1, axis2: g.swapaxes(axis1, axis2),
    numpy=[np.swapaxes],
    methods=["swapaxes"],
)
def swapaxes(x: Any, axis1: int, axis2: int) -> Any:
    """Exchange two axes; the rule exchanges them back."""
    return np.swapaxes(x, axis1, axis2)


@primitive(lambda g, y, x, index, shape: g[index])
def scatter(x: Any, index: Any, shape: tuple[int, ...]) -> Any:
    """Zeros of a shape, with x added at a NumPy index (repeated places add up)."""
    y = np.zeros(shape, dtype=x.dtype)
    np.add.at(y, index, x)
    return y


@primitive(lambda g, y, x, index: scatter(g, index, x.shape), methods=["__getitem__"])
def getitem(x: Any, index: Any) -> Any:
    """Elements at a NumPy index; the rule adds the gradient at these places to zeros."""
    return x[index]
