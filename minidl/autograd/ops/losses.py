"""Losses as single operations with short rules, stable at logits of +-1e4.

All have the same further parameters:

- ``reduction``: "mean" is sum(w l) / sum(w), for losses l and weights w (1 by default), "sum" is
  sum(w l), and "none" is w l, shaped as the losses;
- ``axis``: the axes of the losses that are reduced, all by default;
- ``sample_weight``: one weight for each row, shaped as the predictions without their last axis, or
  one for each loss. A weight of 2 equals a row that occurs twice, as in scikit-learn's metrics.

Targets have the shape of the predictions p, or, of replicas p (R, n, out), share (n, out). They are
cast to the dtype of the predictions. In the formulas e = p - t. The mean of no losses is an error.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from minidl.autograd.node import Array, Rule, Value
from minidl.autograd.ops.activations import sigmoid
from minidl.autograd.ops.reductions import kept_shape
from minidl.autograd.ops.ufuncs import Axis, logistic
from minidl.autograd.primitive import plain, primitive, quiet
from minidl.errors import ArgumentError, DTypeError, ShapeError, UnknownNameError, invalid
from minidl.values import read

__all__ = ["bce_with_logits", "hinge", "huber", "mean_absolute_error", "mean_squared_error"]

Shape = tuple[int, ...]
Weights = npt.ArrayLike | None


def like(t: Value, p: Value) -> Value:
    """Return targets in the dtype of the predictions, so that float32 stays float32."""
    t = t if hasattr(t, "dtype") else np.asarray(t)
    return t if t.dtype is p.dtype else t.astype(p.dtype)


def aligned(p: Value, t: Value) -> Value:
    """Return targets in the dtype of the predictions, checked to have their shape."""
    if not hasattr(p, "dtype") or p.dtype.char not in "fd":
        message = "predictions must be an array or a Tensor of float64 or float32"
        received = f"{type(p).__name__} of dtype {getattr(p, 'dtype', None)}"
        raise DTypeError(message, received=received)
    t = np.asanyarray(t)
    if t.shape != p.shape and not (p.ndim > 2 and t.shape == p.shape[1:]):  # shared by replicas
        message = "predictions and targets have different shapes"
        hint = "Targets are never broadcast: reshape them, for instance y[:, None]."
        raise ShapeError(message, received=f"predictions {p.shape}, targets {t.shape}", hint=hint)
    if t.dtype.kind not in "biuf":
        raise DTypeError("targets must be real numbers", received=f"dtype {t.dtype}")
    return t if t.dtype is p.dtype else t.astype(p.dtype)


def weighted(values: Value, w: Array) -> Value:
    """Return the products with weights, 0 where a weight is 0 and the value may be anything."""
    return np.where(np.equal(w, 0), 0.0, values) * w


def weights(given: Weights, shape: Shape, dtype: npt.DTypeLike, columns: bool = True) -> Array:
    """Return a weight for each of the losses of `shape`, from one per loss or per row.

    A row is the last axis, where losses have `columns`. Replicas, along the first of three axes
    (two without columns), may share their weights. The last reading that fits counts.
    """
    try:
        w = plain(given)
        w = w if isinstance(w, np.ndarray) else read(w)  # one that is recorded stays itself
    except ValueError as error:  # rows of different lengths
        raise ShapeError(f"sample_weight is not an array: {error}") from None
    if w.dtype.kind not in "biuf":
        raise DTypeError("sample_weight must hold numbers", received=f"dtype {w.dtype}")
    known: dict[Shape, Value] = {}  # shape -> index that makes it broadcast
    if len(shape) > 1 + columns:  # a leading axis of replicas
        known = {shape[1:-1]: (..., None), shape[1:]: ...} if columns else {shape[1:]: ...}
    known[shape] = ...
    if columns and len(shape) > 1:
        known[shape[:-1]] = (..., None)
    if w.shape not in known:
        message = "sample_weight does not fit the losses"
        received, expected = f"weights {w.shape}, losses {shape}", map(str, reversed(known))
        hint = "Weights are never broadcast, except from a row to its columns."
        raise ShapeError(message, received=received, expected=" or ".join(expected), hint=hint)
    if not (np.isfinite(w).all() and (w >= 0).all()):
        message = f"must be finite numbers >= 0, got {w.min()} to {w.max()}"
        raise ArgumentError(message, argument="sample_weight")
    return np.broadcast_to(w.astype(dtype)[known[w.shape]], shape)


def reduce(losses: Array, reduction: str, axis: Axis, sample_weight: Weights = None) -> Value:
    """Return the weighted losses, reduced over `axis`."""
    if sample_weight is None and axis is None and reduction == "mean" and losses.size:
        return np.add.reduce(losses, axis=None) / losses.size  # in training
    w = None
    if sample_weight is not None:
        w = weights(sample_weight, losses.shape, losses.dtype)
        losses = weighted(losses, w)
    if reduction == "none":
        return losses
    if reduction not in ("mean", "sum"):
        raise UnknownNameError("reduction", reduction, ["mean", "sum", "none"])
    total = np.add.reduce(losses, axis=axis)
    if reduction == "sum" or not total.size:
        return total
    return total / _divisor(losses.shape, total.size, axis, w)


def averaged(
    losses: Value, axis: Axis, sample_weight: Weights = None, columns: bool = True
) -> Value:
    """Return the weighted mean over `axis` of losses that are made of operations."""
    shape, w = losses.shape, None
    if sample_weight is not None:
        w = weights(sample_weight, shape, losses.dtype, columns)
        losses = weighted(losses, w)
    total = losses.sum(axis=axis)
    return total / _divisor(shape, total.size, axis, w)


def _divisor(shape: Shape, n_means: int, axis: Axis, w: Array | None) -> Value:
    """Return the divisor of a mean: the number of losses, or the sum of their weights."""
    divisor = math.prod(shape) / n_means if w is None else np.add.reduce(w, axis=axis)
    if divisor if w is None else np.all(divisor):
        return divisor
    empty = "no losses" if w is None else "losses that all have weight 0 or are ignored"
    received, hint = f"losses of shape {shape}, axis={axis}", 'reduction="sum" gives 0.'
    raise ArgumentError(f"there is no mean of {empty}", received=received, hint=hint)


def spread(
    g: Value, shape: Shape, w: Array | None, reduction: str = "mean", axis: Axis = None, **_: Value
) -> Value:
    """Return the gradient of the weighted losses, given that of their reduction."""
    if reduction == "mean" and g.size:
        g = g / _divisor(shape, g.size, axis, w)
    if reduction != "none" and axis is not None and g.ndim < len(shape):
        g = g.reshape(kept_shape(shape, axis))
    return g


def _rule(slope: Callable[..., Value]) -> Rule:
    """Return the rule of an elementwise loss with the derivative ``slope(p, t)``.

    That of Huber's loss is ``slope(p, t, delta)``.
    """

    def rule(g: Value, y: Value, p: Value, t: Value, *how: Value, **options: Value) -> Value:
        if type(t) is not np.ndarray or t.dtype is not p.dtype:
            t = like(t, p)
        d = slope(p, t, options.pop("delta")) if "delta" in options else slope(p, t)
        if not options and how in ((), ("mean", None)):  # in training
            return g / d.size * d
        w = options.get("sample_weight")
        w = None if w is None else weights(w, p.shape, p.dtype)
        return spread(g, p.shape, w, *how, **options) * (d if w is None else weighted(d, w))

    return rule


@primitive(_rule(lambda p, t: 2 * (p - t)), _rule(lambda p, t: 2 * (t - p)), elementwise=True)
def mean_squared_error(
    p: Value, t: Value, reduction: str = "mean", axis: Axis = None, *, sample_weight: Weights = None
) -> Value:
    """Squared error, e^2; d/dp = 2 e.

    >>> p, t = np.array([[1.0], [3.0]]), np.array([[0.0], [0.0]])
    >>> mean_squared_error(p, t).item(), mean_squared_error(p, t, sample_weight=[3, 1]).item()
    (5.0, 3.0)
    """
    return reduce(np.square(p - aligned(p, t)), reduction, axis, sample_weight)


@primitive(_rule(lambda p, t: np.sign(p - t)), _rule(lambda p, t: np.sign(t - p)), elementwise=True)
def mean_absolute_error(
    p: Value, t: Value, reduction: str = "mean", axis: Axis = None, *, sample_weight: Weights = None
) -> Value:
    """Absolute error, |e|; d/dp = sign e, which is 0 at 0."""
    return reduce(np.absolute(p - aligned(p, t)), reduction, axis, sample_weight)


@primitive(
    _rule(lambda p, t, delta=1.0: np.clip(p - t, -float(delta), float(delta))),
    _rule(lambda p, t, delta=1.0: np.clip(t - p, -float(delta), float(delta))),
    elementwise=True,
)
def huber(
    p: Value,
    t: Value,
    reduction: str = "mean",
    axis: Axis = None,
    *,
    delta: float = 1.0,
    sample_weight: Weights = None,
) -> Value:
    """Huber's loss: e^2 / 2 for |e| <= delta, else delta (|e| - delta / 2); d/dp = e, clipped.

    Huber 1964, "Robust estimation of a location parameter".
    """
    if not delta > 0:
        raise invalid("delta", delta, "positive")
    size = np.absolute(p - aligned(p, t))
    inner = np.minimum(size, float(delta))
    return reduce(inner * (size - 0.5 * inner), reduction, axis, sample_weight)


@primitive(
    _rule(lambda z, s: np.where(np.greater_equal(s * z, 1), 0.0, -s)),
    _rule(lambda z, s: np.where(np.greater_equal(s * z, 1), 0.0, -z)),
    elementwise=True,
)
def hinge(
    z: Value, s: Value, reduction: str = "mean", axis: Axis = None, *, sample_weight: Weights = None
) -> Value:
    """Hinge loss of a score z and a sign s = +-1, max(0, 1 - s z); d/dz = -s where s z < 1.

    A score of nan has the loss nan and the slope -s, as relu(1 - s z) in PyTorch.
    """
    return reduce(np.maximum(1.0 - aligned(z, s) * z, 0.0), reduction, axis, sample_weight)


@primitive(
    _rule(lambda z, t: (logistic if isinstance(z, np.ndarray) else sigmoid)(z) - t),
    _rule(lambda z, t: -z),
    elementwise=True,
)
@quiet
def bce_with_logits(
    z: Value, t: Value, reduction: str = "mean", axis: Axis = None, *, sample_weight: Weights = None
) -> Value:
    """Binary cross-entropy of a logit z and a target t in [0, 1], softplus(z) - t z.

    It equals -t log s(z) - (1 - t) log(1 - s(z)), s the sigmoid; d/dz = s(z) - t. Also a loss of
    1e-30 is exact to all digits.
    """
    losses = np.maximum(z, 0.0)
    losses -= aligned(z, t) * z  # large terms cancel before the small one is added
    losses += np.log1p(np.exp(-np.absolute(z)))
    return reduce(losses, reduction, axis, sample_weight)
