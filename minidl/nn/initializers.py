"""Initial weights: each initializer is a function ``(shape, generator) -> array``.

``shape`` is (in, out), as a :class:`~minidl.nn.Dense` layer's weight. Those of Glorot, He and
LeCun keep the variance of what flows through the layer; they differ in which fan they divide by.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from minidl.autograd import Array
from minidl.checks import bare_name, check_name, check_number
from minidl.errors import ArgumentError

__all__ = [
    "INITIALIZERS",
    "Initializer",
    "constant",
    "glorot_normal",
    "glorot_uniform",
    "he_normal",
    "he_uniform",
    "initializer",
    "lecun_normal",
    "lecun_uniform",
    "orthogonal",
    "zeros",
]

Shape = tuple[int, ...]
Initializer = Callable[[Shape, np.random.Generator], Array]


def glorot_uniform(shape: Shape, generator: np.random.Generator) -> Array:
    """Draw uniformly from +-sqrt(6 / (in + out)): variance 2 / (in + out).

    Glorot and Bengio 2010, eq. 16. For tanh, sigmoid and linear layers; Keras's default.
    """
    return _uniform(2.0 / (shape[0] + shape[1]), shape, generator)


def glorot_normal(shape: Shape, generator: np.random.Generator) -> Array:
    """Draw from the normal distribution of variance 2 / (in + out).

    Glorot and Bengio 2010, eq. 12. PyTorch does the same; Keras truncates at two deviations.
    """
    return _normal(2.0 / (shape[0] + shape[1]), shape, generator)


def he_uniform(shape: Shape, generator: np.random.Generator) -> Array:
    """Draw uniformly from +-sqrt(6 / in): variance 2 / in.

    He et al. 2015, arXiv 1502.01852; for ReLU.
    """
    return _uniform(2.0 / shape[0], shape, generator)


def he_normal(shape: Shape, generator: np.random.Generator) -> Array:
    """Draw from the normal distribution of variance 2 / in.

    He et al. 2015, arXiv 1502.01852, eq. 10; for ReLU. Keras truncates at two deviations.
    """
    return _normal(2.0 / shape[0], shape, generator)


def lecun_uniform(shape: Shape, generator: np.random.Generator) -> Array:
    """Draw uniformly from +-sqrt(3 / in): variance 1 / in.

    LeCun et al. 1998, "Efficient BackProp".
    """
    return _uniform(1.0 / shape[0], shape, generator)


def lecun_normal(shape: Shape, generator: np.random.Generator) -> Array:
    """Draw from the normal distribution of variance 1 / in.

    LeCun et al. 1998, "Efficient BackProp", eq. 16; what SELU requires. Keras truncates it.
    """
    return _normal(1.0 / shape[0], shape, generator)


def orthogonal(shape: Shape, generator: np.random.Generator) -> Array:
    """Draw a matrix with orthonormal rows or columns, whichever are fewer.

    Saxe, McClelland and Ganguli 2014, arXiv 1312.6120. The signs of R's diagonal are moved into Q,
    without which the QR decomposition would not be uniformly distributed.
    """
    rows, columns = shape
    q, r = np.linalg.qr(generator.standard_normal((max(shape), min(shape))))
    q *= np.where(np.diag(r) < 0, -1.0, 1.0)
    drawn: Array = np.ascontiguousarray(q if rows >= columns else q.T)
    return drawn


def zeros(shape: Shape, generator: np.random.Generator) -> Array:
    """Return zeros: right for biases; as weights, all units of a layer would stay the same."""
    return np.zeros(shape)


def constant(value: float) -> Initializer:
    """Return an initializer that sets every element to `value`.

    Examples
    --------
    >>> constant(0.1)((1, 3), np.random.default_rng(0))
    array([[0.1, 0.1, 0.1]])
    """
    number = check_number("value", value, math.isfinite, "a finite number")

    def fill(shape: Shape, generator: np.random.Generator) -> Array:
        return np.full(shape, number)

    return fill


def _uniform(variance: float, shape: Shape, generator: np.random.Generator) -> Array:
    limit = np.sqrt(3.0 * variance)
    return generator.uniform(-limit, limit, shape)


def _normal(variance: float, shape: Shape, generator: np.random.Generator) -> Array:
    return generator.normal(0.0, np.sqrt(variance), shape)


INITIALIZERS: dict[str, Initializer] = {
    "glorot_uniform": glorot_uniform,
    "glorot_normal": glorot_normal,
    "he_uniform": he_uniform,
    "he_normal": he_normal,
    "lecun_uniform": lecun_uniform,
    "lecun_normal": lecun_normal,
    "orthogonal": orthogonal,
    "zeros": zeros,
}


def initializer(name: str | Initializer) -> Initializer:
    """Return the initializer of that name; ``"constant:0.1"`` fills with 0.1.

    Raises
    ------
    UnknownNameError
        There is no such name; the message suggests the nearest.

    Examples
    --------
    >>> initializer("he_normal") is he_normal
    True
    """
    if callable(name):
        return name
    word, colon, value = str(name).partition(":")
    if bare_name(word) == "constant":
        try:
            return constant(float(value))
        except ValueError:
            raise ArgumentError(
                "the constant initializer needs a value",
                received=repr(name),
                expected="for instance 'constant:0.1'",
            ) from None
    known = [*INITIALIZERS, "constant:0.1"]
    return INITIALIZERS[check_name("initializer", name if colon else word, known)]
