"""What every optimizer of the table promises: replicas, dtypes, resuming, reset, frozen weights."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from optim_problems import network

from minidl import Trainer, nn, optim
from minidl.errors import ArgumentError
from minidl.training import load_run, save_run
from minidl.training.data import check_rows
from minidl.training.many import train_many

Array = Any
RULES = {entry.name: entry.optimizer for entry in optim.TABLE if not entry.fixed}
NET, START = network()
READ_AHEAD = {optim.NAdam: ("beta1", "momentum_decay"), optim.ReformulatedNAG: ("momentum",)}
POINTS = np.random.default_rng(5).standard_normal((5, len(START))) / 2
# A value inside the range of each hyperparameter for each of five replicas.
VALUES: dict[str, list[float]] = {
    "lr": [0.3, 0.1, 0.03, 0.01, 0.003],
    "momentum": [0.0, 0.5, 0.9, 0.95, 0.3],
    "beta1": [0.9, 0.0, 0.5, 0.99, 0.7],
    "beta2": [0.999, 0.9, 0.0, 0.5, 0.95],
    "rho": [0.99, 0.9, 0.0, 0.5, 0.95],
    "epsilon": [1e-8, 1e-2, 1e-5, 0.1, 1e-3],
    "weight_decay": [0.0, 0.01, 0.5, 1.0, 0.1],
    "momentum_decay": [0.004, 0.0, 1.0, 0.1, 1e9],
    "shrink": [0.5, 0.3, 0.9, 0.1, 0.7],
    "grow": [1.2, 1.0, 1.5, 1.1, 2.0],
    "smallest": [1e-6, 1e-3, 1e-5, 1e-9, 0.01],
    "largest": [50.0, 0.1, 1.0, 0.02, 0.05],
}


def names_of(rule: type) -> list[str]:
    """Return the hyperparameters of a rule."""
    return list(inspect.signature(rule).parameters)


def settings_of(rule: type, k: int) -> dict[str, float]:
    """Return the values of replica k; a centred square of one gradient would be 0."""
    settings = {name: VALUES[name][k] for name in names_of(rule)}
    if rule is optim.CenteredRMSprop:
        settings["rho"] = settings["rho"] or 0.8
    return settings


def run(optimizer: optim.Optimizer, start: Array, steps: int, dtype: Any = float) -> Array:
    """Return the points of a run whose gradients change with the step, as those of batches do."""
    w, points = start.astype(dtype), []

    def gradient(point: Array) -> Array:
        one = point.reshape(-1, point.shape[-1])
        rows = slice(optimizer.step_count % 4 * 5, None)
        return np.array([NET.gradient(row, rows) for row in one], dtype).reshape(point.shape)

    for _ in range(steps):
        optimizer.step(w, gradient)
        points.append(w.copy())
    return np.array(points)


def changing(value: float) -> Any:
    """Return a schedule that stays within the range of any hyperparameter."""
    return lambda step: value if value in (0.0, 1.0) else value * (1 - 0.001 * (step % 7))


def test_the_rules_tested_here_are_those_that_are_exported() -> None:
    exported = (getattr(optim, name) for name in optim.__all__)
    rules = {cls for cls in exported if inspect.isclass(cls) and issubclass(cls, optim.Optimizer)}
    rules -= {cls for cls in rules if issubclass(cls, optim.Modifier)}  # test_optim_modifiers.py
    assert set(RULES.values()) == rules - {optim.Optimizer}
    assert {name for rule in RULES.values() for name in names_of(rule)} == set(VALUES)


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_default_learning_rates_are_those_of_pytorch_and_linear_rules_have_none(rule: Any) -> None:
    usual = {
        "Adam": 1e-3, "AdamW": 1e-3, "AMSGrad": 1e-3, "RAdam": 1e-3, "NAdam": 2e-3, "AdaMax": 2e-3,
        "RMSprop": 1e-2, "CenteredRMSprop": 1e-2, "Adagrad": 1e-2, "Adadelta": 1.0, "Rprop": 1e-2,
        "Lion": 1e-4,
    }  # fmt: skip
    default = inspect.signature(rule).parameters["lr"].default
    assert default == usual.get(rule.__name__, inspect.Parameter.empty)
    if rule.__name__ in usual:
        assert rule().hyperparameters["lr"] == default
        assert repr(rule()).startswith(f"{rule.__name__}(lr={default}")


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_the_dtype_of_the_weights_is_that_of_every_state(rule: Any, dtype: Any) -> None:
    each = [settings_of(rule, k) for k in range(5)]
    for settings in (each[0], {name: [one[name] for one in each] for name in each[0]}):
        optimizer = rule(**settings)
        points = run(optimizer, POINTS, 8, dtype)
        assert points.dtype == dtype
        assert np.isfinite(points).all()
        assert set(optimizer.state) == set(rule.state_names)
        assert {vector.dtype for vector in optimizer.state.values()} <= {np.dtype(dtype)}


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_float32_stays_near_float64(rule: Any) -> None:
    """A sign or a step size of a weight may differ, so the rate is small."""
    settings = settings_of(rule, 4) | {"lr": 0.001}
    wide, narrow = (run(rule(**settings), POINTS, 20, dtype) for dtype in (float, np.float32))
    assert np.abs(wide - narrow).max() < 1e-3


@pytest.mark.parametrize("make", [float, changing], ids=["numbers", "schedules"])
@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_replicas_are_single_runs_whatever_differs_between_them(rule: Any, make: Any) -> None:
    each = [{n: make(v) for n, v in settings_of(rule, k).items()} for k in range(5)]
    columns: dict[str, Any] = {name: [one[name] for one in each] for name in each[0]}
    if make is changing:
        parts = columns
        columns = {n: lambda step, n=n: [schedule(step) for schedule in parts[n]] for n in parts}
    for dtype in (np.float64, np.float32):
        if dtype is np.float32 and not rule.columns_in_float64:
            continue  # their columns have the dtype of the weights: test_training_replicas.py
        together = run(rule(**columns), POINTS, 12, dtype)
        for k in range(5):
            alone = run(rule(**each[k]), POINTS[k], 12, dtype)
            assert_array_equal(alone, together[:, k])


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_networks_trained_together_are_those_trained_alone(rule: Any, dtype: str) -> None:
    """Four networks with four settings, as a comparison trains them, in one block."""

    def trainer(k: int) -> Trainer:
        model = nn.mlp(2, 4, 1, dtype=dtype, seed=k)
        made = rule(**settings_of(rule, k))
        return Trainer(model, "bce", optimizer=made, batch_size=8, seed=k)

    together, alone = ([trainer(k) for k in range(4)] for _ in range(2))
    rows = check_rows("training", NET.X, NET.y, together[0].objective)
    blocks: list[int] = []
    train_many(together, (rows, None), 3, done=lambda block: blocks.append(len(block)))
    assert blocks == [4]
    for one, other in zip(alone, together, strict=True):
        one.fit(NET.X, NET.y, epochs=3)
        assert_array_equal(other.model.parameters.value, one.model.parameters.value)
        for name, vector in one.optimizer.state.items():
            assert_array_equal(other.optimizer.state[name], vector)
            assert vector.dtype == dtype


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_a_run_goes_on_from_its_state_dict_bit_for_bit(rule: Any) -> None:
    settings = {name: changing(value) for name, value in settings_of(rule, 0).items()}
    whole, first, second = (rule(**settings) for _ in range(3))
    expected = run(whole, START, 15)
    middle = run(first, START, 7)[-1]
    second.load_state_dict(first.state_dict())
    assert_array_equal(run(second, middle, 8), expected[7:])
    assert second.state_dict()["state"].keys() == whole.state.keys()
    for name, vector in whole.state.items():
        assert_array_equal(second.state[name], vector)


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_a_run_goes_on_from_a_file_bit_for_bit(rule: Any, tmp_path: Path) -> None:
    def trainer() -> Trainer:
        made = rule(**settings_of(rule, 0))
        return Trainer(nn.mlp(2, 4, 1, seed=1), "bce", optimizer=made, batch_size=8, seed=2)

    whole, first, second = trainer(), trainer(), trainer()
    whole.fit(NET.X, NET.y, epochs=5)
    first.fit(NET.X, NET.y, epochs=2)
    save_run(first, tmp_path / "run.npz")
    load_run(second, tmp_path / "run.npz")
    second.fit(NET.X, NET.y, epochs=3)
    assert_array_equal(second.model.parameters.value, whole.model.parameters.value)


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_after_a_reset_it_is_as_new(rule: Any) -> None:
    optimizer = rule(**settings_of(rule, 0))
    first = run(optimizer, START, 6)
    optimizer.reset()
    assert not optimizer.state
    assert optimizer.step_count == 0
    assert_array_equal(run(optimizer, START, 6), first)


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_frozen_weights_stay_and_have_no_state(rule: Any) -> None:
    model = nn.mlp(2, 4, 1, seed=1)
    before = model.parameters.value.copy()
    model[0].bias.requires_grad = False
    made = rule(**settings_of(rule, 1))
    trainer = Trainer(model, "bce", optimizer=made, batch_size="full")
    trainer.fit(NET.X, NET.y, epochs=3)
    is_frozen = np.repeat([False, True, False, False], [8, 4, 4, 1])
    assert_array_equal(model.parameters.value == before, is_frozen)
    for vector in made.state.values():
        assert not vector[is_frozen].any()
    model[0].bias.requires_grad = True
    trainer.fit(NET.X, NET.y, epochs=3)
    assert np.isfinite(model.parameters.value).all()


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_a_weight_without_gradient_stays_where_it_is(rule: Any) -> None:
    settings = settings_of(rule, 0)
    w = np.array([1.0, 2.0])
    optimizer = rule(**settings)
    for _ in range(5):
        optimizer.step(w, lambda point: np.array([1.0, 0.0]))
    assert w[1] == 2.0
    assert w[0] < 1.0
    assert optimizer.iterate(w)[1] == 2.0


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_an_invalid_hyperparameter_is_named_before_anything_changes(rule: Any) -> None:
    for name in names_of(rule):
        for wrong in (-1.0, float("nan"), float("inf"), "fast"):
            with pytest.raises(ArgumentError, match=f"{name} must be"):
                rule(**{"lr": 0.1, name: wrong})
        settings = settings_of(rule, 0)
        last = 1 if name in READ_AHEAD.get(rule, ()) else 0  # the last valid step
        at_first = settings[name]
        schedule = lambda step, v=at_first, last=last: -1.0 if step > last else v  # noqa: E731
        optimizer = rule(**{**settings, name: schedule})
        points = run(optimizer, START, 1)
        w, before = points[-1].copy(), optimizer.state_dict()
        with pytest.raises(ArgumentError, match=f"{name} must be"):
            optimizer.step(w, lambda point: point)
        assert_array_equal(w, points[-1])
        assert optimizer.step_count == before["step_count"]
        for state, vector in optimizer.state.items():
            assert_array_equal(vector, before["state"][state])


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_a_gradient_that_fails_changes_nothing(rule: Any) -> None:
    optimizer = rule(**settings_of(rule, 0))
    w = run(optimizer, START, 3)[-1]
    before, kept = optimizer.state_dict(), w.copy()

    def failing(point: Array) -> Array:
        raise ValueError("no gradient")

    with pytest.raises(ValueError, match="no gradient"):
        optimizer.step(w, failing)
    assert_array_equal(w, kept)
    for name, vector in optimizer.state.items():
        assert_array_equal(vector, before["state"][name])


# AdaMax and Lion do not square; Adadelta has no rate to multiply, and its quotient of squares is 0.
NEAR_THE_LIMIT = {
    optim.Adam: 0.0, optim.AdamW: 0.0, optim.NAdam: 0.0, optim.AMSGrad: 0.0, optim.RMSprop: 0.0,
    optim.CenteredRMSprop: 0.0, optim.Adagrad: 0.0, optim.AdaMax: -10.0, optim.Lion: -10.0,
}  # fmt: skip


@pytest.mark.parametrize("rule", NEAR_THE_LIMIT)
def test_the_rate_does_not_multiply_a_gradient_before_it_is_divided(rule: Any) -> None:
    w = np.zeros(1, np.float32)
    with np.errstate(over="ignore"):  # the square is infinite, as in PyTorch, where w stays finite
        rule(lr=10.0).step(w, lambda point: np.full(1, 3e38, np.float32))
    assert_array_equal(w, np.array([NEAR_THE_LIMIT[rule]], np.float32))


def test_rprop_clips_every_size_the_first_too_and_its_limits_are_in_order() -> None:
    w, optimizer = np.zeros(1), optim.Rprop(lr=100.0)
    optimizer.step(w, np.ones_like)
    assert w == [-50.0]
    message = r"smallest must be at most largest, 50\.0, got 60\.0"
    with pytest.raises(ArgumentError, match=message):
        optim.Rprop(smallest=60.0)
    optimizer.smallest = 60.0
    with pytest.raises(ArgumentError, match=message):
        optimizer.step(w, np.ones_like)
    optimizer.largest = 70.0
    optimizer.step(w, np.ones_like)
    assert w == [-110.0]
    late = optim.Rprop(largest=lambda step: 1.0, smallest=[0.1, 2.0])
    with pytest.raises(ArgumentError, match="smallest must be at most largest"):
        late.step(np.zeros((2, 3)), np.ones_like)
