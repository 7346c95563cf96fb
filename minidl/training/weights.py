"""Weights of rows: checked, multiplied by those of their classes, and scaled to a mean of 1.

The loss is then sum(w l) / sum(w) over the rows, so a weight of 2 is a row that occurs twice.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from minidl.autograd import Array
from minidl.checks import check_number
from minidl.errors import ArgumentError, DataError, DTypeError, ShapeError, invalid
from minidl.nn import Loss
from minidl.nn.softmax_losses import SoftmaxLoss
from minidl.values import numbers
from minidl.values.missing import a

ClassWeight = str | Mapping[Any, float]  # "balanced", or class -> weight


def row_weights(
    part: str,
    targets: Array,
    loss: Loss,
    sample_weight: ArrayLike | None = None,
    class_weight: ClassWeight | None = None,
    *,
    row_weight: Array | None = None,
) -> Array | None:
    """Return a weight (n,) for each row, of mean 1, or None if all are equal.

    `targets` are valid for the loss, but as the user gave them; `part` names the rows in errors.
    `row_weight` are the weights of the loss: 0 for ignored rows.

    >>> from minidl import nn
    >>> row_weights("training", np.array([0, 0, 0, 1]), nn.Hinge(), class_weight="balanced")
    array([0.66666667, 0.66666667, 0.66666667, 2.        ])
    """
    if sample_weight is None and class_weight is None and row_weight is None:
        return None
    if row_weight is not None and not row_weight.any():
        raise DataError(f"{loss!r} ignores all {part} rows")
    if isinstance(sample_weight, (str, Mapping)):
        hint = f"Weights of classes are given to fit: class_weight={sample_weight!r}."
        raise DataError(f"the {part} weights are not numbers: {sample_weight!r}", hint=hint)
    loss.check_takes_weights()
    w = np.ones(len(targets)) if row_weight is None else _largest_one(row_weight)
    if sample_weight is not None:
        w = w * _largest_one(as_weights(part, sample_weight, (len(targets),)))
    if class_weight is not None:
        check_class_weight(class_weight, loss)
        labels = labels_of(targets, loss)
        if labels is None:
            hint = "Use sample_weight, one weight for each row."
            received = f"targets of shape {targets.shape}"
            problem = "needs one class in each row, and not probabilities or several targets"
            raise ArgumentError(problem, argument="class_weight", received=received, hint=hint)
        w = w * _of_classes(labels, class_weight, w)
    if not w.any():
        raise DataError(f"all {part} weights are 0")
    return None if (w == w[0]).all() else w / w.mean()


def as_weights(part: str, values: ArrayLike, shape: tuple[int, ...]) -> Array:
    """Return finite weights >= 0 of this shape as an array."""
    try:
        array, _ = numbers(values, f"{part} weight")
        if array.dtype.kind not in "biuf":
            raise DTypeError(f"their dtype is {array.dtype}")
    except (DTypeError, ShapeError) as error:
        raise DataError(f"the {part} weights are not numbers: {error}") from None
    w = array.astype(float)
    if w.shape != shape:
        problem = f"there is not one {part} weight for each row"
        hint = "Weights are never broadcast." if w.size < math.prod(shape) else None
        raise DataError(problem, received=f"shape {w.shape}", expected=f"shape {shape}", hint=hint)
    valid = (w >= 0) & (w < math.inf)
    if not valid.all():
        row = tuple(np.argwhere(~valid)[0].tolist())
        received = f"{w[row]} in row {row[-1]}"
        raise DataError(f"{a(part)} weight is not a finite number >= 0", received=received)
    return w


def check_class_weight(class_weight: ClassWeight | None, loss: Loss) -> None:
    """Raise unless these are weights of classes and the loss has classes, or there are none."""
    name = "class_weight"
    if class_weight is None:
        return
    if not loss.classifies:
        hint = "Use sample_weight, one weight for each row. A custom loss for classes sets"
        problem = f"needs classes as targets, and {type(loss).__name__} has none"
        raise ArgumentError(problem, argument=name, hint=f"{hint} classifies = True.")
    if isinstance(class_weight, Mapping):
        for label, weight in class_weight.items():
            expected = "a finite number >= 0"
            check_number(f"{name}[{label!r}]", weight, lambda w: 0 <= w < math.inf, expected)
    elif not isinstance(class_weight, str) or class_weight != "balanced":
        expected = '"balanced" or a dictionary of class: weight, such as {0: 1.0, 1: 5.0}'
        raise invalid(name, class_weight, expected)


def _of_classes(labels: Array, class_weight: ClassWeight, w: Array) -> Array:
    """Return the weight of the class of each row, for rows of weight `w`."""
    classes, place = np.unique(labels, return_inverse=True)
    if isinstance(class_weight, str):  # each class has the same total
        total = np.bincount(place, weights=w)
        return _largest_one(np.divide(1, total, out=np.zeros(len(total)), where=total > 0))[place]
    names = classes.tolist()
    strange = [label for label in class_weight if label not in names]
    if strange and any(label not in class_weight for label in names):
        problem = "names classes that do not occur, and leaves out others"
        received = f"{strange} for targets of the classes {names}"
        raise ArgumentError(problem, argument="class_weight", received=received)
    return _largest_one(np.array([class_weight.get(c, 1) for c in names], dtype=float))[place]


def labels_of(targets: Array, loss: Loss) -> Array | None:
    """Return the class of each row (n,), of one-hot rows the column of the 1.

    `targets` are as for :func:`row_weights`; None means that they are not one class for each row.
    """
    labels: Array = targets[:, 0] if targets.shape[1:] == (1,) else targets
    if labels.ndim == 2 and isinstance(loss, SoftmaxLoss):
        one_hot = (labels.max(axis=1) == 1) & (np.count_nonzero(labels, axis=1) == 1)
        if one_hot.all():
            labels = labels.argmax(axis=1)
    if labels.ndim > 1 or (labels.dtype.kind == "f" and (labels != np.floor(labels)).any()):
        return None
    return labels


def _largest_one(w: Array) -> Array:
    """Return weights divided by the largest, so that their products and sums are finite."""
    return w / w.max(initial=0) if w.any() else w
