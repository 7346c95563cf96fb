"""Operators such as ``-=`` change a leaf, inside no_grad only; other Tensors become new ones."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from minidl import Tensor, nn, no_grad
from minidl.errors import GraphError, ShapeError

START = np.array([[1.0, 2.0], [3.0, 4.0]])
OTHER = np.array([[2.0, 0.5], [1.0, 4.0]])
OPERATORS: dict[str, tuple[Callable[[Any, Any], Any], np.ndarray]] = {
    "+=": (operator.iadd, START + OTHER),
    "-=": (operator.isub, START - OTHER),
    "*=": (operator.imul, START * OTHER),
    "/=": (operator.itruediv, START / OTHER),
    "**=": (operator.ipow, START**OTHER),
    "@=": (operator.imatmul, START @ OTHER),
}
LEAVES: dict[str, Callable[[], Tensor]] = {
    "leaf": lambda: Tensor(START, requires_grad=True),
    "parameter": lambda: nn.Parameter(START),
}


@pytest.mark.parametrize("leaf", LEAVES)
@pytest.mark.parametrize("symbol", OPERATORS)
def test_a_leaf_is_changed_in_place_inside_no_grad_and_not_outside(symbol: str, leaf: str) -> None:
    change, expected = OPERATORS[symbol]
    x = LEAVES[leaf]()
    array = x.data
    for other in (OTHER, Tensor(OTHER)):
        with pytest.raises(GraphError, match=r"cannot be changed .* Tensor, write t = p - \.\.\.$"):
            change(x, other)
    assert_array_equal(array, START)
    with no_grad():
        assert change(x, OTHER) is x
    assert x.data is array
    assert_array_equal(array, expected)
    assert x.requires_grad


@pytest.mark.parametrize("symbol", OPERATORS)
def test_other_tensors_become_new_ones_with_the_right_gradient(symbol: str) -> None:
    change, expected = OPERATORS[symbol]
    x = Tensor(START, requires_grad=True)
    y = before = x * 1.0
    y = change(y, OTHER)
    assert y is not before
    assert_array_equal(y.data, expected)
    assert_array_equal(before.data, START)
    y.sum().backward()
    plain = LEAVES["leaf"]()
    {
        "+=": lambda: plain + OTHER, "-=": lambda: plain - OTHER, "*=": lambda: plain * OTHER,
        "/=": lambda: plain / OTHER, "**=": lambda: plain**OTHER, "@=": lambda: plain @ OTHER,
    }[symbol]().sum().backward()  # fmt: skip
    assert_array_equal(x.grad, plain.grad)
    constant = Tensor(START)
    assert change(constant, x).requires_grad  # a sum that begins with a constant


def test_a_step_of_a_network_by_hand_moves_it_or_is_an_error() -> None:
    model = nn.Dense(2, 1, initializer="constant:1", bias_initializer="constant:1")
    vector = model.parameters
    model([[1.0, 2.0]]).sum().backward()  # gradients: the inputs, and 1 for the bias

    def step() -> None:
        for p in vector:
            p -= 0.5 * p.grad  # noqa: PLW2901

    with pytest.raises(GraphError, match=r"a Parameter of shape \(2, 1\) cannot be changed"):
        step()
    assert_array_equal(vector.value, [1.0, 1.0, 1.0])
    with no_grad():
        step()
        model.bias *= 3.0  # type: ignore[operator]
    assert_array_equal(vector.value, [0.5, 0.0, 1.5])


def test_a_frozen_parameter_and_a_buffer_are_changed_in_place() -> None:
    p, mean = nn.Parameter([1.0, 2.0]), nn.Buffer([4.0])
    p.requires_grad = False
    for t, expected in ((p, [0.5, 1.0]), (mean, [2.0])):
        assert operator.imul(t, 0.5) is t
        assert_array_equal(t.data, expected)
        with pytest.raises(GraphError, match="cannot be changed"):
            operator.iadd(t, Tensor(1.0, requires_grad=True))  # whose gradient would be lost


def test_another_shape_is_an_error_and_changes_nothing() -> None:
    p = nn.Parameter([1.0, 2.0])
    with no_grad(), pytest.raises(ShapeError, match=r"got \(2, 2\), expected \(2,\)"):
        p += np.ones((2, 2))
    with no_grad(), pytest.raises(ShapeError):
        p += np.ones(3)
    assert_array_equal(p.data, [1.0, 2.0])
