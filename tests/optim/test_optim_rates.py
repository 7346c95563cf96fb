"""Asymptotic rates on quadratics (Lessard, Recht, Packard 2016), and where they do not hold."""

from fractions import Fraction

import numpy as np
import pytest
from numpy.testing import assert_allclose
from optim_checks import MAKES, Make, trajectory
from optim_problems import diagonal_quadratic, lessard_slope

from minidl import optim

KAPPAS = (4.0, 100.0, 2500.0)


def tuned(row: str, L: float, l: float) -> tuple[float, float, float]:  # noqa: E741
    """Return learning rate, momentum and rate of a row of Lessard et al. 2016, Proposition 1."""
    kappa = L / l
    s, q = np.sqrt(kappa), np.sqrt(3 * kappa + 1)
    rows = {
        "gradient descent": (2 / (L + l), 0.0, (kappa - 1) / (kappa + 1)),
        "nag": (1 / L, (s - 1) / (s + 1), 1 - 1 / s),
        "nag for quadratics": (4 / (3 * L + l), (q - 2) / (q + 2), 1 - 2 / q),
        "heavy ball": (
            4 / (np.sqrt(L) + np.sqrt(l)) ** 2,
            ((s - 1) / (s + 1)) ** 2,
            (s - 1) / (s + 1),
        ),
    }
    return tuple(float(x) for x in rows[row])


ROWS = [
    ("gradient descent", "gradient descent"),
    ("nag", "nag"),
    ("nag", "reformulated nag"),
    ("nag for quadratics", "nag"),
    ("nag for quadratics", "reformulated nag"),
    ("heavy ball", "momentum"),
]


def log_errors(row: str, rule: str, kappa: float, steps: int) -> np.ndarray:
    """Return log max |theta_k| on a quadratic with 9 eigenvalues from 1 to kappa, from ones.

    The minimum is 0, so nothing cancels and the errors fall far below machine precision.
    """
    problem = diagonal_quadratic(*np.linspace(1, kappa, 9))
    a, m, _ = tuned(row, kappa, 1.0)
    make: Make = MAKES[rule]
    _, points = trajectory(make(a, m), problem.gradient, np.ones(9), steps)
    return np.log(np.abs(points).max(axis=1))


@pytest.mark.parametrize("kappa", KAPPAS)
@pytest.mark.parametrize(("row", "rule"), ROWS)
def test_errors_fall_at_the_rate_that_theory_gives(row: str, rule: str, kappa: float) -> None:
    """A double root adds a factor k; doubling k then adds log 2, which is taken off."""
    rate = np.log(tuned(row, kappa, 1.0)[2])
    k, factor = int(200 / -rate), np.log(2)
    if rule == "gradient descent":  # its errors are exact powers, so fewer steps show the rate
        k, factor = k // 10, 0.0
    errors = log_errors(row, rule, kappa, 2 * k)
    assert_allclose((errors[2 * k] - errors[k] - factor) / k, rate, rtol=0.005)


@pytest.mark.parametrize("kappa", KAPPAS)
def test_no_learning_rate_makes_gradient_descent_faster_than_its_tuned_one(kappa: float) -> None:
    a, _, rate = tuned("gradient descent", kappa, 1.0)
    h = np.array([1.0, kappa])
    for other in (0.9 * a, 0.99 * a, 1.01 * a):
        assert np.abs(1 - other * h).max() > rate
        optimizer, w = optim.GradientDescent(other), np.ones(2)
        for _ in range(50):
            optimizer.step(w, lambda point: h * point)
        assert np.abs(w).max() > rate**50


def test_tuned_heavy_ball_needs_1_64_times_fewer_iterations_than_tuned_nag() -> None:
    rates, needed = [], []
    for row, rule in (("heavy ball", "momentum"), ("nag for quadratics", "nag")):
        rates.append(-np.log(tuned(row, 100.0, 1.0)[2]))
        errors = log_errors(row, rule, 100.0, int(500 / rates[-1]))
        reached = [np.flatnonzero(errors > np.log(goal))[-1] for goal in (1e-100, 1e-200)]
        needed.append(reached[1] - reached[0])
    assert_allclose(rates[0] / rates[1], 1.64, atol=5e-3)
    assert_allclose(needed[1] / needed[0], 1.64, atol=5e-3)


CYCLE = [Fraction(792, 1225), Fraction(-2208, 1225), Fraction(2592, 1225)]


def test_heavy_balls_cycle_is_exact_in_rational_arithmetic() -> None:
    def slope(x: Fraction) -> Fraction:
        if x < 1:
            return 25 * x
        return x + 24 if x < 2 else 25 * x - 24

    for i in range(3):
        before, here, after = CYCLE[i - 1], CYCLE[i], CYCLE[(i + 1) % 3]
        assert after == here - slope(here) / 9 + Fraction(4, 9) * (here - before)


def test_tuned_heavy_ball_cycles_forever_on_a_convex_function() -> None:
    optimizer, w = optim.Momentum(1 / 9, 4 / 9), np.array([3.3])
    _, points = trajectory(optimizer, lessard_slope, w, 3_000)
    expected = np.tile([float(x) for x in CYCLE], 100)
    tail = points[-300:, 0]
    shift = int(np.abs(tail[:3] - expected[0]).argmin())
    assert_allclose(tail, np.roll(expected, shift), rtol=1e-14)


@pytest.mark.parametrize("make", [optim.NAG, optim.ReformulatedNAG])
def test_nag_converges_where_tuned_heavy_ball_cycles(make: Make) -> None:
    _, points = trajectory(make(1 / 25, 2 / 3), lessard_slope, np.array([3.3]), 200)
    assert abs(points[-1, 0]) < 1e-15


def test_gradient_descent_converges_there_too() -> None:
    _, points = trajectory(optim.GradientDescent(2 / 26), lessard_slope, np.array([3.3]), 1_000)
    assert abs(points[-1, 0]) < 1e-15
