"""Elementwise functions that no layer of minidl uses."""

import math

import numpy as np

from minidl.autograd.node import Value, as_floats
from minidl.autograd.ops.ufuncs import TWO_OVER_SQRT_PI, bell
from minidl.autograd.primitive import composite, from_numpy, primitive, quiet

__all__ = ["erfc", "exp2", "lerp", "logit", "nan_to_num", "rsqrt", "sinc"]

_LOG_2 = 0.6931471805599453
# sinc x = sum_k (-1)^k (pi x)^2k / (2k + 1)!, so its slope is pi^2 x times a sum with these factors
_SINC_FACTORS = [(-1) ** k * 2 * k / math.factorial(2 * k + 1) for k in range(12, 0, -1)]

exp2 = from_numpy(
    quiet(np.exp2), lambda g, y, x: g * (y * _LOG_2), doc="Power of 2, y = 2^x; dy/dx = y log 2."
)


@primitive(lambda g, y, x: -0.5 * g * (y * y * y), elementwise=True)
def rsqrt(x: Value) -> Value:
    """Reciprocal of the square root, y = 1 / sqrt(x); dy/dx = -y^3 / 2, infinite at 0."""
    return np.divide(1.0, np.sqrt(x))


@primitive(lambda g, y, x: g * (-TWO_OVER_SQRT_PI * bell(x)), elementwise=True)
@quiet
def erfc(x: Value) -> Value:
    """Complement of the error function, y = 1 - erf(x), exact for large x too.

    dy/dx = -2 / sqrt(pi) e^(-x^2).
    """
    from scipy.special import erfc as scipy_erfc  # imported late: it takes 0.1 s

    return scipy_erfc(x)


@primitive(lambda g, y, x: g / (np.where(np.isnan(y), np.nan, x) * (1.0 - x)), elementwise=True)
def logit(x: Value) -> Value:
    """Inverse of the sigmoid, y = log(x / (1 - x)); dy/dx = 1 / (x (1 - x)).

    It is -inf at 0, inf at 1, and outside [0, 1] nan, as its derivative is there.
    PyTorch's `eps` is a :func:`clip` before it.
    """
    from scipy.special import logit as scipy_logit

    return scipy_logit(x)


def _sinc_slope(y: Value, x: Value) -> Value:
    """Return (cos(pi x) - y) / x, and its series where the difference would cancel."""
    near = np.less(np.absolute(x), 0.5)
    small: Value = np.where(near, x, 0.0)
    large: Value = np.where(near, 1.0, x)
    u = np.square(np.pi * small)
    series: Value = 0.0
    for factor in _SINC_FACTORS:
        series = series * u + factor
    return np.where(near, np.pi**2 * small * series, (np.cos(np.pi * large) - y) / large)


@primitive(lambda g, y, x: g * _sinc_slope(y, x), elementwise=True)
@quiet
def sinc(x: Value) -> Value:
    """Normalised sinc, y = sin(pi x) / (pi x), 1 at 0; dy/dx = (cos(pi x) - y) / x, 0 at 0."""
    return np.sinc(x)


@composite
def lerp(a: Value, b: Value, t: Value) -> Value:
    """Linear interpolation, y = a + t (b - a): exactly a at t = 0 and b at t = 1.

    dy/da = 1 - t, dy/db = t, dy/dt = b - a. PyTorch calls t `weight`.

    >>> lerp(2.0, np.array([4.0, 10.0]), 0.25)
    array([2.5, 4. ])
    """
    a, b, t = (np.asarray(v) if isinstance(v, list | tuple) else v for v in (a, b, t))
    return np.where(np.less(t, 0.5), a + t * (b - a), b - (1.0 - t) * (b - a))


@composite
def nan_to_num(
    x: Value, *, nan: Value = 0.0, posinf: Value | None = None, neginf: Value | None = None
) -> Value:
    """Replace nan, inf and -inf; dy/dx = 1 where x is finite, else 0.

    By default nan becomes 0, and the infinities the largest and the smallest finite number.

    >>> nan_to_num(np.array([1.0, np.nan, -np.inf]), neginf=-9.0)
    array([ 1.,  0., -9.])
    """
    x = as_floats(x)
    limit = np.finfo(x.dtype)
    y: Value = np.where(np.isnan(x), nan, x)
    y = np.where(np.equal(x, np.inf), float(limit.max) if posinf is None else posinf, y)
    return np.where(np.equal(x, -np.inf), float(limit.min) if neginf is None else neginf, y)
