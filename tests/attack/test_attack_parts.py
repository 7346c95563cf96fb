"""A sample of each kind of attack, with fixed seeds: `python tests/attack` makes it in full."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
import determinism
from run_attack import attack, parts
from tally import Effort, Tally

KINDS = {  # of parts, how their names begin, and of how many one is tried here
    "fuzzer: ": 1, "ENOSPC": 1, "SIGKILL: compare": 1, "signals: ": 3, "streams: ": 3,
    "the same runs": 1,
}  # fmt: skip
SLOW = ("--plot", "--report", "jobs 2")  # pictures and processes: in the full attack


def chosen() -> list[str]:
    """Return the names of the parts that are tried here."""
    found = []
    for start, every in KINDS.items():
        names = [n for n in parts(quick=True) if n.startswith(start)]
        found += [n for n in names if not any(word in n for word in SLOW)][::every]
    return found


@pytest.mark.unmeasured
@pytest.mark.parametrize("name", chosen())
def test_a_sample_of_the_attack_is_handled(name: str) -> None:
    tally = attack(name, Effort(quick=True, seed=0))
    assert tally.problems == []
    assert tally.tried > 0
    assert tally.failed == 0


def test_each_script_with_bad_input_is_a_part() -> None:
    scripts = {path.name for path in Path(__file__).parent.glob("bad_*.py")} - {"bad_parts.py"}
    assert scripts == {name for name in parts() if name.startswith("bad_")}


@pytest.mark.unmeasured
def test_the_attack_finds_a_writer_that_is_not_atomic(monkeypatch: pytest.MonkeyPatch) -> None:
    def opened(target: Path) -> tuple[int, Path]:
        return os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), target

    monkeypatch.setattr("minidl.files._new", opened)
    tally = attack("ENOSPC, EIO, EINTR, short writes: model", Effort())
    assert 0 < tally.failed < tally.tried
    assert "the old file is gone" in tally.problems[0]


def test_runs_that_fail_are_not_the_same_everywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("determinism.digests", lambda setup: ["exit code 1: nothing is there"])
    tally = Tally("python -O")
    determinism.usual.cache_clear()
    determinism.train_again(tally, Effort(), "python -O")
    determinism.usual.cache_clear()
    assert tally.failed == tally.tried == 1


def test_a_part_that_raises_or_tries_nothing_has_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("run_attack.parts", lambda: {"raises": lambda *_: 1 / 0, "idle": print})
    assert "ZeroDivisionError" in attack("raises", Effort()).problems[0]
    assert attack("idle", Effort()).problems == ["nothing was tried"]
