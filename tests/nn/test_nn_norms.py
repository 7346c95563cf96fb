"""Batch and layer normalisation: against PyTorch's numbers, closed forms and invariances.

The golden file was written by ``tests/golden/write_norms.py``.
"""

from __future__ import annotations

import copy
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from minidl import Tensor, Trainer, grad, gradcheck, nn, optim
from minidl.errors import ArgumentError, DTypeError, ShapeError, UnknownKeywordError

with np.load(Path(__file__).parent.parent / "golden" / "norms.npz") as file:
    GOLDEN = dict(file)

RNG = np.random.default_rng(3)
X = RNG.standard_normal((9, 4)) * [1, 3, 0.5, 20] + [0, 4, -2, 50]
BOTH = [nn.BatchNorm, nn.LayerNorm]
TOLERANCE = 1e-12  # of the largest entry; the largest difference seen is 3e-14


def agree(ours: Any, name: str, tolerance: float = TOLERANCE) -> None:
    theirs = GOLDEN[name]
    atol = tolerance * max(1.0, np.abs(theirs).max())
    assert_allclose(getattr(ours, "data", ours), theirs, rtol=0, atol=atol, err_msg=name)


def with_numbers(layer: Any) -> Any:
    layer.scale.data[...], layer.shift.data[...] = GOLDEN["scale"], GOLDEN["shift"]
    return layer


def demand_pytorchs(layer: Any, rows: np.ndarray, case: str, *, training: bool) -> None:
    """Compare the outputs, the gradients of g . y and the derivative of v . (that by x)."""
    x = Tensor(rows, requires_grad=True)
    y = layer(x, training=training)
    gradients = grad((y * GOLDEN["g"]).sum(), [x, layer.scale, layer.shift], create_graph=True)
    for ours, what in zip((y, *gradients), ("y", "by x", "by scale", "by shift"), strict=True):
        agree(ours, f"{case} {what}")
    agree(grad((gradients[0] * GOLDEN["v"]).sum(), x), f"{case} second")


def test_batch_norm_has_pytorchs_numbers_in_training_and_evaluation() -> None:
    layer = with_numbers(nn.BatchNorm(4))
    for k, rows in enumerate(GOLDEN["batches"]):
        demand_pytorchs(layer, rows, f"batch {k}", training=True)
        agree(layer.running_mean, f"batch {k} mean")
        agree(layer.running_var, f"batch {k} var")
    demand_pytorchs(layer, GOLDEN["batches"][0], "evaluated", training=False)
    agree(layer.running_mean, "batch 2 mean")  # evaluation has not changed it
    agree(layer.running_var, "batch 2 var")


@pytest.mark.parametrize("training", [True, False])
def test_layer_norm_has_pytorchs_numbers(training: bool) -> None:
    demand_pytorchs(with_numbers(nn.LayerNorm(4)), GOLDEN["batches"][1], "layer", training=training)


RULES = {"plain": (0.0, False), "momentum": (0.9, False), "nesterov": (0.9, True)}


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("kind", ["batch", "layer"])
def test_a_trainer_reproduces_pytorchs_run(kind: str, rule: str) -> None:
    norm: Any = nn.BatchNorm(5) if kind == "batch" else nn.LayerNorm(5)
    model = nn.Sequential(nn.Dense(3, 5, bias=False), norm, nn.Tanh(), nn.Dense(5, 1), seed=0)
    names = ("W", "scale", "shift", "V", "b")
    model.parameters.set(np.concatenate([GOLDEN[f"start {name}"].ravel() for name in names]))
    momentum, nesterov = RULES[rule]
    optimizer = optim.SGD(float(GOLDEN["lr"]), momentum, nesterov=nesterov)
    trainer = Trainer(model, "bce", optimizer=optimizer, batch_size=int(GOLDEN["batch"]), seed=7)
    case = f"{kind} {rule}"
    for epoch in range(6):
        trainer.fit(GOLDEN["X"], GOLDEN["y"], epochs=1)
        stored = trainer.stored_vector()
        assert_allclose(stored, GOLDEN[f"{case} stored"][epoch], rtol=0, atol=TOLERANCE)
        if kind == "batch":
            running = [norm.running_mean.data, norm.running_var.data]
            assert_allclose(running, GOLDEN[f"{case} running"][epoch], rtol=0, atol=TOLERANCE)
    assert_allclose(trainer.history["train_loss"][1:], GOLDEN[f"{case} losses"], rtol=TOLERANCE)
    agree(model.parameters.value, f"{case} theta")


@pytest.mark.parametrize(("cls", "axis"), [(nn.BatchNorm, 0), (nn.LayerNorm, 1)])
def test_the_output_has_mean_zero_and_variance_one_and_the_gradient_the_closed_form(
    cls: Any, axis: int
) -> None:
    layer, x, g = cls(4, epsilon=1e-3), Tensor(X, requires_grad=True), RNG.standard_normal(X.shape)
    layer.scale.data[...], layer.shift.data[...] = [1.0, -2.0, 0.5, 3.0], [0.0, 1.0, 2.0, 3.0]
    y = layer(x, training=True)
    xhat = (X - X.mean(axis, keepdims=True)) / np.sqrt(X.var(axis, keepdims=True) + 1e-3)
    assert_allclose(y.data, xhat * layer.scale.data + layer.shift.data, rtol=1e-12, atol=1e-12)
    (y * g).sum().backward()
    assert_allclose(layer.shift.grad, g.sum(axis=0), rtol=1e-12)
    assert_allclose(layer.scale.grad, (g * xhat).sum(axis=0), rtol=1e-12)
    h = g * layer.scale.data
    spread = np.sqrt(X.var(axis, keepdims=True) + 1e-3)
    centred = h - h.mean(axis, keepdims=True) - xhat * (h * xhat).mean(axis, keepdims=True)
    assert_allclose(x.grad, centred / spread, rtol=1e-9, atol=1e-13)
    # No change of the output comes from adding a constant to what is normalised.
    assert_allclose(x.grad.sum(axis), 0.0, atol=1e-12)


@pytest.mark.parametrize("cls", BOTH)
def test_without_epsilon_the_scale_of_the_input_does_not_matter(cls: Any) -> None:
    layer, x = cls(4, epsilon=0.0), Tensor(X, requires_grad=True)
    g = RNG.standard_normal(X.shape)
    y = layer(x, training=True)
    (y * g).sum().backward()
    assert_allclose(layer(1000.0 * X - 7.0, training=True).data, y.data, rtol=1e-9, atol=1e-12)
    axis = 0 if cls is nn.BatchNorm else 1
    assert_allclose((x.grad * X).sum(axis), 0.0, atol=1e-10)  # orthogonal to x
    scaled = Tensor(1000.0 * X, requires_grad=True)
    (layer(scaled, training=True) * g).sum().backward()
    assert_allclose(1000.0 * scaled.grad, x.grad, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("cls", BOTH)
def test_first_and_second_derivatives_by_differences(cls: Any, training: bool) -> None:
    layer = cls(4)
    layer(RNG.standard_normal((8, 4)), training=True)
    layer.scale.data[...] = [1.0, -2.0, 0.5, 3.0]
    x = Tensor(RNG.standard_normal((5, 4)), requires_grad=True)

    def f(x: Tensor, scale: Tensor, shift: Tensor) -> Tensor:
        copied = copy.deepcopy(layer)
        vars(copied).update(scale=scale, shift=shift)
        return copied(x, training=training)

    assert gradcheck(f, [x, layer.scale, layer.shift], order=2)


def test_running_statistics_are_exponential_averages_with_the_unbiased_variance() -> None:
    layer = nn.BatchNorm(4, decay=0.75)
    mean, var = np.zeros(4), np.ones(4)
    for n in (9, 2, 5):
        rows = X[:n]
        layer(rows, training=True)
        mean = 0.75 * mean + 0.25 * rows.mean(axis=0)
        var = 0.75 * var + 0.25 * rows.var(axis=0, ddof=1)
    assert_allclose(layer.running_mean.data, mean, rtol=1e-14)
    assert_allclose(layer.running_var.data, var, rtol=1e-14)
    expected = (X - mean) / np.sqrt(var + 1e-5)
    assert_allclose(layer(X).data, expected, rtol=1e-13)
    assert_array_equal(layer(X[:1]).data, layer(X).data[:1])  # one row is enough to evaluate
    assert_allclose(layer.running_mean.data, mean, rtol=1e-14)


def test_further_axes_are_rows_of_batch_norm_and_rows_of_layer_norm() -> None:
    x = RNG.standard_normal((3, 5, 4))
    batch, flat = nn.BatchNorm(4), nn.BatchNorm(4)
    y = batch(x, training=True)
    assert_allclose(y.data.reshape(15, 4), flat(x.reshape(15, 4), training=True).data, rtol=1e-12)
    assert_allclose(batch.running_var.data, flat.running_var.data, rtol=1e-14)
    row = nn.LayerNorm(4)
    assert_allclose(row(x).data.reshape(15, 4), row(x.reshape(15, 4)).data, rtol=1e-13)


@pytest.mark.parametrize("n", [0, 1])
def test_a_batch_of_fewer_than_two_rows_is_an_error_in_training_only(n: int) -> None:
    layer = nn.BatchNorm(4)
    with pytest.raises(ArgumentError, match=rf"at least 2 rows in training, got {n}"):
        layer(X[:n], training=True)
    assert layer(X[:n]).shape == (n, 4)
    assert_array_equal(layer.running_mean.data, np.zeros(4))
    model = nn.Sequential(nn.BatchNorm(4), nn.Dense(4, 1), seed=0)
    trainer = Trainer(model, "mse", optimizer=optim.NAG(0.1), batch_size=8, seed=0)
    with pytest.raises(ArgumentError, match="batch_size that leaves at least 2 rows"):
        trainer.fit(X, X[:, 0], epochs=1)  # 9 rows: 8 and 1


@pytest.mark.parametrize("cls", BOTH)
@pytest.mark.parametrize("shape", [(9, 3), (9, 5), (4,), ()])
def test_an_input_of_another_width_is_an_error(cls: Any, shape: tuple[int, ...]) -> None:
    for training in (True, False):
        with pytest.raises(ShapeError, match=r"expected shape \(n, 4\)"):
            cls(4)(np.ones(shape), training=training)


@pytest.mark.parametrize("cls", BOTH)
def test_bad_arguments(cls: Any) -> None:
    for bad in (0, -1, 2.0, True, "4", None, (4,)):
        with pytest.raises(ArgumentError, match="features must be an integer >= 1"):
            cls(bad)
    for bad in (-1e-5, np.inf, np.nan, "1e-5", None):
        with pytest.raises(ArgumentError, match="epsilon must be a finite number >= 0"):
            cls(4, epsilon=bad)
    with pytest.raises(DTypeError, match="float64 or float32"):
        cls(4, dtype=np.float16)


def test_batch_norms_decay_is_checked_and_momentum_is_explained() -> None:
    for bad in (1.0, -0.1, np.nan, "0.9", None):
        with pytest.raises(ArgumentError, match=r"decay must be a number in \[0, 1\)"):
            nn.BatchNorm(4, decay=bad)
    bad_call: Any = nn.BatchNorm
    with pytest.raises(UnknownKeywordError, match=r"momentum=0\.1 is decay=0\.9, Keras's"):
        bad_call(4, momentum=0.1)


@pytest.mark.parametrize("cls", BOTH)
def test_float32_stays_float32(cls: Any) -> None:
    model = nn.Sequential(nn.Dense(4, 3, dtype="float32"), cls(3, dtype="float32"), seed=0)
    out = model(X.astype(np.float32), training=True)
    assert out.dtype == np.float32
    assert {array.dtype for _, array in model.named_buffers()} <= {np.dtype(np.float32)}
    assert model.predict(X).dtype == np.float32
    wide = nn.Sequential(nn.Dense(4, 3), cls(3), seed=0)
    assert_allclose(out.data, wide(X, training=True).data, rtol=2e-4, atol=2e-5)


def test_the_l2_penalty_counts_neither_scale_nor_shift() -> None:
    model = nn.Sequential(nn.BatchNorm(4), nn.LayerNorm(4), nn.Dense(4, 1, seed=0))
    W = model[2].weight.data
    assert nn.L2Penalty(2.0)(model).item() == pytest.approx((W**2).sum())
    assert model.parameters.penalized.sum() == W.size


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))])
def test_copies_are_independent(copied: Any) -> None:
    model = nn.Sequential(nn.Dense(4, 3), nn.BatchNorm(3, decay=0.5), nn.LayerNorm(3), seed=0)
    model(X, training=True)
    twin = copied(model)
    before = model.predict(X)
    assert_array_equal(twin.predict(X), before)
    assert repr(twin) == repr(model)
    twin(X, training=True)
    assert_array_equal(model.predict(X), before)
    assert not np.array_equal(twin.predict(X), before)


def test_they_fit_into_a_sequential() -> None:
    model = nn.Sequential(nn.Dense(4, 3), nn.BatchNorm(3), nn.ReLU(), nn.Dense(3, 1), seed=5)
    assert repr(model[1]) == "BatchNorm(features=3, epsilon=1e-05, decay=0.9)"
    assert repr(nn.LayerNorm(3, epsilon=1e-3)) == "LayerNorm(features=3, epsilon=0.001)"
    assert [name for name, _ in model.named_buffers()] == ["1.running_mean", "1.running_var"]
    assert model.parameters.names[2:4] == ("1.scale", "1.shift")
    # The initializer suits the activation behind the normalisation.
    plain = nn.Sequential(nn.Dense(4, 3), nn.ReLU(), seed=5)
    assert_array_equal(model[0].weight.data, plain[0].weight.data)
    assert "BatchNorm(features=3" in model.summary()
    for wrong in ([nn.Dense(4, 3), nn.BatchNorm(4)], [nn.LayerNorm(5), nn.Dense(3, 1)]):
        with pytest.raises(ShapeError, match=r"expected (BatchNorm\(3\)|Dense\(5, 1\))"):
            nn.Sequential(*wrong)
    with pytest.raises(ShapeError, match="expected 4 columns"):
        Trainer(nn.Sequential(nn.BatchNorm(4)), "mse", optimizer=optim.NAG(0.1)).fit(
            X[:, :3], X[:, :3], epochs=1
        )


def test_equal_numbers_in_a_batch_give_the_shift_and_no_gradient() -> None:
    layer, x = nn.BatchNorm(2), Tensor(np.full((5, 2), 0.1), requires_grad=True)
    layer.shift.data[...] = [3.0, -1.0]
    y = layer(x, training=True)
    assert_array_equal(y.data, np.tile([3.0, -1.0], (5, 1)))
    (y * RNG.standard_normal((5, 2))).sum().backward()
    assert np.isfinite(x.grad).all()
    assert_allclose(layer.running_var.data, 0.9)
