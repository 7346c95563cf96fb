"""Modifiers, named schedules and plateaus in runs: replicas, float32, frozen weights, resuming."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from training_problems import content, line, linear_trainer, two_classes

from minidl import Trainer, nn, optim, train_replicas
from minidl.errors import ArgumentError, DivergenceWarning, UnknownNameError
from minidl.optim.restarts import restarts
from minidl.training import (
    Callback,
    EarlyStopping,
    ReduceOnPlateau,
    load_run,
    save_run,
    suggest_lr,
)

Array = Any
GOLDEN_FILE = Path(__file__).parent.parent / "golden" / "modifiers.npz"
HOW: dict[str, dict[str, Any]] = {
    "norm": {"clip_norm": 0.05},
    "value": {"clip_value": 0.01},
    "decay": {"weight_decay": 0.1},
    "gradient": {"restart": "gradient"},
    "function": {"restart": "function"},
    "all": {"clip_norm": 0.1, "weight_decay": 0.01, "restart": "gradient", "schedule": "one-cycle"},
    "plateau": {"schedule": "plateau"},
}
X, Y = two_classes()
RULES = [entry.name for entry in optim.TABLE if not entry.fixed]


def fits(name: str, how: str) -> bool:
    """Return whether a rule can be trained so."""
    return "restart" not in HOW[how] or restarts(optim.lookup(name).optimizer)


def trainer(name: str, how: str, seed: int = 0, lr: float = 0.05, **more: Any) -> Trainer:
    """Return a Trainer of a small network."""
    model = nn.mlp(2, 6, 1, seed=seed, dtype=more.pop("dtype", "float64"))
    return Trainer(model, "bce", name, lr=lr, batch_size=20, seed=seed, **HOW[how], **more)


@pytest.mark.parametrize("how", HOW)
@pytest.mark.parametrize("name", RULES)
def test_replicas_with_rates_of_their_own_equal_single_runs(name: str, how: str) -> None:
    if not fits(name, how):
        return
    make = lambda seed: nn.mlp(2, 6, 1, seed=seed)  # noqa: E731
    replicas = train_replicas(
        make, name, X, Y, loss="bce", seeds=2, epochs=4, lr=[0.02, 0.3], batch_size=20, **HOW[how]
    )
    for replica in replicas:
        single = trainer(name, how, replica.seed, replica.hyperparameters["lr"])
        history = single.fit(X, Y, epochs=4)
        assert_allclose(replica.history["train_loss"], history["train_loss"], rtol=1e-9)
        assert_allclose(
            replica.model.parameters.value, single.model.parameters.value, rtol=1e-8, atol=1e-11
        )


@pytest.mark.parametrize("how", HOW)
@pytest.mark.parametrize("name", RULES)
def test_a_run_resumed_in_mid_epoch_is_the_same_to_the_last_bit(
    name: str, how: str, tmp_path: Path
) -> None:
    if not fits(name, how):
        return
    whole = trainer(name, how)
    whole.schedule_epochs = 6
    whole.fit(X, Y, epochs=6)
    first = trainer(name, how)
    first.schedule_epochs = 6
    first.fit(X, Y, epochs=2)
    stop_in_mid_epoch(first)
    assert first.cursor
    save_run(first, tmp_path / "run.npz")
    second = trainer(name, how)
    load_run(second, tmp_path / "run.npz")
    second.fit(X, Y, epochs=6 - second.epoch)
    assert content(second.history) == content(whole.history)
    assert_array_equal(second.model.parameters.value, whole.model.parameters.value)
    assert second.optimizer.lr == whole.optimizer.lr


def stop_in_mid_epoch(running: Trainer) -> None:
    """Interrupt the next epoch after its first batch."""
    calls, gradient = [], running.objective.batch_gradient

    def counted(*arguments: Any) -> Array:
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return gradient(*arguments)

    running.objective.batch_gradient = counted  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt):
        running.fit(X, Y, epochs=1)
    del running.objective.batch_gradient


@pytest.mark.parametrize("how", ["norm", "all", "function"])
def test_float32_is_kept(how: str) -> None:
    run = trainer("nag", how, dtype="float32")
    run.fit(X, Y, epochs=3)
    assert run.model.parameters.value.dtype == np.float32
    assert run.optimizer.state["velocity"].dtype == np.float32


def test_the_norm_is_that_of_the_mean_gradient_of_the_batch() -> None:
    inputs, targets = line()
    plain = linear_trainer()
    w = plain.model.parameters.value.copy()
    g = plain.objective.gradient(w, inputs, targets[:, None]).copy()
    for limit in (0.1, 1e9):
        clipped = linear_trainer(clip_norm=limit)
        clipped.fit(inputs, targets, epochs=1)
        expected = w - 0.1 * g * min(1.0, limit / np.linalg.norm(g))
        assert_allclose(clipped.model.parameters.value, expected, rtol=1e-13)


def test_frozen_parameters_neither_decay_nor_count_in_the_norm() -> None:
    run = trainer("nag", "decay", clip_norm=0.01)
    frozen = run.model.layers[0].weight  # type: ignore[union-attr]
    frozen.requires_grad = False
    before = run.model.parameters.value.copy()
    run.fit(X, Y, epochs=2)
    after = run.model.parameters.value
    size = frozen.size
    assert_array_equal(after[:size], before[:size])
    assert np.all(after[size:] != before[size:])
    alone = nn.Sequential(nn.Dense(2, 1, seed=0), seed=0)
    alone.layers[0].bias.requires_grad = False
    inputs, targets = line()
    clipped = Trainer(alone, "mse", optim.GradientDescent(1.0), batch_size="full", clip_norm=0.5)
    start = alone.parameters.value.copy()
    clipped.fit(inputs, targets, epochs=1)
    assert_allclose(np.linalg.norm(alone.parameters.value - start), 0.5, rtol=1e-12)


def test_biases_decay_too() -> None:
    run = linear_trainer(weight_decay=0.5)
    w = run.model.parameters.value
    w[...] = [1.0, 2.0, 3.0]
    inputs = np.zeros((4, 2))
    run.fit(inputs, np.full(4, 3.0), epochs=1)
    assert_allclose(w, np.array([1.0, 2.0, 3.0]) * (1 - 0.1 * 0.5), rtol=1e-14)


def test_function_restarts_in_a_trainer_are_those_of_the_losses_it_measures() -> None:
    inputs, targets = line()
    run = linear_trainer(optimizer=optim.NAG(0.3, 0.99), restart="function")
    history = run.fit(inputs, targets, epochs=60)
    bare, w = optim.FunctionRestart(optim.NAG(0.3, 0.99)), linear_trainer().model.parameters.value
    other = linear_trainer()
    for loss in history["train_loss"][:-1]:
        bare.note_loss(loss)
        bare.step(w, lambda point: other.objective.gradient(point, inputs, targets[:, None]))
    assert_allclose(run.model.parameters.value, w, rtol=1e-12)
    assert run.optimizer.state["restarted_at"][0] > 0


def test_a_run_with_restarts_that_diverged_can_be_saved_loaded_and_continued(
    tmp_path: Path,
) -> None:
    inputs, targets = line()
    run = linear_trainer(optimizer=optim.FunctionRestart(optim.NAG(1e3)))
    with pytest.warns(DivergenceWarning, match="diverged in epoch 1"):
        run.fit(inputs, targets, epochs=10)
    save_run(run, tmp_path / "run.npz")
    again = linear_trainer(optimizer=optim.FunctionRestart(optim.NAG(1e3)))
    load_run(again, tmp_path / "run.npz")
    for each in (run, again):
        each.optimizer.lr = 0.01
        each.fit(inputs, targets, epochs=3)
    assert content(run.history) == content(again.history)
    assert run.history["train_loss"][-1] < run.history["train_loss"][0]


SHAPES = {
    "step": lambda lr, n: optim.StepDecay(lr, -(-n // 3)),
    "exponential": lambda lr, n: optim.ExponentialDecay(lr, 0.01 ** (1 / n)),
    "cosine": lambda lr, n: optim.CosineDecay(lr, n, 0.01 * lr),
    "cosine-restarts": lambda lr, n: optim.CosineRestarts(lr, -(-n // 7), 0.01 * lr, 2),
    "one-cycle": optim.OneCycle,
    "warmup": lambda lr, n: optim.LinearWarmup(lr, -(-n // 10)),
    "warmup-cosine": lambda lr, n: optim.LinearWarmup(
        lr, -(-n // 10), optim.CosineDecay(lr, n - -(-n // 10), 0.01 * lr)
    ),
}


VALUES = {  # of lengths that 3, 7 and 10 do not divide
    "step": (10, [1.0] * 4 + [0.1] * 4 + [0.01] * 2),
    "cosine-restarts": (20, [k in (0, 3, 9) for k in range(20)]),
    "warmup": (15, [0.5] + [1.0] * 14),
}


@pytest.mark.parametrize("name", VALUES)
def test_named_schedules_change_at_these_steps(name: str) -> None:
    steps, expected = VALUES[name]
    values = [optim.named.named_schedule(name, 1.0, steps)(k) for k in range(steps)]
    if name == "cosine-restarts":
        values = [value == 1.0 for value in values]
    assert_allclose(values, expected, rtol=1e-14)


@pytest.mark.parametrize("name", SHAPES)
def test_a_named_schedule_lasts_for_the_epochs_of_the_first_fit(name: str) -> None:
    run = Trainer(nn.mlp(2, 6, 1, seed=0), "bce", "nag", lr=0.1, seed=0, schedule=name)
    run.fit(X, Y, epochs=10)  # of 75 rows: 3 updates per epoch
    assert run.optimizer.hyperparameters["lr"] == SHAPES[name](0.1, 30)
    run.fit(X, Y, epochs=5)
    assert run.optimizer.hyperparameters["lr"] == SHAPES[name](0.1, 30)
    assert run.schedule_epochs == 10


def test_every_named_schedule_is_tested_and_may_be_short() -> None:
    assert set(SHAPES) == set(optim.named.SCHEDULES) - {"plateau"}
    for name in SHAPES:
        for steps in (1, 2, 3):
            values = map(optim.named.named_schedule(name, 0.1, steps), range(9))
            assert all(0 < value <= 0.1 for value in values)


def test_a_rate_that_replaces_a_schedule_is_kept_when_the_run_is_resumed(tmp_path: Path) -> None:
    def make() -> Trainer:
        return Trainer(nn.mlp(2, 6, 1, seed=0), "bce", "nag", lr=0.1, seed=0, schedule="cosine")

    first = make()
    first.fit(X, Y, epochs=4)
    first.optimizer.lr = 0.02
    first.fit(X, Y, epochs=1)
    save_run(first, tmp_path / "run.npz")
    second = make()
    load_run(second, tmp_path / "run.npz")
    second.fit(X, Y, epochs=1)
    assert second.optimizer.lr == 0.02


def test_suggested_rates_are_of_the_schedule() -> None:
    def losses(schedule: str | None) -> tuple[float, ...]:
        model = nn.mlp(2, 6, 1, seed=0)
        run = Trainer(model, "bce", "nag", lr=0.1, seed=0, schedule=schedule)
        return suggest_lr(run, X, Y, epochs=5, rates=[0.01, 0.1]).losses

    assert losses("cosine") != losses(None)


class Given(Callback):
    """Shows other callbacks these losses instead of the measured ones."""

    def __init__(self, losses: Array, rule: ReduceOnPlateau) -> None:
        self.losses, self.rule, self.rates = losses, rule, [0.1]

    def on_epoch_end(self, trainer: Any, record: Any) -> None:
        if record["epoch"]:
            loss = float(self.losses[int(record["epoch"]) - 1])
            self.rule.on_epoch_end(trainer, {**record, "train_loss": loss})
            self.rates.append(trainer.optimizer.lr)


@pytest.mark.parametrize("library", ["keras", "torch"])
def test_plateaus_lower_the_rate_when_keras_and_pytorch_do(library: str) -> None:
    with np.load(GOLDEN_FILE) as golden:
        losses, expected = golden["losses"], golden[f"plateau {library}"]
    rule = ReduceOnPlateau("train_loss", factor=0.5, patience=5, min_delta=1e-3, min_lr=1e-3)
    given = Given(losses, rule)
    inputs, targets = line()
    linear_trainer(callbacks=[given]).fit(inputs, targets, epochs=len(losses) - 1)
    assert_allclose(given.rates, expected, rtol=1e-6)  # Keras keeps its rate in float32
    assert len(set(expected)) > 4


def rates_on_a_plateau(epochs: int, **settings: Any) -> list[float]:
    """Return the rate after each epoch of constant losses, 1 at the start."""
    rule = ReduceOnPlateau("train_loss", factor=0.5, **settings)
    inputs, targets = line()
    given = Given(np.ones(epochs), rule)
    given.rates = []
    linear_trainer(lr=1.0, callbacks=[given]).fit(inputs, targets, epochs=epochs)
    return given.rates


@pytest.mark.parametrize("cooldown", [0, 1, 2, 3])
def test_the_cooldown_counts_the_epoch_of_the_fall(cooldown: int) -> None:
    falls = [2 + k * (2 + max(cooldown - 1, 0)) for k in range(9)]  # as measured with Keras 3
    expected = [0.5 ** sum(epoch >= fall for fall in falls) for epoch in range(12)]
    assert rates_on_a_plateau(12, patience=2, cooldown=cooldown) == expected


def test_a_plateau_never_raises_the_rate_to_its_least() -> None:
    assert rates_on_a_plateau(4, patience=1, min_lr=0.4) == [1.0, 0.5, 0.4, 0.4]
    assert rates_on_a_plateau(4, patience=1, min_lr=3.0) == [1.0] * 4


def test_a_plateau_counts_again_in_another_run_and_rests() -> None:
    inputs, targets = line()
    rule = ReduceOnPlateau("train_loss", factor=0.5, patience=2, min_delta=10.0, cooldown=3)
    run = linear_trainer(lr=0.08)
    run.fit(inputs, targets, epochs=9, callbacks=[rule])
    assert run.optimizer.lr == pytest.approx(0.08 / 4)
    again = linear_trainer(lr=0.08)
    again.fit(inputs, targets, epochs=9, callbacks=[rule])
    assert content(again.history) == content(run.history)


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "both": ({"clip_norm": 1.0, "clip_value": 1.0}, "two ways to clip the gradient"),
    "zero": ({"clip_norm": 0.0}, "clip_norm must be a positive finite number, got 0"),
    "negative": ({"weight_decay": -0.1}, "weight_decay must be a finite number >= 0"),
    "restart": ({"restart": "loss"}, 'restart must be "function" or "gradient"'),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_modifiers_of_a_trainer_are_errors(case: str) -> None:
    settings, message = WRONG[case]
    with pytest.raises(ArgumentError, match=message):
        Trainer(nn.Dense(2, 1, seed=0), "mse", "nag", lr=0.1, **settings)


def test_wrong_schedules_are_errors() -> None:
    with pytest.raises(UnknownNameError, match=r"unknown schedule 'cosin'.*cosine"):
        linear_trainer(schedule="cosin")
    inputs, targets = line()
    for schedule in ("cosine", "plateau"):
        run = linear_trainer(optim.StepDecay(0.1, 9), schedule=schedule)
        with pytest.raises(ArgumentError, match="one number as"):
            run.fit(inputs, targets, epochs=1)
    run = linear_trainer(callbacks=[ReduceOnPlateau()])
    with pytest.raises(ArgumentError, match="monitors 'validation_loss', which is not recorded"):
        run.fit(inputs, targets, epochs=1)
    for name, value in (("factor", 1.0), ("patience", 0), ("min_lr", -1), ("cooldown", -1)):
        with pytest.raises(ArgumentError, match=f"^{name} must be"):
            ReduceOnPlateau(**{name: value})


def test_early_stopping_and_modifiers_are_trained_together() -> None:
    seen = [EarlyStopping("train_loss", patience=2) for _ in range(3)]
    replicas = train_replicas(
        lambda seed: nn.mlp(2, 6, 1, seed=seed), "nag", X, Y, loss="bce", seeds=3, epochs=30,
        lr=3.0, callbacks=lambda: [seen.pop()], clip_norm=0.2, restart="function",
    )  # fmt: skip
    for replica in replicas:
        early = EarlyStopping("train_loss", patience=2)
        single = Trainer(
            nn.mlp(2, 6, 1, seed=replica.seed), "bce", "nag", lr=3.0, seed=replica.seed,
            callbacks=[early], clip_norm=0.2, restart="function",
        )  # fmt: skip
        history = single.fit(X, Y, epochs=30)
        assert_allclose(replica.history["train_loss"], history["train_loss"], rtol=1e-7)
