"""NAG at the look-ahead point and NAG storing it are one method, whatever the schedules."""

from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose
from optim_checks import (
    MAKES,
    STEEP,
    A,
    M,
    at,
    check_polyak,
    check_textbook_nag,
    check_textbook_nag_under_schedules,
    decaying,
    rising,
    trajectory,
)
from optim_problems import network

from minidl import optim

NET, NET_START = network()
PROBLEMS = {"quadratic": (STEEP.gradient, np.ones(6)), "network": (NET.gradient, NET_START)}
STEPS = {"sutskever": 600}  # far enough for every schedule to change, Sutskever's at 250 and 500

RATES: dict[str, Any] = {
    "constant lr": 0.125,
    "decaying": decaying,
    "steps": optim.StepDecay(0.4, every=7, factor=0.8),
    "exponential": optim.ExponentialDecay(0.4, rate=0.99),
    "cosine": optim.CosineDecay(0.4, steps=50, end=0.01),
    "warm-up, then cosine": optim.LinearWarmup(0.4, 20, then=optim.CosineDecay(0.4, 40, 0.1)),
}
MOMENTA: dict[str, Any] = {
    "constant momentum": 0.9,
    "rising": rising,
    "nesterov": optim.NesterovMomentum(),
    "sutskever": optim.SutskeverMomentum(0.9),
    "linear": optim.LinearWarmup(0.9, steps=30),
    "falling": optim.ExponentialDecay(0.95, rate=0.98),
    "on and off": lambda step: 0.9 * (step % 5 != 0),
}


class PresentMomentum(optim.ReformulatedNAG):
    """The known mistake: m_t where m_{t+1} belongs."""

    def update(self, w: Any, grad: optim.Gradient) -> None:
        v = self.state["velocity"]
        step = self.lr * grad(w)
        v[...] = self.momentum * v + step
        w -= self.momentum * v + step


@pytest.mark.parametrize("problem", PROBLEMS)
@pytest.mark.parametrize("m", MOMENTA)
@pytest.mark.parametrize("a", RATES)
def test_both_nag_forms_visit_the_same_points(a: str, m: str, problem: str) -> None:
    gradient, start = PROBLEMS[problem]
    look_ahead = optim.NAG(RATES[a], MOMENTA[m])
    reformulated = optim.ReformulatedNAG(RATES[a], MOMENTA[m])
    theta, w = start.copy(), start.copy()
    seen, expected = np.empty((2, STEPS.get(m, 150), 3, start.size))
    for k in range(len(seen)):
        look_ahead.step(theta, gradient)
        reformulated.step(w, gradient)
        v = look_ahead.state["velocity"]
        seen[k] = w, reformulated.iterate(w), reformulated.state["velocity"]
        expected[k] = theta - at(MOMENTA[m], k + 1) * v, theta, v
    assert_allclose(seen, expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("make", [optim.NAG, optim.ReformulatedNAG])
def test_both_nag_forms_are_the_textbook_recursion(make: Any) -> None:
    check_textbook_nag(make)
    check_textbook_nag_under_schedules(make)


def test_classical_momentum_is_polyaks_heavy_ball() -> None:
    check_polyak(optim.Momentum)


def test_present_momentum_where_the_next_belongs_is_far_off_under_a_schedule() -> None:
    gradient, start = PROBLEMS["quadratic"]
    _, right = trajectory(optim.NAG(A, rising), gradient, start, 60)
    _, wrong = trajectory(PresentMomentum(A, rising), gradient, start, 60)
    assert np.abs(right - wrong).max() > 0.01


def test_present_momentum_goes_unnoticed_while_momentum_is_constant() -> None:
    gradient, start = PROBLEMS["quadratic"]
    right, _ = trajectory(optim.ReformulatedNAG(A, M), gradient, start, 60)
    wrong, _ = trajectory(PresentMomentum(A, M), gradient, start, 60)
    assert np.array_equal(right, wrong)


@pytest.mark.parametrize("momentum", [0.9, rising])
@pytest.mark.parametrize("name", MAKES)
def test_stored_is_the_inverse_of_iterate(name: str, momentum: Any) -> None:
    optimizer = MAKES[name](A, momentum)
    w = np.ones(6)
    for _ in range(5):
        assert_allclose(optimizer.stored(optimizer.iterate(w)), w, rtol=0, atol=1e-15)
        assert_allclose(optimizer.iterate(optimizer.stored(w)), w, rtol=0, atol=1e-15)
        optimizer.step(w, STEEP.gradient)


def test_only_the_reformulated_form_stores_another_point_than_its_iterate() -> None:
    for name, make in MAKES.items():
        optimizer = make(A, M)
        w = np.ones(6)
        optimizer.step(w, STEEP.gradient)
        assert (optimizer.iterate(w) is w) == (optimizer.stored(w) is w)
        assert (optimizer.iterate(w) is not w) == (name == "reformulated nag")


def test_iterate_before_the_first_step_is_a_copy_of_the_start() -> None:
    optimizer = optim.ReformulatedNAG(A, M)
    w = np.ones(3)
    for point in (optimizer.iterate(w), optimizer.stored(w)):
        assert np.array_equal(point, w)
        assert not np.shares_memory(point, w)


@pytest.mark.parametrize("name", MAKES)
def test_a_run_continued_from_saved_state_is_the_same_bit_for_bit(name: str) -> None:
    gradient, start = PROBLEMS["network"]
    whole, _ = trajectory(MAKES[name](decaying, rising), gradient, start, 40)
    first = MAKES[name](decaying, rising)
    head, iterates = trajectory(first, gradient, start, 17)
    saved = first.state_dict()
    trajectory(first, gradient, head[-1], 3)  # what was saved must not move with the optimizer
    second = MAKES[name](decaying, rising)
    second.load_state_dict(saved)
    assert np.array_equal(second.iterate(head[-1]), iterates[-1])
    tail, _ = trajectory(second, gradient, head[-1], 23)
    assert np.array_equal(np.concatenate([head, tail[1:]]), whole)
    assert (second.step_count, second.gradient_evaluations) == (40, 40)


@pytest.mark.parametrize("name", MAKES)
def test_one_run_of_replicas_equals_single_runs_bit_for_bit(name: str) -> None:
    rates, momenta = [0.05, 0.125, 0.4], [0.0, 0.5, 0.9]
    starts = NET_START + np.random.default_rng(1).standard_normal((3, NET_START.size)) / 4
    together, iterates = trajectory(
        MAKES[name](rates, momenta), lambda W: np.array([NET.gradient(w) for w in W]), starts, 30
    )
    for r in range(3):
        alone = trajectory(MAKES[name](rates[r], momenta[r]), NET.gradient, starts[r], 30)
        assert np.array_equal(together[:, r], alone[0])
        assert np.array_equal(iterates[:, r], alone[1])


def test_float32_stays_float32() -> None:
    for make in MAKES.values():
        optimizer = make(A, M)
        w = np.ones(6, dtype=np.float32)
        optimizer.step(w, lambda point: point.astype(np.float32))
        assert w.dtype == optimizer.iterate(w).dtype == np.float32
        assert all(v.dtype == np.float32 for v in optimizer.state.values())
