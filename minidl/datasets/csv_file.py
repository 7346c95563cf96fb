"""Reading a CSV file: a header, then one example per line, separated by ``,``, ``;`` or tabs."""

from __future__ import annotations

import csv
import io
import operator
import re
from collections.abc import Iterator
from typing import SupportsIndex

import numpy as np

from minidl.datasets.columns import Columns, finite
from minidl.errors import DataError

__all__ = ["read_csv"]

TARGET_NAMES = ("target", "label", "class", "y")
SEPARATORS = ",;\t"
Record = tuple[int, list[str]]


def read_csv(file: str, content: bytes, target: str | int | None) -> Columns:
    r"""Return the columns of a CSV file in UTF-8; `file` is its name in errors.

    Examples
    --------
    >>> columns = read_csv("file a.csv", b"height,label\n1.5,dog\n2.5,cat\n", None)
    >>> columns.X.tolist(), columns.targets, columns.place(0)
    ([[1.5], [2.5]], ['dog', 'cat'], "file a.csv, line 2, column 'label'")
    """
    text = _decode(file, content)
    records = _records(file, text, _separator(text))
    first, header = next(records, (1, []))
    _check_header(file, first, header)
    rows = list(records)
    if not rows:
        raise DataError(f"{file} has no rows after the header")
    for line, cells in rows:
        if len(cells) != len(header):
            raise DataError(
                f"{file}, line {line}: the wrong number of cells",
                received=len(cells),
                expected=f"{len(header)}, as in the header",
            )
    at = _target_position(file, header, target)
    features = [j for j in range(len(header)) if j != at]
    X = [[_number(file, line, header[j], cells[j]) for j in features] for line, cells in rows]
    return Columns(
        np.array(X),
        tuple(header[j] for j in features),
        [cells[at] for _, cells in rows],
        f"{file}, column {header[at]!r}",
        lambda i: f"{file}, line {rows[i][0]}, column {header[at]!r}",
    )


def _decode(file: str, content: bytes) -> str:
    """Return the content as text."""
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise DataError(
            f"{file}, line {line}: the text is not UTF-8",
            received=f"byte 0x{error.object[error.start]:02x}",
            hint="Save the file as UTF-8.",
        ) from None


def _separator(text: str) -> str:
    """Return the most frequent separator outside quotes in the first line, by default a comma."""
    first = next((line for line in text.splitlines() if line.strip()), "")
    return max(SEPARATORS, key=re.sub('"[^"]*"', "", first).count)


def _records(file: str, text: str, separator: str) -> Iterator[Record]:
    """Yield the cells of each record that is not blank, with the number of its first line."""
    # strict=True makes an unclosed quote an error; otherwise it swallows the rest of the file.
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise DataError(f"{file}, line {line}: invalid CSV, {error}") from None
        if any(cell.strip() for cell in cells) or len(cells) > 1:
            yield line, [cell.strip() for cell in cells]


def _check_header(file: str, line: int, header: list[str]) -> None:
    """Raise unless the header has at least two columns, with different names."""
    if not header:
        raise DataError(f"{file} has only blank lines")
    for j, name in enumerate(header):
        place = f"{file}, line {line}, column {j + 1}"
        if not name:
            raise DataError(
                f"{place}: the column has no name",
                hint="Name it, or remove it (pandas: to_csv(..., index=False)).",
            )
        # Whole numbers may be names, as pandas writes them; 5.1 is data where a name should be.
        if not name.isdigit() and _is_float(name):
            raise DataError(
                f"{place}: a number instead of a name",
                received=repr(name),
                hint="The first line must name the columns.",
            )
        if name in header[:j]:
            raise DataError(f"{place}: the name is used twice", received=repr(name))
    if len(header) < 2:
        raise DataError(
            f"{file} has only one column",
            received=header[0],
            expected="at least one feature and a target",
            hint="Separate columns by a comma, a semicolon or a tab.",
        )


def _target_position(file: str, header: list[str], target: str | int | None) -> int:
    """Return the position of the target column."""
    columns = ", ".join(map(repr, header))
    if target is None:
        positions = [j for j, name in enumerate(header) if name.lower() in TARGET_NAMES]
        if len(positions) == 1:
            return positions[0]
        raise DataError(
            f"{file} has {len(positions) or 'no'} columns that may be the target",
            received=f"columns {columns}",
            expected=f"one called {', '.join(TARGET_NAMES)}",
            hint="Name the target column.",
        )
    if isinstance(target, str) and target in header:
        return header.index(target)
    if isinstance(target, SupportsIndex) and not isinstance(target, bool):
        position = operator.index(target)
        if -len(header) <= position < len(header):
            return position % len(header)
    raise DataError(
        f"{file} has no column {target!r}",
        expected=f"one of the columns {columns}",
        hint="Give a column's name, or its position from 0.",
    )


def _number(file: str, line: int, name: str, cell: str) -> float:
    """Return a feature's cell as a number."""
    place = f"{file}, line {line}, column {name!r}"
    value = finite(cell, place)
    if value is None:
        raise DataError(
            f"{place}: text in a column of numbers",
            received=repr(cell),
            hint="Write decimals with a point." if "," in cell else "Encode text as numbers.",
        )
    return value


def _is_float(text: str) -> bool:
    """Return True if Python reads `text` as a number."""
    try:
        float(text)
    except ValueError:
        return False
    return True
