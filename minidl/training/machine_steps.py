"""Steps of an epoch that the machine takes, and their comparison with eager ones."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from minidl.autograd import Array
from minidl.engine import GUARD, NotRecordable, Runner, drawn, numbers_of
from minidl.optim import Optimizer
from minidl.training.compilable import check_state
from minidl.training.data import Data
from minidl.training.frozen import Frozen
from minidl.training.measure import Objective

AGREE = {"d": 1e-10, "f": 1e-3}  # relative to the largest weight
SLICE = 0.03  # seconds after which Ctrl-C is looked for
NUMBERS = 2**20  # that steps are given at once, at most
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


Eager = Callable[..., None]  # the eager loop, of a run, an epoch and, optionally, a number of steps


@dataclass
class Known:
    """A program for batches of `count` rows, how often it was compared, and what a step takes."""

    runner: Runner
    count: int
    compared: int = 0
    seconds: float = 0.001
    numbers: dict[int | None, tuple[Any, Array]] = field(default_factory=dict)  # of each network


class Part:
    """Steps of an epoch on batches of one size, for each network of a run."""

    def __init__(self, run: Any, epoch: Epoch, sources: list[dict[str, Array]]) -> None:
        self.run, self.epoch, self.sources, self.networks = run, epoch, sources, run.networks()
        self.taken = 0
        self.used: list[Known] = []  # programs of the last steps
        self.stuck = 0  # a network for which no program's conditions hold

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
                each: list[float] = []
                try:
                    for k in range(steps):
                        each.append(at(optimizer, first + k + int(later or 0)))
                except Exception:  # in this step, eager raises it
                    return self.numbers(network, known, first, len(each)) if each else (None, 0)
                given[name] = np.array(each, float)
            elif value is not None:
                given[name] = value
        numbers, held = numbers_of(runner.program, given, steps)
        numbers = np.ascontiguousarray(numbers, runner.dtype)
        if constant:
            known.numbers[network.row] = values, numbers
        return numbers, held

    def compare(self, branches: list[Known], eager: Eager) -> bool:
        """Take a step with both engines; raise if they differ, return False if one cannot.

        The machine's numbers are kept, as in all later steps: so a run that is saved, and compares
        anew when it is resumed, ends with the same bits as one that is not.
        """
        before, place = copies(self.arrays()), self._place()
        try:
            eager(self.run, self.epoch, 1)
            check_state(self.run)
            after, loss = copies(self.arrays()), np.copy(self.run.objective.value)
        except BaseException:
            self._go_back(before, place)
            raise
        self._go_back(before, place)
        if not self.step(branches):
            return False
        if not np.all(np.isfinite(after["w"])):
            return True  # the last
        try:
            self._check_equal(after, loss)
        except NotRecordable:
            self._go_back(before, place)
            raise
        for known in self.used:
            known.compared += 1
        return True

    def _check_equal(self, eager: dict[str, Array], loss: Array) -> None:
        """Raise if what a step has changed, or its loss, differs from that of the eager step."""
        largest = float(np.max(np.abs(eager["w"])))
        taken = self.arrays()
        for name, array in eager.items():
            gaps, agree = np.abs(taken[name] - array), AGREE[array.dtype.char]
            if gaps.max(initial=0.0) <= agree * largest:
                continue
            differs = taken[name] != array  # so infinite ones, as before a first loss, are equal
            gap = float(np.max(gaps, where=differs, initial=0.0))
            size = float(np.max(np.abs(array), where=np.isfinite(array), initial=largest))
            if not gap <= agree * size:
                raise NotRecordable(f"{name} differs by {gap:.2g} from the eager step")
        gaps = np.abs(self.run.objective.value - loss)[np.isfinite(loss)]
        if not np.all(gaps <= AGREE[eager["w"].dtype.char] * max(1.0, *np.abs(loss).flat)):
            raise NotRecordable(f"the loss differs by {gaps.max():.2g} from the eager step")

    def _place(self) -> tuple[Any, ...]:
        """Return what says where in the epoch the run is."""
        run, total = self.run, self.run.running_total
        counts = run.optimizer.step_count, run.optimizer.gradient_evaluations
        kept = total.copy() if isinstance(total, np.ndarray) else total
        drawn = {seed: g.bit_generator.state for seed, g in (run._generators or {}).items()}
        return run.cursor, run.samples, kept, run.objective.value, counts, drawn

    def _go_back(self, arrays: dict[str, Array], place: tuple[Any, ...]) -> None:
        """Take back a step."""
        run, optimizer = self.run, self.run.optimizer
        for name, array in self.arrays().items():
            array[...] = arrays[name]
        run.cursor, run.samples, run.running_total, run.objective.value, counts, drawn = place
        optimizer.step_count, optimizer.gradient_evaluations = counts
        for seed, state in drawn.items():
            run._generators[seed].bit_generator.state = state

    def arrays(self) -> dict[str, Array]:
        """Return what a step changes, by the names that tapes use."""
        kept = {f"state {name}": array for name, array in self.run.optimizer.state.items()}
        kept |= {f"buffer {name}": array for name, array in self.run.buffers().items()}
        vector = self.run.objective.vector
        return {"w": vector.value, "gradient": vector.grad} | kept

    def arrays_of(self, network: Network) -> dict[str, Array]:
        """Return what a step of a network changes."""
        return _row(self.arrays(), network.row)

    def advance(self, known: Known) -> bool:
        """Take as many steps as fit a slice of time; return False if not one can be taken."""
        left = (self.epoch.data.n - self.run.cursor) // known.count
        fit = int(SLICE / known.seconds / len(self.networks))
        most = NUMBERS // known.runner.program.each if known.runner.program.each else fit
        steps, start = max(1, min(left, fit, most)), time.perf_counter()
        done = self._take([known], steps)
        seconds = time.perf_counter() - start
        known.seconds = seconds / max(1, self.taken) / len(self.networks)
        return done

    def step(self, branches: list[Known]) -> bool:
        """Take a step, each network with the first program whose conditions hold, if all can."""
        return self._take(branches, 1)

    def _take(self, branches: list[Known], steps: int) -> bool:
        """Take steps, or a single one if there are several programs; networks go in step."""
        run, networks = self.run, self.networks
        self.taken, self.used = 0, []
        for buffer in run.objective.model.buffers() if run.buffered else ():
            buffer[...] = buffer.data  # a new array: who holds the old one keeps its numbers
        first = run.optimizer.step_count
        ready = [[self.numbers(own, k, first, steps) for k in branches] for own in networks]
        if len(branches) == 1:
            steps = min(own[0][1] for own in ready)
        if not steps:
            return False
        arrays, drawing = self.arrays(), _Drawing(run)
        kept = copies(arrays) if len(networks) > 1 else {}
        totals = np.atleast_1d(run.running_total).tolist()
        last = [math.nan] * len(networks)
        for k, network in enumerate(networks):
            if not math.isfinite(totals[k]):  # it has diverged in this epoch
                continue
            taken, known = 0, branches[0]
            for known, (numbers, held) in zip(branches, ready[k], strict=True):
                if held >= steps:
                    given = drawing.beside(known, numbers, run.seeds[network.row or 0], steps)
                    job = self._job(network, known, given, steps, totals[k])
                    taken = self._run(job, known, _row(arrays, network.row))
                if taken:
                    break
            if not taken or (taken < steps and job.status == GUARD and kept):
                for name, array in kept.items():
                    arrays[name][...] = array
                drawing.finish(0)
                self.stuck = k
                return False
            self.used.append(known)
            totals[k], last[k] = job.total, job.last
            if not kept:
                steps = taken
        drawing.finish(steps)
        self.count((self.used or branches)[0], steps, totals, last)
        return True

    def _job(self, network: Network, known: Known, numbers: Array, steps: int, total: float) -> Any:
        """Return what the machine is given for these steps of a network."""
        rows, order = self.rows_of(network.row)
        numbers = numbers[:steps] if len(numbers) > 1 else numbers
        return known.runner.job(rows, order, self.run.cursor, steps, numbers=numbers, total=total)

    def holds(self, network: Network, count: int, runner: Runner) -> bool:
        """Return whether the conditions of a program of another run hold in the next step."""
        known, first = Known(runner, count), self.run.optimizer.step_count
        numbers, held = self.numbers(network, known, first, 1)
        if not held:
            return False
        job = self._job(network, known, numbers, 1, 0.0)
        return runner.holds(self.arrays_of(network), job)

    @staticmethod
    def _run(job: Any, known: Known, arrays: dict[str, Array]) -> int:
        """Run a job with these arrays, which it changes; return how many steps were taken."""
        known.runner.write(arrays)
        if taken := known.runner.take(job):
            known.runner.read(arrays)
        return taken

    def count(
        self, known: Known, steps: int, totals: Sequence[float], last: Sequence[float]
    ) -> None:
        """Note the steps that were taken where the eager loop notes them."""
        run, single = self.run, self.run.objective.vector.value.ndim == 1
        run.optimizer.step_count += steps
        run.optimizer.gradient_evaluations += steps * known.runner.evaluations
        run.objective.value = last[0] if single else np.array(last)
        run.running_total = totals[0] if single else np.array(totals)
        run.cursor += steps * known.count
        run.samples += steps * known.count
        self.taken = steps


class _Drawing:
    """The random numbers of some steps, from the generator of each network."""

    def __init__(self, run: Any) -> None:
        self._generators = run._generators or {}
        self._states = {seed: g.bit_generator.state for seed, g in self._generators.items()}
        self._drawn: dict[tuple[int, int], Array] = {}
        self._programs: dict[int, Known] = {}  # by seed
        self._steps = 0

    def beside(self, known: Known, numbers: Array, seed: int, steps: int) -> Array:
        """Return the numbers of steps, and beside them the random ones."""
        program, key = known.runner.program, (seed, id(known))
        if not program.tape.draws:
            return numbers
        self._programs[seed], self._steps = known, steps
        if key not in self._drawn:
            generator = self._generators[seed]
            generator.bit_generator.state = self._states[seed]
            self._drawn[key] = drawn(program, generator, steps)
        each = numbers[:steps] if len(numbers) > 1 else numbers
        rows = np.broadcast_to(each, (steps, numbers.shape[1]))
        return np.ascontiguousarray(np.hstack([rows, self._drawn[key]]), known.runner.dtype)

    def finish(self, steps: int) -> None:
        """Leave the generators as after so many steps."""
        for seed, generator in self._generators.items():
            if not self._states or (steps == self._steps and len(self._drawn) == 1):
                continue
            generator.bit_generator.state = self._states[seed]
            if steps and seed in self._programs:
                drawn(self._programs[seed].runner.program, generator, steps)


def copies(arrays: dict[str, Array]) -> dict[str, Array]:
    """Return copies of arrays, by the same names."""
    return {name: array.copy() for name, array in arrays.items()}


def _row(arrays: dict[str, Array], row: int | None) -> dict[str, Array]:
    """Return the arrays of one network of a block, as views."""
    return arrays if row is None else {name: array[row] for name, array in arrays.items()}
