"""Losses: what a prediction costs, as a mean over samples, and the table of their names.

Each is a thin face over a fused operation of :mod:`minidl.autograd.ops.losses`, where the formula
is. The face aligns targets with outputs, so that (n,) is never broadcast against (n, 1) into an
(n, n) table by mistake, and says what the targets should have been.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from typing import Any

import numpy as np

from minidl.autograd import Array, Tensor, ops
from minidl.checks import check_name, check_number
from minidl.errors import ArgumentError, DataError, ShapeError
from minidl.nn.floats import as_floats

__all__ = [
    "ALIASES",
    "LOSSES",
    "BinaryCrossEntropy",
    "Hinge",
    "Huber",
    "Loss",
    "MeanAbsoluteError",
    "MeanSquaredError",
    "SoftmaxCrossEntropy",
    "loss",
]


MANY = 2**20  # targets, whose copy as floats would be large beside a memory-mapped X


class Loss(ABC):
    """The base: called with outputs and targets, a loss gives their mean.

    The mean is over samples (and over the columns of a sample, as in PyTorch and Keras). With a
    leading replica axis, outputs (R, n, out), there is one mean for each replica.

    A loss of one's own writes :meth:`mean` in operations on Tensors, and the gradient follows. What
    its targets must be is said in :meth:`prepare`; if they are classes, ``classifies = True`` and
    :meth:`right` give it an accuracy. With ``replicas = True`` in its class, ``train_replicas``
    trains its networks together, and `mean` must then do what it says of replicas.

    Examples
    --------
    >>> class LogCosh(Loss):
    ...     def mean(self, outputs, targets):
    ...         return np.log(np.cosh(outputs - targets)).mean()
    >>> LogCosh()(Tensor([[0.0], [1.0]]), [0.0, 1.0]).item()
    0.0
    >>> BinaryCrossEntropy()(Tensor([[0.0], [0.0]]), [0, 1]).item()
    0.6931471805599453
    """

    classifies = False  # whether the targets are classes, so that there is an accuracy

    def __call__(self, outputs: Any, targets: Any) -> Any:
        """Return the mean loss of `outputs` (n, out), a Tensor of no axes, for `targets`."""
        outputs = as_floats(outputs)
        return self.mean(outputs, self.prepare(targets, outputs.shape, outputs.dtype))

    @abstractmethod
    def mean(self, outputs: Any, targets: Array) -> Any:
        """Return the mean loss, for targets that :meth:`prepare` has checked.

        Parameters
        ----------
        outputs : Tensor, shape (n, out)
            The model's outputs for a batch of n rows; while a loss is only measured, without a
            graph. For replicas that are trained together (R, n, out).
        targets : ndarray, shape (n, out)
            The batch's rows of what :meth:`prepare` returned for all rows: by default of the
            outputs' dtype, and (n,) has become (n, 1); integers where there are more than 2**20.
            For replicas (R, n, out), or (n, out) if all have the same batch.

        Returns
        -------
        Tensor, shape ()
            The mean. For replicas (R,), a mean for each.
        """

    def prepare(self, targets: Any, shape: tuple[int, ...], dtype: Any = np.float64) -> Array:
        """Return the targets as the operation wants them, for outputs of `shape`.

        It is asked once for all rows, before training, and by a call of the loss.

        Parameters
        ----------
        targets : array_like
            As they were given to ``fit``.
        shape : tuple of int
            That of the outputs for all of these rows, (n, out).
        dtype : numpy dtype
            That of the outputs.

        Raises
        ------
        ShapeError
            The targets cannot belong to outputs of that shape.
        DataError
            Their values mean nothing to this loss.
        """
        raw = targets.data if isinstance(targets, Tensor) else np.asarray(targets)
        if raw.dtype.kind not in "biuf":
            raise DataError(
                f"{type(self).__name__} needs numbers as targets",
                received=f"targets of dtype {raw.dtype}",
                hint="Number the classes first, for instance with np.unique(y,"
                " return_inverse=True)[1].",
            )
        flat = shape[-1:] == (1,) and raw.ndim and raw.shape in (shape[:-1], shape[-2:-1])
        column = raw[..., None] if flat else raw
        if column.shape not in (shape, shape[-2:]):
            raise ShapeError(
                f"{type(self).__name__}: the targets do not fit the outputs",
                received=f"outputs {shape}, targets {raw.shape}",
                expected=f"targets of shape {shape}"
                + (f" or {shape[:-1]}" if len(shape) > 1 and shape[-1] == 1 else ""),
                hint=f"{type(self).__name__} knows two classes by one output: end the network with"
                " 1 output, or use softmax_cross_entropy, which has one for each class."
                if self.classifies and shape[-1:] > (1,)
                else None,
            )
        if column.size > MANY and column.dtype.kind in "iu":
            return column  # the operation converts them batch by batch
        return column.astype(dtype, copy=False)

    def accuracy(self, outputs: Any, targets: Any) -> Any:
        """Return the fraction of rows whose class is predicted, one for each replica.

        Raises
        ------
        ArgumentError
            The targets of this loss are not classes.
        """
        if not self.classifies:
            raise ArgumentError(f"{type(self).__name__} has no accuracy: it knows no classes")
        scores = as_floats(outputs.data if isinstance(outputs, Tensor) else outputs)
        right = self.right(scores, self.prepare(targets, scores.shape, scores.dtype))
        return np.mean(right, axis=tuple(range(1, right.ndim)) if scores.ndim > 2 else None)

    def right(self, outputs: Array, targets: Array) -> Array:
        """Return where the class is predicted, for targets that :meth:`prepare` has checked."""
        raise NotImplementedError

    def __repr__(self) -> str:
        inside = ", ".join(f"{name}={value}" for name, value in vars(self).items())
        return f"{type(self).__name__}({inside})"


def _axis(outputs: Any) -> tuple[int, int] | None:
    return (-2, -1) if outputs.ndim > 2 else None


class MeanSquaredError(Loss):
    """Mean of (prediction - target)^2. As PyTorch's MSELoss and Keras's MeanSquaredError."""

    def mean(self, outputs: Any, targets: Array) -> Any:
        """Return the mean of the squared errors."""
        return ops.mean_squared_error(outputs, targets, "mean", _axis(outputs))


class MeanAbsoluteError(Loss):
    """Mean of |prediction - target|. As PyTorch's L1Loss."""

    def mean(self, outputs: Any, targets: Array) -> Any:
        """Return the mean of the absolute errors."""
        return ops.mean_absolute_error(outputs, targets, "mean", _axis(outputs))


class Huber(Loss):
    """Squared error for small errors, absolute error for large ones.

    Parameters
    ----------
    delta : float, default 1.0
        Where the one becomes the other; greater than 0.
    """

    def __init__(self, delta: float = 1.0) -> None:
        expected = "a finite number greater than 0"
        self.delta = check_number("delta", delta, lambda d: 0 < d < math.inf, expected)

    def mean(self, outputs: Any, targets: Array) -> Any:
        """Return the mean of Huber's losses."""
        return ops.huber(outputs, targets, "mean", _axis(outputs), delta=self.delta)


class _Binary(Loss):
    """What the two-class losses share: one score per sample, positive for class 1."""

    classifies = True
    expected = ""

    def prepare(self, targets: Any, shape: tuple[int, ...], dtype: Any = np.float64) -> Array:
        """Return the targets as a column of numbers, checked to be classes."""
        column = super().prepare(targets, shape, dtype)
        wrong = self.wrong(column)
        if np.any(wrong):
            place = tuple(int(i) for i in np.argwhere(wrong)[0])
            raise DataError(
                f"{type(self).__name__}: a target has a value that is no class",
                received=f"{column[place]} in row {place[-2] if len(place) > 1 else place[0]}",
                expected=self.expected,
                hint="For more than two classes use SoftmaxCrossEntropy with one output per class.",
            )
        return self.coded(column)

    def wrong(self, column: Array) -> Any:
        """Return where the column holds a value that cannot be used."""
        raise NotImplementedError

    def coded(self, column: Array) -> Array:
        """Return the column in the code that the formula wants."""
        return column

    def right(self, outputs: Array, targets: Array) -> Array:
        """Return which scores are on the side of their target (a score of 0 is class 0)."""
        right: Array = (outputs > 0) == (targets > 0.5)
        return right


class BinaryCrossEntropy(_Binary):
    """Mean of -t log s(z) - (1 - t) log(1 - s(z)), for a logit z and a target t in [0, 1].

    Computed as softplus(z) - t z, safe at any logit. As PyTorch's BCEWithLogitsLoss, and Keras's
    BinaryCrossentropy(from_logits=True).
    """

    expected = "0 or 1 (or a probability between)"

    def wrong(self, column: Array) -> Any:
        """Return where a target is outside [0, 1]."""
        return ~((column >= 0) & (column <= 1))

    def mean(self, outputs: Any, targets: Array) -> Any:
        """Return the mean cross-entropy."""
        return ops.bce_with_logits(outputs, targets, "mean", _axis(outputs))


class Hinge(_Binary):
    """Mean of max(0, 1 - s z), for a score z and a class s: targets -1 and 1, or 0 and 1."""

    expected = "-1 or 1, or 0 or 1"

    def wrong(self, column: Array) -> Any:
        """Return where a target is neither of the two; beside a -1 a 0 is neither."""
        return (column != 1) & (column != (-1 if np.any(column == -1) else 0))

    def coded(self, column: Array) -> Array:
        """Return 0 as -1."""
        return np.where(column > 0, column, column.dtype.type(-1))

    def mean(self, outputs: Any, targets: Array) -> Any:
        """Return the mean hinge loss."""
        return ops.hinge(outputs, targets, "mean", _axis(outputs))


class SoftmaxCrossEntropy(Loss):
    """Mean of -log softmax(z)[t], for logits z (n, K) and a class t.

    Targets are class indices 0 .. K-1 of shape (n,), or one-hot rows or probabilities (n, K). As
    PyTorch's CrossEntropyLoss, and Keras's CategoricalCrossentropy(from_logits=True) (or Sparse).
    """

    classifies = True

    def prepare(self, targets: Any, shape: tuple[int, ...], dtype: Any = np.float64) -> Array:
        """Return class indices as integers, or probabilities, checked."""
        t = targets.data if isinstance(targets, Tensor) else np.asarray(targets)
        if (K := shape[-1]) == 1:
            raise ShapeError(
                "SoftmaxCrossEntropy of one output is always 0",
                received=f"logits {shape}",
                expected="one output for each class, at least 2",
                hint="End the network with K outputs for K classes, or use binary_cross_entropy,"
                " which knows two classes by one output.",
            )
        if t.shape[-1:] == (1,) and t.shape[:-1] in (shape[:-1], shape[-2:-1]):
            t = t[..., 0]
        indices = t.dtype.kind in "iu" and t.shape in (shape[:-1], shape[-2:-1])
        if t.shape in (shape, shape[-2:]) and not indices:
            return self._distributions(super().prepare(t, shape, dtype))
        if t.shape not in (shape[:-1], shape[-2:-1]):
            raise ShapeError(
                "SoftmaxCrossEntropy: the targets do not fit the logits",
                received=f"logits {shape}, targets {t.shape}",
                expected=f"class indices {shape[:-1]} or probabilities {shape}",
            )
        if t.dtype.kind not in "biuf":
            raise DataError(
                "SoftmaxCrossEntropy needs class indices",
                received=f"targets of dtype {t.dtype}",
                hint="Number the classes with np.unique(y, return_inverse=True)[1].",
            )
        wrong = (t < 0) | (t >= K)
        if t.dtype.kind == "f":
            wrong |= ~(t == np.floor(t))
        if np.any(wrong):
            place = tuple(int(i) for i in np.argwhere(wrong)[0])
            raise DataError(
                "SoftmaxCrossEntropy: a target is no class index",
                received=f"{t[place]} in row {place[-1]}",
                expected=f"an integer from 0 to {K - 1}, as there are {K} outputs",
            )
        return t if t.dtype.kind in "iu" else t.astype(np.int64)

    def _distributions(self, q: Array) -> Array:
        if np.any(q < 0) or not np.allclose(q.sum(axis=-1), 1, atol=1e-6):
            raise DataError(
                "SoftmaxCrossEntropy: a row of probabilities is not one",
                received=f"row sums from {q.sum(-1).min():g} to {q.sum(-1).max():g},"
                f" smallest entry {q.min():g}",
                expected="numbers >= 0 that sum to 1 in each row",
            )
        return q

    def mean(self, outputs: Any, targets: Array) -> Any:
        """Return the mean cross-entropy of the rows."""
        return ops.softmax_cross_entropy(
            outputs, targets, "mean", (-1,) if outputs.ndim > 2 else None
        )

    def right(self, outputs: Array, targets: Array) -> Array:
        """Return in which rows the largest logit is that of the target."""
        classes = targets if targets.dtype.kind in "iu" else targets.argmax(axis=-1)
        right: Array = outputs.argmax(axis=-1) == classes
        return right


LOSSES: dict[str, type[Loss]] = {
    "mean_squared_error": MeanSquaredError,
    "mean_absolute_error": MeanAbsoluteError,
    "huber": Huber,
    "hinge": Hinge,
    "binary_cross_entropy": BinaryCrossEntropy,
    "softmax_cross_entropy": SoftmaxCrossEntropy,
}
ALIASES = {
    "mse": "mean_squared_error",
    "l2": "mean_squared_error",
    "mae": "mean_absolute_error",
    "l1": "mean_absolute_error",
    "bce": "binary_cross_entropy",
    "binary_crossentropy": "binary_cross_entropy",
    "bce_with_logits": "binary_cross_entropy",
    "cross_entropy": "softmax_cross_entropy",
    "categorical_crossentropy": "softmax_cross_entropy",
    "sparse_categorical_crossentropy": "softmax_cross_entropy",
}


def loss(name: str | Loss | type[Loss]) -> Loss:
    """Return the loss of that name (a loss, or a class of losses, is taken as it is).

    ``mse`` and ``l2`` are ``mean_squared_error``, ``mae`` and ``l1`` are ``mean_absolute_error``,
    ``bce``, ``binary_crossentropy`` and ``bce_with_logits`` are ``binary_cross_entropy``, and
    ``cross_entropy``, ``categorical_crossentropy`` and ``sparse_categorical_crossentropy`` are
    ``softmax_cross_entropy``; ``huber`` and ``hinge`` have no other name.

    Raises
    ------
    UnknownNameError
        There is no such name; the message suggests the nearest.
    ArgumentError
        It is neither a name nor a loss.

    Examples
    --------
    >>> loss("mse"), loss("huber")
    (MeanSquaredError(), Huber(delta=1.0))
    """
    if isinstance(name, Loss):
        return name
    if isinstance(name, type) and issubclass(name, Loss):
        return name()
    if not isinstance(name, str):
        raise ArgumentError(
            "loss is neither a name nor a Loss",
            received=repr(name),
            expected='a name such as "mse", or a loss such as nn.MeanSquaredError()',
            hint="Names are in minidl list losses; a loss of one's own derives from nn.Loss.",
        )
    return LOSSES[check_name("loss", name, LOSSES, ALIASES)]()
