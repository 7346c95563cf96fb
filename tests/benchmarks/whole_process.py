"""Wall time of a whole process: ``minidl train``, beside scripts of scikit-learn and PyTorch.

    python tests/benchmarks/whole_process.py

From the start of Python to its end, processes taking turns; processor time is shown beside it. The
scripts are in scripts/ and do no more than minidl does. The first round compiles all modules, as an
installer does: without compiled modules, importing minidl takes 40 % longer.
"""

from __future__ import annotations

import importlib.util
import os
import re
import resource
import shlex
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import command
import report
from report import Target
from timing import Times, interleave, wall

SCRIPTS = Path(__file__).parent / "scripts"
TRAIN = (
    "minidl train --dataset moons --optimizer nag --lr 0.1 --momentum 0.9 --hidden 16,16"
    " --activation tanh --epochs 100 --batch-size 32 --seed 0 --quiet"
)
TRAINED = {
    "minidl": ["-m", *shlex.split(TRAIN)],
    "scikit-learn": [str(SCRIPTS / "train_scikit_learn.py")],
    "torch": [str(SCRIPTS / "train_torch.py")],
}
IMPORTED = {
    "python": ["-c", "pass"],
    "numpy": ["-c", "import numpy"],
    "minidl": ["-c", "import minidl"],
}
PACKAGES = {"scikit-learn": "sklearn", "torch": "torch"}


class Process:
    """A contestant in a separate process; `compiled` is the folder of its compiled modules."""

    def __init__(self, arguments: list[str], compiled: str) -> None:
        self.command = [sys.executable, *arguments]
        self.environment = {**os.environ, "PYTHONPYCACHEPREFIX": compiled}
        self.environment.pop("PYTHONDONTWRITEBYTECODE", None)
        self.printed = ""
        self.cpu: list[float] = []  # seconds

    def prepare(self, number: int) -> Callable[[], int]:
        """Return a function that runs the process to its end."""

        def run() -> int:
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            done = subprocess.run(
                self.command, env=self.environment, capture_output=True, text=True, check=True
            )
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            self.printed = done.stdout
            self.cpu.append(after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime)
            return 1

        return run

    def loss(self) -> float:
        """Return the first loss that was printed, the training loss."""
        match = re.search(r"loss (\d+\.\d+)", self.printed)
        return float(match[1]) if match else float("nan")


def timed(commands: dict[str, list[str]], settings: command.Settings) -> Any:
    """Return the times of the commands that can run, and the rows of the table."""
    missing = [
        name for name in commands if not importlib.util.find_spec(PACKAGES.get(name, "numpy"))
    ]
    with tempfile.TemporaryDirectory() as folder:
        processes = {n: Process(commands[n], folder) for n in commands if n not in missing}
        times, losses = interleave(processes, settings.repeats, settings.generator, wall)
    against = [name for name in processes if name != "minidl"]
    rows = report.figures(times, against, 1e3)
    for name, process in processes.items():
        cpu = 1e3 * statistics.median(process.cpu[1:])
        rows[name].update(cpu=cpu, loss=losses[name][0], remark=f"processor {cpu:.0f} ms")
    return times, {"unit": "ms", "contestants": rows, "missing": missing}


def train(settings: command.Settings) -> dict[str, Any]:
    """Train on moons, 100 epochs."""
    times, result = timed(TRAINED, settings)
    for name, row in result["contestants"].items():
        if not row["loss"] < 0.2:
            raise AssertionError(f"{name} has not learned the moons: its loss is {row['loss']}")
        row["remark"] += f", loss {row['loss']:.4f}"
    targets = [Target(to, 0.5) for to in PACKAGES]
    return {**result, "targets": report.verdicts(times, targets)}


def imports(settings: command.Settings) -> dict[str, Any]:
    """Import minidl, and NumPy alone; the target is for the time added to bare Python."""
    times, result = timed(IMPORTED, settings)
    for row in result["contestants"].values():
        del row["loss"]
    bare = times["python"]
    net: Times = {
        f"{name} without Python": [a - b for a, b in zip(times[name], bare, strict=True)]
        for name in ("minidl", "numpy")
    }
    target = Target("numpy without Python", 1.3, name="minidl without Python")
    return {**result, "targets": report.verdicts(net, [target])}


CASES = {"moons, 100 epochs": train, "imports": imports}

if __name__ == "__main__":
    sys.exit(command.main("Time of a whole process.", CASES, report.table))
