"""Planted faults are called by their names, and other rules are no rule."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minidl import identify

Array = np.ndarray
State = dict[str, Any]
Step = Callable[[Array, Any, State, float], Array]


def adam(
    *,
    first: int | None = 0,
    second: int | None = 0,
    of: Callable[[Array, Array], Array] = lambda g, m: g * g,
    below: Callable[[Array], Array] = lambda v: np.sqrt(v) + 1e-6,
    decay: str = "",
    swapped: bool = False,
    peak: str = "",
) -> Step:
    """Return Adam with beta1 = 0.8 and beta2 = 0.95, or what the keywords make of it."""

    def step(w: Array, g: Any, state: State, lr: float = 0.02) -> Array:
        b1, b2 = (0.95, 0.8) if swapped else (0.8, 0.95)
        t = state["t"] = state.get("t", 0) + 1
        if decay == "gradient":
            g = g + 0.1 * w
        m = state["m"] = b1 * state.get("m", 0) + (1 - b1) * g
        v = state["v"] = b2 * state.get("v", 0) + (1 - b2) * of(g, m)
        if peak == "uncorrected":
            v = state["peak"] = np.maximum(state.get("peak", 0), v)
        m = m if first is None else m / (1 - b1 ** (t + first))
        v = v if second is None else v / (1 - b2 ** (t + second))
        if peak == "corrected":
            v = state["peak"] = np.maximum(state.get("peak", 0), v)
        w = {"before": w - lr * 0.1 * w, "no rate": w - 0.1 * w}.get(decay, w)
        w = w - lr * m / below(v)
        return w - lr * 0.1 * w if decay == "after" else w

    return step


def momentum(
    *,
    old: float = 0.9,
    new: float = 1.0,
    move: Callable[[Array, Array], Array] = lambda v, g: v,
    sign: int = 1,
    every: str = "",
    sums: str = "",
    look: float = 0.0,
) -> Step:
    """Return momentum 0.9, or what the keywords make of it."""

    def step(w: Array, g: Any, state: State, lr: float = 0.1) -> Array:
        t = state["t"] = state.get("t", 0) + 1
        v = state.get("v", np.zeros_like(w))
        g = g(w - look * v) if look else np.asarray(g)
        if sums:
            total = state["sum"] = state.get("sum", 0) + g
            g = total if sums == "sum" else total / t
        if every:
            state["g"] = state.get("g", 0) + g
            if t % 2:
                return w
            g = {"last": g, "mean": state["g"] / 2, "sum": state["g"]}[every]
            state["g"] = 0
        v = state["v"] = old * v + new * lr * g
        return w - sign * move(v, lr * g)

    return step


def clipped(how: str) -> Step:
    """Return gradient descent with clipped gradients."""

    def step(w: Array, g: Any, state: State, lr: float = 0.1) -> Array:
        if how == "norm":
            return w - lr * g * min(1, 1.5 / max(np.linalg.norm(g), 1e-300))
        return w - lr * np.clip(g, -0.7, 0.7)

    return step


FAULTS: dict[str, Step] = {
    "Adam without bias correction": adam(first=None, second=None),
    "Adam without bias correction of the first moment": adam(first=None),
    "Adam without bias correction of the second moment": adam(second=None),
    "Adam whose bias correction is one step ahead": adam(first=1, second=1),
    "Adam with epsilon inside the root": adam(below=lambda v: np.sqrt(v + 1e-6)),
    "Adam without epsilon": adam(below=np.sqrt),
    "Adam without the root of the second moment": adam(below=lambda v: v + 1e-6),
    "Adam whose second moment is of m instead of g": adam(of=lambda g, m: m * m),
    "Adam whose second moment is of |g| instead of g^2": adam(of=lambda g, m: np.abs(g)),
    "Adam whose second moment is of g - m": adam(of=lambda g, m: (g - m) ** 2),
    "Adam whose second moment is shared by all weights": adam(of=lambda g, m: np.mean(g * g)),
    "AdamW whose decay comes after the step": adam(decay="after"),
    "Nesterov, but momentum is applied twice": momentum(move=lambda v, g: 0.81 * v + 1.9 * g),
    "NAG whose step lacks the gradient": momentum(move=lambda v, g: 0.9 * v),
    "NAG whose step lacks the factor momentum": momentum(move=lambda v, g: v + g),
    "NAG that looks back": momentum(look=-0.9),
    "NAG that looks too far": momentum(look=1.0),
    "Momentum whose velocity is a moving average": momentum(new=0.1),
    "Momentum whose old velocity has the wrong sign": momentum(old=-0.9),
    "Momentum that goes uphill": momentum(sign=-1),
    "GradientDescent that goes uphill": momentum(old=0, sign=-1),
    "Momentum that moves only in every second call": momentum(every="last"),
    "Momentum that moves only in every second call, with the sum of the gradients": momentum(
        every="sum"
    ),
    "Momentum that moves only in every second call, with the mean of the gradients": momentum(
        every="mean"
    ),
    "Momentum with gradients that are added up and never set back to 0": momentum(sums="sum"),
    "Momentum with the mean of all gradients so far": momentum(sums="mean"),
}
FORMS: dict[str, Step] = {
    "Adam": adam(),
    "AMSGrad": adam(peak="uncorrected"),
    "AMSGrad, the maximum of corrected averages": adam(peak="corrected"),
    "AdamW": adam(decay="before"),
    "AdamW whose decay is not multiplied by the learning rate": adam(decay="no rate"),
    "Adam with weight decay in the gradient": adam(decay="gradient"),
    "NAG": momentum(look=0.9),
    "NAG, stored at the look-ahead point": momentum(move=lambda v, g: 0.9 * v + g),
    "GradientDescent with gradients clipped by value": clipped("value"),
    "GradientDescent with gradients clipped by norm": clipped("norm"),
}


@pytest.mark.parametrize("title", FAULTS)
def test_a_planted_fault_is_called_by_its_name(title: str) -> None:
    found = identify(FAULTS[title])
    assert found.rule == title
    assert not found.matches
    assert found.difference == title
    assert found.first is not None
    assert not all(check.passed for check in found.checks)
    expected = {"lr": 0.02, "beta1": 0.8, "beta2": 0.95, "epsilon": 1e-6, "weight_decay": 0.1}
    expected = {"lr": 0.1, "momentum": 0.9} if "Adam" not in title else expected
    assert found.hyperparameters == {
        name: pytest.approx(expected[name], rel=1e-6) for name in found.hyperparameters
    }


@pytest.mark.parametrize("title", FORMS)
def test_a_form_that_others_use_matches(title: str) -> None:
    found = identify(FORMS[title])
    assert found.rule == title
    assert found.matches
    assert found.difference is None


def test_hyperparameters_that_act_otherwise_than_given_are_told() -> None:
    def half(w: Array, g: Array, state: State, lr: float = 0.1, momentum: float = 0.9) -> Array:
        state["v"] = momentum * state.get("v", 0) + 0.5 * lr * g
        return w - state["v"]

    def twice(w: Array, g: Array, state: State, lr: float = 0.1, momentum: float = 0.9) -> Array:
        state["v"] = momentum**2 * state.get("v", 0) + lr * g
        return w - state["v"]

    def unused(w: Array, g: Array, state: State, lr: float = 0.1, momentum: float = 0.9) -> Array:
        return w - lr * g

    def exchanged(lr: float = 0.02, beta1: float = 0.8, beta2: float = 0.95) -> Step:
        return adam(swapped=True)

    found = identify(half)
    assert (found.rule, found.matches) == ("Momentum", False)
    assert found.difference == "lr is 0.1, but acts as 0.05, half of it"
    assert identify(twice).difference == (
        "momentum is 0.9, but acts as 0.81, its square: it is applied twice"
    )
    assert identify(unused).difference == "momentum is 0.9, but has no effect"
    assert identify(exchanged).difference == "beta1 and beta2 are exchanged"
    assert "beta1 and beta2 are exchanged." in str(identify(exchanged))


def test_what_makes_no_rule_at_all_is_told() -> None:
    rng = np.random.default_rng(0)

    def noisy(w: Array, g: Array, state: State, lr: float = 0.1) -> Array:
        return w - lr * g * (1 + 1e-3 * rng.standard_normal(w.shape))

    def from_zero(w: Array, g: Array, state: State, lr: float = 0.1) -> Array:
        t = state["t"] = state.get("t", -1) + 1
        state["m"] = 0.9 * state.get("m", 0) + 0.1 * g
        return w - lr * state["m"] / (1 - np.float64(0.9) ** t)

    def keeps(w: Array, grad: Any, state: State, lr: float = 0.1) -> Array:
        g = grad(w)
        last = state.get("last", 0 * g)
        state["last"] = g
        return w - lr * (g + last)

    def changes(w: Array, grad: Any, state: State, lr: float = 0.1) -> Array:
        g = grad(w)
        g *= lr
        return w - g

    def divides(w: Array, g: Array, state: State, lr: float = 0.1) -> Array:
        return w - lr * g / np.abs(g)

    def still(w: Array, g: Array, state: State) -> Array:
        return w

    assert "It is not deterministic" in str(identify(noisy))
    assert identify(noisy).rule is None
    found = str(identify(from_zero))
    assert "NaN or infinite from step 1 on" in found
    assert "t must be 1 in the first step" in found
    assert "keeps the array of the gradient instead of a copy" in str(identify(keeps))
    found_changes = identify(changes)
    assert found_changes.rule == "GradientDescent"
    assert found_changes.difference == "it changes the array of the gradient"
    assert identify(divides).rule == "sign descent that divides by |g|"
    assert "The weights do not move." in str(identify(still))


def test_what_is_known_of_an_unknown_rule_is_true() -> None:
    def shared(w: Array, g: Array, state: State, lr: float = 0.1) -> Array:
        return w - lr * (g - 0.3 * g.mean())

    def cubic(w: Array, g: Array, state: State, lr: float = 0.1) -> Array:
        last = state.get("last", 0)
        state["last"] = np.cbrt(g)
        return 0.99 * w - lr * (np.cbrt(g) + last)

    found = identify(shared)
    assert found.rule is None
    assert found.facts.family == "linear"
    assert found.facts.shared
    assert "depends on the gradients of other weights" in str(found)
    found = identify(cubic)
    assert found.rule is None
    assert found.facts.family == ""
    assert (found.facts.decay, found.facts.shared) == ("no rate", False)
    assert "decays, whatever the learning rate" in str(found)


numbers = st.floats(0.05, 0.95).map(lambda x: round(x, 3))


@pytest.mark.unmeasured
@settings(max_examples=12, deadline=None, derandomize=True)
@given(numbers, numbers, numbers, numbers)
def test_a_random_linear_rule_is_never_taken_for_another(
    one: float, other: float, share: float, direct: float
) -> None:
    """Two velocities and the gradient: a known rule only if one of the velocities is idle."""

    def rule(w: Array, g: Array, state: State, lr: float = 0.1) -> Array:
        state["a"] = one * state.get("a", 0) + g
        state["b"] = other * state.get("b", 0) + g
        return w - lr * (share * state["a"] + (1 - share) * state["b"] + direct * g)

    found = identify(rule)
    if abs(one - other) > 0.01:
        assert found.rule is None
        assert found.error > 1e-9
    assert not found.matches
    assert found.facts.family == "linear"


def test_a_small_change_of_a_known_rule_is_no_rule() -> None:
    for change in (1e-7, 1e-4, 1e-2):

        def nearly(
            w: Array, g: Array, state: State, lr: float = 0.1, change: float = change
        ) -> Array:
            v = state["v"] = 0.9 * state.get("v", 0) + lr * g
            return w - v - change * lr * g * v

        found = identify(nearly)
        assert found.rule is None
        assert found.nearest.startswith("Momentum") or change > 1e-3
        assert found.error > 1e-9
