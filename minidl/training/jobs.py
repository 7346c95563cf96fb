"""Blocks of Trainers in several processes; see :mod:`minidl.training.pool`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from minidl.autograd import Array
from minidl.training.block import train_together
from minidl.training.data import Rows
from minidl.training.pool import check_jobs, run_all
from minidl.training.trainer import Trainer

__all__ = ["Work", "check_jobs", "train_blocks"]

Trainers = list[Trainer]
Pair = tuple[Rows, Rows | None]  # training and validation rows
Payload = tuple[Trainers, int, Sequence[int] | None]  # Trainers, epochs and sets


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
