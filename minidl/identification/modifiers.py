"""Changes on top of any rule: weight decay, clipping, gradients that are summed."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from minidl.identification.formulas import Moment
from minidl.identification.gradient import Array

Change: TypeAlias = Callable[[Array, Moment], Array]  # of the weights
GradientChange: TypeAlias = Callable[[Array, Array, Moment], Array]  # w, g -> g


@dataclass(frozen=True)
class Modifier:
    """A change of the gradient, the rate, the step, the weights before or after it, or its time."""

    key: str
    words: str
    free: tuple[str, ...] = ()
    gradient: GradientChange | None = None
    before: Change | None = None
    after: Change | None = None
    step: Change | None = None
    rate: Callable[[Moment], Any] | None = None
    every: int = 1
    form: bool = False


def _clip_norm(w: Array, g: Array, x: Moment) -> Array:
    norm = np.sqrt((g * g).sum(-1, keepdims=True))
    shorter = g * x.h.threshold / np.where(norm > 0, norm, 1)
    return np.asarray(np.where(norm > x.h.threshold, shorter, g))


def _clip_value(w: Array, g: Array, x: Moment) -> Array:
    return np.asarray(np.clip(g, -x.h.threshold, x.h.threshold))


def _running_mean(w: Array, g: Array, x: Moment) -> Array:
    return np.asarray(x.add("all gradients", 1.0, g) / x.t)


def _decay(w: Array, x: Moment) -> Array:
    return np.asarray(w * (1 - x.a * x.h.weight_decay))


def _iterate(w: Array, g: Array, x: Moment) -> Array:
    x.s["iterate"] = w + x.h.momentum * x.s.get("v", 0.0)
    return g


UPHILL = Modifier("uphill", "that goes uphill", gradient=lambda w, g, x: -g)
DECAYS = (
    Modifier("decoupled", "with decoupled weight decay", ("weight_decay",), before=_decay,
             form=True),
    Modifier("coupled", "with weight decay in the gradient", ("weight_decay",),
             gradient=lambda w, g, x: g + x.h.weight_decay * w, form=True),
    Modifier("decoupled, no rate",
             "with decoupled weight decay that is not multiplied by the learning rate",
             ("weight_decay",), before=lambda w, x: w * (1 - x.h.weight_decay), form=True),
    Modifier("decoupled, iterate", "with decoupled weight decay of the iterate",
             ("weight_decay",), gradient=_iterate, form=True,
             before=lambda w, x: w - x.a * x.h.weight_decay * x.s["iterate"]),
    Modifier("after", "with weight decay after the step", ("weight_decay",), after=_decay),
    Modifier("growth", "with weight decay of the wrong sign", ("weight_decay",),
             before=lambda w, x: w * (1 + x.a * x.h.weight_decay)),
    Modifier("forgets", "that returns the step instead of the new weights",
             before=lambda w, x: 0 * w),
)  # fmt: skip
CLIPS = (
    Modifier("clip value", "with gradients clipped by value", ("threshold",),
             gradient=_clip_value, form=True),
    Modifier("clip norm", "with gradients clipped by norm", ("threshold",), gradient=_clip_norm,
             form=True),
)  # fmt: skip
CLIPPED_STEP = Modifier(
    "clip step", "whose steps are clipped instead of the gradients", ("threshold",),
    step=lambda down, x: np.clip(down, -x.h.threshold, x.h.threshold),
)  # fmt: skip
SCHEDULES = (
    Modifier("1 / t", "with a learning rate that is divided by 1 + lr_decay t", ("lr_decay",),
             rate=lambda x: 1 / (1 + x.h.lr_decay * (x.t - 1)), form=True),
    Modifier("power", "with a learning rate that is multiplied by lr_factor in each step",
             ("lr_factor",), rate=lambda x: x.h.lr_factor ** (x.t - 1), form=True),
    Modifier("root", "with a learning rate that is divided by the root of t",
             rate=lambda x: x.t**-0.5, form=True),
)  # fmt: skip
SUMS = (
    Modifier("accumulated", "with gradients that are added up and never set back to 0",
             gradient=lambda w, g, x: x.add("all gradients", 1.0, g)),
    Modifier("averaged", "with the mean of all gradients so far", gradient=_running_mean),
)  # fmt: skip


def every(steps: int) -> tuple[Modifier, ...]:
    """Return the modifiers of rules that move only in every so many calls."""
    clause = f"that moves only in every {steps}th call" if steps > 3 else (
        f"that moves only in every {['second', 'third'][steps - 2]} call"
    )  # fmt: skip

    def total(divisor: float) -> GradientChange:
        return lambda w, g, x: x.s["collected"] / divisor

    return (
        Modifier("every, last", clause, every=steps),
        Modifier("every, sum", f"{clause}, with the sum of the gradients", gradient=total(1.0),
                 every=steps),
        Modifier("every, mean", f"{clause}, with the mean of the gradients",
                 gradient=total(float(steps)), every=steps),
    )  # fmt: skip


def collect(w: Array, g: Array, x: Moment, call: int, steps: int) -> Any:
    """Add a gradient to those since the last step; a new sum begins after each step."""
    if call % steps == 0:
        x.s["collected"] = 0.0
    return x.add("collected", 1.0, g)
