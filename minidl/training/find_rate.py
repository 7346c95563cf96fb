"""The learning-rate range test: one run in which the rate grows from step to step."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from minidl.autograd import Array
from minidl.checks import check_count, check_number
from minidl.errors import ArgumentError
from minidl.keywords import answers
from minidl.optim.table import scale_of
from minidl.streams import stream
from minidl.training.data import Rows, batches_in_order, check_rows, permutation, rows_per_batch
from minidl.training.suggest import check_new, copy_at
from minidl.training.trainer import Trainer

LOWEST, HIGHEST = 1e-4, 100.0  # rates of gradient descent; of other rules times their scale
MEASURED = 2_000  # rows on which the loss is measured
WORSE = 4.0  # the test ends when the loss is so many times the first one
SHARE = 0.1  # of the rate with the lowest loss


@answers
@dataclass(frozen=True)
class RateCurve:
    """The result of :func:`find_lr`.

    Attributes
    ----------
    lr : float
        A tenth of `lowest`, with which to train.
    lowest : float
        The rate at which the loss was lowest; beyond it, the run becomes unstable.
    rates, losses : tuple of float
        The rate of each step, and the loss after it, on at most 2,000 rows; inf if not finite.
    start : float
        The loss before the first step.
    ended : str
        "worse" if the loss reached four times `start` or was not finite, "steps" if it did not.
    """

    lr: float
    lowest: float
    rates: tuple[float, ...]
    losses: tuple[float, ...]
    start: float
    ended: str

    def __float__(self) -> float:
        return self.lr

    def to_dict(self) -> dict[str, Any]:
        """Return plain data for JSON; a loss that is not finite becomes None."""
        losses = [loss if math.isfinite(loss) else None for loss in self.losses]
        return {**vars(self), "rates": list(self.rates), "losses": losses}


@answers
def find_lr(
    trainer: Trainer,
    X: npt.ArrayLike,
    y: npt.ArrayLike,
    *,
    lowest: float | None = None,
    highest: float | None = None,
    steps: int = 120,
) -> RateCurve:
    """Return a learning rate from a range test: one run in which it grows by a factor per step.

    Smith 2017, "Cyclical learning rates for training neural networks", arXiv 1506.01186, section
    3.3, with a rate that grows exponentially, as in fastai. The loss first falls, then rises as the
    steps get too large. A tenth of the rate with the lowest loss is the usual choice of fastai's
    ``lr_find`` ("minimum"). It costs `steps` updates and says nothing about rows held out:
    :func:`suggest_lr` trains seven runs to the end instead.

    Parameters
    ----------
    trainer : Trainer
        A new one; a copy is trained. Its own learning rate does not matter.
    X, y : array_like
        Training rows, as for :meth:`Trainer.fit`.
    lowest, highest : float, optional
        The first and the last rate: by default 0.0001 and 100 for gradient descent, and these times
        the `scale` of the optimizer's row in the table of optimizers for others.
    steps : int, default 120
        At least 2; the test ends sooner when the loss is four times the one before the first step.

    Raises
    ------
    ArgumentError
        The trainer has been used, its learning rate is not a number, or a number is out of range.
    DataError, ShapeError
        The data are invalid.

    Examples
    --------
    >>> from minidl import nn
    >>> X = np.linspace(-1, 1, 50)[:, None]
    >>> trainer = Trainer(nn.Dense(1, 1, seed=0), "mse", "gd", lr=0.1, batch_size="full", seed=0)
    >>> curve = find_lr(trainer, X, 2 * X)
    >>> 0.1 < curve.lowest < 3.0, curve.ended
    (True, 'worse')
    """
    check_new(trainer)
    scale = scale_of(trainer.optimizer)
    low = _rate("lowest", lowest, LOWEST * scale)
    high = _rate("highest", highest, HIGHEST * scale)
    if not low < high:
        problem = "must be below highest"
        raise ArgumentError(problem, argument="lowest", received=f"{low:g} and {high:g}")
    steps = check_count("steps", steps, 2)
    rows = check_rows("training", X, y, trainer.objective, class_weight=trainer.class_weight)
    part = stream(trainer.seed, "split", 1).permutation(len(rows.X))[:MEASURED]
    measured = rows.each(lambda values: values[np.sort(part)])
    rates = np.geomspace(low, high, steps)
    start, losses = _run(copy_at(trainer, low), rows, measured, rates)
    best = float(rates[int(np.argmin(losses))])
    ended = "worse" if losses[-1] > _end(start) else "steps"
    tried = tuple(map(float, rates[: len(losses)]))
    return RateCurve(float(f"{SHARE * best:.2g}"), best, tried, tuple(losses), start, ended)


def _rate(name: str, value: float | None, default: float) -> float:
    expected = "positive and finite"
    if value is None:
        return default
    return check_number(name, value, lambda rate: 0 < rate < math.inf, expected)


def _end(start: float) -> float:
    return start + (WORSE - 1) * abs(start)


def _run(copied: Trainer, rows: Rows, measured: Rows, rates: Array) -> tuple[float, list[float]]:
    """Return the loss before the first step and after each, until it is too large."""
    objective, optimizer, losses = copied.objective, copied.optimizer, list[float]()
    start = objective.measure(*measured)["loss"]
    batches = _batches(rows, copied)
    dropout = stream(copied.seed, "dropout", 1)
    with np.errstate(over="ignore", invalid="ignore"):
        for lr, (X, t, w) in zip(rates, batches, strict=False):
            optimizer.hyperparameters["lr"] = float(lr)

            def gradient(point: Array, batch: Any = (X, t, w)) -> Array:
                X, t, w = batch
                training = dropout if copied.model.stochastic else True
                return objective.gradient(point, X, t, training, w)

            optimizer.step(objective.vector.value, gradient)
            loss = objective.measure(*measured)["loss"]
            losses.append(loss if math.isfinite(loss) else math.inf)
            if losses[-1] > _end(start):
                break
    return start, losses


def _batches(rows: Rows, trainer: Trainer) -> Iterator[tuple[Array, Array, Array | None]]:
    """Yield batches without end, epoch after epoch, in the order of the trainer's own run."""
    n, epoch = len(rows.X), 0
    size = rows_per_batch(trainer.batch_size, n)
    while True:
        epoch += 1
        drawn = trainer.shuffle and size < n
        order = permutation(stream(trainer.seed, "shuffle", epoch), n) if drawn else None
        yield from batches_in_order(rows, size, order)
