"""Reading a CSV file: a header, then one example per line, separated by ``,``, ``;`` or tabs."""

import csv
import io
import operator
import re
from collections.abc import Callable, Iterator
from typing import SupportsIndex

import numpy as np

from minidl.datasets.columns import Columns, finite, gap, to_number
from minidl.errors import DataError
from minidl.values import is_missing, summary

TARGET_NAMES = ("target", "label", "class", "y")
SEPARATORS = ",;\t"
DATE = re.compile(r"\d{1,4}([-/.])\d{1,2}\1\d{1,4}|\d{1,2}:\d\d")


def read_csv(file: str, content: bytes, target: str | int | None) -> Columns:
    r"""Return the columns of a CSV file in UTF-8; `file` is its name in errors.

    Examples
    --------
    >>> columns = read_csv("file a.csv", b"height,label\n1.5,dog\n2.5,cat\n", None)
    >>> columns.X.tolist(), columns.targets, columns.place(0)
    ([[1.5], [2.5]], ['dog', 'cat'], "file a.csv, line 2, column 'label'")
    """
    records = _records(file, content)
    first, header = next(records, (1, []))
    _check_header(file, first, header)
    rows = list(records)
    if not rows:
        raise DataError(f"{file} has no rows after the header")
    for line, cells in rows:
        if len(cells) != len(header):
            wrong, expected = "the wrong number of cells", f"{len(header)}, as in the header"
            wrong = f"{file}, line {line}: {wrong}"
            raise DataError(wrong, received=len(cells), expected=expected)
    at = _target_position(file, header, target)

    def place(line: int, j: int) -> str:
        return f"{file}, line {line}, column {header[j]!r}"

    _check_gaps(rows, header, at, place)
    features = [j for j in range(len(header)) if j != at]
    return Columns(
        np.array([[_number(cells[j], place(line, j)) for j in features] for line, cells in rows]),
        tuple(header[j] for j in features),
        [cells[at] for _, cells in rows],
        f"{file}, column {header[at]!r}",
        lambda i: place(rows[i][0], at),
    )


def _records(file: str, content: bytes) -> Iterator[tuple[int, list[str]]]:
    """Yield the number of the first line and the cells of each record that is not blank."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        received, hint = f"byte 0x{error.object[error.start]:02x}", "Save the file as UTF-8."
        wrong = f"{file}, line {line}: the text is not UTF-8"
        raise DataError(wrong, received=received, hint=hint) from None
    titles = next((line for line in text.splitlines() if line.strip()), "")
    separator = max(SEPARATORS, key=re.sub('"[^"]*"', "", titles).count)
    # strict=True makes an unclosed quote an error; otherwise it swallows the rest of the file.
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    line = 1
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells) or len(cells) > 1:
                yield line, [cell.strip() for cell in cells]
            line = reader.line_num + 1
    except csv.Error as error:
        raise DataError(f"{file}, line {line}: invalid CSV, {error}") from None


def _check_header(file: str, line: int, header: list[str]) -> None:
    """Raise unless the header has at least two columns, with different names."""
    if not header:
        raise DataError(f"{file} has only blank lines")
    for j, name in enumerate(header):
        place = f"{file}, line {line}, column {j + 1}"
        if not name:
            hint = "Name it, or remove it (pandas: to_csv(..., index=False))."
            raise DataError(f"{place}: the column has no name", hint=hint)
        # Whole numbers may be names, as pandas writes them; 5.1 is data where a name should be.
        if not name.isdigit() and to_number(name) is not None:
            hint = "The first line must name the columns."
            raise DataError(f"{place}: a number instead of a name", received=repr(name), hint=hint)
        if name in header[:j]:
            raise DataError(f"{place}: the name is used twice", received=repr(name))
    if len(header) < 2:
        wrong, expected = f"{file} has only one column", "at least one feature and a target"
        hint = "Separate columns by a comma, a semicolon or a tab."
        raise DataError(wrong, received=header[0], expected=expected, hint=hint)


def _target_position(file: str, header: list[str], target: str | int | None) -> int:
    """Return the position of the target column."""
    columns = ", ".join(map(repr, header))
    if target is None:
        positions = [j for j, name in enumerate(header) if name.lower() in TARGET_NAMES]
        if len(positions) == 1:
            return positions[0]
        wrong = f"{file} has {len(positions) or 'no'} columns that may be the target"
        expected, hint = f"one called {', '.join(TARGET_NAMES)}", "Name the target column."
        raise DataError(wrong, received=f"columns {columns}", expected=expected, hint=hint)
    if isinstance(target, str) and target in header:
        return header.index(target)
    if isinstance(target, SupportsIndex) and not isinstance(target, bool):
        position = operator.index(target)
        if -len(header) <= position < len(header):
            return position % len(header)
    wrong, expected = f"{file} has no column {target!r}", f"one of the columns {columns}"
    raise DataError(wrong, expected=expected, hint="Give a column's name, or its position from 0.")


def _check_gaps(
    rows: list[tuple[int, list[str]]], header: list[str], at: int, place: Callable[[int, int], str]
) -> None:
    """Raise if values are missing, of the features or of the target, column `at`."""
    bad = np.array([[is_missing(cell) for cell in cells] for _, cells in rows])
    for i, j in np.argwhere(bad)[:1].tolist():
        line, cells = rows[i]
        several = summary(bad, header, [line for line, _ in rows]) + "." if bad.sum() > 1 else ""
        raise gap(cells[j], place(line, j), several, target=j == at)


def _number(cell: str, place: str) -> float:
    """Return a feature's cell as a number."""
    value = finite(cell, place)
    if value is None:
        message = f"{place}: text in a column of numbers"
        raise DataError(message, received=repr(cell), hint=_advice(cell.strip()))
    return value


def _advice(cell: str) -> str:
    """Return what to write instead of a cell that is not a number."""
    if DATE.match(cell):
        return "Write dates and times as numbers, such as the days since the first one."
    if cell[0].isalpha() or not any(map(str.isdigit, cell)):
        return "Encode text as numbers; fill the gap if it means a missing value."
    return "Write decimals with a point and no other signs, such as 1234.5."
