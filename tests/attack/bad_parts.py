"""What the calls of the tables in bad_input/ can name: data, and makers of networks and parts."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

import minidl
from minidl import Trainer, nn, optim, train_replicas, training
from minidl.estimators import MLPClassifier, MLPRegressor
from minidl.training import Callback

nan, inf, HUGE = math.nan, math.inf, 10**30
X = np.random.default_rng(0).normal(size=(20, 3))
y = (X[:, 0] > 0).astype(float)  # of two classes
k = np.arange(20) % 3  # of three classes
Y = np.eye(3)[k]  # the same, one-hot
t = X @ [1.0, 2.0, 3.0]  # numbers


def network(outputs: int = 1) -> nn.Sequential:
    """Return a network for the rows X."""
    return nn.mlp(3, 4, outputs, seed=0)


def trainer(loss: Any = "bce", optimizer: Any = "nag", model: Any = None, **others: Any) -> Trainer:
    """Return a Trainer, by default with the learning rate 0.1; lr=None leaves it out."""
    given = {"lr": 0.1, **others}
    if given["lr"] is None:
        del given["lr"]
    return Trainer(network() if model is None else model, loss, optimizer, seed=0, **given)


def fit(X: Any = X, y: Any = y, epochs: Any = 1, **others: Any) -> Any:
    """Fit two classes."""
    return trainer().fit(X, y, epochs=epochs, **others)


def fit_classes(y: Any) -> Any:
    """Fit three classes."""
    return trainer("cross_entropy", model=network(3)).fit(X, y, epochs=1)


def fit_numbers(y: Any) -> Any:
    """Fit numbers."""
    return trainer("mse", lr=0.01).fit(X, y, epochs=1)


def replicas(
    model: Any = lambda seed: nn.mlp(3, 4, 1, seed=seed), X: Any = X, y: Any = y, **others: Any
) -> Any:
    """Train two networks."""
    given = {"loss": "bce", "seeds": 2, "epochs": 1, "lr": 0.1, **others}
    return train_replicas(model, "nag", X, y, **given)


def classifier(**parameters: Any) -> MLPClassifier:
    """Return a classifier that is not fitted yet."""
    return MLPClassifier(4, max_iter=2, random_state=0, **parameters)


def regressor(**parameters: Any) -> MLPRegressor:
    """Return a regressor that is not fitted yet."""
    return MLPRegressor(4, max_iter=2, random_state=0, **parameters)


def quad(point: Any) -> Any:
    """Return the gradient of |w|^2 / 2."""
    return point


def step(optimizer: Any, grad: Any = quad, w: Any = None) -> Any:
    """Take one step."""
    w = np.ones(4) if w is None else w
    optimizer.step(w, grad)
    return w


def custom_layer(forward: Callable[[Any, Any], Any]) -> nn.Layer:
    """Return a layer with a weight w (3, 1), whose output is forward(w, x)."""

    class Own(nn.Layer):
        def __init__(self) -> None:
            self.w = nn.Parameter(np.full((3, 1), 0.1))

        def forward(self, x: Any, training: Any = False) -> Any:
            return forward(self.w, x)

    return Own()


def custom_loss(formula: Callable[[Any, Any], Any]) -> nn.Loss:
    """Return a loss whose mean is formula(outputs, targets)."""

    class Own(nn.Loss):
        def mean(self, outputs: Any, targets: Any) -> Any:
            return formula(outputs, targets)

    return Own()


def custom_optimizer(update: Callable[..., Any]) -> optim.Optimizer:
    """Return an optimizer with this update(self, w, grad)."""

    class Own(optim.Optimizer):
        lr = optim.learning_rate()

        def __init__(self, lr: float = 0.1) -> None:
            super().__init__(lr=lr)

        def update(self, w: Any, grad: Any) -> Any:
            return update(self, w, grad)

    return Own()


def custom_callback(**hooks: Any) -> Callback:
    """Return a callback with these hooks."""
    return type("Own", (Callback,), hooks)()


def run(layer: Any = None, loss: Any = "mse", optimizer: Any = None, **others: Any) -> Any:
    """Train with custom parts."""
    made = optim.NAG(0.01) if optimizer is None else optimizer
    return Trainer(network() if layer is None else layer, loss, made, seed=0, **others).fit(
        X, y, epochs=2
    )


def namespace() -> dict[str, Any]:
    """Return the names that calls can use: minidl's public ones, libraries, and those above."""
    import datetime
    import itertools

    import pandas as pd
    import polars as pl
    import pyarrow as pa
    import scipy.sparse as sp

    rooms = (minidl, nn, optim, training, minidl.estimators)
    names = {name: getattr(room, name) for room in rooms for name in room.__all__}
    return names | {
        **globals(), "datetime": datetime, "itertools": itertools, "pd": pd, "pl": pl, "pa": pa,
        "sp": sp,
    }  # fmt: skip
