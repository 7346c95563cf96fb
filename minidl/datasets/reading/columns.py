"""A table: named columns of numbers or of words, however it was read."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from minidl.datasets.problems import Note, Problem, places

Floats = npt.NDArray[np.float64]
Rows = npt.NDArray[np.intp]


@dataclass(frozen=True)
class Numbers:
    """A column of numbers (n,); NaN is a missing value."""

    name: str
    values: Floats


@dataclass(frozen=True)
class Words:
    """A column of text, ``words[codes]``; the words are all different."""

    name: str
    words: tuple[str, ...]
    codes: Rows

    @classmethod
    def of(cls, name: str, cells: list[str]) -> Words:
        """Return a column with these cells.

        >>> Words.of("pet", ["cat", "dog", "cat"]).codes.tolist()
        [0, 1, 0]
        """
        index: dict[str, int] = {}
        codes = np.fromiter((index.setdefault(c, len(index)) for c in cells), np.intp, len(cells))
        return cls(name, tuple(index), codes)


Column = Numbers | Words


@dataclass(frozen=True)
class Table:
    """Columns of n rows; what reading them decided and found wrong.

    `title` is for errors, such as "file a.csv". `lines` has the line of each row in a text file.
    `unnamed` are the columns that have no name in the file. `empty` has the lines between rows of
    which all cells are empty, which are left out. `matrix` (n, columns) holds the same
    numbers if all columns are numbers of one array.
    """

    title: str
    columns: list[Column]
    n: int
    lines: Rows | None = None
    separator: str = ""
    unnamed: frozenset[str] = frozenset()
    notes: list[Note] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    matrix: Floats | None = None
    empty: list[int] = field(default_factory=list)

    @property
    def names(self) -> list[str]:
        """The names of all columns."""
        return [column.name for column in self.columns]

    def where(self, rows: npt.NDArray[np.bool_]) -> str:
        """Return where the rows of a mask are, such as "lines 3, 7"."""
        return places(np.flatnonzero(rows), self.lines)


def unique_names(names: list[str]) -> tuple[list[str], list[str]]:
    """Return names that differ, as pandas makes them, and those that were changed.

    >>> unique_names(["a", "b", "a"])
    (['a', 'b', 'a.1'], ['a.1'])
    """
    taken: set[str] = set()
    originals, last_number = set(names), dict[str, int]()  # the number that each name had last
    changed = []
    for name in names:
        new, k = name, last_number.get(name, 0)
        while new in taken or (new != name and new in originals):
            k += 1
            new = f"{name}.{k}"
        last_number[name] = k
        taken.add(new)
        changed.append(new)
    return changed, [new for new, old in zip(changed, names, strict=True) if new != old]
