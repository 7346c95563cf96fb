"""Reductions: for each its formula, NumPy's or SciPy's own function, and examples."""

from __future__ import annotations

import autograd_examples as examples
import autograd_formulas as formulas
import numpy as np
from autograd_examples import Operation
from scipy import special

OPERATIONS: dict[str, Operation] = {
    "logsumexp": Operation(formulas.logsumexp, special.logsumexp, examples.reductions()),
    "max": Operation(formulas.largest, np.max, examples.reductions()),
    "mean": Operation(np.mean, np.mean, examples.reductions()),
    "min": Operation(formulas.smallest, np.min, examples.reductions()),
    "sum": Operation(np.sum, np.sum, examples.reductions()),
}
