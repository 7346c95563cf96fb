"""The meaning of a cell of text: a missing value, a number in some spelling, or a word."""

import math
import re
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from minidl.values import EXACT, exact, is_missing

Mask = npt.NDArray[np.bool_]
TRUTH = {"true": 1.0, "false": 0.0}
CURRENCY = "$€£¥₹"
PERCENT = "percent signs"
GROUPS = " '\u00a0\u2009\u202f’"  # between thousands, besides the comma or the point
MONTH = "(?i:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*"
TIME = r"\d{1,2}:\d\d(:\d\d.*)?( ?[APap]\.?[Mm]\.?)?"
DATE = re.compile(
    rf"\d{{1,4}}([-/.])\d{{1,2}}\1\d{{1,4}}([ T].*)?|\d{{4}}[-/]\d{{1,2}}|{TIME}"
    rf"|(\w+,? )?\d{{1,2}}[- ]{MONTH}[- ,]*\d{{2,4}}.*|(\w+,? )?{MONTH}[- .]*\d{{1,2}},? \d{{4}}.*"
    rf"|{MONTH}[- ]\d{{4}}|\d{{4}} ?[Qq][1-4]"
)


class Reading(NamedTuple):
    """The meaning of k different words.

    `values` (k,) are numbers, NaN for `gaps` and `text`. `style` says which signs were left out.
    `comma` is True if commas may be decimal, and False if it is not known what they are.
    """

    values: npt.NDArray[np.float64]
    gaps: Mask
    text: Mask
    style: str = ""
    comma: bool | None = None


def to_number(text: str) -> float | None:
    """Return the number that Python reads in ASCII text without underscores, or None."""
    if not text.isascii() or "_" in text:
        return None
    try:
        return float(text)
    except ValueError:
        return None


def read_words(words: tuple[str, ...], decimal: str | None, separator: str = "") -> Reading:
    """Return the meaning of the different words of one column.

    Booleans are 0 and 1. Percent signs, currencies and separators of thousands are left out if
    all words can be read then. A comma groups thousands if the file's `separator` is a comma.

    >>> read_words(("1.5", "NA", "x"), None).values.tolist()
    [1.5, nan, nan]
    >>> read_words(("12%", "3%"), None)[0].tolist(), read_words(("1,5", "2"), ",")[0].tolist()
    ([12.0, 3.0], [1.5, 2.0])
    """
    gaps = np.array([is_missing(word) for word in words], bool)
    present = [word for word, gap in zip(words, gaps, strict=True) if not gap]
    if present and all(word.lower() in TRUTH for word in present):
        numbers: list[float | None] = [TRUTH[word.lower()] for word in present]
        return _reading(gaps, numbers, "false is 0 and true is 1")
    if decimal != ",":
        numbers = [to_number(word) for word in present]
        if None not in numbers:
            return _reading(gaps, numbers)
    else:
        numbers = [_signed(word, decimal)[0] for word in present]
    return _styled(present, gaps, numbers, decimal, separator)


def _styled(
    present: list[str],
    gaps: Mask,
    plain: list[float | None],
    decimal: str | None,
    separator: str,
) -> Reading:
    """Return the meaning of words, some of which are not plain numbers."""
    comma = None
    if decimal is None and any("," in word for word in present):
        if any(re.fullmatch(r"[-+]?(\d+,\d{1,2}|\d{4,},\d+|\d+,\d{4,}|0,\d+)", w) for w in present):
            comma = True  # no thousands
        elif not any(re.search(r",\d{3}[,.]", word) for word in present) and separator != ",":
            comma = False
    pairs = [_signed(word, decimal or ".") for word in present]
    signs = {name for _, names in pairs for name in names}
    percent = [PERCENT in names for _, names in pairs]
    mixed = any(percent) and not all(percent)
    if comma is not None or mixed or any(value is None for value, _ in pairs):
        return _reading(gaps, plain, comma=comma)
    style = f"read without {' and '.join(sorted(signs))}" if signs else ""
    return _reading(gaps, [value for value, _ in pairs], style)


def _reading(
    gaps: Mask, numbers: list[float | None], style: str = "", comma: bool | None = None
) -> Reading:
    """Return the meaning of all words, given the numbers of those that are not missing."""
    values = np.full(len(gaps), np.nan)
    values[~gaps] = [np.nan if number is None else number for number in numbers]
    text = np.zeros(len(gaps), bool)
    text[~gaps] = [number is None for number in numbers]
    return Reading(values, gaps, text, style, comma)


def _signed(word: str, decimal: str) -> tuple[float | None, list[str]]:
    """Return the number in a word, and which signs were left out: percent, currency, thousands."""
    core, left_out = word, []
    for signs, name in (("%", PERCENT), (CURRENCY, "currency signs")):
        bare = re.sub(rf"^([-+]?)\s*[{signs}]\s*|\s*[{signs}]$", r"\1", core)
        if bare != core:
            core = bare
            left_out.append(name)
    group = "," if decimal == "." else "."
    match = re.fullmatch(rf"[-+]?\d{{1,3}}([{GROUPS}\{group}])\d{{3}}(\1\d{{3}})*(\D\d*)?", core)
    if match:
        core = core.replace(match[1], "")
        left_out.append("separators of thousands")
    elif decimal == "," and "." in core:
        return None, []
    value = to_number(core.replace(decimal, "."))
    return value, [] if value is None else left_out


def inexact(words: tuple[str, ...], values: npt.NDArray[np.float64]) -> dict[str, str]:
    """Return the integers that float64 would round, and to what.

    >>> inexact(("9007199254740993", "1"), np.array([2.0**53, 1.0]))["9007199254740993"][:26]
    'would be rounded to 900719'
    """
    rounded = {}
    for i in np.flatnonzero(np.abs(values) >= EXACT).tolist():
        if words[i].lstrip("+-").isdigit() and not math.isinf(values[i]):
            try:
                exact(int(words[i]))
            except OverflowError as error:
                rounded[words[i]] = str(error)
    return rounded
