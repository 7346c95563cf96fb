"""The target: classes or numbers, decided by its different values and the number of rows."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np

from minidl.datasets.preparing.kinds import gap_words, mistake, share
from minidl.datasets.problems import Note, Option, Problem
from minidl.datasets.reading import Column, Numbers, Reading, Table, Words, inexact, read_words
from minidl.datasets.reading.columns import Floats
from minidl.datasets.reading.words import Mask
from minidl.text import listed

MAX_CLASSES = 20  # more different whole numbers are a regression
ROWS_PER_CLASS = 5  # so are three or more with fewer rows each, on average


@dataclass
class Target:
    """Targets (n,): class numbers or values, NaN if missing; the names of the classes."""

    name: str
    task: str
    values: Floats
    gaps: Mask
    classes: tuple[str, ...] = ()
    note: Note | None = None
    gap_words: tuple[str, ...] = ()  # the texts that stand for a missing value
    problems: list[Problem] = field(default_factory=list)


class Cells(NamedTuple):
    """The cells of a target: numbers (n,), and which of them are text or missing instead."""

    numbers: Floats
    text: Mask
    gaps: Mask
    words: Words | None = None
    reading: Reading | None = None


def target_of(
    column: Column, table: Table, task: str | None, decimal: str | None = None, by: str = ""
) -> Target:
    """Return targets, the task and the names of the classes.

    By default, text is classes, and so are two different whole numbers, or up to 20 with at least
    five rows each on average. Other numbers are a regression. `by` says how the column was found.

    >>> table = Table("t", [], 3)
    >>> found = target_of(Words.of("pet", ["dog", "cat", "dog"]), table, None)
    >>> found.task, found.classes, found.values.tolist()
    ('binary', ('cat', 'dog'), [1.0, 0.0, 1.0])
    >>> target_of(Numbers("price", np.array([7.0, 8.0, 9.0])), table, None).task
    'regression'
    """
    cells = _cells(column, table, task, decimal)
    decided, why = (task, "as asked for") if task else _decided(cells)
    if decided == "regression":
        values = np.where(cells.text, np.nan, cells.numbers)
        target = Target(column.name, decided, values, cells.gaps)
    else:
        values, names = _classes(cells)
        two = decided == "binary" or (decided == "classification" and len(names) == 2)
        target = Target(column.name, "binary" if two else "multiclass", values, cells.gaps, names)
    target.problems.extend(_problems(target, cells, table, decided))
    if cells.words is not None and cells.reading is not None:
        target.gap_words = gap_words(cells.words, cells.reading)
    change = "regression" if target.classes else "classification"
    text = f"{column.name!r}{by}: {why}, so {'classes' if target.classes else 'a regression'}"
    numeric = task is None and not cells.text.any()
    text = text.replace("{", "{{").replace("}", "}}") + "; {} changes it" if numeric else text
    style = f", {cells.reading.style}" if cells.reading and cells.reading.style else ""
    target.note = Note("target", text + style, ("task", change) if numeric else None)
    return target


def _cells(column: Column, table: Table, task: str | None, decimal: str | None) -> Cells:
    """Return the cells of a target; True and False are names of classes, except in a regression."""
    if isinstance(column, Numbers):
        gaps = np.isnan(column.values)
        return Cells(column.values, np.zeros(len(gaps), bool), gaps)
    reading = read_words(column.words, decimal, table.separator)
    if reading.style.startswith("false") and task != "regression":
        reading = reading._replace(text=~reading.gaps, style="")
    numbers, codes = reading.values[column.codes], column.codes
    return Cells(numbers, reading.text[codes], reading.gaps[codes], column, reading)


def _decided(cells: Cells) -> tuple[str, str]:
    """Return whether a target is classes or numbers, and why."""
    numbers = cells.numbers[~cells.gaps & ~cells.text]
    integers = bool(np.all(numbers == np.rint(numbers)))
    different, rows = len(np.unique(numbers)) if integers else 0, int((~cells.gaps).sum())
    texts = 0 if cells.reading is None else int(cells.reading.text.sum())
    if texts:
        classes = integers and (not different or different + texts <= MAX_CLASSES)
        why = f"{texts} different texts" + (f" and {different} numbers" if different else "")
    elif not integers:
        return "regression", "numbers"
    else:
        repeats = different <= MAX_CLASSES and rows >= ROWS_PER_CLASS * different
        classes = different <= 2 or repeats
        why = f"{different} different whole numbers"
    return "classification" if classes else "regression", f"{why} in {rows} rows"


def _classes(cells: Cells) -> tuple[Floats, tuple[str, ...]]:
    """Return class numbers 0, 1, ... in the order of the sorted values, as LabelEncoder does."""
    values = np.full(len(cells.gaps), np.nan)
    if cells.words is None or not cells.text.any():
        distinct, codes = np.unique(cells.numbers[~cells.gaps], return_inverse=True)
        values[~cells.gaps] = codes
        return values, tuple(str(int(v)) if v.is_integer() else repr(v) for v in distinct.tolist())
    present = np.unique(cells.words.codes[~cells.gaps])
    names = sorted(cells.words.words[code] for code in present)
    place = {name: float(k) for k, name in enumerate(names)}
    numbers = np.array([place.get(word, np.nan) for word in cells.words.words])
    return numbers[cells.words.codes], tuple(names)


def _problems(target: Target, cells: Cells, table: Table, decided: str) -> list[Problem]:
    """Return the problems of a target, except for missing values and rare classes."""
    infinite = np.isinf(cells.numbers)
    message, option = "", None
    if cells.gaps.all():
        message = "it has no values"
    elif infinite.any():
        message = f"infinite in {share(infinite, table)}"
    elif cells.words is not None and cells.reading is not None:
        message, option = _wrong_words(cells.words, cells.reading, table, decided)
    classes = target.classes
    if not message and decided != "regression":
        expected = "2" if decided == "binary" else "at least 2"
        if len(classes) < 2 or (decided == "binary" and len(classes) > 2):
            names = listed([repr(name) for name in classes])
            message = f"too {'few' if len(classes) < 2 else 'many'} classes, {names}"
            message += f"; expected {expected}"
    return [Problem(f"target {target.name!r}", message, option)] if message else []


def _wrong_words(
    words: Words, reading: Reading, table: Table, decided: str
) -> tuple[str, Option | None]:
    """Return the problem of a target of words, or "", and the option against it."""
    if rounded := inexact(words.words, reading.values):
        word, why = next(iter(rounded.items()))
        return f"the integer {word} {why}", None
    text = reading.text[words.codes]
    trouble = mistake(words, reading, table) if text.any() else None
    if trouble is not None and trouble.option and trouble.option[0] == "decimal":
        return trouble.what, trouble.option
    if trouble is not None and trouble.what.startswith("dates"):
        return trouble.what, None
    if decided == "regression" and text.any():
        word = words.words[words.codes[np.argmax(text)]]
        message = f"text such as {word!r} in {share(text, table)} of a regression"
        repeats = 2 * len(words.words) <= table.n
        return message, ("task", "classification") if repeats else None
    return "", None


def without(target: Target, keep: Mask) -> Target:
    """Return a target of the rows to keep, with the classes that they have.

    >>> gaps = np.zeros(3, bool)
    >>> whole = Target("y", "multiclass", np.array([0.0, 1.0, 2.0]), gaps, ("a", "b", "c"))
    >>> part = without(whole, np.array([True, False, True]))
    >>> part.values.tolist(), part.classes, part.task
    ([0.0, 1.0], ('a', 'c'), 'binary')
    """
    values, gaps = target.values[keep], target.gaps[keep]
    present = np.unique(values[~gaps]).astype(int)
    if not target.classes or len(present) == len(target.classes):
        return replace(target, values=values, gaps=gaps)
    place = np.full(len(target.classes), np.nan)
    place[present] = np.arange(len(present))
    numbers = np.full(len(values), np.nan)
    numbers[~gaps] = place[values[~gaps].astype(int)]
    classes = tuple(target.classes[k] for k in present)
    task = "binary" if len(classes) == 2 else target.task
    return replace(target, values=numbers, gaps=gaps, classes=classes, task=task)
