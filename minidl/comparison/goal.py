"""What counts as having converged: points 3 and 4 of the protocol."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from minidl.comparison.run import Run, Setting
from minidl.comparison.stats.hitting import Floats, hitting_times
from minidl.errors import ArgumentError

__all__ = ["Goal", "Target", "resolve"]

WANTED = 0.8  # of its tuning seeds some optimizer must reach the target, or tau is loosened
LOOSEST = 0.5
COLUMNS = {
    "gap": "train_loss",
    "loss": "train_loss",
    "accuracy": "train_accuracy",
    "validation-accuracy": "validation_accuracy",
}
FORMS = "gap:0.1, loss:0.05, accuracy:0.97 or validation-accuracy:0.95"


class Goal(NamedTuple):
    """A target as it is asked for.

    Attributes
    ----------
    kind : {"gap", "loss", "accuracy", "validation-accuracy"}
        gap: the training loss has covered all but a share tau of the way from the start to the
        best that was found. The others are a value of a curve.
    number : float
        tau, the loss, or the accuracy.
    """

    kind: str
    number: float

    @classmethod
    def parse(cls, text: str) -> Goal:
        """Return the goal that is written as ``kind:number``.

        Raises
        ------
        ArgumentError
            It is not written so, or the number is out of range.

        Examples
        --------
        >>> Goal.parse("gap:0.1"), str(Goal.parse("loss: 0.05"))
        (Goal(kind='gap', number=0.1), 'loss:0.05')
        """
        kind, _, number = str(text).partition(":")
        kind = kind.strip().lower()
        try:
            found = float(number)
        except ValueError:
            found = math.nan
        if kind not in COLUMNS or math.isnan(found):
            raise ArgumentError("target cannot be used", received=repr(text), expected=FORMS)
        valid, words = {
            "gap": (0 < found < 1, "a share between 0 and 1"),
            "loss": (math.isfinite(found), "a finite loss"),
        }.get(kind, (0 < found <= 1, "an accuracy above 0, at most 1"))
        if not valid:
            raise ArgumentError("target cannot be used", received=repr(text), expected=words)
        return cls(kind, found)

    def __str__(self) -> str:
        return f"{self.kind}:{self.number:g}"

    @property
    def column(self) -> str:
        """The curve that is judged."""
        return COLUMNS[self.kind]

    @property
    def rises(self) -> bool:
        """Whether the curve must rise to the target, and not fall."""
        return self.column.endswith("accuracy")


@dataclass(frozen=True)
class Target:
    """A target as it is used.

    Attributes
    ----------
    goal : Goal
        What was asked for.
    value : float
        What the curve must reach.
    initial, reference : float
        The median loss before training, L_0, and the best found, L_ref, both of tuning seeds.
    tau : float or None
        The share that is used of a gap; larger than asked for if that was not reached.
    reachable : bool
        Whether some optimizer reached it on 80 % of the tuning seeds.
    """

    goal: Goal
    value: float
    initial: float
    reference: float
    tau: float | None
    reachable: bool

    @property
    def loosened(self) -> bool:
        """Whether tau is larger than was asked for."""
        return self.tau is not None and self.tau != self.goal.number

    def times(self, runs: Sequence[Run], sustained: int) -> Floats:
        """Return the hitting time of each run; infinity where there is none."""
        return np.array([self.time(run, sustained) for run in runs])

    def time(self, run: Run, sustained: int) -> float:
        """Return the first epoch from which the target holds for `sustained` evaluations."""
        curve: npt.NDArray[Any] = run.curves[self.goal.column]
        holds = curve >= self.value if self.goal.rises else curve <= self.value
        lost = run.diverged_at is not None
        return float(hitting_times(np.arange(len(curve)), holds, sustained, diverged=lost))


def resolve(goal: Goal, tuning: Sequence[Run], sustained: int) -> Target:
    """Return the target that a goal means on these runs.

    For a gap, L <= L_ref + tau (L_0 - L_ref) (More & Wild 2009, eq. 2.2). L_0 is the median of the
    initial losses. L_ref is the smallest, over optimizers and settings, of the medians over seeds
    of the best losses; a run that diverged has none. If no optimizer reaches that at any setting on
    80 % of the seeds, tau is doubled, up to 0.5, and not so far that a seed would begin converged.

    Parameters
    ----------
    goal : Goal
        What is asked for.
    tuning : sequence of Run
        All runs with tuning seeds, which settle it; the seeds that judge have no say.
    sustained : int
        For how many evaluations in a row the target must hold.

    Raises
    ------
    ArgumentError
        There is no gap: no setting brought the loss below the initial one.
    """
    groups = _groups(tuning)
    first = next(iter(groups.values()))
    initial = float(np.median([run.initial for run in first]))
    reference = min(float(np.median([run.best for run in group])) for group in groups.values())
    lowest = min(run.initial for run in first)

    def at(value: float, tau: float | None) -> Target:
        drafted = Target(goal, value, initial, reference, tau, reachable=True)
        shares = [
            np.mean(np.isfinite(drafted.times(group, sustained))) for group in groups.values()
        ]
        return Target(goal, value, initial, reference, tau, bool(max(shares) >= WANTED))

    if goal.kind != "gap":
        return at(goal.number, None)
    if not reference < initial:
        lost = "every setting diverged" if math.isinf(reference) else f"the best is {reference:.4g}"
        raise ArgumentError(
            "there is no gap to close: no setting brought the loss below that before training",
            received=f"{initial:.4g} before training; {lost}",
            hint="Try smaller learning rates, or more epochs.",
        )
    target = at(reference + goal.number * (initial - reference), goal.number)
    while not target.reachable:
        tau = min(2 * (target.tau or 1.0), LOOSEST)
        value = reference + tau * (initial - reference)
        if value <= target.value or value >= lowest:
            break  # as loose as it gets, or reached before training
        target = at(value, tau)
    return target


def _groups(runs: Sequence[Run]) -> dict[tuple[str, Setting], list[Run]]:
    found: dict[tuple[str, Setting], list[Run]] = {}
    for run in runs:
        found.setdefault((run.optimizer, run.setting), []).append(run)
    return found
