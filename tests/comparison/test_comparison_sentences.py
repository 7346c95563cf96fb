"""What is said about each pair, to the letter."""

import pytest
from comparison_runs import race


def said(**outcomes):
    """The one sentence of a race between two."""
    (text,) = race({name.replace("_", "-"): hits for name, hits in outcomes.items()}).sentences()
    return text


def test_fewer_epochs_on_every_seed():
    assert said(momentum=[20, 22, 24, 26, 28, 30], nag=[10, 11, 12, 13, 14, 15]) == (
        "NAG against momentum: it needed fewer epochs on 6 of 6 seeds, more on 0 and as many on 0"
        " (median 12.5 against 25): 12.5 fewer on average (p = 0.031)."
    )


def test_more_epochs_on_every_seed():
    assert said(nag=[20] * 6, mini_batch=[10] * 5 + [17]) == (
        "NAG against gradient descent: it needed fewer epochs on 0 of 6 seeds, more on 6 and as"
        " many on 0 (median 20 against 10): 8.8 more on average (p = 0.031)."
    )


def test_no_difference_shown():
    assert said(nag=[10, 10, 10, 10, 10, 10], momentum=[12, 9, 13, 10, 12, 12]) == (
        "NAG against momentum: it needed fewer epochs on 4 of 6 seeds, more on 1 and as many on 1"
        " (median 10 against 12): no difference shown (p = 0.12)."
    )


@pytest.mark.parametrize(
    ("n", "said_of_seeds", "few"),
    [(1, "1 of 1 seed", "1 seed is"), (5, "5 of 5 seeds", "5 seeds are")],
)
def test_too_few_seeds_for_a_claim(n, said_of_seeds, few):
    assert said(nag=[10] * n, momentum=[30] * n) == (
        f"NAG against momentum: it needed fewer epochs on {said_of_seeds}, more on 0 and as many"
        f" on 0 (median 10 against 30), but {few} too few to claim a difference; take 6 or more."
    )


def test_neither_ever_reached_the_target():
    expected = (
        "NAG against momentum: neither reached the target within 50 epochs, so no difference shown."
    )
    assert said(nag=[None] * 6, momentum=[None] * 6) == expected
    assert said(nag=["@ 2"] * 6, momentum=[None] * 6) == expected


def test_one_of_them_never_reached_the_target():
    assert said(nag=[40] * 6, momentum=[None] * 6) == (
        "NAG against momentum: it needed fewer epochs on 6 of 6 seeds, more on 0 and as many on 0"
        " (median 40 against >50): 10.0 fewer on average (p = 0.031)."
    )


def test_as_many_epochs_on_every_seed():
    assert said(nag=[7, 9], momentum=[7, 9]) == (
        "NAG against momentum: the same number of epochs on all 2 seeds."
    )
    assert said(nag=[7], momentum=[7]) == (
        "NAG against momentum: the same number of epochs on the only seed."
    )


def test_never_arriving_is_not_called_the_same_number_of_epochs():
    assert said(nag=[7, 9, None], momentum=[7, 9, "@ 3"]) == (
        "NAG against momentum: the same number of epochs on 2 seeds,"
        " and neither reached the target on 1."
    )
    assert said(nag=[7, 9, None, None], momentum=[8, 9, None, None]) == (
        "NAG against momentum: it needed fewer epochs on 1 of 4 seeds, more on 0 and as many on 1,"
        " and neither arrived on 2 (median >50 against >50),"
        " but 4 seeds are too few to claim a difference; take 6 or more."
    )


def test_the_two_forms_of_nag_are_called_one_method():
    assert said(nag=[7, None], nag_reformulated=[7, None]) == (
        "NAG against reformulated NAG: the same number of epochs on 1 seed,"
        " and neither reached the target on 1. They are one method."
    )


def test_a_tiny_p_value_is_written_in_powers_of_ten():
    assert said(nag=[10] * 13, momentum=[20] * 13).endswith("(p = 2.4e-04).")


def test_p_values_are_corrected_for_the_number_of_rivals():
    made = race({"nag": [10] * 6, "momentum": [20] * 6, "mini-batch": [30] * 6})
    assert [(d.p, corrected) for d, corrected in made.duels] == [(0.03125, 0.0625)] * 2
    few = "6 seeds are too few to claim a difference; take 7 or more."
    assert all(text.endswith(few) for text in made.sentences())
    seven = race({"nag": [10] * 7, "momentum": [20] * 7, "mini-batch": [30] * 7})
    assert [p for _, p in seven.duels] == [0.03125] * 2
    assert all(text.endswith("on average (p = 0.031).") for text in seven.sentences())
    assert "sign-flip test over the seeds, after Holm's correction for 2 pairs." in str(seven)


def test_the_other_form_of_nag_is_no_rival_and_costs_no_correction():
    made = race({"nag": [10] * 6, "nag-reformulated": [10] * 6, "momentum": [20] * 6})
    assert [(d.second, p) for d, p in made.duels] == [
        ("momentum", 0.03125),
        ("nag-reformulated", 1.0),
    ]


@pytest.mark.parametrize(
    ("names", "pairs"),
    [
        (
            ["batch", "stochastic", "mini-batch", "momentum", "nag", "nag-reformulated"],
            ["nag momentum", "nag mini-batch", "nag nag-reformulated"],
        ),
        (["mini-batch", "nag-reformulated"], ["nag-reformulated mini-batch"]),
        (["batch", "mini-batch", "momentum"], ["momentum mini-batch"]),
        (["batch", "stochastic", "mini-batch"], []),
        (["nag", "batch"], []),
        (["nag"], []),
    ],
)
def test_nag_is_compared_with_those_that_ran_at_its_batch_size(names, pairs):
    made = race({name: [4, 5] for name in names})
    assert [f"{d.first} {d.second}" for d, _ in made.duels] == pairs


def test_at_full_batches_nag_is_compared_with_batch_gradient_descent():
    outcomes = {"batch": [9], "nag": [4]}
    made = race(outcomes)
    plan = made.settings
    plan["optimizers"] = [{**o, "batch_size": "full"} for o in plan["optimizers"]]
    (text,) = type(made)(plan, made.runs).sentences()
    assert text.startswith("NAG against batch gradient descent: it needed fewer epochs on 1 of 1")


@pytest.mark.parametrize(
    ("nag", "momentum", "there"),
    [
        ([10] * 6, [None] * 6, True),
        ([10] * 5 + [None], [12] * 5 + [None], True),
        ([10] * 6, [12] * 6, False),
        ([10] * 5, [None] * 5, False),
        ([None] * 6, [None] * 6, False),
        ([10] * 5 + [None], [10] * 5 + [None], False),
    ],
)
def test_a_note_says_how_missing_arrivals_enter_the_averages(nag, momentum, there):
    note = "Averages and p-values count a run that never arrived as 50 epochs."
    assert (note in str(race({"nag": nag, "momentum": momentum})).splitlines()) is there


def test_only_seeds_that_both_have_run_are_compared():
    made = race({"momentum": [20, 30, 40], "nag": [10, 20]})
    duel = made.duels[0][0]
    assert (duel.seeds, duel.medians, duel.reached) == (2, (15.0, 25.0), (2, 2))


def test_two_that_diverge_on_every_seed_are_not_said_to_have_run_out_of_epochs():
    assert said(nag=["@ 1"] * 6, momentum=["@ 2"] * 6) == (
        "NAG against momentum: both diverged on every seed, so no difference shown."
    )


def test_the_two_forms_of_nag_that_part_are_explained_and_not_tested():
    made = race({"nag": [10] * 6, "nag-reformulated": [11] * 6})
    (text,) = made.sentences()
    assert "They are one method: here training is so unstable" in text
    assert "p =" not in text
    assert "sign-flip" not in str(made)
