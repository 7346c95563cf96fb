"""Whole epochs at once: the same steps as one after the other, in any number of threads."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import pytest
from test_engine_training import CASES, HELD_OUT, ROWS, assert_same, trainer

from minidl import Trainer, nn, optim, train_replicas
from minidl.engine import Jobs
from minidl.training import Callback, StopAtTarget, machine_epoch, machine_steps
from minidl.training.machine_epoch import Whole, _in_threads
from minidl.training.pool import threads_for


def test_many_epochs_are_taken_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []
    inner = Whole.take
    monkeypatch.setattr(Whole, "take", lambda *how: calls.append(inner(*how)) or calls[-1])
    own = trainer("compiled")
    own.fit(*ROWS, epochs=20)
    assert calls.count(5) >= 17  # of 150 rows, four batches of 32 and one of 22
    assert sum(calls) < own.compiled.steps_taken


@pytest.mark.parametrize("case", CASES)
def test_the_same_bits_as_in_slices(case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    epochs = (
        6 if case == "single rows" else 60
    )  # the sum of losses differs in few epochs, if it does
    one, two, three = (trainer("compiled", **CASES[case]) for _ in range(3))
    one.fit(*ROWS, epochs=epochs, validation=HELD_OUT)
    monkeypatch.setattr(machine_steps, "SLICE", 0.0)  # a step at a time
    two.fit(*ROWS, epochs=epochs, validation=HELD_OUT)
    monkeypatch.setattr(Whole, "take", lambda *how: 0)
    three.fit(*ROWS, epochs=epochs, validation=HELD_OUT)
    assert_same(one, two, 0.0)
    assert_same(one, three, 0.0)


@pytest.mark.parametrize("number", range(6, 14))  # of the call: some take steps, some measure
@pytest.mark.parametrize("moment", ["before", "after"])
def test_an_error_from_a_handler_of_signals_leaves_a_run_that_can_go_on(
    moment: str, number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls, inner = [], Jobs.take

    def interrupted(self: Jobs, begin: int, end: int) -> None:
        calls.append(begin)
        if moment == "before" and len(calls) == number:
            raise TimeoutError
        inner(self, begin, end)
        if moment == "after" and len(calls) == number:
            raise TimeoutError

    alone = trainer("compiled")
    alone.fit(*ROWS, epochs=12)
    monkeypatch.setattr(Jobs, "take", interrupted)
    own = trainer("compiled")
    with pytest.raises(TimeoutError):
        own.fit(*ROWS, epochs=12)
    assert own.epoch < 12
    own.fit(*ROWS, epochs=12 - own.epoch)
    assert_same(alone, own, 0.0)


@pytest.mark.filterwarnings("ignore:3 of 3 replicas diverged")
def test_all_networks_of_a_block_may_diverge_in_one_step() -> None:
    diverged = train_replicas(
        lambda seed: nn.mlp(2, 8, 1, activation="relu", seed=seed),
        optim.Momentum(1e30),
        *ROWS,
        **{"loss": "mse", "seeds": 3, "epochs": 4, "batch_size": 32, "engine": "compiled"},
    )
    assert all(replica.history.diverged for replica in diverged)


def test_random_numbers_with_conditions_that_change_within_an_epoch() -> None:
    def model() -> nn.Layer:
        return nn.Sequential(nn.Dense(2, 8), nn.Dropout(0.2), nn.Tanh(), nn.Dense(8, 1), seed=0)

    one, two = (
        trainer(e, model, lambda: optim.RAdam(0.01), batch_size=7) for e in ("eager", "compiled")
    )
    for own in (one, two):
        own.fit(*ROWS, epochs=8)
    assert_same(one, two)


def test_state_that_the_machine_may_not_write_is_left_to_the_eager_engine() -> None:
    own = trainer("compiled")
    own.fit(*ROWS, epochs=4)
    own.optimizer.state["velocity"].flags.writeable = False
    with pytest.raises(ValueError, match="read-only"):  # as NumPy says it
        own.fit(*ROWS, epochs=4)
    assert own.compiled.reason == "state velocity is an array that cannot be written"


class Fewer(Callback):
    """Changes the rate, which the machine takes as a number, and a penalty."""

    def on_epoch_end(self, trainer: Trainer, row: Any) -> None:
        trainer.optimizer.lr = 0.05 / (1 + row["epoch"])  # type: ignore[attr-defined]
        trainer.objective.penalty.strength = 0.01 * (row["epoch"] % 2)


class Replaces(Callback):
    """Gives the optimizer another array for its state."""

    def on_epoch_end(self, trainer: Trainer, row: Any) -> None:
        if row["epoch"] % 3 == 2:
            trainer.optimizer.state["velocity"] = 0.5 * trainer.optimizer.state["velocity"]


@pytest.mark.parametrize("callback", [Fewer, Replaces])
def test_what_changes_between_epochs_is_read(
    callback: type[Callback], monkeypatch: pytest.MonkeyPatch
) -> None:
    # As minidl's own callbacks: they change hyperparameters and state, but no recording
    monkeypatch.setattr(callback, "__module__", "minidl.training.callbacks")
    one, two = (trainer(e, callbacks=[callback()]) for e in ("eager", "compiled"))
    for own in (one, two):
        own.fit(*ROWS, epochs=12)
    assert_same(one, two)
    assert two.compiled.steps_taken


def replicas(jobs: int | None, engine: str = "compiled", **options: Any) -> list[Any]:
    return train_replicas(
        lambda seed: nn.mlp(2, 8, 1, activation="relu", seed=seed),
        optim.NAG([0.02, 0.1, 1e6]),
        *ROWS,
        **{"loss": "mse", "seeds": 4, "epochs": 15, "batch_size": 32} | options,
        callbacks=lambda: [StopAtTarget(0.12)],
        engine=engine,
        jobs=jobs,
    )


@pytest.mark.filterwarnings("ignore:4 of 12 replicas diverged")
def test_any_number_of_threads_gives_the_same_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = set()
    inner = Jobs.take

    def take(self: Jobs, begin: int, end: int) -> None:
        seen.add(threading.current_thread().name)
        inner(self, begin, end)

    monkeypatch.setattr(Jobs, "take", take)
    alone = replicas(1)
    assert len(seen) == 1
    for jobs in (2, 3, 40):
        seen.clear()
        for one, two in zip(alone, replicas(jobs), strict=True):
            assert one.history.stopped_by == two.history.stopped_by
            assert one.history.advice == two.history.advice
            a, b = (r.model.parameters.value for r in (one, two))
            np.testing.assert_array_equal(a, b)
            a, b = one.history["train_loss"], two.history["train_loss"]
            np.testing.assert_array_equal(a, b)
        assert len(seen) > 1
    for one, two in zip(alone, replicas(1, "eager"), strict=True):
        assert one.history.stopped_by == two.history.stopped_by
        a, b = one.history["train_loss"], two.history["train_loss"]
        np.testing.assert_allclose(a, b, rtol=1e-10)


def test_an_error_in_a_thread_is_raised() -> None:
    def work(thread: int) -> None:
        if thread == 1:
            raise ValueError(f"in {thread}")

    with pytest.raises(ValueError, match="in 1"):
        _in_threads(work, 3)


def test_threads_take_the_place_of_processes_of_this_machine_only() -> None:
    assert threads_for(None) == threads_for(1) == 1
    assert threads_for(3) == 3
    assert threads_for(-1) >= 1
    assert threads_for(-10000) == 1


def test_lanes_of_old_programs_are_dropped() -> None:
    own = trainer("compiled")
    own.fit(*ROWS, epochs=2)
    for size in range(5, 25):
        own.batch_size = size
        own.fit(*ROWS, epochs=3)
    assert len(own.compiled.whole._lanes) <= machine_epoch.PROGRAMS
