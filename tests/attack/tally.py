"""What the parts of the attack have in common: how much is tried, and what is counted."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import tempfile
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

SHOWN = 20  # problems of a part


class Effort(NamedTuple):
    """How much is tried: all of it, or a sample; and the seed of what is drawn."""

    quick: bool = False
    seed: int = 0

    def draw(self, part: str) -> random.Random:
        """Return the generator of a part."""
        return random.Random(f"{part} {self.seed}")


@dataclass
class Tally:
    """How often something was tried in a part of the attack, and what failed."""

    part: str
    tried: int = 0
    failed: int = 0
    problems: list[str] = field(default_factory=list)

    def note(self, problem: str = "") -> None:
        """Count one try; a problem says what was done, and what came of it."""
        self.tried += 1
        if problem:
            self.failed += 1
            if len(self.problems) < SHOWN:
                self.problems.append(problem[:500])

    def row(self) -> str:
        """Return a row of the table."""
        handled = max(0, self.tried - self.failed)
        return f"| {self.part} | {self.tried:,} | {handled:,} | {self.failed:,} |"


Part = Callable[[Tally, Effort], None]
HEAD = "| part | tried | handled | failed |\n|---|---|---|---|"


@contextlib.contextmanager
def folder() -> Iterator[Path]:
    """Give a new folder, in memory if there is one: a disk would take most of the time."""
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as made:
        yield Path(made)


class HangError(BaseException):
    """Something took too long; not an Exception, so that nothing catches it."""


@contextlib.contextmanager
def no_longer_than(seconds: int) -> Iterator[None]:
    """Raise a HangError if a block takes too long, which is not a measurement: it would hang."""

    def hang(number: int, frame: object) -> None:
        raise HangError(f"nothing after {seconds} s")

    before = signal.signal(signal.SIGALRM, hang)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def in_child(work: Callable[[], int], where: Path, log: Path | None = None) -> int:
    """Fork a process of its own group that works in a folder; return its number.

    Its exit code is what `work` returns, 99 after an exception. Both streams go to `log`.
    """
    with warnings.catch_warnings():  # of threads, which no child goes on with
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child:
        return child
    code = 99
    try:
        os.setsid()
        os.chdir(where)
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND
        stream = os.open(log or os.devnull, flags, 0o600)
        for number in (1, 2):
            os.dup2(stream, number)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_DFL)
        code = work()
    finally:
        os._exit(code)
