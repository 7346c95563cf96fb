"""Dense, custom layers, Sequential: formulas, shapes, and errors that say what to do."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minidl import Tensor, errors, nn, ops

RNG = np.random.default_rng(7)
X = RNG.standard_normal((5, 3))


class Residual(nn.Layer):
    """x + a scaled sum of branches; holds a parameter, a list of them, a layer and a list."""

    def __init__(self) -> None:
        self.scale = nn.Parameter([0.5], penalized=False)
        self.shifts = [nn.Parameter(np.zeros(3)), nn.Parameter(np.ones(3))]
        self.norm = nn.Dense(3, 3, bias=False)
        self.branches = [nn.Dense(3, 3), nn.Sequential(nn.Dense(3, 4), nn.Tanh(), nn.Dense(4, 3))]

    def forward(self, x: Tensor, training: bool | np.random.Generator = False) -> Tensor:
        z = self.norm(x) + self.shifts[0] + self.shifts[1]
        for branch in self.branches:
            z = z + branch(x, training=training)
        return x + self.scale * z


def test_dense_is_x_w_plus_b() -> None:
    layer = nn.Dense(3, 4, bias_initializer="constant:0.5", seed=0)
    expected = np.einsum("ni,io->no", X, layer.weight.data) + 0.5
    np.testing.assert_allclose(layer(X).data, expected, rtol=1e-14)
    bare = nn.Dense(3, 4, bias=False, seed=0)
    assert bare.bias is None
    assert bare.parameters.names == ("weight",)
    np.testing.assert_allclose(bare(X).data, expected - 0.5, rtol=1e-13)


@settings(deadline=None, derandomize=True, max_examples=40)
@given(
    n=st.integers(0, 5), n_in=st.integers(1, 4), n_out=st.integers(1, 4), seed=st.integers(0, 99)
)
def test_dense_gradients_are_those_of_the_formula(n: int, n_in: int, n_out: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    layer = nn.Dense(n_in, n_out, seed=seed)
    x = Tensor(rng.standard_normal((n, n_in)), requires_grad=True)
    g = rng.standard_normal((n, n_out))
    layer.zero_grad()
    layer(x).backward(g)
    np.testing.assert_allclose(layer.weight.grad, x.data.T @ g, atol=1e-13)
    np.testing.assert_allclose(layer.bias.grad, g.sum(0), atol=1e-13)
    np.testing.assert_allclose(x.grad, g @ layer.weight.data.T, atol=1e-13)


def test_dense_weight_has_shape_in_out_and_bias_out() -> None:
    layer = nn.Dense(3, 4)
    assert layer.weight.shape == (3, 4)
    assert layer.bias.shape == (4,)
    assert layer.weight.penalized
    assert not layer.bias.penalized
    with pytest.raises(AttributeError, match="'Dense' object has no attribute 'weights'"):
        layer.weights  # noqa: B018


def test_replicas_are_one_more_axis_of_input_and_weights() -> None:
    W, b, x = RNG.standard_normal((2, 3, 4)), RNG.standard_normal((2, 1, 4)), np.stack([X, 2 * X])
    W, b = Tensor(W, requires_grad=True), Tensor(b, requires_grad=True)
    y = ops.dense(x, W, b)
    assert y.shape == (2, 5, 4)
    y.backward(np.ones((2, 5, 4)))
    for k in range(2):
        np.testing.assert_allclose(y.data[k], x[k] @ W.data[k] + b.data[k], rtol=1e-14)
        np.testing.assert_allclose(W.grad[k], x[k].T @ np.ones((5, 4)), rtol=1e-13)
        np.testing.assert_allclose(b.grad[k], np.full((1, 4), 5.0))
    layer = nn.Dense(3, 4, seed=0)
    np.testing.assert_allclose(layer(x).data[1], layer(x[1]).data, rtol=1e-14)


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (np.ones((5, 2)), r"shape \(5, 2\).*expected.*\(n, 3\)"),
        (np.ones(3), r"shape \(3,\).* a single sample x is x\[None, :\]"),
        (1.0, r"shape \(\)"),
    ],
)
def test_input_that_does_not_fit_is_an_error_that_names_both_shapes(
    x: object, message: str
) -> None:
    with pytest.raises(errors.ShapeError, match=message):
        nn.Dense(3, 1)(x)


@pytest.mark.parametrize("size", [0, -1, 2.0, True, "3", None])
def test_size_that_is_not_a_positive_integer_is_an_error(size: object) -> None:
    with pytest.raises(
        errors.ArgumentError, match=rf"^in_features must be an integer >= 1, got {size!r}"
    ):
        nn.Dense(size, 1)
    with pytest.raises(
        errors.ArgumentError, match=rf"^out_features must be an integer >= 1, got {size!r}"
    ):
        nn.Dense(1, size)
    with pytest.raises(
        errors.ArgumentError, match=rf"^a layer's size must be an integer >= 1, got {size!r}"
    ):
        nn.mlp(2, size)


def test_lists_and_integers_are_taken_as_floats_of_the_layers_dtype() -> None:
    rows = [[1, 0, -2], [3, 1, 0]]
    for dtype in (np.float64, np.float32):
        layer = nn.Dense(3, 2, seed=0, dtype=dtype)
        expected = layer(np.array(rows, dtype=dtype)).data
        for given_as in (rows, np.array(rows), tuple(map(tuple, rows))):
            out = layer(given_as).data
            assert out.dtype == dtype
            assert np.array_equal(out, expected)
    for activation in nn.ACTIVATIONS:
        assert nn.activation(activation)(np.array(rows)).dtype == np.float64


@pytest.mark.parametrize(
    ("x", "error"),
    [([["a", "b", "c"]], errors.DTypeError), ([[1, 2, 3], [1]], errors.ShapeError)],
)
def test_input_that_is_not_a_table_of_numbers_is_an_error(
    x: object, error: type[Exception]
) -> None:
    model = nn.mlp(3, 1, seed=0)
    for use in (model, model.predict):
        with pytest.raises(error):
            use(x)


@pytest.mark.parametrize("activation", nn.ACTIVATIONS)
def test_float32_stays_float32_forwards_and_backwards(activation: str) -> None:
    model = nn.mlp(3, 4, 2, activation=activation, dropout=0.5, seed=0, dtype=np.float32)
    out = model(X.astype(np.float32), training=np.random.default_rng(0))
    assert out.dtype == np.float32
    value = nn.MeanSquaredError()(out, np.zeros((5, 2)))
    assert value.dtype == np.float32
    value.backward()
    assert model.parameters.value.dtype == model.parameters.grad.dtype == np.float32
    double = nn.mlp(3, 4, 2, activation=activation, dropout=0.5, seed=0)
    assert np.array_equal(model.parameters.value, double.parameters.value.astype(np.float32))


@pytest.mark.parametrize("dtype", [np.float16, int, complex])
def test_dtype_that_cannot_be_differentiated_is_an_error(dtype: object) -> None:
    with pytest.raises(errors.DTypeError, match="expected float64 or float32"):
        nn.Dense(1, 1, dtype=dtype)


def test_custom_layer_is_found_by_its_attributes_and_lists() -> None:
    layer = Residual()
    names = ["scale", "shifts.0", "shifts.1", "norm.weight", "branches.0.weight", "branches.0.bias"]
    inner = ["0.weight", "0.bias", "2.weight", "2.bias"]
    assert layer.parameters.names == (*names, *(f"branches.1.{name}" for name in inner))
    assert layer.parameters.size == 1 + 6 + 9 + 12 + 16 + 15
    layer(X).sum().backward()
    assert all(np.any(p.grad != 0) for p in layer.parameters)


def test_custom_layer_inside_a_seeded_model_is_seeded_too() -> None:
    twins = [nn.Sequential(nn.Dense(3, 3), Residual(), seed=4) for _ in range(2)]
    assert np.array_equal(twins[0].parameters.value, twins[1].parameters.value)
    norm, branch = twins[0][1].norm.weight.data, twins[0][1].branches[0].weight.data
    assert not np.allclose(norm, branch)
    assert not np.allclose(norm, twins[0][0].weight.data)


def test_layer_without_forward_says_what_is_missing() -> None:
    with pytest.raises(
        errors.CallError, match=r"Layer does not define forward. Write def forward\(self, x"
    ):
        nn.Layer()(X)


def test_sequential_applies_its_layers_in_order() -> None:
    model = nn.Sequential([nn.Dense(3, 4), nn.Tanh(), nn.Dense(4, 2), nn.Softmax()], seed=0)
    z = np.tanh(X @ model[0].weight.data) @ model[2].weight.data
    np.testing.assert_allclose(model(X).data.sum(axis=1), np.ones(5), rtol=1e-14)
    np.testing.assert_allclose(
        model(X).data, np.exp(z) / np.exp(z).sum(1, keepdims=True), rtol=1e-13
    )
    assert len(model) == 4
    assert [type(layer).__name__ for layer in model] == ["Dense", "Tanh", "Dense", "Softmax"]


@pytest.mark.parametrize("between", [(), (nn.Tanh(),), (nn.ReLU(), nn.Dropout(0.1))])
def test_widths_that_do_not_fit_are_found_when_the_model_is_built(between: tuple) -> None:
    j = len(between) + 1
    pattern = rf"^layer {j} does .* layer 0.* Dense\(2, 3\) .* Dense\(4, 1\).* Dense\(3, 1\)$"
    with pytest.raises(errors.ShapeError, match=pattern):
        nn.Sequential(nn.Dense(2, 3), *between, nn.Dense(4, 1))
    assert len(nn.Sequential(nn.Dense(3, 3), Residual(), nn.Dense(3, 1))) == 3


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        ((), "at least one layer"),
        (([],), "at least one layer"),
        ((nn.Tanh(), "relu"), "element 1 of Sequential is not a layer.*'relu'"),
        ((nn.Tanh,), "element 0 of Sequential is not a layer"),
    ],
)
def test_sequential_names_the_position_of_what_is_not_a_layer(layers: tuple, message: str) -> None:
    with pytest.raises(errors.ArgumentError, match=message):
        nn.Sequential(*layers)


def test_nested_models_have_dotted_names_and_the_outer_seed() -> None:
    def nested() -> nn.Sequential:
        block = nn.Sequential(nn.Dense(3, 4), nn.ReLU())
        return nn.Sequential(block, nn.Sequential(nn.Dense(4, 3)), nn.Dense(3, 1), seed=3)

    first, second = nested(), nested()
    names = ("0.0.weight", "0.0.bias", "1.0.weight", "1.0.bias", "2.weight", "2.bias")
    assert first.parameters.names == names
    assert np.array_equal(first.parameters.value, second.parameters.value)
    assert np.array_equal(first(X).data, first[2](first[1](first[0](X))).data)
    twins = nn.Sequential(*(nn.Sequential(nn.Dense(3, 3)) for _ in range(2)), seed=3)
    assert not np.allclose(twins[0][0].weight.data, twins[1][0].weight.data)


def test_model_with_a_seed_keeps_its_weights_inside_another() -> None:
    alone = nn.Sequential(nn.Dense(3, 4), nn.ReLU(), seed=5)[0].weight.data
    inner = nn.Sequential(nn.Dense(3, 4), nn.ReLU(), seed=5)
    assert np.array_equal(nn.Sequential(nn.Dense(3, 3), inner, seed=0)[1][0].weight.data, alone)


def test_summary_is_a_table_of_layers_and_counts() -> None:
    model = nn.Sequential(
        nn.Dense(2, 16), nn.LeakyReLU(), nn.Dropout(0.1), nn.Sequential(nn.Dense(16, 1)), seed=0
    )
    assert model.summary() == "\n".join(
        [
            "layer  type                      weight   parameters",
            "0      Dense(2, 16)              (2, 16)          48",
            "1      LeakyReLU(slope=0.01)                       0",
            "2      Dropout(0.1)                                0",
            "3      Sequential(Dense(16, 1))                   17",
            "total                                             65",
        ]
    )
    shared = nn.Dense(2, 2)
    assert nn.Sequential(shared, shared).summary().endswith("           6")


@pytest.mark.parametrize("chunk", [1, 2, 4, 5, 1000])
def test_prediction_in_chunks_equals_that_of_all_rows(chunk: int) -> None:
    model = nn.mlp(3, 4, 2, dropout=0.5, seed=0)
    whole = model(X)
    parts = model.predict(X, chunk=chunk)
    assert type(parts) is np.ndarray
    np.testing.assert_allclose(parts, whole.data, rtol=1e-14)
    assert np.array_equal(model.predict(Tensor(X)), model.predict(X))


@pytest.mark.parametrize("chunk", [0, -1, 2.5, True])
def test_chunk_that_is_not_a_positive_integer_is_an_error(chunk: object) -> None:
    with pytest.raises(
        errors.ArgumentError, match=rf"^chunk must be an integer >= 1, got {chunk!r}"
    ):
        nn.mlp(3, 1).predict(X, chunk=chunk)


def test_prediction_of_no_rows_is_no_rows() -> None:
    assert nn.mlp(3, 4, 2).predict(np.empty((0, 3))).shape == (0, 2)
    assert nn.Tanh().predict(np.empty((0, 3))).shape == (0, 3)
    for bad in ([], 1.0, [1.0, 2.0, 3.0]):
        with pytest.raises(errors.ShapeError, match="does not fit the layer"):
            nn.mlp(3, 1).predict(bad)


def test_prediction_records_no_graph_and_never_aliases_the_input() -> None:
    out = nn.Identity().predict(X)
    assert np.array_equal(out, X)
    assert not np.shares_memory(out, X)
    assert nn.mlp(3, 1, dtype=np.float32).predict(X).dtype == np.float32


def test_layers_in_dicts_and_nested_lists_are_trained_too() -> None:
    class Heads(nn.Layer):
        def __init__(self) -> None:
            self.heads = {"a": nn.Dense(2, 1, seed=0), "b": [[nn.Dense(2, 1, seed=1)]]}

        def forward(self, x, training=False):
            return self.heads["a"](x) + self.heads["b"][0][0](x)

    names = Heads().parameters.names
    assert names == ("heads.a.weight", "heads.a.bias", "heads.b.0.0.weight", "heads.b.0.0.bias")


class Bag(nn.Layer):
    """Holds settings of each kind, a parameter, an array and a function."""

    def __init__(self) -> None:
        self.rate, self.name, self.count = 0.5, "wide", 3
        self.weight = nn.Parameter([1.0])
        self.table, self.function = np.ones(2), np.tanh


def test_a_custom_layer_prints_its_settings_and_no_address() -> None:
    assert repr(Bag()) == "Bag(rate=0.5, name='wide', count=3)"
    assert repr(nn.Sequential(Bag(), nn.Dense(1, 1))) == f"Sequential({Bag()!r}, Dense(1, 1))"
    assert [repr(layer()) for layer in (nn.LeakyReLU, nn.ELU, nn.Tanh)] == [
        "LeakyReLU(slope=0.01)",
        "ELU(alpha=1.0)",
        "Tanh()",
    ]
