"""`debug()` names the first value that is not finite, and finds arrays changed too early."""

import threading
import tracemalloc
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from minidl import Tensor, debug, grad, nn, ops, primitive
from minidl.autograd.node import STATE
from minidl.errors import GraphError, NonFiniteError


def leaf(data: Any = (1.0, 2.0, 3.0)) -> Tensor:
    return Tensor(data, requires_grad=True)


@pytest.fixture(autouse=True)
def silent_numpy() -> Any:
    with np.errstate(all="ignore"):
        yield


FORWARD: dict[str, Callable[[Tensor], Any]] = {
    "log": lambda x: ops.exp(ops.log(x - 1)),
    "divide": lambda x: ((x - 1) / (x - 1)).sum(),
    "sqrt": lambda x: ops.sqrt(-x) * 0,
    "exp": lambda x: x + ops.exp(x * 1000),
    "matmul": lambda x: (x * 1e200) @ (x * 1e200),
}


@pytest.mark.parametrize("name", FORWARD)
def test_the_first_non_finite_value_is_named_in_the_forward_pass(name: str) -> None:
    expected = rf"^{name} gave .* in the forward pass: .*arguments of shape \(3,\).*non-fin"
    with debug(), pytest.raises(NonFiniteError, match=expected):
        FORWARD[name](leaf())


def test_the_first_non_finite_value_is_named_in_the_backward_pass() -> None:
    x = leaf([0.0, 4.0])
    expected = r"^sqrt gave .* in the backward pass: .*result of shape \(2,\) with 1 non-finite"
    with debug():
        y = (ops.sqrt(x) * 2.0).sum()
        with pytest.raises(NonFiniteError, match=expected):
            grad(y, x)


def test_constants_are_looked_at_as_well() -> None:
    with debug(), pytest.raises(NonFiniteError, match=r"^log .*forward"):
        ops.log(Tensor([0.0, 1.0]))


def test_data_that_were_not_finite_to_begin_with_are_blamed() -> None:
    with debug(), pytest.raises(NonFiniteError, match=r"multiply .*look at the data\."):
        leaf([1.0, np.nan]) * 2
    with debug(), pytest.raises(NonFiniteError) as caught:
        ops.log(leaf([0.0]))
    assert "look at the data" not in str(caught.value)


ALIASES: dict[str, Callable[[Tensor], Any]] = {
    "data": lambda x: x.data,
    "numpy": lambda x: x.numpy(),
    "asarray of data": lambda x: np.asarray(x.data),
    "slice": lambda x: x.data[1:],
    "reshaped": lambda x: x.data.reshape(1, -1),
    "detached": lambda x: x.detach().data,
    "memory": lambda x: np.frombuffer(memoryview(x.data)),
    "result that is a view": lambda x: x.reshape(3, 1).data,
    "transposed": lambda x: x.T.data,
    "indexed": lambda x: x[::-1].data,
}


@pytest.mark.parametrize("name", ALIASES)
def test_an_argument_changed_in_place_is_found_through_an_alias(name: str) -> None:
    x = leaf()
    with debug():
        y = (x * x).sum()
        alias = ALIASES[name](x)
        alias *= 2
        with pytest.raises(GraphError, match=r"argument 0 of multiply .*now .*, before .*copy"):
            y.backward()
    assert x.grad is None


def test_a_constant_changed_through_the_base_of_its_broadcast_view_is_found() -> None:
    x, row = leaf(np.ones((2, 3))), np.ones(3)
    with debug():
        y = (x * np.broadcast_to(row, (2, 3))).sum()
        row[1] = 5
        with pytest.raises(GraphError, match="argument 1 of multiply"):
            y.backward()


@pytest.mark.parametrize("name", ["tanh", "exp", "negative"])
def test_a_result_changed_in_place_is_found(name: str) -> None:
    x = leaf()
    with debug():
        y = getattr(ops, name)(x)
        y.data[0] = 7
        with pytest.raises(GraphError, match=f"the result of {name} was changed in place"):
            y.backward(np.ones(3))


def test_a_constant_that_is_not_a_number_and_not_chosen_counts_as_unchanged() -> None:
    x = leaf()
    with debug():
        ops.where([True, False, True], x, np.array([0.0, 1.0, np.nan])).sum().backward()
    assert x.grad is not None
    assert x.grad.tolist() == [1, 0, 1]


def test_an_index_array_changed_in_place_is_found() -> None:
    x, index = leaf(), np.array([0, 2])
    with debug():
        y = x[index].sum()
        index[0] = 1
        with pytest.raises(GraphError, match="argument 1 of getitem"):
            y.backward()


def test_what_is_changed_after_the_backward_pass_is_no_error() -> None:
    x = leaf()
    with debug():
        for _ in range(3):
            x.grad = None
            (x * x).sum().backward()
            assert x.grad is not None
            x.data -= 0.1 * x.grad
    np.testing.assert_allclose(x.data, 0.8**3 * np.array([1, 2, 3]))


def test_values_and_gradients_are_the_same_as_without() -> None:
    def both() -> Any:
        x = leaf()
        y = ops.softmax(x * x) @ ops.tanh(x)
        g = grad(y, x, create_graph=True)
        return [y.item(), g.data.tolist(), grad(g.sum(), x).data.tolist()]

    plain = both()
    with debug():
        assert both() == plain


def test_graphs_built_outside_are_only_looked_at_for_finite_gradients() -> None:
    x, z = leaf(), leaf(0.0)
    y, root = (x * x).sum(), ops.sqrt(z)
    x.data *= 1.0
    with debug():
        y.backward()
        with pytest.raises(NonFiniteError, match="sqrt"):
            root.backward()


@pytest.mark.parametrize("fail", [False, True])
def test_nothing_is_left_behind(fail: bool) -> None:
    def use() -> None:
        with debug():
            with debug():
                ops.exp(leaf())
            assert STATE.debugger is not None
            if fail:
                ops.log(leaf() * 0)

    if fail:
        with pytest.raises(NonFiniteError):
            use()
    else:
        use()
    assert STATE.debugger is None
    assert ops.log(Tensor(0.0)).item() == -np.inf
    x = leaf()
    y = (x * x).sum()
    x.data[:] = 0
    y.backward()  # unnoticed, as nobody is looking


def test_operations_from_outside_the_package_are_looked_at() -> None:
    @primitive(lambda g, y, x: g * np.inf)
    def explosive(x: Any) -> Any:
        return x * 1.0

    x = leaf()
    with debug():
        y = explosive(x).sum()
        with pytest.raises(NonFiniteError, match=r"^explosive .* backward"):
            y.backward()


def test_a_rule_that_fails_with_a_graph_is_named_as_backward() -> None:
    x = leaf([0.0, 4.0])
    with debug():
        y = ops.sqrt(x).sum()
        expected = r"^divide gave .* in the backward pass of sqrt: "
        with pytest.raises(NonFiniteError, match=expected):
            grad(y, x, create_graph=True)
        with pytest.raises(NonFiniteError, match=r"^log gave .* in the forward pass: "):
            ops.log(x)


@primitive(lambda g, y, x, index, *, weight: g * weight * index[0][0][0])
def nested(x: Any, index: Any, *, weight: Any) -> Any:
    return x * weight * index[0][0][0]


def test_the_message_shows_both_values_of_a_long_array_its_ends() -> None:
    x = leaf(np.arange(7.0) / 3)
    with debug():
        y = (x * x).sum()
        x.data[0] = 9
        with pytest.raises(GraphError) as caught:
            y.backward()
    end = "0.3333 0.6667 ... 1.3333 1.6667 2.    ]"
    assert f"argument 0: now [9.     {end}, before [0.     {end}" in str(caught.value)


@primitive(lambda g, y, x, options: g * options["weight"])
def weighted(x: Any, options: Any) -> Any:
    return x * options["weight"]


@pytest.mark.parametrize(
    "change", [{"weight": 2.0}, {"name": 3.0}, {"weight": np.ones(3)}, {"other": 1.0}]
)
def test_a_dictionary_is_watched(change: dict[str, Any]) -> None:
    x, options = leaf(), {"weight": 1.0, "name": np.nan}
    with debug():
        y = weighted(x, options).sum()
        y.backward(retain_graph=True)
        options.update(change)
        with pytest.raises(GraphError, match=r"argument 1 of weighted was changed .*now \{'weight"):
            y.backward()


def test_an_array_in_a_dictionary_is_watched() -> None:
    x, weight = leaf(), np.ones(3)
    with debug():
        y = weighted(x, {"weight": weight}).sum()
        weight[0] = 2
        with pytest.raises(GraphError, match="argument 1 of weighted was changed"):
            y.backward()


@pytest.mark.parametrize("changed", ["keyword weight", "argument 1"])
def test_keywords_and_arrays_inside_of_tuples_are_watched(changed: str) -> None:
    x, weight, inner = leaf(), np.ones(3), np.array([2.0, 3.0])
    with debug():
        y = nested(x, ([inner, None], slice(None)), weight=weight).sum()
        (weight if changed.startswith("keyword") else inner)[0] = 9
        with pytest.raises(GraphError, match=f"^{changed} of nested was changed in place"):
            y.backward()


def test_an_index_in_a_tuple_and_a_list_of_rows_are_watched() -> None:
    x, rows, listed = leaf(np.ones((3, 2))), np.array([0, 2]), [0, 2]
    with debug():
        y, z = x[rows, :].sum(), x[(listed,)].sum()
        rows[0], listed[0] = 1, 1
        for one in (y, z):
            with pytest.raises(GraphError, match=r"^argument 1 of getitem was changed"):
                one.backward()


def test_a_slice_of_a_leaf_and_the_base_of_a_view_are_aliases() -> None:
    x = leaf()
    with debug():
        y = (x * x).sum()
        x.data[::2] += 1
        with pytest.raises(GraphError, match="argument 0 of multiply"):
            y.backward()
        base = np.ones(6)
        z = (leaf() * base[::2]).sum()
        base += 1
        with pytest.raises(GraphError, match="argument 1 of multiply"):
            z.backward()


def test_what_is_changed_before_a_second_pass_is_found_and_with_a_graph_too() -> None:
    x = leaf()
    with debug():
        y = (x * x).sum()
        y.backward(retain_graph=True)
        g = grad(y, x, create_graph=True)
        x.data += 1
        for again in (y.backward, lambda: grad(g.sum(), x)):
            with pytest.raises(GraphError, match="of multiply was changed in place"):
                again()


def test_a_graph_of_an_inner_context_is_watched_in_the_outer_one() -> None:
    x = leaf()
    with debug():
        with debug():
            y = (x * x).sum()
        x.data += 1
        with pytest.raises(GraphError, match="changed in place"):
            y.backward()


def test_debugging_is_per_thread() -> None:
    seen = []
    with debug():
        thread = threading.Thread(target=lambda: seen.append((Tensor(np.inf) * 1).item()))
        thread.start()
        thread.join()
    assert seen == [np.inf]


def test_memory_does_not_grow_though_the_results_are_kept() -> None:
    x = leaf(np.ones(1000))
    kept = []

    def steps(n: int) -> int:
        for _ in range(n):
            x.grad = None
            loss = (x * x).sum()
            loss.backward()
            kept.append(loss)
        return tracemalloc.get_traced_memory()[0]

    tracemalloc.start()
    try:
        with debug():
            before = steps(100)
            assert steps(200) - before < 200 * 1000  # one array of a step is 8000 bytes
    finally:
        tracemalloc.stop()


def test_a_rule_that_changes_the_gradient_or_gives_infinity_is_named() -> None:
    def greedy(g: Any, y: Any, x: Any) -> Any:
        g *= 2  # the gradient that others share
        return g

    for rule, error, words in (
        (greedy, GraphError, "a rule of doubled changes the gradient it is given"),
        (lambda g, y, x: g / 0, NonFiniteError, "doubled gave the first .* in the backward pass"),
    ):

        @primitive(rule)
        def doubled(x: Any) -> Any:
            return 2 * x

        x = leaf()
        with debug(), pytest.raises(error, match=words):
            (doubled(x) * x).sum().backward()


def test_a_model_is_looked_at_one_operation_at_a_time() -> None:
    model = nn.mlp(1, 1, 1, initializer="constant:1e300", seed=0)
    assert np.isfinite(model([[0.5]]).data).all()
    model.layers[0].weight.data[...] = np.inf
    assert np.isfinite(model([[0.5]]).data).all()  # the tanh of what is infinite is 1
    with debug(), pytest.raises(NonFiniteError, match=r"^dense gave the first value"):
        model([[0.5]])
