"""Rows of data in the form that training uses, checked once before the first step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from minidl.autograd import Array, no_grad
from minidl.errors import ArgumentError, DataError, ShapeError
from minidl.nn import Layer, Loss
from minidl.training.checks import check_columns

__all__ = ["Data", "Rows", "check_rows", "check_sets", "pair_of", "rows_of", "several_sets"]

LARGE = 64 * 2**20  # bytes of inputs in the model's dtype; more are converted batch by batch
CHUNK_BYTES = 8 * 2**20  # of inputs that are checked at once


@dataclass(frozen=True)
class Rows:
    """Inputs X (n, features) in the model's dtype, and targets t as the loss prepared them.

    Large inputs may have another dtype; :class:`~minidl.training.Objective` converts each batch.
    Several sets of rows have a leading axis, X (S, n, features).
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

    def only(self, kept: npt.NDArray[np.bool_]) -> Data:
        """Return the data of some of the networks."""
        return self if self.sets is None or kept.all() else self.chosen(self.sets[kept])

    def chosen(self, sets: Array) -> Data:
        """Return the data of networks that use these sets; one set is taken out of its axis."""
        if len(set(sets.tolist())) != 1:
            return Data(self.train, self.held_out, sets)
        return Data(*rows_of((self.train, self.held_out), int(sets[0])))


def rows_of(rows: tuple[Rows, Rows | None], sets: int | slice) -> tuple[Rows, Rows | None]:
    """Return one or some of several sets of training and validation rows."""
    train, held_out = rows
    return (
        Rows(train.X[sets], train.t[sets]),
        held_out and Rows(held_out.X[sets], held_out.t[sets]),
    )


def check_rows(what: str, X: npt.ArrayLike, y: npt.ArrayLike, model: Layer, loss: Loss) -> Rows:
    """Return the rows in the form that training uses.

    Parameters
    ----------
    what : str
        "training" or "validation", for errors.
    X, y : array_like
        Inputs and targets, one row each per sample.
    model : Layer
        Determines the dtype and the shape of the outputs.
    loss : Loss
        Prepares the targets.

    Raises
    ------
    DataError
        There are no rows, X and y differ in length, X is not numeric or not finite (the message
        names the first such row and column), or the targets do not suit the loss.
    ShapeError
        The inputs do not fit the model, or the targets its outputs.
    """
    dtype = model.parameters.value.dtype
    inputs = _inputs(what, X, dtype)
    targets = _as_array(f"the {what} targets are not an array", y)
    if inputs.ndim < 2:
        raise DataError(
            f"the {what} inputs are not a table",
            received=f"shape {inputs.shape}",
            expected="(rows, features)",
            hint="One feature is X[:, None].",
        )
    if len(inputs) == 0:
        raise DataError(f"there are no {what} rows", received=f"X of shape {inputs.shape}")
    if targets.ndim == 0 or len(inputs) != len(targets):
        raise DataError(
            f"the {what} inputs and targets differ in length",
            received=f"X of shape {inputs.shape}, y of shape {targets.shape}",
        )
    _check_finite(f"{what} input", inputs, dtype)
    if targets.dtype.kind == "f":
        _check_finite(f"{what} target", targets, targets.dtype)
    check_columns(what, inputs, model)
    try:
        with no_grad():
            outputs = model(inputs[:1].astype(dtype, copy=False)).data
    except Exception as error:
        place = f"the first {what} row, X of shape {inputs.shape}"
        error.add_note(f"in the model's outputs for {place}")
        raise
    t = loss.prepare(targets, (len(inputs), *outputs.shape[1:]), dtype)
    return Rows(inputs, t)


def several_sets(X: npt.ArrayLike, y: npt.ArrayLike) -> bool:
    """Return True if these are several sets: X (S, n, features ...) and y (S, n, ...).

    Examples
    --------
    >>> several_sets(np.ones((5, 90, 2)), np.ones((5, 90))), several_sets(np.ones((5, 90, 2)), [1])
    (True, False)
    """
    try:
        inputs, targets = np.shape(X), np.shape(y)
    except ValueError:  # rows of different lengths, an error that check_rows reports
        return False
    return len(inputs) > 2 and inputs[:2] == targets[:2]


def check_sets(
    what: str,
    X: npt.ArrayLike,
    y: npt.ArrayLike,
    model: Layer,
    loss: Loss,
    *,
    seeds: Sequence[int],
) -> Rows:
    """Return the rows of one set for each seed, X (seeds, n, features); see :func:`check_rows`.

    Raises
    ------
    DataError, ShapeError
        As :func:`check_rows`, with a note that names the seed; or the number of sets is not the
        number of seeds.
    """
    if not several_sets(X, y) or np.shape(X)[0] != len(seeds):
        raise DataError(
            f"the {what} rows are not one set for each seed",
            received=f"X of shape {np.shape(X)}, y of shape {np.shape(y)}, {len(seeds)} seeds",
            expected="X (seeds, n, features) and y (seeds, n, ...), or X (n, features) for all",
            hint="For inputs and targets with several axes each, use a Trainer.",
        )
    inputs = _inputs(what, X, model.parameters.value.dtype)
    prepared = []
    for seed, set_inputs, targets in zip(seeds, inputs, np.asarray(y), strict=True):
        try:
            prepared.append(check_rows(what, set_inputs, targets, model, loss).t)
        except (DataError, ShapeError) as error:
            error.add_note(f"in the {what} rows of seed {seed}")
            raise
    return Rows(inputs, np.stack(prepared))


def pair_of(validation: Sequence[npt.ArrayLike]) -> tuple[npt.ArrayLike, npt.ArrayLike]:
    """Return inputs and targets, or raise :class:`ArgumentError`."""
    is_sequence = isinstance(validation, (tuple, list))
    if is_sequence and len(validation) == 2:
        return validation[0], validation[1]
    received = type(validation).__name__
    if is_sequence:
        received += f" of length {len(validation)}"
    elif shape := getattr(validation, "shape", None):
        received += f" of shape {tuple(shape)}"
    raise ArgumentError(
        f"must be a pair of inputs and targets, validation=(X, y), got {received}",
        argument="validation",
        hint="Sample weights are not supported here."
        if is_sequence and len(validation) == 3
        else None,
    )


def _inputs(what: str, X: npt.ArrayLike, dtype: np.dtype[np.floating]) -> Array:
    """Return inputs as an array, in the model's dtype unless they are large."""
    numeric = isinstance(X, np.ndarray) and X.dtype.kind in "biuf"
    if numeric and np.size(X) * dtype.itemsize > LARGE and np.asarray(X).flags.c_contiguous:
        return np.asarray(X)  # with gaps a batch would have another layout, and other rounding
    return _as_array(f"the {what} inputs are not a table of numbers", X, dtype)


def _as_array(
    problem: str, values: npt.ArrayLike, dtype: np.dtype[np.floating] | None = None
) -> Array:
    """Return values as an array; NumPy's complaints become a :class:`DataError`."""
    try:
        given = getattr(values, "dtype", None)
        if dtype and getattr(given, "kind", "f") in "cmM":
            raise TypeError(f"their dtype is {given}")  # NumPy would convert it silently
        with np.errstate(over="ignore"):  # too large for float32: inf, reported below
            return np.asarray(values, dtype)
    except (TypeError, ValueError) as error:
        raise DataError(f"{problem}: {error}") from None


def _check_finite(what: str, values: Array, dtype: np.dtype[np.floating]) -> None:
    """Raise if a value is not finite in `dtype`."""
    chunk = max(1, CHUNK_BYTES * len(values) // (values.size * dtype.itemsize or 1))
    for start in range(0, len(values), chunk):
        with np.errstate(over="ignore"):
            part = values[start : start + chunk].astype(dtype, copy=False)
        bad = ~np.isfinite(part)
        if bad.any():
            row, *rest = (int(i) for i in np.argwhere(bad)[0])
            place = f"row {start + row}" + "".join(f", column {i}" for i in rest)
            raise DataError(
                f"a {what} is not a finite number",
                received=f"{part[(row, *rest)]} in {place}",
                hint="Remove or fill in missing values first; scikit-learn's SimpleImputer does.",
            )
