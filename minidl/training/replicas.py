"""Many networks at once: every seed and every setting of the hyperparameters."""

from __future__ import annotations

import contextlib
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from minidl.errors import DataError, DivergenceWarning, ShapeError
from minidl.keywords import answers
from minidl.nn import Layer, Loss
from minidl.optim import BatchSize, Optimizer
from minidl.streams import check_seeds
from minidl.training.data import Pair, Rows, as_array, check_rows, pair_of
from minidl.training.grid import Grid, Hooks, Model, grid_of, trainers_of
from minidl.training.history import History
from minidl.training.many import train_many
from minidl.training.trainer import Trainer

UNFINISHED = (None, "interrupted")  # values of history.stopped_by


@answers
@dataclass(frozen=True)
class Replica:
    """A network trained by :func:`train_replicas`.

    Attributes
    ----------
    seed : int
        Seed of its weights, its order of rows and its dropout.
    hyperparameters : dict of str to float
        Its values of the hyperparameters that were given as sequences.
    history : History
        As of a single run; ``seconds`` is its share of the time of the block.
    model : Layer
        The trained network.
    """

    seed: int
    hyperparameters: dict[str, float]
    history: History
    model: Layer


@answers
def train_replicas(
    model: Model,
    optimizer: Optimizer,
    X: ArrayLike,
    y: ArrayLike,
    *,
    loss: str | Loss | type[Loss],
    seeds: int | Iterable[int],
    epochs: int,
    batch_size: BatchSize = 32,
    l2: float = 0.0,
    shuffle: bool = True,
    measure_every: int = 1,
    look_ahead: bool = False,
    validation: Pair | None = None,
    callbacks: Hooks = list,
    memory: int = 2**19,
    jobs: int | None = 1,
    progress: bool = False,
) -> list[Replica]:
    """Train a network for every seed and every value of the optimizer's hyperparameters.

    Each equals ``Trainer(model(seed), ..., seed=seed).fit(X, y, epochs=epochs)`` to 1e-12 (mostly
    to the last bit; a BLAS may sum in another order), but they are computed together, as arrays
    with a leading replica axis: weights (R, in, out), activations (R, rows, features). Networks
    that stop or diverge leave the computation.

    Networks are trained one after the other

    - if their activations do not fit into `memory` twice;
    - if a layer, the loss or the optimizer is of a custom class without ``replicas = True`` (which
      says: works on the last two axes, or each row of w (R, P); keeps only parameters and state);
    - if they have callbacks other than :class:`StopAtTarget` and :class:`EarlyStopping`.

    Parameters
    ----------
    model : callable
        Seed -> a new network, always of the same architecture. Called twice for the first seed if
        its layers have no seed.
    optimizer : Optimizer
        A new one, which is copied. A hyperparameter given as a sequence is swept over; two
        sequences must have the same length and are paired.
    X, y : array_like, shape (n, features) and (n, ...), or (seeds, n, features) and (seeds, n, ...)
        As for :meth:`Trainer.fit`, for all networks; or one set of rows for each seed.
    loss, epochs, batch_size, l2, shuffle, measure_every, look_ahead
        As for :class:`Trainer` and its ``fit``.
    validation : (X, y), optional
        Rows that are measured but not trained on; one set for each seed if X is.
    seeds : int or iterable of int
        One network for each; a number n means 0 to n - 1.
    callbacks : callable, optional
        Returns a list of new callbacks for one network.
    memory : int, default 524288
        Bytes that the largest activation of a block may take; more networks than fit are trained
        in several blocks. The default keeps a block in a processor's cache: 128 networks
        2-16-16-1 at batch 32.
    jobs : int or None, default 1
        Number of processes for the blocks: -1 is one for each processor, None what
        ``joblib.parallel_config`` says, which may name a cluster. The results are the same to the
        last bit on processors of one kind. A block is never divided, so give less `memory` if
        there are fewer blocks than processes.
    progress : bool, default False
        Whether to show a bar of finished networks on standard error.

    Returns
    -------
    list of Replica
        All seeds for the first value of the hyperparameters, then for the next. A
        :class:`DivergenceWarning` says how many have diverged.

    Raises
    ------
    ArgumentError
        Seeds or swept values are given twice, or swept sequences differ in length; `model` or
        `callbacks` is not a function, returns an object twice or ignores the seed; or `optimizer`,
        `seeds`, `epochs`, `memory` or `jobs` is invalid.
    DataError, ShapeError
        As for :meth:`Trainer.fit`, with a note that names the seed; or X does not have a set for
        each seed.
    WorkerError
        Processes died while they trained the networks that the message names, and died again.

    Notes
    -----
    An exception raised during training has an attribute `finished`, the list of finished Replicas.
    Networks of one block finish together, so less `memory` keeps more of them.

    Other processes work on copies made by cloudpickle: lambdas can be sent, open files cannot. At
    the end, callbacks have the attributes of their copies; other changes stay in the process.

    Examples
    --------
    >>> from minidl import datasets, nn, optim, train_replicas
    >>> data = datasets.load("moons", n=100, seed=0)
    >>> replicas = train_replicas(
    ...     lambda seed: nn.mlp(2, 8, 1, seed=seed), optim.NAG(lr=[0.03, 0.1, 0.3]),
    ...     data.X_train, data.y_train, loss="bce", seeds=range(4), epochs=20)
    >>> len(replicas), replicas[5].seed, replicas[5].hyperparameters
    (12, 1, {'lr': 0.1})
    """
    options = {"loss": loss, "batch_size": batch_size, "l2": l2, "shuffle": shuffle}
    options |= {"measure_every": measure_every, "look_ahead": look_ahead}
    numbers = check_seeds(seeds)
    grid = grid_of(optimizer, numbers)
    trainers = trainers_of(model, optimizer, grid, callbacks, options)
    rows = _rows(trainers[0], X, y, validation, numbers)
    sets = [numbers.index(seed) for _, seed in grid] if _several_sets(X, y) else None
    try:
        with _bar(len(trainers), progress) as done:
            train_many(trainers, rows, epochs, sets=sets, memory=memory, jobs=jobs, done=done)
    except BaseException as error:
        ended = [r for r in _replicas(grid, trainers) if r.history.stopped_by not in UNFINISHED]
        vars(error)["finished"] = ended
        raise
    replicas = _replicas(grid, trainers)
    if diverged := sum(replica.history.diverged for replica in replicas):
        message = f"{diverged} of {len(replicas)} replicas diverged; see replica.history.advice"
        warnings.warn(message, DivergenceWarning, stacklevel=3)
    return replicas


def _replicas(grid: Grid, trainers: list[Trainer]) -> list[Replica]:
    """Return what the Trainers hold as Replicas."""
    pairs = zip(grid, trainers, strict=True)
    return [Replica(seed, values, t.history, t.model) for (values, seed), t in pairs]


def _rows(
    trainer: Trainer, X: ArrayLike, y: ArrayLike, validation: Pair | None, seeds: Sequence[int]
) -> tuple[Rows, Rows | None]:
    """Check rows: the same for all networks, or one set for each seed."""
    pairs = {"training": (X, y)}
    if validation is not None:
        pairs["validation"] = pair_of(validation)
    sets = seeds if any(_several_sets(*pair) for pair in pairs.values()) else None
    train, *held_out = (_check_rows(what, *pair, trainer, sets) for what, pair in pairs.items())
    return train, held_out[0] if held_out else None


def _several_sets(X: ArrayLike, y: ArrayLike) -> bool:
    """Return True if these are several sets: X (S, n, features ...) and y (S, n, ...)."""
    try:
        inputs, targets = np.shape(X), np.shape(y)
    except ValueError:  # rows of different lengths, an error that check_rows reports
        return False
    return len(inputs) > 2 and inputs[:2] == targets[:2]


def _check_rows(
    what: str, X: ArrayLike, y: ArrayLike, trainer: Trainer, seeds: Sequence[int] | None
) -> Rows:
    """Check rows, or one set for each seed; then an error has a note that names the seed."""
    if seeds is None:
        return check_rows(what, X, y, trainer.objective)
    if not _several_sets(X, y) or np.shape(X)[0] != len(seeds):
        problem = f"the {what} rows are not one set for each seed"
        received = f"X of shape {np.shape(X)}, y of shape {np.shape(y)}, {len(seeds)} seeds"
        expected = "X (seeds, n, features) and y (seeds, n, ...), or X (n, features) for all"
        hint = "For inputs and targets with several axes each, use a Trainer."
        raise DataError(problem, received=received, expected=expected, hint=hint)
    dtype = trainer.objective.vector.value.dtype
    inputs = as_array(f"the {what} inputs are not a table of numbers", X, dtype)
    targets = []
    for seed, set_inputs, set_targets in zip(seeds, inputs, np.asarray(y), strict=True):
        try:
            targets.append(check_rows(what, set_inputs, set_targets, trainer.objective).t)
        except (DataError, ShapeError) as error:
            error.add_note(f"in the {what} rows of seed {seed}")
            raise
    return Rows(inputs, np.stack(targets))


@contextlib.contextmanager
def _bar(total: int, visible: bool) -> Iterator[Callable[[list[Trainer]], object]]:
    """Give a function that advances a progress bar, if it is visible, by some finished Trainers."""
    if not visible:
        yield len
        return
    from tqdm.auto import tqdm

    with tqdm(total=total, unit="network", file=sys.stderr) as bar:
        yield lambda block: bar.update(len(block))
