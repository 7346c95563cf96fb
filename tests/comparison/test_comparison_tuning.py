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
    tuning_curve,
    tuning_curves,
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


# -- the tuning curve and its interval -------------------------------------------------------


def random_times(trials, seeds, seed=0):
    """Hitting times that depend on the trial, on the seed, and on both; some never arrive."""
    generator = np.random.default_rng(seed)
    each = np.exp(generator.normal(0, 0.3, (trials, seeds)) + generator.normal(0, 0.2, seeds))
    times = np.round(8 * 2 ** np.linspace(0, 3, trials)[:, None] * each)
    times[generator.random((trials, seeds)) < 0.1] = NEVER
    return times


@given(st.integers(1, 7), st.integers(1, 6), st.integers(0, 99))
def test_the_tuning_curve_is_the_expected_best_of_the_means(trials, seeds, seed):
    times = random_times(trials, seeds, seed)
    means = np.minimum(times, 60).mean(axis=1)
    curve = tuning_curve(times, 60, resamples=50)
    assert curve[:, 0].tolist() == [expected_best(means, b + 1) for b in range(trials)]
    if seeds == 1:
        assert np.isnan(curve[:, 1:]).all()
    else:
        assert ((curve[:, 1] >= 0) & (curve[:, 1] <= curve[:, 0])).all()
        assert ((curve[:, 2] <= 60) & (curve[:, 2] >= curve[:, 0])).all()


def test_the_interval_is_that_of_student_with_the_deviation_of_resampled_seeds():
    times = random_times(5, 8)
    cut = np.minimum(times, 60)
    generator, best = np.random.default_rng(7), []
    for _ in range(20_000):
        means = cut[:, generator.integers(0, 8, 8)].mean(axis=1)
        pairs = [min(pair) for pair in itertools.combinations(means, 2)]
        best.append([statistics.fmean(means), statistics.fmean(pairs), min(means)])
    width = 2.3646 * math.sqrt(8 / 7) * np.std(best, axis=0)  # t of 7 degrees of freedom
    curve = tuning_curve(times, 60)
    for row, w in zip(curve[[0, 1, 4]], width, strict=True):
        assert row[2] - row[0] == pytest.approx(w, rel=0.03)
        assert row[0] - row[1] == pytest.approx(w, rel=0.03)
    assert (tuning_curve(times, 60, 0.99)[:, 2] > curve[:, 2]).all()


def test_seeds_that_agree_leave_no_doubt_and_the_same_seed_gives_the_same_interval():
    assert tuning_curve([[9] * 4, [5] * 4], 60).tolist() == [[7, 7, 7], [5, 5, 5]]
    times = random_times(6, 5)
    assert np.array_equal(tuning_curve(times, 60), tuning_curve(times, 60))
    assert not np.array_equal(tuning_curve(times, 60), tuning_curve(times, 60, seed=1))


def test_the_curves_of_a_comparison_are_those_of_its_tuning_seeds():
    made = plan(["gd", "nag"])
    runs = [
        run(c.name, s, seed, 10 + 3 * k + 2 * (seed == 101) * (c.name == "nag"), 50)
        for c in made.contestants
        for k, s in enumerate(made.settings(c))
        for seed in made.tuning_seeds
    ]
    curves = tuning_curves(Comparison(made, runs))
    assert curves["gd"].tolist() == tuning_curve([[10] * 2, [13] * 2, [16] * 2], 50).tolist()
    assert curves["nag"].tolist() == tuning_curve([[10, 12], [13, 15], [16, 18]], 50).tolist()
    assert tuning_curves(Comparison(made, runs[1:])) == {}


@pytest.mark.parametrize(("trials", "seeds"), [(24, 10), (12, 4)])
def test_the_interval_of_the_curve_holds_the_truth_in_nine_of_ten_cases(trials, seeds):
    generator = np.random.default_rng(11)
    rates = np.linspace(-7, 5, trials)
    means, failing = 8 * 2 ** (0.35 * abs(rates - 1)), np.clip((rates - 2.5) / 2, 0, 1)

    def times(n):
        each = np.exp(generator.normal(0, 0.2, n) + generator.normal(0, 0.3, (trials, n)))
        drawn = np.round(means[:, None] * each)
        drawn[generator.random(drawn.shape) < failing[:, None]] = NEVER
        return drawn

    true = np.minimum(times(50_000), 100).mean(axis=1)
    truth = np.array([expected_best(true, b + 1) for b in range(trials)])
    held = np.zeros(trials)
    for _ in range(600):
        curve = tuning_curve(times(seeds), 100, resamples=300)
        held += (curve[:, 1] <= truth) & (truth <= curve[:, 2])
    assert (held / 600 >= 0.88).all()  # in 1,500 races 0.905 to 0.947
    assert held[0] / 600 >= 0.93
