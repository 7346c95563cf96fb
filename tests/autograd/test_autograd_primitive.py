"""An operation added from outside, with the public API alone, is like any other."""

import copy
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from minidl import Tensor, grad, gradcheck, ops, primitive
from minidl.autograd import tensor as tensor_module


@primitive(lambda g, y, x: g / (1 + np.abs(x)) ** 2)
def softsign(x: Any) -> Any:
    """Softsign, y = x / (1 + |x|); dy/dx = 1 / (1 + |x|)^2."""
    return x / (1 + np.abs(x))


DATA = np.array([[-3.0, -0.5, 0.25], [0.7, 1.0, 800.0]])


def test_softsign_from_outside_has_its_values_and_derivatives_of_three_orders() -> None:
    x = Tensor(DATA, requires_grad=True)
    y = softsign(x)
    assert_array_equal(y.data, DATA / (1 + abs(DATA)))
    found = []
    for _ in range(3):
        y = grad(y.sum(), x, create_graph=True)
        found.append(y.data)
    a, s = 1 + abs(DATA), np.sign(DATA)
    assert_allclose(found, [a**-2, -2 * s * a**-3, 6 * a**-4], rtol=1e-14)


def test_softsign_from_outside_passes_gradcheck_in_both_orders() -> None:
    assert gradcheck(softsign, Tensor(DATA, requires_grad=True), order=2)
    two = [Tensor(DATA, requires_grad=True), Tensor(DATA[0] + 1, requires_grad=True)]
    assert gradcheck(lambda a, b: softsign(a * b) @ ops.tanh(softsign(b)), two, order=2)


def test_an_operation_keeps_its_name_its_documentation_and_its_plain_arrays() -> None:
    assert softsign.__name__ == "softsign"
    assert (softsign.__doc__ or "").startswith("Softsign")
    assert type(softsign(DATA)) is np.ndarray
    assert softsign(1.0) == 0.5
    assert not softsign(Tensor(DATA)).requires_grad


@pytest.fixture
def restored() -> Iterator[None]:
    table = copy.copy(tensor_module.NUMPY)
    yield
    tensor_module.NUMPY.clear()
    tensor_module.NUMPY.update(table)
    for name in ("hypot", "__rfloordiv__"):
        if hasattr(Tensor, name):
            delattr(Tensor, name)


@pytest.mark.usefixtures("restored")
def test_an_operation_may_be_a_numpy_function_a_method_and_a_reflected_operator() -> None:
    @primitive(
        lambda g, y, a, b: g * a / y,
        lambda g, y, a, b: g * b / y,
        numpy=[np.hypot],
        methods=["hypot"],
        reflected="__rfloordiv__",
    )
    def hypot(a: Any, b: Any) -> Any:
        return np.hypot(a, b)

    x = Tensor([3.0, 5.0], requires_grad=True)
    for y in (np.hypot(x, 4.0), np.hypot(4.0, x), x.hypot(4.0), [4.0, 4.0] // x):  # type: ignore[attr-defined, operator]
        assert_allclose(y.data, np.hypot(x.data, 4.0))
        assert_allclose(grad(y.sum(), x).data, x.data / y.data)
    assert gradcheck(np.hypot, [x, Tensor([[1.0], [2.0]], requires_grad=True)], order=2)


def test_keywords_reach_the_forward_function_and_every_rule() -> None:
    @primitive(lambda g, y, x, *, times=1, plus=0: g * times)
    def affine(x: Any, *, times: int = 1, plus: int = 0) -> Any:
        return x * times + plus

    x = Tensor(2.0, requires_grad=True)
    assert affine(x, times=5, plus=1).item() == 11
    assert affine(x=x, times=5, plus=1).item() == 11
    assert grad(affine(x=x, times=5), x).item() == 5


def test_an_argument_of_none_stands_for_a_constant() -> None:
    @primitive(None, lambda g, y, n, x: g * n)
    def scaled(n: Any, x: Any) -> Any:
        return n * x

    n, x = Tensor(4.0, requires_grad=True), Tensor([1.0, 2.0], requires_grad=True)
    scaled(n, x).sum().backward()
    assert n.grad is None
    assert_array_equal(x.grad, [4, 4])


def test_a_rule_may_ignore_broadcasting_and_precision() -> None:
    x = Tensor(np.ones((2, 1), np.float32), requires_grad=True)
    y = ops.multiply(x, np.full((4, 2, 3), 2.0))
    for g in (grad(y.sum(), x, retain_graph=True), grad(y.sum(), x, create_graph=True)):
        assert_array_equal(g.data, np.full((2, 1), 24, np.float32), strict=True)
