"""Wrong command lines: each must be answered by one message, and do nothing else.

    python tests/attack/bad_commands.py             # the table, and how many were handled
    python tests/attack/bad_commands.py --slowest 9

A line of bad_commands.txt is the exit code, what is typed after ``minidl``, and a part of the
message. Commands run in this process, in a folder with the files that :func:`fill` makes. A
command that begins to train, prints a result, writes a file, takes memory or ends by an exception
has failed.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import shlex
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple
from unittest.mock import patch

from minidl.cli import main

TABLE = Path(__file__).with_suffix(".txt")
MACHINE = 8 * 10**9  # bytes that it is said to have, so that messages do not depend on it
MEMORY = 64 * 2**20  # bytes that a refused command may take
ROWS = "a,b,y\n" + "".join(f"{k},{k * 7 % 5},{k % 2}\n" for k in range(1, 41))
TRAIN = ["train", "--dataset", "r.csv", "--lr", "0.1", "--epochs", "2", "--quiet"]


class Row(NamedTuple):
    """A command, and how it must end."""

    code: int
    typed: str
    said: str


class Outcome(NamedTuple):
    """How a command ended; `wrong` is what should not be, or empty."""

    row: Row
    seconds: float
    message: str
    wrong: str


def rows() -> list[Row]:
    """Return the table."""
    lines = TABLE.read_text(encoding="utf-8").splitlines()
    cells = [[cell.strip() for cell in line.split(" | ")] for line in lines if line]
    return [Row(int(code), typed, said) for code, typed, said in cells]


def fill(folder: Path) -> None:
    """Write the files that the commands of the table name, and import what they may need."""
    import sklearn.datasets  # noqa: F401

    import minidl.comparison  # noqa: F401

    texts = {
        "r.csv": ROWS, "r2.csv": "a,b\n1,2\n3,4\n", "one.csv": "a\n1\n", "onecol.csv": "y\n1\n2\n",
        "oneclass.csv": "a,y\n1,0\n2,0\n3,0\n4,0\n", "onerow.csv": "a,y\n1,0\n",
        "nan.csv": "a,y\nnan,0\nnan,1\nnan,0\nnan,1\n", "empty": "", "empty.csv": "",
        "bad.py": "raise SystemExit(3)\n",
    }  # fmt: skip
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
    (folder / "binary.csv").write_bytes(bytes(range(256)) * 8)
    (folder / "folder").mkdir()
    os.mkfifo(folder / "fifo")
    for task, file in (("classification", "m.npz"), ("regression", "reg.npz")):
        with contextlib.chdir(folder), contextlib.redirect_stdout(io.StringIO()):
            assert main([*TRAIN, "--task", task, "--save", file]) == 0


def attempt(row: Row) -> Outcome:
    """Run a command in the current folder, and say what is wrong with its end."""
    before, out, err = _files(), io.StringIO(), io.StringIO()
    start = time.perf_counter()
    code: object
    with (
        _guarded(),
        _memory() as taken,
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        try:
            code = main(shlex.split(row.typed))
        except SystemExit as left:
            code = left.code
        except BaseException as error:  # what this is about
            code = repr(error)
    seconds, message = time.perf_counter() - start, err.getvalue()
    said = [line for line in message.splitlines() if line.startswith("minidl")]
    faults = {
        f"exit code {code}": code != row.code,
        f"{len(said)} messages": len(said) != 1 or ": error: " not in said[0],
        "another message": row.said not in message,
        "a traceback": "Traceback" in message,
        "standard output": bool(out.getvalue()),
        "files": _files() != before,
        f"{taken[0] / 2**20:.0f} MB": taken[0] > MEMORY,
    }
    wrong = ", ".join(fault for fault, found in faults.items() if found)
    return Outcome(row, seconds, message, wrong)


def _files() -> dict[str, tuple[int, int]]:
    """Return the files of the current folder, with size and time."""
    found = {entry.name: entry.stat(follow_symlinks=False) for entry in os.scandir()}
    return {name: (stat.st_size, stat.st_mtime_ns) for name, stat in found.items()}


@contextlib.contextmanager
def _guarded() -> Iterator[None]:
    """Let training raise, and fix the memory of the machine."""

    def train(*_: object) -> None:
        raise AssertionError("it has begun to train")

    with (
        patch("minidl.training.loop.take_epoch", train),
        patch("minidl.memory.machine_memory", lambda: MACHINE),
    ):
        yield


@contextlib.contextmanager
def _memory() -> Iterator[list[int]]:
    """Yield a list that gets the bytes by which the peak of the process exceeds the start."""
    clear, taken = Path("/proc/self/clear_refs"), [0]
    with contextlib.suppress(OSError):
        clear.write_text("5")
    start = _kilobytes("VmRSS")
    yield taken
    taken[0] = 1024 * (_kilobytes("VmHWM") - start)


def _kilobytes(name: str) -> int:
    """Return a figure of the process, 0 where the system does not say it."""
    with contextlib.suppress(OSError):
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith(f"{name}:"):
                return int(line.split()[1])
    return 0


def run() -> list[Outcome]:
    """Try the whole table."""
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        fill(Path(folder))
        return [attempt(row) for row in rows()]


def report(title: str, outcomes: list[tuple[str, float, str]], slowest: int) -> int:
    """Print how many of (what, seconds, fault) were handled; return how many failed."""
    failed = [(what, fault) for what, _, fault in outcomes if fault]
    print(f"{title}: tried {len(outcomes)}, handled {len(outcomes) - len(failed)}", end="")
    print(f", failed {len(failed)}, {sum(t for _, t, _ in outcomes):.1f} s")
    for what, fault in failed:
        print(f"  failed: {what}: {fault}")
    for what, seconds, _ in sorted(outcomes, key=lambda one: -one[1])[:slowest]:
        print(f"  {seconds:6.3f} s  {what}")
    return len(failed)


if __name__ == "__main__":
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--slowest", type=int, default=5, help="how many of the slowest to show")
    slowest = options.parse_args().slowest
    typed = [(one.row.typed, one.seconds, one.wrong) for one in run()]
    sys.exit(report("command lines", typed, slowest) > 0)
