"""What examples 09 and 10 have in common: a claim, a run, and how claims are printed.

The verdict is FALSE if an experiment finds a counterexample, TRUE WHEN if it finds none under a
condition, and TRUE if it finds none at all. Experiments cannot prove a claim; the source can.
"""

import textwrap
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import numpy as np

from minidl import optim

M = 0.9
Make = Callable[..., optim.Optimizer]


class Rules(NamedTuple):
    """The optimizers under test."""

    descent: Make = optim.GradientDescent
    momentum: Make = optim.Momentum
    nag: Make = optim.NAG
    reformulated: Make = optim.ReformulatedNAG


class Claim(NamedTuple):
    """A claim with its verdict, the evidence and the source."""

    sentence: str
    verdict: str
    evidence: str
    source: str
    numbers: dict[str, Any]  # the evidence as numbers, which tests compare


def verdict(held: Any, elsewhere: Any = True, when: str = "") -> str:
    """Return the verdict on a claim that `held` under a condition, and `elsewhere`."""
    if not held:
        return "FALSE"
    return "TRUE" if elsewhere else f"TRUE WHEN {when}"


def run(optimizer: optim.Optimizer, slope: optim.Gradient, start: Any, steps: int) -> np.ndarray:
    """Return the iterates, beginning with the start."""
    w = np.array(start, dtype=float)
    iterates = [w.copy()]
    with np.errstate(over="ignore", invalid="ignore"):  # some runs diverge
        for _ in range(steps):
            optimizer.step(w, slope)
            iterates.append(optimizer.iterate(w).copy())
    return np.array(iterates)


def bowls(optimizer: optim.Optimizer, x: Any, steps: int = 2000) -> np.ndarray:
    """Return the iterates from w = 1 on f(w) = x w^2 / 2, for many x at once, at lr = 1."""
    x = np.array(x)
    return run(optimizer, lambda w: x * w, np.ones_like(x), steps)


def settled(points: np.ndarray, size: float = 1e-3) -> np.ndarray:
    """Return the step from which each column stays below `size`, or infinity."""
    outside = ~(np.abs(points) < size)
    last = len(points) - 1 - outside[::-1].argmax(axis=0)
    return np.where(outside[-1], np.inf, last + 1.0)


def tuned(rules: Rules) -> dict[str, float]:
    """Return the steps to 1e-6 in a bowl of curvatures 1, 10 and 100, at the best lr and m."""
    h, q, s = np.array([1.0, 10.0, 100.0]), np.sqrt(301), np.sqrt(100)
    optimizers = {
        "momentum": rules.momentum(4 / (1 + s) ** 2, ((s - 1) / (s + 1)) ** 2),
        "nag": rules.nag(4 / 301, (q - 2) / (q + 2)),
    }
    runs = {name: run(o, lambda w: h * w, np.ones(3), 1000) for name, o in optimizers.items()}
    return {name: settled(points, 1e-6).max() for name, points in runs.items()}


def show(claims: Iterable[Callable[[Rules], Claim]]) -> None:
    """Print each claim with its verdict, the evidence and the source."""
    print("A run in the bowl f(w) = h w^2 / 2 depends on the momentum m and on x = lr h only: the")
    print(
        "learning rate times the curvature. Unless stated otherwise, m = 0.9, and w starts at 1.\n"
    )
    for number, claim in enumerate(claims, 1):
        result = claim(Rules())
        print(textwrap.fill(f"{number}. {result.sentence}", 96, subsequent_indent="   "))
        for text in (result.verdict, result.evidence, f"Source: {result.source}."):
            print(textwrap.indent(textwrap.fill(text, 96), "    "))
        print()
