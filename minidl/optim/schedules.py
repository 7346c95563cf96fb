"""Schedules: hyperparameters that are pure functions of the step count k."""

import functools
import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from minidl.checks import check_number, refuse_class
from minidl.errors import invalid
from minidl.keywords import answers
from minidl.words import USAGE

__all__ = ["CosineDecay", "ExponentialDecay", "LinearWarmup", "NesterovMomentum", "Schedule"]
__all__ += ["StepDecay", "StronglyConvexMomentum", "SutskeverMomentum"]

Schedule = Callable[[int], float]
COUNTS = ("every", "steps")


class _Positive:
    """The base of schedules whose numbers are all positive and finite; steps are integers."""

    def __post_init__(self) -> None:
        for name, number in vars(self).items():
            if name == "then":
                refuse_class("then", number, object)
                if number is not None and not callable(number):
                    raise invalid("then", number, "a schedule, such as CosineDecay(...), or None")
                continue
            check_number(name, number, lambda x: 0 < x < math.inf, "a positive finite number")
            usage = USAGE.get(type(self).__name__)  # arguments may have been exchanged
            if name in COUNTS and not isinstance(number, int | np.integer):
                raise invalid(name, number, "an integer >= 1", usage)


@answers
@dataclass(frozen=True)
class StepDecay(_Positive):
    """``start * factor ** (k // every)``: a drop by `factor` every `every` steps.

    >>> [StepDecay(0.1, every=100, factor=0.5)(k) for k in (0, 99, 100, 250)]
    [0.1, 0.1, 0.05, 0.025]
    """

    start: float
    every: int
    factor: float = 0.1

    def __call__(self, step: int) -> float:
        """Return the value at `step`."""
        return self.start * self.factor ** (step // self.every)


@answers
@dataclass(frozen=True)
class ExponentialDecay(_Positive):
    """``start * rate ** k``.

    >>> ExponentialDecay(0.1, rate=0.5)(2)
    0.025
    """

    start: float
    rate: float

    def __call__(self, step: int) -> float:
        """Return the value at `step`."""
        return self.start * self.rate**step


@answers
@dataclass(frozen=True)
class CosineDecay(_Positive):
    """``end + (start - end) (1 + cos(pi k / steps)) / 2``, and `end` > 0 after `steps` steps.

    Loshchilov and Hutter 2017, arXiv 1608.03983, eq. 5, without restarts.

    >>> [round(CosineDecay(0.1, steps=10, end=0.01)(k), 3) for k in (0, 5, 10, 99)]
    [0.1, 0.055, 0.01, 0.01]
    """

    start: float
    steps: int
    end: float

    def __call__(self, step: int) -> float:
        """Return the value at `step`."""
        share = min(step / self.steps, 1.0)
        return self.end + (self.start - self.end) * (1 + math.cos(math.pi * share)) / 2


@answers
@dataclass(frozen=True)
class LinearWarmup(_Positive):
    """``peak * (k + 1) / steps`` for `steps` steps, then `peak`, or the schedule `then` from 0.

    >>> [LinearWarmup(0.4, steps=4)(k) for k in (0, 1, 3, 9)]
    [0.1, 0.2, 0.4, 0.4]
    """

    peak: float
    steps: int
    then: Schedule | None = None

    def __call__(self, step: int) -> float:
        """Return the value at `step`."""
        if step < self.steps:
            return self.peak * ((step + 1) / self.steps)  # in this order, never above the peak
        return self.peak if self.then is None else self.then(step - self.steps)


@answers
@dataclass(frozen=True)
class NesterovMomentum:
    """``(t_k - 1) / t_{k+1}``, where t_1 = 1 and t_{k+1} = (1 + sqrt(1 + 4 t_k^2)) / 2; 0 at k = 0.

    With lr = 1/L it gives the O(1/k^2) bound (Nesterov 1983; Beck and Teboulle 2009, FISTA, eq.
    4.1 to 4.3). It is 0 at step 0, before there is a velocity, and at step 1 (FISTA's y_2 = x_1).

    >>> [round(NesterovMomentum()(k), 4) for k in range(4)]
    [0.0, 0.0, 0.2818, 0.434]
    """

    def __call__(self, step: int) -> float:
        """Return the value at `step`."""
        if step == 0:
            return 0.0
        t = _nesterov_t(-(-step // 1000))  # in thousands, so that it is rarely made longer
        return (t[step - 1] - 1) / t[step]


@functools.lru_cache(maxsize=8)
def _nesterov_t(thousands: int) -> tuple[float, ...]:
    """Return t_1, t_2, ..., one more than so many thousands."""
    t = [1.0]
    for _ in range(1000 * thousands):
        t.append((1 + math.sqrt(1 + 4 * t[-1] ** 2)) / 2)
    return tuple(t)


@answers
@dataclass(frozen=True)
class StronglyConvexMomentum:
    """Nesterov's momentum for a condition number: (s - 1) / (s + 1), where s = sqrt(kappa).

    `kappa` = L / l is the largest by the smallest curvature, at least 1. With lr = 1/L, NAG then
    has f_k - f* <= (1 - 1/s)^k (f_0 - f* + l D / 2), where D is the squared distance at the start.

    With `alpha`, in [1/s, 1), the coefficient is ``a (1 - a) / (a^2 + b)`` instead, where a is
    alpha_{k-1}, and b = alpha_k solves ``b^2 = (1 - b) a^2 + b / kappa``; alpha_0 = `alpha`. It
    begins like :class:`NesterovMomentum`, and its limit is the constant, which is alpha = 1/s. So
    the bound becomes ``min((1 - 1/s)^k, 4 L / (2 sqrt(L) + k sqrt(c))^2) (f_0 - f* + c D / 2)``
    with ``c = alpha (alpha L - l) / (1 - alpha)``. A value out of range is an ArgumentError.

    Nesterov 2004, "Introductory lectures on convex optimization", section 2.2.1, constant step
    schemes III (the constant) and II (with alpha), theorem 2.2.3.

    >>> StronglyConvexMomentum(kappa=100)(7)  # 9 / 11
    0.8181818181818182
    >>> [round(StronglyConvexMomentum(100, alpha=0.5)(k), 4) for k in (0, 1, 2, 1000)]
    [0.0, 0.3881, 0.4939, 0.8182]
    """

    kappa: float
    alpha: float | None = None

    def __post_init__(self) -> None:
        check_number("kappa", self.kappa, lambda x: 1 <= x < math.inf, "a finite number >= 1")
        if self.alpha is not None:
            least = 1 / math.sqrt(self.kappa)
            expected = f"in [1 / sqrt(kappa), 1), so at least {least:.4g}"
            check_number("alpha", self.alpha, lambda x: least <= x < 1, expected)

    def __call__(self, step: int) -> float:
        """Return the value at `step`; with `alpha` 0 at step 0, before there is a velocity."""
        s = math.sqrt(self.kappa)
        if self.alpha is None:
            return (s - 1) / (s + 1)
        if step == 0:
            return 0.0
        alphas = _nesterov_alpha(self.kappa, self.alpha, -(-step // 1000))
        a, b = alphas[step - 1], alphas[step]
        return a * (1 - a) / (a * a + b)


@functools.lru_cache(maxsize=8)
def _nesterov_alpha(kappa: float, alpha: float, thousands: int) -> tuple[float, ...]:
    """Return alpha_0, alpha_1, ..., one more than so many thousands."""
    alphas = [alpha]
    for _ in range(1000 * thousands):
        a = alphas[-1] ** 2
        half = (1 / kappa - a) / 2  # b^2 - 2 half b - a = 0
        alphas.append(half + math.sqrt(half * half + a))
    return tuple(alphas)


@answers
@dataclass(frozen=True)
class SutskeverMomentum:
    """``min(1 - 2 ** (-1 - log2(k // 250 + 1)), limit)``: 0.5, 0.75, 0.83, ... up to `limit`.

    Sutskever et al. 2013, eq. 5.

    >>> [SutskeverMomentum(limit=0.9)(k) for k in (0, 250, 100_000)]
    [0.5, 0.75, 0.9]
    """

    limit: float = 0.99

    def __post_init__(self) -> None:
        check_number("limit", self.limit, lambda x: 0 <= x < 1, "a number in [0, 1)")

    def __call__(self, step: int) -> float:
        """Return the value at `step`."""
        return min(1 - 2 ** (-1 - math.log2(step // 250 + 1)), self.limit)
