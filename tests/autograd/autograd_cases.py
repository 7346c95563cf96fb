"""One table: for every operation its formula, NumPy's or SciPy's own function, and examples.

To add an operation, add one entry to `OPERATIONS`: everything else follows.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

import autograd_examples as examples
import autograd_formulas as formulas
import numpy as np
from autograd_examples import Array, Example, draw, example
from scipy import special

from minidl import Tensor, ops


class Operation(NamedTuple):
    """The same function three times: a formula for complex numbers, a library's, and examples."""

    formula: Callable[..., Any]
    library: Callable[..., Any]
    examples: list[Example]


class Call(NamedTuple):
    """A function of the differentiated arrays alone, by minidl and by the formula."""

    name: str
    arrays: list[Array]
    minidl: Callable[..., Tensor]
    formula: Callable[..., Any]
    library: Callable[..., Any]


OPERATIONS: dict[str, Operation] = {
    "absolute": Operation(formulas.absolute, np.absolute, examples.unary()),
    "add": Operation(np.add, np.add, examples.binary()),
    "astype": Operation(
        lambda x, dtype: x, lambda x, dtype: x.astype(dtype), [example(draw(3), np.float64)]
    ),
    "bce_with_logits": Operation(
        formulas.bce_with_logits, formulas.bce_with_logits, examples.losses(low=0.0, high=1.0)
    ),
    "broadcast_to": Operation(
        np.broadcast_to, np.broadcast_to, [example(draw(*a), b) for a, b in examples.BROADCASTS]
    ),
    "clip": Operation(formulas.clip, examples.clipped, examples.CLIP),
    "dense": Operation(formulas.dense, formulas.dense, examples.LAYERS),
    "divide": Operation(np.divide, np.divide, examples.binary(low=0.5)),
    "elu": Operation(formulas.elu, formulas.elu, [*examples.unary(), *examples.unary(alpha=0.7)]),
    "erf": Operation(special.erf, special.erf, examples.unary()),
    "exp": Operation(np.exp, np.exp, examples.unary()),
    "expm1": Operation(np.expm1, np.expm1, examples.unary()),
    "gelu": Operation(
        formulas.gelu, lambda x: x * special.ndtr(x), examples.unary(low=-5.0, high=5.0)
    ),
    "getitem": Operation(formulas.getitem, operator.getitem, examples.pieces()),
    "hinge": Operation(formulas.hinge, formulas.hinge, examples.signs()),
    "huber": Operation(
        formulas.huber,
        formulas.huber,
        [*examples.losses(), *examples.losses(delta=0.4), *examples.losses(delta=2.5)],
    ),
    "leaky_relu": Operation(
        formulas.leaky_relu, formulas.leaky_relu, [*examples.unary(), *examples.unary(slope=0.3)]
    ),
    "linear": Operation(formulas.linear, formulas.linear, examples.products(rows=2)),
    "log": Operation(np.log, np.log, examples.unary(low=0.3)),
    "log1p": Operation(np.log1p, np.log1p, examples.unary(low=-0.7)),
    "log_softmax": Operation(
        formulas.log_softmax, lambda x, axis=-1: special.log_softmax(x, axis), examples.along_axis()
    ),
    "logsumexp": Operation(formulas.logsumexp, special.logsumexp, examples.reductions()),
    "matmul": Operation(np.matmul, np.matmul, examples.products()),
    "max": Operation(formulas.largest, np.max, examples.reductions()),
    "maximum": Operation(formulas.maximum, np.maximum, examples.binary()),
    "mean": Operation(np.mean, np.mean, examples.reductions()),
    "mean_absolute_error": Operation(
        formulas.mean_absolute_error, formulas.mean_absolute_error, examples.losses()
    ),
    "mean_squared_error": Operation(
        formulas.mean_squared_error, formulas.mean_squared_error, examples.losses()
    ),
    "min": Operation(formulas.smallest, np.min, examples.reductions()),
    "minimum": Operation(formulas.minimum, np.minimum, examples.binary()),
    "multiply": Operation(np.multiply, np.multiply, examples.binary()),
    "negative": Operation(np.negative, np.negative, examples.unary()),
    "power": Operation(np.power, np.power, [*examples.binary(low=0.5), *examples.powers()]),
    "relu": Operation(formulas.relu, lambda x: np.maximum(x, 0), examples.unary()),
    "reshape": Operation(
        formulas.reshape,
        formulas.reshape,
        [
            *(example(draw(2, 3, 4), *shape) for shape in examples.TARGET_SHAPES),
            *(example(draw(), 1, 1), example(draw(1, 1), ()), example(draw(0, 3), 3, 0)),
            *examples.constant([draw(4, 3).T, draw(6, 4)[::-2]], -1),
        ],
    ),
    "scatter": Operation(formulas.scatter, formulas.scatter, examples.scattered()),
    "selu": Operation(formulas.selu, formulas.selu, examples.unary()),
    "sigmoid": Operation(formulas.sigmoid, special.expit, examples.unary()),
    "sign": Operation(formulas.sign, np.sign, examples.unary()),
    "silu": Operation(formulas.silu, lambda x: x * special.expit(x), examples.unary()),
    "softmax": Operation(
        formulas.softmax, lambda x, axis=-1: special.softmax(x, axis), examples.along_axis()
    ),
    "softmax_cross_entropy": Operation(
        formulas.softmax_cross_entropy, formulas.softmax_cross_entropy, examples.classes()
    ),
    "softplus": Operation(formulas.softplus, lambda x: np.logaddexp(0, x), examples.unary()),
    "sqrt": Operation(np.sqrt, np.sqrt, examples.unary(low=0.3)),
    "square": Operation(np.square, np.square, examples.unary()),
    "subtract": Operation(np.subtract, np.subtract, examples.binary()),
    "sum": Operation(np.sum, np.sum, examples.reductions()),
    "swapaxes": Operation(
        np.swapaxes, np.swapaxes, [example(draw(2, 3, 4), *axes) for axes in examples.SWAPS]
    ),
    "tanh": Operation(np.tanh, np.tanh, examples.unary()),
    "transpose": Operation(
        formulas.transpose,
        formulas.transpose,
        [
            *(example(draw(2, 3, 4), *order) for order in examples.ORDERS),
            example(draw()),
            example(draw(3)),
        ],
    ),
    "where": Operation(np.where, np.where, examples.WHERE),
}


def differentiated(argument: Any) -> bool:
    return isinstance(argument, np.ndarray) and argument.dtype.kind == "f"


def calls() -> Iterator[Call]:
    """Each example as a function of its differentiated arrays alone."""
    for name, operation in OPERATIONS.items():
        for arguments, keywords in operation.examples:
            places = [i for i, value in enumerate(arguments) if differentiated(value)]

            def bound(f: Any, *, a: Any = arguments, k: Any = keywords, at: Any = places) -> Any:
                def call(*arrays: Any) -> Any:
                    given = dict(zip(at, arrays, strict=True))
                    return f(*(given.get(i, value) for i, value in enumerate(a)), **k)

                return call

            functions = (getattr(ops, name), operation.formula, operation.library)
            yield Call(name, [arguments[i] for i in places], *map(bound, functions))


CALLS = list(calls())
IDS = [f"{call.name}-{'-'.join(str(array.shape) for array in call.arrays)}" for call in CALLS]


def tensors(arrays: Iterable[Array]) -> list[Tensor]:
    """Return leaves that keep the strides of these arrays."""
    found = []
    for array in arrays:
        leaf = Tensor(array, requires_grad=True)
        leaf.data = array
        found.append(leaf)
    return found
