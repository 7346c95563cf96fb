"""Splitting rows into a training part and a test part.

The decision of this file: each class is split in the same proportion, and a class that cannot
stand in both parts is an error, never a silent gap.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from minidl.errors import DataError
from minidl.streams import stream

__all__ = ["split"]

Rows = npt.NDArray[np.intp]


def split(
    y: npt.NDArray[Any],
    class_names: tuple[str, ...],
    *,
    test_size: float,
    seed: int,
    name: str,
) -> tuple[Rows, Rows]:
    """Return the numbers of the training rows and of the test rows, both in random order.

    Parameters
    ----------
    y : array of shape (n,)
        Class numbers, or anything for regression.
    class_names : tuple of str
        Names of the classes; empty for regression, which is split without looking at y.
    test_size : float
        The fraction of rows, 0 <= test_size < 1, rounded within each class but at least one row
        and at most all but one. 0 gives no test rows.
    seed : int
        The same seed gives the same split.
    name : str
        The set's name, for errors.

    Raises
    ------
    DataError
        A class (or all of a regression) has no rows, or one row that would have to be split.

    Examples
    --------
    >>> y = np.array([0, 0, 0, 0, 1, 1, 1, 1])
    >>> train, test = split(y, ("no", "yes"), test_size=0.25, seed=0, name="example")
    >>> y[train].sum(), y[test].sum()
    (np.int64(3), np.int64(1))
    """
    order = stream(seed, "split").permutation(len(y))
    groups = [order]
    if class_names:
        groups = [order[y[order] == k] for k in range(len(class_names))]
    in_test = np.zeros(len(y), dtype=bool)
    for k, rows in enumerate(groups):
        label = f"class {class_names[k]!r}" if class_names else "the set"
        in_test[rows[: _test_rows(len(rows), test_size, f"{name}: {label}")]] = True
    return order[~in_test[order]], order[in_test[order]]


def _test_rows(count: int, test_size: float, what: str) -> int:
    """Return how many of `count` rows to hold out, so that neither part is left without any."""
    needed = 2 if test_size > 0.0 else 1
    if count < needed:
        raise DataError(
            f"{what} has too few rows" + (" to split" if needed == 2 else ""),
            received=f"{count} row{'' if count == 1 else 's'}",
            expected=f"at least {needed}",
            hint="Give more rows, or test_size=0 for no test rows." if count else None,
        )
    if test_size == 0.0:
        return 0
    return min(max(int(count * test_size + 0.5), 1), count - 1)
