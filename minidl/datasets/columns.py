"""What the readers of files hand over, and what counts as a number or as a gap."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from minidl.errors import DataError

__all__ = ["Cell", "Columns", "finite", "is_missing"]

Cell = str | float
MISSING = frozenset({"", "?", "na", "n/a", "nan"})


@dataclass(frozen=True)
class Columns:
    """The columns of a file, before anything is made of the target.

    Attributes
    ----------
    X : float64 array of shape (n, d)
        The features.
    feature_names : tuple of str
        One name per column of X.
    targets : sequence of str or float
        The target of each row, as the file has it.
    title : str
        What to call the target, such as "file a.csv, column 'y'".
    place : callable
        Row index -> where its target stands, such as "file a.csv, line 7, column 'y'".
    """

    X: npt.NDArray[np.float64]
    feature_names: tuple[str, ...]
    targets: list[Cell]
    title: str
    place: Callable[[int], str]


def is_missing(cell: Cell) -> bool:
    """Return whether a cell is a gap: empty, ``?``, ``NA``, ``N/A`` or ``nan``.

    Examples
    --------
    >>> is_missing(" NaN "), is_missing(float("nan")), is_missing("0")
    (True, True, False)
    """
    return cell.strip().lower() in MISSING if isinstance(cell, str) else math.isnan(cell)


def finite(cell: Cell, place: str) -> float | None:
    """Return a cell as a number, or None if it is text.

    Parameters
    ----------
    cell : str or float
        The cell.
    place : str
        Where it stands, for errors.

    Raises
    ------
    DataError
        The cell is a gap, or infinite.

    Examples
    --------
    >>> finite("1e3", "line 2"), finite("tall", "line 2")
    (1000.0, None)
    """
    if is_missing(cell):
        raise DataError(
            f"{place}: the value is missing",
            received=repr(cell),
            expected="a value in every row",
            hint="Fill the gap or remove the row.",
        )
    # Python reads 1_000 as a number, and digits of other scripts; a data file means them as text.
    if isinstance(cell, str) and ("_" in cell or not cell.isascii()):
        return None
    try:
        value = float(cell)
    except ValueError:
        return None
    if math.isinf(value):
        raise DataError(
            f"{place}: the value is infinite", received=repr(cell), expected="a finite number"
        )
    return value
