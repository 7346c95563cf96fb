"""Activations as layers, and the table of their names.

Each says which initializer suits a layer before it, so that a network starts with signals of
steady size. The formulas are with the operations, in :mod:`minidl.autograd.ops.activations`.
"""

from __future__ import annotations

import math
from typing import Any

from minidl.autograd import ops
from minidl.checks import check_name, check_number
from minidl.nn.layer import Layer, Training

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
    """The base: a layer without parameters that works element by element (or along rows)."""

    initializer = "glorot_uniform"

    def __repr__(self) -> str:
        numbers = {name: value for name, value in vars(self).items() if not callable(value)}
        inside = ", ".join(f"{name}={value}" for name, value in numbers.items())
        return f"{type(self).__name__}({inside})"


class Identity(Activation):
    """y = x."""

    def forward(self, x: Any, training: Training = False) -> Any:
        """Return x."""
        return x


class ReLU(Activation):
    """y = max(x, 0)."""

    initializer = "he_uniform"

    def forward(self, x: Any, training: Training = False) -> Any:
        """Return max(x, 0)."""
        return ops.relu(x)


class LeakyReLU(Activation):
    """y = x for x > 0, else slope x.

    Parameters
    ----------
    slope : float, default 0.01
        As in PyTorch; Keras takes 0.3.
    """

    initializer = "he_uniform"

    def __init__(self, slope: float = 0.01) -> None:
        self.slope = check_number("slope", slope, math.isfinite, "a finite number")

    def forward(self, x: Any, training: Training = False) -> Any:
        """Return x or slope x."""
        return ops.leaky_relu(x, self.slope)


class ELU(Activation):
    """y = x for x > 0, else alpha (e^x - 1).

    Parameters
    ----------
    alpha : float, default 1.0
        Minus the limit for very negative x.
    """

    initializer = "he_uniform"

    def __init__(self, alpha: float = 1.0) -> None:
        self.alpha = check_number("alpha", alpha, math.isfinite, "a finite number")

    def forward(self, x: Any, training: Training = False) -> Any:
        """Return x or alpha (e^x - 1)."""
        return ops.elu(x, self.alpha)


class SELU(Activation):
    """y = 1.0507 elu(x, 1.6733): keeps mean 0 and variance 1 through LeCun-initialised layers."""

    initializer = "lecun_normal"

    def forward(self, x: Any, training: Training = False) -> Any:
        """Return selu(x)."""
        return ops.selu(x)


class GELU(Activation):
    """y = x Phi(x), Phi the normal distribution function; the exact form."""

    initializer = "he_uniform"

    def forward(self, x: Any, training: Training = False) -> Any:
        """Return x Phi(x)."""
        return ops.gelu(x)


class SiLU(Activation):
    """y = x / (1 + e^-x), also called swish."""

    initializer = "he_uniform"

    def forward(self, x: Any, training: Training = False) -> Any:
        """Return x sigmoid(x)."""
        return ops.silu(x)


class Softplus(Activation):
    """y = log(1 + e^x)."""

    initializer = "he_uniform"

    def forward(self, x: Any, training: Training = False) -> Any:
        """Return log(1 + e^x)."""
        return ops.softplus(x)


class Sigmoid(Activation):
    """y = 1 / (1 + e^-x)."""

    def forward(self, x: Any, training: Training = False) -> Any:
        """Return 1 / (1 + e^-x)."""
        return ops.sigmoid(x)


class Tanh(Activation):
    """y = tanh x."""

    def forward(self, x: Any, training: Training = False) -> Any:
        """Return tanh x."""
        return ops.tanh(x)


class Softmax(Activation):
    """y = e^x / sum e^x along each row. The losses want logits instead: see SoftmaxCrossEntropy."""

    def forward(self, x: Any, training: Training = False) -> Any:
        """Return the softmax of each row."""
        return ops.softmax(x)


ACTIVATIONS: dict[str, type[Activation]] = {
    "identity": Identity,
    "relu": ReLU,
    "leaky_relu": LeakyReLU,
    "elu": ELU,
    "selu": SELU,
    "gelu": GELU,
    "silu": SiLU,
    "softplus": Softplus,
    "sigmoid": Sigmoid,
    "tanh": Tanh,
    "softmax": Softmax,
}
_ALIASES = {"linear": "identity", "swish": "silu", "logistic": "sigmoid", "leakyrelu": "leaky_relu"}


def activation(name: str | Layer | type[Layer]) -> Layer:
    """Return a new activation layer of that name (a layer or a class of layers is taken as it is).

    Raises
    ------
    UnknownNameError
        There is no such name; the message suggests the nearest.

    Examples
    --------
    >>> activation("leaky-relu")
    LeakyReLU(slope=0.01)
    """
    if isinstance(name, Layer):
        return name
    if isinstance(name, type) and issubclass(name, Layer):
        return name()
    return ACTIVATIONS[check_name("activation", name, ACTIVATIONS, _ALIASES)]()
