"""Rows of data as the Trainer wants them, checked once, before the first step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from minidl.autograd import Array, no_grad
from minidl.errors import ArgumentError, DataError, ShapeError
from minidl.nn import Layer, Loss
from minidl.training.checks import check_columns

__all__ = ["Rows", "check_rows", "check_sets", "pair_of", "rows_of", "several_sets"]


_NO_TABLE = "the {} inputs are not a table of numbers"


LARGE = 64 * 2**20  # bytes of inputs in the model's dtype; more are converted batch by batch
CHUNK_BYTES = 8 * 2**20  # of inputs that are checked at once


@dataclass(frozen=True)
class Rows:
    """Inputs X (n, features) in the model's dtype, and targets t as the loss prepared them.

    Large inputs may be of another dtype; :class:`Objective` converts each batch.
    Several sets of rows have a leading axis, X (S, n, features).
    """

    X: Array
    t: Array


def rows_of(rows: tuple[Rows, Rows | None], number: int | slice | None) -> tuple[Rows, Rows | None]:
    """Return one of several sets of training and validation rows, or some; None: as they are."""
    if number is None:
        return rows
    train, held_out = rows
    return (
        Rows(train.X[number], train.t[number]),
        held_out and Rows(held_out.X[number], held_out.t[number]),
    )


def check_rows(what: str, X: Any, y: Any, model: Layer, loss: Loss) -> Rows:
    """Return the rows in the form that training uses.

    Parameters
    ----------
    what : str
        "training" or "validation", for the error.
    X, y : array_like
        Inputs and targets, one row each per sample.
    model : Layer
        Gives the dtype and the shape of the outputs.
    loss : Loss
        Prepares the targets.

    Raises
    ------
    DataError
        There are no rows, X and y differ in length, X is not numeric or not finite (the first
        such row and column are named), or the targets mean nothing to the loss.
    ShapeError
        Inputs do not fit the model, or targets its outputs.
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
    _demand_finite(f"{what} input", inputs, dtype)
    if targets.dtype.kind == "f":
        _demand_finite(f"{what} target", targets, targets.dtype)
    check_columns(what, inputs, model)
    try:
        with no_grad():
            outputs = model(inputs[:1].astype(dtype, copy=False)).data
    except Exception as error:
        place = f"the first of the {what} rows, X of shape {inputs.shape}"
        error.add_note(f"in the model's outputs for {place}")
        raise
    t = loss.prepare(targets, (len(inputs), *outputs.shape[1:]), dtype)
    return Rows(inputs, t)


def several_sets(X: Any, y: Any) -> bool:
    """Tell whether these are several sets: inputs (S, n, features ...) and targets (S, n, ...).

    Examples
    --------
    >>> several_sets(np.ones((5, 90, 2)), np.ones((5, 90))), several_sets(np.ones((5, 90, 2)), [1])
    (True, False)
    """
    try:
        inputs, targets = np.shape(X), np.shape(y)
    except ValueError:  # rows of different lengths, which are told elsewhere
        return False
    return len(inputs) > 2 and inputs[:2] == targets[:2]


def check_sets(
    what: str, X: Any, y: Any, model: Layer, loss: Loss, *, seeds: Sequence[int]
) -> Rows:
    """Return the rows of one set for each seed, X (seeds, n, features); see :func:`check_rows`.

    Raises
    ------
    DataError, ShapeError
        As :func:`check_rows`, with a note that names the seed; or there is not one for each seed.
    """
    if not several_sets(X, y) or len(X) != len(seeds):
        raise DataError(
            f"the {what} rows are not one set for each seed",
            received=f"X of shape {np.shape(X)}, y of shape {np.shape(y)}, {len(seeds)} seeds",
            expected="X (seeds, n, features) and y (seeds, n, ...), or X (n, features) for all",
            hint="A network whose rows have several axes, and targets as well: use a Trainer.",
        )
    inputs = _inputs(what, X, model.parameters.value.dtype)
    found = []
    for seed, own, targets in zip(seeds, inputs, np.asarray(y), strict=True):
        try:
            found.append(check_rows(what, own, targets, model, loss).t)
        except (DataError, ShapeError) as error:
            error.add_note(f"in the {what} rows of seed {seed}")
            raise
    return Rows(inputs, np.stack(found))


def pair_of(validation: Sequence[Any]) -> tuple[Any, Any]:
    """Return inputs and targets, or raise :class:`ArgumentError`."""
    several = isinstance(validation, (tuple, list))
    if not several or len(validation) != 2:
        received = type(validation).__name__
        if several:
            received += f" of length {len(validation)}"
        elif shape := getattr(validation, "shape", None):
            received += f" of shape {tuple(shape)}"
        raise ArgumentError(
            "validation cannot be used",
            received=received,
            expected="a pair of inputs and targets, validation=(X, y)",
            hint="Rows have no weights here." if several and len(validation) == 3 else None,
        )
    return validation[0], validation[1]


def _inputs(what: str, X: Any, dtype: Any) -> Array:
    """Return inputs as an array, in the model's dtype unless they are large."""
    numbers = isinstance(X, np.ndarray) and X.dtype.kind in "biuf"
    if numbers and X.size * dtype.itemsize > LARGE and X.flags.c_contiguous:
        return np.asarray(X)  # with gaps a batch would be laid out, and so rounded, another way
    return _as_array(_NO_TABLE.format(what), X, dtype)


def _as_array(otherwise: str, values: Any, dtype: Any = None) -> Array:
    try:
        if dtype and getattr(getattr(values, "dtype", None), "kind", "f") in "cmM":
            raise TypeError(f"their dtype is {values.dtype}")  # NumPy would convert it silently
        with np.errstate(over="ignore"):  # too large for float32: inf, found below
            return np.asarray(values, dtype)
    except (TypeError, ValueError) as error:
        raise DataError(f"{otherwise}: {error}") from None


def _demand_finite(what: str, values: Array, dtype: Any) -> None:
    """Refuse what is not finite in `dtype`."""
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
