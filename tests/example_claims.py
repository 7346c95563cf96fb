"""Iterates on quadratics without an optimizer of minidl, and wrong rules to put into its place.

They are two-term recurrences with the coefficients of the characteristic polynomial.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from minidl import optim

Array = Any
M = 0.9
EXAMPLES = Path(__file__).parent.parent / "examples"


def load(name: str) -> ModuleType:
    """Return an example as a module; it imports from its own folder."""
    spec = importlib.util.spec_from_file_location(name[3:-3], EXAMPLES / name)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.path.insert(0, str(EXAMPLES))
    try:
        spec.loader.exec_module(module)
    finally:
        sys.path.remove(str(EXAMPLES))
    return module


def heavy_ball(x: Any, m: Any) -> tuple[Any, Any]:
    """z^2 - (1 + m - x) z + m: the sum and the product of its roots."""
    return 1 + m - x, m + 0 * x


def nag(x: Any, m: Any) -> tuple[Any, Any]:
    """z^2 - (1 + m) q z + m q, q = 1 - x."""
    return (1 + m) * (1 - x), m * (1 - x)


Polynomial = Callable[[Any, Any], tuple[Any, Any]]
BOTH = (heavy_ball, nag)
NAMES = ("momentum", "nag")


def bowl(polynomial: Polynomial, x: Any, m: Any, steps: int) -> Array:
    """Return w_0 = 1, w_1 = 1 - x, and w_k+1 = sum w_k - product w_k-1."""
    x = np.atleast_1d(np.asarray(x, dtype=float))
    total, product = polynomial(x, m)
    points = [np.ones_like(x), 1 - x]
    while len(points) <= steps:
        points.append(total * points[-1] - product * points[-2])
    return np.array(points)


def last_above(points: Array, size: float) -> Array:
    """Return the step after the last whose distance is `size` or more; infinite if that is now."""
    steps = np.array([np.flatnonzero(column >= size)[-1] + 1 for column in np.abs(points).T])
    return np.where(steps == len(points), np.inf, steps)


def overshoot(points: Array) -> Array:
    return np.maximum(0, -points.min(axis=0))


def largest_root(polynomial: Polynomial, x: float, m: float) -> float:
    total, product = polynomial(x, m)
    return float(np.abs(np.roots([1, -total, product])).max())


class HalfMomentum(optim.Momentum):
    """Momentum with half the coefficient."""

    def update(self, w: Array, grad: optim.Gradient) -> None:
        v = self.state["velocity"]
        v[...] = self.momentum / 2 * v + self.lr * grad(w)
        w -= v


class Average(optim.Momentum):
    """The velocity is a moving average."""

    def update(self, w: Array, grad: optim.Gradient) -> None:
        v = self.state["velocity"]
        v[...] = self.momentum * v + (1 - self.momentum) * self.lr * grad(w)
        w -= v


class NeverLooksAhead(optim.NAG):
    """NAG in name: the gradient is taken where the weights are."""

    def update(self, w: Array, grad: optim.Gradient) -> None:
        v = self.state["velocity"]
        v[...] = self.momentum * v + self.lr * grad(w)
        w -= v


class LooksAheadHalfWay(optim.NAG):
    """NAG with half the coefficient."""

    def update(self, w: Array, grad: optim.Gradient) -> None:
        v = self.state["velocity"]
        mv = self.momentum / 2 * v
        v[...] = mv + self.lr * grad(w - mv)
        w -= v


class AlwaysMomentum(optim.NAG):
    """The coefficient is 0.9, whatever was asked for."""

    def update(self, w: Array, grad: optim.Gradient) -> None:
        v = self.state["velocity"]
        v[...] = M * v + self.lr * grad(w - M * v)
        w -= v


class GradientTwice(optim.NAG):
    """NAG at the price of two gradients."""

    def update(self, w: Array, grad: optim.Gradient) -> None:
        ahead = self.look_ahead(w)
        v = self.state["velocity"]
        v[...] = self.momentum * v + self.lr * (grad(ahead) + grad(ahead)) / 2
        w -= v


class Forgetful(optim.NAG):
    """The velocity is lost: gradient descent."""

    def update(self, w: Array, grad: optim.Gradient) -> None:
        w -= self.lr * grad(w)


class Chainer(optim.ReformulatedNAG):
    """A known wrong rule: w' = w - m m v' - (1 + m) a g with the new velocity."""

    def update(self, w: Array, grad: optim.Gradient) -> None:
        v, m = self.state["velocity"], self.momentum
        step = self.lr * grad(w)
        v[...] = m * v + step
        w -= m * m * v + (1 + m) * step
