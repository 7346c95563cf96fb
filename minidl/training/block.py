"""Several trainers as one computation: their networks are the rows of one array of parameters.

The decision of this file: each replica keeps a :class:`Trainer` of its own, which decides all that
is decided between epochs (histories, callbacks, divergence), and whose model and optimizer look
into row k of the block's arrays. Only the steps and the measurements are computed for all of them
at once. So a replica cannot differ from a single run but in the arithmetic.
"""

from __future__ import annotations

import contextlib
import copy
import time
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np

from minidl.autograd import Array
from minidl.nn.parameters import ParameterVector
from minidl.optim import Optimizer
from minidl.streams import stream
from minidl.training.alike import Mark, alike
from minidl.training.batches import batches_in_order, permutation, permutation_type, rows_per_batch
from minidl.training.objective import Objective
from minidl.training.requests import Requests, next_of
from minidl.training.rows import Rows, rows_of
from minidl.training.trainer import Trainer

__all__ = ["Block", "train_together"]


def train_together(
    trainers: list[Trainer],
    rows: tuple[Rows, Rows | None],
    epochs: int,
    sets: Sequence[int] | None = None,
) -> None:
    """Train these as one block if that is possible, else one by one.

    With `sets`, rows have a leading axis, and trainer k uses number ``sets[k]`` of it.
    """
    for one in trainers:
        with _named(one):
            one._begin(rows[1])
    if len(trainers) > 1 and alike(trainers):
        with np.errstate(over="ignore", invalid="ignore"):
            Block(trainers, rows, sets).run(epochs)
        return
    for k, one in enumerate(trainers):
        with _named(one):
            one._train(*rows_of(rows, None if sets is None else sets[k]), epochs)


@contextlib.contextmanager
def _named(trainer: Trainer) -> Iterator[None]:
    """Say in an error which of the networks it comes from."""
    try:
        yield
    except Exception as error:
        error.add_note(f"in the network with seed {trainer.seed} and {trainer.optimizer!r}")
        raise


class Generators:
    """The generators of R replicas, which draw for a Dropout layer what each would draw alone.

    Replicas of one seed share a generator: a dict has one for each seed.
    """

    def __init__(self, generators: dict[int, np.random.Generator], seeds: list[int]) -> None:
        self.generators = generators
        self.seeds = seeds

    def random(self, shape: tuple[int, ...]) -> Array:
        """Return uniform numbers (R, n, features), for `shape` with or without the R."""
        drawn = {seed: one.random(shape[-2:]) for seed, one in self.generators.items()}
        return np.stack([drawn[seed] for seed in self.seeds])


class Block:
    """Trains replicas together; see the top of this file.

    Parameters
    ----------
    trainers : list of Trainer
        With models of one architecture, and equal but for seeds and hyperparameters.
    rows : Rows, Rows or None
        What all are trained on, and rows to measure as well.
    sets : sequence of int, optional
        Then rows have a leading axis, and trainer k uses number ``sets[k]`` of it.
    """

    def __init__(
        self,
        trainers: list[Trainer],
        rows: tuple[Rows, Rows | None],
        sets: Sequence[int] | None = None,
    ) -> None:
        self.rows = rows
        self.number: dict[Trainer, int | None] = dict.fromkeys(trainers)
        self.number.update(zip(trainers, sets or (), strict=False))
        self.stack(trainers)

    def stack(self, trainers: list[Trainer]) -> None:
        """Put these trainers' networks into one array, and leave out all others."""
        first, R = trainers[0], len(trainers)
        self.trainers = trainers
        numbers = [self.number[trainer] for trainer in trainers]
        if one_set := len(set(numbers)) == 1:  # so that all share its batches, if they can
            self.train, self.held_out = rows_of(self.rows, numbers[0])
        else:
            self.train, self.held_out = self.rows
        self.sets = None if one_set else np.array(numbers)
        self.model = copy.deepcopy(first.model)
        self.vector = ParameterVector(self.model.named_parameters(), replicas=R)
        self.model._vector = self.vector
        for k, trainer in enumerate(trainers):
            trainer.model.parameters.move(self.vector.value[k], self.vector.grad[k])
        self.objective = Objective(self.model, first.loss, first.objective.penalty.strength)
        self.optimizer = _together([trainer.optimizer for trainer in trainers])
        self.marks = {trainer: Mark(trainer) for trainer in trainers if trainer.callbacks}

    def run(self, epochs: int) -> None:
        """Train for some epochs more; the trainers hold what came out."""
        requests = {one: one._requests(one.epoch + epochs, one.callbacks) for one in self.trainers}
        try:
            self._answer(requests)
        except BaseException as error:
            for one in requests.values():  # each says so in its history
                with contextlib.suppress(BaseException):
                    one.throw(error)
            self.release(self.trainers)
            raise

    def _answer(self, requests: dict[Trainer, Requests]) -> None:
        """Compute what they ask for, until all are done."""
        waiting: dict[Trainer, str] = {}  # what each asks for
        answers: dict[Trainer, Any] = dict.fromkeys(self.trainers)
        while True:
            for trainer, answer in answers.items():
                with _named(trainer):
                    request = next_of(requests[trainer], answer)
                    uncalled = request == "measure" and waiting.get(trainer) == "train"
                    if request is not None and (uncalled or self._still(trainer)):
                        waiting[trainer] = request
                        continue
                    waiting.pop(trainer, None)  # it is done, or goes on alone
                    self.release([trainer])
                    own = rows_of(self.rows, self.number[trainer])
                    trainer._serve(requests[trainer], request, *own)
            if not waiting:
                return
            going = [trainer for trainer in self.trainers if trainer in waiting]
            if len(going) < len(self.trainers):
                self.stack(going)
            asking = [trainer for trainer in going if waiting[trainer] == "measure"]
            results = self._measure() if asking else self._train_epoch()
            answers = {t: results[k] for k, t in enumerate(going) if not asking or t in asking}

    def _still(self, trainer: Trainer) -> bool:
        """Tell whether callbacks have left it as it was.

        None is called between an epoch's steps and the measurement after them.
        """
        return not trainer.callbacks or self.marks[trainer].still(trainer)

    def release(self, trainers: list[Trainer]) -> None:
        """Give these trainers arrays of their own again."""
        for trainer in trainers:
            vector, state = trainer.model.parameters, trainer.optimizer.state
            vector.move(vector.value.copy(), vector.grad.copy())
            trainer.optimizer.state = {name: v.copy() for name, v in state.items()}

    def _measure(self) -> list[Any]:
        found = []
        for rows in (self.train, self.held_out):
            each: list[Any] = [None] * len(self.trainers)
            if rows is not None:
                columns = self.objective.measure(rows.X, rows.t, self.sets)
                if rows is self.train and self.trainers[0].look_ahead:
                    points = np.stack([one.look_ahead_point() for one in self.trainers])
                    columns["look_ahead_loss"] = self.objective.loss_at(
                        points, rows.X, rows.t, self.sets, here=columns["loss"]
                    )
                numbers = zip(*(column.tolist() for column in columns.values()), strict=True)
                each = [dict(zip(columns, own, strict=True)) for own in numbers]
            found.append(each)
        return list(zip(*found, strict=True))

    def _train_epoch(self) -> list[float]:
        """Take one epoch's steps; return the mean of the batches' losses of each replica."""
        first, optimizer = self.trainers[0], self.optimizer
        X, t, n = self.train.X, self.train.t, self.train.X.shape[0 if self.sets is None else 1]
        rows = rows_per_batch(first.batch_size, n)
        order = self._order(n) if first.shuffle and rows < n else None
        training: Any = True
        if self.model.stochastic:
            training = Generators(self._streams("dropout"), [one.seed for one in self.trainers])
        w, gradient = self.vector.value, self.objective.gradient
        _set_hyperparameters(optimizer, [one.optimizer for one in self.trainers], w.dtype)
        total, seen = np.zeros(len(self.trainers)), 0
        start = time.perf_counter()
        try:
            for Xb, tb in batches_in_order(X, t, rows, order, self.sets):
                optimizer.step(w, partial(gradient, X=Xb, t=tb, training=training))
                share = self.objective.value * (count := min(rows, n - seen))
                np.add(total, share, out=total, where=np.isfinite(total))  # as one that stops
                seen += count
        finally:
            self._tell(seen, time.perf_counter() - start)
        return list(map(float, total / n))

    def _tell(self, rows: int, seconds: float) -> None:
        """Tell each trainer how far the block has come, and where its state is."""
        block = self.optimizer
        for k, trainer in enumerate(self.trainers):
            trainer.seconds += seconds / len(self.trainers)
            trainer.samples += rows
            own = trainer.optimizer
            own.step_count = block.step_count
            own.gradient_evaluations = block.gradient_evaluations
            own.state = {name: vectors[k] for name, vectors in block.state.items()}
            if trainer.callbacks:
                self.marks[trainer].renew(trainer)

    def _order(self, n: int) -> Array:
        """Return the order of rows of each replica (R, n), or the one (n,) that all have."""
        generators = self._streams("shuffle")
        if len(generators) == 1:
            return permutation(generators[self.trainers[0].seed], n)
        orders = np.empty((len(self.trainers), n), permutation_type(n))
        drawn: dict[int, int] = {}  # seed -> the row that has its order
        for k, one in enumerate(self.trainers):
            first = drawn.setdefault(one.seed, k)
            orders[k] = permutation(generators[one.seed], n) if first == k else orders[first]
        return orders

    def _streams(self, name: Any) -> dict[int, np.random.Generator]:
        """Return a generator for each seed."""
        return {one.seed: stream(one.seed, name, one.epoch + 1) for one in self.trainers}


def _together(optimizers: Sequence[Optimizer]) -> Optimizer:
    """Return one optimizer with a row of state for each of these."""
    block = copy.deepcopy(optimizers[0])
    block.state = {
        name: np.stack([one.state[name] for one in optimizers]) for name in optimizers[0].state
    }
    return block


def _set_hyperparameters(block: Optimizer, optimizers: Sequence[Optimizer], dtype: Any) -> None:
    """Give the optimizer of a block a column of what each of these has, where they differ."""
    for name in block.hyperparameters:
        values = [one.hyperparameters[name] for one in optimizers]
        if any(value is not values[0] and value != values[0] for value in values):
            block.hyperparameters[name] = _column(values, dtype)
        else:
            block.hyperparameters[name] = values[0]


def _column(values: list[Any], dtype: Any) -> Any:
    """Return numbers as a column, and schedules as a schedule of columns.

    The numbers are of the weights' dtype, as a Python float becomes beside them.
    """
    if any(callable(value) for value in values):
        return lambda step: _column([v(step) if callable(v) else v for v in values], dtype)
    return np.array(values, dtype)[:, None]
