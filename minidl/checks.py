"""Arguments, checked: a number that can be used, or an error that says what was received."""

from __future__ import annotations

import inspect
import math
import operator
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from minidl.errors import ArgumentError, DataError, UnknownNameError

__all__ = [
    "bare_name",
    "check_count",
    "check_name",
    "check_number",
    "check_place",
    "refuse_class",
]


def check_count(name: str, value: Any, least: int = 1, most: int | None = None) -> int:
    """Return `value` as an int from `least` to `most`, both included.

    Raises
    ------
    ArgumentError
        It is not an integer (True and 3.0 are not), or out of range.

    Examples
    --------
    >>> check_count("epochs", 5)
    5
    """
    try:
        found = None if isinstance(value, (bool, np.bool_)) else operator.index(value)
    except TypeError:
        found = None
    if found is None or found < least or (most is not None and found > most):
        expected = f"an integer >= {least}" if most is None else f"an integer, {least} to {most}"
        raise ArgumentError(f"{name} cannot be used", received=repr(value), expected=expected)
    return found


def check_number(name: str, value: Any, valid: Callable[[float], bool], expected: str) -> float:
    """Return `value` as a float for which `valid` holds; `expected` says the same in words.

    Raises
    ------
    ArgumentError
        It is not a number (True and text are not), or not a valid one.

    Examples
    --------
    >>> check_number("rate", 0.5, lambda rate: 0 <= rate < 1, "0 <= rate < 1")
    0.5
    """
    try:
        found = math.nan if isinstance(value, (bool, np.bool_, str, bytes)) else float(value)
    except (TypeError, ValueError, OverflowError):
        found = math.nan
    if not valid(found):
        raise ArgumentError(f"{name} cannot be used", received=repr(value), expected=expected)
    return found


def bare_name(name: object) -> str:
    """Return a name without what does not matter in it: capitals, spaces, ``_`` and ``-``.

    Examples
    --------
    >>> bare_name("Leaky-ReLU")
    'leakyrelu'
    """
    return "".join(str(name).lower().replace("_", " ").replace("-", " ").split())


def check_name(
    kind: str, name: object, known: Iterable[str], aliases: Mapping[str, str] | None = None
) -> str:
    """Return the one of `known` that `name` means, be it by one of the `aliases`.

    Raises
    ------
    UnknownNameError
        It means none of them; the message suggests the nearest.

    Examples
    --------
    >>> check_name("loss", "MSE", ["mean_squared_error"], {"mse": "mean_squared_error"})
    'mean_squared_error'
    """
    names, others = list(known), dict(aliases or {})
    found = {bare_name(word): word for word in names}
    found.update({bare_name(word): meant for word, meant in others.items()})
    wanted = bare_name(name)
    if wanted not in found:
        raise UnknownNameError(kind, name, names, others)
    return found[wanted]


def refuse_class(what: str, thing: object, kind: type) -> None:
    """Raise if `thing`, the argument called `what`, is a class of `kind` and no object of one.

    Raises
    ------
    ArgumentError
        The message says how to make one.

    Examples
    --------
    >>> class Rule:
    ...     def __init__(self, lr, momentum=0.9): ...
    >>> refuse_class("optimizer", Rule, Rule)
    Traceback (most recent call last):
    ...
    minidl.errors.ArgumentError: optimizer: Rule is a class; make one: Rule(lr=0.1)
    """
    if not (isinstance(thing, type) and issubclass(thing, kind)):
        return
    needed = [
        "lr=0.1" if p.name == "lr" else f"{p.name}=..."
        for p in inspect.signature(thing).parameters.values()
        if p.default is p.empty and p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)
    ]
    name = thing.__name__
    raise ArgumentError(f"{what}: {name} is a class; make one: {name}({', '.join(needed)})")


def check_place(path: str | Path) -> None:
    """Say before training, not after it, that a file could not be written.

    Raises
    ------
    DataError
        It is a folder, or in one that does not exist.
    """
    place = Path(path).absolute()
    if place.is_dir():
        raise DataError(f"cannot write {str(path)!r}, which is a folder")
    if not place.parent.is_dir():
        raise DataError(f"cannot write {path}: there is no folder {place.parent}")
