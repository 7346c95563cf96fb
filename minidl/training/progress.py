"""Callbacks that show a run while it trains, on standard error or in a CSV file."""

import contextlib
import math
import sys
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, TextIO

from minidl.checks import check_count
from minidl.errors import invalid
from minidl.files import Identity, append_to, check_path, identity_of
from minidl.training.bar import Bar, has_widgets
from minidl.training.callbacks import Callback
from minidl.training.trainer import Trainer

DIGITS = {"train_loss": 5, "train_accuracy": 4, "validation_loss": 5, "validation_accuracy": 4}


class Progress(Callback):
    """Show the progress of training: a bar on a terminal or in a notebook, else plain lines.

    A stream that is closed or full does not end the run.

    Parameters
    ----------
    file : text stream, optional
        Standard error by default.
    lines : int, default 10
        The largest number of plain lines, besides those of epoch 0 and of the last epoch.
    """

    _checks: ClassVar = {"lines": partial(check_count, "lines")}

    def __init__(self, file: TextIO | None = None, *, lines: int = 10) -> None:
        if file is not None and not hasattr(file, "write"):
            raise invalid("file", file, "an open file, such as sys.stdout, or None")
        self.file = file
        self.lines = check_count("lines", lines)
        self._bar: Bar | None = None
        self._pending: Mapping[str, float] | None = None  # a row that has not been printed

    def on_fit_begin(self, trainer: Trainer, epochs: int) -> None:
        """Begin the bar, or choose how often to print a line."""
        file = self.file or sys.stderr
        self._last = epochs
        self._every = max(1, math.ceil((epochs - trainer.epoch) / self.lines))
        with contextlib.suppress(OSError, ValueError, AttributeError):  # of None, a closed one
            if file.isatty() or (self.file is None and has_widgets()):
                self._bar = Bar(total=epochs, initial=trainer.epoch, unit="epoch", file=file)

    def on_epoch_end(self, trainer: Trainer, record: Mapping[str, float]) -> None:
        """Advance the bar, or print a line when it is time for one."""
        epoch = int(record["epoch"])
        if self._bar is not None:
            self._bar.change(partial(_advance, epoch, record["train_loss"]))
        else:
            self._pending = record
            if epoch % self._every == 0 or epoch == self._last:
                self._print()

    def on_fit_end(self, trainer: Trainer) -> None:
        """Close the bar, or print the last epoch."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None
        self._print()

    def state_dict(self) -> dict[str, Any]:
        """Return nothing: what was shown is not part of a run."""
        return {}

    def _print(self) -> None:
        """Print a pending row, such as ``epoch 3  train_loss 0.25000  train_accuracy 0.9000``."""
        if (row := self._pending) is not None:
            numbers = [f"{n} {row[n]:.{digits}f}" for n, digits in DIGITS.items() if n in row]
            with contextlib.suppress(OSError, ValueError):
                text = "  ".join([f"epoch {int(row['epoch'])}", *numbers])
                print(text, file=self.file or sys.stderr)
            self._pending = None


def _advance(epoch: int, loss: float, bar: Any) -> None:
    """Move a bar to an epoch, and show its loss."""
    bar.update(epoch - bar.n)
    bar.set_postfix_str(f"loss {loss:.4f}")


class CSVLog(Callback):
    """Write each row of the history to a CSV file as soon as it is known.

    The file is replaced when a run starts, with the rows of earlier calls of fit. If another
    program has written it since, it is replaced again, so it never mixes the rows of two runs.
    """

    def __init__(self, path: str | Path) -> None:
        check_path(path)
        self.path = Path(path)
        self._left: Identity | None = None  # the file as this run has left it

    def on_fit_begin(self, trainer: Trainer, epochs: int) -> None:
        """Start a new file at the next row."""
        self._left = None

    def on_epoch_end(self, trainer: Trainer, record: Mapping[str, float]) -> None:
        """Write the row and close the file, so that a crash loses nothing."""
        if self._left is not None:
            line = ",".join(map(repr, record.values())) + "\r\n"
            self._left = append_to(self.path, line.encode(), self._left)
        if self._left is None:
            trainer.history.to_csv(self.path)
            self._left = identity_of(self.path)

    def state_dict(self) -> dict[str, Any]:
        """Return nothing: the file is written anew when the run continues."""
        return {}
