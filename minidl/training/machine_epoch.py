"""The steps that are left in an epoch, at once, when nothing is to be recorded or compared.

It takes the same steps with the same programs as ``machine_steps.py``, those of all networks in one
call of the machine. The networks of a block are spread over threads, each with a memory of its own,
since the machine runs without the GIL. A network's steps are the same in any thread.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from minidl.autograd import Array
from minidl.engine import GUARD, IN, OUT, Jobs, Runner, address_of, networks_of
from minidl.training import machine_steps
from minidl.training.machine_steps import PROGRAMS, Known, Part, copies
from minidl.training.orders import Orders

WAITING = -1  # the status of a job that has not begun
FIELDS = ("first", "steps", "total", "last", "order", "memory", "taken", "status")  # of jobs


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
        self.data, self.going, self.lanes = part.epoch.data, going, lanes
        self.threads, self.arrays, self.settings = len(lanes[0]), part.arrays(), _settings(part)
        self.guarded = any(runner.guarded for runner, *_ in lanes)
        self.jobs = Jobs(len(going) * len(lanes), lanes[0][0].dtype)
        table = self.jobs.table.reshape(len(going), len(lanes))
        self.fields = {name: table[name] for name in FIELDS}
        self._memories = np.array([[lane.memory.ctypes.data for lane in leg] for leg in lanes])
        self._step_seconds = 0.0  # of another thread, for a step of a network
        self._draw_seconds = 0.0  # of the first thread, for the orders of an epoch

    def fill(self, part: Part, legs: Sequence[Leg]) -> None:
        """Make the jobs."""
        first, networks = part.run.optimizer.step_count, part.networks
        count, single = len(networks), networks[0].row is None
        made = {"gradient": self.arrays["gradient"]}
        kept = {name: array for name, array in self.arrays.items() if name not in made}
        gradients = networks_of(made, count, OUT, single=single)
        copied = networks_of(kept, count, IN | OUT, single=single)
        for place, number in enumerate(self.going):
            network, own = networks[number], copied[number] | gradients[number]
            sources, _ = part.rows_of(network.row)
            for k, leg in enumerate(legs):
                numbers, held = part.numbers(network, leg.known, first, 1)
                assert held
                job, runner = place * len(legs) + k, self.lanes[k][0]
                self.jobs.put(job, runner, sources, own, numbers, follows=k > 0)

    def fits(self, part: Part, going: list[int], lanes: list[list[Runner]]) -> bool:
        """Return whether the jobs are of these networks, rows, programs, arrays and settings."""
        arrays, data = part.arrays(), part.epoch.data
        return (
            data.train is self.data.train
            and data.sets is self.data.sets
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
        totals: list[float],
        pool: ThreadPoolExecutor | None,
        draw: Callable[[], None] | None,
    ) -> None:
        """Take the steps of the legs from the cursor on, with the sums of losses until now.

        The first thread calls `draw` while those of the pool still take steps.
        """
        self._place(part, legs, totals)
        steps, fields, start = sum(leg.steps for leg in legs), self.fields, time.perf_counter()
        bounds = self._bounds(steps, drawing=draw is not None)

        def work(thread: int) -> None:
            begin, end = bounds[thread : thread + 2]
            fields["memory"][begin:end] = self._memories[:, thread]
            if begin < end:
                self.jobs.take(begin * len(legs), end * len(legs))
            stop = time.perf_counter()
            if thread:
                self._step_seconds = (stop - start) / (steps * (end - begin))
            elif draw is not None:
                draw()
                self._draw_seconds = time.perf_counter() - stop

        try:
            _in_threads(work, pool, self.threads)
        finally:
            if self.threads > 1:
                self._finish()

    def _place(self, part: Part, legs: Sequence[Leg], totals: list[float]) -> None:
        """Write the first row, number of steps, sum of losses and order of rows into the jobs."""
        order, fields, cursor = part.epoch.order, self.fields, part.run.cursor
        for k, (known, steps) in enumerate(legs):
            fields["first"][:, k], fields["steps"][:, k] = cursor, steps
            cursor += steps * known.count
        fields["total"][...] = 0.0
        fields["total"][:, 0] = [totals[k] for k in self.going]
        fields["order"][...] = 0
        if order is not None:
            apart = order.strides[0] if order.ndim > 1 else 0
            begin = address_of("the order", order)
            fields["order"].T[...] = [begin + apart * k for k in self.going]
        fields["status"][...] = WAITING

    def _finish(self) -> None:
        """Take what a thread has not begun while others went on: networks go in step.

        So it is if a handler of signals raises in the first thread.
        """
        legs, status = len(self.lanes), self.fields["status"]
        if self.fields["taken"].any():
            for place in np.flatnonzero(status[:, 0] == WAITING).tolist():
                self.jobs.take(place * legs, (place + 1) * legs)

    def _bounds(self, steps: int, *, drawing: bool) -> list[int]:
        """Return where the range of each thread begins, and where the last one ends.

        All end at the same time if steps, and the `drawing` of the first, take as long as before.
        """
        count, others = len(self.going), self.threads - 1
        if not others:
            return [0, count]
        fewer = 0.0
        if drawing and self._step_seconds:
            fewer = self._draw_seconds / (self._step_seconds * steps)
        first = round(max(0.0, count - others * fewer) / self.threads)
        return [0, *(first + (count - first) * k // others for k in range(self.threads))]


class Whole:
    """The memories of a run, one of each program and thread, and the jobs of its last epoch."""

    def __init__(self, orders: Orders) -> None:
        self.threads, self._orders = 1, orders
        self._lanes: list[tuple[Known, list[Runner]]] = []
        self._jobs: EpochJobs | None = None
        self._pool: ThreadPoolExecutor | None = None  # of the other threads, if there are some

    def forget(self) -> None:
        """Forget the rows, but not the memories, and end the threads."""
        self._jobs = None
        if self._pool is not None:
            pool, self._pool = self._pool, None
            pool.shutdown()
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
        if self.threads > 1 and self._pool is None:
            self._pool = ThreadPoolExecutor(self.threads - 1)
        try:
            jobs.take(part, legs, totals, self._pool, self._draw_next(part, jobs))
        finally:  # a handler of signals may raise as soon as the machine returns
            taken = self._note(part, legs, totals, kept)
        seconds = (time.perf_counter() - start) * jobs.threads / max(1, taken * len(going))
        for leg in legs:
            leg.known.seconds = seconds
        return taken

    def _draw_next(self, part: Part, jobs: EpochJobs) -> Callable[[], None] | None:
        """Return what draws the orders of the next epoch, if there is one and they are not known.

        One thread draws them when it needs them.
        """
        run, n = part.run, part.epoch.data.n
        following = run.epoch + 2  # the epoch that is under way is not counted yet
        if jobs.threads == 1 or part.epoch.order is None or following > run.last_epoch:
            return None
        if self._orders.are_drawn(run.seeds, following, n):
            return None
        return partial(self._orders.draw_ahead, run.seeds, following, n)

    def _note(
        self, part: Part, legs: Sequence[Leg], totals: list[float], kept: dict[str, Array]
    ) -> int:
        """Note the steps that were taken, or take them back; return how many."""
        jobs = self._jobs
        assert jobs is not None
        fields, lasts = jobs.fields, [math.nan] * len(totals)
        taken, total, last = (fields[name].tolist() for name in ("taken", "total", "last"))
        counts = taken[0] if taken else [0] * len(legs)
        if part.networks[0].row is not None:  # networks of a block go in step
            counts = [leg.steps if any(map(any, taken)) else 0 for leg in legs]
        if kept and GUARD in fields["status"]:
            for name, array in kept.items():
                jobs.arrays[name][...] = array
            counts = [0] * len(legs)
        for place, k in enumerate(jobs.going):
            final = max((leg for leg, steps in enumerate(taken[place]) if steps), default=None)
            if final is not None:
                totals[k], lasts[k] = total[place][final], last[place][final]
        for leg, steps in zip(legs, counts, strict=True):
            if steps:
                part.count(leg.known, steps, totals, lasts)
        fields["taken"][...] = 0
        return sum(counts)

    def _jobs_of(self, part: Part, legs: Sequence[Leg], going: list[int]) -> EpochJobs:
        """Return the jobs of these networks on these legs; those of the last epoch if they fit."""
        lanes = [self._lanes_of(leg.known, len(going)) for leg in legs]
        if self._jobs is None or not self._jobs.fits(part, going, lanes):
            jobs = EpochJobs(part, going, lanes)
            jobs.fill(part, legs)  # may raise: then there are none
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


def _in_threads(work: Callable[[int], None], pool: ThreadPoolExecutor | None, threads: int) -> None:
    """Call `work` with the number of each thread, 0 in this one, and raise the first error."""
    if pool is None:
        work(0)
        return
    others: list[Future[None]] = []
    try:
        for number in range(1, threads):
            try:
                others.append(pool.submit(work, number))
            except RuntimeError:  # the interpreter ends, and begins no thread
                work(number)
        work(0)
    finally:  # what they write may be used only when they have ended
        try:
            wait(others)
        finally:
            wait(others)
    for ended in others:
        ended.result()
