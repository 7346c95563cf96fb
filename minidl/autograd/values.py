"""NumPy functions of the values of Tensors, without a gradient, such as argmax and comparisons."""

from collections.abc import Callable
from typing import Any

import numpy as np

from minidl.autograd.node import Value, array_of
from minidl.errors import DTypeError, MinidlError, ShapeError


def _arrays(value: Value) -> Value:
    """Return the array of a Tensor, also within lists and tuples, and anything else as it is."""
    if type(value) in (list, tuple):
        return type(value)(_arrays(part) for part in value)
    return array_of(value)


def on_values(function: Callable[..., Any], arguments: Value, **named: Value) -> Any:
    """Call a function on arrays in the place of Tensors; its errors become those of minidl."""
    arrays = [_arrays(argument) for argument in arguments]
    try:
        return function(*arrays, **{name: _arrays(value) for name, value in named.items()})
    except (ValueError, TypeError) as error:
        if isinstance(error, MinidlError):
            raise
        kind = ShapeError if isinstance(error, ValueError) else DTypeError
        received = ", ".join(
            f"shape {a.shape}" if isinstance(a, np.ndarray) else repr(a) for a in arrays
        )
        raise kind(f"{function.__name__} failed: {error}", received=received) from error
