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
    """The form of a text file: its encoding, its separator, and how it writes quotes."""

    encoding: str
    separator: str
    declared: bool  # whether the first line only names the separator
    escaped: bool

    def records_in(
        self, title: str, stream: IO[bytes], empty: list[int] | None = None
    ) -> Iterator[Record]:
        """Yield the records of a file; see :func:`records`."""
        text = io.TextIOWrapper(stream, self.encoding, newline="")
        lines = chain(["\n"], islice(text, 1, None)) if self.declared else text
        try:
            yield from records(title, lines, self.separator, self.escaped, empty)
        finally:
            text.detach()  # the caller closes the stream


def read_text(content: Content, spelling: Spelling) -> Table:
    r"""Return the table in a text file.

    Examples
    --------
    >>> from pathlib import Path
    >>> stream = lambda: io.BytesIO(b"a,pet\n1.5,dog\n2.5,cat\n")
    >>> table = read_text(Content(Path("a.csv"), stream, stream().read()), Spelling())
    >>> table.names, table.columns[1].words, table.lines.tolist()
    (['a', 'pet'], ('dog', 'cat'), [2, 3])
    """
    form, sample = _form(content, spelling)
    table = None
    plain = form.encoding.startswith("utf-8") and "\ufffd" not in sample
    if plain and not form.declared and spelling.decimal != ",":
        table = _numbers(content, form, spelling)
    while table is None:
        try:
            table = _words(content, form, spelling)
        except UnicodeDecodeError as error:
            if form.encoding not in NEXT:
                problem = f"{content.title} is damaged {form.encoding.upper()} text"
                raise DataError(problem, hint="Save it as UTF-8.") from error
            form = replace(form, encoding=NEXT[form.encoding])
    if form.declared:
        table.notes.insert(0, Note("separator", f"{form.separator!r}, as line 1 says"))
    if form.encoding in SAID:
        table.notes.insert(0, Note("encoding", SAID[form.encoding]))
    return table


def _form(content: Content, spelling: Spelling) -> tuple[Form, str]:
    """Return the form of a file and the text from which it was guessed."""
    encoding = encoding_of(content.title, content.head)
    sample = content.head.decode(encoding, "replace")
    sample = "".join(sample.rpartition("\n")[:2]) or sample  # whole lines
    first_line, _, remaining = sample.partition("\n")
    separator_in_file = declared(first_line)
    separator = spelling.separator or separator_in_file or separator_of(sample)
    return Form(encoding, separator, separator_in_file is not None, is_escaped(remaining)), sample


def _first(lines: Iterator[Record]) -> list[Record]:
    """Return the first records, without spaces around their cells."""
    return [(line, [cell.strip() for cell in cells]) for line, cells in islice(lines, SAMPLE)]


def _numbers(content: Content, form: Form, spelling: Spelling) -> Table | None:
    """Return a table of plain numbers only, or None if the file may hold anything else."""
    with content.stream() as stream:
        try:
            head = _first(form.records_in(content.title, stream))
        except (DataError, UnicodeDecodeError):
            return None
    if not head:
        return None
    layout = layout_of(head, spelling.header, spelling.target)
    if layout.problems or spelling.text & set(layout.names) or len(head) <= layout.skip:
        return None
    skip = head[layout.skip][0] - 1
    with content.stream() as stream:
        size = content.path.stat().st_size if content.plain else 0
        rows = read_numbers(stream, skip, form.separator, len(layout.names), size)
    if rows is None:
        return None
    columns: list[Column] = [Numbers(name, rows[:, j]) for j, name in enumerate(layout.names)]
    about = form.separator, layout.unnamed, layout.notes, layout.problems
    return Table(content.title, columns, len(rows), None, *about, rows)


def _words(content: Content, form: Form, spelling: Spelling) -> Table:
    """Return a table of any text; columns of numbers that turn out to be others are read again."""
    layout, cells = _collected(content, form, spelling, None)
    if not cells.lines:
        raise DataError(f"{content.title} has no rows after the header")
    if cells.late:
        _, reread = _collected(content, form, spelling, cells.late)
        cells.codes |= reread.codes
        cells.indexes |= reread.indexes
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
    content: Content, form: Form, spelling: Spelling, only: list[int] | None
) -> tuple[Layout, Cells]:
    """Return the layout and the cells of a file, of some columns `only` as words."""
    with content.stream() as stream:
        empty: list[int] = []
        lines = form.records_in(content.title, stream, empty)
        head = _first(lines)
        if not head:
            raise DataError(f"{content.title} has only blank lines")
        layout = layout_of(head, spelling.header, spelling.target)
        texts = [j for j, name in enumerate(layout.names) if name in spelling.text]
        if spelling.decimal == ",":
            texts = list(range(len(layout.names)))
        cells = Cells(len(layout.names), texts if only is None else only)
        if only is not None:
            cells.numbers.clear()
        cells.add(chain(head[layout.skip :], lines))
        # Spreadsheets write such lines below a table; above it they are part of its titles.
        cells.empty = [k for k in empty if cells.lines and cells.lines[0] < k < cells.lines[-1]]
    return layout, cells
