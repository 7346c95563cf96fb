"""Things that happen between epochs. Each is a class with hooks; the base does nothing.

Callbacks are called in the order of their list. After epoch 0 (the measurement before training)
and after each epoch, ``on_epoch_end`` sees the new row of the history; the model then holds the
optimizer's iterate.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from minidl.autograd import Array
from minidl.checks import check_count, refuse_class
from minidl.errors import ArgumentError

if TYPE_CHECKING:
    from minidl.training.trainer import Trainer

__all__ = ["CSVLog", "Callback", "EarlyStopping", "LearningRateSchedule", "StopAtTarget"]


class Callback:
    """The base: hooks that do nothing. ``trainer.stop("why")`` ends the run after the epoch.

    What hooks may read of the trainer: ``epoch`` (completed), ``samples`` (rows seen), ``seconds``
    (of training alone), ``history``, ``seed``, ``model``, ``loss``, ``optimizer`` (``step_count``,
    ``gradient_evaluations``, ``state``), ``batch_size``, ``objective``, and
    ``model.parameters.grad``, the gradient of the last batch. ``model.parameters.value`` is the
    optimizer's iterate, in every hook.

    What they may change, from the next epoch on: hyperparameters (``trainer.optimizer.lr = 0.01``;
    not the momentum of a running ReformulatedNAG), weights (``trainer.model.parameters.set(w)``, or
    in place), and vectors of ``optimizer.state`` in place. In ``train_replicas`` a network stays
    with the others then. After any other change it goes on alone: of ``batch_size``, ``shuffle``,
    ``optimizer``, ``objective.penalty.strength``, a rate of dropout, or of what is trained
    (``requires_grad``). The history and the counts are the trainer's own; and it does not look at
    ``loss`` and ``callbacks`` again while it trains.

    Examples
    --------
    Half the learning rate whenever the loss has grown:

    >>> class Halving(Callback):
    ...     def on_epoch_end(self, trainer, record):
    ...         losses = trainer.history["train_loss"]
    ...         if len(losses) > 1 and losses[-1] > losses[-2]:
    ...             trainer.optimizer.lr = trainer.optimizer.lr / 2
    >>> from minidl import Trainer, nn, optim
    >>> X = np.linspace(-1, 1, 50)[:, None]
    >>> trainer = Trainer(
    ...     nn.mlp(1, 8, 1, seed=0), "mse", optimizer=optim.Momentum(0.5), seed=0,
    ...     callbacks=[Halving()])
    >>> history = trainer.fit(X, np.sin(3 * X), epochs=20)
    >>> bool(trainer.optimizer.lr < 0.5)
    True
    """

    def on_fit_begin(self, trainer: Trainer, epochs: int) -> None:
        """Run before anything else; `epochs` is the number of the last epoch to come."""

    def on_epoch_begin(self, trainer: Trainer, epoch: int) -> None:
        """Run before an epoch; the first is 1."""

    def on_epoch_end(self, trainer: Trainer, record: Mapping[str, float]) -> None:
        """Run after a measured epoch, 0 included, with its row of the history."""

    def on_fit_end(self, trainer: Trainer) -> None:
        """Run when the run is over, for whatever reason."""


def check_callbacks(callbacks: Iterable[Callback]) -> list[Callback]:
    """Return the callbacks as a list, or raise :class:`ArgumentError`."""
    hooks: list[Any] = list(callbacks) if isinstance(callbacks, Iterable) else [None]
    for hook in [callbacks, *hooks]:
        refuse_class("callbacks", hook, Callback)
    for hook in hooks:
        if not isinstance(hook, Callback):
            raise ArgumentError(
                "callbacks cannot be used",
                received=repr(callbacks if hook is None else hook),
                expected="a list of callbacks, such as [EarlyStopping()]",
            )
    return hooks


class StopAtTarget(Callback):
    """Stop as soon as a loss or an accuracy has been reached.

    Parameters
    ----------
    loss, accuracy : float
        One of them.
    on : {"train", "validation"}, default "train"
        Which rows are judged.
    sustained : int, default 1
        For how many epochs in a row it must hold.

    Raises
    ------
    ArgumentError
        Neither or both targets are given, or one is out of range.
    """

    def __init__(
        self,
        loss: float | None = None,
        *,
        accuracy: float | None = None,
        on: str = "train",
        sustained: int = 1,
    ) -> None:
        if (loss is None) == (accuracy is None):
            raise ArgumentError("a target is a loss or an accuracy, one of the two")
        if loss is not None and not math.isfinite(loss):
            raise ArgumentError("loss cannot be used", received=loss, expected="a finite number")
        if accuracy is not None and not 0 <= accuracy <= 1:
            raise ArgumentError("accuracy cannot be used", received=accuracy, expected="0 to 1")
        if on not in ("train", "validation"):
            raise ArgumentError("on", received=repr(on), expected='"train" or "validation"')
        self.loss, self.accuracy, self.on = loss, accuracy, on
        self.sustained = check_count("sustained", sustained)

    def on_epoch_end(self, trainer: Trainer, record: Mapping[str, float]) -> None:
        """Stop if the last rows reach the target."""
        column = f"{self.on}_{'loss' if self.loss is not None else 'accuracy'}"
        values = trainer.history[column][-self.sustained :]
        holds = values <= self.loss if self.loss is not None else values >= self.accuracy
        if len(values) == self.sustained and bool(np.all(holds)):
            trainer.stop("target")


class EarlyStopping(Callback):
    """Stop when a column has not improved for a while, and go back to the best weights.

    Parameters
    ----------
    monitor : str, default "validation_loss"
        A column of the history; a column with "accuracy" in its name is better when larger.
    patience : int, default 10
        The run ends at this many measured epochs in a row without improvement, as in Keras.
    min_delta : float, default 0.0
        What counts as an improvement.
    restore_best : bool, default True
        Whether the model gets back its best weights at the end.
    """

    def __init__(
        self,
        monitor: str = "validation_loss",
        *,
        patience: int = 10,
        min_delta: float = 0.0,
        restore_best: bool = True,
    ) -> None:
        if not 0 <= min_delta < math.inf:
            raise ArgumentError("min_delta cannot be used", received=min_delta, expected=">= 0")
        self.monitor = monitor
        self.patience = check_count("patience", patience)
        self.min_delta = min_delta
        self.restore_best = restore_best
        self.best = math.inf
        self.best_epoch = -1
        self.waited = 0
        self.weights: Array | None = None

    def on_fit_begin(self, trainer: Trainer, epochs: int) -> None:
        """Forget earlier runs."""
        self.best, self.best_epoch, self.waited, self.weights = math.inf, -1, 0, None

    def on_epoch_end(self, trainer: Trainer, record: Mapping[str, float]) -> None:
        """Remember the weights if they are the best so far; otherwise lose patience."""
        if self.monitor not in record:
            raise ArgumentError(
                f"EarlyStopping monitors {self.monitor!r}, which is not recorded",
                expected=", ".join(record),
                hint="Give fit() validation rows, or monitor 'train_loss'.",
            )
        sign = -1.0 if "accuracy" in self.monitor else 1.0
        value = sign * record[self.monitor]
        if math.isnan(value) and record["epoch"] == 0:
            return  # running_loss and gradient_norm begin with epoch 1
        if value < self.best - self.min_delta:
            self.best, self.best_epoch, self.waited = value, int(record["epoch"]), 0
            self.weights = trainer.model.parameters.value.copy()
            return
        self.waited += 1
        if self.waited >= self.patience:
            trainer.stop("early stopping")

    def on_fit_end(self, trainer: Trainer) -> None:
        """Give the model its best weights."""
        if self.restore_best and self.weights is not None:
            trainer.model.parameters.set(self.weights)
        self.weights = None


class LearningRateSchedule(Callback):
    """Set the learning rate before each epoch.

    Parameters
    ----------
    rate : callable
        Epoch (1, 2, ...) -> learning rate. For a rate that changes with each step, give the
        schedule to the optimizer instead.
    """

    def __init__(self, rate: Callable[[int], float]) -> None:
        self.rate = rate

    def on_epoch_begin(self, trainer: Trainer, epoch: int) -> None:
        """Set the rate of this epoch."""
        trainer.optimizer.lr = self.rate(epoch)  # type: ignore[attr-defined]


class CSVLog(Callback):
    """Write each row of the history to a CSV file as soon as it is known.

    Parameters
    ----------
    path : str or Path
        The file; overwritten at the start of a run.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._started = False

    def on_fit_begin(self, trainer: Trainer, epochs: int) -> None:
        """Begin a new file, with the rows there already are."""
        self._started = False

    def on_epoch_end(self, trainer: Trainer, record: Mapping[str, Any]) -> None:
        """Write the row and close the file, so that a crash loses nothing."""
        if not self._started:
            trainer.history.to_csv(self.path)
            self._started = True
            return
        with self.path.open("a", newline="", encoding="utf-8") as file:
            csv.writer(file).writerow(map(repr, record.values()))
