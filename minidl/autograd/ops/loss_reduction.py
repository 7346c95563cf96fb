"""How the losses of samples become one number: reduction, axis, weights, and the rules for them.

With losses l and weights w (1 if none are given), "mean" is sum(w l) / sum(w), "sum" is sum(w l)
and "none" is w l, shaped as the losses. So a weight of 2 is the same as a row that occurs twice,
and a weight of 0 the same as none, as in scikit-learn's metrics; Keras divides by the number of
losses, and PyTorch by either, depending on the loss.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from minidl.autograd.node import Rule
from minidl.autograd.ops.reductions import Axis, kept_shape
from minidl.errors import ArgumentError, DTypeError, ShapeError, UnknownNameError

__all__: list[str] = []

FLOAT64 = np.dtype(np.float64)
Shape = tuple[int, ...]


def reduce(losses: Any, reduction: str, axis: Axis, w: Any = None) -> Any:
    """Return the losses, weighted by `w` of the same shape, reduced over `axis`."""
    if w is not None:
        losses = weighted(losses, w)
    elif reduction == "mean" and losses.size:  # in every step of training
        total = np.add.reduce(losses, axis=axis)
        return total / (losses.size / total.size)
    if reduction == "none":
        return losses
    if reduction not in ("mean", "sum"):
        raise UnknownNameError("reduction", reduction, ["mean", "sum", "none"])
    total = np.add.reduce(losses, axis=axis)
    if reduction == "sum" or not total.size:
        return total
    return total / _divisor(losses.shape, total.size, axis, w)


def _divisor(shape: Shape, means: int, axis: Axis, w: Any) -> Any:
    """Return what a sum is divided by in the mean: the number of losses, or the sum of weights."""
    if w is None:
        count = math.prod(shape) / means
        if count == 0:  # never in a rule, for its forward pass has failed
            raise ArgumentError(
                "there is no mean of no losses",
                received=f"losses of shape {shape}, axis={axis}",
                hint='reduction="sum" gives 0.',
            )
        return count
    divisor = np.add.reduce(w, axis=axis)
    if not np.all(divisor):
        raise ArgumentError(
            "there is no mean of losses that all have weight 0 or are ignored",
            received=f"losses of shape {shape}, axis={axis}",
            hint='reduction="sum" gives 0.',
        )
    return divisor


def spread(g: Any, shape: Shape, reduction: str, axis: Axis, w: Any = None) -> Any:
    """Return the gradient of each of the weighted losses, given that of what they became."""
    if w is None and axis is None and reduction == "mean":  # in every step of training
        return g / math.prod(shape)
    if reduction != "none":
        if reduction == "mean" and g.size:
            g = g / _divisor(shape, g.size, axis, w)
        if axis is not None and g.ndim < len(shape):
            g = g.reshape(kept_shape(shape, axis))
    return g


def weighted(values: Any, w: Any) -> Any:
    """Return the products with weights, 0 where a weight is 0 and the value may be anything."""
    return np.where(np.equal(w, 0), 0.0, values) * w


def rule(slope: Callable[..., Any]) -> Rule:
    """Return the rule of a loss whose derivative for one sample is ``slope(p, t, **parameters)``.

    It is for elementwise losses, those shaped as the predictions p.
    """

    def of_all(  # noqa: PLR0917 (called by position, as the operation is)
        g: Any,
        y: Any,
        p: Any,
        t: Any,
        reduction: str = "mean",
        axis: Axis = None,
        *,
        sample_weight: Any = None,
        **parameters: Any,
    ) -> Any:
        d = slope(p, like(t, p), **parameters)
        if sample_weight is None and axis is None and reduction == "mean":  # in training
            return g / d.size * d
        shape = p.shape
        w = None if sample_weight is None else weights(sample_weight, shape, p.dtype)
        return spread(g, shape, reduction, axis, w) * (d if w is None else weighted(d, w))

    return of_all


def like(t: Any, p: Any) -> Any:
    """Return targets in the dtype of the predictions, so that float32 stays float32."""
    t = t if hasattr(t, "dtype") else np.asarray(t)
    return t if t.dtype is p.dtype else t.astype(p.dtype)


def aligned(p: Any, t: Any) -> Any:
    """Return targets in the dtype of the predictions, checked to have their shape."""
    if type(t) is np.ndarray and t.dtype is FLOAT64 and p.dtype is FLOAT64 and t.shape == p.shape:
        return t  # in every step of training
    given = getattr(t, "shape", ())
    shape = getattr(p, "shape", None)
    if shape is None or p.dtype.char not in "fd":
        raise DTypeError(
            "predictions are an array or a Tensor of float64 or float32",
            received=f"{type(p).__name__} of dtype {getattr(p, 'dtype', None)}",
        )
    shared = len(shape) > 2 and given == shape[1:]  # all replicas have the same targets
    if given != shape and not shared:
        raise ShapeError(
            "predictions and targets have different shapes",
            received=f"predictions {shape}, targets {given}",
            hint="Targets are never broadcast: reshape them, for instance y[:, None].",
        )
    t = t if hasattr(t, "dtype") else np.asarray(t)
    if t.dtype.kind not in "biuf":
        raise DTypeError("targets are real numbers", received=f"targets of dtype {t.dtype}")
    return like(t, p)


def weights(given: Any, shape: Shape, dtype: Any, columns: bool = True) -> Any:
    """Return a weight for each of the losses of `shape`, from one per loss or, else, per row.

    A row is the last axis, where losses have `columns`. Replicas, along the first of three axes
    (two without columns), may share their weights. Where two readings fit, it is that per row and
    replica.
    """
    w = np.asarray(given)
    if w.dtype.kind not in "biuf":
        raise DTypeError("sample_weight holds numbers", received=f"dtype {w.dtype}")
    known: dict[Shape, Any] = {}
    if len(shape) > 1 + columns:  # a leading axis of replicas
        known = {shape[1:-1]: (..., None), shape[1:]: ...} if columns else {shape[1:]: ...}
    known[shape] = ...
    if columns and len(shape) > 1:
        known[shape[:-1]] = (..., None)
    if w.shape not in known:
        raise ShapeError(
            "sample_weight does not fit the losses",
            received=f"weights {w.shape}, losses {shape}",
            expected=" or ".join(map(str, reversed(known))),
            hint="Weights are never broadcast, but from a row to its columns.",
        )
    if not (np.isfinite(w).all() and (w >= 0).all()):
        raise ArgumentError(
            "a sample weight cannot be used",
            received=f"weights from {w.min()} to {w.max()}",
            expected="finite numbers >= 0",
        )
    return np.broadcast_to(w.astype(dtype)[known[w.shape]], shape)
