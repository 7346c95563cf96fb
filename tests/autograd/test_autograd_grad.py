"""`grad`: several inputs and outputs, inner Tensors, seeds, and derivatives of any order."""

from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from minidl import Tensor, grad, no_grad, ops
from minidl.errors import ArgumentError, GraphError


def leaf(data: Any) -> Tensor:
    return Tensor(data, requires_grad=True)


def test_one_input_gives_one_tensor_and_several_give_a_list() -> None:
    x, y = leaf(2.0), leaf(3.0)
    one = grad(x * y, x)
    assert isinstance(one, Tensor)
    assert one.item() == 3
    several = grad(x * y, [x, y])
    assert [g.item() for g in several] == [3, 2]
    assert [g.item() for g in grad(x * y, (x, x))] == [3, 3]


def test_several_outputs_are_summed_with_their_seeds() -> None:
    x = leaf([1.0, 2.0])
    outputs = [x * x, x.sum(), x * 3]
    seeds = [np.array([1.0, 10.0]), None, Tensor([0.0, 1.0])]
    assert_array_equal(grad(outputs, x, seeds).data, [2 + 1, 40 + 1 + 3])


def test_grad_touches_no_leaf() -> None:
    x, y = leaf(2.0), leaf(3.0)
    grad(x * y, x)
    assert x.grad is y.grad is None


def test_inputs_may_be_inner_tensors() -> None:
    x = leaf(2.0)
    a = x * x
    b = a * 3
    c = a * b
    found = grad(c, [b, a, x, c], retain_graph=True)
    assert [g.item() for g in found] == [4, 12 + 4 * 3, 24 * 4, 1]


def test_what_lies_below_an_inner_tensor_can_still_be_differentiated() -> None:
    x = leaf(2.0)
    inner = x * x
    y = inner * inner
    inner.backward(grad(y, inner))
    assert x.grad == 4 * 8


def test_independent_inputs_get_zeros_of_their_shape_and_dtype() -> None:
    x, z = leaf(2.0), leaf(np.ones((2, 3), np.float32))
    g = grad(x * x, z)
    assert_array_equal(g.data, np.zeros((2, 3), np.float32), strict=True)
    assert_array_equal(grad(x * x, z, create_graph=True).data, np.zeros((2, 3)))


def test_a_derivative_of_what_has_no_graph_is_refused_and_not_zero() -> None:
    x = leaf(2.0)
    with pytest.raises(GraphError, match=r"no graph leads to an output.*create_graph=True"):
        grad(grad(x**3, x), x)
    with pytest.raises(GraphError, match="no graph leads to an output"):
        grad(Tensor(1.0), x)
    second = grad(grad(2.0 * x, x, create_graph=True), x, create_graph=True)
    assert (second.item(), grad(second, x).item()) == (0.0, 0.0)  # constant, and so no mistake


def test_results_are_writable_copies_that_alias_nothing() -> None:
    x, y, seed = leaf([1.0, 2.0]), leaf([3.0, 4.0]), np.ones(2)
    gx, gy = grad(x + y, [x, y], seed)
    assert not np.shares_memory(gx.data, gy.data)
    assert not np.shares_memory(gx.data, seed)
    gx.data += 1
    assert_array_equal(gy.data, [1, 1])


def test_grad_frees_the_graph_unless_it_is_retained_or_recorded() -> None:
    x = leaf(3.0)
    y = x * x
    assert grad(y, x, retain_graph=True).item() == grad(y, x, create_graph=True).item() == 6
    assert not grad(y, x).requires_grad
    with pytest.raises(RuntimeError, match="freed"):
        grad(y, x)


def test_create_graph_goes_to_the_third_order() -> None:
    x = leaf([0.3, -0.7])
    t = np.tanh(x.data)
    y, found = ops.tanh(x), []
    for _ in range(3):
        y = grad(y.sum(), x, create_graph=True)
        found.append(y.data)
    d = 1 - t**2
    assert_allclose(found, [d, -2 * t * d, -2 * d**2 + 4 * t**2 * d], rtol=1e-14)


def test_powers_have_every_derivative() -> None:
    x = leaf(2.0)
    y, found = x**4, []
    for _ in range(5):
        y = grad(y, x, create_graph=True)
        found.append(y.item())
    assert found == [32, 48, 48, 24, 0]


def test_the_hessian_of_rosenbrock_equals_its_closed_form() -> None:
    x = leaf([-1.2, 1.0])
    f = 100 * (x[1] - x[0] ** 2) ** 2 + (1 - x[0]) ** 2
    g = grad(f, x, create_graph=True)
    rows = [grad(g[i], x, retain_graph=True).data for i in range(2)]
    a, b = x.data
    assert_allclose(rows, [[1200 * a**2 - 400 * b + 2, -400 * a], [-400 * a, 200]], rtol=1e-14)


def test_the_hessian_of_logsumexp_equals_its_closed_form() -> None:
    x = leaf([0.5, -1.0, 2.0])
    g = grad(ops.logsumexp(x), x, create_graph=True)
    rows = [grad(g, x, e, retain_graph=True).data for e in np.eye(3)]
    s = np.exp(x.data) / np.exp(x.data).sum()
    assert_allclose(rows, np.diag(s) - np.outer(s, s), rtol=1e-14, atol=1e-16)


def test_mixed_second_derivatives_are_equal() -> None:
    x, y = leaf(0.4), leaf(1.3)
    f = ops.exp(x * y) * ops.tanh(x + y * y)
    gx, gy = grad(f, [x, y], create_graph=True)
    assert_allclose(grad(gx, y, retain_graph=True).item(), grad(gy, x).item(), rtol=1e-14)


def test_a_seed_can_be_differentiated_through() -> None:
    """The derivative of J'v with respect to v is J: two reverse passes make a forward one."""
    x, v = leaf([0.5, 2.0]), leaf([1.0, 1.0])
    g = grad(x**3, x, v, create_graph=True)
    assert_array_equal(grad(g, v, np.array([1.0, 10.0])).data, 3 * x.data**2 * [1, 10])


def test_a_gradient_can_be_part_of_a_loss() -> None:
    x = leaf([1.0, -2.0])
    y = (x**3).sum()
    penalty = (grad(y, x, create_graph=True) ** 2).sum()  # 9 x^4
    penalty.backward()
    assert_array_equal(x.grad, 36 * x.data**3)


@pytest.mark.parametrize(
    "f",
    [
        lambda x: ops.power(x, [2.0, 3.0]),
        lambda x: ops.matmul(x, [[1.0, 2.0], [3.0, 4.0]]),
        lambda x: ops.where([True, False], x * x, [1.0, 2.0]),
        lambda x: ops.softmax_cross_entropy(x[None], [1]),
        lambda x: ops.mean_squared_error(x, [1.0, 2.0]),
        lambda x: ops.hinge(x, [1, -1]) ** 2,
        lambda x: ops.multiply(a=[2.0, 3.0], b=x * x),
    ],
)
def test_lists_as_constants_are_arrays_in_every_order(f: Any) -> None:
    x = leaf([0.6, 0.2])
    recorded = grad(f(x).sum(), x, create_graph=True)
    assert_array_equal(recorded.data, grad(f(x).sum(), x).data)
    assert_array_equal(ops.square(x.data.tolist()), x.data**2)


def test_under_no_grad_a_gradient_is_a_value_without_a_graph() -> None:
    x = leaf(3.0)
    y = x**3
    with no_grad():
        g = grad(y, x, create_graph=True)
    assert (g.item(), g.requires_grad) == (27, False)


def test_tensors_given_by_keyword_are_arguments_like_others() -> None:
    x, y = leaf([1.0, 5.0]), leaf([3.0, 4.0])
    gx, gy = grad(ops.multiply(a=x, b=y).sum(), [x, y])
    assert_array_equal([gx.data, gy.data], [y.data, x.data])
    assert_array_equal(ops.clip(x, max=Tensor(2.0)).data, [1, 2])
    assert_array_equal(ops.where(condition=[True, False], a=x, b=y).data, [1, 4])


@pytest.mark.parametrize("create_graph", [False, True])
def test_no_result_aliases_another_a_seed_or_an_array_of_the_graph(create_graph: bool) -> None:
    x, z, seed = leaf([1.0, 2.0]), leaf([3.0, 4.0]), Tensor([1.0, 10.0], requires_grad=True)
    y = x + z
    w = y.reshape(2, 1).reshape(2)
    inputs = [x, x, z, y, w]
    found = grad([w, w], inputs, [seed, seed], create_graph=create_graph)
    single = (
        grad(w, inputs, seed, create_graph=create_graph, retain_graph=True)
        if (create_graph)
        else []
    )
    everything = [*found, *single, seed, x, z, y, w]
    for i, one in enumerate([*found, *single]):
        for other in everything[i + 1 :]:
            assert not np.shares_memory(one.data, other.data)
    assert [g.data.tolist() for g in found] == [[2, 20]] * 5


def test_the_output_itself_and_duplicates_may_be_inputs() -> None:
    x = leaf([1.0, 2.0])
    assert_array_equal(grad(x, x, [3.0, 4.0]).data, [3, 4])
    y = x * 2
    gy, gx, again = grad(y, [y, x, x], [3.0, 4.0])
    assert_array_equal([gy.data, gx.data, again.data], [[3, 4], [6, 8], [6, 8]])


def test_outputs_that_share_a_subgraph_and_include_one_another_are_summed() -> None:
    x = leaf(3.0)
    shared = x * x
    y, z = shared * 2, shared * x
    assert grad([y, z, shared, y], [x, shared])[0].item() == 4 * 3 + 27 + 6 + 12


def test_a_seed_of_another_dtype_is_cast_also_with_a_graph() -> None:
    x, v = leaf([1.0, 2.0]), Tensor(np.ones(2, np.float32), requires_grad=True)
    for create_graph in (False, True):
        found = grad(x, x, v, create_graph=create_graph)
        assert found.dtype == np.float64
    assert grad(found.sum(), v).dtype == np.float32


@pytest.mark.parametrize("given", [1.0, np.ones(2), (None,), [None] * 3])
def test_several_outputs_need_a_list_of_as_many_gradients(given: Any) -> None:
    x = leaf(2.0)
    with pytest.raises(ArgumentError, match=r"(float|ndarray|1|3) for 2.*Give a list"):
        grad([x * x, x], x, given)


@pytest.mark.parametrize("wrong", [np.ones(2), 3.0, None, list("ab")])
def test_what_is_no_tensor_cannot_be_differentiated(wrong: Any) -> None:
    with pytest.raises(ArgumentError, match=r"(ndarray|float|NoneType|str).*Wrap it"):
        grad(leaf(1.0) * 2, wrong)
