"""Measured figures against theory, and theory against independent numbers."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose

from minidl.errors import ArgumentError, UnknownNameError
from minidl.paths import (
    closed_form,
    crossed,
    crossing_limit,
    descend,
    measure,
    spectral_radius,
    stability_limit,
)
from minidl.paths.measures import swing

RULES = ("gd", "momentum", "nag")


def polynomial(rule, x, m):
    """The characteristic polynomial: Lessard et al. 2016, section 2.2; Polyak 1964."""
    q = 1 - x
    return {"gd": [1, -q, 0], "momentum": [1, -(1 + m - x), m], "nag": [1, -(1 + m) * q, m * q]}[
        rule
    ]


def along(rule, x, m=0.9, steps=600):
    """The figures of a run from 1 on x^2 / 2, where lr is lr times curvature."""
    (direction,) = measure(descend("x**2/2", rule, 1.0, steps, lr=x, momentum=m)).directions
    return direction


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("m", [0.0, 0.25, 0.5, 0.9, 0.99])
def test_the_closed_form_is_the_run(rule, m):
    double = float(crossing_limit(rule, m))
    for x in (1e-4, 0.0027, 0.1, 0.5, 0.9, 1.0, 1.3, double, double * (1 + 1e-7), 2 * double):
        expected = closed_form(rule, x, m, 200)
        path = descend("x**2/2", rule, 1.0, 200, lr=x, momentum=m)
        count = len(path.iterates)
        scale = np.maximum(1, np.abs(expected[:count]))
        assert_allclose(path.iterates[:, 0] / scale, expected[:count] / scale, atol=1e-10)


@pytest.mark.parametrize("rule", RULES)
def test_the_spectral_radius_is_the_largest_root(rule):
    x, m = np.meshgrid(np.linspace(-0.5, 4.5, 41), np.linspace(0, 0.99, 23))
    expected = [
        np.abs(np.roots(polynomial(rule, *pair))).max() for pair in zip(x.flat, m.flat, strict=True)
    ]
    assert_allclose(spectral_radius(rule, x, m).ravel(), expected, atol=1e-7)


@pytest.mark.parametrize("rule", RULES)
def test_the_limits_are_where_the_radius_passes_one(rule):
    m = np.linspace(0, 0.99, 34)
    limit = stability_limit(rule, m)
    assert (spectral_radius(rule, limit * (1 - 1e-6), m) < 1).all()
    assert (spectral_radius(rule, limit * (1 + 1e-6), m) > 1).all()


def test_limits_and_thresholds_at_momentum_nine_tenths():
    assert_allclose([stability_limit(rule) for rule in RULES], [2, 3.8, 1.357], atol=2e-4)
    assert_allclose(crossing_limit("momentum"), 0.002633, atol=5e-7)
    assert_allclose(crossing_limit("nag"), 0.002770, atol=5e-7)


@pytest.mark.parametrize(
    ("x", "momentum", "nag"), [(0.1, 0.604, 0.355), (0.5, 0.842, 0.202), (0.9, 0.890, 0.071)]
)
def test_overshoots_at_momentum_nine_tenths(x, momentum, nag):
    for rule, expected in (("momentum", momentum), ("nag", nag), ("nag-reformulated", nag)):
        direction = along(rule, x)
        assert_allclose(direction.measured.overshoot, expected, atol=5e-4)
        assert_allclose(direction.predicted.overshoot, expected, atol=5e-4)


@pytest.mark.parametrize(
    ("x", "momentum", "nag"), [(0.0027, 166, 179), (0.1, 129, 63), (0.5, 132, 17), (1.3, 134, 48)]
)
def test_steps_until_a_thousandth_at_momentum_nine_tenths(x, momentum, nag):
    for rule, expected in (("momentum", momentum), ("nag", nag), ("nag-reformulated", nag)):
        direction = along(rule, x)
        assert direction.measured.settled == expected
        assert direction.predicted.settled == expected


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("m", [0.5, 0.9])
def test_measured_and_predicted_figures_agree(rule, m):
    for x in (0.001, 0.05, 0.3, 0.7, 1.1):
        direction = along(rule, x, m, 400)
        seen, expected = direction.measured, direction.predicted
        assert (seen.crossings, seen.settled) == (expected.crossings, expected.settled)
        assert_allclose([seen.overshoot, seen.rate], [expected.overshoot, expected.rate], atol=1e-8)
        assert_allclose(direction.lr_limit, stability_limit(rule, m))


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("m", [0.25, 0.9])
def test_a_rule_never_crosses_exactly_up_to_its_threshold(rule, m):
    threshold = float(crossing_limit(rule, m))
    below, above = along(rule, 0.9 * threshold, m, 1500), along(rule, 1.1 * threshold, m, 1500)
    assert below.never_crosses
    assert below.measured.crossings == 0
    assert not above.never_crosses
    assert above.offsets.min() < 0
    assert along("nag", 1.0, m).never_crosses  # NAG lands on the minimum


def test_nag_diverges_where_momentum_does_not():
    assert descend("x**2/2", "nag", steps=5000, lr=1.36).diverged
    assert descend("x**2/2", "momentum", steps=5000, lr=1.36).diverged is None
    assert along("nag", 1.36).predicted.rate > 1 > along("momentum", 1.36).predicted.rate


def test_directions_of_a_rotated_quadratic_are_its_eigenvectors():
    # eigenvalues 3 along (1, 1) and 1 along (1, -1), minimum (1, -2)
    text = "(x - 1)**2 + (y + 2)**2 + (x - 1)*(y + 2)"
    found = measure(descend(text, "nag", (3.0, 1.0), 300, lr=0.1))
    assert_allclose(found.minimum, [1, -2], atol=1e-14)
    assert_allclose([d.curvature for d in found.directions], [3, 1], atol=1e-14)
    for direction, start in zip(found.directions, (5 / 2**0.5, -1 / 2**0.5), strict=True):
        assert_allclose(abs(direction.offsets[0]), abs(start), atol=1e-13)
        expected = direction.offsets[0] * closed_form("nag", 0.1 * direction.curvature, 0.9, 300)
        assert_allclose(direction.offsets, expected, atol=1e-12)
    assert_allclose(np.abs(found.directions[0].vector), 2**-0.5)


def test_a_direction_at_whose_minimum_the_start_is_has_no_figures():
    (only,) = measure(descend("valley", "gd", (0.0, 1.0), lr=0.02)).directions
    assert only.curvature == 20
    assert measure(descend("bowl", "gd", (0.0, 0.0), lr=0.1)).settled == 0


def test_a_downward_direction_is_never_stable():
    steep, downward = measure(descend("x**2 - y**2", "momentum", lr=0.1, steps=20)).directions
    assert steep.lr_limit == 3.8 / 2
    assert downward.lr_limit is None
    assert downward.predicted.rate > 1
    assert_allclose(downward.measured.rate, downward.predicted.rate, rtol=1e-9)


def test_other_surfaces_have_no_prediction():
    (direction,) = measure(descend("cos(x)", "momentum", lr=0.5)).directions
    assert direction.predicted is None
    assert direction.measured.crossings > 10
    assert measure(descend("rosenbrock", "nag", lr=3e-4)).directions == ()


def test_lessards_function_makes_momentum_cycle_forever():
    text = "12.5*x**2 - 12*max(x - 1, 0)**2 + 12*max(x - 2, 0)**2"
    path = descend(text, "momentum", 3.3, 2000, lr=1 / 9, momentum=4 / 9)
    cycle = np.array([792, -2208, 2592]) / 1225
    assert_allclose(np.sort(path.iterates[-3:, 0]), np.sort(cycle), atol=1e-9)
    found = measure(path)
    assert found.settled is None
    assert measure(descend(text, "nag", 3.3, 2000, lr=1 / 25, momentum=2 / 3)).settled is not None


@pytest.mark.parametrize(
    ("offsets", "steps", "overshoot", "settled"),
    [
        ([2.0, -1.0, 0.5, 0.0], [1, 2], 0.5, 3),
        ([-2.0, -1.0, 0.0, -1.0], [], 0.0, None),
        ([1.0, 0.0, 1.0, -1e-4, 1e-4], [], 1e-4, 3),  # within the tolerance there are no sides
        ([1.0, 0.0, -1.0], [2], 1.0, None),
        ([1.0, 2.0, 3.0], [], 0.0, None),
    ],
)
def test_figures_of_a_sequence(offsets, steps, overshoot, settled):
    found = swing(np.array(offsets))
    assert crossed(np.array(offsets)).tolist() == steps
    assert (found.crossings, found.settled) == (len(steps), settled)
    assert_allclose(found.overshoot, overshoot)


def test_length_and_uphill_steps():
    found = measure(descend("x**2/2", "gd", 1.0, 3, lr=1.5))  # 1, -1/2, 1/4, -1/8
    assert_allclose(found.length, 1.5 + 0.75 + 0.375)
    assert found.uphill == 0
    found = measure(descend("x**2/2", "gd", 1.0, 3, lr=2.5))  # 1, -3/2, 9/4, -27/8
    assert found.uphill == 3
    assert found.settled is None


def test_wrong_rules_and_tolerances_are_named():
    with pytest.raises(UnknownNameError, match="unknown rule 'adam'"):
        spectral_radius("adam", 0.5)
    with pytest.raises(ArgumentError, match="tolerance must be a number in"):
        measure(descend("bowl", "gd", lr=0.1), tolerance=1.0)


@pytest.mark.parametrize(
    ("text", "curvatures"),
    [("(x**2 - 20*y**2)/2", [-20, 1]), ("(x**2 + 20*y**2)/2", [20, 1]), ("x**2 - y**2", [2, -2])],
)
def test_the_first_direction_has_the_largest_absolute_curvature(text, curvatures):
    found = measure(descend(text, "gd", lr=0.01, steps=3))
    assert [direction.curvature for direction in found.directions] == curvatures


def test_the_predicted_factor_is_that_of_theory_even_after_one_step():
    (direction,) = measure(descend("x**2/2", "nag", 1.0, 1, lr=0.3)).directions
    assert np.isnan(direction.measured.rate)
    assert direction.predicted.rate == spectral_radius("nag", 0.3, 0.9)


def test_a_rise_of_a_thousandth_is_uphill_and_one_of_a_billionth_is_not():
    path = descend("x**2/2", "gd", 1.0, 4, lr=0.5)
    losses = np.array([0.5, 0.1, 0.1 + 5e-4, 0.05, 0.05 + 5e-10])
    assert measure(replace(path, losses=losses)).uphill == 1


@pytest.mark.parametrize("rule", RULES)
def test_a_huge_learning_rate_has_no_warning(rule):
    assert spectral_radius(rule, 1e300) > 1
    assert not np.isfinite(closed_form(rule, 1e300, 0.9, 3)[-1])
