"""Activation functions. Where a rule can reuse the result y, it does.

All are safe at any finite input: no exponential overflows, and underflow gives 0 without a warning.
"""

import numpy as np

from minidl.autograd.node import Value
from minidl.autograd.ops.ufuncs import Axis, bell, logistic
from minidl.autograd.primitive import primitive, quiet
from minidl.errors import UnknownNameError

__all__ = [
    "SELU_ALPHA", "SELU_SCALE", "elu", "gelu", "leaky_relu", "log_softmax", "relu", "selu",
    "sigmoid", "silu", "softmax", "softplus",
]  # fmt: skip

SELU_ALPHA = 1.6732632423543772
SELU_SCALE = 1.0507009873554805
_SQRT_HALF = 0.7071067811865476  # 1 / sqrt(2)
_SQRT_2PI_INVERSE = 0.3989422804014327  # 1 / sqrt(2 pi)
_SQRT_8_OVER_PI = 1.5957691216057308  # 2 sqrt(2 / pi)


@primitive(lambda g, y, x: g * (y * (1.0 - y)), elementwise=True)
@quiet
def sigmoid(x: Value) -> Value:
    """Logistic function, y = 1 / (1 + e^-x); dy/dx = y (1 - y)."""
    return logistic(x)


@primitive(lambda g, y, x: np.where(np.less_equal(x, 0), 0.0, g), elementwise=True)
def relu(x: Value) -> Value:
    """Rectifier, y = max(x, 0); dy/dx = 1 for x > 0, 0 for x <= 0, 1 for nan, as in PyTorch."""
    return np.maximum(x, 0.0)


@primitive(lambda g, y, x, slope=0.01: g * np.where(np.greater(x, 0), 1.0, slope), elementwise=True)
@quiet
def leaky_relu(x: Value, slope: float = 0.01) -> Value:
    """Leaky rectifier: y = x for x > 0, else slope x; dy/dx = 1 or slope (slope at 0).

    Maas, Hannun and Ng 2013. The slope is 0.01 in PyTorch and 0.3 in Keras.
    """
    return np.where(np.greater(x, 0), x, slope * x)


def elu_slope(x: Value, right: float, left: float, rate: float = 1.0) -> Value:
    """Return `right` for x > 0, else left e^(x / rate)."""
    positive = np.greater(x, 0)
    return np.where(positive, right, left * np.exp(np.where(positive, 0.0, x) / rate))


@primitive(lambda g, y, x, alpha=1.0: g * elu_slope(x, 1.0, alpha), elementwise=True)
@quiet
def elu(x: Value, alpha: float = 1.0) -> Value:
    """Exponential linear unit: y = x for x > 0, else alpha (e^x - 1); dy/dx = 1 or alpha e^x.

    Clevert, Unterthiner and Hochreiter 2016, arXiv 1511.07289. At 0 the slope is alpha.
    """
    return np.where(np.greater(x, 0), x, alpha * np.expm1(np.minimum(x, 0.0)))


@primitive(lambda g, y, x: g * elu_slope(x, SELU_SCALE, SELU_SCALE * SELU_ALPHA), elementwise=True)
@quiet
def selu(x: Value) -> Value:
    """Scaled ELU, y = scale elu(x, alpha), whose two constants keep mean 0 and variance 1.

    Klambauer et al. 2017, arXiv 1706.02515.
    """
    return SELU_SCALE * elu(x, SELU_ALPHA)


def _density(x: Value) -> Value:
    """Return the normal density, e^(-x^2 / 2) / sqrt(2 pi)."""
    return _SQRT_2PI_INVERSE * bell(x * _SQRT_HALF)


@primitive(lambda g, y, x: g * _density(x), elementwise=True)
def _distribution(x: Value) -> Value:
    """Return the normal distribution, (1 + erf(x / sqrt 2)) / 2, exact for x << 0 too."""
    from scipy.special import ndtr  # imported late: it takes 0.1 s

    return ndtr(x)


def _tanh_gate(x: Value) -> Value:
    """Return (1 + tanh u) / 2 = sigmoid(2 u), u = sqrt(2 / pi) (x + 0.044715 x^3)."""
    c = np.clip(x, -100.0, 100.0)  # beyond, the sigmoid is 0 or 1, and the cube could overflow
    return sigmoid(_SQRT_8_OVER_PI * c * (1.0 + 0.044715 * c * c))


def _gelu_slope(x: Value, approximate: str) -> Value:
    if approximate == "none":
        return _distribution(x) + x * _density(x)
    s, c = _tanh_gate(x), np.clip(x, -100.0, 100.0)
    return s + c * (s * (1.0 - s)) * (_SQRT_8_OVER_PI * (1.0 + 0.134145 * c * c))


@primitive(lambda g, y, x, approximate="none": g * _gelu_slope(x, approximate), elementwise=True)
@quiet
def gelu(x: Value, *, approximate: str = "none") -> Value:
    """Gaussian error linear unit, y = x Phi(x); dy/dx = Phi(x) + x phi(x).

    Phi and phi are the normal distribution and density; with ``approximate="tanh"``, the default
    of JAX, Phi(x) is (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) / 2. Another word raises an
    UnknownNameError. Hendrycks and Gimpel 2016, arXiv 1606.08415.

    >>> gelu(1.0).item(), gelu(1.0, approximate="tanh").item()
    (0.8413447460685429, 0.8411919906082768)
    """
    if approximate not in ("none", "tanh"):
        raise UnknownNameError("approximate", approximate, ["none", "tanh"])
    return x * (_distribution(x) if approximate == "none" else _tanh_gate(x))


@primitive(lambda g, y, x: g * ((s := sigmoid(x)) + y * (1.0 - s)), elementwise=True)
@quiet
def silu(x: Value) -> Value:
    """Sigmoid linear unit or swish: y = x s(x), s the sigmoid; dy/dx = s + y (1 - s)."""
    return x * sigmoid(x)


@primitive(lambda g, y, x: g * sigmoid(x), elementwise=True)
@quiet
def softplus(x: Value) -> Value:
    """Smooth rectifier, y = log(1 + e^x); dy/dx = sigmoid(x)."""
    return np.maximum(x, 0.0) + np.log1p(np.exp(-np.abs(x)))


@primitive(lambda g, y, x, axis=-1: y * (g - (g * y).sum(axis=axis, keepdims=True)))
@quiet
def softmax(x: Value, axis: Axis = -1) -> Value:
    """Positive numbers that sum to 1 along an axis, y = e^x / sum e^x; dL/dx = y (g - sum g y).

    The axis is an int, a tuple of ints or None for all; the last by default.
    """
    e = np.exp(x - np.max(x, axis=axis, keepdims=True, initial=-np.inf))
    return e / np.add.reduce(e, axis=axis, keepdims=True)


@primitive(lambda g, y, x, axis=-1: g - np.exp(y) * g.sum(axis=axis, keepdims=True))
@np.errstate(under="ignore", divide="ignore")  # the sum is 0 only over an axis of length 0
def log_softmax(x: Value, axis: Axis = -1) -> Value:
    """Logarithm of softmax, y = x - logsumexp(x); dL/dx = g - e^y sum g. Axes as in softmax."""
    z = x - np.max(x, axis=axis, keepdims=True, initial=-np.inf)
    return z - np.log(np.add.reduce(np.exp(z), axis=axis, keepdims=True))
