"""Hitting times, restricted means and expected running time, by hand and by search."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minidl.comparison import (
    expected_running_time,
    hitting_times,
    restricted,
    restricted_mean,
)
from minidl.comparison.stats.hitting import check_budget, check_pairs, check_times
from minidl.errors import ArgumentError, ShapeError
from minidl.training import History

NEVER = math.inf
TIMES = st.lists(st.integers(0, 40).map(float) | st.just(NEVER), min_size=1, max_size=9)


def time_of(holds, sustained, epochs=None):
    at = range(len(holds)) if epochs is None else epochs
    return float(hitting_times(at, holds, sustained))


def history_of(losses):
    history = History()
    for epoch, loss in enumerate(losses):
        history.append({"epoch": epoch, "train_loss": loss})
    return history


@pytest.mark.parametrize(
    ("pattern", "sustained", "expected"),
    [
        ("0111", 3, 1),
        ("0111", 1, 1),
        ("0110111", 3, 4),
        ("0110111", 2, 1),
        ("0110110", 3, NEVER),
        ("111", 3, 0),  # e = 0 is an evaluation
        ("1110", 3, 0),
        ("1", 1, 0),
        ("0001", 1, 3),
        ("0011", 3, NEVER),  # the end of the budget cuts the row short
        ("11", 3, NEVER),
        ("000", 1, NEVER),
        ("0101010101111", 4, 9),
    ],
)
def test_the_first_epoch_whose_target_holds_so_often_in_a_row(pattern, sustained, expected):
    assert time_of([c == "1" for c in pattern], sustained) == expected


def test_a_row_is_of_evaluations_and_not_of_epochs():
    holds = [False, True, False, True, True, True]
    assert time_of(holds, 3, epochs=[0, 10, 20, 30, 40, 50]) == 30
    assert time_of(holds, 1, epochs=[0, 10, 20, 30, 40, 50]) == 10


@given(
    st.lists(st.lists(st.booleans(), min_size=7, max_size=7), min_size=1, max_size=4),
    st.integers(1, 9),
)
def test_many_curves_are_searched_as_each_is_alone(curves, sustained):
    found = hitting_times(range(0, 21, 3), curves, sustained)
    for curve, time in zip(curves, found, strict=True):
        starts = [i for i in range(8 - sustained) if all(curve[i : i + sustained])]
        assert time == (3 * starts[0] if starts else NEVER)


@given(st.lists(st.sampled_from([0.5, 1.5, math.nan]), min_size=1, max_size=12), st.integers(1, 4))
def test_it_is_what_the_history_says(losses, sustained):
    expected = history_of(losses).epochs_to(1.0, sustained=sustained)
    assert time_of(np.array(losses) <= 1, sustained) == (NEVER if expected is None else expected)


def test_many_targets_and_many_runs_at_once():
    losses = np.array([[8.0, 4.0, 2.0, 1.0], [8.0, 1.0, 3.0, 1.0]])
    holds = losses[None] <= np.array([5.0, 1.5])[:, None, None]
    assert hitting_times(range(4), holds, 1).tolist() == [[1, 1], [3, 1]]
    assert hitting_times(range(4), holds, 2).tolist() == [[1, 1], [NEVER, NEVER]]


def test_a_run_that_diverged_never_hits_even_if_it_had_held_the_target():
    holds = [[False, True, True], [False, True, True]]
    assert hitting_times(range(3), holds, 2, diverged=[True, False]).tolist() == [NEVER, 1]
    assert float(hitting_times(range(3), holds[0], 2, diverged=True)) == NEVER


@given(TIMES, st.integers(1, 50))
def test_the_restricted_mean_is_the_area_under_the_survival_curve(times, budget):
    still = [sum(t > epoch for t in times) / len(times) for epoch in range(budget)]
    assert restricted_mean(times, budget) == pytest.approx(sum(still), abs=1e-9)


def test_a_run_that_did_not_converge_counts_as_the_budget():
    assert restricted([3, NEVER, 70], 50).tolist() == [3, 50, 50]
    assert restricted_mean([NEVER, NEVER], 50) == 50


@pytest.mark.parametrize(
    ("times", "expected"),
    [
        ([10, 20, 30], 20),
        ([10, NEVER], 60),
        ([10, 20, NEVER, NEVER], 65),
        ([50, NEVER], 100),  # an arrival in the last epoch is one
        ([51, NEVER], NEVER),  # one after it is not
        ([NEVER], NEVER),
        ([0], 0),
    ],
)
def test_expected_running_time_by_hand(times, expected):
    assert expected_running_time(times, 50) == expected


@given(TIMES)
def test_expected_running_time_is_that_of_starting_again_until_it_works(times):
    reached = [t for t in times if t <= 40]
    if not reached:
        assert expected_running_time(times, 40) == NEVER
        return
    p = len(reached) / len(times)
    expected = np.mean(reached) + (1 - p) / p * 40
    assert expected_running_time(times, 40) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (
            lambda: hitting_times([0, 1], [True]),
            ShapeError,
            r"holds .*got \(1,\), expected \(\.\.\., 2\)",
        ),
        (
            lambda: hitting_times([0], True),
            ShapeError,
            r"holds must have one column per epoch: got \(\)",
        ),
        (
            lambda: hitting_times([0, 0], [True, True]),
            ArgumentError,
            r"epochs must ascend, got \[0\. 0\.\]",
        ),
        (lambda: hitting_times([0, 1], [True, True], 0), ArgumentError, "sustained .*got 0"),
        (
            lambda: hitting_times([0, 1], [True, True], diverged=[True]),
            ShapeError,
            r"diverged must have one value per curve: got \(1,\), expected \(\)",
        ),
        (lambda: restricted([], 5), ArgumentError, "times must be numbers >= 0, .*got no times"),
        (lambda: restricted([0, 0.5, -2], 5), ArgumentError, r"times must be .*got -2\.0"),
        (lambda: restricted([1, math.nan], 5), ArgumentError, "times must be .*got nan"),
        (lambda: restricted(["one"], 5), ArgumentError, r"times must be .*got \['one'\]"),
        (lambda: restricted([[1]], 5), ShapeError, r"times must be 1-D: got shape \(1, 1\)"),
        (lambda: restricted_mean([1], 0), ArgumentError, "budget .*got 0"),
        (lambda: restricted_mean([1], math.inf), ArgumentError, "budget .*got inf"),
        (lambda: expected_running_time([1], math.nan), ArgumentError, "budget .*got nan"),
        (lambda: check_times("rows", [1, 2], 2), ShapeError, r"rows must be 2-D: got shape \(2,\)"),
        (lambda: check_budget(-1), ArgumentError, r"budget must be a finite number > 0, got -1"),
        (
            lambda: check_pairs([1, 2], [1]),
            ShapeError,
            "a and b must be paired by seed: got 2 and 1 times",
        ),
    ],
)
def test_errors_name_the_argument_and_its_value(call, error, words):
    with pytest.raises(error, match=words):
        call()
