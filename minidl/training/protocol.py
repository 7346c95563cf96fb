"""The attributes of a Trainer that callbacks and checkpoints use, without importing it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from minidl.autograd import Array
from minidl.nn import Layer, Loss
from minidl.optim import BatchSize, Optimizer
from minidl.training.history import History
from minidl.training.measure import Objective

__all__ = ["RunningTrainer"]


class RunningTrainer(Protocol):
    """A :class:`~minidl.training.Trainer` as hooks see it."""

    model: Layer
    loss: Loss
    optimizer: Optimizer
    objective: Objective
    history: History
    batch_size: BatchSize
    shuffle: bool
    seed: int
    epoch: int
    samples: int
    cursor: int
    running_total: Any
    seconds: float
    callbacks: Any  # a list of Callback, which imports this file

    def stop(self, reason: str) -> None:
        """End the run after the present epoch."""

    def stored_vector(self) -> Array:
        """Return the vector that the optimizer stores."""

    def restore(self, counts: Mapping[str, Any], history: History, stored: Array) -> None:
        """Take over a saved run."""
