"""When a run has converged: the target as requested, and its value on the tuning runs."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple, Self

import numpy as np

from minidl.comparison.run import Run, Setting
from minidl.comparison.stats.hitting import Floats, hitting_times
from minidl.errors import ArgumentError, invalid

REACHABLE = 0.8  # share of tuning seeds on which some optimizer must reach the target
LOOSEST = 0.5  # a gap is widened up to this share
ACCURACY = "an accuracy above 0, at most 1"
KINDS: dict[str, tuple[str, Callable[[float], bool], str]] = {  # the curve, and the valid numbers
    "gap": ("train_loss", lambda tau: 0 < tau < 1, "a share between 0 and 1"),
    "loss": ("train_loss", math.isfinite, "a finite loss"),
    "accuracy": ("train_accuracy", lambda share: 0 < share <= 1, ACCURACY),
    "validation-accuracy": ("validation_accuracy", lambda share: 0 < share <= 1, ACCURACY),
}


class Goal(NamedTuple):
    """A target as requested: the share of a gap (see :func:`resolve`), or the value of a curve."""

    kind: str  # "gap", "loss", "accuracy" or "validation-accuracy"
    number: float  # tau, the loss or the accuracy

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the goal written as ``kind:number``; other texts raise ArgumentError.

        >>> Goal.parse("gap:0.1"), str(Goal.parse("loss: 0.05"))
        (Goal(kind='gap', number=0.1), 'loss:0.05')
        """
        name, _, value = str(text).partition(":")
        kind = name.strip().lower()
        try:
            number = float(value)
        except ValueError:
            number = math.nan
        if kind not in KINDS or math.isnan(number):
            forms = "gap:0.1, loss:0.05, accuracy:0.97 or validation-accuracy:0.95"
            raise invalid("target", text, f"of the form {forms}")
        _, valid, expected = KINDS[kind]
        if not valid(number):
            raise invalid("target", text, expected)
        return cls(kind, number)

    def __str__(self) -> str:
        return f"{self.kind}:{self.number:g}"

    @property
    def column(self) -> str:
        """The curve that must reach the target."""
        return KINDS[self.kind][0]

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
        curve, diverged = run.curves[self.goal.column], run.diverged_at is not None
        holds = curve >= self.value if self.goal.rises else curve <= self.value
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

    def target_at(tau: float | None) -> Target:
        value = goal.number if tau is None else reference + tau * (initial - reference)
        target = Target(goal, value, initial, reference, tau, reachable=True)
        times = [target.times(runs, sustained) for runs in groups.values()]
        share = max(np.mean(np.isfinite(row)) for row in times)
        return replace(target, reachable=bool(share >= REACHABLE))

    if goal.kind != "gap":
        return target_at(None)
    if not reference < initial:
        best = "every setting diverged" if math.isinf(reference) else f"the best is {reference:.4g}"
        wrong = f"there is no gap to close: the loss is {initial:.4g} before training, and {best}"
        raise ArgumentError(wrong, hint="Try smaller learning rates, or more epochs.")
    tau, target = goal.number, target_at(goal.number)
    while not target.reachable:
        tau = min(2 * tau, LOOSEST)
        looser = target_at(tau)
        if not target.value < looser.value < min(starts):
            break  # tau is at its limit, or a seed would start at the target
        target = looser
    return target
