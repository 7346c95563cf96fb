"""Every operation: its values are NumPy's, its derivatives those of two independent methods."""

import importlib
import pkgutil
from typing import Any

import numpy as np
import pytest
from autograd_cases import CALLS, IDS, OPERATIONS, Call, tensors
from autograd_oracles import gradients, hessian_products
from numpy.testing import assert_allclose, assert_array_equal

from minidl import Tensor, grad, gradcheck, ops


def exported_operations() -> set[str]:
    """Return the names in ``__all__`` of every module of ``minidl.autograd.ops``."""
    found = set()
    for info in pkgutil.walk_packages(ops.__path__, ops.__name__ + "."):
        module = importlib.import_module(info.name)
        if not info.ispkg:
            found |= {name for name in module.__all__ if callable(getattr(module, name))}
    return found


def test_every_operation_has_an_example() -> None:
    missing = sorted(exported_operations() - OPERATIONS.keys())
    assert not missing, f"add to the OPERATIONS of its family in cases_*.py: {', '.join(missing)}"


def test_every_exported_operation_is_in_ops_and_every_example_is_exported() -> None:
    assert exported_operations() == OPERATIONS.keys()
    assert all(callable(getattr(ops, name)) for name in OPERATIONS)


def values_equal_the_library_s_own_function(call: Call) -> None:
    y = call.minidl(*tensors(call.arrays))
    expected = call.library(*call.arrays)
    assert type(y.data) is np.ndarray
    assert y.shape == np.shape(expected)
    assert y.dtype == np.float64
    assert_allclose(y.data, expected, rtol=1e-14, atol=1e-14)


def values_equal_the_complex_formula(call: Call) -> None:
    y = call.minidl(*tensors(call.arrays))
    assert_allclose(y.data, call.formula(*call.arrays), rtol=1e-13, atol=1e-13)


def plain_arrays_give_the_same_values_as_plain_arrays(call: Call) -> None:
    y = call.minidl(*call.arrays)
    assert not isinstance(y, Tensor)
    assert_array_equal(y, call.minidl(*tensors(call.arrays)).data, strict=np.ndim(y) > 0)


def gradcheck_passes_in_both_orders(call: Call) -> None:
    leaves = tensors(call.arrays)
    assert gradcheck(call.minidl, leaves, order=2)
    assert all(leaf.grad is None for leaf in leaves)


def gradient_equals_the_complex_step(call: Call) -> None:
    leaves = tensors(call.arrays)
    y = call.minidl(*leaves)
    weight = np.random.default_rng(2).standard_normal(y.shape)
    y.backward(weight)
    expected = gradients(call.formula, call.arrays, weight)
    for leaf, g in zip(leaves, expected, strict=True):
        assert leaf.grad is not None
        assert leaf.grad.shape == leaf.shape
        assert_allclose(leaf.grad, g, rtol=1e-12, atol=1e-12)


def second_derivative_equals_the_slope_of_the_complex_step(call: Call) -> None:
    leaves = tensors(call.arrays)
    y = call.minidl(*leaves)
    generator = np.random.default_rng(3)
    weight = generator.standard_normal(y.shape)
    directions = [generator.standard_normal(leaf.shape) for leaf in leaves]
    found = products_with_hessian(y, leaves, weight, directions)
    expected = hessian_products(call.formula, call.arrays, weight, directions)
    for product, h in zip(found, expected, strict=True):
        assert_allclose(product.data, h, rtol=1e-8, atol=1e-8)


def products_with_hessian(y: Tensor, leaves: list[Tensor], weight: Any, directions: Any) -> Any:
    slopes = grad(y, leaves, weight, create_graph=True)
    along = sum(((g * u).sum() for g, u in zip(slopes, directions, strict=True)), Tensor(0.0))
    return grad(along, leaves)


def gradient_with_a_graph_equals_the_one_without(call: Call) -> None:
    leaves = tensors(call.arrays)
    y = call.minidl(*leaves)
    weight = np.random.default_rng(4).standard_normal(y.shape)
    recorded = grad(y, leaves, weight, create_graph=True)
    plain = grad(y, leaves, weight)
    for one, other in zip(recorded, plain, strict=True):
        assert_allclose(one.data, other.data, rtol=1e-14, atol=1e-14)


def the_arguments_are_not_changed(call: Call) -> None:
    before = [array.copy() for array in call.arrays]
    leaves = tensors(call.arrays)
    y = call.minidl(*leaves)
    grad(grad(y.sum(), leaves, create_graph=True)[0].sum(), leaves)
    for array, copy in zip(call.arrays, before, strict=True):
        assert_array_equal(array, copy, strict=True)


def float32_stays_float32_in_values_and_in_gradients_of_both_orders(call: Call) -> None:
    leaves = tensors([array.astype(np.float32) for array in call.arrays])
    y = call.minidl(*leaves)
    assert y.dtype == (np.float64 if call.name == "astype" else np.float32)
    first = grad(y.sum(), leaves, create_graph=True)
    second = grad(sum(((g * g).sum() for g in first), Tensor(0.0)), leaves)
    exact = grad(call.minidl(*(doubles := tensors(call.arrays))).sum(), doubles)
    for leaf, g, h, close in zip(leaves, first, second, exact, strict=True):
        assert g.dtype == h.dtype == leaf.dtype == np.float32
        assert_allclose(g.data, close.data, rtol=3e-5, atol=3e-5)


PROPERTIES = [
    values_equal_the_library_s_own_function,
    values_equal_the_complex_formula,
    plain_arrays_give_the_same_values_as_plain_arrays,
    gradcheck_passes_in_both_orders,
    gradient_equals_the_complex_step,
    second_derivative_equals_the_slope_of_the_complex_step,
    gradient_with_a_graph_equals_the_one_without,
    the_arguments_are_not_changed,
    float32_stays_float32_in_values_and_in_gradients_of_both_orders,
]


@pytest.mark.parametrize("call", CALLS, ids=IDS)
def test_an_example_has_the_values_and_derivatives_of_its_formula(call: Call) -> None:
    failed = []
    for check in PROPERTIES:
        try:
            check(call)
        except Exception as error:
            failed.append(f"{check.__name__}: {type(error).__name__}: {error}")
    assert not failed, f"{call.name}: " + "\n".join(failed)
