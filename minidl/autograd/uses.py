"""Masks of used elements: those that `where` did not choose have a gradient of exactly 0."""

import inspect
from collections.abc import Callable, Iterable

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
PRODUCTS: set[Operation] = set()  # sums of products, linear in each argument
MATRICES: set[Operation] = set()  # one result for each matrix, such as its inverse
MIXES: set[Operation] = set()  # the elements along an axis, such as softmax
MOVES: set[Operation] = set()  # whose rules only move and sum the elements of g
CHOICES: set[Operation] = set()  # those of MOVES that leave elements out, such as where


class Uses(dict[int, Array]):
    """Masks of used elements by creation number; results that are used entirely have none.

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
        if operation not in CHOICES:
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
        ones = rule(ones, y, *_each(np.ones_like, arrays), **keywords)
    elif operation in MATRICES:
        ones = _matrices(argument, y, used) * np.ones(argument.shape[-2:], y.dtype)
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


def _each(f: Callable[..., Value], *arrays: Iterable[Value]) -> list[Value]:
    """Return f of every array, or of arrays that belong together; the text of einsum stays."""
    return [a[-1] if isinstance(a[-1], str) else f(*a) for a in zip(*arrays, strict=True)]


def _matrices(argument: Node, y: Array, used: Array) -> Array:
    """Return which matrices are used, with two axes of length 1."""
    if y.ndim < argument.ndim:  # a number of each matrix
        return np.expand_dims(used, (-2, -1))
    matrices: Array = np.any(used, axis=(-2, -1), keepdims=True)
    return matrices


def _limited(rule: Rule, argument: Node, record: Record, y: Array, used: Array) -> Rule:
    """Return the rule with a derivative of 0 where the result was not used."""
    if not used.any():
        return lambda *values, **keywords: np.zeros_like(argument.data)
    if record[0] in PRODUCTS:  # if all is finite, what is not used is 0 times a number
        return rule if np.isfinite(y).all() else _of_used_terms(rule, record, y, used)
    if record[0] in MATRICES:
        return _of_used_matrices(rule, argument, y, used)
    if record[0] in MIXES:
        used = _along_axis(record, y, used)
    elif not _is_elementwise(record, y):
        return rule

    def limited(*values: Value, **keywords: Value) -> Value:
        with np.errstate(all="ignore"):
            return np.where(used, rule(*values, **keywords), 0.0)

    return limited


def _of_used_terms(rule: Rule, record: Record, y: Array, used: Array) -> Rule:
    """Return the rule of a product without the terms that reach no used element.

    Such a term is 0 times a number, so it is left out by putting 0 for infinity and nan. But sums
    with a term that is used and not finite (counting finds them) are computed as usual, from the
    numbers that reach a used element.
    """
    operation, _, _, arrays, keywords = record
    ones = used.astype(y.dtype), y, *_each(np.ones_like, arrays)
    finite = *ones[:2], *_each(lambda a: np.isfinite(a).astype(y.dtype), arrays)
    as_usual = np.not_equal(rule(*ones, **keywords), rule(*finite, **keywords))

    def reaching(i: int, a: Value) -> Value:
        count = vars(operation)["rule_at"](i)(*ones, **keywords)
        return np.not_equal(unbroadcast(count, np.asarray(a), operation), 0)

    masks = _each(reaching, range(len(arrays)), arrays)

    def limited(g: Value, y: Value, *arrays: Value, **keywords: Value) -> Value:
        zero = _each(lambda a: np.where(np.isfinite(a), a, 0.0), arrays)
        kept = _each(lambda mask, a: np.where(mask, a, 0.0), masks, arrays)
        with np.errstate(all="ignore"):
            return np.where(as_usual, rule(g, y, *kept, **keywords), rule(g, y, *zero, **keywords))

    return limited


def _of_used_matrices(rule: Rule, argument: Node, y: Array, used: Array) -> Rule:
    """Return the rule with the identity in the place of matrices that are not used."""
    matrices = _matrices(argument, y, used)

    def limited(g: Value, y: Value, a: Value, *b: Value) -> Value:
        results = used.any(axis=-2, keepdims=True) if b else used if y.ndim < a.ndim else matrices
        a, y = np.where(matrices, a, np.eye(a.shape[-1])), np.where(results, y, 1.0)
        with np.errstate(all="ignore"):
            return np.where(matrices, rule(g, y, a, *b), 0.0)

    return limited
