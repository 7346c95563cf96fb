"""Files with values that no model or run can have, although their checksums are right."""

import threading
import warnings
import zipfile

import numpy as np
import pytest
from training_problems import two_class_trainer, two_classes

from minidl import Trainer, load_model, nn, optim, save_model
from minidl.archive import read_arrays, write_arrays
from minidl.errors import DataError
from minidl.training import from_torch, load_run, save_run, to_torch

X, Y = two_classes()


@pytest.fixture
def path(tmp_path):
    return tmp_path / "run.npz"


def rewrite(path, name, value):
    """Replace an array of a file, which gets the right checksum."""
    arrays, holds = read_arrays(path, "a saved model")
    arrays[name] = np.array(value)
    write_arrays(path, holds, arrays)


def test_loading_in_threads_leaves_the_filters_of_warnings_alone(path, monkeypatch):
    save_model(nn.mlp(2, 3, 1, seed=0), path)
    seen, infolist = [], zipfile.ZipFile.infolist

    def spy(archive):
        seen.append(list(warnings.filters))
        return infolist(archive)

    monkeypatch.setattr(zipfile.ZipFile, "infolist", spy)
    with warnings.catch_warnings():
        before = list(warnings.filters)
        threads = [threading.Thread(target=load_model, args=(path,)) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(seen) >= 3
        assert all(filters == before for filters in [*seen, warnings.filters])


@pytest.mark.parametrize(
    "array",
    [
        np.zeros((2, 0)), np.float32(3), np.asfortranarray(np.ones((2, 3))), np.array([True]),
        np.arange(3, dtype=">i2"), np.array(["a", "日本"]), np.array([b"ab"]), np.array([1 + 2j]),
        np.array(["2026-01-01"], "M8[D]"), np.array([3], "m8[25s]"), np.zeros((1, 2, 3, 4), "f2"),
    ],
)  # fmt: skip
def test_every_array_of_numbers_or_text_comes_back_as_it_was(array, path):
    write_arrays(path, "arrays", {"one": array})
    found = read_arrays(path, "arrays")[0]["one"]
    native = array.astype(array.dtype.newbyteorder("="))
    np.testing.assert_array_equal(found, native, strict=True)


def test_arrays_of_anything_else_are_not_saved(path):
    for extra in (np.array([None]), np.zeros(2, "f8,i4"), np.zeros(2, "V3")):
        with pytest.raises(DataError, match="one is not an array of numbers or text"):
            save_model(nn.Dense(1, 1), path, {"one": extra})


@pytest.fixture
def normed():
    return nn.Sequential(nn.Dense(2, 3), nn.BatchNorm(3), nn.Dense(3, 1), seed=0)


@pytest.mark.parametrize("value", [np.nan, np.inf, -1.0])
def test_a_variance_that_none_can_be_is_neither_saved_nor_loaded(value, normed, path):
    save_model(normed, path)
    kept = path.read_bytes()
    state = to_torch(normed)
    state["1.running_var"] = np.full(3, value)
    before = normed.copy_buffers()
    with pytest.raises(DataError, match=r"1\.running_var has (values|numbers)"):
        from_torch(normed, state)
    assert {n: a.tolist() for n, a in normed.copy_buffers().items()} == {
        n: a.tolist() for n, a in before.items()
    }
    rewrite(path, "buffer/1.running_var", np.full(3, value))
    for into in (None, normed):
        with pytest.raises(DataError, match=r"damaged: the buffer 1\.running_var has values"):
            load_model(path, into)
    path.write_bytes(kept)
    normed[1].running_var[...] = value
    with pytest.raises(DataError, match=r"not saved to .*: the buffer 1\.running_var has values"):
        save_model(normed, path)
    assert path.read_bytes() == kept


@pytest.mark.parametrize("value", [np.nan, np.inf, -1.0])
def test_a_run_with_such_a_variance_is_refused(value, normed, path):
    trainer = Trainer(normed, "bce", optimizer=optim.NAG(0.1), seed=0)
    trainer.fit(X, Y, epochs=1)
    save_run(trainer, path)
    rewrite(path, "buffer/1.running_var", np.full(3, value))
    with pytest.raises(DataError, match=r"saved run, or is damaged: the buffer 1\.running_var"):
        load_run(trainer, path)


def test_the_parts_of_a_model_are_those_of_its_layers(path):
    save_model(nn.mlp(2, 3, 1, seed=0), path)
    rewrite(path, "model/parts", '["Sequential", "Dense", "ReLU", "Dense"]')
    for into in (None, nn.mlp(2, 3, 1, seed=0)):
        with pytest.raises(DataError, match="its parts are not those of its layers"):
            load_model(path, into)


@pytest.mark.parametrize("data", [b"", bytes(100), b"<html>"], ids=["empty", "zeros", "HTML"])
def test_what_is_no_run_is_said_to_be_none(data, path):
    path.write_bytes(data)
    with pytest.raises(DataError, match="is not a saved run"):
        load_run(two_class_trainer("nag"), path)
