"""The claims of tutorials: numbers equal closed forms, and wrong rules change the verdicts."""

from __future__ import annotations

import functools
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from example_claims import (
    BOTH,
    NAMES,
    AlwaysMomentum,
    Average,
    Forgetful,
    GradientTwice,
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
    overshoot,
)
from numpy.testing import assert_allclose, assert_array_equal

from minidl import compare, datasets

EXAMPLE = load("09_claims_about_nag.py")


@functools.cache
def found_by(name: str) -> Any:
    """The claim of that function, with minidl's own optimizers."""
    return getattr(EXAMPLE, name)(EXAMPLE.Rules())


def numbers(name: str) -> dict[str, Any]:
    return dict(found_by(name).numbers)


VERDICTS = {
    "always_better": "FALSE",
    "fewer_epochs": "TRUE WHEN both have the same lr and m = 0.9, and 0.0114 <= x <= 1.3355"
    " (steps to 1e-3)",
    "two_steps": "TRUE",
    "without_momentum": "FALSE",
    "does_not_cross": "FALSE",
    "surely_crosses": "TRUE WHEN x > 0.00263 (m = 0.9)",
    "overshoots_less": "TRUE WHEN x <= 1, or m >= 0.55",
}


def test_the_verdicts_are_these() -> None:
    assert {c.__name__: found_by(c.__name__).verdict for c in EXAMPLE.CLAIMS} == VERDICTS


def test_tuned_momentum_needs_95_steps_and_tuned_nag_136() -> None:
    h, q = np.array([1.0, 10.0, 100.0]), np.sqrt(301)
    heavy = bowl(heavy_ball, 4 / 121 * h, (9 / 11) ** 2, 1000)
    ahead = bowl(nag, 4 / 301 * h, (q - 2) / (q + 2), 1000)
    expected = {"momentum": last_above(heavy, 1e-6).max(), "nag": last_above(ahead, 1e-6).max()}
    assert expected == {"momentum": 95, "nag": 136}
    for name in ("always_better", "fewer_epochs"):
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
    runs = [bowl(p, found["x"], M, 2000) for p in BOTH]
    for size, ends in ((1e-3, (found["low"], found["high"])), (1e-6, found["finer"])):
        steps = [last_above(points, size) for points in runs]
        assert_array_equal(found["steps"][size], steps)
        fewer = dict(zip(found["x"].round(4).tolist(), steps[1] < steps[0], strict=True))
        assert all(held for x, held in fewer.items() if ends[0] <= x <= ends[1])
        assert not fewer[round(ends[0] - 0.0001, 4)]  # the ends are the first and the last
        assert not fewer[round(ends[1] + 0.0001, 4)]
    middle = found["x"].tolist().index(0.5)
    assert [steps[middle] for steps in found["steps"][1e-3]] == [132, 17]


def test_no_finer_search_finds_a_counterexample_inside_the_range() -> None:
    found = numbers("fewer_epochs")
    x = np.r_[np.linspace(found["low"], 0.05, 1000), np.linspace(1.3, found["high"], 1000)]
    steps = [last_above(bowl(p, x, M, 1000), 1e-3) for p in BOTH]
    assert (steps[1] < steps[0]).all()


def test_the_upper_end_is_where_nags_errors_fall_as_slowly_the_finer_the_nearer() -> None:
    found = numbers("fewer_epochs")
    # where NAG's negative root has the modulus sqrt(m) of heavy ball's: 1 + m/(m + (1 + m) sqrt m)
    crossing = 1 + M / (M + (1 + M) * np.sqrt(M))
    assert_allclose(largest_root(nag, crossing, M), np.sqrt(M), rtol=1e-12)
    assert crossing < found["finer"][1] < found["high"] < 1.01 * crossing
    assert found["low"] > found["finer"][0] > ((1 - M) / (1 + M)) ** 2


def test_a_jump_and_a_correction_are_nag_in_exact_fractions() -> None:
    m, x = Fraction(9, 10), Fraction(1, 3)
    total, product = nag(x, m)
    points, v = [Fraction(1)], Fraction(0)
    for _ in range(30):
        end = points[-1] - m * v
        points.append(end - x * end)
        v = points[-2] - points[-1]
    assert points[1] == 1 - x
    for before, now, after in zip(points, points[1:], points[2:], strict=False):
        assert after == total * now - product * before


def test_nag_is_its_two_steps_and_takes_one_gradient_while_momentum_is_another_method() -> None:
    found = numbers("two_steps")
    assert max(found["apart"][0], found["place"]) < 1e-14
    assert found["count"] == 1
    theta = w = 3.0
    v = u = gap = 0.0
    for _ in range(100):
        u = M * u + 0.1 * (w + 2 * np.sin(3 * w))  # before the jump
        w -= u
        end = theta - M * v
        v = M * v + 0.1 * (end + 2 * np.sin(3 * end))
        theta -= v
        gap = max(gap, abs(theta - w))
    assert_allclose(found["apart"][1], gap, rtol=1e-9)


def test_without_momentum_nag_is_gradient_descent_and_sgd_says_so() -> None:
    found, x = numbers("without_momentum"), np.array([0.01, 0.5])
    assert found["apart"] == 0
    assert_array_equal(found["steps"][0], last_above(bowl(nag, x, M, 2000), 1e-3))
    assert_array_equal(found["steps"][1], np.floor(np.log(1e-3) / np.log1p(-x)) + 1)
    assert "nesterov=True with momentum=0 would do nothing" in found["message"]


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


@pytest.mark.parametrize(
    ("name", "wrong", "expected"),
    [
        ("always_better", {"momentum": Average}, "TRUE"),
        ("fewer_epochs", {"nag": NeverLooksAhead}, "FALSE"),
        ("fewer_epochs", {"nag": Forgetful, "momentum": Average}, None),
        ("two_steps", {"nag": NeverLooksAhead}, "FALSE"),
        ("two_steps", {"nag": LooksAheadHalfWay}, "FALSE"),
        ("two_steps", {"nag": GradientTwice}, "FALSE"),
        ("without_momentum", {"nag": AlwaysMomentum}, "TRUE"),
        ("does_not_cross", {"nag": Forgetful}, "TRUE"),
        ("surely_crosses", {"momentum": HalfMomentum}, "FALSE"),
        ("overshoots_less", {"nag": NeverLooksAhead}, "FALSE"),
        ("overshoots_less", {"nag": Forgetful}, None),
    ],
)
def test_a_wrong_rule_changes_the_verdict(
    name: str, wrong: dict[str, Any], expected: str | None
) -> None:
    found = getattr(EXAMPLE, name)(EXAMPLE.Rules(**wrong)).verdict
    assert found != VERDICTS[name]
    if expected:
        assert found == expected
