"""Dropout: its expectation, its switches, its random numbers."""

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minidl import Tensor, errors, nn

ONES = np.ones((200, 500))


@settings(deadline=None, derandomize=True, max_examples=20)
@given(rate=st.floats(0.05, 0.95), seed=st.integers(0, 1000))
def test_elements_are_zero_with_the_rate_or_scaled_up_so_that_the_mean_stays(
    rate: float, seed: int
) -> None:
    out = nn.Dropout(rate)(ONES, training=np.random.default_rng(seed))
    kept = out != 0
    np.testing.assert_allclose(out[kept], 1 / (1 - rate), rtol=1e-15)
    deviation = np.sqrt(rate * (1 - rate) / ONES.size)
    assert abs(np.mean(~kept) - rate) < 5 * deviation
    assert abs(out.mean() - 1) < 5 * deviation / (1 - rate)


def test_gradient_passes_where_the_value_did() -> None:
    x = Tensor(np.full((4, 6), 3.0), requires_grad=True)
    y = nn.Dropout(0.5, seed=0)(x, training=True)
    y.sum().backward()
    assert 0 < np.sum(y.data == 0) < 24
    assert np.array_equal(x.grad, y.data / 3)


@pytest.mark.parametrize("training", [False, np.False_])
def test_outside_training_it_does_nothing(training: object) -> None:
    assert nn.Dropout(0.9)(ONES, training=training) is ONES
    assert nn.Dropout(0.9)(ONES) is ONES


def test_rate_zero_does_nothing_and_draws_nothing() -> None:
    generator = np.random.default_rng(0)
    assert nn.Dropout(0)(ONES, training=generator) is ONES
    assert generator.random() == np.random.default_rng(0).random()


def test_seed_decides_the_noise_and_each_call_has_new_noise() -> None:
    first, second, other = (nn.Dropout(0.5, seed=seed) for seed in (0, 0, 1))
    a = first(ONES, training=True)
    assert np.array_equal(a, second(ONES, training=True))
    assert not np.array_equal(a, other(ONES, training=True))
    assert not np.array_equal(a, first(ONES, training=np.True_))


def test_generator_given_as_training_is_used_instead_of_the_seed() -> None:
    outs = [nn.Dropout(0.5, seed=s)(ONES, training=np.random.default_rng(9)) for s in (0, 1)]
    assert np.array_equal(*outs)
    kept = np.random.default_rng(9).random(ONES.shape) >= 0.5
    assert np.array_equal(outs[0] != 0, kept)


def test_one_generator_serves_every_layer_of_a_model_in_turn() -> None:
    model = nn.Sequential(nn.Dropout(0.5), nn.Sequential(nn.Dropout(0.5)))
    generator = np.random.default_rng(3)
    keep = [generator.random(ONES.shape) >= 0.5 for _ in range(2)]
    out = model(ONES, training=np.random.default_rng(3))
    assert np.array_equal(out, 4.0 * (keep[0] & keep[1]))


def test_dropout_of_a_model_follows_its_seed_and_differs_from_layer_to_layer() -> None:
    models = [nn.mlp(2, 8, 8, 8, 1, dropout=0.5, seed=seed) for seed in (0, 0, 1)]
    noise = [
        [layer(ONES, training=True) for layer in model if isinstance(layer, nn.Dropout)]
        for model in models
    ]
    assert len(noise[0]) == 3
    for k in range(3):
        assert np.array_equal(noise[0][k], noise[1][k])
        assert not np.array_equal(noise[0][k], noise[2][k])
        assert not np.array_equal(noise[0][k], noise[0][k - 1])


def test_dropout_with_its_own_seed_keeps_it_inside_a_model() -> None:
    model = nn.Sequential(nn.Dropout(0.5, seed=4), seed=0)
    alone = nn.Dropout(0.5, seed=4)
    assert np.array_equal(model(ONES, training=True), alone(ONES, training=True))


def test_integers_are_dropped_as_floats() -> None:
    out = nn.Dropout(0.5, seed=0)(np.full((3, 40), 2), training=True)
    assert set(np.unique(out)) == {0.0, 4.0}


@pytest.mark.parametrize("rate", [True, False, 1.0, 1, -0.1, float("nan"), "0.5", None, [0.5]])
def test_rate_outside_0_to_1_is_an_error(rate: object) -> None:
    with pytest.raises(
        errors.ArgumentError, match=rf"^rate must be .*, got {re.escape(repr(rate))}"
    ):
        nn.Dropout(rate)
    for sizes in ((2, 3, 1), (2, 1)):  # without a hidden layer, too
        with pytest.raises(
            errors.ArgumentError, match=rf"^dropout must be .*, got {re.escape(repr(rate))}"
        ):
            nn.mlp(*sizes, dropout=rate)


def test_seed_that_is_not_a_natural_number_is_an_error() -> None:
    for seed in (-1, 0.5, "a", True):
        with pytest.raises(
            errors.ArgumentError, match=rf"^seed must be .*, got {re.escape(repr(seed))}"
        ):
            nn.Dropout(0.5, seed=seed)


def test_model_is_stochastic_if_a_layer_in_it_is() -> None:
    assert nn.Sequential(nn.Dense(1, 1), nn.Sequential(nn.Dropout(0.5))).stochastic
    assert not nn.Sequential(nn.Dense(1, 1), nn.Sequential(nn.Tanh())).stochastic
