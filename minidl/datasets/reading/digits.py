"""Integers from digits and their decimal scaling, thousands at once, each as ``float`` does it.

Eight digits are eight bytes, so also one integer of 64 bits, whose bytes are combined in three
multiplications (Lemire, "Quickly parsing eight digits", 2018). A number of up to 19 digits is
m 10^k with an integer m: exact for m <= 2^53 and |k| <= 22 by one operation (Clinger, "How to read
floating point numbers accurately", PLDI 1990, section 4), and else by one in extended precision
for |k| <= 27, unless that lies halfway between two float64.
"""

import numpy as np
import numpy.typing as npt

U = np.uint64
Words = npt.NDArray[np.uint64]
Whole = npt.NDArray[np.intp]
Mask = npt.NDArray[np.bool_]
Bytes = npt.NDArray[np.uint8]
DIGITS = 19  # of every integer below 10^19 < 2^64
SMALL = 4  # digits of an integer that fits into 16 bits
PAD = 24  # bytes that are read before the end of a number, three words
ASCII_ZERO, LOW, FOUR_BITS = U(0x3030303030303030), U(32), np.uint8(15)
PAIRS, BY_100, BY_1 = U(0xFF000000FF), U(0x000F424000000064), U(0x0000271000000001)
TENS = U(10) ** np.arange(DIGITS + 1, dtype=U)
HALFWAY, TAIL = U(0x400), U(0x7FF)  # the bits of an extended float that float64 rounds away
PRECISE = np.finfo(np.longdouble).nmant == 63  # not so with MSVC, and on ARM


def _kept() -> Words:
    """Return masks (PAD + 1, 3) that keep the last k of 24 bytes, the first in the lowest bits."""
    mask = np.arange(PAD) >= PAD - np.arange(PAD + 1)[:, None]
    return (mask * np.uint8(255)).view("<u8").astype(U)


def _tables(
    dtype: type[np.floating], largest: int
) -> tuple[npt.NDArray[np.floating], npt.NDArray[np.floating]]:
    """Return factors and divisors whose entry k, also a negative one, scales by 10^-k."""
    powers = np.multiply.accumulate(np.array([1, *[10] * largest], dtype))
    units = np.ones(largest + 1, dtype)
    return np.append(units, powers[:0:-1]), np.append(powers, units[1:])


KEPT = {words: np.ascontiguousarray(_kept()[:, 3 - words :]) for words in (1, 2, 3)}
DOUBLE, EXTENDED = _tables(np.float64, 22), _tables(np.longdouble, 27)


def integers(text: bytes, end: Whole, length: Whole) -> Words:
    """Return the integers in the last `length` bytes before each `end`, which must be digits.

    >>> integers(b"0" * PAD + b"12,345", np.array([26, 30]), np.array([2, 3])).tolist()
    [12, 345]
    """
    longest = int(length.max(initial=0))
    if longest > SMALL:
        return _by_words(text, end, length, 1 + (longest - 1) // 8)
    value, body = np.zeros(len(end), np.uint16), np.frombuffer(text, np.uint8)
    for k in range(longest):
        digit = body.take(end - (k + 1))
        digit &= FOUR_BITS
        digit *= length > k
        value += digit * np.uint16(10**k)
    return value.astype(U)


def _by_words(text: bytes, end: Whole, length: Whole, words: int) -> Words:
    """Return the integers in so many words of eight digits."""
    size = 8 * words
    windows = np.ndarray(len(text) - size + 1, f"V{size}", text, strides=(1,))
    w = windows[end - size].view("<u8").astype(U, copy=False).reshape(-1, words)
    w ^= ASCII_ZERO
    w &= KEPT[words].take(length, axis=0)
    higher = w >> U(8)
    w *= U(10)
    w += higher
    higher = w >> U(16)
    w &= PAIRS
    w *= BY_100
    higher &= PAIRS
    higher *= BY_1
    w += higher
    w >>= LOW
    value = w[:, -1]
    for k in range(1, words):
        value = value + w[:, -1 - k] * TENS[8 * k]
    return value


def scaled(m: Words, places: Whole, odd: Mask) -> npt.NDArray[np.float64]:
    """Return m / 10^places, rounded once, and mark in `odd` where that is not certain.

    >>> scaled(np.array([15, 7], np.uint64), np.array([1, -2]), np.zeros(2, bool)).tolist()
    [1.5, 700.0]
    """
    reach = int(np.abs(places).max(initial=0))
    exact = m.max() <= 2**53 and reach < len(DOUBLE[0]) / 2
    factors, divisors = EXTENDED if PRECISE and not exact else DOUBLE
    if not PRECISE:
        odd |= m > 2**53
    if reach > (largest := len(factors) // 2):
        far = np.abs(places) > largest
        odd |= far
        places = np.where(far, 0, places)
    values = m.astype(factors.dtype)
    if places.min() < 0:
        values *= factors[places]
    values /= divisors[places]
    if factors is EXTENDED[0]:
        odd |= (values.view(U)[::2] & TAIL) == HALFWAY
    return values.astype(np.float64, copy=False)
