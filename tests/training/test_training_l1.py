"""The L1 penalty: values, gradients, a run of PyTorch, replicas, saved runs, frozen weights."""

import copy
from pathlib import Path

import numpy as np
import pytest
from training_problems import two_classes

from minidl import Trainer, errors, nn, optim, train_replicas
from minidl.training import Objective, load_run, save_run
from minidl.training.many import block_key

X, Y = two_classes(40)
with np.load(Path(__file__).parent.parent / "golden" / "layers.npz") as file:
    G = dict(file)


def model_at(point: float = 0.5) -> nn.Sequential:
    """Return a network whose weights have both signs, one of them 0, and biases far from 0."""
    model = nn.mlp(2, 3, 1, seed=0)
    model.parameters.value[0] = 0.0
    for p in model.parameters:
        if not p.penalized:
            p.data[...] = point
    return model


def test_penalty_is_the_strength_times_the_absolute_weights_without_biases() -> None:
    model, penalty = model_at(), nn.L1Penalty(0.3)
    vector = model.parameters
    expected = 0.3 * sum(np.abs(p.data).sum() for p in vector if p.ndim == 2)
    value = penalty(model)
    value.backward()
    by_graph = vector.grad.copy()
    vector.grad[...] = 2.0
    assert value.item() == pytest.approx(expected, rel=1e-14)
    assert penalty.add(vector) == pytest.approx(expected, rel=1e-14)
    np.testing.assert_allclose(vector.grad - 2.0, by_graph, rtol=1e-13, atol=1e-15)
    assert np.array_equal(by_graph, np.where(vector.penalized, 0.3 * np.sign(vector.value), 0.0))
    assert by_graph[0] == 0.0  # the slope of a weight of 0
    assert nn.L1Penalty(1.0)(nn.Tanh()).item() == 0


def test_run_equals_that_of_pytorch() -> None:
    model = nn.Dense(4, 3)
    model.weight.data[...], model.bias.data[...] = G["W"], 0.0
    momentum = optim.Momentum(float(G["rate"]), momentum=float(G["momentum"]))
    trainer = Trainer(model, "mse", momentum, batch_size="full", l1=float(G["l1"]))
    steps = int(G["steps"])
    losses = trainer.fit(G["X"], G["Y"], epochs=steps)["train_loss"]
    np.testing.assert_allclose(losses[:-1], G["lasso: value"], rtol=1e-12)
    np.testing.assert_allclose(model.parameters.value, G["lasso: after"], rtol=1e-11)
    first = nn.Dense(4, 3)
    first.weight.data[...], first.bias.data[...] = G["W"], 0.0
    objective = Objective(first, nn.MeanSquaredError(), l1=float(G["l1"]))
    g = objective.gradient(first.parameters.value.copy(), G["X"], G["Y"])
    np.testing.assert_allclose(g, G["lasso: gradient"], rtol=1e-12)


def test_a_penalty_on_biases_is_told_from_the_right_one() -> None:
    model = model_at()
    model.parameters.penalized[...] = True  # planted
    right, wrong = (nn.L1Penalty(0.3).value(m.parameters) for m in (model_at(), model))
    assert wrong - right == pytest.approx(0.3 * 0.5 * 4)


def test_both_penalties_add_up_in_every_reported_loss() -> None:
    model = model_at()
    trainer = Trainer(model, "bce", "gd", lr=0.1, l1=0.2, l2=0.1)
    plain = Trainer(model_at(), "bce", "gd", lr=0.1)
    extra = nn.L1Penalty(0.2)(model).item() + nn.L2Penalty(0.1)(model).item()
    found = trainer.evaluate(X, Y)["loss"] - plain.evaluate(X, Y)["loss"]
    assert found == pytest.approx(extra, rel=1e-12)
    assert "l1" in trainer._repr_html_()
    assert "l1" not in plain._repr_html_()


def test_frozen_weights_do_not_move() -> None:
    model = model_at()
    model[0].weight.requires_grad = False
    kept = model[0].weight.data.copy()
    Trainer(model, "bce", "nag", lr=0.1, l1=0.3).fit(X, Y, epochs=2)
    assert np.array_equal(model[0].weight.data, kept)
    model.zero_grad()
    nn.L1Penalty(0.3).add(model.parameters)
    assert not model[0].weight.grad.any()
    assert model[2].weight.grad.any()


def test_a_copy_of_an_objective_keeps_both_strengths() -> None:
    objective = copy.deepcopy(Objective(model_at(), nn.BinaryCrossEntropy(), 0.1, 0.2))
    assert (objective.penalty.strength, objective.l1_penalty.strength) == (0.1, 0.2)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_replicas_equal_single_networks(dtype: type) -> None:
    make = lambda seed: nn.mlp(2, 4, 1, seed=seed, dtype=dtype)  # noqa: E731
    options = {"batch_size": 8, "l1": 0.02, "l2": 0.01}
    many = train_replicas(
        make, optim.NAG([0.05, 0.2]), X, Y, loss="bce", seeds=2, epochs=3, **options
    )
    for one in many:
        lr = one.hyperparameters["lr"]
        trainer = Trainer(make(one.seed), "bce", "nag", lr=lr, seed=one.seed, **options)
        trainer.fit(X, Y, epochs=3)
        tolerance = 1e-12 if dtype is np.float64 else 1e-5
        theirs = trainer.model.parameters.value
        np.testing.assert_allclose(one.model.parameters.value, theirs, rtol=tolerance, atol=1e-9)
        assert one.history["train_loss"].dtype == np.float64


def test_a_saved_run_goes_on_bit_for_bit_with_the_same_penalty(tmp_path: Path) -> None:
    make = lambda l1: Trainer(  # noqa: E731
        nn.mlp(2, 4, 1, seed=0), "bce", "nag", lr=0.1, seed=0, l1=l1
    )
    whole, begun, goes_on = make(0.02), make(0.02), make(0.02)
    whole.fit(X, Y, epochs=4)
    begun.fit(X, Y, epochs=2)
    begun.objective.l1_penalty.strength = 0.05  # as a callback may
    save_run(begun, tmp_path / "run.npz")
    load_run(goes_on, tmp_path / "run.npz")
    assert goes_on.objective.l1_penalty.strength == 0.05
    goes_on.objective.l1_penalty.strength = 0.02
    goes_on.fit(X, Y, epochs=2)
    assert np.array_equal(goes_on.model.parameters.value, whole.model.parameters.value)


@pytest.mark.parametrize("wrong", [-0.1, float("inf"), "0.1", True, None])
def test_an_invalid_strength_is_an_error_that_names_it(wrong: object) -> None:
    with pytest.raises(errors.ArgumentError, match=r"^l1 must be a finite number >= 0, got"):
        Trainer(nn.mlp(2, 1), "bce", "nag", lr=0.1, l1=wrong)  # type: ignore[arg-type]


def test_networks_of_other_strengths_are_not_computed_together() -> None:
    keys = {
        block_key(Trainer(nn.mlp(2, 1, seed=0), "bce", "nag", lr=0.1, l1=l1))
        for l1 in (0, 0.1, 0.2)
    }
    assert len(keys) == 3
    assert None not in keys
