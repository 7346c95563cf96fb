"""The plan of a comparison: contestants, grid, seeds, budget and target, as plain data."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from itertools import combinations, product
from typing import Any, NamedTuple

from minidl.comparison.goal import Goal
from minidl.comparison.run import Setting
from minidl.optim import BatchSize
from minidl.training.data import rows_per_batch

FORMS_OF_NAG = {"NAG", "ReformulatedNAG"}


@dataclass(frozen=True)
class Contestant:
    """An optimizer in a comparison."""

    name: str
    rule: str  # the class of the optimizer
    batch_size: BatchSize
    own: Setting  # its hyperparameters where they are not tuned
    scheduled: bool = False  # whether its momentum is a schedule, which no other contestant shares

    def at(self, lr: float | None, momentum: float | None) -> Setting:
        """Return its own setting with this learning rate, and this momentum if it has one."""
        keep = self.own.momentum is None or momentum is None
        return Setting(self.own.lr if lr is None else lr, self.own.momentum if keep else momentum)


class Pairing(NamedTuple):
    """Two contestants, each at a setting; `flag` is the setting they share, None if tuned."""

    first: Contestant
    second: Contestant
    settings: tuple[Setting, Setting]
    flag: Setting | None


@dataclass(frozen=True)
class Plan:
    """The settings of a comparison; :func:`minidl.comparison.compare` documents them."""

    problem: str  # the name of the data
    network: str  # network and loss as they print
    loss: str
    rows: int  # number of training rows
    contestants: tuple[Contestant, ...]
    tune: str  # "lr", "lr,momentum" or "none"
    rates: tuple[float, ...]  # the grid, ascending; empty where nothing is tuned
    momenta: tuple[float, ...]
    tuning_seeds: tuple[int, ...]  # set the target and the tuned hyperparameters
    seeds: tuple[int, ...]  # evaluation seeds
    epochs: int  # the budget of each run
    goal: Goal
    sustained: int  # how many evaluations in a row the target must hold

    def contestant(self, name: str) -> Contestant:
        """Return the contestant of that name."""
        return next(c for c in self.contestants if c.name == name)

    def settings(self, contestant: Contestant) -> list[Setting]:
        """Return every setting of a contestant that is tried, by learning rate."""
        grid = product(self.rates or (None,), self.momenta or (None,))
        return list(dict.fromkeys(contestant.at(lr, momentum) for lr, momentum in grid))

    def evaluated(self, contestant: Contestant, chosen: Setting) -> list[Setting]:
        """Return all settings, at which flags are swapped; the chosen one if there is no pair."""
        paired = any(contestant in pair for pair in self.pairs)
        return self.settings(contestant) if paired else [chosen]

    @property
    def pairs(self) -> list[tuple[Contestant, Contestant]]:
        """Every two contestants with one batch size, the later first, but not two forms of NAG."""
        return [
            (b, a)
            for a, b in combinations(self.contestants, 2)
            if a.batch_size == b.batch_size and {a.rule, b.rule} != FORMS_OF_NAG
        ]

    def updates(self, contestant: Contestant) -> int:
        """Return the number of updates in an epoch."""
        return math.ceil(self.rows / rows_per_batch(contestant.batch_size, self.rows))

    def flag_pairings(self) -> list[Pairing]:
        """Return each pair at each learning rate, and each momentum that at least one has."""
        pairings = []
        for lr, momentum in product(self.rates or (None,), self.momenta or (None,)):
            for a, b in self.pairs:
                x, y = a.at(lr, momentum), b.at(lr, momentum)
                shared = {x.momentum, y.momentum} - {None}
                if x.lr == y.lr and len(shared) <= 1 and not (a.scheduled or b.scheduled):
                    flag = Setting(x.lr, next(iter(shared), None))
                    pairings.append(Pairing(a, b, (x, y), flag))
        return list(dict.fromkeys(pairings))  # without momentum, the same pairing at each momentum

    def extended(self, low: bool, high: bool) -> Plan:
        """Return the plan with two more learning rates at one end or both, in the same ratio."""
        rates = self.rates
        down, up = rates[0] / rates[1], rates[-1] / rates[-2]
        for _ in range(2):
            rates = (rates[0] * down,) * low + rates + (rates[-1] * up,) * high
        return replace(self, rates=rates)

    def to_dict(self) -> dict[str, Any]:
        """Return the plan as JSON data."""
        data: dict[str, Any] = json.loads(json.dumps(asdict(self)))
        return data

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Plan:
        """Return the plan of :meth:`to_dict`."""
        fields: dict[str, Any]
        fields = {name: tuple(v) if isinstance(v, list) else v for name, v in data.items()}
        parts = [{**c, "own": Setting(*c["own"])} for c in data["contestants"]]
        contestants = tuple(Contestant(**part) for part in parts)
        return cls(**{**fields, "contestants": contestants, "goal": Goal(*data["goal"])})
