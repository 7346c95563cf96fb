"""Replicas against runs of their own: the same histories and weights, whoever stops or diverges."""

from __future__ import annotations

import copy
import importlib
import tracemalloc
import warnings
from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np
import pytest

from minidl import Trainer, datasets, nn, ops, optim, train_replicas
from minidl.errors import ArgumentError, DivergenceWarning
from minidl.training import (
    Callback,
    EarlyStopping,
    LearningRateSchedule,
    Replica,
    StopAtTarget,
)
from minidl.training.data import check_rows
from minidl.training.many import block_key, train_many

MOONS = datasets.load("moons", n=120, seed=0)
IRIS = datasets.load("iris", split_seed=0)


def alone(replica: Replica, model: Any, optimizer: Any, data: Any, **options: Any) -> Trainer:
    """Train one network by itself, with a replica's seed and hyperparameters."""
    own = copy.deepcopy(optimizer)
    own.hyperparameters.update(replica.hyperparameters)
    epochs, validation = options.pop("epochs"), options.pop("validation", None)
    make: Callable[[], Any] = options.pop("callbacks", list)
    trainer = Trainer(
        model(replica.seed), optimizer=own, seed=replica.seed, callbacks=make(), **options
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DivergenceWarning)
        trainer.fit(data.X_train, data.y_train, epochs=epochs, validation=validation)
    return trainer


def demand_equal(replicas: list[Replica], *arguments: Any, **options: Any) -> None:
    """Compare with runs alone: to 1e-12, not to bits, for BLAS may sum a batch in another order."""
    tolerance = options.pop("tolerance", 1e-12)
    for replica in replicas:
        trainer = alone(replica, *arguments, **options)
        ours, theirs = replica.history, trainer.history
        assert ours.columns == theirs.columns
        assert (ours.stopped_by, ours.diverged_at) == (theirs.stopped_by, theirs.diverged_at)
        assert ours.advice == theirs.advice
        for name in set(ours.columns) - {"seconds"}:
            np.testing.assert_allclose(
                ours[name], theirs[name], rtol=tolerance, atol=tolerance, err_msg=name
            )
        np.testing.assert_allclose(
            replica.model.parameters.value, trainer.model.parameters.value, tolerance, tolerance
        )
        buffers = dict(trainer.model.named_buffers())
        for name, array in replica.model.named_buffers():
            np.testing.assert_allclose(array, buffers[name], tolerance, tolerance, err_msg=name)


def small(seed: int) -> nn.Sequential:
    return nn.mlp(2, 6, 5, 1, seed=seed)


@pytest.mark.parametrize("batch_size", [1, 32, 7, "full"])
@pytest.mark.parametrize(
    "optimizer",
    [
        optim.GradientDescent([0.3, 0.1]),
        optim.Momentum([0.03, 0.1], momentum=[0.9, 0.5]),
        optim.NAG(0.05, momentum=[0.9, 0.0]),
        optim.ReformulatedNAG([0.05, 0.02]),
        optim.NAG(optim.StepDecay(0.1, every=3, factor=0.5)),
    ],
    ids=repr,
)
def test_a_replica_is_a_single_run(optimizer: Any, batch_size: Any) -> None:
    options = {"loss": "bce", "epochs": 3, "batch_size": batch_size}
    found = train_replicas(small, optimizer, MOONS.X_train, MOONS.y_train, seeds=[3, 0], **options)
    assert [one.seed for one in found][:2] == [3, 0]
    demand_equal(found, small, optimizer, MOONS, **options)


@pytest.mark.parametrize(
    ("data", "loss", "sizes"),
    [
        (MOONS, "mse", (2, 5, 1)),
        (MOONS, "huber", (2, 5, 1)),
        (MOONS, "hinge", (2, 5, 1)),
        (IRIS, "softmax_cross_entropy", (4, 8, 3)),
    ],
)
@pytest.mark.parametrize("activation", ["tanh", "relu", "gelu"])
def test_any_loss_with_dropout_penalty_and_validation(
    data: Any, loss: str, sizes: Any, activation: str
) -> None:
    def model(seed: int) -> nn.Layer:
        return nn.mlp(*sizes, activation=activation, dropout=0.2, seed=seed)

    optimizer = optim.NAG([0.05, 0.01])
    options = {"loss": loss, "epochs": 3, "l2": 0.01, "measure_every": 2}
    options["validation"] = (data.X_test, data.y_test)
    found = train_replicas(model, optimizer, data.X_train, data.y_train, seeds=range(3), **options)
    demand_equal(found, model, optimizer, data, **options)


def test_float32_stays_float32() -> None:
    def model(seed: int) -> nn.Layer:
        return nn.mlp(2, 6, 1, seed=seed, dtype=np.float32)

    optimizer = optim.NAG([0.05, 0.03])
    options = {"loss": "bce", "epochs": 3}
    found = train_replicas(
        model, optimizer, MOONS.X_train, MOONS.y_train, seeds=range(4), **options
    )
    assert found[0].model.parameters.value.dtype == np.float32
    demand_equal(found, model, optimizer, MOONS, tolerance=1e-5, **options)


def test_who_diverges_or_converges_leaves_without_disturbing_the_rest() -> None:
    optimizer = optim.GradientDescent([0.1, 300.0, 3.0, 0.001])
    options: dict[str, Any] = {"loss": "mse", "epochs": 12}
    options["callbacks"] = lambda: [StopAtTarget(0.12)]
    with pytest.warns(DivergenceWarning, match=r"of 20 replicas diverged"):
        found = train_replicas(
            small, optimizer, MOONS.X_train, MOONS.y_train, seeds=range(5), **options
        )
    endings = {one.history.stopped_by for one in found}
    assert endings == {"diverged", "target", "epochs"}
    assert len({one.history["epoch"][-1] for one in found}) > 3
    demand_equal(found, small, optimizer, MOONS, **options)


def test_callbacks_see_each_network_and_may_change_its_optimizer() -> None:
    optimizer = optim.NAG([0.5, 0.05])
    options: dict[str, Any] = {"loss": "bce", "epochs": 15}
    options["validation"] = (MOONS.X_test, MOONS.y_test)
    options["callbacks"] = lambda: [
        EarlyStopping(patience=2),
        LearningRateSchedule(lambda epoch: 0.3 / (epoch + 1)),
    ]
    found = train_replicas(
        small, optimizer, MOONS.X_train, MOONS.y_train, seeds=range(4), **options
    )
    assert "early stopping" in {one.history.stopped_by for one in found}
    demand_equal(found, small, optimizer, MOONS, **options)


def test_stop_rules_are_decided_network_by_network_within_a_block() -> None:
    def rules() -> list[Callback]:
        return [EarlyStopping(patience=4), StopAtTarget(0.3, sustained=2)]

    optimizer = optim.NAG([0.5, 0.05])
    options: dict[str, Any] = {"loss": "bce", "epochs": 25, "callbacks": rules}
    options["validation"] = (MOONS.X_test, MOONS.y_test)
    keys = {
        block_key(Trainer(small(k), "bce", optimizer=optim.NAG(0.1), seed=k, callbacks=rules()))
        for k in range(3)
    }
    assert len(keys) == 1
    assert None not in keys
    replicas = train_replicas(
        small, optimizer, MOONS.X_train, MOONS.y_train, seeds=range(6), **options
    )
    assert {one.history.stopped_by for one in replicas} == {"early stopping", "target"}
    demand_equal(replicas, small, optimizer, MOONS, **options)


def test_an_interrupted_block_is_continued_by_each_network_where_it_stopped() -> None:
    class Pressed(nn.BinaryCrossEntropy):
        replicas = True
        calls = 0

        def mean(self, outputs: Any, targets: Any) -> Any:
            Pressed.calls += outputs.requires_grad
            if Pressed.calls == 8 and outputs.requires_grad:
                raise KeyboardInterrupt
            return super().mean(outputs, targets)

    networks: list[Any] = []

    def kept(seed: int) -> nn.Layer:
        networks.append(nn.mlp(2, 6, 1, dropout=0.2, seed=seed))
        return networks[-1]

    options: dict[str, Any] = {"batch_size": 30}
    X, y = MOONS.X_train, MOONS.y_train
    trainers = [
        Trainer(kept(k), Pressed(), optimizer=optim.ReformulatedNAG(0.1), seed=k, **options)
        for k in range(3)
    ]
    rows = check_rows("training", X, y, trainers[0].objective)
    with pytest.raises(KeyboardInterrupt):
        train_many(trainers, (rows, None), 4)
    assert [(t.epoch, t.cursor, t.history.stopped_by) for t in trainers] == [
        (2, 30, "interrupted")
    ] * 3
    for k, trainer in enumerate(trainers):
        history = trainer.fit(X, y, epochs=2)
        network = nn.mlp(2, 6, 1, dropout=0.2, seed=k)
        whole = Trainer(network, "bce", optimizer=optim.ReformulatedNAG(0.1), seed=k, **options)
        expected = whole.fit(X, y, epochs=4)
        for name in set(expected.columns) - {"seconds"}:
            np.testing.assert_allclose(history[name], expected[name], 1e-12, 1e-12)


def test_blocks_of_any_size_give_the_same() -> None:
    def train(memory: int) -> list[Replica]:
        return train_replicas(
            small, optim.NAG(0.1), MOONS.X_train, MOONS.y_train,
            loss="bce", seeds=range(7), epochs=2, memory=memory,
        )  # fmt: skip

    one_by_one, in_blocks, together = train(1), train(32 * 6 * 8 * 3), train(10**9)
    for a, b, c in zip(one_by_one, in_blocks, together, strict=True):
        for other in (b, c):
            np.testing.assert_allclose(
                a.history["train_loss"], other.history["train_loss"], rtol=1e-12
            )


class Standardized(nn.Layer):
    """Uses axis 0 as the rows, as layers of one's own may."""

    def __init__(self, seed: int) -> None:
        self.inner = small(seed)

    def forward(self, x: Any, training: Any = False) -> Any:
        y = self.inner.forward(x, training)
        return y - ops.mean(y, axis=0, keepdims=True)


def test_a_layer_that_knows_no_replica_axis_is_trained_one_by_one() -> None:
    options: dict[str, Any] = {"loss": "mse", "epochs": 2}
    optimizer = optim.NAG(0.05)
    found = train_replicas(
        Standardized, optimizer, MOONS.X_train, MOONS.y_train, seeds=range(4), **options
    )
    demand_equal(found, Standardized, optimizer, MOONS, **options)


def test_the_networks_are_independent_afterwards() -> None:
    found = train_replicas(
        small, optim.NAG(0.1), MOONS.X_train, MOONS.y_train, loss="bce", seeds=range(3), epochs=1
    )
    before = found[1].model.parameters.value.copy()
    found[0].model.parameters.value[...] = 7.0
    np.testing.assert_array_equal(found[1].model.parameters.value, before)


class Interrupting(Callback):
    def on_epoch_end(self, trainer: Trainer, record: Any) -> None:
        if record["epoch"] == 2 and trainer.seed == 1:
            raise KeyboardInterrupt


def test_networks_with_callbacks_are_interrupted_one_by_one() -> None:
    seen: list[Trainer] = []

    class Watching(Callback):
        def on_fit_end(self, trainer: Trainer) -> None:
            seen.append(trainer)

    with pytest.raises(KeyboardInterrupt):
        train_replicas(
            small, optim.NAG(0.1), MOONS.X_train, MOONS.y_train,
            loss="bce", seeds=range(3), epochs=5, callbacks=lambda: [Interrupting(), Watching()],
        )  # fmt: skip
    endings = [(trainer.seed, trainer.history.stopped_by) for trainer in seen]
    assert endings == [(0, "epochs"), (1, "interrupted")]  # one after the other, for callbacks
    assert [len(trainer.history) for trainer in seen] == [6, 3]


def test_mistakes_are_told_before_training() -> None:
    X, y = MOONS.X_train, MOONS.y_train
    common: dict[str, Any] = {"loss": "bce", "epochs": 1}
    nag = optim.NAG(0.1)
    with pytest.raises(ArgumentError, match=r"seeds must be .*got \[1, 1\]"):
        train_replicas(small, nag, X, y, seeds=[1, 1], **common)
    with pytest.raises(ArgumentError, match="seeds must be"):
        train_replicas(small, nag, X, y, seeds=[], **common)
    with pytest.raises(ArgumentError, match="model must be a function seed -> network"):
        train_replicas(small(0), nag, X, y, seeds=[1, 2], **common)  # type: ignore[arg-type]
    network = small(0)
    with pytest.raises(ArgumentError, match="the same network twice"):
        train_replicas(lambda seed: network, nag, X, y, seeds=[1, 2], **common)
    uneven = optim.NAG([0.1, 0.2], momentum=[0.1, 0.2, 0.3])
    with pytest.raises(ArgumentError, match="swept together differ in length"):
        train_replicas(small, uneven, X, y, seeds=[1], **common)
    with pytest.raises(ArgumentError, match=r"neither a name nor an Optimizer: got 0.1"):
        train_replicas(small, 0.1, X, y, seeds=2, **common)  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match=r"callbacks must be a function .*lambda: \["):
        train_replicas(small, nag, X, y, seeds=2, callbacks=[], **common)  # type: ignore[arg-type]


def test_a_number_of_seeds_is_zero_and_up() -> None:
    found = train_replicas(
        small, optim.NAG(0.1), MOONS.X_train, MOONS.y_train, loss="bce", seeds=3, epochs=0
    )
    assert [one.seed for one in found] == [0, 1, 2]


def test_measuring_takes_no_more_memory_for_more_replicas() -> None:
    X = np.zeros((20_000, 2))
    y = np.arange(20_000) % 2

    def peak(replicas: int) -> int:
        tracemalloc.start()
        try:
            train_replicas(small, optim.NAG(0.1), X, y, loss="bce", seeds=replicas, epochs=0)
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    predictions = 64 * 20_000 * 8  # bytes, if all replicas were measured at once
    assert peak(64) - peak(2) < predictions / 2  # the models themselves take some


def test_losses_add_up_as_far_as_in_a_run_that_stops_at_infinity() -> None:
    optimizer = optim.GradientDescent([1e80, 0.1])
    options: dict[str, Any] = {"loss": "mse", "epochs": 1, "batch_size": 8}

    def line(seed: int) -> nn.Layer:
        return nn.mlp(2, 1, seed=seed)

    with pytest.warns(DivergenceWarning, match="3 of 6 replicas"):
        found = train_replicas(line, optimizer, MOONS.X_train, MOONS.y_train, seeds=3, **options)
    assert "the loss became inf" in found[0].history.advice  # and not nan, as later batches are
    demand_equal(found, line, optimizer, MOONS, **options)


class Watched(optim.Optimizer):
    """Gradient descent that says of what dtype its steps are."""

    lr = optim.learning_rate()
    seen: ClassVar[set[np.dtype[Any]]] = set()

    def __init__(self, lr: Any) -> None:
        super().__init__(lr=lr)

    def update(self, w: Any, grad: Any) -> None:
        step = self.lr * grad(w)
        self.seen.add(step.dtype)
        w -= step


def test_a_swept_rate_does_not_turn_steps_of_float32_into_float64() -> None:
    def model(seed: int) -> nn.Layer:
        return nn.mlp(2, 3, 1, seed=seed, dtype=np.float32)

    X, y = MOONS.X_train, MOONS.y_train
    train_replicas(model, Watched([0.1, 0.2]), X, y, loss="bce", seeds=2, epochs=1)
    assert Watched.seen == {np.dtype(np.float32)}


def test_data_too_large_to_be_gathered_give_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.import_module("minidl.training.data"), "GATHER_BYTES", 0)
    options: dict[str, Any] = {"loss": "bce", "epochs": 2}
    optimizer = optim.NAG(0.1)
    found = train_replicas(small, optimizer, MOONS.X_train, MOONS.y_train, seeds=3, **options)
    demand_equal(found, small, optimizer, MOONS, **options)
    assert all(one.history["seconds"][-1] > 0 for one in found)
