"""When a run has converged: the target as requested, and its value on the tuning runs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from minidl.comparison.run import Run, Setting
from minidl.comparison.stats.hitting import Floats, hitting_times
from minidl.errors import ArgumentError, invalid

__all__ = ["Goal", "Target", "resolve"]

REACHABLE = 0.8  # share of tuning seeds on which some optimizer must reach the target
LOOSEST = 0.5  # a gap is widened up to this share
COLUMNS = {
    "gap": "train_loss",
    "loss": "train_loss",
    "accuracy": "train_accuracy",
    "validation-accuracy": "validation_accuracy",
}


class Goal(NamedTuple):
    """A target as requested.

    With gap, a run has converged when at most a share tau is left of the way from the initial
    loss to the best loss of all tuning runs. The other kinds are a value of a curve.
    """

    kind: str  # "gap", "loss", "accuracy" or "validation-accuracy"
    number: float  # tau, the loss or the accuracy

    @classmethod
    def parse(cls, text: str) -> Goal:
        """Return the goal written as ``kind:number``; other texts raise ArgumentError.

        Examples
        --------
        >>> Goal.parse("gap:0.1"), str(Goal.parse("loss: 0.05"))
        (Goal(kind='gap', number=0.1), 'loss:0.05')
        """
        name, _, value = str(text).partition(":")
        kind = name.strip().lower()
        try:
            number = float(value)
        except ValueError:
            number = math.nan
        if kind not in COLUMNS or math.isnan(number):
            forms = "gap:0.1, loss:0.05, accuracy:0.97 or validation-accuracy:0.95"
            raise invalid("target", text, f"of the form {forms}")
        valid, expected = {
            "gap": (0 < number < 1, "a share between 0 and 1"),
            "loss": (math.isfinite(number), "a finite loss"),
        }.get(kind, (0 < number <= 1, "an accuracy above 0, at most 1"))
        if not valid:
            raise invalid("target", text, expected)
        return cls(kind, number)

    def __str__(self) -> str:
        return f"{self.kind}:{self.number:g}"

    @property
    def column(self) -> str:
        """The curve that must reach the target."""
        return COLUMNS[self.kind]

    @property
    def rises(self) -> bool:
        """Whether the curve must rise to the target rather than fall."""
        return self.column.endswith("accuracy")


@dataclass(frozen=True)
class Target:
    """A target with its value on the tuning runs."""

    goal: Goal  # the target as requested
    value: float  # the loss or accuracy to reach
    initial: float  # L_0, the median initial loss on the tuning seeds
    reference: float  # L_ref, the best loss on the tuning seeds
    tau: float | None  # share of a gap; larger than requested if few runs reached that
    reachable: bool  # whether some optimizer reaches it on 80 % of the tuning seeds

    @property
    def loosened(self) -> bool:
        """Whether tau is larger than requested."""
        return self.tau is not None and self.tau != self.goal.number

    def times(self, runs: Sequence[Run], sustained: int) -> Floats:
        """Return the hitting time of each run; infinite if it never reaches the target."""
        return np.array([self.time(run, sustained) for run in runs])

    def time(self, run: Run, sustained: int) -> float:
        """Return the first epoch from which the target holds for `sustained` evaluations."""
        curve = run.curves[self.goal.column]
        holds = curve >= self.value if self.goal.rises else curve <= self.value
        diverged = run.diverged_at is not None
        return float(hitting_times(np.arange(len(curve)), holds, sustained, diverged=diverged))


def resolve(goal: Goal, tuning: Sequence[Run], sustained: int) -> Target:
    """Return the target that a goal means on the tuning runs.

    A gap is closed where L <= L_ref + tau (L_0 - L_ref) (More & Wild 2009, eq. 2.2). L_0 is the
    median initial loss. L_ref is the smallest, over optimizers and settings, median over seeds of
    the best loss of a run; runs that diverged have none. If no optimizer reaches the target on
    80 % of the seeds at any setting, tau is doubled, up to 0.5, as long as no seed starts below it.
    Without any improvement there is no gap, which raises ArgumentError.
    """
    groups: dict[tuple[str, Setting], list[Run]] = {}
    for run in tuning:
        groups.setdefault((run.optimizer, run.setting), []).append(run)
    starts = [run.initial for run in next(iter(groups.values()))]
    initial = float(np.median(starts))
    reference = min(float(np.median([run.best for run in runs])) for runs in groups.values())

    def target_at(value: float, tau: float | None) -> Target:
        target = Target(goal, value, initial, reference, tau, reachable=True)
        times = [target.times(runs, sustained) for runs in groups.values()]
        share = max(np.mean(np.isfinite(row)) for row in times)
        return replace(target, reachable=bool(share >= REACHABLE))

    if goal.kind != "gap":
        return target_at(goal.number, None)
    if not reference < initial:
        best = "every setting diverged" if math.isinf(reference) else f"the best is {reference:.4g}"
        raise ArgumentError(
            f"there is no gap to close: the loss is {initial:.4g} before training, and {best}",
            hint="Try smaller learning rates, or more epochs.",
        )
    target = target_at(reference + goal.number * (initial - reference), goal.number)
    while not target.reachable:
        tau = min(2 * (target.tau or 1.0), LOOSEST)
        value = reference + tau * (initial - reference)
        if value <= target.value or value >= min(starts):
            break  # tau is at its limit, or a seed would start at the target
        target = target_at(value, tau)
    return target
