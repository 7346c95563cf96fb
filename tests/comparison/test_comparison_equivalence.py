"""*Equivalent*: how often it is claimed wrongly, how often it is found, and the bound on failures.

Times are whole epochs. If A always takes 2 epochs, and B takes 3 in one run of nine, B is 5.6 %
slower; but ten seeds often tie, and an interval of ten zeros has no width.
"""

import itertools
import math

import numpy as np
import pytest
from scipy import stats

from minidl.comparison import (
    bootstrap_interval,
    equivalence_interval,
    failure_bound,
    sign_flip,
    verdict,
)
from minidl.errors import ArgumentError, ShapeError

EQUAL, BUDGET, NEVER = "equivalent within 5 %", 60, math.inf
RESAMPLES = 400


def tied(generator, seeds, time, share, step):
    """Times of A, always the same, and of B, which takes `step` epochs more in a share of runs."""
    a = np.full(seeds, float(time))
    return a, a + step * (generator.random(seeds) < share)


def words(races, draw, rule):
    generator = np.random.default_rng(1987)
    return np.array([rule(*draw(generator), seed) for seed in range(races)])


def old(a, b, seed):
    """The verdict that an interval of the differences alone gives."""
    low, high = bootstrap_interval(a - b, resamples=RESAMPLES, seed=seed)
    margin = 0.05 * min(a.mean(), b.mean())
    return EQUAL if -margin < low and high < margin else ""


def new(a, b, seed):
    interval = equivalence_interval(a, b, BUDGET, resamples=RESAMPLES, seed=seed)
    return verdict(a, b, BUDGET, 1.0, (-99, 99), equivalence=interval).word


@pytest.mark.parametrize(
    ("seeds", "time", "share", "before"),
    [(10, 2, 0.11, 0.31), (12, 1, 0.08, 0.36), (10, 3, 0.17, 0.15), (20, 1, 0.06, 0.29)],
)
def test_few_discrete_times_that_tie_are_no_longer_called_equivalent(seeds, time, share, before):
    assert share / time > 0.05  # so "equivalent within 5 %" is false
    races = 400
    wrong = [np.mean(words(races, lambda g: tied(g, seeds, time, share, 1), rule) == EQUAL)
             for rule in (old, new)]  # fmt: skip
    assert wrong[0] == pytest.approx(before, abs=0.06)
    assert wrong[1] == 0


@pytest.mark.parametrize(
    ("seeds", "time", "noise", "cost"),
    [
        (20, 10, 0, 0.03),
        (20, 10, 0.02, 0.03),
        (12, 20, 0.03, 0.03),
        (30, 15, 0.05, 0.08),
        (20, 40, 0.05, 0.15),  # the plain interval, found in 70 %, just fits into the margin
    ],
)
def test_equal_pairs_that_take_ten_epochs_or_more_are_found_nearly_as_often(
    seeds, time, noise, cost
):
    def draw(generator):
        problem = np.exp(generator.normal(0, 0.1, seeds))
        own = np.exp(generator.normal(0, noise, (2, seeds)))
        return tuple(np.round(time * problem * own) if noise else np.full((2, seeds), float(time)))

    before, now = (np.mean(words(300, draw, rule) == EQUAL) for rule in (old, new))
    assert before > 0.5
    assert now >= before - cost


def test_the_interval_is_that_of_the_differences_and_two_more():
    a, b = [10, 12, 9, 14, NEVER, 11, 70], [11, 9, 9, 16, 10, NEVER, 8]
    d = np.array([-1.0, 3, 0, -2, 3, -3])  # on the seeds on which both converge
    found = equivalence_interval(a, b, BUDGET, seed=4, resamples=300)
    assert found == bootstrap_interval(d, seed=4, resamples=300)


def test_without_any_difference_the_two_are_one_epoch():
    zeros = np.array([0.0] * 8 + [1, -1])
    assert equivalence_interval([7] * 8, [7] * 8, BUDGET) == bootstrap_interval(zeros)
    assert equivalence_interval([NEVER, 4], [4, NEVER], BUDGET) is None


def test_it_is_a_claim_about_the_runs_that_converge_with_the_bound_on_the_others_beside_it():
    a = [20.0] * 18 + [NEVER] * 2
    found = verdict(a, [20.0] * 20, BUDGET, 0.5, (-8, 8))
    assert (found.word, found.failures) == (EQUAL, (2, 0))
    assert found.failure_bound == failure_bound(2, 20)
    assert found.scope == "2 of 20 runs failed, which allows up to 28 %"
    none = verdict([20.0] * 20, [20.0] * 20, BUDGET, 1.0, (0, 0))
    assert none.scope == "0 of 20 runs failed, which allows up to 14 %"


def test_failures_that_are_shown_to_differ_are_a_difference():
    a, b = [20.0] * 20, [20.0] * 13 + [NEVER] * 7
    p = sign_flip(np.where(np.isinf(b), -40.0, 0.0))
    assert p < 0.05
    assert verdict(a, b, BUDGET, p, (-22, -6)).word == "A faster"
    assert verdict(a, b, BUDGET, 0.2, (-22, -6)).word == EQUAL  # among arrivals


@pytest.mark.parametrize(("both", "n", "word"), [(5, 8, ""), (6, 12, ""), (7, 12, EQUAL),
                                                 (6, 8, EQUAL)])  # fmt: skip
def test_it_takes_six_seeds_and_more_than_half_on_which_both_converge(both, n, word):
    a = [40.0] * both + [NEVER] * (n - both)
    b = [40.0] * (n - (n - both) // 2) + [NEVER] * ((n - both) // 2)
    found = verdict(a, b, BUDGET, 1.0, (-9, 9), equivalence=(-0.1, 0.1))
    assert found.word == (word or "no difference shown")


def binomial_tail(failures, runs, q):
    """P(so many failures or fewer), term by term."""
    return sum(math.comb(runs, k) * q**k * (1 - q) ** (runs - k) for k in range(failures + 1))


@pytest.mark.parametrize(("failures", "runs"), [(0, 20), (1, 20), (3, 12), (19, 20), (0, 1)])
def test_the_bound_is_where_so_few_failures_have_five_percent(failures, runs):
    bound = failure_bound(failures, runs)
    assert binomial_tail(failures, runs, bound) == pytest.approx(0.05, rel=1e-9)
    interval = stats.binomtest(failures, runs, alternative="less").proportion_ci(0.95)
    assert bound == pytest.approx(interval.high, rel=1e-9)


def test_without_failures_the_bound_is_a_root():
    assert failure_bound(0, 20) == pytest.approx(1 - 0.05 ** (1 / 20))
    assert f"{failure_bound(0, 20):.1%}" == "13.9%"
    assert failure_bound(5, 5) == 1


def test_more_failures_or_fewer_runs_never_lower_the_bound():
    for (k, n), (more, fewer) in itertools.product([(0, 9), (2, 9), (8, 9)], [(1, 0), (0, 1)]):
        assert failure_bound(min(k + more, n - fewer), n - fewer) >= failure_bound(k, n)


@pytest.mark.parametrize(
    ("call", "error", "match"),
    [
        (lambda: failure_bound(3, 2), ArgumentError, "failures must be an integer from 0 to 2"),
        (lambda: failure_bound(0, 0), ArgumentError, "runs must be an integer >= 1, got 0"),
        (lambda: failure_bound(0, 5, 95), ArgumentError, "confidence must be between 0 and 1"),
        (lambda: equivalence_interval([1], [1, 2], 9), ShapeError, "paired by seed"),
        (lambda: equivalence_interval([1], [1], 0), ArgumentError, "budget"),
        (
            lambda: verdict([1], [1], 9, 0.5, (0, 1), equivalence=(1, 0)),
            ArgumentError,
            r"equivalence .*low <= high, got \(1, 0\)",
        ),
    ],
)
def test_errors_name_the_argument_and_its_value(call, error, match):
    with pytest.raises(error, match=match):
        call()
