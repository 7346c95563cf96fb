"""Weights of rows and classes for many networks: each trains as it would alone."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose
from training_problems import three_classes, two_classes

from minidl import Trainer, nn, optim, train_replicas
from minidl.errors import ArgumentError, DataError
from minidl.training import EarlyStopping, Replica, many

N, SEEDS = 30, 3
X, Y = two_classes(N)
X3, Y3 = three_classes(N)
SETS = np.stack([two_classes(N, seed)[0] for seed in range(SEEDS)])
LABELS = np.stack([two_classes(N, seed)[1] for seed in range(SEEDS)])
RNG = np.random.default_rng(3)
S = RNG.uniform(0, 2, N) * (RNG.uniform(size=N) < 0.6)
S_SETS = RNG.uniform(0, 2, (SEEDS, N)) * (RNG.uniform(size=(SEEDS, N)) < 0.6)
S_SETS[1] = 1  # this set has none


def model(seed: int, dtype: Any = np.float64) -> nn.Layer:
    return nn.mlp(2, 5, 1, seed=seed, dtype=dtype)


def together(X: Any, y: Any, **options: Any) -> list[Replica]:
    settings = {"loss": "bce", "seeds": SEEDS, "epochs": 4, "lr": 0.2, "batch_size": 8}
    return train_replicas(model, "nag", X, y, **(settings | options))


def demand_alone(replica: Replica, X: Any, y: Any, rtol: float = 1e-12, **options: Any) -> None:
    """Demand that a Trainer gets the same history and weights."""
    settings = {"loss": "bce", "batch_size": 8, "shuffle": True, "network": model}
    settings |= {name: options.pop(name) for name in list(options) if name in settings}
    network = settings.pop("network")(replica.seed)
    alone = Trainer(network, optimizer=optim.NAG(0.2), seed=replica.seed, **settings)
    history = alone.fit(X, y, epochs=4, **options)
    assert set(history.columns) == set(replica.history.columns)
    for name in set(history.columns) - {"seconds"}:
        assert_allclose(replica.history[name], history[name], rtol=rtol, atol=rtol, err_msg=name)
    ours, theirs = replica.model.parameters.value, network.parameters.value
    assert_allclose(ours, theirs, rtol=0, atol=rtol)


@pytest.fixture
def _one_block(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fail if networks are trained one by one."""
    inner = many.train_together

    def watched(trainers: Any, *others: Any) -> None:
        assert len(trainers) == SEEDS
        inner(trainers, *others)

    monkeypatch.setattr(many, "train_together", watched)


@pytest.mark.usefixtures("_one_block")
@pytest.mark.parametrize("shuffle", [False, True])
@pytest.mark.parametrize("size", ["full", 1, 8])
def test_networks_share_weighted_rows(size: Any, shuffle: bool) -> None:
    options = {"batch_size": size, "shuffle": shuffle, "sample_weight": S}
    options["validation"] = (X, Y, S[::-1])
    for replica in together(X, Y, **options):
        demand_alone(replica, X, Y, **options)


@pytest.mark.usefixtures("_one_block")
@pytest.mark.parametrize("shuffle", [False, True])
@pytest.mark.parametrize("size", ["full", 1, 8])
def test_each_set_of_rows_has_its_weights(size: Any, shuffle: bool) -> None:
    options: dict[str, Any] = {"batch_size": size, "shuffle": shuffle}
    back = S_SETS[:, ::-1]
    weights = {"sample_weight": S_SETS, "validation": (SETS, LABELS, back)}
    for k, replica in enumerate(together(SETS, LABELS, **options, **weights)):
        validation = SETS[k], LABELS[k], back[k]
        own = {"sample_weight": S_SETS[k], "validation": validation, **options}
        demand_alone(replica, SETS[k], LABELS[k], **own)


@pytest.mark.usefixtures("_one_block")
@pytest.mark.parametrize("weights", ["balanced", {0: 1, 1: 3}])
def test_class_weights_are_those_of_each_set(weights: Any) -> None:
    skewed = LABELS * (np.random.default_rng(5).uniform(size=LABELS.shape) < 0.5)
    options = {"class_weight": weights, "validation": (SETS, skewed)}
    for k, replica in enumerate(together(SETS, skewed, sample_weight=S_SETS, **options)):
        options["validation"] = SETS[k], skewed[k]
        demand_alone(replica, SETS[k], skewed[k], sample_weight=S_SETS[k], **options)
    for replica in together(X, skewed[0], class_weight=weights, validation=(X, Y)):
        demand_alone(replica, X, skewed[0], class_weight=weights, validation=(X, Y))


@pytest.mark.parametrize("loss", ["hinge", "mse", "mae", "huber", "softmax_cross_entropy"])
def test_every_loss_takes_weights_of_many_networks(loss: str) -> None:
    outputs = 3 if loss.startswith("softmax") else 1

    def network(seed: int) -> nn.Layer:
        return nn.mlp(4, 3, outputs, seed=seed)

    y = Y3 if outputs == 3 else Y3 % 2
    common: dict[str, Any] = {"batch_size": 8, "loss": loss, "sample_weight": S}
    found = train_replicas(network, "nag", X3, y, lr=0.2, seeds=SEEDS, epochs=4, **common)
    for replica in found:
        demand_alone(replica, X3, y, network=network, **common)


def test_networks_of_float32_and_those_in_other_processes() -> None:
    def single(seed: int) -> nn.Layer:
        return model(seed, np.float32)

    common: dict[str, Any] = {"loss": "bce", "seeds": SEEDS, "epochs": 4, "lr": 0.2}
    found = train_replicas(
        single, "nag", SETS, LABELS, batch_size=8, sample_weight=S_SETS, **common
    )
    for k, replica in enumerate(found):
        assert replica.model.parameters.value.dtype == np.float32
        own = {"network": single, "sample_weight": S_SETS[k]}
        demand_alone(replica, SETS[k], LABELS[k], rtol=2e-5, **own)
    weights = {"sample_weight": S_SETS, "validation": (SETS, LABELS, S_SETS)}
    here = together(SETS, LABELS, **weights)
    there = together(SETS, LABELS, **weights, jobs=2, memory=1)
    for one, other in zip(here, there, strict=True):
        assert_allclose(one.model.parameters.value, other.model.parameters.value, atol=1e-12)


def test_a_network_that_stops_leaves_the_weights_of_the_others_in_place() -> None:
    found = together(
        SETS,
        LABELS,
        epochs=30,
        sample_weight=S_SETS,
        validation=(SETS, LABELS, S_SETS),
        callbacks=lambda: [EarlyStopping(patience=1)],
        lr=2.0,
    )
    assert len({len(replica.history) for replica in found}) > 1
    for k, replica in enumerate(found):
        alone = Trainer(
            model(k),
            "bce",
            "nag",
            lr=2.0,
            batch_size=8,
            seed=k,
            callbacks=[EarlyStopping(patience=1)],
        )
        rows = SETS[k], LABELS[k]
        history = alone.fit(
            *rows, epochs=30, sample_weight=S_SETS[k], validation=(*rows, S_SETS[k])
        )
        assert_allclose(replica.history["train_loss"], history["train_loss"], rtol=1e-9)


@pytest.mark.parametrize(
    ("rows", "weights", "words"),
    [
        ("one", S_SETS, r"not one training weight.*got shape \(3, 30\), expected shape \(30,"),
        ("sets", S, r"not one training weight.*got shape \(30,\), expected shape \(3, 30\)"),
        ("sets", -S_SETS, "a training weight is not a finite number"),
        ("one", S[:-1], r"got shape \(29,\)"),
    ],
)
def test_weights_that_do_not_fit_are_errors(rows: str, weights: Any, words: str) -> None:
    given = (X, Y) if rows == "one" else (SETS, LABELS)
    with pytest.raises(DataError, match=words):
        together(*given, sample_weight=weights)


def test_an_error_names_the_seed_of_its_set() -> None:
    none = S_SETS.copy()
    none[2] = 0
    with pytest.raises(DataError, match="all training weights are 0") as caught:
        together(SETS, LABELS, sample_weight=none)
    assert caught.value.__notes__ == ["in the training rows of seed 2"]
    with pytest.raises(ArgumentError, match="class_weight needs classes"):
        together(X, Y, loss="mse", class_weight="balanced")
