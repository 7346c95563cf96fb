"""One vector, many views: packing, what may be written, what may not, and copies."""

import copy
import pickle
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minidl import errors, nn
from minidl.nn.parameters import ParameterVector

X = np.array([[0.5, -1.0], [2.0, 0.25], [0.0, 3.0]])


class Tied(nn.Layer):
    """A layer and a parameter, each held under two names."""

    def __init__(self) -> None:
        self.gain = nn.Parameter([2.0], penalized=False)
        self.gain_again = self.gain
        self.first = nn.Dense(2, 2, seed=0)
        self.again = self.first

    def forward(self, x: object, training: nn.layer.Training = False) -> object:
        return self.again(self.first(x)) * self.gain


def model() -> nn.Sequential:
    """Return a small network, not packed yet."""
    return nn.mlp(2, 3, 1, activation="tanh", seed=0)


def test_vector_holds_the_parameters_in_definition_order() -> None:
    m = model()
    expected = np.concatenate([p.data.ravel() for _, p in m.named_parameters()])
    vector = m.parameters
    assert vector.names == ("0.weight", "0.bias", "2.weight", "2.bias")
    assert vector.shapes == ((2, 3), (3,), (3, 1), (1,))
    assert vector.size == 13
    assert np.array_equal(vector.value, expected)
    assert np.array_equal(vector.grad, np.zeros(13))
    assert repr(vector).startswith("ParameterVector(13: 0.weight (2, 3), 0.bias (3,)")


def test_every_parameter_is_a_view_into_value_and_gradient() -> None:
    vector = model().parameters
    vector.value[...] = np.arange(13.0)
    vector.grad[...] = -np.arange(13.0)
    assert np.array_equal(np.concatenate([p.data.ravel() for p in vector]), np.arange(13.0))
    assert np.array_equal(np.concatenate([p.grad.ravel() for p in vector]), -np.arange(13.0))
    for p in vector:
        assert np.shares_memory(p.data, vector.value)
        assert np.shares_memory(p.grad, vector.grad)


@settings(deadline=None, derandomize=True, max_examples=30)
@given(widths=st.lists(st.integers(1, 6), min_size=2, max_size=5))
def test_vector_of_any_network_is_its_layers_one_after_the_other(widths: list[int]) -> None:
    m = nn.mlp(*widths, seed=1)
    vector = m.parameters
    assert vector.size == sum((a + 1) * b for a, b in pairwise(widths))
    new = np.random.default_rng(0).standard_normal(vector.size)
    vector.set(new)
    assert np.array_equal(np.concatenate([vector[name].data.ravel() for name in vector.names]), new)
    assert len(vector) == len(list(vector)) == 2 * (len(widths) - 1)


def test_writing_into_a_parameter_shows_in_the_vector_and_in_the_output() -> None:
    m = model()
    vector = m.parameters
    before = m.predict(X)
    m[2].bias.data[...] = 7.0
    m[0].weight.data *= 1.0
    assert vector.value[-1] == 7.0
    np.testing.assert_allclose(m.predict(X), before + 7.0, rtol=1e-12)


@pytest.mark.parametrize("name", ["data", "grad"])
def test_rebinding_a_view_is_an_error_that_says_what_to_do(name: str) -> None:
    m = model()
    vector = m.parameters
    with pytest.raises(errors.GraphError, match=rf"Write into it instead: p\.{name}\[\.\.\.\]"):
        setattr(m[0].weight, name, np.zeros((2, 3)))
    assert np.shares_memory(m[0].weight.data, vector.value)
    assert np.shares_memory(m[0].weight.grad, vector.grad)


@pytest.mark.parametrize("name", ["value", "grad"])
def test_rebinding_an_array_of_the_vector_is_an_error_that_says_what_to_do(name: str) -> None:
    vector = model().parameters
    with pytest.raises(errors.GraphError, match=rf"instead: parameters\.{name}\[\.\.\.\]"):
        setattr(vector, name, np.zeros(13))
    vector.grad += 1.0
    vector.value -= vector.value
    assert np.array_equal(vector.grad, np.ones(13))
    assert np.array_equal(vector.value, np.zeros(13))


@pytest.mark.parametrize("state", ["new", "packed"])
@pytest.mark.parametrize("name", ["weight", "bias"])
def test_replacing_a_weight_by_an_array_is_an_error_at_any_time(name: str, state: str) -> None:
    layer = nn.Dense(2, 1)
    if state == "packed":
        assert layer.parameters.size == 3
    with pytest.raises(errors.GraphError, match=rf"layer\.{name}\.data\[\.\.\.\] = value"):
        setattr(layer, name, np.zeros(2))


def test_packed_parameter_cannot_be_replaced_by_another_parameter() -> None:
    m = Tied()
    with pytest.raises(
        errors.GraphError, match=r"^gain is a parameter .* layer\.gain\.data\[\.\.\.\]"
    ):
        m.gain = np.array([3.0])
    m.gain = m.gain_again = nn.Parameter([3.0])
    assert m.parameters.value[0] == 3.0
    with pytest.raises(errors.GraphError, match=r"layer\.gain\.data\[\.\.\.\] = value"):
        m.gain = nn.Parameter([1.0])
    with pytest.raises(errors.GraphError, match="vector and cannot be replaced"):
        m.first.weight = nn.Parameter(np.zeros((2, 2)))


def test_parameter_that_replaces_a_weight_is_kept_by_a_model() -> None:
    layer = nn.Dense(2, 3, bias_initializer="constant:0.5", seed=0)
    layer.weight = nn.Parameter(np.ones((2, 3)))
    assert np.array_equal(layer.bias.data, [0.5, 0.5, 0.5])
    assert np.array_equal(nn.Sequential(layer, seed=1).parameters.value[:6], np.ones(6))


def test_layers_of_a_packed_model_cannot_be_added_or_replaced() -> None:
    m = Tied()
    assert m.parameters.size > 0
    for name, value in [("first", nn.Dense(2, 2)), ("new", nn.Dense(2, 2)), ("new", [m.gain])]:
        with pytest.raises(errors.GraphError, match=r"one vector already\. .*copy\.deepcopy"):
            setattr(m, name, value)
    inside = nn.Sequential(Tied())
    assert inside.parameters.size == 7
    with pytest.raises(errors.GraphError, match="first cannot be set"):
        inside[0].first = nn.Dense(2, 2)
    m.note = "anything without parameters"
    m.activation = nn.Tanh()
    changed = copy.deepcopy(m)
    changed.first = nn.Dense(2, 2, seed=1)
    assert changed.parameters.size == 1 + 6 + 6  # gain, first, again
    with pytest.raises(AttributeError):
        model().layers.append(nn.Dense(1, 1))


def test_packing_twice_gives_the_same_vector() -> None:
    m = model()
    assert m.parameters is m.parameters
    value = m.parameters.value
    m.zero_grad()
    assert m.parameters.value is value


def test_layer_cannot_belong_to_two_vectors() -> None:
    m = model()
    assert m.parameters.size > 0
    with pytest.raises(errors.GraphError, match="'weight' belongs to another model's vector"):
        m[0].parameters  # noqa: B018
    with pytest.raises(errors.GraphError, match=r"'0\.weight' belongs .* copy\.deepcopy"):
        nn.Sequential(m[0]).parameters  # noqa: B018


def test_shared_layer_is_counted_once_and_collects_both_gradients() -> None:
    shared = nn.Dense(2, 2, seed=0)
    m = nn.Sequential(shared, shared)
    assert m.parameters.names == ("0.weight", "0.bias")
    assert Tied().parameters.names == ("gain", "first.weight", "first.bias")
    m(X).sum().backward()
    W, b = shared.weight.data, shared.bias.data
    h, ones = X @ W + b, np.ones((3, 2))
    expected = [h.T @ ones + X.T @ (ones @ W.T), ones.sum(0) + (ones @ W.T).sum(0)]
    np.testing.assert_allclose(
        m.parameters.grad, np.concatenate([e.ravel() for e in expected]), rtol=1e-13
    )


def test_backward_accumulates_into_the_flat_gradient_and_zero_grad_clears_it() -> None:
    m = model()
    grad = m.parameters.grad
    m(X).sum().backward()
    once = grad.copy()
    m(X).sum().backward()
    assert np.all(once[:6] != 0)
    assert np.array_equal(grad, 2 * once)
    m.zero_grad()
    assert np.array_equal(grad, np.zeros(13))
    assert m.parameters.grad is grad


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))])
@pytest.mark.parametrize("state", ["new", "used", "packed"])
@pytest.mark.parametrize("seed", [0, None])
def test_copy_of_a_model_is_equal_and_independent(copied: object, state: str, seed: object) -> None:
    m = nn.mlp(2, 3, 1, dropout=0.5, seed=seed)
    if state != "new":
        m(X)
    if state == "packed":
        m.parameters.value += 0.5
        m[0].bias.requires_grad = False
    twin = copied(m)
    assert np.array_equal(twin.parameters.value, m.parameters.value)
    assert twin.parameters.names == m.parameters.names
    assert np.array_equal(twin.parameters.penalized, m.parameters.penalized)
    assert twin[0].bias.requires_grad == m[0].bias.requires_grad
    noisy = [net(X, training=True).data for net in (m, twin)]
    assert np.array_equal(*noisy)
    kept = m.parameters.value.copy()
    twin.parameters.value[...] = 1.0
    assert np.array_equal(twin[0].weight.data, np.ones((2, 3)))
    assert np.array_equal(m.parameters.value, kept)
    twin(X).sum().backward()
    assert np.any(twin.parameters.grad != 0)
    assert np.all(m.parameters.grad == 0)


def test_copy_keeps_layers_shared() -> None:
    twin = copy.deepcopy(Tied())
    assert twin.first is twin.again
    assert twin.parameters.names == ("gain", "first.weight", "first.bias")
    assert not twin.gain.penalized


def test_parameters_of_two_dtypes_are_an_error() -> None:
    m = nn.Sequential(nn.Dense(2, 3), nn.Dense(3, 1, dtype=np.float32))
    with pytest.raises(errors.ArgumentError, match=r"one dtype.*float32, float64"):
        m.parameters  # noqa: B018
    with pytest.raises(errors.ArgumentError, match="no parameters, so there is nothing to train"):
        nn.Tanh().parameters  # noqa: B018


def test_set_takes_a_whole_vector_of_the_right_shape_only() -> None:
    vector = model().parameters
    vector.set(list(range(13)))
    assert np.array_equal(vector.value, np.arange(13.0))
    for wrong in (np.zeros(12), np.zeros((13, 1)), 0.0):
        with pytest.raises(errors.ShapeError, match=r"expected shape \(13,\)"):
            vector.set(wrong)
    assert np.array_equal(vector.value, np.arange(13.0))


def test_penalized_marks_weights_and_not_biases() -> None:
    assert np.array_equal(model().parameters.penalized, [1] * 6 + [0] * 3 + [1] * 3 + [0])


def test_frozen_parameter_gets_no_gradient() -> None:
    m = model()
    vector = m.parameters
    m[0].weight.requires_grad = False
    m(X).sum().backward()
    assert np.array_equal(vector.grad[:6], np.zeros(6))
    assert np.all(vector.grad[6:] != 0)


def test_a_vector_of_replicas_has_a_row_for_each() -> None:
    weight, bias = nn.Parameter([[1.0], [2.0]]), nn.Parameter([0.5])
    vector = ParameterVector([("weight", weight), ("bias", bias)], replicas=3)
    assert (weight.shape, bias.shape, vector.value.shape) == ((3, 2, 1), (3, 1, 1), (3, 3))
    assert vector.size == 3
    vector.value[1] = 0.0
    assert weight.data[1].tolist() == [[0.0], [0.0]]


def test_gradients_from_before_the_vector_was_made_are_kept():
    model = nn.Dense(2, 1, initializer="constant:1")
    model([[3.0, 5.0]]).sum().backward()
    np.testing.assert_array_equal(model.parameters.grad, [3.0, 5.0, 1.0])
    np.testing.assert_array_equal(model.weight.grad, [[3.0], [5.0]])
