"""Losses of K classes, for K logits of each sample."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from minidl.autograd import Array, ops
from minidl.autograd.node import Value
from minidl.autograd.ops.losses import Weights, averaged, like
from minidl.checks import check_count
from minidl.errors import ArgumentError, DataError, ShapeError
from minidl.nn.criterion import OperationLoss, Shape
from minidl.nn.targets import check_share, check_valid, check_weights, numbering

__all__ = ["KLDivergence", "SoftmaxCrossEntropy"]


def _of_classes(value: Any) -> tuple[float, ...] | None:
    """Return `class_weight` of a loss, checked."""
    hint = 'A dictionary, or "balanced", is given to fit: fit(..., class_weight={0: 1.0, 1: 5.0}).'
    return None if value is None else check_weights("class_weight", value, hint)


class SoftmaxLoss(OperationLoss):
    """The base of losses of K logits."""

    classifies = True
    operation, axes = staticmethod(ops.softmax_cross_entropy), (-1,)
    ignore_index: int | None = None

    def _check_takes_rows(self) -> None:
        """Raise if the loss does not take a row of probabilities for each sample."""

    def prepare(self, targets: Value, shape: Shape, dtype: npt.DTypeLike = np.float64) -> Array:
        """Return class indices as integers, or probabilities, checked."""
        name = type(self).__name__
        if shape[-1] == 1:
            problem = f"{name} of one output is always 0"
            expected = "one output for each class, at least 2"
            hint = "End the network with K outputs for K classes, or use binary_cross_entropy,"
            hint += " which takes two classes and one output."
            raise ShapeError(problem, received=f"logits {shape}", expected=expected, hint=hint)
        t = self._numbers(targets)
        rows = (shape[:-1], shape[-2:-1])
        if t.shape[-1:] == (1,) and t.shape[:-1] in rows:
            t = t[..., 0]
        if t.shape in (shape, shape[-2:]) and not (t.dtype.kind in "iu" and t.shape in rows):
            self._check_takes_rows()
            q = super().prepare(t, shape, dtype)
            sums = q.sum(axis=-1)
            if np.any(q < 0) or not np.allclose(sums, 1, atol=1e-6):
                problem = f"{name}: a row of probabilities does not sum to 1"
                received = f"row sums from {sums.min():g} to {sums.max():g}, smallest entry"
                expected = "numbers >= 0 that sum to 1 in each row"
                raise DataError(problem, received=f"{received} {q.min():g}", expected=expected)
            return q
        if t.shape not in rows:
            problem = f"{name}: the targets do not fit the logits"
            received = f"logits {shape}, targets {t.shape}"
            expected = f"class indices {shape[:-1]} or probabilities {shape}"
            raise ShapeError(problem, received=received, expected=expected)
        valid = (t >= 0) & (t < shape[-1])
        if t.dtype.kind == "f":
            valid &= t == np.floor(t)
        if self.ignore_index is not None:
            valid |= t == self.ignore_index
        K = shape[-1]
        expected = f"an integer from 0 to {K - 1}, for {K} outputs"
        check_valid(self, t, valid, expected, lambda classes: numbering(classes, K))
        return t if t.dtype.kind in "iu" else t.astype(np.int64)

    def right(self, outputs: Array, targets: Array) -> Array:
        """Return in which rows the largest logit is that of the target."""
        classes = targets if targets.dtype.kind in "iu" else targets.argmax(axis=-1)
        right: Array = outputs.argmax(axis=-1) == classes
        return right


class SoftmaxCrossEntropy(SoftmaxLoss):
    """Mean of -log softmax(z)[t], for logits z (n, K) and a class t.

    Targets are class indices 0 .. K-1 of shape (n,), or one-hot rows or probabilities (n, K). As
    PyTorch's CrossEntropyLoss, and Keras's CategoricalCrossentropy(from_logits=True) (or Sparse).

    Parameters
    ----------
    label_smoothing : float from 0 to 1, default 0.0
        The share e that is spread over all classes: (1 - e) q + e / K for one-hot rows q. Szegedy
        et al. 2016, arXiv 1512.00567, section 7. The accuracy is that of t.
    ignore_index : int, optional
        A class index whose rows do not count, neither in the loss nor in the accuracy: the mean is
        over the others. PyTorch's default is -100. With probabilities it is an ArgumentError.
    class_weight : list of K numbers >= 0, optional
        The loss is sum(w l) / sum(w), w the weight of the class of each row, as PyTorch's
        ``weight``. With `label_smoothing`, l is the loss of the smoothed labels q, sum_k q_k l_k;
        PyTorch takes sum_k w_k q_k l_k instead of w l, so each share has the weight of its class.
        The accuracy has no weights. With probabilities it is an ArgumentError. For weights of
        training rows only, or "balanced", see ``Trainer.fit``.

    Notes
    -----
    A Trainer takes sums over the batch divided by the mean over all rows, as for sample weights, so
    that a batch may consist of ignored rows. PyTorch divides by the weights of the batch.

    Examples
    --------
    >>> z = [[0.0, 0.0], [0.0, 0.0], [0.0, 0.0]]
    >>> SoftmaxCrossEntropy(ignore_index=-1)(z, [0, 1, -1]) / np.log(2)
    np.float64(1.0)
    """

    label_smoothing: float = 0.0
    class_weight: tuple[float, ...] | None = None
    _optional = ("label_smoothing", "ignore_index", "class_weight")
    _checks: ClassVar = {
        "label_smoothing": lambda share: check_share("label_smoothing", share),
        "ignore_index": lambda k: k if k is None else check_count("ignore_index", k, -(2**62)),
        "class_weight": _of_classes,
    }

    def __init__(
        self,
        *,
        label_smoothing: float = 0.0,
        ignore_index: int | None = None,
        class_weight: Sequence[float] | None = None,
    ) -> None:
        self.label_smoothing = label_smoothing
        self.ignore_index = ignore_index
        self.class_weight = class_weight  # type: ignore[assignment]

    def options(self) -> dict[str, Any]:
        """Return the settings of the operation that are not default."""
        options: dict[str, Any] = {}
        if self.label_smoothing:
            options["label_smoothing"] = self.label_smoothing
        if self.ignore_index is not None:
            options["ignore_index"] = self.ignore_index
        return options

    def prepare(self, targets: Value, shape: Shape, dtype: npt.DTypeLike = np.float64) -> Array:
        """Return class indices as integers, or probabilities, checked."""
        if self.class_weight is not None and len(self.class_weight) != shape[-1]:
            received = f"{len(self.class_weight)} weights, logits {shape}"
            raise ShapeError("class_weight does not fit the logits", received=received)
        return super().prepare(targets, shape, dtype)

    def _check_takes_rows(self) -> None:
        """Raise if the loss does not take a row of probabilities for each sample."""
        for name in ("ignore_index", "class_weight"):
            if getattr(self, name) is not None:
                hint = "Of one-hot rows, they are y.argmax(axis=1)."
                problem = "needs class indices, got a row of probabilities for each sample"
                raise ArgumentError(problem, argument=name, hint=hint)

    def row_weight(self, targets: Array) -> Array | None:
        """Return the weight of the class of each row, 0 where it is ignored."""
        if self.ignore_index is None and self.class_weight is None:
            return None
        counted = np.ones(targets.shape, bool)
        if self.ignore_index is not None:
            counted = np.not_equal(targets, self.ignore_index)
        if self.class_weight is None:
            return counted.astype(np.float64)
        return np.where(counted, np.asarray(self.class_weight)[np.where(counted, targets, 0)], 0.0)


class KLDivergence(SoftmaxLoss):
    """Mean of sum_k q_k log(q_k / softmax(z)_k), for logits z (n, K) and probabilities q (n, K).

    The divergence of the predicted distribution from the target: the cross-entropy less the entropy
    of the targets, with the same gradient, and 0 where they agree. Kullback and Leibler 1951. Of
    class indices (n,) it is the cross-entropy. As PyTorch's
    ``KLDivLoss(reduction="batchmean")(log_softmax(z), q)``, whose "mean" also divides by K, and
    Keras's ``KLDivergence()(q, softmax(z))``.

    >>> KLDivergence()([[0.0, 0.0]], [[0.5, 0.5]]), KLDivergence()([[0.0, 0.0]], [[1.0, 0.0]])
    (np.float64(0.0), np.float64(0.6931471805599453))
    """

    def mean(self, outputs: Value, targets: Array, sample_weight: Weights = None) -> Value:
        """Return the mean of the rows' divergences."""
        value = super().mean(outputs, targets, sample_weight)
        if targets.dtype.kind in "iu" and targets.ndim < outputs.ndim:
            return value
        q = like(targets, outputs)
        terms = (q * np.log(np.where(q > 0, q, 1))).sum(axis=-1)
        terms = np.broadcast_to(terms, outputs.shape[:-1])
        return value + averaged(terms, -1 if outputs.ndim > 2 else None, sample_weight, False)
