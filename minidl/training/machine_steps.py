"""Steps of an epoch that the machine takes, and their comparison with eager ones."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from minidl.autograd import Array
from minidl.engine import GUARD, LOSS, NotRecordable, Runner, numbers_of
from minidl.optim import Optimizer
from minidl.training.compilable import check_state
from minidl.training.data import Data, Rows
from minidl.training.frozen import Frozen
from minidl.training.measure import Objective

AGREE = {"d": 1e-10, "f": 1e-3}  # relative to the largest weight
SLICE = 0.03  # seconds after which Ctrl-C is looked for
PROGRAMS = 8  # at most, of one run; more are of settings that keep changing


class Network(NamedTuple):
    """One network of a run: what is recorded for it, and its row in the arrays of a block."""

    objective: Objective
    optimizer: Optimizer
    row: int | None


class Epoch(NamedTuple):
    """The arguments of the loop: rows, their order, rows per batch, and what is frozen."""

    data: Data
    order: Array | None
    size: int
    frozen: Frozen | None


class Sources:
    """The rows of each set as matrices of the model's dtype, made once for each part of the data.

    Each is a dictionary of "X", "t", "weights", and of "plain", the weights without those that the
    loss gives, if it gives some.
    """

    def __init__(self) -> None:
        self._kept: list[tuple[Rows, list[dict[str, Array]]]] = []

    def of(self, rows: Rows, sets: Array | None, objective: Objective) -> list[dict[str, Array]]:
        """Return the matrices of each set."""
        for known, made in self._kept:
            if known is rows:
                return made
        dtype, weighs = objective.vector.value.dtype, objective.weighs(rows.t)
        made = []
        for place in [...] if sets is None else range(len(rows.X)):
            X, t, w = rows.X[place], rows.t[place], None if rows.w is None else rows.w[place]
            named = {"X": X, "t": t, "weights": w}
            named |= {"plain": objective.without_own(t, w)} if weighs else {}
            arrays = {name: array for name, array in named.items() if array is not None}
            made.append(
                {
                    name: np.ascontiguousarray(array.reshape(len(array), -1), dtype)
                    for name, array in arrays.items()
                }
            )
        self._kept = [*self._kept[-1:], (rows, made)]  # of training and validation
        return made


Eager = Callable[..., None]  # the eager loop, of a run, an epoch and, optionally, a number of steps


@dataclass
class Known:
    """A program for batches of `count` rows, how often it was compared, and what a step takes."""

    runner: Runner
    count: int
    compared: int = 0
    failed: int = 0  # steps one after the other in which a condition was not as recorded
    seconds: float = 0.001
    numbers: dict[int | None, tuple[Any, Array]] = field(default_factory=dict)  # of each network


class Part:
    """Steps of an epoch on batches of one size, for each network of a run."""

    def __init__(self, run: Any, epoch: Epoch, sources: list[dict[str, Array]]) -> None:
        self.run, self.epoch, self.sources, self.networks = run, epoch, sources, run.networks()
        self.taken = 0

    def rows_of(self, row: int | None) -> tuple[dict[str, Array], Array | None]:
        """Return the rows of a network and their order."""
        sets, order = self.epoch.data.sets, self.epoch.order
        source = self.sources[0 if sets is None or row is None else int(sets[row])]
        return source, order if order is None or order.ndim == 1 else order[row]

    def numbers(self, network: Network, known: Known, first: int, steps: int) -> tuple[Any, int]:
        """Return what :func:`numbers_of` does, for steps from number `first` on."""
        optimizer, runner = network.optimizer, known.runner
        penalties = network.objective.penalty, network.objective.l1_penalty
        given: dict[str, Any] = dict(
            zip(("l2", "l1"), (p.strength for p in penalties), strict=True)
        )
        values = (*given.values(), *optimizer.hyperparameters.values())
        constant = first > 0 and runner.constant and not any(map(callable, values))
        if constant and network.row in known.numbers and known.numbers[network.row][0] == values:
            return known.numbers[network.row][1], steps
        for name in runner.program.tape.scalars:
            own, _, later = name.partition("+")
            value = optimizer.hyperparameters.get(own)
            if name == "step_count":
                given[name] = np.arange(first, first + steps, dtype=float)
            elif callable(value):
                rule = next(part for part in optimizer.chain() if hasattr(type(part), own))
                at = getattr(type(rule), own).at
                each = [at(optimizer, first + k + int(later or 0)) for k in range(steps)]
                given[name] = np.array(each, float)
            elif value is not None:
                given[name] = value
        numbers, held = numbers_of(runner.program, given, steps)
        numbers = np.ascontiguousarray(numbers, runner.dtype)
        if constant:
            known.numbers[network.row] = values, numbers
        return numbers, held

    def compare(self, known: Known, eager: Eager) -> bool:
        """Take a step with both engines; raise if they differ, return False if one cannot.

        The machine's numbers are kept, as in all later steps: so a run that is saved, and compares
        anew when it is resumed, ends with the same bits as one that is not.
        """
        before, place = _copies(self.arrays_of_step()), self._place()
        try:
            eager(self.run, self.epoch, 1)
            check_state(self.run)
            after = _copies(self.arrays_of_step())
        except BaseException:
            self._go_back(before, place)
            raise
        if before.keys() != after.keys():
            return True  # the first step, which makes the state
        self._go_back(before, place)
        if not self.advance(known, 1):
            return False
        if not np.all(np.isfinite(after["w"])):
            return True  # the last
        try:
            self._check_equal(after)
        except NotRecordable:
            self._go_back(before, place)
            raise
        known.compared += 1
        return True

    def _check_equal(self, eager: dict[str, Array]) -> None:
        """Raise if what a step has changed differs from what the eager step made of it."""
        largest = float(np.max(np.abs(eager["w"])))
        taken = self.arrays_of_step()
        for name, array in eager.items():
            differs = taken[name] != array  # so infinite ones, as before a first loss, are equal
            gap = float(np.max(np.abs(taken[name] - array), where=differs, initial=0.0))
            size = float(np.max(np.abs(array), where=np.isfinite(array), initial=largest))
            if not gap <= AGREE[array.dtype.char] * size:
                raise NotRecordable(f"{name} differs by {gap:.2g} from the eager step")

    def _place(self) -> tuple[Any, ...]:
        """Return what says where in the epoch the run is."""
        run, total = self.run, self.run.running_total
        counts = run.optimizer.step_count, run.optimizer.gradient_evaluations
        kept = total.copy() if isinstance(total, np.ndarray) else total
        return run.cursor, run.samples, kept, run.objective.value, counts

    def _go_back(self, arrays: dict[str, Array], place: tuple[Any, ...]) -> None:
        """Take back a step."""
        run, optimizer = self.run, self.run.optimizer
        for name, array in self.arrays_of_step().items():
            if name in arrays:
                array[...] = arrays[name]
        run.cursor, run.samples, run.running_total, run.objective.value, counts = place
        optimizer.step_count, optimizer.gradient_evaluations = counts

    def arrays_of_step(self) -> dict[str, Array]:
        """Return what a step changes, by the names that tapes use."""
        states = {f"state {name}": array for name, array in self.run.optimizer.state.items()}
        vector = self.run.objective.vector
        return {"w": vector.value, "gradient": vector.grad} | states

    def advance(self, known: Known, most: int | None = None) -> bool:
        """Take as many steps as fit a slice of time; return False if not one can be taken."""
        run, runner, networks = self.run, known.runner, self.networks
        left = (self.epoch.data.n - run.cursor) // known.count
        steps = most or max(1, min(left, int(SLICE / known.seconds / len(networks))))
        ready = []
        for network in networks:
            numbers, held = self.numbers(network, known, run.optimizer.step_count, steps)
            ready.append(numbers)
            steps = min(steps, held)
        if not steps:
            return False
        arrays, start = self.arrays_of_step(), time.perf_counter()
        kept = _copies(arrays) if len(networks) > 1 else {}
        totals = np.array(np.atleast_1d(run.running_total), float)
        last = np.full(len(networks), np.nan) + run.objective.value
        for k, network in enumerate(networks):
            if not math.isfinite(totals[k]):  # it has diverged in this epoch
                continue
            own, numbers = _row(arrays, network.row), ready[k]
            numbers = numbers[:steps] if len(numbers) > 1 else numbers
            rows, order = self.rows_of(network.row)
            total = float(totals[k])
            job = runner.job(rows, order, run.cursor, steps, numbers=numbers, total=total)
            runner.write(own)
            taken = runner.take(job)
            if job.status == GUARD and kept:  # networks of a block go in step
                for name, array in arrays.items():
                    array[...] = kept[name]
                return False
            if taken:
                runner.read(own)
                totals[k], last[k] = job.total, job.last
            if job.status in (GUARD, LOSS) and not kept:
                steps = taken
        known.seconds = (time.perf_counter() - start) / max(1, steps) / len(networks)
        self.count(steps, known, totals, last)
        return bool(steps)

    def count(self, steps: int, known: Known, totals: Array, last: Array) -> None:
        """Note the steps that were taken where the eager loop notes them."""
        run, single = self.run, self.run.objective.vector.value.ndim == 1
        run.optimizer.step_count += steps
        run.optimizer.gradient_evaluations += steps * known.runner.evaluations
        run.objective.value = float(last[0]) if single else last
        run.running_total = float(totals[0]) if single else totals
        run.cursor += steps * known.count
        run.samples += steps * known.count
        self.taken = steps


def _copies(arrays: dict[str, Array]) -> dict[str, Array]:
    return {name: array.copy() for name, array in arrays.items()}


def _row(arrays: dict[str, Array], row: int | None) -> dict[str, Array]:
    """Return the arrays of one network of a block, as views."""
    return arrays if row is None else {name: array[row] for name, array in arrays.items()}
