"""The graph: its nodes, what they record, and the state that says whether they do.

A result keeps the operation and the arguments that made it, and nothing keeps the result. So
references point only backward in time: a graph has no cycles and reference counting frees it.
"""

import contextlib
import copy
import functools
import itertools
import operator
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any, ParamSpec, TypeAlias, TypeVar

import numpy as np
import numpy.typing as npt

from minidl.checks import check_flag
from minidl.errors import DataError, DTypeError, GraphError, ShapeError
from minidl.keywords import answers
from minidl.values import numbers

Array: TypeAlias = npt.NDArray[Any]
Value: TypeAlias = Any  # an array, or a Tensor: NumPy's stubs do not know that it dispatches
Rule: TypeAlias = Callable[..., Value]
Operation: TypeAlias = Callable[..., Value]  # a function that @primitive returned
Edge: TypeAlias = tuple[Rule, "Node"]  # the rule and the argument whose gradient it gives
# Operation, edges, arguments, their arrays, keywords.
Record: TypeAlias = tuple[Operation, Sequence[Edge], tuple[Value, ...], list[Value], dict[str, Any]]
Gradients: TypeAlias = dict[int, tuple["Node", Value]]  # creation number -> (Tensor, gradient)

creation = itertools.count()


def _of_data(name: str, doc: str) -> Any:
    """Return the property ``self.data.<name>``, which calls no Python function."""
    return property(operator.attrgetter(f"_data.{name}"), doc=doc)


def _replaces(slot: str, to_array: Callable[[Value], Value], doc: str) -> Any:
    """Return the property of a slot in which only arrays are put, also if a Tensor is assigned.

    Operations use the slot itself, which is faster.
    """

    def assign(self: "Node", value: Value) -> None:
        if isinstance(value, Node):
            keep_gradient(value, f"an array for .{slot[1:]}")
            value = value._data
        setattr(self, slot, to_array(value))

    return property(operator.attrgetter(slot), assign, doc=doc)


def _flag(slot: str, doc: str) -> Any:
    """Return the property of a slot in which only True or False are put."""

    def assign(self: "Node", value: object) -> None:
        setattr(self, slot, check_flag(slot[1:], value))

    return property(operator.attrgetter(slot), assign, doc=doc)


def _floats(value: Value) -> Array:
    """Return an array of floats itself, and other numbers as a new one."""
    fits = type(value) is np.ndarray and value.dtype.char in "fd"
    return value if fits else to_float(value)


def _gradient(value: Value) -> Array | None:
    """Return None or an array itself, and other numbers as an array."""
    return value if value is None or isinstance(value, np.ndarray) else to_float(value)


class Node:
    """A value in the graph, with the record of its operation; users see its subclass Tensor."""

    __slots__ = ("__weakref__", "_data", "_grad", "_node", "_order", "_requires_grad")

    _data: Array
    _grad: Array | None
    _requires_grad: bool
    _order: int
    _node: Record | tuple[()] | None  # (): the graph was freed; None: a leaf
    data: Array = _replaces("_data", _floats, "The array.")
    grad: Array | None = _replaces("_grad", _gradient, "The gradient of a leaf, or None.")
    requires_grad: bool = _flag("_requires_grad", "Whether backward passes compute `grad`.")
    shape: tuple[int, ...] = _of_data("shape", "The shape of the array.")
    ndim: int = _of_data("ndim", "The number of axes.")
    size: int = _of_data("size", "The number of elements.")
    dtype: np.dtype[Any] = _of_data("dtype", "float64 or float32.")

    def __reduce__(self) -> tuple[Any, ...]:
        """Copy and pickle as a new leaf; creation numbers are never shared."""
        if self._node is not None:
            message = f"only leaves can be copied or pickled, not a result of shape {self.shape}"
            raise GraphError(message, hint="Use .detach() to copy the value alone.")
        return type(self), (self.data, self.requires_grad), (None, {"grad": copy.copy(self.grad)})


def array_of(value: Value) -> Value:
    """Return the array of a Tensor, and anything else as it is."""
    return value._data if isinstance(value, Node) else value


def keep_gradient(tensor: Node, made: str) -> None:
    """Raise if something made of the value of this Tensor would drop its gradient."""
    if tensor.requires_grad and STATE.recording:
        message = f"{made} made of this Tensor of shape {tensor.shape} would drop its gradient"
        hint = "Compute with functions such as minidl.ops.exp and minidl.ops.stack; .item(),"
        hint += " .numpy() or .detach() makes a constant."
        raise GraphError(message, hint=hint)


def name_of(operation: Operation) -> str:
    """Return the name for messages: that of an inner function ``_f`` is f."""
    return operation.__name__.lstrip("_")


def to_float(data: object) -> Array:
    """Return a copy of real numbers as an array of float64, or of float32 if they are float32."""
    message = "a Tensor holds float64, float32 or integers"
    try:
        array = numbers(array_of(data))[0]
    except (DTypeError, DataError) as error:
        raise DTypeError(f"{message}: {error}") from None
    if array.dtype.char in "fd":
        return np.array(array)
    if array.dtype.kind in "biu":
        return array.astype(np.float64)
    hint = "Convert with .astype(np.float64)."
    raise DTypeError(message, received=f"dtype {array.dtype}", hint=hint)


# Types of arrays that are used as they are, others are copied; the recorder of steps adds its own
EXACT: set[type] = {np.ndarray}


def as_floats(x: Value) -> Value:
    """Return a Tensor or an array of floats as it is, and anything else as an array of floats.

    Floats of another precision than float32 become float64.
    """
    if isinstance(x, Node) or (type(x) in EXACT and x.dtype.char in "fd"):
        return x
    array = numbers(x, "input")[0]
    return array if array.dtype.char in "fd" else array.astype(np.float64)


class State(threading.local):
    """Per thread: whether operations are recorded, and the debugger inside ``debug()``."""

    recording: bool = True
    debugger: Any = None  # with the methods of debug._Debugger


STATE = State()


P = ParamSpec("P")
T = TypeVar("T")


def restoring(function: Callable[P, T]) -> Callable[P, T]:
    """Return a function after which graphs are recorded as before it, wherever Ctrl-C stops it.

    Ctrl-C as a ``with`` block begins or ends would leave :func:`no_grad` on, and no later ``fit``
    of this thread would have a graph.
    """

    @functools.wraps(function)
    def call(*arguments: P.args, **keywords: P.kwargs) -> T:
        before = STATE.recording
        try:
            return function(*arguments, **keywords)
        finally:
            STATE.recording = before

    return call


@contextlib.contextmanager
def changed(name: str, value: object) -> Iterator[None]:
    """Set an attribute of this thread's state inside the ``with`` block."""
    before = getattr(STATE, name)
    try:  # at once: Ctrl-C may come after the next line
        setattr(STATE, name, value)
        yield
    finally:
        setattr(STATE, name, before)


@answers
def no_grad() -> contextlib._GeneratorContextManager[None]:
    """Record no graph inside the ``with`` block, in this thread.

    >>> from minidl import Tensor, no_grad
    >>> x = Tensor(3.0, requires_grad=True)
    >>> with no_grad():
    ...     y = x * x
    >>> y.requires_grad
    False
    """
    return changed("recording", False)


class _Ones(dict[tuple[int, str], Array]):
    """Arrays of ones by length and dtype: ``ones.dot(g)`` sums rows faster than ``g.sum(0)``."""

    def __missing__(self, key: tuple[int, str]) -> Array:
        array = np.ones(*key)
        array.flags.writeable = False
        if len(array) <= 4096:  # larger ones are not kept
            if len(self) > 16:
                self.clear()
            self[key] = array
        return array


ONES = _Ones()


def column_sums(g: Array) -> Array:
    """Return the sums over rows (n, columns) as a product with ones."""
    ones = ONES[len(g), g.dtype.char]  # an array that is recorded does not see the method
    sums: Array = ones.dot(g) if type(g) is np.ndarray else np.dot(ones, g)
    return sums


def unbroadcast(g: Value, like: Array, operation: Operation) -> Value:
    """Sum and cast a gradient to the shape and dtype of its argument."""
    shape = like.shape
    if g.shape != shape:
        if g.ndim == 2 and shape == g.shape[1:] and isinstance(g, np.ndarray):  # a bias
            g = column_sums(g)
        elif g.ndim == 3 and shape == (len(g), 1, g.shape[2]) and isinstance(g, np.ndarray):
            g = np.matmul(ONES[g.shape[1], g.dtype.char], g).reshape(shape)  # of replicas
        else:
            extra = g.ndim - len(shape)
            pairs = list(zip(shape, g.shape[max(extra, 0) :], strict=False))
            if extra < 0 or any(n not in (1, m) for n, m in pairs):
                message = f"a rule of {name_of(operation)} returned a gradient of the wrong shape"
                expected = f"{shape}, or a shape that it broadcasts to"
                raise ShapeError(message, received=str(g.shape), expected=expected)
            repeated = (i for i, (n, m) in enumerate(pairs, extra) if n != m)
            g = g.sum(axis=(*range(extra), *repeated), keepdims=True).reshape(shape)
    return g if g.dtype == like.dtype else g.astype(like.dtype)
