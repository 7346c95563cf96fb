"""Many Trainers: cut into blocks that can be trained together, in one or several processes."""

import functools
import itertools
import math
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from minidl.autograd import Array, Tensor
from minidl.checks import check_count, is_minidl, replaced
from minidl.errors import ArgumentError
from minidl.nn import Layer, Loss
from minidl.nn.layer import parts_of
from minidl.optim.attributes import fingerprint
from minidl.training.block import train_together
from minidl.training.data import GATHER_BYTES, HALF_WIDTH, Data, Rows, rows_per_batch
from minidl.training.engine_choice import as_in_parent, instruction_set
from minidl.training.pool import check_jobs, run_all, threads_for
from minidl.training.record import MOST_EPOCHS
from minidl.training.stopping import StopRule
from minidl.training.trainer import Trainer

Payload = tuple[list[Trainer], Array | None, int, str]  # with sets, epochs, instruction set


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
    """Train several Trainers; each ends in the state in which its own fit would have left it.

    They are cut into blocks of consecutive Trainers with equal keys (see `block_key`), so give
    those one after the other. A divergence is reported in the history, without a warning. `epochs`,
    `memory`, `jobs` and errors are those of :func:`~minidl.training.train_replicas`.

    `rows` are training and validation rows; with `sets`, the number of the set that each Trainer
    uses, several of each, X (S, n, features). `apart` has a label for each Trainer: different
    labels are in different blocks, so a block that is trained again later has the same bits. `done`
    is called in this process with the Trainers of each block when it is finished, with ``jobs=1``
    in order.
    """
    check_count("epochs", epochs, 0, MOST_EPOCHS)
    check_jobs(jobs)
    check_count("memory", memory)
    if len(set(map(id, trainers))) < len(trainers):
        raise ArgumentError("must not contain a Trainer twice", argument="trainers")
    train, held_out = rows
    lengths = [len(array) for part in rows for array in part or () if array is not None]
    numbers = None if sets is None else _check_sets(sets, len(trainers), lengths)
    packed = functools.partial(_contiguous, sets=numbers)
    data = Data(train.each(packed), held_out and held_out.each(packed), numbers)
    pairs = zip(trainers, [None] * len(trainers) if apart is None else apart, strict=True)
    keys = [(block_key(trainer) or id(trainer), label) for trainer, label in pairs]
    blocks = list(_blocks(trainers, keys, data, memory))

    def take_over(k: int, trained: list[Trainer]) -> None:
        """Give the Trainers of block `k`, and their callbacks, the attributes of the copies."""
        for trainer, copy in zip(blocks[k][0], trained, strict=True):
            if copy is not trainer:
                for hook, other in zip(trainer.callbacks, copy.callbacks, strict=True):
                    vars(hook).clear()
                    vars(hook).update(vars(other))
                vars(trainer).update(vars(copy))
        done(blocks[k][0])

    how = epochs, instruction_set()
    tasks = [((block, d.sets, *how), (*d.train, *(d.held_out or ()))) for block, d in blocks]
    threads = threads_for(jobs) if len(blocks) == 1 and _may_thread(trainers) else 1
    work, jobs = (partial(_train, threads=threads), 1) if threads > 1 else (_train, jobs)
    run_all(tasks, work, jobs, take_over, describe=_seeds, parts=_parts)


def _check_sets(sets: Sequence[int], count: int, lengths: list[int]) -> Array:
    """Return the numbers of the sets, one for each Trainer."""
    numbers = [check_count("the number of a set", number, 0) for number in sets]
    largest = max(numbers, default=0)
    if len(numbers) != count or largest >= min(lengths) or len(set(lengths)) > 1:
        given = f"{len(numbers)} numbers up to {largest}, for {count} Trainers and rows of"
        received = f"{given} {', '.join(map(str, lengths))} sets"
        raise ArgumentError("must name a set for each Trainer", argument="sets", received=received)
    return np.array(numbers, dtype=int)


def _contiguous(values: Array, sets: Array | None) -> Array:
    """Return values without gaps, as another process would receive them: BLAS rounds by layout."""
    good = values.flags.c_contiguous or (sets is None and values.flags.f_contiguous)
    return values if good else np.ascontiguousarray(values)


def _blocks(
    trainers: Sequence[Trainer], keys: Sequence[Hashable], data: Data, memory: int
) -> Iterator[tuple[list[Trainer], Data]]:
    """Yield blocks of consecutive Trainers with equal keys, as large as `memory` allows."""
    # The same arrays for blocks with the same sets, so that they are sent once.
    part = functools.cache(lambda first, last: data.part(slice(first, last + 1)))
    for _, group in itertools.groupby(range(len(trainers)), keys.__getitem__):
        alike = list(group)
        size = _block_size(trainers[alike[0]], data, memory)
        for start in range(0, len(alike), size):
            block, own = alike[start : start + size], data
            if data.sets is not None:
                sets = data.sets[block]
                own = replace(part(sets.min(), sets.max()), sets=sets - sets.min())
            yield [trainers[k] for k in block], own


def block_key(trainer: Trainer) -> Hashable | None:
    """Return what must be equal for two networks to be one block; None if it must train alone."""
    layers, vector = list(parts_of(trainer.model)), trainer.objective.vector
    optimizer = trainer.optimizer
    rules = [isinstance(c, StopRule) and is_minidl(c) for c in trainer.callbacks]
    parts = [*layers, trainer.loss, *optimizer.chain()]
    buffers = list(trainer.model.named_buffers())
    under_way = trainer.cursor or trainer.unrecorded is not None
    odd = len(buffers) != len(trainer.model.buffers())  # a custom named_buffers() names arrays
    if under_way or odd or not all(rules) or not all(map(_knows_replicas, parts)):
        return None
    if optimizer.own_state():
        return None
    return (
        tuple(_settings(layer) for layer in layers),
        _settings(trainer.loss),
        (*map(type, optimizer.chain()), fingerprint(optimizer.attributes())),
        tuple(
            (
                p.shape,
                p.dtype.char,
                np.broadcast_to(p.penalized, p.shape).tobytes(),
                p.requires_grad,
            )
            for p in vector
        ),
        vector.names,
        tuple((name, array.shape, array.dtype.char) for name, array in buffers),
        (trainer.batch_size, trainer.shuffle, trainer.measure_every, trainer.look_ahead),
        (trainer.objective.penalty.strength, trainer.objective.l1_penalty.strength),
        (trainer.epoch, trainer.recorded, trainer.samples),
        (optimizer.step_count, optimizer.gradient_evaluations),
        (trainer.engine, trainer.warm, repr(trainer.compiled.account)),
    )


def _settings(part: Layer | Loss) -> Hashable:
    """Return what two layers or losses must share: their class and all they hold but weights."""
    if is_minidl(part):
        is_leaf = isinstance(part, Loss) or next(part.children(), None) is None
        return type(part), repr(part) if is_leaf else ""
    held = vars(part).items() if isinstance(part, Loss) else part.other_state()
    return type(part), *((name, _identity(value)) for name, value in held)


def _identity(value: object) -> Hashable:
    """Return what equal numbers, texts and arrays share; other objects must be the same."""
    array = value.data if isinstance(value, Tensor) else value
    if isinstance(array, np.ndarray):
        return array.shape, array.dtype.str, array.tobytes()
    if isinstance(array, (bool, int, float, str, np.generic)):
        return repr(array)
    if isinstance(array, (list, tuple, dict)):
        entries = array.items() if isinstance(array, dict) else array
        return type(array), *map(_identity, entries)
    return array if callable(array) else id(array)


def _knows_replicas(part: object) -> bool:
    """Return True if a part works on a leading axis of networks."""
    if replaced(part):
        return False
    declared = vars(type(part)).get("replicas")  # not inherited: a subclass may do anything
    return is_minidl(part) if declared is None else bool(declared)


def _block_size(trainer: Trainer, data: Data, memory: int) -> int:
    """Return how many networks are computed together: as many as `memory` holds, at least one."""
    n, features = data.n, data.train.X.shape[1 if data.sets is None else 2 :]
    vector = trainer.objective.vector
    widths = [math.prod(features), *(p.shape[-1] for p in vector if p.ndim)]
    activation = rows_per_batch(trainer.batch_size, n) * max(widths) * vector.value.itemsize
    order = n * (4 if n in HALF_WIDTH else 8) if trainer.shuffle else 1
    size = min(memory // activation, GATHER_BYTES // order)
    return max(1, size) if len(features) == 1 else 1


def _may_thread(trainers: Sequence[Trainer]) -> bool:
    """Return whether the machine may train networks in threads: without the GIL."""
    return len(trainers) > 1 and trainers[0].engine != "eager" and bool(instruction_set())


def _train(payload: Payload, *arrays: Array, threads: int = 1) -> list[Trainer]:
    trainers, sets, epochs, instructions = payload
    held_out = Rows(*arrays[3:]) if arrays[3:] else None
    with as_in_parent(instructions):
        train_together(trainers, Data(Rows(*arrays[:3]), held_out, sets), epochs, threads)
    return trainers


def _parts(payload: Payload) -> Iterable[object]:
    first = payload[0][0]
    return (*first.callbacks, first.model, first.loss, first.optimizer)


def _seeds(payloads: list[Payload]) -> str:
    seeds: dict[str, list[int]] = {}
    for trainer in itertools.chain.from_iterable(trainers for trainers, *_ in payloads):
        seeds.setdefault(repr(trainer.optimizer), []).append(trainer.seed)
    return "; ".join(f"seeds {numbers} of {name}" for name, numbers in seeds.items())
