"""What goes wrong at first, and would otherwise train something else than was meant, or nothing."""

from __future__ import annotations

import copy
import math
from typing import Any

import numpy as np

from minidl.autograd import Array
from minidl.checks import refuse_class
from minidl.errors import ArgumentError, ShapeError
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
    "check_parts",
    "demand_motion",
    "demand_seed",
    "refuse_probabilities",
]

PATIENCE = 1000  # steps in which an optimizer may stand still, say by a rate that begins with 0


def check_parts(model: object, optimizer: object) -> None:
    """Raise if these are no model and no optimizer, but for instance classes of such."""
    refuse_class("model", model, Layer)
    if not isinstance(model, Layer):
        raise ArgumentError("model is not a layer", received=repr(model), expected="nn.mlp(...)")
    refuse_class("optimizer", optimizer, Optimizer)
    if not isinstance(optimizer, Optimizer):
        raise ArgumentError(
            "optimizer is not an Optimizer",
            received=repr(optimizer),
            expected="for instance minidl.optim.NAG(lr=0.1, momentum=0.9)",
        )


def refuse_probabilities(model: Layer, loss: Loss) -> None:
    """Say that these losses take logits, to people who would squash their outputs twice."""
    last = model.layers[-1] if isinstance(model, Sequential) else model
    for squash, name in ((Sigmoid, BinaryCrossEntropy), (Softmax, SoftmaxCrossEntropy)):
        if isinstance(last, squash) and isinstance(loss, name):
            raise ArgumentError(
                f"{name.__name__} takes logits, and the model ends with {squash.__name__}",
                received=repr(model),
                hint=f"Leave {squash.__name__} out: the loss contains it, stable at any logit.",
            )


def check_columns(what: str, X: Array, model: Layer) -> None:
    """Raise if a model that begins with a dense layer cannot take the columns of X.

    Raises
    ------
    ShapeError
        The message has the shape of all of X.

    Examples
    --------
    >>> check_columns("training", np.ones((20, 3)), Dense(2, 1))  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    minidl.errors.ShapeError: ...; received X of shape (20, 3), 20 rows of 3 columns; expected 2...
    """
    wanted = _width(model)
    if wanted not in (None, X.shape[-1]):
        rows = "" if X.ndim > 2 else f", {len(X)} rows of {X.shape[-1]} columns"
        raise ShapeError(
            f"the {what} inputs do not fit the model",
            received=f"X of shape {X.shape}{rows}",
            expected=f"{wanted} columns, X of shape (n, {wanted})",
        )


def _width(layer: Layer) -> int | None:
    """Return how many columns a layer takes, or None if that is not known."""
    if isinstance(layer, Sequential):
        keep = (Activation, Dropout)  # as many as they get
        first = next((one for one in layer.layers if not isinstance(one, keep)), None)
        return None if first is None else _width(first)
    return layer.in_features if isinstance(layer, Dense) else None


def demand_motion(
    optimizer: Optimizer, before: Array, parameters: ParameterVector, running: float
) -> None:
    """Raise if an optimizer of one's own has trained nothing in the first epoch.

    `before` is what `parameters` were, their gradient that of the last batch, and `running` the
    mean of the batches' losses, which is nan if nobody has asked for one, or after a divergence.

    Raises
    ------
    ArgumentError
        Its ``step`` has not called `grad`, or has not written into `w`: every weight is what it
        was, bit for bit, at a gradient that is not 0.
    """
    g, kind = parameters.grad, type(optimizer)
    method = "update" if kind.step is Optimizer.step else "step"
    if math.isnan(running) and not np.any(g) and not optimizer.gradient_evaluations:
        raise ArgumentError(
            f"{kind.__name__}.{method} has not asked for the gradient",
            received=repr(optimizer),
            expected=f"{method}(self, w, grad) to call grad(w), or grad at another point",
        )
    still = np.array_equal(before, parameters.value) and np.any(g) and np.all(np.isfinite(g))
    if still and not _may_move(optimizer, parameters.value):
        raise ArgumentError(
            f"{kind.__name__} has changed no weight in the first epoch, although the"
            " gradient is not 0",
            received=repr(optimizer),
            hint=f"Its {method} must write into w: w -= ... or w[...] = ...; w = w - ... makes a"
            " new array, which nobody sees. (One that rests for 1,000 steps looks the same.)",
        )


def _may_move(optimizer: Optimizer, w: Array) -> bool:
    """Tell whether a copy of the optimizer moves at all, or cannot be asked.

    It starts at 0, where no step is lost in rounding, with a gradient of 1 everywhere, so that
    neither a rate that begins with 0 nor weights that are kept fixed are taken for a mistake.
    """
    try:
        trial: Any = copy.deepcopy(optimizer)
        point = np.zeros_like(w)
        for _ in range(PATIENCE):
            trial.step(point, np.ones_like)
            if point.any():
                return True
    except Exception:  # whatever it needs is not there: no reason to complain
        return True
    return False


def demand_seed(network: Layer, again: Layer, seed: int) -> None:
    """Raise if a seed gives other weights when it is asked again."""
    pairs = zip(network.named_parameters(), again.named_parameters(), strict=False)
    if not all(np.array_equal(one.data, other.data) for (_, one), (_, other) in pairs):
        raise ArgumentError(
            "model forgets its seed: the weights are random, and no seed gives them back",
            received=f"two networks that differ for seed {seed}",
            hint="Give the seed to the network: lambda seed: nn.mlp(..., seed=seed).",
        )
