"""An optimizer given by its name or its class, with lr and momentum."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from training_problems import content, two_classes

from minidl import Trainer, nn, optim, train_replicas
from minidl.errors import ArgumentError, MinidlError, UnknownKeywordError, UnknownNameError
from minidl.optim import learning_rate

X, Y = two_classes()


def trainer(*optimizer: Any, **arguments: Any) -> Trainer:
    return Trainer(nn.mlp(2, 4, 1, seed=0), "bce", *optimizer, seed=0, **arguments)


def message_of(error: type[MinidlError], **arguments: Any) -> str:
    with pytest.raises(error) as caught:
        trainer(**arguments)
    return str(caught.value)


class Sign(optim.Optimizer):
    lr = learning_rate()

    def __init__(self, lr: object = 0.01) -> None:
        super().__init__(lr=lr)

    def update(self, w: optim.base.Array, grad: optim.base.Gradient) -> None:
        w -= self.lr * np.sign(grad(w))


class Wide(Sign):
    def __init__(self, lr: object, width: int) -> None:
        super().__init__(lr)


@pytest.mark.parametrize(
    ("given", "made"),
    [
        ({"optimizer": "nag", "lr": 0.1}, optim.NAG(0.1)),
        ({"optimizer": "Nesterov", "lr": 0.1, "momentum": 0.5}, optim.NAG(0.1, 0.5)),
        ({"optimizer": "momentum", "lr": 0.1, "momentum": 0.0}, optim.Momentum(0.1, 0.0)),
        ({"optimizer": "mini_batch", "lr": 0.2}, optim.GradientDescent(0.2)),
        ({"optimizer": optim.NAG, "lr": 0.1}, optim.NAG(0.1)),
        ({"optimizer": optim.ReformulatedNAG, "lr": 0.1}, optim.ReformulatedNAG(0.1)),
        ({"optimizer": Sign}, Sign(0.01)),
        ({"optimizer": Sign, "lr": 0.3}, Sign(0.3)),
    ],
)
def test_a_name_or_a_class_with_its_settings_trains_as_the_optimizer(
    given: dict[str, Any], made: optim.Optimizer
) -> None:
    by_name, by_object = trainer(**given), trainer(optimizer=made)
    assert (repr(by_name.optimizer), by_name.batch_size) == (repr(made), 32)
    first = content(by_name.fit(X, Y, epochs=3))
    assert first == content(by_object.fit(X, Y, epochs=3))


def test_an_optimizer_may_be_the_third_argument_and_each_trainer_gets_its_own() -> None:
    first, second = trainer("nag", lr=0.1), trainer("nag", lr=0.1)
    assert first.optimizer is not second.optimizer
    given = optim.NAG(0.1)
    assert trainer(given).optimizer is given
    assert trainer("nag", lr=lambda step: 0.1 / (1 + step)).optimizer.lr == 0.1  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("name", "given", "used"),
    [
        ("batch", None, "full"),
        ("batch", "full", "full"),
        ("stochastic", None, 1),
        ("sgd", 1, 1),
        ("SGD", 64, 64),
        ("nag", None, 32),
        ("nag", 8, 8),
        ("gd", "full", "full"),
    ],
)
def test_a_name_implies_the_batch_size_as_on_the_command_line(
    name: str, given: Any, used: Any
) -> None:
    assert trainer(name, lr=0.1, batch_size=given).batch_size == used


def test_another_batch_size_than_the_name_implies_is_an_error() -> None:
    message = message_of(ArgumentError, optimizer="stochastic", lr=0.1, batch_size=64)
    assert "gradient descent at batch size 1: got batch size 64" in message
    assert "use 'gd'" in message
    message_of(ArgumentError, optimizer="stochastic", lr=0.1, batch_size=True)  # which equals 1


def test_sgd_is_two_things_and_needs_a_batch_size() -> None:
    message = message_of(ArgumentError, optimizer="sgd", lr=0.1)
    assert "Write batch_size=32, as in Keras, or 1" in message
    assert repr(trainer("sgd", lr=0.1, batch_size=32).optimizer) == "GradientDescent(lr=0.1)"
    assert "no argument momentum" in message_of(
        TypeError, optimizer="sgd", lr=0.1, momentum=0.9, batch_size=8
    )
    made = trainer(optim.SGD, lr=0.1, momentum=0.9)
    assert (repr(made.optimizer), made.batch_size) == ("Momentum(lr=0.1, momentum=0.9)", 32)
    assert "optimizer SGD needs a learning" in message_of(ArgumentError, optimizer=optim.SGD)


def test_settings_that_are_missing_or_do_not_belong_are_errors() -> None:
    assert message_of(ArgumentError, optimizer="nag") == (
        'optimizer "nag" needs a learning rate. Write optimizer="nag", lr=0.1, for instance.'
    )
    assert "optimizer NAG needs a learning" in message_of(ArgumentError, optimizer=optim.NAG)
    assert message_of(ArgumentError, optimizer=optim.NAG(0.1), lr=0.2) == (
        "lr belongs to the optimizer, which already exists: got NAG(lr=0.1, momentum=0.9)."
        " Set it there, or give the class: optimizer=NAG, lr=0.1."
    )
    both = message_of(ArgumentError, optimizer=optim.NAG(0.1), lr=0.1, momentum=0.9)
    assert both.startswith("lr and momentum belong to the optimizer")
    assert "lr must be a positive finite number" in message_of(
        ArgumentError, optimizer="nag", lr=-1
    )
    assert "momentum must be a number in [0, 1)" in message_of(
        ArgumentError, optimizer="nag", lr=0.1, momentum=1.0
    )
    assert message_of(UnknownKeywordError, optimizer="gd", lr=0.1, momentum=0.9) == (
        "GradientDescent(lr) has no argument momentum. Use Momentum or NAG."
    )
    assert "Did you mean 'nag'?" in message_of(UnknownNameError, optimizer="nga", lr=0.1)
    assert "Use Wide(lr=0.1, width=...)" in message_of(ArgumentError, optimizer=Wide, lr=0.1)
    base = message_of(ArgumentError, optimizer=optim.Optimizer, lr=0.1)
    assert "must be an instance, got the class Optimizer" in base


def test_replicas_take_a_name_and_sweep_over_lr() -> None:
    common: dict[str, Any] = {"loss": "bce", "seeds": 2, "epochs": 2}

    def model(seed: int) -> nn.Layer:
        return nn.mlp(2, 4, 1, seed=seed)

    named = train_replicas(model, "nag", X, Y, lr=[0.1, 0.2], momentum=0.8, **common)
    given = train_replicas(model, optim.NAG([0.1, 0.2], 0.8), X, Y, **common)
    assert [r.hyperparameters for r in named] == [{"lr": 0.1}] * 2 + [{"lr": 0.2}] * 2
    for one, other in zip(named, given, strict=True):
        assert_array_equal(one.model.parameters.value, other.model.parameters.value)
    (alone,) = train_replicas(model, "batch", X, Y, lr=0.1, **(common | {"seeds": [5]}))
    assert alone.history["updates"][-1] == 2  # one for each epoch
    with pytest.raises(ArgumentError, match="needs a learning rate"):
        train_replicas(model, "nag", X, Y, **common)
