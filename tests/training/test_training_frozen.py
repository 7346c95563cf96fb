"""Frozen parameters stay exactly where they are, and begin at rest when they are trained again."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from training_problems import line, two_classes

from minidl import Trainer, nn, optim, train_replicas
from minidl.training import StopAtTarget, load_run, save_run

X, Y = two_classes()


class Kick(optim.Optimizer):
    """A custom rule with its own state, which moves every weight in every step."""

    lr = optim.learning_rate()
    state_names = ("mean",)

    def __init__(self, lr):
        super().__init__(lr=lr)

    def update(self, w, grad):
        self.state["mean"] += 0.1 + grad(w)
        w -= self.lr * (self.state["mean"] + 0.01 * w)


RULES = {
    "gd": lambda: optim.GradientDescent(0.2),
    "momentum": lambda: optim.Momentum(0.2),
    "nag": lambda: optim.NAG(0.2),
    "nag-reformulated": lambda: optim.ReformulatedNAG(0.2),
    "custom": lambda: Kick(0.05),
}


def freeze(model, *names, to=False):
    """Freeze parameters, or all of a model's except the last bias."""
    for name, p in model.named_parameters():
        if name in names:
            p.requires_grad = to


def numbers(model, *names):
    """Return copies of parameters by name."""
    return {name: p.data.copy() for name, p in model.named_parameters() if name in names}


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("l2", [0.0, 0.3])
@pytest.mark.parametrize("batch_size", ["full", 32])
def test_parameters_that_are_frozen_after_some_epochs_do_not_move(rule, l2, batch_size):
    """Not by the velocity from before, and not by the penalty."""
    model, held = nn.mlp(2, 6, 6, 1, seed=0), ("0.weight", "2.bias")
    trainer = Trainer(model, "bce", optimizer=RULES[rule](), batch_size=batch_size, seed=0, l2=l2)
    trainer.fit(X, Y, epochs=4)
    freeze(model, *held)
    before, others = numbers(model, *held), numbers(model, "2.weight", "4.bias")
    trainer.fit(X, Y, epochs=3)
    for name, value in numbers(model, *held).items():
        assert_array_equal(value, before[name])
    for name, value in numbers(model, "2.weight", "4.bias").items():
        assert not np.array_equal(value, others[name])
    freeze(model, *held, to=True)
    trainer.fit(X, Y, epochs=1)
    for name, value in numbers(model, *held).items():
        assert not np.array_equal(value, before[name])


@pytest.mark.parametrize("rule", ["gd", "momentum", "nag", "nag-reformulated"])
def test_weights_follow_their_formula_while_frozen_and_afterwards(rule):
    """Linear regression by hand: 5 steps, 4 with the weights frozen, 3 steps more."""
    X, y = line()
    model = nn.Dense(2, 1, seed=0)
    lr, m, s = 0.2, 0.0 if rule == "gd" else 0.9, 0.1
    trainer = Trainer(model, "mse", optimizer=RULES[rule](), batch_size="full", seed=0, l2=s)
    theta = np.append(model.weight.data.ravel(), 0.0)
    v, A, penalized = np.zeros(3), np.c_[X, np.ones(len(X))], np.array([1.0, 1.0, 0.0])
    for epochs, free in ((5, [1, 1, 1]), (4, [0, 0, 1]), (3, [1, 1, 1])):
        v = v * free
        for _ in range(epochs):
            point = theta - m * v if "nag" in rule else theta
            g = 2 * A.T @ (A @ point - y) / len(y) + s * penalized * point
            v = m * v + lr * g * free
            theta = theta - v
        model.weight.requires_grad = bool(free[0])
        trainer.fit(X, y, epochs=epochs)
        got = np.append(model.weight.data.ravel(), model.bias.data)
        assert_allclose(got, theta, rtol=1e-11)


@pytest.mark.parametrize("rule", RULES)
def test_frozen_parameters_of_replicas_stay_as_each_was(rule):
    def model(seed):
        network = nn.mlp(2, 6, 1, seed=seed)
        freeze(network, "0.weight")
        return network

    replicas = train_replicas(
        model,
        RULES[rule](),
        X,
        Y,
        loss="bce",
        seeds=4,
        epochs=6,
        l2=0.1,
        callbacks=lambda: [StopAtTarget(0.1)],
    )
    for replica in replicas:
        single = Trainer(
            model(replica.seed), "bce", optimizer=RULES[rule](), seed=replica.seed, l2=0.1
        )
        history = single.fit(X, Y, epochs=6)
        first = nn.mlp(2, 6, 1, seed=replica.seed)
        assert_array_equal(numbers(replica.model, "0.weight")["0.weight"], first[0].weight.data)
        for name in ("train_loss", "gradient_norm"):
            assert_allclose(replica.history[name], history[name], rtol=1e-11)


def test_the_gradient_norm_is_that_of_the_parameters_that_are_trained():
    model = nn.Dense(2, 1, seed=0)
    model.weight.requires_grad = False
    trainer = Trainer(
        model, "mse", optimizer=optim.GradientDescent(0.1), batch_size="full", l2=0.5, seed=0
    )
    X, y = line()
    bias = model.bias.data.copy()
    history = trainer.fit(X, y, epochs=1)
    expected = 2 * abs(np.mean(X @ model.weight.data[:, 0] + bias - y))
    assert_allclose(history["gradient_norm"][1], expected, rtol=1e-12)


@pytest.mark.parametrize("rule", ["momentum", "nag-reformulated"])
def test_a_saved_run_is_frozen_as_it_was(rule, tmp_path):
    def trainer():
        return Trainer(nn.mlp(2, 6, 1, seed=0), "bce", optimizer=RULES[rule](), seed=0)

    whole, loaded = trainer(), trainer()
    whole.fit(X, Y, epochs=2)
    freeze(whole.model, "0.weight")
    whole.fit(X, Y, epochs=2)
    save_run(whole, tmp_path / "run.npz")
    load_run(loaded, tmp_path / "run.npz")
    for run in (whole, loaded):
        run.fit(X, Y, epochs=2)
    assert_array_equal(loaded.model.parameters.value, whole.model.parameters.value)
