"""Reductions where care is needed: zeros in products, constant data, infinities, far-out sizes."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from minidl import Tensor, grad, hessian, ops
from minidl.errors import ArgumentError, MissingRuleError, ShapeError, UnknownNameError


@pytest.mark.parametrize("zeros", [0, 1, 2, 3])
def test_all_derivatives_of_a_product_are_products_of_what_is_left(zeros: int) -> None:
    """By its definition: the derivative by x_i, x_j, x_k is the product of the others."""
    x = np.array([2.0, -3.0, 0.5, 7.0, 1.5])
    x[:zeros] = 0
    n, leaf = len(x), Tensor(x, requires_grad=True)
    first = grad(ops.prod(leaf), leaf, create_graph=True)
    for i in range(n):
        assert_allclose(first.data[i], np.prod(np.delete(x, i)), rtol=1e-15)
    second = [grad(first[i], leaf, create_graph=True) for i in range(n)]
    for i, j in itertools.permutations(range(n), 2):
        assert_allclose(second[i].data[j], np.prod(np.delete(x, [i, j])), rtol=1e-15)
    for i, j, k in itertools.permutations(range(n), 3):
        third = grad(second[i][j], leaf, retain_graph=True)
        assert_allclose(third.data[k], np.prod(np.delete(x, [i, j, k])), rtol=1e-15)


def test_a_long_product_of_large_and_small_numbers_has_its_gradient() -> None:
    x = np.tile([1e150, 1e-150], 50)
    leaf = Tensor(x, requires_grad=True)
    with np.errstate(all="raise"):
        assert_allclose(grad(ops.prod(leaf), leaf).data * x, np.ones(100), rtol=1e-12)


def test_a_product_s_gradient_does_not_overflow_on_the_way() -> None:
    leaf = Tensor([1e-200, 1e200, 1e200, 1e-200], requires_grad=True)
    with np.errstate(all="raise"):
        g = grad(ops.prod(leaf), leaf)
    assert_allclose(g.data, [1e200, 1e-200, 1e-200, 1e200], rtol=1e-15)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n", [1, 3, 4, 6, 7, 49])
@pytest.mark.parametrize("value", [0.0, 3.0, 0.1, -1e30])
def test_the_deviation_of_constant_data_has_gradient_zero(value: float, n: int, dtype: Any) -> None:
    """Also of numbers whose mean rounds to another one: 0.1, 0.1, 0.1."""
    leaf = Tensor(np.full((2, n), value, dtype), requires_grad=True)
    with np.errstate(all="raise"):
        y = leaf.std(axis=1)
        first = grad(y.sum(), leaf, create_graph=True)
        second = grad((first * first).sum(), leaf)
    assert_array_equal(y.data, [0, 0])
    assert_array_equal(first.data, np.zeros((2, n)))
    assert_array_equal(second.data, np.zeros((2, n)))


@pytest.mark.parametrize("x", [np.full(3, 0.1), np.array([0.3, 1.7, -2.1])])
def test_the_hessian_of_a_variance_is_the_centring_matrix_also_of_constant_data(x: Any) -> None:
    expected = 2 * (np.eye(3) - 1 / 3)
    assert_allclose(hessian(ops.var, x).data, expected / 3, atol=1e-16)
    assert_allclose(hessian(lambda t: t.var(ddof=1), x).data, expected / 2, atol=1e-16)


def test_a_large_common_part_costs_a_variance_no_digits() -> None:
    x = np.array([1.0, 2.0, 4.0])
    far = Tensor(x + 2.0**50, requires_grad=True)
    assert_allclose(far.var().item(), np.var(x), rtol=1e-15)
    assert_allclose(grad(far.var(), far).data, 2 / 3 * (x - 7 / 3), rtol=1e-14)


@pytest.mark.parametrize("dtype", [np.uint8, bool])
def test_variances_of_unsigned_data_are_numpy_s(dtype: Any) -> None:
    x = np.array([[1, 0, 1], [1, 1, 0]], dtype)
    assert_allclose(ops.var(x, axis=1), np.var(x, axis=1), rtol=1e-15)


def test_correction_is_another_name_of_ddof() -> None:
    x = Tensor([[1.0, 2.0, 4.0]], requires_grad=True)
    for name in ("var", "std"):
        f = getattr(np, name)
        one, other = f(x, ddof=1), f(x, correction=1)
        assert one.item() == other.item() == pytest.approx(f(x.data, ddof=1))
        assert_array_equal(grad(one, x).data, grad(other, x).data)
        assert f(x, correction=0).item() == f(x).item()
        with pytest.raises(ArgumentError, match="ddof=1, correction=0"):
            f(x, ddof=1, correction=0)


@pytest.mark.parametrize("f", [ops.max, ops.min])
def test_nan_is_the_extreme_and_receives_the_gradient_without_a_flag(f: Any) -> None:
    """PyTorch's max does so; its amax gives nan everywhere."""
    x = Tensor([[1.0, np.nan, 3.0], [np.nan, 2.0, np.nan], [5.0, 5.0, 5.0]], requires_grad=True)
    with np.errstate(all="raise"):
        y = f(x, axis=1)
        g = grad(y.sum(), x)
    assert_array_equal(y.data, [np.nan, np.nan, 5])
    assert_allclose(g.data, [[0, 1, 0], [0.5, 0, 0.5], [1 / 3] * 3])


def test_variances_take_ddof_and_refuse_too_few_elements() -> None:
    x = Tensor([[1.0, 2.0, 4.0]], requires_grad=True)
    assert_allclose(np.var(x, ddof=1).item(), 7 / 3)
    assert_allclose(grad(x.var(ddof=1), x).data, [[-4 / 3, -1 / 3, 5 / 3]])
    with pytest.raises(ArgumentError, match=r"got 1 elements with ddof=1"):
        x.var(axis=0, ddof=1)


ORDERS: list[Any] = [None, 2, 1, 3, 1.5, np.inf]


@pytest.mark.parametrize("order", ORDERS)
def test_the_norm_of_nothing_has_gradient_zero_in_both_orders(order: Any) -> None:
    leaf = Tensor(np.zeros(3), requires_grad=True)
    with np.errstate(all="raise"):
        first = grad(np.linalg.norm(leaf, order), leaf, create_graph=True)
        second = grad((first * first).sum(), leaf)
    assert_array_equal(first.data, [0, 0, 0])
    assert_array_equal(second.data, [0, 0, 0])


@pytest.mark.parametrize("size", [1e-300, 1e-200, 1.0, 1e200, 1e300])
@pytest.mark.parametrize("order", [None, 2, 1, 3, np.inf])
def test_norms_do_not_overflow_and_their_gradients_have_no_size(order: Any, size: float) -> None:
    leaf = Tensor(size * np.array([3.0, -4.0]), requires_grad=True)
    one = Tensor([3.0, -4.0], requires_grad=True)
    with np.errstate(all="raise", under="ignore"):
        y = ops.norm(leaf, order)
        g = grad(y, leaf)
    assert_allclose(y.item() / size, np.linalg.norm([3.0, -4.0], order), rtol=1e-14)
    assert_allclose(g.data, grad(ops.norm(one, order), one).data, rtol=1e-14)


def test_the_hessian_of_the_length_is_that_of_geometry_also_beside_zeros() -> None:
    x = np.array([3.0, 0.0, -4.0])
    unit = x / 5
    expected = (np.eye(3) - np.outer(unit, unit)) / 5
    assert_allclose(hessian(ops.norm, x).data, expected, atol=1e-16)


def test_norms_of_negative_orders_and_of_order_zero_at_zeros() -> None:
    x = Tensor([3.0, 0.0, -4.0], requires_grad=True)
    for order, expected in ((0, 2), (-1, 0), (-2.5, 0)):
        y = np.linalg.norm(x, order)
        assert y.item() == expected
        assert_array_equal(grad(y, x).data, [0, 0, 0])


@pytest.mark.parametrize("order", [0, 3, "inf"])
def test_an_order_that_matrices_do_not_have_is_refused(order: Any) -> None:
    with pytest.raises(ArgumentError, match=r"ord of a matrix norm must be .*'fro'.*got "):
        np.linalg.norm(Tensor(np.eye(2)), order)


@pytest.mark.parametrize("order", [2, -2, "nuc"])
def test_a_matrix_norm_of_singular_values_is_refused(order: Any) -> None:
    with pytest.raises(ArgumentError, match=r"'fro'.* got .*singular values"):
        np.linalg.norm(Tensor(np.eye(2)), order)


def test_norms_that_make_no_sense_are_refused() -> None:
    cube = Tensor(np.ones((2, 2, 2)))
    with pytest.raises(ShapeError, match=r"\(2, 2, 2\), ord=1.*axis"):
        np.linalg.norm(cube, 1)
    with pytest.raises(ShapeError, match=r"axis=\(0, 1, 2\)"):
        np.linalg.norm(cube, axis=(0, 1, 2))
    with pytest.raises(UnknownNameError, match="'fro'"):
        np.linalg.norm(Tensor([1.0, 2.0]), "fro")


def test_logsumexp_of_infinities() -> None:
    inf = np.inf
    rows = [[-inf, -inf, -inf], [-inf, 1.0, -inf], [2.0, inf, -inf], [inf, 0.0, inf]]
    x = Tensor(rows, requires_grad=True)
    with np.errstate(all="raise"):
        y = ops.logsumexp(x, axis=1)
        g = grad(y, x, np.ones(4), create_graph=True)
        h = grad((g * g).sum(), x)
    assert_array_equal(y.data, [-inf, 1, inf, inf])
    assert_array_equal(g.data, [[0, 0, 0], [0, 1, 0], [0, 1, 0], [0.5, 0, 0.5]])
    assert_array_equal(h.data, np.zeros((4, 3)))


def test_cumulative_sums_flatten_without_an_axis_and_their_gradient_counts_down() -> None:
    x = Tensor(np.arange(6.0).reshape(2, 3), requires_grad=True)
    assert_array_equal(np.cumsum(x).data, [0, 1, 3, 6, 10, 15])
    assert_array_equal(grad(x.cumsum().sum(), x).data, [[6, 5, 4], [3, 2, 1]])
    assert_array_equal(grad(x.cumsum(-1).sum(), x).data, [[3, 2, 1], [3, 2, 1]])


@pytest.mark.parametrize("f", [ops.norm, ops.std])
def test_where_a_kink_has_gradient_zero_it_has_no_curvature_either(f: Any) -> None:
    x = Tensor(np.zeros(2), requires_grad=True)
    assert_array_equal(hessian(f, x).data, np.zeros((2, 2)))


def test_the_slope_of_a_norm_of_any_order_at_unit_vectors() -> None:
    x = Tensor([1.0, 0.0], requires_grad=True)
    assert_array_equal(grad(ops.norm(x, 3), x).data, [1, 0])


@pytest.mark.parametrize("name", ["sum", "mean", "max", "min", "prod", "var", "std"])
def test_numpy_and_the_method_mean_the_same_reduction(name: str) -> None:
    x = Tensor(np.random.default_rng(0).normal(size=(2, 3, 4)))
    for axis in (None, 1, -1, (0, 2)):
        expected = getattr(np, name)(x.data, axis=axis, keepdims=True)
        assert_allclose(getattr(np, name)(x, axis=axis, keepdims=True).data, expected, rtol=1e-14)
        assert_allclose(getattr(x, name)(axis, keepdims=True).data, expected, rtol=1e-14)
        with pytest.raises(MissingRuleError, match=rf"{name}: .*expected {name}\(a, axis=None, \*"):
            getattr(np, name)(x, axis, None, None, True)  # NumPy has dtype and out in between


def test_the_sum_of_no_exponentials_is_zero_and_its_logarithm_minus_infinity() -> None:
    with np.errstate(all="raise"):
        assert ops.logsumexp(Tensor(np.zeros(0))).item() == -np.inf
        assert_array_equal(ops.logsumexp(Tensor(np.zeros((2, 0))), axis=1).data, [-np.inf] * 2)


def test_a_class_that_is_masked_out_by_a_logit_of_minus_infinity_costs_nothing() -> None:
    z = Tensor([[1.0, -np.inf, 0.0]], requires_grad=True)
    y = ops.softmax_cross_entropy(z, np.array([0]))
    assert_allclose(y.item(), np.log1p(np.exp(-1)), rtol=1e-14)
    p = 1 / (1 + np.e)
    assert_allclose(grad(y, z).data, [[-p, 0, p]], rtol=1e-14)
    assert ops.softmax_cross_entropy(z, np.array([1])).item() == np.inf
