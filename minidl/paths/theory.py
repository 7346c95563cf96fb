"""Theory of gradient descent, momentum and NAG along one direction of a quadratic.

Along an eigenvector of the Hessian with eigenvalue h, every rule is a linear recurrence. With
x = lr h, q = 1 - x and z_k the coordinate divided by its start, from rest (z_1 = q):

    gradient descent   z_{k+1} = q z_k
    momentum           z_{k+1} = (1 + m - x) z_k - m z_{k-1}
    NAG                z_{k+1} = (1 + m) q z_k - m q z_{k-1}

Polyak 1964, section 3; Lessard, Recht and Packard 2016, "Analysis and design of optimization
algorithms via integral quadratic constraints", SIAM J. Optim. 26:57, section 2.2.
"""

import math
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from minidl.checks import check_count, check_number
from minidl.errors import MinidlError, UnknownNameError, invalid
from minidl.memory import check_memory
from minidl.optim import NAG, GradientDescent, Momentum, Optimizer, ReformulatedNAG
from minidl.values import numbers

Array = npt.NDArray[Any]
RULES = ("gd", "momentum", "nag")
CLASSES = {GradientDescent: "gd", Momentum: "momentum", NAG: "nag", ReformulatedNAG: "nag"}


class Rule(NamedTuple):
    """A rule of `RULES` with constant hyperparameters."""

    name: str
    lr: float
    momentum: float


def rule_of(optimizer: Optimizer) -> Rule | None:
    """Return the rule that an optimizer applies, or None if theory has no closed form for it.

    >>> rule_of(NAG(0.1))
    Rule(name='nag', lr=0.1, momentum=0.9)
    """
    name, settings = CLASSES.get(type(optimizer)), optimizer.hyperparameters
    if name is None or not all(isinstance(value, float) for value in settings.values()):
        return None
    return Rule(name, settings["lr"], settings.get("momentum", 0.0))


def recurrence(rule: str, x: npt.ArrayLike, momentum: npt.ArrayLike = 0.9) -> tuple[Array, Array]:
    """Return t and c of z_{k+1} = t z_k - c z_{k-1}, for x = lr h; see the top of this file.

    Examples
    --------
    >>> t, c = recurrence("nag", 0.5, 0.9)
    >>> print(f"{t:.2f} {c:.2f}")
    0.95 0.45
    """
    x, m = np.broadcast_arrays(_real("x", x), _momentum(momentum))
    if rule == "gd":
        return 1 - x, np.zeros_like(x)
    if rule == "momentum":
        return 1 + m - x, np.array(m)
    if rule == "nag":
        return (1 + m) * (1 - x), m * (1 - x)
    raise UnknownNameError("rule", rule, RULES)


def _real(name: str, values: npt.ArrayLike) -> Array:
    """Return finite numbers as an array, or raise an ArgumentError that names them."""
    try:
        array, _ = numbers(values)
    except (MinidlError, TypeError):
        raise invalid(name, values, "a number, or an array of numbers") from None
    if not np.isfinite(array).all():
        raise invalid(name, values, "finite")
    return array.astype(float)


def _momentum(values: npt.ArrayLike) -> Array:
    """Return momenta, or raise unless they are in [0, 1)."""
    m = _real("momentum", values)
    if not ((m >= 0) & (m < 1)).all():
        raise invalid("momentum", values, "in [0, 1)")
    return m


def spectral_radius(rule: str, x: npt.ArrayLike, momentum: npt.ArrayLike = 0.9) -> Array:
    """Return the factor by which the distance shrinks per step in the long run.

    It is the modulus of the larger root of z^2 - t z + c: sqrt(c) if the roots are complex. Below
    1 the rule is stable. Arrays are broadcast.

    Examples
    --------
    >>> [f"{spectral_radius(rule, 0.5):.3f}" for rule in RULES]
    ['0.500', '0.949', '0.671']
    """
    t, c = recurrence(rule, x, momentum)
    with np.errstate(over="ignore"):
        square = t * t - 4 * c
        real = (np.abs(t) + np.sqrt(np.maximum(square, 0))) / 2
    return np.where(square < 0, np.sqrt(np.maximum(c, 0)), real)


def stability_limit(rule: str, momentum: npt.ArrayLike = 0.9) -> Array:
    """Return the limit of x = lr h: the rule is stable if and only if 0 < x < limit.

    2 for gradient descent, 2 (1 + m) for momentum, 2 (1 + m) / (1 + 2 m) for NAG.

    Examples
    --------
    >>> [f"{stability_limit(rule):.3f}" for rule in RULES]
    ['2.000', '3.800', '1.357']
    """
    recurrence(rule, 0.0)  # checks the name
    m = _momentum(momentum)
    limits: dict[str, Array] = {
        "gd": 2 + 0 * m,
        "momentum": 2 * (1 + m),
        "nag": 2 * (1 + m) / (1 + 2 * m),
    }
    return limits[rule]


def crossing_limit(rule: str, momentum: npt.ArrayLike = 0.9) -> Array:
    """Return the largest x = lr h at which the rule, from rest, never crosses the minimum.

    1 for gradient descent, (1 - sqrt m)^2 for momentum, ((1 - m) / (1 + m))^2 for NAG, which does
    not cross at x = 1 either. Just above, momentum and NAG have complex roots and oscillate.

    Examples
    --------
    >>> [f"{crossing_limit(rule):.6f}" for rule in RULES]
    ['1.000000', '0.002633', '0.002770']
    """
    recurrence(rule, 0.0)
    m = _momentum(momentum)
    limits: dict[str, Array] = {
        "gd": 1 + 0 * m,
        "momentum": (1 - np.sqrt(m)) ** 2,
        "nag": ((1 - m) / (1 + m)) ** 2,
    }
    return limits[rule]


def closed_form(rule: str, x: float, momentum: float, steps: int) -> Array:
    """Return z_0, ..., z_steps, shape (steps + 1,), from z_0 = 1 and rest.

    With complex roots r exp(+-i phi), z_k = r^k (cos k phi + C sin k phi), where
    C = (q - r cos phi) / (r sin phi); with real roots a and b,
    z_k = ((q - b) a^k - (q - a) b^k) / (a - b); with a double root, a^k + (q - a) k a^(k-1).

    Examples
    --------
    >>> closed_form("momentum", 0.1, 0.9, 2).round(4)
    array([1.  , 0.9 , 0.72])
    """
    count = check_count("steps", steps, 0)
    check_memory(f"a path of {count} steps", 32 * count)
    x = check_number("x", x, math.isfinite, "a finite number")
    (t, c), q, k = recurrence(rule, x, momentum), 1 - x, np.arange(count + 1)
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        square = float(t * t - 4 * c)
        if square < -1e-14:
            r = np.sqrt(c)
            phi = np.arccos(t / (2 * r))
            C = (q - r * np.cos(phi)) / (r * np.sin(phi))
            return np.asarray(r**k * (np.cos(k * phi) + C * np.sin(k * phi)))
        if square > 1e-14:
            a, b = (t + np.sqrt(square)) / 2, (t - np.sqrt(square)) / 2
            return np.asarray(((q - b) * a**k - (q - a) * b**k) / (a - b))
        a = t / 2
        return np.asarray(a**k + (q - a) * k * a ** np.maximum(k - 1, 0))
