"""The fast path for files of plain numbers: blocks of lines, parsed side by side."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import IO

import numpy as np
import numpy.typing as npt

from minidl.datasets.reading.decimals import parse
from minidl.datasets.reading.form import BLANKS
from minidl.values import EXACT

BLOCK = 2**19  # bytes; the arrays of a block fit into a processor's cache
THREADS = 2  # NumPy computes on several blocks at once


def read_numbers(
    stream: IO[bytes], skip: int, separator: str, width: int, size: int = 0
) -> npt.NDArray[np.float64] | None:
    r"""Return the numbers of a file whose first `skip` lines are left out, or None.

    None means that something else stands in the file, such as text, a missing or an infinite
    value, or an integer that float64 may round: then cells are read one by one. `size` is about
    the number of bytes, if it is known.

    >>> import io
    >>> read_numbers(io.BytesIO(b"a,b\n1,2\n3,4\n"), 1, ",", 2).tolist()
    [[1.0, 2.0], [3.0, 4.0]]
    """
    for _ in range(skip):
        stream.readline()
    start = stream.tell()
    rows = None if separator == BLANKS else _blocks(stream, separator, width, size)
    if rows is None:
        stream.seek(start)
        rows = _by_numpy(stream, separator, width)
    if rows is None or not len(rows) or rows.shape[1] != width:
        return None
    usable = np.abs(rows.min()) < EXACT and np.abs(rows.max()) < EXACT  # False for NaN
    return rows if usable else None


def _blocks(
    stream: IO[bytes], separator: str, width: int, size: int
) -> npt.NDArray[np.float64] | None:
    """Return rows of decimal numbers, read a few blocks at a time; `size` is a guess in bytes."""
    rows = np.empty((0, width))
    filled = 0
    lines = _lines(stream, separator)
    with ThreadPoolExecutor(THREADS) as threads:
        while batch := list(islice(lines, 2 * THREADS)):
            for part in threads.map(lambda block: parse(block, separator, width), batch):
                if part is None:
                    return None
                if filled + len(part) > len(rows):
                    guess = 1.02 * size * len(part) / len(batch[0])
                    capacity = max(int(guess), 2 * len(rows), filled + len(part))
                    bigger = np.empty((capacity, width))
                    bigger[:filled] = rows[:filled]
                    rows = bigger
                rows[filled : filled + len(part)] = part
                filled += len(part)
    return rows[:filled]


def _lines(stream: IO[bytes], separator: str) -> Iterator[bytes]:
    """Yield blocks of whole lines that end with a line feed only, without spaces before cells."""
    while block := stream.read(BLOCK):
        block += stream.readline()
        if not block.endswith(b"\n"):
            block += b"\n"
        if b"\r" in block:
            block = block.replace(b"\r\n", b"\n")
        if b" " in block:
            block = block.replace(f"{separator} ".encode(), separator.encode())
        yield block


def _by_numpy(stream: IO[bytes], separator: str, width: int) -> npt.NDArray[np.float64] | None:
    """Return rows as NumPy's own reader does, which knows exponents and runs of spaces."""
    delimiter = None if separator == BLANKS else separator
    try:
        return np.loadtxt(stream, np.float64, comments=None, delimiter=delimiter, ndmin=2)
    except ValueError:
        return None
