"""The printed report: tables, the paragraph for newcomers, and notes."""

import math
from dataclasses import replace

import pytest
from comparison_runs import alone, comparison, contestant, plan, run

from minidl.comparison import Comparison, Goal, Setting, Study
from minidl.comparison.report.sentences import explain
from minidl.comparison.report.tables import probability, report, warnings_of
from minidl.comparison.report.words import (
    between,
    method_name,
    number,
    rate,
    text_table,
)
from minidl.text import counted, joined

FAST, SLOW = [5, 6, 5, 6, 5, 6, 5], [30, 31, 32, 33, 34, 35, 36]


def paragraph(found):
    return " ".join(explain(found))


def notes(found):
    return " ".join(warnings_of(found))


def test_a_comparison_is_printed_as_head_two_verdicts_and_a_paragraph():
    found = comparison({"gd": SLOW, "nag": FAST})
    parts = report(found, width=140).split("\n\n")
    assert [part.splitlines()[0] for part in parts] == [
        "toy: Dense(2, 1), MeanSquaredError(), 750 training rows",
        "Each at its best learning rate, on the evaluation seeds (medians; mean of min(epochs,"
        " budget); ERT: epochs spent per converged run)",
        "Cost of tuning: expected best mean epochs after that many random trials, tuning seeds",
        "Tuned against tuned (in epochs; p after Holm, for 1)",
        "Swap the flag: one learning rate, momentum 0.9; median epochs (seeds that converged)",
        "Swap the flag, pair by pair; settings where neither converged are left out (in epochs; p"
        " after step-down, for 1)",
        parts[6].splitlines()[0],
    ]
    assert parts[0].splitlines()[1:] == [
        "converged: training loss <= 0.1, for 3 epochs in a row",
        "tuned: 3 learning rates, 0.1 to 0.4; 2 tuning seeds, 7 evaluation seeds; budget 50 epochs",
        "engine: eager",
    ]
    columns = "optimizer batch lr momentum reached epochs 95 % mean 95 % first hit ERT diverged"
    assert parts[1].splitlines()[1].split() == f"{columns} updates samples seconds".split()
    assert [line.split()[:6] for line in parts[1].splitlines()[2:]] == [
        ["gd", "32", "0.2", "-", "7/7", "33"],
        ["nag", "32", "0.2", "0.9", "7/7", "5"],
    ]
    assert parts[3].splitlines()[-1].split()[:5] == ["nag", "-", "gd", "-27.0", "-28.8..-25.4"]
    assert parts[3].splitlines()[-1].endswith("NAG faster")
    assert [line.split() for line in parts[2].splitlines()[1:]] == [
        ["trials", "gd", "95", "%", "nag", "95", "%"],
        ["1", "43.3", "43.3..43.3", "35.0", "35.0..35.0"],  # the two tuning seeds are alike
        ["2", "36.7", "36.7..36.7", "20.0", "20.0..20.0"],
        ["3", "30.0", "30.0..30.0", "5.0", "5.0..5.0"],
    ]
    assert [line.split()[0] for line in parts[4].splitlines()[1:]] == ["lr", "0.1", "0.2", "0.4"]
    assert parts[4].splitlines()[2].split() == ["0.1", ">50", "(0/7)", ">50", "(0/7)"]
    assert len(parts[5].splitlines()) == 3  # the head, the names, and the one rate that counts


@pytest.mark.parametrize(
    ("outcomes", "cells"),
    [
        ([5, 6, 7, 8, 9, None], {"5/6", "7.5", "5..>50", "14.2"}),
        ([None] * 6, {"0/6", ">50", ">50..>50", "50.0", "never", ">1200", ">37500"}),
        (["@ 7"] * 4 + [9] * 2, {"2/6", "diverged @ 7", "4 @ 7"}),
    ],
)
def test_a_row_says_what_most_of_the_seeds_did(outcomes, cells):
    lines = report(alone({"nag": outcomes}), width=150).splitlines()
    row = next(line for line in lines if line.startswith("nag"))
    assert all(cell in row for cell in cells), row


def test_the_paragraph_says_which_to_use_how_sure_and_by_how_much():
    words = paragraph(comparison({"gd": SLOW, "momentum": [9] * 7, "nag": FAST}))
    assert words.startswith(
        "Use NAG here, at learning rate 0.2 and momentum 0.9: it needs 5 epochs in the median and"
        " 5.4 in the mean. In the mean of min(epochs, budget) it is faster than gd"
        " (by 27 epochs on average, 25 to 29) and momentum (by 3.7 epochs on average, 3.2 to 4.0);"
        " p < 0.05 after Holm's correction."
    )


def test_where_nothing_is_shown_it_says_that_equality_is_not_proven():
    words = paragraph(comparison({"momentum": [5, 9, 5, 9, 5, 9], "nag": [9, 5, 9, 5, 9, 6]}))
    assert "Against NAG no difference is shown with 6 seeds" in words
    assert "which does not prove them equal" in words


def test_an_equivalent_optimizer_will_do_as_well():
    words = paragraph(comparison({"momentum": [20] * 20, "nag": [20] * 20}))
    assert "NAG (0 of 22 runs failed, which allows up to 13 %) will do as well" in words


def test_the_two_forms_of_nag_are_one_method_and_never_tested():
    found = comparison({"nag": FAST, "nag-reformulated": FAST, "gd": SLOW})
    assert {(d.first, d.second) for d in found.tuned} == {
        ("gd", "nag"), ("gd", "nag-reformulated")
    }  # fmt: skip
    assert "nag-reformulated is the same method in another form." in paragraph(found)


def test_too_few_seeds_give_no_verdict_and_the_number_that_suffices():
    words = paragraph(comparison({"gd": [30] * 3, "nag": [5] * 3}))  # and 2 that tuned
    assert "5 seeds are too few to claim a difference; take 6 or more." in words
    assert "Use" not in words


def test_contradicting_verdicts_are_told_and_explained():
    found = comparison({"gd": [9] * 7, "nag": [5] * 7}, at={"gd": 0.4, "nag": 0.1})
    words = paragraph(found)
    assert "NAG is faster at 1 (lr 0.1)" in words
    assert "gd is faster at 1 (lr 0.4)" in words
    assert "The two contradict each other at lr 0.4: there gd is faster, but NAG" in words


def test_a_gain_of_the_flag_that_tuning_removes_is_told():
    words = paragraph(comparison({"gd": [25] * 7, "nag": [25] * 7}, at={"gd": 0.4, "nag": 0.1}))
    assert "tuned, they are equivalent within 5 %" in words
    assert (
        "So the flag matters at a learning rate that is not tuned, and tuning the rate achieves"
        in words
    )


def test_what_tuning_does_not_show_is_not_called_equal():
    one, other = [5, 9, 5, 9, 5, 9, 6], [9, 5, 9, 5, 9, 5, 6]
    words = paragraph(comparison({"gd": one, "nag": other}, at={"gd": 0.4, "nag": 0.1}))
    assert "(momentum lengthens steady steps, as a larger rate does)" in words
    assert "; whether it still does when both are tuned is not shown." in words


def test_a_small_p_beside_no_verdict_is_explained():
    tuning = {"gd": {0.2: 10, 0.4: 10, 0.1: None}, "nag": {0.2: 8, 0.1: None, 0.4: None}}
    found = comparison({"gd": [12, 13, 14, 12, 13, 14, 12], "nag": [8] * 7}, tuning=tuning)
    duel = found.tuned[0]
    ruling = replace(duel.verdict, word="no difference shown", p=0.01, interval=(-5.0, 1.0))
    found.tuned = [replace(duel, verdict=ruling)]
    assert "no difference is shown (p is small, but the interval holds 0: other" in paragraph(found)


def test_a_single_optimizer_has_no_verdict():
    words = paragraph(comparison({"nag": FAST}))
    assert words.startswith(
        "NAG needs 5 epochs in the median, and converged on 7 of 7 seeds. A single"
    )


def test_an_optimizer_that_rarely_converges_is_not_recommended():
    words = paragraph(comparison({"gd": [None] * 7, "nag": [3, 3, None, None, None, None, None]}))
    assert "none is recommended; NAG comes closest, with 2 of 7." in words


def test_the_head_says_that_the_grid_grew():
    found = comparison({"gd": SLOW, "nag": FAST})
    asked = {"plan": {"rates": [0.1, 0.2]}}
    text = Comparison(found.plan, found.runs, asked).details()
    assert "3 learning rates, 0.1 to 0.4 (grown from 2, because the best was at an edge)" in text


def test_without_tuning_the_tuning_seeds_are_for_the_target():
    text = alone({"gd": SLOW, "nag": FAST}).details()
    assert "not tuned; 2 tuning seeds for the target, 7 evaluation seeds; budget 50 epochs" in text


def test_rows_of_an_interruption_are_over_the_same_seeds():
    whole = comparison({"gd": SLOW, "nag": FAST})
    part = Comparison(whole.plan, [r for r in whole.runs if (r.optimizer, r.seed) != ("gd", 6)])
    assert [row.seeds for row in part.rows] == [6, 6]


def test_if_no_run_converges_no_optimizer_is_recommended():
    found = comparison({"gd": [None] * 7, "nag": [None] * 7})
    assert paragraph(found) == (
        "No optimizer reached the target within 50 epochs at its tuned learning rate, so none is"
        " recommended."
    )
    assert (
        "pair by pair; settings where neither converged are left out: neither ever"
        in found.details()
    )


def test_untuned_there_is_one_verdict_and_it_is_named():
    text = alone({"gd": SLOW, "nag": FAST}).details()
    assert "not tuned; 2 tuning seeds" in text
    assert "Tuned against tuned" not in text
    assert "Swap the flag" in text


def test_batch_sizes_are_compared_in_samples_updates_and_seconds():
    two = [contestant("batch", "full"), contestant("gd", 32)]
    made = plan(two, tune="none")
    runs = [
        run(c.name, c.own, s, hit, 50, updates=made.updates(c))
        for c, hit in zip(two, (40, 10), strict=True)
        for s in (*made.tuning_seeds, *made.seeds)
    ]
    words = paragraph(Comparison(made, runs))
    assert "gd needs the fewest samples" in words
    assert "batch needs the fewest updates" in words


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (method_name("gd"), "gd"),
        (method_name("nag"), "NAG"),
        (method_name("custom"), "custom"),
        (counted(1, "seed"), "1 seed"),
        (counted(10, "seed"), "10 seeds"),
        (joined(["a", "b", "c"]), "a, b and c"),
        (joined(["a"]), "a"),
        (number(29.5, ">400"), "29.5"),
        (number(1234567.0, ""), "1234567"),
        (number(math.inf, ">400"), ">400"),
        (rate(2.0**-7), "0.00781"),
        (rate(8.0), "8"),
        (between((3.0, math.inf), ">50"), "3..>50"),
        (between(None, ""), "-"),
        (probability(0.0391), "0.039"),
        (probability(1.0), "1"),
        (probability(0.0000031), "3.1e-06"),
        (text_table([["name", "n"], ["a", "10"]]), "name   n\na     10"),
        (text_table([["name", "n"], ["a", "10"]], left=(0, -1)), "name  n\na     10"),
    ],
)
def test_numbers_and_names_as_text(text, expected):
    assert text == expected


# -- notes ------------------------------------------------------------------------------------


def test_a_comparison_without_pitfalls_has_no_note():
    assert notes(comparison({"gd": SLOW, "nag": FAST})) == ""


def test_nesterov_without_momentum():
    zero = contestant("nag", momentum=0.0)
    found = comparison({"nag": FAST}, contestants=(zero,))
    assert "NAG has momentum 0: it is plain gradient descent then" in notes(found)


@pytest.mark.parametrize(
    ("size", "words"),
    [
        ("full", ["the full batch is not shuffled"]),
        (5000, ["a batch of 5000 is larger than the 750 training rows", "is not shuffled"]),
        (750, ["is not shuffled"]),
    ],
)
def test_full_batches(size, words):
    found = notes(comparison({"gd": FAST}, contestants=(contestant("gd", size),)))
    assert all(word in found for word in words)
    assert ("larger" in found) == (size == 5000)


def test_different_batch_sizes():
    two = (contestant("batch", "full"), contestant("gd", 32))
    found = notes(comparison({"batch": FAST, "gd": FAST}, contestants=two))
    assert "across batch sizes compare updates, samples and seconds, not epochs" in found


@pytest.mark.parametrize(("best", "end"), [(0.1, "smallest"), (0.4, "largest")])
def test_a_learning_rate_on_the_edge(best, end):
    found = comparison({"nag": FAST}, at=best)
    assert f"EDGE: NAG did best at {best:g}, the {end} learning rate" in notes(found)
    assert f"{best:g} EDGE" in found.details()


def test_a_target_that_nobody_reaches():
    found = comparison({"nag": FAST}, tuning={"nag": {}, "gd": {}}, goal=Goal("loss", 1e-4))
    words = notes(found)
    assert "no optimizer reaches the target on 80 % of the tuning seeds within 50 epochs" in words
    assert "the best single run reached 0.01" in words
    assert (
        "NAG did not reach the target on any tuning seed; the setting with the lowest final loss"
        in words
    )


def test_a_target_that_was_loosened():
    tuning = {"nag": {0.2: 5, 0.1: 5, 0.4: 5}}
    found = comparison({"nag": FAST}, tuning=tuning, goal=Goal("gap", 0.1))
    assert "loosened" not in notes(found)
    lucky = [
        type(r)(**{**vars(r), "curves": {"train_loss": r.curves["train_loss"].clip(0.25)}})
        if r.seed == 100 else r for r in found.runs
    ]  # fmt: skip
    words = notes(Comparison(found.plan, lucky))
    assert "so the target was loosened to gap:0.2" in words


def test_grids_of_different_sizes_are_told_with_what_equal_budgets_give():
    found = comparison({"gd": SLOW, "nag": FAST}, tune="lr,momentum", momenta=(0.5, 0.9))
    table = found.details().split("Cost of tuning")[1].split("\n\n")[0]
    assert [line.split() for line in table.splitlines()[1:]] == [
        ["trials", "gd", "95", "%", "nag", "95", "%"],
        ["1", "43.3", "43.3..43.3", "35.0", "35.0..35.0"],
        ["2", "36.7", "36.7..36.7", "23.0", "23.0..23.0"],
        ["3", "30.0", "30.0..30.0", "14.0", "14.0..14.0"],
        ["6", "5.0", "5.0..5.0"],
    ]


# -- interruptions and studies ----------------------------------------------------------------


def test_interrupted_while_tuning_there_is_no_verdict():
    whole = comparison({"gd": SLOW, "nag": FAST})
    part = Comparison(whole.plan, [r for r in whole.runs if r.seed == 100])
    assert "Interrupted while tuning, after 6 runs: no verdict is supported yet." in str(part)


def test_an_interruption_while_judging_says_on_how_many_seeds_verdicts_rest():
    whole = comparison({"gd": SLOW, "nag": FAST})
    part = Comparison(whole.plan, [r for r in whole.runs if r.seed not in (5, 6)])
    assert "the verdicts rest on 7 of 9 seeds" in str(part)


def test_a_study_prints_each_and_a_profile_of_what_they_share():
    one = comparison({"gd": [20] * 6, "nag": [10] * 6})
    two = comparison({"gd": [10] * 6, "nag": [30] * 6})
    study = Study([one, two])
    assert str(study) == f"{one}\n\n{two}"
    assert study.profile.costs.tolist() == [[20, 10], [10, 30]]
    assert study.profile.ratios.tolist() == [[2, 1], [1, 3]]
    # areas to 4: (2 + 3) / 2 / 3 and (3 + 1) / 2 / 3
    assert study.profile.areas.tolist() == pytest.approx([5 / 6, 4 / 6])
    lines = study.profile_text().splitlines()
    titles = next(k for k, line in enumerate(lines) if line.startswith("optimizer "))
    rows = [line.split() for line in lines[titles + 1 : titles + 3]]
    assert [[*row[:2], *row[3:5]] for row in rows] == [
        ["gd", "0.83", "2/2", "1/2"], ["nag", "0.67", "2/2", "1/2"]
    ]  # fmt: skip
    # of six targets: 0.5 is held from the first epoch on, the other five from 20/50, 10/50 ...
    assert study.profile.hits["gd"].shape == (2 * 6 * 6,)
    assert Setting(0.2) == one.chosen["gd"].setting


def test_one_comparison_has_no_profile():
    study = Study([comparison({"gd": SLOW, "nag": FAST})])
    assert study.profile is None
    assert "needs two or more problems" in study.profile_text()


# -- sentences in cases that a reviewer built -------------------------------------------------


def test_the_recommended_optimizer_converges_on_most_seeds():
    found = comparison({"momentum": [10] * 5 + [None] * 5, "nag": [40] * 10}, budget=100)
    words = paragraph(found)
    assert words.startswith("Use NAG here")
    assert "momentum (converged on 5 of 10)" in words


def test_failures_of_the_slower_one_are_named():
    found = comparison({"nag": [28] * 14 + ["@ 9"] * 6, "momentum": [30] * 20}, budget=400)
    assert "converged on 14 of 20" in paragraph(found)


def test_the_two_forms_of_nag_alone_are_not_compared():
    words = paragraph(comparison({"nag": FAST, "nag-reformulated": FAST}))
    assert "The two are one method in two forms, and are not compared with each other." in words
    assert "batch sizes" not in words


def test_flags_are_reported_even_if_no_run_converges_at_the_chosen_rate():
    nowhere = {"nag": {}, "gd": {}}
    found = comparison({"gd": [None] * 7, "nag": FAST}, tuning=nowhere, at=0.2)
    assert found.flags[1].winner == "nag"
    assert "NAG is faster at 1 (lr 0.2)" in paragraph(found)


def test_an_interruption_before_one_contestant_has_begun_leaves_it_out():
    whole = comparison({"gd": SLOW, "momentum": SLOW, "nag": FAST})
    part = Comparison(
        whole.plan, [r for r in whole.runs if r.optimizer != "nag" or r.seed in (100, 101)]
    )
    assert [(row.optimizer, row.seeds) for row in part.rows] == [("gd", 7), ("momentum", 7)]
    assert "the verdicts rest on 9 of 9 seeds. NAG has no finished evaluation seed." in paragraph(
        part
    )


def test_interrupted_without_a_common_seed_there_is_no_verdict():
    whole = comparison({"gd": SLOW, "nag": FAST})
    judging = {"gd": 0, "nag": 1}
    part = Comparison(
        whole.plan, [r for r in whole.runs if r.seed >= 100 or r.seed == judging[r.optimizer]]
    )
    words = "no pair of optimizers has a seed in common yet: no verdict is supported"
    assert words in " ".join(str(part).split())


def test_an_interrupted_comparison_of_batchings_does_not_speak_of_pairs():
    two = [contestant("batch", "full"), contestant("gd", 32)]
    made = plan(two, tune="none")
    seeds = {"batch": (*made.tuning_seeds, *made.seeds), "gd": (*made.tuning_seeds, 0)}
    runs = [run(c.name, c.own, s, 9, 50) for c in two for s in seeds[c.name]]
    words = paragraph(Comparison(made, runs))
    assert "tuning is finished. gd" not in words
    assert "rest on" not in words


def test_untuned_pairs_with_rates_of_their_own_are_in_a_table():
    three = (contestant("gd"), contestant("nag"), contestant("momentum", momentum=0.5))
    text = alone({"gd": SLOW, "nag": FAST, "momentum": SLOW}, contestants=three).details()
    assert "As given (in epochs; p after Holm" in text
    assert "Swap the flag" in text


def test_rates_that_print_alike_keep_lines_of_their_own():
    found = comparison({"gd": SLOW, "nag": FAST}, rates=(0.2, 0.2001, 0.2002), at=0.2001)
    lines = found.details().split("Swap the flag: ")[1].split("\n\n")[0].splitlines()
    assert len(lines) == 2 + 3
    assert sum("(7/7)" in line for line in lines) == 1


def test_a_chosen_momentum_of_zero_is_noted():
    found = comparison({"nag": FAST}, tune="lr,momentum", momenta=(0.0,))
    assert "NAG has momentum 0" in notes(found)


def test_settings_that_are_equivalent_are_counted_as_such():
    words = paragraph(comparison({"momentum": [20] * 9, "nag": [20] * 9}))
    assert "they are equivalent within 5 % at 1" in words


def test_a_target_met_before_training_is_noted():
    found = comparison({"gd": SLOW, "nag": FAST}, goal=Goal("loss", 2.0))
    assert "the target is met before training on 9 seeds" in notes(found)


def test_a_profile_does_not_compare_epochs_across_batch_sizes():
    two = (contestant("batch", "full"), contestant("gd", 32))
    one = comparison({"batch": FAST, "gd": SLOW}, contestants=two)
    assert Study([one, one]).profile is None
