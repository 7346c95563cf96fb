"""The same values, gradients and products with the Hessian as PyTorch's and JAX's own.

The golden file was written by ``tests/golden/write_autograd.py``, with the libraries' automatic
differentiation, in float64.
"""

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from minidl import Tensor, grad, ops

GOLDEN_FOLDER = Path(__file__).parent.parent / "golden"
sys.path.insert(0, str(GOLDEN_FOLDER))
import autograd_extra_calls as extra  # noqa: E402
from autograd_calls import CALLS, CONSTANTS, LOSSES, flat, inputs, weights_for  # noqa: E402

with np.load(GOLDEN_FOLDER / "autograd.npz") as file:
    GOLDEN = dict(file)
with np.load(GOLDEN_FOLDER / "autograd_extra.npz") as file:
    EXTRA = dict(file)
CASES = [key for key in GOLDEN if key.startswith(("torch ", "jax "))]
TOLERANCE = 1e-12  # of the largest entry of each part


def parts(call: Any, arrays: dict[str, Any] = GOLDEN) -> list[Any]:
    """Return the value, the gradients and the products, as the script takes them."""
    given, leaves = [], []
    for key in call.inputs:
        given.append(arrays[key] if key in CONSTANTS else Tensor(arrays[key], requires_grad=True))
        if isinstance(given[-1], Tensor):
            leaves.append(given[-1])
    y = call.f(ops, *given)
    total = (weights_for(y.shape, 0.0) * (y + y * y / 2)).sum()
    slopes = grad(total, leaves, create_graph=True)
    directions = [weights_for(x.shape, 1.0 + i) for i, x in enumerate(leaves)]
    along = sum(((g * u).sum() for g, u in zip(slopes, directions, strict=True)), Tensor(0.0))
    return [part.data for part in (y, *slopes, *grad(along, leaves))]


def test_the_file_holds_every_operation_of_two_libraries_and_every_loss_of_one() -> None:
    by_structure = {"linear", "dense", "scatter", "astype"}  # minidl's own; matmul, add, getitem
    named = {name.split()[0] for name in [*CALLS, *extra.CALLS]}
    operations = {name for name in ops.__all__ if callable(getattr(ops, name))}
    aliases = {"abs": "absolute"}
    missing = {aliases.get(name, name) for name in operations} - named - by_structure
    assert not missing, f"add to autograd_calls.py: {', '.join(sorted(missing))}"
    assert {f"jax {name}" for name in CALLS.keys() - LOSSES.keys()} <= set(CASES)
    without = CALLS.keys() - {case.removeprefix("torch ") for case in CASES}
    assert without == {"getitem backwards", "pad symmetric", "prod axes"}
    assert [str(version).split()[0] for version in GOLDEN["versions"]] == ["torch", "jax"]


def test_the_inputs_in_the_file_are_those_of_the_script() -> None:
    for file, arrays in ((GOLDEN, inputs()), (EXTRA, extra.inputs())):
        for key, array in arrays.items():
            np.testing.assert_allclose(file[key], array, rtol=1e-15)


@pytest.mark.parametrize("case", CASES)
def test_value_gradient_and_hessian_product_are_those_of_the_library(case: str) -> None:
    compare(parts(CALLS[case.split(maxsplit=1)[1]]), GOLDEN[case])


def compare(found: list[Any], golden: Any) -> None:
    sizes = np.cumsum([part.size for part in found])
    assert sizes[-1] == golden.size
    for part, expected in zip(found, np.split(golden, sizes[:-1]), strict=True):
        largest = np.abs(expected).max(initial=1.0)
        np.testing.assert_allclose(flat([part]), expected, rtol=0, atol=TOLERANCE * largest)


@pytest.mark.parametrize("name", extra.CALLS)
def test_an_extra_operation_is_that_of_pytorch_also_on_kinks_and_at_ties(name: str) -> None:
    compare(parts(extra.CALLS[name], EXTRA), EXTRA[f"torch {name}"])
