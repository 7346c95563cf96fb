"""Errors for unknown keywords that suggest the right one, such as lr for learning_rate."""

import difflib
import functools
import inspect
from collections.abc import Callable, Iterable
from typing import ParamSpec, TypeVar

from minidl.errors import UnknownKeywordError

P = ParamSpec("P")
T = TypeVar("T")

SYNONYMS = {  # in PyTorch, Keras, optax and papers
    **dict.fromkeys(["learning_rate", "learningrate", "rate", "eta", "alpha", "step_size"], "lr"),
    **dict.fromkeys(["beta", "beta1", "beta_1", "mu", "rho"], "momentum"),
}
HINTS = {
    "momentum": "Use Momentum or NAG.",
    "nesterov": "Use NAG, or SGD(lr, momentum, nesterov=True).",
    "weight_decay": "Give the strength of an L2 penalty to the Trainer: Trainer(..., l2=0.01).",
    "decay": "Give a schedule as lr: lr=ExponentialDecay(0.1, rate=0.999).",
    "params": "A Trainer gives the optimizer its weights.",
}


def check_keywords(name: str, function: Callable[..., object], keywords: Iterable[str]) -> None:
    """Raise an UnknownKeywordError for a keyword that `function`, known as `name`, does not take.

    >>> check_keywords("NAG", lambda lr: ..., ["learning_rate"])
    Traceback (most recent call last):
    ...
    minidl.errors.UnknownKeywordError: NAG(lr) has no argument learning_rate. Write lr=... instead.
    """
    parameters = [p for p in inspect.signature(function).parameters.values() if p.name != "self"]
    if any(p.kind is p.VAR_KEYWORD for p in parameters):
        return
    known = [p.name for p in parameters if p.kind is not p.VAR_POSITIONAL]
    for keyword in keywords:
        if keyword in known:
            continue
        right = SYNONYMS.get(keyword.lower(), keyword.lower())
        if right not in known and right not in HINTS:
            right = next(iter(difflib.get_close_matches(right, [*known, "momentum"], n=1)), "")
        hint = f"Write {right}=... instead." if right in known else HINTS.get(right)
        signature = inspect.Signature([p.replace(annotation=p.empty) for p in parameters])
        raise UnknownKeywordError(f"{name}{signature} has no argument {keyword}", hint=hint)


def checked(function: Callable[P, T]) -> Callable[P, T]:
    """Return the function, with :func:`check_keywords` before it."""

    @functools.wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> T:
        check_keywords(function.__name__, function, kwargs)
        return function(*args, **kwargs)

    return call
