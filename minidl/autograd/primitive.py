"""How an operation is made: a forward function on arrays, and one rule per argument."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable
from typing import Any, ParamSpec

import numpy as np

from minidl.autograd.node import STATE, Operation, Rule
from minidl.autograd.tensor import NUMPY, Tensor, make
from minidl.errors import DTypeError, MinidlError, MissingRuleError, ShapeError

__all__ = ["primitive"]

P = ParamSpec("P")


def primitive(
    *rules: Rule | None,
    numpy: Iterable[Any] = (),
    methods: Iterable[str] = (),
    reflected: str | None = None,
) -> Callable[[Callable[P, Any]], Callable[P, Any]]:
    """Turn a function of arrays into a differentiable operation.

    Parameters
    ----------
    *rules : callable or None
        One for each differentiable argument, in order:
        ``(g, y, *arguments, **keywords) -> gradient`` with respect to that argument, where `g` is
        the gradient with respect to the result `y`. A rule is a plain NumPy expression. It never
        changes what it is given, and it may ignore broadcasting, which is undone for it. The same
        rule runs on arrays, and on Tensors when a derivative of the derivative is wanted. None
        stands for an argument through which no gradient flows.
    numpy : iterable of NumPy functions, optional
        Those that shall mean this operation when called with a Tensor.
    methods : iterable of str, optional
        Names under which it becomes a method of :class:`Tensor`.
    reflected : str, optional
        The method for the exchanged order, such as ``"__radd__"``.

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
        operation, differentiable = Operation(forward.__name__, rules), len(rules)

        @functools.wraps(forward)
        def call(*arguments: Any, **keywords: Any) -> Any:
            if keywords and any(isinstance(value, Tensor) for value in keywords.values()):
                arguments, keywords = _by_position(forward, arguments, keywords)
            arrays: list[Any] = []
            is_tensor = tracked = False
            for argument in arguments:
                if isinstance(argument, Tensor):
                    is_tensor = True
                    tracked = tracked or argument.requires_grad
                    arrays.append(argument.data)
                elif isinstance(argument, (list, tuple)) and len(arrays) < differentiable:
                    arrays.append(np.asarray(argument))
                else:
                    arrays.append(argument)
            if not is_tensor:
                return forward(*arrays, **keywords)
            if tracked and len(arguments) > differentiable:
                _demand_constants(forward, arguments, differentiable)
            y = _forward(forward, arrays, keywords)
            node = (operation, arguments, arrays, keywords)
            result = make(y, node if tracked and STATE.recording else None)
            if STATE.debugger is not None:
                STATE.debugger.after_forward(result, node)
            return result

        _register(call, numpy, methods, reflected)
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


def _forward(forward: Callable[..., Any], arrays: list[Any], keywords: dict[str, Any]) -> Any:
    """Compute on arrays; say in minidl's words what does not fit."""
    try:
        y = forward(*arrays, **keywords)
    except MinidlError:
        raise
    except (ValueError, TypeError, AttributeError) as error:
        given = ", ".join(_describe(value) for value in arrays)
        kind = ShapeError if isinstance(error, ValueError) else DTypeError
        what = f"{forward.__name__} does not accept this: {error}"
        raise kind(what, received=given) from error
    if type(y) is not np.ndarray:
        y = np.asarray(y)  # NumPy turns arrays without axes into scalars
    if y.dtype.char not in "fd":
        raise DTypeError(
            f"{forward.__name__} would leave the real numbers that minidl differentiates",
            received=", ".join(_describe(value) for value in arrays),
            expected="a result of float64 or float32",
        )
    return y


def _demand_constants(forward: Any, arguments: tuple[Any, ...], differentiable: int) -> None:
    """Refuse a gradient that would be dropped: that of an argument for which there is no rule."""
    for position, argument in enumerate(arguments[differentiable:], differentiable):
        if isinstance(argument, Tensor) and argument.requires_grad:
            raise _no_rule(forward.__name__, position)


def _by_position(forward: Any, arguments: Any, keywords: Any) -> tuple[Any, Any]:
    """Return the same call with its Tensors among the positional arguments."""
    bound = inspect.signature(forward).bind(*arguments, **keywords)
    bound.apply_defaults()
    if any(isinstance(value, Tensor) for value in bound.kwargs.values()):
        raise _no_rule(forward.__name__, "given by keyword only")
    return bound.args, bound.kwargs


def _no_rule(name: str, which: object) -> MissingRuleError:
    return MissingRuleError(
        f"{name} has no derivative with respect to its argument {which}",
        received="a Tensor with requires_grad=True",
        hint="Use .detach() to say that it is a constant.",
    )


def _describe(value: object) -> str:
    if isinstance(value, np.ndarray):
        return f"{value.dtype}{list(value.shape)}"
    return repr(value)
