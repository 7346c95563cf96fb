"""Measurements by the machine equal eager ones, and what it cannot measure is measured eagerly."""

from __future__ import annotations

import gc
import weakref
from typing import Any

import numpy as np
import pytest
from test_engine_training import HELD_OUT, ROWS, assert_same, trainer

from minidl import Trainer, nn, optim, train_replicas
from minidl.engine import worth
from minidl.errors import DivergenceWarning
from minidl.training import Callback, load_run, save_run
from minidl.training.data import Rows, check_rows
from minidl.training.machine_measure import MeasureJobs, Measuring, _pieces
from minidl.training.machine_rows import Sources
from minidl.training.measure import Objective


class Bare:
    """What a measurement needs of a run."""

    buffered, engine = False, "compiled"

    def __init__(self, objective: Objective) -> None:
        self.objective = objective

    def networks(self) -> list[Any]:
        return [self]

    def buffers(self) -> dict[str, Any]:
        return {}


def measured(objective: Objective, rows: Rows) -> tuple[Measuring, dict[str, Any]]:
    measuring = Measuring(Sources())
    found = measuring.measure(Bare(objective), rows, None, "settings")
    return measuring, found


def rows_of(objective: Objective, n: int, weights: bool, k: int = 2) -> Rows:
    w, loss, rng = objective.vector.value, objective.loss, np.random.default_rng(n)
    X = rng.standard_normal((n, 2)).astype(w.dtype)
    out = objective.model(X).shape[-1]
    y = rng.integers(0, max(out, k), n) if loss.classifies else rng.random((n, out))
    y[0] = 0  # which no loss ignores
    return check_rows("training", X, y, objective, rng.random(n) + 0.1 if weights else None)


LOSSES: list[Any] = [nn.loss(name) for name in nn.LOSSES]
LOSSES += [
    nn.SoftmaxCrossEntropy(class_weight=[1.0, 2.0, 0.5]),
    nn.BinaryCrossEntropy(pos_weight=3),
]
LOSSES += [nn.SoftmaxCrossEntropy(ignore_index=2), nn.SoftmaxCrossEntropy(label_smoothing=0.1)]


@pytest.mark.parametrize("weights", [False, True])
@pytest.mark.parametrize("loss", LOSSES, ids=repr)
def test_all_losses(loss: Any, weights: bool) -> None:
    outputs = 3 if "softmax" in type(loss).__module__ else 1
    for dtype in (np.float64, np.float32):
        objective = Objective(nn.mlp(2, 8, outputs, seed=1, dtype=dtype), loss, l2=0.1, l1=0.01)
        for n in (1, 5, 131, 300):
            rows = rows_of(objective, n, weights)
            expected = objective.measure(*rows)
            measuring, found = measured(objective, rows)
            assert measuring.reason == ""
            assert measuring.taken or np.any(rows.w == 0)  # a batch of weights 0 is a condition
            assert found.keys() == expected.keys()
            tolerance = 1e-12 if dtype is np.float64 else 1e-5
            np.testing.assert_allclose(found["loss"], expected["loss"], rtol=tolerance)
            if rows.w is None and "accuracy" in found:
                assert found["accuracy"] == expected["accuracy"]
            elif "accuracy" in found:
                np.testing.assert_allclose(found["accuracy"], expected["accuracy"], rtol=tolerance)


def test_accuracies_of_many_rows_are_those_of_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    objective = Objective(nn.mlp(2, 8, 1, seed=1), nn.BinaryCrossEntropy())
    for n in (49, 1000, 10007, 30000):
        rows = rows_of(objective, n, False)
        right = np.sum((objective.model.predict(rows.X) > 0) == (rows.t > 0.5))
        assert measured(objective, rows)[1]["accuracy"] == right / n
        monkeypatch.setattr("minidl.training.measure.CHUNK", 100)
        assert objective.measure(*rows)["accuracy"] == right / n


@pytest.mark.parametrize("n", [1, 23, 24, 127, 128, 129, 200, 750, 1009, 10000])
def test_pieces_are_all_rows_and_few_programs(n: int) -> None:
    objective = Objective(nn.mlp(2, 8, 1, seed=1), nn.BinaryCrossEntropy())
    pieces = _pieces(objective, n)
    rows = [first + k * count for first, count, steps in pieces for k in range(steps)]
    ends = [first + k * count + count for first, count, steps in pieces for k in range(steps)]
    assert rows == [0, *ends[:-1]]
    assert ends[-1] == n
    assert len(pieces) <= 2
    assert all(count <= 128 for _, count, _ in pieces)


def test_a_measured_run_with_look_ahead_weights_and_validation() -> None:
    options: dict[str, Any] = {"look_ahead": True, "l2": 0.01, "loss": nn.Focal()}
    one, two = (trainer(engine, **options) for engine in ("eager", "compiled"))
    for own in (one, two):
        own.fit(*ROWS, epochs=30, validation=HELD_OUT, sample_weight=1 + ROWS[0][:, 0] ** 2)
    assert_same(one, two)
    assert two.compiled.measuring.reason == ""
    assert two.compiled.measuring.taken > 90


class Means(nn.Layer):
    """A layer whose outputs depend on the other rows of the batch."""

    def forward(self, x: Any, training: Any = False) -> Any:
        return x - x.mean(axis=0, keepdims=True)


def test_a_layer_that_mixes_rows_gets_all_of_them() -> None:
    model = lambda: nn.Sequential(nn.Dense(2, 8), Means(), nn.Tanh(), nn.Dense(8, 1), seed=0)  # noqa: E731
    one, two = (trainer(engine, model) for engine in ("eager", "compiled"))
    for own in (one, two):
        own.fit(*ROWS, epochs=10, validation=HELD_OUT)
    assert_same(one, two)
    assert two.compiled.measuring.reason == ""


def test_replicas_with_sets_of_rows_and_look_ahead() -> None:
    rng = np.random.default_rng(0)
    X = np.stack([ROWS[0] + 0.1 * rng.standard_normal(ROWS[0].shape) for _ in range(3)])
    y = np.stack([ROWS[1]] * 3)
    weights = rng.random((3, len(ROWS[0])))
    loss = nn.SoftmaxCrossEntropy(class_weight=[1.0, 3.0])
    eager, fast = (
        train_replicas(
            lambda seed: nn.mlp(2, 8, 2, seed=seed),
            optim.NAG([0.02, 0.05]),
            X,
            y,
            loss=loss,
            seeds=3,
            epochs=5,
            look_ahead=True,
            sample_weight=weights,
            engine=engine,
        )
        for engine in ("eager", "compiled")
    )
    for one, two in zip(eager, fast, strict=True):
        for name in one.history.columns:
            if name != "seconds":
                a, b = one.history[name], two.history[name]
                np.testing.assert_allclose(a, b, rtol=1e-11, err_msg=name)


def test_losses_that_are_not_finite_are_those_of_eager() -> None:
    objective = Objective(nn.mlp(2, 4, 1, activation="relu", seed=0), nn.MeanSquaredError())
    rows = rows_of(objective, 50, False)
    for value in (1e200, np.inf, np.nan):
        objective.vector.value[...] = value
        with np.errstate(all="ignore"):
            found, expected = measured(objective, rows)[1], objective.measure(*rows)
        assert not np.isfinite(expected["loss"])
        np.testing.assert_equal(found, expected)


def test_after_a_loss_that_is_not_finite_the_accuracy_is_that_of_all_rows() -> None:
    objective = Objective(nn.mlp(2, 4, 1, seed=0), nn.BinaryCrossEntropy())
    rows = rows_of(objective, 300, False)
    measuring, run = Measuring(Sources()), Bare(objective)
    measuring.measure(run, rows, None, "settings")  # which is compared
    for value in (np.inf, np.nan, -np.inf):
        objective.vector.value[...] = value
        with np.errstate(all="ignore"):
            found, expected = (
                measuring.measure(run, rows, None, "settings"),
                objective.measure(*rows),
            )
        np.testing.assert_equal(found, expected)
    assert measuring.reason == ""


def test_a_divergence_that_only_the_measurement_sees() -> None:
    both = []
    for engine in ("eager", "compiled"):
        model = lambda: nn.mlp(2, 8, 1, activation="relu", seed=0)  # noqa: E731
        own = trainer(
            engine, model, lambda: optim.GradientDescent(40.0), loss="mse", batch_size="full"
        )
        with pytest.warns(DivergenceWarning):
            own.fit(*ROWS, epochs=9)
        both.append(own)
    assert both[0].history.advice == both[1].history.advice
    assert both[0].epoch == both[1].epoch


def test_batches_of_rows_without_weight_are_measured_eagerly() -> None:
    weights = np.where(np.arange(len(ROWS[0])) < 75, 1.0, 0.0)
    one, two = (trainer(engine, loss="bce") for engine in ("eager", "compiled"))
    for own in (one, two):
        own.fit(*ROWS, epochs=3, sample_weight=weights)
    assert_same(one, two)


def test_settings_that_callbacks_change_are_noticed_in_measurements() -> None:
    class Changes(Callback):
        def on_epoch_end(self, trainer: Trainer, row: dict[str, float]) -> None:
            trainer.model[1].slope = 0.1 * row["epoch"]  # type: ignore[index]
            trainer.objective.penalty.strength = 0.01 * (row["epoch"] % 3)

    model = lambda: nn.mlp(2, 8, 1, activation="leaky_relu", seed=0)  # noqa: E731
    one, two = (trainer(e, model, callbacks=[Changes()]) for e in ("eager", "compiled"))
    for own in (one, two):
        own.fit(*ROWS, epochs=6)
    assert_same(one, two)
    assert two.compiled.measuring.reason == ""


def test_settings_that_change_between_calls_of_fit_are_noticed() -> None:
    model = lambda: nn.mlp(2, 8, 1, activation="leaky_relu", seed=0)  # noqa: E731
    one, two = (trainer(e, model) for e in ("eager", "compiled"))
    for own in (one, two):
        own.fit(*ROWS, epochs=2)
        own.model[1].slope = 0.5  # type: ignore[index]
        own.fit(*ROWS, epochs=2)
    assert_same(one, two)


class Counts(nn.Activation):
    """A layer with side effects, which a replay would leave out."""

    def __init__(self) -> None:
        self.seen = list[Any]()

    def forward(self, x: Any, training: Any = False) -> Any:
        if not training:
            self.seen.append(x.shape)
        return x


def test_what_cannot_be_measured_is_measured_eagerly_and_named() -> None:
    own = trainer("compiled", lambda: nn.mlp(2, 8, 1, activation=Counts, seed=0))
    own.fit(*ROWS, epochs=2)
    assert own.compiled.measuring.reason == "the forward of Counts changes seen"
    assert own.compiled.steps_taken
    assert own.compiled.reason == ""


def test_a_difference_from_the_eager_measurement_is_noticed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    right = MeasureJobs.measure

    def wrong(self: MeasureJobs) -> bool:
        measured = right(self)
        self.rights *= 0.9
        return measured

    monkeypatch.setattr(MeasureJobs, "measure", wrong)
    own = trainer("compiled")
    own.fit(*ROWS, epochs=1)
    assert "the accuracy differs by" in own.compiled.measuring.reason
    other, resumed = trainer("eager"), trainer("compiled")
    other.fit(*ROWS, epochs=1)
    assert_same(own, other)
    monkeypatch.undo()
    save_run(own, tmp_path / "run.npz")
    load_run(resumed, tmp_path / "run.npz")
    for each in (own, resumed):  # it remains so, in the saved run, too
        each.fit(*ROWS, epochs=3)
        assert each.compiled.measuring.taken == own.compiled.measuring.taken * (each is own)
    assert_same(own, resumed, 0.0)


def test_rows_that_the_machine_does_not_measure_leave_others_to_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    """Validation rows that come later in an epoch decide nothing about the training rows."""
    training, validation = (ROWS[0][:60], ROWS[1][:60]), (ROWS[0][60:], ROWS[1][60:])
    monkeypatch.setattr(worth, "LIMITS", dict.fromkeys(worth.LIMITS, 8 * 8 * 60))
    whole, one, two = (trainer("auto", batch_size=8) for _ in range(3))
    whole.fit(*training, epochs=6, validation=validation)
    assert whole.compiled.measuring.reason == "products of large matrices are as fast"
    assert whole.compiled.measuring.taken == 6
    one.fit(*training, epochs=4, validation=validation)
    save_run(one, tmp_path / "run.npz")
    load_run(two, tmp_path / "run.npz")
    two.fit(*training, epochs=2, validation=validation)
    assert_same(whole, two, 0.0)


@pytest.mark.parametrize("engine", ["eager", "auto", "compiled"])
def test_a_trainer_does_not_keep_the_rows_of_a_fit(engine: str) -> None:
    own = trainer(engine)
    X, y = np.array(ROWS[0]), np.array(ROWS[1], float)
    kept = weakref.ref(X), weakref.ref(y)
    own.fit(X, y, epochs=4, validation=(X, y))
    assert bool(own.compiled.steps_taken) == (engine != "eager")
    del X, y
    gc.collect()
    assert [array() for array in kept] == [None, None]


def test_where_blas_is_as_fast_auto_measures_eagerly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worth, "LIMITS", dict.fromkeys(worth.LIMITS, 8 * 8 * 75 - 1))
    for engine, reason in (("auto", "products of large matrices are as fast"), ("compiled", "")):
        own = trainer(engine)
        own.fit(*ROWS, epochs=1)
        assert own.compiled.measuring.reason == reason
    monkeypatch.setattr(worth, "LIMITS", dict.fromkeys(worth.LIMITS, 8 * 8 * 150))
    own = trainer("auto")
    own.fit(*ROWS, epochs=1)
    assert own.compiled.measuring.reason == ""


def test_a_run_that_is_resumed_has_the_same_bytes(tmp_path: Any) -> None:
    whole, one, two = (trainer("compiled", look_ahead=True) for _ in range(3))
    whole.fit(*ROWS, epochs=8, validation=HELD_OUT)
    one.fit(*ROWS, epochs=3, validation=HELD_OUT)
    save_run(one, tmp_path / "run.npz")
    load_run(two, tmp_path / "run.npz")
    two.fit(*ROWS, epochs=5, validation=HELD_OUT)
    assert_same(whole, two, 0.0)
