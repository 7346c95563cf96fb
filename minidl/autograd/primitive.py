"""How an operation is made: a forward function on arrays, and one rule per argument."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable
from typing import Any, ParamSpec

import numpy as np

from minidl.autograd.node import CHANGED, STATE, USUAL, Node, Operation, Rule, no_rule
from minidl.autograd.tensor import NUMPY, Tensor, make
from minidl.errors import (
    ArgumentError,
    DTypeError,
    MinidlError,
    MissingRuleError,
    OutOfRangeError,
    ShapeError,
)

__all__ = ["composite", "primitive", "quiet"]

P = ParamSpec("P")
quiet = np.errstate(under="ignore")  # for functions where what is too small is rightly zero


def primitive(
    *rules: Rule | None,
    each: Callable[[int], Rule] | None = None,
    numpy: Iterable[Any] = (),
    methods: Iterable[str] = (),
    reflected: str | None = None,
    common: Rule | None = None,
) -> Callable[[Callable[P, Any]], Callable[P, Any]]:
    """Turn a function of arrays into a differentiable operation.

    Parameters
    ----------
    *rules : callable or None
        One for each differentiable argument, in order:
        ``(g, y, *arguments, **keywords) -> gradient`` with respect to that argument, where `g` is
        the gradient with respect to the result `y`, or what `common` made of it. A rule is a plain
        NumPy expression. It never changes what it is given, and it may ignore broadcasting, which
        is undone for it. The same rule runs on arrays, and on Tensors when a derivative of the
        derivative is wanted. None stands for an argument through which no gradient flows.
    each : callable, optional
        For any number of arguments: ``position -> rule`` for those beyond `rules`.
    numpy : iterable of NumPy functions, optional
        Those that shall mean this operation when called with a Tensor.
    methods : iterable of str, optional
        Names under which it becomes a method of :class:`Tensor`.
    reflected : str, optional
        The method for the exchanged order, such as ``"__radd__"``.
    common : callable, optional
        What all rules begin with, computed once: ``(g, y, *arguments, **keywords)``, as for a
        rule. The rules are given what it returns, as it is, in place of `g`. In y = f(h(a, b)) it
        is g f', if f' follows from y, and the rules are those of h.

    Returns
    -------
    callable
        A decorator. The decorated function takes arrays and Tensors; it returns a Tensor if it
        was given one, and an array otherwise.

    Examples
    --------
    Softsign, y = x / (1 + |x|), has the derivative 1 / (1 + |x|)^2:

    >>> @primitive(lambda g, y, x: g / (1 + np.abs(x)) ** 2)
    ... def softsign(x):
    ...     return x / (1 + np.abs(x))
    >>> x = Tensor([-1.0, 0.0, 3.0], requires_grad=True)
    >>> softsign(x).sum().backward()
    >>> x.grad
    array([0.25  , 1.    , 0.0625])
    """

    def decorate(forward: Callable[P, Any]) -> Callable[P, Any]:
        _check_rules(forward, rules, common)
        operation = Operation(_name(forward), rules, each, common)
        operation.call = _differentiable(forward, operation)
        _register(operation.call, numpy, methods, reflected)
        return operation.call

    return decorate


def _check_rules(forward: Any, rules: tuple[Any, ...], common: Any) -> None:
    """Say what is wrong with a decoration before it is used."""
    usage = "@primitive(rule, ...) above a function of arrays, with a rule for each argument"
    if not callable(forward):
        received = f"something of type {type(forward).__name__}"
        raise ArgumentError(
            "only a function becomes an operation",
            received=received,
            expected=usage,
            hint="Without parentheses, @primitive takes the function for a rule.",
        )
    given = rules if common is None else (*rules, common)
    if not all(rule is None or callable(rule) for rule in given):
        raise ArgumentError("a rule is a function, or None", received=str(given), expected=usage)
    try:
        inspect.signature(forward).bind_partial(*rules)
    except ValueError:  # a ufunc, or another function in C, does not tell its arguments
        return
    except TypeError:
        received = f"{len(rules)} rules"
        what = f"{_name(forward)} has more rules than arguments"
        raise ArgumentError(what, received=received, expected=usage) from None


def _differentiable(forward: Callable[..., Any], operation: Operation) -> Callable[..., Any]:
    """Return `forward` as a function of arrays and Tensors that records what it did."""
    rules, known, most = operation.rules, len(operation.rules), operation.most

    @functools.wraps(forward)
    def call(*arguments: Any, **keywords: Any) -> Any:
        if keywords and any(isinstance(value, Tensor) for value in keywords.values()):
            arguments, keywords = _by_position(forward, arguments, keywords)
        arrays: list[Any] = []
        edges: list[tuple[Rule, Node]] = []  # the ways that a gradient will go back
        state = STATE if CHANGED else USUAL
        recording, debugger = state.recording, state.debugger
        is_tensor, position = False, -1  # counted by hand: enumerate takes 0.1 us to begin
        for argument in arguments:
            position += 1
            if isinstance(argument, Tensor):
                is_tensor = True
                arrays.append(argument.data)
                if recording and argument.requires_grad:
                    rule = rules[position] if position < known else operation.beyond(position)
                    if rule is not None:
                        edges.append((rule, argument))
            else:
                is_list = position < most and isinstance(argument, (list, tuple))
                arrays.append(np.asarray(argument) if is_list else argument)
        if not is_tensor:
            return forward(*arrays, **keywords)
        before = debugger and debugger.before_forward(arrays)
        try:
            y = forward(*arrays, **keywords) if keywords else forward(*arrays)
        except (ValueError, TypeError, AttributeError, IndexError) as error:
            raise _in_our_words(error, forward, arrays, keywords) from error
        if type(y) is not np.ndarray or y.dtype.char not in "fd":
            y = _real(y, forward, arrays)
        node = (operation, edges, arguments, arrays, keywords)
        result = make(y, node if edges else None)
        if debugger is not None:
            debugger.after_forward(result, node, before)
        return result

    return call


def composite(
    *, numpy: Iterable[Any] = (), methods: Iterable[str] = ()
) -> Callable[[Callable[P, Any]], Callable[P, Any]]:
    """Register a function that is written in other operations, and so needs no rule of its own.

    Its body is plain NumPy, which means those operations as soon as a Tensor is among the
    arguments. The parameters are those of :func:`primitive`.
    """

    def decorate(function: Callable[P, Any]) -> Callable[P, Any]:
        @functools.wraps(function)
        def call(*arguments: Any, **keywords: Any) -> Any:
            try:
                return function(*arguments, **keywords)
            except (ValueError, TypeError, IndexError) as error:
                raise _in_our_words(error, function, arguments, keywords) from error

        _register(call, numpy, methods, None)
        return call

    return decorate


def _register(
    call: Callable[..., Any], numpy: Iterable[Any], methods: Iterable[str], reflected: str | None
) -> None:
    """Make `call` what NumPy's functions, the methods and the reflected operator mean."""
    for function in numpy:
        NUMPY[function] = call
    for name in methods:
        setattr(Tensor, name, call)
    if reflected is not None:
        setattr(Tensor, reflected, lambda self, other: call(other, self))


def _real(y: Any, forward: Callable[..., Any], arrays: list[Any]) -> Any:
    """Return a result as an array of floats; NumPy turns arrays without axes into scalars."""
    y = np.asarray(y)
    if y.dtype.char not in "fd":
        raise DTypeError(
            f"{_name(forward)} would leave the real numbers that minidl differentiates",
            received=", ".join(map(_describe, arrays)),
            expected="a result of float64 or float32",
        )
    return y


def _in_our_words(error: Exception, function: Any, arguments: Any, keywords: Any) -> MinidlError:
    """Return what NumPy or Python said of a call as an error that tells what was received."""
    if isinstance(error, MinidlError):
        return error
    _check_call(function, arguments, keywords)
    given = ", ".join(map(_describe, [*arguments, *keywords.values()]))
    what = f"{_name(function)} does not accept this: {error}"
    return _KINDS[_kind(error)](what, received=given)


_KINDS: dict[type[Exception], type[MinidlError]] = {
    ValueError: ShapeError,  # before IndexError, for NumPy's error about an axis is both
    IndexError: OutOfRangeError,
    Exception: DTypeError,
}


def _kind(error: Exception) -> type[Exception]:
    return next(kind for kind in _KINDS if isinstance(error, kind))


def _check_call(function: Callable[..., Any], arguments: Any, keywords: dict[str, Any]) -> None:
    """Refuse arguments that the function does not have, such as NumPy's ``out``."""
    signature = inspect.signature(function)
    try:
        signature.bind(*arguments, **keywords)
    except TypeError as error:
        shown = [p.replace(annotation=p.empty) for p in signature.parameters.values()]
        raise MissingRuleError(
            f"{_name(function)} cannot be called like this: {error}",
            expected=f"{_name(function)}{inspect.Signature(shown)}",
        ) from None


def _by_position(forward: Any, arguments: Any, keywords: Any) -> tuple[Any, Any]:
    """Return the same call with its Tensors among the positional arguments.

    What can be given by keyword only is a constant, and becomes an array.
    """
    _check_call(forward, arguments, keywords)
    bound = inspect.signature(forward).bind(*arguments, **keywords)
    bound.apply_defaults()
    constants = dict(bound.kwargs)
    for name, value in constants.items():
        if isinstance(value, Tensor):
            if value.requires_grad:
                raise no_rule(_name(forward), f"its keyword {name}")
            constants[name] = value.data
    return bound.args, constants


def _name(function: Callable[..., Any]) -> str:
    """Return the name for messages; the inner part ``_f`` of an operation ``f`` is f as well."""
    return function.__name__.lstrip("_")


def _describe(value: object) -> str:
    if isinstance(value, np.ndarray | Tensor):
        return f"{value.dtype}{list(value.shape)}"
    return repr(value)
