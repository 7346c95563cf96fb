"""Learning rates that follow the length of a run, or its losses."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import partial
from typing import Any, ClassVar

from minidl.checks import check_count, check_number
from minidl.errors import ArgumentError, invalid, name_hint
from minidl.optim.named import PLATEAU, SCHEDULES, named_schedule
from minidl.training.callbacks import Callback
from minidl.training.data import rows_per_batch
from minidl.training.stopping import VALUE, count


class ReduceOnPlateau(Callback):
    """Multiply the learning rate by `factor` when a column of the history has stopped improving.

    Parameters
    ----------
    monitor : str, default "validation_loss"
        A column of the history. A column with "accuracy" in its name should increase, any other
        decrease.
    factor : float, default 0.1
        In (0, 1).
    patience : int, default 10
        Measured epochs in a row without improvement after which the rate falls.
    min_delta : float, default 1e-4
        An improvement must be larger than this.
    cooldown : int, default 0
        Measured epochs that do not count, the first of which is that of the fall: 0 and 1 are the
        same.
    min_lr : float, default 0.0
        The rate falls no further.

    Attributes
    ----------
    best : float
        The best value so far; of an accuracy, its negative.
    waited : int
        Measured epochs since then that count.

    Notes
    -----
    As Keras's ``ReduceLROnPlateau``, whose cooldown counts the epoch of the fall, too. PyTorch's
    waits one epoch more: its ``patience=9`` is 10 here, and its ``cooldown=2`` is 3; its threshold
    is by default a share (``threshold_mode="rel"``). A learning rate that is a schedule is an
    ArgumentError. The rate and what was observed are saved with the run.

    Examples
    --------
    >>> from minidl import Trainer, datasets, nn
    >>> data = datasets.load("moons", n=200, seed=0)
    >>> slower = ReduceOnPlateau("train_loss", factor=0.5, patience=3)
    >>> trainer = Trainer(nn.mlp(2, 8, 1, seed=0), "bce", "nag", lr=1.0, seed=0)
    >>> _ = trainer.fit(data.X_train, data.y_train, epochs=60, callbacks=[slower])
    >>> trainer.optimizer.lr < 1
    True
    """

    state_form: ClassVar = {"best": VALUE, "waited": count(), "resting": count()}
    _checks: ClassVar = {
        "patience": partial(check_count, "patience"),
        "cooldown": lambda value: check_count("cooldown", value, 0),
        "factor": lambda value: check_number("factor", value, lambda f: 0 < f < 1, "in (0, 1)"),
        "min_delta": lambda value: _not_negative("min_delta", value),
        "min_lr": lambda value: _not_negative("min_lr", value),
    }

    def __init__(
        self,
        monitor: str = "validation_loss",
        *,
        factor: float = 0.1,
        patience: int = 10,
        min_delta: float = 1e-4,
        cooldown: int = 0,
        min_lr: float = 0.0,
    ) -> None:
        if not isinstance(monitor, str):
            hint = "The factor has a name: ReduceOnPlateau(factor=0.5)."
            raise invalid("monitor", monitor, "a column of the history", hint)
        self.monitor, self.factor, self.patience = monitor, factor, patience
        self.min_delta, self.cooldown, self.min_lr = min_delta, cooldown, min_lr
        self.best, self.waited, self.resting = math.inf, 0, 0

    def state_dict(self) -> dict[str, Any]:
        """Return what was observed, without the settings."""
        return {name: vars(self)[name] for name in ("best", "waited", "resting")}

    def on_fit_begin(self, trainer: Any, epochs: int) -> None:
        """Check the optimizer, and start over in a new run."""
        if not isinstance(getattr(trainer.optimizer, "hyperparameters", {}).get("lr"), float):
            problem = "ReduceOnPlateau needs an optimizer with one number as lr, not a schedule"
            raise ArgumentError(problem, received=repr(trainer.optimizer))
        if not len(trainer.history):
            self.best, self.waited, self.resting = math.inf, 0, 0

    def on_epoch_end(self, trainer: Any, record: Mapping[str, float]) -> None:
        """Count the epochs without improvement; after `patience`, lower the rate."""
        if self.monitor not in record:
            problem = f"ReduceOnPlateau monitors {self.monitor!r}, which is not recorded"
            hint = name_hint("column", self.monitor.strip().lower(), list(record))
            raise ArgumentError(problem, expected=", ".join(record), hint=hint)
        value = record[self.monitor] * (-1.0 if "accuracy" in self.monitor else 1.0)
        if record["epoch"] == 0:  # before training, which Keras and PyTorch do not measure
            return
        if self.resting:
            self.resting -= 1
        if value < self.best - self.min_delta:
            self.best, self.waited = value, 0
        elif not self.resting:
            self.waited += 1
            if self.waited >= self.patience:
                lr = trainer.optimizer.lr
                trainer.optimizer.lr = min(lr, max(lr * self.factor, self.min_lr))
                self.resting, self.waited = self.cooldown, 0


def check_schedule(name: str | None) -> tuple[str | None, list[Callback]]:
    """Return the name of a schedule as registered, and the callbacks that it needs."""
    known = None if name is None else SCHEDULES.canonical(name)
    return known, [ReduceOnPlateau("train_loss")] if known == PLATEAU else []


def _not_negative(name: str, value: float) -> float:
    return check_number(name, value, lambda x: 0 <= x < math.inf, "a finite number >= 0")


def begin_schedule(trainer: Any, n: int, last: int) -> None:
    """Give the optimizer the schedule that a Trainer names, over the epochs of its first fit."""
    if trainer.schedule in (None, PLATEAU) or trainer.scheduled or last < 1:
        return
    if trainer.schedule_epochs is None:
        trainer.schedule_epochs = last
    lr = trainer.optimizer.hyperparameters.get("lr")
    if not isinstance(lr, float):
        problem = f'schedule="{trainer.schedule}" needs one number as the learning rate'
        raise ArgumentError(problem, received=repr(trainer.optimizer))
    updates = math.ceil(n / rows_per_batch(trainer.batch_size, n))
    steps = trainer.schedule_epochs * updates
    trainer.optimizer.hyperparameters["lr"] = named_schedule(trainer.schedule, lr, steps)
    trainer.scheduled = True
