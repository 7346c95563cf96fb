"""Other targets and budgets, one correction over several problems, and intervals of a profile."""

import itertools
import math
import statistics

import numpy as np
import pytest
from comparison_runs import comparison, plan

from minidl.comparison import (
    Comparison,
    Goal,
    Run,
    Setting,
    Study,
    area_intervals,
    compare,
    holm,
    profile_areas,
    target_table,
    verdicts_by_target,
)
from minidl.errors import ArgumentError, ShapeError

GD, NAG = Setting(0.1), Setting(0.1, 0.9)


def crossing(seeds=8, budget=40):
    """NAG falls fast to 0.2; gd is slower, but reaches 0: the winner depends on the target."""
    made = plan(["gd", "nag"], seeds, budget, rates=(0.1,), goal=Goal("gap", 0.5), sustained=2)
    runs = []
    for seed in (*made.tuning_seeds, *made.seeds):
        late = seed % 3
        epochs = np.arange(budget + 1)
        curves = {
            ("gd", GD): np.clip(1 - epochs / (20 + late), 0, 1),
            ("nag", NAG): np.clip(1 - epochs / (4 + late), 0.2, 1),
        }
        runs += [
            Run(name, setting, seed, {"train_loss": curve}, None, 24, 750, 24, 1.0)
            for (name, setting), curve in curves.items()
        ]
    return Comparison(made, runs)


def test_the_winner_may_depend_on_the_target_and_the_table_says_so():
    found = crossing()
    cells = verdicts_by_target(found, [0.5, 0.1], [40])
    assert [(cell.tau, cell.used, cell.budget) for cell in cells] == [
        (0.5, 0.5, 40),
        (0.1, 0.1, 40),
    ]
    assert [cell.duels[0].winner for cell in cells] == ["nag", "gd"]
    table = target_table(cells)
    assert [line.split() for line in table.splitlines()[1:4]] == [
        ["gap", "budget", "nag", "-", "gd"], ["0.5", "40", "nag", "faster"],
        ["0.1", "40", "gd", "faster"],
    ]  # fmt: skip
    assert table.endswith("The winner depends on them for nag and gd.")
    assert "depends" not in target_table(cells[:1])


def test_the_cell_of_its_own_target_and_budget_is_the_comparison_itself():
    found = crossing()
    (cell,) = verdicts_by_target(found, [0.5], [40])
    assert list(cell.duels) == found.tuned


def test_by_default_six_targets_and_three_budgets_are_shown():
    cells = verdicts_by_target(crossing())
    places = itertools.product((10, 20, 40), (0.5, 0.2, 0.1, 0.05, 0.02, 0.01))
    assert [(cell.budget, cell.tau) for cell in cells] == list(places)


def test_a_cell_is_what_a_comparison_with_that_target_and_budget_says():
    small = {"optimizers": ["gd", "nag"], "lr": [0.1, 0.4], "hidden": [4], "seeds": 6}
    small |= {"tuning_seeds": 2, "sustained": 1}
    long = compare("moons", epochs=8, target="gap:0.5", **small)
    short = compare("moons", epochs=5, target="gap:0.3", **small)
    (cell,) = verdicts_by_target(long, [0.3], [5])
    assert cell.used == short.target.tau
    assert list(cell.duels) == short.tuned


def test_a_target_that_few_reach_is_loosened_and_that_is_shown():
    cells = verdicts_by_target(crossing(), [0.01], [5])
    assert cells[0].used > 0.01
    assert f"0.01 (used {cells[0].used:g})" in target_table(cells)


def test_without_a_gap_or_a_target_there_is_no_verdict():
    flat = crossing()
    runs = [Run(**{**vars(r), "curves": {"train_loss": np.ones(41)}}) for r in flat.runs]
    still = Comparison(plan(["gd", "nag"], 8, 40, rates=(0.1,)), runs)
    cells = verdicts_by_target(still, [0.5])
    assert all(cell.duels == () and math.isnan(cell.used) for cell in cells)
    assert verdicts_by_target(Comparison(flat.plan, flat.runs[:3])) == []


@pytest.mark.parametrize(
    ("taus", "budgets", "match"),
    [
        ([0.1], [41], "budgets must be an integer from 2 to 40, got 41"),
        ([0.1], [1], "budgets must be an integer from 2 to 40, got 1"),
        ([1.5], None, "target must be a share between 0 and 1"),
        (["x"], None, "target must be of the form"),
    ],
)
def test_targets_and_budgets_out_of_range_raise(taus, budgets, match):
    with pytest.raises(ArgumentError, match=match):
        verdicts_by_target(crossing(), taus, budgets)


# -- several problems -------------------------------------------------------------------------


def test_one_correction_counts_the_pairs_of_all_problems():
    one = comparison({"gd": [9] * 5, "nag": [7] * 5})
    two = comparison({"gd": [9, 9, 9, 9, 9, 8], "momentum": [7] * 6, "nag": [5] * 6})
    study = Study([one, two])
    alone = [duel.p_alone for part in (one, two) for duel in part.tuned]
    assert [len(part) for part in study.tuned] == [1, 3]
    assert [duel.verdict.p for part in study.tuned for duel in part] == holm(alone)
    assert {duel.corrected_for for part in study.tuned for duel in part} == {4}
    assert one.tuned[0].word == "nag faster"  # with its own correction, p = 2 / 2^7
    assert study.tuned[0][0].word == "no difference shown"  # four times that
    assert "Tuned pairs of all problems (in epochs; p after Holm, for 4 in all)" in (
        study.profile_text()
    )


def areas_by_hand(tables, seeds_drawn):
    areas = []
    for picks in zip(*seeds_drawn, strict=True):
        costs = [
            [max(statistics.median(row[s] for s in pick), 1) for row in table]
            for table, pick in zip(tables, picks, strict=True)
        ]
        ratios = [[c / min(one) for c in one] for one in costs]
        areas.append(profile_areas(np.transpose(ratios)))
    return np.array(areas)


def test_the_interval_of_an_area_by_plain_loops():
    generator = np.random.default_rng(3)
    tables = [generator.integers(0, 30, size=(2, n)).tolist() for n in (6, 9)]
    draws = np.random.default_rng(4)
    drawn = [draws.integers(0, n, size=(200, n)).tolist() for n in (6, 9)]
    plain = np.quantile(areas_by_hand(tables, drawn), [0.025, 0.975], axis=0).T
    found = area_intervals(tables, resamples=200, seed=4)
    assert found == pytest.approx(plain, rel=1e-12)


def test_a_profile_has_intervals_that_hold_its_areas():
    one = comparison({"gd": [20, 30, 10, None, 12, 14], "nag": [10, 12, 11, 14, 9, None]})
    two = comparison({"gd": [10] * 6, "nag": [30, 8, 9, 30, 12, 30]})
    profile = Study([one, two]).profile
    low, high = profile.intervals.T
    assert (low <= profile.areas).all()
    assert (profile.areas <= high).all()
    assert (low < high).all()
    same = Study([comparison({"gd": [20] * 6, "nag": [10] * 6})] * 2).profile
    assert same.intervals.T.tolist() == [same.areas.tolist()] * 2


@pytest.mark.parametrize(
    ("call", "error", "match"),
    [
        (lambda: area_intervals([[[1, 2]], [[1], [2]]]), ShapeError, "one row per optimizer"),
        (lambda: area_intervals([]), ShapeError, "one row per optimizer"),
        (lambda: area_intervals([[[-1.0]]]), ArgumentError, "times must be numbers >= 0"),
        (lambda: area_intervals([[[1.0]]], resamples=0), ArgumentError, "resamples"),
        (lambda: area_intervals([[[1.0]]], confidence=2), ArgumentError, "confidence"),
        (lambda: area_intervals([[[1.0]]], r_max=1), ArgumentError, "r_max"),
    ],
)
def test_errors_name_the_argument(call, error, match):
    with pytest.raises(error, match=match):
        call()
