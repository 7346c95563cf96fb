"""Modifiers and schedules as arguments of a Trainer, and options of the command line."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterable
from typing import Any

from minidl.errors import ArgumentError, invalid
from minidl.optim.base import Optimizer, Setting
from minidl.optim.cycles import CosineRestarts, OneCycle
from minidl.optim.modifiers import ClipByNorm, ClipByValue, DecoupledWeightDecay
from minidl.optim.restarts import FunctionRestart, GradientRestart
from minidl.optim.schedules import (
    CosineDecay,
    ExponentialDecay,
    LinearWarmup,
    Schedule,
    StepDecay,
)
from minidl.registry import Registry

PLATEAU = "plateau"  # the one that depends on losses, so a callback
LEAST = 0.01  # the share of the rate at which a decay ends
RESTARTS = {"function": FunctionRestart, "gradient": GradientRestart}
MODIFIERS = ("clip_norm", "clip_value", "weight_decay", "restart")
Shape = Callable[[float, int], Schedule]  # learning rate, number of steps -> schedule

SCHEDULES: Registry[tuple[str, Shape | None]] = Registry("schedule")
for _name, _summary, _shape, _aliases in (
    ("step", "a tenth of the rate after each third of the steps",
     lambda lr, n: StepDecay(lr, every=math.ceil(n / 3)), ()),
    ("exponential", "by one factor per step, to 1 % of the rate",
     lambda lr, n: ExponentialDecay(lr, rate=LEAST ** (1 / n)), ()),
    ("cosine", "half a cosine wave, to 1 % of the rate",
     lambda lr, n: CosineDecay(lr, n, LEAST * lr), ("cosine-annealing", "cosine-decay")),
    ("cosine-restarts", "three cosine waves, each twice as long as the one before",
     lambda lr, n: CosineRestarts(lr, math.ceil(n / 7), LEAST * lr, growth=2),
     ("sgdr", "warm-restarts")),
    ("one-cycle", "up from 1/25 of the rate in 30 % of the steps, then down to 0.0004 %",
     lambda lr, n: OneCycle(lr, max(n, 2)), ()),
    ("warmup", "a linear rise in the first tenth of the steps, then the rate",
     lambda lr, n: LinearWarmup(lr, math.ceil(n / 10)), ("linear-warmup",)),
    ("warmup-cosine", "the same rise, then cosine",
     lambda lr, n: LinearWarmup(lr, up := math.ceil(n / 10),
                                CosineDecay(lr, max(n - up, 1), LEAST * lr)), ()),
    (PLATEAU, "a tenth whenever the training loss has not fallen for 10 epochs", None,
     ("reduce-on-plateau",)),
):  # fmt: skip
    SCHEDULES.add(_name, (_summary, _shape), _aliases)


class Scaled(tuple[float, ...]):
    """Learning rates of gradient descent, which the scale of each optimizer multiplies."""

    __slots__ = ()


def named_schedule(name: str, lr: float, steps: int) -> Schedule:
    """Return the schedule of that name for a learning rate and so many steps.

    >>> named_schedule("cosine", 0.1, 1000)
    CosineDecay(start=0.1, steps=1000, end=0.001)
    """
    _, shape = SCHEDULES[name]
    if shape is None:
        raise invalid("schedule", name, "one that does not depend on losses")
    return shape(lr, max(steps, 1))


def modified(
    optimizer: Optimizer,
    clip_norm: Setting | None = None,
    clip_value: Setting | None = None,
    weight_decay: Setting | None = None,
    restart: str | None = None,
) -> Optimizer:
    """Return the optimizer in the modifiers that are given; of AdamW a copy has this weight decay.

    Both ways to clip, or a restart without a velocity, are an ArgumentError.

    >>> from minidl.optim import NAG
    >>> modified(NAG(0.1), clip_norm=1.0, restart="gradient")
    GradientRestart(ClipByNorm(NAG(lr=0.1, momentum=0.9), clip_norm=1.0))
    """
    if clip_norm is not None and clip_value is not None:
        problem = "clip_norm and clip_value are two ways to clip the gradient: give one of them"
        hint = "In Python, both can be nested: ClipByValue(ClipByNorm(NAG(0.1), 1.0), 0.5)."
        raise ArgumentError(problem, hint=hint)
    if clip_norm is not None:
        optimizer = ClipByNorm(optimizer, clip_norm)
    if clip_value is not None:
        optimizer = ClipByValue(optimizer, clip_value)
    if weight_decay is not None and "weight_decay" in optimizer.chain()[-1].hyperparameters:
        optimizer = copy.deepcopy(optimizer)  # the caller's keeps its decay
        adamw: Any = optimizer.chain()[-1]
        adamw.weight_decay = weight_decay
    elif weight_decay is not None:
        optimizer = DecoupledWeightDecay(optimizer, weight_decay)
    if restart is not None:
        if restart not in RESTARTS:
            raise invalid("restart", restart, '"function" or "gradient"')
        optimizer = RESTARTS[restart](optimizer)
    return optimizer


def in_words(settings: Iterable[tuple[str, Any]]) -> str:
    """Return modifiers and schedules in words, such as "clip norm 1, schedule cosine"."""
    present = [(name.replace("_", " "), value) for name, value in settings if value is not None]
    return ", ".join(f"{n} {v if isinstance(v, str) else format(v, 'g')}" for n, v in present)
