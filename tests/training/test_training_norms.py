"""Networks with buffers: trained together as alone, stopped, diverged, saved and measured."""

from __future__ import annotations

import contextlib
import warnings
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from test_training_replicas import MOONS, demand_equal

from minidl import Trainer, datasets, nn, no_grad, ops, optim, train_replicas
from minidl.errors import ArgumentError, DivergenceWarning
from minidl.training import (
    EarlyStopping,
    StopAtTarget,
)
from minidl.training.many import block_key

X, Y = MOONS.X_train, MOONS.y_train
OPTIONS = {"loss": "bce", "epochs": 4, "batch_size": 30}


def batch(seed: int) -> nn.Sequential:
    """Return a network whose first layer, too, is a batch normalisation."""
    return nn.Sequential(
        nn.BatchNorm(2), nn.Dense(2, 6, bias=False), nn.BatchNorm(6, decay=0.7), nn.Tanh(),
        nn.Dense(6, 1), seed=seed,
    )  # fmt: skip


def layer(seed: int) -> nn.Sequential:
    return nn.Sequential(nn.Dense(2, 6), nn.LayerNorm(6), nn.Tanh(), nn.Dense(6, 1), seed=seed)


def noisy(seed: int) -> nn.Sequential:
    return nn.Sequential(batch(seed), nn.Dropout(0.2), nn.Dense(1, 1), seed=seed)


class Centre(nn.Layer):
    """The example of nn.Buffer, with a count."""

    replicas = True

    def __init__(self) -> None:
        self.mean, self.seen = nn.Buffer(np.zeros(2)), [nn.Buffer(0.0)]

    def forward(self, x: Any, training: Any = False) -> Any:
        if not training:
            return x - self.mean
        mean = ops.mean(x, axis=-2, keepdims=True)
        with no_grad():
            self.mean[...] = 0.9 * self.mean + 0.1 * mean
            self.seen[0][...] = self.seen[0] + x.shape[-2]
        return x - mean


class AloneCentre(Centre):
    """Does not say that it knows replicas."""


def centred(seed: int) -> nn.Sequential:
    return nn.Sequential(Centre(), nn.Dense(2, 6), nn.Tanh(), nn.Dense(6, 1), seed=seed)


def alone(seed: int) -> nn.Sequential:
    return nn.Sequential(AloneCentre(), nn.Dense(2, 6), nn.Tanh(), nn.Dense(6, 1), seed=seed)


def keys(model: Any, **options: Any) -> set[Any]:
    """Return the block keys of three networks."""
    options = {"optimizer": optim.NAG(0.1), "loss": "bce"} | options
    return {block_key(Trainer(model(seed), seed=seed, **options)) for seed in range(3)}


def check(model: Any, optimizer: Any = None, data: Any = MOONS, **options: Any) -> list[Any]:
    optimizer = optimizer or optim.NAG([0.05, 0.1])
    options = {**OPTIONS, **options}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DivergenceWarning)
        found = train_replicas(
            model, optimizer, data.X_train, data.y_train, seeds=range(3), **options
        )
    demand_equal(found, model, optimizer, data, **options)
    return found


@pytest.mark.parametrize("shuffle", [True, False])
@pytest.mark.parametrize("batch_size", [30, 7, "full"])
@pytest.mark.parametrize("model", [batch, layer, noisy, centred, alone])
def test_networks_with_buffers_are_trained_together_as_alone(
    model: Any, batch_size: Any, shuffle: bool
) -> None:
    together = keys(model)
    assert together == {None} if model is alone else len(together) == 1
    check(model, batch_size=batch_size, shuffle=shuffle)


@pytest.mark.parametrize("make", [optim.GradientDescent, optim.Momentum, optim.ReformulatedNAG])
def test_with_every_optimizer_and_l2_and_look_ahead(make: Any) -> None:
    check(batch, make([0.1, 0.05]), l2=0.01, look_ahead=True)


def test_networks_that_stop_at_different_times_have_the_statistics_of_their_best_epoch() -> None:
    held_out = (MOONS.X_test, MOONS.y_test)
    options: dict[str, Any] = {"epochs": 12, "validation": held_out}
    rules = [lambda: [EarlyStopping(patience=1)], lambda: [StopAtTarget(0.5, sustained=2)]]
    for rule in rules:
        found = check(batch, optim.NAG([0.3, 0.02]), callbacks=rule, **options)
        assert len({replica.history["epoch"][-1] for replica in found}) > 1
    for replica in check(batch, optim.NAG(1.0), callbacks=rules[0], **options):
        best = np.nanmin(replica.history["validation_loss"])
        trainer = Trainer(replica.model, "bce", optimizer=optim.NAG(0.1))
        assert trainer.evaluate(*held_out)["loss"] == pytest.approx(best, rel=1e-12)


def test_networks_that_diverge_have_their_last_good_statistics() -> None:
    found = check(batch, optim.Momentum([0.05, 1e4]), loss="mse", epochs=6)
    assert [replica.history.diverged for replica in found] == [False] * 3 + [True] * 3
    for replica in found:
        trainer = Trainer(replica.model, "mse", optimizer=optim.NAG(0.1))
        last = replica.history["train_loss"][-1]
        assert trainer.evaluate(X, Y)["loss"] == pytest.approx(last, rel=1e-12)


def test_each_network_measures_with_its_own_statistics_on_its_own_rows() -> None:
    sets = [datasets.load("moons", n=120, seed=seed) for seed in range(3)]
    Xs, ys = np.stack([s.X_train for s in sets]), np.stack([s.y_train for s in sets])
    Xs *= np.array([1.0, 10.0, 100.0])[:, None, None]
    found = train_replicas(batch, optim.NAG(0.1), Xs, ys, seeds=3, **OPTIONS)  # type: ignore[arg-type]
    for k, replica in enumerate(found):
        trainer = Trainer(batch(k), "bce", optimizer=optim.NAG(0.1), batch_size=30, seed=k)
        history = trainer.fit(Xs[k], ys[k], epochs=4)
        assert_allclose(replica.history["train_loss"], history["train_loss"], rtol=1e-12)
        mean = dict(replica.model.named_buffers())["0.running_mean"]
        assert_allclose(mean, trainer.model[0].running_mean.data, rtol=1e-11)


def test_other_processes_give_the_same_bits() -> None:
    def trained(jobs: int) -> Any:
        return train_replicas(
            batch, optim.NAG(0.1), X, Y, seeds=4, jobs=jobs, memory=2**13, **OPTIONS  # type: ignore[arg-type]
        )  # fmt: skip

    for here, there in zip(trained(1), trained(2), strict=True):
        assert here.model.copy_buffers().keys() == there.model.copy_buffers().keys()
        for name, array in here.model.named_buffers():
            assert_array_equal(array, dict(there.model.named_buffers())[name])
        assert_array_equal(here.model.parameters.value, there.model.parameters.value)


class Scaled(nn.Layer):
    """Multiplies by something that differs from network to network, and is no parameter."""

    replicas = True

    def __init__(self, factor: Any) -> None:
        self.factor = factor

    def forward(self, x: Any, training: Any = False) -> Any:
        factor = self.factor[0] if isinstance(self.factor, list) else self.factor
        return factor(x) if callable(factor) else x * factor


FACTORS = {
    "number": lambda seed: 1.0 + seed,
    "list": lambda seed: [1.0 + seed],
    "array": lambda seed: np.array([1.0, 1.0 + seed]),
    "constant Tensor": lambda seed: nn.Buffer(np.array([1.0, 1.0 + seed])).detach(),
    "function": lambda seed: [np.tanh, np.abs, np.sign][seed],
    "buffer": lambda seed: nn.Buffer(np.array([1.0, 1.0 + seed])),
}


@pytest.mark.parametrize("kind", FACTORS)
def test_what_a_custom_layer_holds_is_kept_apart(kind: str) -> None:
    def model(seed: int) -> nn.Sequential:
        return nn.Sequential(Scaled(FACTORS[kind](seed)), nn.Dense(2, 1), seed=seed)

    assert len(keys(model)) == (1 if kind == "buffer" else 3)
    check(model)


class Weighted(nn.MeanSquaredError):
    """A loss with a number, and with an array, for each network."""

    replicas = True

    def __init__(self, weight: float) -> None:
        self.weights = {"all": [np.array(weight)]}

    def mean(self, outputs: Any, targets: Any) -> Any:
        return super().mean(outputs, targets) * self.weights["all"][0]


def test_losses_and_decays_that_differ_are_kept_apart() -> None:
    losses = [Weighted(1.0), Weighted(1.0), Weighted(2.0)]
    trainers = [Trainer(batch(0), loss, optimizer=optim.NAG(0.1), seed=0) for loss in losses]
    first, second, third = map(block_key, trainers)
    assert first == second != third
    assert None not in (first, third)

    def model(seed: int) -> nn.Sequential:
        return nn.Sequential(nn.BatchNorm(2, decay=0.5 + 0.1 * seed), nn.Dense(2, 1), seed=seed)

    assert len(keys(model)) == 3
    check(model)


class Undeclared(nn.Layer):
    """Has a running mean that is no buffer."""

    replicas = True

    def __init__(self, mean: Any) -> None:
        self.mean = mean

    def forward(self, x: Any, training: Any = False) -> Any:
        if training:
            self.mean = 0.9 * self.mean + 0.1 * np.mean(x)
        return x - self.mean


@pytest.mark.parametrize("mean", [np.zeros(2), 0.0, np.float64(0.0)])
def test_an_array_that_training_changes_must_be_a_buffer_in_a_block(mean: Any) -> None:
    def model(seed: int) -> nn.Sequential:
        return nn.Sequential(Undeclared(mean), nn.Dense(2, 1), seed=seed)

    with pytest.raises(ArgumentError, match=r"0\.mean changed .* self\.mean = nn\.Buffer"):
        train_replicas(model, optim.NAG(0.1), X, Y, seeds=2, **OPTIONS)  # type: ignore[arg-type]


class OfTheClass(nn.Layer):
    """Has an array that all layers of the class share, and that each changes."""

    mean = np.zeros(2)

    def forward(self, x: Any, training: Any = False) -> Any:
        if training:
            self.mean += 0.1 * np.mean(x, axis=0)
        return x - self.mean


@pytest.mark.parametrize("jobs", [1, 2])
def test_networks_that_are_trained_alone_tell_of_such_an_array(jobs: int) -> None:
    shared = np.zeros(2)

    class Closed(OfTheClass):
        def __init__(self) -> None:
            self.mean = shared

    for cls in (OfTheClass, Closed):
        with contextlib.ExitStack() as stack:
            if jobs == 1:  # otherwise the worker says it, on standard error
                stack.enter_context(pytest.warns(UserWarning, match=r"0\.mean changed"))
            train_replicas(
                lambda seed, cls=cls: nn.Sequential(cls(), nn.Dense(2, 1), seed=seed),
                optim.NAG(0.1), X, Y, seeds=2, jobs=jobs, **OPTIONS,  # type: ignore[arg-type]
            )  # fmt: skip


def test_networks_that_share_a_buffer_are_an_error() -> None:
    shared = Centre()
    with pytest.raises(ArgumentError, match="model returned networks that share a buffer"):
        train_replicas(
            lambda seed: nn.Sequential(shared, nn.Dense(2, 1), seed=seed),
            optim.NAG(0.1), X, Y, seeds=2, **OPTIONS,  # type: ignore[arg-type]
        )  # fmt: skip


def test_layers_that_share_a_buffer_write_into_one() -> None:
    def model(seed: int) -> nn.Sequential:
        first, second = Centre(), Centre()
        second.mean = first.mean
        return nn.Sequential(first, second, nn.Dense(2, 1), seed=seed)

    network = model(0)
    assert [name for name, _ in network.named_buffers()] == ["0.mean", "0.seen.0", "1.seen.0"]
    assert len(keys(model)) == 1
    (one, _, _, *_) = check(model)
    assert one.model[0].mean is one.model[1].mean


def test_networks_that_diverge_one_after_the_other_between_two_measurements() -> None:
    found = check(
        batch, optim.Momentum([1.0, 0.7, 0.05]), loss="mse", epochs=12, measure_every=4,
        batch_size="full",
    )  # fmt: skip
    later, first, *_ = [replica.history.diverged_at for replica in found]
    assert later > first > 4
    assert not found[-1].history.diverged
