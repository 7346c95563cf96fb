"""Transcendental functions: for each its formula, NumPy's or SciPy's own function, and examples."""

from __future__ import annotations

from typing import Any

import autograd_examples as examples
import numpy as np
from autograd_examples import Operation, draw, example
from scipy import special


def arctan2(a: Any, b: Any) -> Any:
    """The angle of the point (b, a), for b > 0 by arctan, and otherwise by a turn of it."""
    right = np.real(b) > 0
    turned = np.sign(np.real(a)) * np.pi / 2 - np.arctan(b / a)
    return np.where(right, np.arctan(a / np.where(right, b, 1.0)), turned)


OPERATIONS: dict[str, Operation] = {
    "arccos": Operation(np.arccos, np.arccos, examples.unary(low=-0.9, high=0.9)),
    "arccosh": Operation(np.arccosh, np.arccosh, examples.unary(low=1.2, high=4.0)),
    "arcsin": Operation(np.arcsin, np.arcsin, examples.unary(low=-0.9, high=0.9)),
    "arcsinh": Operation(np.arcsinh, np.arcsinh, examples.unary()),
    "arctan": Operation(np.arctan, np.arctan, examples.unary()),
    "arctan2": Operation(
        arctan2,
        np.arctan2,
        [*examples.binary(low=0.3), *examples.binary()[1:5], example(1, draw(3))],
    ),
    "arctanh": Operation(np.arctanh, np.arctanh, examples.unary(low=-0.9, high=0.9)),
    "cos": Operation(np.cos, np.cos, examples.unary(low=-4.0, high=4.0)),
    "cosh": Operation(np.cosh, np.cosh, examples.unary()),
    "erf": Operation(special.erf, special.erf, examples.unary()),
    "exp": Operation(np.exp, np.exp, examples.unary()),
    "expm1": Operation(np.expm1, np.expm1, examples.unary()),
    "hypot": Operation(
        lambda a, b: np.sqrt(a * a + b * b),
        np.hypot,
        [*examples.binary(low=-2.0, high=-0.3), *examples.binary()[1:5], example(2, draw(3))],
    ),
    "log": Operation(np.log, np.log, examples.unary(low=0.3)),
    "log10": Operation(np.log10, np.log10, examples.unary(low=0.3)),
    "log1p": Operation(np.log1p, np.log1p, examples.unary(low=-0.7)),
    "log2": Operation(np.log2, np.log2, examples.unary(low=0.3)),
    "sin": Operation(np.sin, np.sin, examples.unary(low=-4.0, high=4.0)),
    "sinh": Operation(np.sinh, np.sinh, examples.unary()),
    "tan": Operation(np.tan, np.tan, examples.unary(low=-1.2, high=1.2)),
    "tanh": Operation(np.tanh, np.tanh, examples.unary()),
}
