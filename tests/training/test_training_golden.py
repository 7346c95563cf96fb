"""Whole runs, the same as in PyTorch and Keras: epoch losses, stored points and final weights.

The golden file was written by ``tests/golden/write_training.py``.
"""

from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from training_problems import Watch

from minidl import Trainer, nn, optim
from minidl.streams import stream

with np.load(Path(__file__).parent.parent / "golden" / "training.npz") as file:
    GOLDEN = dict(file)

KINDS = {"binary": ("tanh", "bce"), "classes": ("relu", "cross_entropy")}
RULES = {"plain": (0.0, False), "momentum": (0.9, False), "nesterov": (0.9, True)}
RUNS = [(name, rule) for name in KINDS for rule in RULES]
TOLERANCE = 1e-12  # the largest difference seen is 1e-15


def train(name, optimizer):
    """Train through the public API; return the history, the model and what was seen."""
    activation, loss = KINDS[name]
    model = nn.mlp(*GOLDEN[f"{name} sizes"].tolist(), activation=activation, seed=0)
    model.parameters.set(GOLDEN[f"{name} start"])
    watch = Watch()
    trainer = Trainer(
        model,
        loss,
        optimizer=optimizer,
        batch_size=int(GOLDEN["batch"]),
        seed=int(GOLDEN["seed"]),
        callbacks=[watch],
    )
    history = trainer.fit(GOLDEN[f"{name} X"], GOLDEN[f"{name} y"], epochs=20)
    return history, model, watch


def torch_run(name, rule):
    """Return PyTorch's losses of theta, stored points and last theta."""
    return [GOLDEN[f"torch {name} {rule} {what}"] for what in ("losses", "stored", "theta")]


@pytest.mark.parametrize("name", KINDS)
def test_orders_of_rows_in_the_golden_file_are_those_of_the_shuffle_stream(name):
    orders = GOLDEN[f"{name} orders"]
    for epoch, order in enumerate(orders, start=1):
        assert_array_equal(order, stream(7, "shuffle", epoch).permutation(orders.shape[1]))


@pytest.mark.parametrize(("name", "rule"), RUNS)
def test_trainer_reproduces_a_pytorch_run_epoch_by_epoch(name, rule):
    momentum, nesterov = RULES[rule]
    optimizer = optim.SGD(float(GOLDEN[f"{rule} lr"]), momentum, nesterov=nesterov)
    history, model, watch = train(name, optimizer)
    losses, stored, theta = torch_run(name, rule)
    assert_allclose(history["train_loss"], losses, rtol=TOLERANCE, atol=0)
    assert_allclose(watch.stored, stored, rtol=0, atol=TOLERANCE)
    assert_allclose(model.parameters.value, theta, rtol=0, atol=TOLERANCE)


@pytest.mark.parametrize("name", KINDS)
def test_look_ahead_nag_has_the_iterates_that_pytorchs_stored_points_stand_for(name):
    history, model, _ = train(name, optim.NAG(float(GOLDEN["nesterov lr"]), 0.9))
    losses, stored, theta = torch_run(name, "nesterov")
    assert_allclose(history["train_loss"], losses, rtol=TOLERANCE, atol=0)
    assert_allclose(model.parameters.value, theta, rtol=0, atol=TOLERANCE)
    assert np.abs(stored[-1] - theta).max() > 1e-3  # so that they are worth telling apart


def test_trainer_stores_the_points_of_a_keras_run():
    _, _, watch = train("classes", optim.SGD(float(GOLDEN["nesterov lr"]), 0.9, nesterov=True))
    assert_allclose(watch.stored, GOLDEN["keras classes nesterov stored"], rtol=0, atol=TOLERANCE)


def test_golden_runs_learn_and_differ_from_each_other():
    for name, rule in RUNS:
        losses, stored, _ = torch_run(name, rule)
        assert losses[-1] < 0.8 * losses[0]
        assert len(stored) == 21
    for name in KINDS:
        momentum, nesterov = (torch_run(name, rule)[2] for rule in ("momentum", "nesterov"))
        assert np.abs(momentum - nesterov).max() > 0.01
