"""Modifiers and schedules of all optimizers of a comparison, and the scale of their rates."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from minidl.errors import ArgumentError, invalid
from minidl.optim import Optimizer
from minidl.optim.named import MODIFIERS, SCHEDULES, in_words, modified
from minidl.optim.restarts import restarts

Modifiers = tuple[tuple[str, Any], ...]  # name and value of each that is given


def check_modifiers(given: Mapping[str, Any] | None) -> Modifiers:
    """Return the modifiers with a value; a value that a file cannot hold is an ArgumentError."""
    kept = {name: value for name, value in (given or {}).items() if value is not None}
    for name, value in kept.items():
        if name not in (*MODIFIERS, "schedule"):
            raise invalid("modifiers", name, f"one of {', '.join((*MODIFIERS, 'schedule'))}")
        if isinstance(value, bool) or not isinstance(value, (int, float, str)):
            raise invalid(name, value, "one number in a comparison")
    if "schedule" in kept:
        kept["schedule"] = SCHEDULES.canonical(kept["schedule"])
    return tuple(kept.items())


def modify(optimizer: Optimizer, given: Modifiers) -> Optimizer:
    """Return a copy in its modifiers; a rule without a velocity is not restarted."""
    how = {name: value for name, value in given if name != "schedule"}
    if not how:
        return optimizer
    if "restart" in how and not restarts(optimizer.chain()[-1]):
        del how["restart"]
    return modified(copy.deepcopy(optimizer), **how)


def modify_all(made: Mapping[str, tuple[Any, Any]], given: Modifiers) -> dict[str, tuple[Any, Any]]:
    """Return each optimizer, beside its batch size, in the modifiers; one must have a velocity."""
    if "restart" in dict(given) and not any(restarts(one.chain()[-1]) for one, _ in made.values()):
        problem = f"restart needs an optimizer with a velocity, such as nag, got {', '.join(made)}"
        raise ArgumentError(problem)
    return {name: (modify(one, given), size) for name, (one, size) in made.items()}


def modifier_words(given: Modifiers) -> str:
    """Return modifiers after a comma, or nothing.

    >>> modifier_words((("clip_norm", 1.0), ("schedule", "cosine")))
    ', clip norm 1, schedule cosine'
    """
    return f", {in_words(given)}" if given else ""


def modifier_flags(
    given: Modifiers, rule: type[Optimizer], momentum: float | None = None
) -> list[str]:
    """Return modifiers as options of ``minidl train`` with this rule.

    >>> from minidl.optim import GradientDescent
    >>> modifier_flags((("clip_norm", 1.0), ("restart", "gradient")), GradientDescent)
    ['--clip-norm', '1']
    """
    given = tuple(pair for pair in given if pair[0] != "restart" or restarts(rule, momentum))
    pairs = [(f"--{n.replace('_', '-')}", v if isinstance(v, str) else f"{v:g}") for n, v in given]
    return [word for pair in pairs for word in pair]
