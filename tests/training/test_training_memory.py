"""Data that are larger than memory: nothing is copied but the rows of a batch."""

from __future__ import annotations

import sys
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from training_problems import content

from minidl import Trainer, nn, optim, sharpness, train_replicas
from minidl.errors import DataError
from minidl.training import data as rows
from minidl.training.data import Rows, permutation
from minidl.values import missing

MB = 2**20


def test_a_memory_map_is_trained_on_without_a_copy(tmp_path: Path) -> None:
    path = tmp_path / "X.npy"
    rows, columns = 50_000, 256
    np.lib.format.open_memmap(path, mode="w+", dtype=np.float64, shape=(rows, columns))  # of zeros
    X = np.load(path, mmap_mode="r")
    assert X.nbytes > 90 * MB
    y = np.arange(rows) % 2
    trainer = Trainer(
        nn.mlp(columns, 2, 1, seed=0), "bce", optimizer=optim.NAG(0.01), batch_size=1024, seed=0
    )
    tracemalloc.start()
    try:
        history = trainer.fit(X, y, epochs=1, validation=(X[:12_500], y[:12_500]))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert history["samples"][-1] == rows
    assert peak < 15 * MB


def test_the_numbers_of_many_rows_take_half_the_memory_and_are_in_the_same_order() -> None:
    few, many = 2**10, 2**20 + 1
    for n, dtype in ((few, np.int64), (many, np.uint32)):
        order = permutation(np.random.default_rng(3), n)
        assert order.dtype == dtype
        assert np.array_equal(order, np.random.default_rng(3).permutation(n))


@pytest.fixture
def quarter(monkeypatch: pytest.MonkeyPatch) -> None:
    """Divide by 4 the sizes from which inputs are converted, checked and shuffled in parts."""
    shuffling = sys.modules[permutation.__module__]
    for module, name in ((rows, "LARGE"), (missing, "CHUNK_BYTES"), (shuffling, "GATHER_BYTES")):
        monkeypatch.setattr(module, name, getattr(module, name) // 4)


@pytest.mark.usefixtures("quarter")
def test_many_rows_of_few_columns_are_not_outweighed_by_their_targets_and_numbers(
    tmp_path: Path,
) -> None:
    n = 11 * 10**5
    for name, dtype, shape in (("X", np.float64, (n, 4)), ("y", np.int8, (n,))):
        np.lib.format.open_memmap(tmp_path / f"{name}.npy", mode="w+", dtype=dtype, shape=shape)
    X, y = (np.load(tmp_path / f"{name}.npy", mmap_mode="r") for name in "Xy")
    for loss, outputs in (("bce", 1), ("mse", 1), ("softmax_cross_entropy", 2)):
        network = nn.mlp(4, outputs, seed=0)
        trainer = Trainer(network, loss, optimizer=optim.NAG(0.01), batch_size=8192, seed=0)
        tracemalloc.start()
        try:
            trainer.fit(X, y, epochs=1)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        # 4 bytes a row for the order, and 3 of checks before; 8 more as floats
        assert peak < 8 * MB, loss


@pytest.mark.usefixtures("quarter")
@pytest.mark.parametrize("dtype", [np.float32, np.uint8, ">f8"])
def test_a_memory_map_of_another_dtype_is_converted_batch_by_batch(
    tmp_path: Path, dtype: Any
) -> None:
    path = tmp_path / "X.npy"
    n, columns = 25_000, 256
    np.lib.format.open_memmap(path, mode="w+", dtype=dtype, shape=(n, columns))
    X = np.load(path, mmap_mode="r")
    y = np.arange(n) % 2
    trainer = Trainer(
        nn.mlp(columns, 2, 1, seed=0), "bce", optimizer=optim.NAG(0.01), batch_size=1024, seed=0
    )
    tracemalloc.start()
    try:
        trainer.fit(X, y, epochs=1, validation=(X[:12_500], y[:12_500]))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 25 * MB  # converted as a whole they are 49


SMALL = np.random.default_rng(0).standard_normal((300, 4))


@pytest.mark.parametrize(
    "X", [SMALL.astype(np.float32), (100 * SMALL).astype(np.int16), SMALL > 0, SMALL.astype(">f8")]
)
@pytest.mark.parametrize("batch_size", [1, 32, "full"])
def test_it_changes_no_bit(X: Any, batch_size: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    y = SMALL[:, 0] > 0

    def train() -> list[Any]:
        common: dict[str, Any] = {"loss": "bce", "batch_size": batch_size, "engine": "eager"}
        one = Trainer(nn.mlp(4, 3, 1, seed=0), optimizer=optim.NAG(0.1), seed=0, **common)
        found = [one.fit(X, y, epochs=2, validation=(X[:50], y[:50]))]
        found += [
            replica.history
            for sets in ((X, y), (np.repeat(X[None], 2, 0), np.repeat(y[None], 2, 0)))
            for replica in train_replicas(
                lambda seed: nn.mlp(4, 3, 1, seed=seed), optim.NAG(0.1), *sets,
                seeds=2, epochs=2, **common,
            )
        ]  # fmt: skip
        return [content(history) for history in found] + [sharpness(one.model, "bce", X, y).value]

    expected = train()
    seen: list[np.dtype[Any]] = []
    inner = Rows.__new__
    monkeypatch.setattr(
        Rows, "__new__", lambda cls, X, *others: (seen.append(X.dtype), inner(cls, X, *others))[1]
    )
    monkeypatch.setattr(rows, "LARGE", 0)
    monkeypatch.setattr(missing, "CHUNK_BYTES", 1000)
    assert train() == expected
    assert set(seen) == {X.dtype}


class Seeing(nn.Layer):
    """Remembers of which dtypes its inputs are."""

    def __init__(self, dtype: Any) -> None:
        self.inner = nn.mlp(4, 3, 1, seed=0, dtype=dtype)
        self.seen: set[np.dtype[Any]] = set()

    def forward(self, x: Any, training: Any = False) -> Any:
        self.seen.add(x.dtype)
        return self.inner.forward(x, training)


@pytest.mark.parametrize("dtypes", [(np.float32, np.float64), (np.float64, np.float32)])
def test_a_layer_sees_its_own_dtype_only(dtypes: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows, "LARGE", 0)
    X, model = SMALL.astype(dtypes[0]), Seeing(dtypes[1])
    Trainer(model, "mse", optimizer=optim.NAG(0.1), seed=0).fit(X, X[:, 0], epochs=1)
    sharpness(model, "mse", X, X[:, 0], tolerance=1e-3)
    assert model.seen == {np.dtype(dtypes[1])}


def test_what_is_too_large_for_the_dtype_is_told_at_its_place(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    X = SMALL.copy()
    X[211, 3] = 1e300
    told = []
    for large in (rows.LARGE, 0):
        monkeypatch.setattr(rows, "LARGE", large)
        monkeypatch.setattr(missing, "CHUNK_BYTES", 1000)
        model = nn.mlp(4, 3, 1, seed=0, dtype=np.float32)
        trainer = Trainer(model, "mse", optimizer=optim.NAG(0.1))
        with pytest.raises(DataError, match="got inf in row 211, column 3") as caught:
            trainer.fit(X, X[:, 0], epochs=1)
        told.append(str(caught.value))
    assert told[0] == told[1]
