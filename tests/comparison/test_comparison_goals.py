"""What counts as converged: written, resolved from tuning runs, and refused."""

import math

import numpy as np
import pytest
from comparison_runs import run

from minidl.comparison import Goal, Run, Setting
from minidl.comparison.resolve import resolve
from minidl.errors import ArgumentError


@pytest.mark.parametrize(
    ("text", "goal", "column"),
    [
        ("gap:0.1", ("gap", 0.1), "train_loss"),
        ("loss:0.05", ("loss", 0.05), "train_loss"),
        ("loss:-2", ("loss", -2.0), "train_loss"),
        (" Accuracy : 0.97", ("accuracy", 0.97), "train_accuracy"),
        ("validation-accuracy:1", ("validation-accuracy", 1.0), "validation_accuracy"),
    ],
)
def test_a_target_is_written_as_its_kind_and_a_number(text, goal, column):
    found = Goal.parse(text)
    assert tuple(found) == goal
    assert found.column == column
    assert found.rises == column.endswith("accuracy")


@pytest.mark.parametrize(
    "text",
    ["", "0.1", "gap", "gap:", "gap:0", "gap:1", "gap:nan", "loss:inf", "loss:x", "accuracy:0",
     "accuracy:97", "acc:0.9", "loss=0.1", "gap:0.1:2"],
)  # fmt: skip
def test_anything_else_is_refused_and_shown(text):
    with pytest.raises(ArgumentError, match="target must be") as caught:
        Goal.parse(text)
    assert repr(text) in str(caught.value)


def curves(name, lr, *losses, diverged=None):
    return [
        Run(name, Setting(lr), s, {"train_loss": np.array(x)}, diverged, 1, 8, 1, 0.0)
        for s, x in enumerate(losses)
    ]


def test_the_gap_is_that_between_the_median_start_and_the_best_median_of_bests():
    runs = [
        *curves("a", 0.1, [1.0, 0.5], [2.0, 0.7], [9.0, 0.9]),
        *curves("a", 0.2, [1.0, 0.6], [2.0, 0.4], [9.0, 0.8]),  # medians of bests: .7 and .6
    ]
    target = resolve(Goal("gap", 0.25), runs, 1)
    assert (target.initial, target.reference) == (2.0, 0.6)
    assert target.value == 0.6 + 0.25 * (2.0 - 0.6)


def test_a_run_that_diverged_has_no_best_loss():
    lucky = curves("a", 9.0, [1.0, 0.001], [1.0, 0.001], [1.0, 0.001], diverged=2)
    runs = [*lucky, *curves("b", 0.1, [1.0, 0.5], [1.0, 0.5], [1.0, 0.5])]
    assert resolve(Goal("gap", 0.5), runs, 1).reference == 0.5


def test_the_best_loss_of_a_run_is_that_of_its_best_epoch():
    assert resolve(Goal("gap", 0.5), curves("a", 0.1, [1.0, 0.2, 0.6]), 1).reference == 0.2


@pytest.mark.parametrize(
    ("arrivals", "tau"),
    [((3, 3, 3, 3, None), 0.1), ((3, 3, 3, None, None), 0.5)],
)
def test_a_gap_that_few_reach_is_loosened_by_doubling(arrivals, tau):
    # the median of the best losses is 0.01, and 0.5 is never within the gap below tau = 0.5
    runs = [run("a", Setting(0.1), s, o, 20) for s, o in enumerate(arrivals)]
    target = resolve(Goal("gap", 0.1), runs, 3)
    assert target.tau == tau
    assert target.loosened == (tau != 0.1)
    assert target.value == {0.1: 0.11, 0.5: 0.51}[tau]  # 0.109 and 0.505, rounded up
    assert target.reachable


def test_between_the_doublings_the_first_that_is_reached_is_taken():
    losses = [[1.0, 0.18], [1.0, 0.18], [1.0, 0.0], [1.0, 0.0], [1.0, 0.0]]
    target = resolve(Goal("gap", 0.05), curves("a", 0.1, *losses), 1)
    assert target.tau == 0.2  # 0.05, 0.1 and then 0.2, of a gap of 1


@pytest.mark.parametrize(("asked", "tau"), [(0.3, 0.5), (0.4, 0.5), (0.6, 0.6)])
def test_the_last_doubling_ends_at_one_half_and_a_larger_tau_is_kept(asked, tau):
    losses = [[1.0, 0.0]] * 3 + [[1.0, 0.48]] * 2 if asked < 0.5 else [[1.0, 0.0], [1.0, 0.9]]
    target = resolve(Goal("gap", asked), curves("a", 0.1, *losses), 1)
    assert target.tau == tau
    assert target.reachable == (asked < 0.5)


def test_a_target_is_not_loosened_beyond_where_a_seed_begins():
    losses = [[1.0, 0.0], [1.0, 0.0], [1.0, 0.0], [0.35, 0.34], [0.35, 0.34]]
    target = resolve(Goal("gap", 0.1), curves("a", 0.1, *losses), 1)
    assert (target.tau, target.reachable) == (0.2, False)  # 0.4 would be above 0.35


def test_an_unreached_loss_target_is_kept_and_marked_unreachable():
    target = resolve(Goal("loss", 0.001), [run("a", Setting(0.1), 0, 5, 20)], 3)
    assert (target.value, target.tau, target.reachable, target.loosened) == (
        0.001, None, False, False
    )  # fmt: skip


def test_sustained_arrivals_make_a_target_reachable_and_not_lucky_ones():
    runs = curves("a", 0.1, [1.0, 0.01, 0.9, 0.9, 0.9])
    assert resolve(Goal("loss", 0.1), runs, 1).reachable
    assert not resolve(Goal("loss", 0.1), runs, 2).reachable


def test_an_accuracy_is_reached_from_below():
    one = Run("a", Setting(0.1), 0, {"train_loss": np.ones(4),
              "train_accuracy": np.array([0.5, 0.9, 0.97, 1.0])}, None, 1, 8, 1, 0.0)  # fmt: skip
    target = resolve(Goal("accuracy", 0.97), [one], 1)
    assert target.time(one, 1) == 2
    assert target.time(one, 3) == math.inf


def test_networks_that_never_improve_have_no_gap():
    with pytest.raises(ArgumentError, match="no gap to close"):
        resolve(Goal("gap", 0.1), curves("a", 0.1, [1.0, 1.0]), 1)
