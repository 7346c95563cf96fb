"""Which elements were used: the gradient of what `where` did not choose is exactly 0."""

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
MOVES: set[Operation] = set()  # whose rules only move and sum the elements of g
CHOICES: set[Operation] = set()  # those of MOVES that leave elements out, such as where
COMMON: set[Operation] = set()  # those of CHOICES that networks apply to products


class Uses(dict[int, Array]):
    """Which elements of a result were used, by creation number; where all were, there is no entry.

    A choice such as `where` leaves elements out. Their gradient is 0, and 0 times the infinite
    derivative of an earlier operation would be nan. So a rule counts for used elements only. The
    gradient of a used element may be 0 as well; it is computed with as usual.
    """

    def edges(self, order: int, record: Record, y: Array, gradients: Gradients) -> list[Edge]:
        """Return the edges with rules that count for used elements only; pass on what is used."""
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
        ones = rule(ones, y, *map(np.ones_like, arrays))
    elif not elementwise:
        return None
    nonzero: Array = np.not_equal(unbroadcast(ones, argument.data, operation), 0)
    return nonzero


def _is_elementwise(record: Record, y: Array) -> bool:
    """Return True for an elementwise operation, and a loss that is not reduced."""
    return record[0] in ELEMENTWISE and np.ndim(record[3][0]) <= y.ndim


def _limited(rule: Rule, argument: Node, record: Record, y: Array, used: Array) -> Rule:
    """Return the rule with a derivative of 0 where the result was not used."""
    arrays = record[3]
    if not used.any():
        return lambda *values, **keywords: np.zeros_like(argument.data)
    if record[0] in PRODUCTS and min(arrays[0].ndim, arrays[1].ndim) > 1:
        rows, columns = used.any(axis=-1, keepdims=True), used.any(axis=-2, keepdims=True)
        return lambda g, y, a, b, *c: rule(
            g, y, np.where(rows, a, 0.0), np.where(columns, b, 0.0), *c
        )
    if not _is_elementwise(record, y):
        return rule

    def limited(*values: Value, **keywords: Value) -> Value:
        with np.errstate(all="ignore"):
            return np.where(used, rule(*values, **keywords), 0.0)

    return limited
