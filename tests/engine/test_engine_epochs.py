"""Whole epochs at once: the same steps as one after the other, in any number of threads."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from test_engine_training import CASES, HELD_OUT, ROWS, assert_same, trainer

from minidl import Trainer, nn, optim, train_replicas
from minidl.engine import Jobs
from minidl.streams import stream
from minidl.training import Callback, StopAtTarget, machine_epoch, machine_steps, orders
from minidl.training.data import Data, Rows, check_rows
from minidl.training.machine_epoch import EpochJobs, Whole, _in_threads
from minidl.training.machine_steps import Epoch, Part
from minidl.training.many import train_many
from minidl.training.orders import Orders
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


@pytest.mark.parametrize("moment", ["before", "after", "drawing"])
def test_an_error_from_a_handler_of_signals_leaves_networks_in_step(
    moment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the thread that takes some networks and draws, while others go on."""
    inner, inner_draw, raised = Jobs.take, Orders.draw_ahead, []

    def fail(now: str) -> None:
        main = threading.current_thread() is threading.main_thread()
        if now == moment and main and not raised and started:
            raised.append(now)
            raise TimeoutError

    def take(self: Jobs, begin: int, end: int) -> None:
        fail("before")
        inner(self, begin, end)
        fail("after")

    def draw_ahead(self: Orders, *how: Any) -> None:
        fail("drawing")
        inner_draw(self, *how)

    inner_epoch, started = EpochJobs.take, []

    def take_epoch(self: EpochJobs, part: Part, *how: Any) -> None:
        started[:] = [1] * (part.run.epoch == 5)
        self._draw_seconds = 0.0  # so this thread takes half of the networks
        inner_epoch(self, part, *how)
        started.clear()

    def trainers() -> list[Trainer]:
        made = [trainer("compiled", lambda k=k: nn.mlp(2, 8, 1, seed=k)) for k in range(6)]
        for seed, network in enumerate(made):
            network.seed = seed
        return made

    rows = check_rows("training", *ROWS, trainers()[0].objective)
    expected, own = trainers(), trainers()
    train_many(expected, (rows, None), 12)
    monkeypatch.setattr(Jobs, "take", take)
    monkeypatch.setattr(Orders, "draw_ahead", draw_ahead)
    monkeypatch.setattr(EpochJobs, "take", take_epoch)
    with pytest.raises(TimeoutError):
        train_many(own, (rows, None), 12, jobs=2)
    assert len({(network.epoch, network.cursor, network.samples) for network in own}) == 1
    epoch = own[0].epoch
    assert 5 <= epoch < 12
    for network, other in zip(own, expected, strict=True):
        network.fit(*ROWS, epochs=12 - epoch)
        assert_same(network, other, 1e-12)


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


DIVERGE = "ignore:4 of 12 replicas diverged"


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


@pytest.mark.filterwarnings(DIVERGE)
@pytest.mark.parametrize("batch_size", [30, 32])  # with 30, the first epoch ends as a whole
def test_any_number_of_threads_gives_the_same_bits(
    batch_size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen, memories = set(), []
    inner, inner_epoch = Jobs.take, EpochJobs.take

    def take(self: Jobs, begin: int, end: int) -> None:
        seen.add(threading.current_thread().name)
        inner(self, begin, end)

    def take_epoch(self: EpochJobs, *how: Any) -> None:
        inner_epoch(self, *how)
        several = {*map(tuple, self.fields["memory"].tolist())}
        memories.append((len(several), len(self.going)))

    monkeypatch.setattr(Jobs, "take", take)
    monkeypatch.setattr(EpochJobs, "take", take_epoch)
    alone = replicas(1, batch_size=batch_size)
    assert len(seen) == 1
    for jobs in (2, 3, 40):
        seen.clear()
        memories.clear()
        for one, two in zip(alone, replicas(jobs, batch_size=batch_size), strict=True):
            assert one.history.stopped_by == two.history.stopped_by
            assert one.history.advice == two.history.advice
            a, b = (r.model.parameters.value for r in (one, two))
            np.testing.assert_array_equal(a, b)
            a, b = one.history["train_loss"], two.history["train_loss"]
            np.testing.assert_array_equal(a, b)
            a, b = one.history["running_loss"], two.history["running_loss"]
            np.testing.assert_array_equal(a, b)
        assert len(seen) > 1
        of_threads, networks = memories[0]
        assert of_threads == min(jobs, networks)  # each thread has its own
    for one, two in zip(alone, replicas(1, "eager", batch_size=batch_size), strict=True):
        assert one.history.stopped_by == two.history.stopped_by
        for name in ("train_loss", "running_loss"):
            np.testing.assert_allclose(one.history[name], two.history[name], rtol=1e-10)


def test_an_error_in_a_thread_is_raised() -> None:
    def work(thread: int) -> None:
        if thread == 1:
            raise ValueError(f"in {thread}")

    with ThreadPoolExecutor() as pool, pytest.raises(ValueError, match="in 1"):
        _in_threads(work, pool, 3)


def test_an_error_of_the_first_thread_waits_for_the_others() -> None:
    ended: list[int] = []

    def work(thread: int) -> None:
        if thread == 0:
            raise TimeoutError
        time.sleep(0.05)
        ended.append(thread)

    with ThreadPoolExecutor() as pool:
        with pytest.raises(TimeoutError):
            _in_threads(work, pool, 3)
        assert sorted(ended) == [1, 2]


@pytest.mark.filterwarnings(DIVERGE)
def test_no_thread_is_left_after_a_run() -> None:
    before = threading.active_count()
    replicas(3)
    assert threading.active_count() == before


def many_jobs(networks: int, threads: int) -> EpochJobs:
    """Return jobs of networks of a run in so many threads, which are not made."""
    own = trainer("compiled")
    own.fit(*ROWS, epochs=2)
    (known,) = own.compiled._programs[next(iter(own.compiled._programs))]
    epoch = Epoch(Data(Rows(*ROWS, None)), None, 32, None)
    lanes = [[known.runner] * threads]
    return EpochJobs(Part(own, epoch, []), list(range(networks)), lanes)


@pytest.mark.parametrize(
    ("threads", "networks", "drawing", "first"),
    [(1, 32, 9.0, 32), (2, 32, 0.0, 16), (2, 32, 8.0, 12), (2, 32, 99.0, 0), (4, 30, 2.0, 6)],
)
def test_threads_end_together_though_the_first_one_draws(
    threads: int, networks: int, drawing: float, first: int
) -> None:
    """`drawing` is in units of what a network takes: `first` of them take as long as the others."""
    jobs = many_jobs(networks, threads)
    for known in (False, True):  # before the first call, and without drawing
        shares = np.diff(jobs._bounds(5, drawing=not known))
        assert shares.max() <= -(-networks // threads)
        jobs._step_seconds = 0.25 * known
    jobs._step_seconds, jobs._draw_seconds = 0.25, drawing * 0.25 * 5
    bounds = jobs._bounds(5, drawing=True)
    shares = np.diff(bounds)
    assert (bounds[0], bounds[-1], len(shares)) == (0, networks, threads)
    assert shares[0] == first
    assert np.diff(jobs._bounds(5, drawing=False))[0] == round(networks / threads)
    assert shares[1:].max(initial=0) - shares[1:].min(initial=networks) <= 1


def test_where_no_thread_can_begin_the_first_one_takes_all_steps() -> None:
    """As in a thread that outlives the main one: the interpreter refuses new threads."""
    pool, taken = ThreadPoolExecutor(2), list[int]()
    pool.shutdown()
    _in_threads(taken.append, pool, 3)
    assert sorted(taken) == [0, 1, 2]


@pytest.mark.filterwarnings(DIVERGE)
def test_orders_that_are_drawn_ahead_are_those_of_their_epoch(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    drawn: list[tuple[int, int, bool]] = []
    inner, depth = Orders.of, [0]

    def of(self: Orders, *how: Any) -> Any:
        depth[0] += 1
        try:
            return inner(self, *how)
        finally:
            depth[0] -= 1

    def noted(seed: int, name: str, epoch: int) -> Any:
        drawn.append((seed, epoch, depth[0] == 0))
        return stream(seed, name, epoch)  # type: ignore[arg-type]

    monkeypatch.setattr(Orders, "of", of)
    monkeypatch.setattr(orders, "stream", noted)
    one = replicas(1)
    alone = drawn.copy()
    drawn.clear()
    two = replicas(2)
    assert not any(early for *_, early in alone)
    early = [drawing[:2] for drawing in drawn if drawing[2]]
    assert len(early) > len(drawn) / 3  # the first epochs are taken step by step
    assert len(set(early)) == len(early)
    assert len(drawn) <= len(alone) + 4  # those of networks that have stopped
    for a, b in zip(one, two, strict=True):
        np.testing.assert_array_equal(a.model.parameters.value, b.model.parameters.value)
    drawn.clear()
    replicas(2, epochs=4)
    assert {epoch for _, epoch, _ in drawn} == {1, 2, 3, 4}  # and none after the last


def test_orders_are_drawn_once_by_a_thread_that_others_work_beside() -> None:
    own = trainer("compiled")
    own.fit(*ROWS, epochs=2)
    own.last_epoch, order = 4, np.arange(len(ROWS[0]))
    part = Part(own, Epoch(Data(Rows(*ROWS, None)), order, 32, None), [])
    whole, jobs = own.compiled.whole, many_jobs(8, 2)
    assert whole._draw_next(part, many_jobs(8, 1)) is None
    draw = whole._draw_next(part, jobs)
    assert draw is not None
    draw()
    assert whole._draw_next(part, jobs) is None
    own.epoch = 3  # the last one is under way
    assert whole._draw_next(part, jobs) is None


def test_orders_of_other_seeds_epochs_or_rows_are_drawn_again() -> None:
    own = Orders()
    for seeds, epoch, n in [((0, 1), 3, 20), ((1, 0), 3, 20), ((0, 2), 4, 20), ((0, 0), 4, 21)]:
        own.draw_ahead((0, 1), 3, 20)
        given = own.of(seeds, epoch, n)
        assert not own._ahead  # or they would be kept for ever
        expected = [stream(seed, "shuffle", epoch).permutation(n) for seed in seeds]
        np.testing.assert_array_equal(given, expected if len({*seeds}) > 1 else expected[0])


def test_steps_of_a_block_are_taken_back_if_a_condition_fails_in_one_network(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Infinite weights make a condition of the softmax fail; without them the steps go on."""
    spoilt: list[int] = []
    inner = EpochJobs.take

    def take(self: EpochJobs, part: Part, *rest: Any) -> None:
        if part.run.epoch == 3:
            self.arrays["w"][1] = np.inf
            spoilt.append(part.run.cursor)
        inner(self, part, *rest)

    def run() -> list[Any]:
        labels = ROWS[1].astype(int).reshape(-1)
        return train_replicas(
            lambda seed: nn.mlp(2, 8, 2, seed=seed),
            optim.NAG(0.1),
            *(ROWS[0], labels),
            **{"loss": "softmax_cross_entropy", "seeds": 3, "epochs": 6, "batch_size": 32},
            engine="compiled",
        )

    expected = run()
    monkeypatch.setattr(EpochJobs, "take", take)
    for one, two in zip(expected, run(), strict=True):
        np.testing.assert_array_equal(one.history["train_loss"], two.history["train_loss"])
        a, b = (own.model.parameters.value for own in (one, two))
        np.testing.assert_array_equal(a, b)
    assert spoilt


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
