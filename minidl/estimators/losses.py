"""scikit-learn's losses: sums over the outputs of a row, and means over rows."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.special import xlogy

from minidl.autograd import Array, ops
from minidl.autograd.node import Value
from minidl.autograd.ops.losses import Weights
from minidl.errors import ArgumentError, DataError, UnknownNameError
from minidl.nn import Loss
from minidl.nn import loss as loss_named
from minidl.nn.criterion import Shape
from minidl.nn.losses import LOSSES, BinaryCrossEntropy, SoftmaxCrossEntropy


class HalfSquaredError(Loss):
    """Half the squared error, summed over outputs: mean over rows of sum (p - t)^2 / 2.

    Its gradient is scikit-learn's, which reports the mean over outputs instead of their sum.

    >>> from minidl import Tensor
    >>> HalfSquaredError()(Tensor([[1.0, 3.0]]), [[0.0, 0.0]]).item()
    5.0
    """

    def mean(self, outputs: Value, targets: Array, sample_weight: Weights = None) -> Value:
        """Return the mean over rows."""
        if sample_weight is None:
            mean = ops.mean_squared_error(outputs, targets)
        else:
            mean = ops.mean_squared_error(outputs, targets, sample_weight=sample_weight)
        return mean * (0.5 * outputs.shape[-1])


class HalfPoissonDeviance(Loss):
    """Half the Poisson deviance of counts t and logarithms of rates z, summed over outputs.

    Mean over rows of sum e^z - t z + t log t - t, which is 0 for the rates t; otherwise a negative
    target is a DataError.

    >>> from minidl import Tensor
    >>> HalfPoissonDeviance()(Tensor([[0.0]]), [[1.0]]).item()
    0.0
    """

    log_input = True  # rates are e^z

    def prepare(self, targets: Value, shape: Shape, dtype: npt.DTypeLike = np.float64) -> Array:
        """Return the targets (n, outputs), none of them negative."""
        t = super().prepare(targets, shape, dtype)
        if t.size and t.min() < 0:
            problem = "the Poisson loss takes counts or other numbers >= 0 as targets"
            raise DataError(problem, received=t.min())
        return t

    def mean(self, outputs: Value, targets: Array, sample_weight: Weights = None) -> Value:
        """Return the mean over rows."""
        losses = ops.exp(outputs) - targets * outputs + (xlogy(targets, targets) - targets)
        rows = ops.sum(losses, axis=-1)
        if sample_weight is None:
            return ops.mean(rows, axis=-1)
        w = np.asarray(sample_weight)
        return ops.sum(rows * w, axis=-1) / w.sum(axis=-1)


class LogLoss(BinaryCrossEntropy):
    """Binary cross-entropy, summed over labels: mean over rows of sum softplus(z) - t z.

    >>> from minidl import Tensor
    >>> round(LogLoss()(Tensor([[0.0, 0.0]]), [[0, 1]]).item(), 4)  # 2 log 2
    1.3863
    """

    def mean(self, outputs: Value, targets: Array, sample_weight: Weights = None) -> Value:
        """Return the mean over rows."""
        mean = super().mean(outputs, targets, sample_weight)
        return mean if outputs.shape[-1] == 1 else mean * float(outputs.shape[-1])


def classifier_loss(choice: object, *, several: bool) -> Loss:
    """Return a loss for classes; `several` says that a row has one of three or more classes."""
    if choice == "log_loss":
        return SoftmaxCrossEntropy() if several else LogLoss()
    return _of_kind(choice, "log_loss", classifies=True)


def regressor_loss(choice: object) -> Loss:
    """Return a loss for numbers."""
    if choice == "squared_error":
        return HalfSquaredError()
    if choice == "poisson":
        return HalfPoissonDeviance()
    return _of_kind(choice, "squared_error", classifies=False)


def _of_kind(choice: object, default: str, *, classifies: bool) -> Loss:
    """Return a loss of minidl, if its targets are classes, or if they are numbers."""
    names = [name for name, cls in LOSSES.items() if cls.classifies == classifies]
    if isinstance(choice, str) and choice not in LOSSES:
        raise UnknownNameError("loss", choice, [default, *names])
    loss = loss_named(choice)  # type: ignore[arg-type]
    if loss.classifies != classifies:
        role = "classes" if classifies else "numbers"
        expected = f'"{default}", {", ".join(map(repr, names))} or a custom loss'
        problem = f"loss {choice!r} does not take {role} as targets"
        raise ArgumentError(problem, expected=expected)
    return loss
