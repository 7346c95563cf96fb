"""Formulas of the operations in plain NumPy, also for complex numbers near the real axis.

They know nothing of minidl. Where a formula branches, it branches on the real part, so each is
analytic near every real point that is not a kink, and the complex step gives its derivative.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import special


def absolute(x: Any) -> Any:
    return np.where(x.real < 0, -x, x)


def sign(x: Any) -> Any:
    return np.sign(x.real) + 0 * x


def maximum(a: Any, b: Any) -> Any:
    return np.where(np.real(a) > np.real(b), a, b)


def minimum(a: Any, b: Any) -> Any:
    return np.where(np.real(a) < np.real(b), a, b)


def clip(x: Any, low: Any = None, high: Any = None) -> Any:
    x = x if low is None else np.where(x.real < np.real(low), low, x)
    return x if high is None else np.where(x.real > np.real(high), high, x)


def sigmoid(x: Any) -> Any:
    return 1 / (1 + np.exp(-x))


def leaky_relu(x: Any, slope: float = 0.01) -> Any:
    return np.where(x.real > 0, x, slope * x)


def relu(x: Any) -> Any:
    return leaky_relu(x, 0.0)


def elu(x: Any, alpha: float = 1.0) -> Any:
    return np.where(x.real > 0, x, alpha * (np.exp(x) - 1))


def selu(x: Any) -> Any:
    return 1.0507009873554804934193349852946 * elu(x, 1.6732632423543772848170429916717)


def gelu(x: Any) -> Any:
    return x * (1 + special.erf(x / np.sqrt(2))) / 2


def silu(x: Any) -> Any:
    return x * sigmoid(x)


def softplus(x: Any) -> Any:
    return np.log(1 + np.exp(x))


def logsumexp(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    middle = x.real.mean(axis=axis, keepdims=True)
    y = middle + np.log(np.exp(x - middle).sum(axis=axis, keepdims=True))
    return y if keepdims else y.reshape(x.sum(axis=axis).shape)


def softmax(x: Any, axis: int = -1) -> Any:
    return np.exp(x - logsumexp(x, axis, True))


def log_softmax(x: Any, axis: int = -1) -> Any:
    return x - logsumexp(x, axis, True)


def largest(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    at = x.real == x.real.max(axis=axis, keepdims=True)
    return np.where(at, x, 0).sum(axis=axis, keepdims=keepdims)


def smallest(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    return -largest(-x, axis, keepdims)


def reshape(x: Any, *shape: Any) -> Any:
    return x.reshape(*shape)


def transpose(x: Any, *axes: Any) -> Any:
    return x.transpose(*axes)


def getitem(x: Any, index: Any) -> Any:
    return x[index]


def scatter(x: Any, index: Any, shape: Any) -> Any:
    y = np.zeros(shape, dtype=x.dtype)
    np.add.at(y, index, x)
    return y


def linear(x: Any, W: Any) -> Any:
    return x @ W


def dense(x: Any, W: Any, b: Any) -> Any:
    return x @ W + b


def reduced(losses: Any, reduction: str, axis: Any) -> Any:
    return {
        "none": lambda: losses,
        "sum": lambda: losses.sum(axis=axis),
        "mean": lambda: losses.mean(axis=axis),
    }[reduction]()


def mean_squared_error(p: Any, t: Any, reduction: str = "mean", axis: Any = None) -> Any:
    return reduced((p - t) ** 2, reduction, axis)


def mean_absolute_error(p: Any, t: Any, reduction: str = "mean", axis: Any = None) -> Any:
    return reduced(absolute(p - t), reduction, axis)


def huber(p: Any, t: Any, delta: float = 1.0, reduction: str = "mean", axis: Any = None) -> Any:
    e = absolute(p - t)
    return reduced(np.where(e.real <= delta, e**2 / 2, delta * (e - delta / 2)), reduction, axis)


def hinge(z: Any, s: Any, reduction: str = "mean", axis: Any = None) -> Any:
    return reduced(relu(1 - s * z), reduction, axis)


def bce_with_logits(z: Any, t: Any, reduction: str = "mean", axis: Any = None) -> Any:
    return reduced(softplus(z) - t * z, reduction, axis)


def softmax_cross_entropy(z: Any, t: Any, reduction: str = "mean", axis: Any = None) -> Any:
    q = np.eye(z.shape[-1])[t] if t.dtype.kind in "iu" else t
    return reduced(-(q * log_softmax(z)).sum(axis=-1), reduction, axis)
