"""The race: the same networks, seeds and rows for every optimizer.

Seed s fixes the split, the initial weights and the order of rows, identically for all, so that
runs with one seed are pairs. Seeds are the outer loop: a race that is cut short still has pairs.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from minidl import datasets, nn
from minidl.checks import check_count, check_number
from minidl.datasets import Dataset
from minidl.datasets.dataset import loss_for
from minidl.errors import ArgumentError, DivergenceWarning
from minidl.optim import TABLE, BatchSize, Entry, lookup
from minidl.streams import check_seeds
from minidl.training import History, StopAtTarget, Trainer
from minidl.training.batches import rows_per_batch

__all__ = ["Contestant", "Experiment", "Run"]


@dataclass(frozen=True)
class Contestant:
    """An optimizer as it runs: a row of the table, at a learning rate and a batch size."""

    entry: Entry
    lr: float
    momentum: float
    batch_size: BatchSize

    @property
    def name(self) -> str:
        """The name of the row."""
        return self.entry.name


@dataclass(frozen=True)
class Run:
    """One contestant's run with one seed."""

    optimizer: str
    seed: int
    history: History
    hit: int | None

    @property
    def epochs(self) -> float:
        """Epochs to converge; infinity if it never did, or diverged."""
        return math.inf if self.hit is None else float(self.hit)

    def at_hit(self, column: str) -> float:
        """Return a count when the target was reached; infinity if it never was."""
        if self.hit is None:
            return math.inf
        position = int((self.history["epoch"] == self.hit).argmax())
        return float(self.history[column][position])


class Experiment:
    """What is raced, and how; iterate over :meth:`runs` to race it.

    Parameters are those of :func:`minidl.comparison.compare`, which documents them, and ``load``:
    a function, seed -> Dataset, for a problem whose name alone does not say how it is loaded.
    """

    def __init__(
        self,
        problem: str | Dataset,
        model: Callable[[int], nn.Layer] | None = None,
        *,
        optimizers: Sequence[str] | None = None,
        lr: float = 0.1,
        momentum: float = 0.9,
        batch_size: BatchSize | None = None,
        hidden: Sequence[int] = (16, 16),
        activation: str = "tanh",
        loss: str | None = None,
        epochs: int = 50,
        seeds: int | Sequence[int] = 10,
        target_loss: float | None = None,
        target_accuracy: float | None = None,
        sustained: int | None = None,
        load: Callable[[int], Dataset] | None = None,
    ) -> None:
        if target_loss is None and target_accuracy is None:
            target_loss = 0.1
        StopAtTarget(target_loss, accuracy=target_accuracy)  # refuses what is no target
        self.problem = problem
        self.model = model
        self.load = load
        self.contestants = _contestants(optimizers, lr, momentum, batch_size)
        self.hidden = tuple(check_count("hidden", width) for width in hidden)
        self.activation = activation
        nn.activation(activation)
        self.loss = loss
        self.epochs = check_count("epochs", epochs)
        self.seeds = check_seeds(seeds)
        self.target_loss, self.target_accuracy = target_loss, target_accuracy
        wanted = min(3, self.epochs) if sustained is None else sustained
        self.sustained = check_count("sustained", wanted, 1, self.epochs)
        self._last_model: nn.Layer | None = None

    @property
    def name(self) -> str:
        """The name of the data set."""
        return self.problem.name if isinstance(self.problem, Dataset) else str(self.problem)

    def __len__(self) -> int:
        return len(self.seeds) * len(self.contestants)

    def runs(self) -> Iterator[Run]:
        """Train one network after the other; yield each run when it is over."""
        for seed in self.seeds:
            data = self._data(seed)
            for contestant in self.contestants:
                history = self._train(data, contestant, seed)
                yield Run(contestant.name, seed, history, self._hit(history, seed))

    def _hit(self, history: History, seed: int) -> int | None:
        """Return the epochs to converge; None if it never did, or diverged, be it afterwards."""
        initial = history.row(0)["train_loss"]
        if self.target_loss is not None and initial <= self.target_loss:
            raise ArgumentError(
                "the target is reached before training",
                received=f"target_loss={self.target_loss:g}",
                expected=f"less than the initial loss, {initial:.4g} with seed {seed}",
            )
        if history.diverged:
            return None
        return history.epochs_to(
            self.target_loss, accuracy=self.target_accuracy, sustained=self.sustained
        )

    def _data(self, seed: int) -> Dataset:
        if isinstance(self.problem, Dataset):
            return self.problem
        if self.load is not None:
            return self.load(seed)
        return datasets.load(self.problem, split_seed=seed)

    def _new_model(self, data: Dataset, seed: int) -> nn.Layer:
        if self.model is None:
            sizes = (data.n_features, *self.hidden, data.n_outputs)
            return nn.mlp(*sizes, activation=self.activation, seed=seed)
        model = self.model(seed)
        if model is self._last_model:
            raise ArgumentError(
                "the model that was given is already trained",
                received="the same object twice",
                expected="a function of the seed that returns a new model each time",
            )
        self._last_model = model
        return model

    def _train(self, data: Dataset, contestant: Contestant, seed: int) -> History:
        trainer = Trainer(
            self._new_model(data, seed),
            self.loss or loss_for(data),
            optimizer=contestant.entry.make(contestant.lr, contestant.momentum),
            batch_size=contestant.batch_size,
            seed=seed,
        )
        if self.target_accuracy is not None and not trainer.loss.classifies:
            raise ArgumentError(
                "this loss has no accuracy",
                received=repr(trainer.loss),
                hint="Give a target loss instead.",
            )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DivergenceWarning)  # the table says it
            return trainer.fit(data.X_train, data.y_train, epochs=self.epochs)

    def settings(self) -> dict[str, Any]:
        """Return what was raced, as plain data."""
        return {
            "problem": self.name,
            "optimizers": [
                {
                    "name": c.name,
                    "lr": c.lr,
                    "momentum": c.momentum if c.entry.has_momentum else None,
                    "batch_size": c.batch_size,
                }
                for c in self.contestants
            ],
            "hidden": list(self.hidden) if self.model is None else None,
            "activation": self.activation if self.model is None else None,
            "loss": self.loss,
            "epochs": self.epochs,
            "seeds": list(self.seeds),
            "target_loss": self.target_loss,
            "target_accuracy": self.target_accuracy,
            "sustained": self.sustained,
        }


def _contestants(
    optimizers: Sequence[str] | None, lr: float, momentum: float, batch_size: BatchSize | None
) -> list[Contestant]:
    lr = check_number("lr", lr, lambda x: 0 < x < math.inf, "a finite number greater than 0")
    momentum = check_number("momentum", momentum, lambda m: 0 <= m < 1, "0 <= momentum < 1")
    names = [entry.name for entry in TABLE] if optimizers is None else optimizers
    if isinstance(names, str):
        raise ArgumentError("optimizers cannot be used", received=repr(names), expected="a list")
    found: list[Contestant] = []
    for name in names:
        entry = lookup(name)
        if any(c.name == entry.name for c in found):
            raise ArgumentError("an optimizer is named twice", received=repr(name))
        rows = entry.batch_size if entry.fixed else entry.batches(batch_size)
        rows_per_batch(rows, 1)  # a bad one is told before anything is trained
        found.append(Contestant(entry, lr, momentum, rows))
    if not found:
        raise ArgumentError("there is nothing to compare", hint="Name at least one optimizer.")
    return found
