"""Linear algebra: for each its formula, which takes complex numbers, NumPy's own, and examples."""

from __future__ import annotations

from typing import Any

import numpy as np
from autograd_examples import Example, Operation, draw, example


def regular(*shape: int) -> Any:
    """Matrices away from singular ones."""
    return draw(*shape, low=-1.0, high=1.0) + 3 * np.eye(shape[-1])


def logdet(a: Any) -> Any:
    d = np.asarray(np.linalg.det(a))
    return [np.sign(d.real) + 0 * d, np.log(d * np.sign(d.real))]


def signed(a: Any) -> Any:
    return [np.asarray(part) for part in np.linalg.slogdet(a)]


def cross(a: Any, b: Any, **axes: Any) -> Any:
    return np.cross(a, b, **axes)


def vecdot(a: Any, b: Any, axis: int = -1) -> Any:
    return (np.moveaxis(a, axis, -1) * np.moveaxis(b, axis, -1)).sum(-1)


def matvec(a: Any, b: Any) -> Any:
    return (a @ b[..., None])[..., 0]


def vecmat(a: Any, b: Any) -> Any:
    return (a[..., None, :] @ b)[..., 0, :]


def pairs(*shapes: tuple[tuple[int, ...], tuple[int, ...]]) -> list[Example]:
    return [example(draw(*a), draw(*b)) for a, b in shapes]


SHAPES = ((1, 1), (2, 2), (3, 3), (5, 2, 2), (0, 2, 2), (2, 1, 3, 3))
SQUARE = [*(example(regular(*s)) for s in SHAPES), example(regular(3, 3).T[::-1, ::-1])]
STRIDED = (draw(3, 4).T[::-1], draw(6, 2)[::2, ::-1])
DEFICIENT = np.array([[1.0, 2.0, 3.0], [2.0, 4.0, 6.0], [1.0, 0.0, 1.0]])

OPERATIONS: dict[str, Operation] = {
    "cross": Operation(
        cross,
        np.cross,
        [
            *pairs(((3,), (3,)), ((4, 3), (3,)), ((2, 1, 3), (4, 3)), ((0, 3), (0, 3))),
            example(draw(3, 4), draw(3, 4), axis=0),
            example(draw(3, 2), draw(2, 3), axisa=0, axisc=0),
            example(draw(6, 3)[::2, ::-1], draw(3, 3).T),
        ],
    ),
    "det": Operation(
        np.linalg.det,
        np.linalg.det,
        [*SQUARE, example(np.zeros((0, 0))), example(regular(4, 4)), example(regular(2, 2)[::-1])],
    ),
    "inner": Operation(
        np.inner,
        np.inner,
        [
            *pairs(((3,), (3,)), ((2, 3), (3,)), ((2, 3), (4, 3)), ((2, 3, 4), (5, 4))),
            *(*pairs(((), (2, 3)), ((2, 0), (3, 0))), example(draw(2), 3.0)),
            example(draw(3, 4)[::-1], draw(8, 2).T[:, ::2]),
        ],
    ),
    "inv": Operation(np.linalg.inv, np.linalg.inv, SQUARE),
    "kron": Operation(
        np.kron,
        np.kron,
        [
            *pairs(((2,), (3,)), ((2, 3), (2, 1)), ((2, 2), (3,)), ((), (2,)), ((2, 1, 2), (2, 2))),
            *(*pairs(((0, 2), (2, 2))), example(*STRIDED)),
        ],
    ),
    "matvec": Operation(
        matvec,
        matvec,
        [*pairs(((2, 3), (3,)), ((4, 2, 3), (3,)), ((2, 3), (4, 3)), ((0, 3), (3,)))],
    ),
    "multi_dot": Operation(
        np.linalg.multi_dot,
        np.linalg.multi_dot,
        [
            example([draw(2, 3), draw(3, 4), draw(4, 2)]),
            example([draw(3), draw(3, 2), draw(2)]),
            example([draw(2, 3), draw(3, 1)]),
            example([*STRIDED, draw(2, 5)]),
        ],
    ),
    "slogdet": Operation(logdet, signed, [*SQUARE, example(regular(2, 2)[::-1])]),
    "solve": Operation(
        np.linalg.solve,
        np.linalg.solve,
        [
            *(example(regular(3, 3), draw(3)), example(regular(3, 3), draw(3, 2))),
            *(example(regular(5, 2, 2), draw(2)), example(regular(5, 2, 2), draw(2, 3))),
            *(example(regular(2, 2), draw(5, 2, 3)), example(regular(4, 1, 2, 2), draw(3, 2, 1))),
            *(example(regular(0, 2, 2), draw(2)), example(regular(1, 1), draw(1))),
            example(regular(3, 3).T[::-1, ::-1], draw(6, 2)[::2, ::-1]),
        ],
    ),
    "vdot": Operation(
        lambda a, b: (a.reshape(-1) * b.reshape(-1)).sum(),
        np.vdot,
        [*pairs(((3,), (3,)), ((2, 3), (3, 2)), ((), ()), ((0,), (0,)))],
    ),
    "vecdot": Operation(
        vecdot,
        vecdot,
        [
            *pairs(((3,), (3,)), ((4, 3), (3,)), ((2, 1, 3), (4, 3)), ((2, 0), (0,))),
            example(draw(3, 2), draw(3, 2), axis=0),
            example(draw(4, 3)[::-2], draw(3, 2).T),
        ],
    ),
    "vecmat": Operation(
        vecmat, vecmat, [*pairs(((2,), (2, 3)), ((4, 2), (2, 3)), ((2,), (4, 2, 3)))]
    ),
}
