"""Tables of decimal numbers from bytes, thousands at once; each is the float64 of ``float``.

All bytes but digits are marks: separators, line ends, points, signs and exponents. A cell is a
number if it has no other marks than a sign, a point and an exponent in their places. The few cells
that are something else, or have too many digits to be exact, are given to ``float``.
"""

import numpy as np
import numpy.typing as npt

from minidl.datasets.reading.digits import (
    DIGITS,
    PAD,
    TENS,
    Bytes,
    Mask,
    Whole,
    integers,
    scaled,
)
from minidl.datasets.reading.words import to_number

LF, POINT, MINUS, PLUS, E = b"\n.-+e"
LOWER = np.uint8(32)  # the bit that makes a letter lower case
ZERO, NINE = np.uint8(48), np.uint8(9)
MANY = 0.05  # share of numbers given to float above which NumPy's own reader is faster
FEW = 0.02  # share of numbers with exponents up to which float is faster


def parse(block: bytes, separator: str, width: int) -> npt.NDArray[np.float64] | None:
    r"""Return lines of decimal numbers as an array (lines, width), or None if they are not that.

    >>> parse(b"1.5,-2\n0.25,3e2\n", ",", 2).tolist()
    [[1.5, -2.0], [0.25, 300.0]]
    >>> parse(b"1.5,x\n", ",", 2) is parse(b"1,2\n3\n", ",", 2) is None
    True
    """
    text = b"0" * PAD + block
    body = np.frombuffer(text, np.uint8)
    marks = np.flatnonzero(body - ZERO > NINE)
    symbols = body.take(marks)
    ends = np.flatnonzero((symbols == ord(separator)) | (symbols == LF))  # which of the marks
    row = separator.encode() * (width - 1) + b"\n"
    if not len(ends) or symbols.take(ends).tobytes() != row * (len(ends) // width):
        return None
    stop = marks.take(ends)
    last, exponent = ends, None  # the mark that ends the mantissa
    is_e = (symbols | LOWER) == E
    if np.count_nonzero(is_e) > FEW * len(ends):
        last, exponent = _exponents(text, marks, symbols, (ends, stop), is_e)
    first, start = _starts(ends, 0), _starts(stop, PAD)
    negative, pointed = body.take(start) == MINUS, symbols.take(last - 1) == POINT
    odd = last - first != pointed.view(np.int8) + negative.view(np.int8)
    start += negative
    end = stop if last is ends else marks.take(last)
    point = marks.take(last - 1)
    if not pointed.all():
        point = np.where(pointed, point, end)
    before, after = point - start, end - point - pointed
    odd |= _has_wrong_length(body, start, before, after)
    if odd.any():
        before[odd] = after[odd] = 0
    m = integers(text, point, before) * TENS.take(after) + integers(text, end, after)
    values = scaled(m, after if exponent is None else after - exponent, odd)
    values *= 1.0 - 2.0 * negative
    irregular = np.flatnonzero(odd)
    cells = start[irregular] - negative[irregular], stop[irregular]
    return values.reshape(-1, width) if _by_float(values, irregular, text, cells) else None


def _starts(ends: Whole, first: int) -> Whole:
    """Return where cells start: at `first`, and after the end of the cell before."""
    starts = np.empty_like(ends)
    starts[0] = first
    np.add(ends[:-1], 1, out=starts[1:])
    return starts


def _exponents(
    text: bytes, marks: Whole, symbols: Bytes, cells: tuple[Whole, Whole], is_e: Mask
) -> tuple[Whole, Whole]:
    """Return which mark ends the mantissa of each cell, and its exponent.

    `cells` are the marks that end them, and where those are. The mark before the first cell is,
    cyclically, the line end after the last.
    """
    ends, stop = cells
    before = ends - 1
    sign = symbols.take(before)
    minus = sign == MINUS
    length = stop - marks.take(before) - 1
    last = before - (minus | (sign == PLUS))
    has = is_e.take(last) & (length > 0) & (length < 4)
    exponent = integers(text, stop, length * has).astype(np.intp)
    np.negative(exponent, out=exponent, where=minus)
    return np.where(has, last, ends), exponent


def _has_wrong_length(body: Bytes, start: Whole, before: Whole, after: Whole) -> Mask:
    """Return which cells have no digits, or more than fit; 0.1234567890123456789 has 19."""
    digits = before + after
    unfit: Mask = digits < 1
    if (long := digits > DIGITS).any():
        unfit |= long & ((after > DIGITS) | (before > 1) | (body[start] != ZERO))
    return unfit


def _by_float(
    values: npt.NDArray[np.float64], irregular: Whole, text: bytes, cells: tuple[Whole, Whole]
) -> bool:
    """Let ``float`` read other cells; return whether they are few, and all are numbers."""
    if len(irregular) > MANY * len(values):
        return False
    for i, start, end in zip(irregular, *cells, strict=True):
        number = to_number(text[start:end].decode("latin-1"))
        if number is None:
            return False
        values[i] = number
    return True
