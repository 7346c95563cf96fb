"""Along one Hessian eigenvector every rule is a 2 x 2 matrix, and theory says all about it."""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.testing import assert_allclose
from optim_checks import (
    MAKES,
    Make,
    check_recurrence,
    gradient_descent,
    heavy_ball_constant,
    heavy_ball_trace,
    nag_constant,
    nag_trace,
    trajectory,
    unit_run,
)

from minidl import optim

MOMENTA = (0.25, 0.5, 0.9, 0.99)
NAGS = (optim.NAG, optim.ReformulatedNAG)
EPS = 1e-5  # how near to a limit, relative to it, the two sides are told apart


def heavy_ball_limit(m: float) -> float:
    return 2 * (1 + m)


def nag_limit(m: float) -> float:
    return 2 * (1 + m) / (1 + 2 * m)


def heavy_ball_threshold(m: float) -> float:
    return (1 - np.sqrt(m)) ** 2


def nag_threshold(m: float) -> float:
    return ((1 - m) / (1 + m)) ** 2


def eigenvalues(make: Make, x: float, m: float) -> np.ndarray:
    """Return the eigenvalues of the map (w, v) -> (w, v) that one step is."""
    columns = []
    for w, v in ((1.0, 0.0), (0.0, 1.0)):
        optimizer, point = make(x, m), np.array([w])
        optimizer.state["velocity"] = np.array([v])
        optimizer.step(point, lambda p: p.copy())
        columns.append([point[0], optimizer.state["velocity"][0]])
    return np.linalg.eigvals(np.array(columns).T)


def radius(make: Make, x: float, m: float) -> float:
    """Return the modulus of the largest eigenvalue: the asymptotic rate."""
    return float(np.abs(eigenvalues(make, x, m)).max())


def escapes(make: Make, x: float, m: float) -> bool:
    """Whether the point leaves [-1000, 1000] within 40,000 steps."""
    optimizer, w = make(x, m), np.ones(1)
    for _ in range(40_000):
        optimizer.step(w, lambda point: point.copy())
        if abs(w[0]) > 1e3:
            return True
    return False


def test_gradient_descent_multiplies_by_one_minus_x() -> None:
    for x in (0.1, 1.0, 1.5, 1.999, 2.001):
        run = unit_run(gradient_descent, x, 0, 30)
        assert_allclose(run, (1 - x) ** np.arange(31), rtol=1e-12, atol=0)


def test_heavy_ball_satisfies_its_recurrence() -> None:
    check_recurrence(optim.Momentum, heavy_ball_trace, heavy_ball_constant)


@pytest.mark.parametrize("make", NAGS)
def test_nag_satisfies_its_recurrence(make: Make) -> None:
    check_recurrence(make, nag_trace, nag_constant)


@pytest.mark.parametrize("m", MOMENTA)
def test_roots_of_the_characteristic_polynomial_are_the_steps_eigenvalues(m: float) -> None:
    for x in (0.001, 0.2, 0.8, 1.2, 1.7, 2.5):
        heavy = np.poly([*eigenvalues(optim.Momentum, x, m)])
        assert_allclose(heavy, [1, -(1 + m - x), m], rtol=0, atol=1e-14)
        for make in NAGS:
            nag = np.poly([*eigenvalues(make, x, m)])
            assert_allclose(nag, [1, -(1 + m) * (1 - x), m * (1 - x)], rtol=0, atol=1e-14)


@pytest.mark.parametrize("m", MOMENTA)
@pytest.mark.parametrize(
    ("make", "limit"),
    [
        (gradient_descent, lambda m: 2.0),
        (optim.Momentum, heavy_ball_limit),
        (optim.NAG, nag_limit),
        (optim.ReformulatedNAG, nag_limit),
    ],
)
def test_rule_converges_just_below_its_limit_and_diverges_just_above(
    make: Make, limit: Callable[[float], float], m: float
) -> None:
    near = 0.01 * (1 - m)
    below = np.abs(unit_run(make, limit(m) * (1 - near), m, int(400 / (1 - m))))
    assert below[-1] < 1e-3 * below.max()
    assert escapes(make, limit(m) * (1 + near), m)


@pytest.mark.parametrize("m", MOMENTA)
def test_stability_limit_is_where_the_largest_eigenvalue_has_modulus_one(m: float) -> None:
    for make, limit in ((optim.Momentum, heavy_ball_limit(m)), (optim.NAG, nag_limit(m))):
        assert radius(make, limit * (1 - EPS), m) < 1 < radius(make, limit * (1 + EPS), m)
    assert heavy_ball_limit(m) > 2 > nag_limit(m)


def test_stability_limits_at_momentum_nine_tenths() -> None:
    assert_allclose([heavy_ball_limit(0.9), nag_limit(0.9)], [3.8, 1.357], rtol=0, atol=2e-4)


@pytest.mark.parametrize("m", MOMENTA)
def test_nag_is_classical_momentum_with_less_momentum_where_curvature_is_high(m: float) -> None:
    x = np.linspace(0.01, 1, 12)[:, np.newaxis]  # one replica per curvature, at learning rate 1
    start = np.ones_like(x)
    _, heavy = trajectory(optim.Momentum(1.0, m * (1 - x)), lambda w: x * w, start, 200)
    for make in NAGS:
        _, nag = trajectory(make(1.0, m), lambda w: x * w, start, 200)
        assert_allclose(nag, heavy, rtol=0, atol=1e-13)


@pytest.mark.parametrize("m", MOMENTA)
def test_roots_are_complex_exactly_between_the_oscillation_thresholds(m: float) -> None:
    high = (1 + np.sqrt(m)) ** 2
    for make, low, top in (
        (optim.Momentum, heavy_ball_threshold(m), high),
        (optim.NAG, nag_threshold(m), 1.0),
        (optim.ReformulatedNAG, nag_threshold(m), 1.0),
    ):
        for x in (low * (1 - EPS), top * (1 + EPS)):
            assert np.all(np.isreal(eigenvalues(make, x, m)))
        for x in (low * (1 + EPS), top * (1 - EPS), np.sqrt(low * top)):
            assert not np.any(np.isreal(eigenvalues(make, x, m)))


@pytest.mark.parametrize("m", MOMENTA)
def test_modulus_of_complex_roots_falls_with_curvature_for_nag_alone(m: float) -> None:
    for share in (0.01, 0.3, 0.7, 0.99):
        low = max(heavy_ball_threshold(m), nag_threshold(m))
        x = low + share * (1 - low)
        assert_allclose(np.abs(eigenvalues(optim.Momentum, x, m)), np.sqrt(m), rtol=1e-13)
        for make in NAGS:
            expected = np.sqrt(m * (1 - x))
            assert_allclose(np.abs(eigenvalues(make, x, m)), expected, rtol=1e-13)


@pytest.mark.parametrize(
    ("make", "trace", "constant"),
    [
        (optim.Momentum, heavy_ball_trace, heavy_ball_constant),
        (optim.NAG, nag_trace, nag_constant),
        (optim.ReformulatedNAG, nag_trace, nag_constant),
    ],
)
def test_complex_case_is_a_damped_cosine(
    make: Make, trace: Callable[..., float], constant: Callable[..., float]
) -> None:
    k = np.arange(120)
    for x in (0.01, 0.1, 0.5, 0.9):
        r = np.sqrt(constant(x, 0.9))
        phi = np.arccos(trace(x, 0.9) / (2 * r))
        C = ((1 - x) - r * np.cos(phi)) / (r * np.sin(phi))
        expected = r**k * (np.cos(k * phi) + C * np.sin(k * phi))
        assert_allclose(unit_run(make, x, 0.9, 119), expected, rtol=0, atol=1e-13)


@pytest.mark.parametrize("m", MOMENTA)
@pytest.mark.parametrize("name", MAKES)
def test_rule_crosses_the_minimum_just_above_its_threshold_and_never_below(
    name: str, m: float
) -> None:
    threshold = {"gradient descent": 1.0, "momentum": heavy_ball_threshold(m)}.get(
        name, nag_threshold(m)
    )
    below = [share * threshold for share in (0.01, 0.5, 0.99)]
    above = [1.01 * threshold, (threshold + 1) / 2 + 1e-3]
    optimizer = MAKES[name]([*below, *above], m)  # one replica per learning rate
    _, iterates = trajectory(optimizer, lambda w: w.copy(), np.ones((5, 1)), 8_000)
    lowest = iterates.min(axis=0)[:, 0]
    assert lowest[:3].min() >= 0
    assert lowest[3:].max() < 0


def test_landing_exactly_on_the_minimum_happens_at_x_one_for_descent_and_for_nags_iterate() -> None:
    assert np.array_equal(unit_run(gradient_descent, 1.0, 0, 5), [1, 0, 0, 0, 0, 0])
    for make in NAGS:
        assert_allclose(unit_run(make, 1.0, 0.9, 50)[1:], 0, atol=1e-15)
    stored, _ = trajectory(optim.ReformulatedNAG(1.0, 0.9), lambda w: w.copy(), np.ones(1), 1)
    assert_allclose(stored[-1], -0.9, rtol=1e-15)  # the stored point does cross
    assert unit_run(optim.Momentum, 1.0, 0.9, 50).min() < -0.8


def test_no_crossing_thresholds_at_momentum_nine_tenths() -> None:
    got = heavy_ball_threshold(0.9), nag_threshold(0.9)
    assert_allclose(got, (0.002633, 0.002770), rtol=0, atol=5e-7)


@pytest.mark.parametrize(
    ("x", "heavy", "nag"), [(0.1, 0.604, 0.355), (0.5, 0.842, 0.202), (0.9, 0.890, 0.071)]
)
def test_nag_overshoots_too_but_less(x: float, heavy: float, nag: float) -> None:
    assert_allclose(-unit_run(optim.Momentum, x, 0.9, 200).min(), heavy, atol=5e-4)
    for make in NAGS:
        assert_allclose(-unit_run(make, x, 0.9, 200).min(), nag, atol=5e-4)


def settled(make: Make, x: float) -> int:
    """Return the step from which on |theta| < 1e-3 for good."""
    far = np.flatnonzero(np.abs(unit_run(make, x, 0.9, 3_000)) >= 1e-3)
    return int(far[-1]) + 1


@pytest.mark.parametrize(
    ("x", "heavy", "nag"),
    [(0.0027, 166, 179), (0.1, 129, 63), (0.5, 132, 17), (1.3, 134, 48)],
)
def test_nag_needs_fewer_steps_except_where_curvature_is_tiny(
    x: float, heavy: int, nag: int
) -> None:
    assert settled(optim.Momentum, x) == heavy
    assert [settled(make, x) for make in NAGS] == [nag, nag]


def test_nag_diverges_where_heavy_ball_still_converges() -> None:
    assert settled(optim.Momentum, 1.36) == 133
    assert all(escapes(make, 1.36, 0.9) for make in NAGS)
