"""Kill `minidl train --checkpoint` and `minidl compare --out` at random instants (SIGKILL).

Each command is killed and started again until it has finished. After a kill, each file must be
whole or missing; in the end, all files must have the bytes of a run that nothing stopped, but for
seconds, nothing else may be left, and no process.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
from collections import Counter
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1] / "cli"))
from cli_process import nobody_left
from tally import Effort, Part, Tally, folder, in_child

from minidl.cli import main as minidl
from minidl.comparison import Study
from minidl.errors import MinidlError
from minidl.training import load_extra

KILLS = 216  # of the whole attack
DATA = ["train", "--rows", "120", "--epochs", "60"]
FILES = ["--quiet", "--save", "m.npz", "--json", "h.json", "--checkpoint", "r.ckpt", "--resume"]
RACE = ["compare", "--optimizers", "momentum,nag", "--lr", "0.1,0.2", "--rows", "60", "--epochs",
        "12", "--seeds", "8", "--tuning-seeds", "2", "--quiet", "--out", "race.json"]  # fmt: skip
RACES = {f"compare --jobs {jobs}": ["--jobs", str(jobs)] for jobs in (1, 2)}
COMMANDS = {
    "rate chosen, early stopping": ["--early-stopping", "4", "--dropout", "0.1"],
    "adam, dropout, cosine": ["--optimizer", "adam", "--lr", "0.01", "--dropout", "0.3",
                              "--schedule", "cosine", "--every", "3"],
    "nag-reformulated, clipped": ["--optimizer", "nag-reformulated", "--lr", "0.1",
                                  "--clip-norm", "1", "--restart", "function"],
    "plateau, decay, target": ["--optimizer", "momentum", "--lr", "0.3", "--schedule", "plateau",
                               "--weight-decay", "0.001", "--target-loss", "0.02"],
    "rprop": ["--optimizer", "rprop", "--lr", "0.01", "--batch-size", "full"],
    "stochastic, no validation": ["--batch-size", "1", "--lr", "0.01", "--test-size", "0",
                                  "--epochs", "20", "--l1", "0.001"],
    "diverges": ["--dataset", "linear", "--optimizer", "gd", "--lr", "100"],
}  # fmt: skip


def words(name: str) -> list[str]:
    """Return the words of a command."""
    return [*RACE, *RACES[name]] if name in RACES else [*DATA, *COMMANDS[name], *FILES]


def begin(place: Path, arguments: Sequence[str], log: Path | None = None) -> int:
    """Start minidl in a process that has imported it already; return its number."""
    return in_child(lambda: minidl(list(arguments)), place, log)


def results(place: Path) -> dict[str, Any]:
    """Return the content of the files of a command, without seconds."""
    found: dict[str, Any] = {}
    for path in sorted(place.iterdir()):
        if path.suffix == ".json":
            data = json.loads(path.read_bytes())
            found[path.name] = json.dumps(_timeless(data), sort_keys=True)
        else:
            found[path.name] = path.read_bytes()
    return found | {name: "there" for name in found if name == "r.ckpt"}  # it has seconds, too


def _timeless(data: Any) -> Any:
    """Return JSON data without seconds, and without the checksum over these."""
    if isinstance(data, dict):
        left_out = ("seconds", "sha256")
        return {name: _timeless(value) for name, value in data.items() if name not in left_out}
    return [_timeless(value) for value in data] if isinstance(data, list) else data


def whole(place: Path, name: str) -> tuple[dict[str, Any], float]:
    """Return what a run gives that nothing stops, and how long it takes."""
    place.mkdir()
    start = time.perf_counter()
    _, status = os.waitpid(begin(place, words(name)), 0)
    assert status == 0, name
    return results(place), time.perf_counter() - start


def damaged(place: Path) -> str:
    """Return what is wrong with the files that a killed process has left, "" if nothing is."""
    readers = {"r.ckpt": load_extra, "m.npz": load_extra, "race.json": Study.from_json}
    for name, read in readers.items():
        try:
            if (place / name).exists():
                read(place / name)
        except MinidlError as error:
            return str(error)
    return ""


def chain(place: Path, name: str, seconds: float, draw: random.Random) -> tuple[int, str]:
    """Kill and resume a command until it has finished; return the number of kills, and a problem.

    A kill may come while a file is written.
    """
    place.mkdir()
    kills = 0
    while True:
        child = begin(place, words(name))
        time.sleep(draw.uniform(0, seconds if kills < 20 else 20 * seconds))
        os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        if not nobody_left(child):
            return kills + 1, "a worker outlived its parent"
        if os.WIFEXITED(status):
            return kills, "" if os.WEXITSTATUS(status) == 0 else f"exit code {status >> 8}"
        kills += 1
        if problem := damaged(place):
            return kills, problem


def attack(name: str, kills: int, seed: int, problems: list[str] | None = None) -> Counter[str]:
    """Kill one command at least so often; return how many kills were tried, handled, failed."""
    draw, count = random.Random(f"{name} {seed}"), Counter[str]()
    with folder() as made:
        right, seconds = whole(made / "whole", name)
        while count["tried"] < kills and count["chains"] < 4 * kills:
            place = made / f"killed {count['chains']}"
            done, problem = chain(place, name, seconds, draw)
            if not problem and (other := differing(results(place), right)):
                problem = f"other bytes, or files: {other}"
            count += Counter({"chains": 1, "tried": done, "failed" if problem else "handled": done})
            if problem:
                (print if problems is None else problems.append)(f"{name}, seed {seed}: {problem}")
                count["failed"] += not done
    return count


def differing(one: dict[str, Any], other: dict[str, Any]) -> list[str]:
    """Return the names of files that only one side has, or that differ."""
    return sorted(name for name in one | other if one.get(name) != other.get(name))


def kill_and_resume(tally: Tally, effort: Effort, name: str) -> None:
    """Attack one command."""
    kills = 2 if effort.quick else -(-KILLS // len(PARTS))
    count = attack(name, kills, effort.seed, tally.problems)
    tally.tried, tally.failed = count["tried"], count["failed"]


PARTS: dict[str, Part] = {
    f"SIGKILL: {name}": partial(kill_and_resume, name=name) for name in [*COMMANDS, *RACES]
}
