"""Losses with two settings at once, padding under a penalty, and layers that cannot be."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import expit, log_softmax, xlogy

from minidl import Trainer, nn
from minidl.checks import check_flag
from minidl.cli import main
from minidl.errors import ArgumentError, TooLargeError

RANDOM = np.random.default_rng(0)
Z, T = RANDOM.normal(size=(6, 3)), RANDOM.dirichlet(np.ones(3), 6)
W = np.array([1.0, 2.0, 0.0, 0.5, 1.0, 3.0])


@pytest.mark.parametrize("w", [None, W], ids=["alone", "weights"])
def test_the_divergence_subtracts_the_weighted_entropy_of_the_targets(w: Any) -> None:
    rows = (xlogy(T, T) - T * log_softmax(Z, axis=1)).sum(axis=1)
    assert_allclose(nn.KLDivergence()(Z, T, sample_weight=w).item(), np.average(rows, weights=w))


def test_smooth_l1_has_weights_of_rows() -> None:
    d = np.abs(Z[:, :1] - T[:, :1])
    rows = np.where(d < 0.5, d**2 / (2 * 0.5), d - 0.25)[:, 0]
    loss = nn.SmoothL1(0.5)
    assert_allclose(loss(Z[:, :1], T[:, :1]).item(), rows.mean())
    value = loss(Z[:, :1], T[:, :1], sample_weight=W).item()
    assert_allclose(value, np.average(rows, weights=W))


def test_labels_are_smoothed_with_a_weight_of_the_positive_class_too() -> None:
    t, z = np.array([0.0, 1.0, 1.0, 0.0, 1.0, 0.0]), Z[:, 0]
    q, p = 0.8 * t + 0.1, expit(z)
    expected = -(3 * q * np.log(p) + (1 - q) * np.log(1 - p)).mean()
    loss = nn.BinaryCrossEntropy(pos_weight=3.0, label_smoothing=0.2)
    assert_allclose(loss(z[:, None], t).item(), expected)


def test_smoothed_labels_have_the_weight_of_their_row_and_in_pytorch_of_each_class() -> None:
    z, t = np.array([[1.0, -0.5, 0.25], [0.0, 2.0, -1.0], [0.5, 0.5, -2.0]]), np.array([0, 2, 1])
    w, e, terms = np.array([1.0, 4.0, 0.5]), 0.3, -log_softmax(z, axis=1)
    q = (1 - e) * np.eye(3)[t] + e / 3
    here = (w[t] * (q * terms).sum(axis=1)).sum() / w[t].sum()
    there = (w * q * terms).sum() / w[t].sum()  # each share has the weight of its class
    loss = nn.SoftmaxCrossEntropy(class_weight=w.tolist(), label_smoothing=e)
    assert_allclose(loss(z, t).item(), here)
    assert_allclose(there, 0.9876581654710821)  # CrossEntropyLoss(weight=w, label_smoothing=e)
    assert abs(here - there) > 0.1
    equal = nn.SoftmaxCrossEntropy(class_weight=[2.0] * 3, label_smoothing=e)(z, t).item()
    assert_allclose(equal, (q * terms).sum(axis=1).mean())  # of equal weights, both are the mean


def test_an_alpha_of_0_leaves_out_class_1() -> None:
    loss = nn.Focal(gamma=0.0, alpha=0.0)
    assert loss([[0.3]], [1]).item() == 0.0
    assert_allclose(loss([[0.3]], [0]).item(), -np.log(expit(-0.3)))


@pytest.mark.parametrize(
    "choice", [None, "he_normal", "constant:2", lambda shape, _: np.ones(shape)]
)
def test_the_row_of_padding_is_0_for_every_initializer(choice: Any) -> None:
    weight = nn.Embedding(4, 2, padding_index=1, initializer=choice, seed=0).weight.data
    assert (weight[1] == 0).all()
    assert (weight[[0, 2, 3]] != 0).all()


@pytest.mark.parametrize("penalty", [nn.L2Penalty(0.5), nn.L1Penalty(0.5)])
@pytest.mark.parametrize("replicas", [None, 3])
def test_no_penalty_counts_the_row_of_padding(penalty: Any, replicas: Any) -> None:
    layer = nn.Embedding(3, 2, padding_index=1, initializer="constant:1")
    layer.weight.data[1] = 7.0
    model = nn.Sequential(layer, nn.Dense(2, 1, initializer="zeros"))
    each = 4 * (0.25 if isinstance(penalty, nn.L2Penalty) else 0.5)
    assert penalty(model).item() == each
    if replicas:
        model.replicate(replicas)
    assert_array_equal(penalty.value(model.parameters), np.full(replicas or (), each))
    penalty.add(model.parameters)
    expected = np.broadcast_to([[0.5, 0.5], [0.0, 0.0], [0.5, 0.5]], layer.weight.shape)
    assert_array_equal(layer.weight.grad, expected)


def test_the_row_of_padding_stays_as_it_is_in_training() -> None:
    layer = nn.Embedding(3, 2, padding_index=1, seed=0)
    layer.weight.data[1] = 7.0
    trainer = Trainer(nn.Sequential(layer, nn.Dense(2, 1, seed=0)), "mse", "gd", lr=0.1, l2=0.5)
    trainer.fit([[0.0], [1.0], [2.0]], [1.0, 2.0, 3.0], epochs=3)
    assert_array_equal(layer.weight.data[1], [7.0, 7.0])


@pytest.mark.parametrize("count", [10**15, 10**18])
def test_a_table_larger_than_the_memory_is_named(count: int) -> None:
    with pytest.raises(
        TooLargeError, match=rf"^Embedding\({count}, 2\) would take .* GB of memory"
    ):
        nn.Embedding(count, 2)


def test_no_layer_is_within_itself() -> None:
    residual = nn.Residual(nn.Dense(2, 2))
    with pytest.raises(ArgumentError, match="layer would be a layer within itself"):
        residual.layer = residual
    with pytest.raises(ArgumentError, match="the Residual that holds it"):
        residual.layer = nn.Residual(residual)
    residual.layer = nn.Residual(nn.Dense(2, 2))
    assert residual(np.ones((1, 2))).shape == (1, 2)


def test_a_flag_is_true_or_false() -> None:
    with pytest.raises(ArgumentError, match="log_input must be True or False, got 'no'"):
        nn.Poisson("no")  # type: ignore[arg-type]
    assert check_flag("x", np.True_) is True
    for value in ("no", 1, None, np.array([True])):
        with pytest.raises(ArgumentError, match="x must be True or False"):
            check_flag("x", value)


@pytest.mark.parametrize("name", ["poisson", "poisson_nll"])
def test_minidl_train_refuses_the_poisson_loss(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["train", "--dataset", "diabetes", "--loss", name, "--epochs", "1", "--lr", "0.1"]
    assert main(words) == 2
    assert re.search(r"MLPRegressor\(loss=\"poisson\"\)", capsys.readouterr().err)


def test_an_ignored_row_has_no_weight_beside_weights_of_classes() -> None:
    loss = nn.SoftmaxCrossEntropy(class_weight=[2.0, 3.0], ignore_index=-1)
    assert_array_equal(loss.row_weight(np.array([1, -1, 0])), [3.0, 0.0, 2.0])
