"""Weights are drawn when a network is constructed: which numbers, and which are never lost."""

from __future__ import annotations

import copy
import pickle
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from minidl import nn
from minidl.errors import ArgumentError
from minidl.nn.sequential import unseeded
from minidl.streams import stream
from minidl.training import load_model

GOLDEN = Path(__file__).parent.parent / "golden"
sys.path.insert(0, str(GOLDEN))
import write_models  # noqa: E402

with np.load(GOLDEN / "initial_weights.npz") as file:
    EXPECTED = dict(file)
X = np.random.default_rng(3).standard_normal((6, 3))


@pytest.mark.parametrize("name", write_models.MODELS)
def test_a_seed_gives_the_numbers_of_earlier_versions(name: str) -> None:
    weights = write_models.MODELS[name]().parameters.value
    if name == "orthogonal":  # by LAPACK, whose last digit depends on the processor
        assert_allclose(weights, EXPECTED[f"{name} weights"], rtol=0, atol=1e-14)
    else:
        assert_array_equal(weights, EXPECTED[f"{name} weights"])


def test_dropout_draws_the_noise_of_earlier_versions() -> None:
    outputs = write_models.weights_and_outputs()
    assert set(outputs) == set(EXPECTED)
    for name in write_models.MODELS:
        expected, tolerance = EXPECTED[f"{name} outputs"], 1e-6 if name == "float32" else 1e-12
        assert_allclose(outputs[f"{name} outputs"], expected, rtol=tolerance, atol=tolerance)


def test_a_model_saved_by_an_earlier_version_loads() -> None:
    model = load_model(GOLDEN / "saved_model.npz")
    expected = write_models.saved()
    assert repr(model) == repr(expected)
    assert_array_equal(model.parameters.value, expected.parameters.value)
    assert_array_equal(model.predict(X), expected.predict(X))


def dense(**options: Any) -> nn.Dense:
    return nn.Dense(3, 3, bias_initializer="he_normal", **options)


def numbers(layer: nn.Layer) -> list[Any]:
    return [p.data.copy() for _, p in layer.named_parameters()]


def test_weights_are_drawn_when_a_layer_is_constructed() -> None:
    drawn: list[tuple[int, ...]] = []

    def initializer(shape: tuple[int, ...], generator: np.random.Generator) -> Any:
        drawn.append(shape)
        return generator.random(shape)

    layer = nn.Dense(3, 2, initializer=initializer, bias_initializer=initializer, seed=4)
    assert drawn == [(3, 2), (1, 2)]
    generator = stream(4, "initialization")
    assert_array_equal(layer.weight.data, generator.random((3, 2)))
    assert_array_equal(layer.bias.data, generator.random((1, 2))[0])
    nn.Sequential(layer, nn.Sequential(layer, seed=0), seed=1)
    assert len(drawn) == 2  # a seed of its own: never drawn again


def test_a_sequential_draws_layers_without_a_seed_from_its_own() -> None:
    layer = dense()
    first = numbers(layer)
    model = nn.Sequential(layer, nn.ReLU(), seed=0)
    generator = stream(0, "initialization", 0)
    assert_array_equal(layer.weight.data, nn.he_uniform((3, 3), generator))
    assert_array_equal(layer.bias.data, nn.he_normal((1, 3), generator)[0])
    assert not np.any(first[0] == layer.weight.data)
    assert model[0] is layer


@pytest.mark.parametrize("seed", [0, None])
@pytest.mark.parametrize("name", ["weight", "bias"])
def test_numbers_written_into_a_layer_are_kept_by_a_model(name: str, seed: int | None) -> None:
    layer = dense()
    other = "bias" if name == "weight" else "weight"
    getattr(layer, name).data[...] = 7.0
    before = getattr(layer, other).data.copy()
    nn.Sequential(nn.Sequential(layer, seed=seed), nn.Tanh(), seed=seed)
    assert np.all(getattr(layer, name).data == 7.0)
    assert not np.any(getattr(layer, other).data == before)


@pytest.mark.parametrize(
    "change", [lambda p: np.nextafter(p.data, 1, out=p.data), lambda p: p.data.sort()]
)
def test_the_smallest_change_of_a_weight_is_kept(change: Callable[[nn.Parameter], Any]) -> None:
    falling = np.arange(9.0)[::-1].reshape(3, 3) * 1e-9  # known, so that no draw can be sorted
    layer = nn.Dense(3, 3, initializer=lambda shape, generator: falling)
    change(layer.weight)
    before = layer.weight.data.copy()
    nn.Sequential(layer, seed=0)
    assert_array_equal(layer.weight.data, before)


def test_a_parameter_that_takes_the_place_of_another_is_kept() -> None:
    layer, tied = dense(), dense()
    layer.weight = nn.Parameter(np.ones((3, 3)))
    tied.weight = layer.weight
    model = nn.Sequential(layer, tied, seed=0)
    assert np.all(layer.weight.data == 1.0)
    assert model.parameters.names == ("0.weight", "0.bias", "1.bias")


def test_layers_of_a_model_with_a_seed_keep_their_weights_in_another() -> None:
    backbone = nn.mlp(3, 3, 3, dropout=0.5, seed=0)
    before = numbers(backbone)
    moved = nn.Sequential(*backbone.layers[:3], nn.Dense(3, 3), seed=1)
    assert_array_equal(moved[0].weight.data, before[0])
    assert_array_equal(nn.Sequential(backbone, seed=2).parameters.value[:9], before[0].ravel())
    twin = nn.mlp(3, 3, 3, dropout=0.5, seed=0)
    assert_array_equal(moved[2](X, training=True), twin[2](X, training=True))


def test_a_model_without_a_seed_is_drawn_again_by_a_model_around_it() -> None:
    inner = [nn.Sequential(nn.Dense(3, 3), nn.ReLU(), nn.Dropout(0.5)) for _ in range(2)]
    outer = [nn.Sequential(nn.Dense(3, 3), part, seed=6) for part in inner]
    assert_array_equal(
        inner[0][0].weight.data, nn.he_uniform((3, 3), stream(6, "initialization", 1, 0))
    )
    noise = stream(6, "dropout", 1, 2).random((6, 3)) >= 0.5
    assert_array_equal(inner[0][2](np.ones((6, 3)), training=True) != 0, noise)
    assert_array_equal(outer[0].parameters.value, outer[1].parameters.value)


def test_a_model_without_a_seed_has_fresh_weights_of_the_right_distribution() -> None:
    models = [nn.mlp(300, 200, 1, activation="relu") for _ in range(2)]
    weights = [model[0].weight.data for model in models]
    assert not np.any(weights[0] == weights[1])
    for model, w in zip(models, weights, strict=True):
        assert_array_equal(w, nn.he_uniform((300, 200), stream(model.seed, "initialization", 0)))
    again = nn.mlp(300, 200, 1, activation="relu", seed=models[0].seed)
    assert_array_equal(again[0].weight.data, weights[0])


def test_layers_packed_into_a_vector_keep_their_weights() -> None:
    model = nn.mlp(3, 3, 3)
    vector = model.parameters.value
    before = vector.copy()
    nn.Sequential(model[0], nn.ReLU(), seed=0)
    nn.Sequential(model, seed=0)
    assert_array_equal(vector, before)
    copied = copy.deepcopy(model)  # not packed, but its numbers are those of a packed model
    assert_array_equal(nn.Sequential(copied, seed=0).parameters.value, before)


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))])
def test_a_copy_is_drawn_again_exactly_if_the_original_would_be(copied: Any) -> None:
    fresh, changed, seeded = dense(), dense(), dense(seed=2)
    changed.weight.data[0, 0] = 7.0
    for layer, kept in ((fresh, False), (changed, True), (seeded, True)):
        twin = copied(layer)
        assert_array_equal(twin.weight.data, layer.weight.data)
        nn.Sequential(twin, seed=0)
        assert np.array_equal(twin.weight.data, layer.weight.data) == kept


def test_a_frozen_weight_stays_frozen_and_the_same_object() -> None:
    layer = dense()
    weight = layer.weight
    weight.requires_grad = False
    nn.Sequential(layer, seed=0)
    assert layer.weight is weight
    assert not weight.requires_grad
    assert_array_equal(weight.data, nn.glorot_uniform((3, 3), stream(0, "initialization", 0)))


def test_unseeded_tells_models_that_differ_from_call_to_call() -> None:
    for layer in (dense(), nn.mlp(2, 1), nn.Sequential(nn.Sequential(nn.Dense(2, 1)))):
        assert unseeded(layer)
        layer.parameters  # noqa: B018
        assert unseeded(layer)
    custom = write_models.Block()
    assert unseeded(custom)
    for layer in (dense(seed=0), nn.mlp(2, 1, seed=0), nn.Sequential(custom, seed=0), nn.Tanh()):
        assert not unseeded(layer)


# -- forward ---------------------------------------------------------------------------------------


class Doubled(nn.Tanh):
    def forward(self, x: Any, training: Any = False) -> Any:
        return 2 * super().forward(x, training)


class Forgetful(nn.Layer):
    def forward(self, x: Any, training: Any = False) -> Any:
        self.seen = x * 2


@pytest.mark.parametrize("layers", [[Forgetful()], [nn.Tanh(), Forgetful(), nn.Dense(3, 1)]])
def test_a_layer_that_forgets_to_return_is_named(layers: list[nn.Layer]) -> None:
    with pytest.raises(
        ArgumentError, match="the forward of Forgetful must return a Tensor: got None"
    ):
        nn.Sequential(layers, seed=0)(X)


def test_sequential_calls_the_forward_of_every_layer() -> None:
    plain = nn.Sequential(nn.Dense(3, 2), nn.Tanh(), seed=0)
    doubled = nn.Sequential(nn.Dense(3, 2), Doubled(), seed=0)
    assert_array_equal(doubled(X).data, 2 * plain(X).data)
    seen = []
    original = plain[0].forward
    plain[0].forward = lambda x, training=False: seen.append(x) or original(x, training)
    assert_array_equal(2 * plain(X).data, doubled(X).data)
    assert len(seen) == 1
