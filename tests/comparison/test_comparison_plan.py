"""The settings that are tried, the pairs, and where a flag is swapped."""

import pytest
from comparison_runs import contestant, plan

from minidl.comparison import Contestant, Goal, Plan, Setting, compare
from minidl.comparison.plan import MOMENTA, RATES
from minidl.errors import ArgumentError


def test_the_default_grid_is_twelve_powers_of_two():
    assert list(RATES) == [2.0**k for k in range(-8, 4)]
    assert list(MOMENTA) == [0.0, 0.5, 0.9, 0.95, 0.99]


def names(pairs):
    return [(a.name, b.name) for a, b in pairs]


def test_pairs_have_one_batch_size_and_the_later_optimizer_first():
    assert names(plan(["gd", "momentum", "nag"]).pairs) == [
        ("momentum", "gd"), ("nag", "gd"), ("nag", "momentum")
    ]  # fmt: skip


def test_different_batch_sizes_and_the_two_forms_of_nag_are_not_paired():
    batch = contestant("batch", "full")
    assert names(plan([batch, "momentum"]).pairs) == []
    assert names(plan(["nag", "nag-reformulated", "gd"]).pairs) == [
        ("gd", "nag"), ("gd", "nag-reformulated")
    ]  # fmt: skip


def test_every_contestant_is_tried_at_the_same_rates():
    made = plan(["gd", "nag"], rates=(0.1, 0.2))
    gd, nag = made.contestants
    assert made.settings(gd) == [Setting(0.1), Setting(0.2)]
    assert made.settings(nag) == [Setting(0.1, 0.9), Setting(0.2, 0.9)]


def test_momenta_are_crossed_in_for_those_that_have_one():
    made = plan(["gd", "nag"], tune="lr,momentum", rates=(0.1, 0.2), momenta=(0.5, 0.9))
    gd, nag = made.contestants
    assert made.settings(gd) == [Setting(0.1), Setting(0.2)]
    assert made.settings(nag) == [
        Setting(0.1, 0.5), Setting(0.1, 0.9), Setting(0.2, 0.5), Setting(0.2, 0.9)
    ]  # fmt: skip


def test_untuned_each_has_its_own():
    own = Contestant("mine", "NAG", 32, Setting(0.3, 0.8))
    assert plan([own], tune="none").settings(own) == [Setting(0.3, 0.8)]


def flags(made):
    return [(a.name, one, b.name, other, flag) for a, b, (one, other), flag in made.flag_pairings()]


def test_a_flag_is_swapped_at_every_rate_with_the_momentum_of_those_that_have_one():
    assert flags(plan(["gd", "nag"], rates=(0.1, 0.2))) == [
        ("nag", Setting(lr, 0.9), "gd", Setting(lr), Setting(lr, 0.9)) for lr in (0.1, 0.2)
    ]


def test_and_at_every_momentum_of_the_grid():
    made = plan(["momentum", "nag"], tune="lr,momentum", rates=(0.1, 0.2), momenta=(0.5, 0.9))
    assert [flag for *_, flag in flags(made)] == [
        Setting(0.1, 0.5), Setting(0.1, 0.9), Setting(0.2, 0.5), Setting(0.2, 0.9)
    ]  # fmt: skip
    assert all(one == other == flag for _, one, _, other, flag in flags(made))


def test_two_with_other_momenta_or_rates_of_their_own_differ_in_more_than_the_flag():
    two = [contestant("momentum", momentum=0.5), contestant("nag", momentum=0.9)]
    assert flags(plan(two)) == []
    two = [contestant("momentum", lr=0.2), contestant("nag", lr=0.1)]
    assert flags(plan(two, tune="none")) == []
    assert len(flags(plan(["momentum", "nag"], tune="none"))) == 1


def test_an_unpaired_optimizer_is_evaluated_at_its_best_rate_only():
    batch = contestant("batch", "full")
    made = plan([batch, "momentum", "nag"])
    assert made.evaluated(batch, Setting(0.2)) == [Setting(0.2)]
    nag = made.contestants[2]
    assert made.evaluated(nag, Setting(0.2, 0.9)) == made.settings(nag)


@pytest.mark.parametrize(
    ("low", "high", "rates"),
    [
        (True, False, (0.25, 0.5, 1.0, 2.0)),
        (False, True, (1.0, 2.0, 4.0, 8.0)),
        (True, True, (0.25, 0.5, 1.0, 2.0, 4.0, 8.0)),
    ],
)
def test_the_grid_grows_by_two_rates_in_the_same_ratio(low, high, rates):
    assert plan(["nag"], rates=(1.0, 2.0)).extended(low, high).rates == rates


def test_an_uneven_grid_grows_at_each_end_by_the_ratio_there():
    found = plan(["nag"], rates=(1.0, 2.0, 20.0)).extended(True, True).rates
    assert found == (0.25, 0.5, 1.0, 2.0, 20.0, 200.0, 2000.0)


@pytest.mark.parametrize(("size", "updates"), [("full", 1), (1, 750), (32, 24), (1000, 1)])
def test_updates_of_an_epoch(size, updates):
    made = plan([contestant("gd", size)])
    assert made.updates(made.contestants[0]) == updates


def test_a_plan_survives_json():
    import json

    made = plan(["gd", "nag"], tune="lr,momentum", momenta=(0.5,), goal=Goal("gap", 1 / 3))
    assert Plan.from_dict(json.loads(json.dumps(made.to_dict()))) == made


@pytest.mark.parametrize("rates", [[], [0.1, 0.1], [0.1, -1], [0.1, "x"], [0.1, float("nan")], 3])
def test_a_grid_needs_different_rates(rates):
    with pytest.raises(ArgumentError, match=r"^lr must be .*, got "):
        compare("moons", lr=rates, tune="lr")
