"""Losses: for each its formula, NumPy's or SciPy's own function, and examples."""

from __future__ import annotations

import autograd_examples as examples
import autograd_formulas as formulas
from autograd_examples import Operation

OPERATIONS: dict[str, Operation] = {
    "bce_with_logits": Operation(
        formulas.bce_with_logits, formulas.bce_with_logits, examples.losses(low=0.0, high=1.0)
    ),
    "hinge": Operation(formulas.hinge, formulas.hinge, examples.signs()),
    "huber": Operation(
        formulas.huber,
        formulas.huber,
        [*examples.losses(), *examples.losses(delta=0.4), *examples.losses(delta=2.5)],
    ),
    "mean_absolute_error": Operation(
        formulas.mean_absolute_error, formulas.mean_absolute_error, examples.losses()
    ),
    "mean_squared_error": Operation(
        formulas.mean_squared_error, formulas.mean_squared_error, examples.losses()
    ),
    "softmax_cross_entropy": Operation(
        formulas.softmax_cross_entropy, formulas.softmax_cross_entropy, examples.classes()
    ),
}
