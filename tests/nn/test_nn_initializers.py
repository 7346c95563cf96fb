"""Initial weights: their distributions, the defaults, the seeds and the names."""

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from minidl import errors, nn
from minidl.nn import initializers
from minidl.streams import stream

SHAPE = (300, 200)
# Variance by name; the fans are 300 in and 200 out, so no two formulas give the same.
VARIANCE = {"glorot": 2 / 500, "he": 2 / 300, "lecun": 1 / 300}
FAMILIES = sorted(VARIANCE)
# With N = 60,000 draws the sample variance has a relative deviation of sqrt((k - 1) / N), k the
# kurtosis: 0.0037 for the uniform (1.8) and 0.0058 for the normal (3). The bounds are 4 of them.
N = SHAPE[0] * SHAPE[1]
HE = {"relu", "leaky_relu", "elu", "gelu", "silu", "softplus", "mish", "celu", "relu6", "hardswish"}


def drawn(name: str, shape: tuple[int, int] = SHAPE, seed: int = 0) -> np.ndarray:
    """Return what the initializer of that name draws."""
    return nn.initializer(name)(shape, np.random.default_rng(seed))


@pytest.mark.parametrize("family", FAMILIES)
def test_uniform_fills_its_bounds_evenly(family: str) -> None:
    w, limit = drawn(f"{family}_uniform"), np.sqrt(3 * VARIANCE[family])
    assert w.shape == SHAPE
    assert np.abs(w).max() <= limit
    assert np.abs(w).max() > limit * (1 - 1e-3)  # missed with probability 0.999^60,000 = 1e-26
    assert abs(w.var() / VARIANCE[family] - 1) < 4 * np.sqrt(0.8 / N)
    assert stats.kstest(w.ravel(), "uniform", args=(-limit, 2 * limit)).pvalue > 1e-4


@pytest.mark.parametrize("family", FAMILIES)
def test_normal_has_its_variance_and_is_not_truncated(family: str) -> None:
    w, deviation = drawn(f"{family}_normal"), np.sqrt(VARIANCE[family])
    assert w.shape == SHAPE
    assert abs(w.var() / VARIANCE[family] - 1) < 4 * np.sqrt(2 / N)
    assert stats.kstest(w.ravel() / deviation, "norm").pvalue > 1e-4
    assert abs(np.mean(np.abs(w) > 2 * deviation) - 0.0455) < 4 * np.sqrt(0.0455 / N)


@settings(deadline=None, derandomize=True, max_examples=40)
@given(rows=st.integers(1, 20), columns=st.integers(1, 20), seed=st.integers(0, 99))
def test_orthogonal_has_orthonormal_rows_or_columns(rows: int, columns: int, seed: int) -> None:
    q = drawn("orthogonal", (rows, columns), seed)
    assert q.shape == (rows, columns)
    product = q.T @ q if rows >= columns else q @ q.T
    np.testing.assert_allclose(product, np.eye(min(rows, columns)), atol=1e-13)


def test_orthogonal_is_uniform_over_all_rotations_and_reflections() -> None:
    """Haar measure: each entry has mean 0, variance 1/n; QR alone fixes the signs, so it has not.

    A 2 x 2 orthogonal matrix is then an angle uniform on the circle, and a coin.
    """
    rng = np.random.default_rng(0)
    q = np.array([initializers.orthogonal((2, 2), rng) for _ in range(4000)])
    for column in (q[:, :, 0], q[:, :, 1]):
        angle = np.arctan2(column[:, 1], column[:, 0])
        assert stats.kstest(angle, "uniform", args=(-np.pi, 2 * np.pi)).pvalue > 1e-3
    assert abs(np.mean(np.linalg.det(q) > 0) - 0.5) < 4 * np.sqrt(0.25 / 4000)


def test_zeros_and_constants_fill() -> None:
    assert np.array_equal(drawn("zeros"), np.zeros(SHAPE))
    for text, value in [("constant:0.1", 0.1), ("Constant: -2", -2.0), ("constant:1e-3", 1e-3)]:
        assert np.array_equal(drawn(text), np.full(SHAPE, value))
    assert np.array_equal(nn.constant(3)((1, 2), np.random.default_rng(0)), [[3.0, 3.0]])


@pytest.mark.parametrize("text", ["constant", "constant:", "constant:a", "constant:nan"])
def test_constant_without_a_number_is_an_error(text: str) -> None:
    with pytest.raises(
        errors.ArgumentError, match=rf"{re.escape(repr(text))}.*for instance 'constant:0\.1'"
    ):
        nn.initializer(text)


@pytest.mark.parametrize("value", [float("inf"), float("nan"), "0.1", None, True])
def test_constant_that_is_not_a_finite_number_is_an_error(value: object) -> None:
    with pytest.raises(
        errors.ArgumentError, match=rf"^value must be .*, got {re.escape(repr(value))}"
    ):
        nn.constant(value)


def test_table_holds_every_exported_initializer() -> None:
    others = {"INITIALIZERS", "Initializer", "constant", "initializer"}
    assert set(nn.INITIALIZERS) == set(initializers.__all__) - others
    tested = {f"{family}_{kind}" for family in FAMILIES for kind in ("uniform", "normal")}
    assert set(nn.INITIALIZERS) == tested | {"orthogonal", "zeros"}
    assert set(initializers.__all__) <= set(nn.__all__)
    assert all(getattr(nn, name) is draw for name, draw in nn.INITIALIZERS.items())


def test_names_are_read_loosely_and_a_misspelt_one_gets_the_nearest() -> None:
    assert nn.initializer("He-Normal") is nn.initializer(" he normal ") is nn.he_normal
    assert nn.initializer(nn.zeros) is nn.zeros
    for wrong, nearest in [("he_norml", "he_normal"), ("ortogonal", "orthogonal")]:
        with pytest.raises(errors.UnknownNameError, match=f"Did you mean '{nearest}'"):
            nn.initializer(wrong)
        with pytest.raises(errors.UnknownNameError, match=f"Did you mean '{nearest}'"):
            nn.Dense(2, 1, initializer=wrong)
        with pytest.raises(errors.UnknownNameError, match=f"Did you mean '{nearest}'"):
            nn.Dense(2, 1, bias_initializer=wrong)
    with pytest.raises(errors.UnknownNameError):
        nn.initializer("zeros:1")


@pytest.mark.parametrize("name", nn.ACTIVATIONS)
@pytest.mark.parametrize("dropout", [0.0, 0.5])
def test_default_suits_the_activation_that_follows(name: str, dropout: float) -> None:
    model = nn.mlp(5, 4, 3, activation=name, dropout=dropout, seed=11)
    expected = "he_uniform" if name in HE else "lecun_normal" if name == "selu" else None
    last = len(model) - 1
    for i, shape, suited in [(0, (5, 4), expected), (last, (4, 3), None)]:
        draw = nn.INITIALIZERS[suited or "glorot_uniform"]
        assert np.array_equal(model[i].weight.data, draw(shape, stream(11, "initialization", i)))
        assert np.array_equal(model[i].bias.data, np.zeros(shape[1]))


def test_default_looks_past_dropout_and_not_past_another_layer() -> None:
    model = nn.Sequential(nn.Dense(2, 3), nn.Dropout(0.5), nn.ReLU(), nn.Dense(3, 3), seed=0)
    first = nn.he_uniform((2, 3), stream(0, "initialization", 0))
    assert np.array_equal(model[0].weight.data, first)
    last = nn.glorot_uniform((3, 3), stream(0, "initialization", 3))
    assert np.array_equal(model[3].weight.data, last)


def test_initializer_given_to_a_layer_is_its_own_and_not_that_of_its_neighbour() -> None:
    model = nn.Sequential(
        nn.Dense(2, 3), nn.Dense(3, 2, initializer="zeros"), nn.ReLU(), nn.Dense(2, 1), seed=0
    )
    assert np.array_equal(
        model[0].weight.data, nn.glorot_uniform((2, 3), stream(0, "initialization", 0))
    )
    assert np.array_equal(model[1].weight.data, np.zeros((3, 2)))


def test_seed_decides_the_weights_whatever_is_looked_at_first() -> None:
    looks = [
        lambda m: m.parameters,
        lambda m: m.summary(),
        lambda m: m[2].weight,
        lambda m: m.predict(np.zeros((1, 2))),
        lambda m: list(m[0].named_parameters()),
    ]
    values = []
    for look in looks:
        model = nn.mlp(2, 4, 1, activation="relu", seed=3)
        look(model)
        values.append(model.parameters.value)
    assert all(np.array_equal(value, values[0]) for value in values)
    assert not np.array_equal(
        nn.mlp(2, 4, 1, activation="relu", seed=4).parameters.value, values[0]
    )


def test_model_without_a_seed_says_which_one_it_drew() -> None:
    model = nn.mlp(2, 4, 1)
    assert model.summary()
    again = nn.mlp(2, 4, 1, seed=model.seed)
    assert np.array_equal(model.parameters.value, again.parameters.value)


def test_models_without_a_seed_differ() -> None:
    assert not np.array_equal(nn.mlp(2, 4).parameters.value, nn.mlp(2, 4).parameters.value)
    assert not np.array_equal(nn.Dense(2, 4).weight.data, nn.Dense(2, 4).weight.data)


def test_adding_a_layer_leaves_those_before_it_alone() -> None:
    def layers() -> list[nn.Layer]:
        return [nn.Dense(3, 3), nn.Tanh(), nn.Dense(3, 3), nn.Tanh()]

    short = nn.Sequential(layers(), seed=0)
    long = nn.Sequential(*layers(), nn.Dense(3, 3), seed=0)
    wide = nn.Sequential(nn.Dense(3, 3, bias_initializer="he_normal"), *layers()[1:], seed=0)
    for i in (0, 2):
        assert np.array_equal(short[i].weight.data, long[i].weight.data)
        assert np.array_equal(short[i].weight.data, wide[i].weight.data)
    assert not np.allclose(long[0].weight.data, long[2].weight.data)
    assert not np.allclose(long[2].weight.data, long[4].weight.data)


def test_seed_of_a_layer_goes_before_that_of_the_model_at_any_place() -> None:
    alone = nn.Dense(3, 3, seed=5).weight.data
    assert np.array_equal(alone, nn.glorot_uniform((3, 3), stream(5, "initialization")))
    for model in (
        nn.Sequential(nn.Dense(3, 3, seed=5), seed=0),
        nn.Sequential(nn.Dense(2, 3), nn.Tanh(), nn.Dense(3, 3, seed=5), seed=1),
    ):
        assert np.array_equal(model[len(model) - 1].weight.data, alone)


def test_own_function_is_called_with_shape_and_generator() -> None:
    def diagonal(shape: tuple[int, ...], generator: np.random.Generator) -> np.ndarray:
        return np.eye(*shape) * generator.random()

    layer = nn.Dense(2, 3, initializer=diagonal, seed=0)
    assert np.array_equal(layer.weight.data, np.eye(2, 3) * stream(0, "initialization").random())
    for wrong in (lambda shape, generator: 0.0, lambda shape, generator: np.zeros(shape[::-1])):
        with pytest.raises(errors.ShapeError, match=r"another shape.*expected shape \(2, 3\)"):
            nn.Dense(2, 3, initializer=wrong)


def test_biases_are_zero_unless_asked_otherwise() -> None:
    assert np.array_equal(nn.Dense(2, 3).bias.data, np.zeros(3))
    assert np.array_equal(nn.Dense(2, 3, bias_initializer="constant:0.1").bias.data, [0.1] * 3)
    assert nn.Dense(2, 3, bias_initializer="he_normal", seed=0).bias.shape == (3,)
