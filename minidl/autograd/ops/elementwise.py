"""Arithmetic and elementary functions, element by element, with broadcasting.

In each rule g is the gradient with respect to the result y. A rule gives the gradient with
respect to one argument as if nothing had been broadcast; the sum over repeated elements is taken
in one place, :func:`minidl.autograd.node.fit`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minidl.autograd.primitive import primitive

__all__ = [
    "absolute",
    "add",
    "astype",
    "clip",
    "divide",
    "exp",
    "expm1",
    "log",
    "log1p",
    "maximum",
    "minimum",
    "multiply",
    "negative",
    "positive",
    "power",
    "sign",
    "sqrt",
    "square",
    "subtract",
    "where",
]


@primitive(
    lambda g, y, a, b: g,
    lambda g, y, a, b: g,
    numpy=[np.add],
    methods=["__add__"],
    reflected="__radd__",
)
def add(a: Any, b: Any) -> Any:
    """Sum, y = a + b; dy/da = dy/db = 1."""
    return np.add(a, b)


@primitive(
    lambda g, y, a, b: g,
    lambda g, y, a, b: -g,
    numpy=[np.subtract],
    methods=["__sub__"],
    reflected="__rsub__",
)
def subtract(a: Any, b: Any) -> Any:
    """Difference, y = a - b; dy/da = 1, dy/db = -1."""
    return np.subtract(a, b)


@primitive(
    lambda g, y, a, b: g * b,
    lambda g, y, a, b: g * a,
    numpy=[np.multiply],
    methods=["__mul__"],
    reflected="__rmul__",
)
def multiply(a: Any, b: Any) -> Any:
    """Product, y = a b; dy/da = b, dy/db = a."""
    return np.multiply(a, b)


@primitive(
    lambda g, y, a, b: g / b,
    lambda g, y, a, b: -g * y / b,
    numpy=[np.divide],
    methods=["__truediv__"],
    reflected="__rtruediv__",
)
def divide(a: Any, b: Any) -> Any:
    """Quotient, y = a / b; dy/da = 1 / b, dy/db = -y / b."""
    return np.divide(a, b)


def _is_zero(x: Any) -> Any:
    return np.equal(x, 0)


@primitive(
    lambda g, y, a, b: g * np.where(_is_zero(b), 0.0, b * a ** np.where(_is_zero(b), 1.0, b - 1)),
    lambda g, y, a, b: g * y * np.log(np.where(_is_zero(a), 1.0, a)),
    numpy=[np.power, np.float_power],
    methods=["__pow__"],
    reflected="__rpow__",
)
def power(a: Any, b: Any) -> Any:
    """Power, y = a^b; dy/da = b a^(b-1), 0 for b = 0; dy/db = y log a, 0 at a = 0.

    A negative base with an exponent that is no integer gives nan, as in NumPy.
    """
    return np.power(a, float(b) if isinstance(b, int) else b)


@primitive(lambda g, y, x: -g, numpy=[np.negative], methods=["__neg__"])
def negative(x: Any) -> Any:
    """Negation, y = -x; dy/dx = -1."""
    return np.negative(x)


@primitive(lambda g, y, x: g, numpy=[np.positive], methods=["__pos__"])
def positive(x: Any) -> Any:
    """Copy, y = +x; dy/dx = 1."""
    return np.positive(x)


@primitive(lambda g, y, x: g * y, numpy=[np.exp])
def exp(x: Any) -> Any:
    """Exponential, y = e^x; dy/dx = y."""
    return np.exp(x)


@primitive(lambda g, y, x: g * (y + 1), numpy=[np.expm1])
def expm1(x: Any) -> Any:
    """Exponential minus one, y = e^x - 1, exact for small x; dy/dx = y + 1."""
    return np.expm1(x)


@primitive(lambda g, y, x: g / x, numpy=[np.log])
def log(x: Any) -> Any:
    """Natural logarithm, y = log x; dy/dx = 1 / x."""
    return np.log(x)


@primitive(lambda g, y, x: g / (1 + x), numpy=[np.log1p])
def log1p(x: Any) -> Any:
    """Logarithm of 1 + x, exact for small x; dy/dx = 1 / (1 + x)."""
    return np.log1p(x)


@primitive(lambda g, y, x: g / (2 * y), numpy=[np.sqrt])
def sqrt(x: Any) -> Any:
    """Square root, y = sqrt(x); dy/dx = 1 / (2 y)."""
    return np.sqrt(x)


@primitive(lambda g, y, x: 2 * g * x, numpy=[np.square])
def square(x: Any) -> Any:
    """Square, y = x^2; dy/dx = 2 x."""
    return np.square(x)


@primitive(lambda g, y, x: g * np.sign(x), numpy=[np.absolute, np.fabs], methods=["__abs__"])
def absolute(x: Any) -> Any:
    """Absolute value, y = |x|; dy/dx = sign x, which is 0 at 0."""
    return np.absolute(x)


@primitive(lambda g, y, x: 0.0 * g, numpy=[np.sign])
def sign(x: Any) -> Any:
    """Sign: -1, 0 or 1; dy/dx = 0."""
    return np.sign(x)


def _share(a: Any, b: Any) -> Any:
    """Return 1 where a > b, 0 where a < b, and 1/2 at a tie."""
    return np.where(np.equal(a, b), 0.5, np.where(np.greater(a, b), 1.0, 0.0))


@primitive(
    lambda g, y, a, b: g * _share(a, b),
    lambda g, y, a, b: g * _share(b, a),
    numpy=[np.maximum],
)
def maximum(a: Any, b: Any) -> Any:
    """Larger of a and b; the gradient goes to the larger, and half to each at a tie."""
    return np.maximum(a, b)


@primitive(
    lambda g, y, a, b: g * _share(b, a),
    lambda g, y, a, b: g * _share(a, b),
    numpy=[np.minimum],
)
def minimum(a: Any, b: Any) -> Any:
    """Smaller of a and b; the gradient goes to the smaller, and half to each at a tie."""
    return np.minimum(a, b)


@primitive(lambda g, y, x, low=None, high=None: g * np.equal(x, y), numpy=[np.clip])
def clip(x: Any, low: Any = None, high: Any = None) -> Any:
    """Limit x to [low, high], two plain numbers or arrays; dy/dx = 1 inside and on the bounds."""
    return np.clip(x, low, high)


@primitive(
    None,
    lambda g, y, condition, a, b: np.where(condition, g, 0.0),
    lambda g, y, condition, a, b: np.where(condition, 0.0, g),
    numpy=[np.where],
)
def where(condition: Any, a: Any, b: Any) -> Any:
    """Choose: y = a where the condition holds, else b; the gradient goes to the chosen one."""
    return np.where(condition, a, b)


@primitive(lambda g, y, x, dtype: g.astype(x.dtype), methods=["astype"])
def astype(x: Any, dtype: Any) -> Any:
    """Convert to float64 or float32; dy/dx = 1."""
    return x.astype(dtype)
