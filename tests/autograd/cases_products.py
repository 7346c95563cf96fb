"""Products: for each its formula, NumPy's or SciPy's own function, and examples."""

from __future__ import annotations

import autograd_examples as examples
import autograd_formulas as formulas
import numpy as np
from autograd_examples import Operation

OPERATIONS: dict[str, Operation] = {
    "dense": Operation(formulas.dense, formulas.dense, examples.LAYERS),
    "linear": Operation(formulas.linear, formulas.linear, examples.products(rows=2)),
    "matmul": Operation(np.matmul, np.matmul, examples.products()),
}
