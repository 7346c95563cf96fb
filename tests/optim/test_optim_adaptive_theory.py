"""What theory says of the adaptive rules: bounds, invariances, a problem on which Adam fails."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from adaptive_checks import NET, START, batch_gradient, points
from numpy.testing import assert_allclose, assert_array_equal

from minidl import optim

Array = Any
ADAPTIVE = [
    optim.Adam, optim.AdamW, optim.NAdam, optim.RAdam, optim.AMSGrad, optim.AdaMax, optim.RMSprop,
    optim.CenteredRMSprop, optim.Adagrad, optim.Adadelta, optim.Lion, optim.Rprop,
]  # fmt: skip
NAMES = [rule.__name__ for rule in ADAPTIVE]


def fed(optimizer: optim.Optimizer, gradients: Array) -> Array:
    """Return the points under these gradients, whatever the point, from 0."""
    g = np.atleast_2d(np.asarray(gradients, dtype=float).T).T
    return points(optimizer, np.zeros(g.shape[1]), len(g), lambda point, step: g[step])


@pytest.mark.parametrize("rule", ADAPTIVE, ids=NAMES)
def test_each_weight_is_moved_by_its_own_gradients_only(rule: Any) -> None:
    g = np.random.default_rng(0).standard_normal((20, 5))
    together = fed(rule(), g)
    for k in range(5):
        assert_array_equal(fed(rule(), g[:, k]), together[:, k : k + 1])


@pytest.mark.parametrize("rule", ADAPTIVE, ids=NAMES)
def test_opposite_gradients_give_opposite_steps(rule: Any) -> None:
    g = np.random.default_rng(1).standard_normal((20, 5))
    assert_array_equal(fed(rule(), g), -fed(rule(), -g))


@pytest.mark.parametrize("rule", [rule for rule in ADAPTIVE if rule is not optim.RAdam])
def test_the_unit_of_the_gradient_does_not_matter(rule: Any) -> None:
    """Kingma and Ba 2015, section 2.1; exact for a power of 2, if epsilon has the same unit."""
    settings = {"epsilon": 2.0**-20} if hasattr(rule, "epsilon") else {}
    larger = {"epsilon": 1.0} if settings else {}
    one, two = (
        points(rule(lr=0.01, **how), START, 30, lambda p, k, c=c: c * batch_gradient(p, k))
        for how, c in ((settings, 1.0), (larger, 2.0**20))
    )
    if rule is optim.Adadelta:  # whose epsilon is added to squares of gradients and of steps
        assert np.abs(one - two).max() > 1e-3
    else:
        assert_array_equal(one, two)


@pytest.mark.parametrize(
    ("beta1", "beta2"), [(0.9, 0.999), (0.9, 0.95), (0.5, 0.9), (0.0, 0.99), (0.99, 0.999)]
)
def test_a_step_of_adam_has_a_limit_which_growing_gradients_attain(
    beta1: float, beta2: float
) -> None:
    """m is a sum of sqrt(b_i) g_i times a_i / sqrt(b_i), with weights a of g and b of g^2.

    Kingma and Ba 2015, section 2.1, name a smaller limit, (1 - beta1) / sqrt(1 - beta2) or 1.
    """
    limit = 0.1 * (1 - beta1) / np.sqrt((1 - beta2) * (1 - beta1**2 / beta2))
    rng, t = np.random.default_rng(2), np.arange(1500.0)
    g = rng.standard_normal((1500, 20)) * (rng.random((1500, 20)) < np.linspace(0, 1, 20))
    growing = (beta2 / max(beta1, 0.1)) ** (t - 1499)
    g[:, 0] = np.where(growing > 1e-100, growing, 0)  # whose square is not 0
    g[:, 1] = t == 1499
    moves = np.abs(np.diff(fed(optim.Adam(0.1, beta1, beta2, epsilon=1e-300), g), axis=0))
    assert moves.max() <= limit * (1 + 1e-9)
    c1, c2 = (1 - beta**1500 for beta in (beta1, beta2))
    rare = 0.1 * (1 - beta1) / np.sqrt(1 - beta2) * np.sqrt(c2) / c1
    assert_allclose(moves[-1, 1], rare, rtol=1e-9)
    if beta1:
        attained = limit * np.sqrt(c2) / c1
        assert_allclose(moves[-1, 0], attained, rtol=1e-9)


def test_adam_without_memory_is_descent_by_signs() -> None:
    g = np.random.default_rng(3).standard_normal((10, 4))
    got = fed(optim.Adam(0.125, beta1=0.0, beta2=0.0, epsilon=1e-300), g)
    assert_array_equal(got, -np.cumsum(0.125 * np.sign(g), axis=0))


def test_rules_that_are_special_cases_of_others() -> None:
    def run(optimizer: optim.Optimizer) -> Array:
        return points(optimizer, START, 30, batch_gradient)

    assert_array_equal(run(optim.AdamW(0.01, weight_decay=0.0)), run(optim.Adam(0.01)))
    bare = run(optim.RMSprop(0.01, rho=0.9, epsilon=1e-3))
    corrected = optim.Adam(
        0.01, beta1=0.0, beta2=0.9, epsilon=lambda k: 1e-3 / (1 - 0.9 ** (k + 1)) ** 0.5
    )
    rate = lambda k: 0.01 / (1 - 0.9 ** (k + 1)) ** 0.5  # noqa: E731
    corrected.lr = rate
    assert_allclose(run(corrected), bare, rtol=0, atol=1e-14)
    signum = run(optim.Lion(0.01, beta1=0.9, beta2=0.9))
    m, w, expected = np.zeros_like(START), START.copy(), []
    for k in range(30):
        m = 0.9 * m + (1 - 0.9) * batch_gradient(w, k)
        w = w - 0.01 * np.sign(m)
        expected.append(w)
    assert_allclose(signum, expected, rtol=0, atol=1e-14)


def counterexample(make: Any, steps: int) -> float:
    """Return the mean of the last points on Reddi et al. 2018, theorem 1 (C = 3).

    f_t(x) = 3 x in every third step and -x in the others, for x in [-1, 1]: the sum of three is x,
    which is smallest at -1. The rate falls as 1 / sqrt(t).
    """
    optimizer = make(lambda k: 0.1 / (k + 1) ** 0.5, beta1=0.0, beta2=1 / (1 + 3**2))
    w, seen = np.zeros(1), []
    for step in range(steps):
        slope = np.array([3.0 if step % 3 == 0 else -1.0])
        optimizer.step(w, lambda point, slope=slope: slope)
        np.clip(w, -1, 1, out=w)
        seen.append(float(w[0]))
    return float(np.mean(seen[-300:]))


def test_adam_goes_to_the_worst_point_of_the_counterexample_and_amsgrad_to_the_best() -> None:
    assert counterexample(optim.Adam, 2400) > 0.9
    assert counterexample(optim.AMSGrad, 2400) < -0.9


def test_the_divisor_of_amsgrad_never_falls_and_that_of_adam_does() -> None:
    g = np.random.default_rng(4).standard_normal((60, 8)) * 0.9 ** np.arange(60)[:, None]
    optimizer, sizes, means, w = optim.AMSGrad(beta2=0.9), [], [], np.zeros(8)
    for row in g:
        optimizer.step(w, lambda point, row=row: row)
        sizes.append(optimizer.state["largest"].copy())
        means.append(optimizer.state["square_mean"].copy())
    assert (np.diff(sizes, axis=0) >= 0).all()
    assert (np.diff(means, axis=0) < 0).any()
    assert_array_equal(sizes, np.maximum.accumulate(means, axis=0))


@pytest.mark.parametrize("lr", [0.03, 0.3, 3.0])
def test_regret_of_adagrad_is_within_its_bound(lr: float) -> None:
    """Duchi et al. 2011, theorem 5: (D^2 / (2 lr) + lr) times the sum of the norms of the rows.

    D is the largest distance of a coordinate from the comparator, which any point may be.
    """
    rng = np.random.default_rng(5)
    X, y = rng.standard_normal((300, 6)) * np.logspace(-2, 1, 6), rng.standard_normal(300)
    best = np.linalg.lstsq(X, y, rcond=None)[0]
    w, optimizer = np.zeros(6), optim.Adagrad(lr)
    regret, farthest, gradients = 0.0, 0.0, []
    for x, target in zip(X, y, strict=True):
        regret += abs(x @ w - target) - abs(x @ best - target)  # a convex loss
        farthest = max(farthest, np.abs(w - best).max())
        gradients.append(np.sign(x @ w - target) * x)
        optimizer.step(w, lambda point: gradients[-1])
    norms = np.linalg.norm(gradients, axis=0).sum()
    assert regret <= (farthest**2 / (2 * lr) + lr) * norms
    assert regret > 0


@pytest.mark.parametrize(("beta2", "first"), [(0.999, 6), (0.99, 6), (0.9, 6), (0.8, 7)])
def test_radam_takes_steps_of_momentum_until_rho_is_above_5(beta2: float, first: int) -> None:
    """Such steps are in proportion to the gradient, the others are not."""
    g = np.random.default_rng(6).standard_normal((15, 4))
    moves, doubled = (
        np.diff(fed(optim.RAdam(0.1, beta2=beta2), c * g), axis=0, prepend=0) for c in (1, 2)
    )
    proportional = [bool(np.allclose(b, 2 * a)) for a, b in zip(moves, doubled, strict=True)]
    t = np.arange(1, 16)
    rho = 2 / (1 - beta2) - 1 - 2 * t * beta2**t / (1 - beta2**t)
    assert proportional == (rho <= 5).tolist()
    assert proportional.index(False) + 1 == first


@pytest.mark.parametrize("beta2", [0.0, 0.5, 0.6, 2 / 3])
def test_radam_with_a_short_memory_is_never_adaptive(beta2: float) -> None:
    """The limit of rho is at most 5 then; at 0.6 it is 4, where the formula would divide by 0."""
    g = np.random.default_rng(7).standard_normal((30, 4))
    one, two = (fed(optim.RAdam(0.1, beta2=beta2), c * g) for c in (1.0, 2.0))
    assert_array_equal(two, 2 * one)


def test_every_step_of_lion_has_the_length_of_the_rate() -> None:
    g = np.random.default_rng(9).standard_normal((30, 40))
    assert set(np.abs(np.diff(fed(optim.Lion(0.125), g), axis=0)).ravel()) == {0.125}


def test_steps_of_rprop_stay_within_their_limits_and_grow_to_the_largest() -> None:
    rng = np.random.default_rng(8)
    limits = {"smallest": 2.0**-6, "largest": 2.0}
    got = fed(optim.Rprop(0.25, **limits), rng.standard_normal((200, 40)))
    moves = np.abs(np.diff(got, axis=0))
    assert moves.max() <= 2.0
    assert_allclose(moves[moves > 0].min(), 2.0**-6, rtol=1e-9)
    steady = np.abs(np.diff(fed(optim.Rprop(0.25, **limits), np.ones(40)), axis=0))
    assert steady[-1] == 2.0
    assert fed(optim.Rprop(0.25, **limits), np.ones(1)) == -0.25  # the first is the rate


def test_an_underflow_of_the_product_of_two_gradients_is_no_change_of_sign() -> None:
    """g g' is 0 in float64 when both are 1e-170, so a product of signs is taken."""
    tiny = fed(optim.Rprop(0.25), np.full(5, 1e-170))
    assert_array_equal(tiny, fed(optim.Rprop(0.25), np.ones(5)))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_variance_of_nearly_constant_gradients_is_not_below_0(dtype: Any) -> None:
    """The difference of the average of squares and the square of the average is."""
    g = np.linspace(0.1, 1, 50).astype(dtype)
    optimizer, w = optim.CenteredRMSprop(0.01, rho=0.9), np.zeros(50, dtype)
    mean, squares, lowest = np.zeros_like(g), np.zeros_like(g), []
    rho = dtype(0.9)
    for _ in range(500):
        optimizer.step(w, lambda point: g)
        mean = rho * mean + (1 - rho) * g
        squares = rho * squares + (1 - rho) * g * g
        lowest.append((squares - mean**2).min())
    assert min(lowest) < 0
    assert (optimizer.state["variance"] >= 0).all()
    assert np.isfinite(w).all()


def test_weight_decay_alone_is_a_geometric_sequence_of_the_scheduled_rate() -> None:
    for rule in (optim.AdamW, optim.Lion):
        optimizer = rule(optim.StepDecay(0.1, every=2, factor=0.5), weight_decay=0.5)
        got = points(optimizer, np.ones(1), 6, lambda point, step: np.zeros(1))[:, 0]
        shares = 1 - 0.5 * np.array([0.1, 0.1, 0.05, 0.05, 0.025, 0.025])
        assert_allclose(got, np.cumprod(shares), rtol=1e-15)


def test_the_mean_of_nadam_has_weights_of_sum_1_when_its_momentum_is_constant() -> None:
    """So that a constant gradient is its own mean, after the division by 1 - mu^t."""
    optimizer, w = optim.NAdam(beta1=0.8, momentum_decay=1e9), np.zeros(3)
    for t in range(1, 20):
        optimizer.step(w, lambda point: np.ones(3))
        assert_allclose(optimizer.state["weight"], 1 - 0.8**t, rtol=1e-14)
        assert_allclose(optimizer.state["mean"], 1 - 0.8**t, rtol=1e-14)


@pytest.mark.parametrize("rule", ADAPTIVE, ids=NAMES)
def test_each_rule_trains(rule: Any) -> None:
    """Beside all equalities: at a usual rate the loss of a network falls to less than half."""
    rates = {"Adagrad": 0.5, "Adadelta": 100.0, "Rprop": 0.01, "CenteredRMSprop": 0.005}
    optimizer, w = rule(rates.get(rule.__name__, 0.03)), START.copy()
    for _ in range(300):
        optimizer.step(w, NET.gradient)
    assert NET.loss(w) < 0.5 * NET.loss(START)
