"""The value of a target, from the tuning runs: how much of the gap must be closed."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from decimal import ROUND_CEILING, Decimal
from functools import partial

import numpy as np

from minidl.comparison.chaos import is_chaotic, is_unsteady
from minidl.comparison.goal import Goal, Target
from minidl.comparison.run import Key, Run, Setting
from minidl.errors import ArgumentError

REACHABLE = 0.8  # share of tuning seeds on which some optimizer must reach the target
LOOSEST = 0.5  # a gap is widened up to this share
CLOSE = 0.9  # share of the whole gap that training which is not chaotic must close to define it


def outward(value: float, limit: float) -> float:
    """Return a target loss rounded up to two significant digits, or more to stay below `limit`.

    A rounded target is the same on processors that round differently.

    >>> outward(0.1337, 0.7), outward(0.1347, 0.7), outward(1.0412, 1.05)
    (0.14, 0.14, 1.042)
    """
    exact = Decimal(f"{value:.12e}")
    for digits in range(2, 13):
        step = Decimal(1).scaleb(exact.adjusted() - digits + 1)
        rounded = float(exact.quantize(step, ROUND_CEILING))
        if rounded < limit:
            return rounded
    return value


def resolve(
    goal: Goal, tuning: Sequence[Run], sustained: int, twins: Mapping[Key, Run] | None = None
) -> Target:
    """Return the target that a goal means on the tuning runs.

    A gap is closed where L <= L_ref + tau (L_0 - L_ref) (More & Wild 2009, eq. 2.2), rounded up to
    two digits, or more where that would add half of the share. L_0 is the median initial loss.
    L_ref is the smallest, over optimizers and settings, median over seeds of the best loss of a
    run. Runs that diverged have none. Settings at which the twin of a run has another best loss
    are left out, unless the rest closes less than 90 % of the gap. If no optimizer reaches the
    target on 80 % of the seeds at any setting that is not chaotic, tau is doubled, up to 0.5, as
    long as no seed starts below it. Without any improvement there is no gap, which raises
    ArgumentError.
    """
    groups: dict[tuple[str, Setting], list[Run]] = {}
    for run in tuning:
        groups.setdefault((run.optimizer, run.setting), []).append(run)
    twin_of = dict(twins or {})
    starts = [run.initial for run in next(iter(groups.values()))]
    initial = float(np.median(starts))
    reference, runs, steady = _reference(list(groups.values()), twin_of, initial)

    def target_at(tau: float | None) -> Target:
        value = goal.number if tau is None else _closed(reference, initial, tau, min(starts))
        source = () if tau is None else tuple(run.key for run in runs)
        target = Target(goal, value, initial, reference, tau, True, steady or tau is None, source)
        doubts = twin_of if target.steady else {}
        return replace(target, reachable=_reachable(target, groups.values(), sustained, doubts))

    if goal.kind != "gap":
        return target_at(None)
    if not reference < initial:
        best = "every setting diverged" if math.isinf(reference) else f"the best is {reference:.4g}"
        message = f"there is no gap to close: the loss is {initial:.4g} before training, and {best}"
        raise ArgumentError(message, hint="Try smaller learning rates, or more epochs.")
    tau, target = goal.number, target_at(goal.number)
    while not target.reachable and tau < LOOSEST:
        tau = min(2 * tau, LOOSEST)
        looser = target_at(tau)
        if looser.value >= min(starts):
            break  # a seed would start at the target
        target = looser
    return target


def _reference(
    groups: list[list[Run]], twins: Mapping[Key, Run], initial: float
) -> tuple[float, list[Run], bool]:
    """Return L_ref, its runs, and whether it is of training that is not chaotic.

    If that would close much less of the gap than all training does, all training counts.
    """

    def unsteady(run: Run) -> bool:
        return run.key in twins and is_unsteady(run, twins[run.key])

    def median_best(runs: list[Run]) -> float:
        return float(np.median([run.best for run in runs]))

    steady = [runs for runs in groups if not any(map(unsteady, runs))]
    lowest, runs = (min(choice, key=median_best) for choice in (groups, steady or groups))
    gap = initial - median_best(lowest)
    close = bool(steady) and initial - median_best(runs) >= CLOSE * gap
    runs = runs if close else lowest
    return median_best(runs), runs, close


def _closed(reference: float, initial: float, tau: float, start: float) -> float:
    """Return the loss that leaves a share tau of the gap, rounded, below every initial loss."""
    remainder = tau * (initial - reference)
    value = reference + remainder
    return outward(value, min(start if value < start else math.inf, value + remainder / 2))


def _reachable(
    target: Target, groups: Iterable[Sequence[Run]], sustained: int, twins: Mapping[Key, Run]
) -> bool:
    """Return whether 80 % of the runs at some setting that is not chaotic reach the target."""
    time = partial(target.time, sustained=sustained)
    for runs in groups:
        share = np.mean([math.isfinite(time(run)) for run in runs])
        pairs = [(run, twins[run.key]) for run in runs if run.key in twins]
        if share >= REACHABLE and not any(is_chaotic(*pair, time) for pair in pairs):
            return True
    return False
