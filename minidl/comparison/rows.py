"""A row of the table of optimizers: one optimizer at one setting, on the evaluation seeds."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from minidl.comparison.goal import Target
from minidl.comparison.plan import Contestant, Plan
from minidl.comparison.run import Run, Setting
from minidl.comparison.stats import hitting
from minidl.comparison.stats.hitting import median
from minidl.comparison.stats.intervals import bootstrap_interval, median_interval
from minidl.comparison.stats.spending import error_share
from minidl.comparison.stats.verdicts import confidence_of
from minidl.optim import BatchSize

Interval = tuple[float, float]


@dataclass(frozen=True)
class Row:
    """One optimizer at one setting, on the evaluation seeds.

    Times are in epochs, and infinite where most runs missed the target.
    """

    optimizer: str
    batch_size: BatchSize
    setting: Setting
    reached: int  # number of runs that reached the target
    seeds: int  # number of runs
    diverged: int  # number of runs that diverged
    diverged_at: float  # median epoch of the divergences; nan without any
    median: float  # median hitting time
    first_hit: float  # median epoch in which the target was first touched
    interval: Interval | None  # exact 95 % interval of the median; None below 6 seeds
    mean: float  # restricted mean: the mean of min(T, E)
    mean_interval: Interval | None  # its bootstrap interval
    running_time: float  # ERT: all epochs spent, per run that reached the target
    updates: float  # medians until the target held
    samples: float
    seconds: float
    loss: float  # median training loss at the end of the budget; infinite after a divergence
    chaotic: bool  # whether training is chaotic at this setting, as at all others


def summarize(
    plan: Plan, contestant: Contestant, runs: Sequence[Run], target: Target, chaotic: bool
) -> Row:
    """Return the row of one contestant's runs at one setting."""
    times = target.times(runs, plan.sustained)
    diverged = [float(run.diverged_at) for run in runs if run.diverged_at is not None]
    confidence = confidence_of(error_share(plan.looks, len(runs)))

    def until_target(per_epoch: Sequence[float]) -> float:
        pairs = zip(times.tolist(), per_epoch, strict=True)
        return median([t * amount if math.isfinite(t) else t for t, amount in pairs])

    return Row(
        optimizer=contestant.name,
        batch_size=contestant.batch_size,
        setting=runs[0].setting,
        reached=int(np.isfinite(times).sum()),
        seeds=len(runs),
        diverged=len(diverged),
        diverged_at=median(diverged),
        median=median(times.tolist()),
        first_hit=median(target.times(runs, 1).tolist()),
        interval=median_interval(times, confidence),
        mean=hitting.restricted_mean(times, plan.epochs),
        mean_interval=bootstrap_interval(hitting.restricted(times, plan.epochs), confidence),
        running_time=hitting.expected_running_time(times, plan.epochs),
        updates=until_target([run.updates for run in runs]),
        samples=until_target([run.samples for run in runs]),
        seconds=until_target([run.seconds / max(run.epochs, 1) for run in runs]),
        loss=median([run.final for run in runs]),
        chaotic=chaotic,
    )
