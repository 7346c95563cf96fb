"""Losses: values and gradients against formulas written another way, and at extreme logits."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import special

from minidl import Tensor, nn

RNG = np.random.default_rng(5)


def huber(p: np.ndarray, t: np.ndarray, delta: float) -> np.ndarray:
    """Return Huber's loss, by cases."""
    e = np.abs(p - t)
    return np.where(e <= delta, e**2 / 2, delta * (e - delta / 2))


def focal(z: np.ndarray, s: np.ndarray, gamma: float, alpha: float) -> np.ndarray:
    """Return the focal loss from probabilities, as in its equation 5."""
    p = special.expit(z)
    ones = -alpha * (1 - p) ** gamma * np.log(p)
    return np.where(s > 0, ones, -(1 - alpha) * p**gamma * np.log(1 - p))


def divergence(z: np.ndarray, q: np.ndarray) -> np.ndarray:
    """Return the relative entropy of each row, from SciPy."""
    return special.rel_entr(q, special.softmax(z, axis=-1)).sum(-1)


def cross_entropy(z: np.ndarray, t: np.ndarray) -> np.ndarray:
    """Return -log of the probability of each target, from SciPy."""
    q = np.eye(z.shape[-1])[t.astype(int)] if t.ndim < z.ndim else t
    return -(q * special.log_softmax(z, axis=-1)).sum(-1)


def binary(z: np.ndarray, t: np.ndarray) -> np.ndarray:
    """Return the cross-entropy of probabilities, from SciPy."""
    return -(t * special.log_expit(z) + (1 - t) * special.log_expit(-z))


FORMULAS = {  # loss -> (loss, per-sample formula, kind of targets)
    "mean_squared_error": (nn.MeanSquaredError(), lambda p, t: (p - t) ** 2, "real"),
    "mean_absolute_error": (nn.MeanAbsoluteError(), lambda p, t: np.abs(p - t), "real"),
    "huber": (nn.Huber(0.5), lambda p, t: huber(p, t, 0.5), "real"),
    "smooth_l1": (nn.SmoothL1(0.5), lambda p, t: huber(p, t, 0.5) / 0.5, "real"),
    "poisson": (nn.Poisson(), lambda z, t: np.exp(z) - t * z, "count"),
    "focal": (nn.Focal(1.5, 0.3), lambda z, s: focal(z, s, 1.5, 0.3), "sign"),
    "kl_divergence": (nn.KLDivergence(), divergence, "distribution"),
    "hinge": (nn.Hinge(), lambda z, s: np.clip(1 - s * z, 0, None), "sign"),
    "binary_cross_entropy": (nn.BinaryCrossEntropy(), binary, "probability"),
    "softmax_cross_entropy": (nn.SoftmaxCrossEntropy(), cross_entropy, "class"),
}


def draw_targets(kind: str, shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """Return targets of a kind for outputs of a shape."""
    return {
        "real": lambda: rng.standard_normal(shape),
        "sign": lambda: rng.choice([-1.0, 1.0], shape),
        "probability": lambda: rng.random(shape),
        "count": lambda: rng.poisson(1.5, shape).astype(float),
        "distribution": lambda: rng.dirichlet(np.ones(shape[-1]), shape[:-1]),
        "class": lambda: rng.integers(0, shape[-1], shape[:-1]),
    }[kind]()


def drawn(kind: str, columns: int) -> int:
    """Return a number of columns for outputs: of one class there is no cross-entropy."""
    return max(columns, 2) if kind in ("class", "distribution") else columns


def value_and_gradient(loss: nn.Loss, z: np.ndarray, t: object) -> tuple[np.ndarray, np.ndarray]:
    """Return the loss and the gradient of its sum with respect to the outputs."""
    x = Tensor(z, requires_grad=True)
    value = loss(x, t)
    value.sum().backward()
    return value.data, x.grad


def test_every_exported_loss_has_a_formula_here() -> None:
    assert set(FORMULAS) == set(nn.LOSSES)


@pytest.mark.parametrize("name", FORMULAS)
@settings(deadline=None, derandomize=True, max_examples=25)
@given(n=st.integers(1, 7), columns=st.integers(1, 4), seed=st.integers(0, 999))
def test_loss_is_the_mean_of_its_formula_over_samples_and_columns(
    name: str, n: int, columns: int, seed: int
) -> None:
    loss, formula, kind = FORMULAS[name]
    rng = np.random.default_rng(seed)
    z = 3 * rng.standard_normal((n, drawn(kind, columns)))
    t = draw_targets(kind, z.shape, rng)
    assert loss(Tensor(z), t).shape == ()
    np.testing.assert_allclose(loss(Tensor(z), t).item(), formula(z, t).mean(), rtol=1e-12)
    assert loss(z, t) == loss(Tensor(z), Tensor(t)).item() == loss(z.tolist(), t.tolist())


@pytest.mark.parametrize("name", FORMULAS)
def test_gradient_is_that_of_the_formula(name: str) -> None:
    """By central differences of the formula, in every coordinate."""
    loss, formula, kind = FORMULAS[name]
    z = 2 * RNG.standard_normal((6, 3))
    t = draw_targets(kind, z.shape, RNG)
    expected = np.empty_like(z)
    for at in np.ndindex(z.shape):
        h = np.zeros_like(z)
        h[at] = 1e-6
        expected[at] = (formula(z + h, t).mean() - formula(z - h, t).mean()) / 2e-6
    np.testing.assert_allclose(value_and_gradient(loss, z, t)[1], expected, atol=1e-9)


@pytest.mark.parametrize("name", FORMULAS)
@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize("columns", [1, 4])
def test_loss_of_replicas_is_the_loss_of_each(name: str, shared: bool, columns: int) -> None:
    loss, _, kind = FORMULAS[name]
    z = RNG.standard_normal((3, 5, drawn(kind, columns)))
    t = draw_targets(kind, z.shape[1:] if shared else z.shape, RNG)
    values, gradients = value_and_gradient(loss, z, t)
    assert values.shape == (3,)
    for k in range(3):
        value, gradient = value_and_gradient(loss, z[k], t if shared else t[k])
        assert values[k] == pytest.approx(value, rel=1e-14)
        np.testing.assert_allclose(gradients[k], gradient, rtol=1e-13)


def test_binary_cross_entropy_is_exact_and_silent_at_extreme_logits() -> None:
    z = np.array([[1e4], [-1e4], [1e4], [-1e4], [800.0], [-800.0]])
    t = np.array([[1.0], [0.0], [0.0], [1.0], [0.25], [0.25]])
    each = np.array([0.0, 0.0, 1e4, 1e4, 600.0, 200.0])
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        value, gradient = value_and_gradient(nn.BinaryCrossEntropy(), z, t)
        assert [nn.BinaryCrossEntropy()(z[[i]], t[[i]]) for i in range(6)] == each.tolist()
    assert value == each.mean()
    assert np.array_equal(gradient[:, 0], np.array([0, 0, 1, -1, 0.75, -0.25]) / 6)


def test_softmax_cross_entropy_is_exact_and_silent_at_extreme_logits() -> None:
    z = np.array([[1e4, -1e4, -1e4], [1e4, -1e4, -1e4], [1e4, 1e4, -1e4], [-1e4, -1e4, -1e4]])
    t = np.array([0, 1, 0, 2])
    each = np.array([0.0, 2e4, np.log(2), np.log(3)])
    p = np.array([[1, 0, 0], [1, 0, 0], [0.5, 0.5, 0], [1 / 3, 1 / 3, 1 / 3]])
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        for targets in (t, np.eye(3)[t]):
            value, gradient = value_and_gradient(nn.SoftmaxCrossEntropy(), z, targets)
            assert value == pytest.approx(each.mean(), rel=1e-15)
            np.testing.assert_allclose(gradient, (p - np.eye(3)[t]) / 4, rtol=1e-15)


@pytest.mark.parametrize(
    "name", ["huber", "smooth_l1", "hinge", "mean_squared_error", "mean_absolute_error"]
)
def test_other_losses_are_finite_and_silent_at_extreme_outputs(name: str) -> None:
    loss, formula, _ = FORMULAS[name]
    z, t = np.array([[1e4], [-1e4], [1e4], [0.0]]), np.array([[1.0], [-1.0], [-1.0], [1.0]])
    with np.errstate(over="raise", invalid="raise", divide="raise", under="raise"):
        value, gradient = value_and_gradient(loss, z, t)
    assert value == formula(z, t).mean()
    assert np.all(np.isfinite(gradient))


@settings(deadline=None, derandomize=True, max_examples=60)
@given(z=hnp.arrays(float, (4, 3), elements=st.floats(-1e4, 1e4)), shift=st.floats(-1e4, 1e4))
def test_softmax_cross_entropy_does_not_change_when_all_logits_do(
    z: np.ndarray, shift: float
) -> None:
    t = np.array([0, 2, 1, 1])
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        value, gradient = value_and_gradient(nn.SoftmaxCrossEntropy(), z, t)
        moved = nn.SoftmaxCrossEntropy()(z + shift, t)
    assert moved == pytest.approx(value, rel=1e-9, abs=1e-9)
    np.testing.assert_allclose(gradient.sum(axis=1), 0, atol=1e-15)


def test_two_class_softmax_is_binary_cross_entropy_of_the_difference() -> None:
    z = RNG.standard_normal((6, 2)) * 50
    t = np.array([0, 1, 1, 0, 1, 0])
    two = nn.SoftmaxCrossEntropy()(z, t)
    assert two == pytest.approx(nn.BinaryCrossEntropy()(z[:, 1:] - z[:, :1], t), rel=1e-12)


def test_huber_joins_its_two_halves_at_delta() -> None:
    loss = nn.Huber(2.0)
    cases = [(1.0, 0.5, 1.0), (2.0, 2.0, 2.0), (5.0, 8.0, 2.0), (-5.0, 8.0, -2.0)]
    for error, value, slope in cases:
        assert value_and_gradient(loss, np.array([[error]]), [[0.0]]) == (value, [[slope]])
    z, t = RNG.standard_normal((2, 5, 1))
    halved = nn.MeanSquaredError()(z, t) / 2
    assert nn.Huber(1e6)(z, t) == pytest.approx(halved, rel=1e-14)


def test_gradient_at_a_kink_is_zero() -> None:
    assert value_and_gradient(nn.MeanAbsoluteError(), np.ones((1, 1)), [[1.0]]) == (0.0, [[0.0]])
    assert value_and_gradient(nn.Hinge(), np.ones((1, 1)), [1]) == (0.0, [[0.0]])


def penalized_model() -> nn.Sequential:
    """Return a network whose biases are far from zero."""
    model = nn.mlp(2, 4, 1, seed=0)
    model.parameters.value += 1.0
    return model


def test_l2_penalty_is_half_the_strength_times_the_squares_of_the_weights() -> None:
    model = penalized_model()
    squares = sum(np.sum(p.data**2) for p in model.parameters if p.ndim == 2)
    assert nn.L2Penalty(0.3)(model).item() == pytest.approx(0.15 * squares, rel=1e-14)
    assert nn.L2Penalty(0)(model).item() == 0


def test_both_forms_of_the_penalty_agree_and_leave_biases_alone() -> None:
    model, penalty = penalized_model(), nn.L2Penalty(0.3)
    vector = model.parameters
    value = penalty(model)
    value.backward()
    by_graph = vector.grad.copy()
    vector.grad[...] = 2.0
    assert penalty.add(vector) == pytest.approx(value.item(), rel=1e-14)
    np.testing.assert_allclose(vector.grad - 2.0, by_graph, rtol=1e-13, atol=1e-15)
    assert np.array_equal(by_graph != 0, vector.penalized)
    assert np.array_equal(by_graph[vector.penalized], 0.3 * vector.value[vector.penalized])


def test_penalty_of_a_model_without_weights_is_zero() -> None:
    assert nn.L2Penalty(1.0)(nn.Tanh()).item() == 0


@pytest.mark.parametrize("reduce", [float, np.float32])
def test_loss_keeps_the_dtype_of_the_outputs(reduce: type) -> None:
    for loss, _, kind in FORMULAS.values():
        z = RNG.standard_normal((4, 2)).astype(reduce)
        value, gradient = value_and_gradient(loss, z, draw_targets(kind, z.shape, RNG))
        assert value.dtype == gradient.dtype == np.dtype(reduce)
