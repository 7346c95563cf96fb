"""One run: one optimizer, at one setting, with one seed, as plain data."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from minidl.comparison.stats.hitting import Floats
from minidl.training import History

CURVES = ("train_loss", "running_loss", "validation_loss", "train_accuracy", "validation_accuracy")


class Setting(NamedTuple):
    """The hyperparameters that a comparison sets; `momentum` is None for rules without."""

    lr: float
    momentum: float | None = None

    def __str__(self) -> str:
        words = f"lr {self.lr:g}"
        return words if self.momentum is None else f"{words}, momentum {self.momentum:g}"

    @property
    def effective(self) -> float:
        """The effective learning rate, lr / (1 - momentum)."""
        return self.lr / (1 - (self.momentum or 0.0))


Key = tuple[str, Setting, int]  # the name of an optimizer, its setting, a seed
FullKey = tuple[str, Setting, int, bool]  # and whether it is a twin


@dataclass(frozen=True, eq=False)
class Run:
    """One optimizer, at one setting, with one seed."""

    optimizer: str
    setting: Setting
    seed: int  # fixes the split, the initial weights and the order of rows
    curves: Mapping[str, Floats]  # columns of the training history, from epoch 0 on
    diverged_at: int | None  # the epoch of a divergence, before which the curves end
    updates: int  # per epoch, as the next two
    samples: int
    gradient_evaluations: int
    seconds: float  # of all epochs; networks trained together share their time equally
    twin: bool = False  # whether the initial weights were changed by 1e-12
    eager: str = ""  # why steps were eager, though others of the comparison were compiled

    @property
    def key(self) -> Key:
        """Optimizer, setting and seed; a run and its twin share them."""
        return self.optimizer, self.setting, self.seed

    @property
    def full_key(self) -> FullKey:
        """Also whether it is a twin."""
        return *self.key, self.twin

    @property
    def epochs(self) -> int:
        """Number of completed epochs."""
        return len(self.curves["train_loss"]) - 1

    @property
    def initial(self) -> float:
        """Training loss before training."""
        return float(self.curves["train_loss"][0])

    @property
    def best(self) -> float:
        """Smallest training loss; infinite if the run diverged, even afterwards."""
        return math.inf if self.diverged_at is not None else float(self.curves["train_loss"].min())

    @property
    def final(self) -> float:
        """Training loss after the last epoch; infinite if the run diverged."""
        return math.inf if self.diverged_at is not None else float(self.curves["train_loss"][-1])

    def shortened(self, budget: int) -> Run:
        """Return the run as it would have been with this budget."""
        late = self.diverged_at is not None and self.diverged_at > budget
        curves = {name: curve[: budget + 1] for name, curve in self.curves.items()}
        seconds = self.seconds * min(1.0, budget / max(self.epochs, 1))
        diverged_at = None if late else self.diverged_at
        return replace(self, curves=curves, diverged_at=diverged_at, seconds=seconds)

    def lasts(self, epochs: int) -> bool:
        """Return whether it was trained for so many epochs, or until it diverged."""
        return self.epochs >= epochs or self.diverged_at is not None

    def as_twin(self, columns: Collection[str]) -> Run:
        """Return the run as a twin that keeps these curves, as far as they were measured."""
        curves = {name: curve for name, curve in self.curves.items() if name in columns}
        return replace(self, curves=curves, twin=True)

    @classmethod
    def of(cls, optimizer: str, setting: Setting, seed: int, history: History, n: int) -> Run:
        """Return the run of a training history; `n` is the number of training rows.

        Examples
        --------
        >>> history, counts = History(), {"updates": 0, "gradient_evaluations": 0, "seconds": 0.0}
        >>> history.append({"epoch": 0, "train_loss": 0.7, **counts})
        >>> run = Run.of("nag", Setting(0.1, 0.9), 3, history, 750)
        >>> run.initial, run.epochs, str(run.setting)
        (0.7, 0, 'lr 0.1, momentum 0.9')
        """
        curves = {name: history[name] for name in CURVES if name in history}
        end = history.row(-1)
        epochs = max(int(end["epoch"]), 1)
        counts = round(end["updates"] / epochs), n, round(end["gradient_evaluations"] / epochs)
        seconds = float(end["seconds"])
        return cls(optimizer, setting, seed, curves, history.diverged_at, *counts, seconds)

    def to_dict(self) -> dict[str, Any]:
        """Return the run as JSON data; non-finite numbers become None."""
        curves = {name: values.tolist() for name, values in self.curves.items()}
        finite = {k: [v if math.isfinite(v) else None for v in c] for k, c in curves.items()}
        data = {**vars(self), "setting": list(self.setting), "curves": finite}
        return {k: v for k, v in data.items() if v or k not in ("twin", "eager")}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Run:
        """Return the run of :meth:`to_dict`; None becomes nan."""
        curves = {name: np.array(v, dtype=np.float64) for name, v in data["curves"].items()}
        return cls(**{**data, "setting": Setting(*data["setting"]), "curves": curves})
