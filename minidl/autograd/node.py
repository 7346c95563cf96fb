"""The graph: its nodes, what they record, and the state that says whether they do.

A result keeps the operation and the arguments that made it, and nothing keeps the result. So
references point only backward in time: a graph has no cycles and reference counting frees it.
"""

import contextlib
import copy
import itertools
import operator
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from minidl.errors import DTypeError, GraphError, ShapeError

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
    return property(operator.attrgetter(f"data.{name}"), doc=doc)


class Node:
    """A value in the graph, with the record of its operation; users see its subclass Tensor."""

    __slots__ = ("__weakref__", "_node", "_order", "data", "grad", "requires_grad")

    data: Array
    grad: Array | None
    requires_grad: bool
    _order: int
    _node: Record | tuple[()] | None  # (): the graph was freed; None: a leaf
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
    return value.data if isinstance(value, Node) else value


def name_of(operation: Operation) -> str:
    """Return the name for messages: that of an inner function ``_f`` is f."""
    return operation.__name__.lstrip("_")


def to_float(data: object) -> Array:
    """Return a copy of real numbers as an array of float64, or of float32 if they are float32."""
    try:
        array = np.array(array_of(data))
    except ValueError as error:
        raise ShapeError(f"data must be a rectangular array: {error}") from None
    if array.dtype.char in "fd":
        return array
    if array.dtype.kind in "biu":
        return array.astype(np.float64)
    received, hint = f"dtype {array.dtype}", "Convert with .astype(np.float64)."
    raise DTypeError("a Tensor holds float64, float32 or integers", received=received, hint=hint)


def as_floats(x: Value) -> Value:
    """Return a Tensor or an array of floats as it is, and anything else as a new float array."""
    if isinstance(x, Node) or (isinstance(x, np.ndarray) and x.dtype.char in "fd"):
        return x
    return to_float(x)


class State(threading.local):
    """Per thread: whether operations are recorded, and the debugger inside ``debug()``."""

    recording: bool = True
    debugger: Any = None  # with the methods of debug._Debugger


STATE = State()


@contextlib.contextmanager
def changed(name: str, value: object) -> Iterator[None]:
    """Set an attribute of this thread's state inside the ``with`` block."""
    before = getattr(STATE, name)
    setattr(STATE, name, value)
    try:
        yield
    finally:
        setattr(STATE, name, before)


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


def unbroadcast(g: Value, like: Array, operation: Operation) -> Value:
    """Sum and cast a gradient to the shape and dtype of its argument."""
    shape = like.shape
    if g.shape != shape:
        if g.ndim == 2 and shape == g.shape[1:] and isinstance(g, np.ndarray):  # a bias
            g = ONES[len(g), g.dtype.char].dot(g)
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
