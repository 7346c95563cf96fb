"""The steps that are left in an epoch, at once, when nothing is to be recorded or compared.

It takes the same steps with the same programs as ``machine_steps.py``, with as little Python as
possible between them. The networks of a block are spread over threads, each with a memory of its
own, since the machine runs without the GIL. A network's steps are the same in any thread.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from minidl.autograd import Array
from minidl.engine import DONE, GUARD, Runner
from minidl.training import machine_steps
from minidl.training.machine_steps import PROGRAMS, Known, Part


class Leg(NamedTuple):
    """Steps on batches of one size."""

    known: Known
    steps: int
    numbers: list[Array]  # of each network


class Lane:
    """The memory of a thread for one program, and views of what a step changes in it."""

    def __init__(self, known: Known) -> None:
        self.runner = Runner(known.runner.program, known.runner.dtype, known.count)
        homes, memory = self.runner.program.homes, self.runner.memory
        self.views = {name: memory[at : at + size] for name, (at, size) in homes.items()}

    def take(self, arrays: dict[str, Array], rows: tuple[Any, ...], **how: Any) -> tuple[Any, int]:
        """Take steps of one network on these rows; return the job, and how many were taken."""
        pairs = [(array, self.views[name]) for name, array in arrays.items() if name in self.views]
        for array, view in pairs:
            view[...] = array
        job = self.runner.job(*rows, **how)
        if taken := self.runner.take(job):
            for array, view in pairs:
                array[...] = view
        return job, taken


class Whole:
    """The lanes of a run: for each program one of each thread."""

    def __init__(self) -> None:
        self.threads = 1
        self._lanes: list[tuple[Known, list[Lane]]] = []

    def forget(self) -> None:
        """Forget the rows, but not the lanes."""
        for _, lanes in self._lanes:
            for lane in lanes:
                lane.runner.forget()

    def take(self, part: Part, programs: Sequence[Known]) -> int:
        """Take steps with the programs of each size of batch, in this order; return how many.

        They are those that are left in the epoch, or as many as fit a slice of time. If a condition
        is not as recorded or a loss is not finite, the run is as after the step before or with it.
        """
        run, networks = part.run, part.networks
        left, legs, fitting = part.epoch.data.n - run.cursor, list[Leg](), machine_steps.SLICE
        for known in programs:
            seconds = known.seconds * len(networks) / self.threads
            steps = min(left // known.count, int(fitting / seconds))
            left -= steps * known.count
            fitting -= steps * seconds
            if steps:
                first = run.optimizer.step_count
                numbers = [part.numbers(network, known, first, 1)[0] for network in networks]
                legs.append(Leg(known, steps, numbers))
            if left >= known.count:
                break
        return self._take(part, legs) if legs else 0

    def _take(self, part: Part, legs: list[Leg]) -> int:
        """Take the steps of these legs, those of one network after the other."""
        run, networks, arrays = part.run, part.networks, part.arrays()
        single, start = networks[0].row is None, time.perf_counter()
        kept = {} if single else {name: array.copy() for name, array in arrays.items()}
        totals = np.array(np.atleast_1d(run.running_total), float)
        last = np.full(len(networks), np.nan) + run.objective.value
        going = [k for k, total in enumerate(totals.tolist()) if math.isfinite(total)]
        lanes = [self._lanes_of(leg.known, len(going)) for leg in legs]
        taken: dict[int, list[int]] = {}  # of each network and leg; fewer if the machine stops
        statuses = set[int]()

        def work(thread: int, places: Sequence[int]) -> None:
            for k in places:
                row = networks[k].row
                own = arrays if single else {name: array[row] for name, array in arrays.items()}
                cursor, taken[k] = run.cursor, []
                for (known, steps, numbers), several in zip(legs, lanes, strict=True):
                    rows = *part.rows_of(row), cursor, steps
                    how = {"numbers": numbers[k], "total": float(totals[k])}
                    job, done = several[thread].take(own, rows, **how)
                    taken[k].append(done)
                    statuses.add(job.status)
                    cursor += steps * known.count
                    if done:
                        totals[k], last[k] = job.total, job.last
                    if job.status != DONE:
                        break

        _in_threads(work, len(lanes[0]), going)
        if GUARD in statuses and not single:  # networks of a block go in step
            for name, array in kept.items():
                arrays[name][...] = array
            return 0
        counts = taken[0] if single else [leg.steps for leg in legs]
        seconds = (time.perf_counter() - start) * len(lanes[0]) / max(1, sum(counts) * len(going))
        for leg, steps in zip(legs, counts, strict=False):
            leg.known.seconds = seconds
            if steps:
                part.count(leg.known, steps, totals, last)
        return sum(counts)

    def _lanes_of(self, known: Known, networks: int) -> list[Lane]:
        """Return a lane of a program for each thread that is of use."""
        lanes = next((own for other, own in self._lanes if other is known), None)
        if lanes is None:
            lanes = []
            self._lanes = [*self._lanes[1 - PROGRAMS :], (known, lanes)]
        wanted = max(1, min(self.threads, networks))
        lanes.extend(Lane(known) for _ in range(wanted - len(lanes)))
        return lanes[:wanted]


def _in_threads(
    work: Callable[[int, Sequence[int]], None], threads: int, places: list[int]
) -> None:
    """Call `work` in each thread with its share of the places, and raise the first error."""
    errors: list[BaseException] = []

    def guarded(thread: int) -> None:
        try:
            work(thread, places[thread::threads])
        except BaseException as error:
            errors.append(error)

    others = [threading.Thread(target=guarded, args=(k,)) for k in range(1, threads)]
    for thread in others:
        thread.start()
    guarded(0)
    for thread in others:
        thread.join()
    if errors:
        raise errors[0]
