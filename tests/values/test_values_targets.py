"""Missing targets, targets with a gradient, and classes that are numbered otherwise."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from stand_ins import Column, Extension, NAType, X, Y, fit

from minidl import Tensor, Trainer, nn, optim
from minidl.errors import DataError, GraphError

TARGETS: dict[str, Any] = {
    "masked": np.ma.masked_array([0, 1, 0, 1], [0, 1, 0, 0]),
    "masked in a list": [0, np.ma.masked, 0, 1],
    "None": [0, None, 0, 1],
    "nan beside text": np.array(["a", np.nan, "a", "b"], object),
    "nan as text": np.array(["a", np.nan, "a", "b"]),
    "NA": [0, NAType(), 0, 1],
    "polars": Column([0.0, 1, 0, 1], [False, True, False, False]),
    "pandas": Extension([0, 1, 0, 1], [False, True, False, False], 1),
    "labels": ["a", "None", "a", "b"],
    "bytes": np.array([b"a", b"#N/A", b"a", b"b"]),
}


@pytest.mark.parametrize("kind", TARGETS)
@pytest.mark.parametrize("loss", ["bce", "hinge", "mse", "cross_entropy"])
def test_missing_targets_are_refused_by_every_loss(kind: str, loss: str) -> None:
    targets, outputs = TARGETS[kind], 2 if loss == "cross_entropy" else 1
    with pytest.raises(DataError, match=r"a training target is missing: got .* in row 1\. 1 of 4"):
        fit(X, targets, loss, outputs)
    with pytest.raises(DataError, match="a validation target is missing"):
        Trainer(nn.mlp(2, outputs, seed=0), loss, optimizer=optim.NAG(0.1)).fit(
            X, Y.astype(int), epochs=1, validation=(X, targets)
        )
    with pytest.raises(DataError, match="a target is missing"):
        nn.loss(loss)(np.zeros((4, outputs)), targets)
    if nn.loss(loss).classifies:
        with pytest.raises(DataError, match="a target is missing"):
            nn.loss(loss).accuracy(np.zeros((4, outputs)), targets)


def test_the_gradient_of_targets_is_never_lost() -> None:
    targets = Tensor(Y, requires_grad=True)
    for given in (targets, targets * 2):
        with pytest.raises(GraphError, match=r"takes targets as constants.*detach"):
            nn.loss("mse")(np.zeros((4, 1)), given)
    assert nn.loss("mse")(np.zeros((4, 1)), targets.detach()).item() == 0.5


RECODED: list[tuple[str, list[float], str]] = [
    ("bce", [-1, 1, -1, 1], r"Recode two classes as 0 and 1: y = np\.equal\(y, 1\)\."),
    ("bce", [1, 2, 1, 2], r"y = np\.equal\(y, 2\)"),
    ("bce", [10, 20, 20, 10], r"y = np\.equal\(y, 20\)"),
    ("hinge", [1, 2, 1, 2], r"y = np\.equal\(y, 2\)"),
    ("bce", [1, 2, 3, 1], r"For 3 classes, use SoftmaxCrossEntropy with 3 outputs"),
    ("hinge", [-1, 0, 1, 1], "For 3 classes, use SoftmaxCrossEntropy with 3 outputs"),
    ("bce", [0.5, 1.5, 3.5, 1], "For numbers that are not classes, use mean_squared_error"),
    ("bce", [0, np.nan, 1, 1], "fill in missing values"),
    ("cross_entropy", [-1, 1, -1, 1], r"np\.unique.*Number all rows at once"),
    ("cross_entropy", [1, 2, 1, 2], r"np\.unique"),
    ("cross_entropy", [0, 1, 2, 1], "There are 3 classes: end the network with 3 outputs"),
    ("cross_entropy", [0.5, 1.25, 2, 1], "use mean_squared_error"),
]


@pytest.mark.parametrize(("loss", "targets", "words"), RECODED)
def test_the_hint_says_how_to_number_the_classes(
    loss: str, targets: list[float], words: str
) -> None:
    outputs = 2 if loss == "cross_entropy" else 1
    with pytest.raises(DataError, match=words) as caught:
        nn.loss(loss)(np.zeros((4, outputs)), targets)
    assert ("more than two" in str(caught.value)) is False


def test_the_recoded_targets_are_the_ones_that_are_meant() -> None:
    for targets in ([-1, 1, -1, 1], [1, 2, 1, 2], np.array([1.0, 2, 1, 2])):
        expected = fit(X, Y)
        assert np.array_equal(fit(X, np.equal(targets, max(targets))), expected)
        numbered = np.unique(targets, return_inverse=True)[1]
        assert np.array_equal(fit(X, numbered), expected)


def test_text_for_a_regression_is_not_numbered_as_classes() -> None:
    with pytest.raises(DataError, match=r"'1\.5' in row 0 .*\.astype\(float\)") as caught:
        fit(X, ["1.5", "2", "3", "4"], "mse")
    assert "np.unique" not in str(caught.value)
