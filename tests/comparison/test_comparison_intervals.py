"""Intervals of medians against the binomial distribution, of means against SciPy's bootstrap."""

import itertools
import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from minidl.comparison import bootstrap_interval, bootstrap_means, median_interval, median_ranks
from minidl.comparison.stats.intervals import RESAMPLES
from minidl.errors import ArgumentError

VALUES = [12, 15, 11, 19, 14, 13, 40, 12, 16, 18]


@pytest.mark.parametrize(
    ("n", "ranks"),
    [(20, (6, 15)), (15, (4, 12)), (10, (2, 9)), (6, (1, 6)), (5, None), (1, None), (0, None)],
)
def test_the_ranks_of_the_protocol(n, ranks):
    assert median_ranks(n) == ranks


@pytest.mark.parametrize("n", range(1, 15))
@pytest.mark.parametrize("confidence", [0.5, 0.8, 0.9, 0.95, 0.99])
def test_the_ranks_by_enumeration_of_who_is_below_the_median(n, confidence):
    below = [sum(each) for each in itertools.product((0, 1), repeat=n)]
    missed = [Fraction(2 * sum(b <= rank - 1 for b in below), 2**n) for rank in range(1, n)]
    allowed = 1 - Fraction(confidence)
    good = [rank for rank in range(1, n) if missed[rank - 1] <= allowed and 2 * rank <= n]
    assert median_ranks(n, confidence) == ((good[-1], n + 1 - good[-1]) if good else None)


@pytest.mark.parametrize("n", [6, 7, 20, 21, 50, 99, 100, 1000, 2001])
@pytest.mark.parametrize("confidence", [0.5, 0.9, 0.95, 0.999])
def test_the_ranks_against_scipys_binomial_distribution(n, confidence):
    ranks = median_ranks(n, confidence)
    lost = 2 * stats.binom.cdf(np.arange(n // 2), n, 0.5)
    good = int(np.sum(lost <= 1 - confidence))  # the tails of ranks 1, 2, ... that are allowed
    assert ranks == ((good, n + 1 - good) if good else None)
    if ranks is not None:
        low, high = ranks
        held = stats.binom.cdf(high - 1, n, 0.5) - stats.binom.cdf(low - 1, n, 0.5)
        assert held >= confidence - 1e-9
        narrower = stats.binom.cdf(high - 2, n, 0.5) - stats.binom.cdf(low, n, 0.5)
        assert narrower < confidence


def test_a_tail_that_is_exactly_what_is_allowed_is_allowed():
    assert median_ranks(6, 1 - 2 / 64) == (1, 6)
    assert median_ranks(6, math.nextafter(1 - 2 / 64, 1)) is None
    assert median_ranks(1, 1e-9) is None  # one value has no interval, not even a bad one
    assert median_ranks(2, 0.5) == (1, 2)


def test_the_interval_is_two_of_the_times_with_infinite_ones_last():
    times = [30, math.inf, 4, 12, 8, 6, math.inf, 10, 5, 7]
    assert median_interval(times) == (5, math.inf)
    assert median_interval([*times[2:6], 9, 1]) == (1, 12)
    assert median_interval([math.inf] * 6) == (math.inf, math.inf)
    assert median_interval([1, 2, 3, 4, 5]) is None
    assert median_interval([1, 2, 3, 4, 5], confidence=0.9) == (1, 5)


@pytest.mark.parametrize("n", [2, 3, 6, 10, 20])
@pytest.mark.parametrize("confidence", [0.8, 0.95])
def test_the_bootstrap_is_scipys_at_the_expanded_level(n, confidence):
    values = np.random.default_rng(n).gamma(2.0, 10.0, size=n).round()
    t = stats.t.ppf((1 - confidence) / 2, n - 1)
    tail = stats.norm.cdf(math.sqrt(n / (n - 1)) * t)
    theirs = stats.bootstrap(
        (values,),
        np.mean,
        method="percentile",
        confidence_level=1 - 2 * tail,
        n_resamples=500,
        rng=np.random.default_rng(7),
    ).confidence_interval
    ours = bootstrap_interval(values, confidence, resamples=500, seed=7)
    assert ours == pytest.approx((theirs.low, theirs.high), rel=1e-12)


def test_of_a_sample_like_a_normal_one_it_is_students_interval():
    values = 10 + 2 * stats.norm.ppf((np.arange(20) + 0.5) / 20)
    mean, error = values.mean(), values.std() / math.sqrt(20)
    t = stats.t.ppf(0.975, 19) * math.sqrt(20 / 19)
    low, high = bootstrap_interval(values, resamples=200_000)
    assert low == pytest.approx(mean - t * error, abs=0.05 * error)
    assert high == pytest.approx(mean + t * error, abs=0.05 * error)


def test_the_expansion_vanishes_for_many_values():
    values = np.random.default_rng(2).exponential(size=2000)
    plain = np.quantile(bootstrap_means(values, 400), [0.025, 0.975])
    assert bootstrap_interval(values, resamples=400) == pytest.approx(plain, rel=1e-3)


def test_the_means_are_those_of_samples_of_the_values():
    means = bootstrap_means([0.0, 1.0, 10.0], resamples=4000, seed=3)
    possible = {sum(each) / 3 for each in itertools.product((0.0, 1.0, 10.0), repeat=3)}
    assert set(means.tolist()) == possible
    share = np.mean(means == 10)  # three times the same of three
    assert abs(share - 1 / 27) < 4 * math.sqrt(1 / 27 * 26 / 27 / 4000)


def test_resamples_are_paired_whatever_is_resampled():
    a, b = np.array(VALUES, float), np.array(VALUES[::-1], float)
    paired = bootstrap_means(a, 50, 5) - bootstrap_means(b, 50, 5)
    assert paired == pytest.approx(bootstrap_means(a - b, 50, 5), abs=1e-12)


def test_the_interval_depends_on_its_arguments_alone():
    values = np.sqrt(VALUES)
    first = bootstrap_interval(values, seed=4)
    np.random.seed(0)  # noqa: NPY002
    assert bootstrap_interval(values.tolist(), seed=4) == first
    assert bootstrap_interval(values, seed=5) != first
    assert bootstrap_interval(VALUES) == bootstrap_interval(VALUES, 0.95, resamples=10_000, seed=0)
    assert len(bootstrap_means(VALUES)) == RESAMPLES == 10_000


def test_more_confidence_is_a_wider_interval_and_the_mean_is_inside():
    low, high = bootstrap_interval(VALUES, 0.5)
    wider_low, wider_high = bootstrap_interval(VALUES, 0.99)
    assert wider_low < low < np.mean(VALUES) < high < wider_high


@given(st.integers(-50, 50), st.integers(2, 8))
def test_equal_values_have_an_interval_without_width(value, n):
    assert bootstrap_interval([value] * n, resamples=20) == (value, value)


def test_one_value_has_no_interval():
    assert bootstrap_interval([3.0]) is None


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: median_ranks(-1), "n must be an integer >= 0, got -1"),
        (lambda: median_ranks(10, 0), "confidence must be between 0 and 1, got 0"),
        (lambda: median_ranks(10, 1), "confidence must be between 0 and 1, got 1"),
        (lambda: median_interval([]), "times must be .*got no times"),
        (lambda: bootstrap_means([]), r"values must be 1-D and finite, got \[\]"),
        (lambda: bootstrap_means([[1.0]]), r"values must be 1-D and finite, got \[\[1"),
        (lambda: bootstrap_interval([1.0, math.inf]), r"got \[ 1\. inf\]\. Use min\(T, E\), not T"),
        (lambda: bootstrap_means([1.0], 0), "resamples .*got 0"),
        (lambda: bootstrap_means([1.0], seed=-1), "seed.*-1"),
        (lambda: bootstrap_interval([1.0, 2.0], 95), "confidence .*got 95"),
    ],
)
def test_errors_name_the_argument_and_its_value(call, words):
    with pytest.raises(ArgumentError, match=words):
        call()
