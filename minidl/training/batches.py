"""Which rows make up a batch. Optimizers never know."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from minidl.autograd import Array
from minidl.errors import ArgumentError
from minidl.optim import BatchSize

__all__ = [
    "batches",
    "batches_in_order",
    "part_of",
    "permutation",
    "permutation_type",
    "rows_per_batch",
]

MANY = 2**20  # rows, whose numbers then take four bytes each instead of eight
GATHER_BYTES = 64 * 2**20  # up to here a shuffled copy of the data is made, once an epoch


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
        raise ArgumentError(
            "batch_size cannot be used", received=repr(batch_size), expected='"full", 1, 32, ...'
        )
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
        Rows per batch. If all n are in one batch, their order cannot matter and is kept.
    generator : numpy.random.Generator, optional
        For a random order; without it the rows are taken as they come.

    Examples
    --------
    >>> import numpy as np
    >>> [Xb.ravel().tolist() for Xb, tb in batches(np.arange(5)[:, None], np.arange(5), 2)]
    [[0, 1], [2, 3], [4]]
    """
    order = None if generator is None or rows >= len(X) else permutation(generator, len(X))
    return batches_in_order(X, t, rows, order)


def permutation(generator: np.random.Generator, n: int) -> Array:
    """Return the numbers 0 to n - 1 in random order; of many rows in half the memory.

    Examples
    --------
    >>> permutation(np.random.default_rng(0), 5)
    array([2, 4, 3, 0, 1])
    """
    order = np.arange(n, dtype=permutation_type(n))
    generator.shuffle(order)
    return order


def permutation_type(n: int) -> type[np.integer[Any]]:
    """Return the dtype of the numbers of n rows."""
    return np.uint32 if MANY < n <= 2**32 else np.int64


def batches_in_order(
    X: Array, t: Array, rows: int, order: Array | None, sets: Array | None = None
) -> Iterator[tuple[Array, Array]]:
    """Yield the batches of one epoch, for one network or for replicas with rows of their own.

    Parameters
    ----------
    X, t : ndarray, shape (n, ...), or (S, n, ...) with `sets`
        Inputs and targets; of several sets without gaps.
    rows : int
        Rows per batch.
    order : ndarray of int, shape (n,) or (R, n), or None
        A permutation, or one for each replica, whose batches are (R, rows, ...). None: as they
        come. With (n,) or None, and without `sets`, replicas share these batches.
    sets : ndarray of int, shape (R,), optional
        Which of the S sets each replica uses; its batches are (R, rows, ...).

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
    lead: tuple[Any, ...] = () if sets is None else (_along(sets),)
    if order is not None:
        lead = (slice(None),) * (order.ndim - 1)
        if (X.nbytes + t.nbytes) // len(X) * order.size <= GATHER_BYTES:
            X, t, order = X.take(order, 0), t.take(order, 0), None  # one gather, then slices
    for start in range(0, n, rows):
        part: Any = slice(start, start + rows)
        part = (*lead, part) if lead else part
        yield (X[part], t[part]) if order is None else (X[order[part]], t[order[part]])


def part_of(values: Array, part: slice, sets: Array | None) -> Array:
    """Return some rows: of an array (n, ...), or (R, rows, ...) of the sets of each replica.

    Examples
    --------
    >>> part_of(np.array([[1, 2, 3], [4, 5, 6]]), slice(1, 3), np.array([1, 1, 0]))
    array([[5, 6],
           [5, 6],
           [2, 3]])
    """
    return values[part] if sets is None else values[_along(sets), part]


def _along(sets: Array) -> Any:
    """Return an index of these sets: a slice, which copies nothing, if one follows the other."""
    first, last = int(sets[0]), int(sets[-1])
    following = last - first == len(sets) - 1 and bool((np.diff(sets) == 1).all())
    return slice(first, last + 1) if following else sets
