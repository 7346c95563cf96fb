"""Many networks at once: seeds and hyperparameters as one computation."""

from __future__ import annotations

import contextlib
import copy
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from minidl.checks import check_count, refuse_class
from minidl.errors import ArgumentError, DivergenceWarning
from minidl.nn import Layer, Loss
from minidl.nn.sequential import unseeded
from minidl.optim import BatchSize, Optimizer
from minidl.streams import check_seeds
from minidl.training.callbacks import Callback
from minidl.training.checks import check_reproducible
from minidl.training.history import History
from minidl.training.jobs import check_jobs
from minidl.training.many import train_many
from minidl.training.rows import Rows, check_rows, check_sets, pair_of, several_sets
from minidl.training.trainer import Trainer

__all__ = ["Replica", "train_replicas"]


@dataclass(frozen=True)
class Replica:
    """One of the networks that :func:`train_replicas` has trained.

    Attributes
    ----------
    seed : int
        Of its weights, its order of rows and its dropout.
    hyperparameters : dict of str to float
        Its own value of those that were given as sequences.
    history : History
        As a single run's; ``seconds`` are its share of what the networks took together.
    model : Layer
        The trained network.
    """

    seed: int
    hyperparameters: dict[str, float]
    history: History
    model: Layer


def train_replicas(
    model: Callable[[int], Layer],
    optimizer: Optimizer,
    X: Any,
    y: Any,
    *,
    loss: str | Loss | type[Loss],
    seeds: int | Iterable[int],
    epochs: int,
    batch_size: BatchSize = 32,
    l2: float = 0.0,
    shuffle: bool = True,
    measure_every: int = 1,
    look_ahead: bool = False,
    validation: Sequence[Any] | None = None,
    callbacks: Callable[[], Iterable[Callback]] = list,
    memory: int = 2**19,
    jobs: int | None = 1,
    progress: bool = False,
) -> list[Replica]:
    """Train a network for every seed and every value of the optimizer's hyperparameters.

    Each is what ``Trainer(model(seed), ..., seed=seed).fit(X, y, epochs=epochs)`` would give, to
    1e-12 of it (in most cases to the last bit; a BLAS may add up in another order), but they are
    computed together, as arrays with a leading replica axis: weights (R, in, out), activations
    (R, rows, features). Replicas that have stopped, or diverged, leave the computation.

    One after the other are trained: networks whose activations do not fit into `memory` twice;
    those with a layer, loss or optimizer that is not minidl's own, unless its class says
    ``replicas = True`` (it works on the last two axes, or on each row of w (R, P), and keeps
    nothing but parameters and ``state``); and, from then on, a network whose callback has changed
    more than hyperparameters and the values of weights and state.

    Parameters
    ----------
    model : callable
        Seed -> a new network, always of the same architecture. Asked a second time for the first
        seed, if its layers have been given no seed.
    optimizer : Optimizer
        A new one, which is copied. A hyperparameter given as a sequence is swept over; two
        sequences must be of one length, and go together.
    X, y : array_like, shape (n, features) and (n, ...), or (seeds, n, features) and (seeds, n, ...)
        As for :meth:`Trainer.fit`, for all networks; or one set of rows for each seed, such as
        another split of the same data. The first two axes of X and y are then the same.
    loss, epochs, batch_size, l2, shuffle, measure_every, look_ahead
        As for :class:`Trainer` and its ``fit``.
    validation : (X, y), optional
        Rows to measure as well; one set for each seed if X is.
    seeds : int or iterable of int
        One network for each; a number n means 0 to n - 1.
    callbacks : callable, optional
        Returns a list of new callbacks for one network.
    memory : int, default 524288
        Bytes that the largest activation of a block may take. More replicas than fit are trained
        in several blocks. The default keeps a block's activations in a processor's cache; it is
        128 networks 2-16-16-1 at batch 32, so 32 of them, for more jobs, are ``2**17``.
    jobs : int or None, default 1
        In how many processes blocks are trained, by joblib: -1 is one for each processor, None
        what ``joblib.parallel_config`` says, which may also name a cluster. The results are the
        same to the last bit, on processors of one kind. A block is never divided: if there are
        fewer blocks than processes, give less `memory`.
    progress : bool, default False
        Whether to show a bar of finished networks on standard error.

    Returns
    -------
    list of Replica
        For the first value of the hyperparameters all seeds, then for the next.

    Raises
    ------
    ArgumentError
        There are no seeds, one is given twice, two sequences of hyperparameters differ in length
        or give a value twice, `model` or `callbacks` is no function or returns the same object
        twice, `model` forgets the seed of its weights, `optimizer` is no Optimizer or has taken
        steps, or `epochs`, `memory` or `jobs` cannot be used.
    DataError, ShapeError
        As for :meth:`Trainer.fit`; a note names the seed, where it is that of one network. Or X
        has sets, and not as many as there are seeds, or `validation` has none.
    WorkerError
        Processes died while they trained the networks that are named. What was unfinished when
        the first one died has been tried again, at last with one block at a time.
    KeyboardInterrupt
        Ctrl-C was pressed.

    Warns
    -----
    DivergenceWarning
        How many networks have diverged.

    Notes
    -----
    Whatever is raised while networks are trained has an attribute `finished`, a list of the
    Replicas that were finished: ``except KeyboardInterrupt as error: error.finished``. Those that
    were not are lost; with ``jobs=1`` their callbacks see that, as in :meth:`Trainer.fit`. What is
    finished together is a block, so with less `memory` more is kept, and more can be spread.

    In other processes, networks and callbacks are copies, made by cloudpickle: functions without
    a name may travel, open files may not. In the end the attributes of the copied callbacks are
    given to those that `callbacks` returned; other objects that they have changed stay behind.

    Examples
    --------
    Three learning rates, four seeds:

    >>> from minidl import datasets, nn, optim, train_replicas
    >>> data = datasets.load("moons", n=100, seed=0)
    >>> replicas = train_replicas(
    ...     lambda seed: nn.mlp(2, 8, 1, seed=seed), optim.NAG(lr=[0.03, 0.1, 0.3]),
    ...     data.X_train, data.y_train, loss="bce", seeds=range(4), epochs=20)
    >>> len(replicas), replicas[5].seed, replicas[5].hyperparameters
    (12, 1, {'lr': 0.1})
    >>> bool(replicas[-1].history["train_loss"][-1] < 0.3)
    True
    """
    check_count("epochs", epochs, 0)
    check_jobs(jobs)
    options: dict[str, Any] = {"loss": loss, "batch_size": batch_size, "l2": l2}
    options.update(shuffle=shuffle, measure_every=measure_every, look_ahead=look_ahead)
    numbers = check_seeds(seeds)
    trainers = _trainers(model, optimizer, numbers, callbacks, options)
    rows = _rows(trainers[0][1], X, y, validation, numbers)
    sets = [numbers.index(one.seed) for _, one in trainers] if several_sets(X, y) else None
    how: dict[str, Any] = {"sets": sets, "memory": memory, "jobs": jobs}
    try:
        with _bar(len(trainers), progress) as done:
            train_many([one for _, one in trainers], rows, epochs, **how, done=done)
    except BaseException as error:
        vars(error)["finished"] = _finished(trainers)
        raise
    found = _replicas(trainers)
    if diverged := sum(one.history.diverged for one in found):
        message = f"{diverged} of {len(found)} replicas diverged; see replica.history.advice"
        warnings.warn(message, DivergenceWarning, stacklevel=2)
    return found


def _replicas(trainers: list[tuple[dict[str, float], Trainer]]) -> list[Replica]:
    return [Replica(one.seed, own, one.history, one.model) for own, one in trainers]


def _finished(trainers: list[tuple[dict[str, float], Trainer]]) -> list[Replica]:
    going = (None, "interrupted")
    return [one for one in _replicas(trainers) if one.history.stopped_by not in going]


def _rows(
    first: Trainer, X: Any, y: Any, validation: Sequence[Any] | None, seeds: Sequence[int]
) -> tuple[Rows, Rows | None]:
    """Check rows: the same for all trainers, or one set for each seed."""
    pairs = {"training": (X, y)}
    if validation is not None:
        pairs["validation"] = pair_of(validation)
    several = any(several_sets(*pair) for pair in pairs.values())
    check: Callable[..., Rows] = partial(check_sets, seeds=seeds) if several else check_rows
    checked = [check(what, *pair, first.model, first.loss) for what, pair in pairs.items()]
    train, *held_out = checked
    return train, next(iter(held_out), None)


@contextlib.contextmanager
def _bar(total: int, visible: bool) -> Iterator[Callable[[list[Trainer]], object]]:
    """Give a function that moves a bar on, if it is to be seen, for trainers that are finished."""
    if not visible:
        yield len
        return
    from tqdm import tqdm

    with tqdm(total=total, unit="network", file=sys.stderr) as bar:
        yield lambda block: bar.update(len(block))


def _trainers(
    model: Callable[[int], Layer],
    optimizer: Optimizer,
    seeds: Sequence[int],
    callbacks: Callable[[], Iterable[Callback]],
    options: dict[str, Any],
) -> list[tuple[dict[str, float], Trainer]]:
    """Return a trainer for each of the swept hyperparameters and each seed."""
    refuse_class("optimizer", optimizer, Optimizer)
    if not isinstance(optimizer, Optimizer):
        expected = "for instance minidl.optim.NAG(lr=[0.03, 0.1])"
        raise ArgumentError("no Optimizer", received=repr(optimizer), expected=expected)
    if not callable(callbacks):
        raise ArgumentError(
            "callbacks is not a function",
            received=type(callbacks).__name__,
            hint="Each network needs new ones: callbacks=lambda: [EarlyStopping()].",
        )
    grid = [(own, seed) for own in _swept(optimizer) for seed in seeds]
    networks = _networks(model, [seed for _, seed in grid])
    found = []
    seen: set[int] = set()
    for network, (own, seed) in zip(networks, grid, strict=True):
        copied = _copy(optimizer, own)
        hooks = _new_callbacks(callbacks)
        if seen & set(map(id, hooks)):
            raise ArgumentError(
                "callbacks returned the same callback twice",
                expected="a function that makes new ones: callbacks=lambda: [EarlyStopping()]",
            )
        seen |= set(map(id, hooks))
        one = Trainer(network, optimizer=copied, seed=seed, callbacks=hooks, **options)
        found.append((own, one))
    return found


def _new_callbacks(callbacks: Callable[[], Iterable[Callback]]) -> list[Callback]:
    try:
        return list(callbacks())
    except TypeError as error:
        raise ArgumentError(
            f"callbacks cannot be used: {error}",
            expected="a function without arguments that returns a list,"
            " callbacks=lambda: [EarlyStopping()]",
        ) from error


def _copy(optimizer: Optimizer, own: dict[str, float]) -> Optimizer:
    """Return a new optimizer with hyperparameters of its own."""
    copied = copy.deepcopy(optimizer)
    copied.hyperparameters.update(own)
    return copied


def _networks(model: Callable[[int], Layer], seeds: Sequence[int]) -> list[Layer]:
    """Return a new network for each seed."""
    if not callable(model) or isinstance(model, Layer):
        raise ArgumentError(
            "model is not a function",
            received=repr(model),
            expected="seed -> network, such as lambda seed: nn.mlp(2, 16, 1, seed=seed)",
        )
    networks = [_network(model, seed) for seed in seeds]
    if len({id(network) for network in networks}) < len(networks):
        raise ArgumentError(
            "model returned the same network twice",
            expected="a function of the seed that builds a new one each time",
        )
    if unseeded(networks[0]):
        check_reproducible(networks[0], _network(model, seeds[0]), seeds[0])
    return networks


def _network(model: Callable[[int], Layer], seed: int) -> Layer:
    """Return the network with this seed."""
    try:
        network = model(seed)
    except Exception as error:
        error.add_note(f"in the network with seed {seed}, which model({seed}) should return")
        raise
    if not isinstance(network, Layer):
        raise ArgumentError(
            "model returned no network",
            received=f"{type(network).__name__} for seed {seed}",
            expected="a Layer, such as nn.mlp(2, 16, 1, seed=seed)",
        )
    return network


def _swept(optimizer: Optimizer) -> list[dict[str, float]]:
    """Return the settings of the hyperparameters that were given as sequences."""
    columns = {
        name: value.ravel().tolist()
        for name, value in optimizer.hyperparameters.items()
        if isinstance(value, np.ndarray)
    }
    lengths = {name: len(values) for name, values in columns.items()}
    if len(set(lengths.values())) > 1:
        raise ArgumentError(
            "hyperparameters that are swept together differ in length",
            received=str(lengths),
            hint="The first of one goes with the first of the other: repeat values for a grid.",
        )
    count = next(iter(lengths.values()), 1)
    found = [{name: values[i] for name, values in columns.items()} for i in range(count)]
    for i, own in enumerate(found):
        if own in found[:i]:
            raise ArgumentError(
                "a value of the swept hyperparameters is given twice, for equal networks",
                received=", ".join(f"{name}={value}" for name, value in own.items()),
                hint="Give it once; for more networks give more seeds.",
            )
    return found
