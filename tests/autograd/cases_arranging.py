"""Stacks, turns, differences: for each its formula, NumPy's own function, and examples."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from autograd_examples import Example, Operation, draw, example

REVERSED = draw(6, 4).T[::-1, ::2]


def listed(*shapes: tuple[int, ...]) -> Example:
    return example([draw(*shape) for shape in shapes])


def several(*shapes: tuple[int, ...], **keywords: Any) -> Example:
    return example(*(draw(*shape) for shape in shapes), **keywords)


def same(function: Callable[..., Any], *found: Example) -> Operation:
    """NumPy's function is the formula: it only moves elements, or takes differences of them."""
    return Operation(function, function, list(found))


def diff(x: Any, n: int = 1, axis: int = -1, prepend: Any = None, append: Any = None) -> Any:
    ends = {"prepend": prepend, "append": append}
    return np.diff(x, n, axis, **{k: end for k, end in ends.items() if end is not None})


def unstack(x: Any, axis: int = 0) -> Any:
    return list(np.moveaxis(x, axis, 0))


SHAPES: list[tuple[int, ...]] = [(), (3,), (2, 3), (0, 2), (2, 3, 4), (1, 2, 1, 2)]
MIXED = example([draw(2, 2), np.ones((2, 2), np.int8), draw(2, 2)])
STRIDED = example([draw(3, 2).T, draw(4, 3)[::-2]])

OPERATIONS: dict[str, Operation] = {
    "append": same(
        np.append,
        *(example(draw(2, 3), draw(2)), example(draw(2, 3), 1.5), example(draw(), draw())),
        *(example(draw(2, 3), draw(1, 3), 0), example(draw(2, 3), draw(2, 2), axis=-1)),
        example(REVERSED, draw(4, 1), 1),
    ),
    "atleast_1d": same(np.atleast_1d, *(several(s) for s in SHAPES), several((), (2,))),
    "atleast_2d": same(np.atleast_2d, *(several(s) for s in SHAPES), several((), (2,), (2, 1))),
    "atleast_3d": same(np.atleast_3d, *(several(s) for s in SHAPES), several((), (2,))),
    "broadcast_arrays": same(
        np.broadcast_arrays, several((2, 1), (3,)), several((3,)), several((), (0, 2), (2,))
    ),
    "column_stack": same(
        np.column_stack,
        *(listed((3,), (3,)), listed((3, 2), (3,)), listed((2, 0), (2, 1)), MIXED, STRIDED),
    ),
    "copy": same(np.copy, *(several(s) for s in SHAPES), example(REVERSED)),
    "diff": same(
        diff,
        *(example(draw(5), n) for n in (0, 1, 2, 4)),
        *(example(draw(3, 4, 2), axis=axis) for axis in (0, 1, -1, -2)),
        *(example(draw(2, 3), n=2, axis=0), example(draw(0, 3)), example(draw(1))),
        *(example(draw(2, 3), 1, -1, 0.5), example(draw(2, 3), 1, -1, 1.0, draw(2, 2))),
        *(example(draw(2, 3), 2, 0, None, draw(1, 3)), example(REVERSED, axis=0)),
    ),
    "dstack": same(
        np.dstack, listed((3,), (3,)), listed((2, 3), (2, 3)), listed((2, 1, 3), (2, 1, 1)), MIXED
    ),
    "fliplr": same(np.fliplr, *(several(s) for s in SHAPES[2:]), example(REVERSED)),
    "flipud": same(np.flipud, *(several(s) for s in SHAPES[1:]), example(REVERSED)),
    "hstack": same(
        np.hstack,
        *(listed((3,), (2,)), listed((), ()), listed((2, 3), (2, 1)), listed((2, 1, 3), (2, 2, 3))),
        *(listed((0,), (2,)), MIXED, STRIDED),
    ),
    "meshgrid": same(
        np.meshgrid,
        *(several((3,), (2,)), several((3,), (2,), indexing="ij"), several((2,))),
        *(several((2,), (3,), (4,)), several((2,), (3,), (4,), indexing="ij", sparse=True)),
        *(several((3,), (), sparse=True), several((0,), (2,)), example(draw(6)[::-2], draw(2))),
    ),
    "ravel": same(np.ravel, *(several(s) for s in SHAPES), example(REVERSED)),
    "rot90": same(
        np.rot90,
        *(example(draw(2, 3), k) for k in (0, 1, 2, 3, -1, 7)),
        *(example(draw(2, 3, 4), 1, axes) for axes in ((0, 1), (1, 2), (2, 0), (-1, 0))),
        *(example(draw(2, 3, 4), k=3, axes=(1, 2)), example(draw(0, 2)), example(REVERSED)),
    ),
    "unstack": Operation(
        unstack,
        unstack,
        [example(draw(2, 3, 4), axis) for axis in (0, 1, -1)] + [example(REVERSED)],
    ),
    "vstack": same(
        np.vstack,
        *(
            listed((3,), (3,)),
            listed((2, 3), (3,), (1, 3)),
            listed((), ()),
            listed((2, 1, 3), (1, 1, 3)),
        ),
        *(listed((0, 2), (2,)), MIXED, STRIDED),
    ),
}
