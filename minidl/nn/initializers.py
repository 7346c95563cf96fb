"""Initial weights: each initializer is a function ``(shape, generator) -> array``.

``shape`` is (in, out), that of a dense layer's weight. Glorot, He and LeCun keep the variance of
the signal through the layer; they differ in the fan they divide by. Uniform draws are from
+-sqrt(3 variance). Normal draws are not truncated, as in PyTorch; Keras does at two deviations.

Sources: Glorot and Bengio 2010, "Understanding the difficulty of training deep feedforward neural
networks"; He et al. 2015, arXiv 1502.01852; LeCun et al. 1998, "Efficient BackProp".
"""

import math
from collections.abc import Callable

import numpy as np

from minidl.autograd import Array
from minidl.checks import check_number
from minidl.errors import ArgumentError, UnknownNameError, invalid, shown
from minidl.keywords import answers
from minidl.registry import Registry, normalise

__all__ = ["INITIALIZERS", "Initializer", "constant", "initializer", "orthogonal", "zeros"]
__all__ += ["glorot_normal", "glorot_uniform", "he_normal", "he_uniform"]
__all__ += ["lecun_normal", "lecun_uniform"]

Shape = tuple[int, ...]
Initializer = Callable[[Shape, np.random.Generator], Array]
CONSTANT = "constant:0.1"  # an example, for errors


def _uniform(variance: float, shape: Shape, generator: np.random.Generator) -> Array:
    limit = np.sqrt(3.0 * variance)
    return generator.uniform(-limit, limit, shape)


@answers
def glorot_uniform(shape: Shape, generator: np.random.Generator) -> Array:
    """Draw uniformly with variance 2 / (in + out), for tanh and sigmoid. Glorot 2010, eq. 16."""
    return _uniform(2.0 / (shape[0] + shape[1]), shape, generator)


@answers
def glorot_normal(shape: Shape, generator: np.random.Generator) -> Array:
    """Draw from the normal distribution of variance 2 / (in + out). Glorot 2010, eq. 12."""
    return generator.normal(0.0, np.sqrt(2.0 / (shape[0] + shape[1])), shape)


@answers
def he_uniform(shape: Shape, generator: np.random.Generator) -> Array:
    """Draw uniformly with variance 2 / in, for ReLU. He 2015."""
    return _uniform(2.0 / shape[0], shape, generator)


@answers
def he_normal(shape: Shape, generator: np.random.Generator) -> Array:
    """Draw from the normal distribution of variance 2 / in, for ReLU. He 2015, eq. 10."""
    return generator.normal(0.0, np.sqrt(2.0 / shape[0]), shape)


@answers
def lecun_uniform(shape: Shape, generator: np.random.Generator) -> Array:
    """Draw uniformly with variance 1 / in. LeCun 1998."""
    return _uniform(1.0 / shape[0], shape, generator)


@answers
def lecun_normal(shape: Shape, generator: np.random.Generator) -> Array:
    """Draw from the normal distribution of variance 1 / in, for SELU. LeCun 1998, eq. 16."""
    return generator.normal(0.0, np.sqrt(1.0 / shape[0]), shape)


@answers
def orthogonal(shape: Shape, generator: np.random.Generator) -> Array:
    """Draw a matrix with orthonormal rows or columns, whichever are fewer.

    Saxe, McClelland and Ganguli 2014, arXiv 1312.6120. The signs of R's diagonal are moved into Q;
    otherwise the QR decomposition would not be uniformly distributed.
    """
    rows, columns = shape
    q, r = np.linalg.qr(generator.standard_normal((max(shape), min(shape))))
    q *= np.where(np.diag(r) < 0, -1.0, 1.0)
    return np.ascontiguousarray(q if rows >= columns else q.T)


@answers
def zeros(shape: Shape, generator: np.random.Generator) -> Array:
    """Return zeros, for biases; zero weights would make all units of a layer equal."""
    return np.zeros(shape)


@answers
def constant(value: float) -> Initializer:
    """Return an initializer that sets every element to `value`, which must be finite."""
    number = check_number("value", value, math.isfinite, "a finite number")
    return lambda shape, generator: np.full(shape, number)


INITIALIZERS: Registry[Initializer] = Registry("initializer")
for _draw in (glorot_uniform, glorot_normal, he_uniform, he_normal, lecun_uniform, lecun_normal):
    INITIALIZERS.add(_draw.__name__, _draw)
INITIALIZERS.add("orthogonal", orthogonal)
INITIALIZERS.add("zeros", zeros)


@answers
def initializer(name: str | Initializer) -> Initializer:
    """Return the initializer of that name; ``"constant:0.1"`` fills with 0.1.

    A function is returned as it is; ``INITIALIZERS.add(name, function)`` adds a name. An unknown
    name is an UnknownNameError, another object an ArgumentError.

    >>> initializer("he_normal") is he_normal
    True
    """
    if callable(name):
        return name
    if not isinstance(name, str):
        hint = "A function is (shape, generator) -> array; one number is constant(0.1)."
        raise invalid("initializer", name, 'a name such as "he_normal", or a function', hint)
    word, _, value = name.partition(":")
    if normalise(word) == "constant":
        try:
            return constant(float(value))
        except ValueError:
            message = "the constant initializer needs a finite number"
            expected = f"for instance {CONSTANT!r}"
            raise ArgumentError(message, received=shown(name), expected=expected) from None
    if name not in INITIALIZERS:
        raise UnknownNameError("initializer", name, [*INITIALIZERS, CONSTANT])
    return INITIALIZERS[name]
