"""The expected best of a few trials by enumeration of subsets, and the choice of a rate by hand."""

import itertools
import math
import statistics
from fractions import Fraction

import numpy as np
import pytest
from comparison_runs import plan, run
from hypothesis import given
from hypothesis import strategies as st

from minidl.comparison import (
    Comparison,
    choose_rate,
    expected_best,
    near_best,
    near_share,
    stable_range,
    trial_weights,
)
from minidl.errors import ArgumentError, ShapeError

NEVER = math.inf


@given(
    st.lists(st.integers(-5, 30).map(float) | st.just(NEVER), min_size=1, max_size=8),
    st.integers(1, 8),
)
def test_the_expected_best_is_the_mean_over_all_subsets(results, trials):
    trials = min(trials, len(results))
    best = [min(subset) for subset in itertools.combinations(results, trials)]
    assert expected_best(results, trials) == pytest.approx(statistics.fmean(best), rel=1e-12)


def test_the_expected_best_by_hand():
    # pairs of 1 2 4 never: 1 1 1 2 2 4
    assert expected_best([4, NEVER, 1, 2], 2) == pytest.approx(11 / 6)
    assert expected_best([4, NEVER, 1, 2], 1) == NEVER
    assert expected_best([4, NEVER, 1, 2], 4) == 1
    assert expected_best([NEVER, NEVER, 3], 2) == NEVER
    assert expected_best([NEVER, NEVER, 3], 3) == 3


@pytest.mark.parametrize(("n", "trials"), [(1, 1), (5, 1), (5, 3), (5, 5), (48, 7), (300, 150)])
def test_each_weight_is_the_float_nearest_to_the_fraction(n, trials):
    exact = [
        Fraction(math.comb(n - i, trials - 1), math.comb(n, trials))
        for i in range(1, n - trials + 2)
    ]
    assert trial_weights(n, trials) == [float(w) for w in exact]
    assert sum(exact) == 1


@pytest.mark.parametrize("trials", [1, 2, 50, 1500, 3000])
def test_the_weights_of_very_many_trials_still_add_up_to_one(trials):
    weights = trial_weights(3000, trials)
    assert len(weights) == 3001 - trials
    assert math.fsum(weights) == pytest.approx(1, abs=1e-13)
    assert weights == sorted(weights, reverse=True)
    assert weights[0] == trials / 3000


def test_a_chance_too_small_for_a_float_is_still_a_chance_of_never():
    results = [1.0] * 600 + [NEVER] * 600
    assert trial_weights(1200, 600)[-1] == 0.0
    assert expected_best(results, 600) == NEVER
    assert expected_best(results, 601) == 1


def test_more_trials_are_never_worse():
    results = [9.0, 4.0, 30.0, 4.0, 12.0, NEVER]
    curve = [expected_best(results, b) for b in range(1, 7)]
    assert curve == sorted(curve, reverse=True)
    assert curve[-1] == 4


def test_the_rate_with_the_smallest_restricted_mean_is_chosen_and_not_that_of_the_median():
    times = [[30, 31, 29], [10, 12, 11], [4, 4, NEVER]]
    choice = choose_rate([0.1, 0.2, 0.4], times, budget=50)
    assert choice == (1, 0.2, 11.0, 0)
    assert choose_rate([0.1, 0.2, 0.4], times, budget=20).rate == 0.4  # failure costs less


@pytest.mark.parametrize("rates", [[1, 2, 4], [4, 2, 1], [2, 4, 1]])
def test_ties_go_to_the_smaller_rate_in_whatever_order(rates):
    times = {1: [9, 9], 2: [5, 7], 4: [7, 5]}
    choice = choose_rate(rates, [times[rate] for rate in rates], 10)
    assert (choice.rate, choice.mean, choice.edge) == (2, 6, 0)
    assert choice.position == rates.index(2)


def test_the_edge_of_the_grid_is_told():
    rates = [1, 2, 4]
    assert choose_rate(rates, [[1], [2], [3]], 10).edge == -1
    assert choose_rate(rates, [[2], [1], [3]], 10).edge == 0
    assert choose_rate(rates, [[3], [2], [1]], 10).edge == 1
    assert choose_rate([2], [[1]], 10).edge == 0  # there is no grid


def test_with_a_momentum_grid_rates_occur_several_times():
    rates = [1, 2, 4, 1, 2, 4]
    choice = choose_rate(rates, [[9], [8], [7], [6], [3], [3]], 10)
    assert choice == (4, 2, 3, 0)
    assert choose_rate([1, 2, 1, 2], [[5], [4], [5], [4]], 10).position == 1


@given(st.lists(st.lists(st.integers(1, 30), min_size=4, max_size=4), min_size=1, max_size=6))
def test_near_the_best_is_within_its_standard_error(table):
    means = [statistics.fmean(row) for row in table]
    best = table[means.index(min(means))]
    for errors in (1.0, 1.5):
        limit = min(means) + errors * statistics.stdev(best) / 2
        assert near_best(table, errors).tolist() == [m <= limit + 1e-9 for m in means]


def test_one_seed_has_no_standard_error():
    assert near_best([[4], [3], [3]]).tolist() == [False, True, True]


@pytest.mark.parametrize(
    ("times", "expected"),
    [
        ([[20, 20], [8, 9], [7, 9], [8, 9], [40, 50]], (1, 2, 3)),
        ([[8, 9], [7, 9]], (0, 0, 1)),  # of two middles the smaller rate
        ([[8, 9], [30, 30], [7, 9]], (2, 2, 2)),  # not beyond a rate that is worse
        ([[9, 9, 9, 9], [1, 1, 1, NEVER], [1, 9, 1, 1]], (2, 2, 2)),  # nor at one that fails
        ([[NEVER, NEVER], [NEVER, NEVER]], (0, 0, 1)),
        ([[5]], (0, 0, 0)),
    ],
)
def test_the_stable_range_is_of_neighbours_that_are_as_good_and_fail_no_more(times, expected):
    assert stable_range(times, 10) == expected


def test_four_seeds_seldom_choose_the_last_rate_before_training_fails():
    """At the last rate 30 % of the runs fail; four seeds often show none of that."""
    generator = np.random.default_rng(0)
    means = np.array([[20], [8.5], [8.3], [8.2], [8.1], [7.5]])
    best = middle = 0
    for _ in range(400):
        seeds = np.exp(generator.normal(0, 0.3, 4))  # some seeds are harder, at every rate
        times = np.round(means * seeds + generator.normal(0, 1, (6, 4)))
        times[5, generator.random(4) < 0.3] = NEVER
        best += choose_rate([1, 2, 3, 4, 5, 6], times, 60).position == 5
        middle += stable_range(times, 60)[1] == 5
    assert best > 10
    assert middle < best / 2


def test_the_middle_is_chosen_and_the_range_told():
    tuning = {0.1: 20, 0.2: 8, 0.4: 7, 0.8: 7, 1.6: None}
    made = plan(["nag"], rates=tuple(tuning))
    runs = []
    for s in made.settings(made.contestants[0]):
        for more, seed in zip((0, 2), made.tuning_seeds, strict=True):
            outcome = None if tuning[s.lr] is None else tuning[s.lr] + more
            runs.append(run("nag", s, seed, outcome, 50))
    chosen = Comparison(made, runs).chosen["nag"]
    # means 21, 9, 8, 8 and 50; the standard error of 7 and 9 is 1
    assert (chosen.setting.lr, chosen.best.lr, chosen.rates) == (0.4, 0.4, (0.2, 0.8))
    assert chosen.mean == 8
    assert chosen.forgiving == 2 / 5  # 9 is 12.5 % above 8


def test_the_share_of_settings_that_will_do():
    assert near_share([10.0, 11.0, 11.1, 50.0]) == 0.5
    assert near_share([10.0, 11.0, 11.1, 50.0], within=0) == 0.25
    assert near_share([7.0]) == 1


def test_if_no_run_converges_the_mean_is_the_budget():
    choice = choose_rate([2, 1], [[NEVER], [NEVER]], 10)
    assert (choice.rate, choice.mean) == (1, 10)


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: trial_weights(0, 1), ArgumentError, "n must be an integer >= 1, got 0"),
        (
            lambda: trial_weights(3, 4),
            ArgumentError,
            "trials must be an integer from 1 to 3, got 4",
        ),
        (
            lambda: trial_weights(3, 0),
            ArgumentError,
            "trials must be an integer from 1 to 3, got 0",
        ),
        (lambda: expected_best([], 1), ArgumentError, r"results must be .*got \[\]"),
        (lambda: expected_best([math.nan], 1), ArgumentError, r"results must be .*got \[nan\]"),
        (lambda: expected_best([-NEVER], 1), ArgumentError, r"results must be .*got \[-inf\]"),
        (lambda: expected_best([[1.0]], 1), ArgumentError, r"results must be .*got \[\[1"),
        (
            lambda: choose_rate([1, 2], [[1]], 5),
            ShapeError,
            "times must have one row per rate: got 2 rates for 1 rows",
        ),
        (lambda: choose_rate([0], [[1]], 5), ArgumentError, r"rates must be .*> 0, got \[0"),
        (
            lambda: choose_rate([math.inf], [[1]], 5),
            ArgumentError,
            r"rates must be finite.*got \[inf\]",
        ),
        (lambda: choose_rate([1], [1], 5), ShapeError, r"times must be 2-D: got shape \(1,\)"),
        (lambda: choose_rate([1], [[1]], 0), ArgumentError, "budget .*got 0"),
        (lambda: stable_range([1], 5), ShapeError, "times must be 2-D"),
        (lambda: stable_range([[1]], 0), ArgumentError, "budget .*got 0"),
        (lambda: near_share([]), ArgumentError, "means must be one or more"),
        (lambda: near_share([1.0], -1), ArgumentError, "within must be a finite number >= 0"),
    ],
)
def test_errors_name_the_argument_and_its_value(call, error, words):
    with pytest.raises(error, match=words):
        call()
