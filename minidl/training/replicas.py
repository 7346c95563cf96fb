"""Many networks at once: seeds and hyperparameters as one computation."""

from __future__ import annotations

import contextlib
import copy
import math
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from minidl.autograd import Array
from minidl.checks import check_count
from minidl.errors import ArgumentError, DivergenceWarning
from minidl.nn import Layer, Loss
from minidl.optim import BatchSize, Optimizer
from minidl.streams import check_seeds
from minidl.training.batches import GATHER_BYTES, permutation_type, rows_per_batch
from minidl.training.callbacks import Callback
from minidl.training.history import History
from minidl.training.jobs import check_jobs, train_blocks
from minidl.training.rows import Rows, check_rows, pair_of
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
        Seed -> a new network, always of the same architecture.
    optimizer : Optimizer
        A new one, which is copied. A hyperparameter given as a sequence is swept over; two
        sequences must be of one length, and go together.
    X, y, loss, epochs, batch_size, l2, shuffle, measure_every, validation
        As for :class:`Trainer` and its ``fit``.
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
        There are no seeds, one is given twice, two sequences of hyperparameters differ in length,
        `model` or `callbacks` is no function or returns the same object twice, `optimizer` is no
        Optimizer or has taken steps, or `epochs`, `memory` or `jobs` cannot be used.
    DataError, ShapeError
        As for :meth:`Trainer.fit`; a note names the seed, where it is that of one network.
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
    options.update(shuffle=shuffle, measure_every=measure_every)
    trainers = _trainers(model, optimizer, check_seeds(seeds), callbacks, options)
    rows = _rows(trainers[0][1], X, y, validation)
    size = _block_size(trainers[0][1], rows[0], memory)
    blocks = [[one for _, one in trainers[i : i + size]] for i in range(0, len(trainers), size)]
    try:
        with _bar(len(trainers), progress) as update:
            train_blocks(blocks, rows, epochs, jobs, update)
    except BaseException as error:
        going, all_of_them = (None, "interrupted"), _replicas(trainers)
        vars(error)["finished"] = [r for r in all_of_them if r.history.stopped_by not in going]
        raise
    found = _replicas(trainers)
    if diverged := sum(one.history.diverged for one in found):
        message = f"{diverged} of {len(found)} replicas diverged; see replica.history.advice"
        warnings.warn(message, DivergenceWarning, stacklevel=2)
    return found


def _replicas(trainers: list[tuple[dict[str, float], Trainer]]) -> list[Replica]:
    return [Replica(one.seed, own, one.history, one.model) for own, one in trainers]


def _rows(
    first: Trainer, X: Any, y: Any, validation: Sequence[Any] | None
) -> tuple[Rows, Rows | None]:
    """Check rows for all trainers, and lay them out as they would arrive in another process."""
    pairs = {"training": (X, y)}
    if validation is not None:
        pairs["validation"] = pair_of(validation)
    checked = [check_rows(what, *pair, first.model, first.loss) for what, pair in pairs.items()]
    train, *held_out = [Rows(_unbroken(one.X), _unbroken(one.t)) for one in checked]
    return train, next(iter(held_out), None)


def _unbroken(values: Array) -> Array:
    """Return an array without gaps: a BLAS may round another way where there are some."""
    flags = values.flags
    return values if flags.c_contiguous or flags.f_contiguous else np.ascontiguousarray(values)


@contextlib.contextmanager
def _bar(total: int, visible: bool) -> Iterator[Callable[[int], object]]:
    """Give a function that moves a bar on, if it is to be seen."""
    if not visible:
        yield lambda n: None
        return
    from tqdm import tqdm

    with tqdm(total=total, unit="network", file=sys.stderr) as bar:
        yield bar.update


def _trainers(
    model: Callable[[int], Layer],
    optimizer: Optimizer,
    seeds: Sequence[int],
    callbacks: Callable[[], Iterable[Callback]],
    options: dict[str, Any],
) -> list[tuple[dict[str, float], Trainer]]:
    """Return a trainer for each of the swept hyperparameters and each seed."""
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
    networks = [model(seed) for seed in seeds]
    for network in networks:
        if not isinstance(network, Layer):
            raise ArgumentError(
                "model returned no network",
                received=type(network).__name__,
                expected="a Layer, such as nn.mlp(2, 16, 1, seed=seed)",
            )
    if len({id(network) for network in networks}) < len(networks):
        raise ArgumentError(
            "model returned the same network twice",
            expected="a function of the seed that builds a new one each time",
        )
    return networks


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
    return [{name: values[i] for name, values in columns.items()} for i in range(count)]


def _block_size(trainer: Trainer, train: Rows, memory: int) -> int:
    """Return how many replicas are computed together: as many as `memory` holds, at least one."""
    n, features = train.X.shape[0], math.prod(train.X.shape[1:])
    widths = [features, *(p.shape[-1] for p in trainer.model.parameters if p.ndim)]
    one = rows_per_batch(trainer.batch_size, n) * max(widths) * train.X.itemsize
    orders = n * permutation_type(n)().itemsize if trainer.shuffle else 1  # of one replica
    size = min(check_count("memory", memory) // one, GATHER_BYTES // orders)
    return max(1, size) if train.X.ndim == 2 else 1
