"""The steps that are left in an epoch, at once, when nothing is to be recorded or compared.

It takes the same steps with the same programs as ``machine_steps.py``, those of all networks in one
call of the machine. The networks of a block are spread over threads, each with a memory of its own,
since the machine runs without the GIL. A network's steps are the same in any thread.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from minidl.autograd import Array
from minidl.engine import GUARD, IN, OUT, Jobs, Runner, address_of, networks_of
from minidl.training import machine_steps
from minidl.training.machine_steps import PROGRAMS, Known, Part, copies
from minidl.training.orders import Orders


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
        self.each = self.jobs.table.reshape(len(going), len(lanes))
        self._memories = np.array([[lane.memory.ctypes.data for lane in leg] for leg in lanes])
        self._pace = 0.0  # seconds of another thread for a step of a network, in the last call
        self._drawing = 0.0  # seconds of what was done meanwhile

    def fill(self, legs: Sequence[Leg]) -> None:
        """Make the jobs."""
        first, networks = self.part.run.optimizer.step_count, self.part.networks
        count, single = len(networks), networks[0].row is None
        made = {"gradient": self.arrays["gradient"]}
        kept = {name: array for name, array in self.arrays.items() if name not in made}
        gradients = networks_of(made, count, OUT, single=single)
        copied = networks_of(kept, count, IN | OUT, single=single)
        for place, going in enumerate(self.going):
            network, own = networks[going], copied[going] | gradients[going]
            sources, _ = self.part.rows_of(network.row)
            for k, leg in enumerate(legs):
                numbers, held = self.part.numbers(network, leg.known, first, 1)
                assert held
                number, runner = place * len(legs) + k, self.lanes[k][0]
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

    def take(
        self,
        part: Part,
        legs: Sequence[Leg],
        totals: Array,
        pool: ThreadPoolExecutor,
        meanwhile: Callable[[], None],
    ) -> None:
        """Take the steps of the legs from the cursor on, with the sums of losses until now.

        `meanwhile` is called while threads of the pool still take steps, if there are some.
        """
        order, each, cursor = part.epoch.order, self.each, part.run.cursor
        for k, (known, steps) in enumerate(legs):
            each["first"][:, k], each["steps"][:, k] = cursor, steps
            cursor += steps * known.count
        each["total"], each["total"][:, 0] = 0.0, totals[self.going]
        each["order"] = 0
        if order is not None:
            rows = np.array(self.going if order.ndim > 1 else [0] * len(self.going))
            each["order"] = (address_of("the order", order) + order.strides[0] * rows)[:, None]
        steps, start = sum(leg.steps for leg in legs), time.perf_counter()
        bounds = self._bounds(steps)

        def work(thread: int) -> None:
            begin, end = bounds[thread : thread + 2]
            each["memory"][begin:end] = self._memories[:, thread]
            if begin < end:
                self.jobs.take(begin * len(legs), end * len(legs))
            stop = time.perf_counter()
            if thread:
                self._pace = (stop - start) / (steps * (end - begin))
            elif self.threads > 1:
                meanwhile()
                self._drawing = time.perf_counter() - stop

        _in_threads(work, pool, self.threads)

    def _bounds(self, steps: int) -> list[int]:
        """Return where the range of each thread begins, and where the last one ends.

        All end at the same time if it is as in the last call.
        """
        count, others = len(self.going), self.threads - 1
        if not others:
            return [0, count]
        drawing = self._drawing / (self._pace * steps) if self._pace else 0  # in networks
        first = round(max(0.0, count - others * drawing) / self.threads)
        return [0, *(first + (count - first) * k // others for k in range(self.threads))]


class Whole:
    """The memories of a run, one of each program and thread, and the jobs of its last epoch."""

    def __init__(self, orders: Orders) -> None:
        self.threads, self._orders = 1, orders
        self._lanes: list[tuple[Known, list[Runner]]] = []
        self._jobs: EpochJobs | None = None
        self._pool = ThreadPoolExecutor()  # has no threads until they are needed

    def forget(self) -> None:
        """Forget the rows, but not the memories, and end the threads."""
        self._jobs = None
        self._pool.shutdown()
        self._pool = ThreadPoolExecutor()
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
        run, order, start = part.run, part.epoch.order, time.perf_counter()
        totals = np.array(run.running_total, float, ndmin=1)
        going = np.flatnonzero(np.isfinite(totals)).tolist()
        jobs = self._jobs_of(part, legs, going)
        kept = copies(jobs.arrays) if jobs.guarded and part.networks[0].row is not None else {}
        n, ahead = part.epoch.data.n, [] if order is None else run.seeds
        meanwhile = partial(self._orders.draw_ahead, ahead, run.epoch + 2, n)  # this is + 1
        try:
            jobs.take(part, legs, totals, self._pool, meanwhile)
        finally:  # a handler of signals may raise as soon as the machine returns
            taken = self._note(part, legs, totals, kept)
        seconds = (time.perf_counter() - start) * jobs.threads / max(1, taken * len(going))
        for leg in legs:
            leg.known.seconds = seconds
        return taken

    def _note(self, part: Part, legs: Sequence[Leg], totals: Array, kept: dict[str, Array]) -> int:
        """Note the steps that were taken, or take them back; return how many."""
        jobs = self._jobs
        assert jobs is not None
        each, lasts = jobs.each, np.full(len(totals), np.nan)
        taken = each["taken"].max(0, initial=0)
        if part.networks[0].row is not None:  # networks of a block go in step
            taken = np.array([leg.steps for leg in legs]) * each["taken"].any()
        if kept and (each["status"] == GUARD).any():
            for name, array in kept.items():
                jobs.arrays[name][...] = array
            taken[...] = 0
        for k in range(len(legs)):
            ran = np.flatnonzero(each["taken"][:, k])
            networks = np.array(jobs.going)[ran]
            totals[networks], lasts[networks] = each["total"][ran, k], each["last"][ran, k]
        for leg, steps in zip(legs, taken.tolist(), strict=True):
            if steps:
                part.count(leg.known, steps, totals, lasts)
        each["taken"] = 0
        return int(taken.sum())

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


def _in_threads(work: Callable[[int], None], pool: ThreadPoolExecutor, threads: int) -> None:
    """Call `work` with the number of each thread, 0 in this one, and raise the first error."""
    others = [pool.submit(work, number) for number in range(1, threads)]
    try:
        work(0)
    finally:  # what they write may be used only when they have ended
        try:
            wait(others)
        finally:
            wait(others)
    for ended in others:
        ended.result()
