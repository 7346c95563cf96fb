"""The known problems are what they say, and training arrives exactly when theory says."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from known_problems import LessardLoss, Problem, Theory, for_good, hit, lessard, quadratic, tuned
from numpy.testing import assert_allclose, assert_array_equal

from minidl import Tensor, Trainer, compare, grad, optim, train_replicas
from minidl.training import History
from minidl.training.many import block_key

pytestmark = pytest.mark.unmeasured  # hundreds of epochs of the same steps

SEEDS = (0, 1, 2)
EIGENVALUES = tuple(np.linspace(1, 100, 9))
RULES: dict[str, list[Any]] = {
    "gradient descent": [lambda lr, m: optim.GradientDescent(lr)],
    "heavy ball": [optim.Momentum],
    "nag": [optim.NAG, optim.ReformulatedNAG],
}
TUNED = tuned(100, 1)
WAYS = [(name, make) for name, theory in TUNED.items() for make in RULES[theory.rule]]


def train(problem: Problem, optimizer: optim.Optimizer, seed: int, epochs: int) -> History:
    trainer = Trainer(
        problem.model(seed), problem.loss, optimizer=optimizer, batch_size="full", seed=seed
    )
    return trainer.fit(problem.data.X_train, problem.data.y_train, epochs=epochs)


def loss_at(problem: Problem, w: Any) -> float:
    model = problem.model(0)
    model.parameters.set(np.atleast_1d(np.asarray(w, dtype=float)))
    trainer = Trainer(model, problem.loss, optimizer=optim.GradientDescent(1.0))
    return trainer.evaluate(problem.data.X_train, problem.data.y_train)["loss"]


def test_the_quadratic_is_half_the_sum_of_h_w_squared() -> None:
    problem, h = quadratic(EIGENVALUES), np.array(EIGENVALUES)
    for seed in SEEDS:
        w = problem.start(seed)
        assert_allclose(loss_at(problem, w), h @ w**2 / 2, rtol=1e-14)
        slopes = [
            (loss_at(problem, w + step) - loss_at(problem, w - step)) / 2e-3
            for step in 1e-3 * np.eye(9)
        ]
        assert_allclose(slopes, h * w, rtol=1e-9)  # exact but for rounding: f is quadratic
    assert loss_at(problem, np.zeros(9)) == 0
    for rows in ("X", "y"):
        parts = (getattr(problem.data, f"{rows}_{part}") for part in ("train", "test"))
        assert_array_equal(*parts)


def test_the_starts_excite_every_direction_and_depend_on_the_seed_alone() -> None:
    problem = quadratic(EIGENVALUES)
    starts = np.array([problem.start(seed) for seed in range(200)])
    sizes = np.abs(starts)
    assert 0.5 <= sizes.min() < 0.51
    assert 1.49 < sizes.max() <= 1.5
    assert np.all(np.abs(np.sign(starts).mean(axis=0)) < 0.25)
    assert len(np.unique(starts)) == starts.size
    assert_array_equal(starts[7], problem.start(7))


def by_hand(theory: Theory, w: Any, gradient: Any, steps: int) -> list[Any]:
    """Sutskever et al. 2013, eq. 1 to 4, for constant settings."""
    v, points = np.zeros_like(w), [w]
    for _ in range(steps):
        at = w + theory.momentum * v if theory.rule == "nag" else w
        v = theory.momentum * v - theory.lr * gradient(at)
        w = w + v
        points.append(w)
    return points


@pytest.mark.parametrize(("name", "make"), WAYS)
def test_training_the_quadratic_is_taking_gradient_steps_by_hand(name: str, make: Any) -> None:
    problem, theory, h = quadratic(EIGENVALUES), TUNED[name], np.array(EIGENVALUES)
    for seed in SEEDS:
        history = train(problem, make(theory.lr, theory.momentum), seed, 200)
        points = by_hand(theory, problem.start(seed), lambda w: h * w, 200)
        expected = np.array([h @ w**2 / 2 for w in points])
        assert_allclose(history["train_loss"], expected, rtol=1e-12, atol=1e-12 * expected[0])


@pytest.mark.parametrize("name", TUNED)
def test_companion_matrices_are_the_rules_along_each_eigenvector(name: str) -> None:
    theory, h = TUNED[name], np.array(EIGENVALUES)
    start = quadratic(EIGENVALUES).start(0)
    points = by_hand(theory, start, lambda w: h * w, 300)
    expected = [h @ w**2 / 2 for w in points]
    assert_allclose(theory.losses(EIGENVALUES, start, 300), expected, rtol=1e-9)
    rate = {
        "gradient descent": 99 / 101,
        "heavy ball": 9 / 11,
        "nag": 1 - 2 / np.sqrt(301),
        "nag at 1/L": 0.9,
    }[name]
    roots = np.abs(np.linalg.eigvals(theory.companions(h)))
    assert_allclose(roots.max(), rate, rtol=1e-6)  # a double root is found to half the digits


def test_the_known_steps_at_condition_number_100() -> None:
    start, steps = np.ones(9), {}
    for name, theory in TUNED.items():
        curve = theory.losses(EIGENVALUES, start, 2000)
        steps[name] = hit(curve, 1e-12 * curve[0])
    assert steps == {"gradient descent": 654, "heavy ball": 91, "nag": 110, "nag at 1/L": 127}
    h, k = np.array(EIGENVALUES)[:, None], np.arange(2000)
    closed = (h * (1 - 2 / 101 * h) ** (2 * k)).sum(axis=0)
    assert np.flatnonzero(closed > 1e-12 * closed[0])[-1] + 1 == 654


@pytest.mark.parametrize("tau", [1e-2, 1e-6, 1e-12])
@pytest.mark.parametrize(("name", "make"), WAYS)
def test_training_hits_at_the_very_step(name: str, make: Any, tau: float) -> None:
    problem, theory = quadratic(EIGENVALUES), TUNED[name]
    for seed in SEEDS:
        curve = theory.losses(EIGENVALUES, problem.start(seed), 800)
        expected = hit(curve, tau * curve[0])
        assert expected is not None
        history = train(problem, make(theory.lr, theory.momentum), seed, expected + 2)
        target = tau * history["train_loss"][0]
        assert history.epochs_to(target, sustained=3) == expected
        assert history.epochs_to(target, sustained=4) is None  # the budget ends with the third


BOWL = {
    "heavy ball": (Theory("heavy ball", 1.0, 0.9), optim.Momentum, 132),
    "nag": (Theory("nag", 1.0, 0.9), optim.NAG, 17),
    "reformulated nag": (Theory("nag", 1.0, 0.9), optim.ReformulatedNAG, 17),
    "gradient descent": (Theory("gradient descent", 1.0), RULES["gradient descent"][0], 10),
}


@pytest.mark.parametrize("name", BOWL)
def test_a_thousandth_of_the_distance_for_good_in_a_bowl_of_x_one_half(name: str) -> None:
    theory, make, expected = BOWL[name]
    problem = quadratic([0.5])
    for seed in SEEDS:
        curve = theory.losses([0.5], problem.start(seed), 300)
        losses = train(problem, make(1.0, theory.momentum), seed, 300)["train_loss"]
        assert for_good(curve, 1e-6 * curve[0]) == expected
        assert for_good(losses, 1e-6 * losses[0]) == expected


def test_three_in_a_row_come_before_for_good_where_momentum_swings() -> None:
    curve = Theory("heavy ball", 1.0, 0.9).losses([0.1], np.ones(1), 300)
    steps = [hit(curve, 1e-6 * curve[0], k) or 0 for k in (1, 3, 50)]
    assert steps == sorted(set(steps))
    assert steps[-1] == for_good(curve, 1e-6 * curve[0]) == 129


def test_hit_and_for_good_on_made_up_losses() -> None:
    losses = np.array([9.0, 1.0, 4.0, 2.0, 2.0, 1.0, 5.0, 0.0, 0.0])
    assert [hit(losses, 2.0, k) for k in (1, 2, 3, 4)] == [1, 3, 3, None]
    assert for_good(losses, 2.0) == 7
    with pytest.raises(AssertionError, match="never"):
        for_good(losses, -1.0)


def test_compare_finds_the_steps_of_theory() -> None:
    problem, target = quadratic([0.05, 0.5]), 1e-6
    theories = {
        "batch": Theory("gradient descent", 1.0),
        "momentum": Theory("heavy ball", 1.0, 0.9),
        "nag": Theory("nag", 1.0, 0.9),
        "nag-reformulated": Theory("nag", 1.0, 0.9),
    }
    comparison = compare(
        problem.data,
        problem.model,
        optimizers=list(theories),
        lr=1.0,
        momentum=0.9,
        batch_size="full",
        epochs=200,
        seeds=SEEDS,
        tuning_seeds=1,
        target=f"loss:{target}",
    )
    assert len(comparison.runs) == 16
    for run in comparison.runs:
        curve = theories[run.optimizer].losses([0.05, 0.5], problem.start(run.seed), 200)
        assert comparison.target.time(run, 3) == hit(curve, target)


# -- the function on which heavy ball goes round ----------------------------------------------


def lessard_slope(x: Any) -> Any:
    return np.where(x < 1, 25 * x, np.where(x < 2, x + 24, 25 * x - 24))


HEAVY, NAG = Theory("heavy ball", 1 / 9, 4 / 9), Theory("nag", 1 / 25, 2 / 3)
CYCLE = np.array([792, -2208, 2592]) / 1225


def lessard_value(x: Any) -> Any:
    """f, by adding up f' in closed form from 0: one piece after the other."""
    low, middle, high = np.minimum(x, 1), np.clip(x, 1, 2) - 1, np.maximum(x, 2) - 2
    return 12.5 * low**2 + 25 * middle + middle**2 / 2 + 26 * high + 12.5 * high**2


def test_lessards_loss_is_the_integral_of_its_slope() -> None:
    problem, places = lessard(), np.array([-3.0, -0.5, 0.0, 0.99, 1.0, 1.5, 2.0, 2.01, 4.0])
    for x in places:
        assert_allclose(loss_at(problem, x), lessard_value(x), rtol=1e-14, atol=1e-14)
        t = Tensor([[x]], requires_grad=True)
        assert_allclose(grad(LessardLoss()(t, [0.0]), t).item(), lessard_slope(x), rtol=1e-14)
        slope = (loss_at(problem, x + 1e-6) - loss_at(problem, x - 1e-6)) / 2e-6
        assert_allclose(slope, lessard_slope(x), rtol=1e-5, atol=1e-5)


def test_lessards_loss_gives_one_mean_for_each_replica() -> None:
    x = np.array([[[0.5], [3.0]], [[1.5], [-1.0]]])
    found = LessardLoss()(Tensor(x), np.zeros(2))
    assert_allclose(found.data, lessard_value(x).mean(axis=(1, 2)), rtol=1e-14)


def test_tuned_heavy_ball_cycles_from_every_start() -> None:
    problem = lessard()
    starts = [problem.start(seed)[0] for seed in range(20)]
    assert len(set(starts)) == 20
    assert 3.2 <= min(starts) < max(starts) <= 3.4
    floor = lessard_value(CYCLE).min()
    for seed in range(20):
        losses = train(problem, optim.Momentum(HEAVY.lr, HEAVY.momentum), seed, 200)["train_loss"]
        assert_allclose(np.sort(losses[-3:]), np.sort(lessard_value(CYCLE)), rtol=1e-9)
        assert hit(losses, 0.99 * floor) is None  # single losses on the way are lower


def test_lessards_cycle_holds_for_the_starts_that_are_named() -> None:
    for start, cycles in ((3.05, False), (3.07, True), (3.45, True), (3.47, False)):
        end = by_hand(HEAVY, np.array([start]), lessard_slope, 3000)[-1]
        assert bool(np.abs(end - CYCLE).min() < 1e-12) == cycles
        assert cycles or abs(end[0]) < 1e-12


@pytest.mark.parametrize("make", RULES["nag"])
def test_nag_arrives_there_at_the_step_of_a_loop_by_hand(make: Any) -> None:
    problem = lessard()
    for seed in SEEDS:
        points = by_hand(NAG, problem.start(seed), lessard_slope, 100)
        curve = np.array([lessard_value(w[0]) for w in points])
        history = train(problem, make(NAG.lr, NAG.momentum), seed, 100)
        found = history.epochs_to(1e-6 * history["train_loss"][0], sustained=3)
        assert found == hit(curve, 1e-6 * curve[0])
        assert found is not None


@pytest.mark.parametrize(
    "problem", [quadratic(EIGENVALUES), lessard()], ids=["quadratic", "lessard"]
)
def test_seeds_are_trained_together_and_as_alone(problem: Problem) -> None:
    lr = 0.004
    trainers = [
        Trainer(problem.model(seed), problem.loss, optimizer=optim.NAG(lr), batch_size="full")
        for seed in SEEDS
    ]
    assert len(set(map(block_key, trainers))) == 1
    together = train_replicas(
        problem.model,
        optim.NAG(lr),
        problem.data.X_train,
        problem.data.y_train,
        loss=problem.loss,
        batch_size="full",
        seeds=SEEDS,
        epochs=60,
    )
    for one in together:
        alone = train(problem, optim.NAG(lr), one.seed, 60)
        assert_allclose(one.history["train_loss"], alone["train_loss"], rtol=1e-12, atol=1e-14)
