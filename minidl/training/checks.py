"""Checks for common mistakes, which would train something else than was meant, or nothing."""

from __future__ import annotations

import math

import numpy as np

from minidl.autograd import Array
from minidl.checks import refuse_class
from minidl.errors import ArgumentError, ShapeError, invalid
from minidl.nn import (
    Activation,
    BinaryCrossEntropy,
    Dense,
    Dropout,
    Layer,
    Loss,
    ParameterVector,
    Sequential,
    Sigmoid,
    Softmax,
    SoftmaxCrossEntropy,
)
from minidl.optim import Optimizer

__all__ = [
    "check_columns",
    "check_first_epoch",
    "check_logits",
    "check_parts",
    "check_reproducible",
]


def check_parts(model: object, optimizer: object) -> None:
    """Raise unless these are a Layer and an Optimizer, and not their classes."""
    refuse_class("model", model, Layer)
    if not isinstance(model, Layer):
        raise invalid("model", model, "a Layer, such as nn.mlp(2, 16, 1)")
    refuse_class("optimizer", optimizer, Optimizer)
    if not isinstance(optimizer, Optimizer):
        raise invalid("optimizer", optimizer, "an Optimizer, such as optim.NAG(lr=0.1)")


def check_logits(model: Layer, loss: Loss) -> None:
    """Raise if a model ends with the sigmoid or softmax that its loss contains already."""
    last = model.layers[-1] if isinstance(model, Sequential) else model
    for activation, criterion in ((Sigmoid, BinaryCrossEntropy), (Softmax, SoftmaxCrossEntropy)):
        if isinstance(last, activation) and isinstance(loss, criterion):
            raise ArgumentError(
                f"{criterion.__name__} takes logits, and the model ends with {activation.__name__}",
                received=repr(model),
                hint=f"Leave {activation.__name__} out: the loss contains it, in a stable form.",
            )


def check_columns(what: str, X: Array, model: Layer) -> None:
    """Raise a :class:`ShapeError` if a model that begins with Dense does not fit the columns of X.

    Examples
    --------
    >>> check_columns("training", np.ones((20, 3)), Dense(2, 1))  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    minidl.errors.ShapeError: ...: got X of shape (20, 3), 20 rows of 3 columns, expected 2...
    """
    width = _width(model)
    if width not in (None, X.shape[-1]):
        rows = "" if X.ndim > 2 else f", {len(X)} rows of {X.shape[-1]} columns"
        raise ShapeError(
            f"the {what} inputs do not fit the model",
            received=f"X of shape {X.shape}{rows}",
            expected=f"{width} columns, X of shape (n, {width})",
        )


def _width(layer: Layer) -> int | None:
    """Return how many columns a layer takes, or None if that is unknown."""
    if isinstance(layer, Sequential):
        elementwise = (Activation, Dropout)
        first = next((part for part in layer.layers if not isinstance(part, elementwise)), None)
        return None if first is None else _width(first)
    return layer.in_features if isinstance(layer, Dense) else None


def check_first_epoch(
    optimizer: Optimizer, before: Array, parameters: ParameterVector, running: float
) -> None:
    """Raise if a custom optimizer has surely trained nothing in the first epoch.

    Parameters
    ----------
    optimizer : Optimizer
        After the epoch.
    before : ndarray, shape (P,) or (R, P)
        The weights before the epoch.
    parameters : ParameterVector
        The weights after it, and the gradient of its last batch.
    running : float
        The mean loss of the batches; nan if the gradient was never evaluated.

    Raises
    ------
    ArgumentError
        The gradient was never evaluated; or no weight has changed, bit for bit, although a step
        of gradient descent with the optimizer's ``lr`` would have changed each of them.
    """
    g, w, cls = parameters.grad, parameters.value, type(optimizer)
    method = "update" if cls.step is Optimizer.step else "step"
    if math.isnan(running) and not np.any(g) and not optimizer.gradient_evaluations:
        raise ArgumentError(
            f"{cls.__name__}.{method} did not evaluate the gradient",
            received=repr(optimizer),
            expected=f"{method}(self, w, grad) to call grad(w), or grad at another point",
        )
    if np.array_equal(before, w) and _memoryless(optimizer):
        last = max(optimizer.step_count - 1, 0)
        lr = optimizer.hyperparameters.get("lr", 0.0)
        if np.all(w - (lr(last) if callable(lr) else lr) * g != w):
            raise ArgumentError(
                f"{cls.__name__} changed no weight in the first epoch, although the gradient is"
                " not 0",
                received=repr(optimizer),
                hint=f"Its {method} must write into w: w -= ... or w[...] = ..., because w = w - "
                "... makes a new array.",
            )


def _memoryless(optimizer: Optimizer) -> bool:
    """Return True if a custom optimizer evaluates the gradient in each step and stores nothing."""
    custom = type(optimizer).__module__.split(".")[0] != "minidl"
    known = {"hyperparameters", "state", "step_count", "gradient_evaluations"}
    stores = bool(optimizer.state) or not vars(optimizer).keys() <= known
    return custom and not stores and optimizer.gradient_evaluations >= optimizer.step_count


def check_reproducible(network: Layer, again: Layer, seed: int) -> None:
    """Raise if two networks that ``model(seed)`` returned have different weights."""
    pairs = zip(network.named_parameters(), again.named_parameters(), strict=False)
    if not all(np.array_equal(first.data, second.data) for (_, first), (_, second) in pairs):
        raise ArgumentError(
            f"returned two networks with different weights for seed {seed}",
            argument="model",
            hint="Give the seed to the network: lambda seed: nn.mlp(..., seed=seed).",
        )
