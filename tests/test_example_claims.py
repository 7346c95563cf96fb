"""The claims about NAG: numbers equal closed forms, and wrong rules change the verdicts.

No test takes a step with an optimizer of minidl, except for the networks on circles: iterates on
quadratics are two-term recurrences with the coefficients of the characteristic polynomial.
"""

from __future__ import annotations

import functools
import importlib.util
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from minidl import compare, datasets, optim

Array = Any
M = 0.9


def load() -> ModuleType:
    path = Path(__file__).parent.parent / "examples" / "09_claims_about_nag.py"
    spec = importlib.util.spec_from_file_location("claims_about_nag", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


EXAMPLE = load()


@functools.cache
def found_by(name: str) -> Any:
    """The claim of that function, with minidl's own optimizers."""
    return getattr(EXAMPLE, name)(EXAMPLE.Rules())


def numbers(name: str) -> dict[str, Any]:
    return dict(found_by(name).numbers)


def heavy_ball(x: Any, m: Any) -> tuple[Any, Any]:
    """z^2 - (1 + m - x) z + m: the sum and the product of its roots."""
    return 1 + m - x, m + 0 * x


def nag(x: Any, m: Any) -> tuple[Any, Any]:
    """z^2 - (1 + m) q z + m q, q = 1 - x."""
    return (1 + m) * (1 - x), m * (1 - x)


Polynomial = Callable[[Any, Any], tuple[Any, Any]]
BOTH = (heavy_ball, nag)
NAMES = ("momentum", "nag")


def bowl(polynomial: Polynomial, x: Any, m: Any, steps: int) -> Array:
    """Return w_0 = 1, w_1 = 1 - x, and w_k+1 = sum w_k - product w_k-1."""
    x = np.atleast_1d(np.asarray(x, dtype=float))
    total, product = polynomial(x, m)
    points = [np.ones_like(x), 1 - x]
    while len(points) <= steps:
        points.append(total * points[-1] - product * points[-2])
    return np.array(points)


def last_above(points: Array, size: float) -> Array:
    """Return the step after the last whose distance is `size` or more; infinite if that is now."""
    steps = np.array([np.flatnonzero(column >= size)[-1] + 1 for column in np.abs(points).T])
    return np.where(steps == len(points), np.inf, steps)


def overshoot(points: Array) -> Array:
    return np.maximum(0, -points.min(axis=0))


def largest_root(polynomial: Polynomial, x: float, m: float) -> float:
    total, product = polynomial(x, m)
    return float(np.abs(np.roots([1, -total, product])).max())


VERDICTS = {
    "always_better": "FALSE",
    "fewer_epochs": "TRUE WHEN both have the same lr and m, and 0.0113 < x < 1.340 (m = 0.9)",
    "does_not_cross": "FALSE",
    "surely_crosses": "TRUE WHEN x > 0.00263 (m = 0.9)",
    "overshoots_less": "TRUE WHEN x <= 1, or m >= 0.55",
    "as_stable": "FALSE",
    "another_method": "FALSE",
    "ten_times_faster": "TRUE WHEN the gradient has been constant for many steps",
    "both_converge": "FALSE",
    "is_optimal": "TRUE WHEN optimal means the order in k, for all smooth convex functions",
}


def test_the_verdicts_are_these() -> None:
    assert {c.__name__: found_by(c.__name__).verdict for c in EXAMPLE.CLAIMS} == VERDICTS


def test_tuned_momentum_needs_95_steps_and_tuned_nag_136() -> None:
    h, q = np.array([1.0, 10.0, 100.0]), np.sqrt(301)
    heavy = bowl(heavy_ball, 4 / 121 * h, (9 / 11) ** 2, 1000)
    ahead = bowl(nag, 4 / 301 * h, (q - 2) / (q + 2), 1000)
    expected = {"momentum": last_above(heavy, 1e-6).max(), "nag": last_above(ahead, 1e-6).max()}
    assert expected == {"momentum": 95, "nag": 136}
    for name in ("always_better", "fewer_epochs", "is_optimal"):
        assert numbers(name)["tuned"] == expected
    rates = largest_root(heavy_ball, 4 / 121, (9 / 11) ** 2), 1 - 2 / q
    assert_allclose(rates, (9 / 11, largest_root(nag, 4 / 301, (q - 2) / (q + 2))), rtol=1e-6)


def test_flat_bowls_and_circles_are_where_momentum_needs_fewer() -> None:
    flat = [last_above(bowl(p, 0.0027, M, 2000), 1e-3)[0] for p in BOTH]
    assert numbers("always_better")["flat"] == flat == [166, 179]
    race = compare(
        datasets.load("circles", seed=0),
        optimizers=["momentum", "nag"],
        lr=1.0,
        batch_size="full",
        epochs=100,
        seeds=5,
        tuning_seeds=1,
        target="loss:0.1",
    )
    medians = [row.median for row in race.rows]
    assert [row.optimizer for row in race.rows] == list(NAMES)
    assert numbers("always_better")["circles"] == medians
    assert medians[0] < medians[1] < np.inf


def test_steps_of_every_bowl_and_the_range_in_which_nag_needs_fewer() -> None:
    found = numbers("fewer_epochs")
    steps = [last_above(bowl(p, found["x"], M, 2000), 1e-3) for p in BOTH]
    assert_array_equal(found["steps"], steps)
    assert [s[-1] for s in steps] == [132, 17]
    fewer = steps[1] < steps[0]
    inside = (found["x"] > found["low"]) & (found["x"] < found["high"])
    assert fewer[inside].all()
    assert not fewer[np.isin(found["x"], (found["low"], found["high"]))].any()
    # where NAG's negative root has the modulus sqrt(m) of heavy ball's: 1 + m/(m + (1 + m) sqrt m)
    crossing = 1 + M / (M + (1 + M) * np.sqrt(M))
    assert_allclose(largest_root(nag, crossing, M), np.sqrt(M), rtol=1e-12)
    assert_allclose(found["high"], crossing, rtol=0.01)
    assert found["low"] > ((1 - M) / (1 + M)) ** 2


def test_nags_overshoot_is_that_of_a_damped_cosine() -> None:
    found, k = numbers("does_not_cross"), np.arange(400)
    for x, over in zip((0.1, 0.5, 0.9), found["overshoot"], strict=False):
        r = np.sqrt(M * (1 - x))
        phi = np.arccos((1 + M) * (1 - x) / (2 * r))
        C = (1 - x - r * np.cos(phi)) / (r * np.sin(phi))
        assert_allclose(over, -(r**k * (np.cos(k * phi) + C * np.sin(k * phi))).min(), rtol=1e-12)
    assert_allclose(found["overshoot"][:3], [0.355, 0.202, 0.071], atol=5e-4)
    assert found["overshoot"][3] > 0 == found["overshoot"][4]
    roots = [
        np.roots([1, *(np.array([-1, 1]) * nag(found["threshold"] * f, M))]) for f in (1.01, 0.99)
    ]
    assert [bool(np.isreal(r).all()) for r in roots] == [False, True]


def test_momentum_crosses_where_no_root_is_positive() -> None:
    found = numbers("surely_crosses")
    assert_allclose(found["threshold"], (1 - np.sqrt(M)) ** 2, rtol=1e-15)
    for x, positive in ((0.99, True), (1.01, False)):
        total, product = heavy_ball(x * found["threshold"], M)
        roots = np.roots([1, -total, product])
        assert bool((np.isreal(roots) & (roots.real > 0)).any()) == positive
    assert (found["above"], found["below"]) == (100, 0)


def test_where_nag_overshoots_less() -> None:
    found = numbers("overshoots_less")
    for m, flags in found["less"].items():
        x = np.linspace(0, 2 * (1 + m) / (1 + 2 * m), 402)[1:-1]
        a, b = (overshoot(bowl(p, x, m, 1000)) for p in BOTH)
        fine = (b < a) | ((a == 0) & (b == 0))
        assert flags == (fine[x <= 1].all(), fine.all())
    assert len(found["less"]) == 19
    assert found["small"] == 0.5


def test_nag_overshoots_more_near_its_limit_if_the_momentum_is_below_0_5499() -> None:
    """At the limit, p = x - 1 = 1/(1 + 2m), NAG ends in (1 + m)/(1 + 3m) times (-1)^k, and
    momentum goes no further than its second point, p^2 - m p - m, or its first, -p.
    """

    def more(m: float) -> float:
        p = 1 / (1 + 2 * m)
        return (1 + m) / (1 + 3 * m) - max(p, m + m * p - p * p)

    assert more(0.5) > more(0.5498) > 0 > more(0.55) > more(0.9)
    assert all(more(m) > 0 for m in np.linspace(0.01, 0.5498, 60))
    assert all(more(m) < 0 for m in np.linspace(0.55, 0.99, 60))
    for m in (0.2, 0.5, 0.9):
        x = 2 * (1 + m) / (1 + 2 * m) * (1 - 1e-9)
        a, b = (overshoot(bowl(p, x, m, 2000))[0] for p in BOTH)
        assert_allclose(b - a, more(m), atol=1e-6)


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
    for name, accelerated in (("nag", True), ("descent", False)):
        expected = [worst_case(k, accelerated) for k in (10, 100)]
        assert_allclose(found[name][:2], expected, rtol=1e-7)
        assert min(found[name]) >= 1
    assert max(found["nag"]) < 64 / 3 < found["descent"][2]


class HalfMomentum(optim.Momentum):
    """Momentum with half the coefficient."""

    def update(self, w: Array, grad: optim.Gradient) -> None:
        v = self.state["velocity"]
        v[...] = self.momentum / 2 * v + self.lr * grad(w)
        w -= v


class Average(optim.Momentum):
    """The velocity is a moving average."""

    def update(self, w: Array, grad: optim.Gradient) -> None:
        v = self.state["velocity"]
        v[...] = self.momentum * v + (1 - self.momentum) * self.lr * grad(w)
        w -= v


class NeverLooksAhead(optim.NAG):
    """NAG in name: the gradient is taken where the weights are."""

    def update(self, w: Array, grad: optim.Gradient) -> None:
        v = self.state["velocity"]
        v[...] = self.momentum * v + self.lr * grad(w)
        w -= v


class LooksAheadHalfWay(optim.NAG):
    """NAG with half the coefficient."""

    def update(self, w: Array, grad: optim.Gradient) -> None:
        v = self.state["velocity"]
        mv = self.momentum / 2 * v
        v[...] = mv + self.lr * grad(w - mv)
        w -= v


class Forgetful(optim.NAG):
    """The velocity is lost: gradient descent."""

    def update(self, w: Array, grad: optim.Gradient) -> None:
        w -= self.lr * grad(w)


class Chainer(optim.ReformulatedNAG):
    """A known wrong rule: w' = w - m m v' - (1 + m) a g with the new velocity."""

    def update(self, w: Array, grad: optim.Gradient) -> None:
        v, m = self.state["velocity"], self.momentum
        step = self.lr * grad(w)
        v[...] = m * v + step
        w -= m * m * v + (1 + m) * step


@pytest.mark.parametrize(
    ("name", "wrong", "expected"),
    [
        ("always_better", {"momentum": Average}, "TRUE"),
        ("fewer_epochs", {"nag": NeverLooksAhead}, "FALSE"),
        ("fewer_epochs", {"nag": Forgetful, "momentum": Average}, None),
        ("does_not_cross", {"nag": Forgetful}, "TRUE"),
        ("surely_crosses", {"momentum": HalfMomentum}, "FALSE"),
        ("overshoots_less", {"nag": NeverLooksAhead}, "FALSE"),
        ("overshoots_less", {"nag": Forgetful}, None),
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
