"""Find the layer whose forward leaves the graph, so that its parameters would never train.

A parameter is lost if the loss changes with it but no gradient reaches it. Everything runs on
copies, so networks, buffers and random generators do not change.
"""

import copy
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from minidl.autograd import Array
from minidl.autograd.node import Node, Value, array_of
from minidl.errors import ArgumentError, GraphError, MinidlError
from minidl.nn import Layer, Loss
from minidl.text import listed

Batch = tuple[Array, Array, Any]  # inputs, targets and the argument training of forward
Find = tuple[str, Value]  # the layer that has lost a parameter, in words, and its output
HINT = (
    "Compute with operations on Tensors, without .data, .numpy(), .detach() or float(); or freeze"
)
HINT += " what should not train: parameter.requires_grad = False."


def without_graph(model: Layer, loss: Loss, batch: Batch) -> MinidlError:
    """Return the error for a loss that has no graph at all."""
    names = [name for name, p in model.named_parameters() if p.requires_grad]
    if not names:
        problem = "all parameters are frozen, so there is nothing to train"
        return ArgumentError(problem, hint="Set requires_grad = True for one of them.")
    problem = f"no path leads from the loss to a parameter that should train: {listed(names)}"
    return lost(model, loss, batch, names) or GraphError(problem, hint="Use them in forward.")


def lost(model: Layer, loss: Loss, batch: Batch, names: Sequence[str]) -> GraphError | None:
    """Return an error if the loss changes with some of these parameters, which get no gradient."""
    try:
        once, repeated = (_value(model, loss, batch, []) for _ in range(2))
        if not np.array_equal(once, repeated, equal_nan=True):
            return None  # a random model: nothing is proven
        proven = [
            name
            for name in names
            if not np.array_equal(once, _value(model, loss, batch, [name]), equal_nan=True)
        ]
        loss_point = _find(model, loss, batch, proven) if proven else None
    except Exception:  # the model cannot be copied, or does not work with other weights
        return None
    if loss_point is None:
        return None
    place, output = loss_point
    problem = f"{place} leaves the graph, so {listed(proven)} would never train"
    has_graph = bool(_leaves(output))
    received = None if has_graph else f"{type(output).__name__} without a graph"
    return GraphError(problem, received=received, hint=HINT)


def parts_by_name(layer: Layer, name: str = "") -> Iterator[tuple[str, Layer]]:
    """Yield a layer and all within it, with names such as ``blocks.0``; the first is ``""``."""
    yield name, layer
    for inner, child in layer.children():
        yield from parts_by_name(child, f"{name}.{inner}" if name else inner)


def _value(model: Layer, loss: Loss, batch: Batch, names: Sequence[str]) -> Array:
    """Return the loss of a copy in which these parameters are changed."""
    X, t, _ = batch
    model, loss, training = copy.deepcopy((model, loss, batch[2]))
    noise, parameters = np.random.default_rng(0), dict(model.named_parameters())
    for name in names:
        parameters[name].data += noise.normal(size=parameters[name].shape)
    with np.errstate(all="ignore"):
        return np.array(array_of(loss.mean(model(X, training=training), t)), dtype=float)


def _find(model: Layer, loss: Loss, batch: Batch, names: Sequence[str]) -> Find | None:
    """Return the first layer, or the loss, whose result is without these parameters in its graph.

    None if the loss has them all: they are used in some batches only.
    """
    X, t, _ = batch
    model, loss, training = copy.deepcopy((model, loss, batch[2]))
    parameters, losses = dict(model.named_parameters()), list[Find]()
    orders = {parameters[name]._order for name in names}
    for name, part in {id(p): (n, p) for n, p in parts_by_name(model)}.values():
        place = f"the forward of {f'layer {name}, {part!r},' if name else repr(part)}"
        vars(part)["forward"] = _watched(part, place, orders, losses)
    value = loss.mean(model(X, training=training), t)
    if orders <= _leaves(value):
        return None
    return losses[0] if losses else (f"the loss {loss!r}", value)


def _watched(part: Layer, place: str, orders: set[int], losses: list[Find]) -> Callable[..., Value]:
    """Return the forward of a layer, which notes if it has lost one of the parameters."""
    forward, direct = part.forward, {p._order for _, p in part.named_parameters()}

    def call(*arguments: Value, **keywords: Value) -> Value:
        before = direct | _leaves((arguments, keywords))
        output = forward(*arguments, **keywords)
        if before & orders - _leaves(output):
            losses.append((place, output))
        return output

    return call


def _leaves(value: object) -> set[int]:
    """Return the creation numbers of the leaves that a value, or the Tensors in it, depend on."""
    leaves, visited, waiting = set(), set[int](), [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, (list, tuple)):
            waiting += item
        elif isinstance(item, dict):
            waiting += item.values()
        elif isinstance(item, Node) and item._order not in visited:
            visited.add(item._order)
            waiting += [argument for _, argument in item._node[1]] if item._node else []
            if item._node is None and item.requires_grad:
                leaves.add(item._order)
    return leaves
