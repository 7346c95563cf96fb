"""Random programs over all operations: both derivatives against two outside methods.

A program is a list of steps over a growing list of values. It runs twice, by minidl on Tensors
and by plain NumPy on complex numbers, whose step of 1e-30 gives derivatives exact to rounding.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import pytest
import random_steps
import random_steps_extra
from autograd_oracles import gradients, hessian_products
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from random_steps import FORMULAS

from minidl import Tensor, grad, ops

UNARY = {**random_steps.UNARY, **random_steps_extra.UNARY}
PAIRED = {**random_steps.PAIRED, **random_steps_extra.PAIRED}
STEPS = {**UNARY, **PAIRED}
Wish = tuple[str, int, int, int]  # a step, two places, and the number that chooses its options
SHAPES: list[tuple[int, ...]] = [(), (1,), (3,), (2, 3), (3, 2), (2, 1), (1, 3), (2, 2), (0, 3)]
SHAPES += [(2, 1, 2), (2, 2, 2)]
NAMES = st.sampled_from([*UNARY, *PAIRED, *PAIRED])
NUMBERS = st.integers(0, 11)
WISHES = st.lists(st.tuples(NAMES, NUMBERS, NUMBERS, NUMBERS), min_size=3, max_size=10)
INPUTS = st.lists(st.sampled_from(SHAPES), min_size=1, max_size=3)
UNFIT = (ValueError, IndexError, ZeroDivisionError, RuntimeWarning)  # such as the mean of nothing


class Planned(NamedTuple):
    """A step that can be done, with the places of its arguments."""

    name: str
    places: list[int]
    option: int

    def run(self, namespace: Any, values: Sequence[Any]) -> Any:
        """Compute the step's value, by minidl or by the formulas."""
        return STEPS[self.name](namespace, *(values[k] for k in self.places), self.option)


def result(step: Planned, values: Sequence[Any]) -> Any:
    """Return the step's value as NumPy has it, or None if it cannot be done, or is large."""
    try:
        y = np.asarray(step.run(FORMULAS, values))
    except UNFIT:
        return None
    return y if y.ndim <= 4 and y.size <= 60 and np.all(np.abs(y) < 30) else None


def plan(arrays: Sequence[Any], wishes: Sequence[Wish]) -> list[Planned]:
    """Return the steps that can be done."""
    values, steps = list(arrays), []
    for name, i, j, option in wishes:
        places = [-1 - i % len(values)] if name in UNARY else [-1 - i % len(values), j]
        step = Planned(name, [k % len(values) for k in places], option)
        y = result(step, values)
        if y is not None:
            steps.append(step)
            values.append(y)
    return steps


def program(steps: Sequence[Planned], namespace: Any) -> Callable[..., Any]:
    def run(*inputs: Any) -> Any:
        values = list(inputs)
        for step in steps:
            values.append(step.run(namespace, values))
        total = 0.0
        for value in values:  # so that every value counts, and many paths lead to each input
            total = total + namespace.sum(namespace.tanh(value))
        return total

    return run


class Program(NamedTuple):
    """Inputs, and a function of them by minidl and by NumPy."""

    arrays: list[Any]
    by_minidl: Callable[..., Any]
    by_numpy: Callable[..., Any]
    steps: list[Planned]
    random: np.random.Generator


def planned(shapes: Sequence[Any], wishes: Sequence[Wish], seed: int) -> Program:
    random = np.random.default_rng(seed)
    arrays = [np.asarray(random.uniform(-1.5, 1.5, shape)) for shape in shapes]
    steps = plan(arrays, wishes)
    return Program(arrays, program(steps, ops), program(steps, FORMULAS), steps, random)


def check_gradient(made: Program) -> None:
    """Compare the value and the gradient with the complex step."""
    leaves = [Tensor(array, requires_grad=True) for array in made.arrays]
    y = made.by_minidl(*leaves)
    assert_allclose(y.data, made.by_numpy(*made.arrays), rtol=1e-12, atol=1e-12)
    y.backward()
    for leaf, expected in zip(leaves, gradients(made.by_numpy, made.arrays, 1.0), strict=True):
        assert leaf.grad is not None
        assert_allclose(leaf.grad, expected, rtol=1e-10, atol=1e-10)


def check_second_derivative(made: Program) -> None:
    """Compare the product of the Hessian and a direction with slopes of the complex step."""
    directions = [np.asarray(made.random.standard_normal(array.shape)) for array in made.arrays]
    leaves = [Tensor(array, requires_grad=True) for array in made.arrays]
    slopes = grad(made.by_minidl(*leaves), leaves, create_graph=True)
    along = sum(((g * u).sum() for g, u in zip(slopes, directions, strict=True)), Tensor(0.0))
    found = grad(along, leaves)
    expected = hessian_products(made.by_numpy, made.arrays, 1.0, directions)
    for product, h in zip(found, expected, strict=True):
        size = np.abs(h).max(initial=1.0)
        assert_allclose(product.data, h, rtol=1e-6, atol=1e-6 * size)


class Listening:
    """The formulas, noting which were asked for."""

    def __init__(self) -> None:
        self.asked: set[str] = set()

    def __getattr__(self, name: str) -> Any:
        self.asked.add(name)
        return getattr(FORMULAS, name)


def fitting(name: str, seed: int = 0) -> Program:
    """Return a program that begins with this step, and goes on at random."""
    random = np.random.default_rng([seed, sorted(STEPS).index(name)])
    for _ in range(200):
        shapes = [SHAPES[i] for i in random.integers(len(SHAPES), size=2)]
        names = random.choice([*STEPS], size=4).tolist()
        rest = [(other, *random.integers(12, size=3).tolist()) for other in names]
        made = planned(shapes, [(name, 0, 0, int(random.integers(12))), *rest], seed)
        if made.steps and made.steps[0].name == name and made.arrays[1].size:
            return made
    raise AssertionError(f"no shape fits {name}")


def test_every_operation_is_a_step_of_random_programs() -> None:
    called = set()
    for name in STEPS:
        listening = Listening()
        made = fitting(name)
        made.steps[0].run(listening, made.arrays)
        assert name.split()[0] in listening.asked
        called.add(name.split()[0])
    operations = {name for name in ops.__all__ if callable(getattr(ops, name))}
    missing = sorted(operations - called)
    assert not missing, f"add to random_steps.py: {', '.join(missing)}"


@pytest.mark.unmeasured
@pytest.mark.parametrize("name", STEPS)
def test_programs_that_begin_with_this_step_have_both_derivatives(name: str) -> None:
    for seed in range(6):
        made = fitting(name, seed)
        check_gradient(made)
        check_second_derivative(made)


@settings(max_examples=500, deadline=None, derandomize=True)
@given(INPUTS, WISHES, st.integers(0, 1000))
def test_gradients_of_random_programs_equal_the_complex_step(
    shapes: list[tuple[int, ...]], wishes: list[Wish], seed: int
) -> None:
    check_gradient(planned(shapes, wishes, seed))


@settings(max_examples=200, deadline=None, derandomize=True)
@given(INPUTS, WISHES, st.integers(0, 1000))
def test_second_derivatives_of_random_programs_equal_slopes_of_the_complex_step(
    shapes: list[tuple[int, ...]], wishes: list[Wish], seed: int
) -> None:
    check_second_derivative(planned(shapes, wishes, seed))


@settings(max_examples=200, deadline=None, derandomize=True)
@given(INPUTS, WISHES, st.integers(0, 1000))
def test_random_programs_are_differentiated_alike_with_and_without_a_graph(
    shapes: list[tuple[int, ...]], wishes: list[Wish], seed: int
) -> None:
    made = planned(shapes, wishes, seed)
    leaves = [Tensor(array, requires_grad=True) for array in made.arrays]
    y = made.by_minidl(*leaves)
    recorded = grad(y, leaves, create_graph=True)
    y.backward()
    for leaf, g in zip(leaves, recorded, strict=True):
        assert leaf.grad is not None
        assert_allclose(g.data, leaf.grad, rtol=1e-12, atol=1e-12)
