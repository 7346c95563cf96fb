"""The functions between layers. Where a rule can reuse the result y, it does.

All are safe at any finite input: exponentials are taken of numbers that are not positive, and
what is too small for a float is rightly 0, without a warning.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minidl.autograd.ops.elementwise import clip
from minidl.autograd.ops.transcendental import _bell, _over_square, tanh
from minidl.autograd.primitive import composite, primitive, quiet
from minidl.errors import ArgumentError, UnknownNameError

__all__ = [
    "SELU_ALPHA",
    "SELU_SCALE",
    "celu",
    "elu",
    "gelu",
    "hardtanh",
    "leaky_relu",
    "log_softmax",
    "logaddexp",
    "logsigmoid",
    "mish",
    "relu",
    "selu",
    "sigmoid",
    "silu",
    "softmax",
    "softplus",
    "softsign",
]

SELU_ALPHA = 1.6732632423543772
SELU_SCALE = 1.0507009873554805


def logistic(x: Any) -> Any:
    """Return the sigmoid of an array, e^x / (1 + e^x); from x = 40 on that is 1 in any float."""
    e = np.exp(np.minimum(x, 40.0))
    return e / (1.0 + e)


def sigmoid_rule(g: Any, y: Any, x: Any) -> Any:
    """Return g y (1 - y), which needs no x."""
    return g * (y * (1.0 - y))


@primitive(sigmoid_rule, methods=["sigmoid"])
@quiet
def sigmoid(x: Any) -> Any:
    """Logistic function, y = 1 / (1 + e^-x); dy/dx = y (1 - y)."""
    return logistic(x)


@primitive(lambda g, y, x: g * sigmoid(-x))
@quiet
def logsigmoid(x: Any) -> Any:
    """Logarithm of the logistic function, y = -log(1 + e^-x); dy/dx = sigmoid(-x)."""
    return np.minimum(x, 0.0) - np.log1p(np.exp(-np.abs(x)))


def relu_rule(g: Any, y: Any, x: Any) -> Any:
    """Return g where x > 0, which is where y > 0, else 0."""
    return np.where(np.greater(x, 0), g, 0.0)


@primitive(relu_rule, methods=["relu"])
def relu(x: Any) -> Any:
    """Rectifier, y = max(x, 0); dy/dx = 1 for x > 0, else 0 (also at 0)."""
    return np.maximum(x, 0.0)


@primitive(lambda g, y, x, slope=0.01: g * np.where(np.greater(x, 0), 1.0, slope))
@quiet
def leaky_relu(x: Any, slope: float = 0.01) -> Any:
    """Leaky rectifier: y = x for x > 0, else slope x; dy/dx = 1 or slope (slope at 0).

    Maas, Hannun and Ng 2013. The slope is 0.01 in PyTorch and 0.3 in Keras.
    """
    return np.where(np.greater(x, 0), x, slope * x)


def _elu_slope(x: Any, right: float, left: float, rate: float = 1.0) -> Any:
    """Return a constant for x > 0, and another times e^(x / rate) for x <= 0."""
    positive = np.greater(x, 0)
    return np.where(positive, right, left * np.exp(np.where(positive, 0.0, x) / rate))


@primitive(lambda g, y, x, alpha=1.0: g * _elu_slope(x, 1.0, alpha))
@quiet
def elu(x: Any, alpha: float = 1.0) -> Any:
    """Exponential linear unit: y = x for x > 0, else alpha (e^x - 1); dy/dx = 1 or alpha e^x.

    Clevert, Unterthiner and Hochreiter 2016, arXiv 1511.07289. At 0 the slope is alpha, that from
    the left, as in PyTorch.
    """
    return np.where(np.greater(x, 0), x, alpha * np.expm1(np.minimum(x, 0.0)))


@primitive(lambda g, y, x, alpha=1.0: g * _elu_slope(x, 1.0, 1.0, alpha))
@quiet
def celu(x: Any, alpha: float = 1.0) -> Any:
    """Continuously differentiable ELU: y = x for x > 0, else alpha (e^(x/alpha) - 1).

    dy/dx = 1 or e^(x/alpha). Barron 2017, arXiv 1704.07483.

    Parameters
    ----------
    x : array_like or Tensor
    alpha : float, default 1.0
        Minus the limit for very negative x; above 0.

    Examples
    --------
    >>> celu(np.array([-1.0, 0.0, 1.0]), alpha=2.0)
    array([-0.78693868,  0.        ,  1.        ])
    """
    if not alpha > 0:
        raise ArgumentError("celu needs an alpha above 0", received=alpha)
    return np.where(np.greater(x, 0), x, alpha * np.expm1(np.minimum(x, 0.0) / alpha))


@primitive(lambda g, y, x: g * _elu_slope(x, SELU_SCALE, SELU_SCALE * SELU_ALPHA))
@quiet
def selu(x: Any) -> Any:
    """Scaled ELU, y = scale elu(x, alpha), whose two constants keep mean 0 and variance 1.

    Klambauer et al. 2017, arXiv 1706.02515.
    """
    return SELU_SCALE * elu(x, SELU_ALPHA)


_SQRT_HALF = 0.7071067811865476  # 1 / sqrt(2)
_SQRT_2PI_INVERSE = 0.3989422804014327  # 1 / sqrt(2 pi)
_SQRT_8_OVER_PI = 1.5957691216057308  # 2 sqrt(2 / pi)


def _density(x: Any) -> Any:
    return _SQRT_2PI_INVERSE * _bell(x * _SQRT_HALF)


@primitive(lambda g, y, x: g * _density(x))
def _distribution(x: Any) -> Any:
    """Return (1 + erf(x / sqrt 2)) / 2, exact for x << 0 too; dy/dx = e^(-x^2 / 2) / sqrt(2 pi)."""
    from scipy.special import ndtr  # comes with scikit-learn

    return ndtr(x)


def _near(x: Any) -> Any:
    return np.clip(x, -100.0, 100.0)  # beyond, the sigmoid is 0 or 1, and the cube could overflow


def _tanh_gate(x: Any) -> Any:
    """Return (1 + tanh u) / 2 = sigmoid(2 u), u = sqrt(2 / pi) (x + 0.044715 x^3)."""
    c = _near(x)
    return sigmoid(_SQRT_8_OVER_PI * c * (1.0 + 0.044715 * c * c))


def _gelu_slope(x: Any, approximate: str) -> Any:
    if approximate == "none":
        return _distribution(x) + x * _density(x)
    s, c = _tanh_gate(x), _near(x)
    return s + c * (s * (1.0 - s)) * (_SQRT_8_OVER_PI * (1.0 + 0.134145 * c * c))


@primitive(lambda g, y, x, approximate="none": g * _gelu_slope(x, approximate))
@quiet
def gelu(x: Any, *, approximate: str = "none") -> Any:
    """Gaussian error linear unit, y = x Phi(x); dy/dx = Phi(x) + x phi(x).

    Phi and phi are the normal distribution and density. Hendrycks and Gimpel 2016,
    arXiv 1606.08415. The exact form is the default of PyTorch and Keras, the other that of JAX.

    Parameters
    ----------
    x : array_like or Tensor
    approximate : {"none", "tanh"}, default "none"
        With "tanh", Phi(x) is (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) / 2.

    Raises
    ------
    UnknownNameError
        `approximate` is neither.

    Examples
    --------
    >>> gelu(np.array([-1.0, 1.0]))
    array([-0.15865525,  0.84134475])
    >>> gelu(np.array([-1.0, 1.0]), approximate="tanh")
    array([-0.15880801,  0.84119199])
    """
    if approximate == "none":
        return x * _distribution(x)
    if approximate != "tanh":
        raise UnknownNameError("approximate", approximate, ["none", "tanh"])
    return x * _tanh_gate(x)


def _silu_slope(s: Any, y: Any) -> Any:
    return s + y * (1.0 - s)


@primitive(lambda g, y, x: g * _silu_slope(sigmoid(x), y), methods=["silu"])
@quiet
def silu(x: Any) -> Any:
    """Sigmoid linear unit, also swish: y = x s(x), s the sigmoid; dy/dx = s + y (1 - s)."""
    return x * sigmoid(x)


@primitive(lambda g, y, x: g * sigmoid(x))
@quiet
def softplus(x: Any) -> Any:
    """Smooth rectifier, y = log(1 + e^x); dy/dx = sigmoid(x)."""
    return np.maximum(x, 0.0) + np.log1p(np.exp(-np.abs(x)))


def _share(a: Any, b: Any) -> Any:
    """Return the share of e^a in e^a + e^b; 1/2 also for two equal infinities."""
    lost = np.equal(a, b) & np.isinf(a)
    return sigmoid(np.where(lost, 0.0, a) - np.where(lost, 0.0, b))


@primitive(
    lambda g, y, a, b: g * _share(a, b),
    lambda g, y, a, b: g * _share(b, a),
    numpy=[np.logaddexp],
    methods=["logaddexp"],
)
@quiet
def logaddexp(a: Any, b: Any) -> Any:
    """Logarithm of e^a + e^b; dy/da = sigmoid(a - b), dy/db = sigmoid(b - a).

    Two equal infinities share the gradient equally, as equal numbers do (PyTorch gives nan).
    """
    return np.logaddexp(a, b)


def _mish_slope(x: Any, t: Any) -> Any:
    return t + x * ((1.0 - t * t) * sigmoid(x))


@primitive(lambda g, y, x: g * _mish_slope(x, tanh(softplus(x))))
@quiet
def mish(x: Any) -> Any:
    """Mish, y = x t, t = tanh(softplus(x)); dy/dx = t + x (1 - t^2) sigmoid(x).

    Misra 2019, arXiv 1908.08681.
    """
    return x * np.tanh(softplus(x))


@primitive(lambda g, y, x: _over_square(g, 1.0 + np.abs(x)))
def softsign(x: Any) -> Any:
    """Softsign, y = x / (1 + |x|); dy/dx = 1 / (1 + |x|)^2."""
    return x / (1.0 + np.abs(x))


@composite()
def hardtanh(x: Any, min_value: float = -1.0, max_value: float = 1.0) -> Any:
    """Limit x to [min_value, max_value]; dy/dx = 1 inside and on the bounds.

    It is :func:`clip` with other defaults. PyTorch calls the bounds ``min_val`` and ``max_val``,
    and its slope on them is 0.

    Examples
    --------
    >>> hardtanh(np.array([-2.0, 0.5, 3.0]), max_value=2.0)
    array([-1. ,  0.5,  2. ])
    """
    return clip(x, min_value, max_value)


@primitive(
    lambda g, y, x, axis=-1: y * (g - (g * y).sum(axis=axis, keepdims=True)), methods=["softmax"]
)
@quiet
def softmax(x: Any, axis: Any = -1) -> Any:
    """Positive numbers that sum to 1 along an axis, y = e^x / sum e^x; dL/dx = y (g - sum g y).

    The axis may be an int, a tuple of ints or None for all; the last by default.
    """
    e = np.exp(x - np.max(x, axis=axis, keepdims=True, initial=-np.inf))
    return e / np.add.reduce(e, axis=axis, keepdims=True)


@primitive(
    lambda g, y, x, axis=-1: g - np.exp(y) * g.sum(axis=axis, keepdims=True),
    methods=["log_softmax"],
)
@np.errstate(under="ignore", divide="ignore")  # the sum is 0 only over an axis of length 0
def log_softmax(x: Any, axis: Any = -1) -> Any:
    """Logarithm of softmax, y = x - logsumexp(x); dL/dx = g - e^y sum g. Axes as in softmax."""
    z = x - np.max(x, axis=axis, keepdims=True, initial=-np.inf)
    return z - np.log(np.add.reduce(np.exp(z), axis=axis, keepdims=True))
