"""The loss at the look-ahead point: single runs, blocks and both forms of NAG find the same."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from test_training_many import HELD_OUT, SETS, N, X, Y, demand_single_runs, grid
from training_problems import Do

from minidl import Trainer, nn, optim, train_replicas
from minidl.errors import ArgumentError, DivergenceWarning
from minidl.training import LearningRateSchedule, load_run, save_run
from minidl.training.measure import Objective

RISING = optim.NesterovMomentum()


def trainer(optimizer: Any, **options: Any) -> Trainer:
    arguments: dict[str, Any] = {"batch_size": 16, "seed": 0, "look_ahead": True, **options}
    return Trainer(nn.mlp(2, 6, 1, seed=0), "bce", optimizer=optimizer, **arguments)


class Recording(optim.NAG):
    """Keeps the first point of each epoch at which it asks."""

    def update(self, w: Any, grad: Any) -> None:
        def asked(point: Any) -> Any:
            self.points.append(point.copy())
            return grad(point)

        super().update(w, asked)

    points: list[Any]


@pytest.mark.parametrize("l2", [0.0, 0.01])
@pytest.mark.parametrize("m", [0.9, RISING], ids=["constant", "rising"])
def test_it_is_the_loss_where_the_next_epoch_begins(m: Any, l2: float) -> None:
    optimizer = Recording(0.1, m)
    optimizer.points = []
    run = trainer(optimizer, l2=l2)
    history = run.fit(X[0], Y[0], epochs=4)
    last = run.look_ahead_point()
    steps = len(optimizer.points) // 4
    objective = Objective(run.model, run.loss, l2)
    found = []
    for point in [*optimizer.points[::steps], last]:
        run.model.parameters.set(point)
        found.append(objective.measure(X[0], Y[0][:, None].astype(float))["loss"])
    np.testing.assert_allclose(history["look_ahead_loss"], found, 1e-12)
    assert history["look_ahead_loss"][0] == history["train_loss"][0]
    assert (history["look_ahead_loss"][1:] != history["train_loss"][1:]).all()


def loss_by_hand(w: Any) -> float:
    """Return the mean loss on all rows of a 2-6-1 network with these weights, in NumPy alone."""
    first, bias, second, last = w[:12].reshape(2, 6), w[12:18], w[18:24], w[24]
    z = np.tanh(X[0] @ first + bias) @ second + last
    return float(np.mean(np.logaddexp(0, z) - Y[0] * z))


@pytest.mark.parametrize("engine", ["eager", "compiled"])
@pytest.mark.parametrize("m", [0.9, RISING], ids=["constant", "rising"])
@pytest.mark.parametrize("kind", [optim.NAG, optim.Momentum])
def test_it_is_the_loss_at_w_minus_m_v_of_nag_and_at_w_of_momentum(
    kind: Any, m: Any, engine: str
) -> None:
    at_w, ahead = [], []

    def note(trainer: Any, record: Any) -> None:
        w, v = trainer.model.parameters.value, trainer.optimizer.state.get("velocity", 0.0)
        factor = m(trainer.optimizer.step_count) if callable(m) else m
        at_w.append(loss_by_hand(w))
        ahead.append(loss_by_hand(w - factor * v))

    run = trainer(kind(0.1, m), engine=engine, callbacks=[Do(on_epoch_end=note)])
    history = run.fit(X[0], Y[0], epochs=4)
    assert np.abs(np.subtract(ahead, at_w))[1:].min() > 1e-4
    expected = ahead if kind is optim.NAG else at_w
    np.testing.assert_allclose(history["look_ahead_loss"], expected, 1e-12)


@pytest.mark.parametrize("m", [0.9, RISING], ids=["constant", "rising"])
def test_both_forms_of_nag_agree_and_the_run_is_unchanged(m: Any) -> None:
    runs = [
        trainer(kind(0.1, m), look_ahead=look_ahead).fit(X[0], Y[0], epochs=6)
        for kind in (optim.NAG, optim.ReformulatedNAG)
        for look_ahead in (True, False)
    ]
    nag, _, reformulated, _ = runs
    np.testing.assert_allclose(nag["look_ahead_loss"], reformulated["look_ahead_loss"], 1e-10)
    for with_it, without in (runs[:2], runs[2:]):
        assert set(with_it.columns) - set(without.columns) == {"look_ahead_loss"}
        assert np.array_equal(with_it["train_loss"], without["train_loss"])


@pytest.mark.parametrize("optimizer", [optim.GradientDescent(0.1), optim.Momentum(0.1)], ids=repr)
def test_where_the_gradient_is_asked_for_at_the_iterate_it_is_the_training_loss(
    optimizer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    passes: list[int] = []
    inner = Objective.measure
    monkeypatch.setattr(
        Objective, "measure", lambda self, *a: (passes.append(1), inner(self, *a))[1]
    )
    history = trainer(optimizer).fit(X[0], Y[0], epochs=3)
    assert np.array_equal(history["look_ahead_loss"], history["train_loss"])
    assert len(passes) == 4  # and it costs nothing


@pytest.mark.parametrize("jobs", [1, 2])
def test_blocks_find_what_single_runs_find(jobs: int) -> None:
    for sets in SETS.values():
        demand_single_runs(lambda: grid(look_ahead=True, measure_every=2), sets, jobs=jobs)


def test_swept_momenta_and_callbacks_that_change_the_rate() -> None:
    options: dict[str, Any] = {"loss": "bce", "epochs": 4, "batch_size": 16, "look_ahead": True}
    hooks: Any = lambda: [LearningRateSchedule(lambda epoch: 0.2 / (epoch + 1))]  # noqa: E731
    for kind in (optim.NAG, optim.ReformulatedNAG):
        found = train_replicas(
            lambda seed: nn.mlp(2, 6, 1, seed=seed), kind(0.1, [0.9, 0.5]), X[0], Y[0],
            seeds=2, callbacks=hooks, **options,
        )  # fmt: skip
        for one in found:
            m = one.hyperparameters["momentum"]
            alone = Trainer(
                nn.mlp(2, 6, 1, seed=one.seed), "bce", optimizer=kind(0.1, m), seed=one.seed,
                batch_size=16, look_ahead=True, callbacks=hooks(),
            ).fit(X[0], Y[0], epochs=4)  # fmt: skip
            np.testing.assert_allclose(
                one.history["look_ahead_loss"], alone["look_ahead_loss"], 1e-12
            )


def test_one_that_has_the_column_and_one_that_has_not_are_both_right() -> None:
    def make() -> list[Trainer]:
        pairs = zip(grid(range(2)), grid(range(2), look_ahead=True), strict=True)
        return [trainer for pair in pairs for trainer in pair]

    demand_single_runs(make, [0, 0, 1, 1] * 4)


def test_a_run_that_diverges_tells_so_as_without() -> None:
    advice = []
    for look_ahead in (True, False):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DivergenceWarning)
            history = trainer(optim.NAG(1e5), look_ahead=look_ahead).fit(X[0], Y[0], epochs=5)
        advice.append(history.advice)
    assert advice[0] == advice[1] != ""


@pytest.mark.filterwarnings("ignore:the gradient of .* was 0:minidl.errors.UntrainedWarning")
def test_what_a_callback_wrote_into_the_model_is_where_it_looks_from() -> None:
    def zero(trainer: Any, record: Any) -> None:
        trainer.model.parameters.set(np.zeros_like(trainer.model.parameters.value))

    for kind in (optim.NAG, optim.ReformulatedNAG):
        run = trainer(kind(0.1), callbacks=[Do(on_epoch_end=zero)])
        run.fit(X[0], Y[0], epochs=2)
        v = run.optimizer.state["velocity"]
        np.testing.assert_allclose(run.look_ahead_point(), -0.9 * v, 1e-12)


def test_a_saved_run_goes_on_and_not_without_the_column(tmp_path: Path) -> None:
    whole, first = trainer(optim.ReformulatedNAG(0.1)), trainer(optim.ReformulatedNAG(0.1))
    whole.fit(X[0], Y[0], epochs=4)
    first.fit(X[0], Y[0], epochs=2)
    save_run(first, tmp_path / "run.npz")
    for look_ahead in (True, False):
        second = trainer(optim.ReformulatedNAG(0.1), look_ahead=look_ahead)
        load_run(second, tmp_path / "run.npz")
        if look_ahead:
            second.fit(X[0], Y[0], epochs=2)
            for name in ("train_loss", "look_ahead_loss"):
                assert np.array_equal(second.history[name], whole.history[name])
        else:
            with pytest.raises(ArgumentError, match="look_ahead cannot change during a run"):
                second.fit(X[0], Y[0], epochs=2)


def test_validation_rows_are_measured_at_the_iterate_only() -> None:
    held_out = (X[0, N:], Y[0, N:])
    assert len(held_out[0]) == HELD_OUT
    run = trainer(optim.NAG(0.1))
    history = run.fit(X[0, :N], Y[0, :N], epochs=2, validation=held_out)
    assert history["validation_loss"][-1] == run.evaluate(*held_out)["loss"]
