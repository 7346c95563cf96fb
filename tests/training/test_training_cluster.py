"""Blocks on a cluster: a scheduler and two worker processes of Dask, on this machine."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import dask
import joblib
import numpy as np
import pytest
from distributed import Client, LocalCluster
from training_problems import content
from worker_callbacks import Where, no_parts, total

from minidl import datasets, nn, optim, train_replicas
from minidl.errors import WorkerError
from minidl.training import Callback, Replica
from minidl.training.pool import run_all

# A LocalCluster gives up a worker that is not back after its timeout, which a busy machine exceeds.
# Forked from a server that has imported Dask, a worker is back in a fifth of the time.
SETTINGS = {
    "distributed.worker.multiprocessing-method": "forkserver",
    "distributed.scheduler.allowed-failures": 0,
    "distributed.deploy.lost-worker-timeout": "10 minutes",
}
MOONS = datasets.load("moons", n=600, seed=0)


@pytest.fixture(scope="module")
def cluster() -> Iterator[Client]:
    with (
        dask.config.set(SETTINGS),
        LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=":0"
        ) as workers,
        Client(workers) as client,
    ):
        yield client


def train(jobs: int | None, hooks: list[Where], deadly: Path | None = None) -> list[Replica]:
    def callbacks() -> list[Callback]:
        hooks.append(Where(deadly))
        return [hooks[-1]]

    return train_replicas(
        lambda seed: nn.mlp(2, 6, 1, dropout=0.1, seed=seed),
        optim.NAG(lambda step: 0.1 / (1 + step)),
        MOONS.X_train,
        MOONS.y_train,
        loss="bce",
        seeds=8,
        epochs=3,
        validation=(MOONS.X_test, MOONS.y_test),
        memory=32 * 6 * 8,
        callbacks=callbacks,
        jobs=jobs,
    )


def demand_same_bits(found: list[Replica], expected: list[Replica]) -> None:
    assert [one.seed for one in found] == [one.seed for one in expected]
    for ours, theirs in zip(found, expected, strict=True):
        assert content(ours.history) == content(theirs.history)
        assert np.array_equal(ours.model.parameters.value, theirs.model.parameters.value)


@pytest.mark.parametrize("jobs", [None, -1])
def test_two_workers_give_the_same_bits(cluster: Client, jobs: int | None) -> None:
    hooks: list[Where] = []
    with joblib.parallel_config(backend="dask"):
        found = train(jobs, hooks)
    demand_same_bits(found, train(1, []))
    pids = set(cluster.run(os.getpid).values())
    assert len(pids) == 2
    assert os.getpid() not in pids
    # A fast worker may take every piece of work before the other one asks for any.
    assert len(hooks) > 0
    assert {hook.process for hook in hooks} <= pids
    assert {hook.threads for hook in hooks} == {1}


def test_a_worker_that_dies_is_told_and_the_rest_is_kept(cluster: Client, tmp_path: Path) -> None:
    log = tmp_path / "log"
    with joblib.parallel_config(backend="dask"), pytest.raises(WorkerError) as caught:
        train(None, [], deadly=log)
    assert "they trained seeds [2] of NAG" in str(caught.value)
    assert log.read_text() == "xxx"
    demand_same_bits(caught.value.finished, [one for one in train(1, []) if one.seed != 2])


def test_the_only_worker_may_die_although_it_holds_the_arrays() -> None:
    X = np.ones((50, 2))
    tasks = [((k, k == 3), (X,)) for k in range(6)]
    results: dict[int, float] = {}
    with (
        dask.config.set(SETTINGS),
        LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=":0") as workers,
        Client(workers, set_as_default=False) as client,
        joblib.parallel_config(backend="dask", client=client),
        pytest.raises(WorkerError, match=r"trained \[\(3, True\)\]"),
    ):
        run_all(tasks, total, None, results.__setitem__, describe=str, parts=no_parts)
    assert results == {k: k + 100.0 for k in range(6) if k != 3}
