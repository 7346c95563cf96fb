"""Schedules against PyTorch's and Keras's values over 1,000 steps; Nesterov's momenta of 2004."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose
from optim_problems import random_quadratic

from minidl import optim
from minidl.errors import ArgumentError

with np.load(Path(__file__).parent.parent / "golden" / "modifiers.npz") as file:
    GOLDEN = dict(file)
PEAK, END = float(GOLDEN["peak"]), float(GOLDEN["end"])
PIECES = (PEAK, PEAK / 10, PEAK / 100)
OURS: dict[str, optim.Schedule] = {
    "step": optim.StepDecay(PEAK, 100, 0.5),
    "exponential": optim.ExponentialDecay(PEAK, 0.995),
    "cosine": optim.CosineDecay(PEAK, 1000, END),
    "restarts 1": optim.CosineRestarts(PEAK, 130, END),
    "restarts 2": optim.CosineRestarts(PEAK, 70, END, growth=2),
    "pieces": optim.PiecewiseConstant(PIECES, at=(300, 800)),
    "cycle cosine": optim.OneCycle(PEAK, 1000),
    "cycle linear": optim.OneCycle(PEAK, 1000, anneal="linear"),
    "momentum cos": optim.OneCycleMomentum(1000),
    "momentum linear": optim.OneCycleMomentum(1000, anneal="linear"),
}
NAMES = [n for n in GOLDEN if n.partition(" ")[2] in OURS]
KERAS_SINGLE = 2e-7  # Keras computes schedules in float32


def apart(schedule: optim.Schedule, name: str) -> float:
    """Return the largest difference from a library's values, as a share of its largest."""
    values = np.array([schedule(step) for step in range(1000)])
    return float(np.abs(values - GOLDEN[name]).max() / GOLDEN[name].max())


def test_the_golden_file_has_every_schedule() -> None:
    assert {name.partition(" ")[2] for name in NAMES} == set(OURS)
    assert sum(name.startswith("keras") for name in NAMES) == 5


@pytest.mark.parametrize("name", NAMES)
def test_schedules_have_the_values_of_pytorch_and_keras(name: str) -> None:
    schedule = OURS[name.partition(" ")[2]]
    if name == "keras pieces":  # each change comes one step later
        schedule = optim.PiecewiseConstant(PIECES, at=(301, 801))
    assert apart(schedule, name) < (KERAS_SINGLE if name.startswith("keras") else 1e-13)


FAULTS: dict[str, tuple[str, Callable[[int], float]]] = {
    "one cycle, one step late": (
        "torch cycle cosine",
        lambda k: OURS["cycle cosine"](max(k - 1, 0)),
    ),
    "the peak at rise * steps": (
        "torch cycle linear",
        lambda k: float(np.interp(k, [0, 300, 999], [PEAK / 25, PEAK, PEAK / 25e4])),
    ),
    "restarts one step late": (
        "torch restarts 1",
        optim.CosineRestarts(PEAK, 131, END),
    ),
    "growth of the sum of cycles": (
        "torch restarts 2",
        optim.CosineRestarts(PEAK, 70, END, growth=3),
    ),
    "pieces that end with their step": (
        "torch pieces",
        optim.PiecewiseConstant(PIECES, at=(301, 801)),
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_planted_faults_of_schedules_are_found(fault: str) -> None:
    name, schedule = FAULTS[fault]
    assert apart(schedule, name) > 1e-4


def test_after_its_steps_one_cycle_keeps_its_last_value() -> None:
    for anneal in ("cosine", "linear"):
        cycle = optim.OneCycle(0.1, 20, anneal=anneal)
        assert_allclose([cycle(19), cycle(20), cycle(10**6)], 0.1 / 25e4, rtol=1e-10)
        assert optim.OneCycle(0.1, 2, rise=0.5, anneal=anneal)(0) == pytest.approx(0.1)


WRONG: dict[str, tuple[Callable[[], object], str]] = {
    "rise": (lambda: optim.OneCycle(0.1, 10, rise=1.0), r"rise must be in \[0, 1\), got 1"),
    "anneal": (lambda: optim.OneCycle(0.1, 10, anneal="cos"), '"cosine" or "linear", got'),
    "steps": (lambda: optim.OneCycleMomentum(1), "steps must be an integer >= 2, got 1"),
    "low": (lambda: optim.OneCycleMomentum(9, low=1.0), r"low must be in \[0, 1\)"),
    "growth": (lambda: optim.CosineRestarts(0.1, 9, 0.1, growth=1.5), "growth must be an integer"),
    "lengths": (lambda: optim.PiecewiseConstant((0.1, 0.2), at=()), "1 increasing step counts"),
    "order": (lambda: optim.PiecewiseConstant((1, 2, 3), at=(5, 5)), "2 increasing step counts"),
    "values": (lambda: optim.PiecewiseConstant("ab", at=(5,)), "values must be a list"),  # type: ignore[arg-type]
    "zero": (lambda: optim.PiecewiseConstant((0.1, 0.0), at=(5,)), "values must be positive"),
    "kappa": (lambda: optim.StronglyConvexMomentum(0.5), "kappa must be a finite number >= 1"),
    "alpha": (lambda: optim.StronglyConvexMomentum(100, 0.05), "so at least 0.1, got 0.05"),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_arguments_of_schedules_are_errors(case: str) -> None:
    make, message = WRONG[case]
    with pytest.raises(ArgumentError, match=message):
        make()


STRONG = {
    "mild": random_quadratic(np.linspace(0.5, 3, 8), seed=1),
    "steep": random_quadratic(np.geomspace(1e-3, 1, 12), seed=2),
}


@pytest.mark.parametrize("alpha", [None, "least", 0.3, 0.9])
@pytest.mark.parametrize("rule", [optim.NAG, optim.ReformulatedNAG])
@pytest.mark.parametrize("name", STRONG)
def test_nesterovs_momentum_for_strong_convexity_keeps_its_bound_at_every_step(
    name: str, rule: Any, alpha: Any
) -> None:
    f = STRONG[name]
    (low, L), kappa = f.extremes, f.extremes[1] / f.extremes[0]
    least = (1 + 1e-12) / np.sqrt(kappa)
    first = None if alpha is None else least if alpha == "least" else max(alpha, least)
    optimizer = rule(1 / L, optim.StronglyConvexMomentum(kappa, first))
    w, D, gaps = np.zeros(len(f.b)), float(f.minimum @ f.minimum), [f.gap(np.zeros(len(f.b)))]
    for _ in range(300):
        optimizer.step(w, f.gradient)
        gaps.append(f.gap(optimizer.iterate(w)))
    c = low if first is None else first * (first * L - low) / (1 - first)
    k, slack = np.arange(301), 1e-13 * gaps[0]
    shares = np.minimum((1 - 1 / np.sqrt(kappa)) ** k, 4 * L / (2 * np.sqrt(L) + k * c**0.5) ** 2)
    assert np.all(np.array(gaps) <= shares * (gaps[0] + c * D / 2) + slack)


def test_the_recursion_of_alpha_solves_nesterovs_equation_and_tends_to_the_constant() -> None:
    schedule = optim.StronglyConvexMomentum(50, alpha=0.6)
    a, q = 0.6, 1 / 50
    for k in range(1, 60):
        b = max(np.roots([1, a * a - q, -a * a]))
        assert schedule(k) == pytest.approx(a * (1 - a) / (a * a + b), rel=1e-12)
        a = b
    assert schedule(2000) == pytest.approx(optim.StronglyConvexMomentum(50)(0), rel=1e-9)
