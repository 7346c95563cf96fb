"""Keywords from other libraries and slips of the pen: the answer names what to write."""

import copy
import inspect
import pickle
from typing import Any

import pytest

from minidl import optim
from minidl.errors import CallError, UnknownKeywordError

ANSWERS = [  # call, its signature, the unknown keyword, what to write instead
    (lambda: optim.NAG(learning_rate=0.1), "NAG(lr, momentum=0.9)", "learning_rate", "lr=..."),
    (lambda: optim.Momentum(beta=0.9), "Momentum(lr, momentum=0.9)", "beta", "momentum=..."),
    (
        lambda: optim.GradientDescent(momentum=0.9),
        "GradientDescent(lr)",
        "momentum",
        "Momentum or NAG",
    ),
    (
        lambda: optim.GradientDescent(0.1, beta=0.9),
        "GradientDescent(lr)",
        "beta",
        "Momentum or NAG",
    ),
    (
        lambda: optim.ReformulatedNAG(lr=0.1, momentun=0.9),
        "ReformulatedNAG(lr, momentum=0.9)",
        "momentun",
        "momentum=...",
    ),
    (
        lambda: optim.SGD(learning_rate=0.1),
        "SGD(lr, momentum=0.0, *, nesterov=False)",
        "learning_rate",
        "lr=...",
    ),
    (
        lambda: optim.NAG(0.1, weight_decay=0.01),
        "NAG(lr, momentum=0.9)",
        "weight_decay",
        "Trainer(..., l2=0.01)",
    ),
    (
        lambda: optim.Momentum(0.1, nesterov=True),
        "Momentum(lr, momentum=0.9)",
        "nesterov",
        "Use NAG, or SGD(lr, momentum, nesterov=True)",
    ),
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


@pytest.mark.parametrize(("make", "signature", "keyword", "answer"), ANSWERS)
def test_unknown_keyword_is_answered_by_the_right_one(
    make: Any, signature: str, keyword: str, answer: str
) -> None:
    with pytest.raises(UnknownKeywordError) as caught:
        make()
    message, _, hint = str(caught.value).partition(". ")
    assert message == f"{signature} has no argument {keyword}"
    assert answer in hint
    assert isinstance(caught.value, TypeError)


def test_keyword_like_no_other_gets_no_suggestion() -> None:
    with pytest.raises(
        UnknownKeywordError, match=r"^NAG\(lr, momentum=0\.9\) has no argument foo$"
    ):
        optim.NAG(0.1, foo=1)  # type: ignore[call-arg]


def test_keywords_of_a_custom_optimizer_are_checked_too() -> None:
    with pytest.raises(
        UnknownKeywordError, match=r"^Own\(lr\) has no argument eta\. Write lr=\.\.\."
    ):
        Own(eta=0.1)  # type: ignore[call-arg]
    assert repr(Open(lr=0.1, own=2)) == "Open(lr=0.1, own=2)"  # **hyperparameters takes any


@pytest.mark.parametrize("kind", [optim.Momentum, optim.NAG, optim.ReformulatedNAG])
def test_a_missing_argument_is_told_under_the_name_of_the_class(kind: Any) -> None:
    with pytest.raises(CallError, match=rf"^{kind.__name__}\(lr, momentum=0\.9\) needs lr\. Write"):
        kind()


def test_signatures_stay_readable_and_copies_are_made_without_arguments() -> None:
    assert list(inspect.signature(optim.NAG).parameters) == ["lr", "momentum"]
    assert list(inspect.signature(Own).parameters) == ["lr"]
    assert list(inspect.signature(optim.SGD).parameters) == ["lr", "momentum", "nesterov"]
    for copied in (copy.deepcopy, copy.copy, lambda one: pickle.loads(pickle.dumps(one))):
        assert repr(copied(optim.NAG(lr=0.1))) == "NAG(lr=0.1, momentum=0.9)"
