"""Losses of two classes, for one score of each sample."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from minidl.autograd import Array, ops
from minidl.autograd.node import Value
from minidl.autograd.ops.losses import Weights, averaged, like
from minidl.errors import ShapeError
from minidl.nn.criterion import Loss, OperationLoss, Shape
from minidl.nn.targets import check_share, check_valid, check_weight, check_weights, recoding

__all__ = ["BinaryCrossEntropy", "Focal", "Hinge"]


def _of_outputs(value: Any) -> float | tuple[float, ...] | None:
    """Return `pos_weight`, checked: a number, or one for each output."""
    if value is None or np.ndim(value) == 0:
        return None if value is None else check_weight("pos_weight", value)
    return check_weights("pos_weight", value, "Write one number for each output.")


class Binary(Loss):
    """The base of two-class losses: one score per sample, positive for class 1."""

    classifies = True

    def right(self, outputs: Array, targets: Array) -> Array:
        """Return which scores have the sign of their class; a score of 0 is class 0."""
        return np.equal(outputs > 0, targets > 0.5)


class BinaryCrossEntropy(Binary, OperationLoss):
    """Mean of -t log s(z) - (1 - t) log(1 - s(z)), for a logit z and a target t in [0, 1].

    Computed as softplus(z) - t z, safe at any logit. As PyTorch's BCEWithLogitsLoss, and Keras's
    BinaryCrossentropy(from_logits=True).

    Parameters
    ----------
    pos_weight : float or list of float, optional
        Factor p >= 0 of the first term, or one for each output, as in PyTorch: p > 1 raises the
        recall. The mean is still divided by the number of targets. A natural choice is the number
        of rows of class 0 divided by that of class 1.
    label_smoothing : float from 0 to 1, default 0.0
        Targets are (1 - e) t + e / 2, as in Keras. The accuracy is that of t.

    Examples
    --------
    >>> BinaryCrossEntropy(pos_weight=3.0)([[0.0], [0.0]], [1, 0]) / np.log(2)
    np.float64(2.0)
    """

    operation = staticmethod(ops.bce_with_logits)
    pos_weight: float | tuple[float, ...] | None = None
    label_smoothing: float = 0.0
    _optional = ("pos_weight", "label_smoothing")
    _checks: ClassVar = {
        "pos_weight": _of_outputs,
        "label_smoothing": lambda share: check_share("label_smoothing", share),
    }

    def __init__(
        self, *, pos_weight: float | Sequence[float] | None = None, label_smoothing: float = 0.0
    ) -> None:
        self.pos_weight = pos_weight  # type: ignore[assignment]
        self.label_smoothing = label_smoothing

    def prepare(self, targets: Value, shape: Shape, dtype: npt.DTypeLike = np.float64) -> Array:
        """Return the targets as a column of numbers in [0, 1]."""
        column = super().prepare(targets, shape, dtype)
        valid = (column >= 0) & (column <= 1)
        check_valid(self, column, valid, "0 or 1 (or a probability between)", recoding)
        if isinstance(self.pos_weight, tuple) and len(self.pos_weight) != shape[-1]:
            received = f"{len(self.pos_weight)} weights, outputs {shape}"
            raise ShapeError("pos_weight does not fit the outputs", received=received)
        return column

    def mean(self, outputs: Value, targets: Array, sample_weight: Weights = None) -> Value:
        """Return the mean of the terms."""
        if self.label_smoothing:
            targets = (1 - self.label_smoothing) * like(targets, outputs) + self.label_smoothing / 2
        if self.pos_weight is None:
            return super().mean(outputs, targets, sample_weight)
        t, weight = like(targets, outputs), np.asarray(self.pos_weight, outputs.dtype)
        losses = weight * t * ops.softplus(-outputs) + (1 - t) * ops.softplus(outputs)
        return averaged(losses, self.axes if outputs.ndim > 2 else None, sample_weight)


class _Signs(Binary):
    """A two-class loss with targets -1 and 1."""

    def prepare(self, targets: Value, shape: Shape, dtype: npt.DTypeLike = np.float64) -> Array:
        """Return the targets as a column of -1 and 1."""
        column = super().prepare(targets, shape, dtype)
        valid = (column == 1) | (column == (-1 if np.any(column == -1) else 0))
        check_valid(self, column, valid, "-1 or 1, or 0 or 1", recoding)
        return np.where(column > 0, column, column.dtype.type(-1))


class Hinge(_Signs, OperationLoss):
    """Mean of max(0, 1 - s z), for a score z and a class s: targets -1 and 1, or 0 and 1."""

    operation = staticmethod(ops.hinge)


class Focal(_Signs):
    """Mean of -a (1 - p)^gamma log p, p = s(z) for class 1 and 1 - s(z) for class 0, z the logit.

    It is the binary cross-entropy with less weight for rows that are right already. Lin et al.
    2017, arXiv 1708.02002, eq. 5. Targets are 0 and 1, or -1 and 1, otherwise a DataError. As
    ``torchvision.ops.sigmoid_focal_loss(reduction="mean")``, and Keras's
    BinaryFocalCrossentropy(from_logits=True, apply_class_balancing=True).

    Parameters
    ----------
    gamma : float, default 2.0
        At least 0; 0 is the binary cross-entropy.
    alpha : float from 0 to 1 or None, default 0.25
        The factor a is alpha for class 1 and 1 - alpha for class 0; None leaves it out, as Keras
        does by default.

    Examples
    --------
    >>> Focal(gamma=2.0, alpha=None)([[0.0]], [1]) / np.log(2)
    np.float64(0.25)
    """

    _checks: ClassVar = {
        "gamma": lambda value: check_weight("gamma", value),
        "alpha": lambda value: None if value is None else check_share("alpha", value),
    }

    def __init__(self, gamma: float = 2.0, alpha: float | None = 0.25) -> None:
        self.gamma = gamma
        self.alpha = alpha

    def mean(self, outputs: Value, targets: Array, sample_weight: Weights = None) -> Value:
        """Return the mean of the terms, with log p = -softplus(-z) for class 1."""
        s = like(targets, outputs)
        z = s * outputs
        losses = ops.softplus(-z) * ops.exp(-self.gamma * ops.softplus(z))
        if self.alpha is not None:
            losses = losses * np.where(s > 0, self.alpha, 1 - self.alpha).astype(s.dtype)
        return averaged(losses, (-2, -1) if outputs.ndim > 2 else None, sample_weight)
