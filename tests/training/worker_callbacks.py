"""What tests send to worker processes; these start faster if they need not import pytest."""

from __future__ import annotations

import os
import signal
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import threadpool_info

from minidl import Trainer, nn
from minidl.training import Callback


class Threads(Callback):
    """Says in which process it was, and with how many threads of a BLAS."""

    process = 0
    threads = 0

    def on_epoch_end(self, trainer: Trainer, record: Any) -> None:
        self.process = os.getpid()
        self.threads = max(one["num_threads"] for one in threadpool_info() if is_blas(one))


def is_blas(one: dict[str, Any]) -> bool:
    return bool(one["user_api"] == "blas")


class Locked(Callback):
    def __init__(self, when: str) -> None:
        self.when = when
        self.lock: Any = threading.Lock() if when == "there" else None

    def on_fit_end(self, trainer: Trainer) -> None:
        self.lock = threading.Lock()


class Dying(Callback):
    """Ends its process in seed 2's second epoch; only once if `times` is 1."""

    def __init__(self, folder: Path, times: int, seed: int = 2, wait: float = 1.0) -> None:
        self.folder, self.times, self.seed, self.wait = folder, times, seed, wait

    def on_fit_begin(self, trainer: Trainer, epochs: int) -> None:
        with (self.folder / f"began-{trainer.seed}").open("a") as file:
            file.write("x")

    def on_epoch_end(self, trainer: Trainer, record: Any) -> None:
        if trainer.seed == self.seed and record["epoch"] == 2:
            began = len((self.folder / f"began-{trainer.seed}").read_text())
            if began == 1:
                time.sleep(self.wait)  # so that others are finished
            if began <= self.times:
                os._exit(1)


class Meeting(Callback):
    """Makes seeds 10 and 11 wait for each other, and all but seed 0 slow."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.met = False

    def on_epoch_begin(self, trainer: Trainer, epoch: int) -> None:
        time.sleep(0.1 * (trainer.seed != 0))
        if trainer.seed >= 10 and epoch == 1:
            (self.folder / f"here-{trainer.seed}").touch()
            other = self.folder / f"here-{21 - trainer.seed}"
            end = time.monotonic() + 60
            while not other.exists() and time.monotonic() < end:
                time.sleep(0.01)
            self.met = other.exists()


class Failing(Callback):
    def __init__(self, error: type[BaseException]) -> None:
        self.error = error

    def on_epoch_end(self, trainer: Trainer, record: Any) -> None:
        if trainer.seed == 3 and record["epoch"] == 2:
            time.sleep(0.5)
            raise self.error("broken")


class Deaf(Callback):
    """Says whether its process ignores Ctrl-C."""

    process = 0
    deaf = False

    def on_epoch_end(self, trainer: Trainer, record: Any) -> None:
        self.process = os.getpid()
        self.deaf = signal.getsignal(signal.SIGINT) == signal.SIG_IGN


class Looking(nn.Layer):
    """Remembers the file that its inputs lie in."""

    def __init__(self, seed: int) -> None:
        self.inner = nn.mlp(4, 2, 1, seed=seed)
        self.file: str | None = None
        self.whole = False

    def forward(self, x: Any, training: Any = False) -> Any:
        array: Any = x if isinstance(x, np.ndarray) else x.data
        self.whole = array.flags.c_contiguous
        while array is not None and not isinstance(array, np.memmap):
            array = getattr(array, "base", None)
        if len(x) > 1:
            self.file = str(getattr(array, "filename", None))
        return self.inner.forward(x, training)


class Where(Callback):
    """Says in which process it was, and with how many BLAS threads; may end that process."""

    def __init__(self, deadly: Path | None = None) -> None:
        self.process = self.threads = 0
        self.deadly = deadly

    def on_epoch_end(self, trainer: Trainer, record: Any) -> None:
        time.sleep(0.02)  # for the other worker to get something to do
        self.process = os.getpid()
        self.threads = max(one["num_threads"] for one in threadpool_info())
        if self.deadly is not None and trainer.seed == 2:
            with self.deadly.open("a") as file:
                file.write("x")
            os._exit(1)


def total(payload: tuple[int, bool], X: Any) -> float:
    """Return a sum, or end the process."""
    number, deadly = payload
    if deadly:
        os._exit(1)
    return number + float(X.sum())


def no_parts(payload: object) -> tuple[()]:
    return ()
