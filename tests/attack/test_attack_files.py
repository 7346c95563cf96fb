"""Damaged, foreign and hostile files: a sample of the attack that `files.py` makes in full.

Damage must be found by the checksum. Where the checksum is right, because somebody has computed it
anew, a reader must raise a DataError that names the file, or accept data that fit its schema.
"""

from __future__ import annotations

import errno
import json
import os
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parent))
from files import attack, outcome_of
from targets import Target, make_files, trainer

from minidl import load_model, nn, save_model
from minidl.archive import read_arrays, write_arrays
from minidl.errors import DataError, FileError
from minidl.sealed import seal_json
from minidl.training import History, save_run

NAMES = ["model", "checkpoint", "predictor", "history", "comparison", "journal"]
ARCHIVES = NAMES[:3]
SHARES = {"model": 20, "checkpoint": 90, "predictor": 40, "history": 5, "comparison": 30,
          "journal": 30}  # fmt: skip
FUZZ = settings(
    max_examples=60, deadline=None, derandomize=True, database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)  # fmt: skip


@pytest.fixture(scope="module")
def targets(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Target]:
    return make_files(tmp_path_factory.mktemp("files"))


@pytest.fixture
def target(request: pytest.FixtureRequest, targets: dict[str, Target]) -> Any:
    """The target of that name, whose file is restored at the end."""
    found = targets[request.param]
    data = found.path.read_bytes()
    yield found
    found.path.write_bytes(data)


@pytest.mark.parametrize("target", NAMES, indirect=True)
def test_every_damage_is_told_with_the_name_of_the_file(target: Target) -> None:
    name = {"model.npz": "model", "run.npz": "checkpoint", "predictor.npz": "predictor"}
    name |= {"history.json": "history", "race.json": "comparison", "race.json.part": "journal"}
    count = attack(target, SHARES[name[target.path.name]], offset=7)
    assert count["tried"] > 50
    assert count["failed"] == 0
    if target.path.name != "race.json.part":  # whose torn last line is cut off
        assert count["refused"] == count["tried"]


def test_the_attack_finds_a_reader_without_a_checksum(
    targets: dict[str, Target], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("minidl.sealed.JSON_END", re.compile(rb',"sha256":"(never)"'))
    monkeypatch.setattr("minidl.comparison.store.PROTOCOL", 4)
    assert attack(targets["comparison"], 5)["failed"] > 5
    assert "other numbers" in capsys.readouterr().out


@pytest.mark.parametrize("target", NAMES, indirect=True)
@FUZZ
@given(data=st.data())
def test_any_bytes_are_refused(target: Target, data: st.DataObject) -> None:
    whole = target.path.read_bytes()
    start = data.draw(st.sampled_from([b"", b"PK\x03\x04", b"{", b"[[", whole[:100], whole[:-90]]))
    target.path.write_bytes(start + data.draw(st.binary(max_size=200)))
    try:
        outcome = outcome_of(target, "")
        allowed = ["refused"] if target.path.suffix != ".part" else ["refused", "other numbers"]
        assert outcome in allowed  # a journal without its last line gives fewer runs
    finally:
        target.path.write_bytes(whole)


LEAVES = st.one_of(
    st.none(), st.booleans(), st.integers(-3, 3), st.sampled_from([10**12, -(10**30), 1e308, 0.5]),
    st.text(max_size=5), st.just([]), st.just({}), st.lists(st.integers(), max_size=3),
)  # fmt: skip


def changed(data: st.DataObject, value: Any) -> Any:
    """Return JSON data of which one part is replaced, left out or given twice."""
    if isinstance(value, dict) and value and data.draw(st.integers(0, 5)):
        name = data.draw(st.sampled_from(sorted(value)))
        other = {**value, name: changed(data, value[name])}
        return {k: v for k, v in other.items() if k != name} if data.draw(st.booleans()) else other
    if isinstance(value, list) and value and data.draw(st.integers(0, 5)):
        k = data.draw(st.integers(0, len(value) - 1))
        return [
            *value[:k],
            *[changed(data, value[k])] * data.draw(st.integers(0, 2)),
            *value[k + 1 :],
        ]
    return data.draw(LEAVES)


@pytest.mark.parametrize("target", ["history", "comparison", "journal"], indirect=True)
@FUZZ
@given(data=st.data())
def test_json_whose_checksum_was_computed_anew_is_accepted_only_if_it_fits(
    target: Target, data: st.DataObject
) -> None:
    whole = target.path.read_bytes()
    lines = whole.splitlines(keepends=True) if target.path.suffix == ".part" else [whole]
    at = data.draw(st.integers(0, len(lines) - 1))
    record = json.loads(lines[at])
    before = json.loads(lines[at - 1])["sha256"] if at else ""
    del record["sha256"]
    lines[at] = seal_json(json.dumps(changed(data, record) or {"a": 1}), before).encode()
    target.path.write_bytes(b"".join(lines))
    try:
        outcome = outcome_of(target, "")
        other_runs = outcome.startswith("raised AssertionError('a run with other numbers")
        assert outcome in ("refused", "other numbers") or other_runs
    finally:
        target.path.write_bytes(whole)


ARRAYS = st.sampled_from([
    np.ones(3), np.ones((2, 2)), np.zeros(0), np.array(0), np.array("{}"), np.array(["a", "b"]),
    np.full(9, np.nan), np.ones(9, "f"), np.ones(9, ">f8"), np.ones(2, complex),
    np.array([True]), np.array("[1, 2"), np.zeros(5, "M8[s]"), np.array(b"bytes"),
    np.zeros(2, [("a", "f8")]),
])  # fmt: skip


@pytest.mark.parametrize("target", ARCHIVES, indirect=True)
@FUZZ
@given(data=st.data())
def test_archives_whose_checksum_was_computed_anew_are_accepted_only_if_they_fit(
    target: Target, data: st.DataObject
) -> None:
    whole = target.path.read_bytes()
    arrays, holds = read_arrays(target.path, "a saved model")
    name = data.draw(st.sampled_from(sorted(arrays)))
    array = arrays.pop(name)
    if array.dtype.kind == "U" and array.shape == () and data.draw(st.integers(0, 3)):
        arrays[name] = np.array(json.dumps(changed(data, json.loads(str(array)))))
    elif array.dtype.kind in "if" and array.size and data.draw(st.booleans()):
        arrays[name] = array.copy()
        arrays[name].flat[0] = data.draw(st.sampled_from([0, -1, 2**60]))
    elif data.draw(st.integers(0, 3)):
        arrays[name] = data.draw(ARRAYS)
    write_arrays(target.path, str(holds), arrays)
    try:
        outcome = outcome_of(target, "")
        assert outcome in ("refused", "other numbers") or outcome.startswith("another: ")
    finally:
        target.path.write_bytes(whole)


# -- faults of the system ------------------------------------------------------------------------


class Faults:
    """Functions of `os` of which the call number `at`, of all, raises an error."""

    names = ("fsync", "replace", "open", "write", "unlink")

    def __init__(self, patched: pytest.MonkeyPatch, at: int, number: int) -> None:
        self.left, self.raised = at, ""
        for name in self.names:
            patched.setattr(os, name, self.faulty(name, getattr(os, name), number))

    def faulty(self, name: str, real: Callable[..., Any], number: int) -> Callable[..., Any]:
        def call(*arguments: Any, **named: Any) -> Any:
            self.left -= 1
            if self.left == -1:
                self.raised = name
                raise OSError(number, os.strerror(number))
            return real(*arguments, **named)

        return call


def writers(folder: Path) -> dict[str, tuple[Path, Callable[[], None], Callable[[], Any]]]:
    """Return for each format its file, what writes it and what reads it."""
    model, run = nn.mlp(2, 2, 1, seed=0), trainer()
    history = History.from_columns({"epoch": [0, 1], "train_loss": [0.5, 0.25]})
    paths = [folder / name for name in ("a.npz", "b.npz", "a.json", "a.csv")]
    return {
        "model": (paths[0], lambda: save_model(model, paths[0]), lambda: load_model(paths[0])),
        "run": (paths[1], lambda: save_run(run, paths[1]), lambda: load_model(paths[1])),
        "json": (paths[2], lambda: history.to_json(paths[2]) and None,
                 lambda: History.from_json(paths[2])),
        "csv": (paths[3], lambda: history.to_csv(paths[3]), lambda: History.from_csv(paths[3])),
    }  # fmt: skip


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO, errno.EINTR])
@pytest.mark.parametrize("name", ["model", "run", "json", "csv"])
def test_a_fault_at_any_call_leaves_a_whole_file_and_no_other(
    name: str, number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, write, read = writers(tmp_path)[name]
    write()
    tried: list[str] = []
    for at in range(20):
        with monkeypatch.context() as patched:
            faults = Faults(patched, at, number)
            try:
                write()
                raised: Exception | None = None
            except FileError as error:
                raised = error
        if not faults.raised:
            break
        tried.append(faults.raised)
        assert str(path) in str(raised)
        read()
        assert list(tmp_path.iterdir()) == [path]
    assert {"fsync", "replace", "open"} <= set(tried)


@pytest.mark.parametrize("target", NAMES, indirect=True)
@pytest.mark.parametrize("number", [errno.EIO, errno.EACCES])
def test_a_file_that_cannot_be_read_is_told(
    target: Target, number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreadable(*arguments: Any, **named: Any) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "open", unreadable)
    with pytest.raises(DataError, match=f"cannot .*{re.escape(os.strerror(number))}"):
        target.read()
