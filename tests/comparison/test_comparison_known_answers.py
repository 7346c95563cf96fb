"""Whole comparisons whose right answer theory gives: the tool must find it, and say it."""

import numpy as np
import pytest
from known_problems import hit, lessard, quadratic, tuned

from minidl import datasets, optim
from minidl.comparison import Setting, compare

pytestmark = pytest.mark.unmeasured  # hundreds of epochs of the same steps

TEN = {"batch_size": "full", "seeds": 10, "tuning_seeds": 2}


def verdict_of(duels, first, second):
    return next(d for d in duels if (d.first, d.second) == (first, second))


def test_tuned_by_theory_momentum_beats_nag_at_kappa_100():
    eigenvalues = np.linspace(0.01, 1.0, 5)
    problem, theory = quadratic(eigenvalues), tuned(1.0, 0.01)
    names = {"heavy ball": optim.Momentum, "nag": optim.NAG}
    rules = {name: rule(theory[name].lr, theory[name].momentum) for name, rule in names.items()}
    rules["gd"] = optim.GradientDescent(theory["gradient descent"].lr)
    found = compare(problem.data, problem.model, optimizers=rules, loss=problem.loss,
                    tune="none", target="loss:1e-8", epochs=500, **TEN)  # fmt: skip
    assert verdict_of(found.tuned, "nag", "heavy ball").word == "heavy ball faster"
    assert verdict_of(found.tuned, "gd", "nag").word == "nag faster"
    for run in found.runs:  # every time is the one that theory gives
        name = {"gd": "gradient descent"}.get(run.optimizer, run.optimizer)
        curve = theory[name].losses(eigenvalues, problem.start(run.seed), 500)
        assert found.target.time(run, 3) == hit(curve, 1e-8)
    assert "Use heavy ball here" in found.details()


def test_at_x_of_one_half_and_momentum_of_nine_tenths_nag_beats_momentum():
    problem = quadratic([0.5])
    found = compare(problem.data, problem.model, optimizers=["momentum", "nag"],
                    loss=problem.loss, lr=1.0, momentum=0.9, target="loss:1e-7", epochs=400,
                    **TEN)  # fmt: skip
    assert [d.word for d in found.flags] == ["nag faster"]
    nag, momentum = found.table["nag", Setting(1.0, 0.9), 0], found.rows[0]
    assert found.target.time(nag, 3) < momentum.median / 4


def test_where_curvature_is_one_the_verdicts_contradict_each_other_as_theory_says():
    # at a small rate momentum is faster, sqrt(0.9) against 1 - lr; at lr = 1 gradient descent is
    # there after a single step
    problem = quadratic([1.0])
    found = compare(problem.data, problem.model, optimizers=["gd", "momentum"],
                    loss=problem.loss, momentum=0.9, target="loss:1e-7", epochs=400,
                    lr=[2.0**k for k in range(-9, 2)], **TEN)  # fmt: skip
    assert found.chosen["gd"].setting == Setting(1.0)
    assert found.rows[0].median == 1
    assert found.tuned[0].word == "gd faster"
    winners = {d.flag.lr: d.winner for d in found.flags}
    assert winners[2.0**-9] == winners[2.0**-5] == winners[2.0] == "momentum"
    assert winners[2.0**-4] == winners[0.5] == winners[1.0] == "gd"
    text = found.details()
    words = "The two contradict each other at lr 0.00195 to 0.0312 and 2: there momentum is"
    assert words in " ".join(text.split())


def test_on_lessards_function_tuned_heavy_ball_never_arrives_and_nag_does():
    problem = lessard()
    rules = {"heavy ball": optim.Momentum(1 / 9, 4 / 9), "nag": optim.NAG(1 / 25, 2 / 3)}
    found = compare(problem.data, problem.model, optimizers=rules, loss=problem.loss,
                    tune="none", target="loss:1e-6", epochs=300, **TEN)  # fmt: skip
    heavy, nag = found.rows
    assert (heavy.reached, nag.reached) == (0, 10)
    assert heavy.median == heavy.running_time == np.inf
    assert found.tuned[0].word == "nag faster"
    assert ">300" in str(found)


@pytest.mark.parametrize("rule", [optim.GradientDescent, optim.Momentum, optim.NAG])
def test_one_optimizer_under_two_names_is_never_called_faster(rule):
    twins = {"one": rule(0.1), "other": rule(0.1)}
    found = compare(lambda seed: datasets.load("moons", n=60, split_seed=seed), optimizers=twins,
                    lr=[0.1, 0.3], epochs=10, hidden=[4], target="gap:0.5",
                    seeds=10, tuning_seeds=2)  # fmt: skip
    words = {d.word for d in (*found.tuned, *found.flags)}
    assert words <= {"equivalent within 5 %", "no difference shown"}
    assert found.tuned[0].verdict.difference == 0
