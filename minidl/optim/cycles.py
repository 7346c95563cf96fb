"""Schedules with several phases: warm restarts, one cycle, and given pieces."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from minidl.checks import check_count, check_number
from minidl.errors import invalid
from minidl.keywords import answers
from minidl.optim.schedules import CosineDecay, _Positive

__all__ = ["CosineRestarts", "OneCycle", "OneCycleMomentum", "PiecewiseConstant"]

ANNEALED = ("cosine", "linear")


@answers
@dataclass(frozen=True)
class CosineRestarts(_Positive):
    """:class:`CosineDecay` from `start` towards `end` that begins again and again.

    The first cycle has `steps` steps, each later one `growth` times as many as the one before.

    Loshchilov and Hutter 2017, "SGDR: stochastic gradient descent with warm restarts", arXiv
    1608.03983, eq. 5, with T_0 = `steps` and T_mult = `growth`. As PyTorch's
    ``CosineAnnealingWarmRestarts(T_0, T_mult, eta_min)``, if stepped after each batch, and as
    Keras's ``CosineDecayRestarts`` with ``t_mul=growth`` (there by default 2) and ``m_mul=1``.
    Both end at 0 by default; here `end` > 0, since a learning rate is.

    >>> [round(CosineRestarts(0.1, steps=4, end=0.02, growth=2)(k), 3) for k in (0, 2, 3, 4, 8)]
    [0.1, 0.06, 0.032, 0.1, 0.06]
    """

    start: float
    steps: int
    end: float
    growth: int = 1

    def __post_init__(self) -> None:
        super().__post_init__()
        check_count("growth", self.growth)

    def __call__(self, step: int) -> float:
        """Return the value at `step`."""
        length = self.steps
        if self.growth == 1:
            step %= length
        while step >= length:
            step, length = step - length, length * self.growth
        return CosineDecay(self.start, length, self.end)(step)


@answers
@dataclass(frozen=True)
class OneCycle:
    """One rise to `peak` and a longer fall, over `steps` steps; then the last value.

    It begins at ``peak / div``, is `peak` after the share `rise` of the steps, and ends at ``peak /
    (div final_div)``. If ``rise * steps <= 1``, it does not rise, and begins at the peak or
    already below it. Each way is half a cosine wave, or with ``anneal="linear"`` a line. A value
    out of range is an ArgumentError.

    Smith and Topin 2018, "Super-convergence", arXiv 1708.07120, where both ways are lines and the
    rise takes nearly half of the steps. As PyTorch's ``OneCycleLR(max_lr, total_steps, pct_start,
    anneal_strategy, div_factor=div, final_div_factor=final_div)``, stepped after each batch; it
    raises an error after the last step, and also changes the momentum, as :class:`OneCycleMomentum`
    does. Its ``three_phase=True`` is not here, and Keras has no such schedule.

    >>> [round(OneCycle(1.0, steps=10, div=10)(k), 3) for k in (0, 1, 2, 5, 9)]
    [0.1, 0.55, 1.0, 0.611, 0.0]
    """

    peak: float
    steps: int
    rise: float = 0.3
    div: float = 25.0
    final_div: float = 1e4
    anneal: str = "cosine"

    def __post_init__(self) -> None:
        for name in ("peak", "div", "final_div"):
            finite = "a positive finite number"
            check_number(name, getattr(self, name), lambda x: 0 < x < math.inf, finite)
        _check_cycle(self.steps, self.rise, self.anneal)

    def __call__(self, step: int) -> float:
        """Return the value at `step`."""
        initial = self.peak / self.div
        values = initial, self.peak, initial / self.final_div
        return _cycle(step, self.steps, self.rise, self.anneal, values)


@answers
@dataclass(frozen=True)
class OneCycleMomentum:
    """The momentum beside :class:`OneCycle`: from `high` down to `low` at the peak, and back.

    `low` and `high` are in [0, 1), the others as for :class:`OneCycle`. Large steps of the rate
    then have less momentum. As PyTorch's ``OneCycleLR(base_momentum=low, max_momentum=high)``.

    >>> [round(OneCycleMomentum(steps=10)(k), 3) for k in (0, 2, 9)]
    [0.95, 0.85, 0.95]
    """

    steps: int
    low: float = 0.85
    high: float = 0.95
    rise: float = 0.3
    anneal: str = "cosine"

    def __post_init__(self) -> None:
        for name in ("low", "high"):
            check_number(name, getattr(self, name), lambda x: 0 <= x < 1, "in [0, 1)")
        _check_cycle(self.steps, self.rise, self.anneal)

    def __call__(self, step: int) -> float:
        """Return the value at `step`."""
        values = self.high, self.low, self.high
        return _cycle(step, self.steps, self.rise, self.anneal, values)


def _check_cycle(steps: int, rise: float, anneal: str) -> None:
    """Raise for a length, a share or a form that is invalid."""
    check_count("steps", steps, 2)
    check_number("rise", rise, lambda x: 0 <= x < 1, "in [0, 1)")
    if anneal not in ANNEALED:
        raise invalid("anneal", anneal, '"cosine" or "linear"')


def _cycle(step: int, steps: int, rise: float, anneal: str, values: Sequence[float]) -> float:
    """Return the value at a step between the first, middle and last of `values`.

    The middle one is at step rise steps - 1 and the last one at steps - 1, as in PyTorch.
    """
    initial, middle, final = values
    top, end = rise * steps - 1, steps - 1
    step = min(step, end)
    if top > 0 and step <= top:
        start, goal, share = initial, middle, step / top
    else:
        start, goal, share = middle, final, (step - top) / (end - top)
    if anneal == "linear":
        return start + (goal - start) * share
    return goal + (start - goal) * (1 + math.cos(math.pi * share)) / 2


@answers
@dataclass(frozen=True)
class PiecewiseConstant:
    """``values[0]`` before step ``at[0]``, ``values[1]`` from there to ``at[1]``, and so on.

    `values` are positive, one more than the increasing step counts `at`; otherwise an ArgumentError
    is raised. As PyTorch's ``MultiStepLR(milestones=at)`` with values that fall by one factor.
    Keras's ``PiecewiseConstantDecay(at, values)`` changes one step later.

    >>> [PiecewiseConstant((0.1, 0.01), at=(100,))(k) for k in (0, 99, 100)]
    [0.1, 0.1, 0.01]
    """

    values: tuple[float, ...]
    at: tuple[int, ...]

    def __post_init__(self) -> None:
        for name in ("values", "at"):
            entries = getattr(self, name)
            if isinstance(entries, str) or not isinstance(entries, Sequence):
                raise invalid(name, entries, "a list")
            object.__setattr__(self, name, tuple(entries))
        for value in self.values:
            check_number("values", value, lambda x: 0 < x < math.inf, "positive finite numbers")
        steps = [check_count("at", step) for step in self.at]
        if any(a >= b for a, b in pairwise(steps)) or len(self.values) != len(steps) + 1:
            expected = f"{len(self.values) - 1} increasing step counts, one less than values"
            raise invalid("at", list(self.at), expected)

    def __call__(self, step: int) -> float:
        """Return the value at `step`."""
        return self.values[sum(step >= start for start in self.at)]
