"""The function that training minimises: loss and gradient at any point of parameter space."""

import contextlib
import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from minidl.autograd import Array, Tensor, no_grad
from minidl.autograd.backward import propagate
from minidl.autograd.node import Gradients, array_of, restoring
from minidl.checks import is_minidl
from minidl.errors import GraphError
from minidl.keywords import answers
from minidl.nn import L1Penalty, L2Penalty, Layer, Loss, ParameterVector
from minidl.nn.criterion import check_mean
from minidl.nn.layer import Training
from minidl.nn.penalty import check_strength
from minidl.training.lost import without_graph

CHUNK = 8192  # rows evaluated at once, so that memory stays bounded


def collect(loss: Tensor, vector: ParameterVector) -> Gradients:
    """Write the gradient of `loss`, a scalar or (R,), into ``vector.grad``, and return it."""
    value = loss.data
    # A scalar, because the loss's rule takes 0.5 us less with it than with an array.
    seed = np.ones(value.shape, value.dtype) if value.ndim else value.dtype.type(1)
    gradients = propagate([loss], [seed])
    for order, view in vector.gradients.items():
        view[...] = gradients[order][1] if order in gradients else 0.0
    return gradients


@answers
class Objective:
    """Mean loss of a model on given rows, plus its penalties, as a function of a vector.

    Parameters
    ----------
    model : Layer
        Its vector is the point at which it is evaluated, and holds the gradient.
    loss : Loss
        The loss; targets are given as its ``prepare`` returns them.
    l2, l1 : float, default 0.0
        Strengths of the penalties; see :class:`~minidl.nn.L2Penalty`, :class:`~minidl.nn.L1Penalty`
        and the attributes `penalty` and `l1_penalty`.

    Attributes
    ----------
    value : float
        The value found by the last call of :meth:`gradient`; for replicas an array (R,).

    Examples
    --------
    >>> import numpy as np
    >>> from minidl import nn
    >>> model = nn.Dense(1, 1, initializer="constant:2", bias=False)
    >>> objective = Objective(model, nn.MeanSquaredError())
    >>> X, t = np.array([[1.0], [3.0]]), np.zeros((2, 1))
    >>> objective.gradient(np.array([1.0]), X, t), objective.value  # mean of w^2 x^2, at w = 1
    (array([10.]), 5.0)
    """

    collect = staticmethod(collect)

    def __init__(self, model: Layer, loss: Loss, l2: float = 0.0, l1: float = 0.0) -> None:
        self.model, self.loss = model, loss
        self.penalty = L2Penalty(check_strength("l2", l2))
        self.l1_penalty = L1Penalty(check_strength("l1", l1))
        self.vector = model.parameters
        self.value: Any = math.nan
        self.differentiates = False  # whether model or loss take derivatives, even to be measured
        own = type(loss).accuracy is not Loss.accuracy or "accuracy" in vars(loss)
        self.counts = not own  # whether an accuracy is the mean over rows of 0 and 1

    def __reduce__(self) -> tuple[Any, ...]:
        strengths = self.penalty.strength, self.l1_penalty.strength
        return Objective, (self.model, self.loss, *strengths)  # a copy packs its own

    @answers
    def gradient(
        self,
        point: Array,
        X: Array,
        t: Array,
        training: Training = False,
        weights: Array | None = None,
    ) -> Array:
        """Return the gradient at `point` (P,), a view that the next call overwrites.

        X of another dtype is converted to the model's. `weights` are those of the rows.
        The model's own vector is the same before and after, also when an error is raised.
        """
        return self.batch_gradient(X, t, weights, training, point)

    def batch_gradient(
        self, X: Array, t: Array, weights: Array | None, training: Training, point: Array
    ) -> Array:
        """Return :meth:`gradient`; with `point` last, ``functools.partial`` costs less."""
        vector = self.vector
        if point is not vector.value:
            with self._at(point):
                return self.batch_gradient(X, t, weights, training, vector.value)
        if X.dtype != vector.value.dtype:
            X = X.astype(vector.value.dtype)
        outputs = self.outputs(X, training)
        loss = self.loss.mean(outputs, t) if weights is None else self.mean(outputs, t, weights)
        if not (isinstance(loss, Tensor) and loss.requires_grad):
            raise without_graph(self.model, self.loss, (X, t, training))
        self.collect(loss, vector)
        value = loss.data
        self.value = value.astype(np.float64) if value.ndim else value.item()
        if self.penalty.strength:
            self.value += self.penalty.add(vector)
        if self.l1_penalty.strength:
            self.value += self.l1_penalty.add(vector)
        return vector.grad

    def mean(self, outputs: Any, t: Array, weights: Array | None, of: str = "mean") -> Any:
        """Return the mean loss, or `of` them the "accuracy", of some rows.

        With weights, it is sum(w l) / n of these n rows, also 0. Weights have the mean 1 over all
        rows, so the batches of an epoch add up to sum(w l) / sum(w).
        """
        method = getattr(self.loss, of)
        if weights is None:
            return method(outputs, t)
        total = weights.sum(axis=-1)  # of each replica
        if total.ndim == 0 and not total:  # there is no mean
            return np.sum(np.where(True, 0.0, outputs))
        if not np.all(total):  # of a network: take that of outputs 0, times 0
            empty = (total == 0)[..., None]
            weights, outputs = weights + empty, np.where(empty[..., None], 0.0, outputs)
        return method(outputs, t, sample_weight=weights) * (total / weights.shape[-1])

    def outputs(self, X: Array, training: Training = False) -> Any:
        """Return the model's outputs for rows of its dtype."""
        if type(self.model).__call__ is Layer.__call__:  # it would only convert X
            return self.model.forward(X, training)
        return self.model(X, training=training)

    @contextlib.contextmanager
    def _at(self, point: Array) -> Iterator[None]:
        """Put the model at `point`, and back in the end."""
        w = self.vector.value
        kept = w.copy()
        try:
            w[...] = point
            yield
        finally:
            w[...] = kept

    @answers
    def measure(
        self, X: Array, t: Array, weights: Array | None = None, sets: Array | None = None
    ) -> dict[str, Any]:
        """Return ``loss`` and, for classes, ``accuracy``, of the model as it is on all rows.

        The loss includes the penalties. Rows are taken in bounded chunks. For R replicas both are
        arrays (R,). With `sets` (R,), X is (S, n, ...) and replica k uses ``X[sets[k]]``.
        `weights` (n,) or (S, n) are those of the rows, of mean 1 over n.
        """
        return self.with_penalties(self.reading(lambda: self._sums(X, t, weights, sets)))

    def with_penalties(self, sums: dict[str, Any]) -> dict[str, Any]:
        """Return mean loss and accuracy of rows with the penalties, floats of a single network."""
        for penalty in (self.penalty, self.l1_penalty):
            if penalty.strength:
                sums["loss"] += penalty.value(self.vector)
        if self.vector.value.ndim > 1:
            return sums
        return dict(zip(sums, map(float, sums.values()), strict=True))

    @restoring
    def reading(self, function: Callable[[], Any]) -> Any:
        """Call a function without a graph, unless model or loss take derivatives themselves."""
        if not self.differentiates:
            try:
                with no_grad():
                    return function()
            except GraphError:  # there is none in no_grad but for a derivative
                self.differentiates = True
        return function()

    def _sums(
        self, X: Array, t: Array, weights: Array | None, sets: Array | None
    ) -> dict[str, Any]:
        """Return the mean loss and accuracy without the penalty."""
        w, loss = self.vector.value, 0.0
        n = X.shape[0 if sets is None else 1]
        rows = max(1, CHUNK * w.shape[-1] // w.size)  # of all replicas: CHUNK
        right: Any = 0.0
        counted: Any = 0.0  # rows, of which weights of classes in the loss are taken out
        with np.errstate(over="ignore", invalid="ignore"):
            for start in range(0, n, rows):
                part, count = slice(start, start + rows), min(rows, n - start)
                place = part if sets is None else (set_index(sets), part)
                targets, weighted = t[place], None if weights is None else weights[place]
                plain = self.without_own(targets, weighted)
                share, convert = count / n, X[place].astype  # converted rows are freed at once
                given = targets, weighted, plain
                mean, accuracy = self.of_rows(convert(w.dtype, copy=False), *given)
                loss += share * self._number(mean)
                if accuracy is not None:
                    right += count * accuracy
                    counted += share * (1.0 if plain is None else plain.mean(axis=-1))
        if not self.loss.classifies:
            return {"loss": loss}
        return {"loss": loss, "accuracy": self.fraction(right, t, weights, n, counted)}

    def of_rows(
        self, X: Array, t: Array, weights: Array | None, plain: Array | None
    ) -> tuple[Any, Any]:
        """Return mean loss and accuracy, or None, of rows of the model's dtype.

        `plain` are the weights without those that the loss gives, of :meth:`without_own`.
        """
        outputs = self.outputs(X)
        loss = self.mean(outputs, t, weights)
        if not self.loss.classifies:
            return loss, None
        prepared = self.counts and (weights is not None or not self.weighs(t))
        how = "_fraction" if prepared else "accuracy"  # which prepares the targets again
        return loss, self.mean(array_of(outputs), t, plain, how)

    def fraction(self, right: Any, t: Array, weights: Array | None, n: int, counted: Any) -> Any:
        """Return the accuracy on n rows from the sum over batches of rows times accuracy.

        If it counts, the fraction is that of integers, however rows are cut into batches. Otherwise
        it is divided by the mean weight, `counted`, if the loss itself weighs rows.
        """
        own = self.weighs(t)
        if weights is None and self.counts and not own:
            columns = max(1, math.prod(t.shape) // n)  # those of all sets, which is exact as well
            return np.rint(right * columns) / (n * columns)
        return right / n / counted if own and weights is not None else right / n

    def weighs(self, t: Array) -> bool:
        """Return whether the loss itself gives rows weights."""
        return self.loss.row_weight(np.empty((0, *t.shape[1:]), t.dtype)) is not None

    def of_zeros(
        self, X: Array, t: Array, weights: Array | None = None, sets: Array | None = None
    ) -> Array:
        """Return the loss of outputs 0 on the first rows, arguments as for :meth:`measure`.

        It is 0 for a custom loss, which may not be defined there.
        """
        w = self.vector.value
        if not is_minidl(self.loss):
            return np.zeros(w.shape[:-1])
        part = slice(0, max(1, CHUNK * w.shape[-1] // w.size))
        place = part if sets is None else (set_index(sets), part)
        rows = X[place].astype(w.dtype, copy=False)
        outputs = np.zeros_like(array_of(self.reading(lambda: self.outputs(rows))))
        with np.errstate(over="ignore", invalid="ignore"):
            weighted = None if weights is None else weights[place]
            loss = self._number(self.mean(outputs, t[place], weighted))
        return np.where(np.isfinite(loss), np.abs(loss), 0.0)

    def without_own(self, t: Array, weights: Array | None) -> Array | None:
        """Return the weights of rows without those that the loss gives, for the accuracy."""
        own = None if weights is None else self.loss.row_weight(t)
        if own is None or weights is None:
            return weights
        return np.divide(weights, own, out=np.zeros_like(weights), where=own > 0)

    def _number(self, loss: Any) -> Array:
        """Return the result of a loss as an array of float64."""
        value = array_of(check_mean(self.loss, loss, self.vector.value.shape[:-1]))
        return np.asarray(value).astype(np.float64)

    def loss_at(self, point: Array, here: Any, measure: Callable[[], dict[str, Any]]) -> Any:
        """Return the loss that `measure` finds with the model at `point` (P,) or (R, P).

        The model's own vector is the same before and after. `here` is the loss at the present
        weights; it is returned if `point` equals them.
        """
        if np.array_equal(point, self.vector.value):
            return here
        with self._at(point):
            return measure()["loss"]


def set_index(sets: Array) -> slice | Array:
    """Return an index of these sets: a slice, which copies nothing, if they are consecutive."""
    first, last = int(sets[0]), int(sets[-1])
    consecutive = last - first == len(sets) - 1 and bool((np.diff(sets) == 1).all())
    return slice(first, last + 1) if consecutive else sets
