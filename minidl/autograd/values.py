"""NumPy functions of the values of Tensors, without a gradient, such as argmax and comparisons."""

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from minidl.autograd.node import Node, Value, array_of
from minidl.errors import DTypeError, MinidlError, OutOfRangeError, ShapeError, TooLargeError


def _arrays(value: Value) -> Value:
    """Return the array of a Tensor, also within lists and tuples, and anything else as it is."""
    if type(value) in (list, tuple):
        return type(value)(_arrays(part) for part in value)
    return array_of(value)


def kind_of(error: Exception) -> type[MinidlError]:
    """Return the class of minidl's error for one of NumPy or Python."""
    kinds: list[tuple[Any, type[MinidlError]]] = [
        (MemoryError, TooLargeError),
        (ValueError, ShapeError),  # also NumPy's AxisError, which is an IndexError, too
        ((IndexError, OverflowError), OutOfRangeError),
    ]
    return next((ours for kind, ours in kinds if isinstance(error, kind)), DTypeError)


def described(values: Iterable[Value]) -> str:
    """Return dtypes and shapes of arrays, and other arguments as they are."""
    return ", ".join(
        f"{v.dtype}{list(v.shape)}"
        if isinstance(v, np.ndarray | Node)
        else "an integer of more than 100 bits"
        if isinstance(v, int) and v.bit_length() > 100
        else repr(v)
        for v in values
    )


def on_values(function: Callable[..., Any], arguments: Value, **named: Value) -> Any:
    """Call a function on arrays in the place of Tensors; its errors become those of minidl."""
    arrays = [_arrays(argument) for argument in arguments]
    try:
        return function(*arrays, **{name: _arrays(value) for name, value in named.items()})
    except (ValueError, TypeError, OverflowError, MemoryError) as error:
        if isinstance(error, MinidlError):
            raise
        kind = kind_of(error)
        received = described(arrays)
        reason = str(error) or "out of memory"
        raise kind(f"{function.__name__} failed: {reason}", received=received) from error
