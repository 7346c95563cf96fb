"""When a run has converged: the target as requested, and with its value."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Self

import numpy as np

from minidl.comparison.run import Key, Run
from minidl.comparison.stats.hitting import Floats, hitting_times
from minidl.errors import invalid

ACCURACY = "an accuracy above 0, at most 1"
KINDS: dict[str, tuple[str, Callable[[float], bool], str]] = {  # the curve, and the valid numbers
    "gap": ("train_loss", lambda tau: 0 < tau < 1, "a share between 0 and 1"),
    "loss": ("train_loss", math.isfinite, "a finite loss"),
    "accuracy": ("train_accuracy", lambda share: 0 < share <= 1, ACCURACY),
    "validation-accuracy": ("validation_accuracy", lambda share: 0 < share <= 1, ACCURACY),
}


class Goal(NamedTuple):
    """A target as requested: the share of a gap, or the value of a curve."""

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
            column = "It is a loss or accuracy to reach; --target-column names what to predict."
            is_word = isinstance(text, str) and kind != "" and not value and not kind[0].isdigit()
            raise invalid("target", text, f"of the form {forms}", column if is_word else None)
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
    steady: bool = True  # whether L_ref is of training that is not chaotic
    source: tuple[Key, ...] = ()  # the runs of L_ref

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
