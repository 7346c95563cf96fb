"""Embedding and Residual: shapes, gradients, replicas, files, and errors that say what to do."""

from pathlib import Path

import numpy as np
import pytest

from minidl import Trainer, errors, gradcheck, load_model, nn, optim, save_model, train_replicas
from minidl.streams import stream

RNG = np.random.default_rng(3)
X = RNG.integers(0, 6, (40, 2))
Y = (X[:, 0] + X[:, 1]) % 2


def network(seed: int = 0, dtype: type = np.float64, padding: int | None = None) -> nn.Sequential:
    """Return a network for two columns of six categories, with a residual block."""
    block = nn.Sequential(nn.Dense(6, 5, dtype=dtype), nn.Tanh(), nn.Dense(5, 6, dtype=dtype))
    first = nn.Embedding(6, 3, padding_index=padding, dtype=dtype)
    return nn.Sequential(first, nn.Residual(block), nn.Dense(6, 1, dtype=dtype), seed=seed)


def test_embedding_puts_the_rows_of_its_columns_beside_each_other() -> None:
    layer = nn.Embedding(6, 3, seed=0)
    W, y = layer.weight.data, layer(X)
    assert y.shape == (40, 6)
    assert np.array_equal(y.data, np.concatenate([W[X[:, 0]], W[X[:, 1]]], axis=1))
    assert np.array_equal(layer(X.astype(float)).data, y.data)
    assert np.array_equal(layer.predict(X.tolist()), y.data)
    assert nn.Embedding(6, 3)(np.empty((0, 2))).shape == (0, 6)


def test_gradient_adds_up_over_repeated_numbers() -> None:
    layer, g = nn.Embedding(6, 3, seed=0), RNG.standard_normal((40, 6))
    layer(X).backward(g)
    one_hot = [np.eye(6)[X[:, k]] for k in (0, 1)]
    expected = one_hot[0].T @ g[:, :3] + one_hot[1].T @ g[:, 3:]
    assert layer.weight.grad is not None
    np.testing.assert_allclose(layer.weight.grad, expected, rtol=1e-13)
    W = layer.weight
    assert gradcheck(lambda W: (np.tanh(W[X]) ** 2).sum(), W, order=2)


def test_embedding_equals_a_dense_layer_of_one_hot_columns() -> None:
    embedded = nn.Sequential(nn.Embedding(6, 3), nn.Dense(3, 1), seed=1)
    dense = nn.Sequential(nn.Dense(6, 3, bias=False), nn.Dense(3, 1), seed=2)
    dense.parameters.set(embedded.parameters.value)
    runs = []
    for model, rows in ((embedded, X[:, :1]), (dense, np.eye(6)[X[:, 0]])):
        trainer = Trainer(model, "bce", "nag", lr=0.1, batch_size=8, seed=0, l2=0.01, l1=0.01)
        runs.append(trainer.fit(rows, Y, epochs=5)["train_loss"])
    np.testing.assert_allclose(runs[0], runs[1], rtol=1e-12)


def test_weights_are_normal_and_drawn_by_the_seed_of_the_network() -> None:
    model = nn.Sequential(nn.Embedding(6, 3), nn.Dense(3, 1), seed=7)
    expected = stream(7, "initialization", 0).standard_normal((6, 3))
    assert isinstance(model[0], nn.Embedding)
    assert np.array_equal(model[0].weight.data, expected)
    assert model[0].weight.penalized
    kept = nn.Embedding(6, 3, seed=1).weight.data
    assert np.array_equal(nn.Sequential(nn.Embedding(6, 3, seed=1), seed=0)[0].weight.data, kept)
    given = nn.Embedding(2, 2, initializer="constant:3")
    assert np.array_equal(given.weight.data, np.full((2, 2), 3.0))


def test_padding_is_zero_and_not_trained() -> None:
    model = network(padding=0)
    layer = model[0]
    assert isinstance(layer, nn.Embedding)
    assert not layer.weight.data[0].any()
    assert not layer(np.zeros((1, 2))).data.any()
    Trainer(model, "bce", "nag", lr=0.1, seed=0).fit(X, Y, epochs=2)
    assert not layer.weight.data[0].any()
    assert layer.weight.data[1:].all()
    layer.weight.data[0] = 5.0  # PyTorch would return it
    assert not layer(np.zeros((1, 2))).data.any()


@pytest.mark.parametrize(
    ("x", "said"),
    [
        ([[0.0, 6.0]], r"got 6 in row 0, column 1.* from 0 to 5, for Embedding\(6, 3\)"),
        ([[0.0, 1.0], [-1.0, 2.0]], "got -1 in row 1, column 0.*standardize=False"),
        ([[0.5, 1.0]], "got 0.5 in row 0"),
        ([[np.nan, 1.0]], "got nan"),
    ],
)
def test_what_is_not_a_category_is_named_with_its_place(x: list[list[float]], said: str) -> None:
    with pytest.raises(errors.DataError, match=said):
        nn.Embedding(6, 3)(x)


def test_other_wrong_inputs_and_arguments_are_errors() -> None:
    with pytest.raises(errors.ShapeError, match=r"shape \(3,\).*x\[:, None\]"):
        nn.Embedding(6, 3)([0.0, 1.0, 2.0])
    with pytest.raises(errors.GraphError, match="requires a gradient"):
        nn.Sequential(nn.Dense(2, 2), nn.Embedding(6, 3))(X)
    with pytest.raises(errors.ArgumentError, match="padding_index must be an integer from 0 to 5"):
        nn.Embedding(6, 3, padding_index=6)
    with pytest.raises(errors.ArgumentError, match="count must be an integer from 1 to 16777216"):
        nn.Embedding(2**24 + 1, 1, dtype=np.float32)
    trainer = Trainer(network(), "bce", "nag", lr=0.1)
    with pytest.raises(errors.DataError, match="got 9 in row 39"):
        trainer.fit(np.where(np.arange(80).reshape(40, 2) == 79, 9, X), Y, epochs=1)
    assert trainer.optimizer.step_count == 0


def test_residual_adds_its_input_and_checks_the_width() -> None:
    inner, x = nn.Sequential(nn.Dense(3, 4, seed=0), nn.Tanh(), nn.Dense(4, 3, seed=1)), X[:3, :1]
    x = RNG.standard_normal((5, 3))
    assert np.array_equal(nn.Residual(inner)(x).data, x + inner(x).data)
    assert repr(nn.Residual(nn.Dense(3, 3))) == "Residual(Dense(3, 3))"
    for width in (1, 4):  # of 1, NumPy would broadcast
        with pytest.raises(errors.ShapeError, match=rf"input \(5, 3\), output \(5, {width}\)"):
            nn.Residual(nn.Dense(3, width))(x)
    with pytest.raises(errors.ArgumentError, match=r"nn.Residual\(nn.Sequential"):
        nn.Residual([nn.Dense(3, 3)])  # type: ignore[arg-type]


def test_residual_passes_training_on_and_seeds_what_is_within() -> None:
    make = lambda: nn.Sequential(  # noqa: E731
        nn.Residual(nn.Sequential(nn.Dense(3, 3), nn.ReLU(), nn.Dropout(0.5))), seed=4
    )
    model, x = make(), RNG.standard_normal((5, 3))
    assert model.stochastic
    first = model(x, training=np.random.default_rng(0)).data
    assert np.any(first == x)  # what was dropped
    assert not np.array_equal(first, model(x).data)
    assert np.array_equal(model.parameters.value, make().parameters.value)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_replicas_equal_single_networks(dtype: type) -> None:
    rows, options = X.astype(dtype), {"batch_size": 8, "epochs": 3}
    model = lambda seed: network(seed, dtype, padding=1)  # noqa: E731
    many = train_replicas(
        model, optim.NAG([0.05, 0.1]), rows, Y, loss="bce", seeds=2, l1=0.01, **options
    )
    for one in many:
        trainer = Trainer(
            model(one.seed), "bce", "nag", lr=one.hyperparameters["lr"], seed=one.seed, l1=0.01,
            batch_size=8,
        )  # fmt: skip
        losses = trainer.fit(rows, Y, epochs=3)["train_loss"]
        tolerance = 1e-12 if dtype is np.float64 else 1e-5
        np.testing.assert_allclose(one.history["train_loss"], losses, rtol=tolerance)
        assert one.model.parameters.value.dtype == dtype


def test_replicas_may_have_rows_of_their_own() -> None:
    layer = nn.Embedding(6, 3, seed=0)
    layer.replicate(2)
    layer.weight.data[1] += 1.0
    x = np.stack([X, X[::-1]])
    y = layer(x)
    for k in range(2):
        one = nn.Embedding(6, 3)
        one.weight.data[...] = layer.weight.data[k]
        assert np.array_equal(y.data[k], one(x[k]).data)
        assert np.array_equal(layer(X).data[k], one(X).data)
    y.backward(np.ones(y.shape))
    assert layer.weight.grad is not None
    assert np.array_equal(layer.weight.grad[..., 0], np.stack([np.bincount(X.ravel())] * 2))


@pytest.mark.parametrize("padding", [None, 2])
def test_networks_with_both_come_back_from_a_file(padding: int | None, tmp_path: Path) -> None:
    for dtype in (np.float64, np.float32):
        model = network(5, dtype, padding)
        save_model(model, tmp_path / "model.npz")
        again = load_model(tmp_path / "model.npz")
        assert repr(again) == repr(model)
        assert np.array_equal(again.predict(X), model.predict(X))
        assert again.parameters.value.dtype == dtype


def test_summary_shows_the_weights_of_an_embedding() -> None:
    assert network().summary().splitlines()[1].split() == [
        "0",
        "Embedding(6,",
        "3)",
        "(6,",
        "3)",
        "18",
    ]
