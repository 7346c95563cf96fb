"""Diagonals and triangles: for each its formula, NumPy's own function, and examples."""

from __future__ import annotations

from typing import Any

import numpy as np
from autograd_examples import Operation, draw, example


def tril(m: Any, k: int = 0) -> Any:
    rows, columns = np.ogrid[: m.shape[-2], : m.shape[-1]]
    return m * (columns - rows <= k)


def triu(m: Any, k: int = 0) -> Any:
    rows, columns = np.ogrid[: m.shape[-2], : m.shape[-1]]
    return m * (columns - rows >= k)


OFFSETS = (0, 1, -1, 2, -2, 5)
DIAGONALS = [
    *(example(draw(3, 4), k) for k in OFFSETS),
    example(draw(2, 3, 4), offset=1, axis1=-1, axis2=0),
    example(draw(2, 3, 4, 2), 0, 2, 1),
    example(draw(0, 3)),
    example(draw(0, 3, 3), axis1=1, axis2=2),
    example(draw(6, 5)[::2, ::-1], 1),
]
TRIANGLES = [
    *(example(draw(3, 4), k) for k in OFFSETS),
    example(draw(5, 3, 2), k=-1),
    example(draw(2, 0, 3)),
    example(draw(6, 5)[::2, ::-1], 1),
]

OPERATIONS: dict[str, Operation] = {
    "diag": Operation(
        np.diag,
        np.diag,
        [
            *(example(draw(3), k) for k in (0, 2, -1)),
            *(example(draw(3, 4), k) for k in (0, -1, 3, 4)),
            example(draw(0), k=1),
            example(draw(0, 0)),
            example(draw(6)[::-2]),
        ],
    ),
    "diagonal": Operation(np.diagonal, np.diagonal, DIAGONALS),
    "trace": Operation(np.trace, np.trace, DIAGONALS),
    "tril": Operation(tril, np.tril, TRIANGLES),
    "triu": Operation(triu, np.triu, TRIANGLES),
}
