"""Reading a CSV file: a header, then one row of numbers and one target per line.

The comma, the semicolon and the tab are understood as separators; the header tells which.
"""

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
    r"""Return the columns of a CSV file.

    Parameters
    ----------
    file : str
        What to call the file in errors.
    content : bytes
        The file's content, UTF-8 with or without a byte-order mark.
    target : str or int, optional
        The target column by name or position, by default the one called target, label, class
        or y, in capitals or not.

    Raises
    ------
    DataError
        The file cannot be used; the message names the line as an editor counts it.

    Examples
    --------
    >>> columns = read_csv("file a.csv", b"height,label\n1.5,dog\n2.5,cat\n", None)
    >>> columns.X.tolist(), columns.targets
    ([[1.5], [2.5]], ['dog', 'cat'])
    >>> columns.place(0)
    "file a.csv, line 2, column 'label'"
    """
    text = _decode(file, content)
    records = _records(file, text, _separator(text))
    first, header = next(records, (1, []))
    _check_header(file, first, header)
    rows = list(records)
    if not rows:
        raise DataError(f"{file}: there are no rows after the header")
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
        # The error counts from behind a byte-order mark, which has no line end in it.
        line = error.object[: error.start].count(b"\n") + 1
        raise DataError(
            f"{file}, line {line}: the text is not UTF-8",
            received=f"byte 0x{error.object[error.start]:02x}",
            hint="Save the file as UTF-8.",
        ) from None


def _separator(text: str) -> str:
    """Return the commonest separator outside quotes in the first line; a comma if none is."""
    first = next((line for line in text.splitlines() if line.strip()), "")
    return max(SEPARATORS, key=re.sub('"[^"]*"', "", first).count)


def _records(file: str, text: str, separator: str) -> Iterator[Record]:
    """Yield each record that is not blank, with the number of its first line."""
    # strict=True makes an unclosed quote an error; otherwise it swallows the rest of the file.
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise DataError(f"{file}, line {line}: not valid CSV", received=error) from None
        if any(cell.strip() for cell in cells) or len(cells) > 1:
            yield line, [cell.strip() for cell in cells]


def _check_header(file: str, line: int, header: list[str]) -> None:
    """Raise unless the header has names, each once, for at least two columns."""
    if not header:
        raise DataError(f"{file}: there is nothing but blank lines")
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
                f"{place}: a number where a name should be",
                received=repr(name),
                hint="The first line must name the columns.",
            )
        if name in header[:j]:
            raise DataError(f"{place}: the name comes twice", received=repr(name))
    if len(header) < 2:
        raise DataError(
            f"{file}: only one column",
            received=header[0],
            expected="at least one feature and a target",
            hint="Separate columns by a comma, a semicolon or a tab.",
        )


def _target_position(file: str, header: list[str], target: str | int | None) -> int:
    """Return which column is the target."""
    listed = "columns " + ", ".join(repr(name) for name in header)
    if target is None:
        found = [j for j, name in enumerate(header) if name.lower() in TARGET_NAMES]
        if len(found) == 1:
            return found[0]
        raise DataError(
            f"{file}: {'no' if not found else 'more than one'} column looks like the target",
            received=listed,
            expected="one called " + ", ".join(TARGET_NAMES[:-1]) + f" or {TARGET_NAMES[-1]}",
            hint="Pass target= with a column's name.",
        )
    if isinstance(target, str) and target in header:
        return header.index(target)
    if isinstance(target, SupportsIndex) and not isinstance(target, bool):
        position = operator.index(target)
        if -len(header) <= position < len(header):
            return position % len(header)
    raise DataError(
        f"{file}: there is no column {target!r}",
        expected=listed,
        hint="Pass target= with a column's name or its position, counting from 0.",
    )


def _number(file: str, line: int, name: str, cell: str) -> float:
    """Return a feature's cell as a number."""
    place = f"{file}, line {line}, column {name!r}"
    value = finite(cell, place)
    if value is None:
        raise DataError(
            f"{place}: text in a column of numbers",
            received=repr(cell),
            expected="a number such as 1.5",
            hint="Write decimals with a point." if "," in cell else "Encode text as numbers.",
        )
    return value


def _is_float(text: str) -> bool:
    """Return whether Python reads `text` as a number."""
    try:
        float(text)
    except ValueError:
        return False
    return True
