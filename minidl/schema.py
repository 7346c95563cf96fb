"""Schemas: whether JSON data have the fields, types, ranges and lengths that they should.

A schema is a function (value, place) that raises a :class:`MisfitError`, which says both.
"""

import math
from collections.abc import Callable, Mapping
from typing import Any

Schema = Callable[[Any, str], None]
SHOWN = 60  # characters of a value in a message


class MisfitError(ValueError):
    """Data do not fit a schema; the message says where."""

    def __init__(self, place: str, value: object, expected: str) -> None:
        text = repr(value) if isinstance(value, (str, int, float, bool, type(None))) else ""
        received = text[:SHOWN] or f"a {type(value).__name__}"
        super().__init__(f"{place or 'it'} is {received}, expected {expected}")


def anything(value: Any, place: str) -> None:
    """Accept every value."""


def such_that(valid: Callable[[Any], bool], expected: str) -> Schema:
    """Return a schema for the values for which a function returns True.

    >>> such_that(lambda text: text in ("a", "b"), "a or b")("c", "name")
    Traceback (most recent call last):
    ...
    minidl.schema.MisfitError: name is 'c', expected a or b
    """

    def check(value: Any, place: str) -> None:
        try:
            fits = valid(value)
        except (TypeError, ValueError, OverflowError):
            fits = False
        if not fits:
            raise MisfitError(place, value, expected)

    return check


def integer(least: int = 0, most: int = 2**63) -> Schema:
    """Return a schema for integers in a range; True is none.

    >>> integer(1)(3, "epochs")
    """
    return such_that(lambda v: type(v) is int and least <= v <= most, f"an integer >= {least}")


def number(
    valid: Callable[[float], bool] = math.isfinite, expected: str = "a finite number"
) -> Schema:
    """Return a schema for numbers; not True, nor without `valid` NaN and infinity."""
    return such_that(lambda v: type(v) in (int, float) and valid(v), expected)


def optional(form: Schema) -> Schema:
    """Return a schema for None, and for what fits another schema."""
    return lambda value, place: None if value is None else form(value, place)


def listed(form: Schema, length: int | None = None, least: int = 0) -> Schema:
    """Return a schema for lists of values that fit another schema.

    >>> listed(integer())([1, 2, -3], "seeds")
    Traceback (most recent call last):
    ...
    minidl.schema.MisfitError: seeds[2] is -3, expected an integer >= 0
    """
    expected = f"a list of {length}" if length is not None else f"a list of at least {least}"

    def check(value: Any, place: str) -> None:
        if not isinstance(value, list) or len(value) < least:
            raise MisfitError(place, value, expected)
        if length is not None and len(value) != length:
            raise MisfitError(f"the length of {place}", len(value), expected)
        for k, item in enumerate(value):
            form(item, f"{place}[{k}]")

    return check


def in_order(*forms: Schema) -> Schema:
    """Return a schema for a list with one value for each of these schemas."""

    def check(value: Any, place: str) -> None:
        listed(anything, len(forms))(value, place)
        for k, (form, item) in enumerate(zip(forms, value, strict=True)):
            form(item, f"{place}[{k}]")

    return check


def mapped(form: Schema) -> Schema:
    """Return a schema for objects whose values all fit another schema."""

    def check(value: Any, place: str) -> None:
        if not isinstance(value, dict):
            raise MisfitError(place, value, "an object")
        for name, item in value.items():
            form(item, f"{place}.{name:.{SHOWN}}" if place else name)

    return check


def fields(
    required: Mapping[str, Schema],
    others: Mapping[str, Schema] | None = None,
    *,
    rest: Schema | None = None,
) -> Schema:
    """Return a schema for objects with these fields; `others` may be absent.

    Without `rest`, a schema for further ones, any other field is a misfit.

    >>> fields({"lr": number()}, {"momentum": number()})({"lr": 0.1, "decay": 1}, "setting")
    Traceback (most recent call last):
    ...
    minidl.schema.MisfitError: setting.decay is 1, expected no such field
    """
    forms = {**required, **(others or {})}

    def check(value: Any, place: str) -> None:
        mapped(anything)(value, place)
        prefix = f"{place}." if place else ""
        for name in required:
            if name not in value:
                raise MisfitError(f"{prefix}{name}", None, "a value")
        for name, item in value.items():
            form = forms.get(name, rest)
            if form is None:
                raise MisfitError(f"{prefix}{name:.{SHOWN}}", item, "no such field")
            form(item, f"{prefix}{name}")

    return check


truth = such_that(lambda v: type(v) is bool, "true or false")
text = such_that(lambda v: type(v) is str, "a text")
