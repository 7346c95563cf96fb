"""One network with buffers: interrupted, saved, resumed, measured, and its sharpness."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from test_training_norms import MOONS, OPTIONS, Centre, X, Y, batch, centred, layer, noisy

from minidl import Trainer, nn, optim, sharpness, train_replicas
from minidl.training import EarlyStopping, load_model, load_run, save_model, save_run
from minidl.training.data import Data, check_rows


@pytest.mark.parametrize("rule", [list, lambda: [EarlyStopping("train_loss", patience=2)]])
@pytest.mark.parametrize("interrupt_at", [0, 5, 7])
def test_an_interrupted_step_leaves_no_trace_in_the_statistics(
    interrupt_at: int, rule: Any
) -> None:
    class Fails(nn.Layer):
        """Raises once, behind the batch normalisation, whose statistics have moved already."""

        calls = 0

        def forward(self, x: Any, training: Any = False) -> Any:
            if training:
                self.calls += 1
                if self.calls == interrupt_at:
                    raise KeyboardInterrupt
            return x

    def run(fails: nn.Layer) -> Trainer:
        model = nn.Sequential(Centre(), batch(3), fails, seed=3)
        trainer = Trainer(
            model, "bce", optimizer=optim.NAG(0.1), batch_size=30, seed=3, callbacks=rule()
        )
        for _ in range(2):
            try:
                trainer.fit(X, Y, epochs=4 - trainer.epoch)
            except KeyboardInterrupt:
                assert interrupt_at
        return trainer

    broken, whole = run(Fails()), run(nn.Identity())
    assert_array_equal(broken.history["train_loss"], whole.history["train_loss"])
    assert_array_equal(broken.model.parameters.value, whole.model.parameters.value)
    for name, array in broken.model.named_buffers():
        assert_array_equal(array, dict(whole.model.named_buffers())[name])


@pytest.mark.parametrize("model", [batch, layer, noisy])
def test_a_model_with_normalisation_is_built_again_from_its_file(model: Any, tmp_path: Any) -> None:
    network = model(0)
    Trainer(network, "bce", optimizer=optim.NAG(0.1), seed=0).fit(X, Y, epochs=2)
    save_model(network, tmp_path / "model.npz")
    loaded = load_model(tmp_path / "model.npz")
    assert repr(loaded) == repr(network)
    assert_array_equal(loaded.predict(X), network.predict(X))


def test_a_float32_model_is_built_again_in_float32(tmp_path: Any) -> None:
    network = nn.Sequential(
        nn.Dense(2, 3, dtype="float32"),
        nn.BatchNorm(3, dtype="float32", decay=0.5, epsilon=1e-3),
        nn.Dense(3, 1, dtype="float32"),
        seed=0,
    )
    Trainer(network, "bce", optimizer=optim.NAG(0.1), seed=0).fit(X, Y, epochs=2)
    assert network[1].running_mean.dtype == np.float32
    save_model(network, tmp_path / "model.npz")
    loaded: Any = load_model(tmp_path / "model.npz")
    assert (loaded[1].decay, loaded[1].epsilon) == (0.5, 1e-3)
    assert loaded[1].running_var.dtype == np.float32
    assert_array_equal(loaded.predict(X), network.predict(X))


@pytest.mark.parametrize("model", [batch, centred])
def test_a_resumed_run_equals_one_that_never_stopped(model: Any, tmp_path: Any) -> None:
    def trainer() -> Trainer:
        return Trainer(model(1), "bce", optimizer=optim.NAG(0.1), batch_size=30, seed=1)

    whole, first, second = trainer(), trainer(), trainer()
    whole.fit(X, Y, epochs=5)
    first.fit(X, Y, epochs=2)
    save_run(first, tmp_path / "run.npz")
    load_run(second, tmp_path / "run.npz")
    second.fit(X, Y, epochs=3)
    assert_array_equal(second.history["train_loss"], whole.history["train_loss"])
    for name, array in second.model.named_buffers():
        assert_array_equal(array, dict(whole.model.named_buffers())[name])


def test_several_fits_of_replicas_trainers_go_on_from_their_statistics() -> None:
    """A block hands its statistics back, and a later fit of each model goes on with them."""
    found = train_replicas(batch, optim.NAG(0.1), X, Y, seeds=2, **OPTIONS)  # type: ignore[arg-type]
    trainer = Trainer(batch(1), "bce", optimizer=optim.NAG(0.1), batch_size=30, seed=1)
    trainer.fit(X, Y, epochs=4)
    for again in (found[1].model, trainer.model):
        again(X, training=True)
    assert_allclose(found[1].model.predict(X), trainer.model.predict(X), rtol=1e-10, atol=1e-12)


def test_measuring_changes_no_statistics() -> None:
    model = batch(0)
    trainer = Trainer(model, "bce", optimizer=optim.NAG(0.1), seed=0, look_ahead=True)
    trainer.fit(X, Y, epochs=1, validation=(MOONS.X_test, MOONS.y_test))
    before, rows = model.copy_buffers(), check_rows("training", X, Y, trainer.objective)
    sharpness(model, "bce", X, Y)
    trainer.evaluate(X, Y)
    point = np.zeros(model.parameters.size)
    trainer.objective.loss_at(point, 0.0, partial(trainer.objective.measure, *rows))
    trainer.objective.gradient(model.parameters.value, *rows)
    trainer.measure(Data(rows), np.zeros(1))
    model.predict(X)
    for name, array in model.named_buffers():
        assert_array_equal(array, before[name])


def test_sharpness_is_that_of_the_network_with_its_running_statistics() -> None:
    """Batch normalisation in evaluation is a fixed affine map, so the Hessian is known."""
    model = nn.Sequential(nn.BatchNorm(2), nn.Dense(2, 1, bias=False), seed=0)
    model(X, training=True)
    norm: Any = model[0]
    xhat = (X - norm.running_mean.data) / np.sqrt(norm.running_var.data + 1e-5)
    frozen = nn.Sequential(nn.Dense(2, 1, bias=False), seed=0)
    frozen[0].weight.data[...] = model[1].weight.data  # type: ignore[attr-defined]
    expected = 2 * np.linalg.eigvalsh(xhat.T @ xhat)[-1] / len(X)
    assert float(sharpness(frozen, "mse", xhat, Y)) == pytest.approx(expected)
    assert float(sharpness(model, "mse", X, Y)) > expected  # with scale and shift besides


def test_an_optimizer_that_evaluates_twice_moves_the_statistics_twice() -> None:
    class Twice(optim.GradientDescent):
        def update(self, w: Any, grad: Any) -> None:
            grad(w + 0.0)
            super().update(w, grad)

    norm = nn.BatchNorm(2)
    model = nn.Sequential(norm, nn.Dense(2, 1), seed=0)
    Trainer(model, "bce", optimizer=Twice(0.1), batch_size="full", seed=0).fit(X, Y, epochs=1)
    assert_allclose(norm.running_mean.data, (1 - 0.9**2) * X.mean(axis=0), rtol=1e-12)


class Forgetful(nn.Layer):
    """Keeps a running mean that is no buffer."""

    def __init__(self, start: Any, axis: Any) -> None:
        self.mean, self.axis = start, axis

    def forward(self, x: Any, training: Any = False) -> Any:
        if training:
            self.mean = 0.9 * self.mean + 0.1 * np.mean(x, axis=self.axis)
        return x - self.mean


@pytest.mark.parametrize("axis", [0, None])
@pytest.mark.parametrize("start", [np.zeros(2), 0.0, np.float32(0.0)])
def test_a_running_mean_that_is_no_buffer_is_told_in_training_and_when_saved(
    start: Any, axis: Any, tmp_path: Any
) -> None:
    model = nn.Sequential(Forgetful(start, axis), nn.Dense(2, 1), seed=0)
    trainer = Trainer(model, "bce", optimizer=optim.NAG(0.1), seed=0)
    message = r"^0\.mean changed .* neither saved .* In __init__, write self\.mean = nn\.Buffer"
    with pytest.warns(UserWarning, match=message):
        trainer.fit(X, Y, epochs=1)
    with pytest.warns(UserWarning, match=message):
        save_model(model, tmp_path / "model.npz")


def test_what_is_constant_or_of_minidl_is_not_told(tmp_path: Any) -> None:
    class Constant(nn.Layer):
        def __init__(self) -> None:
            self.shift, self.last = np.ones(2), None

        def forward(self, x: Any, training: Any = False) -> Any:
            self.last = x  # kept to be looked at
            return x + self.shift

    model = nn.Sequential(Constant(), batch(0), nn.Dropout(0.1), nn.Dense(1, 1), seed=0)
    Trainer(model, "bce", optimizer=optim.NAG(0.1), seed=0).fit(X, Y, epochs=2)
    model[2].rate = 0.5  # type: ignore[attr-defined]
    save_model(model, tmp_path / "model.npz")
