"""The layers of a network on given rows: dead and saturated units, norms of gradients."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from minidl.autograd import Array, Tensor, grad
from minidl.autograd.node import array_of
from minidl.nn import Activation, Layer, LogSoftmax, Softmax
from minidl.training.data import Rows
from minidl.training.lost import parts_by_name
from minidl.training.measure import Objective

NONE = 1e-6  # a slope below this share of the steepest one lets nothing learn
FLAT = 0.01  # a slope below this share of the steepest one is flat
MOST = 0.9  # the share of rows on which a saturated unit is flat
LARGE, SMALL = 10.0, 0.01  # root mean squares of columns; standardised ones have 1


@dataclass(frozen=True)
class LayerState:
    """A layer, by name: the norm of its own gradients, or the state of its units.

    Attributes
    ----------
    name, layer : str
        Such as "0" and "Dense(2, 16)".
    gradient_norm : float or None
        Of the loss on all rows, with respect to the layer's own parameters; None if it has none.
    units, dead, saturated : int
        Of an activation: its units; of those like ReLU, units whose slope is 0 on all rows, so that
        nothing before them learns; of those that are flat on both sides, such as tanh, units whose
        slope is below 1 % of the steepest on 90 % of the rows or more.
    """

    name: str
    layer: str
    gradient_norm: float | None = None
    units: int = 0
    dead: int = 0
    saturated: int = 0


def layer_states(objective: Objective, rows: Rows) -> list[LayerState]:
    """Return the state of each layer with parameters and of each activation, in order.

    Neither weights nor gradients are changed.
    """
    model, vector = objective.model, objective.vector
    gradient, inputs = vector.grad.copy(), _inputs(objective, rows)
    try:
        objective.gradient(vector.value.copy(), rows.X, rows.t, weights=rows.w)
        squares: dict[str, float] = {}
        for name in vector.names:
            owner, g = name.rpartition(".")[0], vector[name].grad
            norm = 0.0 if g is None else float(np.sum(np.asarray(array_of(g), float) ** 2))
            squares[owner] = squares.get(owner, 0.0) + norm
    finally:
        vector.grad[...] = gradient
    states = []
    for name, layer in parts_by_name(model):
        if name in squares:
            states.append(LayerState(name, repr(layer), float(np.sqrt(squares[name]))))
        elif id(layer) in inputs:
            states.append(LayerState(name, repr(layer), None, *_units(layer, inputs[id(layer)])))
    return states


def _inputs(objective: Objective, rows: Rows) -> dict[int, Array]:
    """Return the inputs of each activation, by the id of the layer."""
    inputs: dict[int, Array] = {}
    model = objective.model
    layers = [layer for _, layer in parts_by_name(model) if _by_element(layer)]
    with _watched(layers, inputs):
        objective.reading(lambda: objective.outputs(rows.X.astype(objective.vector.value.dtype)))
    return inputs


def _by_element(layer: Layer) -> bool:
    """Return whether a layer is an activation with a slope for each unit."""
    return isinstance(layer, Activation) and not isinstance(layer, (Softmax, LogSoftmax))


@contextmanager
def _watched(layers: list[Layer], inputs: dict[int, Array]) -> Iterator[None]:
    """Note what these layers are given, as long as the context lasts."""

    def watch(layer: Layer) -> Any:
        def forward(x: Any, training: Any = False) -> Any:
            inputs[id(layer)] = array_of(x)
            return type(layer).forward(layer, x, training)

        return forward

    try:
        for layer in layers:
            vars(layer)["forward"] = watch(layer)
        yield
    finally:
        for layer in layers:
            vars(layer).pop("forward", None)


def _units(layer: Layer, x: Array) -> tuple[int, int, int]:
    """Return how many units an activation has, and how many are dead and saturated."""
    columns = x.reshape(-1, x.shape[-1])
    steepest = np.abs(_slopes(layer, np.linspace(-5, 5, 1001)[:, None])).max()
    slopes = np.abs(_slopes(layer, columns))
    ends = np.abs(_slopes(layer, np.array([[-50.0], [50.0]]))).max()
    if ends > FLAT * steepest:  # it passes gradients on one side, as ReLU does
        return columns.shape[1], int((slopes < NONE * steepest).all(axis=0).sum()), 0
    flat = (slopes < FLAT * steepest).mean(axis=0) >= MOST
    return columns.shape[1], 0, int(flat.sum())


def _slopes(layer: Layer, x: Array) -> Array:
    """Return the derivative of an activation at each entry of x."""
    point = Tensor(x, requires_grad=True)
    total = layer.forward(point).sum()
    if not total.requires_grad:
        return np.zeros_like(x)
    (slope,) = grad(total, [point])
    return np.asarray(slope.data)


def column_scales(X: Array) -> Array:
    """Return the root mean square of each column, which is 1 if it is standardised."""
    scales: Array = np.sqrt(np.mean(np.square(X, dtype=float), axis=0))
    return scales
