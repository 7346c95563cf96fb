"""Find the line of a file that names the columns, and lines before it that are not data."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import numpy as np

from minidl.datasets.problems import Note, Problem, places
from minidl.datasets.reading.columns import unique_names
from minidl.datasets.reading.form import Record
from minidl.datasets.reading.words import to_number
from minidl.text import counted, listed

LABELS = "row names"  # the name of a column that R writes without one


@dataclass
class Layout:
    """The names of the columns, and how many of the first records are not rows."""

    names: list[str]
    skip: int
    unnamed: frozenset[str] = frozenset()
    notes: list[Note] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


def layout_of(records: list[Record], header: bool | None, target: object) -> Layout:
    """Return the layout of a file from its first records.

    Parameters
    ----------
    first : list of (line, cells)
        At least one record.
    header : bool, optional
        Whether the first line names the columns; by default if it looks like it.
    target : object
        The target as it was given; a name in the first line makes it a header.

    Examples
    --------
    >>> layout_of([(1, ["a", "b"]), (2, ["1", "2"])], None, None).names
    ['a', 'b']
    >>> layout_of([(1, ["1", "2"]), (2, ["3", "4"])], False, None).names
    ['x0', 'x1']
    """
    skip, names, notes = _before(records, header)
    rows = [cells for _, cells in records[skip:]]
    width = _width(rows)
    problems: list[Problem] = []
    if names is None:
        line, cells = records[skip]
        r_names = len(cells) == width - 1 and len(rows) > 1 and not _numbers(cells)
        decided = header
        if decided is None:
            further = [row for row in rows[1:] if len(row) >= len(cells)]
            decided = r_names or _is_header(cells, further, target)
        if decided is None:
            decided = _counts_up(cells)
            problems.append(_question(line, cells, decided))
        if decided:
            names = [LABELS, *cells] if r_names and header is not False else cells
            skip += 1
    titled = [*_unquoted(names or []), *[""] * width][:width]
    unnamed = [name in ("", LABELS) for name in titled]
    filled, renamed = unique_names([name or f"x{j}" for j, name in enumerate(titled)])
    if renamed:
        text = f"{', '.join(map(repr, renamed))}, since the file has these names twice"
        notes.append(Note("renamed", text))
    nameless = frozenset(n for n, missing in zip(filled, unnamed, strict=True) if missing)
    return Layout(filled, skip, nameless if names is not None else frozenset(), notes, problems)


def _width(rows: list[list[str]]) -> int:
    """Return the usual number of cells of a row, without a last one that is empty in all rows."""
    widths = Counter(map(len, rows[1:] or rows))
    width = max(widths, key=lambda w: (widths[w], w == len(rows[0]), w))
    body = [row for row in (rows[1:] or rows) if len(row) >= width]
    while width > max(1, len(rows[0])) and not any(row[width - 1] for row in body):
        width -= 1
    while width > 1 and not any(row[width - 1] for row in [*body, rows[0]] if len(row) >= width):
        width -= 1
    return width


def _before(records: list[Record], header: bool | None) -> tuple[int, list[str] | None, list[Note]]:
    """Return how many records stand before the table, a header in a comment, and notes."""
    skip = 0
    while skip < len(records) - 1 and records[skip][1][0].startswith("#"):
        skip += 1
    names, notes = None, []
    if skip and header is not False:
        cells = records[skip - 1][1]
        cells = [cells[0].removeprefix("#").strip() or "#", *cells[1:]]
        cells = cells[1:] if cells[0] == "#" and len(cells) == len(records[skip][1]) + 1 else cells
        if len(cells) == len(records[skip][1]) > 1 and not _numbers(cells):
            names = cells if _numbers(records[skip][1]) else None
    if names:
        notes.append(Note("names", f"from the comment in line {records[skip - 1][0]}"))
    comments = skip - (names is not None)
    if comments:
        notes.append(Note("left out", f"{counted(comments, 'comment line')} before the header"))
    if names is None:
        start, width = skip, _width([cells for _, cells in records[skip:]])
        while len(records) > skip + 2 and len(records[skip][1]) < width:
            if len(records[skip][1]) == width - 1 and not _numbers(records[skip][1]):
                break  # R's row names have no title
            skip += 1
        if skip > start:
            have = "have" if skip > start + 1 else "has"
            lines = places(np.arange(start, skip), np.array([line for line, _ in records], np.intp))
            notes.append(Note("left out", f"{lines}, which {have} fewer cells than the others"))
    return skip, names, notes


def _numbers(cells: list[str]) -> list[str]:
    """Return the cells that are numbers, also with a decimal comma."""
    return [cell for cell in cells if cell and to_number(cell.replace(",", ".", 1)) is not None]


def _is_header(cells: list[str], rows: list[list[str]], target: object) -> bool | None:
    """Return whether cells are names of columns, or None if they may be a row."""
    numbers = _numbers(cells)
    if isinstance(target, str) and target in cells and target not in numbers:
        return True
    if not rows:
        return None if len(numbers) == len(cells) else True
    texts = [j for j, cell in enumerate(cells) if cell and cell not in numbers]
    recurring = [j for j in texts if cells[j] in {row[j] for row in rows}]
    recur = len(texts) > 0 and 2 * len(recurring) > len(texts)
    if numbers:
        names = texts and not recur and all(number.isdigit() for number in numbers)
        return True if names else None
    return None if recur or "?" in cells else True


def _counts_up(cells: list[str]) -> bool:
    """Return True for 0, 1, 2, ..., which pandas writes as names."""
    return len(cells) > 1 and cells in [[str(j + k) for j in range(len(cells))] for k in (0, 1)]


def _question(line: int, cells: list[str], proposed: bool) -> Problem:
    """Return the problem that a first line may be a header or a row."""
    message = f"it may be a row or the header: {listed([repr(cell) for cell in cells])}"
    return Problem(f"line {line}", message, ("header", proposed))


def _unquoted(names: list[str]) -> list[str]:
    """Return names without the single quotes that all of them are in."""
    quoted = all(len(name) > 1 and name[0] == name[-1] == "'" for name in names)
    return [name[1:-1] for name in names] if quoted else names
