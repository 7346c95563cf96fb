"""Keywords that an optimizer does not know, answered by what people meant by them.

Other libraries call the learning rate and the momentum by other names. Python's own message would
name the class in which ``__init__`` happens to be written, and nothing that would do.
"""

from __future__ import annotations

import difflib
import functools
import inspect
from collections.abc import Callable, Iterable
from typing import ParamSpec, TypeVar

from minidl.errors import UnknownKeywordError

__all__ = ["checked", "refuse_unknown"]

P = ParamSpec("P")
T = TypeVar("T")

ELSEWHERE = {  # what PyTorch, Keras, optax and papers call them
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


def refuse_unknown(name: str, function: Callable[..., object], given: Iterable[str]) -> None:
    """Raise for a keyword that `function`, known as `name`, does not take.

    Raises
    ------
    UnknownKeywordError
        The message lists those that it takes, and says what to write instead.

    Examples
    --------
    >>> def rule(lr, momentum=0.9): ...
    >>> refuse_unknown("NAG", rule, ["learning_rate"])
    Traceback (most recent call last):
    ...
    minidl.errors.UnknownKeywordError: NAG has no learning_rate; expected NAG(lr, momentum=0.9). \
Write lr=... instead.
    """
    parameters = [p for p in inspect.signature(function).parameters.values() if p.name != "self"]
    if any(p.kind is p.VAR_KEYWORD for p in parameters):
        return
    known = [p.name for p in parameters if p.kind is not p.VAR_POSITIONAL]
    for keyword in given:
        if keyword not in known:
            plain = [p.replace(annotation=p.empty) for p in parameters]
            raise UnknownKeywordError(
                f"{name} has no {keyword}",
                expected=f"{name}{inspect.Signature(plain)}",
                hint=_hint(keyword, known),
            )


def _hint(keyword: str, known: list[str]) -> str | None:
    meant = ELSEWHERE.get(keyword.lower(), keyword.lower())
    if meant not in known and meant not in HINTS:
        meant = next(iter(difflib.get_close_matches(meant, [*known, "momentum"], n=1)), "")
    return f"Write {meant}=... instead." if meant in known else HINTS.get(meant)


def checked(function: Callable[P, T]) -> Callable[P, T]:
    """Return the function, with :func:`refuse_unknown` before it."""

    @functools.wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> T:
        refuse_unknown(function.__name__, function, kwargs)
        return function(*args, **kwargs)

    return call
