"""``compare``: from what a person asks for to a plan, its networks trained, and the result."""

from __future__ import annotations

import math
import numbers
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from minidl.checks import bare_name, check_count, check_number
from minidl.comparison.executor import Race
from minidl.comparison.goal import Goal
from minidl.comparison.plan import MOMENTA, Contestant, Plan, check_grid
from minidl.comparison.problem import Problem
from minidl.comparison.report.words import joined
from minidl.comparison.result import Comparison
from minidl.comparison.run import Setting
from minidl.comparison.study import run_races
from minidl.datasets import Dataset
from minidl.errors import ArgumentError
from minidl.nn import Layer, Loss
from minidl.optim import BatchSize, Entry, Optimizer, lookup
from minidl.streams import check_seeds
from minidl.training.batches import rows_per_batch
from minidl.training.jobs import check_jobs

__all__ = ["compare", "prepare"]

TUNING_SEEDS = 10_000  # the first, if only their number is given
TUNES = '"lr", "lr,momentum" or "none"'
TUNE = ("lr", "lr,momentum", "none")
Optimizers = Sequence[str] | Mapping[str, Optimizer]
Floats = tuple[float, ...]


def compare(
    problem: str | Dataset | Callable[[int], Dataset],
    model: Callable[[int], Layer] | None = None,
    *,
    optimizers: Optimizers = ("gd", "momentum", "nag"),
    batch_size: BatchSize | None = None,
    tune: str | None = None,
    lr: float | Sequence[float] | None = None,
    momentum: float | Sequence[float] | None = None,
    hidden: Sequence[int] = (16, 16),
    activation: str = "tanh",
    loss: str | Loss | type[Loss] | None = None,
    epochs: int = 400,
    seeds: int | Iterable[int] = 20,
    tuning_seeds: int | Iterable[int] = 10,
    target: str = "gap:0.1",
    sustained: int = 3,
    jobs: int | None = 1,
    memory: int = 2**19,
    out: str | Path | None = None,
    progress: bool = False,
) -> Comparison:
    """Tell how many epochs each optimizer needs to converge, and how sure that is.

    Every optimizer is trained at every learning rate of one grid. The tuning seeds settle the
    target and each optimizer's learning rate; other seeds judge. Two verdicts are given of each
    pair: *swap the flag*, at one learning rate and momentum, for each of the grid; and *tuned
    against tuned*, each at its own best.

    Parameters
    ----------
    problem : str, Dataset or callable
        A name or file for :func:`minidl.datasets.load`, split anew with each seed; a data set,
        whose split is kept; or a function, seed -> Dataset.
    model : callable, optional
        Seed -> new network. By default a perceptron with `hidden` layers and `activation`.
    optimizers : sequence of str, or dict of str to Optimizer
        Names of ``minidl list optimizers``; or names of your own with a new optimizer for each.
    batch_size : "full" or int, optional
        For the optimizers whose name does not fix it; by default their own, 32.
    tune : {"lr", "lr,momentum", "none"}, optional
        What the tuning seeds choose. By default "none" if `lr` is a number, else "lr".
    lr : float or sequence of float, optional
        The grid, by default 2^-8, ..., 2^3. It grows by itself, at most by six rates at each end,
        while an optimizer does best at its edge. With ``tune="none"`` a number, by default 0.1.
    momentum : float or sequence of float, optional
        Of those that have one, 0.9; or the grid if it is tuned, by default 0.5, 0.9, 0.95, 0.99.
    hidden : sequence of int, default (16, 16)
        Widths of the hidden layers.
    activation : str, default "tanh"
        Between them.
    loss : str or Loss, optional
        By default what suits the task: cross-entropy, or the squared error for a regression.
    epochs : int, default 400
        E, the budget of each run. All runs use it up.
    seeds, tuning_seeds : int or iterable of int, default 20 and 10
        How many, or which: those that judge, from 0 on, and others, from 10,000 on. A seed fixes
        split, initial weights and order of rows, alike for every optimizer.
    target : str, default "gap:0.1"
        What counts as converged: ``gap:TAU``, all but a share TAU of the way from the first loss to
        the best that was found; ``loss:VALUE``, ``accuracy:VALUE`` (training rows) or
        ``validation-accuracy:VALUE``.
    sustained : int, default 3
        For how many epochs in a row the target must hold.
    jobs, memory
        As for :func:`minidl.training.train_replicas`. The result is the same for any `jobs`.
    out : str or Path, optional
        The file to write. What is finished is kept in ``out + ".part"``, from which the same call
        goes on after it was killed.
    progress : bool, default False
        Whether to show a bar on standard error.

    Returns
    -------
    Comparison
        Print it for the tables and the verdicts.

    Raises
    ------
    ArgumentError, UnknownNameError
        An argument cannot be used; or the target is reached before training.
    DataError
        The data cannot be used, or `out` holds another comparison.
    WorkerError
        Processes died again and again; what they had finished is in ``out + ".part"``.
    KeyboardInterrupt
        Ctrl-C was pressed; its attribute `comparison` holds what was finished.

    Examples
    --------
    >>> found = compare("circles", seeds=6, tuning_seeds=2, epochs=20, lr=[0.125, 0.25, 0.5])
    >>> [(row.optimizer, row.reached, row.seeds) for row in found.rows]
    [('gd', 6, 6), ('momentum', 6, 6), ('nag', 6, 6)]
    >>> [(duel.first, duel.second, duel.word) for duel in found.tuned][2]
    ('nag', 'momentum', 'no difference shown')
    """
    named = Problem(problem, model, hidden=hidden, activation=activation, loss=loss)
    asked: dict[str, Any] = {"batch_size": batch_size, "tune": tune, "lr": lr, "momentum": momentum}
    asked |= {"epochs": epochs, "seeds": seeds, "tuning_seeds": tuning_seeds, "target": target}
    asked |= {"sustained": sustained, "jobs": jobs, "memory": memory}
    race = prepare(named, optimizers, **asked)
    try:
        return run_races([race], out, progress=progress).comparisons[0]
    except BaseException as error:
        if hasattr(error, "study"):
            vars(error)["comparison"] = error.study.comparisons[0]
        raise


def prepare(
    problem: Problem,
    optimizers: Optimizers,
    *,
    batch_size: BatchSize | None = None,
    tune: str | None = None,
    lr: float | Sequence[float] | None = None,
    momentum: float | Sequence[float] | None = None,
    epochs: int = 400,
    seeds: int | Iterable[int] = 20,
    tuning_seeds: int | Iterable[int] = 10,
    target: str = "gap:0.1",
    sustained: int = 3,
    jobs: int | None = 1,
    memory: int = 2**19,
) -> Race:
    """Check what is asked for, and return the race; the arguments are those of :func:`compare`."""
    tune = ("none" if isinstance(lr, numbers.Real) else "lr") if tune is None else tune
    if tune not in TUNE:
        raise ArgumentError("tune cannot be used", received=repr(tune), expected=TUNES)
    rates, momenta, own = _grid(tune, lr, momentum)
    given = _untuned(tune, lr=lr, momentum=momentum)
    templates, contestants = _templates(optimizers, own, batch_size, given)
    judging, tuning = _seeds(seeds, tuning_seeds)
    epochs, sustained = _budget(epochs, sustained)
    plan = Plan(
        problem=problem.name,
        network=repr(problem.network(judging[0])),
        loss=repr(problem.loss),
        rows=len(problem.first.X_train),
        contestants=contestants,
        tune=tune,
        rates=rates,
        momenta=momenta,
        tuning_seeds=tuning,
        seeds=judging,
        epochs=epochs,
        goal=Goal.parse(target),
        sustained=sustained,
    )
    return Race(plan, problem, templates, check_jobs(jobs), check_count("memory", memory))


def _budget(epochs: int, sustained: int) -> tuple[int, int]:
    """Return E, and for how many epochs in a row the target must hold."""
    epochs, sustained = check_count("epochs", epochs), check_count("sustained", sustained)
    if sustained > epochs:
        raise ArgumentError(
            "sustained cannot be used",
            received=f"sustained={sustained} with epochs={epochs}",
            hint="Nothing can hold for longer than the budget: give more epochs, or sustained=1.",
        )
    return epochs, sustained


def _grid(tune: str, lr: Any, momentum: Any) -> tuple[Floats, Floats, Setting]:
    """Return the learning rates, the momenta, and what is not tuned."""
    rates: Floats = ()
    own_lr = 0.1
    if tune == "none":
        if _several(lr):
            raise ArgumentError(
                "lr cannot be used",
                received=repr(lr),
                hint='With tune="none" give one learning rate.',
            )
        own_lr = _rate(own_lr if lr is None else lr)
    elif lr is not None and not _several(lr):
        raise ArgumentError(
            "lr cannot be used",
            received=repr(lr),
            hint=f'With tune="{tune}" give a list of learning rates, or leave lr out.',
        )
    else:
        rates = check_grid(lr)
    if tune != "lr,momentum":
        if _several(momentum):
            raise ArgumentError(
                "momentum cannot be used",
                received=repr(momentum),
                expected="one number, 0 <= momentum < 1",
                hint='To choose among several, tune="lr,momentum".',
            )
        return rates, (), Setting(own_lr, _coefficient(0.9 if momentum is None else momentum))
    momenta = _momenta(MOMENTA if momentum is None else momentum)
    return rates, momenta, Setting(own_lr, momenta[0])


def _several(values: object) -> bool:
    return isinstance(values, (Sequence, np.ndarray)) and not isinstance(values, str)


def _momenta(values: Any) -> Floats:
    """Return the momenta of a grid, ascending."""
    if not _several(values) or len(values) == 0:
        raise ArgumentError(
            "momentum cannot be used",
            received=repr(values),
            expected="several to choose from, such as [0.5, 0.9]",
            hint='With one momentum, tune="lr".',
        )
    found = tuple(sorted(map(_coefficient, values)))
    if len(set(found)) < len(found):
        raise ArgumentError("momentum cannot be used", received=repr(values), expected="each once")
    return found


def _coefficient(m: Any) -> float:
    return check_number("momentum", m, lambda m: 0 <= m < 1, "0 <= momentum < 1")


def _rate(lr: Any) -> float:
    return check_number("lr", lr, lambda x: 0 < x < math.inf, "a finite number greater than 0")


def _seeds(
    seeds: int | Iterable[int], tuning_seeds: int | Iterable[int]
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return the seeds that judge, and those that tune."""
    judging, tuning = check_seeds(seeds), check_seeds(tuning_seeds, "tuning_seeds")
    if not isinstance(tuning_seeds, Iterable):
        tuning = tuple(TUNING_SEEDS + k for k in tuning)
    if both := set(judging) & set(tuning):
        raise ArgumentError(
            "a seed that judges cannot tune as well",
            received=f"{', '.join(map(str, sorted(both)))}, in tuning_seeds too",
        )
    return judging, tuning


def _untuned(tune: str, **given: Any) -> list[str]:
    """Return the names of what is given as one value, for optimizers to be made with."""
    return [name for name, value in given.items() if value is not None and name not in tune]


def _templates(
    optimizers: Optimizers, own: Setting, batch_size: BatchSize | None, given: Sequence[str]
) -> tuple[dict[str, Optimizer], tuple[Contestant, ...]]:
    """Return the contestants, and a new optimizer for each."""
    templates: dict[str, Optimizer] = {}
    rows: dict[str, BatchSize] = {}
    if isinstance(optimizers, Mapping):
        if given:
            raise ArgumentError(
                f"{joined(given)} would have no effect: the optimizers bring their own",
                hint="Give them to the optimizers, or name optimizers such as 'nag'.",
            )
        for name, one in optimizers.items():
            _check_template(name, one)
            templates[str(name)], rows[str(name)] = one, 32 if batch_size is None else batch_size
    elif isinstance(optimizers, (str, Optimizer)):
        raise ArgumentError(
            "optimizers cannot be used", received=repr(optimizers), expected='["momentum", "nag"]'
        )
    else:
        for name, entry in _entries(optimizers, batch_size).items():
            called = next(
                n for n in (entry.name, *entry.aliases) if bare_name(n) == bare_name(name)
            )
            templates[called] = entry.make(own.lr, own.momentum)
            rows[called] = entry.batch_size if entry.fixed else entry.batches(batch_size)
    if not templates:
        raise ArgumentError("there is nothing to compare", hint="Name at least one optimizer.")
    for size in rows.values():
        rows_per_batch(size, 1)
    return templates, tuple(
        Contestant(
            name,
            type(one).__name__,
            rows[name],
            _setting(name, one),
            callable(one.hyperparameters.get("momentum")),
        )
        for name, one in templates.items()
    )


def _entries(names: Sequence[str], batch_size: BatchSize | None) -> dict[str, Entry]:
    """Return the row of the table for each name; none is there twice."""
    entries: dict[str, Entry] = {}
    for name in names:
        entry = lookup(name)
        if entry in entries.values():
            same = next(other for other, known in entries.items() if known is entry)
            also = None if same == name else f"{name!r} and {same!r} are the same."
            raise ArgumentError("an optimizer is named twice", received=repr(name), hint=also)
        entries[name] = entry
    if all(entry.fixed for entry in entries.values()):
        for entry in entries.values():
            entry.batches(batch_size)  # an error, for the batch size would have no effect
    return entries


def _check_template(name: object, template: object) -> None:
    if not isinstance(template, Optimizer) or template.step_count:
        raise ArgumentError(
            f"optimizer {name!r} cannot be used",
            received=repr(template),
            expected="a new Optimizer, such as minidl.optim.NAG(lr=0.1)",
        )


def _setting(name: str, template: Optimizer) -> Setting:
    """Return the hyperparameters of an optimizer, which must be numbers."""
    found = template.hyperparameters
    lr, momentum = found.get("lr"), found.get("momentum")
    if not isinstance(lr, float):
        raise ArgumentError(
            f"optimizer {name!r} cannot be used",
            received=f"lr={lr!r}",
            expected="a hyperparameter lr, one number",
        )
    return Setting(lr, momentum if isinstance(momentum, float) else None)
