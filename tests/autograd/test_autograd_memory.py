"""How far a graph may go, and when it is freed: depth, width and memory."""

import gc
import tracemalloc
import weakref
from typing import Any

import numpy as np
import pytest

from minidl import Tensor, debug, grad, ops


def leaf(data: Any) -> Tensor:
    return Tensor(data, requires_grad=True)


@pytest.mark.unmeasured
def test_a_chain_of_100000_operations_is_differentiated() -> None:
    x = leaf(1.0)
    y = x
    for _ in range(50_000):
        y = (y + 1.0) * 1.0
    y.backward()
    assert y.item() == 50_001
    assert x.grad == 1


@pytest.mark.unmeasured
def test_a_chain_of_100000_operations_is_released_without_a_backward_pass() -> None:
    x = leaf(1.0)
    y = x
    for _ in range(100_000):
        y = -y
    first = weakref.ref(y)
    del y
    assert first() is None


def test_60_levels_of_doubling_take_60_steps_not_2_to_the_60() -> None:
    x = leaf(1.0)
    y = x
    for _ in range(60):
        y = y + y
    g = grad(y, x, create_graph=True)
    y.backward()
    assert x.grad == g.item() == 2.0**60


@pytest.fixture
def without_collector() -> Any:
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("without_collector")
@pytest.mark.parametrize("passes", [0, 1])
def test_a_graph_is_freed_by_reference_counting_alone(passes: int) -> None:
    x = leaf(np.ones((3, 3)))
    parts = [x @ x, ops.tanh(x)]
    parts.append(parts[0] + parts[1])
    parts.append(ops.softmax_cross_entropy(parts[-1], np.array([0, 1, 2])))
    for _ in range(passes):
        parts[-1].backward()
    watched = [weakref.ref(part) for part in parts]
    del parts
    assert [ref() for ref in watched] == [None] * 4


@pytest.mark.usefixtures("without_collector")
def test_a_graph_of_second_order_is_freed_by_reference_counting_alone() -> None:
    x = leaf([1.0, 2.0])
    y = (ops.tanh(x) * x).sum()
    g = grad(y, x, create_graph=True)
    h = grad((g * g).sum(), x, create_graph=True)
    watched = [weakref.ref(part) for part in (y, g, h)]
    del y, g, h
    assert [ref() for ref in watched] == [None] * 3


@pytest.mark.usefixtures("without_collector")
def test_a_backward_pass_frees_the_intermediate_values() -> None:
    x = leaf(np.ones(4))
    inner = ops.tanh(x)
    watched = weakref.ref(inner)
    y = (inner * 2.0).sum()
    del inner
    assert watched() is not None
    y.backward()
    assert watched() is None


@pytest.mark.unmeasured
@pytest.mark.usefixtures("without_collector")
def test_memory_is_flat_over_400_steps() -> None:
    x = leaf(np.ones((8, 8)))

    def steps(n: int) -> int:
        for _ in range(n):
            x.grad = None
            y = (ops.tanh(x @ x) * ops.sigmoid(x)).sum()
            g = grad(y, x, create_graph=True)
            (y + (g * g).sum()).backward()
        return tracemalloc.get_traced_memory()[0]

    tracemalloc.start()
    try:
        before = steps(500)  # what is allocated once is there by then
        after = steps(400)
    finally:
        tracemalloc.stop()
    assert after - before < 4_000  # bytes: less than a graph, let alone 400


@pytest.mark.unmeasured
@pytest.mark.usefixtures("without_collector")
def test_memory_is_flat_over_2000_steps_of_training() -> None:
    x = leaf(np.ones((4, 4)))

    def steps(n: int) -> int:
        for _ in range(n):
            ops.tanh(x @ x).sum().backward()
            x.data -= 1e-9 * x.grad
        return tracemalloc.get_traced_memory()[0]

    tracemalloc.start()
    try:
        before = steps(500)
        after = steps(2000)
    finally:
        tracemalloc.stop()
    assert after - before < 1_000  # bytes


@pytest.mark.usefixtures("without_collector")
def test_debug_keeps_nothing_of_a_graph_that_is_gone() -> None:
    x = leaf(np.ones(4))
    with debug():
        y = ops.tanh(x * 2).sum()
        assert y._node is not None
        copies = weakref.ref(y._node[3])
        assert copies() is not None
        y.backward()
        assert copies() is None
