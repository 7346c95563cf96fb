"""The claims about limits: numbers equal closed forms, and wrong rules change the verdicts."""

from __future__ import annotations

import functools
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from example_claims import (
    BOTH,
    Average,
    Chainer,
    HalfMomentum,
    LooksAheadHalfWay,
    M,
    NeverLooksAhead,
    bowl,
    heavy_ball,
    largest_root,
    last_above,
    load,
    nag,
)
from numpy.testing import assert_allclose, assert_array_equal

EXAMPLE = load("10_limits_of_nag.py")


@functools.cache
def found_by(name: str) -> Any:
    """The claim of that function, with minidl's own optimizers."""
    return getattr(EXAMPLE, name)(EXAMPLE.Rules())


def numbers(name: str) -> dict[str, Any]:
    return dict(found_by(name).numbers)


VERDICTS = {
    "as_stable": "FALSE",
    "another_method": "FALSE",
    "ten_times_faster": "TRUE WHEN the gradient has been constant for many steps",
    "both_converge": "FALSE",
    "is_optimal": "TRUE WHEN optimal means that f - f* falls as 1/k^2, the best order, on every"
    " smooth convex f",
}


def test_the_verdicts_are_these() -> None:
    assert {c.__name__: found_by(c.__name__).verdict for c in EXAMPLE.CLAIMS} == VERDICTS


def test_nag_diverges_where_momentum_converges() -> None:
    found = numbers("as_stable")
    x = found["limit"] * np.array([0.99, 1.01])
    for polynomial, ends in zip(BOTH, found["ends"], strict=True):
        assert_allclose(ends, np.abs(bowl(polynomial, x, M, 400)[-1]), rtol=1e-9)
    grows = [[largest_root(p, at, M) > 1 for at in x] for p in BOTH]
    assert grows == [[False, False], [False, True]]
    assert_allclose(largest_root(nag, found["limit"], M), 1, rtol=1e-14)


def test_keras_form_is_the_same_and_pytorchs_while_the_rate_is_constant() -> None:
    apart = numbers("another_method")["apart"]
    assert max(*apart["constant"], apart["falling"][0]) < 1e-14
    theta = w = 3.0
    v = b = 0.0
    gap = 0.0
    for k in range(100):
        a = 0.1 * 0.95**k
        ahead = theta - M * v
        v = M * v + a * (ahead + 2 * np.sin(3 * ahead))
        theta -= v
        g = w + 2 * np.sin(3 * w)
        b = M * b + g
        w -= a * (g + M * b)
        gap = max(gap, abs(theta - (w + a * M * b)))
    assert_allclose(apart["falling"][1], gap, rtol=1e-9)


def test_momentums_gain_is_one_over_one_minus_m_on_a_slope_and_not_in_a_bowl() -> None:
    found = numbers("ten_times_faster")
    assert_allclose(found["steady"], (1 - M**300) / (1 - M), rtol=1e-9)
    x = np.array([0.0027, 0.5])
    assert_array_equal(found["steps"][0], np.floor(np.log(1e-3) / np.log1p(-x)) + 1)
    assert_array_equal(found["steps"][1], last_above(bowl(heavy_ball, x, M, 2000), 1e-3))


def test_heavy_ball_goes_round_the_cycle_of_fractions() -> None:
    found = numbers("both_converge")
    cycle = [float(Fraction(n, 1225)) for n in (792, -2208, 2592)]
    start = int(np.abs(np.array(cycle) - found["heavy"][0]).argmin())
    assert_allclose(found["heavy"], cycle[start:] + cycle[:start], rtol=1e-13)
    assert np.abs(found["nag"]).max() < 1e-15
    places = np.array([-1.0, 0.5, 1.0, 1.5, 2.0, 3.0])
    assert_array_equal(EXAMPLE.lessard_slope(places), [-25, 12.5, 25, 25.5, 26, 51])


def worst_case(k: int, accelerated: bool) -> float:
    """f = (w'Tw / 2 - w_1) / 4 with its matrix, and FISTA in its own letters: x, y and t."""
    n = 2 * k + 1
    T = 2 * np.eye(n) - np.eye(n, k=1) - np.eye(n, k=-1)
    best = np.linalg.solve(T, np.eye(n)[0])
    x = y = np.zeros(n)
    t = 1.0
    for _ in range(k):
        x, last = y - (T @ y - np.eye(n)[0]) / 4, x
        t, before = (1 + np.sqrt(1 + 4 * t * t)) / 2, t
        y = x + (before - 1) / t * (x - last) if accelerated else x
    lowest = (-1 + 1 / (n + 1)) / 8
    return float(((x @ T @ x / 2 - x[0]) / 4 - lowest) / (3 * (best @ best) / (32 * (k + 1) ** 2)))


def test_distance_from_the_lower_bound_is_that_of_fista() -> None:
    found = numbers("is_optimal")
    assert found["tuned"] == {"momentum": 95, "nag": 136}  # see test_example_claims.py
    for name, accelerated in (("nag", True), ("descent", False)):
        expected = [worst_case(k, accelerated) for k in (10, 100)]
        assert_allclose(found[name][:2], expected, rtol=1e-7)
        assert min(found[name]) >= 1
    assert max(found["nag"]) < 64 / 3 < found["descent"][2]


@pytest.mark.parametrize(
    ("name", "wrong", "expected"),
    [
        ("as_stable", {"nag": NeverLooksAhead}, "TRUE"),
        ("another_method", {"reformulated": Chainer}, "TRUE"),
        ("another_method", {"nag": NeverLooksAhead}, "TRUE"),
        ("ten_times_faster", {"momentum": HalfMomentum}, "FALSE"),
        ("ten_times_faster", {"momentum": Average}, "FALSE"),
        ("both_converge", {"momentum": Average}, "TRUE"),
        ("is_optimal", {"nag": LooksAheadHalfWay}, "FALSE"),
        ("is_optimal", {"momentum": HalfMomentum}, "TRUE"),
    ],
)
def test_a_wrong_rule_changes_the_verdict(
    name: str, wrong: dict[str, Any], expected: str | None
) -> None:
    found = getattr(EXAMPLE, name)(EXAMPLE.Rules(**wrong)).verdict
    assert found != VERDICTS[name]
    if expected:
        assert found == expected
