"""The printed table and its notes, to the letter, for races made up run by run."""

import math

import pytest
from comparison_runs import history, race, run, settings

from minidl.comparison import Comparison, Run


def table(outcomes, budget=50):
    return race(outcomes, budget).table().splitlines()


def test_a_race_is_printed_as_head_table_sentences_and_notes():
    made = race(
        {
            "batch": [None, None],
            "momentum": [20, 31],
            "nag": [10, 21],
        }
    )
    assert str(made).splitlines() == [
        "toy, hidden 16,16 tanh: epochs until the training loss 0.1 has held for 3 epochs,"
        " at most 50; medians over 2 seeds",
        "",
        "optimizer  batch   lr  reached  epochs  updates  seconds  final loss",
        "batch       full  0.1      0/2     >50    >1200   >12.50      0.0500",
        "momentum      32  0.1      2/2    25.5      612     6.38      0.0500",
        "nag           32  0.1      2/2    15.5      372     3.88      0.0500",
        "",
        "NAG against momentum: it needed fewer epochs on 2 of 2 seeds, more on 0 and as many on 0"
        " (median 15.5 against 25.5), but 2 seeds are too few to claim a difference;"
        " take 6 or more.",
        "An epoch costs more updates the smaller the batch: across batch sizes, compare updates"
        " and seconds, not epochs.",
        "All ran at one learning rate, and momentum 0.9 makes steady steps 10 times longer:"
        " this compares flags, not tuned optimizers.",
    ]


@pytest.mark.parametrize(
    ("outcomes", "cells"),
    [
        ([4, 6, 5], "nag 32 0.1 3/3 5 120 1.25 0.0500"),
        ([0, 0, 0], "nag 32 0.1 3/3 0 0 0.00 0.0500"),
        ([4, None, 6], "nag 32 0.1 2/3 6 144 1.50 0.0500"),
        ([4, None, None], "nag 32 0.1 1/3 >50 >1200 >12.50 0.0500"),
        ([4, None], "nag 32 0.1 1/2 >50 >1200 >12.50 0.0500"),
        (["@ 3", "@ 9", "@ 5"], "nag 32 0.1 0/3 diverged @ 5 - - diverged"),
        (["@ 3", "@ 9"], "nag 32 0.1 0/2 diverged @ 3 - - diverged"),
        (["@ 3", 7], "nag 32 0.1 1/2 diverged @ 3 - - diverged"),
        (["@ 3", 7, 9], "nag 32 0.1 2/3 9 216 2.25 0.0500"),
        (["@ 3", 7, None], "nag 32 0.1 1/3 >50 >1200 >12.50 0.0500"),
    ],
)
def test_a_line_says_what_most_of_the_seeds_did(outcomes, cells):
    header, line = table({"nag": outcomes})
    assert " ".join(line.split()) == cells
    assert len(line) == len(header)


@pytest.mark.parametrize(
    ("outcomes", "note"),
    [
        (["@ 3", 7, 9], ["nag diverged on 1 of 3 seeds."]),
        (["@ 3", "@ 3", 9], []),
        ([3, 7, 9], []),
    ],
)
def test_a_divergence_that_the_table_does_not_show_is_in_a_note(outcomes, note):
    said = str(race({"nag": outcomes})).splitlines()
    assert [line for line in said if "diverged on" in line] == note


def test_a_divergence_counts_as_never_and_not_as_the_epoch_in_which_it_happened():
    made = race({"nag": ["@ 3"] * 6, "momentum": [40] * 6})
    (duel, p), row = made.duels[0], made.rows[0]
    assert row.epochs == math.inf
    assert (duel.fewer, duel.more, duel.mean_difference) == (0, 6, 10.0)
    assert p == 2 / 2**6


def test_many_updates_are_printed_as_a_whole_number():
    runs = [run("stochastic", s, None, updates=1_234_567) for s in range(2)]
    made = Comparison(settings(["stochastic"], [0, 1]), runs)
    assert ">61728350 " in made.table()
    runs = [run("stochastic", s, 47, updates=1_234_567) for s in range(2)]
    made = Comparison(settings(["stochastic"], [0, 1]), runs)
    assert " 58024649 " in made.table()


def test_the_counts_at_the_target_are_medians_over_seeds():
    runs = [Run("nag", s, history(50, updates=10 + s), t) for s, t in enumerate([4, 9, 6])]
    row = Comparison(settings(["nag"], [0, 1, 2]), runs).rows[0]
    assert (row.epochs, row.updates, row.seconds) == (6.0, 72.0, 1.5)


def test_half_epochs_are_shown():
    assert table({"nag": [4, 7]})[1].split()[4:6] == ["5.5", "132"]


@pytest.mark.parametrize(
    ("others", "head"),
    [
        (
            {"sustained": 1},
            "toy, hidden 16,16 tanh: epochs until the training loss 0.1 has held for 1 epoch,"
            " at most 50; medians over 1 seed",
        ),
        (
            {"target_loss": None, "target_accuracy": 0.975, "hidden": [8], "activation": "relu"},
            "toy, hidden 8 relu: epochs until the training accuracy 0.975 has held for 3 epochs,"
            " at most 50; medians over 1 seed",
        ),
        (
            {"hidden": [], "target_loss": 0.0125},
            "toy: epochs until the training loss 0.0125 has held for 3 epochs, at most 50;"
            " medians over 1 seed",
        ),
        (
            {"hidden": None, "activation": None},
            "toy: epochs until the training loss 0.1 has held for 3 epochs, at most 50;"
            " medians over 1 seed",
        ),
    ],
)
def test_the_head_says_what_was_raced(others, head):
    assert str(race({"nag": [4]}, **others)).splitlines()[0] == head


def test_an_interrupted_race_says_how_much_of_it_was_finished():
    planned = settings(["momentum", "nag"], [0, 1, 2])
    runs = [run("momentum", 0, 5), run("nag", 0, 4), run("momentum", 1, 6)]
    made = Comparison(planned, runs)
    assert not made.complete
    assert str(made).splitlines()[3:8] == [
        "momentum      32  0.1      2/2     5.5      132     1.38      0.0500",
        "nag           32  0.1      1/1       4       96     1.00      0.0500",
        "",
        "NAG against momentum: it needed fewer epochs on 1 of 1 seed, more on 0 and as many on 0"
        " (median 4 against 5), but 1 seed is too few to claim a difference; take 6 or more.",
        "Interrupted: 3 of 6 runs were finished.",
    ]


def test_a_race_interrupted_before_the_first_run_still_prints():
    said = str(Comparison(settings(["momentum", "nag"], [0]), [])).splitlines()
    assert "Interrupted: 0 of 2 runs were finished." in said
    assert (
        "NAG against momentum: no seed was run with both, so there is nothing to compare." in said
    )


def test_the_note_on_batch_sizes_is_there_only_if_they_differ():
    note = "An epoch costs more updates the smaller the batch"
    assert note in str(race({"nag": [4], "stochastic": [2]}))
    assert note not in str(race({"nag": [4], "mini-batch": [2]}))


def test_the_note_on_momentum_is_there_only_if_some_have_it_and_some_have_not():
    note = "this compares flags, not tuned optimizers"
    assert note in str(race({"nag": [4], "mini-batch": [2]}))
    assert note not in str(race({"nag": [4], "momentum": [2]}))
    assert note not in str(race({"batch": [4], "mini-batch": [2]}))


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["nag", "batch", "stochastic"], True),
        (["batch", "stochastic"], True),
        (["nag", "mini-batch", "batch"], False),
        (["nag"], False),
    ],
)
def test_a_race_without_a_fair_pair_says_so(names, said):
    note = "No two of these ran at one batch size, so no pair is compared by epochs."
    assert (note in str(race({name: [4] for name in names}))) is said
