"""The options of a user for a table, and the columns that they choose."""

import operator
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import SupportsIndex

from minidl.checks import is_list_of
from minidl.datasets.problems import Problem
from minidl.datasets.reading import Table
from minidl.errors import UnknownNameError, invalid
from minidl.spelling import close_matches
from minidl.text import listed

TARGET_NAMES = ("target", "label", "class", "y")
TASKS = ("classification", "binary", "multiclass", "regression")
MISSING = ("error", "drop", "mean", "most_frequent")
CATEGORICAL = ("onehot", "error")


@dataclass(frozen=True)
class Choices:
    """The arguments of :func:`minidl.datasets.load` about a table; None is the default."""

    target: str | int | None = None
    task: str | None = None
    features: Sequence[str | int] | None = None
    drop: Sequence[str | int] | None = None
    missing: str | None = None
    categorical: str | None = None
    decimal: str | None = None

    def __post_init__(self) -> None:
        if self.task is not None and self.task not in TASKS:
            raise UnknownNameError("task", self.task, TASKS)
        for name, allowed in (("missing", MISSING), ("categorical", CATEGORICAL)):
            value = getattr(self, name)
            if value is not None and value not in allowed:
                near = close_matches(str(value), allowed)
                hint = f"Did you mean {near[0]!r}?" if near else None
                raise invalid(name, value, f"one of {', '.join(allowed)}", hint)
        if self.decimal not in (None, ".", ","):
            raise invalid("decimal", self.decimal, '"." or ","')
        for name in ("features", "drop"):
            value = getattr(self, name)
            if value is not None and not is_list_of(value, str, SupportsIndex):
                raise invalid(name, value, 'a list of names such as ["a", "b"]')


@dataclass
class Chosen:
    """The names of the target, if there is one, and of the features; `by` says how it was found."""

    target: str | None
    features: list[str]
    by: str
    problems: list[Problem]


def find(
    column: object, names: Sequence[str], name_set: Collection[str] | None = None
) -> tuple[str | None, str]:
    """Return the name of a column, and how it was found: by name if possible, or by position.

    `name_set` are the names once more, as a set or a dict if many columns are looked up.

    >>> find("b", ["a", "b"]), find(-1, ["a", "b"]), find(1, ["1", "b"]), find("c", ["a"])
    (('b', ''), ('b', ' (column 1)'), ('1', ' (by its name)'), (None, ''))
    """
    name_set = names if name_set is None else name_set
    if isinstance(column, str):
        return (column, "") if column in name_set else (None, "")
    if not isinstance(column, SupportsIndex) or isinstance(column, bool):
        return None, ""
    position = operator.index(column)
    if str(position) in name_set:
        return str(position), " (by its name)"
    if -len(names) <= position < len(names):
        return names[position], f" (column {position % len(names)})"
    return None, ""


def choose(table: Table, choices: Choices) -> Chosen:
    """Return target and features as the arguments name them.

    >>> from minidl.datasets.reading import frame_table, Numbers
    >>> import numpy as np
    >>> table = Table("t", [Numbers(name, np.zeros(2)) for name in ("id", "a", "y")], 2)
    >>> choose(table, Choices(drop=["id"])).features
    ['a']
    """
    names, problems = table.names, list[Problem]()
    target, by = _target(names, choices.target, problems)
    name_set = dict.fromkeys(names)  # in which a name is found at once
    features = [name for name in names if name != target]
    for argument, columns in (("features", choices.features), ("drop", choices.drop)):
        matches = [(item, find(item, names, name_set)[0]) for item in columns or ()]
        for item, name in matches:
            if name is None:
                problems.append(_unknown(item, names, argument))
            elif name == target:
                message = f"it is the target, and cannot be in {argument}"
                problems.append(Problem(f"column {name!r}", message))
        listed_names = {name for _, name in matches}
        if argument == "drop":
            features = [name for name in features if name not in listed_names]
        elif columns is not None:
            features = [name for name in features if name in listed_names]
    if len(names) == 1 and not problems:
        hint = "Say what separates columns: separator (--separator)."
        problems.append(Problem("columns", f"only one, {names[0]!r}", None, hint))
    elif not features and not problems:
        problems.append(Problem("columns", "none is left as a feature"))
    return Chosen(target, features, by, problems)


def _target(
    names: Sequence[str], column: str | int | None, problems: list[Problem]
) -> tuple[str | None, str]:
    """Return the target and how it was found, or None and a problem."""
    if column is not None:
        target, by = find(column, names)
        if target is None:
            problems.append(_unknown(column, names, "target"))
        return target, by
    usual = [name for name in names if name.lower() in TARGET_NAMES]
    if len(usual) == 1:
        return usual[0], " (by its name)"
    message = f"{len(usual) or 'no'} columns are called {', '.join(TARGET_NAMES)}"
    message = f"{message}; there are {listed([repr(name) for name in names], 12)}"
    problems.append(Problem("target", message, ("target", "NAME")))
    return None, ""


def _unknown(column: object, names: Sequence[str], argument: str) -> Problem:
    """Return the problem of a column that does not exist, with the nearest name."""
    case_variants = [name for name in names if name.lower() == str(column).lower()]
    near = case_variants or close_matches(str(column), names)
    hint = f"Did you mean {near[0]!r}?" if near else ""
    message = f"no column is called {column!r}; there are {listed([repr(n) for n in names], 12)}"
    return Problem(argument, message, None, hint)
