"""Activations as layers, and the registry of their names.

Each names the initializer that suits a layer before it, so that signals keep their size through a
new network. The derivatives are with the operations, in :mod:`minidl.autograd.ops`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import ClassVar

from minidl.autograd import ops
from minidl.checks import check_number
from minidl.nn.layer import Layer, Training, Value
from minidl.registry import Registry

__all__ = [
    "ACTIVATIONS",
    "ELU",
    "GELU",
    "SELU",
    "Activation",
    "Identity",
    "LeakyReLU",
    "ReLU",
    "SiLU",
    "Sigmoid",
    "Softmax",
    "Softplus",
    "Tanh",
    "activation",
]


class Activation(Layer):
    """The base: a layer that applies `function` and names the `initializer` that suits it.

    Examples
    --------
    A custom activation, by class or by name:

    >>> from minidl import nn
    >>> class Square(nn.Activation):
    ...     function = staticmethod(lambda x: x * x)
    >>> nn.ACTIVATIONS.add("square", Square)
    >>> nn.mlp(2, 4, 1, activation="square")
    Sequential(Dense(2, 4), Square(), Dense(4, 1))
    """

    function: ClassVar[Callable[..., Value]]
    initializer: ClassVar[str] = "glorot_uniform"

    def forward(self, x: Value, training: Training = False) -> Value:
        """Return the function of `x`."""
        return self.function(x)

    def __repr__(self) -> str:
        settings = {name: value for name, value in vars(self).items() if not callable(value)}
        inside = ", ".join(f"{name}={value}" for name, value in settings.items())
        return f"{type(self).__name__}({inside})"


class Identity(Activation):
    """y = x."""

    function = staticmethod(lambda x: x)


class ReLU(Activation):
    """y = max(x, 0)."""

    function, initializer = staticmethod(ops.relu), "he_uniform"


class LeakyReLU(Activation):
    """y = x for x > 0, else slope x; the slope is 0.01, as in PyTorch (Keras: 0.3)."""

    initializer = "he_uniform"

    def __init__(self, slope: float = 0.01) -> None:
        self.slope = check_number("slope", slope, math.isfinite, "a finite number")

    def forward(self, x: Value, training: Training = False) -> Value:
        """Return x or slope x."""
        return ops.leaky_relu(x, self.slope)


class ELU(Activation):
    """y = x for x > 0, else alpha (e^x - 1); alpha is 1."""

    initializer = "he_uniform"

    def __init__(self, alpha: float = 1.0) -> None:
        self.alpha = check_number("alpha", alpha, math.isfinite, "a finite number")

    def forward(self, x: Value, training: Training = False) -> Value:
        """Return x or alpha (e^x - 1)."""
        return ops.elu(x, self.alpha)


class SELU(Activation):
    """y = 1.0507 elu(x, 1.6733): keeps mean 0 and variance 1 through LeCun-initialised layers."""

    function, initializer = staticmethod(ops.selu), "lecun_normal"


class GELU(Activation):
    """y = x Phi(x), Phi the normal distribution function; the exact form."""

    function, initializer = staticmethod(ops.gelu), "he_uniform"


class SiLU(Activation):
    """y = x / (1 + e^-x), also called swish."""

    function, initializer = staticmethod(ops.silu), "he_uniform"


class Softplus(Activation):
    """y = log(1 + e^x)."""

    function, initializer = staticmethod(ops.softplus), "he_uniform"


class Sigmoid(Activation):
    """y = 1 / (1 + e^-x)."""

    function = staticmethod(ops.sigmoid)


class Tanh(Activation):
    """y = tanh x."""

    function = staticmethod(ops.tanh)


class Softmax(Activation):
    """y = e^x / sum e^x along each row. The losses want logits instead: see SoftmaxCrossEntropy."""

    function = staticmethod(ops.softmax)


ACTIVATIONS: Registry[type[Layer]] = Registry("activation")
ACTIVATIONS.add("identity", Identity, ["linear"])
ACTIVATIONS.add("relu", ReLU)
ACTIVATIONS.add("leaky_relu", LeakyReLU)
ACTIVATIONS.add("elu", ELU)
ACTIVATIONS.add("selu", SELU)
ACTIVATIONS.add("gelu", GELU)
ACTIVATIONS.add("silu", SiLU, ["swish"])
ACTIVATIONS.add("softplus", Softplus)
ACTIVATIONS.add("sigmoid", Sigmoid, ["logistic"])
ACTIVATIONS.add("tanh", Tanh)
ACTIVATIONS.add("softmax", Softmax)


def activation(name: str | Layer | type[Layer]) -> Layer:
    """Return a new activation layer of that name, or of that class; a layer is returned as it is.

    ``ACTIVATIONS.add(name, class)`` adds a name.

    Raises
    ------
    UnknownNameError
        The name is not registered; the message suggests the nearest.

    Examples
    --------
    >>> activation("leaky-relu")
    LeakyReLU(slope=0.01)
    """
    if isinstance(name, Layer):
        return name
    if isinstance(name, type) and issubclass(name, Layer):
        return name()
    return ACTIVATIONS[name]()
