"""What holds per thread, and what survives an exception."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from minidl import Tensor, debug, grad, no_grad, ops
from minidl.autograd.node import STATE
from minidl.errors import NonFiniteError


def leaf() -> Tensor:
    return Tensor([1.0, 2.0], requires_grad=True)


def in_another_thread(f: Callable[[], object]) -> object:
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(f).result()


def recorded() -> bool:
    return (leaf() * 2).requires_grad


def test_no_grad_ends_with_its_block_also_by_an_exception() -> None:
    def fail() -> None:
        with no_grad():
            assert not recorded()
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert recorded()


def test_no_grad_nests_and_decorates() -> None:
    with no_grad():
        with no_grad():
            assert not recorded()
        assert not recorded()
        assert not no_grad()(recorded)()
    assert not no_grad()(recorded)()
    assert recorded()


def test_no_grad_holds_in_its_own_thread_only() -> None:
    with no_grad():
        assert in_another_thread(recorded)
        assert not recorded()
    with ThreadPoolExecutor(1) as pool:
        inside, done = threading.Event(), threading.Event()

        def hold() -> bool:
            with no_grad():
                inside.set()
                done.wait(10)
                return recorded()

        other = pool.submit(hold)
        inside.wait(10)
        assert recorded()
        done.set()
        assert not other.result()


@pytest.mark.filterwarnings("ignore:divide by zero")
def test_debug_holds_in_its_own_thread_only() -> None:
    def logarithm() -> float:
        with np.errstate(divide="ignore"):
            return ops.log(Tensor(0.0)).item()

    with debug():
        assert in_another_thread(logarithm) == -np.inf
        with pytest.raises(NonFiniteError):
            logarithm()
    assert STATE.debugger is None


def work(seed: int) -> bytes:
    generator = np.random.default_rng(seed)
    x = Tensor(generator.standard_normal((6, 6)), requires_grad=True)
    for _ in range(60):
        y = ops.tanh(x @ x.T + x).sum()
        g = grad(y, x, create_graph=True)
        (y + (g * g).mean()).backward()
        assert x.grad is not None
        x.data = x.data - 0.01 * x.grad
    return x.data.tobytes()


def test_threads_build_and_differentiate_their_graphs_at_once() -> None:
    alone = [work(seed) for seed in range(4)]
    barrier = threading.Barrier(4)

    def together(seed: int) -> bytes:
        barrier.wait(10)
        return work(seed)

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(together, range(4))) == alone


def test_a_graph_built_in_one_thread_is_differentiated_in_another() -> None:
    x = leaf()
    y = (x * x).sum()
    in_another_thread(y.backward)
    assert_array_equal(x.grad, [2, 4])
