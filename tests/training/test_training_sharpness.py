"""The largest eigenvalue of the Hessian: exact where it is known, and where training drives it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from minidl import Trainer, datasets, errors, nn, no_grad, optim, sharpness
from minidl.training import Objective

random = np.random.default_rng(0)
X = random.normal(size=(30, 4)) * [3.0, 1.0, 0.5, 0.1]


def dense_hessian(model: nn.Layer, loss: nn.Loss, t: Any, l2: float = 0.0) -> Any:
    """Differences of the gradient of the objective over four points: no second derivative."""
    objective, w = Objective(model, loss, l2), model.parameters.value.copy()
    rows, h = [], 1e-3
    for unit in np.eye(len(w)):
        slope = np.zeros(len(w))
        for factor, distance in ((8, h), (-8, -h), (-1, 2 * h), (1, -2 * h)):
            slope += factor * objective.gradient(w + distance * unit, X, t) / (12 * h)
        rows.append(slope)
    H = np.array(rows)
    return (H + H.T) / 2


@pytest.mark.parametrize("outputs", [1, 3])
@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("l2", [0.0, 0.7])
def test_of_a_linear_model_it_is_that_of_the_data(outputs: int, bias: bool, l2: float) -> None:
    """Mean over all outputs: H = 2 X'X / (n outputs) for each output, with a column for a bias."""
    model = nn.Dense(4, outputs, bias=bias, seed=1)
    columns = np.c_[X, np.ones(30)] if bias else X
    H = 2 * columns.T @ columns / (30 * outputs)
    H += l2 * np.diag([1.0] * 4 + [0.0] * bias)
    found = sharpness(model, "mse", X, np.zeros((30, outputs)), l2=l2)
    assert_allclose(found.value, np.linalg.eigvalsh(H)[-1], rtol=1e-12)
    assert float(found) == found.value
    assert found.residual < 1e-7 * found.value
    assert found.products < 60


@pytest.mark.parametrize("activation", ["tanh", "softplus", "relu"])
@pytest.mark.parametrize("l2", [0.0, 0.3])
def test_it_equals_the_largest_eigenvalue_of_differences_of_gradients(
    activation: str, l2: float
) -> None:
    model = nn.mlp(4, 6, 5, 1, activation=activation, seed=2)
    t = np.sign(X[:, :1])
    H = dense_hessian(model, nn.MeanSquaredError(), t, l2)
    found = sharpness(model, nn.MeanSquaredError(), X, t, l2=l2)
    assert_allclose(found.value, np.linalg.eigvalsh(H)[-1], rtol=1e-6)
    assert_allclose(H @ found.vector, found.value * found.vector, atol=1e-5 * found.value)
    assert_allclose(np.linalg.norm(found.vector), 1, rtol=1e-12)


def test_classes_and_softmax_have_one_too() -> None:
    model = nn.mlp(4, 5, 3, seed=0)
    classes = random.integers(0, 3, 30)
    H = dense_hessian(model, nn.SoftmaxCrossEntropy(), classes)
    found = sharpness(model, "cross_entropy", X, classes)
    assert_allclose(found.value, np.linalg.eigvalsh(H)[-1], rtol=1e-6)


def test_it_is_the_rightmost_eigenvalue_not_the_largest_in_size() -> None:
    """Of the mean of -p^2 every eigenvalue is negative, and the largest is the smallest in size."""

    class Falling(nn.Loss):
        def mean(self, outputs: Any, targets: Any) -> Any:
            return -(outputs * outputs).mean()

    model = nn.Dense(4, 1, bias=False, seed=0)
    found = sharpness(model, Falling(), X, np.zeros((30, 1)))
    assert_allclose(found.value, np.linalg.eigvalsh(-2 * X.T @ X / 30)[-1], rtol=1e-6)
    assert found.value < 0


@pytest.mark.parametrize("features", [1, 2])
def test_one_and_two_parameters_are_enough(features: int) -> None:
    model = nn.Dense(features, 1, bias=False, seed=0)
    found = sharpness(model, "mse", X[:, :features], np.zeros((30, 1)))
    H = 2 * X[:, :features].T @ X[:, :features] / 30
    assert_allclose(found.value, np.linalg.eigvalsh(H)[-1], rtol=1e-12)


def test_a_loss_without_curvature_has_sharpness_zero() -> None:
    class Flat(nn.Loss):
        def mean(self, outputs: Any, targets: Any) -> Any:
            return outputs.mean()

    found = sharpness(nn.Dense(4, 1, seed=0), Flat(), X, np.zeros((30, 1)))
    assert (found.value, found.residual) == (0.0, 0.0)


def test_the_model_is_left_as_it_was_and_the_answer_repeats() -> None:
    model = nn.mlp(4, 8, 1, dropout=0.5, seed=3)
    w, g = model.parameters.value.copy(), model.parameters.grad.copy()
    once, again = (sharpness(model, "mse", X, X[:, :1]) for _ in range(2))
    assert once.value == again.value
    assert_array_equal(once.vector, again.vector)
    assert_array_equal(model.parameters.value, w)
    assert_array_equal(model.parameters.grad, g)
    other = sharpness(model, "mse", X, X[:, :1], seed=5)
    assert_allclose(other.value, once.value, rtol=1e-7)


def test_float32_models_have_one_to_their_precision() -> None:
    fine = nn.mlp(4, 6, 1, seed=2)
    coarse = nn.mlp(4, 6, 1, seed=2, dtype=np.float32)
    expected = sharpness(fine, "mse", X, X[:, :1])
    assert_allclose(sharpness(coarse, "mse", X, X[:, :1]).value, expected.value, rtol=1e-4)


def test_invalid_arguments_raise() -> None:
    model = nn.mlp(4, 6, 1, seed=2)
    with pytest.raises(errors.DataError, match="differ in length"):
        sharpness(model, "mse", X, X[:5, :1])
    with pytest.raises(errors.UnknownNameError, match="mean_squared_error"):
        sharpness(model, "mes", X, X[:, :1])
    with pytest.raises(errors.ArgumentError, match="tolerance"):
        sharpness(model, "mse", X, X[:, :1], tolerance=0)
    model.parameters.value[0] = np.nan
    with pytest.raises(errors.NonFiniteError, match="the gradient"), np.errstate(all="ignore"):
        sharpness(model, "mse", X, X[:, :1])


def test_without_a_graph_it_is_an_error_and_not_zero() -> None:
    with no_grad(), pytest.raises(errors.GraphError, match="outside of no_grad"):
        sharpness(nn.mlp(4, 6, 1, seed=2), "mse", X, X[:, :1])


def test_a_hessian_that_is_not_finite_raises() -> None:
    class Steep(nn.Loss):
        """Of |p|^1.5, whose second derivative at 0 is infinite and whose first is 0."""

        def mean(self, outputs: Any, targets: Any) -> Any:
            return (abs(outputs) ** 1.5).mean()

    model = nn.Dense(4, 1, bias=False, initializer="zeros")
    with pytest.raises(errors.NonFiniteError, match="Hessian"), np.errstate(all="ignore"):
        sharpness(model, Steep(), X, np.zeros((30, 1)))


@pytest.mark.parametrize("bad", [-1, True, 1.5])
def test_a_seed_must_be_a_count(bad: Any) -> None:
    with pytest.raises(errors.ArgumentError, match=f"^seed must be .*, got {bad}"):
        sharpness(nn.mlp(4, 6, 1, seed=2), "mse", X, X[:, :1], seed=bad)


def test_a_model_must_be_a_layer() -> None:
    not_a_model: Any = "mlp"
    with pytest.raises(errors.ArgumentError, match=r"model is not a layer.*'mlp'"):
        sharpness(not_a_model, "mse", X, X[:, :1])


def test_the_true_eigenvalue_is_within_the_residual_at_any_tolerance() -> None:
    model = nn.mlp(4, 12, 5, 1, activation="tanh", seed=2)
    t = np.sign(X[:, :1])
    true = sharpness(model, "mse", X, t, tolerance=1e-12).value
    for tolerance in (0.3, 1e-2, 1e-4):
        found = sharpness(model, "mse", X, t, tolerance=tolerance)
        assert abs(found.value - true) <= found.residual + 1e-12 * true
        assert found.residual <= tolerance * found.value


M = 0.9
METHODS = {
    "gradient descent": (optim.GradientDescent, (), 2.0),
    "momentum": (optim.Momentum, (M,), 2 * (1 + M)),
    "NAG": (optim.NAG, (M,), 2 * (1 + M) / (1 + 2 * M)),
}


@pytest.mark.parametrize("name", METHODS)
def test_full_batch_training_rises_to_the_stability_limit(name: str) -> None:
    """The numbers of examples/07: the limit is 20 for each method at its own learning rate."""
    kind, more, limit = METHODS[name]
    data = datasets.load("moons", seed=0)
    rows, t = data.X_train[:200], 2.0 * data.y_train[:200, None] - 1.0
    model = nn.mlp(2, 16, 16, 1, activation="tanh", seed=1)
    optimizer = kind(limit / 20, *more)
    trainer = Trainer(model, loss="mse", optimizer=optimizer, batch_size="full", measure_every=0)
    assert sharpness(model, "mse", rows, t).value / 20 == pytest.approx(0.62, abs=0.005)
    trainer.fit(rows, t, epochs=3000)
    late = []
    for _ in range(4):
        trainer.fit(rows, t, epochs=250)
        late.append(sharpness(model, "mse", rows, t, tolerance=1e-6).value / 20)
    assert np.mean(late) == pytest.approx(1, abs=0.005 if name == "gradient descent" else 0.1)


def test_with_weights_it_is_that_of_repeated_rows() -> None:
    """By hand, H = 2 sum(s x x') / sum(s); through a network, the rows are repeated."""
    s = np.random.default_rng(2).integers(0, 4, 30)
    H = 2 * (X.T * s) @ X / s.sum()
    found = sharpness(nn.Dense(4, 1, bias=False), "mse", X, np.zeros(30), sample_weight=s)
    assert_allclose(found.value, np.linalg.eigvalsh(H)[-1], rtol=1e-12)
    y, network = (X[:, 0] > 1).astype(int), nn.mlp(4, 3, 1, seed=0)
    weights = {"class_weight": {1: 3}, "l2": 0.1}
    ours = sharpness(network, "bce", X, y, sample_weight=s, **weights)  # type: ignore[arg-type]
    times = s * np.where(y, 3, 1)
    theirs = sharpness(network, "bce", np.repeat(X, times, axis=0), np.repeat(y, times), l2=0.1)
    assert_allclose(ours.value, theirs.value, rtol=1e-9)
