"""Many networks at once: every seed and every setting of the hyperparameters."""

from __future__ import annotations

import contextlib
import copy
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from numpy.typing import ArrayLike

from minidl.checks import check_flag
from minidl.errors import DivergenceWarning, UntrainedWarning, WorseLossWarning
from minidl.html import settings
from minidl.keywords import answers
from minidl.nn import Layer, Loss
from minidl.optim import BatchSize, Optimizer
from minidl.optim.base import Setting
from minidl.optim.named import modified
from minidl.streams import check_seeds
from minidl.training.bar import Bar
from minidl.training.choose import choose_optimizer
from minidl.training.data import Pair, Rows
from minidl.training.grid import Grid, Hooks, Model, grid_of, trainers_of
from minidl.training.history import History
from minidl.training.many import train_many
from minidl.training.reach import summary
from minidl.training.sets import replica_rows, several_sets
from minidl.training.shown import in_a_line, progress
from minidl.training.trainer import Trainer
from minidl.training.weights import ClassWeight

UNFINISHED = (None, "interrupted")  # values of history.stopped_by


@answers
@dataclass(frozen=True, repr=False)
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

    def __repr__(self) -> str:
        values = {"seed": self.seed, **self.hyperparameters}
        words = ", ".join(f"{name}={value:.6g}" for name, value in values.items())
        return f"Replica({words}; {in_a_line(self.history)})"

    def _repr_html_(self) -> str:
        """Return its settings and last losses as a table, for notebooks."""
        own = [("seed", self.seed), *self.hyperparameters.items()]
        return settings([*own, *progress(self.history), ("model", repr(self.model))])


@answers
def train_replicas(
    model: Model,
    optimizer: str | Optimizer | type[Optimizer],
    X: ArrayLike,
    y: ArrayLike,
    *,
    loss: str | Loss | type[Loss],
    seeds: int | Iterable[int],
    epochs: int,
    lr: Setting | None = None,
    momentum: Setting | None = None,
    batch_size: BatchSize | None = None,
    clip_norm: Setting | None = None,
    clip_value: Setting | None = None,
    weight_decay: Setting | None = None,
    restart: str | None = None,
    schedule: str | None = None,
    l2: float = 0.0,
    l1: float = 0.0,
    shuffle: bool = True,
    measure_every: int = 1,
    look_ahead: bool = False,
    validation: Pair | None = None,
    sample_weight: ArrayLike | None = None,
    class_weight: ClassWeight | None = None,
    callbacks: Hooks = list,
    memory: int = 2**19,
    jobs: int | None = 1,
    progress: bool = False,
    engine: str = "auto",
) -> list[Replica]:
    """Train a network for every seed and every value of the optimizer's hyperparameters.

    Each equals ``Trainer(model(seed), ..., seed=seed).fit(X, y, epochs=epochs)`` to 1e-12 (mostly
    to the last bit; a BLAS may sum in another order), but they are computed together, as arrays
    with a leading replica axis: weights (R, in, out), activations (R, rows, features). Networks
    that stop or diverge leave the computation.

    Networks are trained one after the other

    - if their activations do not fit into `memory` twice;
    - if a layer, the loss or the optimizer is of a custom class without ``replicas = True`` (which
      says: works on the last two axes, or each row of w (R, P); keeps only parameters, buffers and
      state);
    - if they have callbacks other than :class:`StopAtTarget` and :class:`EarlyStopping`.

    Parameters
    ----------
    model : callable
        Seed -> a new network, always of the same architecture. Called twice for the first seed if
        its layers have no seed.
    optimizer : str, Optimizer or subclass of Optimizer
        As for :class:`Trainer`; an optimizer is copied. A hyperparameter given as a sequence is
        swept over; two sequences must have the same length and are paired.
    X, y : array_like, shape (n, features) and (n, ...), or (seeds, n, features) and (seeds, n, ...)
        As for :meth:`Trainer.fit`, for all networks; or one set of rows for each seed.
    loss, epochs, lr, momentum, batch_size, l2, l1, shuffle, measure_every, look_ahead, engine
        As for :class:`Trainer` and its ``fit``.
    clip_norm, clip_value, weight_decay, restart, schedule
        As for :class:`Trainer`; the numbers can be swept over, too. With ``schedule="plateau"``
        networks are trained one after the other.
    validation : (X, y) or (X, y, sample_weight), optional
        Rows that are measured but not trained on; one set for each seed if X is.
    sample_weight : array_like, shape (n,) or (seeds, n), optional
    class_weight : "balanced" or mapping, optional
        As for :meth:`Trainer.fit`; with a set of rows for each seed, weights for each.
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
        there are fewer blocks than processes; but with the compiled engine, the networks of a
        single block are spread over so many threads.
    progress : bool, default False
        Whether to show a bar of finished networks on standard error, or in the notebook.

    Returns
    -------
    list of Replica
        All seeds for the first value of the hyperparameters, then for the next. A
        :class:`DivergenceWarning` says how many diverged, an :class:`UntrainedWarning` in how many
        a parameter got no gradient in the first epoch.

    Raises
    ------
    ArgumentError
        Seeds or swept values are given twice, or swept sequences differ in length; `model` or
        `callbacks` is not a function, returns the same object twice or ignores the seed; networks
        share a :class:`~minidl.nn.Buffer`, or training changes an array that is not a buffer; or
        `optimizer`, `seeds`, `epochs`, `memory` or `jobs` is invalid.
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
    optimizer, batch_size = choose_optimizer(optimizer, lr, momentum, batch_size)
    optimizer = modified(copy.deepcopy(optimizer), clip_norm, clip_value, weight_decay, restart)
    options: Any = {"loss": loss, "schedule": schedule, "l2": l2, "l1": l1, "shuffle": shuffle}
    options |= {"batch_size": batch_size, "measure_every": measure_every, "look_ahead": look_ahead}
    grid = grid_of(optimizer, numbers := check_seeds(seeds))
    trainers = trainers_of(model, optimizer, grid, callbacks, options | {"engine": engine})
    rows = replica_rows((X, y, sample_weight), validation, class_weight, trainers[0], numbers)
    pool = {"epochs": epochs, "jobs": jobs, "memory": memory, "sets": _sets(X, y, grid, numbers)}
    return _train(grid, trainers, rows, progress, pool)


def _sets(X: Any, y: Any, grid: Grid, seeds: tuple[int, ...]) -> list[int] | None:
    """Return which set of rows each network has, or None if all have the same."""
    return [seeds.index(seed) for _, seed in grid] if several_sets(X, y) else None


def _train(
    grid: Grid,
    trainers: list[Trainer],
    rows: tuple[Rows, Rows | None],
    progress: bool,
    pool: dict[str, Any],
) -> list[Replica]:
    """Train the networks; an error gets those that have finished."""
    try:
        with _bar(len(trainers), progress) as done:
            train_many(trainers, rows, done=done, **pool)
    except BaseException as error:
        vars(error)["finished"] = _replicas(grid, trainers)
        raise
    _warn(trainers)
    return _replicas(grid, trainers)


def _warn(trainers: list[Trainer]) -> None:
    """Warn of networks that have diverged, or of which a part does not train."""
    if diverged := sum(trainer.history.diverged for trainer in trainers):
        message = f"{diverged} of {len(trainers)} replicas diverged; see replica.history.advice"
        warnings.warn(message, DivergenceWarning, stacklevel=5)
    if worse := sum(bool(t.history.advice) and not t.history.diverged for t in trainers):
        message = f"{worse} of {len(trainers)} replicas have made the training loss worse; see"
        warnings.warn(f"{message} replica.history.advice", WorseLossWarning, stacklevel=5)
    if told := summary([trainer.untrained for trainer in trainers]):
        warnings.warn(told, UntrainedWarning, stacklevel=5)


def _replicas(grid: Grid, trainers: list[Trainer]) -> list[Replica]:
    """Return the networks that have finished."""
    finished = (
        pair
        for pair in zip(grid, trainers, strict=True)
        if pair[1].history.stopped_by not in UNFINISHED
    )
    return [Replica(seed, values, t.history, t.model) for (values, seed), t in finished]


@contextlib.contextmanager
def _bar(total: int, visible: bool) -> Iterator[Callable[[list[Trainer]], object]]:
    """Give a function that advances a progress bar, if it is visible, by some finished Trainers."""
    if not check_flag("progress", visible):
        yield len
        return
    with Bar(total=total, unit="network", file=sys.stderr) as shown:
        yield lambda block: shown.change(lambda bar: bar.update(len(block)))
