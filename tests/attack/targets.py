"""Small files of every format, and for each what a reader must give back or refuse."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from minidl import Predictor, Trainer, compare, datasets, load, load_model, nn, optim, save_model
from minidl.comparison import Study
from minidl.comparison.journal import Journal
from minidl.training import (
    EarlyStopping,
    History,
    load_run,
    load_safetensors,
    save_run,
    save_safetensors,
)

X = np.random.default_rng(0).uniform(-1, 1, (12, 2))
Y = (X[:, 0] * X[:, 1] > 0).astype(int)
NAMES = ["model", "checkpoint", "predictor", "history", "comparison", "journal", "safetensors"]


class OtherRunsError(Exception):
    """A journal has given runs that were not written, which only a right checksum can do."""


class Target(NamedTuple):
    """A file, and what reads it: the same bytes must give the same digest."""

    path: Path
    read: Callable[[], str]
    use: Callable[[], object] = str  # what was read, if it was


def digest(*parts: Any) -> str:
    """Return a text that differs if any number does."""
    return hashlib.sha256("|".join(map(repr, parts)).encode()).hexdigest()


def trainer(seed: int = 0) -> Trainer:
    """Return a Trainer whose run has something of everything."""
    model = nn.Sequential(nn.Dense(2, 2), nn.BatchNorm(2), nn.Dropout(0.2), nn.Dense(2, 1), seed=0)
    model.parameters.value[...] += seed
    stopping = EarlyStopping("train_loss", patience=3)
    return Trainer(model, "bce", optimizer=optim.NAG(0.1), seed=0, callbacks=[stopping])


def state(one: Trainer) -> str:
    """Return the digest of all that load_run restores."""
    data = one.history.to_dict() if len(one.history) else {}
    own = [sorted((k, repr(v)) for k, v in vars(h).items()) for h in one.hooks.callbacks]
    buffers = [(n, b.tobytes()) for n, b in one.model.named_buffers()]
    velocity = {n: v.tobytes() for n, v in one.optimizer.state.items()}
    counts = one.epoch, one.samples, one.cursor, one.seconds, one.optimizer.step_count
    value = one.model.parameters.value.tobytes()
    return digest(value, buffers, velocity, counts, data, own, one.batch_size, repr(one))


def model_digest(model: Any) -> str:
    """Return the digest of a model."""
    buffers = [(n, b.tobytes()) for n, b in model.named_buffers()]
    return digest(repr(model), model.parameters.value.tobytes(), buffers)


def make_files(folder: Path) -> dict[str, Target]:
    """Write a small file of every format and return what reads it."""
    model = nn.Sequential(nn.Dense(2, 2), nn.Tanh(), nn.Dense(2, 1), seed=0)
    paths = {name: folder / name for name in ("model.npz", "run.npz", "predictor.npz")}
    paths |= {name: folder / name for name in ("history.json", "race.json", "race.json.part")}
    paths["model.safetensors"] = folder / "model.safetensors"
    save_model(model, paths["model.npz"])
    save_safetensors(model, paths["model.safetensors"])
    run = trainer()
    run.fit(X, Y, epochs=1)
    save_run(run, paths["run.npz"])
    run.history.to_json(paths["history.json"])
    data = datasets.load("moons", n=12, seed=0)
    Predictor(nn.mlp(2, 1, seed=0), data.preparation).save(paths["predictor.npz"])
    headers, runs = _race(paths["race.json"])

    model_into = nn.Sequential(nn.Dense(2, 2), nn.Tanh(), nn.Dense(2, 1), seed=1)
    read: list[Any] = []
    held: list[Trainer] = []  # an untouched one, as long as files are refused

    def read_run() -> str:
        into = held.pop() if held else trainer(seed=1)
        before = into.model.parameters.value.tobytes(), into.epoch, into.optimizer.step_count
        try:
            load_run(into, paths["run.npz"])
        except Exception:
            after = into.model.parameters.value.tobytes(), into.epoch, into.optimizer.step_count
            assert after == before, "a part of a refused run was loaded"
            held.append(into)
            raise
        read.append(into)
        return state(into)

    def read_model() -> str:
        read.append(load_model(paths["model.npz"]))
        return model_digest(read[-1])

    def read_safetensors() -> str:
        load_safetensors(paths["model.safetensors"], into=model_into)
        return model_digest(model_into)

    def read_journal() -> str:
        journal = Journal(paths["race.json"], headers)
        try:
            found = [[r.to_dict() for r in kept.values()] for kept in journal.runs]
        finally:
            journal.release()
        if not all(one in runs for kept in found for one in kept):
            raise OtherRunsError("a run with other numbers")
        return "the same runs, or fewer"

    def read_predictor() -> str:
        found = load(paths["predictor.npz"])
        read.append(found)
        return digest(model_digest(found.model), found.preparation.to_arrays(), repr(found))

    return {
        "model": Target(paths["model.npz"], read_model, lambda: read.pop().predict(X)),
        "checkpoint": Target(paths["run.npz"], read_run, lambda: read.pop().fit(X, Y, epochs=1)),
        "predictor": Target(paths["predictor.npz"], read_predictor, lambda: read.pop().predict(X)),
        "history": Target(
            paths["history.json"],
            lambda: digest(History.from_json(paths["history.json"]).to_dict()),
        ),
        "comparison": Target(
            paths["race.json"], lambda: digest(Study.from_json(paths["race.json"]).to_json())
        ),
        "journal": Target(paths["race.json.part"], read_journal),
        "safetensors": Target(paths["model.safetensors"], read_safetensors),
    }


def _race(path: Path) -> tuple[list[Any], list[Any]]:
    """Write a small comparison and its journal; return the headers and the runs."""
    close, Journal.close = Journal.close, Journal.release  # type: ignore[method-assign]
    try:
        compare(
            "moons", optimizers=["gd", "nag"], hidden=[], lr=0.3, epochs=1, seeds=1, tuning_seeds=1,
            sustained=1, target="gap:0.5", out=path,
        )  # fmt: skip
    finally:
        Journal.close = close  # type: ignore[method-assign]
    lines = [json.loads(line) for line in path.with_name("race.json.part").read_text().splitlines()]
    return lines[0]["headers"], [run for line in lines[1:] for run in line["runs"]]
