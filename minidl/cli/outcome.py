"""The outcome of a training run: best epoch, kind of curves, and comparison with guessing."""

from argparse import Namespace
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from minidl.cli.classes import accuracy_by_class
from minidl.datasets import Dataset
from minidl.datasets.preparing import Floats, Targets
from minidl.text import in_words
from minidl.training import History, Trainer, diagnose
from minidl.training.epochs import number

RISES, FALLS = 1.05, 0.98  # losses that count as higher, or as lower, than another
CHEAP = 2_000_000  # parameters times rows, up to which the sharpness takes less than a second


@dataclass
class Outcome:
    """A finished run, and what it shows; `hit` is the epoch in which its target was reached."""

    trainer: Trainer
    data: Dataset
    options: Namespace
    hit: int | None

    @property
    def history(self) -> History:
        """The history, which has at least one row."""
        return self.trainer.history

    @cached_property
    def column(self) -> str:
        """The loss by which an epoch is the best: on validation rows, if there are any."""
        return "validation_loss" if "validation_loss" in self.history else "train_loss"

    @cached_property
    def best(self) -> int:
        """The epoch with the lowest loss."""
        return self.history.best(self.column)[0]

    @property
    def last(self) -> int:
        """The last epoch that was measured."""
        return int(self.history.entry("epoch", -1))

    @property
    def keeps_best(self) -> bool:
        """Whether the model has the weights of the best epoch."""
        return self.options.early_stopping is not None or self.best == self.last

    @cached_property
    def kind(self) -> str:
        """The kind of the curves: "improving", "overfitting", "unsteady" or "settled".

        The loss, on validation rows if there are any, has risen if it ends more than 5 % above its
        lowest value. If it has not, the best epoch is among the last tenth, and training and
        validation loss still fall (:func:`still_falls`), the run is improving. If it has, and the
        training loss is lower than in an earlier best epoch, the run is overfitting.
        """
        best, last, low = self.best, self.last, self._loss(self.best)
        if self.history.diverged:
            return "unsteady"
        late = best >= last - last // 10
        if self._loss(last) <= RISES * low + 1e-6:
            losses = [self.history[name] for name in {"train_loss", self.column}]
            return "improving" if late and all(map(still_falls, losses)) else "settled"
        falls = self._loss(last, "train_loss") < self._loss(best, "train_loss")
        return "overfitting" if falls and not late else "unsteady"

    def _loss(self, epoch: int, column: str | None = None) -> float:
        return float(self.history.entry(column or self.column, epoch))

    def sentences(self) -> Iterator[str]:
        """Yield what happened."""
        history, name = self.history, self.options.optimizer.rpartition(":")[2]
        if history.stopped_by == "interrupted":
            yield f"interrupted after epoch {self.last}: the history so far is kept"
        if history.stopped_by == "early stopping":
            patience = self.options.early_stopping
            yield f"stopped early: no lower validation loss for {patience} epochs"
        if history.advice:
            yield history.advice.replace(repr(self.trainer.optimizer), name)
            if self.unstable:
                yield self.unstable.replace(repr(self.trainer.optimizer), name)
        elif self.kind in ("overfitting", "unsteady") and not self.keeps_best:
            low, high = number(self._loss(self.best)), number(self._loss(self.last))
            prefix = "overfitting: " if self.kind == "overfitting" else ""
            words = f"{prefix}the {in_words(self.column)} was lowest in epoch {self.best}, {low},"
            yield f"{words} and ended at {high}"
        elif self.kind == "improving" and history.stopped_by == "epochs":
            yield "the loss was still falling at the end"
        if self.options.early_stopping is not None:
            yield f"the model has the weights of epoch {self.best}, the best"

    @cached_property
    def unstable(self) -> str:
        """Why the learning rate is too large, in numbers, if these cost little; otherwise ""."""
        trainer, X = self.trainer, self.data.X_train
        if trainer.model.parameters.size * len(X) > CHEAP:
            return ""
        diagnosis = diagnose(trainer, X, self.data.y_train)
        return "" if diagnosis.stable is not False else next(diagnosis.problems())

    @property
    def measured(self) -> tuple[str, Floats, Targets]:
        """The rows by which the model is judged, and what they are called."""
        data = self.data
        if len(data.X_test):
            return "validation", data.X_test, data.y_test
        return "training", data.X_train, data.y_train

    @property
    def by_class(self) -> str | None:
        """The accuracy of each class, if the loss has classes and they are uneven."""
        rows, X, y = self.measured
        words = self.trainer.loss.classifies and accuracy_by_class(self.trainer, self.data, X, y)
        return f"{rows} accuracy by class: {words}" if words else None

    @cached_property
    def against_guessing(self) -> tuple[str, bool]:
        """The model in comparison with a guess without features, and whether it is better."""
        rows, X, y = self.measured
        if self.trainer.loss.classifies:
            largest = np.bincount(self.data.y_train.astype(int)).argmax()
            value, guess = self.trainer.evaluate(X, y)["accuracy"], float(np.mean(y == largest))
            better, words = value > guess, f"{rows} accuracy {value:.3f}"
            return _compared(words, "the largest class", f"{guess:.3f}", better), better
        errors = self.trainer.model.predict(X)[:, 0] - y
        scale, mean = self.data.y_scale, self.data.y_train.mean()
        value, guess = (float(scale * np.sqrt(np.mean(e**2))) for e in (errors, y - mean))
        better, words = value < guess, f"{rows} RMSE {value:.4g} in the target's units"
        if np.ptp(y) > 0:  # about the mean of these rows, as sklearn.metrics.r2_score
            words += f" (R^2 {1 - np.mean(errors**2) / np.var(y):.2f})"
        return _compared(words, "the training mean", f"{guess:.4g}", better), better


def still_falls(losses: Floats) -> bool:
    """Return whether losses (E + 1,) fall at the end by more than they scatter.

    The mean of the last tenth of the epochs, of at least two, is compared with the mean of the
    tenth before: it must be at least 2 % lower, and by more than two standard errors of the
    difference of the two means.

    >>> still_falls(1 / np.arange(1.0, 101)), still_falls(0.1 + 1 / np.arange(1.0, 101))
    (True, False)
    """
    rows = len(losses)
    width = max(rows // 10, min(2, rows // 2))
    if width == 0:
        return False
    before, end = losses[-2 * width : -width], losses[-width:]
    error = np.sqrt((before.var() + end.var()) / max(width - 1, 1))
    fall = before.mean() - end.mean()
    return bool(end.mean() < FALLS * before.mean() and fall > 2 * error)


def _compared(words: str, guess: str, value: str, better: bool) -> str:
    if better:
        return f"{words}; always guessing {guess} gives {value}"
    return f"{words}: no better than always guessing {guess}, {value}"
