"""From the arguments of ``compare`` to a checked plan and one new optimizer per contestant."""

from __future__ import annotations

import math
import numbers
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypedDict

import numpy as np

from minidl.checks import check_count, check_number
from minidl.comparison.goal import Goal
from minidl.comparison.plan import Contestant, Plan
from minidl.comparison.problem import Problem
from minidl.comparison.run import Setting
from minidl.errors import ArgumentError, invalid
from minidl.optim import BatchSize, Entry, Optimizer, lookup
from minidl.registry import normalise
from minidl.streams import check_seeds
from minidl.training.data import rows_per_batch

Floats = tuple[float, ...]
Seeds = tuple[int, ...]
RATES = tuple(2.0**k for k in range(-8, 4))
MOMENTA = (0.5, 0.9, 0.95, 0.99)
HYPERPARAMETERS: dict[str, tuple[float, Floats, int, Callable[[float], bool], str]] = {
    # default value, default grid, smallest grid, condition
    "lr": (0.1, RATES, 2, lambda lr: 0 < lr < math.inf, "a finite number above 0"),
    "momentum": (0.9, MOMENTA, 1, lambda momentum: 0 <= momentum < 1, "in [0, 1)"),
}
FIRST_TUNING_SEED = 10_000
Optimizers = Sequence[str] | Mapping[str, Optimizer]
Values = float | Sequence[float] | None  # one number, a grid, or the default


class Protocol(TypedDict, total=False):
    """The arguments of ``compare`` that say how to compare."""

    tune: str | None
    lr: Values
    momentum: Values
    epochs: int
    target: str
    sustained: int


def make_plan(
    problem: Problem,
    optimizers: Optimizers,
    batch_size: BatchSize | None,
    seeds: Seeds,
    tuning_seeds: Seeds,
    *,
    tune: str | None = None,
    lr: Values = None,
    momentum: Values = None,
    epochs: int = 400,
    target: str = "gap:0.1",
    sustained: int = 3,
) -> tuple[Plan, Problem, dict[str, Optimizer]]:
    """Return what an Executor needs: the plan, its problem, a new optimizer per contestant."""
    tune = ("none" if isinstance(lr, numbers.Real) else "lr") if tune is None else tune
    if tune not in ("lr", "lr,momentum", "none"):
        raise invalid("tune", tune, '"lr", "lr,momentum" or "none"')
    rates, own_lr = _choices("lr", lr, tune != "none")
    momenta, own_momentum = _choices("momentum", momentum, tune == "lr,momentum")
    values = {"lr": lr, "momentum": momentum}
    fixed = [name for name in values if values[name] is not None and name not in tune]
    own = Setting(own_lr, momenta[0] if momenta else own_momentum)
    made = _optimizers(optimizers, batch_size, own, fixed)
    plan = Plan(
        problem=problem.first.name,
        network=repr(problem.network(seeds[0])),
        loss=repr(problem.loss),
        rows=len(problem.first.X_train),
        contestants=tuple(_contestant(name, *parts) for name, parts in made.items()),
        tune=tune,
        rates=rates,
        momenta=momenta,
        tuning_seeds=tuning_seeds,
        seeds=seeds,
        epochs=check_count("epochs", epochs),
        goal=Goal.parse(target),
        sustained=check_count("sustained", sustained, 1, most=epochs),
    )
    return plan, problem, {name: optimizer for name, (optimizer, _) in made.items()}


def _choices(name: str, values: Any, tuned: bool) -> tuple[Floats, float]:
    """Return the values to try, none if it is not tuned, and the one to use where it is not."""
    default, grid, least, valid, expected = HYPERPARAMETERS[name]
    several = isinstance(values, (Sequence, np.ndarray)) and not isinstance(values, str)
    if not tuned:
        if several:
            hint = f'To choose among several, use tune="{"lr" if name == "lr" else "lr,momentum"}".'
            raise invalid(name, values, "one number if it is not tuned", hint)
        return (), check_number(name, default if values is None else values, valid, expected)
    if values is None:
        return grid, default
    numbers = [check_number(name, value, valid, expected) for value in values] if several else []
    if len(numbers) < least or len(set(numbers)) < len(numbers):
        hint = f'For one {name}, use tune="{"none" if name == "lr" else "lr"}".'
        raise invalid(name, values, f"a list of different numbers, such as {list(grid[1:3])}", hint)
    return tuple(sorted(numbers)), default


def disjoint_seeds(
    seeds: int | Iterable[int], tuning_seeds: int | Iterable[int]
) -> tuple[Seeds, Seeds]:
    """Return evaluation seeds and tuning seeds, which must differ."""
    evaluation, tuning = check_seeds(seeds), check_seeds(tuning_seeds, "tuning_seeds")
    if not isinstance(tuning_seeds, Iterable):
        tuning = tuple(FIRST_TUNING_SEED + k for k in tuning)
    if both := sorted(set(evaluation) & set(tuning)):
        wrong = f"must differ from seeds, got {', '.join(map(str, both))} in both"
        raise ArgumentError(wrong, argument="tuning_seeds")
    return evaluation, tuning


def _optimizers(
    optimizers: Optimizers, batch_size: BatchSize | None, own: Setting, fixed: Sequence[str]
) -> dict[str, tuple[Optimizer, BatchSize]]:
    """Return a new optimizer and its batch size for each name."""
    if isinstance(optimizers, (str, Optimizer)):
        raise invalid("optimizers", optimizers, 'a list such as ["momentum", "nag"]')
    made = {}
    if isinstance(optimizers, Mapping):
        if fixed:
            wrong = f"{' and '.join(fixed)} would have no effect on optimizers that are instances"
            hint = "Set it on each instance, or name optimizers such as 'nag'."
            raise ArgumentError(wrong, hint=hint)
        size = 32 if batch_size is None else batch_size
        made = {str(name): (optimizer, size) for name, optimizer in optimizers.items()}
    else:
        entries = _entries(optimizers)
        open_size = any(not entry.fixed for entry in entries.values())
        for name, entry in entries.items():  # raises if the batch size would have no effect
            size = entry.batch_size if entry.fixed and open_size else entry.batches(batch_size)
            made[name] = entry.make(own.lr, own.momentum), size
    if not made:
        raise ArgumentError("must name at least one optimizer", argument="optimizers")
    return made


def _entries(names: Sequence[str]) -> dict[str, Entry]:
    """Return the entry of each optimizer by the alias that was used for it, as registered."""
    entries: dict[str, Entry] = {}
    for name in names:
        entry = lookup(name)
        aliases = {normalise(alias): alias for alias in (entry.name, *entry.aliases)}
        alias = aliases[normalise(name)]
        if entry in entries.values():
            also = next(known for known in entries if entries[known] is entry)
            hint = None if also == alias else f"{name!r} and {also!r} are the same."
            raise ArgumentError(f"names {name!r} twice", argument="optimizers", hint=hint)
        entries[alias] = entry
    return entries


def _contestant(name: str, optimizer: object, batch_size: BatchSize) -> Contestant:
    argument = f"optimizers[{name!r}]"
    if not isinstance(optimizer, Optimizer) or optimizer.step_count:
        raise invalid(argument, optimizer, "a new optimizer, such as minidl.optim.NAG(lr=0.1)")
    rows_per_batch(batch_size, 1)
    lr, momentum = map(optimizer.hyperparameters.get, ("lr", "momentum"))
    if not isinstance(lr, float):
        raise invalid(argument, optimizer, "an optimizer with one number as lr")
    own = Setting(lr, momentum if isinstance(momentum, float) else None)
    return Contestant(name, type(optimizer).__name__, batch_size, own, callable(momentum))
