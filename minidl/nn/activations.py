"""Activations, each a layer and a name; their derivatives are in ``minidl.autograd.ops``."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import ClassVar

from minidl.autograd import ops
from minidl.autograd.node import Value
from minidl.checks import check_number
from minidl.errors import ArgumentError, UnknownNameError, invalid
from minidl.keywords import answers
from minidl.nn.layer import Layer, Training
from minidl.registry import Registry

__all__ = ["ACTIVATIONS", "CELU", "ELU", "GELU", "SELU", "Activation", "Hardsigmoid", "Hardswish"]
__all__ += ["Hardtanh", "Identity", "LeakyReLU", "LogSigmoid", "LogSoftmax", "Mish", "ReLU"]
__all__ += ["ReLU6", "SiLU", "Sigmoid", "Softmax", "Softplus", "Softshrink", "Softsign", "Tanh"]
__all__ += ["activation"]


def _finite(name: str, value: float) -> float:
    return check_number(name, value, math.isfinite, "a finite number")


def _form(name: str) -> str:
    """Return the name of a form of GELU, or raise an UnknownNameError."""
    if name not in ("none", "tanh"):
        raise UnknownNameError("approximate", name, ["none", "tanh"])
    return name


class Activation(Layer):
    """The base: a layer that applies `function`.

    `initializer` is for a dense layer before it; the right one keeps the size of signals through a
    new network. A custom activation is passed by class, or by name after ``ACTIVATIONS.add``:

    >>> from minidl import nn
    >>> class Square(nn.Activation):
    ...     function = staticmethod(lambda x: x * x)
    >>> nn.mlp(2, 4, 1, activation=Square)
    Sequential(Dense(2, 4), Square(), Dense(4, 1))
    """

    function: ClassVar[Callable[..., Value]]
    initializer: ClassVar[str] = "glorot_uniform"

    def forward(self, x: Value, training: Training = False) -> Value:
        """Return the function of `x`."""
        return self.function(x)


class Identity(Activation):
    """y = x."""

    function = staticmethod(lambda x: x)


class ReLU(Activation):
    """y = max(x, 0)."""

    function, initializer = staticmethod(ops.relu), "he_uniform"


class LeakyReLU(Activation):
    """y = x for x > 0, else slope x; the slope is 0.01, as in PyTorch (Keras: 0.3)."""

    initializer = "he_uniform"
    _checks: ClassVar = {"slope": lambda slope: _finite("slope", slope)}

    def __init__(self, slope: float = 0.01) -> None:
        self.slope = slope

    def forward(self, x: Value, training: Training = False) -> Value:
        """Return x or slope x."""
        return ops.leaky_relu(x, self.slope)


class ELU(Activation):
    """y = x for x > 0, else alpha (e^x - 1); alpha is 1."""

    initializer = "he_uniform"
    _checks: ClassVar = {"alpha": lambda alpha: _finite("alpha", alpha)}

    def __init__(self, alpha: float = 1.0) -> None:
        self.alpha = alpha

    def forward(self, x: Value, training: Training = False) -> Value:
        """Return x or alpha (e^x - 1)."""
        return ops.elu(x, self.alpha)


class CELU(Activation):
    """y = x for x > 0, else alpha (e^(x / alpha) - 1), of slope 1 at 0; alpha is 1, and positive.

    Barron 2017, arXiv 1704.07483. As in PyTorch and Keras.
    """

    initializer = "he_uniform"
    _checks: ClassVar = {
        "alpha": lambda alpha: check_number(
            "alpha", alpha, lambda a: 0 < a < math.inf, "a positive finite number"
        )
    }

    def __init__(self, alpha: float = 1.0) -> None:
        self.alpha = alpha

    def forward(self, x: Value, training: Training = False) -> Value:
        """Return x or alpha (e^(x / alpha) - 1)."""
        return ops.celu(x, self.alpha)


class SELU(Activation):
    """y = 1.0507 elu(x, 1.6733): keeps mean 0 and variance 1 through LeCun-initialised layers."""

    function, initializer = staticmethod(ops.selu), "lecun_normal"


class GELU(Activation):
    """y = x Phi(x), Phi the normal distribution function; ``approximate="tanh"`` is faster.

    With it, Phi(x) is (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) / 2, which differs by less than
    0.0005. PyTorch and Keras take "none", the exact form, by default as well; JAX takes "tanh".
    Another word is an UnknownNameError.

    >>> GELU(approximate="tanh")([[1.0]])
    array([[0.84119199]])
    """

    initializer = "he_uniform"
    _checks: ClassVar = {"approximate": _form}

    def __init__(self, approximate: str = "none") -> None:
        self.approximate = approximate

    def forward(self, x: Value, training: Training = False) -> Value:
        """Return x Phi(x)."""
        return ops.gelu(x, approximate=self.approximate)

    def __repr__(self) -> str:
        return "GELU()" if self.approximate == "none" else super().__repr__()


class SiLU(Activation):
    """y = x / (1 + e^-x), also called swish."""

    function, initializer = staticmethod(ops.silu), "he_uniform"


class Mish(Activation):
    """y = x tanh(log(1 + e^x)). Misra 2019, arXiv 1908.08681; as in PyTorch and Keras."""

    function, initializer = staticmethod(ops.mish), "he_uniform"


class ReLU6(Activation):
    """y = min(max(x, 0), 6); the slope at 0 and 6 is 0, as in PyTorch."""

    function, initializer = staticmethod(ops.relu6), "he_uniform"


class Hardswish(Activation):
    """y = x min(max(x + 3, 0), 6) / 6, close to SiLU. In Keras hard_silu."""

    function, initializer = staticmethod(ops.hardswish), "he_uniform"


class Hardsigmoid(Activation):
    """y = min(max(x + 3, 0), 6) / 6, as in PyTorch and Keras 3."""

    function = staticmethod(ops.hardsigmoid)


class Hardtanh(Activation):
    """y = min(max(x, -1), 1); other bounds are ``min_value < max_value``.

    On a bound the slope is 1, beyond it 0. PyTorch has 0 on the bounds.
    """

    _checks: ClassVar = {
        "min_value": lambda bound: _finite("min_value", bound),
        "max_value": lambda bound: _finite("max_value", bound),
    }

    def __init__(self, min_value: float = -1.0, max_value: float = 1.0) -> None:
        self.min_value, self.max_value = min_value, max_value
        if not self.min_value < self.max_value:
            received = f"min_value={min_value!r}, max_value={max_value!r}"
            raise ArgumentError("min_value must be less than max_value", received=received)

    def forward(self, x: Value, training: Training = False) -> Value:
        """Return x, limited."""
        return ops.hardtanh(x, self.min_value, self.max_value)


class Softshrink(Activation):
    """y = sign(x) max(|x| - lambd, 0); lambd is 0.5, and at least 0. In Keras soft_shrink."""

    _checks: ClassVar = {
        "lambd": lambda value: check_number(
            "lambd", value, lambda v: 0 <= v < math.inf, "a finite number >= 0"
        )
    }

    def __init__(self, lambd: float = 0.5) -> None:
        self.lambd = lambd

    def forward(self, x: Value, training: Training = False) -> Value:
        """Return x, closer to 0 by lambd."""
        return ops.softshrink(x, self.lambd)


class Softsign(Activation):
    """y = x / (1 + |x|)."""

    function = staticmethod(ops.softsign)


class LogSigmoid(Activation):
    """y = -log(1 + e^-x). The losses want logits instead: see BinaryCrossEntropy."""

    function = staticmethod(ops.logsigmoid)


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


class LogSoftmax(Activation):
    """y = x - log sum e^x along each row; SoftmaxCrossEntropy contains it, and wants logits."""

    function = staticmethod(ops.log_softmax)


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
ACTIVATIONS.add("log_softmax", LogSoftmax)
ACTIVATIONS.add("logsigmoid", LogSigmoid)
ACTIVATIONS.add("mish", Mish)
ACTIVATIONS.add("celu", CELU)
ACTIVATIONS.add("relu6", ReLU6)
ACTIVATIONS.add("softsign", Softsign)
ACTIVATIONS.add("softshrink", Softshrink)
ACTIVATIONS.add("hardtanh", Hardtanh)
ACTIVATIONS.add("hardsigmoid", Hardsigmoid)
ACTIVATIONS.add("hardswish", Hardswish, ["hard_silu"])


@answers
def activation(name: str | Layer | type[Layer]) -> Layer:
    """Return a new activation layer of that name, or of that class; a layer is returned as it is.

    ``ACTIVATIONS.add(name, class)`` adds a name. An unknown name is an UnknownNameError.

    >>> activation("leaky-relu")
    LeakyReLU(slope=0.01)
    """
    if isinstance(name, Layer):
        return name
    if isinstance(name, type) and issubclass(name, Layer):
        return name()
    if callable(name):
        hint = "Write a class: class Own(nn.Activation), with function = staticmethod(...)."
        raise invalid("activation", name, 'a name such as "relu", or a layer', hint)
    return ACTIVATIONS[name]()
