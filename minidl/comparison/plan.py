"""What is compared, and how: the settings of a comparison, as plain data."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

from minidl.comparison.goal import Goal
from minidl.comparison.run import Setting
from minidl.errors import ArgumentError
from minidl.optim import BatchSize

__all__ = ["MOMENTA", "RATES", "Contestant", "Plan", "check_grid"]

RATES = tuple(2.0**k for k in range(-8, 4))
MOMENTA = (0.5, 0.9, 0.95, 0.99)
FORMS_OF_NAG = {"NAG", "ReformulatedNAG"}


@dataclass(frozen=True)
class Contestant:
    """An optimizer that is compared.

    Attributes
    ----------
    name : str
        What it is called in the comparison.
    rule : str
        The class of the optimizer.
    batch_size : int or "full"
        Rows per update.
    own : Setting
        Its hyperparameters where they are not tuned; without momentum for a rule that has none.
    scheduled : bool
        Whether its momentum is a schedule, which no other shares when a flag is swapped.
    """

    name: str
    rule: str
    batch_size: BatchSize
    own: Setting
    scheduled: bool = False


@dataclass(frozen=True)
class Plan:
    """The settings of a comparison; :func:`minidl.comparison.compare` documents them.

    Attributes
    ----------
    problem, network, loss : str
        The name of the data, and the network and the loss as they print.
    rows : int
        Of training.
    contestants : tuple of Contestant
        What is compared.
    tune : {"lr", "lr,momentum", "none"}
        What is chosen on the tuning seeds.
    rates, momenta : tuple of float
        The grid, ascending.
    tuning_seeds, seeds : tuple of int
        What settles target and hyperparameters, and what judges.
    epochs : int
        The budget.
    goal : Goal
        The target.
    sustained : int
        For how many evaluations in a row it must hold.
    """

    problem: str
    network: str
    loss: str
    rows: int
    contestants: tuple[Contestant, ...]
    tune: str
    rates: tuple[float, ...]
    momenta: tuple[float, ...]
    tuning_seeds: tuple[int, ...]
    seeds: tuple[int, ...]
    epochs: int
    goal: Goal
    sustained: int

    def settings(self, contestant: Contestant) -> list[Setting]:
        """Return every setting that is tried of a contestant, by learning rate."""
        if self.tune == "none":
            return [contestant.own]
        momenta = self.momenta if self.tune == "lr,momentum" else (None,)
        if contestant.own.momentum is None:
            momenta = (None,)
        return [self._at(contestant, lr, m) for lr in self.rates for m in momenta]

    def judged(self, contestant: Contestant, chosen: Setting) -> list[Setting]:
        """Return the settings that run with the seeds that judge.

        All of them, for the flag is swapped at each; but only the chosen one of an optimizer that
        is alone with its batch size.
        """
        alone = all(contestant not in pair for pair in self.pairs)
        return [chosen] if alone else self.settings(contestant)

    @property
    def pairs(self) -> list[tuple[Contestant, Contestant]]:
        """Every two at one batch size, the later one first; not the two forms of NAG."""
        return [
            (b, a)
            for a, b in combinations(self.contestants, 2)
            if a.batch_size == b.batch_size and {a.rule, b.rule} != FORMS_OF_NAG
        ]

    def updates(self, contestant: Contestant) -> int:
        """Return how many updates an epoch has."""
        rows = self.rows if contestant.batch_size == "full" else int(contestant.batch_size)
        return math.ceil(self.rows / min(rows, self.rows))

    def meetings(self) -> list[tuple[Contestant, Setting, Contestant, Setting, Setting]]:
        """Return where a pair meets at one learning rate and one momentum: where a flag is swapped.

        Each is a contestant and its setting, another and its, and what they share. A rule without
        momentum meets every momentum.
        """
        found = []
        for lr in self.rates if self.tune != "none" else (None,):
            for wanted in self.momenta if self.tune == "lr,momentum" else (None,):
                for a, b in self.pairs:
                    one, other = (self._at(c, lr, wanted) for c in (a, b))
                    shared = {one.momentum, other.momentum} - {None}
                    if one.lr == other.lr and len(shared) <= 1 and not (a.scheduled or b.scheduled):
                        flag = Setting(one.lr, next(iter(shared), None))
                        found.append((a, one, b, other, flag))
        return list(dict.fromkeys(found))  # two without momentum meet once

    def _at(self, contestant: Contestant, lr: float | None, momentum: float | None) -> Setting:
        own = contestant.own
        wanted = own.momentum if own.momentum is None or momentum is None else momentum
        return Setting(own.lr if lr is None else lr, wanted)

    def extended(self, low: bool, high: bool, by: int = 2) -> Plan:
        """Return the plan with more learning rates at one end, or both, in the same ratio."""
        rates = list(self.rates)
        down, up = rates[0] / rates[1], rates[-1] / rates[-2]
        for _ in range(by):
            rates = [rates[0] * down] * low + rates + [rates[-1] * up] * high
        return replace(self, rates=tuple(rates))

    def to_dict(self) -> dict[str, Any]:
        """Return plain data."""
        data: dict[str, Any] = dict(vars(self))
        data["contestants"] = [{**vars(c), "own": list(c.own)} for c in self.contestants]
        return {name: list(v) if isinstance(v, tuple) else v for name, v in data.items()}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Plan:
        """Return the plan that :meth:`to_dict` described."""
        fields: dict[str, Any] = {
            name: tuple(v) if isinstance(v, list) else v for name, v in data.items()
        }
        fields["contestants"] = tuple(
            Contestant(**{**c, "own": Setting(*c["own"])}) for c in data["contestants"]
        )
        return cls(**{**fields, "goal": Goal(*data["goal"])})


def check_grid(rates: Sequence[float] | None) -> tuple[float, ...]:
    """Return the learning rates of a grid, ascending.

    Raises
    ------
    ArgumentError
        There are fewer than two, one occurs twice, or one is not a finite number above 0.

    Examples
    --------
    >>> check_grid([0.1, 0.05])
    (0.05, 0.1)
    """
    if rates is None:
        return RATES
    try:
        found = sorted(float(rate) for rate in rates)
    except (TypeError, ValueError):
        found = []
    good = len(found) >= 2 and len(set(found)) == len(found)
    if not (good and all(0 < rate < math.inf for rate in found)):
        raise ArgumentError(
            "lr cannot be used",
            received=repr(rates),
            expected="two or more different learning rates above 0, such as [0.05, 0.1, 0.2]",
        )
    return tuple(found)
