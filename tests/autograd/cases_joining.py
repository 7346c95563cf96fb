"""Joining, cutting, enlarging: for each operation its formula, NumPy's own, and examples."""

from __future__ import annotations

import numpy as np
from autograd_examples import Operation, draw, example

OPERATIONS: dict[str, Operation] = {
    "concatenate": Operation(
        np.concatenate,
        np.concatenate,
        [
            example([draw(2, 3), draw(1, 3), draw(0, 3)]),
            example([draw(2, 3), draw(2, 1)], axis=-1),
            example([draw(2, 3), draw(4), draw()], axis=None),
            example([draw(3)]),
            example([draw(2, 2), np.ones((1, 2), np.int8), draw(3, 2)], 0),
            example([draw(4, 3).T[::-1], draw(6, 4)[::2]], axis=0),
            example([draw(2, 3, 4), draw(2, 2, 4)], axis=1),
        ],
    ),
    "pad": Operation(
        np.pad,
        np.pad,
        [
            *(example(draw(2, 3), 2), example(draw(3), (1, 2)), example(draw(), 3)),
            example(draw(2, 3), ((1, 0), (0, 2)), constant_values=((1, 2), (3, 4))),
            example(draw(0, 2), 1, constant_values=-1.5),
            *(
                example(draw(3, 4), ((1, 2), (4, 0)), mode)
                for mode in ("edge", "reflect", "symmetric", "wrap")
            ),
            example(draw(6, 4)[::2, ::-1], 5, "reflect"),
            example(draw(1, 2), (0, 3), mode="wrap"),
        ],
    ),
    "repeat": Operation(
        np.repeat,
        np.repeat,
        [
            *(example(draw(2, 3), 2), example(draw(2, 3), 2, 1), example(draw(2, 3), 0, 0)),
            example(draw(2, 3), np.array([1, 0, 3]), axis=-1),
            *(example(draw(), 3), example(draw(0, 2), 2), example(draw(4, 3).T[::-1], 2, 0)),
        ],
    ),
    "split": Operation(
        np.split,
        np.split,
        [
            *(example(draw(6), 3), example(draw(4, 6), 2, axis=-1), example(draw(5, 2), 1)),
            *(example(draw(5, 2), cuts) for cuts in ([1, 3], [0, 4, 4], [-2], [7], [])),
            example(draw(3, 4).T[::-1], (1, 2), 1),
        ],
    ),
    "stack": Operation(
        np.stack,
        np.stack,
        [
            *(example([draw(2, 3), draw(2, 3)], axis=axis) for axis in (0, 1, 2, -1, -3)),
            *(example([draw(), draw(), draw()]), example([draw(0, 2)], 1)),
            example([draw(3, 2).T, np.ones((2, 3), np.int8), draw(4, 3)[::-2]]),
        ],
    ),
    "tile": Operation(
        np.tile,
        np.tile,
        [
            *(example(draw(2, 3), reps) for reps in (2, (2,), (3, 1), (2, 1, 2), (), (0, 2))),
            *(example(draw(), 3), example(draw(0, 2), (2, 2)), example(draw(3, 2).T[::-1], (2, 2))),
        ],
    ),
}
