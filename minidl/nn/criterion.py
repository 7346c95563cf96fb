"""The base of losses: targets are checked and aligned with outputs; rows may have weights."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from minidl.autograd import Array, Tensor
from minidl.autograd.node import STATE, Value, array_of, as_floats
from minidl.autograd.ops.losses import Weights, weights
from minidl.errors import ArgumentError, DataError, DTypeError, GraphError, ShapeError
from minidl.keywords import Answering, answers
from minidl.subclasses import without_formula
from minidl.values import CLASSES, TEXT, numbers

Shape = tuple[int, ...]
MANY = 2**20  # targets: a copy of more as floats would be large beside a memory-mapped X


class Loss(Answering):
    """The base: a loss called with outputs and targets returns the mean over samples and columns.

    For replicas, outputs (R, n, out), it returns one mean for each. A custom loss writes
    :meth:`mean` with operations on Tensors. If its targets are classes, ``classifies = True`` and
    :meth:`right` give it an accuracy. If its `mean` handles replicas, ``replicas = True`` lets
    ``train_replicas`` train its networks together. To support sample weights, its `mean` takes a
    third argument, ``sample_weight=None``, and returns sum(w l) / sum(w).

    >>> class LogCosh(Loss):
    ...     def mean(self, outputs, targets):
    ...         return np.log(np.cosh(outputs - targets)).mean()
    >>> LogCosh()(Tensor([[0.0], [1.0]]), [0.0, 1.0]).item()
    0.0
    """

    classifies = False  # whether the targets are classes
    _optional: ClassVar[tuple[str, ...]] = ()  # settings that repr leaves out if they are default

    def __init__(self) -> None:
        if type(self).mean is Loss.mean:
            raise without_formula(type(self))
        super().__init__()

    @answers
    def __call__(self, outputs: Value, targets: Value, sample_weight: Weights = None) -> Value:
        """Return the mean loss of `outputs` (n, out) for `targets`, a Tensor of no axes.

        With a weight for each row, `sample_weight` (n,), it is sum(w l) / sum(w): a weight of 2 is
        a row that occurs twice, as in scikit-learn. Keras divides by the number of rows.

        >>> from minidl import nn
        >>> nn.MeanSquaredError()(Tensor([[1.0], [3.0]]), [0.0, 0.0], sample_weight=[3, 1]).item()
        3.0
        """
        outputs = as_floats(outputs)
        prepared = self.prepare(targets, outputs.shape, outputs.dtype)
        row_weight = self.row_weight(prepared)
        if row_weight is not None:
            sample_weight = _product(row_weight, sample_weight, outputs)
        shapes = (), outputs.shape[:-2]
        if sample_weight is None:
            return check_mean(self, self.mean(outputs, prepared), *shapes)
        self.check_takes_weights()
        mean: Callable[..., Value] = self.mean
        return check_mean(self, mean(outputs, prepared, sample_weight=sample_weight), *shapes)

    def mean(self, outputs: Value, targets: Array) -> Value:
        """Return the mean loss, (R,) for replicas, of outputs and prepared targets, both (n, out).

        For replicas outputs are (R, n, out); targets too, unless all have the same batch.
        """
        raise without_formula(type(self))

    def prepare(self, targets: Value, shape: Shape, dtype: npt.DTypeLike = np.float64) -> Array:
        """Return the targets (n, out) for :meth:`mean`, checked; called once before training.

        `shape` and `dtype` are those of the outputs. Raises a :class:`ShapeError` for targets that
        do not fit, a :class:`DataError` for invalid values.
        """
        raw = self._numbers(targets)
        flat = shape[-1:] == (1,) and raw.ndim and raw.shape in (shape[:-1], shape[-2:-1])
        column = raw[..., None] if flat else raw
        if column.shape not in (shape, shape[-2:]):
            name, hint = type(self).__name__, None
            if self.classifies and shape[-1:] > (1,):
                hint = f"{name} takes two classes and one output: end the network with 1 output,"
                hint += " or use softmax_cross_entropy, which has one for each class."
            also = f" or {shape[:-1]}" if len(shape) > 1 and shape[-1] == 1 else ""
            problem, expected = (
                "the targets do not fit the outputs",
                f"targets of shape {shape}{also}",
            )
            received = f"outputs {shape}, targets {raw.shape}"
            raise ShapeError(f"{name}: {problem}", received=received, expected=expected, hint=hint)
        if column.size > MANY and column.dtype.kind in "iu":
            return column  # the operation converts them batch by batch
        return column.astype(dtype, copy=False)

    def row_weight(self, targets: Array) -> Array | None:
        """Return the weight that the loss itself gives each row of prepared targets, or None.

        An ignored row has weight 0. Calls of the loss and Trainers multiply it by sample weights;
        :meth:`mean` does not.
        """
        return None

    def _numbers(self, targets: Value) -> Array:
        """Return the targets as an array of real numbers."""
        if isinstance(targets, Tensor):
            if targets.requires_grad and STATE.recording:
                message = f"{type(self).__name__} takes targets as constants, without a gradient"
                hint = "Give the outputs first, loss(outputs, targets); .detach() makes a constant."
                raise GraphError(message, received=f"a Tensor of shape {targets.shape}", hint=hint)
            return targets.data
        try:
            return numbers(targets, "target", CLASSES if self.classifies else TEXT)[0]
        except DTypeError as error:
            raise DataError(f"{type(self).__name__} needs numbers as targets: {error}") from None

    def check_takes_weights(self) -> None:
        """Raise unless :meth:`mean` and :meth:`accuracy` take `sample_weight`."""
        for method in (self.mean, *([self.accuracy] if self.classifies else [])):
            parameters = inspect.signature(method).parameters.values()
            if not any(p.name == "sample_weight" or p.kind is p.VAR_KEYWORD for p in parameters):
                name = method.__name__
                hint = f"Write {name}(self, outputs, targets, sample_weight=None), which returns"
                hint += " sum(w l) / sum(w) of the rows' losses l and weights w (n,)."
                problem = f"{type(self).__name__}.{name} takes no sample_weight"
                raise ArgumentError(problem, hint=hint)

    @answers
    def accuracy(
        self, outputs: Value, targets: Value, sample_weight: Weights = None
    ) -> float | Array:
        """Return the fraction of rows whose class is predicted, (R,) for replicas.

        With weights w, it is the sum of w over these rows divided by the sum over all rows. Rows
        to which the loss itself gives the weight 0 are not counted.
        """
        if not self.classifies:
            raise ArgumentError(f"{type(self).__name__} has no accuracy: targets are not classes")
        scores = as_floats(outputs.data if isinstance(outputs, Tensor) else outputs)
        prepared = self.prepare(targets, scores.shape, scores.dtype)
        row_weight = self.row_weight(prepared)
        if row_weight is not None:
            sample_weight = _product(np.not_equal(row_weight, 0), sample_weight, scores)
        return self._fraction(scores, prepared, sample_weight)

    def _fraction(
        self, scores: Array, prepared: Array, sample_weight: Weights = None
    ) -> float | Array:
        """Return :meth:`accuracy` for prepared targets, with these weights alone."""
        right = self.right(scores, prepared)
        axes = tuple(range(1, right.ndim)) if scores.ndim > 2 else None
        if sample_weight is None:
            fractions: float | Array = right.mean(axis=axes)
            return fractions
        w = weights(sample_weight, right.shape, np.float64, columns=right.ndim == scores.ndim)
        total = w.sum(axis=axes)
        if not np.all(total):
            raise ArgumentError("there is no accuracy if all rows have weight 0")
        fractions = (w * right).sum(axis=axes) / total
        return fractions

    def right(self, outputs: Array, targets: Array) -> Array:
        """Return where the class is predicted, for targets that :meth:`prepare` has checked."""
        raise NotImplementedError

    def __repr__(self) -> str:
        default = {name: getattr(type(self), name) for name in self._optional}
        shown = [n for n, v in vars(self).items() if n not in default or v != default[n]]
        inside = ", ".join(f"{name}={vars(self)[name]}" for name in shown)
        return f"{type(self).__name__}({inside})"


class OperationLoss(Loss):
    """A loss that is one operation."""

    operation: ClassVar[Callable[..., Value]]
    axes: ClassVar[tuple[int, ...]] = (-2, -1)  # of the terms of one replica

    def options(self) -> dict[str, Any]:
        """Return further arguments of the operation."""
        return {}

    def mean(self, outputs: Value, targets: Array, sample_weight: Weights = None) -> Value:
        """Return the mean of the terms."""
        axes, options = self.axes if outputs.ndim > 2 else None, self.options()
        if sample_weight is not None:
            options["sample_weight"] = sample_weight
        return self.operation(outputs, targets, "mean", axes, **options)


def check_mean(loss: Loss, value: Any, *shapes: Shape) -> Value:
    """Return the value of a loss's `mean`, or raise unless it is a number."""
    array = np.asarray(array_of(value))
    if array.dtype.kind != "f" or array.shape not in shapes:
        received, expected = f"{type(value).__name__} of shape {array.shape}", shapes[-1]
        problem = f"the mean of the loss {loss!r} is not a number"
        raise ShapeError(problem, received=received, expected=f"a Tensor of shape {expected}")
    return value


def _product(row_weight: Array, sample_weight: Weights, outputs: Value) -> Array:
    """Return the loss's weights of rows times those of the caller."""
    if sample_weight is None:
        return row_weight
    return weights(sample_weight, outputs.shape[:-1], np.float64, columns=False) * row_weight
