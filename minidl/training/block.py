"""Several networks as one computation: their parameters are the rows of one array (R, P).

A block is built from Trainers of one architecture, trained by the same loop as a single one, and
hands weights, optimizer state and history back to each Trainer when its network stops.
"""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from minidl.autograd import Array
from minidl.nn.layer import Training
from minidl.nn.parameters import ParameterVector
from minidl.streams import Stream, stream
from minidl.training.batches import permutation, permutation_type
from minidl.training.callbacks import StopRule
from minidl.training.checks import check_first_epoch
from minidl.training.data import Data, Rows
from minidl.training.grouping import block_key
from minidl.training.loop import Floats, Mask, Measured, Run, run
from minidl.training.measure import Objective
from minidl.training.trainer import Trainer, check_initial, too_large

__all__ = ["train_together"]


def train_together(
    trainers: list[Trainer],
    rows: tuple[Rows, Rows | None],
    epochs: int,
    sets: Sequence[int] | None = None,
) -> None:
    """Train networks as one block if they allow it, else one by one.

    With `sets`, rows have a leading axis (S, n, ...), and trainer k uses set ``sets[k]``.
    """
    data = Data(*rows)
    keys = {block_key(trainer) for trainer in trainers}
    if len(trainers) > 1 and len(keys) == 1 and None not in keys:
        for trainer in trainers:
            with naming(trainer):
                trainer.check_continuation(rows[1] is not None)
        everyone = data if sets is None else data.chosen(np.array(sets))
        Block(trainers).train(everyone, epochs)
        return
    for k, trainer in enumerate(trainers):
        with naming(trainer):
            own = data if sets is None else data.chosen(np.array(sets[k : k + 1]))
            trainer.fit_rows(own, trainer.epoch + epochs, trainer.callbacks)


@contextlib.contextmanager
def naming(trainer: Trainer) -> Iterator[None]:
    """Add a note to an error that says which network it comes from."""
    try:
        yield
    except Exception as error:
        error.add_note(f"in the network with seed {trainer.seed} and {trainer.optimizer!r}")
        raise


class Generators:
    """The dropout generators of R networks, one for each distinct seed.

    Parameters
    ----------
    generators : dict
        Seed -> generator.
    seeds : list of int
        The seed of each network.
    """

    def __init__(self, generators: dict[int, np.random.Generator], seeds: list[int]) -> None:
        self.generators = generators
        self.seeds = seeds

    def random(self, shape: tuple[int, ...]) -> Array:
        """Return uniform numbers (R, n, features), for `shape` with or without the R."""
        drawn = {seed: g.random(shape[-2:]) for seed, g in self.generators.items()}
        return np.stack([drawn[seed] for seed in self.seeds])


class Block(Run):
    """The training loop's state for R networks with parameters (R, P).

    Parameters
    ----------
    trainers : list of Trainer
        With equal :func:`block_key`.
    """

    def __init__(self, trainers: list[Trainer]) -> None:
        super().__init__()
        first = trainers[0]
        self.trainers = trainers  # those still training
        self.batch_size, self.shuffle = first.batch_size, first.shuffle
        self.measure_every, self.look_ahead = first.measure_every, first.look_ahead
        self.epoch, self.samples = first.epoch, first.samples
        self.seconds_before = {trainer: trainer.seconds for trainer in trainers}
        self.columns: dict[str, list[Floats]] = {}  # name -> rows (R0,), with R0 all networks
        self.position = {trainer: k for k, trainer in enumerate(trainers)}
        self.begun = len(first.history) > 0
        losses = [t.history.entry("train_loss", 0) if self.begun else 0.0 for t in trainers]
        self.initial = np.array(losses)  # loss before training, (R0,)
        self.recorded = self.epoch  # the last recorded epoch
        self._stack()

    def _stack(self) -> None:
        """Build the network and the optimizer of the Trainers' rows."""
        trainers, first = self.trainers, self.trainers[0]
        model = copy.deepcopy(first.model)
        vector = ParameterVector(model.named_parameters(), replicas=len(trainers))
        model._vector = vector
        for k, trainer in enumerate(trainers):
            vector.value[k] = trainer.model.parameters.value
            vector.grad[k] = trainer.model.parameters.grad
        self.objective = Objective(model, first.loss, first.objective.penalty.strength)
        self.optimizer = copy.deepcopy(first.optimizer)
        self.optimizer.state = {
            name: np.stack([trainer.optimizer.state[name] for trainer in trainers])
            for name in first.optimizer.state
        }
        if any(trainer._stored for trainer in trainers):
            stored = np.stack([trainer.stored_vector() for trainer in trainers])
            self._stored = (stored, vector.value.copy())
        self._set_hyperparameters()
        self.good = vector.value.copy()

    def train(self, data: Data, epochs: int) -> None:
        """Train for some further epochs and hand the results to the Trainers."""
        last = self.epoch + epochs
        for trainer in self.trainers:
            for rule in trainer.callbacks:
                rule.on_fit_begin(trainer, last)
        try:
            with np.errstate(over="ignore", invalid="ignore"):
                run(self, data, last, begun=self.begun)
            self._leave(np.ones(len(self.trainers), dtype=bool), "epochs")
        except BaseException as error:
            why = "interrupted" if isinstance(error, KeyboardInterrupt) else None
            self._leave(np.ones(len(self.trainers), dtype=bool), why)
            raise

    # -- the loop's questions ------------------------------------------------------------------

    @property
    def active(self) -> bool:
        """Whether a network is still training."""
        return bool(self.trainers)

    def begin_epoch(self) -> None:
        """Keep the weights that a divergence goes back to."""
        if self.recorded == self.epoch:
            self.good = self.objective.vector.value.copy()

    def draw_order(self, n: int) -> Array:
        """Return the order of rows of each network (R, n), or (n,) if all have the same."""
        generators = self._streams("shuffle")
        orders = {seed: permutation(generator, n) for seed, generator in generators.items()}
        if len(orders) == 1:
            return next(iter(orders.values()))
        stacked = np.empty((len(self.trainers), n), permutation_type(n))
        for k, trainer in enumerate(self.trainers):
            stacked[k] = orders[trainer.seed]
        return stacked

    def epoch_generator(self) -> Training:
        """Return the generators of this epoch's dropout, or True without dropout."""
        if not self.objective.model.stochastic:
            return True
        seeds = [trainer.seed for trainer in self.trainers]
        generators: Any = Generators(self._streams("dropout"), seeds)
        return generators  # type: ignore[no-any-return]

    def _streams(self, name: Stream) -> dict[int, np.random.Generator]:
        """Return this epoch's generator for each distinct seed."""
        return {t.seed: stream(t.seed, name, self.epoch + 1) for t in self.trainers}

    def end_steps(self, running: Floats) -> None:
        """Check that the first epoch has trained something."""
        if self.epoch == 1:
            with naming(self.trainers[0]):
                check_first_epoch(
                    self.optimizer, self.good, self.objective.vector, float(running[0])
                )

    def stop_diverged(self, losses: Floats) -> Mask:
        """Stop networks whose loss is not finite or too large; return which are left."""
        initial = self.initial[[self.position[trainer] for trainer in self.trainers]]
        diverged = too_large(losses, initial)
        if diverged.any():
            self._leave(diverged, "diverged", losses)
        return ~diverged

    def record(self, measured: Measured, running: Floats) -> Mask:
        """Add a row (R,) to each column and stop the networks whose callbacks say so."""
        count, vector, optimizer = len(self.trainers), self.objective.vector, self.optimizer
        columns = {
            "epoch": np.full(count, self.epoch),
            "updates": np.full(count, optimizer.step_count),
            "gradient_evaluations": np.full(count, optimizer.gradient_evaluations),
            "samples": np.full(count, self.samples),
            "seconds": np.array([self.seconds_before[t] for t in self.trainers]) + self.seconds,
            "train_loss": measured["train_loss"],
            "running_loss": running,
            "gradient_norm": _norms(vector.grad) if self.epoch else np.full(count, np.nan),
            **measured,
        }
        positions = [self.position[trainer] for trainer in self.trainers]
        if not self.columns and self.epoch == 0:
            for trainer, loss in zip(self.trainers, columns["train_loss"].tolist(), strict=True):
                with naming(trainer):
                    check_initial(loss, 0)
            self.initial[positions] = columns["train_loss"]
        for name, values in columns.items():
            row = np.full(len(self.initial), np.nan)
            row[positions] = values
            self.columns.setdefault(name, []).append(row)
        self.recorded = self.epoch
        return self._ask_stop_rules(columns)

    def _ask_stop_rules(self, columns: Measured) -> Mask:
        """Stop the networks whose callbacks say so; return which are left."""
        reasons: list[str | None] = [None] * len(self.trainers)
        for k, trainer in enumerate(self.trainers):
            if not trainer.callbacks:
                continue
            record = {name: values[k].item() for name, values in columns.items()}
            for rule in trainer.callbacks:
                assert isinstance(rule, StopRule)
                with naming(trainer):
                    if rule.observe(record, self.objective.vector.value[k]):
                        reasons[k] = rule.reason
        left = np.array([reason is None for reason in reasons])
        for reason in sorted({reason for reason in reasons if reason is not None}):
            still = [r for r in reasons if r is None or r >= reason]
            self._leave(np.array([r == reason for r in still]), reason)
        return left

    # -- leaving the block ---------------------------------------------------------------------

    def _leave(self, leaving: Mask, why: str | None, losses: Floats | None = None) -> None:
        """Hand networks their results; go on with the others."""
        for k in np.flatnonzero(leaving):
            self._hand_back(int(k), why, None if losses is None else float(losses[k]))
        if leaving.all():
            self.trainers = []
            return
        staying = ~leaving
        kept = np.flatnonzero(staying)
        self.trainers = [self.trainers[k] for k in kept]
        value, grad = self.objective.vector.value[staying], self.objective.vector.grad[staying]
        state = {name: vector[staying] for name, vector in self.optimizer.state.items()}
        stored, good, steps = self._stored, self.good[staying], self.optimizer
        self._stack()
        vector = self.objective.vector
        vector.value[...], vector.grad[...] = value, grad
        self.optimizer.state, self.good = state, good
        self.optimizer.step_count = steps.step_count
        self.optimizer.gradient_evaluations = steps.gradient_evaluations
        self._stored = stored and (stored[0][staying], stored[1][staying])

    def _hand_back(self, k: int, why: str | None, loss: float | None) -> None:
        """Give network `k` its weights, optimizer state and history."""
        trainer, vector = self.trainers[k], self.objective.vector
        trainer.model.parameters.set(vector.value[k])
        trainer.model.parameters.grad[...] = vector.grad[k]
        trainer.optimizer.state = {name: v[k].copy() for name, v in self.optimizer.state.items()}
        trainer.optimizer.step_count = self.optimizer.step_count
        trainer.optimizer.gradient_evaluations = self.optimizer.gradient_evaluations
        trainer.epoch, trainer.samples = self.epoch, self.samples
        trainer.cursor, trainer._good = self.cursor, self.good[k].copy()
        if self.cursor:
            trainer.running_total = float(np.asarray(self.running_total)[k])
            if isinstance(self._epoch_generator, Generators):
                generator = self._epoch_generator.generators[trainer.seed]
                trainer._epoch_generator = copy.deepcopy(generator)
        trainer.seconds = self.seconds_before[trainer] + self.seconds
        trainer._stored = self._stored and (self._stored[0][k].copy(), self._stored[1][k].copy())
        position = self.position[trainer]
        trainer.history.extend(
            {name: [row[position] for row in rows] for name, rows in self.columns.items()}
        )
        trainer.history.stopped_by = why
        if loss is not None:
            trainer.diverge(self.good[k], loss)
        for rule in trainer.callbacks:
            rule.on_fit_end(trainer)

    def _set_hyperparameters(self) -> None:
        """Give the optimizer a column of each hyperparameter in which the networks differ."""
        dtype = self.objective.vector.value.dtype
        optimizers = [trainer.optimizer for trainer in self.trainers]
        for name in self.optimizer.hyperparameters:
            values = [optimizer.hyperparameters[name] for optimizer in optimizers]
            differ = any(value is not values[0] and value != values[0] for value in values)
            self.optimizer.hyperparameters[name] = _column(values, dtype) if differ else values[0]


def _norms(grad: Array) -> Floats:
    """Return the length of each row."""
    return np.sqrt(np.array([np.dot(g, g) for g in grad], dtype=np.float64))


def _column(values: list[Any], dtype: np.dtype[Any]) -> Any:
    """Return numbers as a column (R, 1) of the weights' dtype; schedules as one of columns."""
    if any(callable(value) for value in values):
        return lambda step: _column([v(step) if callable(v) else v for v in values], dtype)
    return np.array(values, dtype)[:, None]
