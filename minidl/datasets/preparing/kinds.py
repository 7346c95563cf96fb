"""Kinds of columns: numbers, categories, row numbers, dates or other text."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import numpy as np

from minidl.datasets.problems import Option, Problem
from minidl.datasets.reading import Column, Numbers, Reading, Table, Words, inexact, read_words
from minidl.datasets.reading.columns import Floats
from minidl.datasets.reading.words import DATE, Mask
from minidl.text import listed

MAX_CATEGORIES = 50  # of text; with more, or with more than half of the rows, it is refused
SHARE_OF_DATES = 0.9
SHARE_OF_TEXT = 0.1  # less text than this among numbers is a mistake
FEWEST_ROWS = 10  # fewer rows than this may be 1, 2, 3, ... by chance
ID_NAME = re.compile(
    r"(?i:(.+[ _.-])?ids?|index|idx|rows?|row[ _.-]?(names?|number|index)|rownames?|rowid|obs"
    r"|observation|no\.?|nr\.?|#|unnamed: 0)|.*[a-z]I[dD]"
)


@dataclass
class Kind:
    """A column as it is used: numbers (n,), or numbers of its categories; NaN is missing."""

    name: str
    values: Floats
    categories: tuple[str, ...] | None = None
    left_out: str = ""  # why it is not used by default
    gaps: Mask | None = None  # the rows in which it is missing, if there are any
    gap_words: tuple[str, ...] = ()  # the texts that stand for that
    style: str = ""  # what was left out of its numbers
    problems: list[Problem] = field(default_factory=list)


def kind_of(
    column: Column, table: Table, decimal: str | None = None, categorical: str | None = None
) -> Kind:
    """Return a feature with its problems, except for missing values.

    >>> table = Table("t", [], 4)
    >>> kind_of(Words.of("pet", ["cat", "dog", "cat", "dog"]), table).categories
    ('cat', 'dog')
    >>> kind_of(Words.of("n", ["1", "2", "x", "4"]), table).problems[0].what
    "text in 1 of 4 rows of numbers, such as 'x' (row 2)"
    """
    if isinstance(column, Numbers):
        feature = _numbers(column, table)
    else:
        reading = read_words(column.words, decimal, table.separator)
        feature = _words(column, reading, table, categorical)
        feature.gap_words = gap_words(column, reading)
        feature.gaps = reading.gaps[column.codes] if reading.gaps.any() else None
    if feature.gaps is not None and feature.gaps.all():
        feature.left_out = "it has no values"
    elif reason := _row_numbers(column, feature, table):
        feature.left_out, feature.problems = reason, []
    return feature


def problem(column: str, message: str, option: Option | None = None, hint: str = "") -> Problem:
    """Return the problem of a column, which by default can be dropped."""
    return Problem(f"column {column!r}", message, option or ("drop", [column]), hint)


def share(rows: Mask, table: Table) -> str:
    """Return how many rows a mask has, of how many, and where, as in "2 of 9 rows (lines 3, 5)"."""
    return f"{int(rows.sum())} of {table.n} rows ({table.where(rows)})"


def gap_words(column: Words, reading: Reading) -> tuple[str, ...]:
    """Return the words in a column that stand for a missing value, except the empty word."""
    return tuple(w for w, gap in zip(column.words, reading.gaps, strict=True) if gap and w)


def missing(rows: Mask, words: tuple[str, ...], table: Table) -> str:
    """Return a text on missing values, with the words that stand for them."""
    shown = f" ({listed([repr(word) for word in words])})" if words else ""
    return f"missing{shown} in {share(rows, table)}"


def _numbers(column: Numbers, table: Table) -> Kind:
    """Return a column of numbers."""
    feature = Kind(column.name, column.values)
    if np.isfinite(column.values).all():
        return feature
    gaps, infinite = np.isnan(column.values), np.isinf(column.values)
    feature.gaps = gaps if gaps.any() else None
    if infinite.any():
        feature.problems.append(problem(column.name, f"infinite in {share(infinite, table)}"))
    return feature


def _words(column: Words, reading: Reading, table: Table, categorical: str | None) -> Kind:
    """Return a column of words: numbers, categories, or a problem."""
    values, text = reading.values[column.codes], reading.text[column.codes]
    feature = Kind(column.name, values, style=reading.style)
    if not text.any():
        feature.problems += _numbers(Numbers(column.name, values), table).problems
        if rounded := inexact(column.words, reading.values):
            word, why = next(iter(rounded.items()))
            feature.problems.append(problem(column.name, f"the integer {word} {why}"))
        return feature
    trouble = mistake(column, reading, table) or _too_many(column, reading, table)
    if trouble is None:
        feature.values, feature.categories = _categories(column, reading)
        if categorical == "error":
            message = f"text with {len(feature.categories)} different values in {table.n} rows"
            trouble = problem(column.name, message, ("categorical", "onehot"))
    if trouble is not None:
        feature.problems.append(trouble)
    return feature


def mistake(column: Words, reading: Reading, table: Table) -> Problem | None:
    """Return the problem of text that seems to be meant otherwise: decimal commas, dates, typos."""
    text = reading.text[column.codes]
    present, count = int((~reading.gaps)[column.codes].sum()), int(text.sum())
    example = _example(column, text, table)
    if reading.comma is not None and not read_words(column.words, ",").text.any():
        commas = "decimal commas" if reading.comma else "commas that may be decimal"
        message = f"{commas} in {count} of {table.n} rows, {example}"
        hint = "" if reading.comma else 'The decimal sign "." groups thousands.'
        return problem(column.name, message, ("decimal", ","), hint)
    dates = [bool(DATE.fullmatch(word)) for word in column.words]
    if np.array(dates)[column.codes].sum() >= SHARE_OF_DATES * present:
        return problem(column.name, f"dates or times in {count} of {table.n} rows, {example}")
    typed = count < max(SHARE_OF_TEXT * present, 2 * int(reading.text.sum()))
    if typed and count < present:
        return problem(column.name, f"text in {count} of {table.n} rows of numbers, {example}")
    return None


def _too_many(column: Words, reading: Reading, table: Table) -> Problem | None:
    """Return the problem of text with too many different values for categories."""
    present, different = int((~reading.gaps)[column.codes].sum()), int((~reading.gaps).sum())
    if different <= MAX_CATEGORIES and 2 * different <= present + 1:
        return None
    example = _example(column, reading.text[column.codes], table)
    message = f"text with {different} different values in {table.n} rows, {example}"
    return problem(column.name, message)


def _example(column: Words, rows: Mask, table: Table) -> str:
    """Return the first cell of some rows and where it is."""
    at_first = np.zeros(table.n, bool)
    at_first[np.argmax(rows)] = True
    word = column.words[column.codes[np.argmax(rows)]]
    shown = repr(word if len(word) <= 30 else f"{word[:27]}...")
    return f"such as {shown} ({table.where(at_first)})"


def _categories(column: Words, reading: Reading) -> tuple[Floats, tuple[str, ...]]:
    """Return the number of each row's category, NaN if it is missing, and the sorted categories."""
    names = sorted(word for word, gap in zip(column.words, reading.gaps, strict=True) if not gap)
    place = {word: float(k) for k, word in enumerate(names)}
    return np.array([place.get(word, np.nan) for word in column.words])[column.codes], tuple(names)


def _row_numbers(column: Column, feature: Kind, table: Table) -> str:
    """Return why a column only numbers or names the rows, or nothing."""
    is_first = bool(table.columns) and table.columns[0] is column
    titled = ID_NAME.fullmatch(column.name) or (is_first and column.name in table.unnamed)
    if isinstance(column, Words) and (feature.problems or feature.categories):
        apart = titled and len(column.words) == table.n
        return "it is another text in each row" if apart else ""
    if not titled and not is_first:
        return ""
    values = feature.values
    integers = bool(np.isfinite(values).all()) and bool((values == np.rint(values)).all())
    if not integers:
        return ""
    if titled and len(np.unique(values)) == table.n:
        return "it numbers the rows"
    counted = is_first and table.n >= FEWEST_ROWS and values[0] in (0.0, 1.0)
    return "it counts the rows" if counted and (np.diff(values) == 1.0).all() else ""
