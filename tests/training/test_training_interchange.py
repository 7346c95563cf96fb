"""Weights to and from PyTorch and safetensors, against what PyTorch computed itself.

`interchange.npz` was written with PyTorch by `write_interchange.py`, by the lines of the README.
"""

import re
import sys
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy
from numpy.testing import assert_allclose, assert_array_equal

from minidl import nn
from minidl.errors import ArgumentError, DataError, DTypeError, ShapeError
from minidl.training import from_torch, load_safetensors, save_safetensors, to_torch

TESTS = Path(__file__).parents[1]
with np.load(TESTS / "golden" / "interchange.npz") as file:
    GOLDEN = dict(file)
X = GOLDEN["X"]
DTYPES = ["float64", "float32"]
CLOSE = {"float64": 1e-12, "float32": 2e-5}


def network(dtype="float64", seed=9):
    """The network of the golden file, with other weights."""
    return nn.Sequential(
        nn.Dense(3, 4, dtype=dtype), nn.BatchNorm(4, dtype=dtype), nn.Tanh(),
        nn.Dense(4, 4, bias=False, dtype=dtype), nn.LayerNorm(4, dtype=dtype), nn.ReLU(),
        nn.Dense(4, 2, dtype=dtype), seed=seed,
    )  # fmt: skip


def golden(prefix):
    return {n.removeprefix(prefix): a for n, a in GOLDEN.items() if n.startswith(prefix)}


@pytest.mark.parametrize("dtype", DTYPES)
def test_weights_of_pytorch_give_the_outputs_of_pytorch(dtype):
    model = network(dtype)
    from_torch(model, golden(f"{dtype}/torch/"))
    outputs = model.predict(X)
    assert outputs.dtype == dtype
    assert_allclose(outputs, GOLDEN[f"{dtype}/torch outputs"], rtol=CLOSE[dtype], atol=1e-6)


@pytest.mark.parametrize("dtype", DTYPES)
def test_pytorch_gives_the_outputs_of_minidl_with_its_weights(dtype):
    model = network(dtype)
    model.parameters.value[...] = GOLDEN[f"{dtype}/minidl value"]
    state, expected = to_torch(model), golden(f"{dtype}/minidl/")
    assert state.keys() == expected.keys()
    for name, array in state.items():
        assert_array_equal(array, expected[name], strict=True)
    expected = GOLDEN[f"{dtype}/minidl outputs"]
    assert_allclose(model.predict(X), expected, rtol=CLOSE[dtype], atol=1e-6)


def test_the_names_are_those_of_pytorchs_state_dict():
    assert to_torch(network()).keys() == golden("float64/torch/").keys()


@pytest.mark.parametrize("dtype", DTYPES)
def test_safetensors_give_back_every_bit_and_are_read_by_the_library(dtype, tmp_path):
    path = tmp_path / "model.safetensors"
    model, other = network(dtype), network(dtype, seed=3)
    model[1].running_mean[...] = [1, 2, 3, 4]
    save_safetensors(model, path)
    load_safetensors(path, into=other)
    assert_array_equal(other.parameters.value, model.parameters.value, strict=True)
    assert_array_equal(other[1].running_mean.data, [1, 2, 3, 4])
    for name, array in safetensors.numpy.load_file(path).items():
        assert_array_equal(array, to_torch(model)[name], strict=True)


def changed(name, value):
    return lambda state: {**state, name: value}


WRONG = {
    "a name is missing": (lambda state: dict(list(state.items())[1:]), DataError, "missing"),
    "a name is unknown": (changed("9.weight", np.ones(2)), DataError, "9.weight"),
    "not transposed": (changed("0.weight", np.ones((3, 4))), ShapeError, "0.weight"),
    "another dtype": (changed("6.bias", np.ones(2, "f")), DTypeError, "6.bias has another dtype"),
    "not finite": (changed("6.bias", np.full(2, np.nan)), DataError, "6.bias has numbers that"),
}


@pytest.mark.parametrize("kind", WRONG)
def test_weights_that_do_not_fit_are_refused_as_a_whole(kind, tmp_path):
    change, error, words = WRONG[kind]
    model, path = network(), tmp_path / "a.safetensors"
    before = model.parameters.value.copy()
    state = change(to_torch(network(seed=1)))
    safetensors.numpy.save_file(state, path)
    for call, named in (
        (lambda: from_torch(model, state), ""),
        (lambda: load_safetensors(path, model), "a.safetensors: "),
    ):
        with pytest.raises(error, match=f"{named}.*{re.escape(words)}"):
            call()
    assert_array_equal(model.parameters.value, before)


def test_damaged_safetensors_are_an_error_of_the_data(tmp_path):
    path = tmp_path / "a.safetensors"
    model = nn.Dense(1, 1, seed=0)
    save_safetensors(model, path)
    data = path.read_bytes()
    for length in range(0, len(data), 7):
        path.write_bytes(data[:length])
        with pytest.raises(DataError, match=r"a\.safetensors is not a safetensors file"):
            load_safetensors(path, model)
    path.write_bytes((2**60).to_bytes(8, "little") + data[8:])
    with pytest.raises(DataError, match=r"a\.safetensors is not a safetensors file"):
        load_safetensors(path, model)


def test_without_the_extra_there_is_an_error_that_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "safetensors.numpy", None)
    with pytest.raises(ArgumentError, match=r"Run pip install 'minidl\[safetensors\]'"):
        save_safetensors(nn.Dense(1, 1), tmp_path / "a")


def test_the_lines_of_the_readme_are_those_that_made_the_golden_file():
    readme = (TESTS.parent / "minidl" / "training" / "README.md").read_text(encoding="utf-8")
    written = (TESTS / "golden" / "write_interchange.py").read_text(encoding="utf-8")
    block = readme.split("## PyTorch and safetensors")[1].split("```python\n")[1].split("```")[0]
    lines = [line for line in block.splitlines() if line and not line.startswith(("#", "from "))]
    assert len(lines) == 4
    for line in lines:
        assert line.strip() in written
