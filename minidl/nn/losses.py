"""Losses of numbers, and the registry of the names of all losses.

The formulas are in :mod:`minidl.autograd.ops`. A loss checks targets and aligns them with outputs,
so that (n,) is never broadcast against (n, 1). Losses of classes are in
``binary_losses.py`` and ``softmax_losses.py``.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from minidl.autograd import Array, ops
from minidl.autograd.node import Value
from minidl.autograd.ops.losses import Weights, averaged, like
from minidl.checks import check_flag, check_number, is_minidl
from minidl.errors import ArgumentError, shown
from minidl.keywords import answers
from minidl.nn.binary_losses import BinaryCrossEntropy, Focal, Hinge
from minidl.nn.criterion import Loss, OperationLoss, Shape
from minidl.nn.softmax_losses import KLDivergence, SoftmaxCrossEntropy
from minidl.nn.targets import check_valid
from minidl.registry import Registry

__all__ = ["LOSSES", "BinaryCrossEntropy", "Focal", "Hinge", "Huber", "KLDivergence", "Loss"]
__all__ += ["MeanAbsoluteError", "MeanSquaredError", "Poisson", "SmoothL1", "SoftmaxCrossEntropy"]
__all__ += ["loss"]


class MeanSquaredError(OperationLoss):
    """Mean of (prediction - target)^2. As PyTorch's MSELoss and Keras's MeanSquaredError."""

    operation = staticmethod(ops.mean_squared_error)


class MeanAbsoluteError(OperationLoss):
    """Mean of |prediction - target|. As PyTorch's L1Loss."""

    operation = staticmethod(ops.mean_absolute_error)


def _positive(name: str) -> Callable[[float], float]:
    """Return the check of a setting that is a positive finite number."""
    expected = "a positive finite number"
    return lambda value: check_number(name, value, lambda v: 0 < v < math.inf, expected)


class Huber(OperationLoss):
    """Mean of e^2 / 2 for errors |e| <= delta, else of delta (|e| - delta / 2); delta > 0.

    As PyTorch's HuberLoss and Keras's Huber. PyTorch's SmoothL1Loss is this divided by delta:
    :class:`SmoothL1`.
    """

    operation = staticmethod(ops.huber)
    _checks: ClassVar = {"delta": _positive("delta")}

    def __init__(self, delta: float = 1.0) -> None:
        self.delta = delta

    def options(self) -> dict[str, Any]:
        """Return delta."""
        return {"delta": self.delta}


class SmoothL1(OperationLoss):
    """Mean of e^2 / (2 beta) for errors |e| <= beta, else of |e| - beta / 2; beta > 0.

    As PyTorch's SmoothL1Loss: the slope of large errors is 1, whatever beta is, and as beta goes to
    0 it is the absolute error. It is ``Huber(beta)`` divided by beta. Girshick 2015, arXiv
    1504.08083, eq. 3.

    >>> SmoothL1(beta=0.5)([[3.0]], [[0.0]]), Huber(delta=0.5)([[3.0]], [[0.0]])
    (np.float64(2.75), np.float64(1.375))
    """

    operation = staticmethod(ops.huber)
    _checks: ClassVar = {"beta": _positive("beta")}

    def __init__(self, beta: float = 1.0) -> None:
        self.beta = beta

    def options(self) -> dict[str, Any]:
        """Return beta, as delta."""
        return {"delta": self.beta}

    def mean(self, outputs: Value, targets: Array, sample_weight: Weights = None) -> Value:
        """Return Huber's loss divided by beta."""
        return super().mean(outputs, targets, sample_weight) / self.beta


class Poisson(Loss):
    """Mean of e^z - t z, the negative log likelihood of counts t with the mean e^z.

    Terms of t alone, log t!, are left out. With ``log_input=False``, outputs are the mean itself,
    and it is z - t log(z + epsilon). Targets are at least 0, otherwise a DataError. As PyTorch's
    PoissonNLLLoss; Keras's Poisson is ``log_input=False`` with ``epsilon=1e-7``. ``model.predict``
    returns z, and the rate is e^z; :class:`minidl.MLPRegressor` with this name predicts the rate.

    >>> Poisson()([[0.0]], [[2.0]]), Poisson(log_input=False)([[1.0]], [[0.0]])
    (np.float64(1.0), np.float64(1.0))
    """

    _optional = ("epsilon",)
    _checks: ClassVar = {
        "log_input": lambda flag: check_flag("log_input", flag),
        "epsilon": _positive("epsilon"),
    }
    epsilon: float = 1e-8

    def __init__(self, log_input: bool = True, epsilon: float = 1e-8) -> None:
        self.log_input = log_input
        self.epsilon = epsilon

    def prepare(self, targets: Value, shape: Shape, dtype: npt.DTypeLike = np.float64) -> Array:
        """Return the targets as a column of numbers of at least 0."""
        column = super().prepare(targets, shape, dtype)
        hint = "For numbers that may be negative, use mean_squared_error."
        valid, problem = column >= 0, "a target is negative, or not a number"
        return check_valid(self, column, valid, "a count >= 0", lambda _: hint, problem=problem)

    def mean(self, outputs: Value, targets: Array, sample_weight: Weights = None) -> Value:
        """Return the mean of the terms."""
        t = like(targets, outputs)
        if self.log_input:
            losses = ops.exp(outputs) - t * outputs
        else:
            losses = outputs - t * ops.log(outputs + self.epsilon)
        return averaged(losses, (-2, -1) if outputs.ndim > 2 else None, sample_weight)


LOSSES: Registry[type[Loss]] = Registry("loss")
LOSSES.add("mean_squared_error", MeanSquaredError, ["mse", "l2"])
LOSSES.add("mean_absolute_error", MeanAbsoluteError, ["mae", "l1"])
LOSSES.add("huber", Huber)
LOSSES.add("smooth_l1", SmoothL1)
LOSSES.add("poisson", Poisson, ["poisson_nll"])
LOSSES.add("hinge", Hinge)
LOSSES.add("focal", Focal, ["binary_focal_crossentropy"])
_BINARY = ["bce", "binary_crossentropy", "bce_with_logits"]
_SOFTMAX = ["cross_entropy", "categorical_crossentropy", "sparse_categorical_crossentropy"]
LOSSES.add("binary_cross_entropy", BinaryCrossEntropy, _BINARY)
LOSSES.add("softmax_cross_entropy", SoftmaxCrossEntropy, _SOFTMAX)
LOSSES.add("kl_divergence", KLDivergence, ["kl_div", "kld"])
ALIASES = {alias: name for name in LOSSES for alias in LOSSES.aliases(name)}


@answers
def loss(name: str | Loss | type[Loss]) -> Loss:
    """Return a loss of that name, or of that class; a loss is returned as it is.

    ``mse`` and ``l2`` are ``mean_squared_error``, ``mae`` and ``l1`` are ``mean_absolute_error``,
    ``bce``, ``binary_crossentropy`` and ``bce_with_logits`` are ``binary_cross_entropy``, and
    ``cross_entropy``, ``categorical_crossentropy`` and ``sparse_categorical_crossentropy`` are
    ``softmax_cross_entropy``; ``kl_div`` and ``kld`` are ``kl_divergence``, ``poisson_nll`` is
    ``poisson`` and ``binary_focal_crossentropy`` is ``focal``; ``huber``, ``smooth_l1`` and
    ``hinge`` have no aliases. ``LOSSES.add(name, class)`` adds a name. An unknown one is an
    UnknownNameError; no name and no loss an ArgumentError.

    A loss with settings is given as itself: ``nn.SoftmaxCrossEntropy(label_smoothing=0.1)``.

    >>> loss("mse"), loss("huber")
    (MeanSquaredError(), Huber(delta=1.0))
    """
    if isinstance(name, Loss):
        return name
    if isinstance(name, type) and issubclass(name, Loss):
        return name()
    if not isinstance(name, str):
        expected = 'a name such as "mse", or a loss such as nn.MeanSquaredError()'
        hint = "Names are in minidl list losses; a custom loss derives from nn.Loss."
        message = "loss is neither a name nor a Loss"
        raise ArgumentError(message, received=shown(name), expected=expected, hint=hint)
    return LOSSES[name]()


def lowest(loss: Loss) -> float:
    """Return a bound of a loss from below: 0 for minidl's losses but Poisson, else -inf.

    >>> lowest(MeanSquaredError()), lowest(Poisson())
    (0.0, -inf)
    """
    return 0.0 if is_minidl(loss) and not isinstance(loss, Poisson) else -math.inf
