"""The exercise of CONTRIBUTING.md, run as printed there: one block makes an operation."""

import re
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import minidl
from minidl import Tensor, grad, gradcheck, hessian, ops

TEXT = (Path(__file__).parents[2] / "CONTRIBUTING.md").read_text(encoding="utf-8")
BLOCK = re.search(r"(?m)^    @primitive.*\n(?:    .*\n)+", TEXT)
X = np.array([[-3.0, -0.5, 0.25], [0.7, 1.0, 800.0]])


@pytest.fixture(scope="module")
def softsign() -> Callable[..., Any]:
    """Return what the block defines, with no more of minidl than `minidl.primitive`."""
    assert BLOCK is not None
    names: dict[str, Any] = {"np": np, "primitive": minidl.primitive, "__name__": "outside"}
    exec(textwrap.dedent(BLOCK.group()), names)
    made: Callable[..., Any] = names["softsign"]
    assert made is not getattr(ops, "softsign", None)
    return made


def test_the_block_is_short_and_has_its_name_and_its_maths(softsign: Any) -> None:
    assert BLOCK is not None
    assert BLOCK.group().count("\n") <= 4
    assert softsign.__name__ == "softsign"
    assert softsign.__doc__.startswith("Softsign, y = x / (1 + |x|)")


def test_values_and_three_derivatives_are_those_of_the_formula(softsign: Any) -> None:
    x = Tensor(X, requires_grad=True)
    y, found = softsign(x), []
    assert_array_equal(y.data, X / (1 + abs(X)))
    for _ in range(3):
        y = grad(y.sum(), x, create_graph=True)
        found.append(y.data)
    a, s = 1 + abs(X), np.sign(X)
    assert_allclose(found, [a**-2, -2 * s * a**-3, 6 * a**-4], rtol=1e-14)


@pytest.mark.parametrize(
    "x", [X, X.T[::-1], np.ones((0, 3)), np.array(0.5), X * 1e-3], ids=np.shape
)
def test_gradcheck_passes_in_both_orders(softsign: Any, x: Any) -> None:
    assert gradcheck(softsign, Tensor(x, requires_grad=True), order=2)


def test_it_mixes_with_the_operations_of_the_package(softsign: Any) -> None:
    two = [Tensor(X, requires_grad=True), Tensor(X[0] + 1, requires_grad=True)]
    assert gradcheck(lambda a, b: softsign(a * b) @ ops.tanh(softsign(b)), two, order=2)
    h = hessian(lambda t: softsign(t).sum(), X[0]).data
    assert_allclose(h, np.diag(-2 * np.sign(X[0]) * (1 + abs(X[0])) ** -3.0), rtol=1e-14)


def test_arrays_stay_arrays_and_float32_stays_float32(softsign: Any) -> None:
    assert type(softsign(X)) is np.ndarray
    x = Tensor(X.astype(np.float32), requires_grad=True)
    y = softsign(x)
    first = grad(y.sum(), x, create_graph=True)
    assert y.dtype == first.dtype == grad(first.sum(), x).dtype == np.float32


def test_a_small_network_learns_with_it(softsign: Any) -> None:
    generator = np.random.default_rng(0)
    x = generator.standard_normal((40, 2))
    target = np.sin(x[:, :1])
    w = Tensor(generator.standard_normal((2, 8)), requires_grad=True)
    u = Tensor(generator.standard_normal((8, 1)) / 8, requires_grad=True)

    def loss() -> Tensor:
        y: Tensor = ops.mean_squared_error(softsign(x @ w) @ u, target)
        return y

    assert gradcheck(lambda a, b: ops.mean_squared_error(softsign(x @ a) @ b, target), [w, u])
    first = loss().item()
    for _ in range(200):
        for leaf, g in zip((w, u), grad(loss(), [w, u]), strict=True):
            leaf.data -= 0.5 * g.data
    assert loss().item() < first / 4
