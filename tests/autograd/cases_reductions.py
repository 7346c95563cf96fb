"""Reductions: for each its formula, NumPy's or SciPy's own function, and examples."""

from __future__ import annotations

from typing import Any

import autograd_examples as examples
import autograd_formulas as formulas
import numpy as np
from autograd_examples import Example, Operation, draw, example
from scipy import special

ZEROS = np.array([[1.5, 0.0, -2.0, 0.5], [0.0, 3.0, 0.0, 1.0], [1.0, -1.0, 2.0, 0.7]])
MATRIX_ORDERS: list[Any] = ["fro", None, 1, -1, np.inf, -np.inf]
VECTOR_ORDERS: list[Any] = [None, 2, 1, 3, 2.5, 0.5, -1, -0.5, np.inf, -np.inf]


def variance(x: Any, axis: Any = None, ddof: float = 0, keepdims: bool = False) -> Any:
    squares = (x - x.mean(axis=axis, keepdims=True)) ** 2
    y = squares.sum(axis=axis, keepdims=keepdims)
    return y / (np.ones(x.shape).sum(axis=axis, keepdims=keepdims) - ddof)


def deviation(x: Any, axis: Any = None, ddof: float = 0, keepdims: bool = False) -> Any:
    return np.sqrt(variance(x, axis, ddof, keepdims))


def norm(x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:
    """Sizes are chosen by their real parts, so that the complex step may pass."""
    sizes = formulas.absolute(x)
    axes = axis if isinstance(axis, tuple) else (axis,)
    if axis is None:
        axes = tuple(range(x.ndim))
    if ord in (None, "fro", 2):
        return np.sqrt((x * x).sum(axis=axes, keepdims=keepdims))
    if len(axes) == 2:
        summed, other = axes if abs(ord) == 1 else axes[::-1]
        sizes, axes = sizes.sum(axis=summed, keepdims=True), (summed, other)
    if len(axes) == 2 or np.isinf(ord):
        extreme = formulas.largest if ord > 0 else formulas.smallest
        return extreme(sizes, axes, keepdims)
    return (sizes**ord).sum(axis=axes, keepdims=keepdims) ** (1 / ord)


def spread() -> list[Example]:
    """Reductions of more than one number each."""
    axes = [axis for axis in examples.AXES if axis != ()]
    return [
        *(
            example(draw(2, 3, 4), axis=axis, keepdims=keep)
            for axis in axes
            for keep in (False, True)
        ),
        *(example(draw(5)), example(draw(0, 3), axis=1), example(draw(3, 2).T, -1, ddof=1.5)),
        example(draw(6, 5)[::2, ::-1], axis=0),
        example(draw(2, 3, 4), axis=(0, -1), ddof=1, keepdims=True),
    ]


def norms() -> list[Example]:
    return [
        *(example(draw(4), order) for order in VECTOR_ORDERS),
        *(example(draw(2, 3), order) for order in MATRIX_ORDERS),
        *(example(draw(2, 3, 4), order, -2, keepdims=True) for order in (None, 1, 3, np.inf)),
        *(example(draw(2, 3, 4), order, (2, 0)) for order in ("fro", 1, np.inf)),
        example(draw(2, 3, 4)),
        example(draw(2, 3), keepdims=True),
        example(draw(3, 2, 4), 1, (0, -1), keepdims=True),
        example(draw(6, 5)[::2, ::-1], 2, 0),
        example(draw(0, 3), None, 1),
    ]


OPERATIONS: dict[str, Operation] = {
    "cumsum": Operation(
        np.cumsum,
        np.cumsum,
        [
            *(example(draw(2, 3, 4), axis) for axis in (None, 0, 1, -1)),
            *(example(draw()), example(draw(3)), example(draw(0, 3), 1), example(draw(0))),
            example(draw(6, 5)[::2, ::-1], axis=0),
        ],
    ),
    "logsumexp": Operation(formulas.logsumexp, special.logsumexp, examples.reductions()),
    "max": Operation(formulas.largest, np.max, examples.reductions()),
    "mean": Operation(np.mean, np.mean, examples.reductions()),
    "min": Operation(formulas.smallest, np.min, examples.reductions()),
    "norm": Operation(norm, np.linalg.norm, norms()),
    "prod": Operation(
        np.prod,
        np.prod,
        [
            *examples.reductions(),
            *(example(ZEROS, axis) for axis in (None, 0, 1, (1, 0))),
            example(ZEROS.T[None], axis=(0, -1), keepdims=True),
            *(example(draw(0)), example(draw(0, 3), 0), example(draw(7))),
        ],
    ),
    "std": Operation(deviation, np.std, spread()),
    "sum": Operation(np.sum, np.sum, examples.reductions()),
    "var": Operation(variance, np.var, [*spread(), example(draw()), example(draw(2, 3), axis=())]),
}
