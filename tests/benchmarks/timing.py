"""Timing side by side: each contestant runs once in each round, in a random order.

No machine is quiet, so a contestant is only compared with those of the same round. A ratio is the
median over rounds of the ratio within a round. A time is the smaller of wall time and processor
time, which other programs cannot stretch.
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
    """A contestant for :func:`interleave`."""

    def prepare(self, seed: int) -> Run:
        """Build a fresh network; return a function that trains it and returns the steps."""

    def loss(self) -> float:
        """Return the loss after the run."""


def stopwatch(run: Run) -> float:
    """Return the seconds per step of `run`, which returns its number of steps."""
    cpu, wall = time.process_time(), time.perf_counter()
    steps = run()
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    return min(wall, cpu) / steps


def wall(run: Run) -> float:
    """Return the wall time per step, for a `run` that starts processes."""
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

    A first round warms up and is dropped. Networks are built outside the measurement, from the
    number of the round. Each run starts after a garbage collection, and the collector ignores
    older objects, so that no contestant pays for the objects of another.
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
