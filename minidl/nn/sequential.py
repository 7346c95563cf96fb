"""Layers one after the other, and the multilayer perceptron."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from types import MethodType
from typing import Any

import numpy as np

from minidl.autograd import ops
from minidl.autograd.node import debugging
from minidl.checks import check_count
from minidl.errors import ArgumentError, ShapeError
from minidl.nn.activations import Activation, ReLU, Sigmoid, Tanh
from minidl.nn.activations import activation as new_activation
from minidl.nn.dense import Dense
from minidl.nn.dropout import Dropout, check_rate
from minidl.nn.initializers import Initializer
from minidl.nn.layer import Layer, Training
from minidl.nn.parameters import Parameter
from minidl.streams import Seed, check_seed, stream

__all__ = ["Sequential", "mlp", "unseeded"]

_DENSE: Any = Dense.forward  # of a layer with another forward, nothing is known
_FUSED: dict[Any, Any] = {  # the activation after it -> both as one operation
    Tanh.forward: ops.dense_tanh,
    ReLU.forward: ops.dense_relu,
    Sigmoid.forward: ops.dense_sigmoid,
}


class Sequential(Layer):
    """Layers applied one after the other.

    A dense layer and the tanh, ReLU or sigmoid after it are one operation, such as
    ``ops.dense_tanh``: the same bits in less time. Inside ``debug()`` they are two.

    Parameters
    ----------
    *layers : Layer
        At least one; a single list of layers is fine too.
    seed : int, optional
        For the weights that have not been drawn yet, and for dropout: each layer has its own
        stream, so adding a layer does not change those before it. None draws fresh numbers.

    Raises
    ------
    ArgumentError
        There are no layers, or something is not a layer.
    ShapeError
        A :class:`Dense` layer's input is not as wide as the output of the one before.

    Examples
    --------
    >>> from minidl import nn
    >>> model = nn.Sequential(nn.Dense(2, 8), nn.ReLU(), nn.Dense(8, 1), seed=0)
    >>> model([[0.0, 1.0], [1.0, 0.0]]).shape
    (2, 1)
    """

    def __init__(self, *layers: Layer | list[Layer], seed: Seed = None) -> None:
        given: Any = layers
        if len(layers) == 1 and isinstance(layers[0], (list, tuple)):
            given = layers[0]
        self.layers: tuple[Layer, ...] = tuple(given)
        for position, layer in enumerate(self.layers):
            if not isinstance(layer, Layer):
                raise ArgumentError(
                    f"element {position} of Sequential is not a layer",
                    received=repr(layer),
                    expected="a layer, such as nn.Dense(2, 16) or nn.Tanh()",
                )
        if not self.layers:
            raise ArgumentError("a Sequential needs at least one layer")
        self.seed: int | None = None
        self.built = False
        self.seeded = False  # whether `seed` was given, and not drawn
        self._check_widths()
        self._choose_initializers()
        if seed is not None:
            self.build(seed)

    def _choose_initializers(self) -> None:
        """Tell each dense layer which initializer suits the activation after it."""
        for i, layer in enumerate(self.layers):
            after = next((a for a in self.layers[i + 1 :] if not isinstance(a, Dropout)), None)
            if isinstance(layer, Dense) and isinstance(after, Activation):
                layer.default_initializer = after.initializer

    def _check_widths(self) -> None:
        dense = [(i, layer) for i, layer in enumerate(self.layers) if isinstance(layer, Dense)]
        for (i, a), (j, b) in pairwise(dense):
            between = self.layers[i + 1 : j]
            known = all(isinstance(layer, (Activation, Dropout)) for layer in between)
            if known and a.out_features != b.in_features:
                raise ShapeError(
                    f"layer {j} does not fit layer {i}",
                    received=f"{a!r} followed by {b!r}",
                    expected=f"Dense({a.out_features}, {b.out_features})",
                )

    def build(self, seed: Seed = None, *numbers: int) -> None:
        """Draw all weights that have not been drawn, each layer from its own stream.

        A model with a seed has done so already. A seed of its own, and that of a layer, goes
        before the `seed` of a model around it.
        """
        if self.built:
            return
        self.seed = check_seed(seed)
        self.seeded = seed is not None and not numbers  # else the model around it says so
        for i, layer in enumerate(self.layers):
            _seed_layer(layer, self.seed, *numbers, i)
        self.built = True

    def children(self) -> Iterator[tuple[str, Layer]]:
        """Yield the layers, named ``0``, ``1``, ..."""
        return ((name.removeprefix("layers."), layer) for name, layer in super().children())

    def named_parameters(self) -> Iterator[tuple[str, Parameter]]:
        """Yield each parameter once, as ``0.weight``, ``0.bias``, ``2.weight``, ..."""
        self.build()
        return super().named_parameters()

    def forward(self, x: Any, training: Training = False) -> Any:
        """Return the output of the last layer."""
        if not self.built:
            self.build()
        dense: Any = None  # a layer that waits to see what comes after it
        layer: Any
        for layer in self.layers:
            call = layer.forward
            own = type(call) is MethodType and call.__self__ is layer
            method = call.__func__ if own else None
            if dense is not None:
                fused = _FUSED.get(method)
                if fused is not None:
                    x, dense = fused(x, dense.weight, dense.bias), None
                    continue
                x, dense = dense.forward(x, training), None
            if method is _DENSE and layer.bias is not None and not debugging():
                dense = layer
            else:
                x = call(x, training)  # x is an array or a Tensor already
                if x is None:
                    raise ArgumentError(
                        f"the forward of {type(layer).__name__} returned nothing",
                        hint="It must end with: return ...",
                    )
        return x if dense is None else dense.forward(x, training)

    def __len__(self) -> int:
        return len(self.layers)

    def __getitem__(self, position: int) -> Layer:
        return self.layers[position]

    def __repr__(self) -> str:
        return f"Sequential({', '.join(map(repr, self.layers))})"

    def summary(self) -> str:
        """Return a table of layers, with the shape of their weights and their parameter counts.

        Examples
        --------
        >>> print(mlp(2, 3, 1, seed=0).summary())
        layer  type         weight  parameters
        0      Dense(2, 3)  (2, 3)           9
        1      Tanh()                        0
        2      Dense(3, 1)  (3, 1)           4
        total                               13
        """
        self.build()
        rows = [("layer", "type", "weight", "parameters")]
        for i, layer in enumerate(self.layers):
            count = sum(p.size for _, p in layer.named_parameters())
            shape = str(layer.weight.shape) if isinstance(layer, Dense) else ""
            rows.append((str(i), repr(layer), shape, str(count)))
        rows.append(("total", "", "", str(sum(p.size for _, p in self.named_parameters()))))
        widths = [max(len(row[k]) for row in rows) for k in range(4)]
        return "\n".join(
            "  ".join([*(c.ljust(w) for c, w in zip(row[:3], widths, strict=False)), ""])
            + row[3].rjust(widths[3])
            for row in rows
        )


def _seed_layer(layer: Layer, seed: int, *numbers: int) -> None:
    """Draw the weights of a layer and of those within it, each from a stream of its own."""
    if isinstance(layer, Sequential):
        layer.build(seed, *numbers)
    elif isinstance(layer, Dense):
        layer.build(stream(seed, "initialization", *numbers))
    elif isinstance(layer, Dropout) and layer.seed is None:
        layer.generator = stream(seed, "dropout", *numbers)
    else:
        for i, (_, child) in enumerate(layer.children()):
            _seed_layer(child, seed, *numbers, i)


def unseeded(layer: Layer) -> bool:
    """Tell whether a dense layer's weights are drawn without a seed of its own or around it.

    They may be the same each time all the same: constants, or numbers written over those drawn.

    Examples
    --------
    >>> unseeded(mlp(2, 4, 1)), unseeded(mlp(2, 4, 1, seed=0))
    (True, False)
    """
    if isinstance(layer, Dense):
        return layer.seed is None
    if isinstance(layer, Sequential) and layer.seeded:
        return False
    return any(unseeded(child) for _, child in layer.children())


def mlp(
    *sizes: int,
    activation: str | Layer | type[Layer] = "tanh",
    dropout: float = 0.0,
    initializer: str | Initializer | None = None,
    seed: Seed = None,
    dtype: Any = np.float64,
) -> Sequential:
    """Return a multilayer perceptron: dense layers with an activation between them.

    Parameters
    ----------
    *sizes : int
        Widths from input to output, at least two. The outputs are plain numbers: logits, for the
        losses of a classifier.
    activation : str, Layer or class, default "tanh"
        After every layer but the last; a name of ``minidl list activations``.
    dropout : float, default 0.0
        Rate of a :class:`Dropout` after every activation; none when 0.
    initializer : str or callable, optional
        For all weights; by default what suits the activation.
    seed : int, optional
        For the weights, and for dropout.
    dtype : numpy dtype, default float64
        Or float32.

    Raises
    ------
    ArgumentError
        There are fewer than two sizes, one is not a positive integer, or `dropout` is not in
        [0, 1).

    Examples
    --------
    >>> mlp(2, 16, 16, 1, activation="tanh", seed=0)
    Sequential(Dense(2, 16), Tanh(), Dense(16, 16), Tanh(), Dense(16, 1))
    """
    if len(sizes) < 2:
        raise ArgumentError(
            "mlp needs the width of its input and of its output",
            received=f"mlp{sizes}",
            expected="for instance mlp(2, 16, 16, 1)",
        )
    widths = [check_count("a layer's size", size) for size in sizes]
    rate = check_rate("dropout", dropout)
    layers: list[Layer] = []
    for i, (n_in, n_out) in enumerate(pairwise(widths)):
        if i:
            layers.append(new_activation(activation))
            layers.extend([Dropout(rate)] if rate else [])
        layers.append(Dense(n_in, n_out, initializer=initializer, dtype=dtype))
    return Sequential(*layers, seed=seed)
