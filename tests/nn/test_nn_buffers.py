"""Buffers: arrays of a layer that are saved and copied with it, but not trained."""

import copy
import pickle
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from minidl import Trainer, nn, optim
from minidl.errors import GraphError, ShapeError

X = np.random.default_rng(0).standard_normal((8, 2))


class Centred(nn.Layer):
    """Subtract a running mean of the rows seen in training."""

    def __init__(self) -> None:
        self.mean = nn.Buffer(np.zeros(2))
        self.history = [nn.Buffer(0.0)]
        self.dense = nn.Dense(2, 1, seed=0)

    def forward(self, x: Any, training: nn.layer.Training = False) -> Any:
        if training:
            self.mean.data[...] = 0.9 * self.mean.data + 0.1 * x.mean(axis=0)
            self.history[0].data += 1
        return self.dense(x - self.mean)


def test_buffers_are_found_by_dotted_names_and_are_not_parameters() -> None:
    model = nn.Sequential(nn.Identity(), Centred())
    buffers = dict(model.named_buffers())
    assert list(buffers) == ["1.mean", "1.history.0"]
    assert buffers["1.mean"] is model[1].mean.data
    assert model.parameters.names == ("1.dense.weight", "1.dense.bias")
    shared = nn.Sequential(model[1], model[1])
    assert [name for name, _ in shared.named_buffers()] == ["0.mean", "0.history.0"]
    assert list(nn.mlp(2, 1).named_buffers()) == []


def test_training_changes_a_buffer_only_where_the_layer_writes_into_it() -> None:
    model = Centred()
    Trainer(model, "mse", optimizer=optim.NAG(0.1), batch_size="full", seed=0).fit(
        X, X[:, :1], epochs=2
    )
    expected = 0.1 * X.mean(axis=0)
    np.testing.assert_allclose(model.mean.data, 0.9 * expected + expected, rtol=1e-12)
    assert model.history[0].data == 2


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))])
def test_copies_have_their_own_buffers(copied: Any) -> None:
    model = nn.Sequential(Centred())
    model(X, training=True)
    twin = copied(model)
    before = model.predict(X)
    assert_array_equal(twin.predict(X), before)
    twin(X, training=True)
    assert twin[0].history[0].data == 2
    assert_array_equal(model.predict(X), before)


def test_writing_into_the_arrays_restores_a_model() -> None:
    model, into = nn.Sequential(Centred()), nn.Sequential(Centred())
    model(X, training=True)
    saved = {name: array.copy() for name, array in model.named_buffers()}
    for name, array in into.named_buffers():
        array[...] = saved[name]
    assert_array_equal(into.predict(X), model.predict(X))


def test_copied_buffers_restore_a_model() -> None:
    model = nn.Sequential(Centred())
    model(X, training=True)
    saved, mean = model.copy_buffers(), model[0].mean.data.copy()
    model(X, training=True)
    assert_array_equal(saved["0.mean"], mean)  # a copy
    model.set_buffers(saved)
    assert_array_equal(model[0].mean.data, mean)
    assert model[0].history[0].data == 1
    assert nn.mlp(2, 1).copy_buffers() == {}


@pytest.mark.parametrize("values", [{}, {"0.mean": np.zeros(3), "0.history.0": np.array(0.0)}])
def test_values_of_other_buffers_are_an_error_that_changes_nothing(values: Any) -> None:
    model = nn.Sequential(Centred())
    before = model.copy_buffers()
    with pytest.raises(ShapeError, match="not the buffers of the model"):
        model.set_buffers(values)
    assert_array_equal(model.copy_buffers()["0.mean"], before["0.mean"])


def test_a_buffer_cannot_be_replaced_by_an_array() -> None:
    layer = Centred()
    with pytest.raises(GraphError, match=r"mean is a buffer .* layer\.mean\[\.\.\.\] = value"):
        layer.mean = np.ones(2)
    layer.mean = nn.Buffer(np.ones(2))
    assert dict(layer.named_buffers())["mean"].tolist() == [1.0, 1.0]
