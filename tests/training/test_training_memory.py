"""Data that are larger than memory: nothing is copied but the rows of a batch."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import numpy as np

from minidl import Trainer, nn, optim
from minidl.training.batches import permutation

MB = 2**20


def test_a_memory_map_is_trained_on_without_a_copy(tmp_path: Path) -> None:
    path = tmp_path / "X.npy"
    rows, columns = 200_000, 256
    np.lib.format.open_memmap(path, mode="w+", dtype=np.float64, shape=(rows, columns))  # of zeros
    X = np.load(path, mmap_mode="r")
    assert X.nbytes > 380 * MB
    y = np.arange(rows) % 2
    trainer = Trainer(
        nn.mlp(columns, 2, 1, seed=0), "bce", optimizer=optim.NAG(0.01), batch_size=4096, seed=0
    )
    tracemalloc.start()
    try:
        history = trainer.fit(X, y, epochs=1, validation=(X[:50_000], y[:50_000]))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert history["samples"][-1] == rows
    assert peak < 60 * MB


def test_the_numbers_of_many_rows_take_half_the_memory_and_are_in_the_same_order() -> None:
    few, many = 2**10, 2**20 + 1
    for n, dtype in ((few, np.int64), (many, np.uint32)):
        order = permutation(np.random.default_rng(3), n)
        assert order.dtype == dtype
        assert np.array_equal(order, np.random.default_rng(3).permutation(n))


def test_many_rows_of_few_columns_are_not_outweighed_by_their_targets_and_numbers(
    tmp_path: Path,
) -> None:
    rows = 3 * 10**6
    for name, dtype, shape in (("X", np.float64, (rows, 4)), ("y", np.int8, (rows,))):
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
        assert peak < 22 * MB, (
            loss
        )  # 4 bytes a row for the order, and 3 of checks before; 8 more as floats
