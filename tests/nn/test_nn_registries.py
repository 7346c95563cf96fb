"""Names that a user adds work wherever names do."""

from typing import Any

import numpy as np
import pytest

from minidl import Trainer, nn, optim
from minidl.errors import ArgumentError, UnknownNameError
from minidl.registry import Registry
from minidl.training.describe import describe

X = np.random.default_rng(0).standard_normal((20, 2))


@pytest.fixture(autouse=True)
def _forget_added_names(monkeypatch: pytest.MonkeyPatch) -> None:
    for registry in (nn.ACTIVATIONS, nn.LOSSES, nn.INITIALIZERS, optim.OPTIMIZERS):
        for part in ("_entries", "_aliases", "_canonical"):
            monkeypatch.setattr(registry, part, dict(getattr(registry, part)))


class Square(nn.Activation):
    """y = x^2."""

    function = staticmethod(lambda x: x * x)
    initializer = "halves"


class Quartic(nn.Loss):
    """Mean of (prediction - target)^4."""

    def mean(self, outputs: Any, targets: Any) -> Any:
        return ((outputs - targets) ** 4).mean()


class SignDescent(optim.Optimizer):
    """Move each weight by lr."""

    lr = optim.learning_rate()

    def __init__(self, lr: float) -> None:
        super().__init__(lr=lr)

    def update(self, w: Any, grad: optim.Gradient) -> None:
        w -= self.lr * np.sign(grad(w))


def halves(shape: tuple[int, ...], generator: np.random.Generator) -> Any:
    return np.full(shape, 0.5)


def test_added_names_build_and_train_a_network() -> None:
    nn.INITIALIZERS.add("halves", halves)
    nn.ACTIVATIONS.add("square", Square, ["quadratic"])
    nn.LOSSES.add("quartic", Quartic)
    model = nn.mlp(2, 3, 1, activation="Quadratic", seed=0)
    assert repr(model) == "Sequential(Dense(2, 3), Square(), Dense(3, 1))"
    assert np.all(model[0].weight.data == 0.5)  # what suits the activation after it
    assert np.all(nn.Dense(2, 1, initializer="Halves").weight.data == 0.5)
    trainer = Trainer(model, loss="quartic", optimizer=optim.NAG(0.001), seed=0)
    losses = trainer.fit(X, X[:, :1], epochs=5)["train_loss"]
    assert losses[-1] < losses[0]
    assert isinstance(nn.loss("Quartic"), Quartic)
    assert "square" in nn.ACTIVATIONS
    assert describe(model) is None  # a custom layer: a file could not say how


def test_added_optimizer_is_found_by_name_and_listed_in_the_table() -> None:
    entry, before = optim.Entry("sign", SignDescent, summary="sign descent"), len(optim.TABLE)
    optim.OPTIMIZERS.add("sign", entry, ["sign-sgd"])
    assert optim.lookup("Sign_SGD") is entry
    assert optim.TABLE[-1] is entry
    assert len(optim.TABLE) == len(optim.OPTIMIZERS) == before + 1
    assert repr(optim.lookup("sign").make(0.1, 0.9)) == "SignDescent(lr=0.1)"
    assert entry.batches() == 32


@pytest.mark.parametrize("registry", [nn.ACTIVATIONS, nn.LOSSES, nn.INITIALIZERS, optim.OPTIMIZERS])
def test_a_name_cannot_be_added_twice(registry: Registry[Any]) -> None:
    name = next(iter(registry))
    with pytest.raises(ArgumentError, match=f"already .* named '{name.upper()}'"):
        registry.add(name.upper(), registry[name])
    with pytest.raises(UnknownNameError, match=f"unknown {registry.kind} 'nothing-like-it'"):
        registry["nothing-like-it"]
