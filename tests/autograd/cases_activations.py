"""Activations: for each its formula, NumPy's or SciPy's own function, and examples."""

from __future__ import annotations

import autograd_examples as examples
import autograd_formulas as formulas
import numpy as np
from autograd_examples import Operation
from scipy import special

OPERATIONS: dict[str, Operation] = {
    "elu": Operation(formulas.elu, formulas.elu, [*examples.unary(), *examples.unary(alpha=0.7)]),
    "erf": Operation(special.erf, special.erf, examples.unary()),
    "gelu": Operation(
        formulas.gelu, lambda x: x * special.ndtr(x), examples.unary(low=-5.0, high=5.0)
    ),
    "leaky_relu": Operation(
        formulas.leaky_relu, formulas.leaky_relu, [*examples.unary(), *examples.unary(slope=0.3)]
    ),
    "log_softmax": Operation(
        formulas.log_softmax, lambda x, axis=-1: special.log_softmax(x, axis), examples.along_axis()
    ),
    "relu": Operation(formulas.relu, lambda x: np.maximum(x, 0), examples.unary()),
    "selu": Operation(formulas.selu, formulas.selu, examples.unary()),
    "sigmoid": Operation(formulas.sigmoid, special.expit, examples.unary()),
    "silu": Operation(formulas.silu, lambda x: x * special.expit(x), examples.unary()),
    "softmax": Operation(
        formulas.softmax, lambda x, axis=-1: special.softmax(x, axis), examples.along_axis()
    ),
    "softplus": Operation(formulas.softplus, lambda x: np.logaddexp(0, x), examples.unary()),
    "tanh": Operation(np.tanh, np.tanh, examples.unary()),
}
