"""The accuracy on the rows of each class, beside scikit-learn's recall and by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.metrics import recall_score
from training_problems import Array, line, linear_trainer, three_classes, two_classes

from minidl import Trainer, nn
from minidl.errors import ArgumentError, DataError
from minidl.training import class_accuracy


def positive(loss: str) -> Trainer:
    """Return a Trainer of a network that predicts the second class where x > 0."""
    model = nn.Dense(1, 1, initializer="constant:1", bias=False)
    return Trainer(model, loss, "gd", lr=0.1)


@pytest.mark.parametrize(
    ("loss", "labels"), [("bce", (0, 1)), ("hinge", (-1, 1)), ("hinge", (0, 1))]
)
def test_it_is_the_share_of_the_rows_of_a_class_that_are_predicted(
    loss: str, labels: tuple[int, int]
) -> None:
    X = np.array([[-1.0], [-2.0], [3.0], [-1.0], [4.0], [2.0], [1.0]])
    y = np.array(labels)[[0, 0, 0, 1, 1, 1, 1]]
    found = class_accuracy(positive(loss), X, y)
    assert list(found) == list(labels)
    assert [(one.accuracy, one.rows) for one in found.values()] == [
        (pytest.approx(2 / 3), 3),
        (0.75, 4),
    ]


@pytest.mark.parametrize("form", ["numbers", "column", "list", "one-hot"])
def test_of_several_classes_it_is_scikit_learns_recall(form: str) -> None:
    X, y = three_classes(61)
    forms: dict[str, Any] = {
        "numbers": y, "column": y[:, None], "list": y.tolist(), "one-hot": np.eye(3)[y]
    }  # fmt: skip
    trainer = Trainer(nn.mlp(4, 3, 3, seed=1), "cross_entropy", "gd", lr=0.1, l2=0.1)
    found = class_accuracy(trainer, X, forms[form])
    expected = recall_score(y, trainer.model.predict(X).argmax(axis=1), average=None)
    assert_allclose([one.accuracy for one in found.values()], expected, rtol=1e-12)
    assert [one.rows for one in found.values()] == np.bincount(y).tolist()
    mean = sum(one.accuracy * one.rows for one in found.values()) / len(y)
    assert mean == pytest.approx(trainer.evaluate(X, y)["accuracy"])


def test_a_class_without_rows_has_none() -> None:
    X, y = three_classes()
    trainer = Trainer(nn.mlp(4, 3, seed=1), "cross_entropy", "gd", lr=0.1)
    assert list(class_accuracy(trainer, X[y != 1], y[y != 1])) == [0, 2]


def test_what_has_no_class_in_each_row_is_an_error() -> None:
    with pytest.raises(ArgumentError, match=r"MeanSquaredError\(\) has no accuracy"):
        class_accuracy(linear_trainer(), *line())
    X, y = two_classes()
    with pytest.raises(ArgumentError, match=r"y must have one class in each row"):
        class_accuracy(Trainer(nn.mlp(2, 1), "bce", "gd", lr=0.1), X, 0.5 + 0.1 * y)
    with pytest.raises(DataError, match="evaluation inputs and targets differ in length"):
        class_accuracy(positive("bce"), X, y[:-1])


def test_weights_and_the_trainer_stay_as_they_are() -> None:
    X, y = two_classes()
    trainer = Trainer(nn.mlp(2, 4, 1, dropout=0.5, seed=0), "bce", "nag", lr=0.1, seed=0)
    before: Array = trainer.model.parameters.value.copy()
    assert class_accuracy(trainer, X, y) == class_accuracy(trainer, X, y)
    assert np.array_equal(trainer.model.parameters.value, before)
    assert (trainer.epoch, len(trainer.history)) == (0, 0)
