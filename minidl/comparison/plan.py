"""The plan of a comparison: contestants, grid, seeds, budget and target, as plain data.

``make_plan`` checks the arguments of ``compare``, and returns a plan and new optimizers.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import combinations, product
from typing import Any

import numpy as np

from minidl.checks import check_count, check_number
from minidl.comparison.goal import Goal
from minidl.comparison.identity import shown
from minidl.comparison.modifiers import (
    Modifiers,
    check_modifiers,
    modify_all,
)  # fmt: skip
from minidl.comparison.problem import Problem
from minidl.comparison.run import Setting
from minidl.comparison.search import Trial, check_tune, make_search
from minidl.errors import ArgumentError, invalid
from minidl.optim import BatchSize, Entry, Optimizer, lookup
from minidl.optim.base import title
from minidl.optim.named import Scaled
from minidl.optim.table import scale_of
from minidl.registry import normalise
from minidl.text import joined
from minidl.training.data import rows_per_batch
from minidl.training.record import MOST_EPOCHS

Floats = tuple[float, ...]
Seeds = tuple[int, ...]
SeedsOf = int | Iterable[int]  # a number of seeds, or the seeds
RATES = tuple(2.0**k for k in range(-8, 4))
MOMENTA = (0.0, 0.5, 0.9, 0.95, 0.99)  # with 0, momentum and NAG include gradient descent
HYPERPARAMETERS: dict[str, tuple[float | None, Floats, Callable[[float], bool], str]] = {
    # default value (None: that of each rule), default grid, condition
    "lr": (0.1, RATES, lambda lr: 0 < lr < math.inf, "a finite number above 0"),
    "momentum": (None, MOMENTA, lambda momentum: 0 <= momentum < 1, "in [0, 1)"),
}
HAS = ("has", "have")
Optimizers = Sequence[str] | Mapping[str, Optimizer]
Values = float | Sequence[float] | None  # one number, a grid, or the default


@dataclass(frozen=True)
class Contestant:
    """An optimizer in a comparison."""

    name: str
    rule: str  # the class of the optimizer
    batch_size: BatchSize
    own: Setting  # its hyperparameters where they are not tuned
    scheduled: bool = False  # whether its momentum is a schedule, which no other contestant shares
    scale: float = 1.0  # of the rates that are tried

    def at(self, lr: float | None, momentum: float | None) -> Setting:
        """Return its own setting with this learning rate, and this momentum if it has one."""
        keep = self.own.momentum is None or momentum is None
        rate = self.own.lr if lr is None else lr * self.scale
        return Setting(rate, self.own.momentum if keep else momentum)


Point = tuple[float | None, float | None]  # learning rate and momentum, None if its own
# Two contestants, their settings, and the setting that both share; None if each is tuned.
Pairing = tuple[Contestant, Contestant, tuple[Setting, Setting], Setting | None]


@dataclass(frozen=True)
class Plan:
    """The settings of a comparison; :func:`minidl.comparison.compare` documents them."""

    problem: str  # the name of the data
    network: str  # network and loss as they print
    loss: str
    rows: int  # number of training rows
    contestants: tuple[Contestant, ...]
    tune: str  # "lr", "lr,momentum" or "none"
    rates: tuple[float, ...]  # the grid, or the ends of a search; empty where nothing is tuned
    momenta: tuple[float, ...]
    tuning_seeds: tuple[int, ...]  # set the target and the tuned hyperparameters
    seeds: tuple[int, ...]  # evaluation seeds
    epochs: int  # the budget of each run
    goal: Goal
    sustained: int  # how many evaluations in a row the target must hold
    grows: bool = True  # whether the grid may grow; a list of rates that was given is final
    twins: bool = True  # whether runs have twins; older files have none
    looks: tuple[int, ...] = ()  # after so many evaluation seeds it may end: `seeds` ends there
    trials: tuple[Trial, ...] = ()  # of a random search, which has no grid
    modifiers: Modifiers = ()  # of all optimizers

    def __post_init__(self) -> None:
        """Refuse trials of a momentum that is a schedule: its lr / (1 - momentum) is not known."""
        scheduled = [c.name for c in self.contestants if c.scheduled]
        if self.trials and scheduled:
            text = f"must be a number in a random search, got a schedule in {', '.join(scheduled)}"
            raise ArgumentError(text, argument="momentum", hint='Use tune="lr".')

    @property
    def on_grid(self) -> bool:
        """Whether settings are chosen from a grid, on which those of two optimizers line up."""
        return self.tune != "none" and not self.trials

    def contestant(self, name: str) -> Contestant:
        """Return the contestant of that name."""
        return next(c for c in self.contestants if c.name == name)

    def settings(self, contestant: Contestant) -> list[Setting]:
        """Return every setting of a contestant that is tried, by lr or lr / (1 - momentum)."""
        return list(dict.fromkeys(self._at(contestant, point) for point in self._points))

    @property
    def _points(self) -> Sequence[Point]:
        """The points of the grid, or the trials."""
        return self.trials or tuple(product(self.rates or (None,), self.momenta or (None,)))

    def _at(self, contestant: Contestant, point: Point) -> Setting:
        """Return the setting of a contestant at a point of the grid, or in a trial."""
        if isinstance(point, Trial):
            return point.setting(contestant.own.momentum is not None, contestant.scale)
        return contestant.at(*point)

    def evaluated(self, contestant: Contestant, chosen: Setting) -> list[Setting]:
        """Return the settings that need evaluation seeds.

        All, where flags are swapped or a grid is judged as a whole; else the chosen one.
        """
        pairs = [pair[:2] for pair in self.flag_pairings()] if self.trials else self.pairs
        paired = any(contestant in pair for pair in pairs)
        return self.settings(contestant) if paired else [chosen]

    @property
    def pairs(self) -> list[tuple[Contestant, Contestant]]:
        """Every two contestants with one batch size, the later first, but not two forms of NAG."""
        pairs = [(b, a) for a, b in combinations(self.contestants, 2)]
        pairs = [(b, a) for b, a in pairs if a.batch_size == b.batch_size]
        return [(b, a) for b, a in pairs if not _two_forms(a.rule, b.rule)]

    def updates(self, contestant: Contestant) -> int:
        """Return the number of updates in an epoch."""
        return math.ceil(self.rows / rows_per_batch(contestant.batch_size, self.rows))

    def flag_pairings(self) -> list[Pairing]:
        """Return each pair at each setting that both share, but for the momentum one lacks.

        Trials with momentum 0 are left out: without momentum all are gradient descent.
        """
        pairings: list[Pairing] = []
        for point, (a, b) in product(self._points, self.pairs):
            x, y = self._at(a, point), self._at(b, point)
            shared = {x.momentum, y.momentum} - {None}
            comparable = x.lr == y.lr and len(shared) <= 1 and not (self.trials and 0 in shared)
            if comparable and not (a.scheduled or b.scheduled):
                flag = Setting(x.lr, next(iter(shared), None))
                pairings.append((a, b, (x, y), flag))
        return list(dict.fromkeys(pairings))  # without momentum, the same pairing at each momentum

    def extended(self, low: bool, high: bool) -> Plan:
        """Return the plan with two more learning rates at one end or both, in the same ratio."""
        rates = self.rates
        below, above = rates[0] / rates[1], rates[-1] / rates[-2]
        for _ in range(2):
            rates = (rates[0] * below,) * low + rates + (rates[-1] * above,) * high
        return replace(self, rates=rates)

    def to_dict(self) -> dict[str, Any]:
        """Return the plan as JSON data."""
        fields = asdict(self)
        for name in ("looks", "modifiers"):  # files without them are as they were
            if not fields[name]:
                del fields[name]
        for contestant in fields["contestants"]:
            if contestant["scale"] == 1:
                del contestant["scale"]
        return dict(json.loads(json.dumps(fields)))

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Plan:
        """Return the plan of :meth:`to_dict`."""
        parts = [Contestant(**{**c, "own": Setting(*c["own"])}) for c in data["contestants"]]
        fields: dict[str, Any] = {"twins": False, **data, "contestants": parts}
        fields["goal"] = Goal(*data["goal"])
        fields["trials"] = [Trial(*trial) for trial in data.get("trials", ())]
        fields["modifiers"] = [(name, value) for name, value in data.get("modifiers", ())]
        fields = {name: tuple(v) if isinstance(v, list) else v for name, v in fields.items()}
        return cls(**fields)


def make_plan(
    problem: Problem,
    optimizers: Optimizers,
    batch_size: BatchSize | None,
    seeds: Seeds,
    tuning_seeds: Seeds,
    *,
    tune: str | None,
    lr: Values,
    momentum: Values,
    epochs: int,
    target: str,
    sustained: int,
    trials: int | None = None,
    modifiers: Mapping[str, Any] | None = None,
) -> tuple[Plan, Problem, dict[str, Optimizer]]:
    """Return the parts of an Executor: the plan, its problem, a new optimizer per contestant."""
    tune = check_tune(tune, lr)
    rates, momenta, drawn, untuned = _values(tune, trials, lr, momentum)
    fixed = [n for n, v in (("lr", lr), ("momentum", momentum)) if v is not None and n not in tune]
    checked, relative = check_modifiers(modifiers), lr is None or isinstance(lr, Scaled)
    modified = modify_all(_optimizers(optimizers, batch_size, untuned, fixed, lr is None), checked)
    plan = Plan(
        problem=problem.first.name,
        network=shown(problem.network(seeds[0])),
        loss=shown(problem.loss),
        rows=len(problem.first.X_train),
        contestants=tuple(_contestant(name, *parts, relative) for name, parts in modified.items()),
        tune=tune,
        rates=rates,
        momenta=momenta,
        tuning_seeds=tuning_seeds,
        seeds=seeds,
        epochs=check_count("epochs", epochs, 1, MOST_EPOCHS),
        goal=Goal.parse(target),
        sustained=check_count("sustained", sustained, 1, most=epochs),
        grows=lr is None and not drawn,
        trials=drawn,
        modifiers=checked,
    )
    return plan, problem, {name: optimizer for name, (optimizer, _) in modified.items()}


def _values(
    tune: str, trials: int | None, lr: Values, momentum: Values
) -> tuple[Floats, Floats, tuple[Trial, ...], Setting]:
    """Return rates and momenta to try, the trials of a search, and the setting where not tuned."""
    rates, own_lr = _choices("lr", lr, tune != "none")
    momenta, own_momentum = _choices("momentum", momentum, tune == "lr,momentum")
    rates, drawn = make_search(tune, trials, lr, rates, momenta)
    return rates, momenta, drawn, Setting(own_lr, own_momentum)


def _choices(name: str, values: Any, tuned: bool) -> tuple[Floats, Any]:
    """Return the values to try, none if it is not tuned, and the one to use where it is not."""
    default, grid, valid, expected = HYPERPARAMETERS[name]
    several = isinstance(values, (Sequence, np.ndarray)) and not isinstance(values, str)
    if not tuned:
        if several:
            use = "tune", "lr" if name == "lr" else "lr,momentum"
            hint = "To choose among several,"
            raise invalid(name, values, "one number if it is not tuned", hint, use)
        untuned = default if values is None else check_number(name, values, valid, expected)
        return (), untuned
    if values is None:
        return grid, default
    numbers = [check_number(name, value, valid, expected) for value in values] if several else []
    if not numbers or len(set(numbers)) < len(numbers):
        expected = f"a list of different numbers, such as {list(grid[1:3])}"
        use = "tune", "none" if name == "lr" else "lr"
        raise invalid(name, values, expected, f"For one {name},", use)
    return tuple(sorted(numbers)), default


def _optimizers(
    optimizers: Optimizers,
    batch_size: BatchSize | None,
    setting: Setting,
    fixed: Sequence[str],
    relative: bool,
) -> dict[str, tuple[Optimizer, BatchSize]]:
    """Return a new optimizer and its batch size for each name."""
    if isinstance(optimizers, (str, Optimizer)) or not isinstance(optimizers, Iterable):
        raise invalid("optimizers", optimizers, 'a list such as ["momentum", "nag"]')
    sized = {}
    if isinstance(optimizers, Mapping):
        if fixed:
            problem = f"{' and '.join(fixed)} would have no effect on optimizers that are instances"
            hint = "Set it on each instance, or name optimizers such as 'nag'."
            raise ArgumentError(problem, hint=hint)
        size = 32 if batch_size is None else batch_size
        sized = {str(name): (optimizer, size) for name, optimizer in optimizers.items()}
    else:
        entries = _entries(optimizers)
        open_size = any(not entry.fixed for entry in entries.values())
        if "momentum" in fixed and not any(entry.has_momentum for entry in entries.values()):
            problem = f"would have no effect: {joined(list(entries))} {HAS[len(entries) > 1]} none"
            raise ArgumentError(problem, argument="momentum", hint="Leave it out.")
        for name, entry in entries.items():  # raises if the batch size would have no effect
            size = entry.batch_size if entry.fixed and open_size else entry.batches(batch_size)
            rate = setting.lr * (entry.scale if relative else 1.0)
            sized[name] = entry.make(rate, setting.momentum), size
    if not sized:
        raise ArgumentError("must name at least one optimizer", argument="optimizers")
    return sized


def _entries(names: Sequence[str]) -> dict[str, Entry]:
    """Return the entry of each optimizer by the alias that was used for it, as registered."""
    entries: dict[str, Entry] = {}
    for name in names:
        if not isinstance(name, str):
            hint = 'For instances, write a dict: optimizers={"mine": optim.NAG(0.1)}.'
            raise invalid("optimizers", names, "a list of names", hint)
        entry = lookup(name)
        names_of = (entry.name, *entry.aliases)
        typed = {normalise(alias): alias for alias in names_of}.get(normalise(name))
        alias = typed or next((n for n in names_of if n not in entries), name)  # of a file's class
        if entry in entries.values():
            also = next(earlier for earlier in entries if entries[earlier] == entry)
            hint = None if also == alias else f"{name!r} and {also!r} are the same."
            raise ArgumentError(f"names {name!r} twice", argument="optimizers", hint=hint)
        entries[alias] = entry
    return entries


def _two_forms(a: str, b: str) -> bool:
    """Return whether two rules are the two forms of NAG, in the same modifiers."""
    return a != b and a.replace("ReformulatedNAG", "NAG") == b.replace("ReformulatedNAG", "NAG")


def _contestant(name: str, optimizer: object, batch_size: BatchSize, relative: bool) -> Contestant:
    argument = f"optimizers[{name!r}]"
    if not isinstance(optimizer, Optimizer) or optimizer.step_count:
        raise invalid(argument, optimizer, "a new optimizer, such as minidl.optim.NAG(lr=0.1)")
    rows_per_batch(batch_size, 1)
    lr, momentum = map(optimizer.hyperparameters.get, ("lr", "momentum"))
    if not isinstance(lr, float):
        raise invalid(argument, optimizer, "an optimizer with one number as lr")
    setting = Setting(lr, momentum if isinstance(momentum, float) else None)
    scale = scale_of(optimizer) if relative else 1.0
    return Contestant(name, title(optimizer), batch_size, setting, callable(momentum), scale)
