"""class_weight in fit and in the Trainer: a weight for the rows of each class."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.utils.class_weight import compute_class_weight
from training_problems import Array, content, line, three_classes

from minidl import Trainer, nn
from minidl.errors import ArgumentError, DataError
from minidl.training import History
from minidl.training.weights import row_weights

X, Y3 = three_classes(24)
Y = np.where(np.arange(24) % 4 == 0, 1, 0)  # 18 and 6 of a class
COUNTS = np.random.default_rng(1).integers(0, 4, 24)


def fit(loss: Any, y: Any, outputs: int = 1, inputs: Array = X, **options: Any) -> History:
    given = {"class_weight": options.pop("of_trainer", None), "seed": 0, "lr": 0.1}
    size = options.pop("batch_size", "full")
    one = Trainer(nn.mlp(4, 3, outputs, seed=0), loss, "momentum", batch_size=size, **given)
    return one.fit(inputs, y, epochs=4, **options)


def demand_equal(ours: History, theirs: History) -> None:
    for name in ("train_loss", "running_loss", "gradient_norm", "train_accuracy"):
        assert_allclose(ours[name], theirs[name], rtol=1e-12, atol=1e-14, err_msg=name)


@pytest.mark.parametrize("size", ["full", 1, 5])
@pytest.mark.parametrize(
    ("loss", "labels"),
    [
        ("bce", Y),
        ("bce", Y.astype(float)[:, None]),
        ("bce", Y.astype(bool)),
        ("bce", Y.tolist()),
        ("hinge", Y),
        ("hinge", 2 * Y - 1),
    ],
)
def test_a_class_weight_is_the_weight_of_its_rows(loss: str, labels: Any, size: Any) -> None:
    first = int(np.min(labels))
    expected = fit(loss, labels, batch_size=size, sample_weight=np.where(Y, 5.0, 2.0))
    for weights in ({first: 2, 1: 5}, {1: 2.5}, {float(first): 2.0, np.int64(1): np.float32(5)}):
        demand_equal(fit(loss, labels, batch_size=size, class_weight=weights), expected)
        demand_equal(fit(loss, labels, batch_size=size, of_trainer=weights), expected)
    balanced = fit(loss, labels, batch_size=size, class_weight="balanced")
    demand_equal(balanced, fit(loss, labels, batch_size=size, sample_weight=np.where(Y, 3, 1)))


@pytest.mark.parametrize("labels", [Y3, Y3[:, None], Y3.astype(float), np.eye(3)[Y3]])
def test_several_classes_as_numbers_or_one_hot_rows(labels: Array) -> None:
    s = np.array([1.0, 0.0, 4.0])[Y3]
    expected = fit("softmax_cross_entropy", Y3, 3, sample_weight=s)
    found = fit("softmax_cross_entropy", labels, 3, class_weight={0: 1, 1: 0, 2: 4})
    demand_equal(found, expected)


def test_balanced_is_scikit_learns_also_with_sample_weights() -> None:
    classes = np.unique(Y3)
    for s in (None, COUNTS):
        peers = compute_class_weight("balanced", classes=classes, y=Y3, sample_weight=s)
        expected = peers[Y3] * (1 if s is None else s)
        found = row_weights("training", Y3, nn.SoftmaxCrossEntropy(), s, "balanced")
        assert_allclose(found, expected / expected.mean(), rtol=1e-12)


@pytest.mark.parametrize("weights", ["balanced", {0: 1.5, 1: 4}])
def test_with_class_weights_too_a_sample_weight_is_how_often_the_row_occurs(weights: Any) -> None:
    ours = fit("bce", Y, sample_weight=COUNTS, class_weight=weights)
    several = np.repeat(X, COUNTS, axis=0), np.repeat(Y, COUNTS)
    demand_equal(ours, fit("bce", several[1], inputs=several[0], class_weight=weights))
    if weights != "balanced":
        product = COUNTS * np.where(Y, 4, 1.5)
        demand_equal(ours, fit("bce", Y, sample_weight=product))


def test_balanced_accuracy_is_the_mean_over_classes_and_validation_has_no_class_weights() -> None:
    history = fit("bce", Y, class_weight="balanced", validation=(X, Y))
    one = Trainer(nn.mlp(4, 3, 1, seed=0), "bce", "nag", lr=0.1, class_weight="balanced")
    predicted = one.model.predict(X)[:, 0] > 0
    recalls = [np.mean(predicted[c == Y] == c) for c in (0, 1)]
    assert history["train_accuracy"][0] == pytest.approx(np.mean(recalls), rel=1e-12)
    assert history["validation_accuracy"][0] == np.mean(predicted == Y)
    assert one.evaluate(X, Y)["accuracy"] == np.mean(predicted == Y)


def test_the_weights_of_fit_take_the_place_of_the_trainers() -> None:
    both = fit("bce", Y, of_trainer="balanced", class_weight={1: 7})
    assert content(both) == content(fit("bce", Y, class_weight={1: 7}))


def test_weights_that_change_nothing_are_no_weights_to_the_last_bit() -> None:
    even, plain = np.arange(24) % 2, content(fit("bce", Y))
    assert content(fit("bce", even, class_weight="balanced")) == content(fit("bce", even))
    for weights in ({}, {0: 3, 1: 3}, {5: 2, 1: 1, 0: 1}):
        assert content(fit("bce", Y, class_weight=weights)) == plain


WHAT = 'class_weight must be "balanced" or a dictionary of class: weight, such as {0: 1.0, 1: 5.0}'


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        ("balance", f"{WHAT}, got 'balance'"),
        ([1.0, 5.0], f"{WHAT}, got [1.0, 5.0]"),
        (np.array([1.0, 5.0]), f"{WHAT}, got an ndarray of shape (2,)"),
        (2, f"{WHAT}, got 2"),
        ({0: 1, 1: -1}, "class_weight[1] must be a finite number >= 0, got -1"),
        ({0: 1, 1: np.nan}, "class_weight[1] must be a finite number >= 0, got nan"),
        ({0: 1, 1: "5"}, "class_weight[1] must be a finite number >= 0, got '5'"),
        ({0: None, 1: 1}, "class_weight[0] must be a finite number >= 0, got None"),
    ],
)
def test_bad_class_weights_are_refused_in_both_places(bad: Any, words: str) -> None:
    for place in ("class_weight", "of_trainer"):
        with pytest.raises(ArgumentError) as caught:
            fit("bce", Y, **{place: bad})
        assert str(caught.value).startswith(words)


@pytest.mark.parametrize("bad", [{"1": 5}, {2: 5}, {0: 1, 2: 5}, {"yes": 1, "no": 2}])
def test_a_class_that_does_not_occur_while_another_has_no_weight_is_an_error(bad: Any) -> None:
    strange = [label for label in bad if label not in (0, 1)]
    expected = f"others: got {strange} for targets of the classes [0, 1]"
    with pytest.raises(ArgumentError) as caught:
        fit("bce", Y, class_weight=bad)
    assert str(caught.value).endswith(expected)


def test_targets_without_classes_are_an_error() -> None:
    inputs, values = line(24)
    for place in ("class_weight", "of_trainer"):
        with pytest.raises(ArgumentError, match=r"needs classes as targets, and MeanSq.*sample_w"):
            fit("mse", values, inputs=np.hstack([inputs, inputs]), **{place: "balanced"})
    for loss, y, outputs in (
        ("bce", np.where(Y, 0.9, 0.0), 1),
        ("bce", np.column_stack([Y, 1 - Y]), 2),
        ("softmax_cross_entropy", np.full((24, 2), 0.5), 2),
    ):
        with pytest.raises(ArgumentError, match=r"class_weight needs one class in each row"):
            fit(loss, y, outputs, class_weight="balanced")
    with pytest.raises(DataError, match="all training weights are 0"):
        fit("bce", Y, class_weight={0: 0, 1: 0})
    with pytest.raises(DataError, match="all training weights are 0"):
        fit("bce", Y, class_weight={1: 0}, sample_weight=Y)
