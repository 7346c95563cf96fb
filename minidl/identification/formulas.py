"""The reference formulas: what each rule subtracts from the weights.

A formula is a function of the gradient ``g`` and a :class:`Moment` ``x``: ``x.a`` is the learning
rate, ``x.t`` the number of the step from 1 on, ``x.h`` the hyperparameters, and ``x.s`` the state.
The sources are those of the classes in :mod:`minidl.optim`. Keywords are the forms and faults.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, TypeAlias

import numpy as np

from minidl.identification.gradient import Array

Formula: TypeAlias = Callable[[Array, "Moment"], Array]


@dataclass
class Moment:
    """One step of a simulation: rate `a`, step `t`, hyperparameters `h` and state `s`."""

    h: SimpleNamespace
    a: Any = 1.0
    t: int = 1
    s: dict[str, Any] = field(default_factory=dict)

    def add(self, name: str, keep: Any, value: Array) -> Array:
        """Set a state to ``keep * state + value``, at first 0, and return it."""
        self.s[name] = keep * self.s.get(name, 0.0) + value
        array: Array = self.s[name]
        return array

    def mean(self, name: str, keep: Any, value: Array) -> Array:
        """Set a state to the moving average ``keep * state + (1 - keep) * value``."""
        return self.add(name, keep, (1 - keep) * value)

    def peak(self, name: str, value: Array) -> Array:
        """Set a state to the largest value so far."""
        self.s[name] = np.maximum(self.s.get(name, value), value)
        array: Array = self.s[name]
        return array


def velocity(
    g: Array, x: Moment, gain: str = "1", outside: bool = False, stored: str = "theta"
) -> Array:
    """Momentum: ``v = m v + a g``; `stored` says what the weights are, or which fault it is."""
    m, ag = x.h.momentum, g * (1.0 if outside else x.a)
    if gain in ("mean", "corrected"):
        ag = (1 - m) * ag
    if gain == "dampened" and x.t > 1:
        ag = (1 - x.h.dampening) * ag
    if gain == "rate":
        ag = x.a * ag
    old = x.s.get("v", 0.0 * g)
    v = x.add("v", -m if stored == "minus" else m, ag)
    step = STORED[stored](m, v, ag, old) / (1 - m**x.t if gain == "corrected" else 1.0)
    return np.asarray(x.a * step if outside else step)


STORED: dict[str, Callable[[Any, Array, Array, Array], Any]] = {
    "theta": lambda m, v, ag, old: v,
    "minus": lambda m, v, ag, old: v,
    "ahead": lambda m, v, ag, old: m * v + ag,
    "chainer": lambda m, v, ag, old: m * m * v + (1 + m) * ag,
    "no gradient": lambda m, v, ag, old: m * v,
    "no momentum": lambda m, v, ag, old: v + ag,
    "late": lambda m, v, ag, old: old,
    "from ahead": lambda m, v, ag, old: m * old + v,
    "old added": lambda m, v, ag, old: m * old + (1 + m) * v,
}


def root(v: Array, x: Moment, eps: str) -> Array:
    """Return the denominator: the root of v with epsilon outside, inside, or not at all."""
    e = x.h.epsilon if eps != "none" else 0.0
    if eps == "no root":
        return np.asarray(v + e)
    return np.sqrt(v + e) if eps == "inside" else np.sqrt(v) + e


def adam(
    g: Array, x: Moment, *, first: bool = True, second: bool = True, shift: int = 0,
    eps: str = "outside", of: str = "g", peak: str = "", nesterov: str = "",
    sum_first: bool = False, constant: bool = False, kept: bool = False,
) -> Array:  # fmt: skip
    """Adam and its relatives: `first` and `second` say which moments are bias-corrected."""
    h, t = x.h, 1 if constant else x.t + shift
    m = x.add("m", h.beta1, g) if sum_first else x.mean("m", h.beta1, g)
    v = x.mean("v", h.beta2, SECOND[of](g, m))
    c1 = 1 - h.beta1**t if first else 1.0
    c2 = 1 - h.beta2**t if second else 1.0
    if nesterov in ("plain", "same"):  # bias correction of the look-ahead with the next step, or t
        ahead = c1 if nesterov == "same" else 1 - h.beta1 ** (t + 1)
        top = h.beta1 * m / ahead + (1 - h.beta1) * g / c1
    elif nesterov:
        top = dozat(g, m, x)
    else:
        top = m / c1
    if peak == "uncorrected":
        v = x.peak("peak", v)
    hat = v / c2
    if kept:
        x.s["m"], x.s["v"] = top, hat
    if peak == "corrected":
        hat = x.peak("peak", hat)
    if eps == "hat":  # Kingma & Ba 2015, the end of section 2
        return np.asarray(x.a * top * np.sqrt(c2) / (np.sqrt(v) + h.epsilon))
    return np.asarray(x.a * top / root(hat, x, eps))


SECOND: dict[str, Callable[[Array, Array], Any]] = {
    "g": lambda g, m: g * g,
    "m": lambda g, m: m * m,
    "abs": lambda g, m: np.abs(g),
    "all": lambda g, m: (g * g).mean(-1, keepdims=True) + 0 * g,
    "surprise": lambda g, m: (g - m) ** 2,
}


def dozat(g: Array, m: Array, x: Moment) -> Array:
    """Return the numerator of NAdam, with the momentum of Dozat 2016 that rises over time."""
    b, decay = x.h.beta1, x.h.momentum_decay
    mu, next_mu = (b * (1 - 0.5 * 0.96 ** (t * decay)) for t in (x.t, x.t + 1))
    product = x.s["product"] = x.s.get("product", 1.0) * mu
    mean: Array = next_mu * m / (1 - product * next_mu) + (1 - mu) * g / (1 - product)
    return mean


def radam(g: Array, x: Moment, eps: str = "hat") -> Array:
    """RAdam: Adam with the rectified variance of Liu et al. 2020, above length 5."""
    h, t = x.h, x.t
    m, v = x.mean("m", h.beta1, g), x.mean("v", h.beta2, g * g)
    top, c2, longest = m / (1 - h.beta1**t), 1 - h.beta2**t, 2 / (1 - h.beta2) - 1
    length = longest - 2 * t * h.beta2**t / c2
    with np.errstate(all="ignore"):
        scale = (length - 4) * (length - 2) * longest
        scale = np.sqrt(np.maximum(scale / ((longest - 4) * (longest - 2) * length), 0))
    below = np.sqrt(v) / np.sqrt(c2) + h.epsilon if eps == "outside" else root(v, x, "outside")
    rectified = top * scale * (1.0 if eps == "outside" else np.sqrt(c2)) / below
    return np.asarray(x.a * np.where(length > 5, rectified, top))


def adamax(g: Array, x: Moment, first: bool = True, eps: str = "inside") -> Array:
    """AdaMax: the largest gradient with decay; epsilon within the maximum, or added after it."""
    h = x.h
    m, size = x.mean("m", h.beta1, g), np.abs(g) + (h.epsilon if eps == "inside" else 0.0)
    x.s["u"] = np.maximum(h.beta2 * x.s.get("u", 0.0), size)
    below = x.s["u"] + (h.epsilon if eps == "outside" else 0.0)
    return np.asarray(x.a * m / (1 - h.beta1**x.t if first else 1.0) / below)


def rmsprop(
    g: Array, x: Moment, *, eps: str = "outside", centered: str = "", heavy: str = "", how: str = ""
) -> Array:
    """RMSprop: divided by the root of a moving average; `heavy` with momentum, ``a`` in or out.

    It is `centered` by a "variance", or a "difference" of averages; `how` is a fault.
    """
    h, old = x.h, x.s.get("v", 0.0 * g)
    if centered == "variance":
        v = x.add("v", h.rho, h.rho * (1 - h.rho) * (g - x.s.get("mean", 0.0)) ** 2)
        x.mean("mean", h.rho, g)
    else:
        v = x.add("v", h.rho, g * g) if how == "sum" else x.mean("v", h.rho, g * g)
    if centered == "difference":
        v = v - x.mean("mean", h.rho, g) ** 2
    v = old if how == "late" else v
    step = g / root(np.maximum(v, 0) if eps == "inside" else v, x, eps)
    if heavy:
        inside = heavy == "inside"
        step = x.add("b", x.h.momentum, x.a * step if inside else step)
        return np.asarray(step if inside else x.a * step)
    return np.asarray(x.a * step)


def adagrad(g: Array, x: Moment, eps: str = "outside", decay: bool = False) -> Array:
    """Adagrad: divided by the root of the sum of squares, at first `initial`."""
    if x.t == 1:
        x.s["sum"] = x.h.initial if hasattr(x.h, "initial") else 0.0
    total = x.add("sum", 1.0, g * g)
    a = x.a / (1 + (x.t - 1) * x.h.lr_decay) if decay else x.a
    return np.asarray(a * g / root(total, x, eps))


def adadelta(g: Array, x: Moment, eps: str = "inside") -> Array:
    """Adadelta: in units of the weights, by the root of a moving average of past steps."""
    v = x.mean("v", x.h.rho, g * g)
    step = root(x.s.get("d", 0.0), x, eps) / root(v, x, eps) * g
    x.mean("d", x.h.rho, step * step)
    return np.asarray(x.a * step)


def lion(g: Array, x: Moment) -> Array:
    """Lion: the sign of a mean of gradient and momentum."""
    top = np.sign(x.h.beta1 * x.s.get("m", 0.0) + (1 - x.h.beta1) * g)
    x.mean("m", x.h.beta2, g)
    return np.asarray(x.a * top)


def sign(g: Array, x: Moment) -> Array:
    """Sign descent."""
    return np.asarray(x.a * np.sign(g))


def rprop(g: Array, x: Moment, back: str = "stay", late: bool = False) -> Array:
    """Rprop: sizes that grow while the sign stays, and shrink when it changes."""
    h, previous = x.h, x.s.get("last", 0.0 * g)
    size = x.s.get("size", x.a)
    product = g * previous
    size = np.where(product > 0, size * h.grow, np.where(product < 0, size * h.shrink, size))
    size = np.where(product != 0, np.clip(size, h.smallest, h.largest), size)
    applied = np.where(product < 0, 0.0, g) if back == "stay" else g
    x.s["size"], x.s["last"] = size, applied
    step = np.sign(applied) * size
    if late:
        step, x.s["step"] = np.where(product < 0, 0.0, x.s.get("step", 0.0 * g)), step
    return np.asarray(step)
