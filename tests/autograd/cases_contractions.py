"""Contractions: for each its formula, NumPy's or SciPy's own function, and examples."""

from __future__ import annotations

from typing import Any

import numpy as np
from autograd_examples import Operation, draw, example

STRIDED = (draw(3, 4).T[::-1], draw(6, 2)[::2, ::-1])


def outer(a: Any, b: Any) -> Any:
    return a.reshape(-1)[:, None] * b.reshape(-1)


def einsum(subscripts: str, *operands: Any, optimize: Any = False) -> Any:
    return np.einsum(subscripts, *operands)


def pairs(*shapes: tuple[tuple[int, ...], tuple[int, ...]]) -> list[Any]:
    return [example(draw(*a), draw(*b)) for a, b in shapes]


OPERATIONS: dict[str, Operation] = {
    "dot": Operation(
        np.dot,
        np.dot,
        [
            *pairs(((), ()), ((), (2, 3)), ((2, 3), ()), ((3,), (3,)), ((2, 3), (3,))),
            *pairs(((3,), (3, 2)), ((2, 3), (3, 4)), ((2, 3), (4, 3, 2)), ((2, 2, 3), (3,))),
            *pairs(((2, 2, 3), (4, 3, 2)), ((3,), (2, 3, 2)), ((2, 0), (0, 3)), ((0,), (0,))),
            example(*STRIDED),
        ],
    ),
    "outer": Operation(
        outer,
        np.outer,
        [
            *pairs(((), ()), ((2,), (3,)), ((2, 2), (3, 1)), ((), (3,)), ((0,), (3,))),
            example(*STRIDED),
        ],
    ),
    "tensordot": Operation(
        np.tensordot,
        np.tensordot,
        [
            *pairs(((2, 3, 4), (3, 4, 2)), ((2, 3), (2, 3))),
            example(draw(2, 3), draw(4, 2), 0),
            example(draw(), draw(2), axes=0),
            example(draw(2, 3), draw(3, 2, 2), 1),
            example(draw(2, 3, 4), draw(2, 4), (-1, 1)),
            example(draw(2, 3, 4, 2), draw(4, 5, 3, 2), ((1, 3, 2), (2, -1, 0))),
            example(draw(2, 3, 4), draw(4, 2, 3), axes=[[2, 0, 1], [0, 1, 2]]),
            example(draw(2, 3), draw(2), ((), ())),
            example(draw(2, 0, 3), draw(0, 3, 2), 2),
            example(draw(0, 2), draw(2, 0), 1),
            example(*STRIDED, 1),
        ],
    ),
    "einsum": Operation(
        einsum,
        np.einsum,
        [
            example("ij,jk->ik", draw(2, 3), draw(3, 4)),
            example("ij, jk", *STRIDED),
            example("ba", draw(2, 3)),  # implicit: transposed
            example("ii", draw(3, 3)),
            example("ii->i", draw(3, 3)),
            example("iij->ij", draw(2, 2, 3)),
            example("ijiij->j", draw(2, 3, 2, 2, 3)),
            example("ii,i->i", draw(3, 3), draw(3)),
            example("ij->", draw(2, 3)),
            example("iji->j", draw(2, 3, 2)),
            example("ij,k->i", draw(2, 3), draw(4)),  # j and k occur once and are summed
            example("i,i,i->i", draw(3), draw(3), draw(3)),
            example("ij,kl,jk,l->i", draw(2, 3), draw(2, 4), draw(3, 2), draw(4), optimize=True),
            example("i,i->", draw(1), draw(3)),  # of length 1: broadcast
            example("ij,ij->ij", draw(1, 3), draw(2, 1)),
            example("...ij,...jk->...ik", draw(4, 1, 2, 3), draw(5, 3, 2)),
            example("i...,...i", draw(2, 3), draw(4, 1, 2)),
            example("...i->...", draw(2, 3)),
            example("...ii->...i", draw(2, 3, 3)),
            example("...,...", draw(2, 1), draw(3)),
            example(",->", draw(), draw()),
            example("...", draw()),
            example("ij,jk->ik", draw(2, 0), draw(0, 3)),
            example("i,j->ij", draw(0), draw(2)),
            example("ij,j->i", draw(2, 3), np.array([1, 2, 3], np.int8)),
        ],
    ),
}
