"""Whole numbers near x, and division with a remainder.

What is rounded is constant between its steps, so its gradient is 0, at the steps as well.
"""

import numpy as np

from minidl.autograd.node import Value
from minidl.autograd.primitive import from_numpy, primitive

__all__ = ["ceil", "floor", "floor_divide", "fmod", "remainder", "round", "trunc"]


def _flat(g: Value, y: Value, *arguments: Value, **keywords: Value) -> Value:
    """Return zeros like g, also where g is infinite."""
    return np.where(False, g, 0.0)


# fmt: off
floor = from_numpy(np.floor, _flat, doc="Largest whole number that is at most x; dy/dx = 0.")
ceil = from_numpy(np.ceil, _flat, doc="Smallest whole number that is at least x; dy/dx = 0.")
trunc = from_numpy(np.trunc, _flat, doc="The nearest whole number towards 0; dy/dx = 0.")
floor_divide = from_numpy(np.floor_divide, _flat, _flat,
    doc="Whole quotient, y = floor(a / b), also a // b; dy/da = dy/db = 0 (refused by PyTorch).")
remainder = from_numpy(np.remainder,
    lambda g, y, a, b: g, lambda g, y, a, b: -g * np.floor_divide(a, b),
    doc="Remainder with the sign of b, y = a - b floor(a / b), also a % b;\n"
        "    dy/da = 1, dy/db = -floor(a / b).")
fmod = from_numpy(np.fmod,  # a / b itself may be rounded up to a whole number
    lambda g, y, a, b: g, lambda g, y, a, b: -g * np.round((a - y) / b),
    doc="Remainder with the sign of a, y = a - b trunc(a / b); dy/da = 1, dy/db = -trunc(a / b).")
# fmt: on


@primitive(_flat, elementwise=True)
def round(a: Value, decimals: int = 0) -> Value:
    """Round to so many decimals, halves to the even neighbour, as NumPy; dy/dx = 0.

    >>> round([0.5, 1.5, 2.25], 1), round([0.5, 1.5, 2.25])
    (array([0.5, 1.5, 2.2]), array([0., 2., 2.]))
    """
    return np.round(a, decimals)


def divmod_(a: Value, b: Value) -> tuple[Value, Value]:
    """Return the whole quotient and the remainder, as Python's divmod."""
    return floor_divide(a, b), remainder(a, b)
