"""The graph, and the backward pass over it: all of automatic differentiation in one file.

The decision of this file: a node made by an operation keeps the operation and its arguments, and
nothing keeps the node. References point only backward in time, so a graph has no cycle and is
freed by reference counting alone; and creation order is a topological order, so the backward pass
is a loop that always takes the youngest node next.
"""

from __future__ import annotations

import contextlib
import functools
import heapq
import itertools
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from minidl.errors import GraphError

__all__ = ["Array", "Node", "Operation", "Rule", "no_grad", "propagate"]

Array = npt.NDArray[Any]
Rule = Callable[..., Any]


class Operation:
    """What the graph keeps of a primitive: its name, and one rule per argument."""

    __slots__ = ("name", "rules")

    def __init__(self, name: str, rules: tuple[Rule | None, ...]) -> None:
        self.name = name
        self.rules = rules


FREED: tuple[Any, ...] = ()  # stands where an operation was, after its backward pass
creation = itertools.count()


class Node:
    """A value in the graph: an array, and the operation that made it, if one is recorded.

    :class:`~minidl.autograd.tensor.Tensor` is the face that users see; this is all that the
    backward pass needs.
    """

    __slots__ = ("__weakref__", "_node", "_order", "data", "grad", "requires_grad")

    data: Array
    grad: Array | None
    requires_grad: bool
    _order: int
    _node: tuple[Any, ...] | None  # (operation, arguments, their arrays, keywords), or FREED

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the array."""
        return self.data.shape


class State(threading.local):
    """What holds for the present thread: is a graph recorded, and is somebody debugging."""

    recording = True
    debugger: Any = None


STATE = State()


@contextlib.contextmanager
def no_grad() -> Iterator[None]:
    """Record no graph inside the ``with`` block, in this thread.

    Examples
    --------
    >>> from minidl import Tensor, no_grad
    >>> x = Tensor(3.0, requires_grad=True)
    >>> with no_grad():
    ...     y = x * x
    >>> y.requires_grad
    False
    """
    before, STATE.recording = STATE.recording, False
    try:
        yield
    finally:
        STATE.recording = before


@functools.lru_cache(maxsize=16)
def _ones(n: int, char: str) -> Array:
    ones = np.ones(n, dtype=char)
    ones.flags.writeable = False
    return ones


def fit(g: Any, like: Array) -> Any:
    """Undo broadcasting and promotion: sum and cast `g` to the shape and dtype of `like`."""
    shape = like.shape
    if g.shape != shape:
        if g.ndim == 2 and shape == g.shape[1:] and isinstance(g, np.ndarray):
            g = np.dot(_ones(len(g), g.dtype.char), g)  # a bias; 3 times faster than .sum(0)
        else:
            extra = g.ndim - len(shape)
            one = (i for i, n in enumerate(shape, extra) if n == 1 and g.shape[i] != 1)
            g = g.sum(axis=(*range(extra), *one), keepdims=True).reshape(shape)
    return g if g.dtype == like.dtype else g.astype(like.dtype)


def propagate(
    outputs: Iterable[Node],
    seeds: Iterable[Any],
    *,
    wanted: frozenset[int] = frozenset(),
    retain_graph: bool = False,
    create_graph: bool = False,
) -> dict[int, tuple[Node, Any]]:
    """Carry gradients from `outputs` back; return those of all leaves and of the `wanted`.

    Each Tensor is taken once, the youngest first, when all gradients that flow into it have been
    summed: linear in the size of the graph, and the same order on every run.

    Parameters
    ----------
    outputs, seeds : iterables
        Where to start, and the gradients there.
    wanted : frozenset of int
        Creation numbers of inner Tensors that are asked for too.
    retain_graph : bool, default False
        Keep the graph; otherwise each operation is forgotten as soon as it is passed.
    create_graph : bool, default False
        Run the rules on Tensors, so that the gradients have a graph of their own.

    Returns
    -------
    dict
        Creation number -> (Tensor, its gradient).
    """
    waiting: dict[int, tuple[Node, Any]] = {}
    heap: list[int] = []
    found: dict[int, tuple[Node, Any]] = {}
    debugger = STATE.debugger

    def arrive(tensor: Node, g: Any) -> None:
        order = tensor._order
        if order in waiting:
            waiting[order] = (tensor, waiting[order][1] + g)
        else:
            waiting[order] = (tensor, g)
            heapq.heappush(heap, -order)

    for output, seed in zip(outputs, seeds, strict=True):
        arrive(output, seed)
    while heap:
        order = -heapq.heappop(heap)
        tensor, g = waiting.pop(order)
        node = tensor._node
        if node is None or order in wanted:
            found[order] = (tensor, g)
        if node is None:
            continue
        if node is FREED:
            raise GraphError(
                "this graph was freed by an earlier backward pass",
                received=f"a Tensor of shape {tensor.shape}",
                hint="Compute it again, or pass retain_graph=True to the first pass.",
            )
        operation, arguments, arrays, keywords = node
        if debugger is not None:
            debugger.before_backward(tensor)
        given, y = (arguments, tensor) if create_graph else (arrays, tensor.data)
        for rule, argument in zip(operation.rules, arguments, strict=False):
            if isinstance(argument, Node) and argument.requires_grad:
                d = fit(rule(g, y, *given, **keywords), argument.data)
                if debugger is not None:
                    debugger.after_backward(tensor, d)
                arrive(argument, d)
        if not (retain_graph or create_graph):
            tensor._node = FREED
    return found
