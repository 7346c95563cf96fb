"""Buffers: arrays of a layer that are saved and copied with it, but not trained."""

import copy
import pickle
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from minidl import Tensor, Trainer, nn, no_grad, ops, optim
from minidl.errors import DTypeError, GraphError, ShapeError

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


X_TENSOR = Tensor(np.ones((4, 2)), requires_grad=True)
WRITTEN = {
    "an array": np.array([1.0, 2.0]),
    "a list": [1, 2],
    "a Tensor without a graph": Tensor([1.0, 2.0]),
    "a row": np.array([[1.0, 2.0]]),
    "float32": np.array([1.0, 2.0], np.float32),
}


@pytest.mark.parametrize("kind", WRITTEN)
def test_values_without_a_graph_are_written_into_a_buffer(kind: str) -> None:
    layer = Centred()
    layer.mean[...] = WRITTEN[kind]
    assert layer.mean.tolist() == [1.0, 2.0]
    assert layer.mean.dtype == np.float64
    layer.mean[1] = 5
    assert dict(layer.named_buffers())["mean"].tolist() == [1.0, 5.0]
    if np.ndim(WRITTEN[kind]) == 1:
        layer.mean.data = WRITTEN[kind]
        assert dict(layer.named_buffers())["mean"].tolist() == [1.0, 2.0]
    single = nn.Buffer(np.zeros(2, np.float32))
    single[...] = WRITTEN[kind]
    assert single.dtype == np.float32


def test_a_graph_cannot_be_written_into_a_buffer() -> None:
    layer, x = Centred(), X_TENSOR
    mean = 0.1 * ops.mean(x, axis=0)
    for write in (
        lambda: layer.mean.__setitem__(..., mean),
        lambda: layer.mean.__setitem__(0, mean[0]),
        lambda: layer.mean.data.__setitem__(..., mean),
        lambda: setattr(layer.mean, "data", mean),
        lambda: layer.mean.__setitem__(..., nn.Parameter([1.0, 2.0])),
    ):
        with pytest.raises(GraphError, match=r"detach\(\)"):
            write()
    assert layer.mean.tolist() == [0.0, 0.0]
    with no_grad():
        layer.mean[...] = 0.9 * layer.mean + 0.1 * ops.mean(x, axis=0)
    assert layer.mean.tolist() == [0.1, 0.1]
    layer.mean[...] = mean.detach()
    assert_array_equal(layer.mean.data, mean.data)


@pytest.mark.parametrize(
    ("value", "error"),
    [
        (np.ones(3), ShapeError),
        (np.ones((2, 2)), ShapeError),
        ([[1.0], [1.0, 2.0]], ShapeError),
        (np.array([1j, 2.0]), DTypeError),
        ("a mean", DTypeError),
        (None, DTypeError),
    ],
)
def test_values_that_do_not_fit_a_buffer_are_an_error(value: Any, error: type[Exception]) -> None:
    layer = Centred()
    with pytest.raises(error):
        layer.mean[...] = value
    with pytest.raises(error):
        layer.mean.data = value
    with pytest.raises(ShapeError):
        layer.mean[5] = 1.0
    with pytest.raises(ShapeError, match=r"got shape \(\), expected shape \(2,\)"):
        layer.mean.data = 1.0
    assert layer.mean.tolist() == [0.0, 0.0]


@pytest.mark.parametrize("used", [False, True])
def test_a_buffer_is_not_replaced_by_what_is_no_buffer(used: bool) -> None:
    layer: Any = Centred()
    layer.stats = {"mean": nn.Buffer(0.0), "more": [nn.Buffer(1.0)]}
    if used:
        assert layer.parameters.size
    mean = np.ones(2)
    for value in (mean, Tensor(mean), 0.9 * layer.mean + 0.1 * X_TENSOR.mean(axis=0), 0.5, None):
        with pytest.raises(GraphError, match=r"mean is a buffer .* layer\.mean\[\.\.\.\] = value"):
            layer.mean = value
    with pytest.raises(GraphError, match=r"layer\.history\[0\]\[\.\.\.\] = value"):
        layer.history = [np.array(3.0)]
    with pytest.raises(GraphError, match=r"layer\.stats\['mean'\]\[\.\.\.\] = value"):
        layer.stats = {"mean": 1.0}
    assert len(dict(layer.named_buffers())) == 4


def test_a_buffer_is_not_trained() -> None:
    for make in (
        lambda: nn.Buffer([1.0], requires_grad=True),
        lambda: setattr(nn.Buffer([1.0]), "requires_grad", True),
    ):
        with pytest.raises(GraphError, match="Parameter for what is trained"):
            make()


def test_a_gradient_is_that_of_the_values_which_the_forward_pass_has_used() -> None:
    class Momentous(nn.Layer):
        """Uses its buffer, and changes it before the backward pass."""

        def __init__(self) -> None:
            self.gain = nn.Buffer([2.0, 3.0])

        def forward(self, x: Any, training: Any = False) -> Any:
            y = x * self.gain
            self.gain[...] = [7.0, 7.0]
            return y

    x = Tensor(np.ones((1, 2)), requires_grad=True)
    Momentous()(x).sum().backward()
    assert x.grad.tolist() == [[2.0, 3.0]]


def test_weights_and_buffers_of_a_class_are_an_error() -> None:
    """All layers of the class would write into the same array, and no model would know it."""
    for held in (nn.Buffer([0.0]), nn.Parameter([1.0]), nn.Dense(2, 1), [nn.Buffer([0.0])]):
        with pytest.raises(GraphError, match=r"Shared\.inner\S* would be shared .* in __init__"):
            type("Shared", (nn.Layer,), {"inner": held})
    type("Stateless", (nn.Activation,), {"function": nn.Tanh(), "rate": 0.5})


class Forgetful(nn.Layer):
    """Keeps numbers that are no buffers: a running mean, a count, and a constant."""

    def __init__(self) -> None:
        self.dense = nn.Dense(2, 1, seed=0)
        self.mean, self.parts, self.scale = np.zeros(2), {"size": 0.0}, np.ones(2)

    def forward(self, x: Any, training: Any = False) -> Any:
        if training:
            self.mean = 0.9 * self.mean + 0.1 * np.mean(x, axis=0)
            self.parts["size"] += 1.0
        return self.dense(x - self.mean) * self.scale


def test_numbers_that_change_without_being_buffers_are_named() -> None:
    model = nn.Sequential(Forgetful(), nn.Tanh())
    assert model.undeclared() == []
    model(X, training=True)
    assert model.undeclared() == ["0.mean", "0.parts.size"]
    declared = nn.Sequential(Centred())
    assert declared.undeclared() == []
    declared(X, training=True)
    assert declared.undeclared() == []
    dropout = nn.Sequential(nn.Dropout(0.1), nn.Dense(2, 1))
    assert dropout.undeclared() == []
    dropout[0].rate = 0.5  # of minidl: a setting
    assert dropout.undeclared() == []


def test_buffers_that_come_or_go_are_named() -> None:
    class Late(nn.Layer):
        def __init__(self) -> None:
            self.dense, self.mean, self.scale = nn.Dense(2, 1), None, np.ones(2)
            self.stats = [nn.Buffer(0.0), nn.Buffer(0.0), nn.Buffer(0.0)]

        def forward(self, x: Any, training: Any = False) -> Any:
            self.mean, self.scale = nn.Buffer(np.mean(x, axis=0)), nn.Buffer(np.ones(2))
            self.stats[0] = np.array(1.0)  # type: ignore[call-overload]
            del self.stats[2]
            return self.dense(x)

    model = nn.Sequential(Late())
    assert model.parameters.size
    model(X)
    assert sorted(model.undeclared()) == ["0.mean", "0.scale", "0.stats.0", "0.stats.2"]


def test_a_layer_may_name_arrays_of_its_own_as_buffers() -> None:
    class Named(nn.Layer):
        def __init__(self) -> None:
            self.total, self.dense = np.zeros(2), nn.Dense(2, 1)

        def named_buffers(self) -> Any:
            yield "total", self.total

        def forward(self, x: Any, training: Any = False) -> Any:
            self.total += 1.0
            return self.dense(x)

    model = nn.Sequential(nn.BatchNorm(2), Named())
    names = ["0.running_mean", "0.running_var", "1.total"]
    assert [name for name, _ in model.named_buffers()] == names
    assert model.parameters.size
    model(X)
    assert model.undeclared() == []
    assert model.copy_buffers()["1.total"].tolist() == [1.0, 1.0]
