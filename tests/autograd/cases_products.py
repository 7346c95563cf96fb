"""Products: for each its formula, NumPy's or SciPy's own function, and examples."""

from __future__ import annotations

import autograd_examples as examples
import autograd_formulas as formulas
import numpy as np
from autograd_examples import Operation

OPERATIONS: dict[str, Operation] = {
    "dense": Operation(formulas.dense, formulas.dense, examples.LAYERS),
    "dense_relu": Operation(formulas.dense_relu, formulas.dense_relu, examples.LAYERS),
    "dense_sigmoid": Operation(formulas.dense_sigmoid, formulas.dense_sigmoid, examples.LAYERS),
    "dense_tanh": Operation(formulas.dense_tanh, formulas.dense_tanh, examples.LAYERS),
    "linear": Operation(formulas.linear, formulas.linear, examples.products(rows=2)),
    "matmul": Operation(np.matmul, np.matmul, examples.products()),
}
