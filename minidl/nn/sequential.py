"""Layers one after the other, and the multilayer perceptron."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import cast

import numpy as np
import numpy.typing as npt

from minidl.autograd import Tensor
from minidl.autograd.node import Value
from minidl.checks import check_count, check_index
from minidl.errors import ArgumentError, ShapeError, shown
from minidl.html import table
from minidl.keywords import answers
from minidl.nn.activations import ACTIVATIONS, Activation
from minidl.nn.activations import activation as new_activation
from minidl.nn.drawn import Drawn, check_dtype, check_weights
from minidl.nn.initializers import Initializer
from minidl.nn.layer import Layer, Training, check_output
from minidl.nn.layers import Dense, Dropout, Embedding, check_rate
from minidl.nn.norms import Norm
from minidl.streams import Seed, check_seed, stream

OUTPUTS = (Tensor, np.ndarray)
SIZED = (Dense, Norm)  # layers that know their number of features


class Sequential(Layer):
    """Layers applied one after the other.

    It draws the weights of the layers in it, each from its own stream and with the
    initializer that suits the activation after it. Weights that were drawn from a seed, changed, or
    packed into a model's parameter vector are kept.

    Parameters
    ----------
    *layers : Layer
        At least one, or a list of them. Another object is an ArgumentError, and dense layers whose
        widths do not fit are a ShapeError.
    seed : int, optional
        For weights and dropout. Adding a layer does not change the weights before it. Without a
        seed, one is drawn for the attribute ``seed``, and a Sequential around this one draws again.

    Examples
    --------
    >>> Sequential(Dense(2, 8), Dropout(0.5), Dense(8, 1), seed=0)([[0.0, 1.0]]).shape
    (1, 1)
    """

    _fixed = ("layers", "seed")

    def __init__(self, *layers: Layer | list[Layer], seed: Seed = None) -> None:
        if len(layers) == 1 and isinstance(layers[0], list | tuple):
            layers = tuple(layers[0])
        for position, layer in enumerate(layers):
            if not isinstance(layer, Layer):
                raise _not_a_layer(position, layer)
        if not layers:
            raise ArgumentError("a Sequential needs at least one layer")
        self.layers = cast(tuple[Layer, ...], layers)
        self._check_widths()
        self.seed = check_seed(seed)
        drawn: set[int] = set()
        for layer, numbers, suited in _random_layers(self):
            if id(layer) in drawn:
                continue  # a shared layer is drawn where it occurs first
            drawn.add(id(layer))
            if isinstance(layer, Drawn):
                generator = stream(self.seed, "initialization", *numbers)
                layer.draw(generator, suited, provisional=seed is None)
            elif layer.provisional:
                layer.generator = stream(self.seed, "dropout", *numbers)
                layer.provisional = seed is None

    def _check_widths(self) -> None:
        """Raise if a layer with a number of features does not fit the one before it."""
        sized = [(i, layer) for i, layer in enumerate(self.layers) if isinstance(layer, SIZED)]
        for (i, a), (j, b) in pairwise(sized):
            between = self.layers[i + 1 : j]
            keeps_width = all(isinstance(layer, (Activation, Dropout)) for layer in between)
            if keeps_width and a.out_features != b.in_features:
                message = f"layer {j} does not fit layer {i}: got {a!r} followed by {b!r}"
                sizes = f"{a.out_features}" + (
                    f", {b.out_features}" if isinstance(b, Dense) else ""
                )
                expected = f"{type(b).__name__}({sizes})"
                raise ShapeError(f"{message}, expected {expected}")

    def children(self) -> Iterator[tuple[str, Layer]]:
        """Yield the layers, named ``0``, ``1``, ..."""
        return ((name.removeprefix("layers."), layer) for name, layer in super().children())

    def forward(self, x: Value, training: Training = False) -> Value:
        """Return the output of the last layer."""
        for layer in self.layers:
            x = layer.forward(x, training)  # x is an array of floats or a Tensor already
            if not isinstance(x, OUTPUTS):
                check_output(layer, x)  # raises
        return x

    def __len__(self) -> int:
        return len(self.layers)

    def __getitem__(self, position: int) -> Layer:
        count = len(self.layers)
        if not isinstance(position, slice):
            position = check_index(position, count, "layer", "Layers are numbered: model[0].")
        return self.layers[position]

    def __repr__(self) -> str:
        return f"Sequential({', '.join(map(repr, self.layers))})"

    def _rows(self) -> list[tuple[str, str, str, str]]:
        """Return the titles and rows of the table of layers."""
        rows = [("layer", "type", "weight", "parameters")]
        for i, layer in enumerate(self.layers):
            shape = str(layer.weight.shape) if isinstance(layer, Dense | Embedding) else ""
            rows.append((str(i), repr(layer), shape, str(_count(layer))))
        return [*rows, ("total", "", "", str(_count(self)))]

    def _repr_html_(self) -> str:
        """Return the table of layers, for notebooks."""
        title, *rows = self._rows()
        return table(rows, title)

    @answers
    def summary(self) -> str:
        """Return a table of layers, with the shape of their weights and their parameter counts.

        >>> print(mlp(2, 3, 1, seed=0).summary())
        layer  type         weight  parameters
        0      Dense(2, 3)  (2, 3)           9
        1      Tanh()                        0
        2      Dense(3, 1)  (3, 1)           4
        total                               13
        """
        rows = self._rows()
        a, b, c, d = (max(len(row[k]) for row in rows) for k in range(4))
        return "\n".join(f"{i:{a}}  {name:{b}}  {w:{c}}  {n:>{d}}" for i, name, w, n in rows)


def _not_a_layer(position: int, value: object) -> ArgumentError:
    """Return the error for an element that is not a layer, with what to write instead."""
    hint = None
    if isinstance(value, type):
        hint = f"Write {value.__name__}(...): a new layer, not its class."
    elif isinstance(value, str):
        hint = f"Write nn.activation({value!r})."
    elif isinstance(value, Mapping):
        hint = "Write nn.Sequential(*layers.values()): layers are numbered."
    elif callable(value):
        hint = "Write a layer: class Own(nn.Activation), with function = staticmethod(...)."
    message = f"element {position} of Sequential is not a layer"
    expected = "a layer, such as nn.Dense(2, 16) or nn.Tanh()"
    return ArgumentError(message, received=shown(value), expected=expected, hint=hint)


def _count(layer: Layer) -> int:
    """Return the number of weights and biases."""
    return sum(p.size for _, p in layer.named_parameters())


def _random_layers(
    layer: Layer, numbers: tuple[int, ...] = (), suited: str = "glorot_uniform"
) -> Iterator[tuple[Drawn | Dropout, tuple[int, ...], str]]:
    """Yield layers with random numbers, with the numbers of their stream and what suits them."""
    if isinstance(layer, Drawn | Dropout):
        yield layer, numbers, suited
        return
    children = layer.layers if isinstance(layer, Sequential) else [c for _, c in layer.children()]
    for i, child in enumerate(children):
        suited = "glorot_uniform"
        if isinstance(layer, Sequential):
            after = next((a for a in children[i + 1 :] if not isinstance(a, Dropout | Norm)), None)
            suited = after.initializer if isinstance(after, Activation) else suited
        yield from _random_layers(child, (*numbers, i), suited)


def unseeded(layer: Layer) -> bool:
    """Return True if weights have been drawn without a seed."""
    return any(p._checksum is not None for _, p in layer.named_parameters())


@answers
def mlp(
    *sizes: int,
    activation: str | Layer | type[Layer] = "tanh",
    dropout: float = 0.0,
    initializer: str | Initializer | None = None,
    seed: Seed = None,
    dtype: npt.DTypeLike = np.float64,
) -> Sequential:
    """Return a multilayer perceptron: dense layers with an activation between them.

    Parameters
    ----------
    *sizes : int
        Widths from input to output, at least two. The outputs are logits, for a classifier.
    activation : str, Layer or class, default "tanh"
        After every dense layer but the last; a name of ``minidl list activations``.
    dropout : float, default 0.0
        Rate in [0, 1) of a :class:`Dropout` after every activation; none when 0.
    initializer, seed, dtype
        As for :class:`Dense` and :class:`Sequential`.

    Examples
    --------
    >>> mlp(2, 16, 16, 1, seed=0)
    Sequential(Dense(2, 16), Tanh(), Dense(16, 16), Tanh(), Dense(16, 1))
    """
    if len(sizes) < 2 or any(isinstance(size, str) and size in ACTIVATIONS for size in sizes):
        message = "mlp needs the widths of input and output"
        example = 'for instance mlp(2, 16, 16, 1, activation="tanh")'
        received = f"mlp({', '.join(map(repr, sizes))})"
        raise ArgumentError(message, received=received, expected=example)
    widths = [check_count("a layer's size", size) for size in sizes]
    rate, checked_dtype = check_rate("dropout", dropout), check_dtype(dtype)
    total = sum((n_in + 1) * n_out for n_in, n_out in pairwise(widths))
    check_weights(f"mlp({', '.join(map(str, widths))})", total, dtype=checked_dtype)
    new_activation(activation)  # an unknown name is an error without a hidden layer, too
    layers: list[Layer] = []
    for i, (n_in, n_out) in enumerate(pairwise(widths)):
        if i:
            layers.append(new_activation(activation))
            layers.extend([Dropout(rate)] if rate else [])
        layers.append(Dense(n_in, n_out, initializer=initializer, dtype=checked_dtype))
    return Sequential(*layers, seed=seed)
