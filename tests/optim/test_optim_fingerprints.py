"""What a rule does with one impulse, two impulses and a constant gradient identifies it."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from optim_checks import (
    KINDS,
    MAKES,
    NOT_LINEAR,
    A,
    M,
    Make,
    check_fingerprint,
    check_lr_is_inside_the_velocity,
    response,
)

from minidl import optim

STORED_AND_ITERATE = {
    "gradient descent": ([1, 0, 0, 0, 0], [1, 0, 0, 0, 0]),
    "momentum": ([1, M, M**2, M**3, M**4], [1, M, M**2, M**3, M**4]),
    "nag": ([1, M, M**2, M**3, M**4], [1, M, M**2, M**3, M**4]),
    "reformulated nag": ([1 + M, M**2, M**3, M**4, M**5], [1, M, M**2, M**3, M**4]),
}


def test_every_rule_has_a_fingerprint_here() -> None:
    assert set(STORED_AND_ITERATE) == set(MAKES)
    tested = {type(make(A, M)) for make in MAKES.values()}
    assert tested | NOT_LINEAR == {entry.optimizer for entry in optim.TABLE}


@pytest.mark.parametrize("name", MAKES)
def test_one_impulse_leaves_the_fingerprint_of_the_rule(name: str) -> None:
    check_fingerprint(MAKES[name], *STORED_AND_ITERATE[name])


@pytest.mark.parametrize("kind", ["momentum", "nag", "reformulated nag"])
def test_a_step_keeps_the_learning_rate_it_was_taken_with(kind: str) -> None:
    check_lr_is_inside_the_velocity(MAKES[kind])


@pytest.mark.parametrize("kind", KINDS)
def test_constant_gradient_gives_the_closed_form(kind: str) -> None:
    KINDS[kind]["constant gradient"](MAKES[kind])


@pytest.mark.parametrize("make", [optim.Momentum, optim.NAG, optim.ReformulatedNAG])
def test_velocity_under_a_constant_gradient_is_a_geometric_sum(make: Make) -> None:
    optimizer = make(A, M)
    w = np.zeros(1)
    for k in range(1, 31):
        optimizer.step(w, lambda point: np.full(1, 0.7))
        assert_allclose(optimizer.state["velocity"], A * 0.7 * (1 - M**k) / (1 - M), rtol=1e-14)


def test_gradient_descent_scales_each_impulse_by_the_rate_of_its_own_step() -> None:
    got, _ = response(optim.GradientDescent(lambda k: 0.4 / (k + 1)), [1.0, 0, 1.0, -2.0])
    assert_allclose(got, [-0.4, 0, -0.4 / 3, 0.2], rtol=1e-15)


@pytest.mark.parametrize("name", MAKES)
def test_momentum_zero_is_gradient_descent_bit_for_bit(name: str) -> None:
    gradients = list(np.random.default_rng(0).standard_normal(20))
    got, _ = response(MAKES[name](A, 0.0), gradients)
    expected, _ = response(optim.GradientDescent(A), gradients)
    assert np.array_equal(got, expected)


@pytest.mark.parametrize("name", MAKES)
def test_every_step_asks_for_the_gradient_once(name: str) -> None:
    optimizer = MAKES[name](A, M)
    response(optimizer, [1.0] * 7)
    assert (optimizer.step_count, optimizer.gradient_evaluations) == (7, 7)
