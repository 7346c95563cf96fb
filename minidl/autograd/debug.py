"""The :func:`debug` context, which checks every value and is slow."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence

import numpy as np

from minidl.autograd.node import Array, Edge, Node, Operation, Record, Rule, Value, changed
from minidl.autograd.tensor import Tensor
from minidl.errors import GraphError, NonFiniteError

__all__ = ["debug"]


class _Watched(list[Value]):
    """The arrays of a recorded operation, with copies of all that its rules will read.

    It replaces the list of arrays in the graph, so copies are freed with the graph.
    """

    copies: list[tuple[str, Value]]


class _Debugger:
    """Checks each value when it is computed, and compares with copies in the backward pass."""

    operation: Operation | None = None  # set by the backward pass while it runs its rules

    def before_forward(self, arrays: list[Value]) -> list[Value]:
        """Return copies of the arguments."""
        return [_copy(array) for array in arrays]

    def after_forward(self, result: Tensor, record: Record, copies: list[Value]) -> Tensor:
        """Return the result, checked to be finite and to leave the arguments unchanged."""
        operation, edges, arguments, arrays, keywords = record
        for i, (now, before) in enumerate(zip(arrays, copies, strict=True)):
            if not _same(now, before):
                raise GraphError(
                    f"{operation.name} changes its own argument {i}, so its gradient is wrong",
                    received=f"argument {i}: now {_short(now)}, before {_short(before)}",
                    hint="An operation computes a new array: y = x * x, not x *= x.",
                )
        if not np.all(np.isfinite(result.data)):
            within = self.operation
            direction = f"backward pass of {within.name}" if within else "forward pass"
            raise _not_finite(result.data, operation.name, arrays, direction)
        if result._node is not None:
            watched = _Watched(arrays)
            watched.copies = [
                (name, _copy(now)) for name, now in _read(arrays, keywords, result.data)
            ]
            result._node = (operation, edges, arguments, watched, keywords)
        return result

    def before_rules(self, record: Record, result: Array) -> Sequence[Edge]:
        """Compare with the copies; return the edges with rules whose gradients are checked."""
        operation, edges, _, arrays, keywords = record
        self.operation = operation
        if isinstance(arrays, _Watched):  # recorded within debug()
            for (what, now), (_, before) in zip(
                _read(arrays, keywords, result), arrays.copies, strict=True
            ):
                if not _same(now, before):
                    raise GraphError(
                        f"{what} of {operation.name} was changed in place between the forward and"
                        " the backward pass, so its gradient would be wrong",
                        received=f"{what}: now {_short(now)}, before {_short(before)}",
                        hint="Write into arrays only after backward(), or work on a copy.",
                    )
        return [(_checked(rule, operation, arrays), argument) for rule, argument in edges]


def _checked(rule: Rule, operation: Operation, arrays: list[Value]) -> Rule:
    """Return a rule that is checked to keep `g` and to return finite values."""

    def call(g: Value, *values: Value, **keywords: Value) -> Value:
        before = _copy(g)
        gradient = rule(g, *values, **keywords)
        if not _same(g, before):
            raise GraphError(
                f"a rule of {operation.name} changes the gradient it is given, which is shared",
                received=f"g: now {_short(_array(g))}, before {_short(before)}",
                hint="A rule computes a new array: g * x, not np.multiply(g, x, out=g).",
            )
        if not np.all(np.isfinite(gradient)):
            raise _not_finite(gradient, operation.name, arrays, "backward pass")
        return gradient

    return call


def _read(
    arrays: list[Value], keywords: dict[str, Value], result: Array
) -> list[tuple[str, Value]]:
    """Return all that the rules of an operation read, with its name in messages."""
    return [
        *((f"argument {i}", value) for i, value in enumerate(arrays)),
        *((f"keyword {name}", value) for name, value in keywords.items()),
        ("the result", result),
    ]


def _array(value: Value) -> Value:
    return value.data if isinstance(value, Node) else value


def _copy(value: Value) -> Value:
    """Copy arrays, also those inside tuples, lists and dictionaries."""
    value = _array(value)
    if isinstance(value, np.ndarray):
        return value.copy()
    if isinstance(value, dict):
        value = list(value.items())
    return [_copy(part) for part in value] if isinstance(value, list | tuple) else value


def _same(now: Value, before: Value) -> bool:
    """Compare with a copy; nan equals nan."""
    now = _array(now)
    if isinstance(now, np.ndarray):
        return np.array_equal(now, before, equal_nan=now.dtype.kind == "f")
    if isinstance(now, dict):
        now = list(now.items())
    if isinstance(now, list | tuple):
        return len(now) == len(before) and all(map(_same, now, before))
    return [now] == [before]  # identical or equal, as nan is to itself


def _short(value: Value) -> Value:
    """Return a value for a message: of a long array, both ends."""
    if isinstance(value, np.ndarray):
        return np.array2string(value, threshold=6, precision=4)
    return value


def _not_finite(value: Array, name: str, arrays: list[Value], direction: str) -> NonFiniteError:
    arguments = [a for a in arrays if isinstance(a, np.ndarray)]
    finite = all(np.all(np.isfinite(a)) for a in arguments if a.dtype.kind == "f")
    return NonFiniteError(
        f"{name} gave the first value that is not finite, in the {direction}",
        received=f"arguments of shape {', '.join(str(a.shape) for a in arguments)}; result of shape"
        f" {value.shape} with {np.sum(~np.isfinite(value))} non-finite",
        hint=None if finite else "An argument was not finite already: look at the data.",
    )


@contextlib.contextmanager
def debug() -> Iterator[None]:
    """Find the first value that is not finite, and arrays that were changed too early.

    Inside the ``with`` block, in this thread, every result and every gradient is checked, and each
    array that the backward pass reads is copied and compared, so a change through an alias such as
    ``tensor.numpy()`` is found too.

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
    ...     print(str(error)[:64])
    log gave the first value that is not finite, in the forward pass
    """
    with changed("debugger", _Debugger()):
        yield
