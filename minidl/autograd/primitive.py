"""Operations: a forward function of arrays, and one rule per argument."""

import functools
import inspect
import sys
import warnings
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NoReturn, ParamSpec, TypeAlias

import numpy as np

from minidl.autograd.node import STATE, Edge, Record, Rule, Value, array_of, creation, name_of
from minidl.autograd.numpy_functions import NUMPY
from minidl.autograd.tensor import Tensor
from minidl.autograd.uses import ELEMENTWISE
from minidl.autograd.values import described, kind_of
from minidl.errors import (
    ArgumentError,
    DTypeError,
    MinidlError,
    MissingRuleError,
    ShapeError,
)
from minidl.keywords import answer_keyword, answers
from minidl.values import is_masked_array, read

Function: TypeAlias = Callable[..., Value]
RuleAt: TypeAlias = Callable[[int], Rule] | None
P = ParamSpec("P")
PLAIN = {np.ndarray, float, int, bool, str, type(None), type, slice}  # the rest is looked at
FAILURES: tuple[type[Exception], ...] = (
    ValueError,
    TypeError,
    AttributeError,
    IndexError,
    OverflowError,
    MemoryError,
)
FAILURES += (NotImplementedError,)  # of sparse matrices
UNARY, BINARY = inspect.signature(lambda x: x), inspect.signature(lambda a, b: a)
quiet = np.errstate(under="ignore")  # for functions where what is too small is rightly zero
_new = Tensor.__new__


@answers
def primitive(
    *rules: Rule | None,
    rule_at: RuleAt = None,
    numpy: Iterable[Callable[..., Any]] = (),
    methods: Iterable[str] = (),
    reflected: str | None = None,
    elementwise: bool = False,
    each: RuleAt = None,
) -> Callable[[Callable[P, Value]], Callable[P, Value]]:
    """Return a decorator that turns a function of arrays into a differentiable operation.

    The operation returns a Tensor if an argument is one, otherwise an array. Anything but a
    function, or rules that are not its rules, raises an ArgumentError.

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
    numpy, methods, reflected : iterable, iterable and str, optional
        NumPy functions that are this operation when called with a Tensor, names of methods of
        :class:`Tensor`, and the method for the exchanged order, such as ``"__radd__"``.
    elementwise : bool, default False
        Whether an element of the result depends only on the input elements at the same place. If
        :func:`minidl.ops.where` does not choose it, its derivative then counts as 0, even if it is
        infinite.

    Examples
    --------
    >>> @primitive(lambda g, y, x: g / (1 + np.abs(x)) ** 2)
    ... def softsign(x):
    ...     return x / (1 + np.abs(x))
    >>> x = Tensor([-1.0, 0.0, 3.0], requires_grad=True)
    >>> softsign(x).sum().backward()
    >>> x.grad
    array([0.25  , 1.    , 0.0625])
    """
    if each is not None:
        warnings.warn("each is now called rule_at", DeprecationWarning, stacklevel=3)
        rule_at = each

    def decorate(forward: Callable[P, Value]) -> Callable[P, Value]:
        _check_rules(forward, rules)
        operation = _differentiable(forward, rules, rule_at)
        vars(operation)["rule_at"] = lambda i: (rules[i : i + 1] or [rule_at and rule_at(i)])[0]
        ufunc = inspect.unwrap(forward)
        if elementwise or (isinstance(ufunc, np.ufunc) and ufunc.signature is None):
            ELEMENTWISE.add(operation)
        if isinstance(ufunc, np.ufunc):  # without out, where and the like
            vars(operation)["__signature__"] = UNARY if ufunc.nin == 1 else BINARY
        NUMPY.update(dict.fromkeys(numpy, operation))
        for name in methods:
            setattr(Tensor, name, operation)
        if reflected is not None:
            setattr(Tensor, reflected, lambda self, other: operation(other, self))
        return operation

    return decorate


def _check_rules(forward: object, rules: tuple[object, ...]) -> None:
    """Check that `forward` is a function with an argument for each rule."""
    usage = "@primitive(rule, ...) above a function of arrays, with a rule for each argument"
    if not callable(forward):
        message, received = "only a function becomes an operation", f"a {type(forward).__name__}"
        hint = "Without parentheses, @primitive takes the function for a rule."
        raise ArgumentError(message, received=received, expected=usage, hint=hint)
    if not all(rule is None or callable(rule) for rule in rules):
        raise ArgumentError("a rule is a function or None", received=str(rules), expected=usage)
    function = inspect.unwrap(forward)
    code = getattr(function, "__code__", None)
    if code and (code.co_argcount >= len(rules) or code.co_flags & inspect.CO_VARARGS):
        return  # without a signature, which takes time
    if isinstance(function, np.ufunc):
        return
    try:
        inspect.signature(forward).bind_partial(*rules)
    except ValueError:  # a function in C without a signature
        return
    except TypeError:
        message = f"{name_of(forward)} has fewer arguments than rules"
        raise ArgumentError(message, received=f"{len(rules)} rules", expected=usage) from None


def _differentiable(forward: Function, rules: Sequence[Rule | None], rule_at: RuleAt) -> Function:
    """Return `forward` as a function of arrays and Tensors that is recorded in the graph."""
    n_rules, beyond = len(rules), rule_at or functools.partial(_no_rule, forward)
    n_lists = sys.maxsize if rule_at else n_rules  # of arguments that may be lists
    limit = getattr(inspect.unwrap(forward), "nin", sys.maxsize)  # arguments of a ufunc

    @functools.wraps(forward)
    def call(*arguments: Value, **keywords: Value) -> Value:
        if keywords or len(arguments) > limit:
            arguments, keywords = _check_keywords(call, arguments, keywords)
        recording, debugger = STATE.recording, STATE.debugger
        arrays: list[Value] = []
        edges: list[Edge] = []
        has_tensor = False
        for i, x in enumerate(arguments):
            if isinstance(x, Tensor):
                has_tensor = True
                arrays.append(x._data)
                if recording and x._requires_grad:
                    rule = rules[i] if i < n_rules else beyond(i)
                    if rule is not None:
                        edges.append((rule, x))
            else:
                arrays.append(x if type(x) in PLAIN or i >= n_lists else plain(x))
        copies = debugger.before_forward(arrays) if debugger and has_tensor else []
        try:
            y = forward(*arrays, **keywords)
        except FAILURES as error:
            raise _call_error(error, call, arrays, keywords) from error
        if not has_tensor:
            return y
        y = y if type(y) is np.ndarray else np.asanyarray(y)  # NumPy returns scalars for no axes
        if y.dtype.char not in "fd":
            raise _not_real(y, call, arrays)
        record: Record = (call, edges, arguments, arrays, keywords)
        result = _new(Tensor)
        result._data, result._grad, result._requires_grad = y, None, bool(edges)
        result._order, result._node = next(creation), record if edges else None
        return result if debugger is None else debugger.after_forward(result, record, copies)

    return call


def from_numpy(function: Function, *rules: Rule, doc: str) -> Function:
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
        except FAILURES as error:
            raise _call_error(error, function, arguments, keywords) from error

    return call


def plain(y: Value) -> Value:
    """Return a list, a tuple or a masked array as an array, and anything else as it is."""
    if not isinstance(y, list | tuple) and not is_masked_array(y):
        return y
    if isinstance(y, np.ndarray) and np.ma.is_masked(y):
        message = "an operation cannot take a masked array: its hidden values would be used"
        raise DTypeError(message, hint="Use a.filled(value), or minidl.ops.where.")
    try:
        return read(y)
    except ValueError as error:  # a MinidlError is about a Tensor in the list
        if isinstance(error, MinidlError):
            raise
        raise ShapeError(f"data must be a rectangular array: {error}") from None


def _not_real(y: Value, function: Function, arrays: list[Value]) -> DTypeError:
    message = f"{name_of(function)} must return float64 or float32 to be differentiated"
    return DTypeError(message, received=f"dtype {y.dtype} for {described(arrays)}")


def _call_error(
    error: Exception, function: Function, arguments: Iterable[Value], keywords: dict[str, Value]
) -> MinidlError:
    """Return an exception of NumPy as one of minidl, with the shapes."""
    if isinstance(error, MinidlError):
        return error
    _bound(function, arguments, keywords)
    received, reason = described([*arguments, *keywords.values()]), str(error) or "out of memory"
    return kind_of(error)(f"{name_of(function)} failed: {reason}", received=received)


def _bound(
    function: Function, arguments: Iterable[Value], keywords: dict[str, Value]
) -> inspect.BoundArguments:
    """Return the arguments by name, checked against the signature, which lacks NumPy's ``out``."""
    signature = inspect.signature(function)
    try:
        return signature.bind(*arguments, **keywords)
    except TypeError as error:
        shown = [p.replace(annotation=p.empty) for p in signature.parameters.values()]
        usage = f"{name_of(function)}{inspect.Signature(shown)}"
        unknown = next((word for word in keywords if word not in signature.parameters), "")
        hint = answer_keyword(unknown, list(signature.parameters)) if unknown else None
        message = f"{name_of(function)}: {error}"
        raise MissingRuleError(message, expected=usage, hint=hint) from None


def _check_keywords(
    call: Function, arguments: tuple[Value, ...], keywords: dict[str, Value]
) -> tuple[tuple[Value, ...], dict[str, Value]]:
    """Move Tensors from keywords to positional arguments; a keyword-only one is a constant."""
    is_ufunc = isinstance(inspect.unwrap(call), np.ufunc)
    if not is_ufunc and not any(isinstance(value, Tensor) for value in keywords.values()):
        return arguments, keywords
    bound = _bound(call, arguments, keywords)
    bound.apply_defaults()
    for name, value in bound.kwargs.items():
        if isinstance(value, Tensor) and value.requires_grad:
            _no_rule(call, name)
    return bound.args, {name: array_of(value) for name, value in bound.kwargs.items()}


def _no_rule(function: Function, argument: int | str) -> NoReturn:
    """Raise the error for an argument, by position or by keyword, without a rule."""
    place = "argument" if isinstance(argument, int) else "keyword"
    message = f"{name_of(function)} has no derivative with respect to its {place} {argument}"
    raise MissingRuleError(message, hint="Use .detach() to make the Tensor a constant.")
