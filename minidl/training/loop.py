"""The training loop, for one network or for R networks at once.

A run is: measure; then, epoch by epoch, draw an order, take steps, measure, record, and ask who
stops. A Trainer is this loop with callbacks, a Block this loop on parameters of shape (R, P).
"""

import contextlib
import math
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import islice
from typing import Any

import numpy as np

from minidl.autograd import Array
from minidl.errors import DataError
from minidl.optim import BatchSize, Optimizer
from minidl.streams import stream
from minidl.training.checks import check_first_epoch
from minidl.training.compiled import Compiled
from minidl.training.data import Data, Rows, batches_in_order, rows_per_batch
from minidl.training.engine_choice import WARM, may_measure
from minidl.training.frozen import frozen_in
from minidl.training.history import History
from minidl.training.hooks import Hooks
from minidl.training.interrupts import Interrupts
from minidl.training.machine_steps import Epoch, Network
from minidl.training.measure import Objective
from minidl.training.reach import Reach
from minidl.training.undo import Undo

Row = dict[str, Any]  # column of the history -> a number, or for R networks an array (R,)


class Run(ABC):
    """The state of a run between two batches: all that is needed to continue it."""

    objective: Objective  # its vector, (P,) or (R, P), holds the weights
    optimizer: Optimizer
    seeds: Sequence[int]  # of each network, for the order of rows and dropout
    batch_size: BatchSize
    shuffle: bool
    measure_every: int
    look_ahead: bool
    may_draw: bool  # whether a layer of the model says itself if it is stochastic
    buffered: bool  # whether the model has buffers
    epoch: int = 0  # completed epochs
    last_epoch: int = 0  # of the present call of fit
    samples: int = 0  # rows seen
    seconds: Any = 0.0  # spent on steps, for each network
    cursor: int = 0  # rows of the present epoch already seen; 0 between epochs
    running_total: Any = 0.0  # sum over these rows of the loss at the time, for each network
    unrecorded: Array | None = None  # mean losses of an epoch that is not yet measured
    checked: frozenset[str] = frozenset()  # parameters that are known to get gradients
    recorded: int = -1  # the last recorded epoch; 0 is the measurement before training
    good: Array | None = None  # the weights after it, to which a divergence goes back
    good_buffers: dict[str, Array]
    stop_reason: str | None = None  # why no network is training any more
    interrupts: Interrupts
    history: History
    started_with: dict[str, Any]  # the settings before the first epoch
    hooks: Hooks  # the callbacks of one network
    # Given a network's place, a context in which an error says which of R networks it is from
    naming: Callable[[int], contextlib.AbstractContextManager[object]] = contextlib.nullcontext
    engine: str = "auto"
    warm: int = WARM  # steps before the compiled engine begins, with "auto"
    compiled: Compiled  # its programs, and why there are none
    watched: Reach | None = None  # in the first epoch
    _stored: tuple[Array, Array] | None = None  # (stored, iterate), after each epoch
    _generators: dict[int, np.random.Generator] | None = None  # of this epoch's dropout, by seed

    def networks(self) -> list[Network]:
        """Return each network by itself, with its own hyperparameters."""
        return [Network(self.objective, self.optimizer, None)]

    @abstractmethod
    def stop_diverged(self, losses: Array, data: Data) -> Array:
        """Stop networks whose loss is not finite or too large; return a mask of those left."""

    @abstractmethod
    def tell(self, network: int, problem: str) -> None:
        """Keep what to tell of a network, a part of which does not train."""

    @abstractmethod
    def record(self, row: Row, left: Array) -> Array:
        """Add the row of those left to their histories; return a mask of whom no callback stops."""

    def epoch_ended(self, losses: Array) -> None:  # noqa: B027 (most runs need not know)
        """Hear the mean losses of the batches of each epoch; may set :attr:`stop_reason`."""

    def buffers(self) -> dict[str, Array]:
        """Return the arrays of the model's buffers by name."""
        return dict(self.objective.model.named_buffers()) if self.buffered else {}

    def measure(self, data: Data, running: Array) -> Row:
        """Return a row of the history, for an epoch whose batches had these mean losses."""
        train, held_out, sets = data.train, data.held_out, data.sets
        losses = self.measure_rows(train, sets)
        single = self.objective.vector.grad.ndim == 1
        averaged = running.item() if single else running
        row: Row = {
            "epoch": self.epoch,
            "updates": self.optimizer.step_count,
            "gradient_evaluations": self.optimizer.gradient_evaluations,
            "samples": self.samples,
            "seconds": self.seconds,
            "train_loss": losses["loss"],
            "running_loss": averaged,
            "gradient_norm": self.objective.vector.gradient_norm() if self.epoch else averaged,
        }
        if self.look_ahead:
            point, here = self.look_ahead_point(), losses["loss"]
            measure = partial(self.measure_rows, train, sets)
            row["look_ahead_loss"] = self.objective.loss_at(point, here, measure)
        if "accuracy" in losses:
            row["train_accuracy"] = losses["accuracy"]
        if held_out is not None:
            for name, value in self.measure_rows(held_out, sets).items():
                row[f"validation_{name}"] = value
        return row

    def measure_rows(self, rows: Rows, sets: Array | None) -> dict[str, Any]:
        """Return loss and, for classes, accuracy on all rows, with the engine of the run."""
        if self.engine == "eager" or not may_measure(self):
            return self.objective.measure(*rows, sets)
        return self.compiled.measure(self, rows, sets)

    def position(self) -> dict[str, Array]:
        """Return copies of the arrays that say where the network is: weights and buffers."""
        arrays = {"iterate": self.objective.vector.value.copy(), "stored": self.stored_vector()}
        return arrays | {f"buffer/{name}": array.copy() for name, array in self.buffers().items()}

    def go_to(self, position: Mapping[str, Array]) -> None:
        """Write the arrays of :meth:`position` back, except into frozen parameters."""
        iterate, stored = position["iterate"].copy(), position["stored"].copy()
        if (frozen := frozen_in(self.objective.vector)) is not None:
            frozen.write(iterate, stored)
        self.objective.vector.set(iterate)
        self._stored = None if np.array_equal(iterate, stored) else (stored, iterate)
        for name, array in self.buffers().items():
            array[...] = position[f"buffer/{name}"]

    def stored_vector(self) -> Array:
        """Return the vector that the optimizer stores, which may differ from the iterate."""
        value = self.objective.vector.value
        if self._stored is None:
            return value.copy()
        stored, iterate = self._stored
        # If nobody has changed the weights since, the very bits that were stored.
        return stored.copy() if np.array_equal(value, iterate) else self.optimizer.stored(value)

    def look_ahead_point(self) -> Array:
        """Return the point at which the next step evaluates its gradient."""
        return self.optimizer.look_ahead(self.stored_vector())


class SeveralGenerators:
    """The generators of R networks, one for each distinct seed, as one that layers draw from."""

    def __init__(self, generators: dict[int, np.random.Generator], seeds: Sequence[int]) -> None:
        self.generators, self.seeds = generators, seeds

    def random(self, shape: tuple[int, ...]) -> Array:
        """Return uniform numbers (R, n, features), for `shape` with or without the R."""
        drawn = {seed: g.random(shape[-2:]) for seed, g in self.generators.items()}
        return np.stack([drawn[seed] for seed in self.seeds])


def run(state: Run, data: Data, last: int) -> None:
    """Train until epoch `last` or until all networks have stopped.

    After an interruption at any place, the next call goes on from there.
    """
    state.last_epoch = last
    with state.compiled:
        if state.recorded < 0:
            row, all_of_them = first_row(state, data)
            state.optimizer.note_loss(row["train_loss"])
            data = data.only(state.record(row, all_of_them))
        state.hooks.show_waiting(state, state.history)
        while True:
            if state.unrecorded is not None:
                data = end_epoch(state, data, last)
            if state.stop_reason is not None or state.epoch >= last:
                return
            state.interrupts.check()
            begin_epoch(state)
            trained = state.objective.vector.trained
            watched = state.cursor == 0 and not trained <= state.checked
            reach = Reach(state.objective) if watched else None
            state.watched = reach
            with reach or contextlib.nullcontext():
                state.unrecorded = take_epoch(state, data)
            state.epoch += 1
            if reach is not None:
                check_reach(state, reach, state.unrecorded)
                state.checked = trained


def first_row(state: Run, data: Data) -> tuple[Row, Array]:
    """Return the row before training, and a mask of all networks; raise if a loss is not finite."""
    row = state.measure(data, np.full(len(state.seeds), np.nan))
    losses = np.array(row["train_loss"], ndmin=1)
    finite = np.isfinite(losses)
    for k in np.flatnonzero(~finite):
        with state.naming(int(k)):
            problem = "the loss is not finite before training"
            hint = "Check the scale of the data and the initial weights."
            raise DataError(problem, received=float(losses[k]), hint=hint)
    return row, finite


def begin_epoch(state: Run) -> None:
    """Tell the callbacks, and keep the weights, unless the epoch has begun before."""
    state.hooks.begin_epoch(state, state.epoch + 1)
    if state.cursor == 0 and (state.good is None or state.recorded == state.epoch):
        state.good = state.objective.vector.value.copy()
        state.good_buffers = {name: array.copy() for name, array in state.buffers().items()}


def end_epoch(state: Run, data: Data, last: int) -> Data:
    """Measure and record the epoch if it is time; return the data of the networks that are left."""
    losses = state.unrecorded
    assert losses is not None
    left = state.stop_diverged(losses, data)
    state.epoch_ended(losses)
    state.unrecorded, data = losses[left], data.only(left)
    every, ended = state.measure_every, state.epoch == last or state.stop_reason is not None
    if left.any() and (ended or (every > 0 and state.epoch % every == 0)):
        row = state.measure(data, state.unrecorded)
        left = state.stop_diverged(np.array(row["train_loss"], ndmin=1), data)
        state.unrecorded = None
        if left.any():
            state.optimizer.note_loss(_of_those(row["train_loss"], left))
            data = data.only(left)
            data = data.only(state.record(row, left))
    state.unrecorded = None
    return data


def _of_those(losses: Any, left: Array) -> Any:
    """Return the losses of the networks that are left; the one loss of a single network."""
    return losses[left] if isinstance(losses, np.ndarray) else losses


def check_reach(state: Run, reach: Reach, running: Array) -> None:
    """Raise if the first epoch has trained nothing; tell of parts of a network without gradient."""
    with state.naming(0):
        if state.epoch == 1 and state.good is not None:
            check_first_epoch(
                state.optimizer, state.good, state.objective.vector, float(running[0])
            )
        for network, problem in enumerate(reach.check()):
            state.tell(network, problem)


def take_epoch(state: Run, data: Data) -> Array:
    """Take the steps of one epoch, from the cursor on; return the mean loss of its batches."""
    n, vector, epoch = data.n, state.objective.vector, state.epoch + 1
    w = vector.value
    size = rows_per_batch(state.batch_size, n)
    drawn = state.shuffle and size < n
    order = state.compiled.orders.of(state.seeds, epoch, n) if drawn else None
    if state.cursor == 0:
        state.running_total = 0.0 if w.ndim == 1 else np.zeros(len(w))
        state._generators = None
        if state.may_draw and state.objective.model.stochastic:
            state._generators = {seed: stream(seed, "dropout", epoch) for seed in state.seeds}
    frozen = frozen_in(vector)
    if state._stored is not None:  # in the steps, the model holds what the optimizer stores
        vector.set(state.stored_vector())
        state._stored = None
    start = time.perf_counter()
    try:
        if frozen is not None:
            frozen.clear_state(state.optimizer)
            frozen.restore(w, state.optimizer)
        steps(state, Epoch(data, order, size, frozen))
    finally:  # and between epochs the iterate, which is measured and seen
        state.seconds += (time.perf_counter() - start) / (1 if w.ndim == 1 else len(w))
        if (iterate := state.optimizer.iterate(w)) is not w:
            state._stored = (w.copy(), iterate)
            w[...] = iterate
    running = np.atleast_1d(state.running_total) / n
    state.cursor, state.running_total, state.hooks.begun = 0, 0.0, []
    return running


def steps(state: Run, epoch: Epoch) -> None:
    """Take one step for each batch of an epoch, with the compiled engine where it is able to."""
    if state.engine == "eager" or not state.compiled.steps(state, epoch, eager):
        eager(state, epoch)


def eager(state: Run, epoch: Epoch, most: int | None = None) -> None:
    """Take one step for each batch of an epoch from the cursor on, at `most` so many."""
    data, order, size, frozen = epoch
    objective, optimizer, n = state.objective, state.optimizer, data.n
    w, step, gradient = objective.vector.value, optimizer.step, objective.batch_gradient
    total, single, generators = state.running_total, w.ndim == 1, state._generators or {}
    training: Any = SeveralGenerators(generators, state.seeds) if generators else True
    if generators and single:
        (training,) = generators.values()
    if frozen is not None:
        gradient = frozen.holding(gradient, w)
    interrupts, undo = state.interrupts, Undo(objective, optimizer, generators, state.buffers())
    batches = batches_in_order(data.train, size, order, data.sets, start=state.cursor)
    held = vars(state)  # __setattr__ would cost time
    held.update(cursor=state.cursor, samples=state.samples)
    for Xb, tb, wb in islice(batches, most):
        counts = optimizer.step_count, optimizer.gradient_evaluations
        if undo.needed:
            undo.remember()
        try:
            step(w, partial(gradient, Xb, tb, wb, training))
        except BaseException:  # the step can be taken again
            undo.restore(counts)
            raise
        if frozen is not None:
            frozen.restore(w, optimizer)
        count = min(size, n - state.cursor)
        if single:
            total += objective.value * count
        else:  # a diverged network keeps the sum that it had when it diverged
            np.add(total, objective.value * count, out=total, where=np.isfinite(total))
        held["running_total"] = total
        held["cursor"] += count
        held["samples"] += count
        if single and not math.isfinite(total):
            break
        if interrupts.pressed and state.cursor < n:
            interrupts.check()
