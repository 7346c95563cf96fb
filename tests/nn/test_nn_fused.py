"""A dense layer and its activation are one operation: the same bits, and every layer is called."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any
from unittest.mock import Mock

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from minidl import Tensor, nn, no_grad, ops
from minidl.errors import ArgumentError

X = np.random.default_rng(3).standard_normal((6, 3))


def made_by(result: Any) -> list[str]:
    """Return the names of the operations behind a result, the last first."""
    names = []
    while isinstance(result, Tensor) and result._node:
        operation, _, arguments, *_ = result._node
        names.append(operation.name)
        result = arguments[0]
    return names


def gradient_of(model: nn.Layer, x: Any) -> Any:
    model.zero_grad()
    (model(x) ** 2).sum().backward()
    return model.parameters.grad.copy()


class Apart(nn.Layer):
    """The same layers, called one by one."""

    def __init__(self, model: nn.Sequential) -> None:
        self.layers = list(model.layers)

    def forward(self, x: Any, training: Any = False) -> Any:
        for layer in self.layers:
            x = layer(x, training=training)
        return x


def build(activation: str, dtype: Any = np.float64) -> nn.Sequential:
    return nn.mlp(3, 5, 4, 2, activation=activation, seed=1, dtype=dtype)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("activation", ["tanh", "relu", "sigmoid"])
def test_outputs_and_gradients_are_those_of_the_layers_called_one_by_one(
    activation: str, dtype: Any
) -> None:
    model, apart = build(activation, dtype), Apart(build(activation, dtype))
    fused = f"dense_{activation}"
    assert made_by(model(X)) == ["dense", fused, fused]
    assert made_by(apart(X)) == ["dense", activation, "dense", activation, "dense"]
    assert_array_equal(model(X).data, apart(X).data)
    assert_array_equal(gradient_of(model, X), gradient_of(apart, X))
    with no_grad():
        assert_array_equal(model(X).data, apart(X).data)
    assert_array_equal(model.predict(X), apart.predict(X))


@pytest.mark.parametrize(
    ("layers", "operations"),
    [
        ([nn.Dense(3, 2, bias=False), nn.Tanh()], ["tanh", "linear"]),
        ([nn.Dense(3, 2), nn.Dense(2, 2), nn.ReLU()], ["dense_relu", "dense"]),
        ([nn.Dense(3, 2), nn.Softplus()], ["softplus", "dense"]),
        ([nn.Dense(3, 2), nn.Tanh(), nn.ReLU()], ["relu", "dense_tanh"]),
        ([nn.Dense(3, 2), nn.Dropout(0.5), nn.Tanh()], ["tanh", "dense"]),
        ([nn.Dense(3, 2), nn.Sequential(nn.Tanh(), nn.Dense(2, 1))], ["dense", "tanh", "dense"]),
        ([nn.Sequential(nn.Dense(3, 2), nn.Sigmoid())], ["dense_sigmoid"]),
    ],
)
def test_what_is_fused_and_what_is_not(layers: list[nn.Layer], operations: list[str]) -> None:
    model = nn.Sequential(layers, seed=0)
    assert made_by(model(X)) == operations
    apart = Apart(model)
    assert_array_equal(model(X).data, apart(X).data)


class Doubled(nn.Tanh):
    def forward(self, x: Any, training: Any = False) -> Any:
        return 2 * super().forward(x, training)


class Shifted(nn.Dense):
    def forward(self, x: Any, training: Any = False) -> Any:
        return super().forward(x, training) + 1


class Named(nn.Tanh):
    """The same in all but its name."""


def test_layers_of_ones_own_are_called_as_they_are_written() -> None:
    plain = nn.Sequential(nn.Dense(3, 2), nn.Tanh(), seed=0)(X).data
    doubled = nn.Sequential(nn.Dense(3, 2), Doubled(), seed=0)(X).data
    assert_array_equal(doubled, 2 * plain)
    z = nn.Sequential(nn.Dense(3, 2), seed=0)(X)
    assert_array_equal(nn.Sequential(Shifted(3, 2), nn.Tanh(), seed=0)(X).data, np.tanh(z.data + 1))
    assert made_by(nn.Sequential(nn.Dense(3, 2), Named(), seed=0)(X)) == ["dense_tanh"]


@pytest.mark.parametrize("position", [0, 1])
def test_a_forward_that_somebody_replaces_is_called(
    position: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = nn.Sequential(nn.Dense(3, 2), nn.Tanh(), seed=0)
    expected, seen = model(X).data, []
    layer: Any = model.layers[position]

    def spy(x: Any, training: Any = False) -> Any:
        seen.append(x)
        return original(x, training)

    original = layer.forward
    layer.forward = spy  # in one layer
    assert_array_equal(model(X).data, expected)
    assert len(seen) == 1
    del layer.forward

    whole = type(layer).forward
    monkeypatch.setattr(
        type(layer), "forward", lambda self, x, training=False: ops.add(whole(self, x), 1.0)
    )
    z = model.layers[0](X)
    assert_array_equal(model(X).data, model.layers[1](z).data)
    assert not np.array_equal(model(X).data, expected)


def test_stand_ins_for_a_layer_are_called() -> None:
    class Watched(nn.Tanh):
        def __getattribute__(self, name: str) -> Any:
            if name == "forward":
                asked.append(name)
            return super().__getattribute__(name)

    class Doubling(nn.Layer):
        forward = staticmethod(lambda x, training=False: 2 * x)

    asked: list[str] = []
    model: Any = nn.Sequential(nn.Dense(3, 2), nn.Tanh(), seed=0)
    expected, (dense, tanh) = model(X).data, model.layers
    mock = Mock(wraps=tanh)
    for stand_in in (mock, SimpleNamespace(forward=tanh.forward), Watched()):
        model.layers = (dense, stand_in)
        assert_array_equal(model(X).data, expected)
    mock.forward.assert_called_once()
    assert asked
    model.layers = (dense, Doubling())
    assert_array_equal(model(X).data, 2 * dense(X).data)
    other = nn.Dense(3, 2, seed=9)
    dense.forward = other.forward  # the method of another layer, with its weights
    model.layers = (dense, tanh)
    assert_array_equal(model(X).data, np.tanh(other(X).data))


class Forgetful(nn.Layer):
    def forward(self, x: Any, training: Any = False) -> Any:
        self.seen = x * 2


@pytest.mark.parametrize("layers", [[Forgetful()], [nn.Tanh(), Forgetful(), nn.Dense(3, 1)]])
def test_a_layer_that_forgets_to_return_is_named(layers: list[nn.Layer]) -> None:
    with pytest.raises(ArgumentError, match="the forward of Forgetful returned nothing"):
        nn.Sequential(layers, seed=0)(X)


def test_what_is_written_into_a_result_of_relu_does_not_change_its_slope() -> None:
    x = Tensor([1.0, -1.0], requires_grad=True)
    y = ops.relu(x)
    total = y.sum()
    y.data[...] = 0.0
    total.backward()
    assert_array_equal(x.grad, [1.0, 0.0])
