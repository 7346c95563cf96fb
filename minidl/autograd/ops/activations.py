"""The functions between layers. Where a rule can reuse the result y, it does.

All are safe at any finite input: exponentials are taken of numbers that are not positive.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minidl.autograd.ops.elementwise import exp
from minidl.autograd.primitive import primitive

__all__ = [
    "SELU_ALPHA",
    "SELU_SCALE",
    "elu",
    "erf",
    "gelu",
    "leaky_relu",
    "log_softmax",
    "relu",
    "selu",
    "sigmoid",
    "silu",
    "softmax",
    "softplus",
    "tanh",
]

SELU_ALPHA = 1.6732632423543772
SELU_SCALE = 1.0507009873554805


@primitive(lambda g, y, x: g * (1.0 - y * y), numpy=[np.tanh], methods=["tanh"])
def tanh(x: Any) -> Any:
    """Hyperbolic tangent; dy/dx = 1 - y^2."""
    return np.tanh(x)


@primitive(lambda g, y, x: g * (y * (1.0 - y)), methods=["sigmoid"])
def sigmoid(x: Any) -> Any:
    """Logistic function, y = 1 / (1 + e^-x); dy/dx = y (1 - y)."""
    z = np.exp(-np.abs(x))
    return np.where(np.less(x, 0), z, 1.0) / (1.0 + z)


@primitive(lambda g, y, x: g * np.greater(x, 0), methods=["relu"])
def relu(x: Any) -> Any:
    """Rectifier, y = max(x, 0); dy/dx = 1 for x > 0, else 0 (also at 0)."""
    return np.maximum(x, 0.0)


@primitive(lambda g, y, x, slope=0.01: g * np.where(np.greater(x, 0), 1.0, slope))
def leaky_relu(x: Any, slope: float = 0.01) -> Any:
    """Leaky rectifier: y = x for x > 0, else slope x; dy/dx = 1 or slope (slope at 0).

    Maas, Hannun and Ng 2013. The slope is 0.01 in PyTorch and 0.3 in Keras.
    """
    return np.where(np.greater(x, 0), x, slope * x)


@primitive(lambda g, y, x, alpha=1.0: g * np.where(np.greater(x, 0), 1.0, y + alpha))
def elu(x: Any, alpha: float = 1.0) -> Any:
    """Exponential linear unit: y = x for x > 0, else alpha (e^x - 1); dy/dx = 1 or y + alpha.

    Clevert, Unterthiner and Hochreiter 2016, arXiv 1511.07289.
    """
    return np.where(np.greater(x, 0), x, alpha * np.expm1(np.minimum(x, 0.0)))


@primitive(lambda g, y, x: g * np.where(np.greater(x, 0), SELU_SCALE, y + SELU_SCALE * SELU_ALPHA))
def selu(x: Any) -> Any:
    """Scaled ELU, y = scale elu(x, alpha), whose two constants keep mean 0 and variance 1.

    Klambauer et al. 2017, arXiv 1706.02515.
    """
    return SELU_SCALE * elu(x, SELU_ALPHA)


@primitive(lambda g, y, x: g * (2.0 / np.sqrt(np.pi)) * exp(-(x * x)))
def erf(x: Any) -> Any:
    """Error function; dy/dx = 2 / sqrt(pi) e^(-x^2). Computed by SciPy, as NumPy has none."""
    from scipy.special import erf as scipy_erf  # comes with scikit-learn

    return scipy_erf(x)


_SQRT_HALF = 0.7071067811865476  # 1 / sqrt(2)
_SQRT_2PI_INVERSE = 0.3989422804014327  # 1 / sqrt(2 pi)


@primitive(
    lambda g, y, x: (
        g * (0.5 * (1.0 + erf(x * _SQRT_HALF)) + x * (_SQRT_2PI_INVERSE * exp(-0.5 * x * x)))
    )
)
def gelu(x: Any) -> Any:
    """Gaussian error linear unit, y = x Phi(x); dy/dx = Phi(x) + x phi(x).

    Phi and phi are the normal distribution and density. Hendrycks and Gimpel 2016,
    arXiv 1606.08415. The exact form, the default of PyTorch and Keras.
    """
    return x * (0.5 * (1.0 + erf(x * _SQRT_HALF)))


def _silu_slope(s: Any, y: Any) -> Any:
    return s + y * (1.0 - s)


@primitive(lambda g, y, x: g * _silu_slope(sigmoid(x), y), methods=["silu"])
def silu(x: Any) -> Any:
    """Sigmoid linear unit, also swish: y = x s(x), s the sigmoid; dy/dx = s + y (1 - s)."""
    return x * sigmoid(x)


@primitive(lambda g, y, x: g * sigmoid(x))
def softplus(x: Any) -> Any:
    """Smooth rectifier, y = log(1 + e^x); dy/dx = sigmoid(x)."""
    return np.maximum(x, 0.0) + np.log1p(np.exp(-np.abs(x)))


@primitive(lambda g, y, x, axis=-1: y * (g - (g * y).sum(axis=axis, keepdims=True)))
def softmax(x: Any, axis: int = -1) -> Any:
    """Positive numbers that sum to 1 along an axis, y = e^x / sum e^x; dL/dx = y (g - sum g y)."""
    e = np.exp(x - np.max(x, axis=axis, keepdims=True))
    return e / np.add.reduce(e, axis=axis, keepdims=True)


@primitive(lambda g, y, x, axis=-1: g - exp(y) * g.sum(axis=axis, keepdims=True))
def log_softmax(x: Any, axis: int = -1) -> Any:
    """Logarithm of softmax, y = x - logsumexp(x); dL/dx = g - e^y sum g."""
    z = x - np.max(x, axis=axis, keepdims=True)
    return z - np.log(np.add.reduce(np.exp(z), axis=axis, keepdims=True))
