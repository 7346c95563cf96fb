"""Elementwise operations: for each its formula, NumPy's or SciPy's own function, and examples."""

from __future__ import annotations

import autograd_examples as examples
import autograd_formulas as formulas
import numpy as np
from autograd_examples import Operation, draw, example

OPERATIONS: dict[str, Operation] = {
    "absolute": Operation(formulas.absolute, np.absolute, examples.unary()),
    "add": Operation(np.add, np.add, examples.binary()),
    "astype": Operation(
        lambda x, dtype: x, lambda x, dtype: x.astype(dtype), [example(draw(3), np.float64)]
    ),
    "clip": Operation(formulas.clip, examples.clipped, examples.CLIP),
    "divide": Operation(np.divide, np.divide, examples.binary(low=0.5)),
    "exp": Operation(np.exp, np.exp, examples.unary()),
    "expm1": Operation(np.expm1, np.expm1, examples.unary()),
    "log": Operation(np.log, np.log, examples.unary(low=0.3)),
    "log1p": Operation(np.log1p, np.log1p, examples.unary(low=-0.7)),
    "maximum": Operation(formulas.maximum, np.maximum, examples.binary()),
    "minimum": Operation(formulas.minimum, np.minimum, examples.binary()),
    "multiply": Operation(np.multiply, np.multiply, examples.binary()),
    "negative": Operation(np.negative, np.negative, examples.unary()),
    "positive": Operation(np.positive, np.positive, examples.unary()),
    "power": Operation(np.power, np.power, [*examples.binary(low=0.5), *examples.powers()]),
    "sign": Operation(formulas.sign, np.sign, examples.unary()),
    "sqrt": Operation(np.sqrt, np.sqrt, examples.unary(low=0.3)),
    "square": Operation(np.square, np.square, examples.unary()),
    "subtract": Operation(np.subtract, np.subtract, examples.binary()),
    "where": Operation(np.where, np.where, examples.WHERE),
}
