"""Decimal numbers from bytes, thousands at once; each is the float64 that ``float`` returns.

Eight digits are eight bytes, so also one integer of 64 bits, whose bytes are combined in three
multiplications (Lemire, "Quickly parsing eight digits", 2018). A number of up to 19 digits is
m / 10^k with an integer m: exact for m <= 2^53 by one division (Clinger, "How to read floating
point numbers accurately", PLDI 1990, section 4), and else by one in extended precision, unless
that lies halfway between two float64. The few numbers that this leaves are given to ``float``.
"""

import numpy as np
import numpy.typing as npt

from minidl.datasets.reading.words import to_number

U = np.uint64
Words = npt.NDArray[np.uint64]
Whole = npt.NDArray[np.intp]
Mask = npt.NDArray[np.bool_]
DIGITS = 19  # of every integer below 10^19 < 2^64
PAD = 24  # bytes before a block, so that eight bytes can be read before any position
KEEP = np.array([0, *(2**64 - 2 ** (64 - 8 * k) for k in range(1, 9))], U)  # the last k bytes
ASCII_ZERO, OVER, HIGH = U(0x3030303030303030), U(0x7676767676767676), U(0x8080808080808080)
PAIRS, LOW, BY_100, BY_1 = U(0xFF000000FF), U(32), U(0x000F424000000064), U(0x0000271000000001)
TENS = U(10) ** np.arange(DIGITS + 1, dtype=U)
POWERS, EXTENDED = 10.0 ** np.arange(DIGITS + 1), np.longdouble(10) ** np.arange(DIGITS + 1)
HALFWAY, TAIL = U(0x400), U(0x7FF)  # the bits of an extended float that float64 rounds away
PRECISE = np.finfo(np.longdouble).nmant == 63  # not so with MSVC, and on ARM
MANY = 0.05  # share of numbers given to float above which NumPy's own reader is faster


def parse(block: bytes, separator: str, width: int) -> npt.NDArray[np.float64] | None:
    r"""Return lines of decimal numbers as an array (lines, width), or None if they are not that.

    >>> parse(b"1.5,-2\n0.25,30\n", ",", 2).tolist()
    [[1.5, -2.0], [0.25, 30.0]]
    >>> parse(b"1.5,x\n", ",", 2) is parse(b"1,2\n3\n", ",", 2) is None
    True
    """
    padded = b"0" * PAD + block
    body = np.frombuffer(padded, np.uint8)[PAD:]
    words = np.ndarray(len(padded) - 7, "<u8", padded, strides=(1,))
    special = body == ord(separator)
    special |= body == ord("\n")
    special |= body == ord(".")
    marks = np.flatnonzero(special)
    point, end = _cells(marks, body[marks] == ord("."))
    if not len(end) or not _is_grid(body[end], separator, width):
        return None
    start = np.empty_like(end)
    start[0], start[1:] = 0, end[:-1] + 1
    negative = body[start] == ord("-")
    start += negative
    before, after = point - start, np.maximum(end - point - 1, 0)
    digits = before + after
    odd = digits < 1
    if (long := digits > DIGITS).any():  # 0.1234567890123456789 has 19
        long &= (after > DIGITS) | (before > 1) | (body[start] != ord("0"))
        odd |= long
    if odd.any():
        before[odd] = after[odd] = 0
    m = _integer(words, point + PAD - 8, before, odd) * TENS[after]
    m += _integer(words, end + PAD - 8, after, odd)
    values = _divided(m, after, odd)
    values *= 1.0 - 2.0 * negative
    others = np.flatnonzero(odd)
    if len(others) > MANY * len(end):
        return None
    for i, a, b in zip(others, start[others] - negative[others], end[others], strict=True):
        number = to_number(block[a:b].decode("latin-1"))
        if number is None:
            return None
        values[i] = number
    return values.reshape(-1, width)


def _cells(marks: Whole, points: Mask) -> tuple[Whole, Whole]:
    """Return where the last point and the end of each cell are; without a point, both are one."""
    if len(marks) % 2 == 0 and points[::2].all() and not points[1::2].any():
        return marks[::2], marks[1::2]
    at = np.flatnonzero(~points)
    end = marks[at]
    return np.where(points[at - 1] & (at > 0), marks[at - 1], end), end


def _is_grid(ends: npt.NDArray[np.uint8], separator: str, width: int) -> bool:
    """Return whether cells end as those of a table: at a separator, the last at a line end."""
    if len(ends) % width:
        return False
    grid = ends.reshape(-1, width)
    return bool(np.all(grid[:, -1] == ord("\n")) and np.all(grid[:, :-1] == ord(separator)))


def _integer(words: Words, end: Whole, length: Whole, odd: Mask) -> Words:
    """Return the integers in the last digits before `end`; mark those with other characters."""
    most = length.max(initial=0)
    value = _eight(words, end, np.minimum(length, 8) if most > 8 else length, odd)
    if most > 8:
        higher = np.maximum(length - 8, 0)
        value += _integer(words, end - 8, higher, odd) * U(10**8)
    return value


def _eight(words: Words, end: Whole, length: Whole, odd: Mask) -> Words:
    """Return the integers in up to eight digits; mark those with other characters."""
    w = words[end] ^ ASCII_ZERO
    w &= KEEP[length]
    wrong = w + OVER
    wrong |= w
    wrong &= HIGH
    odd |= wrong != 0
    w = w * U(10) + (w >> U(8))
    return ((w & PAIRS) * BY_100 + ((w >> U(16)) & PAIRS) * BY_1) >> LOW


def _divided(m: Words, places: Whole, odd: Mask) -> npt.NDArray[np.float64]:
    """Return m / 10^places, rounded once; mark the results that may be rounded twice."""
    if m.max() <= 2**53:
        return m / POWERS[places]
    if not PRECISE:
        odd |= m > 2**53
        return m / POWERS[places]
    extended = m.astype(np.longdouble) / EXTENDED[places]
    odd |= (extended.view(U)[::2] & TAIL) == HALFWAY
    return extended.astype(np.float64)
