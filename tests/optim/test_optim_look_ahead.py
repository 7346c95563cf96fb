"""The point that look_ahead returns is the one the next step asks at, in every form."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from optim_problems import network
from test_optim_nag_forms import MOMENTA, RATES

from minidl import optim

NET, START = network()
ALL = [optim.GradientDescent, optim.Momentum, optim.NAG, optim.ReformulatedNAG]


def make(kind: Any, a: Any, m: Any) -> Any:
    return kind(a) if kind is optim.GradientDescent else kind(a, m)


@pytest.mark.parametrize("m", MOMENTA)
@pytest.mark.parametrize("a", RATES)
@pytest.mark.parametrize("kind", ALL)
def test_it_is_where_the_next_gradient_is_asked_for(kind: Any, a: str, m: str) -> None:
    optimizer, w = make(kind, RATES[a], MOMENTA[m]), START.copy()
    asked: list[Any] = []

    def gradient(point: Any) -> Any:
        asked.append(point.copy())
        return NET.gradient(point)

    for _ in range(60):
        stored, state = w.copy(), {k: v.copy() for k, v in optimizer.state.items()}
        point = optimizer.look_ahead(w).copy()
        assert_array_equal(w, stored)
        for name, vector in state.items():
            assert_array_equal(optimizer.state[name], vector)
        optimizer.step(w, gradient)
        assert_array_equal(asked[-1], point)


@pytest.mark.parametrize("m", MOMENTA)
@pytest.mark.parametrize("a", RATES)
def test_both_forms_of_nag_look_at_the_same_point(a: str, m: str) -> None:
    nag, reformulated = (make(kind, RATES[a], MOMENTA[m]) for kind in ALL[2:])
    theta, w = START.copy(), START.copy()
    for _ in range(60):
        assert_allclose(nag.look_ahead(theta), reformulated.look_ahead(w), rtol=0, atol=1e-12)
        nag.step(theta, NET.gradient)
        reformulated.step(w, NET.gradient)
    assert np.abs(nag.look_ahead(theta) - theta).max() > 1e-6 or m == "on and off"


@pytest.mark.parametrize("kind", ALL)
def test_replicas_have_momenta_of_their_own(kind: Any) -> None:
    rates, momenta = [0.1, 0.2], [0.9, 0.5]
    rng = np.random.default_rng(0)
    W, gradients = rng.standard_normal((2, 4)), rng.standard_normal((3, 2, 4))
    together, w = make(kind, rates, momenta), W.copy()
    for g in gradients:
        together.step(w, lambda point, g=g: g)  # type: ignore[misc]
    for k in range(2):
        alone, own = make(kind, rates[k], momenta[k]), W[k].copy()
        for g in gradients:
            alone.step(own, lambda point, g=g[k]: g)  # type: ignore[misc]
        assert_array_equal(together.look_ahead(w)[k], alone.look_ahead(own))


@pytest.mark.parametrize("kind", ALL)
def test_float32_and_the_start(kind: Any) -> None:
    w = np.ones(3, np.float32)
    optimizer = make(kind, 0.1, 0.9)
    assert_array_equal(optimizer.look_ahead(w), w)
    optimizer.step(w, lambda point: point)
    assert optimizer.look_ahead(w).dtype == np.float32
    same = optimizer.look_ahead(w) is w
    assert same == (kind is not optim.NAG)
