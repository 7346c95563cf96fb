"""Random search: the same trials for every optimizer, their choice, and the verdicts on them."""

import math
from collections import Counter

import numpy as np
import pytest
from comparison_runs import contestant, plan, searched, without_seconds
from hypothesis import given
from hypothesis import strategies as st

from minidl import datasets, optim
from minidl.comparison import (
    Comparison,
    Goal,
    Plan,
    Setting,
    bootstrap_interval,
    compare,
    compare_all,
    sign_flip,
    target_table,
    tuning_curves,
    verdicts_by_target,
)
from minidl.comparison.executor import Executor
from minidl.comparison.report.tables import warnings_of
from minidl.comparison.search import RANGE, TRIALS, Trial, draw_trials
from minidl.errors import ArgumentError

ENDS = (2.0**-6, 2.0**6)
MOMENTA = (0.0, 0.5, 0.9, 0.95, 0.99)
THREE = (Trial(0.5, 0.0), Trial(1.0, 0.5), Trial(4.0, 0.9))
SMALL = {"epochs": 4, "seeds": 2, "tuning_seeds": 2, "hidden": (4,), "sustained": 1,
         "target": "gap:0.5", "tune": "lr,momentum"}  # fmt: skip


def moons(seed):
    return datasets.load("moons", n=60, split_seed=seed)


# -- the trials ------------------------------------------------------------------------------


@given(st.integers(1, 60), st.lists(st.sampled_from(MOMENTA), min_size=1, max_size=5, unique=True))
def test_each_part_of_the_range_has_a_trial_and_neighbours_have_all_momenta(n, momenta):
    trials = draw_trials(n, ENDS, momenta)
    places = [n * math.log(t.effective / ENDS[0]) / math.log(ENDS[1] / ENDS[0]) for t in trials]
    assert all(k - 1e-3 <= place <= k + 1 + 1e-3 for k, place in enumerate(places))
    k = len(momenta)
    drawn = [trial.momentum for trial in trials]
    for start in range(0, n - k + 1, k):
        assert sorted(drawn[start : start + k]) == sorted(momenta)
    counts = [Counter(drawn)[momentum] for momentum in momenta]
    assert max(counts) - min(counts) <= 1


def test_the_place_within_a_part_and_the_order_of_momenta_are_random():
    trials = draw_trials(60, (1.0, 2.0**60), MOMENTA)
    inside = [math.log2(trial.effective) % 1 for trial in trials]
    assert np.std(inside) == pytest.approx(12**-0.5, abs=0.06)
    orders = {tuple(t.momentum for t in trials[k : k + 5]) for k in range(0, 60, 5)}
    assert len(orders) > 8


def test_the_trials_depend_on_number_range_and_momenta_only():
    np.random.seed(3)  # noqa: NPY002
    first = compare(moons, optimizers=["gd"], trials=4, **SMALL).plan
    second = compare(
        moons, optimizers=["nag", "momentum"], trials=4, **{**SMALL, "seeds": [5], "epochs": 3}
    ).plan
    assert first.trials == second.trials == draw_trials(4, RANGE, MOMENTA)
    assert not first.grows
    assert first.trials != draw_trials(4, (0.01, 1.0), MOMENTA)
    assert (TRIALS, RANGE) == (24, ENDS)


@pytest.mark.parametrize("momentum", MOMENTA)
def test_the_rate_is_the_effective_one_times_one_minus_the_momentum(momentum):
    with_momentum = Trial(3.0, momentum).setting(True)
    assert with_momentum == Setting(pytest.approx(3 * (1 - momentum), rel=1e-5), momentum)
    assert Trial(3.0, momentum).setting(False) == Setting(3.0)
    assert with_momentum.effective == pytest.approx(3.0, rel=1e-5)


def test_every_optimizer_has_the_same_number_of_trials_and_the_same_draws():
    made = plan(["gd", "momentum", "nag"], tune="lr,momentum", trials=draw_trials(9, ENDS, MOMENTA))
    gd, momentum, nag = map(made.settings, made.contestants)
    assert momentum == nag
    assert [s.lr for s in gd] == [trial.effective for trial in made.trials]
    assert [s.momentum for s in nag] == [trial.momentum for trial in made.trials]
    assert len(set(gd)) == len(set(nag)) == 9


def test_the_trials_are_recorded_and_the_range_does_not_grow():
    made = compare(moons, optimizers=["nag"], trials=3, lr=[4, 0.5], **SMALL).plan
    assert (made.rates, made.momenta, made.grows) == ((0.5, 4.0), MOMENTA, False)
    assert Plan.from_dict(made.to_dict()) == made
    assert isinstance(Plan.from_dict(made.to_dict()).trials[0], Trial)


def test_momentum_and_nag_include_gradient_descent_to_the_bit():
    found = compare(moons, trials=5, **SMALL)
    (place,) = [k for k, trial in enumerate(found.plan.trials) if trial.momentum == 0]
    curves = [
        found.table[c.name, found.plan.settings(c)[place], 10_000].curves["train_loss"]
        for c in found.plan.contestants
    ]
    assert np.array_equal(curves[0], curves[1])
    assert np.array_equal(curves[0], curves[2])


# -- flags and evaluation --------------------------------------------------------------------


def test_flags_are_swapped_between_optimizers_that_share_rate_and_momentum():
    made = plan(["gd", "momentum", "nag"], tune="lr,momentum", trials=THREE)
    pairs = [(a.name, b.name, x, y, flag) for a, b, (x, y), flag in made.flag_pairings()]
    shared = [Setting(0.5, 0.5), Setting(0.4, 0.9)]  # without momentum, all are gradient descent
    assert pairs == [("nag", "momentum", flag, flag, flag) for flag in shared]


def test_only_what_the_verdicts_need_is_evaluated():
    made = plan(["gd", "momentum", "nag"], tune="lr,momentum", trials=THREE)
    gd, momentum, nag = made.contestants
    assert made.evaluated(gd, Setting(1.0)) == [Setting(1.0)]
    assert made.evaluated(nag, Setting(0.4, 0.9)) == made.settings(momentum)
    made = plan(["gd", "nag"], tune="lr,momentum", trials=THREE)
    assert made.evaluated(made.contestants[1], Setting(0.4, 0.9)) == [Setting(0.4, 0.9)]


def test_the_planned_number_of_runs_is_that_of_the_finished(monkeypatch):
    kept = []
    monkeypatch.setattr(Executor, "run", lambda e, run=Executor.run: (run(e), kept.append(e)))
    found = compare(moons, trials=5, **SMALL)
    assert kept[0].planned() == len(found.runs) == 3 * 5 * 2 + 2 * 5 * 2 + 2


# -- the choice ------------------------------------------------------------------------------

SEVEN = (*(Trial(2.0**k, m) for k, m in enumerate([0.9, 0.9, 0.5, 0.9, 0.9, 0.5])), Trial(64.0, 0))


def test_the_middle_of_the_good_trials_with_the_momentum_of_the_best_is_chosen():
    found = searched({"nag": [30, 8, 8, 8, 8, 9, 40]}, {"nag": [8] * 6}, SEVEN)
    chosen = found.chosen["nag"]
    # with momentum 0.9, the trials 1, 3 and 4 are as good as the best, which is the smallest
    assert chosen.best == Setting(0.2, 0.9)
    assert chosen.setting == Setting(0.8, 0.9)
    assert chosen.rates == (0.2, 1.6)
    assert (chosen.edge, chosen.trials, chosen.forgiving) == (0, 7, 4 / 7)


@pytest.mark.parametrize(("place", "edge"), [(0, -1), (1, 0), (5, 0), (6, 1)])
def test_the_edge_is_that_of_the_effective_rate_not_of_the_rate(place, edge):
    """The smallest rate is 0.02, of trial 1, and the largest 32, of trial 5."""
    momenta = (0.5, 0.99, 0.5, 0.9, 0.9, 0.0, 0.9)
    trials = [Trial(2.0**k, momentum) for k, momentum in enumerate(momenta)]
    times = [30] * 7
    times[place] = 5
    found = searched({"nag": times, "gd": [9] + [30] * 6}, {"nag": [8] * 6, "gd": [9] * 6}, trials)
    assert found.chosen["nag"].edge == edge
    assert found.chosen["gd"].edge == -1
    text = " ".join(warnings_of(found))
    end = {-1: "smallest", 1: "largest"}.get(edge)
    words = f"NAG did best at {found.chosen['nag'].best}, the {end} lr / (1 - momentum) of its"
    assert (words in text) is bool(end)
    assert "EDGE: gd did best at lr 1, the smallest lr of its trials; a better one may" in text


# -- the verdicts ----------------------------------------------------------------------------


def test_the_chosen_trials_are_judged_on_the_evaluation_seeds_alone():
    fast, slow = [9, 14, 8, 9, 21, 9, 8], [12, 11, 15, 12, 14, 18, 10]
    tuning = {"gd": [3, 30, 40], "nag": [40, 2, 30]}
    found = searched(tuning, {"gd": slow, "nag": fast}, THREE)
    (duel,) = found.tuned
    assert duel.settings == (Setting(0.5, 0.5), Setting(0.5))
    d = np.subtract(fast, slow)
    assert duel.verdict.seeds == 7
    assert duel.verdict.difference == pytest.approx(d.mean())
    assert duel.p_alone == sign_flip(d.tolist())
    assert duel.verdict.interval == pytest.approx(bootstrap_interval(d))


def test_an_interruption_counts_the_evaluation_seeds_alone():
    whole = searched(
        {"gd": [3, 30, 40], "nag": [40, 2, 30]}, {"gd": [9] * 7, "nag": [4] * 7}, THREE
    )
    part = Comparison(whole.plan, [r for r in whole.runs if r.seed not in (5, 6)])
    assert "the verdicts rest on 5 of 7 seeds" in str(part)


def test_the_details_name_the_trials_and_the_procedure():
    tuning = {"gd": [3, 30, 40], "momentum": [9, 9, 5], "nag": [9, 9, 5]}
    outcomes = {"gd": [20] * 8, "momentum": [12] * 8, "nag": [lambda k: 12 - 4 * (k == 2)] * 8}
    text = searched(tuning, outcomes, THREE).details()
    for words in (
        "tuned: 3 random trials, lr / (1 - momentum) from 0.5 to 4, momentum 0, 0.5, 0.9; 2 tuning",
        "Each at its best trial, on the evaluation seeds",
        "Tuned against tuned: trials chosen on the tuning seeds, tested on the evaluation seeds",
        "Swap the flag: one learning rate and momentum, by lr / (1 - momentum); median epochs",
        "NAG is faster at 1 (lr / (1 - momentum) 4) and they are equivalent within 5 % at 1",
    ):
        assert words in " ".join(text.split())
    table = text.split("Swap the flag: ")[1].split("\n\n")[0].splitlines()[2:]
    assert [line.split() for line in table[:2]] == [
        ["lr,", "momentum", "momentum", "nag"],
        ["0.5,", "0.5", "12", "(8/8)", "12", "(8/8)"],
    ]


def test_tuning_runs_say_which_trial_is_best_and_nothing_else():
    outcomes = {"gd": [20 + k % 3 for k in range(8)], "nag": [9 + k % 2 for k in range(8)]}
    one = searched({"gd": [3, 30, 40], "nag": [40, 2, 30]}, outcomes, THREE)
    other = searched({"gd": [9, 10, 12], "nag": [50, 49, None]}, outcomes, THREE)
    assert [duel.verdict for duel in one.tuned] == [duel.verdict for duel in other.tuned]
    assert one.tuned[0].word == "nag faster"


def test_momentum_and_nag_at_a_trial_have_one_flag_and_gradient_descent_has_none():
    tuning = {"gd": [3, 30, 40], "momentum": [9, 9, 5], "nag": [9, 9, 5]}
    outcomes = {"gd": [20] * 8, "momentum": [12] * 8, "nag": [lambda k: 12 - 4 * (k == 2)] * 8}
    found = searched(tuning, outcomes, THREE)
    assert [(d.first, d.second, d.flag) for d in found.flags] == [
        ("nag", "momentum", Setting(0.5, 0.5)),
        ("nag", "momentum", Setting(0.4, 0.9)),
    ]
    assert [d.word for d in found.flags] == ["equivalent within 5 %", "nag faster"]


def test_a_schedule_is_trained_at_the_effective_rate_and_has_no_flag():
    scheduled = contestant("other", momentum=None)
    made = plan(["nag", scheduled], tune="lr,momentum", trials=THREE)
    assert made.settings(scheduled) == [Setting(0.5), Setting(1.0), Setting(4.0)]


def test_other_targets_leave_out_pairs_without_evaluation_runs():
    found = compare(moons, optimizers=["gd", "momentum", "nag"], trials=4,
                    **{**SMALL, "epochs": 12, "seeds": 6})  # fmt: skip
    cells = verdicts_by_target(found, taus=[0.5, 0.1], budgets=[12])
    words = {(d.first, d.second): d.word for d in cells[0].duels}
    assert words == {(d.first, d.second): d.word for d in found.tuned}
    assert all(("nag", "momentum") in {(d.first, d.second) for d in c.duels} for c in cells)
    assert target_table(cells).startswith("Tuned verdicts")


# -- files -----------------------------------------------------------------------------------


def test_a_search_read_back_or_continued_is_the_same_to_the_bit(tmp_path, monkeypatch):
    out = tmp_path / "a.json"
    whole = compare(moons, trials=4, **SMALL)

    class EnoughError(Exception):
        pass

    def stop(self, *rest, tune=Executor.tune):
        tune(self)
        raise EnoughError

    with monkeypatch.context() as patch:
        patch.setattr(Executor, "tune", stop)
        with pytest.raises(EnoughError):
            compare(moons, trials=4, out=out, **SMALL)
    found = compare(moons, trials=4, out=out, **SMALL)
    assert without_seconds(found.to_dict()) == without_seconds(whole.to_dict())
    again = Comparison.from_json(out)
    assert again.details() == found.details()
    for name, curve in tuning_curves(found).items():
        assert np.array_equal(tuning_curves(again)[name], curve)
    assert compare(moons, trials=4, out=out, **SMALL).to_dict() == found.to_dict()


# -- wrong arguments -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"trials": 3, "tune": "lr"}, r"^trials has no effect with tune='lr', got 3.*lr,momentum"),
        ({"trials": 3, "tune": None}, "^trials has no effect with tune='lr', got 3"),
        ({"trials": 3, "tune": None, "lr": 0.1}, "^trials has no effect with tune='none', got 3"),
        ({"trials": 0}, "^trials must be an integer from 1 to 100000, got 0"),
        ({"trials": 2.5}, "^trials must be an integer from 1 to 100000, got 2.5"),
        ({"lr": [0.1]}, r"^lr must be the two ends of .*such as \[0.01, 10\], got \[0.1\]. To"),
        ({"lr": [0.1, 0.2, 0.5]}, r'^lr must be the two ends .*list of learning rates, use tune="'),
        ({"lr": 0.1}, "^lr must be a list .*, got 0.1"),
        ({"lr": [1, 1.00001]}, r"^lr must be two ends that are far enough apart for 24 trials"),
        ({"momentum": 0.9}, "^momentum must be a list .*, got 0.9"),
        ({"momentum": [0.9, 1.0]}, r"^momentum must be in \[0, 1\), got 1.0"),
    ],
)
def test_wrong_arguments_of_a_search(wrong, message):
    with pytest.raises(ArgumentError, match=message):
        compare(moons, optimizers=["nag"], **{**SMALL, **wrong})


def test_batchings_of_gradient_descent_are_compared_on_a_grid_as_ever():
    sizes = {"batching_lr": [0.1, 0.3], "batchings": ["full", 32]}
    study = compare_all([moons], optimizers=["nag"], trials=3, momentum=[0, 0.9], **sizes, **SMALL)
    search, grid = (comparison.plan for comparison in study.comparisons)
    assert (len(search.trials), search.momenta) == (3, (0.0, 0.9))
    assert (grid.tune, grid.rates, grid.momenta, grid.trials) == ("lr", (0.1, 0.3), (), ())


def test_one_trial_is_a_search_without_an_edge_or_a_sentence_about_others():
    found = compare(moons, optimizers=["momentum", "nag"], trials=1, **SMALL)
    assert {c.edge for c in found.chosen.values()} == {0}
    assert "trials" not in str(found).split("\n\n")[1]
    assert found.plan.goal == Goal("gap", 0.5)


def test_a_momentum_that_is_a_schedule_is_refused():
    rules = {"a": optim.Momentum(0.1, momentum=lambda step: 0.9), "b": optim.NAG(0.1)}
    with pytest.raises(ArgumentError, match="momentum must be a number in a random search"):
        compare("moons", optimizers=rules, tune="lr,momentum", seeds=6, tuning_seeds=2, epochs=4)
