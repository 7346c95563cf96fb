"""Making targets from a file's cells: deciding the task, and numbering the classes."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from minidl.datasets.columns import Columns, finite
from minidl.datasets.dataset import Task
from minidl.errors import DataError, UnknownNameError

__all__ = ["encode"]

TASKS = ("classification", "binary", "multiclass", "regression")
# Whole numbers with more different values than this are taken for amounts, not for classes.
MOST_CLASSES = 20
Encoded = tuple[npt.NDArray[Any], Task, tuple[str, ...]]


def encode(columns: Columns, task: str | None) -> Encoded:
    """Return targets as an array of shape (n,), the task, and the names of the classes.

    Parameters
    ----------
    columns : Columns
        What a file holds. Targets of text that reads as a number are numbers.
    task : str, optional
        One of "classification", "binary", "multiclass" and "regression", by default whatever
        fits: text and few different whole numbers are classes, the rest is regression.

    Raises
    ------
    UnknownNameError
        There is no such task.
    DataError
        A target is missing or infinite, or targets and task do not fit.

    Examples
    --------
    >>> X = np.zeros((3, 1))
    >>> encode(Columns(X, ("a",), ["dog", "cat", "dog"], "column 'b'", str), None)
    (array([1, 0, 1]), 'binary', ('cat', 'dog'))
    >>> encode(Columns(X, ("a",), [0.5, 2.0, 1.0], "column 'b'", str), None)
    (array([0.5, 2. , 1. ]), 'regression', ())
    """
    if task is not None and task not in TASKS:
        raise UnknownNameError("task", task, TASKS)
    numbers = [finite(cell, columns.place(i)) for i, cell in enumerate(columns.targets)]
    if task is None:
        task = _likely_task(columns, numbers)
    if task == "regression":
        if None in numbers:
            i = numbers.index(None)
            raise DataError(
                f"{columns.place(i)}: text cannot be a regression's target",
                received=repr(columns.targets[i]),
                expected="a number such as 1.5",
            )
        return np.array(numbers, dtype=np.float64), "regression", ()
    return _classes(columns, numbers, task)


def _likely_task(columns: Columns, numbers: list[float | None]) -> str:
    """Return "classification" or "regression", whichever the targets look like."""
    found = [number for number in numbers if number is not None]
    whole = all(number.is_integer() for number in found)
    few = len(set(_labels(columns, numbers))) <= MOST_CLASSES
    if not found or (whole and few):
        return "classification"
    if None in numbers:
        i = numbers.index(None)
        raise DataError(
            f"{columns.place(i)}: text among numbers",
            received=repr(columns.targets[i]),
            expected="either text or numbers in every row",
            hint='Correct the cell, or pass task="classification" if every value is a class.',
        )
    return "regression"


def _classes(columns: Columns, numbers: list[float | None], task: str) -> Encoded:
    """Return class numbers 0, 1, ... in the order of the labels."""
    labels = _labels(columns, numbers)
    values = sorted(set(labels))
    class_names = tuple(_name(value) for value in values)
    if len(values) < 2 or (task == "binary" and len(values) > 2):
        raise DataError(
            f"{columns.title}: "
            + ("only one class" if len(values) < 2 else "too many classes for a binary task"),
            received=", ".join(map(repr, class_names[:MOST_CLASSES])),
            expected="2 classes" if task == "binary" else "at least 2 classes",
        )
    code = {value: k for k, value in enumerate(values)}
    y = np.array([code[label] for label in labels], dtype=np.int64)
    two = task == "binary" or (task == "classification" and len(values) == 2)
    return y, "binary" if two else "multiclass", class_names


def _labels(columns: Columns, numbers: list[float | None]) -> list[Any]:
    """Return numbers if every target is one, so that 10 sorts after 9, and text otherwise."""
    return [str(cell) for cell in columns.targets] if None in numbers else list(numbers)


def _name(value: str | float) -> str:
    """Return a class's name as one would write it: 3 rather than 3.0."""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)
