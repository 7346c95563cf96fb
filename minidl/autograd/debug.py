"""A context that looks at every value: slow, and only there when asked for."""

from __future__ import annotations

import contextlib
import weakref
from collections.abc import Iterator
from typing import Any

import numpy as np

from minidl.autograd.node import STATE, Array
from minidl.autograd.tensor import Tensor
from minidl.errors import GraphError, NonFiniteError

__all__ = ["debug"]


class _Debugger:
    """Checks each value when made, and keeps copies to compare with in the backward pass."""

    def __init__(self) -> None:
        self.copies: dict[int, tuple[list[Any], Array]] = {}

    def after_forward(self, result: Tensor, node: tuple[Any, ...]) -> None:
        operation, _, _, arrays, _ = node
        _demand_finite(result.data, operation.name, arrays, "forward")
        if result.requires_grad:
            copies = [np.array(a) if isinstance(a, np.ndarray) else a for a in arrays]
            self.copies[result._order] = (copies, result.data.copy())
            weakref.finalize(result, self.copies.pop, result._order, None)

    def before_backward(self, tensor: Tensor) -> None:
        operation, _, _, arrays, _ = tensor._node or ()
        arrays_before, result_before = self.copies.get(tensor._order, (arrays, tensor.data))
        pairs = list(zip(arrays, arrays_before, strict=True))
        for position, (now, before) in enumerate([*pairs, (tensor.data, result_before)]):
            if isinstance(now, np.ndarray) and not np.array_equal(now, before, equal_nan=True):
                which = f"argument {position}" if position < len(pairs) else "the result"
                raise GraphError(
                    f"{which} of {operation.name} was changed in place between the forward and"
                    " the backward pass, so its gradient would be wrong",
                    received=f"{which}: now {_short(now)}, then {_short(before)}",
                    hint="Write into arrays only after backward(), or work on a copy.",
                )

    def after_backward(self, tensor: Tensor, gradient: Any) -> None:
        operation, _, _, arrays, _ = tensor._node or ()
        value = gradient.data if isinstance(gradient, Tensor) else gradient
        _demand_finite(value, operation.name, arrays, "backward")


def _short(value: Array) -> str:
    return np.array2string(value, threshold=6, precision=4)


def _demand_finite(value: Array, name: str, arrays: list[Any], direction: str) -> None:
    if np.all(np.isfinite(value)):
        return
    shapes = ", ".join(str(a.shape) for a in arrays if isinstance(a, np.ndarray))
    already = any(isinstance(a, np.ndarray) and not np.all(np.isfinite(a)) for a in arrays)
    raise NonFiniteError(
        f"{name} gave the first value that is not finite, in the {direction} pass",
        received=f"arguments of shape {shapes}; result of shape {value.shape}"
        f" with {np.sum(~np.isfinite(value))} non-finite",
        hint="An argument was not finite to begin with: look at the data." if already else None,
    )


@contextlib.contextmanager
def debug() -> Iterator[None]:
    """Find the first value that is not finite, and arrays that were changed too early.

    Inside the ``with`` block, in this thread, every operation checks its result and every
    backward rule its gradient, and each array that the backward pass will need is copied and
    compared, so a change through an alias such as ``tensor.numpy()`` is found too.

    Raises
    ------
    NonFiniteError
        Names the operation, the shapes, and forward or backward.
    GraphError
        An array was changed in place between forward and backward; names operation and argument.

    Examples
    --------
    >>> from minidl.autograd.ops import log
    >>> try:
    ...     with np.errstate(divide="ignore"), debug():
    ...         log(Tensor([1.0, 0.0], requires_grad=True))
    ... except NonFiniteError as error:
    ...     print(str(error).split(";")[0])
    log gave the first value that is not finite, in the forward pass
    """
    before, STATE.debugger = STATE.debugger, _Debugger()
    try:
        yield
    finally:
        STATE.debugger = before
