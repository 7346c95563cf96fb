"""Indexing: for each operation its formula, NumPy's own, and examples."""

from __future__ import annotations

import operator

import autograd_examples as examples
import autograd_formulas as formulas
import numpy as np
from autograd_examples import Operation, draw, example

THREE_AXES = [
    (0, slice(None), [1, 0, 1]),  # split by a slice: the new axis comes first
    ([0, 1, 1], [2, 0, 2]),
    (slice(None), [0, 2, 2], [1, 1, 3]),
    (Ellipsis, np.array([[0, 3], [3, 3]])),
    (np.array([True, False]), slice(None, None, -1), [3, 3, 0]),
    np.array([[True, False, True], [False, False, True]]),
    (None, slice(1, None), -1, Ellipsis, None, slice(None, None, -2)),
    np.True_,
    (1, 2, 3),
]

OPERATIONS: dict[str, Operation] = {
    "getitem": Operation(
        formulas.getitem,
        operator.getitem,
        [*examples.pieces(), *(example(draw(2, 3, 4), index) for index in THREE_AXES)],
    ),
    "scatter": Operation(formulas.scatter, formulas.scatter, examples.scattered()),
}
