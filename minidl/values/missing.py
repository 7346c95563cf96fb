"""Missing values: the texts that stand for them, and where they are in an array."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from minidl.errors import DataError
from minidl.text import listed

Array = npt.NDArray[Any]
Names = Sequence[object] | None  # of the columns; by default their numbers
# The list of pandas.read_csv, and the question mark of the UCI repository.
LABELS = frozenset((
    "", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN",
    "<NA>", "N/A", "NA", "NULL", "NaN", "None", "n/a", "nan", "null", "?",
))  # fmt: skip
ANY_CASE = frozenset({"na", "n/a", "nan", "-nan", "+nan"})
SHOWN = 5  # rows and columns that an error lists
CHUNK_BYTES = 8 * 2**20  # of values that are checked at once
REMEDY = "Remove or fill in missing values first; scikit-learn's SimpleImputer does."
RENAME = "If it is a class, give it another name."


def is_missing(text: str) -> bool:
    """Return True for a text that means a missing value, such as "NA", "None" or "".

    Spaces around it are ignored, and the case of na, n/a and nan. The other words are those of
    pandas, which are read as they are written: "none" may be a class.

    >>> [is_missing(text) for text in ("NULL", " <NA> ", "Nan", "none", "0")]
    [True, True, True, False, False]
    """
    word = text.strip()
    return word in LABELS or word.lower() in ANY_CASE


def place(index: Sequence[int], names: Names = None) -> str:
    """Return where a value is, such as "row 2, column 'height'".

    >>> place((2, 0), ["height"]), place((2,)), place((2, 0, 1))
    ("row 2, column 'height'", 'row 2', 'row 2, position (0, 1)')
    """
    row, *columns = index or (0,)
    if len(columns) > 1:
        return f"row {row}, position {tuple(columns)}"
    return f"row {row}" + "".join(f", column {column_name(i, names)}" for i in columns)


def a(noun: str) -> str:
    """Return a noun with its article."""
    return f"{'an' if noun[0] in 'aeiouAEIOU' else 'a'} {noun}"


def column_name(i: int, names: Names) -> str:
    """Return a column's name in quotes, or its number."""
    return str(i) if names is None else repr(names[i])


def summary(bad: Array, names: Names = None, lines: Sequence[int] | None = None) -> str:
    """Return how many entries of a mask are True, in which rows (or lines of a file) and columns.

    >>> summary(np.array([[True, False], [False, False], [True, True]]), ["a", "b"])
    "3 of 6 values are missing, in rows 0, 2; columns 'a' (2), 'b' (1)"
    """
    total = int(bad.sum())
    if total == 1:
        return f"1 of {bad.size} value{'s' * (bad.size > 1)} is missing"
    flat = bad.reshape(len(bad), -1) if bad.ndim else bad.reshape(1, 1)
    rows = np.flatnonzero(flat.any(axis=1)).tolist()
    text = f"{total} of {bad.size} values are missing, in"
    noun = f"{'line' if lines else 'row'}{'s' * (len(rows) > 1)}"
    text += f" {noun} {listed([str(lines[i] if lines else i) for i in rows])}"
    if bad.ndim == 2:
        counts = [f"{column_name(j, names)} ({k})" for j, k in enumerate(flat.sum(axis=0)) if k]
        text += f"; column{'s' * (len(counts) > 1)} {listed(counts)}"
    return text


def check_finite(what: str, values: Array, dtype: npt.DTypeLike, names: Names = None) -> None:
    """Raise a :class:`DataError` if a value is not finite in `dtype`; `what` is what one is."""
    chunk = max(1, CHUNK_BYTES * len(values) // (values.size * np.dtype(dtype).itemsize or 1))
    for start in range(0, len(values), chunk):
        with np.errstate(over="ignore"):
            part = values[start : start + chunk].astype(dtype, copy=False)
        not_finite = ~np.isfinite(part)
        if not_finite.any():
            row, *columns = index = np.argwhere(not_finite)[0].tolist()
            received = f"{part[tuple(index)]} in {place((start + row, *columns), names)}"
            gaps = np.isnan(values) if values.dtype.kind == "f" else np.zeros(1, bool)
            hint = f"{summary(gaps, names)}. {REMEDY}" if gaps.any() else None
            end = f"{np.dtype(dtype)} ends at {np.finfo(dtype).max:.3g}"
            hint = hint or f"Rescale the column or clip it; {end}."
            raise DataError(f"{a(what)} is not a finite number", received=received, hint=hint)
