"""Rows of data, checked once before the first step, and the batches of an epoch."""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from minidl.autograd import Array
from minidl.autograd.node import array_of
from minidl.checks import check_count
from minidl.errors import ArgumentError, DataError, DTypeError, ShapeError, invalid
from minidl.keywords import answers
from minidl.nn import Activation, Dropout, Layer, Sequential
from minidl.nn.sequential import SIZED
from minidl.optim import BatchSize
from minidl.training.measure import Objective, set_index
from minidl.training.reach import check_complete
from minidl.training.weights import ClassWeight, row_weights
from minidl.values import CLASSES, TEXT, Names, check_finite, columns_of, numbers

Pair = Sequence[ArrayLike | None]  # inputs and targets, and optionally weights
LARGE = 64 * 2**20  # bytes of inputs in the model's dtype; more are converted batch by batch
GATHER_BYTES = 64 * 2**20  # a shuffled copy of the data is made once an epoch up to this size
HALF_WIDTH = range(2**20 + 1, 2**32 + 1)  # for so many rows, row numbers are uint32, not int64


class Rows(NamedTuple):
    """Inputs X (n, features) and targets t as the loss prepared them; several sets X (S, n, ...).

    Large inputs may have another dtype than the model's, to which each batch is converted. The
    weights w (n,) or (S, n) have the mean 1 over n; None if all are equal.
    """

    X: Array
    t: Array
    w: Array | None = None

    def digest(self) -> int:
        """Return a checksum of the first rows, by which other data are noticed."""
        first_rows = [np.ascontiguousarray(array[:64]).tobytes() for array in (self.X, self.t)]
        return zlib.crc32(b"".join(first_rows), len(self.X))

    def each(self, change: Callable[[Array], Array]) -> Rows:
        """Return the rows with each of their arrays changed."""
        X, t, w = self
        return Rows(change(X), change(t), None if w is None else change(w))


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
        measured = held_out and held_out.each(lambda array: array[place])
        return Data(train.each(lambda array: array[place]), measured)


def check_rows(
    part: str,
    X: ArrayLike,
    y: ArrayLike,
    objective: Objective,
    sample_weight: ArrayLike | None = None,
    *,
    class_weight: ClassWeight | None = None,
) -> Rows:
    """Return the rows as training uses them; errors name the `part`, such as "training"."""
    check_complete(objective.model)
    dtype = objective.vector.value.dtype
    inputs, names = as_array(f"{part} input", X, dtype)
    labels = CLASSES if objective.loss.classifies else TEXT
    targets, _ = as_array(f"{part} target", y, text=labels)
    _check_index(part, X, y)
    shape = f"X of shape {inputs.shape}"
    if inputs.ndim < 2:
        problem, received = f"the {part} inputs are not a table", f"shape {inputs.shape}"
        reshape = "One feature is np.reshape(X, (-1, 1)), one row np.reshape(X, (1, -1))."
        hint = reshape if inputs.ndim == 1 else None
        raise DataError(problem, received=received, expected="(rows, features)", hint=hint)
    if len(inputs) == 0:
        raise DataError(f"there are no {part} rows", received=shape)
    if targets.ndim == 0 or len(inputs) != len(targets):
        shape += f", y of shape {targets.shape}"
        raise DataError(f"the {part} inputs and targets differ in length", received=shape)
    check_finite(f"{part} input", inputs, dtype, names)
    if targets.dtype.kind == "f":
        check_finite(f"{part} target", targets, targets.dtype)
    outputs = _shape_of_outputs(part, inputs, objective)
    prepared = objective.loss.prepare(targets, (len(inputs), *outputs), dtype)
    row_weight = objective.loss.row_weight(prepared)
    w = row_weights(
        part, targets, objective.loss, sample_weight, class_weight, row_weight=row_weight
    )
    return Rows(inputs, prepared, None if w is None else w.astype(dtype))


def _shape_of_outputs(part: str, inputs: Array, objective: Objective) -> tuple[int, ...]:
    """Return the shape of the model's output for one row, or raise what the model raises."""
    try:
        row = inputs[:1].astype(objective.vector.value.dtype, copy=False)
        outputs = array_of(objective.reading(lambda: objective.outputs(row)))
        if not isinstance(outputs, np.ndarray):
            problem, received = "the model must return a Tensor", type(outputs).__name__
            raise ArgumentError(problem, received=received, hint="End forward with: return ...")
    except Exception as error:
        if isinstance(error, ShapeError):
            _check_columns(part, inputs, objective.model)
        error.add_note(
            f"in the model's outputs for the first {part} row, X of shape {inputs.shape}"
        )
        raise
    return tuple(outputs.shape[1:])


def as_array(
    noun: str, values: ArrayLike, dtype: np.dtype[Any] | None = None, text: str = TEXT
) -> tuple[Array, Names]:
    """Return numbers as an array, of `dtype` unless they are large, and the names of its columns.

    `noun` is the word for a value in a :class:`DataError`, and `text` the hint for text.
    """
    form = "a table" if dtype else "an array"
    try:
        array, names = numbers(values, noun, text)
    except (DTypeError, ShapeError) as error:
        raise DataError(f"the {noun}s are not {form} of numbers: {error}") from None
    large = dtype is not None and array.size * dtype.itemsize > LARGE
    if dtype is None or (large and array.flags.c_contiguous):
        return array, names  # with gaps a batch would be rounded otherwise
    with np.errstate(over="ignore"):  # too large for float32: inf, reported later
        return array.astype(dtype, copy=False), names


def check_validation(train: Any, validation: Any) -> None:
    """Raise if inputs for validation have other columns than those for training."""
    tables = columns_of(train), columns_of(validation)
    if tables[0] is None or tables[1] is None or tables[0][0] == tables[1][0]:
        return
    problem = "the validation inputs have other columns than the training inputs"
    received, expected = (str(names) for names, _ in (tables[1], tables[0]))
    hint = "Select the columns of the training inputs: X_validation[list(X.columns)]."
    raise DataError(problem, received=received, expected=expected, hint=hint)


def _check_index(part: str, X: Any, y: Any) -> None:
    """Raise if two pandas objects have the same index labels in another order."""
    x_index: Any = getattr(X, "index", None)
    y_index: Any = getattr(y, "index", None)
    if not (hasattr(x_index, "equals") and hasattr(y_index, "equals")) or x_index.equals(y_index):
        return
    labels = x_index.tolist(), y_index.tolist()
    if labels[0] != labels[1] and Counter(labels[0]) == Counter(labels[1]):
        row = next(i for i, (a, b) in enumerate(zip(*labels, strict=True)) if a != b)
        received = f"labels {labels[0][row]!r} and {labels[1][row]!r} in row {row}"
        problem = f"the {part} inputs and targets have the same index in another order"
        hint = "Give y.loc[X.index], or y.to_numpy() if the rows belong together as they are."
        raise DataError(problem, received=received, hint=hint)


def _check_columns(part: str, X: Array, model: Layer) -> None:
    """Raise if a model that begins with a number of features does not fit X."""
    layer = model
    while isinstance(layer, Sequential):  # its first layer that is not elementwise
        sized = (child for child in layer.layers if not isinstance(child, (Activation, Dropout)))
        layer = next(sized, layer.layers[0])
    if isinstance(layer, SIZED) and (columns := layer.in_features) != X.shape[-1]:
        rows = "" if X.ndim > 2 else f", {len(X)} rows of {X.shape[-1]} columns"
        problem, received = f"the {part} inputs do not fit the model", f"X of shape {X.shape}{rows}"
        expected = f"{columns} columns, X of shape (n, {columns})"
        raise ShapeError(problem, received=received, expected=expected) from None


def pair_of(validation: Pair) -> tuple[Any, Any, Any]:
    """Return inputs, targets and weights or None, or raise :class:`ArgumentError`."""
    size = len(validation) if isinstance(validation, (tuple, list)) else None
    if size in (2, 3):
        X, y, *weights = validation
        return X, y, weights[0] if weights else None
    shape, received = getattr(validation, "shape", None), type(validation).__name__
    if size is not None:
        received += f" of length {size}"
    elif shape:
        received += f" of shape {tuple(shape)}"
    problem = f"must be (X, y), or with weights (X, y, sample_weight), got {received}"
    raise ArgumentError(problem, argument="validation")


def validation_rows(validation: Pair | None, objective: Objective) -> Rows | None:
    """Return the validation rows as training uses them, or None if there are none."""
    if validation is None:
        return None
    X, y, sample_weight = pair_of(validation)
    return check_rows("validation", X, y, objective, sample_weight)


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
    check_count("rows", rows)
    if len(X) != len(t):
        raise DataError("X and t differ in length", received=f"{len(X)} and {len(t)} rows")
    if generator is not None and not hasattr(generator, "shuffle"):
        raise invalid("generator", generator, "a numpy.random.Generator, or None")
    order = None if generator is None or rows >= len(X) else permutation(generator, len(X))
    return ((Xb, tb) for Xb, tb, _ in batches_in_order(Rows(X, t), rows, order))


def permutation(generator: np.random.Generator, n: int) -> Array:
    """Return the numbers 0 to n - 1 in random order."""
    order = np.arange(n, dtype=np.uint32 if n in HALF_WIDTH else np.int64)
    generator.shuffle(order)
    return order


def batches_in_order(
    rows: Rows, size: int, order: Array | None, sets: Array | None = None, *, start: int = 0
) -> Iterator[tuple[Array, Array, Array | None]]:
    """Yield the batches of one epoch from row `start` on, for one network or for R networks.

    The rows are (n, ...), or with `sets` (S, n, ...) and contiguous. `order` is None or a
    permutation (n,); then and without `sets` the networks share their batches. With a permutation
    for each network (R, n), or with `sets` (R,), the set of each, batches are (R, size, ...).
    """
    n = rows.X.shape[0 if sets is None else 1]
    if order is not None and sets is not None:  # the sets as one, below each other
        order = order + n * sets[:, None]
        rows, sets = rows.each(lambda array: array.reshape(-1, *array.shape[2:])), None
    axes: tuple[slice | Array, ...] = () if sets is None else (set_index(sets),)
    if order is not None:
        axes = (slice(None),) * (order.ndim - 1)
        if (rows.X.nbytes + rows.t.nbytes) // len(rows.X) * order.size <= GATHER_BYTES:
            rows, order = rows.each(partial(np.take, indices=order, axis=0)), None  # then slices
    X, t, w = rows
    for position in range(start, n, size):
        part: Any = (*axes, slice(position, position + size))
        part = part if order is None else order[part]
        yield X[part], t[part], None if w is None else w[part]
