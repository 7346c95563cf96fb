"""A learning rate for a problem: short runs at several rates, judged on rows they have not seen."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from minidl.checks import check_count, check_instance, check_number
from minidl.errors import ArgumentError, invalid
from minidl.keywords import answers
from minidl.optim.table import scale_of
from minidl.streams import stream
from minidl.training.data import Rows, check_rows, rows_per_batch
from minidl.training.many import train_many
from minidl.training.measure import Objective
from minidl.training.record import MOST_EPOCHS
from minidl.training.trainer import Trainer

EFFECTIVE = (0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0)  # lr / (1 - momentum)
UPDATES = 12_000  # of each run, at most, but at least two epochs
NEXT = 4  # a rate up to so many times as large is the next one
LARGEST = 20_000  # rows; of more a random part is used
FEW = 1_000  # rows; up to so many are held out in turn


@answers
@dataclass(frozen=True)
class SuggestedRate:
    """A learning rate that :func:`suggest_lr` chose, and what the choice rests on.

    Attributes
    ----------
    lr : float
        The rate with the smallest loss of those whose next larger one has not diverged; the
        smallest rate if all have.
    rates, losses : tuple of float
        The rates that were tried, ascending, and the mean loss of each on the rows held out after
        the last epoch; inf if a run diverged.
    epochs, rows, folds : int
        Number of epochs of each run, of rows that were used, and of parts that were held out.
    """

    lr: float
    rates: tuple[float, ...]
    losses: tuple[float, ...]
    epochs: int
    rows: int
    folds: int


def check_new(trainer: Trainer) -> None:
    """Raise unless this is a Trainer that has taken no step and whose learning rate is a number."""
    check_instance("trainer", trainer, Trainer)
    if trainer.epoch or len(trainer.history) or trainer.optimizer.step_count:
        raise ArgumentError("must not have been used", argument="trainer", hint="Make a new one.")
    if not isinstance(trainer.optimizer.hyperparameters.get("lr"), float):
        problem = "must have an optimizer with one number as lr, not a schedule"
        raise ArgumentError(problem, argument="trainer", received=repr(trainer.optimizer))


@answers
def suggest_lr(
    trainer: Trainer,
    X: npt.ArrayLike,
    y: npt.ArrayLike,
    *,
    epochs: int = 100,
    rates: Sequence[float] | None = None,
) -> SuggestedRate:
    """Return the learning rate with which a network predicts best the rows it has not seen.

    Copies of the network are trained at each rate on three quarters of the rows, and the loss after
    the last epoch is measured on the last quarter. Up to 1,000 rows each quarter is held out once
    (cross-validation, Stone 1974), so that the choice does not hang on a few rows. A smaller
    training loss would favour rates at which small tables are learned by heart. A rate is not
    chosen if one up to four times as large diverged, since on all rows it may diverge too.

    Parameters
    ----------
    trainer : Trainer
        A new one, with the network, loss, optimizer and batch size; it is not changed. Its own
        learning rate does not matter.
    X, y : array_like
        Training rows, as for :meth:`Trainer.fit`; of more than 20,000 a random part is used.
    epochs : int, default 100
        As many as the run will have; fewer are tried if there are more than 12,000 updates.
    rates : sequence of float, optional
        Different, finite and positive. By default lr / (1 - momentum) is 0.003, 0.01, 0.03, 0.1,
        0.3, 1 and 3, so with momentum 0.9 the rates are 0.0003 to 0.3: that is how far a steady
        gradient moves the weights. Rules with another `scale` in the table of optimizers have other
        rates, such as Adam 0.0003 to 0.3.

    Raises
    ------
    ArgumentError
        The trainer has been used, the learning rate is a schedule, an argument is invalid, or there
        are fewer than four rows.
    DataError, ShapeError
        The data are invalid.

    Examples
    --------
    >>> from minidl import datasets, nn
    >>> data = datasets.load("diabetes", seed=0)
    >>> trainer = Trainer(nn.mlp(10, 16, 1, seed=0), "mse", "nag", lr=0.1, seed=0)
    >>> found = suggest_lr(trainer, data.X_train, data.y_train, epochs=20)
    >>> found.lr < 0.1, found.rows, found.folds
    (True, 331, 4)
    """
    check_new(trainer)
    epochs = check_count("epochs", epochs, 1, MOST_EPOCHS)
    candidates = _usual(trainer) if rates is None else rates
    if isinstance(candidates, str) or not isinstance(candidates, Iterable):
        raise invalid("rates", candidates, "a list of different numbers")
    tried = tuple(
        sorted(check_number("a rate", rate, _positive, "positive") for rate in candidates)
    )
    if not tried or len(set(tried)) < len(tried):
        raise invalid("rates", list(candidates), "a list of different numbers")
    rows = check_rows("training", X, y, trainer.objective, class_weight=trainer.class_weight)
    if len(rows.X) < 4:
        raise ArgumentError("must have at least 4 rows", argument="X", received=str(len(rows.X)))
    train, held_out = _parts(rows, trainer.seed)
    folds, n = train.X.shape[:2]
    updates = math.ceil(n / rows_per_batch(trainer.batch_size, n))
    epochs = min(epochs, max(2, UPDATES // updates))
    losses = _losses(trainer, tried, (train, held_out), epochs)
    return SuggestedRate(
        lr=_chosen(tried, losses),
        rates=tried,
        losses=tuple(losses),
        epochs=epochs,
        rows=n + held_out.X.shape[1],
        folds=folds,
    )


def _chosen(rates: Sequence[float], losses: Sequence[float]) -> float:
    """Return the rate with the smallest loss, not next to one that diverged if there are others."""
    diverged = {lr for lr, loss in zip(rates, losses, strict=True) if loss == math.inf}
    accepted = [
        loss if not any(lr <= bad <= NEXT * lr for bad in diverged) else math.inf
        for lr, loss in zip(rates, losses, strict=True)
    ]
    return rates[int(np.argmin(accepted if min(accepted) < math.inf else losses))]


def _usual(trainer: Trainer) -> list[float]:
    """Return the rates that are tried by default."""
    momentum = trainer.optimizer.hyperparameters.get("momentum", 0.0)
    share = 1 - momentum if isinstance(momentum, float) else 0.1  # of a schedule, as of 0.9
    scale = scale_of(trainer.optimizer)
    if scale == 1:
        return [float(f"{share * rate:.3g}") for rate in EFFECTIVE]
    return list(dict.fromkeys(_near(scale * share * rate) for rate in EFFECTIVE))


def _near(rate: float) -> float:
    """Return the nearest of 0.1, 0.3, 1, 3, 10, ...

    >>> _near(0.375), _near(0.0125)
    (0.3, 0.01)
    """
    half = round(2 * math.log10(rate))
    return float(f"{3 if half % 2 else 1}e{half // 2}")


def _positive(rate: float) -> bool:
    return 0 < rate < math.inf


def _parts(rows: Rows, seed: int) -> tuple[Rows, Rows]:
    """Return training rows and rows held out, (folds, n, ...)."""
    order = stream(seed, "split", 1).permutation(len(rows.X))[:LARGEST]
    part = len(order) // 4
    folds = range(4 if len(order) <= FEW else 1)
    out = np.array([order[k * part : (k + 1) * part] for k in folds])
    left = np.array([np.delete(order, slice(k * part, (k + 1) * part)) for k in folds])
    return rows.each(lambda values: values[left]), rows.each(lambda values: values[out])


def _losses(
    trainer: Trainer, rates: Sequence[float], rows: tuple[Rows, Rows], epochs: int
) -> list[float]:
    """Return the mean loss at each rate over the parts that were held out."""
    folds = len(rows[0].X)
    trainers = [copy_at(trainer, lr) for lr in rates for _ in range(folds)]
    train_many(trainers, (rows[0], None), epochs, sets=[*range(folds)] * len(rates))
    ends = [_loss(copied, rows[1], k % folds) for k, copied in enumerate(trainers)]
    return [float(np.mean(ends[k : k + folds])) for k in range(0, len(ends), folds)]


def _loss(trainer: Trainer, rows: Rows, fold: int) -> float:
    """Return the loss on the rows held out, without the penalty; inf if the run diverged."""
    part = rows.each(lambda values: values[fold])
    loss = Objective(trainer.model, trainer.loss).measure(*part)["loss"]
    return math.inf if trainer.history.diverged or math.isnan(loss) else float(loss)


def copy_at(trainer: Trainer, lr: float) -> Trainer:
    """Return a new Trainer with a copy of the network, at this learning rate."""
    optimizer = copy.deepcopy(trainer.optimizer)
    optimizer.hyperparameters["lr"] = lr
    return Trainer(
        copy.deepcopy(trainer.model),
        trainer.loss,
        optimizer,
        batch_size=trainer.batch_size,
        seed=trainer.seed,
        l2=trainer.objective.penalty.strength,
        l1=trainer.objective.l1_penalty.strength,
        shuffle=trainer.shuffle,
        schedule=trainer.schedule,
        measure_every=0,
    )
