"""Which elements were used: the gradient of what `where` did not choose is exactly 0."""

import inspect

import numpy as np

from minidl.autograd.node import (
    Array,
    Edge,
    Gradients,
    Node,
    Operation,
    Record,
    Rule,
    Value,
    unbroadcast,
)

# Kinds of operations.
ELEMENTWISE: set[Operation] = set()
PRODUCTS: set[Operation] = set()  # of matrices
MIXES: set[Operation] = set()  # the elements along an axis, such as softmax
MOVES: set[Operation] = set()  # whose rules only move and sum the elements of g
CHOICES: set[Operation] = set()  # those of MOVES that leave elements out, such as where
COMMON: set[Operation] = set()  # those of CHOICES that networks apply to products


class Uses(dict[int, Array]):
    """Which elements of a result were used, by creation number; where all were, there is no entry.

    A choice such as `where` leaves elements out. Their gradient is 0, and 0 times the infinite
    derivative of an earlier operation would be nan, so rules are applied to used elements only. A
    used element whose gradient happens to be 0 is treated as usual.
    """

    def edges(self, order: int, record: Record, y: Array, gradients: Gradients) -> list[Edge]:
        """Return edges whose rules apply to used elements only, and note what they use."""
        used, edges = self.pop(order, None), list[Edge]()
        if used is not None and used.all():
            used = None
        for rule, argument in record[1]:
            key, passed = argument._order, _passed_on(rule, argument, record, y, used)
            if key in self:
                self[key] = self[key] | (True if passed is None else passed)
            elif passed is not None and key not in gradients:
                self[key] = passed
            limited = rule if used is None else _limited(rule, argument, record, y, used)
            edges.append((limited, argument))
        return edges


def _passed_on(
    rule: Rule, argument: Node, record: Record, y: Array, used: Array | None
) -> Array | None:
    """Return which elements of an argument are used, given which of y are; None stands for all."""
    operation, _, _, arrays, keywords = record
    if not argument._node:  # a leaf passes nothing on
        return None
    if used is None:
        if operation not in CHOICES or (operation in COMMON and argument._node[0] in PRODUCTS):
            return None
        used = np.ones(y.shape, bool)
    if not used.any():
        return np.zeros(argument.shape, bool)
    if (elementwise := _is_elementwise(record, y)) and argument.shape == y.shape:
        return used
    ones = used.astype(y.dtype)
    if operation in MOVES:
        ones = rule(ones, y, *arrays, **keywords)
    elif operation in PRODUCTS:
        floats = (np.ones_like(a) if isinstance(a, np.ndarray) else a for a in arrays)
        ones = rule(ones, y, *floats, **keywords)
    elif operation in MIXES:
        ones = _along_axis(record, y, used).astype(y.dtype)
    elif not elementwise:
        return None
    nonzero: Array = np.not_equal(unbroadcast(ones, argument.data, operation), 0)
    return nonzero


def _along_axis(record: Record, y: Array, used: Array) -> Array:
    """Return which elements of the argument are in a row, along the axis, of which y is used."""
    operation, _, _, arrays, keywords = record
    bound, x = inspect.signature(operation).bind(*arrays, **keywords), arrays[0]
    bound.apply_defaults()
    axis = bound.arguments["axis"]
    if "reduction" in bound.arguments:  # a loss of rows
        axis = -1 if y.ndim == x.ndim - 1 else None
    if axis is not None and y.ndim < x.ndim:
        used = np.expand_dims(used, axis)
    return np.broadcast_to(used.any(axis=axis, keepdims=True), x.shape)


def _is_elementwise(record: Record, y: Array) -> bool:
    """Return True for an elementwise operation, and a loss that is not reduced."""
    return record[0] in ELEMENTWISE and np.ndim(record[3][0]) <= y.ndim


def _limited(rule: Rule, argument: Node, record: Record, y: Array, used: Array) -> Rule:
    """Return the rule with a derivative of 0 where the result was not used."""
    arrays = record[3]
    if not used.any():
        return lambda *values, **keywords: np.zeros_like(argument.data)
    if record[0] in PRODUCTS and min(np.ndim(arrays[0]), np.ndim(arrays[1])) > 1:
        rows, columns = used.any(axis=-1, keepdims=True), used.any(axis=-2, keepdims=True)
        return lambda g, y, a, b, *c: rule(
            g, y, np.where(rows, a, 0.0), np.where(columns, b, 0.0), *c
        )
    if record[0] in MIXES:
        used = _along_axis(record, y, used)
    elif not _is_elementwise(record, y):
        return rule

    def limited(*values: Value, **keywords: Value) -> Value:
        with np.errstate(all="ignore"):
            return np.where(used, rule(*values, **keywords), 0.0)

    return limited
