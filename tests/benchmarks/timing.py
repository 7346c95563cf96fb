"""Timing side by side: every contestant once in each round, in an order drawn anew.

The decision of this file: a machine is never quiet, so a contestant is only compared with what
ran next to it. A ratio is the median over rounds of the ratio within a round, and a time is the
smaller of wall time and processor time, which a busy neighbour cannot stretch.
"""

from __future__ import annotations

import gc
import random
import time
from collections.abc import Callable, Mapping
from typing import Protocol

import numpy as np

Run = Callable[[], int]
Times = dict[str, list[float]]


class Contestant(Protocol):
    """What can be timed."""

    def prepare(self, seed: int) -> Run:
        """Build a fresh network; return a function that trains it and returns its steps."""

    def loss(self) -> float:
        """Return the loss after the run."""


def stopwatch(run: Run) -> float:
    """Return the seconds per step of `run`, which returns how many steps it took."""
    cpu, wall = time.process_time(), time.perf_counter()
    steps = run()
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    return min(wall, cpu) / steps


def wall(run: Run) -> float:
    """Return the seconds of wall time per step: of processes that `run` starts and waits for."""
    start = time.perf_counter()
    steps = run()
    return (time.perf_counter() - start) / steps


def interleave(
    contestants: Mapping[str, Contestant],
    rounds: int,
    generator: random.Random,
    clock: Callable[[Run], float] = stopwatch,
) -> tuple[Times, Times]:
    """Return seconds per step and final losses: name -> one for each round.

    One round before them only warms up. Networks are built outside the measurement, from the
    number of the round. Objects that are there already are hidden from the garbage collector, and
    each run starts without garbage, so nobody pays for what another imported or left behind.
    """
    times: Times = {name: [] for name in contestants}
    losses: Times = {name: [] for name in contestants}
    for number in range(rounds + 1):
        order = list(contestants)
        generator.shuffle(order)
        for name in order:
            run = contestants[name].prepare(number)
            gc.collect()
            gc.freeze()
            try:
                seconds = clock(run)
            finally:
                gc.unfreeze()
            if number:
                times[name].append(seconds)
                losses[name].append(contestants[name].loss())
    return times, losses


def quartiles(values: list[float]) -> tuple[float, float, float]:
    """Return the lower quartile, the median and the upper quartile."""
    low, middle, high = np.percentile(values, [25, 50, 75]).tolist()
    return low, middle, high


def ratio(times: Times, name: str, peer: str) -> tuple[float, float, float] | None:
    """Return the quartiles over rounds of `name`'s time by `peer`'s; None without both."""
    if name not in times or peer not in times:
        return None
    return quartiles([a / b for a, b in zip(times[name], times[peer], strict=True)])
