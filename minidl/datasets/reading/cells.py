"""The cells of a text file by column: numbers as long as they are, words otherwise."""

from collections.abc import Collection, Iterable, Sequence
from itertools import islice

import numpy as np

from minidl.datasets.problems import Note, Problem, places
from minidl.datasets.reading.columns import Floats, Rows
from minidl.datasets.reading.decimals import parse
from minidl.datasets.reading.form import Record
from minidl.text import counted
from minidl.values import EXACT

CHUNK = 2**14  # records whose cells are collected at once
FEW = 200  # cells up to which float is faster than reading all at once


class Cells:
    """The cells of records with `width` cells.

    Columns are collected as numbers unless they are in `texts`. One that turns out to have other
    cells is collected as words if that is in the first chunk; else it is added to `late`.
    """

    def __init__(self, width: int, texts: Collection[int]) -> None:
        self.width = width
        self.numbers: dict[int, list[Floats]] = {j: [] for j in range(width) if j not in texts}
        self.codes: dict[int, list[Rows]] = {j: [] for j in texts}
        self.indexes: dict[int, dict[str, int]] = {j: {} for j in texts}
        self.late: list[int] = []
        self.lines: list[int] = []
        self.comments: list[int] = []
        self.empty: list[int] = []  # between rows
        self.short: list[int] = []
        self.long: list[int] = []

    def add(self, records: Iterable[Record]) -> None:
        """Add records; those with too many cells and comments are left out."""
        records = iter(records)
        while chunk := list(islice(records, CHUNK)):
            columns = list(zip(*self._rows(chunk), strict=True))
            for j, column in enumerate(columns):
                if j in self.numbers and not self._add_numbers(j, column):
                    continue
                if j in self.codes:
                    index = self.indexes[j]
                    numbered = (index.setdefault(cell.strip(), len(index)) for cell in column)
                    self.codes[j].append(np.fromiter(numbered, np.intp, len(column)))

    def _rows(self, chunk: Iterable[Record]) -> list[list[str]]:
        """Return the cells of the records that are rows, and note the lines of all."""
        rows = []
        for line, cells in chunk:
            if len(cells) != self.width:
                if cells[0].startswith("#"):
                    self.comments.append(line)
                    continue
                if any(cells[self.width :]):
                    self.long.append(line)
                    continue
                if len(cells) < self.width:
                    self.short.append(line)
                cells.extend([""] * (self.width - len(cells)))
            rows.append(cells[: self.width])
            self.lines.append(line)
        return rows

    def _add_numbers(self, j: int, column: Sequence[str]) -> bool:
        """Add numbers, and return True if the column must be added as words instead."""
        values = plain_numbers(column)
        if values is not None:
            self.numbers[j].append(values)
            return False
        if self.numbers.pop(j):
            self.late.append(j)
            return False
        self.codes[j], self.indexes[j] = [], {}
        return True

    def remarks(self) -> tuple[list[Note], list[Problem]]:
        """Return notes and problems of lines that are not rows, or not whole ones."""
        notes, problems = [], []
        if self.comments:
            notes.append(Note("left out", counted(len(self.comments), "comment line")))
        if self.empty:
            place = places(np.arange(len(self.empty)), np.array(self.empty, np.intp))
            notes.append(Note("left out", f"{place}: all cells are empty"))
        for lines, than in ((self.short, "fewer"), (self.long, "more")):
            place = places(np.arange(len(lines)), np.array(lines, np.intp))
            message = f"{than} than {self.width} cells in {counted(len(lines), 'line')}"
            if lines and than == "fewer":
                notes.append(Note("short", f"{place}: {message}; the others are missing"))
            elif lines:
                hint = "Correct the separators or quote the cells."
                problems.append(Problem(place, message, None, hint))
        return notes, problems


def plain_numbers(cells: Sequence[str]) -> Floats | None:
    """Return cells as numbers, NaN if they are empty, or None if some need a closer look.

    >>> plain_numbers(["1.5", ""]), plain_numbers(["1", "NA"]), plain_numbers(["1_0"])
    (array([1.5, nan]), None, None)
    """
    together = "".join(cells)
    if not together.isascii() or "_" in together or "\n" in together:
        return None
    gaps = cells.count("")
    filled = [cell or "0" for cell in cells] if gaps else cells
    worthwhile = len(cells) > FEW
    parsed = parse("\n".join([*filled, ""]).encode(), ",", 1) if worthwhile else None
    try:
        values = np.array(list(map(float, filled))) if parsed is None else parsed[:, 0]
    except ValueError:
        return None
    if gaps == len(cells) or not np.abs(values).max() < EXACT:  # also NaN
        return None
    if gaps:
        values[[not cell for cell in cells]] = np.nan
    return values
