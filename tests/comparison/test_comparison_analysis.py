"""From runs to rows and verdicts, against numbers worked out by hand or by other means."""

import itertools
import math

import numpy as np
import pytest
from comparison_runs import alone, comparison, contestant, run, times_of

from minidl.comparison import Comparison, Setting, expected_best, restricted_mean, sign_flip

OUTCOMES = [4, 6, None, 8, "@ 7", 10, 12, 14]


def row_of(outcomes, **others):
    return alone({"nag": outcomes}, **others).rows[0]


def test_a_row_by_hand():
    row = row_of(OUTCOMES, budget=50)
    assert (row.optimizer, row.batch_size, row.setting) == ("nag", 32, Setting(0.1, 0.9))
    assert (row.reached, row.seeds, row.diverged, row.diverged_at) == (6, 8, 1, 7)
    assert row.median == 11  # of 4 6 8 10 12 14 inf inf
    assert row.interval == (4, math.inf)  # the first and the last of eight
    assert row.mean == (4 + 6 + 8 + 10 + 12 + 14 + 50 + 50) / 8
    assert row.running_time == (4 + 6 + 8 + 10 + 12 + 14 + 50 + 50) / 6
    assert row.updates == 11 * 24
    assert row.samples == 11 * 750
    assert row.seconds == 11 * 0.25


def test_a_divergence_counts_as_the_whole_budget_and_not_as_its_epoch():
    assert row_of(["@ 2"] * 6).mean == row_of([None] * 6).mean == 50
    assert row_of(["@ 2"] * 6).running_time == math.inf


def test_a_run_that_reached_the_target_and_then_diverged_has_not_converged():
    c = contestant("nag")
    made = alone({"nag": [5] * 6})
    lost = run("nag", c.own, 0, 5, 50)
    late = type(lost)(**{**vars(lost), "diverged_at": 51})
    found = Comparison(made.plan, [late if r.key == late.key else r for r in made.runs])
    assert found.rows[0].reached == 5


def test_the_first_hit_is_shown_beside_the_sustained_one():
    made = alone({"nag": [9] * 6})
    runs = []
    for one in made.runs:
        losses = one.curves["train_loss"].copy()
        losses[3] = 0.0  # a lucky epoch
        runs.append(type(one)(**{**vars(one), "curves": {"train_loss": losses}}))
    row = Comparison(made.plan, runs).rows[0]
    assert (row.first_hit, row.median) == (3, 9)


def test_the_last_loss_is_that_of_the_budgets_end_and_infinite_after_divergence():
    assert row_of([5] * 6).loss == 0.01
    assert row_of(["@ 4"] * 6).loss == math.inf


def test_the_choice_is_made_by_the_restricted_mean_of_the_tuning_seeds():
    tuning = {"nag": {0.1: 20, 0.2: 10, 0.4: "@ 3"}}
    found = comparison({"nag": [3] * 6}, at=0.4, tuning=tuning)
    chosen = found.chosen["nag"]
    assert (chosen.setting.lr, chosen.mean, chosen.edge, chosen.trials) == (0.2, 10, 0, 3)
    assert chosen.expected == tuple(expected_best([20, 10, 50], b) for b in (1, 2, 3))
    assert found.rows[0].reached == 0  # no evaluation seed reaches the target at 0.2


@pytest.mark.parametrize(("best", "edge"), [(0.1, -1), (0.2, 0), (0.4, 1)])
def test_the_chosen_rate_is_marked_at_an_edge_of_the_grid(best, edge):
    assert comparison({"nag": [3] * 6}, at=best).chosen["nag"].edge == edge


def test_without_convergence_in_tuning_there_is_no_edge():
    nowhere = {"nag": dict.fromkeys((0.1, 0.2, 0.4)), "gd": {}}
    found = comparison({"nag": [3] * 6, "gd": [4] * 6}, tuning=nowhere)
    assert found.chosen["nag"].edge == 0


def test_evaluation_seeds_do_not_affect_target_and_rates():
    tuning = {"nag": {0.2: 3}, "gd": {0.2: 9}}
    one = comparison({"nag": [3] * 6, "gd": [9] * 6}, tuning=tuning)
    other = comparison({"nag": [None] * 6, "gd": ["@ 2"] * 6}, tuning=tuning)
    assert (one.target, one.chosen) == (other.target, other.chosen)


NAG, GD = [5, 6, 7, 8, 9, 10, 5], [9, 9, 9, 30, None, 9, "@ 3"]


def test_a_duel_by_hand():
    duel = comparison({"gd": GD, "nag": NAG}).tuned[0]
    x, y = (np.minimum(times_of(t), 50) for t in ([5, 5, *NAG], [9, 9, *GD]))  # 2 seeds that tuned
    assert (duel.first, duel.second, duel.flag) == ("nag", "gd", None)
    assert duel.settings == (Setting(0.2, 0.9), Setting(0.2))
    assert duel.reached == (9, 7)
    assert duel.medians == (6, 9)
    assert duel.verdict.difference == np.mean(x - y)
    every = list(itertools.product((1, -1), repeat=9))
    total = abs(sum(x - y))
    assert duel.p_alone == np.mean([abs(np.dot(s, x - y)) >= total for s in every])
    assert duel.faster == np.mean([1, 1, 1, 1, 1, 1, 1, 0, 1])
    low, high = duel.verdict.interval
    assert low < duel.verdict.difference < high


@pytest.mark.parametrize("names", [("plan A x", "plan B x"), ("B ", "A "), ("A", "B")])
def test_a_verdict_has_the_names_whatever_letters_they_hold(names):
    first, second = names
    found = comparison({first: [9] * 7, second: [5] * 7})
    assert found.tuned[0].word == f"{second} faster"
    other = comparison({first: [5] * 7, second: [9] * 7})
    assert other.tuned[0].word == f"{first} faster"


def test_a_duel_is_over_the_seeds_that_both_have_run():
    duel = comparison({"gd": [9, 9, "missing", 9], "nag": [5, "missing", 5, 5]}).tuned[0]
    assert duel.verdict.seeds == 2 + 2  # those that tuned count too


def test_tuned_pairs_use_their_own_rates_and_flags_the_same_rate():
    found = comparison({"gd": [9] * 7, "nag": [5] * 7}, at={"gd": 0.4, "nag": 0.1})
    assert [d.settings for d in found.tuned] == [(Setting(0.1, 0.9), Setting(0.4))]
    assert found.tuned[0].winner == "nag"
    assert [(d.flag.lr, d.winner) for d in found.flags] == [(0.1, "nag"), (0.2, None), (0.4, "gd")]


def test_a_correction_counts_the_pairs_that_differ_at_all():
    found = comparison({"gd": [9] * 7, "momentum": [7] * 7, "nag": [5] * 7})
    assert [d.corrected_for for d in found.tuned] == [3] * 3
    assert [d.verdict.p for d in found.tuned] == [3 * 2 / 2**9] * 3
    # of 3 pairs at 3 rates, six never differ: all are at the budget's end. The other three agree on
    # every seed, and with one sign per seed they count as one
    assert {d.corrected_for for d in found.flags} == {3}
    assert sorted(d.verdict.p for d in found.flags) == [2 / 2**7] * 3 + [1.0] * 6
    assert sum(d.nobody for d in found.flags) == 6


def test_equals_are_called_equivalent_and_never_faster():
    found = comparison({"nag": [3 * t for t in NAG], "twin": [3 * t for t in NAG]})
    assert [d.word for d in found.tuned] == ["equivalent within 5 %"]
    assert {d.winner for d in found.flags} == {None}


def test_fewer_than_six_seeds_are_never_enough():
    duel = alone({"gd": [40] * 5, "nag": [2] * 5}).tuned[0]
    assert duel.word == "no difference shown"
    assert duel.verdict.reason == "5 seeds are too few to claim a difference; take 6 or more"


def test_p_is_of_restricted_times():
    gd = [None, None, None, 8, 8, 8]
    duel = alone({"gd": gd, "nag": [9, 9, 9, 7, 9, 7]}, budget=20).tuned[0]
    d = np.minimum(times_of([9, 9, 9, 7, 9, 7]), 20) - np.minimum(times_of(gd), 20)
    assert duel.p_alone == sign_flip(d.tolist())


def test_there_are_no_results_before_tuning_is_complete():
    whole = comparison({"gd": [9] * 6, "nag": [5] * 6})
    part = Comparison(whole.plan, [r for r in whole.runs if (r.seed, r.optimizer) != (101, "nag")])
    assert part.target is None
    assert (part.chosen, part.rows, part.tuned, part.flags) == ({}, [], [], [])
    assert not part.complete
    assert whole.complete


def test_a_mean_is_restricted_by_the_budget():
    assert row_of([3, None, 4], budget=20).mean == restricted_mean([3, math.inf, 4], 20)


def test_former_names_of_a_comparisons_attributes_warn_and_give_the_same():
    made = alone({"nag": OUTCOMES})
    (entry,) = made.plan.contestants
    with pytest.warns(DeprecationWarning, match="Comparison.asked is now Comparison.request"):
        assert made.asked == made.request
    with pytest.warns(DeprecationWarning, match="judged is now Comparison.evaluation_runs"):
        runs = made.judged(entry, Setting(0.1, 0.9))
    assert runs == made.evaluation_runs(entry, Setting(0.1, 0.9))
    assert len(runs) == len(OUTCOMES)
