"""Trainers of many kinds and with rows of their own, against each Trainer's own fit."""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from training_problems import Do, content

from minidl import Trainer, nn, optim
from minidl.errors import ArgumentError, DivergenceWarning
from minidl.training import StopAtTarget
from minidl.training.data import Rows, check_rows
from minidl.training.many import train_many

RNG = np.random.default_rng(0)
S, N, HELD_OUT = 4, 90, 30
X = RNG.standard_normal((S, N + HELD_OUT, 2))
Y = (X[..., 0] * X[..., 1] > 0).astype(int)
SMALL = 32 * 6 * 8 * 3  # bytes for blocks of three such networks
METHODS: list[Callable[[], optim.Optimizer]] = [
    lambda: optim.NAG(0.1),
    lambda: optim.ReformulatedNAG(0.1),
    lambda: optim.Momentum(0.05),
    lambda: optim.GradientDescent(0.3),
]


def one(seed: int, optimizer: optim.Optimizer, **options: Any) -> Trainer:
    model = nn.mlp(2, 6, 1, dropout=options.pop("dropout", 0.0), seed=seed)
    return Trainer(model, "bce", optimizer=optimizer, seed=seed, **options)


def grid(seeds: Any = range(S), **options: Any) -> list[Trainer]:
    """Return trainers of four methods, the seeds of one after the other."""
    return [one(seed, method(), **options) for method in METHODS for seed in seeds]


def rows_of_all(trainer: Trainer) -> tuple[Rows, Rows]:
    """Return all sets, as one array each."""
    found = []
    for what, part in (("training", slice(N)), ("validation", slice(N, None))):
        each = [check_rows(what, X[s, part], Y[s, part], trainer.objective) for s in range(S)]
        found.append(Rows(np.stack([r.X for r in each]), np.stack([r.t for r in each])))
    return found[0], found[1]


def demand_single_runs(
    make: Callable[[], list[Trainer]], sets: list[int], epochs: int = 3, **options: Any
) -> None:
    together, alone = make(), make()
    rows = rows_of_all(together[0])
    train_many(together, rows, epochs, sets=sets, **options)
    for s, ours, theirs in zip(sets, together, alone, strict=True):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DivergenceWarning)
            held_out = (X[s, N:], Y[s, N:])
            theirs.fit(X[s, :N], Y[s, :N], epochs=epochs, validation=held_out)
        demand_equal(ours, theirs)


def demand_equal(ours: Trainer, theirs: Trainer) -> None:
    assert ours.history.columns == theirs.history.columns
    assert ours.history.stopped_by == theirs.history.stopped_by
    assert ours.history.advice == theirs.history.advice
    for name in set(ours.history.columns) - {"seconds"}:
        np.testing.assert_allclose(
            ours.history[name], theirs.history[name], 1e-12, 1e-12, err_msg=name
        )
    np.testing.assert_allclose(
        ours.model.parameters.value, theirs.model.parameters.value, 1e-12, 1e-12
    )


@pytest.mark.parametrize("jobs", [1, 2])
@pytest.mark.parametrize("batch_size", [1, 7, 32, "full"])
def test_each_is_a_single_run_on_its_own_set(batch_size: Any, jobs: int) -> None:
    demand_single_runs(lambda: grid(batch_size=batch_size), [0, 1, 2, 3] * 4, jobs=jobs)


SETS = {
    "one for each": [0, 1, 2, 3] * 4,
    "neighbours": [2, 3, 2, 3] * 4,
    "any": [3, 1, 1, 0] * 4,
    "in another order": [0, 2, 1, 3] * 4,
    "one for a method": [0] * 4 + [2] * 4 + [1] * 4 + [3] * 4,
    "the last for all": [3] * 16,
}


@pytest.mark.unmeasured
@pytest.mark.parametrize("seeds", [range(S), [5, 5, 5, 5], [1, 2, 1, 2]], ids=str)
@pytest.mark.parametrize("sets", SETS.values(), ids=SETS)
@pytest.mark.parametrize("shuffle", [True, False])
def test_whatever_is_shared(sets: list[int], seeds: Any, shuffle: bool) -> None:
    demand_single_runs(lambda: grid(seeds, shuffle=shuffle, dropout=0.2, l2=0.01), sets)


def test_sets_that_are_too_large_to_be_gathered_give_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(importlib.import_module("minidl.training.data"), "GATHER_BYTES", 0)
    for seeds in (range(S), [5] * S):
        for sets in (SETS["any"], SETS["one for a method"]):
            demand_single_runs(lambda seeds=seeds: grid(seeds), sets)  # type: ignore[misc]


@pytest.mark.parametrize("jobs", [1, 2])
def test_who_diverges_or_stops_leaves_and_others_keep_their_sets(jobs: int) -> None:
    rates = [0.1, 1e5, 0.3, 1e6, 0.01, 0.3, 1e5, 0.2]

    def make() -> list[Trainer]:
        return [
            one(seed, optim.NAG(lr), callbacks=[StopAtTarget(0.55)])
            for seed, lr in enumerate(rates)
        ]

    trainers = make()
    train_many(trainers, rows_of_all(trainers[0]), 12, sets=[0, 1, 2, 3, 1, 0, 2, 3])
    assert {t.history.stopped_by for t in trainers} == {"diverged", "epochs", "target"}
    demand_single_runs(make, [0, 1, 2, 3, 1, 0, 2, 3], epochs=12, jobs=jobs)


def test_who_goes_on_alone_keeps_its_set() -> None:
    def change(trainer: Trainer, record: Any) -> None:
        if record["epoch"] == 2 and trainer.seed != 2:
            trainer.optimizer = optim.GradientDescent(0.1)

    def make() -> list[Trainer]:
        return [one(seed, optim.NAG(0.1), callbacks=[Do(on_epoch_end=change)]) for seed in range(S)]

    demand_single_runs(make, [2, 3, 1, 0], epochs=4)


@pytest.mark.parametrize("memory", [1, SMALL, 10**9])
def test_jobs_change_no_bit(memory: int) -> None:
    def trained(jobs: int) -> list[Trainer]:
        trainers = grid(dropout=0.2)
        rows = rows_of_all(trainers[0])
        train_many(trainers, rows, 3, sets=SETS["any"], jobs=jobs, memory=memory)
        return trainers

    for ours, theirs in zip(trained(2), trained(1), strict=True):
        assert content(ours.history) == content(theirs.history)
        assert np.array_equal(ours.model.parameters.value, theirs.model.parameters.value)


@pytest.mark.parametrize("jobs", [1, 2])
def test_blocks_are_of_one_kind_and_told_when_they_are_finished(jobs: int) -> None:
    trainers = grid() + grid(batch_size=8)[:4]
    seen: list[list[Trainer]] = []

    def done(block: list[Trainer]) -> None:
        assert {trainer.history.stopped_by for trainer in block} == {"epochs"}
        seen.append(block)

    rows = rows_of_all(trainers[0])
    train_many(trainers, rows, 2, sets=[0, 1, 2, 3] * 5, memory=SMALL, jobs=jobs, done=done)
    seen.sort(key=lambda block: trainers.index(block[0]))
    assert [trainer for block in seen for trainer in block] == trainers
    assert [len(block) for block in seen] == [3, 1] * 4 + [4]
    for block in seen:
        assert len({type(trainer.optimizer) for trainer in block}) == 1


def test_a_second_call_goes_on_and_only_those_that_are_as_far_are_together() -> None:
    rows = rows_of_all(one(0, optim.NAG(0.1)))

    def make() -> list[Trainer]:
        return [one(seed, optim.NAG(optim.StepDecay(0.1, every=3, factor=0.5))) for seed in (0, 1)]

    whole, parts = make(), make()
    train_many(whole, rows, 4, sets=[0, 1])
    train_many(parts[:1], rows, 2, sets=[0])
    blocks: list[int] = []
    train_many(parts, rows, 2, sets=[0, 1], done=lambda block: blocks.append(len(block)))
    assert blocks == [1, 1]
    train_many(parts[1:], rows, 2, sets=[1])
    train_many(parts, rows, 1, sets=[0, 1], done=lambda block: blocks.append(len(block)))
    assert blocks == [1, 1, 2]
    train_many(whole, rows, 1, sets=[0, 1])
    for ours, theirs in zip(parts, whole, strict=True):
        assert len(ours.history) == len(theirs.history) == 6
        demand_equal(ours, theirs)


def test_without_sets_all_have_the_same_rows() -> None:
    trainers = grid()
    train, held_out = (Rows(r.X[1], r.t[1]) for r in rows_of_all(trainers[0]))
    train_many(trainers, (train, held_out), 2)
    own = one(0, optim.NAG(0.1))
    own.fit(X[1, :N], Y[1, :N], epochs=2, validation=(X[1, N:], Y[1, N:]))
    demand_equal(trainers[0], own)
    train_many([], (train, None), 2)


def test_what_cannot_be_used_is_told() -> None:
    trainers = grid()
    rows = rows_of_all(trainers[0])
    for wrong in ([0] * 15, [0] * 15 + [4], [0] * 15 + [-1], [0.5] * 16):
        with pytest.raises(ArgumentError, match=r"sets? must (be|name)"):
            train_many(trainers, rows, 1, sets=wrong)  # type: ignore[arg-type]
    short = rows[0], Rows(rows[1].X[:2], rows[1].t[:2])
    with pytest.raises(ArgumentError, match="rows of 4, 4, 2, 2 sets"):
        train_many(trainers, short, 1, sets=[0] * 16)
    with pytest.raises(ArgumentError, match="trainers must not contain a Trainer twice"):
        train_many([trainers[0]] * 2, rows, 1, sets=[0, 1])
    assert all(len(trainer.history) == 0 for trainer in trainers)
