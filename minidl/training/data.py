"""Rows of data, checked once before the first step, and the batches of an epoch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from minidl.autograd import Array, no_grad
from minidl.errors import ArgumentError, DataError, ShapeError, invalid
from minidl.keywords import answers
from minidl.nn import Activation, Dense, Dropout, Layer, Sequential
from minidl.optim import BatchSize
from minidl.training.measure import Objective, set_index

Pair = Sequence[ArrayLike]  # inputs and targets
LARGE = 64 * 2**20  # bytes of inputs in the model's dtype; more are converted batch by batch
CHUNK_BYTES = 8 * 2**20  # of inputs that are checked at once
GATHER_BYTES = 64 * 2**20  # a shuffled copy of the data is made once an epoch up to this size
HALF_WIDTH = range(2**20 + 1, 2**32 + 1)  # for so many rows, row numbers are uint32, not int64


class Rows(NamedTuple):
    """Inputs X (n, features) and targets t as the loss prepared them; several sets X (S, n, ...).

    Large inputs may have another dtype than the model's, to which each batch is converted.
    """

    X: Array
    t: Array


@dataclass(frozen=True)
class Data:
    """Training rows and, optionally, validation rows of a run.

    With `sets` (R,), the rows have a leading axis (S, n, ...), and network k uses set ``sets[k]``.
    """

    train: Rows
    held_out: Rows | None = None
    sets: Array | None = None

    @property
    def n(self) -> int:
        """The number of training rows of each network."""
        return int(self.train.X.shape[0 if self.sets is None else 1])

    def only(self, networks: Array | slice) -> Data:
        """Return the data of some networks; a single set is taken out of its axis."""
        if self.sets is None:
            return self
        sets = self.sets[networks]
        if len(set(sets.tolist())) != 1:
            return Data(self.train, self.held_out, sets)
        return self.part(int(sets[0]))

    def part(self, place: int | slice) -> Data:
        """Return one or some of several sets of rows, for all networks."""
        train, held_out = self.train, self.held_out
        measured = held_out and Rows(held_out.X[place], held_out.t[place])
        return Data(Rows(train.X[place], train.t[place]), measured)


def check_rows(what: str, X: ArrayLike, y: ArrayLike, objective: Objective) -> Rows:
    """Return the rows as training uses them; a DataError or ShapeError says `what` they are."""
    dtype = objective.vector.value.dtype
    inputs = as_array(f"the {what} inputs are not a table of numbers", X, dtype)
    targets = as_array(f"the {what} targets are not an array", y)
    shape = f"X of shape {inputs.shape}"
    if inputs.ndim < 2:
        problem, received = f"the {what} inputs are not a table", f"shape {inputs.shape}"
        one = "One feature is np.reshape(X, (-1, 1)), one row np.reshape(X, (1, -1))."
        hint = one if inputs.ndim == 1 else None
        raise DataError(problem, received=received, expected="(rows, features)", hint=hint)
    if len(inputs) == 0:
        raise DataError(f"there are no {what} rows", received=shape)
    if targets.ndim == 0 or len(inputs) != len(targets):
        shape += f", y of shape {targets.shape}"
        raise DataError(f"the {what} inputs and targets differ in length", received=shape)
    _check_finite(f"{what} input", inputs, dtype)
    if targets.dtype.kind == "f":
        _check_finite(f"{what} target", targets, targets.dtype)
    try:
        with no_grad():
            outputs = objective.outputs(inputs[:1].astype(dtype, copy=False)).data
    except Exception as error:
        if isinstance(error, ShapeError):
            _check_columns(what, inputs, objective.model)
        error.add_note(f"in the model's outputs for the first {what} row, {shape}")
        raise
    shape_of_all = (len(inputs), *outputs.shape[1:])
    return Rows(inputs, objective.loss.prepare(targets, shape_of_all, dtype))


def as_array(problem: str, values: ArrayLike, dtype: np.dtype[Any] | None = None) -> Array:
    """Return values as an array, of `dtype` unless they are large; else a :class:`DataError`."""
    if dtype and isinstance(values, np.ndarray) and values.dtype.kind in "biuf":
        large = values.size * dtype.itemsize > LARGE
        if large and values.flags.c_contiguous:  # with gaps a batch would be rounded otherwise
            return np.asarray(values)
    given = getattr(values, "dtype", None)
    try:
        if dtype and getattr(given, "kind", "f") in "cmM":
            raise TypeError(f"their dtype is {given}")  # NumPy would convert it silently
        with np.errstate(over="ignore"):  # too large for float32: inf, reported later
            return np.asarray(values, dtype)
    except (TypeError, ValueError) as error:
        raise DataError(f"{problem}: {error}") from None


def _check_columns(what: str, X: Array, model: Layer) -> None:
    """Raise if a model that begins with Dense does not fit X."""
    layer = model
    while isinstance(layer, Sequential):  # its first layer that is not elementwise
        others = (part for part in layer.layers if not isinstance(part, (Activation, Dropout)))
        layer = next(others, layer.layers[0])
    if isinstance(layer, Dense) and (columns := layer.in_features) != X.shape[-1]:
        rows = "" if X.ndim > 2 else f", {len(X)} rows of {X.shape[-1]} columns"
        problem, received = f"the {what} inputs do not fit the model", f"X of shape {X.shape}{rows}"
        expected = f"{columns} columns, X of shape (n, {columns})"
        raise ShapeError(problem, received=received, expected=expected) from None


def _check_finite(what: str, values: Array, dtype: np.dtype[Any]) -> None:
    """Raise if a value is not finite in `dtype`."""
    chunk = max(1, CHUNK_BYTES * len(values) // (values.size * dtype.itemsize or 1))
    for start in range(0, len(values), chunk):
        with np.errstate(over="ignore"):
            part = values[start : start + chunk].astype(dtype, copy=False)
        bad = ~np.isfinite(part)
        if bad.any():
            row, *rest = np.argwhere(bad)[0].tolist()
            place = f"row {start + row}" + "".join(f", column {i}" for i in rest)
            received = f"{part[(row, *rest)]} in {place}"
            hint = "Remove or fill in missing values first; scikit-learn's SimpleImputer does."
            raise DataError(f"a {what} is not a finite number", received=received, hint=hint)


def pair_of(validation: Pair) -> tuple[ArrayLike, ArrayLike]:
    """Return inputs and targets, or raise :class:`ArgumentError`."""
    size = len(validation) if isinstance(validation, (tuple, list)) else None
    if size == 2:
        return validation[0], validation[1]
    shape, received = getattr(validation, "shape", None), type(validation).__name__
    if size is not None:
        received += f" of length {size}"
    elif shape:
        received += f" of shape {tuple(shape)}"
    problem = f"must be a pair of inputs and targets, validation=(X, y), got {received}"
    hint = "Sample weights are not supported here." if size == 3 else None
    raise ArgumentError(problem, argument="validation", hint=hint)


def rows_per_batch(batch_size: BatchSize, n: int) -> int:
    """Return `batch_size`, at most n; an ArgumentError unless "full" or an integer >= 1."""
    if isinstance(batch_size, str) and batch_size == "full":
        return n
    if not isinstance(batch_size, (int, np.integer)) or batch_size is True or batch_size < 1:
        raise invalid("batch_size", batch_size, '"full" or an integer >= 1, such as 32')
    return min(int(batch_size), n)


@answers
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
    """Return the numbers 0 to n - 1 in random order."""
    order = np.arange(n, dtype=np.uint32 if n in HALF_WIDTH else np.int64)
    generator.shuffle(order)
    return order


def batches_in_order(
    X: Array, t: Array, rows: int, order: Array | None, sets: Array | None = None, *, start: int = 0
) -> Iterator[tuple[Array, Array]]:
    """Yield the batches of one epoch from row `start` on, for one network or for R networks.

    X and t are (n, ...), or with `sets` (S, n, ...) and contiguous. `order` is None or a
    permutation (n,); then and without `sets` the networks share their batches. With a permutation
    for each network (R, n), or with `sets` (R,), the set of each, batches are (R, rows, ...).
    """
    n = X.shape[0 if sets is None else 1]
    if order is not None and sets is not None:  # the sets as one, below each other
        order = order + n * sets[:, None]
        X, t, sets = X.reshape(-1, *X.shape[2:]), t.reshape(-1, *t.shape[2:]), None
    axes: tuple[slice | Array, ...] = () if sets is None else (set_index(sets),)
    if order is not None:
        axes = (slice(None),) * (order.ndim - 1)
        if (X.nbytes + t.nbytes) // len(X) * order.size <= GATHER_BYTES:
            X, t, order = X.take(order, 0), t.take(order, 0), None  # one gather, then slices
    for first in range(start, n, rows):
        part = (*axes, slice(first, first + rows))
        yield (X[part], t[part]) if order is None else (X[order[part]], t[order[part]])
