"""Example calls for operations of each kind: shapes, broadcasting, layouts, axes, indices.

In an example, arrays of floats are what is differentiated; every other argument is a constant,
and constant arrays are of small integers, which NumPy lets stay float32 beside float32.
Examples stay away from kinks and poles; what happens there is in `test_autograd_conventions.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, NamedTuple

import autograd_formulas as formulas
import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
random = np.random.default_rng(
    1
)  # unary() and binary() have their own, so a new entry moves no other


class Example(NamedTuple):
    """One call of an operation."""

    arguments: tuple[Any, ...]
    keywords: dict[str, Any]


class Operation(NamedTuple):
    """The same function three times: a formula for complex numbers, a library's, and examples."""

    formula: Callable[..., Any]
    library: Callable[..., Any]
    examples: list[Example]


def draw(
    *shape: int, low: float = -2.0, high: float = 2.0, source: np.random.Generator = random
) -> Array:
    return np.asarray(source.uniform(low, high, shape))


def example(*arguments: Any, **keywords: Any) -> Example:
    return Example(arguments, keywords)


def unary(low: float = -2.0, high: float = 2.0, **keywords: Any) -> list[Example]:
    """Shapes (), (3,), empty, replicas; strided, reversed, transposed and repeated layouts."""
    between = partial(draw, low=low, high=high, source=np.random.default_rng(2))
    shapes: list[tuple[int, ...]] = [(), (3,), (0, 3), (4, 2, 3)]
    arrays = [between(*shape) for shape in shapes]
    arrays.append(between(6, 5)[::2, ::-1])
    arrays.append(between(2, 4).T)
    arrays.append(np.broadcast_to(between(3), (2, 3)))
    return [example(array, **keywords) for array in arrays]


PAIRS: list[tuple[tuple[int, ...], tuple[int, ...]]] = [
    ((), ()),
    ((3,), ()),
    ((), (2, 3)),
    ((2, 3), (3,)),
    ((2, 1), (1, 3)),
    ((1,), (2, 2)),
    ((0, 3), (1, 3)),
    ((4, 1, 3), (2, 3)),
]


def binary(low: float = -2.0, high: float = 2.0, **other: float) -> list[Example]:
    """Broadcast either side, both sides, empty, replicas; strided and reversed layouts."""
    left = partial(draw, low=low, high=high, source=np.random.default_rng(3))
    right = partial(left, **other)
    pairs = [(left(*a), right(*b)) for a, b in PAIRS]
    pairs.append((left(4, 6)[::-1, ::2], right(3, 4).T))
    return [example(a, b) for a, b in pairs]


def unary_bounded() -> list[Example]:
    return [example(x, -1.0, 1.5) for (x,), _ in unary()]


def clipped(x: Any, low: Any = None, high: Any = None) -> Any:
    return x.copy() if low is None and high is None else np.clip(x, low, high)


def powers() -> list[Example]:
    """Constant exponents: any base for whole ones, zero among them."""
    whole = [example(draw(3), n) for n in (2, 3, -1, 1, 0, 2.0)]
    return [*whole, example(draw(3), np.array([3, 0, -2], np.int8)), example(2.5, draw(2, 2))]


def constant(arrays: Iterable[Any], *rest: Any) -> list[Example]:
    return [example(array, *rest) for array in arrays]


AXES: list[Any] = [None, 0, -1, 1, (0, 2), (-1, 0), (0, 1, 2), ()]


def reductions() -> list[Example]:
    """Every kind of axis, kept and dropped; a scalar, an empty axis beside, a reversed layout."""
    found = [
        example(draw(2, 3, 4), axis=axis, keepdims=keepdims)
        for axis in AXES
        for keepdims in (False, True)
    ]
    found += [example(draw()), example(draw(3)), example(draw(0, 3), axis=1), example(draw(1, 1))]
    return [
        *found,
        example(draw(6, 5)[::2, ::-1], axis=0),
        example(draw(3, 2).T, axis=-1, keepdims=True),
    ]


def along_axis() -> list[Example]:
    return [*unary()[1:], *(example(draw(2, 3, 4), axis=axis) for axis in (0, 1, -1, -3))]


MATRICES: list[tuple[tuple[int, ...], tuple[int, ...]]] = [
    ((2, 3), (3, 4)),
    ((3,), (3,)),
    ((3,), (3, 2)),
    ((2, 3), (3,)),
    ((3,), (5, 3, 2)),
    ((5, 2, 3), (3,)),
    ((5, 2, 3), (3, 4)),
    ((2, 3), (5, 3, 4)),
    ((5, 2, 3), (5, 3, 4)),
    ((5, 1, 2, 3), (4, 3, 2)),
    ((2, 0), (0, 3)),
    ((0,), (0,)),
    ((2, 0), (0,)),
    ((0,), (0, 2)),
    ((0, 3), (3, 2)),
    ((1, 2), (2, 1)),
]


def products(rows: int = 1) -> list[Example]:
    """Factors whose left one has at least this many axes, and the right one as well."""
    pairs = [(a, b) for a, b in MATRICES if min(len(a), len(b)) >= rows]
    found = [example(draw(*a), draw(*b)) for a, b in pairs]
    return [*found, example(draw(3, 4).T[::-1], draw(6, 2)[::2, ::-1])]


LAYERS = [
    example(draw(5, 3), draw(3, 2), draw(2)),
    example(draw(4, 5, 3), draw(4, 3, 2), draw(4, 1, 2)),  # replicas
    example(draw(5, 3), draw(4, 3, 2), draw(4, 1, 2)),  # replicas that share their data
    example(draw(4, 5, 3), draw(3, 2), draw(2)),
    example(draw(4, 5, 1), draw(1, 2), draw(2)),
    example(draw(0, 3), draw(3, 2), draw(2)),
    example(draw(1, 1), draw(1, 1), draw(1)),
    example(draw(3, 5).T[::-1], draw(2, 3).T, draw(4)[::-2]),
]


def losses(low: float = -2.0, high: float = 2.0, **keywords: Any) -> list[Example]:
    """Every reduction, with and without axes; replicas whose targets are shared or their own."""
    target = {"low": low, "high": high}
    found = [
        example(draw(3, 4), draw(3, 4, **target), reduction=reduction, axis=axis, **keywords)
        for reduction in ("mean", "sum", "none")
        for axis in (None, 0, (0, 1), -1)
    ]
    found.append(example(draw(5, 3, 2), draw(3, 2, **target), axis=(1, 2), **keywords))
    found.append(example(draw(5, 3, 2), draw(5, 3, 2, **target), axis=(-1, -2), **keywords))
    found.append(example(draw(), draw(**target), **keywords))
    found.append(example(draw(0, 3), draw(0, 3, **target), reduction="sum", **keywords))
    return [*found, example(draw(4, 3).T[::-1], draw(6, 4, **target)[::2], **keywords)]


def signs() -> list[Example]:
    whole = [
        example(z, np.where(draw(*np.shape(t)) < 0, np.int8(-1), np.int8(1)), **keywords)
        for (z, t), keywords in losses()
    ]
    return [*whole, *losses()]


def classes() -> list[Example]:
    """Targets as class indices and as probabilities, those also of replicas."""
    q = formulas.softmax(draw(4, 3))
    found = [example(draw(4, 3), q, reduction=r) for r in ("mean", "sum", "none")]
    found += [example(draw(4, 3), np.array([0, 2, 1, 2]), reduction=r) for r in ("mean", "none")]
    found.append(example(draw(5, 4, 3), q, axis=1))
    found.append(example(draw(5, 4, 3), np.array([0, 2, 1, 2]), axis=-1))
    found.append(example(draw(2, 4, 3), np.array([[0, 2, 1, 2], [1, 1, 0, 0]]), axis=1))
    found.append(example(draw(3, 4).T[::-1], draw(4, 3)))  # rows that do not sum to one
    return [*found, example(draw(0, 3), np.zeros(0, int), reduction="sum")]


INDICES: list[Any] = [
    1,
    -1,
    slice(None),
    slice(None, None, -2),
    (slice(None), 2),
    (Ellipsis, None, 0),
    None,
    (1, 2),
    [0, 1, 1, 0, 1],
    np.array([[1, 0], [1, 1]]),
    (np.array([0, 1, 1]), np.array([2, 2, 2])),
    (slice(None), np.array([0, 0, 3])),
    (np.array([1, 1]), slice(1, None, 2)),
    np.array([False, True]),
    np.arange(8).reshape(2, 4) % 3 == 0,
    slice(0, 0),
    np.zeros(0, int),
]


def pieces() -> list[Example]:
    found = [example(draw(2, 4), index) for index in INDICES]
    return [*found, *(example(draw(), i) for i in ((), None, ...)), example(draw(3, 2).T, 0)]


def scattered() -> list[Example]:
    return [example(draw(*np.zeros((2, 4))[i].shape), i, (2, 4)) for i in INDICES]


WHERE = [
    example(np.array([True, False, True]), draw(3), draw(3)),
    example(np.array([[True], [False]]), draw(3), draw()),
    example(draw(2, 3) > 0, draw(2, 1), draw(4, 1, 3)),
    example(True, draw(2), draw(2)),
    example(np.zeros((0, 3), bool), draw(3), draw(1, 3)),
    example((draw(2, 3) > 0)[::-1, ::-1], draw(3, 2).T, draw(4, 3)[::2]),
]

CLIP = [
    *unary_bounded(),
    *constant([draw(3), draw(2, 3)], np.array([-1, 0, 1], np.int8), 1.2),
    *(example(draw(4, 3), *bounds) for bounds in ((-1, 1), (None, 0.3), (-0.3,))),
    example(draw(4, 5), draw(5, high=0.0), draw(4, 1, low=0.0)),
    example(draw(2, 3, 4), None, draw(4)),
    example(draw(6), draw(low=0.5), draw(high=-0.5)),  # the upper bound is the lower one
    example(draw(3), 0, np.arange(1, 7, dtype=np.int8).reshape(2, 3)),
]

BROADCASTS: list[tuple[tuple[int, ...], tuple[int, ...]]] = [
    ((), (2, 3)),
    ((3,), (2, 3)),
    ((2, 1), (4, 2, 3)),
    ((1, 3), (0, 3)),
    ((2,), (2,)),
]
TARGET_SHAPES: list[tuple[Any, ...]] = [(6, 4), (-1,), ((4, 6),), ([2, -1],), (2, 1, 12, 1)]
ORDERS: list[tuple[Any, ...]] = [(), (1, 2, 0), ((2, 0, 1),), (-1, 0, 1), (None,), ([0, 2, 1],)]
SWAPS = [(0, 1), (-1, 0), (1, 1), (-3, 2)]
