"""The same elements in another arrangement, indexing, and the rules that arrange gradients back."""

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from minidl.autograd.node import Value
from minidl.autograd.primitive import from_numpy, primitive

__all__ = ["broadcast_to", "expand_dims", "flip", "getitem", "moveaxis", "reshape", "scatter"]
__all__ += ["squeeze", "swapaxes", "transpose"]

Ints = int | tuple[int, ...]
Index = Value  # all that NumPy takes: integers, slices, None, Ellipsis, arrays, tuples of them
BASIC = (int, np.integer, slice, type(None), type(...))  # no place can occur twice


@primitive(lambda g, y, x, shape: g)
def broadcast_to(array: Value, shape: Ints) -> Value:
    """Repeat along axes to a new shape; the gradient is summed over the repeats."""
    return np.broadcast_to(array, shape)


@primitive(lambda g, y, x, shape: g.reshape(x.shape))
def reshape(a: Value, shape: Ints) -> Value:
    """Change the shape; one length may be -1. The method also takes ``x.reshape(2, 3)``."""
    return np.reshape(a, shape)


def _inverse(axes: Ints | None, ndim: int) -> list[int] | None:
    return None if axes is None else np.argsort(normalize_axis_tuple(axes, ndim)).tolist()


# fmt: off
transpose = from_numpy(np.transpose,
    lambda g, y, x, axes=None: np.transpose(g, _inverse(axes, g.ndim)),
    doc="""Permute the axes, or reverse them by default; PyTorch's ``permute``.""")
swapaxes = from_numpy(np.swapaxes, lambda g, y, x, axis1, axis2: g.swapaxes(axis1, axis2),
    doc="Exchange two axes.")
moveaxis = from_numpy(np.moveaxis,
    lambda g, y, x, source, destination: np.moveaxis(g, destination, source),
    doc="Move axes to other positions, the rest in their order.")
expand_dims = from_numpy(np.expand_dims, lambda g, y, x, axis: g.reshape(x.shape),
    doc="Insert axes of length one, at these positions of the result.")
squeeze = from_numpy(np.squeeze, lambda g, y, x, axis=None: g.reshape(x.shape),
    doc="Drop axes of length one: these, or all. Another length is an error; PyTorch keeps it.")
flip = from_numpy(np.flip, lambda g, y, x, axis=None: np.flip(g, axis),
    doc="Reverse the order of elements along these axes, or all.")
# fmt: on


@primitive(lambda g, y, x, index, shape: g[index])
def scatter(x: Value, index: Index, shape: tuple[int, ...]) -> Value:
    """Zeros of a shape, with x added at a NumPy index (repeated places add up)."""
    y = np.zeros_like(x, order="C", shape=shape)
    if all(isinstance(part, BASIC) for part in (index if isinstance(index, tuple) else (index,))):
        y[index] = x
    else:
        np.add.at(y, index, x)
    return y


@primitive(lambda g, y, x, index: scatter(g, index, x.shape))
def getitem(x: Value, index: Index) -> Value:
    """Elements at any NumPy index; the rule adds the gradient at these places to zeros."""
    return x[index]
