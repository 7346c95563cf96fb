"""Every optimizer of minidl is identified, with its hyperparameters."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose

from minidl import identify, optim
from minidl.identification.rules import BASES, FAULTS, FORMS

CLASSES = sorted({entry.optimizer for entry in optim.TABLE}, key=lambda cls: cls.__name__)
RANGES = {  # of log10 x, or of log10(1 - x)
    "lr": (-3.5, -0.5),
    "epsilon": (-9, -5),
    "weight_decay": (-3, -0.5),
    "momentum_decay": (-3, 0),
    "momentum": (-1.7, -0.2),
    "beta1": (-1.7, -0.2),
    "beta2": (-3.3, -0.9),
    "rho": (-2.5, -0.5),
    "shrink": (-0.5, -0.2),
}
ABOVE = ("lr", "epsilon", "weight_decay", "momentum_decay")


def drawn(cls: type[optim.Optimizer], seed: int) -> dict[str, float]:
    """Return random hyperparameters for a class, on a logarithmic scale."""
    rng = np.random.default_rng(seed)
    h = {}
    for name in cls(lr=0.1).hyperparameters:
        if name in RANGES:
            x = float(10 ** rng.uniform(*RANGES[name]))
            h[name] = x if name in ABOVE else 1 - x
    return h


@pytest.mark.unmeasured
@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)
def test_random_hyperparameters_are_read_off_the_steps(
    cls: type[optim.Optimizer], seed: int
) -> None:
    h = drawn(cls, seed)
    found = identify(cls(**h))
    assert found.matches, found
    assert found.base == cls.__name__ or (found.base, cls) == ("Lion", optim.Lion)
    for name, value in h.items():
        assert_allclose(found.hyperparameters[name], value, rtol=1e-6, err_msg=name)
        if name not in ABOVE:
            assert_allclose(1 - found.hyperparameters[name], 1 - value, rtol=1e-5, err_msg=name)


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)
def test_usual_hyperparameters_are_found_exactly(cls: type[optim.Optimizer]) -> None:
    optimizer = cls(lr=0.01)
    found = identify(optimizer)
    given = {n: v for n, v in optimizer.hyperparameters.items() if v or n in found.hyperparameters}
    assert found.hyperparameters == given
    assert found.matches
    assert found.difference is None
    assert found.cls is cls
    assert all(check.passed for check in found.checks)


def test_a_class_is_made_with_its_defaults() -> None:
    assert identify(optim.AdamW).hyperparameters["weight_decay"] == 0.01
    assert identify(optim.Momentum).hyperparameters == {"lr": 0.1, "momentum": 0.9}


@pytest.mark.parametrize("cls", [optim.RMSprop, optim.CenteredRMSprop])
def test_rmsprop_with_momentum_is_still_rmsprop(cls: type[optim.RMSprop]) -> None:
    found = identify(cls(lr=0.02, momentum=0.8))
    assert (found.rule, found.hyperparameters["momentum"]) == (cls.__name__, 0.8)
    assert found.matches


def test_momentum_of_zero_is_gradient_descent() -> None:
    found = identify(optim.ReformulatedNAG(lr=0.1, momentum=0.0))
    assert (found.rule, found.hyperparameters) == ("GradientDescent", {"lr": 0.1})


def test_an_optimizer_is_left_as_it_was() -> None:
    optimizer = optim.Momentum(lr=lambda step: 0.1 / (1 + step))
    w = np.ones(3)
    optimizer.step(w, lambda point: point)
    velocity = optimizer.state["velocity"].copy()
    found = identify(optimizer)
    assert found.hyperparameters == {"lr": 0.1, "momentum": 0.9}  # a schedule's first value
    assert optimizer.step_count == 1
    assert optimizer.state["velocity"].tolist() == velocity.tolist()


def test_the_rule_says_where_else_it_is_and_how_well_it_agrees() -> None:
    assert str(identify(optim.ReformulatedNAG(lr=0.1))).splitlines()[:4] == [
        "ReformulatedNAG: NAG, stored at the look-ahead point",
        "  lr=0.1, momentum=0.9",
        "  The same as torch.optim.SGD and keras.optimizers.SGD with nesterov=True,",
        "  optax.sgd(nesterov=True).",
    ]
    assert "All weights of all runs agree to 1e-1" in str(identify(optim.Adam()))
    assert repr(identify(optim.NAG(lr=0.1))) == (
        "Identification('NAG', lr=0.1, momentum=0.9, matches=True)"
    )


def test_every_class_of_the_optimizer_table_has_a_reference_rule() -> None:
    assert {rule.base for rule in BASES} | {"AdamW"} == {cls.__name__ for cls in CLASSES}


def test_no_two_rules_have_one_title_unless_they_are_one_rule() -> None:
    titles = [(rule.title, rule.base) for rule in (*BASES, *FORMS, *FAULTS)]
    twice = {title for title, base in titles if titles.count((title, base)) > 1}
    assert twice <= {
        "RMSprop",  # with momentum and without
        "CenteredRMSprop",  # also with a variance, or a difference of averages
        "CenteredRMSprop, with the learning rate outside the velocity",
        "RMSprop with epsilon inside the root",
        "CenteredRMSprop with epsilon inside the root",
        "Momentum whose velocity is a moving average",  # the rate in the velocity or outside
        "Momentum whose velocity is a moving average with bias correction",
    }
