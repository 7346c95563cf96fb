"""Time that `minidl.memory` saves, and private memory of training on a mapped file.

    python tests/benchmarks/memory.py

Two processes, with and without `minidl.memory`, take the same steps in turns. Their rows are drawn
by NumPy, because importing scikit-learn raises glibc's limit. Another process trains on a file and
reads its private memory (RssAnon, without the pages of the file).
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import threading
import types
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import command
import numpy as np
import report
from timing import interleave, stopwatch

EPOCHS = 60
LOADS = {
    "2-16-16-1, batch of 1,000": (2, 16, 16, 1),
    "64-256-256-10, batch of 64": (64, 256, 256, 10),
}
KEPT, GIVEN_BACK = "kept", "given back"
ALLOWED = 300  # MB of private memory
MAPPED = 10**7  # rows of 10 features, 0.8 GB
STATUS = Path("/proc/self/status")


def work(name: str, kept: bool) -> None:
    """Train once for each line of input, and print the seconds of a step."""
    if not kept:
        stub = types.ModuleType("minidl.memory")
        stub.keep_freed_memory = lambda: None  # type: ignore[attr-defined]
        sys.modules["minidl.memory"] = stub
    from minidl import Trainer, nn, optim

    sizes = LOADS[name]
    generator = np.random.default_rng(0)
    X = generator.normal(size=(1000 if sizes[-1] == 1 else 64, sizes[0]))
    y = generator.integers(0, max(2, sizes[-1]), len(X))
    loss = "bce" if sizes[-1] == 1 else "softmax_cross_entropy"
    trainer = Trainer(
        nn.mlp(*sizes, seed=0), loss, optimizer=optim.NAG(1e-3), batch_size="full", measure_every=0
    )

    def run() -> int:
        trainer.fit(X, y, epochs=EPOCHS)
        return EPOCHS

    for _ in sys.stdin:
        print(stopwatch(run), flush=True)


class Worker:
    """A contestant in a separate process, which measures its own time."""

    def __init__(self, *arguments: str) -> None:
        pipe = subprocess.PIPE
        argv = [sys.executable, __file__, *arguments]
        self.process = subprocess.Popen(argv, stdin=pipe, stdout=pipe, text=True)

    def prepare(self, number: int) -> Callable[[], Any]:
        return self.train

    def train(self) -> float:
        """Train once; return the seconds of a step."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return float(self.process.stdout.readline())

    def loss(self) -> float:
        return float("nan")


def freed(name: str, settings: command.Settings) -> dict[str, Any]:
    """Time both processes."""
    workers = {which: Worker(name, which) for which in (KEPT, GIVEN_BACK)}
    rounds, generator = settings.repeats, settings.generator
    times, _ = interleave(workers, rounds, generator, clock=lambda run: run())
    for worker in workers.values():
        worker.process.communicate()
    return {"unit": "us per step", "contestants": report.figures(times, [GIVEN_BACK])}


def anonymous() -> float:
    """Return the private memory of this process in MB."""
    match = re.search(r"RssAnon:\s+(\d+) kB", STATUS.read_text(encoding="utf-8"))
    return int(match[1]) / 1000 if match else float("nan")


def work_mapped(folder: str) -> None:
    """Train for an epoch; print the private memory before it and its maximum."""
    from peers import Minidl
    from scaling import mapped_rows

    seen = [anonymous()]
    done = threading.Event()

    def look() -> None:
        while not done.wait(0.01):
            seen.append(anonymous())

    watcher = threading.Thread(target=look)
    watcher.start()
    Minidl(mapped_rows(Path(folder))).prepare(0)()
    done.set()
    watcher.join()
    print(seen[0], max(seen))


def mapped(settings: command.Settings) -> dict[str, Any]:
    """Measure the memory of a process that trains on a file."""
    from scaling import write_rows

    if not STATUS.exists():
        return {"notes": ["not measured: there is no /proc/self/status"]}
    rows = MAPPED // 10 if settings.quick else MAPPED
    with tempfile.TemporaryDirectory() as folder:
        write_rows(Path(folder), rows)
        size = Path(folder, "X.npy").stat().st_size / 1e6
        argv = [sys.executable, __file__, folder]
        done = subprocess.run(argv, stdout=subprocess.PIPE, text=True, check=True)
    before, largest = map(float, done.stdout.split())
    word = "reached" if largest <= ALLOWED else "MISSED"
    note = f"{rows:,} rows, {size:.0f} MB: private memory {before:.0f} MB before, {largest:.0f} MB"
    return {
        "file_mb": size,
        "before_mb": before,
        "most_mb": largest,
        "notes": [f"{note} at most; at most {ALLOWED} MB: {word}"],
    }


CASES = {name: partial(freed, name) for name in LOADS} | {"memory-mapped file": mapped}

if __name__ == "__main__":
    if len(sys.argv) == 3 and sys.argv[1] in LOADS:
        work(sys.argv[1], sys.argv[2] == KEPT)
    elif len(sys.argv) == 2 and Path(sys.argv[1]).is_dir():
        work_mapped(sys.argv[1])
    else:
        sys.exit(command.main("Memory: what freeing costs, and mapped files.", CASES, report.table))
