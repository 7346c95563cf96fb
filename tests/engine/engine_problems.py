"""Steps to record: an objective, an optimizer that has taken two steps, and batches."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from minidl import nn
from minidl.engine.record import Batch, record
from minidl.engine.tape import Tape
from minidl.optim import Optimizer
from minidl.training.measure import Objective

PAIRS = [(name, "mean_squared_error") for name in nn.ACTIVATIONS]
PAIRS += [("tanh", name) for name in nn.LOSSES]


@dataclass
class Step:
    """A step of the general engine, which can be recorded."""

    objective: Objective
    optimizer: Optimizer
    batch: Batch

    def take(self) -> float:
        """Take the step eagerly; return the loss."""
        X, t, w = self.batch
        gradient = partial(self.objective.batch_gradient, X, t, w, True)
        self.optimizer.step(self.objective.vector.value, gradient)
        return self.objective.value

    def other_batch(self) -> Batch:
        """Return the rows in another order."""
        axis = -2 if self.batch[0].ndim > 1 else 0
        X, t, w = self.batch
        turned = np.flip(t, min(axis + t.ndim, t.ndim - 1) if t.ndim > 1 else 0)
        return np.flip(X, axis), turned, None if w is None else np.flip(w, -1)

    def record(self, thorough: bool = True) -> Tape:
        """Record the step, by default as one with custom code."""
        t = self.batch[1] if thorough else None
        return record(self.objective, self.optimizer, self.batch, self.other_batch(), t)

    def inputs(self, tape: Tape) -> dict[str, Any]:
        """Return copies of all that a tape takes, as they are now."""
        X, t, w = self.batch
        optimizer, step = self.optimizer, self.optimizer.step_count
        values: dict[str, Any] = {"w": self.objective.vector.value, "X": X, "t": t, "weights": w}
        values |= {"gradient": self.objective.vector.grad}
        values |= {f"state {name}": vector for name, vector in optimizer.state.items()}
        values |= {"l2": self.objective.penalty.strength, "step_count": step}
        values |= {"l1": self.objective.l1_penalty.strength}
        values |= optimizer.hyperparameters
        for name in tape.scalars:
            own, _, later = name.partition("+")
            if callable(optimizer.hyperparameters.get(own)):
                values[name] = optimizer.hyperparameters[own](step + int(later or 0))
        return {n: v.copy() if isinstance(v, np.ndarray) else v for n, v in values.items()}


def step_of(
    model: nn.Layer,
    loss: nn.Loss,
    optimizer: Optimizer,
    *,
    rows: int = 16,
    features: int = 2,
    l2: float = 0.0,
    l1: float = 0.0,
    weighted: bool = False,
) -> Step:
    """Return a step on random rows, after two steps."""
    rng = np.random.default_rng(0)
    objective = Objective(model, loss, l2, l1)
    dtype = objective.vector.value.dtype
    X = rng.standard_normal((rows, features)).astype(dtype)
    outputs = model(X).shape
    y = rng.integers(0, max(2, outputs[-1]), rows)
    if not loss.classifies:
        y = rng.standard_normal(outputs[-2:])
    y = np.abs(y) if isinstance(loss, nn.Poisson) else y
    t = loss.prepare(y, (rows, outputs[-1]), dtype)
    weights = rng.random(rows).astype(dtype) if weighted else None
    step = Step(objective, optimizer, (X, t, weights))
    for _ in range(2):
        step.take()
    return step
