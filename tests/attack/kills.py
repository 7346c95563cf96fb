"""Kill ``minidl train --checkpoint`` at random instants, and compare the resumed run byte for byte.

    python tests/attack/kills.py             # 200 kills
    python tests/attack/kills.py --kills 60 --seed 7

Each command is killed and resumed until it has finished. Then the model must have the bytes of a
run that nothing stopped, and the history must be the same but for its seconds. The table that is
printed is that of tests/README.md.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from minidl.cli import main as minidl
from minidl.errors import MinidlError
from minidl.training import load_extra

DATA = ["--rows", "120", "--epochs", "60"]
FILES = ["--quiet", "--save", "m.npz", "--json", "h.json", "--checkpoint", "r.ckpt", "--resume"]
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


def begin(folder: Path, options: list[str]) -> int:
    """Start the command in a process that has imported minidl already; return its number."""
    child = os.fork()
    if child:
        return child
    code = 99
    try:
        os.chdir(folder)
        quiet = os.open(os.devnull, os.O_RDWR)
        os.dup2(quiet, 1)
        os.dup2(quiet, 2)
        code = minidl(["train", *DATA, *options, *FILES])
    finally:
        os._exit(code)


def results(folder: Path) -> tuple[bytes, object]:
    """Return the bytes of the model, and the history without its seconds."""
    history = json.loads((folder / "h.json").read_text(encoding="utf-8"))
    del history["history"]["columns"]["seconds"]
    return (folder / "m.npz").read_bytes(), history


def whole(folder: Path, options: list[str]) -> tuple[tuple[bytes, object], float]:
    """Return what a run gives that nothing stops, and how long it takes."""
    folder.mkdir()
    start = time.perf_counter()
    _, status = os.waitpid(begin(folder, options), 0)
    assert status == 0, options
    return results(folder), time.perf_counter() - start


def chain(folder: Path, options: list[str], seconds: float, draw: random.Random) -> tuple[int, str]:
    """Kill and resume a command until it has finished; return the number of kills, and a problem.

    A kill may come while a file is written, so after each one the files must be whole or missing.
    """
    folder.mkdir()
    kills = 0
    while True:
        child = begin(folder, options)
        time.sleep(draw.uniform(0, seconds if kills < 20 else 20 * seconds))
        os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        if os.WIFEXITED(status):
            return kills, "" if os.WEXITSTATUS(status) == 0 else f"exit code {status >> 8}"
        kills += 1
        for name in ("r.ckpt", "m.npz"):
            try:
                if (folder / name).exists():
                    load_extra(folder / name)
            except MinidlError as error:
                return kills, str(error)


def attack(name: str, kills: int, seed: int) -> Counter[str]:
    """Kill one command at least so often; return how many kills were tried, handled, failed."""
    draw, count, options = random.Random(f"{name} {seed}"), Counter[str](), COMMANDS[name]
    with tempfile.TemporaryDirectory() as made:
        right, seconds = whole(Path(made) / "whole", options)
        while count["tried"] < kills:
            folder = Path(made) / f"killed {count['chains']}"
            done, problem = chain(folder, options, seconds, draw)
            if not problem and results(folder) != right:
                problem = "other bytes"
            count += Counter({"chains": 1, "tried": done, "failed" if problem else "handled": done})
            if problem:
                print(f"{name}, seed {seed}: {problem}")
    return count


def main() -> int:
    """Attack all commands, print the figures, and return 1 if something failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=200, help="how many in all, at least")
    parser.add_argument("--seed", type=int, default=0)
    options, failed = parser.parse_args(), 0
    print("| command | runs | tried | handled | failed |")
    print("|---|---|---|---|---|")
    for name in COMMANDS:
        count = attack(name, -(-options.kills // len(COMMANDS)), options.seed)
        print(f"| {name} | {count['chains']} |", end="")
        print(f" {count['tried']} | {count['handled']} | {count['failed']} |", flush=True)
        failed += count["failed"]
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
