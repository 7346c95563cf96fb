"""The :func:`debug` context, which checks every value and is slow."""

import contextlib
from collections.abc import Iterator, Sequence

import numpy as np

from minidl.autograd.node import Edge, Operation, Record, Rule, Value, array_of, changed, name_of
from minidl.autograd.tensor import Tensor
from minidl.errors import GraphError, NonFiniteError
from minidl.keywords import answers


class _Watched(list[Value]):
    """The arrays of an operation with copies of all that its rules read, freed with the graph."""

    copies: list[Value]


class _Debugger:
    """Checks each value when it is computed, and compares with copies in the backward pass."""

    operation: Operation | None = None  # set by the backward pass while it runs its rules

    def before_forward(self, arrays: list[Value]) -> list[Value]:
        """Return copies of the arguments."""
        return [_copy(array) for array in arrays]

    def after_forward(self, result: Tensor, record: Record, copies: list[Value]) -> Tensor:
        """Return the result, checked to be finite and to leave the arguments unchanged."""
        operation, edges, arguments, arrays, keywords = record
        name, within = name_of(operation), self.operation
        for i, (now, before) in enumerate(zip(arrays, copies, strict=True)):
            message = f"{name} changes its own argument {i}, so its gradient is wrong"
            hint = "An operation computes a new array: y = x * x, not x *= x."
            _check_same(f"argument {i}", now, before, message, hint)
        direction = f"backward pass of {name_of(within)}" if within else "forward pass"
        _check_finite(result.data, name, arrays, direction)
        if result._node is not None:
            watched = _Watched(arrays)
            watched.copies = [*copies, *map(_copy, keywords.values()), _copy(result)]
            result._node = (operation, edges, arguments, watched, keywords)
        return result

    def before_rules(self, record: Record, result: Value) -> Sequence[Edge]:
        """Compare with the copies; return the edges with rules whose gradients are checked."""
        self.operation, edges, _, arrays, keywords = record
        name = name_of(self.operation)
        if isinstance(arrays, _Watched):  # recorded within debug()
            values = {f"argument {i}": value for i, value in enumerate(arrays)}
            values |= {f"keyword {key}": value for key, value in keywords.items()}
            values["the result"] = result
            for (place, now), before in zip(values.items(), arrays.copies, strict=True):
                message = f"{place} of {name} was changed in place between the forward and the"
                message += " backward pass, so its gradient would be wrong"
                hint = "Write into arrays only after backward(), or work on a copy."
                _check_same(place, now, before, message, hint)
        return [(_checked(rule, name, arrays), argument) for rule, argument in edges]


def _checked(rule: Rule, name: str, arrays: list[Value]) -> Rule:
    """Return a rule that is checked to keep `g` and to return finite values."""

    def call(g: Value, *values: Value, **keywords: Value) -> Value:
        before = _copy(g)
        gradient = rule(g, *values, **keywords)
        message = f"a rule of {name} changes the gradient it is given, which is shared"
        hint = "A rule computes a new array: g * x, not np.multiply(g, x, out=g)."
        _check_same("g", g, before, message, hint)
        _check_finite(gradient, name, arrays, "backward pass")
        return gradient

    return call


def _parts(value: Value) -> Value:
    """Return the array of a Tensor, the items of a dictionary, and anything else as it is."""
    return list(value.items()) if isinstance(value, dict) else array_of(value)


def _copy(value: Value) -> Value:
    """Copy arrays, also those inside tuples, lists and dictionaries."""
    value = _parts(value)
    if isinstance(value, np.ndarray):
        return value.copy()
    return [_copy(part) for part in value] if isinstance(value, list | tuple) else value


def _same(now: Value, before: Value) -> bool:
    """Compare with a copy; nan equals nan."""
    now = _parts(now)
    if isinstance(now, np.ndarray):
        return np.array_equal(now, before, equal_nan=now.dtype.kind == "f")
    if isinstance(now, list | tuple):
        return len(now) == len(before) and all(map(_same, now, before))
    return [now] == [before]  # identical or equal, as nan is to itself


def _short(value: Value) -> Value:
    """Return a value for a message: of a long array, both ends."""
    shortened = isinstance(value, np.ndarray)
    return np.array2string(value, threshold=6, precision=4) if shortened else value


def _check_same(place: str, now: Value, before: Value, message: str, hint: str) -> None:
    """Raise if a value differs from its copy."""
    if not _same(now, before):
        received = f"{place}: now {_short(array_of(now))}, before {_short(before)}"
        raise GraphError(message, received=received, hint=hint)


def _check_finite(value: Value, name: str, arrays: list[Value], direction: str) -> None:
    """Raise if a result or a gradient is not finite."""
    infinite = ~np.isfinite(value)
    if infinite.any():
        arguments = [a for a in arrays if isinstance(a, np.ndarray)]
        finite = all(np.all(np.isfinite(a)) for a in arguments if a.dtype.kind == "f")
        shapes = ", ".join(str(a.shape) for a in arguments)
        message = f"{name} gave the first value that is not finite, in the {direction}"
        received = f"arguments of shape {shapes}; result of shape {value.shape} with"
        received += f" {np.sum(infinite)} non-finite"
        hint = None if finite else "An argument was not finite already: look at the data."
        raise NonFiniteError(message, received=received, hint=hint)


@contextlib.contextmanager
@answers
def debug() -> Iterator[None]:
    """Find the first value that is not finite, and arrays that were changed too early.

    Inside the ``with`` block, in this thread, every result and every gradient is checked. Arrays
    that the backward pass reads are copied and compared, which also finds changes through an alias
    such as ``tensor.numpy()``. Raises a NonFiniteError or a GraphError, which names the operation
    and the shapes, or the argument, and forward or backward.

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
