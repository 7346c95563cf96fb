"""The backward pass: what it accumulates where, and what it leaves alone."""

import copy
import pickle
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from minidl import Tensor, grad, no_grad, ops, primitive
from minidl.errors import GraphError


def leaf(data: Any) -> Tensor:
    return Tensor(data, requires_grad=True)


def test_gradients_accumulate_in_leaves_over_passes() -> None:
    x = leaf([1.0, 2.0])
    for times in (1, 2, 3):
        (x * x).sum().backward()
        assert_array_equal(x.grad, times * 2 * x.data)


def test_gradients_accumulate_into_an_array_set_before_in_place() -> None:
    vector = np.array([10.0, 20.0, 30.0])
    x = leaf([1.0, 2.0])
    x.grad = view = vector[1:]
    (x * x).sum().backward()
    assert x.grad is view
    assert_array_equal(vector, [10, 22, 34])


@pytest.mark.parametrize("held", [np.float64(5.0), 5.0, np.array(5.0)])
def test_gradients_of_a_scalar_accumulate_into_any_kind_of_number(held: Any) -> None:
    x = leaf(3.0)
    x.grad = copy.copy(held)  # an array is added to in place
    (x * x).backward()
    assert x.grad == 11


def test_gradients_of_two_leaves_do_not_alias() -> None:
    a, b, c = leaf([1.0, 2.0]), leaf([3.0, 4.0]), leaf([[5.0], [6.0]])
    (a + b + c.reshape(2) + c.T[0]).backward(np.ones(2))
    for one in (a, b, c):
        assert one.grad is not None
    assert not np.shares_memory(a.grad, b.grad)
    assert not np.shares_memory(a.grad, c.grad)
    a.grad += 100
    assert_array_equal(b.grad, [1, 1])


@pytest.mark.parametrize(
    "view",
    [
        lambda x: x.reshape(4),
        lambda x: x.T,
        lambda x: x[::-1],
        lambda x: x.sum(axis=0, keepdims=True) + 0 * x,
        lambda x: ops.broadcast_to(x, (2, 2, 2)),
        lambda x: x,
    ],
)
def test_the_seed_is_neither_changed_nor_kept(view: Any) -> None:
    x = leaf([[1.0, 2.0], [3.0, 4.0]])
    y = view(x)
    seed = np.full(y.shape, 2.0)
    y.backward(seed)
    assert x.grad is not None
    assert not np.shares_memory(x.grad, seed)
    x.grad += 1
    (x * 1.0).sum().backward()
    assert_array_equal(seed, np.full(y.shape, 2.0))


def test_a_read_only_gradient_becomes_one_that_can_be_written() -> None:
    x = leaf([1.0, 2.0])
    x.sum().backward()
    assert x.grad is not None
    x.grad *= 2
    assert_array_equal(x.grad, [2, 2])


def test_only_leaves_that_took_part_have_a_gradient() -> None:
    x, unused, constant = leaf(2.0), leaf(3.0), Tensor(4.0)
    y = x * constant
    (y * y).backward()
    assert x.grad == 64
    assert y.grad is unused.grad is constant.grad is None


def test_backward_from_a_leaf_gives_it_the_seed() -> None:
    x = leaf([1.0, 2.0])
    x.backward([3.0, 4.0])
    assert_array_equal(x.grad, [3, 4])


@pytest.mark.parametrize("rows", [(3,), (1, 3)])
def test_a_pass_may_start_from_any_result_of_one_element(rows: tuple[int, ...]) -> None:
    x = Tensor(np.ones(rows), requires_grad=True)
    (x @ np.array([[2.0], [3.0], [4.0]])).backward()
    assert x.grad is not None
    assert x.grad.ravel().tolist() == [2, 3, 4]


def test_a_rule_that_writes_into_the_first_gradient_spoils_no_other_pass() -> None:
    def doubled(g: Any, y: Any, x: Any) -> Any:
        g *= 2
        return g

    @primitive(doubled)
    def twice(x: Any) -> Any:
        return 2 * x

    x = Tensor(1.0, requires_grad=True)
    with pytest.raises(ValueError, match="read-only"):
        twice(x).backward()
    (3 * x).backward()
    assert x.grad == 3


def test_the_seed_takes_the_precision_of_the_output() -> None:
    x = leaf(np.ones(2, np.float32))
    x.backward(np.ones(2))
    assert x.grad is not None
    assert x.grad.dtype == grad(x * 1, x, np.ones(2)).dtype == np.float32


def test_diamonds_sum_over_all_their_paths() -> None:
    x = leaf(3.0)
    a, b = x * 2, x * x
    c = a * b  # 2 x^3
    (c + a + c * c).backward()  # 2 x^3 + 2 x + 4 x^6
    assert x.grad == 6 * 9 + 2 + 24 * 3**5


def test_one_argument_given_twice_counts_twice() -> None:
    x = leaf([[1.0, 2.0], [3.0, 4.0]])
    (x @ x).sum().backward()
    ones = np.ones((2, 2))
    assert_array_equal(x.grad, ones @ x.data.T + x.data.T @ ones)


def test_the_same_graph_gives_the_same_bits_every_time() -> None:
    generator = np.random.default_rng(0)
    data = generator.standard_normal((2, 20, 20))

    def gradients() -> bytes:
        a, b = leaf(data[0]), leaf(data[1])
        y = ops.tanh(a @ b) * ops.softmax(a + b) + a * b
        (y * y).mean().backward()
        assert a.grad is not None
        assert b.grad is not None
        return a.grad.tobytes() + b.grad.tobytes()

    assert len({gradients() for _ in range(5)}) == 1


def test_a_second_pass_needs_a_graph_that_was_retained() -> None:
    x = leaf(3.0)
    y = x * x
    y.backward(retain_graph=True)
    y.backward()
    assert x.grad == 12
    with pytest.raises(GraphError, match="retain_graph=True"):
        y.backward()
    assert x.grad == 12


def test_a_freed_part_of_a_new_graph_is_noticed() -> None:
    x = leaf(3.0)
    inner = x * x
    inner.backward()
    with pytest.raises(GraphError, match="an earlier backward pass freed"):
        (inner + 1).backward()


def test_augmented_assignment_rebinds_and_leaves_the_recorded_value() -> None:
    x = leaf([1.0, 2.0])
    t = recorded = x * 1.0
    y = t * t
    t += 10
    t *= 2
    t -= x
    t /= 2
    t @= np.eye(2)
    t **= 2
    assert t is not recorded
    assert_array_equal(recorded.data, [1, 2])
    y.sum().backward()
    assert_array_equal(x.grad, [2, 4])


@pytest.mark.parametrize("convert", [lambda a: a, list, Tensor])
def test_a_tensor_copies_what_it_is_given(convert: Any) -> None:
    data = np.array([1.0, 2.0])
    given = convert(data)
    t = Tensor(given)
    data[0] = 9
    if isinstance(given, Tensor):
        given.data[0] = 9
    assert_array_equal(t.data, [1, 2])


def test_detach_and_numpy_share_the_array_and_drop_the_history() -> None:
    x = leaf([1.0, 2.0])
    y = x * 2
    assert y.numpy() is y.data
    assert y.detach().data is y.data
    assert not y.detach().requires_grad
    (y.detach() * x).sum().backward()
    assert_array_equal(x.grad, [2, 4])


@pytest.mark.parametrize(
    "clone", [copy.copy, copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))]
)
def test_a_copied_leaf_is_a_leaf_of_its_own(clone: Any) -> None:
    x = leaf([1.0, 2.0])
    (x * 5).sum().backward()
    z = clone(x)
    assert z.requires_grad
    assert_array_equal(z.grad, x.grad)
    gx, gz = grad((x * x * z).sum(), [x, z])
    assert_array_equal(gx.data, [2, 8])
    assert_array_equal(gz.data, [1, 4])
    assert not np.shares_memory(x.data, z.data)


def test_a_result_with_a_graph_cannot_be_copied() -> None:
    with pytest.raises(GraphError, match=r"only leaves .* shape \(2,\).*detach"):
        copy.deepcopy(leaf([1.0, 2.0]) * 2)


def test_no_grad_results_are_constants() -> None:
    x = leaf(2.0)
    with no_grad():
        y = x * x
    assert not y.requires_grad
    (y * x).backward()
    assert x.grad == 4
