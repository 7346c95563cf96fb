"""A text file as a table: separator, header, then numbers at once or cells one by one."""

import io
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import chain, islice
from typing import IO

import numpy as np

from minidl.datasets.problems import Note
from minidl.datasets.reading.cells import Cells
from minidl.datasets.reading.columns import Column, Numbers, Table, Words
from minidl.datasets.reading.content import Content
from minidl.datasets.reading.decoding import NEXT, SAID, encoding_of
from minidl.datasets.reading.form import Record, declared, is_escaped, records, separator_of
from minidl.datasets.reading.header import Layout, layout_of
from minidl.datasets.reading.numeric import read_numbers
from minidl.errors import DataError

SAMPLE = 300  # records from which the header is recognised


@dataclass(frozen=True)
class Spelling:
    """The options of a user for a text file; see :func:`minidl.datasets.load`."""

    header: bool | None = None
    separator: str | None = None
    decimal: str | None = None
    target: object = None
    text: frozenset[str] = frozenset()  # columns that must not become numbers


@dataclass(frozen=True)
class Form:
    """How the lines of a text file are read."""

    encoding: str
    separator: str
    said: bool  # by the first line, which is no record then
    escaped: bool

    def found(
        self, title: str, stream: IO[bytes], empty: list[int] | None = None
    ) -> Iterator[Record]:
        """Yield the records of a file; see :func:`records`."""
        text = io.TextIOWrapper(stream, self.encoding, newline="")
        lines = chain(["\n"], islice(text, 1, None)) if self.said else text
        try:
            yield from records(title, lines, self.separator, self.escaped, empty)
        finally:
            text.detach()  # the stream is closed by who has opened it


def read_text(content: Content, how: Spelling) -> Table:
    r"""Return the table in a text file.

    Examples
    --------
    >>> from pathlib import Path
    >>> stream = lambda: io.BytesIO(b"a,pet\n1.5,dog\n2.5,cat\n")
    >>> table = read_text(Content(Path("a.csv"), stream, stream().read()), Spelling())
    >>> table.names, table.columns[1].words, table.lines.tolist()
    (['a', 'pet'], ('dog', 'cat'), [2, 3])
    """
    form, sample = _form(content, how)
    table = None
    plain = form.encoding.startswith("utf-8") and "\ufffd" not in sample
    if plain and not form.said and how.decimal != ",":
        table = _numbers(content, form, how)
    while table is None:
        try:
            table = _words(content, form, how)
        except UnicodeDecodeError as error:
            if form.encoding not in NEXT:
                what = f"{content.title} is damaged {form.encoding.upper()} text"
                raise DataError(what, hint="Save it as UTF-8.") from error
            form = replace(form, encoding=NEXT[form.encoding])
    if form.said:
        table.notes.insert(0, Note("separator", f"{form.separator!r}, as line 1 says"))
    if form.encoding in SAID:
        table.notes.insert(0, Note("encoding", SAID[form.encoding]))
    return table


def _form(content: Content, how: Spelling) -> tuple[Form, str]:
    """Return the form of a file and the text from which it was guessed."""
    encoding = encoding_of(content.title, content.head)
    sample = content.head.decode(encoding, "replace")
    sample = "".join(sample.rpartition("\n")[:2]) or sample  # whole lines
    first, _, rest = sample.partition("\n")
    said = declared(first)
    separator = how.separator or said or separator_of(sample)
    return Form(encoding, separator, said is not None, is_escaped(rest)), sample


def _first(found: Iterator[Record]) -> list[Record]:
    """Return the first records, without spaces around their cells."""
    return [(line, [cell.strip() for cell in cells]) for line, cells in islice(found, SAMPLE)]


def _numbers(content: Content, form: Form, how: Spelling) -> Table | None:
    """Return a table of plain numbers only, or None if the file may hold anything else."""
    with content.stream() as stream:
        try:
            first = _first(form.found(content.title, stream))
        except (DataError, UnicodeDecodeError):
            return None
    if not first:
        return None
    layout = layout_of(first, how.header, how.target)
    if layout.problems or how.text & set(layout.names) or len(first) <= layout.skip:
        return None
    skip = first[layout.skip][0] - 1
    with content.stream() as stream:
        size = content.path.stat().st_size if content.plain else 0
        rows = read_numbers(stream, skip, form.separator, len(layout.names), size)
    if rows is None:
        return None
    columns: list[Column] = [Numbers(name, rows[:, j]) for j, name in enumerate(layout.names)]
    about = form.separator, layout.unnamed, layout.notes, layout.problems
    return Table(content.title, columns, len(rows), None, *about, rows)


def _words(content: Content, form: Form, how: Spelling) -> Table:
    """Return a table of any text; columns of numbers that turn out to be others are read again."""
    layout, cells = _collected(content, form, how, None)
    if not cells.lines:
        raise DataError(f"{content.title} has no rows after the header")
    if cells.late:
        _, again = _collected(content, form, how, cells.late)
        cells.codes |= again.codes
        cells.indexes |= again.indexes
    columns: list[Column] = [
        Numbers(name, np.concatenate(cells.numbers[j]))
        if j in cells.numbers
        else Words(name, tuple(cells.indexes[j]), np.concatenate(cells.codes[j]))
        for j, name in enumerate(layout.names)
    ]
    lines = np.array(cells.lines, np.intp)
    about = form.separator, layout.unnamed
    table = Table(content.title, columns, len(lines), lines, *about, empty=cells.empty)
    notes, problems = cells.remarks()
    table.notes.extend([*layout.notes, *notes])
    table.problems.extend([*layout.problems, *problems])
    return table


def _collected(
    content: Content, form: Form, how: Spelling, only: list[int] | None
) -> tuple[Layout, Cells]:
    """Return the layout and the cells of a file, of some columns `only` as words."""
    with content.stream() as stream:
        empty: list[int] = []
        found = form.found(content.title, stream, empty)
        first = _first(found)
        if not first:
            raise DataError(f"{content.title} has only blank lines")
        layout = layout_of(first, how.header, how.target)
        texts = [j for j, name in enumerate(layout.names) if name in how.text]
        if how.decimal == ",":
            texts = list(range(len(layout.names)))
        cells = Cells(len(layout.names), texts if only is None else only)
        if only is not None:
            cells.numbers.clear()
        cells.add(chain(first[layout.skip :], found))
        # Spreadsheets write such lines below a table; above it they are part of its titles.
        cells.empty = [k for k in empty if cells.lines and cells.lines[0] < k < cells.lines[-1]]
    return layout, cells
