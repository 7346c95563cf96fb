"""The accuracy of a network on the rows of each class."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from minidl.checks import check_instance
from minidl.errors import ArgumentError
from minidl.keywords import answers
from minidl.training.data import as_array, check_rows
from minidl.training.trainer import Trainer
from minidl.training.weights import labels_of


@answers
@dataclass(frozen=True)
class ClassAccuracy:
    """The share of the rows of a class for which that class is predicted, and their number."""

    accuracy: float
    rows: int


@answers
def class_accuracy(
    trainer: Trainer, X: npt.ArrayLike, y: npt.ArrayLike
) -> dict[Any, ClassAccuracy]:
    """Return the accuracy on the rows of each class, which is also called recall.

    If r_c of the n_c rows of class c are predicted as c, it is r_c / n_c. The accuracy on all
    rows is the mean of these, weighted by n_c; it hides how rare classes are predicted.

    Parameters
    ----------
    trainer : Trainer
        With a loss for classes, such as ``"bce"`` or ``"cross_entropy"``.
    X, y : array_like
        Rows, as for :meth:`Trainer.evaluate`, with one class each.

    Returns
    -------
    dict
        A :class:`ClassAccuracy` for each class that occurs in `y`, in increasing order; of one-hot
        rows, a class is the number of a column. A class without rows has no accuracy, and no entry;
        nor has one that the loss ignores.

    Raises
    ------
    ArgumentError
        The loss has no classes, or the targets are probabilities or several for each row.
    DataError, ShapeError
        As for :meth:`Trainer.fit`.

    Examples
    --------
    >>> import numpy as np
    >>> from minidl import nn
    >>> model = nn.Dense(1, 1, initializer="constant:1", bias=False)  # predicts x > 0
    >>> X, y = np.array([[-2.0], [-1.0], [3.0], [-4.0]]), np.array([0, 0, 1, 1])
    >>> class_accuracy(Trainer(model, "bce", "gd", lr=0.1), X, y)[1]
    ClassAccuracy(accuracy=0.5, rows=2)
    """
    check_instance("trainer", trainer, Trainer)
    if not trainer.loss.classifies:
        hint = "A custom loss for classes sets classifies = True."
        raise ArgumentError(f"{trainer.loss!r} has no accuracy", hint=hint)
    rows = check_rows("evaluation", X, y, trainer.objective)
    labels = labels_of(as_array("evaluation target", y)[0], trainer.loss)
    if labels is None:
        problem, received = "must have one class in each row", f"shape {np.shape(y)}"
        raise ArgumentError(problem, argument="y", received=received)
    row_weight = trainer.loss.row_weight(rows.t)
    if row_weight is not None:  # without ignored rows
        rows, labels = rows.each(lambda values: values[row_weight > 0]), labels[row_weight > 0]
    accuracies = {}
    for label in np.unique(labels).tolist():
        members = labels == label
        accuracy = trainer.objective.measure(rows.X[members], rows.t[members])["accuracy"]
        accuracies[label] = ClassAccuracy(accuracy, int(members.sum()))
    return accuracies
