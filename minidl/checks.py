"""Argument checks: return a valid value or raise an error that names the argument."""

import inspect
import math
import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from minidl.errors import ArgumentError, invalid


def check_count(name: str, value: Any, least: int = 1, most: int | None = None) -> int:
    """Return an integer from `least` to `most` as an int; True and 3.0 are errors.

    Examples
    --------
    >>> check_count("epochs", 5)
    5
    """
    try:
        count = None if isinstance(value, (bool, np.bool_)) else operator.index(value)
    except TypeError:
        count = None
    if count is None or count < least or (most is not None and count > most):
        bounds = f">= {least}" if most is None else f"from {least} to {most}"
        raise invalid(name, value, f"an integer {bounds}")
    return count


def check_number(name: str, value: Any, valid: Callable[[float], bool], expected: str) -> float:
    """Return a number that is `valid` as a float; True and "1" are errors.

    `expected` states the condition in the error.

    Examples
    --------
    >>> check_number("rate", 0.5, lambda rate: 0 <= rate < 1, "in [0, 1)")
    0.5
    """
    try:
        number = math.nan if isinstance(value, (bool, np.bool_, str, bytes)) else float(value)
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if not valid(number):
        raise invalid(name, value, expected)
    return number


def check_flag(name: str, value: Any) -> bool:
    """Return True or False as a bool; "no", which would count as True, is an error.

    >>> check_flag("shuffle", np.False_)
    False
    """
    if not isinstance(value, bool | np.bool_):
        raise invalid(name, value, "True or False")
    return bool(value)


def is_list_of(value: object, *kinds: type) -> bool:
    """Return True for a list, tuple or array of objects of some types.

    >>> is_list_of(["a", 1], str, int), is_list_of("ab", str)
    (True, False)
    """
    if isinstance(value, str) or not hasattr(value, "__iter__"):
        return False
    return all(isinstance(item, kinds) and not isinstance(item, bool) for item in value)


def is_minidl(part: object) -> bool:
    """Return True for an object of one of minidl's own classes."""
    return type(part).__module__.split(".")[0] == "minidl"


def refuse_class(argument: str, value: object, base: type) -> None:
    """Raise if `value` is a subclass of `base` where an instance is needed.

    Examples
    --------
    >>> class Rule:
    ...     def __init__(self, lr, momentum=0.9): ...
    >>> refuse_class("model", Rule, Rule)
    Traceback (most recent call last):
    ...
    minidl.errors.ArgumentError: model must be an instance, got the class Rule. Use Rule(lr=0.1).
    """
    if not (isinstance(value, type) and issubclass(value, base)):
        return
    needed = [
        "lr=0.1" if p.name == "lr" else f"{p.name}=..."
        for p in inspect.signature(value).parameters.values()
        if p.default is p.empty and p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)
    ]
    name = value.__name__
    message = f"must be an instance, got the class {name}"
    raise ArgumentError(message, argument=argument, hint=f"Use {name}({', '.join(needed)}).")
