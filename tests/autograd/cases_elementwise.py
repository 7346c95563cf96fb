"""Elementwise operations: for each its formula, NumPy's or SciPy's own function, and examples."""

from __future__ import annotations

from typing import Any

import autograd_examples as examples
import autograd_formulas as formulas
import numpy as np
from autograd_examples import Operation, draw, example


def clip(x: Any, a_min: Any = None, a_max: Any = None, *, min: Any = None, max: Any = None) -> Any:
    return formulas.clip(x, min if a_min is None else a_min, max if a_max is None else a_max)


def clip_of_numpy(
    x: Any, a_min: Any = None, a_max: Any = None, *, min: Any = None, max: Any = None
) -> Any:
    low, high = min if a_min is None else a_min, max if a_max is None else a_max
    return examples.clipped(x, low, high)


CLIP = [
    example(draw(3)),
    example(draw(4, 3), min=-0.3),
    example(draw(4, 3), max=np.array([-1, 0, 1], np.int8)),
    example(draw(4, 3), min=-1, max=0.5),
    example(draw(4, 3), a_max=0.5),
]
POWERS = [
    example(draw(3, low=0.9, high=1.1), np.array([-128, 127, 1], np.int8)),
    example(draw(3, low=0.5), np.array([0, 2, 3], np.uint8)),
    example(draw(3), -3.0),
    example(3, draw(2, 2)),
]

OPERATIONS: dict[str, Operation] = {
    "abs": Operation(formulas.absolute, np.abs, [example(draw(3)), example(draw(0, 2))]),
    "absolute": Operation(formulas.absolute, np.absolute, examples.unary()),
    "add": Operation(np.add, np.add, examples.binary()),
    "astype": Operation(
        lambda x, dtype: x, lambda x, dtype: x.astype(dtype), [example(draw(3), np.float64)]
    ),
    "clip": Operation(clip, clip_of_numpy, [*examples.CLIP, *CLIP]),
    "divide": Operation(np.divide, np.divide, examples.binary(low=0.5)),
    "maximum": Operation(formulas.maximum, np.maximum, examples.binary()),
    "minimum": Operation(formulas.minimum, np.minimum, examples.binary()),
    "multiply": Operation(np.multiply, np.multiply, examples.binary()),
    "negative": Operation(np.negative, np.negative, examples.unary()),
    "positive": Operation(np.positive, np.positive, examples.unary()),
    "power": Operation(
        np.power, np.power, [*examples.binary(low=0.5), *examples.powers(), *POWERS]
    ),
    "reciprocal": Operation(lambda x: 1 / x, np.reciprocal, examples.unary(low=0.3)),
    "sign": Operation(formulas.sign, np.sign, examples.unary()),
    "sqrt": Operation(np.sqrt, np.sqrt, examples.unary(low=0.3)),
    "square": Operation(np.square, np.square, examples.unary()),
    "subtract": Operation(np.subtract, np.subtract, examples.binary()),
    "where": Operation(np.where, np.where, examples.WHERE),
}
