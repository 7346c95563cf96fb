"""Many Trainers: cut into blocks that can be trained together, in one or several processes."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from minidl.autograd import Array
from minidl.checks import check_count
from minidl.errors import ArgumentError
from minidl.training.batches import GATHER_BYTES, permutation_type, rows_per_batch
from minidl.training.block import train_together
from minidl.training.data import Rows, rows_of
from minidl.training.grouping import block_key
from minidl.training.pool import check_jobs, run_all
from minidl.training.trainer import Trainer

__all__ = ["train_many"]

Trainers = list[Trainer]
Pair = tuple[Rows, Rows | None]  # training and validation rows
Payload = tuple[Trainers, int, Sequence[int] | None]  # Trainers, epochs and sets


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
    """Train any Trainers for some epochs; each then holds what its own ``fit`` would have left.

    They are cut into blocks of consecutive Trainers with the same architecture, loss, optimizer
    class and batch size (:func:`~minidl.training.grouping.block_key`), so give those one after the
    other. A divergence is reported in the history, without a warning.

    Parameters
    ----------
    trainers : sequence of Trainer
        Each with its own model and optimizer; they hold the results.
    rows : (Rows, Rows or None)
        Training and validation rows, as :func:`~minidl.training.data.check_rows` returns them;
        with `sets` several of each, X (S, n, features) and t (S, n, ...).
    epochs : int
        How many, at least 0.
    sets : sequence of int, optional
        Which of the S sets each trainer uses. None: `rows` have no leading axis; all use them.
    apart : sequence, optional
        A label for each trainer: different labels are in different blocks. So a block that is
        trained again later has the same results to the last bit.
    memory : int, default 524288
        Bytes that the largest activation of a block may take; see
        :func:`~minidl.training.train_replicas`.
    jobs : int or None, default 1
        In how many processes; the results are the same to the last bit.
    done : callable, optional
        Called in this process with the Trainers of each block as soon as it is finished: in
        order with ``jobs=1``, otherwise as they come.

    Raises
    ------
    ArgumentError
        A Trainer is given twice, or `sets`, `epochs`, `memory` or `jobs` is invalid.
    DataError, WorkerError, KeyboardInterrupt
        As for :func:`~minidl.training.train_replicas`. `done` was called for finished blocks.

    Examples
    --------
    Two methods and two seeds, each seed with its own rows:

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
        raise ArgumentError("must not contain a Trainer twice", argument="trainers")
    train, held_out = rows
    contiguous = _contiguous(train, sets), held_out and _contiguous(held_out, sets)
    numbers = None if sets is None else _check_sets(sets, len(trainers), contiguous)
    labels = [None] * len(trainers) if apart is None else apart
    keys = [
        key and (key, label) for key, label in zip(map(block_key, trainers), labels, strict=True)
    ]
    train_blocks(list(_blocks(trainers, keys, contiguous, numbers, memory)), epochs, jobs, done)


def _check_sets(sets: Sequence[int], count: int, rows: Pair) -> list[int]:
    """Return the numbers of the sets, one for each Trainer."""
    numbers = [check_count("the number of a set", number, 0) for number in sets]
    lengths = [len(array) for part in rows if part for array in (part.X, part.t)]
    if len(numbers) != count or max(numbers, default=0) >= min(lengths) or len(set(lengths)) > 1:
        raise ArgumentError(
            "must name a set for each Trainer",
            argument="sets",
            received=f"{len(numbers)} numbers up to {max(numbers, default=0)}, for {count} Trainers"
            f" and rows of {', '.join(map(str, lengths))} sets",
        )
    return numbers


def _contiguous(rows: Rows, sets: Sequence[int] | None) -> Rows:
    """Return rows without gaps, as another process would receive them: a BLAS rounds by layout."""

    def laid_out(values: Array) -> Array:
        good = values.flags.c_contiguous or (sets is None and values.flags.f_contiguous)
        return values if good else np.ascontiguousarray(values)

    return Rows(laid_out(rows.X), laid_out(rows.t))


def _blocks(
    trainers: Sequence[Trainer],
    keys: list[Hashable | None],
    rows: Pair,
    numbers: list[int] | None,
    memory: int,
) -> Iterator[Work]:
    """Yield blocks of consecutive Trainers with equal keys, as large as `memory` allows."""
    parts: dict[tuple[int, int], Pair] = {}  # the same objects for blocks with the same sets
    end = 0
    while (start := end) < len(trainers):
        limit = start + _block_size(trainers[start], rows[0], numbers is not None, memory)
        end = start + 1
        while end < min(limit, len(trainers)) and keys[end] == keys[start] is not None:
            end += 1
        block = list(trainers[start:end])
        if numbers is None:
            yield Work(block, rows)
        else:
            first, last = min(numbers[start:end]), max(numbers[start:end])
            if (first, last) not in parts:
                parts[first, last] = rows_of(rows, slice(first, last + 1))
            yield Work(block, parts[first, last], [k - first for k in numbers[start:end]])


def _block_size(trainer: Trainer, train: Rows, several: bool, memory: int) -> int:
    """Return how many networks are computed together: as many as `memory` holds, at least one."""
    n, *features = train.X.shape[several:]
    widths = [math.prod(features), *(p.shape[-1] for p in trainer.model.parameters if p.ndim)]
    itemsize = trainer.model.parameters.value.itemsize
    activation = rows_per_batch(trainer.batch_size, n) * max(widths) * itemsize
    order = n * permutation_type(n)().itemsize if trainer.shuffle else 1
    size = min(memory // activation, GATHER_BYTES // order)
    return max(1, size) if len(features) == 1 else 1


@dataclass(frozen=True)
class Work:
    """A block: Trainers, and the rows, or sets of rows, that they need; see `train_together`."""

    trainers: Trainers
    rows: Pair
    sets: Sequence[int] | None = None


def train_blocks(
    blocks: Sequence[Work], epochs: int, jobs: int | None, done: Callable[[Trainers], object]
) -> None:
    """Train each block and call `done` with its Trainers, which hold the results."""

    def take_over(k: int, trained: Trainers) -> None:
        """Give the Trainers of block `k`, and their callbacks, the attributes of the copies."""
        for trainer, copy in zip(blocks[k].trainers, trained, strict=True):
            if copy is not trainer:
                for hook, other in zip(trainer.callbacks, copy.callbacks, strict=True):
                    vars(hook).clear()
                    vars(hook).update(vars(other))
                vars(trainer).update(vars(copy))
        done(blocks[k].trainers)

    tasks = [((b.trainers, epochs, b.sets), _arrays(b.rows)) for b in blocks]
    run_all(tasks, _train, jobs, take_over, describe=_seeds, parts=_parts)


def _arrays(pair: Pair) -> tuple[Array, ...]:
    return tuple(array for rows in pair if rows is not None for array in (rows.X, rows.t))


def _train(payload: Payload, *arrays: Array) -> Trainers:
    trainers, epochs, sets = payload
    held_out = Rows(*arrays[2:]) if len(arrays) > 2 else None
    train_together(trainers, (Rows(*arrays[:2]), held_out), epochs, sets)
    return trainers


def _parts(payload: Payload) -> Iterable[object]:
    first = payload[0][0]
    return (*first.callbacks, first.model, first.loss, first.optimizer)


def _seeds(payloads: list[Payload]) -> str:
    seeds: dict[str, list[int]] = {}
    for trainer in (trainer for trainers, *_ in payloads for trainer in trainers):
        seeds.setdefault(repr(trainer.optimizer), []).append(trainer.seed)
    return "; ".join(f"seeds {numbers} of {name}" for name, numbers in seeds.items())
