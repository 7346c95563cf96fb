"""The separator of a text file, and its records: the cells of each line, with the line's number."""

import csv
import io
import re
from collections import Counter
from collections.abc import Iterable, Iterator

from minidl.errors import DataError, invalid
from minidl.spelling import close_matches

Record = tuple[int, list[str]]  # the number of the first line, and the cells
CANDIDATES = "\t;|,"  # the comma last, since it may also be a decimal comma
BLANKS = " "  # stands for runs of spaces and tabs
NAMES = {"tab": "\t", "\\t": "\t", "space": BLANKS, "whitespace": BLANKS, "comma": ",",
         "semicolon": ";", "pipe": "|"}  # fmt: skip
SHOWN = {"\t": "tab", BLANKS: "space"}
ESCAPED = re.compile(r'[^,;\t|]\\"[^,;\t|\s]')  # a quote within a cell, as MySQL writes it
SAMPLE = 60  # records from which the separator is guessed
ALIKE = 0.9  # share of the records that must have the same number of cells


def check_separator(separator: object) -> str | None:
    r"""Return a separator as one character; None stands for the one that fits best.

    >>> check_separator("tab"), check_separator(";")
    ('\t', ';')
    """
    if separator is None:
        return None
    word = NAMES.get(separator.lower(), separator) if isinstance(separator, str) else ""
    if len(word) != 1 or word in '"\r\n.':
        expected = 'one character such as ";", or "tab", "space"'
        near = close_matches(separator, NAMES) if isinstance(separator, str) else []
        hint = f"Did you mean {near[0]!r}?" if near else None
        raise invalid("separator", separator, expected, hint)
    return word


def declared(line: str) -> str | None:
    """Return the separator that the first line of a file declares for Excel, as in ``sep=;``.

    >>> declared("sep=;"), declared("a;b")
    (';', None)
    """
    word = line.strip().strip('"').lower()
    return word[4:] or "\t" if word.startswith("sep=") and len(word) <= 5 else None


def separator_of(text: str) -> str:
    r"""Return the separator that divides most lines into the same number of cells.

    >>> separator_of("a;b\n1,5;2,5\n"), separator_of("a b\n1   2\n"), separator_of("a\n1\n")
    (';', ' ', ',')
    """
    counts = {separator: _cells(text, separator) for separator in CANDIDATES + BLANKS}
    for slack in (1, 1000):  # the first line may be a title
        for separator, cells in counts.items():
            if not cells:
                continue
            width, often = Counter(cells).most_common(1)[0]
            if width > 1 and often >= ALIKE * (len(cells) - 1) and abs(cells[0] - width) <= slack:
                return separator
    widest = max(CANDIDATES, key=lambda separator: max(counts[separator], default=0))
    return widest if max(counts[widest], default=0) > 1 else ","


def _cells(text: str, separator: str) -> list[int]:
    """Return the number of cells in each of the first records without trailing empty ones."""
    counts = []
    try:
        for _, cells in records("", io.StringIO(text, newline=""), separator, is_escaped(text)):
            while len(cells) > 1 and not cells[-1].strip():
                cells.pop()
            if not cells[0].startswith("#"):
                counts.append(len(cells))
            if len(counts) == SAMPLE:
                break
    except DataError:  # a quote that ends after the sample, or never
        pass
    return counts


def records(
    title: str,
    lines: Iterable[str],
    separator: str,
    escaped: bool,
    empty: list[int] | None = None,
) -> Iterator[Record]:
    """Yield the records with a cell that is not empty; cells may have spaces after them.

    `escaped` says whether quotes within cells have a backslash before them. The lines of records
    that have several cells, all empty, are added to `empty`.
    """
    if separator == BLANKS:
        lines = (line.replace("\t", " ").strip(" ") for line in lines)
    # strict=True makes an unclosed quote an error; otherwise it swallows the rest of the file.
    reader = csv.reader(
        lines, delimiter=separator, strict=True, skipinitialspace=True,
        escapechar="\\" if escaped else None,
    )  # fmt: skip
    line = 1
    try:
        for cells in reader:
            if any(cells):
                yield line, cells
            elif len(cells) > 1 and empty is not None:
                empty.append(line)
            line = reader.line_num + 1
    except csv.Error as error:
        raise DataError(f"{title}, line {line}: invalid CSV, {error}") from None


def is_escaped(text: str) -> bool:
    r"""Return whether quotes within cells have a backslash before them.

    >>> is_escaped('1,"say \\"no\\" twice"'), is_escaped('1,"C:\\"')
    (True, False)
    """
    return '\\"' in text and ESCAPED.search(text) is not None
