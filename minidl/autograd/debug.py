"""A context that looks at every value: slow, and only there when asked for."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np

from minidl.autograd.node import Array, Node, Operation, Rule, changed, pass_on
from minidl.autograd.tensor import Tensor
from minidl.errors import GraphError, NonFiniteError

__all__ = ["debug"]


class _Watched(list[Any]):
    """The arrays of a recorded operation, and copies of all that its rules will read.

    It stands in the graph where the list of arrays was, so copies are freed with the graph.
    """

    before: list[tuple[str, Any]]


class _Debugger:
    """Checks each value when made, and compares with copies in the backward pass."""

    def before_forward(self, arrays: list[Any]) -> list[Any]:
        return [_copy(one) for one in arrays]

    def after_forward(self, result: Tensor, node: tuple[Any, ...], before: list[Any]) -> None:
        operation, edges, arguments, arrays, keywords = node
        for i, (now, then) in enumerate(zip(arrays, before, strict=True)):
            if not _same(now, then):
                raise GraphError(
                    f"{operation.name} changes its own argument {i}, so its gradient is wrong",
                    received=f"argument {i}: now {_short(now)}, then {_short(then)}",
                    hint="An operation computes a new array: y = x * x, not x *= x.",
                )
        if not np.all(np.isfinite(result.data)):
            within = _backward_of()
            direction = f"backward pass of {within}" if within else "forward pass"
            raise _not_finite(result.data, operation.name, arrays, direction)
        if result._node is not None:
            watched = _Watched(arrays)
            watched.before = [
                (name, _copy(now)) for name, now in _read(arrays, keywords, result.data)
            ]
            result._node = (operation, edges, arguments, watched, keywords)

    def watched(
        self, node: tuple[Any, ...], result: Array
    ) -> tuple[Rule | None, list[tuple[Rule, Node]]]:
        """Compare with the copies; return the ways back with rules that are looked at as well."""
        operation, edges, _, arrays, keywords = node
        if isinstance(arrays, _Watched):  # recorded within debug()
            _compare(operation, _read(arrays, keywords, result), arrays.before)

        def watch(rule: Rule) -> Rule:
            def call(g: Any, *values: Any, **keywords: Any) -> Any:
                arriving = _copy(g)
                gradient = rule(g, *values, **keywords)
                _check_rule(operation, arrays, (g, arriving), gradient)
                return gradient

            return call

        common = operation.common and watch(operation.common)
        return common, [(watch(rule), argument) for rule, argument in edges]


def _compare(
    operation: Operation, read: list[tuple[str, Any]], copies: list[tuple[str, Any]]
) -> None:
    for (which, now), (_, before) in zip(read, copies, strict=True):
        if not _same(now, before):
            raise GraphError(
                f"{which} of {operation.name} was changed in place between the forward and"
                " the backward pass, so its gradient would be wrong",
                received=f"{which}: now {_short(now)}, then {_short(before)}",
                hint="Write into arrays only after backward(), or work on a copy.",
            )


def _check_rule(
    operation: Operation, arrays: list[Any], arrived: tuple[Any, Any], gradient: Any
) -> None:
    g, arriving = arrived
    if not _same(g, arriving):
        raise GraphError(
            f"a rule of {operation.name} changes the gradient it is given, which others share",
            received=f"g: now {_short(_value(g))}, then {_short(arriving)}",
            hint="A rule computes a new array: g * x, not np.multiply(g, x, out=g).",
        )
    if not np.all(np.isfinite(gradient)):
        raise _not_finite(gradient, operation.name, arrays, "backward pass")


def _read(arrays: list[Any], keywords: dict[str, Any], result: Array) -> list[tuple[str, Any]]:
    """Return all that the rules of an operation are given, by the names it has in messages."""
    return [
        *((f"argument {i}", value) for i, value in enumerate(arrays)),
        *((f"keyword {name}", value) for name, value in keywords.items()),
        ("the result", result),
    ]


def _value(given: Any) -> Any:
    return given.data if isinstance(given, Node) else given


def _copy(value: Any) -> Any:
    """Copy arrays, also those inside of tuples, lists and dictionaries."""
    value = _value(value)
    if isinstance(value, np.ndarray):
        return value.copy()
    if isinstance(value, dict):
        value = list(value.items())
    if isinstance(value, list | tuple):
        return [_copy(one) for one in value]
    return value


def _same(now: Any, before: Any) -> bool:
    """Compare with a copy; nan equals nan."""
    now = _value(now)
    if isinstance(now, np.ndarray):
        return np.array_equal(now, before, equal_nan=now.dtype.kind == "f")
    if isinstance(now, dict):
        now = list(now.items())
    if isinstance(now, list | tuple):
        return len(now) == len(before) and all(map(_same, now, before))
    return [now] == [before]  # the same or equal, as nan is to itself


def _short(value: Any) -> Any:
    """Return what stands in a message for a value: of a long array, both ends."""
    if isinstance(value, np.ndarray):
        return np.array2string(value, threshold=6, precision=4)
    return value


def _backward_of() -> str | None:
    """Return the operation whose rule runs now, with create_graph; read off the call stack."""
    frame: Any = sys._getframe()
    code = pass_on.__code__
    while frame is not None and frame.f_code is not code:
        frame = frame.f_back
    return None if frame is None else str(frame.f_locals["operation"].name)


def _not_finite(value: Array, name: str, arrays: list[Any], direction: str) -> NonFiniteError:
    shapes = ", ".join(str(a.shape) for a in arrays if isinstance(a, np.ndarray))
    floats = [a for a in arrays if isinstance(a, np.ndarray) and a.dtype.kind == "f"]
    already = not all(np.all(np.isfinite(a)) for a in floats)
    return NonFiniteError(
        f"{name} gave the first value that is not finite, in the {direction}",
        received=f"arguments of shape {shapes}; result of shape {value.shape}"
        f" with {np.sum(~np.isfinite(value))} non-finite",
        hint="An argument was not finite to begin with: look at the data." if already else None,
    )


@contextlib.contextmanager
def debug() -> Iterator[None]:
    """Find the first value that is not finite, and arrays that were changed too early.

    Inside the ``with`` block, in this thread, every operation checks its result and every
    backward rule its gradient, and each array that the backward pass will need is copied and
    compared, so a change through an alias such as ``tensor.numpy()`` is found too. Each layer of a
    model is looked at by itself.

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
    with changed("debugger", _Debugger()):
        yield
