"""Random programs over the smooth operations: both derivatives against two outside methods.

A program is a list of steps over a growing list of values. It runs twice, by minidl on Tensors
and by plain NumPy on complex numbers, whose step of 1e-30 gives derivatives exact to rounding.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import autograd_formulas as formulas
import numpy as np
from autograd_oracles import gradients, hessian_products
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy import special

from minidl import Tensor, grad, ops

Pair = tuple[Callable[..., Any], Callable[..., Any]]  # by minidl, by NumPy


def soft(x: Any) -> Any:
    return formulas.softplus(x)


def error(p: Any, t: Any) -> Any:
    if p.shape != t.shape:
        raise ValueError
    return formulas.mean_squared_error(p, t)


UNARY: dict[str, Pair] = {
    "tanh": (ops.tanh, np.tanh),
    "sigmoid": (ops.sigmoid, formulas.sigmoid),
    "softplus": (ops.softplus, formulas.softplus),
    "silu": (ops.silu, formulas.silu),
    "gelu": (ops.gelu, formulas.gelu),
    "erf": (ops.erf, special.erf),
    "log1p of softplus": (lambda x: ops.log1p(ops.softplus(x)), lambda x: np.log1p(soft(x))),
    "exp of tanh": (lambda x: ops.exp(ops.tanh(x)), lambda x: np.exp(np.tanh(x))),
    "expm1 of sigmoid": (
        lambda x: ops.expm1(ops.sigmoid(x)),
        lambda x: np.expm1(formulas.sigmoid(x)),
    ),
    "root": (lambda x: ops.sqrt(x * x + 1), lambda x: np.sqrt(x * x + 1)),
    "square of tanh": (lambda x: ops.square(ops.tanh(x)), lambda x: np.tanh(x) ** 2),
    "cube of sigmoid": (lambda x: ops.sigmoid(x) ** 3, lambda x: formulas.sigmoid(x) ** 3),
    "power of two": (lambda x: 2 ** ops.tanh(x), lambda x: 2 ** np.tanh(x)),
    "negative": (lambda x: -x, lambda x: -x),
    "transpose": (lambda x: x.T, lambda x: x.T),
    "row": (lambda x: x[..., None], lambda x: x[..., None]),
    "flat": (lambda x: x.reshape(-1), lambda x: x.reshape(-1)),
    "reversed": (lambda x: x[..., None][::-1], lambda x: x[..., None][::-1]),
    "sum": (ops.sum, np.sum),
    "mean over the last axis": (
        lambda x: ops.mean(x[None], axis=-1, keepdims=True),
        lambda x: np.mean(x[None], axis=-1, keepdims=True),
    ),
    "logsumexp": (
        lambda x: ops.logsumexp(x[None], axis=(-1,)),
        lambda x: formulas.logsumexp(x[None], axis=(-1,)),
    ),
    "softmax": (lambda x: ops.softmax(x[None]), lambda x: formulas.softmax(x[None])),
    "log_softmax": (lambda x: ops.log_softmax(x[None]), lambda x: formulas.log_softmax(x[None])),
}
BINARY: dict[str, Pair] = {
    "add": (lambda a, b: a + b, lambda a, b: a + b),
    "subtract": (lambda a, b: a - b, lambda a, b: a - b),
    "multiply": (lambda a, b: a * ops.tanh(b), lambda a, b: a * np.tanh(b)),
    "divide": (lambda a, b: a / (1 + ops.softplus(b)), lambda a, b: a / (1 + soft(b))),
    "power": (
        lambda a, b: (1 + ops.sigmoid(a)) ** ops.tanh(b),
        lambda a, b: (1 + formulas.sigmoid(a)) ** np.tanh(b),
    ),
    "matmul": (lambda a, b: a @ ops.sigmoid(b), lambda a, b: a @ formulas.sigmoid(b)),
    "matmul with the transpose": (lambda a, b: a @ b.T, lambda a, b: a @ b.T),
    "error": (ops.mean_squared_error, error),
}


Step = tuple[str, int, int]
SHAPES: list[tuple[int, ...]] = [(), (1,), (3,), (2, 3), (3, 2), (2, 1), (1, 3), (2, 2), (0, 3)]
NAMES = st.sampled_from([*UNARY, *BINARY, *BINARY])
STEPS = st.lists(st.tuples(NAMES, st.integers(0, 9), st.integers(0, 9)), min_size=3, max_size=8)
INPUTS = st.lists(st.sampled_from(SHAPES), min_size=1, max_size=3)


def fits(f: Callable[..., Any], *values: Any) -> bool:
    """Tell whether NumPy can do this step, and with a result that is not large."""
    try:
        y = f(*values)
    except (ValueError, RuntimeWarning):  # such as the mean of nothing
        return False
    return bool(np.ndim(y) <= 4 and np.size(y) <= 60 and np.all(np.abs(y) < 30))


def plan(arrays: Sequence[Any], wishes: Sequence[Step]) -> list[tuple[Pair, list[int]]]:
    """Return the steps that can be done, each with the places of its arguments."""
    values, steps = [np.asarray(a) for a in arrays], []
    for name, i, j in wishes:
        pair = UNARY.get(name) or BINARY[name]
        places = [-1 - i % len(values)] if name in UNARY else [-1 - i % len(values), j]
        places = [k % len(values) for k in places]
        if fits(pair[1], *(values[k] for k in places)):
            steps.append((pair, places))
            values.append(np.asarray(pair[1](*(values[k] for k in places))))
    return steps


def program(steps: Sequence[tuple[Pair, list[int]]], which: int) -> Callable[..., Any]:
    def run(*inputs: Any) -> Any:
        values = list(inputs)
        for pair, places in steps:
            values.append(pair[which](*(values[k] for k in places)))
        total = 0.0
        for value in values:  # so that every value counts, and many paths lead to each input
            total = total + (ops.tanh(value).sum() if which == 0 else np.tanh(value).sum())
        return total

    return run


def planned(shapes: Any, wishes: Any, seed: int) -> tuple[list[Any], Any, Any, Any]:
    generator = np.random.default_rng(seed)
    arrays = [generator.uniform(-1.5, 1.5, shape) for shape in shapes]
    arrays = [np.asarray(a) for a in arrays]
    steps = plan(arrays, wishes)
    return arrays, program(steps, 0), program(steps, 1), generator


@settings(max_examples=150, deadline=None, derandomize=True)
@given(INPUTS, STEPS, st.integers(0, 1000))
def test_gradients_of_random_programs_equal_the_complex_step(
    shapes: list[tuple[int, ...]], wishes: list[Step], seed: int
) -> None:
    arrays, by_minidl, by_numpy, _ = planned(shapes, wishes, seed)
    leaves = [Tensor(array, requires_grad=True) for array in arrays]
    y = by_minidl(*leaves)
    assert_allclose(y.data, by_numpy(*arrays), rtol=1e-12, atol=1e-12)
    y.backward()
    for leaf, expected in zip(leaves, gradients(by_numpy, arrays, 1.0), strict=True):
        assert leaf.grad is not None
        assert_allclose(leaf.grad, expected, rtol=1e-10, atol=1e-10)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(INPUTS, STEPS, st.integers(0, 1000))
def test_second_derivatives_of_random_programs_equal_slopes_of_the_complex_step(
    shapes: list[tuple[int, ...]], wishes: list[Step], seed: int
) -> None:
    arrays, by_minidl, by_numpy, generator = planned(shapes, wishes, seed)
    directions = [np.asarray(generator.standard_normal(array.shape)) for array in arrays]
    leaves = [Tensor(array, requires_grad=True) for array in arrays]
    slopes = grad(by_minidl(*leaves), leaves, create_graph=True)
    along = sum(((g * u).sum() for g, u in zip(slopes, directions, strict=True)), Tensor(0.0))
    found = grad(along, leaves)
    expected = hessian_products(by_numpy, arrays, 1.0, directions, step=1e-3)
    for product, h in zip(found, expected, strict=True):
        assert_allclose(product.data, h, rtol=1e-6, atol=1e-6)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(INPUTS, STEPS, st.integers(0, 1000))
def test_random_programs_are_differentiated_alike_with_and_without_a_graph(
    shapes: list[tuple[int, ...]], wishes: list[Step], seed: int
) -> None:
    arrays, by_minidl, _, _ = planned(shapes, wishes, seed)
    leaves = [Tensor(array, requires_grad=True) for array in arrays]
    y = by_minidl(*leaves)
    recorded = grad(y, leaves, create_graph=True)
    y.backward()
    for leaf, g in zip(leaves, recorded, strict=True):
        assert leaf.grad is not None
        assert_allclose(g.data, leaf.grad, rtol=1e-13, atol=1e-13)
