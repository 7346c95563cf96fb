"""Kaplan-Meier and log-rank against lifelines, a textbook's data, and sums of fractions."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lifelines import KaplanMeierFitter
from lifelines.statistics import logrank_test
from lifelines.utils import restricted_mean_survival_time

from minidl.comparison import (
    kaplan_meier,
    kaplan_meier_median,
    log_rank,
    median,
    restricted_mean,
)
from minidl.errors import ArgumentError, ShapeError

RUNS = st.lists(st.tuples(st.integers(1, 9), st.booleans()), min_size=1, max_size=14)

# Remission of leukaemia in weeks (Freireich et al. 1963): Klein & Moeschberger 2003, table 1.2.
TREATED = [6, 6, 6, 6, 7, 9, 10, 10, 11, 13, 16, 17, 19, 20, 22, 23, 25, 32, 32, 34, 35]
SEEN = [c == "1" for c in "111010100110001100000"]
PLACEBO = [1, 1, 2, 2, 3, 4, 4, 5, 5, 8, 8, 8, 8, 11, 11, 12, 12, 15, 17, 22, 23]


def drawn(seed, n, delay=1.0):
    generator = np.random.default_rng(seed)
    arrival = np.ceil(generator.exponential(10 * delay, size=n))
    stopped = np.ceil(generator.uniform(3, 30, size=n))
    return np.minimum(arrival, stopped), arrival <= stopped


def test_the_survival_curve_of_the_textbook():
    curve = kaplan_meier(TREATED, SEEN)
    assert curve.times.tolist() == [6, 7, 10, 13, 16, 22, 23]
    assert curve.at_risk.tolist() == [21, 17, 15, 12, 11, 7, 6]
    assert curve.arrived.tolist() == [3, 1, 1, 1, 1, 1, 1]
    assert curve.survival.round(3).tolist() == [0.857, 0.807, 0.753, 0.69, 0.627, 0.538, 0.448]
    assert kaplan_meier_median(TREATED, SEEN) == 23
    assert kaplan_meier_median(PLACEBO, [True] * 21) == 8


def test_the_log_rank_test_of_the_textbook():
    result = log_rank(TREATED, SEEN, PLACEBO, [True] * 21)
    assert result.statistic == pytest.approx(16.79, abs=0.005)
    assert result.p == pytest.approx(4.17e-5, abs=1e-7)


@pytest.mark.parametrize("seed", range(8))
def test_lifelines_has_the_same_curve_and_the_same_median(seed):
    times, seen = drawn(seed, 10 + 7 * seed)
    theirs = KaplanMeierFitter().fit(times, seen)
    curve = kaplan_meier(times, seen)
    assert curve.survival == pytest.approx(
        theirs.survival_function_at_times(curve.times).to_numpy(), abs=1e-12
    )
    if not np.any(np.abs(curve.survival - 0.5) < 1e-9):  # there the conventions differ
        assert kaplan_meier_median(times, seen) == theirs.median_survival_time_


@pytest.mark.parametrize("seed", range(8))
def test_lifelines_has_the_same_log_rank_test(seed):
    a, seen_a = drawn(seed, 12 + seed)
    b, seen_b = drawn(100 + seed, 15, delay=1 + seed / 4)
    theirs = logrank_test(a, b, seen_a, seen_b)
    ours = log_rank(a, seen_a, b, seen_b)
    assert ours.statistic == pytest.approx(theirs.test_statistic, rel=1e-9)
    assert ours.p == pytest.approx(theirs.p_value, rel=1e-9)


@pytest.mark.parametrize("seed", range(4))
def test_lifelines_has_the_same_restricted_mean(seed):
    times, _ = drawn(seed, 21)
    budget = 12.0
    theirs = KaplanMeierFitter().fit(np.minimum(times, budget), times <= budget)
    never = np.where(times <= budget, times, math.inf)
    assert restricted_mean(never, budget) == pytest.approx(
        restricted_mean_survival_time(theirs, t=budget), abs=1e-9
    )


@given(RUNS)
def test_the_curve_and_its_median_by_sums_of_fractions(runs):
    survival, expected = Fraction(1), []
    for t in sorted({t for t, seen in runs if seen}):
        at_risk = sum(time >= t for time, _ in runs)
        survival *= 1 - Fraction(runs.count((t, True)), at_risk)
        expected.append((t, survival))
    times, seen = zip(*runs, strict=True)
    curve = kaplan_meier(times, seen)
    assert curve.times.tolist() == [t for t, _ in expected]
    assert curve.survival == pytest.approx([float(s) for _, s in expected], abs=1e-12)
    below = [t for t, s in expected if s < Fraction(1, 2)]
    half = [t for t, s in expected if s == Fraction(1, 2)]
    middle = math.inf if not below else (below[0] + (half or below)[0]) / 2
    assert kaplan_meier_median(times, seen) == middle


@given(st.lists(st.integers(1, 12), min_size=1, max_size=12), st.integers(1, 12))
def test_under_one_budget_the_median_is_the_ordinary_one(times, budget):
    seen = [t <= budget for t in times]
    cut = [min(t, budget) for t in times]
    never = [t if t <= budget else math.inf for t in times]
    assert kaplan_meier_median(cut, seen) == median(never)
    assert kaplan_meier_median(never, seen) == median(never)


@given(RUNS, RUNS)
def test_the_log_rank_test_does_not_mind_which_group_is_first(a, b):
    (ta, sa), (tb, sb) = zip(*a, strict=True), zip(*b, strict=True)
    one, other = log_rank(ta, sa, tb, sb), log_rank(tb, sb, ta, sa)
    assert one.statistic == pytest.approx(other.statistic, abs=1e-9)
    assert 0 <= one.p <= 1
    assert log_rank(ta, sa, ta, sa).p == pytest.approx(1)


def test_without_an_arrival_nothing_is_told_apart():
    assert log_rank([5, 5], [False, False], [5], [False]) == (0.0, 1.0)
    assert log_rank([5], [True], [1], [False]) == (0.0, 1.0)  # the other had been stopped before
    curve = kaplan_meier([5, 6], [False, False])
    assert curve.times.size == curve.survival.size == 0
    assert kaplan_meier_median([5, 6], [False, False]) == math.inf


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: kaplan_meier([1, 2], [True]), ShapeError, "observed does not fit"),
        (lambda: kaplan_meier([], []), ArgumentError, "received none"),
        (lambda: kaplan_meier([math.inf], [True]), ArgumentError, "arrival at infinity"),
        (lambda: kaplan_meier_median([-1], [True]), ArgumentError, r"received -1\.0"),
        (lambda: log_rank([1], [True], [2], [True, True]), ShapeError, "observed does not fit"),
    ],
)
def test_what_cannot_be_used_is_told(call, error, words):
    with pytest.raises(error, match=words):
        call()
