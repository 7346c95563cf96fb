"""Performance profiles and distribution functions by tables that were worked by hand."""

import itertools
import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minidl.comparison import ecdf, ecdf_steps, performance_ratios, profile_areas
from minidl.errors import ArgumentError

NEVER = math.inf
# Four problems: a clear order; a tie; one that only C solves; one that nobody does.
COSTS = [
    [10, 30, NEVER, NEVER],  # A
    [20, 30, NEVER, NEVER],  # B
    [50, 90, 7, NEVER],  # C
]
RATIOS = [[1, 1, NEVER, NEVER], [2, 1, NEVER, NEVER], [5, 3, 1, NEVER]]
# A: (3 + 3) / 4 / 3.   B: (2 + 3) / 4 / 3.   C: (0 + 1 + 3) / 4 / 3.
AREAS = [6 / 12, 5 / 12, 4 / 12]
VALUES = st.lists(st.integers(1, 8).map(float) | st.just(NEVER), min_size=1, max_size=9)


def test_the_ratios_by_hand():
    assert performance_ratios(COSTS).tolist() == RATIOS


def test_the_areas_by_hand():
    assert profile_areas(performance_ratios(COSTS)) == pytest.approx(AREAS, abs=1e-15)


def test_the_profiles_by_hand():
    a, b, c = performance_ratios(COSTS)
    points = [1, 1.999, 2, 3, 4.9, 5, 1000]
    assert ecdf(a, points).tolist() == [0.5] * 7
    assert ecdf(b, points).tolist() == [0.25, 0.25, 0.5, 0.5, 0.5, 0.5, 0.5]
    assert ecdf(c, points).tolist() == [0.25, 0.25, 0.25, 0.5, 0.5, 0.75, 0.75]


@pytest.mark.parametrize(
    ("r_max", "expected"), [(2, [1 / 2, 1 / 4, 1 / 4]), (7, [1 / 2, 11 / 24, 1 / 2])]
)
def test_other_bounds_by_hand(r_max, expected):
    assert profile_areas(RATIOS, r_max) == pytest.approx(expected, abs=1e-15)


def test_the_best_everywhere_has_area_1_and_an_optimizer_that_solves_nothing_0():
    assert profile_areas([[1, 1, 1], [NEVER, 4, 9]]).tolist() == [1, 0]


@given(st.lists(st.lists(st.integers(1, 30), min_size=3, max_size=3), min_size=1, max_size=4))
def test_the_area_is_the_area_of_the_rectangles_under_the_steps(costs):
    best = [min(column) for column in zip(*costs, strict=True)]
    areas = profile_areas(performance_ratios(costs))
    for row, area in zip(costs, areas, strict=True):
        ratios = [Fraction(t, least) for t, least in zip(row, best, strict=True)]
        corners = [*sorted(r for r in ratios if r < 4), Fraction(4)]
        area_by_hand = Fraction(0)
        for left, right in itertools.pairwise(corners):
            area_by_hand += (right - left) * Fraction(sum(r <= left for r in ratios), len(ratios))
        assert area == pytest.approx(float(area_by_hand / 3), abs=1e-12)


def test_the_area_is_what_trapezoids_come_close_to():
    costs = np.random.default_rng(0).lognormal(size=(3, 12))
    ratios = performance_ratios(costs)
    points = np.linspace(1, 4, 30_001)
    sampled = [np.trapezoid(ecdf(row, points), points) / 3 for row in ratios]
    assert profile_areas(ratios) == pytest.approx(sampled, abs=1e-3)


def test_hitting_times_over_targets_and_seeds_are_pooled():
    times = [[2, 4], [5, NEVER], [NEVER, NEVER]]  # three targets, two seeds
    assert ecdf(times, range(7)).tolist() == [0, 0, 1 / 6, 1 / 6, 2 / 6, 3 / 6, 3 / 6]
    corners, shares = ecdf_steps(times)
    assert corners.tolist() == [2, 4, 5]
    assert shares.tolist() == [1 / 6, 2 / 6, 3 / 6]


@given(VALUES, st.integers(0, 9))
def test_the_share_is_counted(values, x):
    assert float(ecdf(values, x)) == sum(v <= x for v in values) / len(values)


@given(VALUES)
def test_the_steps_are_where_the_share_rises(values):
    corners, shares = ecdf_steps(values)
    assert corners.tolist() == sorted({v for v in values if math.isfinite(v)})
    assert shares.tolist() == [sum(v <= c for v in values) / len(values) for c in corners]


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: performance_ratios([1, 2]), r"costs must be a table .*got \[1"),
        (lambda: performance_ratios([[]]), r"costs must be a table .*got \[\]"),
        (lambda: performance_ratios([[0, 1]]), r"costs must be .*> 0 or inf, got \[\[0"),
        (lambda: performance_ratios([[math.nan, 1]]), r"costs must be .*got \[\[nan"),
        (lambda: profile_areas([1, 2]), r"ratios must be a table .*got \[1"),
        (lambda: profile_areas([[0.5]]), r"ratios must be .*>= 1, got \[\[0\.5"),
        (lambda: profile_areas([[1.0]], 1), "r_max .*got 1"),
        (lambda: profile_areas([[1.0]], math.inf), "r_max .*got inf"),
        (lambda: ecdf([], 1), r"values must be .*got \[\]"),
        (lambda: ecdf_steps([1, math.nan]), r"values must be .*got \[ 1. nan\]"),
    ],
)
def test_errors_name_the_argument_and_its_value(call, words):
    with pytest.raises(ArgumentError, match=words):
        call()
