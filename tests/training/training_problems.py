"""Small problems, and the doors that most of the training tests go through."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import numpy.typing as npt

from minidl import Trainer, nn, optim
from minidl.training import Callback, History

Array = npt.NDArray[Any]

LR = 0.1
NAMES = [entry.name for entry in optim.TABLE]


def two_classes(n: int = 75, seed: int = 0) -> tuple[Array, Array]:
    """Return n points in the plane, and whether their coordinates have the same sign."""
    X = np.random.default_rng(seed).uniform(-1, 1, (n, 2))
    return X, (X[:, 0] * X[:, 1] > 0).astype(int)


def three_classes(n: int = 60, seed: int = 0) -> tuple[Array, Array]:
    """Return n points in four dimensions, and the largest of their first three coordinates."""
    X = np.random.default_rng(seed).standard_normal((n, 4))
    return X, X[:, :3].argmax(axis=1)


def line(n: int = 40, seed: int = 0) -> tuple[Array, Array]:
    """Return points of a plane over two inputs, with noise."""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, 2))
    return X, X @ [2.0, -1.0] + 0.5 + 0.1 * rng.standard_normal(n)


def two_class_trainer(name: str = "mini-batch", **arguments: Any) -> Trainer:
    """Return a Trainer of a small network on two classes, with an entry of the table."""
    entry = optim.lookup(name)
    seed = arguments.pop("model_seed", 0)
    model = arguments.pop("model", None) or nn.mlp(2, 6, 1, seed=seed)
    size = entry.batches(None if entry.fixed else 32)
    defaults = {"optimizer": entry.make(LR), "batch_size": size, "seed": 0}
    return Trainer(model, "bce", **(defaults | arguments))


def linear_trainer(lr: object = LR, **arguments: Any) -> Trainer:
    """Return a Trainer of linear regression on two inputs, by full-batch gradient descent."""
    defaults = {"optimizer": optim.GradientDescent(lr), "batch_size": "full", "seed": 0}
    model = arguments.pop("model", None) or nn.Dense(2, 1, seed=0)
    return Trainer(model, "mse", **(defaults | arguments))


def content(history: History) -> str:
    """Return a history as JSON, without the seconds: the same for the same run."""
    data = history.to_dict()
    del data["columns"]["seconds"]
    return json.dumps(data)


class Do(Callback):
    """Call a function at one of the hooks."""

    def __init__(self, **functions: Any) -> None:
        for name, function in functions.items():
            assert hasattr(Callback, name)
            setattr(self, name, function)


class Watch(Callback):
    """Keep copies of the model's vector and the stored vector after each measured epoch."""

    def __init__(self) -> None:
        self.thetas: list[Array] = []
        self.stored: list[Array] = []

    def on_epoch_end(self, trainer: Trainer, record: Any) -> None:
        self.thetas.append(trainer.model.parameters.value.copy())
        self.stored.append(trainer.stored_vector())
