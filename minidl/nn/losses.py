"""Losses: means over samples, and the registry of their names.

The formulas are in :mod:`minidl.autograd.ops`. A loss checks targets and aligns them with outputs,
so that (n,) is never broadcast against (n, 1).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from minidl.autograd import Array, ops
from minidl.autograd.node import Value
from minidl.autograd.ops.losses import Weights
from minidl.checks import check_number
from minidl.errors import ArgumentError, DataError, ShapeError
from minidl.keywords import answers
from minidl.nn.criterion import Loss, Shape
from minidl.registry import Registry
from minidl.values import CLASSES, REMEDY

__all__ = ["LOSSES", "BinaryCrossEntropy", "Hinge", "Huber", "Loss", "SoftmaxCrossEntropy", "loss"]
__all__ += ["MeanAbsoluteError", "MeanSquaredError"]


class _Operation(Loss):
    """A loss that is one operation."""

    operation: ClassVar[Callable[..., Value]]
    axes: ClassVar[tuple[int, ...]] = (-2, -1)  # of the terms of one replica

    def mean(self, outputs: Value, targets: Array, sample_weight: Weights = None) -> Value:
        """Return the mean of the terms."""
        axes = self.axes if outputs.ndim > 2 else None
        if sample_weight is None:
            return self.operation(outputs, targets, "mean", axes)
        return self.operation(outputs, targets, "mean", axes, sample_weight=sample_weight)


class MeanSquaredError(_Operation):
    """Mean of (prediction - target)^2. As PyTorch's MSELoss and Keras's MeanSquaredError."""

    operation = staticmethod(ops.mean_squared_error)


class MeanAbsoluteError(_Operation):
    """Mean of |prediction - target|. As PyTorch's L1Loss."""

    operation = staticmethod(ops.mean_absolute_error)


class Huber(Loss):
    """Mean of e^2 / 2 for errors |e| <= delta, else of delta (|e| - delta / 2); delta > 0."""

    _checks: ClassVar = {
        "delta": lambda value: check_number(
            "delta", value, lambda d: 0 < d < math.inf, "a positive finite number"
        )
    }

    def __init__(self, delta: float = 1.0) -> None:
        self.delta = delta

    def mean(self, outputs: Value, targets: Array, sample_weight: Weights = None) -> Value:
        """Return the mean of Huber's losses."""
        axis = (-2, -1) if outputs.ndim > 2 else None
        options = {} if sample_weight is None else {"sample_weight": sample_weight}
        return ops.huber(outputs, targets, "mean", axis, delta=self.delta, **options)


class _Binary(_Operation):
    """A two-class loss: one score per sample, positive for class 1."""

    classifies = True

    def right(self, outputs: Array, targets: Array) -> Array:
        """Return which scores have the sign of their class; a score of 0 is class 0."""
        return np.equal(outputs > 0, targets > 0.5)


class BinaryCrossEntropy(_Binary):
    """Mean of -t log s(z) - (1 - t) log(1 - s(z)), for a logit z and a target t in [0, 1].

    Computed as softplus(z) - t z, safe at any logit. As PyTorch's BCEWithLogitsLoss, and Keras's
    BinaryCrossentropy(from_logits=True).
    """

    operation = staticmethod(ops.bce_with_logits)

    def prepare(self, targets: Value, shape: Shape, dtype: npt.DTypeLike = np.float64) -> Array:
        """Return the targets as a column of numbers in [0, 1]."""
        column = super().prepare(targets, shape, dtype)
        valid = (column >= 0) & (column <= 1)
        return _valid(self, column, valid, "0 or 1 (or a probability between)", _recoding)


class Hinge(_Binary):
    """Mean of max(0, 1 - s z), for a score z and a class s: targets -1 and 1, or 0 and 1."""

    operation = staticmethod(ops.hinge)

    def prepare(self, targets: Value, shape: Shape, dtype: npt.DTypeLike = np.float64) -> Array:
        """Return the targets as a column of -1 and 1."""
        column = super().prepare(targets, shape, dtype)
        valid = (column == 1) | (column == (-1 if np.any(column == -1) else 0))
        _valid(self, column, valid, "-1 or 1, or 0 or 1", _recoding)
        return np.where(column > 0, column, column.dtype.type(-1))


class SoftmaxCrossEntropy(_Operation):
    """Mean of -log softmax(z)[t], for logits z (n, K) and a class t.

    Targets are class indices 0 .. K-1 of shape (n,), or one-hot rows or probabilities (n, K). As
    PyTorch's CrossEntropyLoss, and Keras's CategoricalCrossentropy(from_logits=True) (or Sparse).
    """

    classifies = True
    operation, axes = staticmethod(ops.softmax_cross_entropy), (-1,)

    def prepare(self, targets: Value, shape: Shape, dtype: npt.DTypeLike = np.float64) -> Array:
        """Return class indices as integers, or probabilities, checked."""
        if shape[-1] == 1:
            problem = "SoftmaxCrossEntropy of one output is always 0"
            expected = "one output for each class, at least 2"
            hint = "End the network with K outputs for K classes, or use binary_cross_entropy,"
            hint += " which takes two classes and one output."
            raise ShapeError(problem, received=f"logits {shape}", expected=expected, hint=hint)
        t = self._numbers(targets)
        rows = (shape[:-1], shape[-2:-1])
        if t.shape[-1:] == (1,) and t.shape[:-1] in rows:
            t = t[..., 0]
        if t.shape in (shape, shape[-2:]) and not (t.dtype.kind in "iu" and t.shape in rows):
            q = super().prepare(t, shape, dtype)
            sums = q.sum(axis=-1)
            if np.any(q < 0) or not np.allclose(sums, 1, atol=1e-6):
                problem = "SoftmaxCrossEntropy: a row of probabilities does not sum to 1"
                received = f"row sums from {sums.min():g} to {sums.max():g}, smallest entry"
                expected = "numbers >= 0 that sum to 1 in each row"
                raise DataError(problem, received=f"{received} {q.min():g}", expected=expected)
            return q
        if t.shape not in rows:
            problem = "SoftmaxCrossEntropy: the targets do not fit the logits"
            received = f"logits {shape}, targets {t.shape}"
            expected = f"class indices {shape[:-1]} or probabilities {shape}"
            raise ShapeError(problem, received=received, expected=expected)
        valid = (t >= 0) & (t < shape[-1])
        if t.dtype.kind == "f":
            valid &= t == np.floor(t)
        K = shape[-1]
        expected = f"an integer from 0 to {K - 1}, for {K} outputs"
        _valid(self, t, valid, expected, lambda classes: _numbering(classes, K))
        return t if t.dtype.kind in "iu" else t.astype(np.int64)

    def right(self, outputs: Array, targets: Array) -> Array:
        """Return in which rows the largest logit is that of the target."""
        classes = targets if targets.dtype.kind in "iu" else targets.argmax(axis=-1)
        right: Array = outputs.argmax(axis=-1) == classes
        return right


def _valid(
    loss: Loss, t: Array, valid: Array, expected: str, hint: Callable[[Array], str | None]
) -> Array:
    """Return targets (n,), (n, 1), (R, n) or (R, n, 1), or raise for the first invalid one."""
    if not np.all(valid):
        place = tuple(int(i) for i in np.argwhere(~valid)[0])
        row = place[-2] if len(place) > 1 and t.shape[-1] == 1 else place[-1]
        message, received = f"{type(loss).__name__}: a target is not a valid class", t[place]
        advice = hint(np.unique(t)) if np.isfinite(t).all() else REMEDY
        raise DataError(
            message, received=f"{received} in row {row}", expected=expected, hint=advice
        )
    return t


def _recoding(values: Array) -> str | None:
    """Return how targets with these values become 0 and 1, or which loss takes them."""
    if len(values) <= 2:
        return f"Recode two classes as 0 and 1: y = np.equal(y, {values[-1]:g})."
    if np.any(values % 1):
        return "For numbers that are not classes, use mean_squared_error."
    hint = (
        f"For {len(values)} classes, use SoftmaxCrossEntropy with {len(values)} outputs, and number"
    )
    return f"{hint} the classes with np.unique(y, return_inverse=True)[1]."


def _numbering(values: Array, outputs: int) -> str | None:
    """Return how targets with these values become class indices, or how many outputs they need."""
    if np.any(values % 1):
        return "For numbers that are not classes, use mean_squared_error."
    if len(values) <= outputs:
        return f"{CLASSES} Number all rows at once, so that validation rows have the same numbers."
    return f"There are {len(values)} classes: end the network with {len(values)} outputs."


LOSSES: Registry[type[Loss]] = Registry("loss")
LOSSES.add("mean_squared_error", MeanSquaredError, ["mse", "l2"])
LOSSES.add("mean_absolute_error", MeanAbsoluteError, ["mae", "l1"])
LOSSES.add("huber", Huber)
LOSSES.add("hinge", Hinge)
_BINARY = ["bce", "binary_crossentropy", "bce_with_logits"]
_SOFTMAX = ["cross_entropy", "categorical_crossentropy", "sparse_categorical_crossentropy"]
LOSSES.add("binary_cross_entropy", BinaryCrossEntropy, _BINARY)
LOSSES.add("softmax_cross_entropy", SoftmaxCrossEntropy, _SOFTMAX)
ALIASES = {alias: name for name in LOSSES for alias in LOSSES.aliases(name)}


@answers
def loss(name: str | Loss | type[Loss]) -> Loss:
    """Return a loss of that name, or of that class; a loss is returned as it is.

    ``mse`` and ``l2`` are ``mean_squared_error``, ``mae`` and ``l1`` are ``mean_absolute_error``,
    ``bce``, ``binary_crossentropy`` and ``bce_with_logits`` are ``binary_cross_entropy``, and
    ``cross_entropy``, ``categorical_crossentropy`` and ``sparse_categorical_crossentropy`` are
    ``softmax_cross_entropy``; ``huber`` and ``hinge`` have no aliases. ``LOSSES.add(name, class)``
    adds a name. An unknown one is an UnknownNameError; no name and no loss an ArgumentError.

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
        raise ArgumentError(message, received=repr(name), expected=expected, hint=hint)
    return LOSSES[name]()
