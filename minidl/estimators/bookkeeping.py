"""scikit-learn's account of a fit: losses, validation scores, when to stop, and the rates."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from minidl.autograd import Array
from minidl.errors import warn
from minidl.training import Trainer
from minidl.training.data import rows_per_batch

SMALLEST_RATE = 1e-6  # at which "adaptive" stops
NOT_CONVERGED = (
    "Stochastic Optimizer: Maximum iterations ({}) reached and the optimization hasn't converged"
    " yet."
)


@dataclass(frozen=True)
class Rules:
    """The parameters of an estimator that say when to stop, and which rate an epoch has."""

    tol: float
    n_iter_no_change: float
    learning_rate: str
    power_t: float
    verbose: bool

    @classmethod
    def of(cls, estimator: Any) -> Rules:
        """Return those of an estimator."""
        return cls(**{name: getattr(estimator, name) for name in cls.__dataclass_fields__})


@dataclass
class Account:
    """The record of each epoch as scikit-learn's MLP keeps it, with scores of validation rows."""

    early_stopping: bool
    loss_curve: list[float] = field(default_factory=list)
    validation_scores: list[float] = field(default_factory=list)
    best_loss: float = math.inf
    best_score: float = -math.inf
    best_weights: Array | None = None
    no_improvement: int = 0
    n_iter: int = 0
    t: int = 0  # rows seen

    def note_loss(self, loss: float, tol: float) -> None:
        """Note the mean loss of the batches of an epoch, if there are no validation rows."""
        worse = loss > self.best_loss - tol
        self.no_improvement = self.no_improvement + 1 if worse else 0
        self.best_loss = min(self.best_loss, loss)  # in this order, if the loss is nan

    def note_score(self, score: float, tol: float, weights: Array) -> None:
        """Note the score of an epoch on the validation rows; keep the weights of the best."""
        self.validation_scores.append(score)
        worse = score < self.best_score + tol
        self.no_improvement = self.no_improvement + 1 if worse else 0
        if score > self.best_score:
            self.best_score, self.best_weights = score, weights.copy()

    def ends(self, rules: Rules, optimizer: Any, first_rate: float) -> bool:
        """Set the learning rate of the next epoch; return whether there is none."""
        if rules.learning_rate == "invscaling":
            optimizer.lr = first_rate / (self.t + 1) ** rules.power_t
        if self.no_improvement <= rules.n_iter_no_change:
            return False
        quantity = "Validation score" if self.early_stopping else "Training loss"
        words = f"{quantity} did not improve more than tol={rules.tol:f}"
        words += f" for {rules.n_iter_no_change} consecutive epochs."
        adaptive = rules.learning_rate == "adaptive"
        stops = not adaptive or optimizer.lr <= SMALLEST_RATE
        if stops:
            words += " Learning rate too small." * adaptive + " Stopping."
        else:
            self.no_improvement, optimizer.lr = 0, optimizer.lr / 5
            words += f" Setting learning rate to {optimizer.lr:f}"
        if rules.verbose:
            print(words)
        return stops


class AccountingTrainer(Trainer):
    """A Trainer that keeps an :class:`Account` and stops as scikit-learn's MLP does.

    It hears of every epoch, also of those that are not measured.
    """

    account: Account
    rules: Rules
    score: Callable[[], float] | None = None  # on the validation rows, during fit
    first_rate: float  # of the optimizer
    reached: Array | None = None  # the weights after the last epoch
    begun_at = seen = 0  # epochs and rows before this call of fit

    def epoch_ended(self, losses: Array) -> None:
        """Note the loss or the score of the epoch, set the next learning rate, and stop or not."""
        account, rules, loss = self.account, self.rules, float(losses[0])
        if self.epoch <= account.n_iter + self.begun_at:  # told before an interruption
            return
        account.n_iter += 1
        account.t += self.samples - self.seen
        self.seen = self.samples
        account.loss_curve.append(loss)
        if rules.verbose:
            print(f"Iteration {account.n_iter}, loss = {loss:.8f}")
        if self.stop_reason == "diverged":
            if self.score is not None:
                account.validation_scores.append(math.nan)
            return
        w = self.objective.vector.value
        if self.reached is not None:  # in this epoch their loss was seen, that of `w` was not
            self.good = self.reached
        self.reached = w.copy()
        if self.score is None:
            account.note_loss(loss, rules.tol)
        else:
            account.note_score(self.score(), rules.tol, w)
            if rules.verbose:
                print(f"Validation score: {account.validation_scores[-1]:f}")
        if account.ends(rules, self.optimizer, self.first_rate):
            self.stop("no improvement")

    def begin(self) -> None:
        """Count the epochs of this call of fit from 0."""
        self.begun_at, self.seen, self.account.n_iter = self.epoch, self.samples, 0
        self.reached = None

    def warn_of_limit(self, limit: int) -> None:
        """Warn if the last epoch allowed was reached before any reason to stop."""
        if self.history.stopped_by == "epochs" and self.account.n_iter == limit:
            warn(NOT_CONVERGED.format(limit), ConvergenceWarning)

    def rows_in_batch(self, n: int) -> int:
        """Return the rows of each batch but the last."""
        return rows_per_batch(self.batch_size, n)

    def raw(self, X: Array) -> Array:
        """Return the network's outputs for checked rows."""
        return np.asarray(self.objective.reading(lambda: self.objective.outputs(X)))
