"""Sorting, quantiles, places, cumulative products: formulas, NumPy's own functions, examples."""

from __future__ import annotations

from typing import Any

import autograd_examples as examples
import autograd_formulas as formulas
import numpy as np
from autograd_examples import Example, Operation, draw, example

STRIDED = draw(6, 5)[::2, ::-1]


def ordered(x: Any, axis: int | None = -1) -> Any:
    x, axis = (x.reshape(-1), 0) if axis is None else (x, axis)
    return np.take_along_axis(x, np.argsort(x.real, axis), axis)


def quantile(
    x: Any, q: Any, axis: Any = None, method: str = "linear", keepdims: bool = False
) -> Any:
    """The weights of the sorted elements are NumPy's quantiles of the unit vectors."""
    axes = tuple(range(x.ndim)) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    axes = tuple(a % x.ndim for a in axes)
    rest = [i for i in range(x.ndim) if i not in axes]
    rows = x.transpose(*rest, *axes).reshape(
        *(x.shape[i] for i in rest), np.prod([x.shape[i] for i in axes], dtype=int)
    )
    n = rows.shape[-1]
    # The step function from below k to above it has the quantile of its share of ones.
    steps = [np.quantile((np.arange(n) >= k).astype(float), q, method=method) for k in range(n + 1)]
    weights = [np.asarray(steps[k]) - np.asarray(steps[k + 1]) for k in range(n)]
    s = ordered(rows)
    y = sum(w.reshape(w.shape + (1,) * len(rest)) * s[..., k] for k, w in enumerate(weights))
    if keepdims:
        y = y.reshape(np.shape(q) + tuple(1 if i in axes else m for i, m in enumerate(x.shape)))
    return y


def median(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    return quantile(x, 0.5, axis, keepdims=keepdims)


def logcumsumexp(x: Any, axis: int | None = None) -> Any:
    return np.log(np.cumsum(np.exp(x), axis))


def running(x: Any, axis: int | None = None) -> Any:
    x, axis = (x.reshape(-1), 0) if axis is None else (x, axis)
    return np.logaddexp.accumulate(x, axis)


def extreme(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    return formulas.largest(x, axis, keepdims)


def least(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    return -extreme(-x, axis, keepdims)


def average(x: Any, axis: Any = None, weights: Any = None, keepdims: bool = False) -> Any:
    if weights is None:
        return x.mean(axis=axis, keepdims=keepdims)
    if weights.shape != x.shape:
        weights = weights.reshape(-1, *(1,) * (x.ndim - 1 - axis % x.ndim)) * np.ones(x.shape)
    total = weights.sum(axis=axis, keepdims=keepdims)
    return (x * weights).sum(axis=axis, keepdims=keepdims) / total


def reductions() -> list[Example]:
    """Without axes=(), of which NumPy's median knows nothing."""
    found = [
        e for e in examples.reductions() if e.keywords.get("axis") != () and e.arguments[0].ndim
    ]
    return [e for e in found if e.arguments[0].size]


ALONG = [
    *(example(draw(2, 3, 4), axis) for axis in (None, 0, 1, -1)),
    *(example(draw(3)), example(draw(0, 3), 1), example(draw(0)), example(draw(1, 7), axis=1)),
    example(STRIDED, axis=0),
]
ORDER = np.array([[2, 0, 1, 1], [0, 0, 2, 1]])
METHODS = "lower higher midpoint nearest hazen weibull inverted_cdf averaged_inverted_cdf"

OPERATIONS: dict[str, Operation] = {
    "average": Operation(
        average,
        np.average,
        [
            *examples.reductions()[:8],
            example(draw(2, 3), None, draw(2, 3, low=0.2)),
            example(draw(2, 3, 4), 1, draw(3, low=0.2), keepdims=True),
            example(draw(2, 3, 4), axis=-1, weights=np.array([1, 2, 1, 0], np.int8)),
            example(draw(2, 3, 4), (0, 2), draw(2, 3, 4, low=0.2)),
            example(STRIDED, 0, draw(3, low=0.2)),
        ],
    ),
    "cumprod": Operation(np.cumprod, np.cumprod, [*ALONG, example(np.array([2.0, 0, 3, 0, 5]))]),
    "logcumsumexp": Operation(logcumsumexp, running, [e for e in ALONG if e.arguments[0].size]),
    "median": Operation(median, np.median, reductions()),
    "nanmax": Operation(extreme, np.nanmax, examples.reductions()),
    "nanmean": Operation(np.mean, np.nanmean, examples.reductions()),
    "nanmin": Operation(least, np.nanmin, examples.reductions()),
    "nanprod": Operation(np.prod, np.nanprod, examples.reductions()),
    "nansum": Operation(np.sum, np.nansum, examples.reductions()),
    "quantile": Operation(
        quantile,
        np.quantile,
        [
            *(example(draw(5), q) for q in (0.0, 0.3, 0.5, 1, [0.1, 0.9])),
            *(
                example(draw(2, 3, 4), 0.2, axis, keepdims=keep)
                for axis in (0, -1, (0, 2))
                for keep in (False, True)
            ),
            example(draw(2, 3, 4), [[0.25, 0.5, 0.6], [0.0, 0.9, 1.0]], axis=1),
            example(draw(2, 3, 4), [0.2, 0.7], axis=(-1, 0), keepdims=True),
            *(example(draw(6), [0.25, 0.4], method=method) for method in METHODS.split()),
            *(example(draw(0, 3), 0.5, 1), example(draw(1), 0.7), example(STRIDED, 0.35, 0)),
        ],
    ),
    "sort": Operation(
        ordered, np.sort, [*(example(*a, **k) for a, k in ALONG), example(draw(3, 2, 4), axis=-2)]
    ),
    "take": Operation(
        np.take,
        np.take,
        [
            *(example(draw(2, 3), [0, 5, 5, -1]), example(draw(2, 3), 1), example(draw(), [0, 0])),
            *(example(draw(2, 3, 4), [[1, 1], [0, -2]], axis) for axis in (0, 1, -1)),
            example(draw(2, 3), np.array([7, -5], np.int8), 1, mode="wrap"),
            example(draw(2, 3), np.array([7, -5]), 1, mode="clip"),
            *(example(draw(2, 3), np.zeros(0, int), 0), example(STRIDED, [1, 0, 1], 0)),
        ],
    ),
    "take_along_axis": Operation(
        np.take_along_axis,
        np.take_along_axis,
        [
            *(example(draw(2, 4), ORDER[:, :3], 1), example(draw(3, 4), ORDER, axis=0)),
            *(example(draw(2, 3), ORDER[:, 1:2], -1), example(draw(2, 3), ORDER[1], None)),
            *(
                example(draw(2, 3, 4), np.array([[[2]], [[0]]]), 1),
                example(STRIDED, np.array([[2, 0, 1, 1, 0]]), 0),
            ),
        ],
    ),
}
