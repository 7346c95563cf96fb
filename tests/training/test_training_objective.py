"""The objective: value and gradient at any point, with the model's own vector left alone."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from training_problems import line, three_classes, two_classes

from minidl import Tensor, nn
from minidl.training import Objective
from minidl.training.measure import collect

RNG = np.random.default_rng(11)


def case(kind):
    """Return an objective, its rows and its prepared targets."""
    l2 = 0.1 if "l2" in kind else 0.0
    if kind.startswith("line"):
        model, loss, (X, y) = nn.mlp(2, 5, 1, seed=1), nn.MeanSquaredError(), line()
    elif kind.startswith("two"):
        model, loss, (X, y) = nn.mlp(2, 5, 1, seed=1), nn.BinaryCrossEntropy(), two_classes(40)
    else:
        model = nn.mlp(4, 5, 3, activation="silu", seed=1)
        loss, (X, y) = nn.SoftmaxCrossEntropy(), three_classes(40)
    t = loss.prepare(y, model(X).shape)
    return Objective(model, loss, l2), X, t


KINDS = ["line", "two classes", "three classes", "line l2", "three classes l2"]


def value_at(objective, point, X, t):
    """Return the loss at a point, by another way: put it into the model and measure."""
    kept = objective.vector.value.copy()
    objective.vector.set(point)
    try:
        return objective.measure(X, t)["loss"]
    finally:
        objective.vector.set(kept)


@pytest.mark.parametrize("kind", KINDS)
def test_value_and_gradient_at_any_point_are_those_of_finite_differences(kind):
    objective, X, t = case(kind)
    point = objective.vector.value + RNG.normal(size=objective.vector.size)
    gradient = objective.gradient(point, X, t).copy()
    assert objective.value == pytest.approx(value_at(objective, point, X, t), rel=1e-12)
    h = 1e-5
    for i in range(len(point)):
        ahead, behind = (point + s * h * (np.arange(len(point)) == i) for s in (1, -1))
        slope = value_at(objective, ahead, X, t) - value_at(objective, behind, X, t)
        assert gradient[i] == pytest.approx(slope / (2 * h), rel=1e-6, abs=1e-8)


@pytest.mark.parametrize("kind", KINDS)
def test_gradient_at_the_models_own_vector_is_that_at_an_equal_point(kind):
    objective, X, t = case(kind)
    here = objective.gradient(objective.vector.value, X, t).copy()
    value = objective.value
    there = objective.gradient(objective.vector.value.copy(), X, t)
    assert_array_equal(here, there)
    assert objective.value == value


def test_models_vector_and_the_point_are_the_same_before_and_after():
    objective, X, t = case("two classes")
    vector, point = objective.vector.value, RNG.normal(size=objective.vector.size)
    before, given = vector.copy(), point.copy()
    objective.gradient(point, X, t)
    objective.gradient(vector, X, t)
    objective.measure(X, t)
    assert objective.vector.value is vector
    assert_array_equal(vector, before)
    assert_array_equal(point, given)


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError])
def test_models_vector_is_the_same_when_an_error_is_raised_inside(error):
    class Fails(nn.Layer):
        def forward(self, x, training=False):
            raise error

    objective = Objective(nn.Sequential(nn.Dense(2, 1), Fails(), seed=0), nn.MeanSquaredError())
    before = objective.vector.value.copy()
    with pytest.raises(error):
        objective.gradient(before + 1, np.ones((3, 2)), np.ones((3, 1)))
    assert_array_equal(objective.vector.value, before)


def test_models_vector_is_the_same_when_the_point_does_not_fit():
    objective, X, t = case("line")
    before = objective.vector.value.copy()
    with pytest.raises(ValueError, match="broadcast"):
        objective.gradient(np.ones(4), X, t)
    assert_array_equal(objective.vector.value, before)


def test_gradients_do_not_accumulate_over_calls():
    objective, X, t = case("line l2")
    first = objective.gradient(objective.vector.value, X, t).copy()
    assert_array_equal(objective.gradient(objective.vector.value, X, t), first)


def test_l2_adds_strength_times_weights_and_nothing_for_biases():
    plain, X, t = case("line")
    penalised, _, _ = case("line l2")
    w = plain.vector.value.copy()
    w[10:15] = 3.0  # the biases of the first layer
    weights = np.array([1.0] * 10 + [0.0] * 5 + [1.0] * 5 + [0.0]) * w
    more = penalised.gradient(w, X, t) - plain.gradient(w, X, t)
    assert_allclose(more, 0.1 * weights, rtol=0, atol=1e-14)
    assert penalised.value - plain.value == pytest.approx(0.05 * weights @ weights, rel=1e-12)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("chunk", [1, 7, 39, 40])
def test_measuring_in_chunks_equals_measuring_the_whole(kind, chunk, monkeypatch):
    objective, X, t = case(kind)
    whole = objective.measure(X, t)
    monkeypatch.setattr("minidl.training.measure.CHUNK", chunk)
    assert objective.measure(X, t) == pytest.approx(whole, rel=1e-13)


def test_measuring_leaves_the_gradient_alone():
    objective, X, t = case("two classes")
    before = objective.gradient(objective.vector.value, X, t).copy()
    objective.measure(X[:5], t[:5])
    assert_array_equal(objective.vector.grad, before)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("size", [1, 7, 32, 40])
def test_batch_gradients_weighted_by_their_rows_sum_to_the_full_gradient(kind, size):
    objective, X, t = case(kind)
    point = objective.vector.value + 0.3
    full = objective.gradient(point, X, t).copy()
    total, value = np.zeros_like(full), 0.0
    for start in range(0, len(X), size):
        rows = slice(start, start + size)
        share = len(X[rows]) / len(X)
        total += share * objective.gradient(point, X[rows], t[rows])
        value += share * objective.value
    assert_allclose(total, full, rtol=0, atol=1e-14)
    objective.gradient(point, X, t)
    assert value == pytest.approx(objective.value, rel=1e-13)


def test_accuracy_is_measured_for_classes_only():
    for kind in KINDS:
        objective, X, t = case(kind)
        expected = {"loss"} if kind.startswith("line") else {"loss", "accuracy"}
        assert set(objective.measure(X, t)) == expected


def test_collected_gradients_replace_what_was_there() -> None:
    used, idle, frozen = nn.Parameter([1.0, 2.0]), nn.Parameter([3.0]), nn.Parameter([4.0])
    vector = nn.ParameterVector([("used", used), ("idle", idle), ("frozen", frozen)])
    frozen.requires_grad = False
    other = Tensor([1.0, 1.0], requires_grad=True)
    for _ in range(2):
        vector.grad[...] = 7.0
        collect((used * used * other + frozen).sum(), vector)
        assert vector.grad.tolist() == [2.0, 4.0, 0.0, 0.0]
    assert other.grad is None


def test_collected_gradients_of_replicas_are_those_of_each() -> None:
    weight, bias = nn.Parameter([[1.0], [2.0]]), nn.Parameter([0.5])
    vector = nn.ParameterVector([("weight", weight), ("bias", bias)], replicas=3)
    vector.value[1] = 0.0
    collect((weight * weight).sum(axis=(1, 2)) + bias.sum(axis=(1, 2)), vector)
    assert vector.grad.tolist() == [[2.0, 4.0, 1.0], [0.0, 0.0, 1.0], [2.0, 4.0, 1.0]]
