"""A sample of each kind of attack, with fixed seeds: `python tests/attack` makes it in full."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from run_attack import attack, parts
from tally import Effort

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


@pytest.mark.parametrize("name", chosen())
def test_a_sample_of_the_attack_is_handled(name: str) -> None:
    tally = attack(name, Effort(quick=True, seed=0))
    assert tally.problems == []
    assert tally.tried > 0
    assert tally.failed == 0
