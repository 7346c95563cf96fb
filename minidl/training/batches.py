"""The batches of an epoch. Optimizers know nothing of them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from minidl.autograd import Array
from minidl.errors import invalid
from minidl.optim import BatchSize

__all__ = [
    "batches",
    "batches_in_order",
    "part_of",
    "permutation",
    "permutation_type",
    "rows_per_batch",
]

GATHER_BYTES = 64 * 2**20  # a shuffled copy of the data is made once an epoch up to this size


def rows_per_batch(batch_size: BatchSize, n: int) -> int:
    """Return the number of rows in a full batch: `batch_size`, at most n.

    Raises
    ------
    ArgumentError
        `batch_size` is neither "full" nor an integer of at least 1.

    Examples
    --------
    >>> rows_per_batch("full", 750), rows_per_batch(32, 750), rows_per_batch(1000, 750)
    (750, 32, 750)
    """
    if isinstance(batch_size, str) and batch_size == "full":
        return n
    whole = isinstance(batch_size, (int, np.integer)) and not isinstance(batch_size, bool)
    if not whole or int(batch_size) < 1:
        raise invalid("batch_size", batch_size, '"full" or an integer >= 1, such as 32')
    return min(int(batch_size), n)


def batches(
    X: Array, t: Array, rows: int, generator: np.random.Generator | None = None
) -> Iterator[tuple[Array, Array]]:
    """Yield the batches of one epoch; the last may be smaller.

    Parameters
    ----------
    X, t : ndarray, shape (n, ...)
        Inputs and targets.
    rows : int
        Rows per batch. With n rows or more in a batch, their order is kept.
    generator : numpy.random.Generator, optional
        For a random order; without it the rows keep their order.

    Examples
    --------
    >>> import numpy as np
    >>> [Xb.ravel().tolist() for Xb, tb in batches(np.arange(5)[:, None], np.arange(5), 2)]
    [[0, 1], [2, 3], [4]]
    """
    order = None if generator is None or rows >= len(X) else permutation(generator, len(X))
    return batches_in_order(X, t, rows, order)


def permutation(generator: np.random.Generator, n: int) -> Array:
    """Return the numbers 0 to n - 1 in random order.

    Examples
    --------
    >>> permutation(np.random.default_rng(0), 5)
    array([2, 4, 3, 0, 1])
    """
    order = np.arange(n, dtype=permutation_type(n))
    generator.shuffle(order)
    return order


def permutation_type(n: int) -> type[np.integer]:
    """Return the dtype of row numbers: of more than a million rows, half as wide."""
    return np.uint32 if 2**20 < n <= 2**32 else np.int64


def batches_in_order(
    X: Array,
    t: Array,
    rows: int,
    order: Array | None,
    sets: Array | None = None,
    *,
    start: int = 0,
) -> Iterator[tuple[Array, Array]]:
    """Yield the batches of one epoch, for one network or for R networks.

    Parameters
    ----------
    X, t : ndarray, shape (n, ...), or (S, n, ...) with `sets`
        Inputs and targets; several sets must be contiguous.
    rows : int
        Rows per batch.
    order : ndarray of int, shape (n,) or (R, n), or None
        A permutation, or one for each network, whose batches are (R, rows, ...). None keeps the
        order. With (n,) or None, and without `sets`, the networks share their batches.
    sets : ndarray of int, shape (R,), optional
        Which of the S sets each network uses; its batches are (R, rows, ...).
    start : int, default 0
        Number of rows to skip: those before it have been used already.

    Examples
    --------
    >>> import numpy as np
    >>> orders = np.array([[0, 1, 2], [2, 1, 0]])
    >>> [tb.tolist() for Xb, tb in batches_in_order(np.eye(3), np.arange(3), 2, orders)]
    [[[0, 1], [2, 1]], [[2], [0]]]
    """
    n = X.shape[0 if sets is None else 1]
    if order is not None and sets is not None:  # the sets as one, below each other
        order = order + n * sets[:, None]
        X, t, sets = X.reshape(-1, *X.shape[2:]), t.reshape(-1, *t.shape[2:]), None
    axes: tuple[slice | Array, ...] = () if sets is None else (_index_of(sets),)
    if order is not None:
        axes = (slice(None),) * (order.ndim - 1)
        if (X.nbytes + t.nbytes) // len(X) * order.size <= GATHER_BYTES:
            X, t, order = X.take(order, 0), t.take(order, 0), None  # one gather, then slices
    for first in range(start, n, rows):
        part = (*axes, slice(first, first + rows))
        yield (X[part], t[part]) if order is None else (X[order[part]], t[order[part]])


def part_of(values: Array, part: slice, sets: Array | None) -> Array:
    """Return some rows of an array (n, ...), or (R, rows, ...) of the sets of each network.

    Examples
    --------
    >>> part_of(np.array([[1, 2, 3], [4, 5, 6]]), slice(1, 3), np.array([1, 1, 0]))
    array([[5, 6],
           [5, 6],
           [2, 3]])
    """
    return values[part] if sets is None else values[_index_of(sets), part]


def _index_of(sets: Array) -> slice | Array:
    """Return an index of these sets: a slice, which copies nothing, if they are consecutive."""
    first, last = int(sets[0]), int(sets[-1])
    consecutive = last - first == len(sets) - 1 and bool((np.diff(sets) == 1).all())
    return slice(first, last + 1) if consecutive else sets
