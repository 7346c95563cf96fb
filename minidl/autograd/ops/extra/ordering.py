"""Sorted elements, quantiles, and elements at given places of an axis."""

import math
from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.lib.array_utils import normalize_axis_index, normalize_axis_tuple

from minidl.autograd.node import Node, Value, array_of, as_floats
from minidl.autograd.ops.extra.joining import along
from minidl.autograd.ops.reductions import kept_shape
from minidl.autograd.ops.ufuncs import Axis
from minidl.autograd.primitive import composite
from minidl.errors import ArgumentError, DTypeError, MissingRuleError, ShapeError, UnknownNameError

__all__ = ["median", "quantile", "sort", "take", "take_along_axis"]

Kind = Literal["quicksort", "mergesort", "heapsort", "stable"] | None
METHODS = [
    "linear", "lower", "higher", "midpoint", "nearest", "inverted_cdf", "averaged_inverted_cdf",
    "closest_observation", "interpolated_inverted_cdf", "hazen", "weibull", "median_unbiased",
    "normal_unbiased",
]  # fmt: skip


def _places(indices: Value) -> Value:
    """Return indices as an array of integers."""
    indices = np.asarray(array_of(indices))
    if indices.dtype.kind not in "iu":
        message = f"indices must be integers, got dtype {indices.dtype}"
        raise DTypeError(message, hint="A boolean mask is an index: x[mask].")
    return indices


@composite
def take(a: Value, indices: Value, axis: int | None = None, *, mode: str = "raise") -> Value:
    """Elements at these indices of an axis, or of the flattened array; their gradients add up.

    `mode` says what an index beyond the ends does: "raise" an OutOfRangeError, "wrap" around, or
    "clip" to the nearest end. Indices that are not integers are a DTypeError.

    >>> take([[1.0, 2.0], [3.0, 4.0]], [1, 1, 0], axis=1).tolist()
    [[2.0, 2.0, 1.0], [4.0, 4.0, 3.0]]
    """
    if mode not in ("raise", "wrap", "clip"):
        raise UnknownNameError("mode of take", mode, ["raise", "wrap", "clip"])
    a, indices = as_floats(a), _places(indices)
    if axis is None:
        a, axis = np.reshape(a, -1), 0
    n = a.shape[normalize_axis_index(axis, a.ndim)]
    if mode != "raise" and n:
        indices = indices % n if mode == "wrap" else np.clip(indices, 0, n - 1)
    return a[along(axis, a.ndim, indices)]


@composite
def take_along_axis(arr: Value, indices: Value, axis: int | None = -1) -> Value:
    """Elements at indices that differ from row to row, such as those of ``np.argsort``.

    y_ij = x_kj with k = indices_ij for axis 0. The other axes of `indices` have the lengths of
    `arr`, or length one. With ``axis=None``, the array is flattened. PyTorch's ``gather`` is the
    same without broadcasting.

    >>> take_along_axis([[3.0, 1.0], [2.0, 4.0]], np.array([[1], [0]]), axis=1).tolist()
    [[1.0], [2.0]]
    """
    arr, indices = as_floats(arr), _places(indices)
    if axis is None:
        arr, axis = np.reshape(arr, -1), 0
    axis = normalize_axis_index(axis, arr.ndim)
    fits = [
        i == axis or 1 in (n, m) or n == m
        for i, (n, m) in enumerate(zip(arr.shape, indices.shape, strict=False))
    ]
    if indices.ndim != arr.ndim or not all(fits):
        expected = f"the shape of the array, {arr.shape}, except along axis {axis}"
        hint = "For the same indices in each row, use np.take."
        message = "indices do not fit"
        raise ShapeError(message, received=indices.shape, expected=expected, hint=hint)
    places = list(np.ogrid[tuple(slice(n) for n in arr.shape)])
    places[axis] = indices
    return arr[tuple(places)]


@composite
def sort(
    a: Value, axis: int | None = -1, *, kind: Kind = None, stable: bool | None = None
) -> Value:
    """Elements in ascending order, nan last; each gradient goes back to its element.

    Equal elements stay in their order, unless another `kind` is given as in NumPy, so the gradient
    at a tie is that of PyTorch's stable sort. With ``axis=None``, the array is flattened. For
    descending order, write ``np.flip(sort(x), axis)``; the order itself is ``np.argsort(x)``.

    >>> sort([[3.0, 1.0], [2.0, 4.0]], axis=0).tolist()
    [[2.0, 1.0], [3.0, 4.0]]
    """
    a = as_floats(a)
    if axis is None:
        a, axis = np.reshape(a, -1), -1
    stable = True if kind is None else stable
    order = np.argsort(array_of(a), axis, kind=kind, stable=stable)
    return take_along_axis(a, order, axis)


def rows_of(x: Value, axis: Axis) -> Value:
    """Return `x` with these axes as one, the last."""
    axes = range(x.ndim) if axis is None else normalize_axis_tuple(axis, x.ndim)
    order = [*(i for i in range(x.ndim) if i not in axes), *axes]
    lead = [x.shape[i] for i in order[: x.ndim - len(axes)]]
    return np.reshape(np.transpose(x, order), (*lead, math.prod(x.shape[i] for i in axes)))


def _places_of_quantile(q: Value, n: int, method: str) -> Value:
    """Return where the quantiles of n sorted elements lie, from 0 to n - 1."""
    if isinstance(q, Node) and q.requires_grad:
        hint = "Use .detach() to make it a constant."
        raise MissingRuleError("quantile has no derivative with respect to q", hint=hint)
    q = np.asarray(array_of(q))
    if q.dtype.kind not in "iuf" or not np.all((q >= 0) & (q <= 1)):
        raise ArgumentError(f"must be from 0 to 1, got {q.tolist()!r}", argument="q")
    if method not in METHODS:
        raise UnknownNameError("method of quantile", method, METHODS)
    return np.quantile(np.arange(float(n)), q, method=method)  # type: ignore[call-overload]


@composite
def quantile(
    a: Value,
    q: float | Sequence[float],
    axis: Axis = None,
    *,
    method: str = "linear",
    keepdims: bool = False,
) -> Value:
    """Value below which a fraction q of the n elements lies, y = (1 - t) x_j + t x_j+1.

    x_j are the sorted elements, j + t = q (n - 1) for the method "linear", and the gradient goes to
    these two elements, in the shares 1 - t and t; at a tie to those that :func:`sort` puts there.
    A nan makes the result nan, and gets its gradient.

    Parameters
    ----------
    q : float or list of float
        From 0 to 1; those of a list are the first axis of the result.
    axis : int, tuple of int or None
        All axes by default. No elements are an ArgumentError.
    method : str, default "linear"
        As in :func:`numpy.quantile`: another word raises an UnknownNameError.
    keepdims : bool, default False
        Keep the reduced axes, with length one.

    Examples
    --------
    >>> quantile([1.0, 2.0, 4.0, 8.0], [0.0, 0.5, 0.9])
    array([1. , 3. , 6.8])
    """
    a = as_floats(a)
    rows = rows_of(a, axis)
    if not rows.shape[-1]:
        raise ArgumentError(f"a quantile needs at least one element, got shape {a.shape}, {axis=}")
    at = np.asarray(_places_of_quantile(q, rows.shape[-1], method))
    low = np.floor(at).astype(int)
    share = (at - low).astype(a.dtype).reshape(at.shape + (1,) * (rows.ndim - 1))
    ordered = np.moveaxis(sort(rows), -1, 0)
    lower, upper = ordered[low], ordered[np.ceil(at).astype(int)]
    y = (1.0 - share) * lower + share * np.where(np.equal(share, 0), 0.0, upper)
    top = ordered[-1]
    y = np.where(np.isnan(top), top, y)
    axes = tuple(range(a.ndim)) if axis is None else axis
    return y.reshape(at.shape + kept_shape(a.shape, axes)) if keepdims and a.ndim else y


@composite
def median(a: Value, axis: Axis = None, *, keepdims: bool = False) -> Value:
    """Middle element, or the mean of the two in the middle, which share the gradient.

    PyTorch's median is the lower of the two. A nan makes the result nan; no elements are an
    ArgumentError.

    >>> median([[3.0, 1.0, 2.0], [8.0, 6.0, 7.0]], axis=1)
    array([2., 7.])
    """
    return quantile(a, 0.5, axis, keepdims=keepdims)
