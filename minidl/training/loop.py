"""The training loop, for one network or for R networks at once.

A run is: measure; then, epoch by epoch, draw an order, take an epoch of steps, measure, record, and
ask who stops. :class:`~minidl.training.Trainer` is this loop with callbacks, and
:class:`~minidl.training.block.Block` is this loop on parameters of shape (R, P).
"""

from __future__ import annotations

import math
import time
from abc import ABC, abstractmethod
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from minidl.autograd import Array
from minidl.nn.layer import Training
from minidl.optim import BatchSize, Optimizer
from minidl.training.batches import batches_in_order, rows_per_batch
from minidl.training.data import Data, Rows
from minidl.training.measure import Objective

__all__ = ["Floats", "Mask", "Measured", "Run", "run"]

Floats = npt.NDArray[np.float64]
Measured = dict[str, Floats]  # column -> one value for each network
Mask = npt.NDArray[np.bool_]  # one entry for each network that is still training


class Run(ABC):
    """The state of a run between two batches: all that is needed to continue it.

    Attributes
    ----------
    objective : Objective
        Loss and gradient; its vector of shape (P,) or (R, P) holds the weights.
    optimizer : Optimizer
        Its state has the shape of the weights.
    epoch, samples : int
        Completed epochs, and rows seen.
    cursor : int
        Rows of the present epoch already seen; 0 between epochs.
    running_total : float or ndarray, shape (R,)
        Sum over these rows of the loss at the time.
    seconds : float
        Time spent on steps, for each network.
    """

    objective: Objective
    optimizer: Optimizer
    batch_size: BatchSize
    shuffle: bool
    measure_every: int
    look_ahead: bool
    epoch: int = 0
    samples: int = 0
    cursor: int = 0
    seconds: float = 0.0
    running_total: float | Floats = 0.0

    def __init__(self) -> None:
        self._stored: tuple[Array, Array] | None = None  # (stored, iterate), see show_iterate
        self._epoch_generator: Training = True
        self._between_steps: list[Any] = []  # states of its generators

    # -- what one network and R networks do in different ways ----------------------------------

    @property
    @abstractmethod
    def active(self) -> bool:
        """Whether a network is still training."""

    @abstractmethod
    def begin_epoch(self) -> None:
        """Run the hooks before an epoch, and keep the weights that a divergence goes back to."""

    @abstractmethod
    def draw_order(self, n: int) -> Array:
        """Return this epoch's order of rows, (n,), or (R, n)."""

    @abstractmethod
    def epoch_generator(self) -> Training:
        """Return the generator of this epoch's dropout, or True without dropout."""

    @abstractmethod
    def end_steps(self, running: Floats) -> None:
        """Check the steps of an epoch whose batches had these mean losses."""

    @abstractmethod
    def stop_diverged(self, losses: Floats) -> Mask:
        """Stop networks whose loss is not finite or too large; return which are left."""

    @abstractmethod
    def record(self, measured: Measured, running: Floats) -> Mask:
        """Add a row to each history and run the hooks after an epoch; return who is left."""

    # -- what they share -----------------------------------------------------------------------

    def measure(self, data: Data) -> Measured:
        """Return the loss, and the accuracy for classes, on all training and validation rows."""
        train, held_out, sets = data.train, data.held_out, data.sets
        losses = self.objective.measure(train.X, train.t, sets)
        columns = {"train_loss": losses["loss"]}
        if self.look_ahead:
            columns["look_ahead_loss"] = self.objective.loss_at(
                self.look_ahead_point(), train.X, train.t, sets, here=losses["loss"]
            )
        if "accuracy" in losses:
            columns["train_accuracy"] = losses["accuracy"]
        if held_out is not None:
            validation = self.objective.measure(held_out.X, held_out.t, sets)
            columns.update({f"validation_{name}": value for name, value in validation.items()})
        return {name: np.atleast_1d(value) for name, value in columns.items()}

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

    def show_iterate(self) -> None:
        """Put the optimizer's iterate into the model: what is measured and seen between epochs."""
        w = self.objective.vector.value
        if self._stored is None and (iterate := self.optimizer.iterate(w)) is not w:
            self._stored = (w.copy(), iterate)
            w[...] = iterate

    def generators(self) -> list[np.random.Generator]:
        """Return the generators that dropout draws from in this epoch."""
        drawn_from = self._epoch_generator
        if isinstance(drawn_from, bool):
            return []
        return list(getattr(drawn_from, "generators", {0: drawn_from}).values())

    def remember_generators(self) -> None:
        """Keep the state of the generators between two steps, for :meth:`rewind_generators`."""
        self._between_steps = [g.bit_generator.state for g in self.generators()]

    def rewind_generators(self) -> None:
        """Undo the draws of a step that did not end."""
        for generator, state in zip(self.generators(), self._between_steps, strict=True):
            generator.bit_generator.state = state

    def hide_iterate(self) -> None:
        """Put the stored vector back into the model, for the next step."""
        if self._stored is not None:
            self.objective.vector.set(self.stored_vector())
            self._stored = None


def run(state: Run, data: Data, last: int, *, begun: bool) -> None:
    """Train until epoch `last` or until all networks have stopped.

    Parameters
    ----------
    state : Run
        One network or several; updated in place.
    data : Data
        Training and validation rows.
    last : int
        Number of the last epoch.
    begun : bool
        Whether epoch 0, the measurement before training, has been recorded already.
    """
    if not begun:
        measured = state.measure(data)
        data = data.only(state.record(measured, np.full(len(measured["train_loss"]), np.nan)))
    while state.active and state.epoch < last:
        state.begin_epoch()
        running = take_epoch(state, data)
        state.epoch += 1
        state.end_steps(running)
        left = state.stop_diverged(running)
        running, data = running[left], data.only(left)
        if running.size and is_measured(state, last):
            measured = state.measure(data)
            left = state.stop_diverged(measured["train_loss"])
            if left.any():
                data = data.only(left)
                rows = {name: values[left] for name, values in measured.items()}
                data = data.only(state.record(rows, running[left]))


def is_measured(state: Run, last: int) -> bool:
    """Return True if the epoch that has just ended is measured and recorded."""
    every = state.measure_every
    return state.epoch == last or not state.active or (every > 0 and state.epoch % every == 0)


def take_epoch(state: Run, data: Data) -> Floats:
    """Take the steps of one epoch, from the cursor on; return the mean loss of its batches."""
    train, n = data.train, data.n
    size = rows_per_batch(state.batch_size, n)
    order = state.draw_order(n) if state.shuffle and size < n else None
    if state.cursor == 0:
        state._epoch_generator = state.epoch_generator()
    state.hide_iterate()
    start = time.perf_counter()
    try:
        steps(state, train, order, size, data.sets)
    except BaseException:
        state.rewind_generators()  # the interrupted step is taken again, with the same draws
        raise
    finally:
        count = max(1, state.objective.vector.value.size // state.objective.vector.size)
        state.seconds += (time.perf_counter() - start) / count
        state.show_iterate()
    running = np.atleast_1d(np.asarray(state.running_total, dtype=np.float64)) / n
    state.cursor, state.running_total = 0, 0.0
    return running


def steps(state: Run, rows: Rows, order: Array | None, size: int, sets: Array | None) -> None:
    """Take one step for each batch of an epoch: the inner loop of all training.

    It reads parameters, optimizer state, rows, an order and hyperparameters, and writes
    parameters, optimizer state and the running loss. Another engine can take its place.
    """
    objective, training = state.objective, state._epoch_generator
    w, step, gradient = objective.vector.value, state.optimizer.step, objective.gradient
    n = rows.X.shape[0 if sets is None else 1]
    total: Any = state.running_total if state.cursor else (0.0 if w.ndim == 1 else np.zeros(len(w)))
    state.remember_generators()
    for Xb, tb in batches_in_order(rows.X, rows.t, size, order, sets, start=state.cursor):
        step(w, partial(gradient, X=Xb, t=tb, training=training))
        count = min(size, n - state.cursor)
        if w.ndim == 1:
            total += objective.value * count
        else:  # a diverged network keeps the sum that it had when it diverged
            np.add(total, objective.value * count, out=total, where=np.isfinite(total))
        state.running_total = total
        state.cursor += count
        state.samples += count
        if training is not True:
            state.remember_generators()
        if w.ndim == 1 and not math.isfinite(total):
            break
