"""The same runs in other environments: the same bytes of weights, histories and comparisons.

Hash seeds, threads of BLAS, jobs, start methods of processes, python -O, locale, folder, terminal.
"""

from __future__ import annotations

import functools
import locale
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1] / "cli"))
from cli_process import environment
from tally import Effort, Part, Tally

SCRIPT = str(Path(__file__).parent / "same_run.py")
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


class Setup(NamedTuple):
    """How the runs are trained."""

    jobs: int = 1
    backend: str = "loky"
    method: str = ""  # in which multiprocessing starts processes
    flags: tuple[str, ...] = ()  # of Python
    variables: Mapping[str, str] = {}  # of the environment
    elsewhere: bool = False  # in another folder


def threads(number: int) -> dict[str, str]:
    """Return the variables that give BLAS so many threads."""
    return dict.fromkeys(THREADS, str(number))


SETUPS: dict[str, Setup] = {
    "PYTHONHASHSEED=0": Setup(variables={"PYTHONHASHSEED": "0"}),
    "PYTHONHASHSEED=1": Setup(variables={"PYTHONHASHSEED": "1"}),
    "PYTHONHASHSEED=random": Setup(variables={"PYTHONHASHSEED": "random"}),
    "two threads of BLAS": Setup(variables=threads(2)),
    "two jobs": Setup(jobs=2),
    "four jobs, two threads": Setup(jobs=4, variables=threads(2)),
    "two jobs, other hashes": Setup(
        jobs=2, variables={"PYTHONHASHSEED": "2", "COLUMNS": "40", "LC_ALL": "C"}, elsewhere=True
    ),
    "two jobs in threads": Setup(jobs=2, backend="threading"),
    "two jobs by fork": Setup(jobs=2, backend="multiprocessing", method="fork"),
    "two jobs by spawn": Setup(jobs=2, backend="multiprocessing", method="spawn"),
    "two jobs by forkserver": Setup(jobs=2, backend="multiprocessing", method="forkserver"),
    "python -O": Setup(flags=("-O",)),
    "python -X dev": Setup(flags=("-X", "dev")),
    "another folder": Setup(elsewhere=True),
    "LC_ALL=C": Setup(variables={"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}),
    "LC_ALL=tr_TR.UTF-8": Setup(variables={"LC_ALL": "tr_TR.UTF-8"}),
    "a terminal of 40 columns": Setup(variables={"COLUMNS": "40", "TERM": "dumb"}),
    "another time zone": Setup(variables={"TZ": "Asia/Kathmandu"}),
}

SAMPLE = ("two jobs, other hashes", "python -O")


def there(name: str) -> bool:
    """Return whether the system has the locale of a setup."""
    wanted = SETUPS[name].variables.get("LC_ALL", "C")
    before = locale.setlocale(locale.LC_ALL)
    try:
        locale.setlocale(locale.LC_ALL, wanted)
    except locale.Error:
        return False
    finally:
        locale.setlocale(locale.LC_ALL, before)
    return True


@functools.cache
def usual() -> list[str]:
    """Return the digests of the usual environment."""
    return digests(Setup())


def digests(setup: Setup) -> list[str]:
    """Return the digest of each run."""
    method = [setup.method] if setup.method else []
    command = [sys.executable, *setup.flags, SCRIPT, str(setup.jobs), setup.backend, *method]
    variables = {**threads(1), "PYTHONHASHSEED": "3", **setup.variables}
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            command, env=environment(**variables), cwd=folder if setup.elsewhere else os.getcwd(),
            capture_output=True, text=True, timeout=1200, check=False,
        )  # fmt: skip
    if done.returncode:
        return [f"exit code {done.returncode}: {done.stderr[-400:]}"]
    return done.stdout.splitlines()


def train_again(tally: Tally, effort: Effort, name: str) -> None:
    """Compare the runs of one setup with those of the usual one."""
    found, right = digests(SETUPS[name]), usual()
    for k, line in enumerate(right):
        other = found[k] if k < len(found) else "nothing"
        same = other == line and not line.startswith("exit code")
        tally.note("" if same else f"{other}, expected {line}")


PARTS: dict[str, Part] = {
    f"the same runs with {name}": partial(train_again, name=name) for name in SETUPS if there(name)
}
ONLY_IN_FULL = set(PARTS) - {f"the same runs with {name}" for name in SAMPLE}
