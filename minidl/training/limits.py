"""Up to which learning rate times sharpness an optimizer is stable."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from minidl.autograd import Array
from minidl.optim import Adam, ClipByNorm, ClipByValue, Optimizer, RMSprop
from minidl.optim.averages import unbiased
from minidl.paths import stability_limit
from minidl.paths.theory import CLASSES

MARGIN, MARGIN_OF_MOMENTUM = 2.0, 4.0  # momentum runs far past a minimum: decision 141
BOUNDED = "Clipping shortens its steps, so beyond the limit it may bounce instead of diverging."


@dataclass(frozen=True)
class Limit:
    """The limit of lr times sharpness; None if none is known, for a `reason` in words.

    With a `scale` (P,), it is that of the preconditioned Hessian diag(scale) H diag(scale).
    """

    value: float | None
    reason: str = ""
    scale: Array | None = None
    margin: float = MARGIN  # between the limit and the rate that is suggested


def limit_of(optimizer: Optimizer) -> Limit:
    """Return the limit of an optimizer at its present step.

    Gradient descent, momentum and NAG: :func:`minidl.paths.stability_limit`. Adam with its present
    preconditioner D: 2 (1 + beta1) / (1 - beta1), Cohen et al. 2022, arXiv 2207.14484, section 2;
    that is momentum with the rate lr (1 - beta1). RMSprop in the same way: 2 (1 + momentum).

    >>> from minidl.optim import NAG, Lion
    >>> round(limit_of(NAG(0.1)).value, 3), limit_of(Lion(0.1)).reason
    (1.357, 'No limit is known for Lion.')
    """
    *modifiers, rule = optimizer.chain()
    unknown = [m for m in modifiers if type(m) not in (ClipByNorm, ClipByValue)]
    if unknown:
        return Limit(None, f"No limit is known with {type(unknown[0]).__name__}.")
    if name := CLASSES.get(type(rule)):
        momentum = float(rule.momentum) if hasattr(rule, "momentum") else 0.0
        margin = MARGIN_OF_MOMENTUM if name == "momentum" else MARGIN
        value = float(stability_limit(name, momentum))
        return Limit(value, BOUNDED if modifiers else "", margin=margin)
    if type(rule) not in (Adam, RMSprop):
        return Limit(None, f"No limit is known for {type(rule).__name__}.")
    return _preconditioned(rule)


def _preconditioned(rule: Optimizer) -> Limit:
    """Return the limit of Adam or RMSprop, whose steps divide by a slowly changing D."""
    squares, t = rule.state.get("square_mean"), rule.step_count
    if squares is None or not t:
        name = type(rule).__name__
        return Limit(None, f"{name} has no limit before its first step, which sets its scales.")
    settings = {n: float(getattr(rule, n)) for n in rule.hyperparameters if n != "lr"}
    if isinstance(rule, Adam):
        beta1 = settings["beta1"]
        v = unbiased(squares, settings["beta2"], t)
        D = (1 - beta1**t) * (np.sqrt(v) + settings["epsilon"])
        value, scale = 2 * (1 + beta1) / (1 - beta1), 1 / np.sqrt(D)
        return Limit(value, scale=scale, margin=MARGIN_OF_MOMENTUM)
    D = np.sqrt(squares) + settings["epsilon"]
    m = settings["momentum"]
    return Limit(2 * (1 + m), "", 1 / np.sqrt(D), MARGIN_OF_MOMENTUM if m else MARGIN)
