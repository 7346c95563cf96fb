"""Operations on shapes: for each its formula, NumPy's or SciPy's own function, and examples."""

from __future__ import annotations

import operator

import autograd_examples as examples
import autograd_formulas as formulas
import numpy as np
from autograd_examples import Operation, draw, example

OPERATIONS: dict[str, Operation] = {
    "broadcast_to": Operation(
        np.broadcast_to, np.broadcast_to, [example(draw(*a), b) for a, b in examples.BROADCASTS]
    ),
    "getitem": Operation(formulas.getitem, operator.getitem, examples.pieces()),
    "reshape": Operation(
        formulas.reshape,
        formulas.reshape,
        [
            *(example(draw(2, 3, 4), *shape) for shape in examples.TARGET_SHAPES),
            *(example(draw(), 1, 1), example(draw(1, 1), ()), example(draw(0, 3), 3, 0)),
            *examples.constant([draw(4, 3).T, draw(6, 4)[::-2]], -1),
        ],
    ),
    "scatter": Operation(formulas.scatter, formulas.scatter, examples.scattered()),
    "swapaxes": Operation(
        np.swapaxes, np.swapaxes, [example(draw(2, 3, 4), *axes) for axes in examples.SWAPS]
    ),
    "transpose": Operation(
        formulas.transpose,
        formulas.transpose,
        [
            *(example(draw(2, 3, 4), *order) for order in examples.ORDERS),
            example(draw()),
            example(draw(3)),
        ],
    ),
}
