"""The steps of which random programs are made: every operation, on any shape that it takes.

A step is one expression in a namespace `np`, which is `minidl.ops` on Tensors, or the formulas of
the test table on complex arrays. Its last argument, a small number, chooses axes and options.
Arguments are brought, smoothly, where the operation is defined and away from its kinks.
"""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy
from autograd_cases import OPERATIONS

Step = Callable[..., Any]
FORMULAS = SimpleNamespace(**{name: entry.formula for name, entry in OPERATIONS.items()})


def small(np: Any, x: Any) -> Any:
    """Bring numbers to (-0.9, 0.9)."""
    return 0.9 * np.tanh(x)


def positive(np: Any, x: Any) -> Any:
    """Bring numbers to (0.5, 2.5)."""
    return 1.5 + np.tanh(x)


def apart(np: Any, x: Any) -> Any:
    """Bring numbers to (-1.9, -1.1), (0.1, 0.9) and (2.1, 2.9), away from kinks at 0 and +-1."""
    order = numpy.arange(numpy.prod(x.shape, dtype=int)).reshape(x.shape)
    return 0.4 * np.tanh(x) + (2.0 * (order % 3) - 1.5)


def ranked(np: Any, x: Any) -> Any:
    """Bring numbers to a fixed order, mixed up, at least 0.2 apart."""
    order = numpy.argsort(numpy.cos(2.3 * numpy.arange(numpy.prod(x.shape, dtype=int))))
    return 0.4 * np.tanh(x) + (order.reshape(x.shape) - 2.3)


def mate(np: Any, a: Any, b: Any) -> Any:
    """Return b if it is shaped as a, else something of a that is."""
    return b if b.shape == a.shape else np.sin(0.7 * a) * np.mean(b)


def on(name: str, domain: Any = lambda np, x: x, **keywords: Any) -> Step:
    """Return the step that applies an operation to each element of a domain."""
    return lambda np, x, j: getattr(np, name)(domain(np, x), **keywords)


def axes(x: Any, j: int) -> dict[str, Any]:
    """Return an axis, or all, or none, kept or dropped."""
    choices = [None, *range(-x.ndim, x.ndim), tuple(range(x.ndim)), (0, -1)[: x.ndim]]
    return {"axis": choices[j % len(choices)], "keepdims": j % 2 == 0}


def several(x: Any, axis: Any) -> None:
    """Refuse an axis along which there are less than two elements."""
    kept = numpy.sum(numpy.ones(x.shape), axis=axis)
    if not kept.size or kept.min() < 2:
        raise ValueError


def reduction(name: str, domain: Any = lambda np, x: x, **keywords: Any) -> Step:
    """Return the step that reduces over some axes."""

    def step(np: Any, x: Any, j: int) -> Any:
        options = axes(x, j)
        if name in ("std", "var"):
            several(x, options["axis"])
        return getattr(np, name)(domain(np, x), **options, **keywords)

    return step


def axis_of(x: Any, j: int) -> int:
    """Return some axis; a ZeroDivisionError says that there is none."""
    return j % (2 * x.ndim) - x.ndim


POSITIVE = "log log1p log2 log10 sqrt reciprocal"
SMALL = "exp tan arcsin arccos arctanh square"
KINKED = "abs absolute sign relu selu softsign hardtanh"
SAME = "expm1 sin cos sinh cosh tanh arctan arcsinh erf negative positive sigmoid logsigmoid silu"
SAME += " mish softplus gelu"
ELEMENTWISE: dict[str, Step] = {
    **{name: on(name) for name in SAME.split()},
    **{name: on(name, positive) for name in POSITIVE.split()},
    **{name: on(name, small) for name in SMALL.split()},
    **{name: on(name, apart) for name in KINKED.split()},
    "arccosh": on("arccosh", lambda np, x: 1 + positive(np, x)),
    "leaky_relu": on("leaky_relu", apart, slope=0.2),
    "elu": on("elu", apart, alpha=1.3),
    "celu": on("celu", apart, alpha=0.6),
    "gelu tanh": on("gelu", approximate="tanh"),
    "hardtanh bounds": on("hardtanh", apart, min_value=0.0, max_value=2.0),
    "clip": on("clip", apart, a_min=-1, a_max=1),
    "clip above": on("clip", apart, a_min=None, a_max=1),
    "astype": on("astype", dtype=numpy.float64),
    "power number": lambda np, x, j: np.power(positive(np, x), j - 3),
    "power of number": lambda np, x, j: np.power(2.0, np.tanh(x)),
}
REDUCTIONS: dict[str, Step] = {
    **{name: reduction(name) for name in ("sum", "mean", "logsumexp", "var")},
    "max": reduction("max", ranked),
    "min": reduction("min", ranked),
    "prod": reduction("prod", lambda np, x: 1.3 * np.tanh(x)),
    "prod with zeros": reduction("prod", lambda np, x: 1.3 * np.tanh(x) * (apart(np, x) > 0)),
    "var ddof": reduction("var", ddof=1),
    "std": reduction("std", apart, ddof=0.5),
    "softmax": lambda np, x, j: np.softmax(x, axis_of(x, j)),
    "log_softmax": lambda np, x, j: np.log_softmax(x, axis_of(x, j)),
    "cumsum": lambda np, x, j: np.cumsum(np.tanh(x), axis_of(x, j) if j % 3 else None),
    "norm": lambda np, x, j: np.norm(apart(np, x)),
    "norm of vectors": lambda np, x, j: np.norm(
        ranked(np, x), [None, 1, 3, numpy.inf, -numpy.inf, 2][j % 6], axis_of(x, j)
    ),
    "norm of matrices": lambda np, x, j: np.norm(
        ranked(np, x), ["fro", 1, -1, numpy.inf][j % 4], (-1, -2), keepdims=j % 2 == 0
    ),
}


def some(x: Any, j: int) -> Any:
    """Return an index that fits: a number, slices, a mask, arrays with repeats, and mixed."""
    n = x.shape[0]
    mask = numpy.arange(numpy.prod(x.shape, dtype=int)).reshape(x.shape) % 3 != 1
    rows = numpy.array([0, n - 1, 0])
    choices = [j % n - n, slice(None, None, -2), mask, rows, rows[:, None], (..., None, 0)]
    choices += [(rows, None), (slice(None), *[[0, 0, 0]] * (x.ndim - 1)), None, mask.any() > 1]
    return choices[j % len(choices)]


def padded(np: Any, x: Any, j: int) -> Any:
    mode = ["constant", "edge", "reflect", "symmetric", "wrap"][j % 5]
    widths = [(0, 0)] * (x.ndim - 1) + [(1, j % 3)]
    if 0 in x.shape:
        raise ValueError
    return np.pad(x, widths, mode)


SHAPES: dict[str, Step] = {
    "getitem": lambda np, x, j: np.getitem(x, some(x, j)),
    "scatter": lambda np, x, j: np.scatter(x, numpy.arange(x.shape[0]) * j % 2, (2, *x.shape[1:])),
    "reshape": lambda np, x, j: np.reshape(
        x, [(-1,), (*x.shape, 1), (1, -1), x.shape[::-1]][j % 4]
    ),
    "transpose": lambda np, x, j: np.transpose(x, (*range(1, x.ndim), 0)[: x.ndim]),
    "swapaxes": lambda np, x, j: np.swapaxes(x, axis_of(x, j), 0),
    "moveaxis": lambda np, x, j: np.moveaxis(x, 0, axis_of(x, j)),
    "expand_dims": lambda np, x, j: np.expand_dims(x, j % (x.ndim + 1)),
    "squeeze": lambda np, x, j: np.squeeze(x),
    "broadcast_to": lambda np, x, j: np.broadcast_to(x, (1 + j % 3, *x.shape)),
    "split": lambda np, x, j: np.split(x, [1], axis_of(x, j))[j % 2],
    "pad": padded,
    "flip": lambda np, x, j: np.flip(x, axis_of(x, j) if j % 3 else None),
    "roll": lambda np, x, j: np.roll(x, j - 4, axis_of(x, j) if j % 3 else None),
    "tile": lambda np, x, j: np.tile(x, [2, (2, 1), (1, 2)][j % 3]),
    "repeat": lambda np, x, j: np.repeat(x, 2, axis_of(x, j) if j % 3 else None),
    "diag": lambda np, x, j: np.diag(x, j % 4 - 1),
    "diagonal": lambda np, x, j: np.diagonal(x, j % 3 - 1, -1, 0),
    "trace": lambda np, x, j: np.trace(x, j % 3 - 1, 0, -1),
    "tril": lambda np, x, j: np.tril(x, j % 4 - 2),
    "triu": lambda np, x, j: np.triu(x, j % 4 - 2),
    "einsum diagonal": lambda np, x, j: np.einsum(
        "ii...->i...", np.einsum("i...,j->ij...", x, x[0])
    ),
}


def joined(name: str) -> Step:
    return lambda np, a, b, j: getattr(np, name)([a, mate(np, a, b), 2 * a], axis_of(a, j))


def product(f: Callable[..., Any]) -> Step:
    """Return the step of a product of a and, after swapping its axes, of one shaped as a."""
    return lambda np, a, b, j: f(np, a, np.swapaxes(np.tanh(mate(np, a, b)), -1, -2), j)


BINARY: dict[str, Step] = {
    "add": lambda np, a, b, j: np.add(a, b),
    "subtract": lambda np, a, b, j: np.subtract(a, b),
    "multiply": lambda np, a, b, j: np.multiply(a, np.tanh(b)),
    "divide": lambda np, a, b, j: np.divide(a, positive(np, b)),
    "power": lambda np, a, b, j: np.power(positive(np, a), np.tanh(b)),
    "arctan2": lambda np, a, b, j: np.arctan2(a, positive(np, b)),
    "arctan2 behind": lambda np, a, b, j: np.arctan2(positive(np, a), -positive(np, b)),
    "hypot": lambda np, a, b, j: np.hypot(a, positive(np, b)),
    "logaddexp": lambda np, a, b, j: np.logaddexp(a, b),
    "maximum": lambda np, a, b, j: np.maximum(apart(np, a), 0.05 * np.tanh(b)),
    "minimum": lambda np, a, b, j: np.minimum(0.05 * np.tanh(a), apart(np, b)),
    "where": lambda np, a, b, j: np.where(ranked(np, a * b) > j % 3, a, np.sin(b)),
    "concatenate": joined("concatenate"),
    "stack": joined("stack"),
    "matmul": product(lambda np, a, b, j: np.matmul(a, b)),
    "matmul as they are": lambda np, a, b, j: np.matmul(a, np.tanh(b)),
    "matmul of a vector": lambda np, a, b, j: np.matmul(np.sum(a, axis=0), mate(np, a, b)),
    "linear": product(lambda np, a, b, j: np.linear(a, b)),
    "dense": product(lambda np, a, b, j: np.dense(a, b, np.sum(b, axis=-2, keepdims=True))),
    "dot": product(lambda np, a, b, j: np.dot(a, b)),
    "dot as they are": lambda np, a, b, j: np.dot(a, np.tanh(b)),
    "outer": lambda np, a, b, j: np.outer(a, np.tanh(b)),
    "tensordot": lambda np, a, b, j: np.tensordot(a, np.tanh(mate(np, a, b)), (0, 0)),
    "tensordot all": lambda np, a, b, j: np.tensordot(a, np.tanh(mate(np, a, b)), a.ndim),
    "einsum": lambda np, a, b, j: np.einsum("i...,i...->...", a, np.tanh(mate(np, a, b))),
    "einsum product": lambda np, a, b, j: np.einsum(
        ["...ij,...kj->...ki", "...ij,...ij->j"][j % 2], a, np.tanh(mate(np, a, b))
    ),
}


def loss(name: str, p: Any, t: Any, **keywords: Any) -> Step:
    """Return the step of a loss: of `p` of one value and `t` of another; half have weights."""

    def step(np: Any, a: Any, b: Any, j: int) -> Any:
        if not a.ndim:
            raise ValueError
        options = {"reduction": ["mean", "sum", "none"][j % 3], **keywords}
        if j % 2:
            rows = a.shape[:-1] if name == "softmax_cross_entropy" else a.shape
            options["sample_weight"] = numpy.arange(numpy.prod(rows)).reshape(rows) % 4 + 0.5
        return getattr(np, name)(p(np, a), t(np, mate(np, a, b)), **options)

    return step


def same(np: Any, x: Any) -> Any:
    return x


def tiny(np: Any, x: Any) -> Any:
    return 0.05 * np.tanh(x)


def classes(np: Any, x: Any) -> Any:
    rows = numpy.arange(numpy.prod(x.shape[:-1], dtype=int)).reshape(x.shape[:-1])
    return rows % x.shape[-1]


CROSS = "softmax_cross_entropy"
LOSSES: dict[str, Step] = {
    "mean_squared_error": loss("mean_squared_error", same, lambda np, x: np.sin(x)),
    "mean_absolute_error": loss("mean_absolute_error", apart, tiny),
    "huber": loss("huber", apart, tiny),
    "hinge": loss("hinge", apart, lambda np, x: 1 + tiny(np, x)),
    "bce_with_logits": loss("bce_with_logits", same, lambda np, x: np.sigmoid(x)),
    CROSS: loss(CROSS, same, lambda np, x: np.softmax(x)),
    f"{CROSS} smoothed": loss(CROSS, same, lambda np, x: np.softmax(x), label_smoothing=0.2),
    f"{CROSS} of classes": loss(CROSS, same, classes, label_smoothing=0.1, ignore_index=0),
}
UNARY = {**ELEMENTWISE, **REDUCTIONS, **SHAPES}
PAIRED = {**BINARY, **LOSSES}
STEPS = {**UNARY, **PAIRED}
