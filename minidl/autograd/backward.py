"""The backward pass over the graph.

Creation order is a topological order, so it always takes the youngest node next.
"""

from collections.abc import Iterable
from heapq import heappop, heappush

import numpy as np

from minidl.autograd.node import STATE, Gradients, Node, Value, name_of, unbroadcast
from minidl.autograd.uses import CHOICES, Uses
from minidl.errors import GraphError, MinidlError, MissingRuleError

NO_USES = Uses()  # of most backward passes; never written into
SIGNATURE = "(g, y, *arguments, **keywords) -> gradient, an array"  # of a rule


def _as_tensors(arguments: tuple[Value, ...], arrays: list[Value]) -> list[Value]:
    """Return the arguments of rules that are recorded: Tensors where Tensors were given."""
    for tensor, array in zip(arguments, arrays, strict=True):
        if isinstance(tensor, Node) and tensor.data is not array:
            message = "create_graph needs the arrays of the forward pass, but .data was replaced"
            received = f"shape {tensor.shape}, after {array.shape}"
            hint = "Take the gradient before x.data = ..., or compute the output again."
            raise GraphError(message, received=received, hint=hint)
    return [a if isinstance(a, Node) else b for a, b in zip(arguments, arrays, strict=True)]


@np.errstate(under="ignore")  # what is too small for a float is rightly zero
def propagate(
    outputs: Iterable[Node],
    seeds: Iterable[Value],
    *,
    wanted: frozenset[int] = frozenset(),
    retain_graph: bool = False,
    create_graph: bool = False,
) -> Gradients:
    """Run the backward pass; return the gradients of all leaves and of the `wanted` results.

    The pass starts at `outputs`, with the gradients `seeds`. `wanted` are creation numbers. With
    `create_graph` the rules run on Tensors, and gradients can be differentiated.
    """
    gradients: Gradients = {}
    heap: list[int] = []
    for tensor, g in zip(outputs, seeds, strict=True):
        order = tensor._order
        if order not in gradients and tensor._node is not None:
            heappush(heap, -order)
        gradients[order] = (tensor, gradients[order][1] + g if order in gradients else g)
    try:
        _run_rules(gradients, heap, wanted, retain_graph, create_graph)
    finally:
        if STATE.debugger is not None:
            STATE.debugger.operation = None
    return gradients


def _run_rules(
    gradients: Gradients, heap: list[int], wanted: frozenset[int], retain: bool, create: bool
) -> None:
    """Pass gradients on until all have reached the leaves, or the oldest wanted result.

    The heap holds negative creation numbers, so the youngest result comes first, and its gradient
    is complete. Tensors may share a gradient, so gradients are never summed in place.
    """
    end, debugger, uses = -min(wanted, default=-1), STATE.debugger, NO_USES
    while heap and heap[0] < end:
        order = -heappop(heap)
        tensor, g = gradients[order] if order in wanted else gradients.pop(order)
        y: Value = tensor._data
        if not (record := tensor._node):
            hint = "Compute it again, or pass retain_graph=True to the first pass."
            message = f"an earlier backward pass freed the graph of a Tensor of shape {y.shape}"
            raise GraphError(message, hint=hint)
        operation, edges, arguments, arrays, keywords = record
        if uses or operation in CHOICES:
            uses = Uses() if uses is NO_USES else uses
            edges = uses.edges(order, record, y, gradients)
            record = (operation, edges, arguments, arrays, keywords)
        if debugger is not None:
            edges = debugger.before_rules(record, y)
        if create:
            y, arrays = tensor, _as_tensors(arguments, arrays)
        elif not retain:
            tensor._node = ()  # freed
        for rule, argument in edges:
            try:
                d = rule(g, y, *arrays, **keywords)
                like = argument._data
                if d.shape != like.shape or d.dtype is not like.dtype:
                    d = unbroadcast(d, like, operation)
            except MinidlError:
                raise
            except (TypeError, AttributeError) as error:
                message = f"a rule of {name_of(operation)} failed: {error}"
                raise MissingRuleError(message, expected=SIGNATURE) from error
            order = argument._order
            if order in gradients:
                d = gradients[order][1] + d
            elif argument._node is not None:
                heappush(heap, -order)
            gradients[order] = (argument, d)
