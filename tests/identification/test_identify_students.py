"""A class of students: right optimizers in any form are recognised, faults are told by name."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import students as s

from minidl import identify, optim
from minidl.errors import ArgumentError, StepError
from minidl.identification import Response, record
from minidl.identification.conform import conform

Array = np.ndarray
ADAM = {"lr": 0.001, "beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8}
RIGHT: dict[Any, tuple[str, dict[str, float]]] = {
    s.Descent: ("GradientDescent", {"lr": 0.1}),
    s.ListMomentum: ("Momentum", {"lr": 0.1, "momentum": 0.9}),
    s.ListDescent: ("GradientDescent", {"lr": 0.1}),
    s.DictAdagrad: ("Adagrad", {"lr": 0.01, "epsilon": 1e-7}),
    s.TorchStyleSGD: (
        "Momentum, with the learning rate outside the velocity", {"lr": 0.1, "momentum": 0.9}
    ),
    s.course_momentum: ("Momentum", {"lr": 0.01, "momentum": 0.9}),
    s.cs231n_adam: ("Adam", ADAM),
    s.DecayRMSprop: ("RMSprop", {"lr": 0.001, "rho": 0.9, "epsilon": 1e-8}),
    s.DifferenceCenteredRMSprop: (
        "CenteredRMSprop", {"lr": 0.001, "rho": 0.9, "epsilon": 1e-8}
    ),
    s.Adam: ("Adam", ADAM),
    s.RuderNAdam: (
        "NAdam with constant momentum, both parts corrected for the same step", ADAM
    ),
    s.RootOfTAdam: ("Adam with a learning rate that is divided by the root of t", ADAM),
    s.DividesItsRate: (
        "GradientDescent with a learning rate that is divided by 1 + lr_decay t",
        {"lr": 0.1, "lr_decay": 0.2},
    ),
    s.ShrinksItsRate: (
        "GradientDescent with a learning rate that is multiplied by lr_factor in each step",
        {"lr": 0.1, "lr_factor": 0.95},
    ),
}  # fmt: skip
WRONG = {
    s.KeepsCorrectedAdam: "Adam that goes on with the corrected moments",
    s.NoPowerAdam: "Adam whose bias correction lacks the power t",
    s.TwiceMomentum: "Momentum whose learning rate is applied twice",
    s.TwiceNesterov: "NAG, stored at the look-ahead point, whose learning rate is applied twice",
    s.CorrectedMomentum: "Momentum whose velocity is a moving average with bias correction",
    s.LateMomentum: "Momentum that steps before it updates the velocity",
    s.FromAheadNesterov: "NAG that steps from the look-ahead point",
    s.AddingNesterov: "NAG whose step adds the old velocity instead of subtracting it",
    s.RootlessRMSprop: "RMSprop without the root",
    s.SummingRMSprop: "RMSprop whose average lacks the factor 1 - rho",
    s.LateRMSprop: "RMSprop that divides before it updates the average",
    s.RootlessAdagrad: "Adagrad without the root",
    s.ReturnsTheStep: "GradientDescent that returns the step instead of the new weights",
    s.ClipsTheStep: "GradientDescent whose steps are clipped instead of the gradients",
    s.Lion: "beta1 is 0.9, but acts as 0.891, beta1 * beta2",
    s.ReadsItsRateOnce: "lr is read at the start only: a later change has no effect",
    s.ForgetsItsVelocity: "momentum is 0.9, but has no effect",
}


@pytest.mark.parametrize("optimizer", RIGHT, ids=lambda x: x.__name__)
def test_a_right_one_is_recognised_with_its_hyperparameters(optimizer: Any) -> None:
    report = conform(optimizer)
    assert report.answer is not None
    rule, hyperparameters = RIGHT[optimizer]
    assert report.answer.rule == rule
    assert report.answer.hyperparameters == hyperparameters
    assert report.conforms


@pytest.mark.unmeasured
@pytest.mark.parametrize("optimizer", WRONG, ids=lambda x: x.__name__)
def test_a_wrong_one_is_told_by_its_difference(optimizer: Any) -> None:
    found = identify(optimizer)
    assert (found.difference, found.matches) == (WRONG[optimizer], False)
    assert WRONG[optimizer] in str(found).replace("\n  ", " ")
    assert not conform(optimizer).conforms


GIVEN = [
    (optim.DecoupledWeightDecay(optim.ReformulatedNAG(0.1), 0.01),
     "NAG, stored at the look-ahead point, with decoupled weight decay of the iterate"),
    (optim.CenteredRMSprop(rho=0.5), "CenteredRMSprop"),
    (optim.ClipByNorm(optim.Lion(0.01), 1.0), "Lion with gradients clipped by norm"),
]  # fmt: skip


@pytest.mark.parametrize(("optimizer", "rule"), GIVEN, ids=repr)
def test_a_modifier_of_minidl_is_named(optimizer: optim.Optimizer, rule: str) -> None:
    found = identify(optimizer)
    assert (found.rule, found.matches) == (rule, True)


def test_arguments_in_another_order_and_a_step_number_are_told() -> None:
    with pytest.raises(ArgumentError, match=r"got .*\(grad, w\).*Write step\(w, grad\)"):
        identify(type("Swapped", (), {"step": lambda self, grad, w: w - 0.1 * grad}))
    with pytest.raises(ArgumentError, match=r"does not pass t: got .*\(w, g, t\)"):
        identify(type("Counted", (), {"step": lambda self, w, g, t: w - 0.1 * g / t}))
    with pytest.raises(ArgumentError, match="this step cannot be called"):
        identify(type("Alone", (), {"step": lambda self, grad: grad}))


def test_weights_that_are_no_floats_are_told_with_their_dtype() -> None:
    with pytest.raises(StepError, match="dtype int64, expected the new weights, floats of shape"):
        identify(lambda w, g: (w - g).astype(int))


def test_state_in_float32_is_suspected_only_if_the_difference_is_small() -> None:
    hint = "Rounding in float32 may differ so little"
    found = identify(s.Float32Adam)
    assert (found.rule, found.nearest) == (None, "Adam")
    assert hint in str(found)
    assert hint in " ".join(str(conform(s.Float32Adam)).split())
    assert hint not in str(identify(lambda w, g: w - 0.1 * np.cbrt(g)))
    assert hint not in str(identify(lambda w, g: w))  # does not move


def test_what_does_not_depend_on_gradients_is_no_rule() -> None:
    found = identify(s.DecaysOnly)
    assert found.rule is None
    assert "It takes the same steps whatever the gradients are." in str(found)
    assert "whatever the gradients" not in str(identify(lambda w, g: w))  # it does not move


def test_a_schedule_that_is_not_known_is_suspected() -> None:
    hint = "The same gradient gives other steps later"
    assert hint in str(identify(s.HalvesItsRate))
    assert identify(s.ShrinksItsRate).facts.changes_in_time
    for optimizer in (optim.Adagrad(), optim.Momentum(0.1), s.Descent, optim.RMSprop()):
        assert not identify(optimizer).facts.changes_in_time


def test_the_names_of_parameters_are_those_of_pytorch_in_an_error() -> None:
    def factory(params: Any, lr: float = 0.1) -> Any:
        return type("Wrong", (), {"step": lambda self: params[0].value})()

    with pytest.raises(StepError, match="'Parameter' object has no attribute 'value'"):
        identify(factory)
    with pytest.raises(ArgumentError, match=r"Stepless has no method step\(\)"):
        identify(type("Stepless", (), {"__init__": lambda self, params, lr=0.1: None}))


def test_a_rate_that_hardly_matters_for_large_gradients_is_not_unused() -> None:
    assert "same steps with half of it" not in str(identify(s.ClipsTheStep))
    assert not identify(s.ClipsTheStep).facts.ignores_rate


def test_a_response_keeps_whether_the_rate_is_read_once() -> None:
    response = record(s.ReadsItsRateOnce)
    assert response.ignores_change
    assert Response.from_arrays(response.to_arrays()).ignores_change
    assert not record(s.Descent).ignores_change


def test_a_rule_that_makes_progress_says_which_runs_are_done() -> None:
    said: list[tuple[int, int]] = []
    record(s.Descent, lambda done, of: said.append((done, of)))
    assert said == [(done, 10) for done in range(1, 10)]
