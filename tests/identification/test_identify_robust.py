"""Long steps, hyperparameters that change, code that ends the process: no false answer."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from minidl import identify
from minidl.errors import StepError
from minidl.identification import Response, record
from minidl.identification.compare import Check, Difference, first_difference
from minidl.identification.conform import conform
from minidl.identification.facts import _remembers
from minidl.optim import (
    NAG,
    Adagrad,
    Adam,
    ClipByNorm,
    ClipByValue,
    GradientDescent,
    Lion,
    Momentum,
    NesterovMomentum,
    Optimizer,
    RAdam,
    ReformulatedNAG,
    RMSprop,
    Rprop,
)

Array = np.ndarray
LONG_STEPS = [
    Momentum(10, 0.5), ReformulatedNAG(10, 0.5), NAG(10), Momentum(10, 0.9), GradientDescent(100),
    Adam(100), RMSprop(10, momentum=0.9),
]  # fmt: skip


class Method:
    """Gradient descent, from which the classes below differ."""

    def __init__(self, lr: float = 0.1, momentum: float = 0.9) -> None:
        self.lr, self.momentum, self.v, self.t = lr, momentum, 0.0, 0

    def step(self, w: Array, g: Array) -> Array:
        return w - self.lr * g


class Exits(Method):
    def step(self, w: Array, g: Array) -> Array:
        raise SystemExit(0)


class ExitsAtOnce(Method):
    def __init__(self, lr: float = 0.1) -> None:
        raise SystemExit(0)


class Forgets(Method):
    def step(self, w: Array, g: Array) -> None:  # type: ignore[override]
        w = w - self.lr * g


class SGD(Method):
    def step(self, w: Array, g: Array) -> Array:
        self.v = self.momentum * self.v + self.lr * g
        return w - self.v


class NesterovSGD(SGD):
    """The SGD of the libraries with nesterov=True; its name says NAG."""

    def step(self, w: Array, g: Array) -> Array:
        self.v = self.momentum * self.v + self.lr * g
        return w - self.momentum * self.v - self.lr * g


class AdamW:
    corrects, uses = True, True

    def __init__(
        self, lr: float = 0.001, betas: Any = (0.9, 0.99), weight_decay: float = 0
    ) -> None:
        self.lr, self.betas, self.weight_decay = lr, betas, weight_decay
        self.m = self.v = 0.0
        self.t = 0

    def step(self, w: Array, g: Array) -> Array:
        b1, b2 = self.betas
        self.t += 1
        self.m = b1 * self.m + (1 - b1) * g
        self.v = b2 * self.v + (1 - b2) * g * g
        m, v = self.m / (1 - b1**self.t), self.v / (1 - b2**self.t)
        return w - (self.lr if self.uses else 0.001) * m / (np.sqrt(v) + 1e-8)


class AdamOfAFixedRate(AdamW):
    uses = False


class MyAdam(AdamW):
    def __init__(self, lr: float = 0.001, betas: Any = [0.8, 0.99]) -> None:  # noqa: B006
        super().__init__(lr, betas)


class Lioness(Method):
    def step(self, w: Array, g: Array) -> Array:
        return w - self.lr * np.sign(g)


class SignSGD(Lioness):
    pass


class MyAdagrad(Method):
    pass


class RMS:
    def __init__(self, alpha: float = 0.99, lr: float = 0.01) -> None:
        self.alpha, self.lr, self.s = alpha, lr, 0.0

    def step(self, w: Array, g: Array) -> Array:
        self.s = self.alpha * self.s + (1 - self.alpha) * g * g
        return w - self.lr * g / (np.sqrt(self.s) + 1e-8)


@pytest.mark.parametrize("optimizer", LONG_STEPS, ids=repr)
def test_a_large_learning_rate_is_no_fault(optimizer: Optimizer) -> None:
    found = identify(optimizer)
    assert found.base == type(optimizer).__name__
    assert found.hyperparameters == optimizer.hyperparameters
    assert found.matches


def test_a_response_to_long_steps_is_kept_as_arrays() -> None:
    response = record(NAG(10))
    assert response.waves == 2.0**-7  # the longest step of the first 12 is 71.8
    assert record(NAG(0.1)).waves == 1
    assert identify(Response.from_arrays(response.to_arrays())).matches


@pytest.mark.parametrize("cls", [Exits, ExitsAtOnce])
def test_code_that_ends_the_process_has_failed(cls: type) -> None:
    with pytest.raises(StepError, match=f"{cls.__name__} failed in test_.*it ends the process"):
        identify(cls)
    assert conform(cls).verdict() == "its code failed"


def test_a_forgotten_return_is_told() -> None:
    found = identify(Forgets)
    assert (found.rule, found.hyperparameters) == (None, {})
    assert "Did you forget return, or write w = w - ... instead of w -= ...?" in str(found)
    assert "float32" not in str(found)


def test_the_sign_of_a_sum_is_not_lion_nor_an_error() -> None:
    def signs(w: Array, g: Array, state: dict[str, Any], lr: float = 0.1) -> Array:
        state["sum"] = state.get("sum", 0) + g
        return w - lr * np.sign(state["sum"])

    assert identify(signs).base != "GradientDescent"
    assert not identify(signs).matches
    identify(ClipByNorm(Lion(0.01), 1.0))  # was a ZeroDivisionError


@pytest.mark.parametrize("h", [{"beta1": 0.0}, {"beta2": 0.0}], ids=repr)
def test_lion_with_a_fraction_of_zero_is_lion(h: dict[str, float]) -> None:
    found = identify(Lion(0.01, **h))
    assert found.rule == "Lion"
    assert found.matches
    assert found.hyperparameters == {"lr": 0.01, "beta1": 0.9, "beta2": 0.99} | h


def test_a_momentum_that_changes_is_looked_at_late() -> None:
    found = identify(NAG(0.1, NesterovMomentum()))
    assert (found.rule, found.name) == ("NAG", "NAG (momentum as in step 1000)")
    assert found.hyperparameters["momentum"] == pytest.approx(NesterovMomentum()(1000), rel=1e-6)


@pytest.mark.parametrize("cls", [SGD, AdamW, MyAdam, SignSGD, NesterovSGD])
def test_a_name_that_fits_several_rules_accepts_each(cls: type) -> None:
    report = conform(cls)
    assert report.conforms or (
        cls is SignSGD and report.reason == "(--as NAME expects a certain one)"
    )
    assert conform(Adam(0.01, beta2=0.0)).conforms


def test_nesterov_adam_is_nadam() -> None:
    name = type("NesterovAdam", (AdamW,), {})
    report = conform(name)
    assert (report.expected, report.conforms) == ("NAdam", False)


def test_a_learning_rate_that_is_not_used_is_told() -> None:
    found = identify(AdamOfAFixedRate)
    assert (found.rule, found.matches) == ("Adam", False)
    assert found.difference == "lr is given, but has no effect"


def test_what_is_expected_has_the_hyperparameters_that_were_given() -> None:
    moves = {check.what: check.difference for check in conform(MyAdagrad).answer.checks}
    first = moves["the same gradient every step"]
    assert first is not None
    assert first.expected == pytest.approx(-0.1 / 2**0.5, rel=1e-7)  # of step 2
    assert (first.step, first.received) == (2, pytest.approx(-0.1))
    moves = {check.what: check.difference for check in conform(Lioness, "lion").answer.checks}
    assert {round(abs(d.expected), 12) for d in moves.values() if d} <= {0.0, 0.025, 0.05, 0.1, 0.2}


def test_alpha_is_no_learning_rate_beside_lr() -> None:
    found = identify(RMS)
    assert (found.rule, found.matches) == ("RMSprop", True)
    assert found.hyperparameters == {"lr": 0.01, "rho": 0.99, "epsilon": 1e-8}


AS_GIVEN = [
    (Adagrad(0.1, epsilon=1.0), "Adagrad"),
    (ClipByValue(Momentum(0.1), 0.01), "Momentum with gradients clipped by value"),
    (RAdam(0.01, beta2=0.6), "RAdam"),
    (Adam(0.001, epsilon=0.1), "Adam"),
    (Adam(0.001, epsilon=1.0), "Adam"),
    (ClipByNorm(GradientDescent(0.1), 100.0), "GradientDescent with gradients clipped by norm"),
]  # fmt: skip


@pytest.mark.parametrize(("optimizer", "rule"), AS_GIVEN, ids=repr)
def test_what_was_given_is_tried_first(optimizer: Optimizer, rule: str) -> None:
    found = identify(optimizer)
    assert (found.rule, found.matches) == (rule, True)
    assert "initial" not in found.hyperparameters


def test_the_earliest_step_comes_before_the_main_run() -> None:
    late, early = Difference("main", "late", 5, 1.0, 2.0), Difference("other", "runs", 2, 1.0, 2.0)
    main = Difference("main", "runs", 2, 1.0, 2.0)
    compared = [Check("", False, d) for d in (late, early, main)]
    assert first_difference(compared[:2]) is early
    assert first_difference(compared) is main


def test_a_memory_of_thirty_nine_steps_is_counted_and_one_of_forty_is_long() -> None:
    assert _remembers(39) == "It remembers: after a single gradient it moves for 39 more steps."
    assert _remembers(40) == "It remembers: 40 steps after a single gradient it still moves."


@pytest.mark.parametrize(("lr", "acts"), [(1e-7, 1e-6), (100.0, 50.0)])
def test_rprop_keeps_its_first_step_within_its_bounds(lr: float, acts: float) -> None:
    found = identify(Rprop(lr))
    assert (found.rule, found.matches, found.hyperparameters["lr"]) == ("Rprop", True, acts)
