"""Median, sign-flip test and Holm's correction against computations of another kind."""

import itertools
import math
import random
import statistics
from collections import Counter
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from minidl.comparison import holm, median, sign_flip
from minidl.comparison.stats.verdicts import DRAWS, EXACT

EPOCHS = st.integers(0, 50).map(float) | st.just(math.inf)
PROBABILITIES = st.lists(st.floats(0, 1), max_size=8)


def all_signs(differences):
    """The p-value of integers by the definition: all sign patterns, in exact arithmetic."""
    d = np.array(differences, dtype=int)
    signs = np.array([*itertools.product((1, -1), repeat=len(d))], dtype=int)
    return float(np.mean(abs(signs @ d) >= abs(d.sum())))


@given(st.lists(EPOCHS, min_size=1, max_size=12))
def test_the_median_is_the_ordinary_one_with_infinities_in_order(times):
    assert median(times) == statistics.median(times)


@given(st.lists(EPOCHS, min_size=1, max_size=11).filter(lambda times: len(times) % 2))
def test_the_median_is_that_of_kaplan_and_meier_under_a_common_budget(times):
    survivors, at = 1.0, math.inf
    for t in sorted({x for x in times if math.isfinite(x)}):
        at_risk = sum(x >= t for x in times)
        survivors *= 1 - times.count(t) / at_risk
        if survivors < 0.5:
            at = t
            break
    assert median(times) == at


@pytest.mark.parametrize(
    ("times", "expected"),
    [
        ([7], 7),
        ([math.inf], math.inf),
        ([4, 1], 2.5),
        ([9, math.inf], math.inf),
        ([math.inf, 2, 1], 2),
        ([1, 2, math.inf, math.inf], math.inf),
        ([1, 2, 3, math.inf], 2.5),
        ([math.inf, math.inf, math.inf, 1], math.inf),
    ],
)
def test_a_run_that_did_not_converge_counts_as_infinity(times, expected):
    assert median(times) == expected


def test_the_median_of_nothing_is_not_a_number():
    assert math.isnan(median([]))


def share_by_adding_one_at_a_time(differences):
    """The p-value of integers: how many sign patterns lead to each sum, built up one by one."""
    ways = Counter({0: 1})
    for x in differences:
        grown = Counter()
        for total, count in ways.items():
            grown[total + x] += count
            grown[total - x] += count
        ways = grown
    far = sum(count for total, count in ways.items() if abs(total) >= abs(sum(differences)))
    return Fraction(far, 2 ** len(differences))


@given(st.lists(st.integers(-12, 12), max_size=10))
def test_the_sign_flip_p_value_is_the_share_of_all_sign_patterns(differences):
    assert sign_flip(differences) == all_signs(differences)


@given(st.lists(st.sampled_from([0.1, -0.1, 0.2, -0.3, 0.7]), min_size=1, max_size=9))
def test_ties_that_differ_only_by_rounding_are_ties(differences):
    assert sign_flip(differences) == all_signs([round(10 * d) for d in differences])


@pytest.mark.parametrize("seed", range(5))
def test_scipys_permutation_test_agrees(seed):
    d = np.random.default_rng(seed).normal(0.5, 1.0, size=9)
    result = stats.permutation_test((d,), np.mean, permutation_type="samples", n_resamples=np.inf)
    assert sign_flip(d) == pytest.approx(result.pvalue, abs=1e-12)


@pytest.mark.parametrize("seed", range(5))
def test_on_signed_ranks_it_is_wilcoxons_test(seed):
    d = np.random.default_rng(seed).normal(0.4, 1.0, size=12)
    ranks = np.sign(d) * stats.rankdata(np.abs(d))
    assert sign_flip(ranks) == pytest.approx(stats.wilcoxon(d, method="exact").pvalue, abs=1e-12)


@pytest.mark.parametrize(("n", "k"), [(6, 6), (10, 2), (14, 11), (14, 7)])
def test_on_equal_differences_it_is_the_sign_test(n, k):
    d = [1.0] * k + [-1.0] * (n - k)
    assert sign_flip(d) == pytest.approx(stats.binomtest(k, n).pvalue, abs=1e-12)


@pytest.mark.parametrize("seed", range(4))
def test_drawn_patterns_come_close_to_all_of_them(seed):
    n = EXACT + 1
    d = np.random.default_rng(seed).integers(-6, 10, size=n)
    exact = share_by_adding_one_at_a_time(d.tolist())
    deviation = math.sqrt(exact * (1 - exact) / DRAWS)
    assert sign_flip(d) != exact  # drawn, not counted
    assert abs(sign_flip(d) - exact) < 4 * deviation + 1 / DRAWS


@pytest.mark.parametrize("n", [11, 20, 29, EXACT])
def test_all_patterns_of_many_seeds_are_counted(n):
    d = np.random.default_rng(n).integers(-6, 10, size=n).tolist()
    assert sign_flip(d) == float(share_by_adding_one_at_a_time(d))


def test_the_exact_count_goes_as_far_as_it_says():
    d = [1.0] * EXACT
    assert sign_flip(d) == 2 / 2**EXACT


def test_a_drawn_p_value_is_never_zero_because_the_observed_pattern_is_one_of_them():
    assert sign_flip([1.0] * 60) == 1 / (DRAWS + 1)


def test_drawn_patterns_depend_on_their_seed_alone():
    d = np.random.default_rng(1).integers(-5, 8, size=40)
    np.random.seed(0)  # noqa: NPY002
    random.seed(0)
    first = sign_flip(d)
    np.random.seed(7)  # noqa: NPY002
    random.seed(7)
    assert sign_flip(d) == first
    assert sign_flip(d, seed=1) != first


@pytest.mark.parametrize("differences", [[], [0.0], [0.0] * 10, [0.0] * 40, [3.0, -3.0]])
def test_no_difference_gives_one(differences):
    assert sign_flip(differences) == 1.0


@given(st.lists(st.integers(-9, 9), max_size=9), st.integers(1, 7))
def test_the_p_value_knows_neither_direction_nor_unit_nor_order(differences, unit):
    p = sign_flip(differences)
    assert p == sign_flip([-d for d in differences])
    assert p == sign_flip([unit * d for d in differences])
    assert p == sign_flip(sorted(differences))


@pytest.mark.parametrize(
    ("p_values", "corrected"),
    [
        ([], []),
        ([0.2], [0.2]),
        ([0.01, 0.02, 0.03, 0.04], [0.04, 0.06, 0.06, 0.06]),
        ([0.04, 0.01, 0.03, 0.02], [0.06, 0.04, 0.06, 0.06]),
        ([0.5, 0.0, 1.0], [1.0, 0.0, 1.0]),
        ([0.02, 0.02], [0.04, 0.04]),
        ([0.001, 0.4, 0.4, 0.9], [0.004, 1.0, 1.0, 1.0]),
    ],
)
def test_holms_correction_by_hand(p_values, corrected):
    assert holm(p_values) == pytest.approx(corrected, abs=1e-15)


@given(PROBABILITIES)
def test_holm_keeps_order_and_range_and_lies_between_none_and_bonferroni(p_values):
    corrected = holm(p_values)
    k = len(p_values)
    assert len(corrected) == k
    for p, c in zip(p_values, corrected, strict=True):
        assert p <= c <= min(1.0, k * p)
    for i, j in itertools.permutations(range(k), 2):
        if p_values[i] <= p_values[j]:
            assert corrected[i] <= corrected[j]


@given(PROBABILITIES, st.floats(0.001, 0.999))
def test_holm_rejects_what_his_step_down_procedure_rejects(p_values, level):
    k = len(p_values)
    rejected = set()
    for step, i in enumerate(sorted(range(k), key=lambda i: p_values[i])):
        if (k - step) * p_values[i] > level:
            break
        rejected.add(i)
    assert {i for i, c in enumerate(holm(p_values)) if c <= level} == rejected
