"""Damaged, foreign and hostile files: a sample of the attack that `files.py` makes in full.

Damage must be found by the checksum. Where the checksum is right, because somebody has computed it
anew, a reader must raise a DataError that names the file, or accept data that fit its schema.
"""

from __future__ import annotations

import errno
import os
import re
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parent))
from files import attack, outcome_of
from targets import Target, make_files

from minidl.errors import DataError

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
