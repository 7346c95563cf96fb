"""Worst-case bounds of convex optimisation, asserted at every step."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose
from optim_checks import MAKES, Make, gradient_descent, trajectory
from optim_problems import Huber, Quadratic, WorstFunction, random_quadratic

from minidl import optim

STEPS = 300
NAGS = (optim.NAG, optim.ReformulatedNAG)
CONVEX = {
    "mild": random_quadratic(np.linspace(0.5, 3, 8), seed=1),
    "steep": random_quadratic(np.logspace(-4, 1, 12), seed=2),
    "flat in three directions": random_quadratic(np.array([0, 0, 0, 0.01, 0.1, 2.0]), seed=3),
    "fifty": random_quadratic(np.logspace(-6, 0, 50), seed=4),
}


def gaps(make: Make, a: float, m: Any, problem: Quadratic) -> tuple[np.ndarray, float]:
    """Return f(theta_k) - f* for k = 0, 1, ..., and ||theta_0 - w*||^2, from 0."""
    start = np.zeros(len(problem.b))
    _, points = trajectory(make(a, m), problem.gradient, start, STEPS)
    return np.array([problem.gap(p) for p in points]), float(problem.minimum @ problem.minimum)


@pytest.mark.parametrize("name", CONVEX)
def test_gradient_descent_keeps_its_bound_at_every_step(name: str) -> None:
    L = CONVEX[name].extremes[1]
    gap, D = gaps(gradient_descent, 1 / L, 0, CONVEX[name])
    assert np.all(gap <= L * D / (4 * np.arange(STEPS + 1) + 2))


@pytest.mark.parametrize("k", [1, 2, 5, 20, 100])
def test_gradient_descents_bound_is_attained_on_a_huber_function(k: int) -> None:
    f = Huber(1 / (2 * k + 1))
    _, points = trajectory(optim.GradientDescent(1.0), f.gradient, np.ones(1), k)
    assert_allclose(f.gap(points[-1]), 1 / (4 * k + 2), rtol=1e-13)


@pytest.mark.parametrize("make", NAGS)
@pytest.mark.parametrize("name", CONVEX)
def test_nag_with_nesterovs_momentum_keeps_its_bound_at_every_step(name: str, make: Make) -> None:
    L = CONVEX[name].extremes[1]
    gap, D = gaps(make, 1 / L, optim.NesterovMomentum(), CONVEX[name])
    assert np.all(gap <= 2 * L * D / (np.arange(STEPS + 1) + 1) ** 2)


@pytest.mark.parametrize("make", NAGS)
@pytest.mark.parametrize("tau", [0.001, 0.01, 0.1, 0.5])
def test_nesterovs_bound_holds_on_huber_functions(tau: float, make: Make) -> None:
    f = Huber(tau)
    _, points = trajectory(make(1.0, optim.NesterovMomentum()), f.gradient, np.ones(1), STEPS)
    scaled = [f.gap(p) * (k + 1) ** 2 / 2 for k, p in enumerate(points)]
    assert max(scaled) <= 1


def test_nag_with_nesterovs_momentum_is_fista_literally() -> None:
    """Beck and Teboulle 2009, eq. 4.1-4.3, without a proximal term: x_k, t_{k+1}, y_{k+1}."""
    problem = CONVEX["steep"]
    L = problem.extremes[1]
    x = y = np.zeros(12)
    t, points = 1.0, [x]
    for _ in range(STEPS):
        x_next = y - problem.gradient(y) / L
        t_next = (1 + np.sqrt(1 + 4 * t * t)) / 2
        y = x_next + (t - 1) / t_next * (x_next - x)
        x, t = x_next, t_next
        points.append(x)
    for make in NAGS:
        optimizer = make(1 / L, optim.NesterovMomentum())
        _, got = trajectory(optimizer, problem.gradient, np.zeros(12), STEPS)
        assert_allclose(got, points, rtol=0, atol=1e-12)


@pytest.mark.parametrize("make", NAGS)
@pytest.mark.parametrize("kappa", [4.0, 100.0, 1e4])
def test_strongly_convex_nag_keeps_its_bound_at_every_step(kappa: float, make: Make) -> None:
    problem = random_quadratic(np.geomspace(3 / kappa, 3, 20), seed=5)
    l, L = problem.extremes  # noqa: E741
    s = np.sqrt(L / l)
    gap, D = gaps(make, 1 / L, (s - 1) / (s + 1), problem)
    bound = (1 - 1 / s) ** np.arange(STEPS + 1) * (gap[0] + l * D / 2)
    assert np.all(gap <= bound + 1e-28)


METHODS: dict[str, tuple[str, float, Any]] = {
    "gradient descent": ("gradient descent", 1.0, 0.0),
    "long gradient descent": ("gradient descent", 1.9, 0.0),
    "heavy ball": ("momentum", 1.0, 0.9),
    "mild heavy ball": ("momentum", 1.5, 0.5),
    "nag": ("nag", 1.0, 0.9),
    "nag, nesterov's momentum": ("nag", 1.0, optim.NesterovMomentum()),
    "reformulated nag": ("reformulated nag", 1.0, 0.9),
    "reformulated nag, nesterov's momentum": ("reformulated nag", 1.0, optim.NesterovMomentum()),
}


def test_every_rule_faces_the_lower_bound() -> None:
    assert {rule for rule, _, _ in METHODS.values()} == set(MAKES)


@pytest.mark.parametrize("method", METHODS)
def test_no_method_beats_the_lower_bound_on_nesterovs_worst_function(method: str) -> None:
    rule, a, m = METHODS[method]
    for k in range(1, 51):
        f = WorstFunction(k)
        both = trajectory(MAKES[rule](a, m), f.gradient, np.zeros(f.n), k)
        D = float(f.minimum @ f.minimum)
        for points in both:  # what is stored and what it stands for
            assert np.all(points[-1][k:] == 0)  # the reason: a step reaches one coordinate further
            assert f.value(points[-1]) - f.lowest >= 3 * D / (32 * (k + 1) ** 2)


Restart = Callable[[float, float, float], bool]
# 31 eigenvalues from 0.001 to 1, from a start of length 1, until f < 1e-10
SLOW = Quadratic(np.diag(np.geomspace(1e-3, 1, 31)), np.zeros(31))
SLOW_START = np.full(31, 31**-0.5)


def steps_to_solve(optimizer: optim.Optimizer, restart: Restart | None = None) -> int:
    """Count the steps until f < 1e-10, with reset() whenever `restart` says so.

    `restart` receives f before and after the step, and g(y)'(x_k - x_{k-1}).
    """
    w, steps = SLOW_START.copy(), 0
    asked = np.zeros_like(w)

    def gradient(point: np.ndarray) -> np.ndarray:
        asked[...] = SLOW.gradient(point)
        return asked

    while SLOW.gap(w) > 1e-10:
        before = w.copy()
        optimizer.step(w, gradient)
        steps += 1
        assert steps < 10_000, "this method does not converge"
        if restart and restart(SLOW.gap(before), SLOW.gap(w), float(asked @ (w - before))):
            optimizer.reset()
    return steps


def test_adaptive_restart_by_reset_repairs_nesterovs_momentum() -> None:
    """O'Donoghue and Candes 2015: by function value, or by gradient, at condition number 1000."""
    make = MAKES["nag"]
    counts = [
        steps_to_solve(optim.GradientDescent(1.0)),
        steps_to_solve(make(1.0, optim.NesterovMomentum())),
        steps_to_solve(make(1.0, optim.NesterovMomentum()), lambda old, new, slope: new > old),
        steps_to_solve(make(1.0, optim.NesterovMomentum()), lambda old, new, slope: slope > 0),
    ]
    assert counts == [6021, 1409, 468, 465]


def test_restarted_nag_comes_near_the_momentum_tuned_with_knowledge_of_the_curvature() -> None:
    s = np.sqrt(1000)
    tuned = steps_to_solve(optim.NAG(1.0, (s - 1) / (s + 1)))
    restarted = steps_to_solve(
        optim.NAG(1.0, optim.NesterovMomentum()), lambda old, new, slope: slope > 0
    )
    assert tuned < restarted < 2 * tuned
