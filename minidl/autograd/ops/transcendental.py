"""Exponentials and logarithms, trigonometric and hyperbolic functions and their inverses, erf.

The rules hold at extreme inputs: where the textbook formula would overflow or cancel, such as
1 / (1 + x^2) at 1e200 or e^x as (e^x - 1) + 1 at -40, an equal one without that is used. A
derivative that is infinite, such as that of arcsin at 1, is inf, with NumPy's warning.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minidl.autograd.ops.elementwise import ratio
from minidl.autograd.primitive import primitive, quiet

__all__ = [
    "arccos",
    "arccosh",
    "arcsin",
    "arcsinh",
    "arctan",
    "arctan2",
    "arctanh",
    "cos",
    "cosh",
    "erf",
    "exp",
    "expm1",
    "hypot",
    "log",
    "log1p",
    "log2",
    "log10",
    "sin",
    "sinh",
    "tan",
    "tanh",
]

LOG2_E = 1.4426950408889634  # 1 / log 2
LOG10_E = 0.4342944819032518  # 1 / log 10


@primitive(lambda g, y, x: g * y, numpy=[np.exp], methods=["exp"])
@quiet
def exp(x: Any) -> Any:
    """Exponential, y = e^x; dy/dx = y."""
    return np.exp(x)


@primitive(lambda g, y, x: g * np.exp(x), numpy=[np.expm1], methods=["expm1"])
@quiet
def expm1(x: Any) -> Any:
    """Exponential minus one, y = e^x - 1, exact for small x; dy/dx = e^x (y + 1 would cancel)."""
    return np.expm1(x)


@primitive(lambda g, y, x: g / x, numpy=[np.log], methods=["log"])
def log(x: Any) -> Any:
    """Natural logarithm, y = log x; dy/dx = 1 / x."""
    return np.log(x)


@primitive(lambda g, y, x: g / (1 + x), numpy=[np.log1p], methods=["log1p"])
def log1p(x: Any) -> Any:
    """Logarithm of 1 + x, exact for small x; dy/dx = 1 / (1 + x)."""
    return np.log1p(x)


@primitive(lambda g, y, x: g * LOG2_E / x, numpy=[np.log2], methods=["log2"])
def log2(x: Any) -> Any:
    """Logarithm to base 2, y = log x / log 2; dy/dx = 1 / (x log 2)."""
    return np.log2(x)


@primitive(lambda g, y, x: g * LOG10_E / x, numpy=[np.log10], methods=["log10"])
def log10(x: Any) -> Any:
    """Logarithm to base 10, y = log x / log 10; dy/dx = 1 / (x log 10)."""
    return np.log10(x)


@primitive(lambda g, y, x: g * np.cos(x), numpy=[np.sin], methods=["sin"])
def sin(x: Any) -> Any:
    """Sine, y = sin x; dy/dx = cos x."""
    return np.sin(x)


@primitive(lambda g, y, x: -g * np.sin(x), numpy=[np.cos], methods=["cos"])
def cos(x: Any) -> Any:
    """Cosine, y = cos x; dy/dx = -sin x."""
    return np.cos(x)


@primitive(lambda g, y, x: g * (1.0 + y * y), numpy=[np.tan], methods=["tan"])
def tan(x: Any) -> Any:
    """Tangent, y = tan x; dy/dx = 1 + y^2."""
    return np.tan(x)


@primitive(lambda g, y, x: g * np.cosh(x), numpy=[np.sinh], methods=["sinh"])
def sinh(x: Any) -> Any:
    """Hyperbolic sine, y = sinh x; dy/dx = cosh x."""
    return np.sinh(x)


@primitive(lambda g, y, x: g * np.sinh(x), numpy=[np.cosh], methods=["cosh"])
def cosh(x: Any) -> Any:
    """Hyperbolic cosine, y = cosh x; dy/dx = sinh x."""
    return np.cosh(x)


def tanh_rule(g: Any, y: Any, x: Any) -> Any:
    """Return g (1 - y^2), which needs no x."""
    slope = 1.0 - y * y
    slope *= g  # into the same array; of Tensors, a new one
    return slope


@primitive(tanh_rule, numpy=[np.tanh], methods=["tanh"])
def tanh(x: Any) -> Any:
    """Hyperbolic tangent, y = tanh x; dy/dx = 1 - y^2."""
    return np.tanh(x)


@primitive(lambda g, y, x: g / np.sqrt((1 - x) * (1 + x)), numpy=[np.arcsin], methods=["arcsin"])
def arcsin(x: Any) -> Any:
    """Inverse sine, for |x| <= 1; dy/dx = 1 / sqrt((1 - x)(1 + x)), infinite at +-1."""
    return np.arcsin(x)


@primitive(lambda g, y, x: -g / np.sqrt((1 - x) * (1 + x)), numpy=[np.arccos], methods=["arccos"])
def arccos(x: Any) -> Any:
    """Inverse cosine, for |x| <= 1; dy/dx = -1 / sqrt((1 - x)(1 + x)), infinite at +-1."""
    return np.arccos(x)


def _over_square(g: Any, r: Any) -> Any:
    return g / r / r  # r^2 could overflow


@primitive(lambda g, y, x: _over_square(g, np.hypot(1.0, x)), numpy=[np.arctan], methods=["arctan"])
def arctan(x: Any) -> Any:
    """Inverse tangent, y = arctan x; dy/dx = 1 / (1 + x^2) = 1 / r^2 with r = hypot(1, x)."""
    return np.arctan(x)


@primitive(lambda g, y, x: g / np.hypot(1.0, x), numpy=[np.arcsinh], methods=["arcsinh"])
def arcsinh(x: Any) -> Any:
    """Inverse hyperbolic sine; dy/dx = 1 / sqrt(1 + x^2) = 1 / hypot(1, x)."""
    return np.arcsinh(x)


@primitive(
    lambda g, y, x: g / (np.sqrt(x - 1) * np.sqrt(x + 1)), numpy=[np.arccosh], methods=["arccosh"]
)
def arccosh(x: Any) -> Any:
    """Inverse hyperbolic cosine, for x >= 1; dy/dx = 1 / sqrt(x^2 - 1), infinite at 1."""
    return np.arccosh(x)


@primitive(lambda g, y, x: g / ((1 - x) * (1 + x)), numpy=[np.arctanh], methods=["arctanh"])
def arctanh(x: Any) -> Any:
    """Inverse hyperbolic tangent, for |x| <= 1; dy/dx = 1 / ((1 - x)(1 + x)), infinite at +-1."""
    return np.arctanh(x)


@primitive(
    lambda g, y, a, b: g * ratio(a, y),
    lambda g, y, a, b: g * ratio(b, y),
    numpy=[np.hypot],
    methods=["hypot"],
)
@quiet
def hypot(a: Any, b: Any) -> Any:
    """Length, y = sqrt(a^2 + b^2) without overflow; dy/da = a / y, dy/db = b / y, 0 at (0, 0).

    At the origin there is no derivative; 0 is the mean over all directions, and lies in the
    subdifferential. PyTorch and JAX give nan there.
    """
    return np.hypot(a, b)


def _turn(g: Any, c: Any, r: Any) -> Any:
    """Return g c / r^2, and 0 where the length r is 0."""
    return ratio(g * ratio(c, r), r)


@primitive(
    lambda g, y, a, b: _turn(g, b, np.hypot(a, b)),
    lambda g, y, a, b: _turn(-g, a, np.hypot(a, b)),
    numpy=[np.arctan2],
    methods=["arctan2"],
)
def arctan2(a: Any, b: Any) -> Any:
    """Angle of the point (b, a); dy/da = b / r^2, dy/db = -a / r^2, r = hypot(a, b).

    At the origin there is no derivative, in no sense; the gradient is 0 there, as in PyTorch
    (JAX gives nan).
    """
    return np.arctan2(a, b)


TWO_OVER_SQRT_PI = 1.1283791670955126


def _bell(x: Any) -> Any:
    """Return e^(-x^2), with x limited to where its square cannot overflow, also in float32."""
    x = np.clip(x, -1e15, 1e15)
    return np.exp(-(x * x))


@primitive(lambda g, y, x: g * (TWO_OVER_SQRT_PI * _bell(x)), methods=["erf"])
@quiet
def erf(x: Any) -> Any:
    """Error function; dy/dx = 2 / sqrt(pi) e^(-x^2). Computed by SciPy, as NumPy has none."""
    from scipy.special import erf as scipy_erf  # comes with scikit-learn

    return scipy_erf(x)
