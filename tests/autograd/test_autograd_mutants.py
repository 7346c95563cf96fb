"""Facts about the engine that a mutation run found to be tested nowhere else."""

import subprocess
import sys
from typing import Any

import numpy as np
import pytest

from minidl import Tensor, ops, primitive
from minidl.errors import ArgumentError, MissingRuleError, ShapeError


@pytest.mark.parametrize("name", ["norm", "split", "std"])
def test_a_function_of_other_operations_refuses_what_it_does_not_have(name: str) -> None:
    with pytest.raises(MissingRuleError, match=f"{name}: .*nonsense.*expected"):
        getattr(ops, name)(Tensor([1.0, 2.0]), 1, nonsense=3)


def test_a_rule_whose_gradient_has_too_few_axes_is_named() -> None:
    @primitive(lambda g, y, x: g.sum())
    def broken(x: Any) -> Any:
        return 2 * x

    x = Tensor([[1.0, 2.0]], requires_grad=True)
    with pytest.raises(ShapeError, match=r"a rule of broken .*shape: got \(\)"):
        broken(x).sum().backward()


def test_a_tensor_after_a_default_left_out_has_its_gradient() -> None:
    @primitive(
        lambda g, y, x, scale, shift: g * scale,
        lambda g, y, x, scale, shift: g * x,
        lambda g, y, x, scale, shift: g,
    )
    def affine(x: Any, scale: Any = 2.0, shift: Any = 0.0) -> Any:
        return x * scale + shift

    x, shift = Tensor([1.0, 2.0], requires_grad=True), Tensor([3.0, 4.0], requires_grad=True)
    y = affine(x, shift=shift)
    y.backward([5.0, 7.0])
    np.testing.assert_array_equal(y.data, [5.0, 8.0])
    np.testing.assert_array_equal(x.grad, [10.0, 14.0])
    np.testing.assert_array_equal(shift.grad, [5.0, 7.0])


def test_an_unknown_keyword_beside_a_tensor_given_by_keyword_is_told() -> None:
    with pytest.raises(MissingRuleError, match=r"tanh: .*nonsense.*expected tanh\(x\)"):
        ops.tanh(x=Tensor(1.0), nonsense=3)


def test_the_first_tensors_of_a_process_have_a_gradient() -> None:
    code = "from minidl import Tensor; x = Tensor(3.0, requires_grad=True); (x * x).backward();"
    output = subprocess.run(
        [sys.executable, "-c", code + "print(x.grad)"], check=True, capture_output=True
    )
    assert output.stdout.split() == [b"6.0"]


Z = np.random.default_rng(5).standard_normal((2, 4, 3))
ONE_HOT = np.eye(3, dtype=int)[[0, 2, 1, 1]]


def test_replicas_may_share_one_hot_rows_of_integers() -> None:
    found = ops.softmax_cross_entropy(Tensor(Z), ONE_HOT, axis=-1)
    expected = ops.softmax_cross_entropy(Tensor(Z), np.stack([ONE_HOT, ONE_HOT]), axis=-1)
    np.testing.assert_array_equal(found.data, expected.data)


@pytest.mark.parametrize(
    ("z", "t"), [(Z, ONE_HOT[:, :2]), (Z, ONE_HOT[:3]), (Z[0], ONE_HOT[0, 0]), (Z[0], ONE_HOT[:3])]
)
def test_integer_targets_of_any_other_shape_are_refused(z: Any, t: Any) -> None:
    with pytest.raises(ShapeError, match="class indices do not fit the logits"):
        ops.softmax_cross_entropy(Tensor(z), t)


def test_nothing_is_cut_into_no_parts() -> None:
    with pytest.raises(ShapeError, match=r"length 4 cannot be cut into 0 parts"):
        ops.split(np.arange(4.0), 0)


def test_the_place_of_the_smallest_is_a_number() -> None:
    t = Tensor([[1.0, 3.0], [0.0, 2.0]])
    assert (t.argmin(), t.argmax()) == (2, 1)
    assert np.shape(t.argmin()) == np.shape(t.argmax()) == ()


def test_the_variance_of_tiny_numbers_is_exact() -> None:
    assert ops.var(Tensor([1e-20, 3e-20])).item() == pytest.approx(1e-40, rel=1e-14, abs=0.0)


def test_the_product_of_a_number_along_its_axis_has_slope_one() -> None:
    x = Tensor(3.0, requires_grad=True)
    ops.prod(x, axis=0).backward()
    assert x.grad == 1.0


def test_a_class_index_is_compared_with_the_number_of_classes_also_for_replicas() -> None:
    with pytest.raises(ArgumentError, match=r"out of range: got indices from 0 to 3"):
        ops.softmax_cross_entropy(Tensor(Z), np.array([0, 1, 2, 3]))


def test_replicas_may_share_the_weights_of_rows_and_of_elements() -> None:
    p, t = Tensor(Z), np.zeros(Z.shape)
    for w in (np.arange(4.0), np.arange(12.0).reshape(4, 3)):
        found = ops.mean_squared_error(p, t, "none", sample_weight=w)
        np.testing.assert_allclose(found.data, Z**2 * (w if w.ndim == 2 else w[:, None]))


def test_one_weight_for_a_vector_of_losses_is_refused() -> None:
    with pytest.raises(ShapeError, match=r"sample_weight does not fit .*weights \(\)"):
        ops.mean_squared_error(Tensor([1.0, 2.0]), [0.0, 0.0], sample_weight=2.0)


METHODS = (
    "abs absolute arccos arcsin arcsinh arctan arctanh cos cosh cumsum diag erf exp expm1 flip"
)
METHODS += " log log10 log1p log2 log_softmax logsumexp max mean min negative norm positive prod"
METHODS += (
    " reciprocal relu sigmoid sign silu sin sinh softmax sqrt square squeeze std sum tan tanh"
)
METHODS += " trace transpose tril triu var"


@pytest.mark.parametrize("name", METHODS.split())
def test_the_method_is_the_operation(name: str) -> None:
    x = np.array([[0.3, 0.8], [0.1, 0.6]])
    np.testing.assert_array_equal(getattr(Tensor(x), name)().data, getattr(ops, name)(x))


WITH_ARGUMENTS: dict[str, tuple[Any, ...]] = {
    "broadcast_to": ((3, 2, 2),),
    "clip": (1.2, 1.6),
    "diagonal": (1,),
    "moveaxis": (0, 1),
    "repeat": (2,),
    "reshape": ((4, 1),),
    "roll": (1,),
    "split": (2,),
    "swapaxes": (0, 1),
    "tile": (2,),
}
NO_ARGUMENTS = (
    "arccosh cumsum diag flip max mean min prod ravel squeeze std sum trace tril triu var"
)


@pytest.mark.parametrize("name", [*WITH_ARGUMENTS, *NO_ARGUMENTS.split()])
def test_the_method_and_numpy_s_function_give_a_tensor_with_numpy_s_values(name: str) -> None:
    x, arguments = np.array([[1.3, 1.8], [1.1, 1.6]]), WITH_ARGUMENTS.get(name, ())
    expected = getattr(np, name)(x, *arguments)
    leaf = Tensor(x, requires_grad=True)
    for y in (getattr(leaf, name)(*arguments), getattr(np, name)(leaf, *arguments)):
        parts = y if isinstance(y, list) else [y]
        assert all(part.requires_grad for part in parts)
        found = [part.data for part in parts]
        np.testing.assert_allclose(found if isinstance(y, list) else found[0], expected, 1e-15)


@pytest.mark.parametrize("f", [np.tril, np.triu])
def test_the_gradient_of_a_triangle_is_that_triangle(f: Any) -> None:
    x = Tensor(np.ones((3, 3)), requires_grad=True)
    f(x).sum().backward()
    np.testing.assert_array_equal(x.grad, f(np.ones((3, 3))))


BINARY_METHODS = (
    "add arctan2 divide dot hypot logaddexp matmul maximum minimum multiply outer subtract"
)


@pytest.mark.parametrize("name", BINARY_METHODS.split())
def test_the_method_of_two_is_the_operation(name: str) -> None:
    x, y = np.array([[0.3, 0.8], [0.1, 0.6]]), np.array([[0.5, 0.2], [0.9, 0.4]])
    np.testing.assert_array_equal(getattr(Tensor(x), name)(y).data, getattr(ops, name)(x, y))
