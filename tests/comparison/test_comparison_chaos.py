"""Twins of runs, whose weights differ by 1e-12, mark the settings at which training is chaotic."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest
from comparison_runs import comparison, run

from minidl import datasets, nn, optim
from minidl.comparison import Comparison, Goal, Run, Setting, Study, compare, verdicts_by_target
from minidl.comparison.chaos import horizon, is_chaotic, is_unsteady, perturb
from minidl.comparison.duels import Match, settle_by_holm, settle_together
from minidl.comparison.goal import Target
from minidl.comparison.resolve import outward, resolve
from minidl.comparison.stats.hitting import hitting_times

AT = Setting(0.1)


def of(*losses, twin=False, diverged=None):
    curve = np.array(losses, dtype=float)
    return Run("nag", AT, 0, {"train_loss": curve}, diverged, 1, 8, 1, 1.0, twin)


def time(run):
    """The first epoch from which the loss is at most 0.1 twice."""
    curve = run.curves["train_loss"]
    lost = run.diverged_at is not None
    return float(hitting_times(range(len(curve)), curve <= 0.1, 2, diverged=lost))


@pytest.mark.parametrize(
    ("own", "other", "chaotic"),
    [
        ([1, 0.5, 0.1, 0.1, 0.9], [1, 0.5, 0.1, 0.1], False),  # as far as the twin was trained
        ([1, 0.5, 0.1, 0.1, 0.9], [1, 0.5, 0.3, 0.1], True),  # later
        ([1, 0.5, 0.3, 0.1, 0.1], [1, 0.5, 0.1, 0.1, 0.1], True),  # earlier
        ([1, 0.5, 0.1, 0.1], [1, 0.504, 0.1, 0.1], False),
        ([1, 0.5, 0.1, 0.1], [1, 0.506, 0.1, 0.1], True),  # in the same epoch by luck
        ([1, 0.5, 0.1, 0.1, 0.1], [1, 0.5, 0.1, 0.01, 0.5], False),  # what follows does not matter
        ([1, 0.5, 0.5, 0.5], [1, 0.2, 0.9, 0.2], True),  # neither arrives, by other ways
        ([1, 0.5, 0.5, 0.5], [1, 0.5, 0.502, 0.5], False),
        ([1, 0.5, 0.5, 0.5], [1, 0.2, 0.1, 0.1], True),
        ([1, 0.5, 0.1, 0.5], [1, 0.5, 0.1, 0.1], True),  # held by one alone
        ([1, 1e-30, 0.5, 0.1, 0.1], [1, 3e-30, 0.5, 0.1, 0.1], False),  # both are zero
    ],
)
def test_twins_must_agree_on_the_hitting_time_and_on_the_way_to_it(own, other, chaotic):
    assert is_chaotic(of(*own), of(*other, twin=True), time) is chaotic


def test_a_twin_that_diverges_before_the_run_arrives_disagrees():
    arrives, lost = of(1, 0.5, 0.1, 0.1), of(1, 0.5, twin=True, diverged=2)
    assert is_chaotic(arrives, lost, time)
    assert not is_chaotic(of(1, 0.5, diverged=2), lost, time)
    assert not is_chaotic(of(1, 0.5, 0.5, 0.5), lost, time)


@pytest.mark.parametrize(
    ("other", "unsteady"),
    [
        (of(1, 0.3, 0.20005, twin=True), False),
        (of(1, 0.3, 0.2002, twin=True), True),
        (of(1, 0.9, twin=True), False),  # it was not trained as long
        (of(1, 0.9, twin=True, diverged=2), True),
        (of(1, 0.3, 0.2 + 7e-5, twin=True), False),
        (of(1, 0.3, 0.2 + 9e-5, twin=True), True),  # of a gain of 0.8
    ],
)
def test_a_best_loss_is_unsteady_if_the_twin_has_another(other, unsteady):
    assert is_unsteady(of(1, 0.3, 0.2), other) is unsteady


def test_a_constant_in_the_loss_does_not_hide_an_unsteady_best():
    assert is_unsteady(of(1001, 1000.3), of(1001, 1000.5, twin=True))
    assert not is_unsteady(of(0.001, 0.0005), of(0.001, 0.0005 + 1e-9, twin=True))


def test_two_that_diverge_agree_that_there_is_no_best_loss():
    assert not is_unsteady(of(1, 0.3, diverged=2), of(1, 0.4, twin=True, diverged=3))


@pytest.mark.parametrize(("dtype", "share"), [(np.float64, 2e-15), (np.float32, 1e-6)])
def test_every_weight_is_changed_and_by_enough_to_be_another_number(dtype, share):
    layers = nn.Dense(3, 4, dtype=dtype), nn.Tanh(), nn.Dense(4, 1, dtype=dtype)
    network = nn.Sequential(*layers, seed=0)
    network.parameters.value[:2] = 20.0, -1e6
    before = network.parameters.value.copy()
    perturb(network)
    changed = network.parameters.value - before
    assert network.parameters.value.dtype == dtype
    assert np.all(changed != 0)
    assert np.all(np.abs(changed) <= 1.2 * np.maximum(1e-12, share * np.abs(before)))
    assert np.all(changed[::2] > 0)
    assert np.all(changed[1::2] < 0)


def test_a_twin_is_trained_until_its_run_has_arrived():
    assert [horizon(t, 3, 400) for t in (0, 6, 7, 14, 15, 390)] == [8, 8, 16, 16, 32, 400]
    assert [horizon(math.inf, 3, budget) for budget in (20, 400)] == [20, 32]


# -- the target -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "limit", "rounded"),
    [
        (0.1301, 1.0, 0.14),
        (0.13, 1.0, 0.13),
        (0.1 + 0.2, 1.0, 0.3),
        (0.00987, 1.0, 0.0099),
        (0.0999, 1.0, 0.1),
        (12.31, 99.0, 13.0),
        (-0.1347, 1.0, -0.13),
        (0.0999, 0.1, 0.0999),  # 0.10 is the limit
        (1.0412, 1.05, 1.042),
        (0.0, 1.0, 0.0),
    ],
)
def test_a_target_is_rounded_up_to_two_digits_but_stays_below_every_start(value, limit, rounded):
    assert outward(value, limit) == rounded


def test_the_reference_does_not_come_from_an_unsteady_setting():
    runs = [run("gd", Setting(lr), s, 3, 20) for lr in (0.1, 0.2) for s in range(5)]
    lower = {r.key: r.curves["train_loss"] * (0.5 if r.setting.lr == 0.2 else 1) for r in runs}
    runs = [replace(r, curves={"train_loss": lower[r.key]}) for r in runs]
    goal = Goal("gap", 0.1)
    twins = {r.key: replace(r, twin=True) for r in runs}
    assert resolve(goal, runs, 3, twins).reference == 0.005
    odd = runs[-1]
    twins[odd.key] = replace(odd, curves={"train_loss": lower[odd.key] + 0.01}, twin=True)
    target = resolve(goal, runs, 3, twins)
    assert (target.reference, target.steady) == (0.01, True)
    assert {setting.lr for _, setting, _ in target.source} == {0.1}
    twins |= {r.key: replace(r, curves={"train_loss": lower[r.key] + 0.01}) for r in runs}
    assert not resolve(goal, runs, 3, twins).steady


def test_a_target_that_only_chaotic_training_reaches_is_loosened():
    runs = [Run("nag", Setting(0.1), s, {"train_loss": np.array([1, 0.5, 0.15, 0.05, 0])}, None,
                1, 8, 1, 1.0) for s in range(5)]  # fmt: skip
    later = np.array([1, 0.5, 0.15, 0.15, 0])  # reaches 0.1 an epoch later, and 0.2 as early
    twins = {r.key: replace(r, curves={"train_loss": later}, twin=True) for r in runs}
    assert resolve(Goal("gap", 0.1), runs, 1).tau == 0.1
    loosened = resolve(Goal("gap", 0.1), runs, 1, twins)
    assert (loosened.tau, loosened.reachable) == (0.2, True)


@pytest.mark.parametrize("settle", [settle_by_holm, settle_together])
def test_a_chaotic_pair_does_not_count_in_the_correction_of_others(settle):
    slow, fast = np.array([9.0, 11, 10, 13, 9, 12]), np.array([5.0, 6, 5, 8, 4, 7])
    own = Setting(0.1, 0.9)
    pair = Match(("gd", "nag"), (own, own), None, range(6), 20, (slow, fast), 2 / 64, (3.0, 6.0))
    others = replace(pair, chaotic=True)
    alone, together = settle([pair])[0], settle([others, pair, others])[1]
    assert together == alone
    assert (together.verdict.p, together.corrected_for) == (2 / 64, 1)
    assert settle([others])[0].word == "chaotic"


def flat(lr, *losses, diverged=None):
    """Five runs with this loss, and their twins if the last argument is another curve."""
    made = [Run("nag", Setting(lr), s, {"train_loss": np.array(losses)}, diverged, 1, 8, 1, 1.0)
            for s in range(5)]  # fmt: skip
    return made


def unsteady(runs):
    return {r.key: replace(r, curves={"train_loss": r.curves["train_loss"] * 1.1}, twin=True)
            for r in runs}  # fmt: skip


@pytest.mark.parametrize(
    "rest",
    [flat(8.0, 1.0, diverged=1), flat(0.001, 1.0, 0.96, 0.96)],
    ids=["diverged", "hardly trained"],
)
def test_if_only_useless_settings_are_steady_the_best_loss_is_taken_all_the_same(rest):
    chaotic = flat(0.1, 1.0, 0.1, 0.1)
    target = resolve(Goal("gap", 0.1), [*chaotic, *rest], 1, unsteady(chaotic))
    assert (target.reference, target.value, target.steady) == (0.1, 0.19, False)


def test_rounding_adds_at_most_half_of_the_share_of_the_gap():
    target = resolve(Goal("gap", 0.1), flat(0.1, 1.101, 1.0), 1)
    assert target.value == 1.011  # of 1.0101; 1.1 would be reached at once
    assert resolve(Goal("gap", 0.1), flat(0.1, 0.7, 0.07), 1).value == 0.14


def test_a_setting_at_which_nothing_steady_arrives_counts_as_chaotic_and_not_as_slow():
    pair = comparison({"gd": SLOW, "nag": FAST})  # NAG arrives only at 0.2
    made = with_twin(pair, "nag", 0.2, 9)
    assert (made.chosen["nag"].setting.lr, made.chosen["nag"].chaotic) == (0.2, True)
    assert [duel.word for duel in made.tuned] == ["chaotic"]
    line = next(line for line in str(made).splitlines() if line.startswith("nag - gd"))
    assert line.split() == ["nag", "-", "gd", "-", "-", "chaotic"]


def test_an_optimizer_that_is_chaotic_is_not_called_the_one_that_arrives_most_often():
    made = with_twin(comparison({"gd": [None] * 8, "momentum": [None] * 8, "nag": FAST},
                                tune="none"), "nag", 0.1, 9)  # fmt: skip
    assert "NAG did most often" not in str(made)
    assert "NAG comes closest" not in made.details()


# -- what is chosen, and the verdicts ---------------------------------------------------------


def with_twin(made, name, lr, outcome, seed=0):
    """The comparison with the twin of one run, which arrives in another epoch."""
    own = next(r for r in made.runs if (r.optimizer, r.setting.lr, r.seed) == (name, lr, seed))
    twin = replace(run(name, own.setting, seed, outcome, made.plan.epochs), twin=True)
    return Comparison(made.plan, [*made.all_runs(), twin])


FAST, SLOW = [4, 5, 6, 4, 5, 6, 5, 4], [14, 15, 16, 14, 15, 16, 14, 15]


@pytest.fixture
def pair():
    """NAG is best at 0.2 and nearly as good at 0.1; gd is slower."""
    near = {0.1: 6, 0.2: 5}
    return comparison({"gd": SLOW, "nag": FAST}, tuning={"nag": near})


def test_a_setting_is_not_chosen_if_a_twin_arrives_in_another_epoch(pair):
    assert pair.chosen["nag"].setting.lr == 0.2
    made = with_twin(pair, "nag", 0.2, 9)
    assert made.chaotic == {"gd": frozenset(), "nag": {Setting(0.2, 0.9)}}
    assert made.chosen["nag"].setting.lr == 0.1
    assert not made.chosen["nag"].chaotic
    same = with_twin(pair, "nag", 0.2, 4)
    assert same.chosen == pair.chosen
    assert not same.chaotic["nag"]


def test_no_verdict_rests_on_a_chaotic_rate(pair):
    before = {duel.flag.lr: duel for duel in pair.flags}
    after = {duel.flag.lr: duel for duel in with_twin(pair, "nag", 0.2, 9).flags}
    assert before[0.2].winner == "nag"
    assert (after[0.2].word, after[0.2].winner) == ("chaotic", None)
    assert after[0.2].verdict.declined
    assert "chaotic" in after[0.2].verdict.reason
    assert before[0.2].corrected_for == 1
    assert after[0.2].corrected_for == 1  # at least one; no pair that differs is left


def test_tuned_times_are_never_those_of_a_chaotic_rate(pair):
    made = with_twin(pair, "nag", 0.2, 9)
    tuned = made.tuned_matches[0]
    assert made.tuned[0].winner == "gd"  # at 0.1 NAG arrives only on the tuning seeds
    assert np.isinf(tuned.times[0][len(pair.plan.tuning_seeds) :]).all()


def test_if_every_setting_is_chaotic_there_is_no_verdict_and_the_output_says_so():
    made = with_twin(comparison({"gd": SLOW, "nag": FAST}, tune="none"), "nag", 0.1, 9)
    assert made.chosen["nag"].chaotic
    assert [duel.word for duel in made.tuned] == ["chaotic"]
    assert "Training is chaotic, so no verdict rests on it" in str(made)
    assert "chaotic" in made.details()
    assert "nag faster" not in made.details()


def test_of_three_the_other_two_still_get_their_verdict():
    three = comparison({"gd": SLOW, "momentum": SLOW, "nag": FAST}, tune="none")
    text = " ".join(str(with_twin(three, "momentum", 0.1, 9)).split())
    assert "NAG is faster than gd (15); no verdict on momentum, whose" in text
    assert "becomes chaotic for momentum at 0.1" in text


def test_the_details_mark_chaotic_settings(pair):
    text = with_twin(pair, "nag", 0.2, 9).details()
    sentences = " ".join(text.split())
    line = next(line for line in text.splitlines() if line.startswith("0.2 "))
    assert line.split()[-1] == "chaotic"
    assert "chaotic settings are left out" in sentences


# -- trained ----------------------------------------------------------------------------------

SMALL = {"optimizers": ["gd", "nag"], "epochs": 12, "seeds": 6, "tuning_seeds": 2, "hidden": [8],
         "target": "gap:0.3", "lr": [0.125, 0.5, 64.0]}  # fmt: skip


@pytest.fixture(scope="module")
def trained():
    return compare(lambda s: datasets.load("moons", n=80, split_seed=s), **SMALL)


def test_every_run_that_arrives_has_a_twin_until_it_does(trained):
    assert trained.complete
    assert not trained.twins_wanted()
    assert set(trained.twins) >= {r.key for r in trained.runs if math.isfinite(of_run(trained, r))}
    for key, twin in trained.twins.items():
        at = of_run(trained, trained.table[key])
        assert twin.lasts(horizon(at if math.isfinite(at) else 99, 3, 12))
        assert not np.array_equal(twin.curves["train_loss"][1:], own_curve(trained, key)[1:])
        np.testing.assert_allclose(twin.initial, trained.table[key].initial, rtol=1e-10)


def of_run(made, one):
    return made.target.time(one, 3)


def own_curve(made, key):
    twin = made.twins[key]
    return made.table[key].curves["train_loss"][: len(twin.curves["train_loss"])]


def test_the_chosen_settings_have_whole_twins_with_their_validation_loss(trained):
    for row in trained.rows:
        for seed in trained.plan.seeds:
            twin = trained.twins[row.optimizer, row.setting, seed]
            assert twin.lasts(12)
            assert len(twin.curves["validation_loss"]) == 13


def test_a_file_keeps_the_twins_and_gives_the_same_answer(trained, tmp_path):
    trained.to_json(tmp_path / "a.json")
    again = Study.from_json(tmp_path / "a.json").comparisons[0]
    assert again.chaotic == trained.chaotic
    assert (str(again), again.details()) == (str(trained), trained.details())
    kept = json.loads((tmp_path / "a.json").read_text())["comparisons"][0]["runs"]
    assert sum("twin" in r for r in kept) == len(trained.twins)


def test_an_older_file_without_twins_lacks_none(trained):
    old = Comparison(replace(trained.plan, twins=False), trained.runs)
    assert old.complete
    assert not Comparison(trained.plan, trained.runs).complete


def test_other_targets_and_budgets_use_the_twins_as_far_as_they_go(trained):
    cells = verdicts_by_target(trained, taus=[0.5, 0.3], budgets=[12])
    assert [len(cell.duels) for cell in cells] == [1, 1]


def test_a_rate_at_which_training_amplifies_rounding_is_found():
    # 60 epochs of 24 updates at a rate four times the largest stable one for this network
    made = compare("moons", optimizers={"gd": optim.GradientDescent(4.0)}, tune="none",
                   epochs=60, seeds=6, tuning_seeds=1, target="loss:0.14")  # fmt: skip
    assert made.chaotic["gd"] == {Setting(4.0)}
    assert "becomes chaotic for gd at 4" in " ".join(str(made).split())


def test_a_target_says_when_it_rests_on_chaotic_training(trained):
    shaky = Target(Goal("gap", 0.1), 0.14, 0.7, 0.08, 0.1, True, steady=False)
    vars(trained)["target"] = shaky
    try:
        assert "the goal may be another one on another processor" in " ".join(
            trained.details().split()
        )
    finally:
        del vars(trained)["target"]


def test_validation_numbers_that_the_twins_do_not_confirm_are_printed_as_about(trained):
    def table(made):
        return next(line for line in str(made).splitlines() if line.startswith("nag  "))

    row = next(row for row in trained.rows if row.optimizer == "nag")
    assert "~" not in table(trained)
    moved = []
    for twin in trained.twins.values():
        curves = dict(twin.curves)
        if (twin.optimizer, twin.setting) == ("nag", row.setting) and "validation_loss" in curves:
            curves["validation_loss"] = curves["validation_loss"] + 0.02
        moved.append(replace(twin, curves=curves))
    cells = table(Comparison(trained.plan, [*trained.runs, *moved])).split()
    assert cells[-2].startswith("~")
    loss = np.median([r.curves["validation_loss"][-1] for r in trained.evaluation_runs(
        trained.plan.contestant("nag"), row.setting)])  # fmt: skip
    assert float(cells[-1].removeprefix("~")) == pytest.approx(loss + 0.01, abs=0.006)
