"""Rounding and remainders: for each its formula, NumPy's own function, and examples."""

from __future__ import annotations

from typing import Any

import autograd_examples as examples
import numpy as np
from autograd_examples import Example, Operation, draw, example


def steps(f: Any) -> Any:
    """A function of the real part alone: its derivative is 0."""
    return lambda x, *rest: f(np.real(x), *rest) + 0 * x


def quotients() -> list[Example]:
    """No quotient is near a whole number, where the remainder jumps."""
    found = []
    for a, b in examples.PAIRS:
        whole = np.trunc(draw(*a, low=-9, high=9)) * 30
        left = np.asarray(whole + draw(*a, low=0.2, high=0.4))
        found.append(example(left, np.full(b, 15.0)))
    return [
        *found,
        example(draw(3, low=4.1, high=4.4), -2),
        example(7.3, draw(2, low=2.1, high=2.3)),
    ]


OPERATIONS: dict[str, Operation] = {
    "ceil": Operation(steps(np.ceil), np.ceil, examples.unary()),
    "floor": Operation(steps(np.floor), np.floor, examples.unary()),
    "floor_divide": Operation(
        lambda a, b: np.floor(np.real(a) / np.real(b)) + 0 * a * b, np.floor_divide, quotients()
    ),
    "fmod": Operation(lambda a, b: a - b * np.trunc(np.real(a) / np.real(b)), np.fmod, quotients()),
    "remainder": Operation(
        lambda a, b: a - b * np.floor(np.real(a) / np.real(b)), np.remainder, quotients()
    ),
    "round": Operation(
        steps(np.round), np.round, [*examples.unary(), example(draw(4), 1), example(draw(3), -1)]
    ),
    "trunc": Operation(steps(np.trunc), np.trunc, examples.unary()),
}
