"""Losses as fused operations: one node, one short rule, stable at logits of +-1e4.

All have the same further parameters, in :mod:`minidl.autograd.ops.loss_reduction`:

- ``reduction`` is "mean", "sum" or "none"; ``axis`` says over which axes of the losses, None all;
- ``sample_weight`` is one weight for each row, shaped as the predictions without their last axis,
  or one for each loss; a weighted mean is sum(w l) / sum(w).

Targets have the shape of the predictions p, or, of replicas p (R, n, out), share (n, out). They
take the dtype of the predictions. In the formulas e = p - t is the error. The mean of no losses
is an error (NumPy and PyTorch give nan).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minidl.autograd.ops.activations import logistic, sigmoid
from minidl.autograd.ops.loss_reduction import aligned, reduce, rule, weights
from minidl.autograd.ops.reductions import Axis
from minidl.autograd.primitive import primitive, quiet
from minidl.errors import ArgumentError

__all__ = ["bce_with_logits", "hinge", "huber", "mean_absolute_error", "mean_squared_error"]


def _reduced(losses: Any, reduction: str, axis: Axis, sample_weight: Any) -> Any:
    if sample_weight is None:
        return reduce(losses, reduction, axis)
    return reduce(losses, reduction, axis, weights(sample_weight, losses.shape, losses.dtype))


@primitive(rule(lambda p, t: 2 * (p - t)), rule(lambda p, t: 2 * (t - p)))
def mean_squared_error(
    p: Any, t: Any, reduction: str = "mean", axis: Axis = None, *, sample_weight: Any = None
) -> Any:
    """Squared error, e^2; d/dp = 2 e.

    >>> p, t = np.array([[1.0], [3.0]]), np.array([[0.0], [0.0]])
    >>> mean_squared_error(p, t).item(), mean_squared_error(p, t, sample_weight=[3, 1]).item()
    (5.0, 3.0)
    """
    return _reduced(np.square(p - aligned(p, t)), reduction, axis, sample_weight)


@primitive(rule(lambda p, t: np.sign(p - t)), rule(lambda p, t: np.sign(t - p)))
def mean_absolute_error(
    p: Any, t: Any, reduction: str = "mean", axis: Axis = None, *, sample_weight: Any = None
) -> Any:
    """Absolute error, |e|; d/dp = sign e, which is 0 at 0."""
    return _reduced(np.absolute(p - aligned(p, t)), reduction, axis, sample_weight)


@primitive(
    rule(lambda p, t, delta=1.0: np.clip(p - t, -float(delta), float(delta))),
    rule(lambda p, t, delta=1.0: np.clip(t - p, -float(delta), float(delta))),
)
def huber(
    p: Any,
    t: Any,
    reduction: str = "mean",
    axis: Axis = None,
    *,
    delta: float = 1.0,
    sample_weight: Any = None,
) -> Any:
    """Huber's loss: e^2 / 2 for |e| <= delta, else delta (|e| - delta / 2); d/dp = e, clipped.

    Huber 1964, "Robust estimation of a location parameter". As PyTorch's and Keras's.
    """
    if not delta > 0:
        raise ArgumentError("delta cannot be used", received=repr(delta), expected="delta > 0")
    delta = float(delta)
    size = np.absolute(p - aligned(p, t))
    inner = np.minimum(size, delta)
    return _reduced(inner * (size - 0.5 * inner), reduction, axis, sample_weight)


@primitive(
    rule(lambda z, s: np.where(np.less(s * z, 1), -s, 0.0)),
    rule(lambda z, s: np.where(np.less(s * z, 1), -z, 0.0)),
)
def hinge(
    z: Any, s: Any, reduction: str = "mean", axis: Axis = None, *, sample_weight: Any = None
) -> Any:
    """Hinge loss of a score z and a sign s = +-1, max(0, 1 - s z); d/dz = -s where s z < 1."""
    return _reduced(np.maximum(1.0 - aligned(z, s) * z, 0.0), reduction, axis, sample_weight)


def _slope(z: Any, t: Any) -> Any:
    return (logistic if isinstance(z, np.ndarray) else sigmoid)(z) - t


@primitive(rule(_slope), rule(lambda z, t: -z))
@quiet
def bce_with_logits(
    z: Any, t: Any, reduction: str = "mean", axis: Axis = None, *, sample_weight: Any = None
) -> Any:
    """Binary cross-entropy of a logit z and a target t in [0, 1], softplus(z) - t z.

    It equals -t log s(z) - (1 - t) log(1 - s(z)), s the sigmoid, without ever taking a logarithm
    of 0; d/dz = s(z) - t. The large terms cancel before the small one is added, so a loss of
    1e-30 is right in all its digits.
    """
    losses = np.maximum(z, 0.0)
    losses -= aligned(z, t) * z
    losses += np.log1p(np.exp(-np.absolute(z)))
    return _reduced(losses, reduction, axis, sample_weight)
