"""Activation functions that no layer of minidl uses."""

import numpy as np

from minidl.autograd.node import Value
from minidl.autograd.ops.activations import elu_slope, sigmoid, softplus
from minidl.autograd.ops.elementwise import clip
from minidl.autograd.ops.ufuncs import tanh
from minidl.autograd.primitive import composite, primitive, quiet
from minidl.errors import invalid

__all__ = ["celu", "hardtanh", "logsigmoid", "mish", "softsign"]


@primitive(lambda g, y, x: g * sigmoid(-x), elementwise=True)
@quiet
def logsigmoid(x: Value) -> Value:
    """Logarithm of the logistic function, y = -log(1 + e^-x); dy/dx = sigmoid(-x)."""
    return np.minimum(x, 0.0) - np.log1p(np.exp(-np.abs(x)))


@primitive(lambda g, y, x, alpha=1.0: g * elu_slope(x, 1.0, 1.0, alpha), elementwise=True)
@quiet
def celu(x: Value, alpha: float = 1.0) -> Value:
    """Continuously differentiable ELU: y = x for x > 0, else alpha (e^(x/alpha) - 1).

    dy/dx = 1 or e^(x/alpha); alpha must be positive. Barron 2017, arXiv 1704.07483.

    >>> celu(np.array([-1.0, 0.0, 1.0]), alpha=2.0)
    array([-0.78693868,  0.        ,  1.        ])
    """
    if not alpha > 0:
        raise invalid("alpha", alpha, "positive")
    return np.where(np.greater(x, 0), x, alpha * np.expm1(np.minimum(x, 0.0) / alpha))


@primitive(
    lambda g, y, x: g * ((t := tanh(softplus(x))) + x * ((1.0 - t * t) * sigmoid(x))),
    elementwise=True,
)
@quiet
def mish(x: Value) -> Value:
    """Mish, y = x t, t = tanh(softplus(x)); dy/dx = t + x (1 - t^2) sigmoid(x).

    Misra 2019, arXiv 1908.08681.
    """
    return x * np.tanh(softplus(x))


@primitive(lambda g, y, x: g / (r := 1.0 + np.abs(x)) / r, elementwise=True)
def softsign(x: Value) -> Value:
    """Softsign, y = x / (1 + |x|); dy/dx = 1 / (1 + |x|)^2."""
    return x / (1.0 + np.abs(x))


@composite
def hardtanh(x: Value, min_value: float = -1.0, max_value: float = 1.0) -> Value:
    """Limit x to [min_value, max_value], as :func:`clip`; PyTorch: 0 on bounds, 1 for nan."""
    return clip(x, min_value, max_value)
