"""Operations on shapes: for each its formula, NumPy's own function, and examples."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import autograd_examples as examples
import numpy as np
from autograd_examples import Example, Operation, draw, example


def rearranged(*arguments: Any) -> list[Example]:
    """Three axes; a reversed and transposed layout follows."""
    return [example(draw(2, 3, 4), *(a if isinstance(a, list) else [a])) for a in arguments]


def of_shapes(shapes: Iterable[tuple[int, ...]], *rest: Any) -> list[Example]:
    return [example(draw(*shape), *rest) for shape in shapes]


REVERSED = draw(6, 4).T[::-1, ::2]

OPERATIONS: dict[str, Operation] = {
    "broadcast_to": Operation(
        np.broadcast_to, np.broadcast_to, [example(draw(*a), b) for a, b in examples.BROADCASTS]
    ),
    "expand_dims": Operation(
        np.expand_dims,
        np.expand_dims,
        [*rearranged(0, 3, -1, -3, (0, 2), (-1, 1)), *of_shapes([(), (0, 2)], 0)],
    ),
    "flip": Operation(
        np.flip,
        np.flip,
        [
            *rearranged([], 0, -1, (0, 2), None),
            *(example(draw()), example(draw(0, 3), 1), example(REVERSED, 0)),
        ],
    ),
    "moveaxis": Operation(
        np.moveaxis,
        np.moveaxis,
        [
            *rearranged([0, 2], [-1, 0], [1, 1], [(0, 1), (2, 0)], [(2, 0), (-3, -2)]),
            *(example(REVERSED, 0, 1), example(draw(0, 3), 0, -1)),
        ],
    ),
    "reshape": Operation(
        np.reshape,
        np.reshape,
        [
            *rearranged((6, 4), -1, (-1,), (2, -1), (2, 1, 12, 1)),
            *(example(draw(), (1, 1)), example(draw(1, 1), ()), example(draw(0, 3), (3, 0))),
            example(REVERSED, -1),
        ],
    ),
    "roll": Operation(
        np.roll,
        np.roll,
        [
            *rearranged(1, -30, [2, 1], [-1, 2], [5, -3], [(1, -2), (0, 2)], [1, (0, 1)]),
            *(example(draw(), 3), example(draw(0, 3), 1, 0), example(REVERSED, 1, 1)),
        ],
    ),
    "squeeze": Operation(
        np.squeeze,
        np.squeeze,
        [
            *(example(draw(1, 2, 1, 3), *axis) for axis in ((), (0,), (-2,), ((0, 2),), (None,))),
            *(example(draw()), example(draw(2, 3)), example(draw(1, 0))),
        ],
    ),
    "swapaxes": Operation(
        np.swapaxes, np.swapaxes, [example(draw(2, 3, 4), *axes) for axes in examples.SWAPS]
    ),
    "transpose": Operation(
        np.transpose,
        np.transpose,
        [
            *rearranged([], None, (1, 0, 2), (2, 0, 1), (-1, 0, -2)),
            *(example(draw()), example(draw(3)), example(REVERSED), example(draw(0, 3), (1, 0))),
        ],
    ),
}
