"""One run of one optimizer, as plain data: what the training of a comparison leaves behind."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from minidl.training import History

__all__ = ["CURVES", "Key", "Run", "Setting"]

Floats = npt.NDArray[np.float64]
CURVES = (
    "train_loss",
    "running_loss",
    "look_ahead_loss",
    "validation_loss",
    "train_accuracy",
    "validation_accuracy",
)


class Setting(NamedTuple):
    """The hyperparameters that a comparison sets.

    Attributes
    ----------
    lr : float
        The learning rate.
    momentum : float or None
        None for a rule that has none.
    """

    lr: float
    momentum: float | None = None

    def __str__(self) -> str:
        return f"lr {self.lr:g}" + (
            "" if self.momentum is None else f", momentum {self.momentum:g}"
        )


Key = tuple[str, Setting, int]  # the name of an optimizer, its setting, a seed


@dataclass(frozen=True, eq=False)
class Run:
    """One optimizer, at one setting, with one seed.

    Attributes
    ----------
    optimizer : str
        Its name in the comparison.
    setting : Setting
        Its hyperparameters.
    seed : int
        Of the split, the initial weights and the order of rows.
    curves : dict of str to ndarray, shape (evaluations,)
        One number for epoch 0, 1, 2, ...: columns of :class:`minidl.training.History`.
    diverged_at : int or None
        The epoch in which the loss grew beyond all bounds; the curves end before it.
    updates, samples, gradient_evaluations : int
        In each epoch.
    seconds : float
        Of all its updates; a share of what the networks took that were trained together.
    """

    optimizer: str
    setting: Setting
    seed: int
    curves: Mapping[str, Floats]
    diverged_at: int | None
    updates: int
    samples: int
    gradient_evaluations: int
    seconds: float

    @property
    def key(self) -> Key:
        """What tells it from all others of the comparison."""
        return self.optimizer, self.setting, self.seed

    @property
    def epochs(self) -> int:
        """How many epochs the curves hold."""
        return len(self.curves["train_loss"]) - 1

    @property
    def initial(self) -> float:
        """The training loss before training."""
        return float(self.curves["train_loss"][0])

    @property
    def best(self) -> float:
        """The smallest training loss; infinity if it diverged, be it afterwards."""
        return math.inf if self.diverged_at is not None else float(self.curves["train_loss"].min())

    @property
    def final(self) -> float:
        """The training loss at the end of the budget; infinity if it diverged."""
        return math.inf if self.diverged_at is not None else float(self.curves["train_loss"][-1])

    @classmethod
    def of(cls, optimizer: str, setting: Setting, seed: int, history: History, n: int) -> Run:
        """Return the run that a history tells of; `n` is the number of training rows.

        Examples
        --------
        >>> history = History()
        >>> counts = {"updates": 0, "gradient_evaluations": 0, "samples": 0, "seconds": 0.0}
        >>> history.append({"epoch": 0, "train_loss": 0.7, **counts})
        >>> run = Run.of("nag", Setting(0.1, 0.9), 3, history, 750)
        >>> run.initial, run.epochs, str(run.setting)
        (0.7, 0, 'lr 0.1, momentum 0.9')
        """
        last = history.row(-1)
        epochs = max(int(last["epoch"]), 1)
        return cls(
            optimizer,
            setting,
            seed,
            {name: history[name] for name in CURVES if name in history},
            history.diverged_at,
            round(last["updates"] / epochs),
            n,
            round(last["gradient_evaluations"] / epochs),
            float(last["seconds"]),
        )

    def to_dict(self) -> dict[str, Any]:
        """Return plain data; numbers that are not finite become None, as JSON has none."""
        data = {**vars(self), "setting": list(self.setting)}
        data["curves"] = {
            name: [v if math.isfinite(v) else None for v in values.tolist()]
            for name, values in self.curves.items()
        }
        return data

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Run:
        """Return the run that :meth:`to_dict` described; None becomes nan."""
        curves = {
            name: np.array([math.nan if v is None else v for v in values], dtype=np.float64)
            for name, values in data["curves"].items()
        }
        return cls(**{**data, "setting": Setting(*data["setting"]), "curves": curves})
