"""Many trainers, of any kinds: cut into blocks of those that are alike, in as many processes."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from minidl.autograd import Array
from minidl.checks import check_count
from minidl.errors import ArgumentError
from minidl.training.alike import kind_of
from minidl.training.batches import GATHER_BYTES, permutation_type, rows_per_batch
from minidl.training.jobs import Pair, Work, check_jobs, train_blocks
from minidl.training.rows import Rows, rows_of
from minidl.training.trainer import Trainer

__all__ = ["train_many"]


def train_many(
    trainers: Sequence[Trainer],
    rows: tuple[Rows, Rows | None],
    epochs: int,
    *,
    sets: Sequence[int] | None = None,
    apart: Sequence[object] | None = None,
    memory: int = 2**19,
    jobs: int | None = 1,
    done: Callable[[list[Trainer]], object] = len,
) -> None:
    """Train any trainers for some epochs; each then holds what its own ``fit`` would have left.

    They are cut into blocks of neighbours that are alike (of one architecture, loss, optimizer
    class, batch size ...; see :mod:`minidl.training.alike`), which are computed together: so give
    those that are alike one after the other. A diverged run is told by its history, without a
    warning.

    Parameters
    ----------
    trainers : sequence of Trainer
        Each once, with models and optimizers of their own. What comes out is in them.
    rows : (Rows, Rows or None)
        Training and validation rows, as :func:`~minidl.training.rows.check_rows` returns them;
        with `sets` several of each, X (S, n, features) and t (S, n, ...).
    epochs : int
        How many, at least 0.
    sets : sequence of int, optional
        Which of the S sets each trainer uses. None: `rows` have no leading axis, and all use them.
    apart : sequence, optional
        A label for each trainer: those with different labels are in different blocks. So a block
        that is trained again later is the same, to the last bit of its results.
    memory : int, default 524288
        Bytes that the largest activation of a block may take; see
        :func:`~minidl.training.train_replicas`.
    jobs : int or None, default 1
        In how many processes; the results are the same to the last bit.
    done : callable, optional
        Is given the list of the trainers of each block, here, as soon as they are finished: in
        order with ``jobs=1``, otherwise as they come.

    Raises
    ------
    ArgumentError
        A trainer is there twice, or `sets`, `epochs`, `memory` or `jobs` cannot be used.
    DataError, WorkerError, KeyboardInterrupt
        As for :func:`~minidl.training.train_replicas`. Finished blocks have been told to `done`.

    Examples
    --------
    Two methods and two seeds, each seed with rows of its own:

    >>> from minidl import Trainer, nn, optim
    >>> X = np.random.default_rng(0).standard_normal((2, 50, 3))
    >>> rows = Rows(X, X.sum(axis=2, keepdims=True)), None
    >>> trainers = [
    ...     Trainer(nn.mlp(3, 1, seed=k), "mse", optimizer=method(0.1), seed=k)
    ...     for method in (optim.NAG, optim.GradientDescent) for k in (0, 1)]
    >>> train_many(trainers, rows, 20, sets=[0, 1, 0, 1],
    ...            done=lambda block: print(len(block), "of", block[0].optimizer))
    2 of NAG(lr=0.1, momentum=0.9)
    2 of GradientDescent(lr=0.1)
    >>> all(trainer.history["train_loss"][-1] < 1e-3 for trainer in trainers)
    True
    """
    check_count("epochs", epochs, 0)
    check_jobs(jobs)
    check_count("memory", memory)
    if len(set(map(id, trainers))) < len(trainers):
        raise ArgumentError("a Trainer is given twice, and would be trained by two at once")
    train, held_out = rows
    laid_out = _unbroken(train, sets), held_out and _unbroken(held_out, sets)
    numbers = None if sets is None else _check_sets(sets, len(trainers), laid_out)
    labels = [None] * len(trainers) if apart is None else apart
    kinds = [kind and (kind, one) for kind, one in zip(map(kind_of, trainers), labels, strict=True)]
    train_blocks(list(_blocks(trainers, kinds, laid_out, numbers, memory)), epochs, jobs, done)


def _check_sets(sets: Sequence[int], count: int, rows: Pair) -> list[int]:
    """Return the numbers of sets, one for each trainer."""
    numbers = [check_count("the number of a set", number, 0) for number in sets]
    held = [len(array) for one in rows if one for array in (one.X, one.t)]
    if len(numbers) != count or max(numbers, default=0) >= min(held) or len(set(held)) > 1:
        raise ArgumentError(
            "sets cannot be used",
            received=f"{len(numbers)} numbers up to {max(numbers, default=0)}, for {count} trainers"
            f" and rows of {', '.join(map(str, held))} sets",
            expected="for each trainer a number of a set, from 0 up",
        )
    return numbers


def _unbroken(rows: Rows, sets: Sequence[int] | None) -> Rows:
    """Return rows without gaps: a BLAS may round another way where there are some.

    So they are laid out as they would arrive in another process.
    """

    def whole(values: Array) -> Array:
        fit = values.flags.c_contiguous or (sets is None and values.flags.f_contiguous)
        return values if fit else np.ascontiguousarray(values)

    return Rows(whole(rows.X), whole(rows.t))


def _blocks(
    trainers: Sequence[Trainer],
    kinds: list[Any],
    rows: Pair,
    numbers: list[int] | None,
    memory: int,
) -> Iterator[Work]:
    """Yield blocks of consecutive trainers that are alike, as large as `memory` allows."""
    parts: dict[Any, Pair] = {}  # the same objects for blocks that need the same sets
    end = 0
    while (start := end) < len(trainers):
        most = start + _block_size(trainers[start], rows[0], numbers is not None, memory)
        end = start + 1
        while end < min(most, len(trainers)) and kinds[end] == kinds[start] is not None:
            end += 1
        block = list(trainers[start:end])
        if numbers is None:
            yield Work(block, rows)
        else:
            own = numbers[start:end]
            first, last = min(own), max(own)
            if (first, last) not in parts:
                parts[first, last] = rows_of(rows, slice(first, last + 1))
            yield Work(block, parts[first, last], [number - first for number in own])


def _block_size(trainer: Trainer, train: Rows, several: bool, memory: int) -> int:
    """Return how many replicas are computed together: as many as `memory` holds, at least one."""
    n, *rest = train.X.shape[several:]
    widths = [math.prod(rest), *(p.shape[-1] for p in trainer.model.parameters if p.ndim)]
    itemsize = trainer.model.parameters.value.itemsize
    one = rows_per_batch(trainer.batch_size, n) * max(widths) * itemsize
    orders = n * permutation_type(n)().itemsize if trainer.shuffle else 1  # of one replica
    size = min(memory // one, GATHER_BYTES // orders)
    return max(1, size) if len(rest) == 1 else 1
