"""The calls of which autograd.npz holds the values and both derivatives, and their inputs.

A call is a function of a namespace and of arrays: ``minidl.ops`` for the test, and for the script
that writes the file JAX's NumPy, which has the same names. Inputs stay away from kinks.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np


class Call(NamedTuple):
    """A call: of which inputs, by name, and what is called; `f` takes a namespace first."""

    inputs: tuple[str, ...]
    f: Callable[..., Any]


def inputs() -> dict[str, Any]:
    """Return everything that the calls are given: what is differentiated, and constants."""
    random = np.random.default_rng(20251124)
    return {
        "x": random.normal(0, 1.5, (3, 4)),
        "y": random.normal(0, 1.5, (3, 4)),
        "row": random.normal(0, 1.5, 4),
        "column": random.normal(0, 1.5, (3, 1)),
        "cube": random.normal(0, 1.5, (2, 3, 4)),
        "with_zero": np.array([[1.5, 0.0, -2.0], [0.7, 1.1, -0.4], [0.0, 0.0, 3.0]]),
        "positive": random.uniform(0.3, 3, (3, 4)),
        "positive_row": random.uniform(0.3, 3, 4),
        "unit": random.uniform(-0.9, 0.9, (3, 4)),
        "above_one": random.uniform(1.2, 3, (3, 4)),
        "square": random.standard_normal((4, 4)),
        "batch": random.standard_normal((2, 4, 3)),
        "matrix": random.standard_normal((4, 5)),
        "logits": random.normal(0, 2, (6, 4)),
        "targets": random.normal(0, 2, (6, 4)),
        "labels": (random.random((6, 4)) < 0.5).astype(float),
        "signs": np.sign(random.standard_normal((6, 4))),
        "classes": np.array([0, 3, 1, 1, 2, 0]),
        "distributions": random.dirichlet(np.ones(4), 6),
        "weights": random.uniform(0.2, 2, (6, 4)),
        "row_weights": random.uniform(0.2, 2, 6),
        "rows": np.array([2, 0, 2, 1]),
        "columns": np.array([3, 3, 0, 3]),
        "mask": random.random((3, 4)) < 0.5,
    }


CONSTANTS = ("labels", "signs", "classes", "distributions", "weights", "row_weights")
CONSTANTS += ("rows", "columns", "mask")
EXAMPLES = {
    "x": "exp expm1 sin cos sinh cosh tanh arctan arcsinh erf absolute sign square negative"
    " positive sigmoid logsigmoid relu leaky_relu elu selu celu silu mish softplus softsign gelu"
    " hardtanh",
    "positive": "log log1p log2 log10 sqrt reciprocal",
    "unit": "tan arcsin arccos arctanh",
    "above_one": "arccosh",
}
PAIRWISE = "add subtract multiply arctan2 hypot logaddexp maximum minimum"
SEVERAL_AXES = "sum mean max min prod var std logsumexp"
ELEMENTWISE = (
    {
        name: Call((given,), lambda np, x, name=name: getattr(np, name)(x))
        for given, names in EXAMPLES.items()
        for name in names.split()
    }
    | {
        "leaky_relu slope": Call(("x",), lambda np, x: np.leaky_relu(x, 0.2)),
        "elu alpha": Call(("x",), lambda np, x: np.elu(x, 1.3)),
        "celu alpha": Call(("x",), lambda np, x: np.celu(x, 0.5)),
        "gelu tanh": Call(("x",), lambda np, x: np.gelu(x, approximate="tanh")),
        "hardtanh bounds": Call(("x",), lambda np, x: np.hardtanh(x, -0.4, 1.2)),
        "clip": Call(("x",), lambda np, x: np.clip(x, -0.5, 0.8)),
        "clip above": Call(("x",), lambda np, x: np.clip(x, None, 0.8)),
        "power number": Call(("x",), lambda np, x: x**3),
        "power of number": Call(("x",), lambda np, x: 2.5**x),
        "where": Call(("mask", "x", "row"), lambda np, m, a, b: np.where(m, a * a, b)),
        "power": Call(("positive", "row"), lambda np, a, b: np.power(a, b)),
        "divide": Call(("column", "positive"), lambda np, a, b: np.divide(a, b)),
    }
    | {
        name: Call(("x", "row"), lambda np, a, b, name=name: getattr(np, name)(a, b))
        for name in PAIRWISE.split()
    }
)


def reduced(name: str, given: str = "cube", **keywords: Any) -> Call:
    """Return the call of a function of one array with keywords."""
    return Call((given,), lambda np, a: getattr(np, name)(a, **keywords))


REDUCTIONS = {
    f"{name} {what}": reduced(name, **keywords)
    for name in SEVERAL_AXES.split()
    for what, keywords in {
        "all": {},
        "axis": {"axis": -2},
        "axes": {"axis": (0, -1), "keepdims": True},
    }.items()
} | {
    "prod zeros": reduced("prod", "with_zero", axis=1),
    "var ddof": reduced("var", axis=1, ddof=1),
    "std ddof": reduced("std", ddof=1, keepdims=True),
    "softmax": reduced("softmax"),
    "softmax axis": reduced("softmax", axis=0),
    "log_softmax": reduced("log_softmax"),
    "log_softmax axis": reduced("log_softmax", axis=1),
    "cumsum": reduced("cumsum"),
    "cumsum axis": reduced("cumsum", axis=1),
    "norm": reduced("norm"),
    "norm axis": reduced("norm", axis=-1, keepdims=True),
    "norm 1": reduced("norm", ord=1, axis=1),
    "norm 3": reduced("norm", ord=3, axis=1),
    "norm largest": reduced("norm", ord=np.inf, axis=1),
    "norm matrix": reduced("norm", ord="fro", axis=(0, 2)),
    "norm matrix 1": reduced("norm", ord=1, axis=(0, 2)),
}
INDICES: dict[str, Any] = {
    "row": 1,
    "steps": np.s_[::2, -3:],
    "backwards": np.s_[::-1, 3:0:-2],
    "new axes": np.s_[..., None, 1, None],
}
SHAPES = {
    f"getitem {what}": Call(("x",), lambda np, x, index=index: x[index])
    for what, index in INDICES.items()
} | {
    "getitem repeated": Call(("x", "rows"), lambda np, x, i: x[i]),
    "getitem pairs": Call(("x", "rows", "columns"), lambda np, x, i, j: x[i, j]),
    "getitem mixed": Call(("cube", "rows"), lambda np, x, i: x[:, i, 1:3]),
    "getitem mask": Call(("x", "mask"), lambda np, x, m: x[m]),
    "reshape": Call(("cube",), lambda np, x: np.reshape(x, (4, -1))),
    "transpose": Call(("cube",), lambda np, x: np.transpose(x, (2, 0, 1))),
    "swapaxes": Call(("cube",), lambda np, x: np.swapaxes(x, 0, -1)),
    "moveaxis": Call(("cube",), lambda np, x: np.moveaxis(x, 0, -1)),
    "expand_dims": Call(("x",), lambda np, x: np.expand_dims(x, (0, -1))),
    "squeeze": Call(("column",), lambda np, x: np.squeeze(x, -1)),
    "broadcast_to": Call(("column",), lambda np, x: np.broadcast_to(x, (2, 3, 4))),
    "concatenate": Call(("x", "column", "y"), lambda np, *xs: np.concatenate(xs, axis=1)),
    "stack": Call(("x", "y"), lambda np, *xs: np.stack(xs, axis=1)),
    "split": Call(("x",), lambda np, x: np.split(x, [1, 3], axis=1)[1]),
    "pad": Call(("x",), lambda np, x: np.pad(x, ((1, 0), (2, 1)))),
    "pad edge": Call(("cube",), lambda np, x: np.pad(x, ((0, 0), (0, 0), (3, 1)), "edge")),
    "pad reflect": Call(("cube",), lambda np, x: np.pad(x, ((0, 0), (0, 0), (3, 1)), "reflect")),
    "pad wrap": Call(("cube",), lambda np, x: np.pad(x, ((0, 0), (0, 0), (3, 1)), "wrap")),
    "pad symmetric": Call(("x",), lambda np, x: np.pad(x, ((2, 0), (1, 3)), "symmetric")),
    "flip": Call(("cube",), lambda np, x: np.flip(x, (0, 2))),
    "roll": Call(("cube",), lambda np, x: np.roll(x, (1, -2), (0, 2))),
    "tile": Call(("x",), lambda np, x: np.tile(x, (2, 1, 3))),
    "repeat": Call(("x",), lambda np, x: np.repeat(x, 3, axis=1)),
    "diag of a vector": Call(("row",), lambda np, x: np.diag(x, 1)),
    "diag of a matrix": Call(("square",), lambda np, x: np.diag(x, -1)),
    "diagonal": Call(("cube",), lambda np, x: np.diagonal(x, 1, 1, 2)),
    "trace": Call(("square",), lambda np, x: np.trace(x)),
    "tril": Call(("cube",), lambda np, x: np.tril(x, -1)),
    "triu": Call(("cube",), lambda np, x: np.triu(x, 1)),
}
EINSUMS: dict[str, tuple[str, ...]] = {
    "ij,jk->ki": ("x", "matrix"),
    "bij,bjk->bik": ("cube", "batch"),
    "ii->i": ("square",),
    "ii": ("square",),
    "i,j": ("row", "positive_row"),
    "bij->j": ("cube",),
    "...i,...i->...": ("cube", "x"),
    "bij,jk,kl->bil": ("cube", "square", "matrix"),
}
PRODUCTS = {
    f"einsum {form}": Call(given, lambda np, *xs, form=form: np.einsum(form, *xs))
    for form, given in EINSUMS.items()
} | {
    "matmul": Call(("x", "matrix"), lambda np, a, b: a @ b),
    "matmul vectors": Call(("row", "positive_row"), lambda np, a, b: a @ b),
    "matmul from the left": Call(("row", "batch"), lambda np, a, b: a @ b),
    "matmul from the right": Call(("cube", "row"), lambda np, a, b: a @ b),
    "matmul batched": Call(("cube", "batch"), lambda np, a, b: a @ b),
    "matmul broadcast": Call(("cube", "matrix"), lambda np, a, b: np.matmul(a, b)),
    "dot": Call(("x", "matrix"), lambda np, a, b: np.dot(a, b)),
    "outer": Call(("row", "x"), lambda np, a, b: np.outer(a, b)),
    "tensordot": Call(("cube", "batch"), lambda np, a, b: np.tensordot(a, b, ([1, 2], [2, 1]))),
    "tensordot one": Call(("cube", "matrix"), lambda np, a, b: np.tensordot(a, b, 1)),
}


def loss(name: str, targets: str, **keywords: Any) -> Call:
    """Return the call of a loss of the logits; no JAX function has its name."""
    return Call(("logits", targets), lambda np, z, t: getattr(np, name)(z, t, **keywords))


def weighted(name: str, targets: str, weights: str, **keywords: Any) -> Call:
    """Return the same with weights."""
    given = ("logits", targets, weights)
    return Call(given, lambda np, z, t, w: getattr(np, name)(z, t, sample_weight=w, **keywords))


PAIRS = {
    "mean_squared_error": ("targets", {}),
    "mean_absolute_error": ("targets", {}),
    "huber": ("targets", {"delta": 0.7}),
    "hinge": ("signs", {}),
    "bce_with_logits": ("labels", {}),
    "softmax_cross_entropy": ("classes", {}),
}
LOSSES = {
    **{
        f"{name} {reduction}": loss(name, targets, reduction=reduction, **keywords)
        for name, (targets, keywords) in PAIRS.items()
        for reduction in ("mean", "sum", "none")
    },
    **{
        f"{name} weighted": weighted(
            name, targets, "row_weights" if targets == "classes" else "weights", **keywords
        )
        for name, (targets, keywords) in PAIRS.items()
    },
    "softmax_cross_entropy probabilities": loss("softmax_cross_entropy", "distributions"),
    "softmax_cross_entropy smoothed": loss("softmax_cross_entropy", "classes", label_smoothing=0.1),
    "softmax_cross_entropy smoothed probabilities": loss(
        "softmax_cross_entropy", "distributions", label_smoothing=0.3, reduction="sum"
    ),
    "softmax_cross_entropy ignored": loss("softmax_cross_entropy", "classes", ignore_index=1),
    "softmax_cross_entropy ignored and smoothed": loss(
        "softmax_cross_entropy", "classes", ignore_index=1, label_smoothing=0.2
    ),
    "softmax_cross_entropy ignored each": loss(
        "softmax_cross_entropy", "classes", ignore_index=0, reduction="none"
    ),
}
CALLS: dict[str, Call] = {**ELEMENTWISE, **REDUCTIONS, **SHAPES, **PRODUCTS, **LOSSES}


def flat(arrays: list[Any]) -> Any:
    """Return the elements of all arrays in one vector, as they stand in the file."""
    return np.concatenate([np.ravel(array) for array in arrays])


def weights_for(shape: Any, shift: float) -> Any:
    """Return fixed numbers that look random: weights of a result, or directions."""
    return np.cos(2.3 * np.arange(np.prod(shape, dtype=int)) + shift).reshape(shape)
