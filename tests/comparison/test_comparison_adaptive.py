"""Adaptive rules in a comparison: each has the momentum of its own default, or the one given."""

from typing import Any

import numpy as np
import pytest

from minidl import optim
from minidl.comparison import compare
from minidl.comparison.report.pitfalls import warnings_of
from minidl.optim import OPTIMIZERS, lookup, register

SMALL: dict[str, Any] = {"epochs": 4, "seeds": 2, "tuning_seeds": 2, "hidden": (4,), "sustained": 1}


def own(found: Any) -> dict[str, float | None]:
    """Return the momentum of each contestant."""
    return {c.name: c.own.momentum for c in found.plan.contestants}


def test_a_momentum_that_is_not_given_is_the_default_of_each_rule():
    names = ["adam", "rmsprop", "nag", "lion"]
    found = compare("moons", optimizers=names, tune="none", lr=0.01, **SMALL)
    assert own(found) == {"adam": None, "rmsprop": 0.0, "nag": 0.9, "lion": None}
    assert not any("plain gradient descent" in warning for warning in warnings_of(found))
    request = found.request["optimizers"]
    assert request["rmsprop"] == repr(optim.RMSprop(0.01))
    assert request["nag"] == repr(optim.NAG(0.01, 0.9))


def test_a_momentum_that_is_given_is_that_of_every_rule_that_has_one():
    found = compare(
        "moons", optimizers=["adam", "rmsprop", "nag"], tune="none", lr=0.01, momentum=0.5, **SMALL
    )
    assert own(found) == {"adam": None, "rmsprop": 0.5, "nag": 0.5}


def test_momentum_is_drawn_for_rmsprop_as_for_the_others():
    found = compare(
        "moons", optimizers=["adam", "rmsprop", "nag"], tune="lr,momentum", trials=5, **SMALL
    )
    plan = found.plan
    settings = {c.name: plan.settings(c) for c in plan.contestants}
    momenta = [s.momentum for s in settings["nag"]]
    assert [s.momentum for s in settings["rmsprop"]] == momenta
    assert {s.momentum for s in settings["adam"]} == {None}
    drawn = [s.effective for s in settings["nag"]]
    for name in ("rmsprop", "adam"):  # in its own range
        effective = [s.effective for s in settings[name]]
        scaled = np.multiply(drawn, optim.lookup(name).scale)
        np.testing.assert_allclose(effective, scaled, rtol=1e-5)


def test_next_command_names_a_momentum_that_is_not_the_default_of_the_rule():
    assert lookup("rmsprop").default_momentum == 0.0
    assert lookup("nag").default_momentum == 0.9
    assert lookup("adam").default_momentum is None


@pytest.mark.parametrize(("default", "expected"), [("", 0.9), (" = 0.3", 0.3)])
def test_a_custom_rule_has_the_momentum_of_its_own_default(default, expected):
    scope: dict[str, Any] = {"optim": optim}
    code = f"""
class Mine(optim.Momentum):
    def __init__(self, lr, momentum{default}):
        super().__init__(lr, momentum)
"""
    exec(code, scope)
    register("mine", scope["Mine"])
    try:
        assert lookup("mine").make(0.1).momentum == expected
        assert lookup("mine").make(0.1, 0.7).momentum == 0.7
    finally:
        OPTIMIZERS.remove("mine")
