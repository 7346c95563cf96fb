"""Losses, penalties, layers and modifiers: recorded bit for bit, or refused by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from engine_problems import step_of
from test_engine_recording import assert_replay_is_exact
from test_engine_training import HELD_OUT, ROWS, assert_same, trainer

from minidl import Trainer, nn, ops, optim, train_replicas
from minidl.engine.tape import NotRecordable
from minidl.errors import ArgumentError
from minidl.training import Callback, load_run, save_run

Make = Callable[[], optim.Optimizer]
LOSSES = [
    nn.SoftmaxCrossEntropy(ignore_index=1),
    nn.SoftmaxCrossEntropy(label_smoothing=0.1, class_weight=[1.0, 2.0, 3.0]),
    nn.BinaryCrossEntropy(pos_weight=3.0, label_smoothing=0.1),
    nn.Focal(gamma=0.5, alpha=None),
    nn.Poisson(),
]
RULES: dict[str, Make] = {
    "nag": lambda: optim.NAG(0.01),
    "adam": lambda: optim.Adam(0.01),
    "reformulated": lambda: optim.ReformulatedNAG(0.05, 0.8),
}
MODIFIERS: dict[str, Callable[[optim.Optimizer], optim.Optimizer]] = {
    "norm": lambda rule: optim.ClipByNorm(rule, 0.1),
    "value": lambda rule: optim.ClipByValue(rule, 0.05),
    "decay": lambda rule: optim.DecoupledWeightDecay(rule, 0.1),
    "gradient restart": optim.GradientRestart,
    "function restart": optim.FunctionRestart,
    "three": lambda rule: optim.ClipByNorm(
        optim.DecoupledWeightDecay(optim.GradientRestart(rule), 0.01), lambda k: 0.1 + 1 / (1 + k)
    ),
}


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("loss", LOSSES, ids=repr)
def test_losses_with_settings_are_recorded(loss: nn.Loss, weighted: bool) -> None:
    outputs = 3 if isinstance(loss, nn.SoftmaxCrossEntropy) else 1
    step = step_of(nn.mlp(2, 5, outputs, seed=0), loss, optim.NAG(0.05), weighted=weighted)
    assert_replay_is_exact(step)


@pytest.mark.parametrize(
    ("rule", "modifier"),
    [(r, m) for r in RULES for m in MODIFIERS],
)
def test_modifiers_are_recorded(rule: str, modifier: str) -> None:
    optimizer = MODIFIERS[modifier](RULES[rule]())
    model = nn.mlp(2, 5, 1, seed=0)
    assert_replay_is_exact(step_of(model, nn.MeanSquaredError(), optimizer, l1=0.01, l2=0.01))


def both(optimizer: Make, epochs: int = 60, **options: Any) -> tuple[Trainer, Trainer]:
    """Return an eager and a compiled Trainer after training."""
    one, two = (trainer(engine, optimizer=optimizer, **options) for engine in ("eager", "compiled"))
    for own in (one, two):
        own.fit(*ROWS, epochs=epochs, validation=HELD_OUT)
    return one, two


@pytest.mark.parametrize("modifier", MODIFIERS)
def test_hundred_epochs_with_modifiers_equal_eager(modifier: str) -> None:
    one, two = both(lambda: MODIFIERS[modifier](optim.NAG(0.05)), 100, l1=0.001)
    assert_same(one, two, 1e-10)  # a norm near the limit, a sign near 0
    assert two.compiled.steps_taken > 0.5 * two.optimizer.step_count


@pytest.mark.parametrize("restart", [optim.GradientRestart, optim.FunctionRestart])
def test_restarts_happen_in_the_same_steps(restart: Any) -> None:
    """The full batch of a problem whose momentum is too large; the velocity is cleared often."""
    options: dict[str, Any] = {"batch_size": "full", "loss": "mse"}
    options["model"] = lambda: nn.mlp(2, 8, 1, seed=0)
    one, two = both(lambda: restart(optim.NAG(0.1, 0.97)), 150, **options)
    assert one.optimizer.state["restarted_at"][0] > 2
    for name, array in one.optimizer.state.items():
        np.testing.assert_allclose(two.optimizer.state[name], array, rtol=1e-10, atol=1e-10)
    assert_same(one, two, 1e-10)
    assert two.compiled.steps_taken > 75


@pytest.mark.parametrize(
    ("rule", "modifier"),
    [
        ("nag", "norm"), ("nag", "decay"), ("nag", "function restart"), ("adam", "norm"),
        ("adam", "decay"),
    ],
)  # fmt: skip
def test_modifiers_in_replicas(modifier: str, rule: str) -> None:
    rates = [0.02, 0.05, 0.1]
    make = {"nag": lambda: optim.NAG(rates), "adam": lambda: optim.Adam([0.01, 0.005, 0.02])}[rule]
    eager, fast = (
        train_replicas(
            lambda seed: nn.mlp(2, 8, 1, seed=seed), MODIFIERS[modifier](make()), *ROWS,
            loss="bce", seeds=3, epochs=12, batch_size=32, l1=0.001, engine=engine,
        )
        for engine in ("eager", "compiled")
    )  # fmt: skip
    for one, two in zip(eager, fast, strict=True):
        a, b = one.model.parameters.value, two.model.parameters.value
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-12)


def test_a_rate_that_changes_between_epochs_reaches_the_rule_inside() -> None:
    class Changes(Callback):
        def on_epoch_end(self, trainer: Any, row: dict[str, float]) -> None:
            trainer.optimizer.lr *= 0.97
            trainer.optimizer.clip_norm = 0.05 + 0.01 * (row["epoch"] % 5)
            trainer.objective.l1_penalty.strength = 0.001 * (row["epoch"] % 3)

    make = lambda: optim.ClipByNorm(optim.NAG(0.05), 0.1)  # noqa: E731
    one, two = both(make, 30, callbacks=[Changes()])
    assert_same(one, two)
    assert two.compiled.steps_taken


def test_settings_that_change_between_calls_of_fit_are_noticed() -> None:
    model = lambda: nn.mlp(2, 8, 1, activation="leaky_relu", seed=0)  # noqa: E731
    one, two = both(lambda: optim.NAG(0.05), 5, model=model)
    for own in (one, two):
        own.model[1].slope = 0.5  # type: ignore[index]
        own.fit(*ROWS, epochs=5, validation=HELD_OUT)
    assert_same(one, two)
    assert two.compiled.steps_taken > 30


CASES: dict[str, dict[str, Any]] = {
    "hardswish": {"model": lambda: nn.mlp(2, 8, 1, activation="hardswish", seed=0)},
    "softshrink": {"model": lambda: nn.mlp(2, 8, 1, activation="softshrink", seed=0)},
    "focal": {"loss": "focal"},
    "poisson": {"loss": "poisson"},
    "kl": {"loss": "kl_divergence", "model": lambda: nn.mlp(2, 8, 2, seed=0)},
    "ignored": {
        "loss": nn.SoftmaxCrossEntropy(ignore_index=1, class_weight=[1.0, 2.0, 1.0]),
        "model": lambda: nn.mlp(2, 8, 3, seed=0),
    },
    "balanced": {"class_weight": {0: 1.0, 1: 3.0}},
    "residual": {
        "model": lambda: nn.Sequential(
            nn.Dense(2, 8), nn.Residual(nn.Sequential(nn.Dense(8, 8), nn.Tanh())), nn.Dense(8, 1),
            seed=0,
        )
    },
    "named schedule": {"schedule": "cosine"},
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_hundred_epochs_of_new_parts_equal_eager(case: str) -> None:
    options = CASES[case] | ({"lr": 0.05} if "schedule" in CASES[case] else {})
    optimizer = "nag" if "schedule" in options else lambda: optim.NAG(options.pop("lr", 0.05))
    options.pop("lr", None)
    one, two = both(optimizer, 100, **options)  # type: ignore[arg-type]
    assert_same(one, two)
    assert two.compiled.steps_taken > 0.8 * two.optimizer.step_count


def test_a_run_with_a_modifier_goes_on_with_another_engine(tmp_path: Any) -> None:
    make = lambda: optim.ClipByNorm(optim.FunctionRestart(optim.NAG(0.05)), 0.2)  # noqa: E731
    whole, first = trainer("eager", optimizer=make), trainer("compiled", optimizer=make)
    whole.fit(*ROWS, epochs=12)
    first.fit(*ROWS, epochs=6)
    save_run(first, tmp_path / "run.npz")
    second = trainer("eager", optimizer=make)
    load_run(second, tmp_path / "run.npz")
    second.fit(*ROWS, epochs=3)
    save_run(second, tmp_path / "run.npz")
    third = trainer("compiled", optimizer=make)
    load_run(third, tmp_path / "run.npz")
    third.fit(*ROWS, epochs=3)
    assert third.compiled.steps_taken
    assert_same(whole, third)


# What is refused: values that Python or an index takes out of arrays.


class Table(nn.Loss):
    """Chooses weights by targets, where a recorder cannot see it."""

    def __init__(self, how: str) -> None:
        self.how = how

    def prepare(self, targets: Any, shape: Any, dtype: Any = None) -> Any:
        return np.asarray(targets).astype(np.int64)

    def mean(self, outputs: Any, targets: Any) -> Any:
        table = np.array([1.0, 1.0, 2.0])
        if self.how == "table":
            weights = table[targets]
        elif self.how == "mask":
            weights = np.tanh(outputs.data[:, 0][targets > 1].sum())
        elif self.how == "view":
            weights = np.where(np.asarray(targets) > 1, 2.0, 1.0)
        elif self.how == "equal":
            weights = np.where(np.asarray(targets) == 2, 2.0, 1.0)
        else:
            weights = float((targets > 1).sum()) if self.how == "float" else int(targets[0]) + 1
        return (ops.square(outputs[:, 0]) * weights).mean()


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ("table", "IndexError"),
        ("mask", "an array is indexed by arrays"),
        ("view", "computed where it cannot be seen"),
        ("equal", "computed where it cannot be seen"),
        ("float", r"takes a number out of an array \(float\)"),
        ("int", r"takes a number out of an array \(int\)"),
    ],
)
@pytest.mark.parametrize("batch_size", [1, 16])
def test_values_that_depend_on_targets_unseen_are_refused(
    how: str, words: str, batch_size: int
) -> None:
    """In the first batches, and in both recordings, all targets have the same weight."""
    y = np.arange(len(ROWS[1])) // 16 % 2
    y[64:] = 2
    options: dict[str, Any] = {"loss": Table(how), "shuffle": False, "batch_size": batch_size}
    options["optimizer"] = lambda: optim.NAG(0.001)
    with pytest.raises(ArgumentError, match=words):
        trainer("compiled", **options).fit(ROWS[0], y, epochs=1)
    one, two = (trainer(engine, **options) for engine in ("eager", "auto"))
    for own in (one, two):
        own.fit(ROWS[0], y, epochs=2)
    assert_same(one, two, 0.0)


def embedded() -> Any:
    return nn.Sequential(nn.Embedding(3, 2), nn.Dense(4, 1), seed=0)


@pytest.mark.parametrize("frozen", [False, True])
def test_an_embedding_is_eager_because_its_rows_depend_on_values(frozen: bool) -> None:
    X = np.arange(300.0).reshape(150, 2) % 3
    one, two, three = (trainer(engine, embedded) for engine in ("eager", "auto", "compiled"))
    for own in (one, two, three):
        own.model[0].weight.requires_grad = not frozen  # type: ignore[index]
    words = "numbers are converted to integers"
    with pytest.raises(ArgumentError, match=words):
        three.fit(X, ROWS[1], epochs=1)
    for own in (one, two):
        own.fit(X, ROWS[1], epochs=3)
    assert_same(one, two, 0.0)
    assert two.compiled.reason == words


def test_a_schedule_of_the_momentum_is_eager_after_a_restart() -> None:
    """The step at which it began again is in an array, and the schedule is called in Python."""
    make = lambda: optim.GradientRestart(optim.NAG(0.1, lambda k: k / (k + 1)))  # noqa: E731
    options: dict[str, Any] = {"batch_size": "full", "loss": "mse"}
    one, two = (trainer(engine, optimizer=make, **options) for engine in ("eager", "auto"))
    for own in (one, two):
        own.fit(*ROWS, epochs=300)
    assert two.optimizer.state["restarted_at"] > 0
    assert_same(one, two)
    assert two.compiled.steps_taken < two.optimizer.step_count


class Replaces(optim.Momentum):
    """Replaces its state instead of writing into it."""

    def __init__(self, same: bool) -> None:
        super().__init__(0.05)
        self.same = same

    def update(self, w: Any, grad: Any) -> None:
        g = grad(w)
        self.state["velocity"] = g if self.same else 0.9 * self.state["velocity"] + 0.05 * g
        w -= self.state["velocity"]


def test_state_that_is_replaced_is_copied_back_unless_it_is_another_array() -> None:
    one, two = both(lambda: Replaces(False), 20)
    assert_same(one, two)
    assert two.compiled.steps_taken
    step = step_of(nn.mlp(2, 5, 1, seed=0), nn.MeanSquaredError(), Replaces(True))
    with pytest.raises(NotRecordable, match="state velocity is removed, or the same array"):
        step.record()


def test_state_in_another_dtype_is_eager() -> None:
    model = lambda: nn.mlp(2, 8, 1, dtype=np.float32, seed=0)  # noqa: E731
    make = lambda: optim.FunctionRestart(optim.NAG(0.05))  # noqa: E731
    own = trainer("auto", model, make)
    own.fit(*ROWS, epochs=2)
    assert own.compiled.reason == "state last_loss is float64, the weights are float32"
