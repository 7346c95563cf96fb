"""Activations: for each its formula, NumPy's or SciPy's own function, and examples."""

from __future__ import annotations

from typing import Any

import autograd_examples as examples
import autograd_formulas as formulas
import numpy as np
from autograd_examples import Operation, draw, example
from scipy import special


def gelu(x: Any, *, approximate: str = "none") -> Any:
    if approximate == "tanh":
        return x / 2 * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))
    return formulas.gelu(x)


def gelu_of_scipy(x: Any, *, approximate: str = "none") -> Any:
    return x * special.ndtr(x) if approximate == "none" else gelu(x, approximate=approximate)


def celu(x: Any, alpha: float = 1.0) -> Any:
    return np.where(np.real(x) > 0, x, alpha * (np.exp(x / alpha) - 1))


def mish(x: Any) -> Any:
    return x * ((1 + np.exp(x)) ** 2 - 1) / ((1 + np.exp(x)) ** 2 + 1)


def hardtanh(x: Any, min_value: float = -1.0, max_value: float = 1.0) -> Any:
    return formulas.clip(x, min_value, max_value)


ALONG = [
    *examples.along_axis(),
    example(draw(2, 3, 4), axis=(0, 2)),
    example(draw(2, 3), axis=None),
]

OPERATIONS: dict[str, Operation] = {
    "celu": Operation(
        celu, celu, [*examples.unary(), example(draw(5), 0.7), example(draw(2, 3), alpha=2.5)]
    ),
    "elu": Operation(formulas.elu, formulas.elu, [*examples.unary(), *examples.unary(alpha=0.7)]),
    "gelu": Operation(
        gelu,
        gelu_of_scipy,
        [
            *examples.unary(low=-5.0, high=5.0),
            *examples.unary(low=-4.0, high=4.0, approximate="tanh")[1:5],
            example(draw(3), approximate="none"),
        ],
    ),
    "hardtanh": Operation(
        hardtanh,
        lambda x, min_value=-1.0, max_value=1.0: np.clip(x, min_value, max_value),
        [*examples.unary(), example(draw(5), -0.5, 1.5), example(draw(5), max_value=0.5)],
    ),
    "leaky_relu": Operation(
        formulas.leaky_relu, formulas.leaky_relu, [*examples.unary(), *examples.unary(slope=0.3)]
    ),
    "log_softmax": Operation(
        formulas.log_softmax, lambda x, axis=-1: special.log_softmax(x, axis), ALONG
    ),
    "logaddexp": Operation(
        lambda a, b: np.log(np.exp(a) + np.exp(b)),
        np.logaddexp,
        [*examples.binary(), example(draw(3), 0), example(1.5, draw(2))],
    ),
    "logsigmoid": Operation(lambda x: -np.log(1 + np.exp(-x)), special.log_expit, examples.unary()),
    "mish": Operation(mish, lambda x: x * np.tanh(np.logaddexp(0, x)), examples.unary()),
    "relu": Operation(formulas.relu, lambda x: np.maximum(x, 0), examples.unary()),
    "selu": Operation(formulas.selu, formulas.selu, examples.unary()),
    "sigmoid": Operation(formulas.sigmoid, special.expit, examples.unary()),
    "silu": Operation(formulas.silu, lambda x: x * special.expit(x), examples.unary()),
    "softmax": Operation(formulas.softmax, lambda x, axis=-1: special.softmax(x, axis), ALONG),
    "softplus": Operation(formulas.softplus, lambda x: np.logaddexp(0, x), examples.unary()),
    "softsign": Operation(
        lambda x: x / (1 + formulas.absolute(x)), lambda x: x / (1 + np.abs(x)), examples.unary()
    ),
}
