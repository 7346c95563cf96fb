"""The random split into training and test rows."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from minidl.errors import DataError
from minidl.streams import stream

Rows = npt.NDArray[np.intp]


def split(
    y: npt.NDArray[np.float64 | np.int64],
    class_names: Sequence[str],
    test_size: float,
    seed: int,
    title: str,
) -> tuple[Rows, Rows]:
    """Return the training and the test rows in random order; each class is split in proportion.

    >>> train, test = split(np.array([0, 0, 1, 1]), ("no", "yes"), 0.5, 0, "t")
    >>> len(train), len(test)
    (2, 2)
    """
    order = stream(seed, "split").permutation(len(y))
    classes = enumerate(class_names)
    groups = [(f"class {name!r}", order[y[order] == k]) for k, name in classes]
    in_test = np.zeros(len(y), dtype=bool)
    for name, rows in groups or [("the set", order)]:
        in_test[rows[: _test_rows(len(rows), test_size, f"{title}: {name}")]] = True
    return order[~in_test[order]], order[in_test[order]]


def _test_rows(count: int, test_size: float, title: str) -> int:
    """Return `test_size` of `count` rows, but with a test at least one and at most all but one."""
    needed = 2 if test_size > 0.0 else 1
    if count < needed:
        raise DataError(
            f"{title} has too few rows" + (" to split" if needed == 2 else ""),
            received=f"{count} row{'' if count == 1 else 's'}",
            expected=f"at least {needed}",
            hint="Add rows, or use a test size of 0." if count else None,
        )
    return min(max(int(count * test_size + 0.5), 1), count - 1) if test_size > 0.0 else 0
