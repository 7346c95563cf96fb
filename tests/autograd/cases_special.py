"""Special functions and gates: for each its formula, SciPy's or NumPy's own, and examples."""

from __future__ import annotations

from typing import Any

import autograd_examples as examples
import autograd_formulas as formulas
import numpy as np
from autograd_examples import Operation, draw, example
from scipy import special


def sinc(x: Any) -> Any:
    return np.sin(np.pi * x) / (np.pi * x)


def lerp(a: Any, b: Any, t: Any) -> Any:
    return a + t * (b - a)


def nan_to_num(x: Any, nan: Any = 0.0, posinf: Any = None, neginf: Any = None) -> Any:
    """Of real and of complex numbers, where only the real part is looked at."""
    new = np.nan_to_num(np.real(x), nan=nan, posinf=posinf, neginf=neginf)
    return np.where(np.isfinite(np.real(x)), x, new)


def halves(x: Any, axis: int = -1) -> Any:
    a, b = np.split(x, 2, axis)
    return a * formulas.sigmoid(b)


def hardsigmoid(x: Any) -> Any:
    return formulas.clip(x / 6 + 0.5, 0, 1)


def softshrink(x: Any, lambd: float = 0.5) -> Any:
    return np.where(np.real(x) > lambd, x - lambd, np.where(np.real(x) < -lambd, x + lambd, 0 * x))


def prelu(x: Any, slope: Any) -> Any:
    return np.where(np.real(x) > 0, x, slope * x)


WIDE = examples.unary(low=-5.0, high=8.0)
FEATURES: list[tuple[tuple[int, ...], tuple[int, ...]]] = [
    ((4, 3), (3,)),
    ((3,), ()),
    ((2, 4, 3), (2, 1, 3)),
]

OPERATIONS: dict[str, Operation] = {
    "erfc": Operation(special.erfc, special.erfc, examples.unary()),
    "exp2": Operation(lambda x: np.exp(x * np.log(2)), np.exp2, examples.unary()),
    "glu": Operation(
        halves,
        halves,
        [
            *(example(draw(4)), example(draw(2, 6)), example(draw(4, 3), 0), example(draw(0, 2))),
            *(example(draw(2, 4, 3), axis=-2), example(draw(6, 8)[::2, ::-2])),
        ],
    ),
    "hardsigmoid": Operation(hardsigmoid, hardsigmoid, WIDE),
    "hardswish": Operation(lambda x: x * hardsigmoid(x), lambda x: x * hardsigmoid(x), WIDE),
    "lerp": Operation(
        lerp,
        lerp,
        [
            example(draw(3), draw(3), draw(3, low=0.1, high=0.4)),
            example(draw(2, 3), draw(3), draw(2, 1, low=0.6, high=1.4)),
            *(example(draw(), 2.0, 0.25), example(draw(4, 2, 3), draw(2, 3), 0.75)),
            *(example(1, draw(2), -0.5), example(draw(0, 3), draw(3), draw())),
        ],
    ),
    "logit": Operation(
        lambda x: np.log(x / (1 - x)), special.logit, examples.unary(low=0.1, high=0.9)
    ),
    "nan_to_num": Operation(
        nan_to_num,
        nan_to_num,
        [
            *examples.unary(),
            example(np.array([[1.0, 2.5], [-3.0, 0.5]]), nan=4.0, posinf=1.0, neginf=-1.0),
        ],
    ),
    "prelu": Operation(
        prelu,
        prelu,
        [
            *(example(draw(*x), draw(*w, low=0.1)) for x, w in FEATURES),
            *(example(draw(5), 0.25), example(draw(0, 3), draw(3))),
        ],
    ),
    "relu6": Operation(lambda x: formulas.clip(x, 0, 6), lambda x: np.clip(x, 0, 6), WIDE),
    "rsqrt": Operation(lambda x: 1 / np.sqrt(x), lambda x: 1 / np.sqrt(x), examples.unary(low=0.3)),
    "sinc": Operation(
        sinc, np.sinc, [*examples.unary(), example(draw(5, low=0.01, high=0.6)), *WIDE[1:3]]
    ),
    "softshrink": Operation(
        softshrink,
        softshrink,
        [*examples.unary(), example(draw(5), 0.3), example(draw(2, 3), lambd=1.0)],
    ),
}
