"""``compare`` and ``compare_all``: from arguments to plans and their study."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Any

from minidl.checks import check_count
from minidl.comparison.executor import Executor
from minidl.comparison.looks import seeds_and_looks, with_looks
from minidl.comparison.plan import Optimizers, Plan, Seeds, Values, make_plan
from minidl.comparison.problem import Model, Problem, Source
from minidl.comparison.result import Comparison, Study
from minidl.comparison.session import execute
from minidl.errors import invalid
from minidl.keywords import answers
from minidl.nn import Loss
from minidl.optim import BatchSize, Optimizer
from minidl.training.engine_choice import check_engine
from minidl.training.pool import check_jobs

BATCHING_RATES = tuple(4.0**k for k in range(-4, 3))


@answers
def compare(
    problem: Source,
    model: Model | None = None,
    *,
    optimizers: Optimizers = ("gd", "momentum", "nag"),
    batch_size: BatchSize | None = None,
    tune: str | None = None,
    lr: Values = None,
    momentum: Values = None,
    trials: int | None = None,
    hidden: Sequence[int] = (16, 16),
    activation: str = "tanh",
    loss: str | Loss | type[Loss] | None = None,
    clip_norm: float | None = None,
    clip_value: float | None = None,
    weight_decay: float | None = None,
    restart: str | None = None,
    schedule: str | None = None,
    epochs: int = 200,
    seeds: int | Iterable[int] | None = None,
    tuning_seeds: int | Iterable[int] = 10,
    looks: Sequence[int] | None = None,
    target: str = "gap:0.1",
    sustained: int = 3,
    jobs: int | None = 1,
    memory: int = 2**19,
    engine: str = "auto",
    out: str | Path | None = None,
    progress: bool = False,
) -> Comparison:
    """Compare how many epochs each optimizer needs to converge.

    Every optimizer is trained at the same learning rates, or in the same random trials. Tuning
    seeds set the target and choose each optimizer's learning rate; evaluation seeds give two
    verdicts on each pair: *swap the flag*, at each learning rate and momentum that both share, and
    *tuned against tuned*, each at its own best. ``minidl/comparison/README.md`` explains the
    statistics.

    Parameters
    ----------
    problem : str, (X, y), Dataset or callable
        A name or file for :func:`minidl.datasets.load`, or a pair of features and targets, split
        anew with each seed; a data set, with its split; or a function seed -> Dataset.
    model : callable, optional
        A function seed -> new network; by default a perceptron with `hidden` and `activation`.
    optimizers : sequence of str, or dict of str to Optimizer
        Names of ``minidl list optimizers``; classes in files, such as ``my_file.py:MyAdam``; or new
        optimizers under custom names.
    batch_size : "full" or int, optional
        For optimizers whose name does not fix it; by default 32.
    tune : {"lr", "lr,momentum", "none"}, optional
        What the tuning seeds choose; by default "none" if `lr` is a number, else "lr". "lr" tries a
        grid; "lr,momentum" is a random search with the same trials for every optimizer.
    lr : float or sequence of float, optional
        The grid. By default 2^-8, ..., 2^3, times the `scale` of an optimizer in the table, such as
        2^-5 for Adam; it grows while an optimizer is best at its edge, by at most six rates at each
        end. A list is final, and the same for all. With ``tune="lr,momentum"`` the two ends of
        the range of lr / (1 - momentum), by default 2^-6 and 2^6; an optimizer without momentum is
        trained at that rate. With ``tune="none"`` one number, by default 0.1.
    momentum : float or sequence of float, optional
        One number, by default 0.9, of RMSprop 0; or, if it is tuned, those to draw from, by default
        0, 0.5, 0.9, 0.95 and 0.99.
    trials : int, optional
        The settings to try with each optimizer, by default 24; only for ``tune="lr,momentum"``.
    hidden, activation
        Widths of the hidden layers, by default (16, 16), and their activation, by default "tanh".
    loss : str or Loss, optional
        By default cross-entropy for classes, and the squared error for a regression.
    clip_norm, clip_value, weight_decay, restart, schedule : float or str, optional
        Changes of every optimizer, as for :class:`~minidl.Trainer`; a schedule lasts for `epochs`.
        One without a velocity is not restarted.
    epochs : int, default 200
        The budget E of each run.
    seeds, tuning_seeds : int or iterable of int, optional
        The number of seeds, from 0 and from 10,000 on, or the seeds; by default 20 and 10. A seed
        fixes split, initial weights and order of rows for all optimizers.
    looks : sequence of int, optional
        To stop early: with ``looks=(12, 24, 48)`` the tuned pairs are judged after 12, 24 and 48
        evaluation seeds, and training ends once each is faster or equivalent. Each look spends a
        part of the 5 % error (:func:`~minidl.comparison.error_share`). `seeds` is then 48.
    target : str, default "gap:0.1"
        When a run has converged. ``gap:TAU``: at most a share TAU is left of the way from the
        initial loss to the best one found; ``loss:VALUE``, ``accuracy:VALUE`` (training rows) or
        ``validation-accuracy:VALUE``.
    sustained : int, default 3
        How many epochs in a row the target must hold.
    jobs, memory
        As for :func:`minidl.training.train_replicas`; the result does not depend on `jobs`.
    engine : {"auto", "eager", "compiled"}, default "auto"
        As for :class:`~minidl.Trainer`, but "auto" is compiled from the first steps on. Engines and
        instruction sets round differently, so a file names them, and another one cannot go on.
    out : str or Path, optional
        The file to write. Finished runs are kept in ``out + ".part"``, so the same call continues
        after it was killed.
    progress : bool, default False
        Whether to show a progress bar on standard error, or in the notebook.

    Returns
    -------
    Comparison
        Print it for the tables and the verdicts.

    Raises
    ------
    ArgumentError, UnknownNameError
        An argument is invalid, or the target is reached before training.
    DataError
        The data are invalid, or `out` holds another comparison.
    TooLargeError
        Rows, networks or curves of so many seeds and epochs would not fit into memory.
    FileError
        `out` cannot be written, or another process is writing it. If all runs are finished, its
        attribute `comparison` holds the result, and ``out + ".part"`` keeps them.
    WorkerError
        Worker processes died repeatedly; finished runs are in ``out + ".part"``.
    KeyboardInterrupt
        Ctrl-C was pressed; its attribute `comparison` holds the finished runs.

    Examples
    --------
    >>> result = compare("circles", seeds=6, tuning_seeds=2, epochs=20, lr=[0.125, 0.25, 0.5])
    >>> [(row.optimizer, row.reached, row.seeds) for row in result.rows]
    [('gd', 6, 6), ('momentum', 6, 6), ('nag', 6, 6)]
    >>> [(duel.first, duel.second, duel.word) for duel in result.tuned][2]
    ('nag', 'momentum', 'no difference shown')
    """
    arguments: dict[str, Any] = {"optimizers": optimizers, "batch_sizes": [batch_size]}
    arguments |= {"hidden": hidden, "activation": activation, "loss": loss}
    arguments |= {"seeds": seeds, "tuning_seeds": tuning_seeds, "looks": looks}
    arguments |= {"tune": tune, "lr": lr, "momentum": momentum, "trials": trials}
    arguments |= {"epochs": epochs, "target": target, "sustained": sustained}
    arguments |= {"jobs": jobs, "memory": memory, "engine": engine, "out": out}
    arguments["progress"] = progress
    modifiers = {"clip_norm": clip_norm, "clip_value": clip_value, "weight_decay": weight_decay}
    arguments["modifiers"] = modifiers | {"restart": restart, "schedule": schedule}
    return compare_all([problem], model, **arguments).comparisons[0]


@answers
def compare_all(
    problems: Sequence[Source],
    model: Model | None = None,
    *,
    optimizers: Optimizers = ("gd", "momentum", "nag"),
    batch_sizes: Sequence[BatchSize | None] = (None,),
    batchings: Sequence[BatchSize] = ("full", 1, 32),
    batching_lr: Values = None,
    tune: str | None = None,
    lr: Values = None,
    momentum: Values = None,
    trials: int | None = None,
    hidden: Sequence[int] = (16, 16),
    activation: str = "tanh",
    loss: str | Loss | type[Loss] | None = None,
    modifiers: Mapping[str, Any] | None = None,
    epochs: int = 200,
    seeds: int | Iterable[int] | None = None,
    tuning_seeds: int | Iterable[int] = 10,
    looks: Sequence[int] | None = None,
    target: str = "gap:0.1",
    sustained: int = 3,
    jobs: int | None = 1,
    memory: int = 2**19,
    engine: str = "auto",
    out: str | Path | None = None,
    command: Sequence[str] = (),
    progress: bool = False,
) -> Study:
    """Compare optimizers on several problems and at several batch sizes, as one study.

    The Study has `comparisons`, by problem and then by batch size, and their `profile`. After
    Ctrl-C, KeyboardInterrupt has the finished runs as attributes `study` and `comparison`.
    Arguments and errors that are not listed are those of :func:`compare`.

    Parameters
    ----------
    problems, batch_sizes : sequence
        One comparison for each problem and each batch size.
    batching_lr : float or sequence of float, optional
        If given, gradient descent at the batch sizes `batchings` is also compared on the first
        problem, at these learning rates (``BATCHING_RATES`` is a coarse grid) and with half of
        the seeds, since one row per update is slow; without looks.
    batchings : sequence of batch sizes, default ("full", 1, 32)
        "full", 1 and at most one other.
    modifiers : dict, optional
        `clip_norm` and the like of :func:`compare`, by name.
    command : sequence of str, optional
        The command line, to keep in the file.

    Examples
    --------
    >>> study = compare_all(["circles", "moons"], optimizers=["gd", "nag"], lr=0.5, epochs=20,
    ...                     seeds=6, tuning_seeds=2)
    >>> [(comparison.plan.problem, len(comparison.runs)) for comparison in study.comparisons]
    [('circles', 16), ('moons', 16)]
    """
    _check_lists(problems=problems, batch_sizes=batch_sizes)
    *split, ends = seeds_and_looks(seeds, tuning_seeds, looks)
    work = check_jobs(jobs), check_count("memory", memory), check_engine(engine)
    sources = [Problem(p, model, hidden, activation, loss) for p in problems]
    terms: dict[str, Any] = {"tune": tune, "lr": lr, "momentum": momentum, "trials": trials}
    terms |= {"epochs": epochs, "target": target, "sustained": sustained, "modifiers": modifiers}
    pairs = product(sources, batch_sizes)
    plans = [with_looks(make_plan(p, optimizers, size, *split, **terms), ends) for p, size in pairs]
    if batching_lr is not None:
        plans.append(_batching_plan(sources[0], batchings, split, {**terms, "lr": batching_lr}))
    return execute([Executor(*plan, *work) for plan in plans], out, command, progress)


def _check_lists(**lists: object) -> None:
    """Raise unless these arguments are lists with at least one entry."""
    for name, values in lists.items():
        if not isinstance(values, Sequence) or isinstance(values, str) or not values:
            raise invalid(name, values, "a list with at least one entry")


def _batching_plan(
    source: Problem, sizes: Sequence[BatchSize], seeds: Sequence[Seeds], terms: dict[str, Any]
) -> tuple[Plan, Problem, dict[str, Optimizer]]:
    """Return the plan of gradient descent at these batch sizes, with half of the seeds."""
    named: dict[BatchSize, str] = {"full": "batch", 1: "stochastic"}
    further = [size for size in sizes if size not in named]
    invalid_sizes = [size for size in further if not isinstance(size, int) or size < 1]
    if invalid_sizes or len(further) > 1 or len(set(sizes)) < len(sizes):
        raise invalid("batchings", sizes, "full, 1 and at most one other batch size, each once")
    names = [named.get(size, "gd") for size in sizes]
    if terms["tune"] == "lr,momentum":  # gradient descent has no momentum to tune
        terms = {**terms, "tune": "lr", "momentum": None, "trials": None}
    half = [part[: max(1, len(part) // 2)] for part in seeds]
    return make_plan(source, names, further[0] if further else None, *half, **terms)
