"""Clipping, decay, restarts and schedules in a comparison, and the rates of each optimizer."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from minidl import Trainer, compare, optim
from minidl.cli.options import QUICK
from minidl.comparison import Study, compare_all
from minidl.comparison.executor import trainer_of
from minidl.comparison.identity import custom_code
from minidl.comparison.replay import replay
from minidl.comparison.report.pitfalls import warnings_of
from minidl.errors import ArgumentError, UnknownNameError
from minidl.optim.named import SCHEDULES, Scaled

SMALL: dict[str, Any] = {"seeds": 6, "tuning_seeds": 2, "epochs": 4, "sustained": 1}
HOW = {"clip_norm": 0.5, "weight_decay": 0.01, "restart": "gradient", "schedule": "cosine"}


def test_runs_of_a_comparison_are_those_of_a_trainer_with_the_same_arguments() -> None:
    result = compare("moons", optimizers=["gd", "nag"], lr=0.3, **SMALL, **HOW)
    made = result.made_with
    assert made is not None
    for name in ("gd", "nag"):
        run = next(run for run in result.runs if run.optimizer == name and run.seed == 1)
        data = made[1].data(1)
        how = HOW if name == "nag" else {**HOW, "restart": None}
        trainer = Trainer(made[1].network(1), "bce", name, lr=0.3, batch_size=32, seed=1, **how)
        history = trainer.fit(
            data.X_train, data.y_train, epochs=4, validation=(data.X_test, data.y_test)
        )
        assert np.allclose(run.curves["train_loss"], history["train_loss"], rtol=1e-10)
    words = "clip norm 0.5, weight decay 0.01, restart gradient, schedule cosine"
    assert words in " ".join(str(result).split())


def test_twins_follow_the_schedule_of_the_whole_run() -> None:
    result = compare("moons", optimizers=["nag"], lr=0.3, **SMALL, schedule="exponential")
    trainer = trainer_of(result.plan, result.made_with, result.runs[0].full_key, "auto")  # type: ignore[arg-type]
    assert trainer.schedule_epochs == 4


def test_the_record_keeps_modifiers_and_can_be_replayed(tmp_path: Path) -> None:
    names = ["momentum", "nag"]
    study = compare_all(["moons"], optimizers=names, lr=0.3, modifiers=HOW, **SMALL)
    (tmp_path / "race.json").write_text(study.to_json())
    again = Study.from_json(tmp_path / "race.json")
    plan = again.comparisons[0].plan
    assert dict(plan.modifiers) == HOW == dict(study.comparisons[0].plan.modifiers)
    assert str(again.comparisons[0]) == str(study.comparisons[0])
    shown = again.comparisons[0].request["optimizers"]["nag"]
    assert shown.startswith("GradientRestart(DecoupledWeightDecay(ClipByNorm(NAG(")
    assert replay(again.comparisons[0])["nag"].weights.shape[0] == 5
    plain = compare_all(["moons"], optimizers=names, lr=0.3, **SMALL)
    assert "modifiers" not in json.dumps(plain.comparisons[0].plan.to_dict())


def test_other_modifiers_are_another_comparison() -> None:
    requests = [
        compare("moons", optimizers=["nag"], lr=0.3, **SMALL, **how).request
        for how in ({}, {"clip_norm": 1.0}, {"clip_norm": 2.0}, {"schedule": "cosine"})
    ]
    assert all(a != b for k, a in enumerate(requests) for b in requests[:k])


def test_custom_code_inside_a_modifier_identifies_it() -> None:
    class Plain(optim.Optimizer):
        lr = optim.learning_rate()

        def __init__(self, lr: float) -> None:
            super().__init__(lr=lr)

        def update(self, w: Any, grad: optim.Gradient) -> None:
            w -= self.lr * grad(w)

    class Other(Plain):
        def update(self, w: Any, grad: optim.Gradient) -> None:
            w -= 2 * self.lr * grad(w)

    Other.__name__ = Other.__qualname__ = "Plain"
    codes = [custom_code(optim.ClipByNorm(cls(0.1), 1.0)) for cls in (Plain, Other)]
    assert codes[0] != codes[1]
    assert all(codes)
    assert not custom_code(optim.ClipByNorm(optim.NAG(0.1), 1.0))


def test_two_forms_of_nag_in_the_same_modifiers_are_no_pair() -> None:
    names = ["nag", "nag-reformulated", "momentum"]
    result = compare("moons", optimizers=names, lr=0.3, **SMALL, clip_norm=1.0)
    pairs = {(b.name, a.name) for b, a in result.plan.pairs}
    assert pairs == {("momentum", "nag"), ("momentum", "nag-reformulated")}


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "nothing to restart": ({"restart": "gradient"}, "needs an optimizer with a velocity"),
    "two clips": ({"clip_norm": 1.0, "clip_value": 1.0}, "two ways to clip"),
    "a schedule": ({"clip_norm": lambda step: 1.0}, "clip_norm must be one number in a comp"),
    "negative": ({"weight_decay": -1.0}, "weight_decay must be a finite number >= 0"),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_modifiers_of_a_comparison_are_errors(case: str) -> None:
    how, message = WRONG[case]
    with pytest.raises(ArgumentError, match=message):
        compare("moons", optimizers=["gd"], lr=0.3, **SMALL, **how)


def test_an_unknown_schedule_of_a_comparison_is_an_error() -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'one-cycle'"):
        compare("moons", optimizers=["gd"], lr=0.3, **SMALL, schedule="onecycl")
    assert SCHEDULES.canonical("OneCycle") == "one-cycle"


def test_default_rates_belong_to_the_optimizer_and_a_given_list_to_all() -> None:
    names, quick = ["adam", "nag", "adadelta"], Scaled((0.25, 0.5))
    result = compare("moons", optimizers=names, lr=quick, **{**SMALL, "epochs": 1})
    plan = result.plan
    rates = {c.name: [s.lr for s in plan.settings(c)] for c in plan.contestants}
    scales = {name: optim.lookup(name).scale for name in names}
    assert rates == {name: [0.25 * s, 0.5 * s] for name, s in scales.items()}
    assert scales["adam"] < scales["nag"] == 1 < scales["adadelta"]
    trainer = trainer_of(plan, result.made_with, next(iter(result.runs)).full_key, "auto")  # type: ignore[arg-type]
    assert trainer.optimizer.hyperparameters["lr"] in rates["adam"]
    given = compare("moons", optimizers=names, lr=[0.25, 0.5], **{**SMALL, "epochs": 1}).plan
    assert all([s.lr for s in given.settings(c)] == [0.25, 0.5] for c in given.contestants)
    assert isinstance(QUICK["lr"], Scaled)


def test_trials_are_scaled_as_rates_are() -> None:
    names = ["adam", "nag"]
    arguments = {"tune": "lr,momentum", "trials": 3, **SMALL, "epochs": 1}
    plan = compare("moons", optimizers=names, **arguments).plan
    adam, nag = (plan.settings(c) for c in plan.contestants)
    ratio = [a.effective / n.effective for a, n in zip(adam, nag, strict=True)]
    assert ratio == pytest.approx([optim.lookup("adam").scale] * 3, rel=1e-4)


# The rates at which 3 seeds needed the fewest epochs to close 90 % of the gap (rprop with the full
# batch), as powers of two: on moons, circles and spirals, 60 epochs, and on digits, 15 epochs.
BEST = {
    "gd": (0, -1, -1, 0), "momentum": (-3, -3, -2, -3), "nag": (-2, -1, -2, -4),
    "adam": (-3, -5, -4, -6), "adamw": (-6, -5, -4, -6), "nadam": (-5, -5, -4, -6),
    "radam": (-2, -1, -3, -2), "amsgrad": (-3, -5, -4, -6), "adamax": (-3, -2, -2, -5),
    "rmsprop": (-6, -5, -5, -7), "rmsprop-centered": (-6, -5, -5, -7),
    "adagrad": (-3, -2, -1, -4), "adadelta": (3, 3, 6, 3), "lion": (-5, -5, -6, -6),
    "rprop": (-2, -4, -2, -4),
}  # fmt: skip


@pytest.mark.parametrize("name", BEST)
def test_the_best_rates_of_four_problems_are_inside_the_default_range(name: str) -> None:
    scale = np.log2(optim.lookup(name).scale)
    quick = np.log2(QUICK["lr"]) + scale  # the smaller of the two grids
    assert all(quick[0] < best < quick[-1] for best in BEST[name])


def test_every_optimizer_has_measured_rates() -> None:
    fixed = {"batch", "stochastic", "sgd"}
    names = {entry.name for entry in optim.TABLE if not entry.fixed} - fixed
    assert names - {"nag-reformulated"} == set(BEST)


def test_only_rules_with_a_velocity_are_gradient_descent_without_momentum() -> None:
    """Within a modifier, the name of the rule is not that of the outer class."""
    how: dict[str, Any] = {"optimizers": ["nag", "rmsprop"], "lr": 0.01, "clip_norm": 1.0}
    result = compare("moons", **SMALL, tune="none", momentum=0.0, **how)
    alike = [words for words in warnings_of(result) if "plain gradient descent" in words]
    assert alike == ["NAG has momentum 0: it is plain gradient descent then."]
