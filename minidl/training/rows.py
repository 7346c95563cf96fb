"""Rows of data as the Trainer wants them, checked once, before the first step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from minidl.autograd import Array, no_grad
from minidl.errors import ArgumentError, DataError
from minidl.nn import Layer, Loss

__all__ = ["Rows", "check_rows", "pair_of"]


@dataclass(frozen=True)
class Rows:
    """Inputs X (n, features) in the model's dtype, and targets t as the loss prepared them."""

    X: Array
    t: Array


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
    inputs = _as_array(f"the {what} inputs are not a table of numbers", X, dtype)
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
    _demand_finite(f"{what} input", inputs)
    if targets.dtype.kind == "f":
        _demand_finite(f"{what} target", targets)
    with no_grad():
        outputs = model(inputs[:1]).data
    t = loss.prepare(targets, (len(inputs), *outputs.shape[1:]), dtype)
    return Rows(inputs, t)


def pair_of(validation: Sequence[Any]) -> tuple[Any, Any]:
    """Return inputs and targets, or raise :class:`ArgumentError`."""
    if not isinstance(validation, (tuple, list)) or len(validation) != 2:
        raise ArgumentError(
            "validation cannot be used",
            received=type(validation).__name__,
            expected="a pair of inputs and targets, validation=(X, y)",
        )
    return validation[0], validation[1]


def _as_array(otherwise: str, values: Any, dtype: Any = None) -> Array:
    try:
        if dtype and getattr(getattr(values, "dtype", None), "kind", "f") in "cmM":
            raise TypeError(f"their dtype is {values.dtype}")  # NumPy would convert it silently
        with np.errstate(over="ignore"):  # too large for float32: inf, found below
            return np.asarray(values, dtype)
    except (TypeError, ValueError) as error:
        raise DataError(f"{otherwise}: {error}") from None


def _demand_finite(what: str, values: Array, chunk: int = 65536) -> None:
    for start in range(0, len(values), chunk):
        bad = ~np.isfinite(values[start : start + chunk])
        if bad.any():
            row, *rest = (int(i) for i in np.argwhere(bad)[0])
            place = f"row {start + row}" + "".join(f", column {i}" for i in rest)
            raise DataError(
                f"a {what} is not a finite number",
                received=f"{values[(start + row, *rest)]} in {place}",
                hint="Remove or fill in missing values first; scikit-learn's SimpleImputer does.",
            )
