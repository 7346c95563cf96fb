"""Operations: a forward function of arrays, and one rule per argument."""

from __future__ import annotations

import functools
import inspect
import sys
import warnings
from collections.abc import Callable, Iterable
from typing import Any, ParamSpec

import numpy as np

from minidl.autograd.node import (
    STATE,
    Array,
    Edge,
    Operation,
    Record,
    Rule,
    Value,
    creation,
    no_rule,
)
from minidl.autograd.tensor import NUMPY, Tensor
from minidl.errors import (
    ArgumentError,
    DTypeError,
    MinidlError,
    MissingRuleError,
    OutOfRangeError,
    ShapeError,
)

__all__ = ["composite", "from_numpy", "primitive", "quiet"]

P = ParamSpec("P")
_POSITIONAL_OR_KEYWORD = inspect.Parameter.POSITIONAL_OR_KEYWORD

quiet = np.errstate(under="ignore")  # for functions where what is too small is rightly zero
_new = Tensor.__new__


def primitive(
    *rules: Rule | None,
    rule_at: Callable[[int], Rule] | None = None,
    numpy: Iterable[Callable[..., Any]] = (),
    methods: Iterable[str] = (),
    reflected: str | None = None,
    each: Callable[[int], Rule] | None = None,
) -> Callable[[Callable[P, Value]], Callable[P, Value]]:
    """Turn a function of arrays into a differentiable operation.

    Parameters
    ----------
    *rules : callable or None
        One for each differentiable argument, in order:
        ``(g, y, *arguments, **keywords) -> gradient`` with respect to that argument, where `g` is
        the gradient with respect to the result `y`. A rule is a plain NumPy expression that
        changes nothing in place. It may ignore broadcasting, which is undone for it. The same rule
        runs on arrays, and on Tensors for second derivatives. None: no gradient flows there.
    rule_at : callable, optional
        For functions of ``*arguments``: ``position -> rule``, beyond `rules`. (`each` is its
        deprecated name.)
    numpy : iterable of NumPy functions, optional
        NumPy functions dispatched to this operation when called with a Tensor.
    methods : iterable of str, optional
        Names under which it becomes a method of :class:`Tensor`.
    reflected : str, optional
        The method for the exchanged order, such as ``"__radd__"``.

    Returns
    -------
    callable
        A decorator. The decorated function returns a Tensor if an argument is one, otherwise an
        array.

    Raises
    ------
    ArgumentError
        What is decorated is not a function, or the rules are not its rules.

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
    if each is not None:
        warnings.warn("each is now called rule_at", DeprecationWarning, stacklevel=2)
        rule_at = each

    def decorate(forward: Callable[P, Value]) -> Callable[P, Value]:
        _check_rules(forward, rules)
        operation = Operation(_name(forward), rules, rule_at)
        operation.call = _differentiable(forward, operation)
        ufunc = inspect.unwrap(forward)
        if isinstance(ufunc, np.ufunc):  # without out, where and the like
            names = "x" if ufunc.nin == 1 else "ab"
            kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
            vars(operation.call)["__signature__"] = inspect.Signature(
                [inspect.Parameter(name, kind) for name in names]
            )
        NUMPY.update(dict.fromkeys(numpy, operation.call))
        for name in methods:
            setattr(Tensor, name, operation.call)
        if reflected is not None:
            setattr(Tensor, reflected, lambda self, other: operation.call(other, self))
        return operation.call

    return decorate


def _check_rules(forward: object, rules: tuple[object, ...]) -> None:
    """Check that `forward` is a function with an argument for each rule."""
    usage = "@primitive(rule, ...) above a function of arrays, with a rule for each argument"
    if not callable(forward):
        raise ArgumentError(
            "only a function becomes an operation",
            received=f"a {type(forward).__name__}",
            expected=usage,
            hint="Without parentheses, @primitive takes the function for a rule.",
        )
    if not all(rule is None or callable(rule) for rule in rules):
        raise ArgumentError("a rule is a function or None", received=str(rules), expected=usage)
    try:
        inspect.signature(forward).bind_partial(*rules)
    except ValueError:  # a ufunc, or another function in C without a signature
        return
    except TypeError:
        what = f"{_name(forward)} has fewer arguments than rules"
        raise ArgumentError(what, received=f"{len(rules)} rules", expected=usage) from None


def _differentiable(forward: Callable[..., Value], operation: Operation) -> Callable[..., Value]:
    """Return `forward` as a function of arrays and Tensors that is recorded in the graph."""
    rules, n_rules, n_lists = operation.rules, len(operation.rules), operation.n_lists
    limit = getattr(inspect.unwrap(forward), "nin", sys.maxsize)  # arguments of a ufunc

    @functools.wraps(forward)
    def call(*arguments: Value, **keywords: Value) -> Value:
        if keywords or len(arguments) > limit:
            arguments, keywords = _check_keywords(call, arguments, keywords)
        recording, debugger = STATE.recording, STATE.debugger
        arrays: list[Value] = []
        edges: list[Edge] = []
        has_tensor = False
        for position, argument in enumerate(arguments):
            if isinstance(argument, Tensor):
                has_tensor = True
                arrays.append(argument.data)
                if recording and argument.requires_grad:
                    rule = rules[position] if position < n_rules else operation.beyond(position)
                    if rule is not None:
                        edges.append((rule, argument))
            else:
                is_list = position < n_lists and isinstance(argument, (list, tuple))
                arrays.append(np.asarray(argument) if is_list else argument)
        if not has_tensor:
            return forward(*arrays, **keywords)
        copies = debugger.before_forward(arrays) if debugger else []
        try:
            y = forward(*arrays, **keywords)
        except (ValueError, TypeError, AttributeError, IndexError) as error:
            raise _call_error(error, call, arrays, keywords) from error
        if type(y) is not np.ndarray or y.dtype.char not in "fd":
            y = _real(y, call, arrays)
        record: Record = (operation, edges, arguments, arrays, keywords)
        result = _new(Tensor)
        result.data, result.grad, result.requires_grad = y, None, bool(edges)
        result._order, result._node = next(creation), record if edges else None
        return result if debugger is None else debugger.after_forward(result, record, copies)

    return call


def from_numpy(function: Callable[..., Value], *rules: Rule, doc: str) -> Callable[..., Value]:
    """Return a NumPy function as an operation of :mod:`minidl.autograd.ops` with these rules."""
    operation = primitive(*rules)(function)
    operation.__doc__, operation.__module__ = doc, "minidl.autograd.ops"
    return operation


def composite(function: Callable[P, Value]) -> Callable[P, Value]:
    """Give a function that is written in other operations, without a rule, their errors."""

    @functools.wraps(function)
    def call(*arguments: P.args, **keywords: P.kwargs) -> Value:
        try:
            return function(*arguments, **keywords)
        except (ValueError, TypeError, IndexError) as error:
            raise _call_error(error, function, arguments, keywords) from error

    return call


def _real(y: Value, function: Callable[..., Value], arrays: list[Value]) -> Array:
    """Return a result as an array of floats; NumPy returns arrays without axes as scalars."""
    array: Array = np.asarray(y)
    if array.dtype.char not in "fd":
        what = f"{_name(function)} must return float64 or float32 to be differentiated"
        raise DTypeError(what, received=f"dtype {array.dtype} for {_described(arrays)}")
    return array


def _call_error(
    error: Exception,
    function: Callable[..., Value],
    arguments: Iterable[Value],
    keywords: dict[str, Value],
) -> MinidlError:
    """Return an exception of NumPy as ShapeError, OutOfRangeError or DTypeError with the shapes."""
    if isinstance(error, MinidlError):
        return error
    _check_signature(function, arguments, keywords)
    error_class: type[MinidlError] = DTypeError
    if isinstance(error, IndexError):
        error_class = OutOfRangeError
    if isinstance(error, ValueError):  # NumPy's AxisError is both
        error_class = ShapeError
    received = _described([*arguments, *keywords.values()])
    return error_class(f"{_name(function)} failed: {error}", received=received)


def _check_signature(
    function: Callable[..., Value], arguments: Iterable[Value], keywords: dict[str, Value]
) -> None:
    """Check the arguments against the signature, which lacks NumPy's ``out``."""
    signature = inspect.signature(function)
    try:
        signature.bind(*arguments, **keywords)
    except TypeError as error:
        shown = [p.replace(annotation=p.empty) for p in signature.parameters.values()]
        usage = f"{_name(function)}{inspect.Signature(shown)}"
        raise MissingRuleError(f"{_name(function)}: {error}", expected=usage) from None


def _check_keywords(
    call: Callable[..., Value], arguments: tuple[Value, ...], keywords: dict[str, Value]
) -> tuple[tuple[Value, ...], dict[str, Value]]:
    """Move Tensors from keywords to positional arguments; a keyword-only one is a constant."""
    is_ufunc = isinstance(inspect.unwrap(call), np.ufunc)
    if not is_ufunc and not any(isinstance(value, Tensor) for value in keywords.values()):
        return arguments, keywords
    _check_signature(call, arguments, keywords)
    bound = inspect.signature(call).bind(*arguments, **keywords)
    bound.apply_defaults()
    constants = dict(bound.kwargs)
    for name, value in constants.items():
        if isinstance(value, Tensor):
            if value.requires_grad:
                raise no_rule(_name(call), f"keyword {name}")
            constants[name] = value.data
    return bound.args, constants


def _name(function: Callable[..., Value]) -> str:
    """Return the name for messages: that of an inner function ``_f`` is f."""
    return function.__name__.lstrip("_")


def _described(values: Iterable[Value]) -> str:
    """Return dtypes and shapes of arrays, and other arguments as they are."""
    return ", ".join(
        f"{value.dtype}{list(value.shape)}"
        if isinstance(value, np.ndarray | Tensor)
        else repr(value)
        for value in values
    )
