"""Picking elements, and the rule that puts gradients back where they came from."""

from __future__ import annotations

from typing import Any

import numpy as np

from minidl.autograd.primitive import primitive

__all__ = ["getitem", "scatter"]


def _is_basic(index: Any) -> bool:
    """Tell whether no place can occur twice: numbers, slices, None and Ellipsis."""
    parts = index if isinstance(index, tuple) else (index,)
    kinds = (int, np.integer, slice, type(None), type(Ellipsis))
    return all(isinstance(part, kinds) for part in parts)


@primitive(lambda g, y, x, index, shape: g[index])
def scatter(x: Any, index: Any, shape: tuple[int, ...]) -> Any:
    """Zeros of a shape, with x added at a NumPy index (repeated places add up)."""
    y = np.zeros(shape, dtype=x.dtype)
    if _is_basic(index):
        y[index] = x
    else:
        np.add.at(y, index, x)
    return y


@primitive(lambda g, y, x, index: scatter(g, index, x.shape), methods=["__getitem__"])
def getitem(x: Any, index: Any) -> Any:
    """Elements at a NumPy index; the rule adds the gradient at these places to zeros.

    All of NumPy's indices: whole numbers, slices, None, Ellipsis, masks, arrays of whole numbers,
    and tuples that mix them.
    """
    return x[index]
