"""Arithmetic, powers and choices, element by element, with broadcasting.

In each rule g is the gradient with respect to the result y. A rule gives the gradient with
respect to one argument as if nothing had been broadcast; the sum over repeated elements is taken
in one place, :func:`minidl.autograd.node.fit`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minidl.autograd.node import Node
from minidl.autograd.primitive import composite, primitive
from minidl.errors import ArgumentError

__all__ = [
    "abs",
    "absolute",
    "add",
    "astype",
    "clip",
    "divide",
    "maximum",
    "minimum",
    "multiply",
    "negative",
    "positive",
    "power",
    "reciprocal",
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
    methods=["__add__", "add"],
    reflected="__radd__",
)
def add(a: Any, b: Any) -> Any:
    """Sum, y = a + b; dy/da = dy/db = 1."""
    return np.add(a, b)


@primitive(
    lambda g, y, a, b: g,
    lambda g, y, a, b: -g,
    numpy=[np.subtract],
    methods=["__sub__", "subtract"],
    reflected="__rsub__",
)
def subtract(a: Any, b: Any) -> Any:
    """Difference, y = a - b; dy/da = 1, dy/db = -1."""
    return np.subtract(a, b)


@primitive(
    lambda g, y, a, b: g * b,
    lambda g, y, a, b: g * a,
    numpy=[np.multiply],
    methods=["__mul__", "multiply"],
    reflected="__rmul__",
)
def multiply(a: Any, b: Any) -> Any:
    """Product, y = a b; dy/da = b, dy/db = a."""
    return np.multiply(a, b)


def ratio(a: Any, b: Any) -> Any:
    """Return a / b for rules, and 0 where b is 0: the middle one of the slopes beside a kink."""
    zero = np.equal(b, 0)
    return np.where(zero, 0.0, a / np.where(zero, 1.0, b))


@primitive(
    lambda g, y, a, b: g / b,
    lambda g, y, a, b: -g * (y / b),
    numpy=[np.divide],
    methods=["__truediv__", "divide"],
    reflected="__rtruediv__",
)
def divide(a: Any, b: Any) -> Any:
    """Quotient, y = a / b; dy/da = 1 / b, dy/db = -y / b."""
    return np.divide(a, b)


def _slope_of_base(g: Any, y: Any, a: Any, b: Any) -> Any:
    """Return g b a^(b-1); where b = 0, with a^(-1) only if it is finite and b may be moved."""
    if isinstance(b, np.ndarray | np.generic) and b.dtype.kind != "f":
        b = b.astype(y.dtype)  # b - 1 could wrap around
    zero, lower = np.equal(b, 0), b - 1
    if np.any(zero):
        moves = isinstance(b, Node) and b.requires_grad
        kept = np.absolute(a) >= np.finfo(y.dtype).tiny if moves else False
        lower = np.where(zero & np.logical_not(kept), 0.0, lower)
    return g * (b * a**lower)


def _slope_of_exponent(g: Any, y: Any, a: Any, b: Any) -> Any:
    """Return g y log a, and 0 where a = 0 and b >= 0, as y is 0 (or 1) for every such b."""
    safe = np.where(np.equal(a, 0) & np.greater_equal(b, 0), 1.0, a)
    return g * y * np.log(safe)


@primitive(
    _slope_of_base,
    _slope_of_exponent,
    numpy=[np.power, np.float_power],
    methods=["__pow__", "pow"],
    reflected="__rpow__",
)
def power(a: Any, b: Any) -> Any:
    """Power, y = a^b; dy/da = b a^(b-1), 0 for b = 0; dy/db = y log a, 0 at a = 0 for b >= 0.

    A negative base has all derivatives with respect to a at whole exponents, given as integers
    or floats. Otherwise, and with respect to b, a negative base gives nan, as in NumPy and
    PyTorch. Where b = 0 is differentiated too, d2y/da db = 1 / a is kept; PyTorch says 0.
    """
    return np.power(a, float(b) if isinstance(b, int) else b)


@primitive(lambda g, y, x: -g, numpy=[np.negative], methods=["__neg__", "negative"])
def negative(x: Any) -> Any:
    """Negation, y = -x; dy/dx = -1."""
    return np.negative(x)


@primitive(lambda g, y, x: g, numpy=[np.positive], methods=["__pos__", "positive"])
def positive(x: Any) -> Any:
    """Copy, y = +x; dy/dx = 1."""
    return np.positive(x)


@primitive(lambda g, y, x: g / (2 * y), numpy=[np.sqrt], methods=["sqrt"])
def sqrt(x: Any) -> Any:
    """Square root, y = sqrt(x); dy/dx = 1 / (2 y), which is inf at 0, as in PyTorch."""
    return np.sqrt(x)


@primitive(lambda g, y, x: 2 * g * x, numpy=[np.square], methods=["square"])
def square(x: Any) -> Any:
    """Square, y = x^2; dy/dx = 2 x."""
    return np.square(x)


@primitive(lambda g, y, x: -g * y * y, numpy=[np.reciprocal], methods=["reciprocal"])
def reciprocal(x: Any) -> Any:
    """Reciprocal, y = 1 / x; dy/dx = -y^2. Of integers too, where NumPy's rounds to 0."""
    return np.divide(1.0, x)


@primitive(
    lambda g, y, x: g * np.sign(x),
    numpy=[np.absolute, np.fabs],
    methods=["__abs__", "abs", "absolute"],
)
def absolute(x: Any) -> Any:
    """Absolute value, y = |x|; dy/dx = sign x, which is 0 at 0. Also called ``abs``."""
    return np.absolute(x)


abs = absolute


@primitive(lambda g, y, x: np.where(False, g, 0.0), numpy=[np.sign], methods=["sign"])
def sign(x: Any) -> Any:
    """Sign: -1, 0 or 1; dy/dx = 0, whatever the gradient that arrives."""
    return np.sign(x)


def _to_larger(g: Any, a: Any, b: Any) -> Any:
    """Return g where a > b, 0 where a < b, and g / 2 at a tie."""
    return np.where(np.equal(a, b), 0.5 * g, np.where(np.greater(a, b), g, 0.0))


@primitive(
    lambda g, y, a, b: _to_larger(g, a, b),
    lambda g, y, a, b: _to_larger(g, b, a),
    numpy=[np.maximum],
    methods=["maximum"],
)
def maximum(a: Any, b: Any) -> Any:
    """Larger of a and b; the gradient goes to the larger, and half to each at a tie."""
    return np.maximum(a, b)


@primitive(
    lambda g, y, a, b: _to_larger(g, b, a),
    lambda g, y, a, b: _to_larger(g, a, b),
    numpy=[np.minimum],
    methods=["minimum"],
)
def minimum(a: Any, b: Any) -> Any:
    """Smaller of a and b; the gradient goes to the smaller, and half to each at a tie."""
    return np.minimum(a, b)


def _at_lower(a: Any, y: Any, low: Any) -> Any:
    """Tell where the lower bound was put in the place of a."""
    return np.less(a, y) & (low is None or np.equal(y, low))


def _at_upper(a: Any, y: Any, low: Any) -> Any:
    """Tell where the upper bound was, also where it lies below the lower one, and so counts."""
    return np.greater(a, y) | (np.less(a, y) & ~_at_lower(a, y, low))


@primitive(
    lambda g, y, a, low, high: np.where(np.equal(a, y), g, 0.0),
    lambda g, y, a, low, high: np.where(_at_lower(a, y, low), g, 0.0),
    lambda g, y, a, low, high: np.where(_at_upper(a, y, low), g, 0.0),
)
def _clip(a: Any, low: Any, high: Any) -> Any:
    return np.positive(a) if low is None and high is None else np.clip(a, low, high)


@composite(numpy=[np.clip], methods=["clip"])
def clip(a: Any, a_min: Any = None, a_max: Any = None, *, min: Any = None, max: Any = None) -> Any:
    """Limit a to [a_min, a_max]; dy/da = 1 inside and on the bounds, where a bound's is 0.

    Outside it is the other way round: dy/da = 0, and 1 for the bound that was put in its place.

    Parameters
    ----------
    a : array_like or Tensor
        What to limit.
    a_min, a_max : array_like or None
        The bounds, which broadcast with `a`; None leaves that side open.
    min, max : array_like or None
        The same by NumPy's newer names, instead of the others.

    Raises
    ------
    ArgumentError
        Bounds are given by both names.

    Examples
    --------
    >>> clip(np.array([-2.0, 0.5, 3.0]), -1, 1)
    array([-1. ,  0.5,  1. ])
    >>> clip(np.array([-2.0, 0.5, 3.0]), min=0)
    array([0. , 0.5, 3. ])
    """
    if min is not None or max is not None:
        if a_min is not None or a_max is not None:
            raise ArgumentError(
                "clip was given bounds by two names",
                received=f"a_min={a_min}, a_max={a_max}, min={min}, max={max}",
                expected="a_min and a_max, or min and max",
            )
        a_min, a_max = min, max
    return _clip(a, a_min, a_max)


@primitive(
    None,
    lambda g, y, condition, a, b: np.where(condition, g, 0.0),
    lambda g, y, condition, a, b: np.where(condition, 0.0, g),
    numpy=[np.where],
)
def where(condition: Any, a: Any, b: Any) -> Any:
    """Choose: y = a where the condition holds, else b; the gradient goes to the chosen one.

    The other gets exactly 0, whatever its value and the gradient. But if that other was itself
    computed with an infinite derivative, 0 times it is nan: choose the input first, then compute.
    """
    return np.where(condition, a, b)


@composite(methods=["where"])
def _where(a: Any, condition: Any, b: Any) -> Any:
    return where(condition, a, b)  # a.where(condition, b), in the order of PyTorch's method


@primitive(lambda g, y, x, dtype: g, methods=["astype"])
def astype(x: Any, dtype: Any) -> Any:
    """Convert to float64 or float32; dy/dx = 1."""
    return x.astype(dtype)
