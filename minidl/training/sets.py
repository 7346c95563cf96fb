"""The rows of many networks: the same for all, or one set for each seed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from minidl.errors import DataError, MinidlError, ShapeError
from minidl.training.data import Pair, Rows, as_array, check_rows, check_validation, pair_of
from minidl.training.measure import Objective
from minidl.training.trainer import Trainer
from minidl.training.weights import ClassWeight, as_weights
from minidl.values import read


def replica_rows(
    training: Pair,
    validation: Pair | None,
    class_weight: ClassWeight | None,
    trainer: Trainer,
    seeds: Sequence[int],
) -> tuple[Rows, Rows | None]:
    """Check training and validation rows, each inputs, targets and weights or None."""
    objective = trainer.objective
    parts: list[Any] = [("training", *pair_of(training), class_weight)]
    if validation is not None:
        parts.append(("validation", *pair_of(validation), None))
        check_validation(training[0], validation[0])
    sets = any(several_sets(X, y) for _, X, y, *_ in parts)
    checked: list[Rows] = []
    for part, X, y, weights, classes in parts:
        if sets:
            checked.append(_check_sets(part, (X, y, weights), classes, objective, seeds))
        else:
            checked.append(check_rows(part, X, y, objective, weights, class_weight=classes))
    return checked[0], checked[1] if checked[1:] else None


def several_sets(X: ArrayLike, y: ArrayLike) -> bool:
    """Return True if these are several sets: X (S, n, features ...) and y (S, n, ...)."""
    inputs, targets = _shape(X), _shape(y)
    return len(inputs) > 2 and inputs[:2] == targets[:2]


def _shape(values: Any) -> tuple[int, ...]:
    """Return the shape of a container; () for what check_rows will refuse."""
    try:
        return tuple(values.shape if hasattr(values, "shape") else read(values).shape)
    except MinidlError:
        return ()


def _check_sets(
    part: str,
    set_of_arrays: tuple[Any, Any, Any],
    class_weight: ClassWeight | None,
    objective: Objective,
    seeds: Sequence[int],
) -> Rows:
    """Check the rows of each seed; an error has a note that names the seed."""
    X, y, weights = set_of_arrays
    if not several_sets(X, y) or _shape(X)[0] != len(seeds):
        problem = f"there is not one set of {part} rows for each seed"
        received = f"X of shape {_shape(X)}, y of shape {_shape(y)}, {len(seeds)} seeds"
        expected = "X (seeds, n, features) and y (seeds, n, ...), or X (n, features) for all"
        hint = "For inputs and targets with several axes each, use a Trainer."
        raise DataError(problem, received=received, expected=expected, hint=hint)
    dtype = objective.vector.value.dtype
    if weights is not None:
        weights = as_weights(part, weights, _shape(X)[:2])
    sets = []
    for k, (seed, set_inputs, set_targets) in enumerate(zip(seeds, X, y, strict=True)):
        w = None if weights is None else weights[k]
        try:
            rows = check_rows(
                part, set_inputs, set_targets, objective, w, class_weight=class_weight
            )
        except (DataError, ShapeError) as error:
            error.add_note(f"in the {part} rows of seed {seed}")
            raise
        sets.append(rows)
    inputs, _ = as_array(f"{part} input", X, dtype)
    t = np.stack([rows.t for rows in sets])
    if all(rows.w is None for rows in sets):
        return Rows(inputs, t)
    equal_weights = np.ones(inputs.shape[1], dtype)
    return Rows(inputs, t, np.stack([equal_weights if rows.w is None else rows.w for rows in sets]))
