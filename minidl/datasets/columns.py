"""The columns that a file holds, and how the target becomes numbers or classes."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from minidl.datasets.dataset import Floats, Targets, Task
from minidl.errors import DataError, UnknownNameError
from minidl.values import EXACT, RENAME, exact, is_missing

Cell = str | float
Encoded = tuple[Targets, Task, tuple[str, ...]]
FILL = "Fill the gap or remove the row."
TASKS = ("classification", "binary", "multiclass", "regression")
MAX_CLASSES = 20  # more different whole numbers are a regression


@dataclass(frozen=True)
class Columns:
    """The columns of a file: X of shape (n, d), and n targets as they are in the file."""

    X: Floats
    feature_names: tuple[str, ...]
    targets: list[Cell]
    title: str  # of the target, such as "file a.csv, column 'y'"
    place: Callable[[int], str]  # of a row's target, such as "file a.csv, line 7, column 'y'"


def to_number(text: str) -> float | None:
    """Return the number that Python reads in `text`, or None."""
    try:
        return float(text)
    except ValueError:
        return None


def finite(cell: Cell, place: str) -> float | None:
    """Return a cell as a finite number, or None if it is text; `place` is for errors."""
    text = str(cell).strip()
    if is_missing(text):
        raise gap(cell, place, target=True)
    # Python reads 1_000 and the digits of other scripts as numbers; a data file means text.
    value = to_number(text) if text.isascii() and "_" not in text else None
    if value is not None and math.isinf(value):
        raise DataError(f"{place}: the value is infinite", received=repr(cell))
    if value is not None and abs(value) >= EXACT and text.lstrip("+-").isdigit():
        try:
            exact(int(text))
        except OverflowError as error:
            raise DataError(f"{place}: the integer {text} {error}") from None
    return value


def gap(cell: Cell, place: str, summary: str = "", *, target: bool = False) -> DataError:
    """Return the error for a missing value; `summary` says how many there are."""
    label = target and isinstance(cell, str) and cell.strip()
    hint = " ".join(filter(None, (summary, FILL, RENAME if label else "")))
    received = repr(cell) if isinstance(cell, str) else cell
    return DataError(f"{place}: the value is missing", received=received, hint=hint)


def encode(columns: Columns, task: str | None) -> Encoded:
    """Return targets of shape (n,), the task, and the names of the classes.

    By default text and at most 20 different whole numbers are classes, the rest is a regression.

    Examples
    --------
    >>> X = np.zeros((3, 1))
    >>> encode(Columns(X, ("a",), ["dog", "cat", "dog"], "column 'b'", str), None)
    (array([1, 0, 1]), 'binary', ('cat', 'dog'))
    """
    if task is not None and task not in TASKS:
        raise UnknownNameError("task", task, TASKS)
    cells = [finite(cell, columns.place(i)) for i, cell in enumerate(columns.targets)]
    numbers = [cell for cell in cells if cell is not None]
    text = cells.index(None) if len(numbers) < len(cells) else None  # the first row with text
    # Numbers as numbers, so that 10 sorts after 9.
    labels: Sequence[Cell] = numbers if text is None else [str(cell) for cell in columns.targets]
    if task is None:
        few = len(set(labels)) <= MAX_CLASSES and all(n.is_integer() for n in numbers)
        task = "classification" if few or not numbers else "regression"
    if task != "regression":
        return _classes(columns.title, labels, task)
    if text is not None:
        raise DataError(
            f"{columns.place(text)}: text in the target of a regression",
            received=repr(columns.targets[text]),
            expected="a number such as 1.5",
            hint='If every value is a class, use the task "classification".',
        )
    return np.array(numbers, dtype=np.float64), "regression", ()


def _classes(title: str, labels: Sequence[Cell], task: str) -> Encoded:
    """Return class numbers 0, 1, ... in the order of the sorted labels."""
    values, y = np.unique(np.asarray(labels, dtype=object), return_inverse=True)
    names = tuple(
        str(int(v) if isinstance(v, float) and v.is_integer() else v)  # 3 rather than 3.0
        for v in values
    )
    if len(values) < 2 or (task == "binary" and len(values) > 2):
        raise DataError(
            f"{title}: too {'few' if len(values) < 2 else 'many'} classes",
            received=", ".join(map(repr, names[:MAX_CLASSES])),
            expected="2 classes" if task == "binary" else "at least 2 classes",
        )
    binary = task == "binary" or (task == "classification" and len(values) == 2)
    return y, "binary" if binary else "multiclass", names
