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

__all__ = ["MOMENTA", "RATES", "Optimizers", "Protocol", "Values", "make_plan"]

Floats = tuple[float, ...]
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
    seeds: int | Iterable[int]
    tuning_seeds: int | Iterable[int]
    target: str
    sustained: int


def make_plan(
    problem: Problem,
    optimizers: Optimizers,
    batch_size: BatchSize | None = None,
    *,
    tune: str | None = None,
    lr: Values = None,
    momentum: Values = None,
    epochs: int = 400,
    seeds: int | Iterable[int] = 20,
    tuning_seeds: int | Iterable[int] = 10,
    target: str = "gap:0.1",
    sustained: int = 3,
) -> tuple[Plan, dict[str, Optimizer]]:
    """Return the plan, and for each contestant a new optimizer; the arguments are ``compare``'s."""
    tune = ("none" if isinstance(lr, numbers.Real) else "lr") if tune is None else tune
    if tune not in ("lr", "lr,momentum", "none"):
        raise invalid("tune", tune, '"lr", "lr,momentum" or "none"')
    rates, own_lr = _choices("lr", lr, tune != "none")
    momenta, own_momentum = _choices("momentum", momentum, tune == "lr,momentum")
    values = {"lr": lr, "momentum": momentum}
    fixed = [name for name in values if values[name] is not None and name not in tune]
    own = Setting(own_lr, momenta[0] if momenta else own_momentum)
    templates, contestants = _contestants(optimizers, own, batch_size, fixed)
    evaluation, tuning = _seeds(seeds, tuning_seeds)
    plan = Plan(
        problem=problem.name,
        network=repr(problem.network(evaluation[0])),
        loss=repr(problem.loss),
        rows=len(problem.first.X_train),
        contestants=contestants,
        tune=tune,
        rates=rates,
        momenta=momenta,
        tuning_seeds=tuning,
        seeds=evaluation,
        epochs=check_count("epochs", epochs),
        goal=Goal.parse(target),
        sustained=check_count("sustained", sustained, 1, most=epochs),
    )
    return plan, templates


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


def _seeds(
    seeds: int | Iterable[int], tuning_seeds: int | Iterable[int]
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return evaluation seeds and tuning seeds, which must differ."""
    evaluation, tuning = check_seeds(seeds), check_seeds(tuning_seeds, "tuning_seeds")
    if not isinstance(tuning_seeds, Iterable):
        tuning = tuple(FIRST_TUNING_SEED + k for k in tuning)
    if both := sorted(set(evaluation) & set(tuning)):
        raise ArgumentError(
            f"must differ from seeds, got {', '.join(map(str, both))} in both",
            argument="tuning_seeds",
        )
    return evaluation, tuning


def _contestants(
    optimizers: Optimizers, own: Setting, batch_size: BatchSize | None, fixed: Sequence[str]
) -> tuple[dict[str, Optimizer], tuple[Contestant, ...]]:
    """Return a new optimizer for each contestant, and the contestants."""
    templates: dict[str, Optimizer] = {}
    sizes: dict[str, BatchSize] = {}
    if isinstance(optimizers, Mapping):
        if fixed:
            raise ArgumentError(
                f"{' and '.join(fixed)} would have no effect on optimizers that are instances",
                hint="Set it on each instance, or name optimizers such as 'nag'.",
            )
        for name, optimizer in optimizers.items():
            if not isinstance(optimizer, Optimizer) or optimizer.step_count:
                expected = "a new optimizer, such as minidl.optim.NAG(lr=0.1)"
                raise invalid(f"optimizers[{name!r}]", optimizer, expected)
            templates[str(name)] = optimizer
            sizes[str(name)] = 32 if batch_size is None else batch_size
    elif isinstance(optimizers, (str, Optimizer)):
        raise invalid("optimizers", optimizers, 'a list such as ["momentum", "nag"]')
    else:
        for name, entry in _entries(optimizers, batch_size).items():
            templates[name] = entry.make(own.lr, own.momentum)
            sizes[name] = entry.batch_size if entry.fixed else entry.batches(batch_size)
    if not templates:
        raise ArgumentError("must name at least one optimizer", argument="optimizers")
    for size in sizes.values():
        rows_per_batch(size, 1)
    return templates, tuple(_contestant(name, templates[name], sizes[name]) for name in templates)


def _contestant(name: str, optimizer: Optimizer, batch_size: BatchSize) -> Contestant:
    lr, momentum = map(optimizer.hyperparameters.get, ("lr", "momentum"))
    if not isinstance(lr, float):
        raise invalid(f"optimizers[{name!r}]", optimizer, "an optimizer with one number as lr")
    own = Setting(lr, momentum if isinstance(momentum, float) else None)
    return Contestant(name, type(optimizer).__name__, batch_size, own, callable(momentum))


def _entries(names: Sequence[str], batch_size: BatchSize | None) -> dict[str, Entry]:
    """Return the entry of each optimizer by the alias that was used for it, as registered."""
    entries: dict[str, Entry] = {}
    for name in names:
        entry = lookup(name)
        alias = next(
            alias for alias in (entry.name, *entry.aliases) if normalise(alias) == normalise(name)
        )
        if entry in entries.values():
            also = next(known for known in entries if entries[known] is entry)
            hint = None if also == alias else f"{name!r} and {also!r} are the same."
            raise ArgumentError(f"names {name!r} twice", argument="optimizers", hint=hint)
        entries[alias] = entry
    if all(entry.fixed for entry in entries.values()):
        for entry in entries.values():
            entry.batches(batch_size)  # raises if the batch size would have no effect
    return entries
