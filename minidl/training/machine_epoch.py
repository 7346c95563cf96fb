"""The steps that are left in an epoch, at once, when nothing is to be recorded or compared.

It takes the same steps with the same programs as ``machine_steps.py``, those of all networks in one
call of the machine. The networks of a block are spread over threads, each with a memory of its own,
since the machine runs without the GIL. A network's steps are the same in any thread.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from minidl.autograd import Array
from minidl.engine import GUARD, IN, OUT, Jobs, Runner, address_of, networks_of
from minidl.training import machine_steps
from minidl.training.machine_steps import PROGRAMS, Known, Part, copies


class Leg(NamedTuple):
    """Steps on batches of one size."""

    known: Known
    steps: int


class EpochJobs:
    """The jobs of some networks on some legs, which may be taken in each epoch.

    The job of network k on leg l is number k L + l. The networks are cut into ranges, one for each
    thread, with memory of its own for each leg.
    """

    def __init__(self, part: Part, going: list[int], lanes: list[list[Runner]]) -> None:
        self.part, self.going, self.lanes = part, going, lanes
        self.threads, self.arrays, self.settings = len(lanes[0]), part.arrays(), _settings(part)
        self.guarded = any(runner.guarded for runner, *_ in lanes)
        self.jobs = Jobs(len(going) * len(lanes), lanes[0][0].dtype)
        jobs, count = list(self.jobs), len(lanes)
        self.each = [jobs[k : k + count] for k in range(0, len(jobs), count)]  # of each network
        self.bounds = [len(going) * k // self.threads for k in range(self.threads + 1)]

    def fill(self, legs: Sequence[Leg]) -> None:
        """Make the jobs."""
        first, networks = self.part.run.optimizer.step_count, self.part.networks
        count, single = len(networks), networks[0].row is None
        made = {"gradient": self.arrays["gradient"]}
        kept = {name: array for name, array in self.arrays.items() if name not in made}
        gradients = networks_of(made, count, OUT, single=single)
        copied = networks_of(kept, count, IN | OUT, single=single)
        for thread, (begin, end) in enumerate(pairwise(self.bounds)):
            for place in range(begin, end):
                network = networks[self.going[place]]
                own = copied[self.going[place]] | gradients[self.going[place]]
                sources, _ = self.part.rows_of(network.row)
                for k, leg in enumerate(legs):
                    numbers, held = self.part.numbers(network, leg.known, first, 1)
                    assert held
                    number, runner = place * len(legs) + k, self.lanes[k][thread]
                    self.jobs.put(number, runner, sources, own, numbers, follows=k > 0)

    def fits(self, part: Part, going: list[int], lanes: list[list[Runner]]) -> bool:
        """Return whether the jobs are of these networks, rows, programs, arrays and settings."""
        arrays, data, own = part.arrays(), part.epoch.data, self.part.epoch.data
        return (
            data.train is own.train
            and data.sets is own.sets
            and going == self.going
            and lanes == self.lanes
            and arrays.keys() == self.arrays.keys()
            and all(array is self.arrays[name] for name, array in arrays.items())
            and all(array.flags.writeable for array in arrays.values())
            and _settings(part) == self.settings
        )

    def take(self, part: Part, legs: Sequence[Leg], totals: Sequence[float]) -> None:
        """Take the steps of the legs from the cursor on, with the sums of losses until now."""
        order, start = part.epoch.order, part.run.cursor
        address = None if order is None else address_of("the order", order)
        apart = order.strides[0] if order is not None and order.ndim > 1 else 0
        for k, own in zip(self.going, self.each, strict=True):
            cursor = start
            for job, (known, steps) in zip(own, legs, strict=True):
                job.first, job.steps, job.total, job.order = cursor, steps, 0.0, address
                cursor += steps * known.count
                if apart and address is not None:
                    job.order = address + apart * k
            own[0].total = totals[k]
        _in_threads(self._take, self.threads)

    def _take(self, thread: int) -> None:
        begin, end = (len(self.lanes) * bound for bound in self.bounds[thread : thread + 2])
        if begin < end:
            self.jobs.take(begin, end)


class Whole:
    """The memories of a run, one of each program and thread, and the jobs of its last epoch."""

    def __init__(self) -> None:
        self.threads = 1
        self._lanes: list[tuple[Known, list[Runner]]] = []
        self._jobs: EpochJobs | None = None

    def forget(self) -> None:
        """Forget the rows, but not the memories."""
        self._jobs = None
        for _, lanes in self._lanes:
            for runner in lanes:
                runner.forget()

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
                legs.append(Leg(known, steps))
            if left >= known.count:
                break
        return self._take(part, legs) if legs else 0

    def _take(self, part: Part, legs: Sequence[Leg]) -> int:
        """Take the steps of these legs, those of one network after the other."""
        run, start = part.run, time.perf_counter()
        single = part.networks[0].row is None
        totals = [run.running_total] if single else run.running_total.tolist()
        going = [k for k, total in enumerate(totals) if math.isfinite(total)]
        jobs = self._jobs_of(part, legs, going)
        kept = copies(jobs.arrays) if jobs.guarded and not single else {}
        try:
            jobs.take(part, legs, totals)
        finally:  # a handler of signals may raise as soon as the machine returns
            taken = self._note(part, legs, totals, kept)
        seconds = (time.perf_counter() - start) * jobs.threads / max(1, taken * len(going))
        for leg in legs:
            leg.known.seconds = seconds
        return taken

    def _note(
        self, part: Part, legs: Sequence[Leg], totals: list[float], kept: dict[str, Array]
    ) -> int:
        """Note the steps that were taken, or take them back; return how many."""
        jobs, last = self._jobs, part.run.objective.value
        assert jobs is not None
        lasts = [last] * len(totals) if np.ndim(last) == 0 else last.tolist()
        counts = [job.taken for job in jobs.each[0]]
        if part.networks[0].row is not None:
            ran = any(own[0].taken for own in jobs.each)
            counts = [leg.steps * ran for leg in legs]
        if kept and any(job.status == GUARD for own in jobs.each for job in own):
            for name, array in kept.items():  # networks of a block go in step
                jobs.arrays[name][...] = array
            counts = [0] * len(legs)
        for k, own in zip(jobs.going, jobs.each, strict=True):
            final = next((job for job in reversed(own) if job.taken), None)
            if final is not None:
                totals[k], lasts[k] = final.total, final.last
        for leg, steps in zip(legs, counts, strict=True):
            if steps:
                part.count(leg.known, steps, totals, lasts)
        for own in jobs.each:
            for job in own:
                job.taken = 0
        return sum(counts)

    def _jobs_of(self, part: Part, legs: Sequence[Leg], going: list[int]) -> EpochJobs:
        """Return the jobs of these networks on these legs; those of the last epoch if they fit."""
        lanes = [self._lanes_of(leg.known, len(going)) for leg in legs]
        if self._jobs is None or not self._jobs.fits(part, going, lanes):
            jobs = EpochJobs(part, going, lanes)
            jobs.fill(legs)  # may raise: then there are none
            self._jobs = jobs
        return self._jobs

    def _lanes_of(self, known: Known, networks: int) -> list[Runner]:
        """Return a memory of a program for each thread that is of use."""
        lanes = next((own for other, own in self._lanes if other is known), None)
        if lanes is None:
            lanes = [known.runner]
            self._lanes = [*self._lanes[1 - PROGRAMS :], (known, lanes)]
        wanted = max(1, min(self.threads, networks))
        program, dtype = known.runner.program, known.runner.dtype
        lanes.extend(Runner(program, dtype, known.count) for _ in range(wanted - len(lanes)))
        return lanes[:wanted]


def _settings(part: Part) -> list[Any]:
    """Return the numbers that steps of each network are given."""
    return [
        (
            own.objective.penalty.strength,
            own.objective.l1_penalty.strength,
            *own.optimizer.hyperparameters.values(),
        )
        for own in part.networks
    ]


def _in_threads(work: Callable[[int], None], threads: int) -> None:
    """Call `work` with its number in each thread, and raise the first error."""
    errors: list[BaseException] = []

    def guarded(thread: int) -> None:
        try:
            work(thread)
        except BaseException as error:
            errors.append(error)

    others = [threading.Thread(target=guarded, args=(k,)) for k in range(1, threads)]
    for thread in others:
        thread.start()
    guarded(0)
    try:
        for thread in others:
            thread.join()
    finally:  # what they write may be used only when they have ended
        for thread in others:
            thread.join()
    if errors:
        raise errors[0]
