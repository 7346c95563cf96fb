"""Keywords from other libraries and slips of the pen: the answer names what to write."""

import copy
import inspect
import pickle
from typing import Any

import pytest

from minidl import optim
from minidl.errors import UnknownKeywordError

SAID = [
    (
        lambda: optim.NAG(learning_rate=0.1),
        "NAG has no learning_rate, expected NAG(lr, momentum=0.9). Write lr=... instead.",
    ),
    (
        lambda: optim.Momentum(beta=0.9),
        "Momentum has no beta, expected Momentum(lr, momentum=0.9). Write momentum=... instead.",
    ),
    (
        lambda: optim.GradientDescent(momentum=0.9),
        "GradientDescent has no momentum, expected GradientDescent(lr). Use Momentum or NAG.",
    ),
    (
        lambda: optim.GradientDescent(0.1, beta=0.9),
        "GradientDescent has no beta, expected GradientDescent(lr). Use Momentum or NAG.",
    ),
    (
        lambda: optim.ReformulatedNAG(lr=0.1, momentun=0.9),
        "ReformulatedNAG has no momentun, expected ReformulatedNAG(lr, momentum=0.9)."
        " Write momentum=... instead.",
    ),
    (
        lambda: optim.SGD(learning_rate=0.1),
        "SGD has no learning_rate, expected SGD(lr, momentum=0.0, *, nesterov=False)."
        " Write lr=... instead.",
    ),
    (
        lambda: optim.NAG(0.1, weight_decay=0.01),
        "NAG has no weight_decay, expected NAG(lr, momentum=0.9)."
        " Give the strength of an L2 penalty to the Trainer: Trainer(..., l2=0.01).",
    ),
    (
        lambda: optim.Momentum(0.1, nesterov=True),
        "Momentum has no nesterov, expected Momentum(lr, momentum=0.9)."
        " Use NAG, or SGD(lr, momentum, nesterov=True).",
    ),
    (lambda: optim.NAG(0.1, foo=1), "NAG has no foo, expected NAG(lr, momentum=0.9)"),
]


class Own(optim.Optimizer):
    lr = optim.learning_rate()

    def __init__(self, lr: object) -> None:
        super().__init__(lr=lr)

    def update(self, w: Any, grad: Any) -> None:
        w -= self.lr * grad(w)


class Open(optim.Optimizer):
    lr = optim.learning_rate()

    def update(self, w: Any, grad: Any) -> None:
        w -= self.lr * grad(w)


@pytest.mark.parametrize(("make", "said"), SAID)
def test_a_keyword_that_is_none_gets_the_right_one(make: Any, said: str) -> None:
    with pytest.raises(UnknownKeywordError) as caught:
        make()
    assert str(caught.value) == said
    assert isinstance(caught.value, TypeError)


def test_an_optimizer_of_ones_own_is_answered_alike() -> None:
    with pytest.raises(UnknownKeywordError, match=r"Own has no eta, expected Own\(lr\)\. Write lr"):
        Own(eta=0.1)  # type: ignore[call-arg]
    assert repr(Open(lr=0.1, own=2)) == "Open(lr=0.1)"  # **hyperparameters takes any


@pytest.mark.parametrize("kind", [optim.Momentum, optim.NAG, optim.ReformulatedNAG])
def test_a_missing_argument_is_told_under_the_name_of_the_class(kind: Any) -> None:
    with pytest.raises(TypeError, match=rf"^{kind.__name__}\.__init__\(\) missing .*'lr'"):
        kind()


def test_signatures_stay_readable_and_copies_are_made_without_arguments() -> None:
    assert list(inspect.signature(optim.NAG).parameters) == ["lr", "momentum"]
    assert list(inspect.signature(Own).parameters) == ["lr"]
    assert list(inspect.signature(optim.SGD).parameters) == ["lr", "momentum", "nesterov"]
    for copied in (copy.deepcopy, copy.copy, lambda one: pickle.loads(pickle.dumps(one))):
        assert repr(copied(optim.NAG(lr=0.1))) == "NAG(lr=0.1, momentum=0.9)"
