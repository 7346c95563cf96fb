"""Losses as fused operations: one node, one short rule, stable at logits of +-1e4.

``reduction`` is "mean" (the mean of the per-sample losses), "sum" or "none". ``axis`` says over
which axes of the per-sample losses; None means all. In the formulas e = p - t is the error.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minidl.autograd.ops.activations import log_softmax, sigmoid, softmax
from minidl.autograd.ops.reductions import Axis, _count, _kept
from minidl.autograd.primitive import primitive
from minidl.errors import ArgumentError, ShapeError, UnknownNameError

__all__ = [
    "bce_with_logits",
    "hinge",
    "huber",
    "mean_absolute_error",
    "mean_squared_error",
    "softmax_cross_entropy",
]


def _reduce(losses: Any, reduction: str, axis: Axis) -> Any:
    if reduction == "none":
        return losses
    if reduction not in ("mean", "sum"):
        raise UnknownNameError("reduction", reduction, ["mean", "sum", "none"])
    total = np.add.reduce(losses, axis=axis)
    return total / _count(losses, total) if reduction == "mean" else total


def _spread(g: Any, like: Any, reduction: str, axis: Axis) -> Any:
    """Return the gradient of each per-sample loss (shaped as `like`), given that of the whole."""
    if reduction == "none":
        return g
    whole = _kept(g, like, axis, False)
    return whole / _count(like, g) if reduction == "mean" else whole


def _same_shape(p: Any, t: Any) -> None:
    shape, given = getattr(p, "shape", ()), getattr(t, "shape", ())
    shared = len(shape) > 2 and given == shape[1:]  # all replicas have the same targets
    if given != shape and not shared:
        raise ShapeError(
            "predictions and targets have different shapes",
            received=f"predictions {shape}, targets {given}",
            hint="Targets are never broadcast: reshape them, for instance y[:, None].",
        )


@primitive(
    lambda g, y, p, t, reduction="mean", axis=None: _spread(g, p, reduction, axis) * (2 * (p - t)),
    lambda g, y, p, t, reduction="mean", axis=None: _spread(g, p, reduction, axis) * (2 * (t - p)),
)
def mean_squared_error(p: Any, t: Any, reduction: str = "mean", axis: Axis = None) -> Any:
    """Squared error, e^2; d/dp = 2 e."""
    _same_shape(p, t)
    return _reduce(np.square(p - t), reduction, axis)


@primitive(
    lambda g, y, p, t, reduction="mean", axis=None: _spread(g, p, reduction, axis) * np.sign(p - t),
    lambda g, y, p, t, reduction="mean", axis=None: _spread(g, p, reduction, axis) * np.sign(t - p),
)
def mean_absolute_error(p: Any, t: Any, reduction: str = "mean", axis: Axis = None) -> Any:
    """Absolute error, |e|; d/dp = sign e, which is 0 at 0."""
    _same_shape(p, t)
    return _reduce(np.absolute(p - t), reduction, axis)


@primitive(
    lambda g, y, p, t, delta=1.0, reduction="mean", axis=None: (
        _spread(g, p, reduction, axis) * np.clip(p - t, -delta, delta)
    ),
    lambda g, y, p, t, delta=1.0, reduction="mean", axis=None: (
        _spread(g, p, reduction, axis) * np.clip(t - p, -delta, delta)
    ),
)
def huber(p: Any, t: Any, delta: float = 1.0, reduction: str = "mean", axis: Axis = None) -> Any:
    """Huber's loss: e^2 / 2 for |e| <= delta, else delta (|e| - delta / 2); d/dp = e, clipped.

    Huber 1964, "Robust estimation of a location parameter".
    """
    _same_shape(p, t)
    size = np.absolute(p - t)
    inner = np.minimum(size, delta)
    return _reduce(inner * (size - 0.5 * inner), reduction, axis)


@primitive(
    lambda g, y, z, s, reduction="mean", axis=None: (
        _spread(g, z, reduction, axis) * np.where(np.less(s * z, 1), -s, 0.0)
    ),
    lambda g, y, z, s, reduction="mean", axis=None: (
        _spread(g, z, reduction, axis) * np.where(np.less(s * z, 1), -z, 0.0)
    ),
)
def hinge(z: Any, s: Any, reduction: str = "mean", axis: Axis = None) -> Any:
    """Hinge loss of a score z and a sign s = +-1, max(0, 1 - s z); d/dz = -s where s z < 1."""
    _same_shape(z, s)
    return _reduce(np.maximum(1.0 - s * z, 0.0), reduction, axis)


@primitive(
    lambda g, y, z, t, reduction="mean", axis=None: (
        _spread(g, z, reduction, axis) * (sigmoid(z) - t)
    ),
    lambda g, y, z, t, reduction="mean", axis=None: _spread(g, z, reduction, axis) * -z,
)
def bce_with_logits(z: Any, t: Any, reduction: str = "mean", axis: Axis = None) -> Any:
    """Binary cross-entropy of a logit z and a target t in [0, 1], softplus(z) - t z.

    It equals -t log s(z) - (1 - t) log(1 - s(z)), s the sigmoid, without ever taking a logarithm
    of 0; d/dz = s(z) - t.
    """
    _same_shape(z, t)
    losses = np.log1p(np.exp(-np.absolute(z)))
    losses += np.maximum(z, 0.0)
    losses -= t * z
    return _reduce(losses, reduction, axis)


def _probabilities(t: Any, z: Any) -> Any:
    """Return targets as probabilities: class indices become one-hot rows."""
    if t.dtype.kind in "iu":
        shared = z.ndim > 2 and t.shape == z.shape[1:-1]
        if t.shape != z.shape[:-1] and not shared:
            raise ShapeError(
                "class indices do not fit the logits",
                received=f"logits {z.shape}, indices {t.shape}",
                expected=f"one index per row, shape {z.shape[:-1]}",
            )
        return np.equal(t[..., None], np.arange(z.shape[-1])).astype(z.dtype)
    _same_shape(z, t)
    return t


def _softmax_less(q: Any, z: Any) -> Any:
    return softmax(z) * q.sum(axis=-1, keepdims=True) - q


def _per_row(g: Any, z: Any, reduction: str, axis: Axis) -> Any:
    rows = _spread(g, z[..., 0], reduction, axis)
    return rows.reshape((*rows.shape, 1))


@primitive(
    lambda g, y, z, t, reduction="mean", axis=None: (
        _per_row(g, z, reduction, axis) * _softmax_less(_probabilities(t, z), z)
    ),
    lambda g, y, z, t, reduction="mean", axis=None: (
        _per_row(g, z, reduction, axis) * -log_softmax(z)
    ),
)
def softmax_cross_entropy(z: Any, t: Any, reduction: str = "mean", axis: Axis = None) -> Any:
    """Cross-entropy of logits z (..., n, K) and targets, -sum_k q_k log softmax(z)_k for each row.

    Targets are class indices (..., n) of an integer type, or probabilities q (..., n, K).
    d/dz = softmax(z) - q, for probabilities that sum to 1.
    """
    q = _probabilities(t, z)
    if t.dtype.kind in "iu" and t.size:
        low, high = t.item(t.argmin()), t.item(t.argmax())  # on few numbers faster than t.min()
        if low < 0 or high >= z.shape[-1]:
            raise ArgumentError(
                "a class index is out of range",
                received=f"indices from {low} to {high}",
                expected=f"0 to {z.shape[-1] - 1}, for logits {z.shape}",
            )
    losses = -np.add.reduce(q * log_softmax(z), axis=-1)
    return _reduce(losses, reduction, axis)
