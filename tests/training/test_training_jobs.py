"""Blocks in other processes: the same bits, whoever dies, and nothing finished is lost."""

from __future__ import annotations

import contextlib
import os
import pickle
import signal
import subprocess
import sys
import threading
import time
import warnings
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
from threadpoolctl import threadpool_info
from training_problems import Watch, content
from worker_callbacks import Deaf, Dying, Failing, Locked, Looking, Meeting, Threads

from minidl import Trainer, datasets, nn, optim, train_replicas
from minidl.errors import ArgumentError, DivergenceWarning, WorkerError
from minidl.training import Callback, Replica, StopAtTarget, orphans

MOONS = datasets.load("moons", n=120, seed=0)
TABLE = np.random.default_rng(0).standard_normal((90, 32))
MANY = datasets.load("moons", n=4000, seed=0)
TWO = 32 * 6 * 8 * 2  # memory for blocks of two networks of this kind


def train(jobs: int | None = 2, **options: Any) -> list[Replica]:
    """Train four small networks on the moons, in blocks of two."""
    arguments: dict[str, Any] = {
        "model": lambda seed: nn.mlp(2, 6, 1, seed=seed),
        "optimizer": optim.NAG(0.1),
        "X": MOONS.X_train,
        "y": MOONS.y_train,
        "loss": "bce",
        "seeds": 4,
        "epochs": 3,
        "memory": TWO,
    }
    arguments.update(options)
    first = [arguments.pop(name) for name in ("model", "optimizer", "X", "y")]
    return train_replicas(*first, jobs=jobs, **arguments)


def demand_same_bits(found: list[Replica], expected: list[Replica]) -> None:
    assert len(found) == len(expected)
    for ours, theirs in zip(found, expected, strict=True):
        assert (ours.seed, ours.hyperparameters) == (theirs.seed, theirs.hyperparameters)
        assert content(ours.history) == content(theirs.history)
        for name in set(ours.history.columns) - {"seconds"}:
            assert np.array_equal(ours.history[name], theirs.history[name], equal_nan=True)
        ours_now, theirs_now = ours.model.parameters.value, theirs.model.parameters.value
        assert ours_now.dtype == theirs_now.dtype
        assert np.array_equal(ours_now, theirs_now)


CASES: dict[str, dict[str, Any]] = {
    "with dropout, penalty and validation": {
        "model": lambda seed: nn.mlp(2, 6, 1, activation="gelu", dropout=0.2, seed=seed),
        "optimizer": optim.ReformulatedNAG([0.1, 0.03], momentum=[0.9, 0.5]),
        "validation": (MOONS.X_test, MOONS.y_test),
        "l2": 0.01,
        "measure_every": 2,
    },
    "who stops and who diverges": {
        "optimizer": optim.GradientDescent([0.1, 300.0, 3.0]),
        "callbacks": lambda: [StopAtTarget(0.12)],
        "loss": "mse",
        "epochs": 12,
    },
    "a schedule without a name, float32": {
        "model": lambda seed: nn.mlp(2, 6, 1, seed=seed, dtype=np.float32),
        "optimizer": optim.Momentum(lambda step: 0.1 / (1 + step)),
    },
    "columns of a table, one by one": {
        "model": lambda seed: nn.mlp(16, 6, 1, seed=seed),
        "X": TABLE[:, ::2],
        "y": TABLE[:, 1] > 0,
        "batch_size": "full",
        "memory": 1,
    },
    "so many rows that the size of a block decides how their losses are added": {
        "X": MANY.X_train,
        "y": MANY.y_train,
        "seeds": 12,
        "memory": 4 * TWO,
        "epochs": 1,
    },
    "rows in Fortran's order": {"X": np.asfortranarray(MOONS.X_train), "batch_size": "full"},
}


@pytest.mark.parametrize("case", CASES)
def test_the_number_of_jobs_changes_no_bit(case: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DivergenceWarning)
        expected = train(1, **CASES[case])
        demand_same_bits(train(2, **CASES[case]), expected)


@pytest.mark.parametrize("jobs", [3, -1, None])
def test_any_number_of_jobs_changes_no_bit(jobs: int | None) -> None:
    """Products of these sizes do differ between one BLAS thread and two."""
    digits = datasets.load("digits", seed=0)
    options: dict[str, Any] = {
        "model": lambda seed: nn.mlp(64, 37, 10, seed=seed),
        "X": digits.X_train,
        "y": digits.y_train,
        "loss": "softmax_cross_entropy",
        "batch_size": "full",
        "epochs": 2,
    }
    demand_same_bits(train(jobs, **options), train(1, **options))


@pytest.mark.parametrize(("jobs", "processes"), [(40, 3), (10**4, 3), (2, 2), (-1, -1)])
def test_no_process_is_started_without_work(
    jobs: int, processes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[object] = []

    class Parallel(joblib.Parallel):
        def __init__(self, n_jobs: int, **options: Any) -> None:
            asked.append(n_jobs)
            super().__init__(1, **options)

    monkeypatch.setattr(joblib, "Parallel", Parallel)
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    train(jobs, seeds=6)
    assert asked == [processes]


def test_parallel_config_says_where(tmp_path: Path) -> None:
    """Also with a back end that gives results only at the end."""
    expected = train(1)
    for backend in ("threading", "loky", "multiprocessing"):
        hooks: list[Threads] = []
        with joblib.parallel_config(backend=backend, n_jobs=2):
            found = train(None, callbacks=lambda hooks=hooks: told(hooks, Threads()))
        demand_same_bits(found, expected)
        assert (os.getpid() in {hook.process for hook in hooks}) == (backend == "threading")


def told(hooks: list[Any], hook: Callback) -> list[Callback]:
    """Return a callback as the only one, and remember it."""
    hooks.append(hook)
    return [hook]


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_block_has_one_blas_thread_and_the_caller_keeps_what_it_had(jobs: int) -> None:
    before = [one["num_threads"] for one in threadpool_info()]
    hooks: list[Threads] = []
    train(jobs, callbacks=lambda: told(hooks, Threads()))
    assert [hook.threads for hook in hooks] == [1] * 4
    assert all((hook.process == os.getpid()) == (jobs == 1) for hook in hooks)
    assert [one["num_threads"] for one in threadpool_info()] == before


def test_callbacks_come_back_as_they_are_in_the_end() -> None:
    hooks: dict[int, list[Watch]] = {1: [], 2: []}
    for jobs, seen in hooks.items():
        train(jobs, callbacks=lambda seen=seen: told(seen, Watch()))
    for ours, theirs in zip(hooks[2], hooks[1], strict=True):
        assert len(ours.thetas) == 4
        assert np.array_equal(ours.thetas, theirs.thetas)


@pytest.mark.parametrize("when", ["there", "back"])
def test_a_callback_that_cannot_travel_is_named(when: str) -> None:
    words = r"Locked cannot be sent to or from another process: .*lock.*use jobs=1"
    with pytest.raises(ArgumentError, match=words):
        train(callbacks=lambda: [StopAtTarget(0.0), Locked(when)])
    assert len(train(1, callbacks=lambda: [Locked(when)])) == 4


def began(folder: Path) -> dict[int, int]:
    """How often each seed's network was begun."""
    files = folder.glob("began-*")
    return {int(file.name.split("-")[1]): len(file.read_text()) for file in files}


def test_a_block_whose_worker_died_is_trained_again_and_only_that(tmp_path: Path) -> None:
    expected = train(1, seeds=8)
    found = train(seeds=8, callbacks=lambda: [Dying(tmp_path, 1)])
    demand_same_bits(found, expected)
    counts = began(tmp_path)
    assert counts[2] == 2  # networks with callbacks are trained one by one
    assert counts[3] == 1
    assert {counts[seed] for seed in (0, 1)} == {1}
    assert sum(counts.values()) <= 8 + 4  # of two workers, one block each


def test_the_seeds_of_who_always_dies_are_told_and_the_rest_is_kept(tmp_path: Path) -> None:
    options: dict[str, Any] = {"seeds": 5, "optimizer": optim.NAG([0.1])}
    with pytest.raises(WorkerError) as caught:
        train(callbacks=lambda: [Dying(tmp_path, 99, seed=2)], **options)
    text = str(caught.value)
    assert "they trained seeds [2] of NAG(lr=0.1, momentum=0.9)" in text
    assert caught.value.__cause__ is not None
    alone = train(1, callbacks=lambda: [Callback()], **options)
    kept = [one for one in alone if one.seed != 2]
    demand_same_bits(caught.value.finished, kept)
    assert began(tmp_path)[2] == 3


def test_a_block_that_kills_its_worker_does_not_keep_the_others_from_running_in_parallel(
    tmp_path: Path,
) -> None:
    hooks: list[Meeting] = []

    def callbacks() -> list[Callback]:
        return [Dying(tmp_path, 2, seed=0, wait=0.0), *told(hooks, Meeting(tmp_path))]

    options: dict[str, Any] = {"seeds": 12, "memory": 1, "epochs": 2}
    demand_same_bits(train(callbacks=callbacks, **options), train(1, **options))
    assert [hook.met for hook in hooks] == [False] * 10 + [True] * 2
    counts = began(tmp_path)
    assert counts[0] == 3
    # A death costs its own block, that of the other worker, and one begun before it is noticed.
    assert sum(counts.values()) <= 12 + 2 * 3


def test_when_everything_dies_it_ends_soon(tmp_path: Path) -> None:
    class Deadly(Callback):
        def on_fit_begin(self, trainer: Trainer, epochs: int) -> None:
            with (tmp_path / "log").open("a") as file:
                file.write("x")
            os._exit(1)

    with pytest.raises(WorkerError, match=r"seeds \[0, 1, .*, 15\]") as caught:
        train(seeds=16, callbacks=lambda: [Deadly()])
    assert caught.value.finished == []
    assert len((tmp_path / "log").read_text()) <= 2 + 2 + 3


@pytest.mark.parametrize("jobs", [1, 2])
@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_an_error_carries_what_was_finished(jobs: int, error: type[BaseException]) -> None:
    with pytest.raises(error) as caught:
        train(jobs, callbacks=lambda: [Failing(error)])
    finished: list[Replica] = vars(caught.value)["finished"]
    seeds = [one.seed for one in finished]
    assert 3 not in seeds
    assert jobs == 2 or seeds == [0, 1, 2]  # networks with callbacks are trained one by one
    alone = train(1, callbacks=lambda: [Callback()])
    demand_same_bits(finished, [one for one in alone if one.seed in seeds])


class Interrupted(nn.BinaryCrossEntropy):
    """Raises KeyboardInterrupt at a call of `mean`."""

    replicas = True

    def __init__(self, at: int) -> None:
        self.left = at

    def mean(self, outputs: Any, targets: Any) -> Any:
        self.left -= outputs.requires_grad
        if not self.left:
            raise KeyboardInterrupt
        return super().mean(outputs, targets)


def test_networks_that_left_the_block_before_an_interruption_are_finished() -> None:
    options: dict[str, Any] = {"memory": 10**9, "optimizer": optim.NAG([0.3, 1e-6]), "epochs": 9}
    options["callbacks"] = lambda: [StopAtTarget(0.4)]
    whole = train(1, **options)
    reached = [one for one in whole if one.history.stopped_by == "target"]
    assert {one.hyperparameters["lr"] for one in reached} == {0.3}
    first = min(int(one.history["epoch"][-1]) for one in reached)
    steps = int(whole[0].history["updates"][1])
    with pytest.raises(KeyboardInterrupt) as caught:  # in the first step of the epoch after it
        train(1, loss=Interrupted(first * steps + 1), **options)
    finished: list[Replica] = vars(caught.value)["finished"]
    expected = [one for one in reached if one.history["epoch"][-1] == first]
    assert 0 < len(expected) < len(whole)
    demand_same_bits(finished, expected)


SCRIPT = """
import signal, sys, time
signal.signal(signal.SIGINT, signal.default_int_handler)  # which a shell's & turns off
import numpy as np
from minidl import nn, optim, train_replicas
from minidl.training import Callback

class Slow(Callback):
    def on_epoch_begin(self, trainer, epoch):
        if trainer.seed > 1:
            print("begun\\n", end="", flush=True)
            time.sleep(100)

X = np.zeros((8, 2))
try:
    train_replicas(
        lambda seed: nn.mlp(2, 3, 1, seed=seed), optim.NAG(0.1), X, X[:, 0], loss="bce",
        seeds=6, epochs=1, memory=1, jobs=int(sys.argv[1]), callbacks=lambda: [Slow()],
    )
except KeyboardInterrupt as error:
    print("finished", [one.seed for one in error.finished], flush=True)
print("joblib" in sys.modules)
"""


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_ctrl_c_keeps_what_is_finished_and_joblib_is_only_for_other_processes(jobs: str) -> None:
    """As on a terminal, where all processes are told."""
    with subprocess.Popen(
        [sys.executable, "-c", SCRIPT, jobs],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stdout is not None
        for _ in range(int(jobs)):  # every process is past seeds 0 and 1
            assert process.stdout.readline() == "begun\n"
        time.sleep(0.5)
        os.killpg(process.pid, signal.SIGINT)
        try:
            out, err = process.communicate(timeout=30)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
    assert out.splitlines()[-2:] == ["finished [0, 1]", str(jobs == "2")], err
    assert process.returncode == 0


def test_other_processes_leave_ctrl_c_to_the_one_that_started_them() -> None:
    """They get it from a terminal as well, and would print a traceback while they start."""
    hooks: list[Deaf] = []
    heard = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        joblib.externals.loky.get_reusable_executor().shutdown(wait=True)  # of tests before
        train(2, callbacks=lambda: told(hooks, Deaf()))
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGINT, heard)
    assert all(hook.process not in (0, os.getpid()) for hook in hooks)
    assert [hook.deaf for hook in hooks] == [True] * 4
    with_thread: list[Any] = []
    thread = threading.Thread(target=lambda: with_thread.extend(train(2)))
    thread.start()
    thread.join()
    assert len(with_thread) == 4


@pytest.mark.parametrize("mapped", [True, False])
def test_large_inputs_are_mapped_and_not_copied(tmp_path: Path, mapped: bool) -> None:
    path = tmp_path / "X.npy"
    np.save(path, np.random.default_rng(0).standard_normal((50_000, 4)))
    X = np.load(path, mmap_mode="r" if mapped else None)[1000:]
    y = (X[:, 0] > 0).astype(float)
    options = {"model": Looking, "X": X, "y": y, "batch_size": "full", "epochs": 1, "seeds": 2}
    found = train(2, memory=1, **options)
    files = {one.model.file for one in found if isinstance(one.model, Looking)}
    assert len(files) == 1  # one file for both
    assert (files == {str(path)}) == mapped
    assert "None" not in files  # joblib has written one
    demand_same_bits(found, train(1, memory=1, **options))


def test_columns_of_a_table_are_laid_out_as_they_would_arrive_elsewhere() -> None:
    """NumPy 2.0 multiplies matrices with gaps without the BLAS, and so rounds another way."""
    options: dict[str, Any] = {"X": TABLE[:, ::8], "y": TABLE[:, 1], "loss": "mse"}
    found = train(1, model=Looking, batch_size="full", memory=1, **options)
    assert all(isinstance(one.model, Looking) and one.model.whole for one in found)


def test_a_trainer_that_was_pickled_goes_on_bit_for_bit() -> None:
    def one() -> Trainer:
        return Trainer(nn.mlp(2, 6, 1, seed=0), "bce", optimizer=optim.NAG(0.1), seed=0, l2=0.1)

    whole, first = one(), one()
    whole.fit(MOONS.X_train, MOONS.y_train, epochs=5)
    first.fit(MOONS.X_train, MOONS.y_train, epochs=2)
    second = pickle.loads(pickle.dumps(first))
    second.fit(MOONS.X_train, MOONS.y_train, epochs=3)
    assert content(second.history) == content(whole.history)
    assert np.array_equal(second.model.parameters.value, whole.model.parameters.value)
    assert second.objective.vector is second.model.parameters


@pytest.mark.parametrize("jobs", [0, 1.5, 2.0, True, "2", [2]])
def test_jobs_is_a_number_or_none(jobs: Any) -> None:
    with pytest.raises(ArgumentError, match=r"^jobs must be 1, .*, -1 for all, or None, got"):
        train(jobs)


@pytest.mark.parametrize("jobs", [1, 2])
def test_progress_counts_networks_on_standard_error(
    jobs: int, capsys: pytest.CaptureFixture[str]
) -> None:
    train(jobs)
    assert capsys.readouterr() == ("", "")
    train(jobs, progress=True)
    out, err = capsys.readouterr()
    assert out == ""
    assert "4/4" in err.split("\r")[-1]
    assert "network/s" in err


def test_workers_of_a_multiprocessing_pool_end_by_sigterm():
    """Its pool stops them so: where they ignored the signal, it could wait for ever."""
    with joblib.parallel_config("multiprocessing", n_jobs=2):
        handlers = joblib.Parallel()(joblib.delayed(_handler)(os.getpid()) for _ in range(2))
    assert handlers == [signal.SIG_DFL, signal.SIG_DFL]


def _handler(parent):
    orphans.end_with(parent)
    return signal.getsignal(signal.SIGTERM)
