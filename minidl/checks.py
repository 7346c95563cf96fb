"""Argument checks: return a valid value or raise an error that names the argument."""

import inspect
import math
import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from minidl.errors import ArgumentError, OutOfRangeError, invalid, shown


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


def check_index(position: Any, count: int, noun: str, hint: str) -> int:
    """Return a position as an int, or raise unless it is one of `count` from either end.

    >>> check_index(-1, 3, "layer", "Layers are numbered.")
    -1
    """
    try:
        index = operator.index(position)
    except TypeError:
        raise invalid(f"the number of a {noun}", position, "an integer", hint) from None
    if not -count <= index < count:
        received = f"{count} {noun}{'' if count == 1 else 's'}"
        raise OutOfRangeError(f"there is no {noun} {shown(position)}", received=received, hint=hint)
    return index


def check_flag(name: str, value: Any) -> bool:
    """Return True or False as a bool; "no", which would count as True, is an error.

    >>> check_flag("shuffle", np.False_)
    False
    """
    if not isinstance(value, bool | np.bool_):
        raise invalid(name, value, "True or False")
    return bool(value)


def call(name: str, function: Callable[..., Any], *arguments: Any, form: str) -> Any:
    """Call a function that is an argument; an error says which `form` it must have if it has not.

    Errors from within the function are its own.

    >>> call("lr", lambda: 0.1, 3, form="of the step")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    minidl.errors.ArgumentError: lr must be a function of the step, got ...
    """
    try:
        return function(*arguments)
    except TypeError as error:
        if error.__traceback__ is not None and error.__traceback__.tb_next is not None:
            raise
        raise invalid(name, function, f"a function {form}", f"{error}.") from None


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


def replaced(part: object) -> tuple[Any, ...]:
    """Return the attributes that replace methods of this object, such as a layer's forward."""
    attributes = vars(part).items()
    return tuple(value for name, value in attributes if callable(getattr(type(part), name, None)))


def check_instance(name: str, value: object, cls: type, hint: str | None = None) -> None:
    """Raise unless `value` is an instance of a class.

    >>> check_instance("count", "3", int)
    Traceback (most recent call last):
    ...
    minidl.errors.ArgumentError: count must be an int, got '3'
    """
    refuse_class(name, value, cls)
    if not isinstance(value, cls):
        article = "an" if cls.__name__[0] in "aeiouAEIOU" else "a"
        raise invalid(name, value, f"{article} {cls.__name__}", hint)


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
