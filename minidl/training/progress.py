"""Progress on standard error: a bar on a terminal, a plain line now and then elsewhere."""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping
from typing import Any, TextIO

from minidl.checks import check_count
from minidl.training.callbacks import Callback
from minidl.training.protocol import RunningTrainer

__all__ = ["Progress"]


class Progress(Callback):
    """Show how training goes.

    Parameters
    ----------
    file : text stream, optional
        Where to; standard error by default.
    lines : int, default 10
        How many plain lines a run gets at most when `file` is not a terminal, besides those of
        epoch 0 and of the last; every epoch if it is shorter than that.
    """

    def __init__(self, file: TextIO | None = None, *, lines: int = 10) -> None:
        self.file = file
        self.lines = check_count("lines", lines)
        self._bar: Any = None
        self._every = 1
        self._last = 0
        self._unsaid: str | None = None

    def on_fit_begin(self, trainer: RunningTrainer, epochs: int) -> None:
        """Begin the bar, or choose how often to print a line."""
        file = self.file or sys.stderr
        self._last = epochs
        self._every = max(1, math.ceil((epochs - trainer.epoch) / self.lines))
        if file.isatty():
            from tqdm.auto import tqdm

            self._bar = tqdm(total=epochs, initial=trainer.epoch, unit="epoch", file=file)

    def on_epoch_end(self, trainer: RunningTrainer, record: Mapping[str, float]) -> None:
        """Move the bar, or print a line when it is time for one."""
        epoch = int(record["epoch"])
        if self._bar is not None:
            self._bar.update(epoch - self._bar.n)
            self._bar.set_postfix_str(f"loss {record['train_loss']:.4f}")
            return
        self._unsaid = line(record)
        if epoch % self._every == 0 or epoch == self._last:
            self._say()

    def on_fit_end(self, trainer: RunningTrainer) -> None:
        """Close the bar, or print the last epoch if it has not been."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None
        self._say()

    def _say(self) -> None:
        if self._unsaid is not None:
            print(self._unsaid, file=self.file or sys.stderr)
            self._unsaid = None


def line(record: Mapping[str, float]) -> str:
    """Return one row of a history as a line of text.

    Examples
    --------
    >>> line({"epoch": 3, "train_loss": 0.25, "train_accuracy": 0.9, "seconds": 0.1})
    'epoch 3  train_loss 0.25000  train_accuracy 0.9000'
    """
    parts = [f"epoch {int(record['epoch'])}"]
    for name, value in record.items():
        if name in ("train_loss", "validation_loss"):
            parts.append(f"{name} {value:.5f}")
        elif "accuracy" in name:
            parts.append(f"{name} {value:.4f}")
    return "  ".join(parts)
