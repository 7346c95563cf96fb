"""Several networks as one computation: their parameters are the rows of one array (R, P).

A block is trained by the same loop as a single network; each Trainer gets its weights and optimizer
state back when its network stops.
"""

import contextlib
import copy
import itertools
import warnings
from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np

from minidl.autograd import Array
from minidl.errors import ArgumentError
from minidl.training.checks import check_continuation, check_stacked, too_large, undeclared_state
from minidl.training.data import Data
from minidl.training.history import History
from minidl.training.hooks import Hooks, end_fit
from minidl.training.interrupts import Interrupts
from minidl.training.loop import Row, Run, run
from minidl.training.machine_steps import Network
from minidl.training.measure import Objective
from minidl.training.rates import begin_schedule
from minidl.training.stopping import StopRule
from minidl.training.trainer import Trainer


def train_together(trainers: list[Trainer], data: Data, epochs: int, threads: int = 1) -> None:
    """Train one network, or several with equal keys as one block, in so many threads."""
    own = data.only(slice(None))
    if len(trainers) == 1:
        trainer = trainers[0]
        before = trainer.model.checksums()
        with naming(trainer):
            trainer.fit_rows(own, trainer.epoch + epochs, trainer.callbacks)
        if message := undeclared_state(trainer.model, before):
            warnings.warn(message, stacklevel=2)
        return
    last = trainers[0].epoch + epochs
    going_on = [_begins(trainer, data, last) for trainer in trainers]
    if any(going_on):
        block = Block(list(itertools.compress(trainers, going_on)))
        block.compiled.whole.threads = threads
        block.train(own.only(np.flatnonzero(going_on)), last)


def _begins(trainer: Trainer, data: Data, last: int) -> bool:
    """Prepare a Trainer for further epochs; return whether no callback has ended its run before."""
    with naming(trainer):
        check_continuation(trainer, data.held_out is not None)
        begin_schedule(trainer, data.n, last)
        for rule in trainer.callbacks:
            rule.on_fit_begin(trainer, last)
    if trainer.stop_reason is not None:
        trainer.history.stopped_by = trainer.stop_reason
        end_fit(trainer, trainer.callbacks)
    return trainer.stop_reason is None


@contextlib.contextmanager
def naming(trainer: Trainer) -> Iterator[None]:
    """Add a note to an error that says which network it comes from."""
    try:
        yield
    except Exception as error:
        error.add_note(f"in the network with seed {trainer.seed} and {trainer.optimizer!r}")
        raise


class Block(Run):
    """The training loop's state for R networks, of Trainers with equal keys, as one (R, P)."""

    good: Array

    def __init__(self, trainers: list[Trainer]) -> None:
        first = trainers[0]
        self.batch_size, self.shuffle = first.batch_size, first.shuffle
        self.measure_every, self.look_ahead = first.measure_every, first.look_ahead
        self.epoch, self.samples = first.epoch, first.samples
        self.recorded, self.may_draw = first.recorded, first.may_draw
        self.checked = frozenset.intersection(*(trainer.checked for trainer in trainers))
        self.buffered, self.interrupts = first.buffered, Interrupts()
        self.history, self.hooks = History(), Hooks(self.interrupts)  # each Trainer has its own
        self.seconds = np.array([trainer.seconds for trainer in trainers], dtype=float)
        self.optimizer = copy.deepcopy(first.optimizer)
        states = [trainer.optimizer.state for trainer in trainers]
        self.optimizer.state = {n: np.stack([state[n] for state in states]) for n in states[0]}
        self.trainers = trainers
        self.engine, self.warm = first.engine, first.warm
        self.compiled = copy.deepcopy(first.compiled)
        vectors = [trainer.objective.vector for trainer in trainers]
        buffers = [dict(trainer.model.named_buffers()) for trainer in trainers]
        stacked = {name: np.stack([own[name] for own in buffers]) for name in buffers[0]}
        values, grads = [v.value for v in vectors], [v.grad for v in vectors]
        self._stack(np.stack(values), np.stack(grads), stacked)
        value = self.objective.vector.value
        if any(trainer._stored for trainer in trainers):
            stored = np.stack([trainer.stored_vector() for trainer in trainers])
            self._stored = (stored, value.copy())
        self.good, self.good_buffers = value.copy(), self.objective.model.copy_buffers()

    def _stack(self, value: Array, grad: Array, buffers: dict[str, Array]) -> None:
        """Build the network of the Trainers, and give it these weights, gradients and buffers."""
        first = self.trainers[0]
        self.seeds = [trainer.seed for trainer in self.trainers]
        model = copy.deepcopy(first.model)
        model.replicate(len(self.trainers))
        model.parameters.value[...], model.parameters.grad[...] = value, grad
        for name, array in model.named_buffers():
            array[...] = buffers[name].reshape(array.shape)
        strengths = first.objective.penalty.strength, first.objective.l1_penalty.strength
        self.objective = Objective(model, first.loss, *strengths)
        settings = self.optimizer.hyperparameters
        dtype = np.dtype(float) if self.optimizer.columns_in_float64 else value.dtype
        for name in settings:
            values = [trainer.optimizer.hyperparameters[name] for trainer in self.trainers]
            differ = any(v is not values[0] and v != values[0] for v in values)
            settings[name] = _column(values, dtype) if differ else values[0]

    def train(self, data: Data, last: int) -> None:
        """Train until epoch `last` and hand the results to the Trainers."""
        reason: str | None = None
        with self.interrupts:
            try:
                with np.errstate(over="ignore", invalid="ignore"):
                    run(self, data, last)
                reason = "epochs"
            except KeyboardInterrupt:
                reason = "interrupted"
                raise
            finally:
                for k in range(len(self.trainers)):
                    self._hand_back(k, reason)

    def naming(self, network: int) -> contextlib.AbstractContextManager[None]:
        """Return a context in which an error says which network it comes from."""
        return naming(self.trainers[network])

    def networks(self) -> list[Network]:
        """Return each network with its own hyperparameters."""
        return [Network(t.objective, t.optimizer, k) for k, t in enumerate(self.trainers)]

    def stop_diverged(self, losses: Array, data: Data) -> Array:
        """Stop networks whose loss is not finite or too large; return which are left."""
        check_stacked(self.optimizer)
        initial = [trainer.history.entry("train_loss", 0) for trainer in self.trainers]
        of_zeros = partial(self.objective.of_zeros, *data.train, data.sets)
        diverged = too_large(losses, initial, of_zeros)
        if diverged.any():
            self._leave(["diverged" if stops else None for stops in diverged], losses)
        return ~diverged

    def tell(self, network: int, problem: str) -> None:
        """Keep with its Trainer what to tell of a network."""
        self.trainers[network].untrained = problem

    def record(self, row: Row, left: Array) -> Array:
        """Add a row to each history and stop the networks whose callbacks say so."""
        if message := undeclared_state(self.objective.model):
            raise ArgumentError(f"networks that are trained together share no state: {message}")
        numbers = {name: v[left].tolist() for name, v in row.items() if isinstance(v, np.ndarray)}
        for k, trainer in enumerate(self.trainers):
            trainer.history.append(row | {name: column[k] for name, column in numbers.items()})
        self.recorded = self.epoch
        reasons: list[str | None] = [None] * len(self.trainers)
        for k, trainer in enumerate(self.trainers):
            for rule in trainer.callbacks:
                assert isinstance(rule, StopRule)
                with naming(trainer):
                    stops = rule.observe(trainer.history.row(-1), self.objective.vector.value[k])
                    rule.keep_buffers(self._buffers_of(k, self.buffers()))
                    reasons[k] = reasons[k] or (rule.reason if stops else None)
        if any(reasons):
            self._leave(reasons)
        return np.array([reason is None for reason in reasons])

    def _leave(self, reasons: list[str | None], losses: Array | None = None) -> None:
        """Hand networks their results if there is a reason; go on with the others."""
        for k, reason in enumerate(reasons):
            if reason is not None:
                self._hand_back(k, reason, None if losses is None else float(losses[k]))
        staying = [reason is None for reason in reasons]
        self.trainers = [t for t, stays in zip(self.trainers, staying, strict=True) if stays]
        if not self.trainers:
            self.stop_reason = reasons[0]
            return
        vector, stored, good = self.objective.vector, self._stored, self.good_buffers
        self.optimizer.state = {n: v[staying] for n, v in self.optimizer.state.items()}
        self._stored = stored and (stored[0][staying], stored[1][staying])
        self.good, self.seconds = self.good[staying], self.seconds[staying]
        self.good_buffers = {name: array[staying] for name, array in good.items()}
        buffers = {name: array[staying] for name, array in self.buffers().items()}
        self._stack(vector.value[staying], vector.grad[staying], buffers)

    def _buffers_of(self, k: int, buffers: dict[str, Array]) -> dict[str, Array]:
        """Return the buffers of network `k` out of those of all (R, ...), shaped as its own."""
        own = self.trainers[k].model.named_buffers()
        return {name: buffers[name][k].reshape(array.shape).copy() for name, array in own}

    def _hand_back(self, k: int, reason: str | None, loss: float | None = None) -> None:
        """Give network `k` its weights, optimizer state and history."""
        trainer, vector, stored = self.trainers[k], self.objective.vector, self._stored
        trainer.objective.vector.set(vector.value[k])
        trainer.objective.vector.grad[...] = vector.grad[k]
        trainer.optimizer.state = {name: v[k].copy() for name, v in self.optimizer.state.items()}
        trainer.optimizer.step_count = self.optimizer.step_count
        trainer.optimizer.gradient_evaluations = self.optimizer.gradient_evaluations
        trainer.epoch, trainer.samples, trainer.cursor = self.epoch, self.samples, self.cursor
        trainer.recorded, trainer.good = self.recorded, self.good[k].copy()
        trainer.checked, trainer.compiled = self.checked, copy.deepcopy(self.compiled)
        trainer.model.set_buffers(self._buffers_of(k, self.buffers()))
        trainer.good_buffers = self._buffers_of(k, self.good_buffers)
        trainer.unrecorded = None if self.unrecorded is None else self.unrecorded[k : k + 1].copy()
        if self.cursor:
            trainer.running_total = float(self.running_total[k])
        if self.cursor and self._generators:
            trainer._generators = {trainer.seed: copy.deepcopy(self._generators[trainer.seed])}
        trainer.seconds = float(self.seconds[k])
        trainer._stored = stored and (stored[0][k].copy(), stored[1][k].copy())
        trainer.history.stopped_by = reason
        if loss is not None:
            trainer.diverge(loss)
        end_fit(trainer, trainer.callbacks)


def _column(values: list[Any], dtype: np.dtype[Any]) -> Any:
    """Return numbers as a column (R, 1); schedules as a schedule of columns."""
    if any(callable(value) for value in values):
        return lambda step: _column([v(step) if callable(v) else v for v in values], dtype)
    return np.array(values, dtype)[:, None]
