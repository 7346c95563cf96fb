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


def check_modifiers(modifiers: Mapping[str, Any] | None) -> Modifiers:
    """Return the modifiers with a value; a value that a file cannot hold is an ArgumentError."""
    present = {name: value for name, value in (modifiers or {}).items() if value is not None}
    for name, value in present.items():
        if name not in (*MODIFIERS, "schedule"):
            raise invalid("modifiers", name, f"one of {', '.join((*MODIFIERS, 'schedule'))}")
        if isinstance(value, bool) or not isinstance(value, (int, float, str)):
            raise invalid(name, value, "one number in a comparison")
    if "schedule" in present:
        present["schedule"] = SCHEDULES.canonical(present["schedule"])
    return tuple(present.items())


def modify(optimizer: Optimizer, modifiers: Modifiers) -> Optimizer:
    """Return a copy in its modifiers; a rule without a velocity is not restarted."""
    arguments = {name: value for name, value in modifiers if name != "schedule"}
    if not arguments:
        return optimizer
    if "restart" in arguments and not restarts(optimizer.chain()[-1]):
        del arguments["restart"]
    return modified(copy.deepcopy(optimizer), **arguments)


def modify_all(
    sized: Mapping[str, tuple[Any, Any]], added: Modifiers
) -> dict[str, tuple[Any, Any]]:
    """Return each optimizer, beside its batch size, in the modifiers; one must have a velocity."""
    rules = (rule.chain()[-1] for rule, _ in sized.values())
    if "restart" in dict(added) and not any(map(restarts, rules)):
        problem = f"restart needs an optimizer with a velocity, such as nag, got {', '.join(sized)}"
        raise ArgumentError(problem)
    return {name: (modify(rule, added), size) for name, (rule, size) in sized.items()}


def modifier_words(modifiers: Modifiers) -> str:
    """Return modifiers after a comma, or nothing.

    >>> modifier_words((("clip_norm", 1.0), ("schedule", "cosine")))
    ', clip norm 1, schedule cosine'
    """
    return f", {in_words(modifiers)}" if modifiers else ""


def modifier_flags(
    added: Modifiers, rule: type[Optimizer], momentum: float | None = None
) -> list[str]:
    """Return modifiers as options of ``minidl train`` with this rule.

    >>> from minidl.optim import GradientDescent
    >>> modifier_flags((("clip_norm", 1.0), ("restart", "gradient")), GradientDescent)
    ['--clip-norm', '1']
    """
    added = tuple(pair for pair in added if pair[0] != "restart" or restarts(rule, momentum))
    pairs = [(f"--{n.replace('_', '-')}", v if isinstance(v, str) else f"{v:g}") for n, v in added]
    return [word for pair in pairs for word in pair]
