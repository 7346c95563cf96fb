"""An operation added from outside, with the public API alone, is like any other."""

import copy
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from minidl import Tensor, grad, gradcheck, ops, primitive
from minidl.autograd import tensor as tensor_module
from minidl.autograd.primitive import composite
from minidl.errors import (
    ArgumentError,
    DTypeError,
    MissingRuleError,
    OutOfRangeError,
    ShapeError,
)


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
    table, reflected = copy.copy(tensor_module.NUMPY), vars(Tensor)["__rfloordiv__"]
    yield
    tensor_module.NUMPY.clear()
    tensor_module.NUMPY.update(table)
    if hasattr(Tensor, "logaddexp2"):
        del Tensor.logaddexp2
    setattr(Tensor, "__rfloordiv__", reflected)  # noqa: B010


@pytest.mark.usefixtures("restored")
def test_an_operation_may_be_a_numpy_function_a_method_and_a_reflected_operator() -> None:
    @primitive(
        lambda g, y, a, b: g * 2.0 ** (a - y),
        lambda g, y, a, b: g * 2.0 ** (b - y),
        numpy=[np.logaddexp2],
        methods=["logaddexp2"],
        reflected="__rfloordiv__",
    )
    def logaddexp2(a: Any, b: Any) -> Any:
        return np.logaddexp2(a, b)

    x = Tensor([3.0, 5.0], requires_grad=True)
    for y in (np.logaddexp2(x, 4.0), np.logaddexp2(4.0, x), x.logaddexp2(4.0), [4.0, 4.0] // x):  # type: ignore[attr-defined, operator]
        assert_allclose(y.data, np.logaddexp2(x.data, 4.0))
        assert_allclose(grad(y.sum(), x).data, 2 ** (x.data - y.data))
    two = [x, Tensor([[1.0], [2.0]], requires_grad=True)]
    assert gradcheck(np.logaddexp2, two, order=2)


@primitive(rule_at=lambda i: lambda g, y, *parts, power=1: g * power * parts[i] ** (power - 1))
def power_sum(*parts: Any, power: float = 1) -> Any:
    return sum(part**power for part in parts)


def test_an_operation_of_any_number_of_arguments_gives_its_rule_by_position() -> None:
    x, y = Tensor([1.0, 2.0], requires_grad=True), Tensor([3.0], requires_grad=True)
    total = power_sum(x, 5.0, y, [1.0, 1.0], x, power=3)
    assert_array_equal(total.data, [1 + 125 + 27 + 1 + 1, 8 + 125 + 27 + 1 + 8])
    gx, gy = grad(total.sum(), [x, y])
    assert_array_equal(gx.data, [6, 24])  # twice 3 x^2, for x is there twice
    assert_array_equal(gy.data, [54])  # broadcast to two elements
    assert gradcheck(lambda *two: power_sum(*two, 2.0, power=3), [x, y], order=2)


def test_a_composite_needs_no_rule_and_names_the_arguments_it_has() -> None:
    @composite
    def ptp(a: Any, axis: Any = None) -> Any:
        return np.max(a, axis=axis) - np.min(a, axis=axis)

    x = Tensor(DATA, requires_grad=True)
    assert_array_equal(ptp(x, axis=1).data, np.ptp(DATA, axis=1))
    assert_array_equal(ptp(DATA), np.ptp(DATA))
    assert gradcheck(lambda t: ptp(t, axis=0), x, order=2)
    with pytest.raises(MissingRuleError, match=r"ptp: .*'out'[,:] expected ptp\(a, axis=None\)"):
        ptp(x, out=np.zeros(()))  # type: ignore[call-arg]
    with pytest.raises(DTypeError, match=r"add .*'a'"):  # an error from within is left alone
        composite(lambda a: a + "a")(x)


def test_keywords_reach_the_forward_function_and_every_rule() -> None:
    @primitive(lambda g, y, x, *, times=1, plus=0: g * times)
    def affine(x: Any, *, times: int = 1, plus: int = 0) -> Any:
        return x * times + plus

    x = Tensor(2.0, requires_grad=True)
    assert affine(x, times=5, plus=1).item() == 11
    assert affine(x=x, times=5, plus=1).item() == 11
    assert grad(affine(x=x, times=5), x).item() == 5


def test_a_keyword_that_is_a_constant_tensor_reaches_the_function_as_an_array() -> None:
    @primitive(lambda g, y, x, *, times: g * times)
    def scaled(x: Any, *, times: Any) -> Any:
        assert type(times) is np.ndarray
        return x * times

    x = Tensor([1.0, 2.0], requires_grad=True)
    assert_array_equal(grad(scaled(x, times=Tensor([3.0, 4.0])).sum(), x).data, [3, 4])
    with pytest.raises(MissingRuleError, match=r"scaled .*keyword times.*detach"):
        scaled(x, times=Tensor([3.0, 4.0], requires_grad=True))


def test_a_wrong_call_names_the_arguments_that_there_are() -> None:
    with pytest.raises(MissingRuleError, match=r"softsign: .*'scale'[,:] expected softsign\(x\)"):
        softsign(Tensor(DATA), scale=2.0)  # type: ignore[call-arg]
    with pytest.raises(MissingRuleError, match=r"add: missing.*expected add\(a, b\)"):
        ops.add(Tensor(DATA))  # type: ignore[call-arg]


def test_an_index_out_of_range_is_an_index_error_and_a_wrong_axis_a_shape_error() -> None:
    with pytest.raises(OutOfRangeError, match=r"getitem .*index 7.*float64\[2, 3\], 7"):
        Tensor(DATA)[7]
    with pytest.raises(ShapeError, match=r"sum .*axis 2"):
        Tensor(DATA).sum(axis=2)


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


def test_each_is_the_deprecated_name_of_rule_at() -> None:
    with pytest.warns(DeprecationWarning, match="each is now called rule_at"):

        @primitive(each=lambda position: lambda g, y, *parts: g * (position + 1))
        def weighted_sum(*parts: Any) -> Any:
            return sum((i + 1) * part for i, part in enumerate(parts))

    leaves = [Tensor(1.0, requires_grad=True) for _ in range(3)]
    assert [g.item() for g in grad(weighted_sum(*leaves), leaves)] == [1, 2, 3]


def test_a_rule_that_fails_or_is_not_a_function_is_named() -> None:
    @primitive(lambda g: g)
    def squared(a: Any) -> Any:
        return a**2

    with pytest.raises(MissingRuleError, match=r"a rule of squared failed: .*positional"):
        squared(Tensor(DATA, requires_grad=True)).sum().backward()
    with pytest.raises(ArgumentError, match=r"a rule is a function or None.*'twice'"):
        primitive("twice")(lambda a: a)  # type: ignore[arg-type]


def test_the_backward_pass_of_a_ufunc_takes_neither_out_nor_more_arguments() -> None:
    x, out = Tensor(DATA, requires_grad=True), np.zeros_like(DATA)
    for call in (lambda: ops.tanh(x, out), lambda: ops.tanh(x, out=out), lambda: ops.exp(x, out)):
        with pytest.raises(MissingRuleError, match=r"(tanh|exp).*expected (tanh|exp)\(x\)"):
            call()
    with pytest.raises(MissingRuleError, match=r"add.*expected add\(a, b\)"):
        ops.add(x, out, where=True)
    assert not out.any()
    assert_array_equal(ops.add(b=x, a=out).data, DATA)
