"""Where minidl stops being the right tool: its time per step beside PyTorch's, over sizes.

minidl runs with the default engine and with engine="eager".

    python tests/benchmarks/scaling.py

Starting from 2-16-16-1 in batches of 32, one size grows at a time: width, depth, batch, networks
(per network and step; PyTorch trains two in a loop) and the rows of a memory-mapped file. The first
epoch decides how long a run is. It needs PyTorch.
"""

from __future__ import annotations

import math
import sys
import tempfile
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import command
import numpy as np
from peers import Minidl, MinidlEager, Peer, Torch
from replica_peers import MinidlReplicas, MinidlReplicasEager, TorchLoop
from timing import interleave, quartiles, ratio, stopwatch
from workloads import CHUNK, MOONS, Array, Workload

SECONDS, LONG = 0.1, 2.0  # the least time of a run, and that from which two rounds suffice
BASE = Workload("2-16-16-1, batch 32", **MOONS, batch=32, epochs=1)
WIDTHS = (16, 32, 64, 128, 256, 512)
DEPTHS = (1, 2, 4, 8, 16, 32)
BATCHES = (1, 10, 100, 1000, 10_000)
NETWORKS = (1, 4, 16, 64, 256, 1024)
ROWS = (10**3, 10**4, 10**5, 10**6, 10**7)
FEATURES = 10  # 10^7 rows are 0.8 GB
LOOPED = 2  # networks of a loop
EPOCHS = 20  # of many networks, since a call has fixed costs

Makers = dict[str, Callable[[], Peer]]
Curve = dict[str, dict[str, Any]]  # point -> figures


class MappedRows(Workload):
    """Rows in .npy files in the folder `data`, as memory maps."""

    def load(self) -> tuple[Array, Array]:
        """Return the memory maps, copy-on-write."""
        X, y = (np.load(Path(self.data, f"{name}.npy"), mmap_mode="c") for name in "Xy")
        return X, y


class TorchMeasured(Torch):
    """PyTorch with the loss on all rows at the end, as in minidl's `fit`.

    That is a fifth of the time of a single epoch.
    """

    def train(self) -> None:
        super().train()
        with self.torch.no_grad():
            for i in range(0, len(self.rows), CHUNK):
                part = slice(i, i + CHUNK)
                self.loss_function(self.model(self.rows[part]), self.targets[part])


def contestants(workload: Workload, torch: type[Peer] = Torch) -> Makers:
    """Return minidl with both engines, and PyTorch, on a workload."""
    kinds: dict[str, type[Peer]] = {"minidl": Minidl, "eager": MinidlEager, "torch": torch}
    return {name: partial(kind, workload) for name, kind in kinds.items()}


def lengthened(make: Callable[[], Peer], least: int) -> tuple[Peer, float]:
    """Return the contestant with enough epochs, and the seconds they take."""
    peer = make()
    seconds = 0.0
    for _ in range(2):  # the first run imports modules and fills caches
        if seconds < LONG:
            run = peer.prepare(0)
            seconds = stopwatch(run) * peer.steps
    epochs = max(least, math.ceil(SECONDS / seconds))
    peer.lengthen(epochs)
    return peer, epochs * seconds


def point(makers: Makers, settings: command.Settings, least: int = 1) -> dict[str, Any]:
    """Time the contestants for at least this many epochs; long runs get two rounds."""
    prepared = {name: lengthened(make, least) for name, make in makers.items()}
    peers = {name: peer for name, (peer, _) in prepared.items()}
    long = max(seconds for _, seconds in prepared.values()) > LONG
    repeats = min(settings.repeats, 2) if long else settings.repeats
    times, _ = interleave(peers, repeats, settings.generator)
    row: dict[str, Any] = {name: 1e6 * quartiles(seconds)[1] for name, seconds in times.items()}
    return {**row, "ratio": ratio(times, "minidl", "torch")}


def width(settings: command.Settings) -> Curve:
    """Two hidden layers of this many units."""
    return {
        str(units): point(contestants(replace(BASE, sizes=(2, units, units, 1))), settings)
        for units in WIDTHS
    }


def depth(settings: command.Settings) -> Curve:
    """This many hidden layers of 16."""
    return {
        str(layers): point(contestants(replace(BASE, sizes=(2, *[16] * layers, 1))), settings)
        for layers in DEPTHS
    }


def batch(settings: command.Settings) -> Curve:
    """Batches of this many of 10,000 rows."""
    rows = max(BATCHES)
    each = {n: contestants(replace(BASE, rows=rows, batch=n)) for n in BATCHES}
    return {str(n): point(makers, settings) for n, makers in each.items()}


def networks(settings: command.Settings) -> Curve:
    """This many networks at once."""
    curve = {}
    for R in NETWORKS[:-1] if settings.quick else NETWORKS:
        makers: Makers = {
            "minidl": partial(MinidlReplicas, BASE, R),
            "eager": partial(MinidlReplicasEager, BASE, R),
            "torch": partial(TorchLoop, BASE, min(R, LOOPED)),
        }
        curve[str(R)] = point(makers, settings, EPOCHS)
    return curve


def rows(settings: command.Settings) -> Curve:
    """This many rows of ten features in a memory-mapped file, in batches of 1,000."""
    curve = {}
    for n in ROWS[:-1] if settings.quick else ROWS:
        with tempfile.TemporaryDirectory() as folder:
            write_rows(Path(folder), n)
            makers = contestants(mapped_rows(Path(folder)), TorchMeasured)
            curve[f"{n:,}"] = point(makers, settings)
    return curve


def mapped_rows(folder: Path) -> MappedRows:
    """Return the workload for the files of :func:`write_rows`."""
    sizes = (FEATURES, 16, 16, 1)
    return MappedRows("a file", str(folder), sizes, "tanh", rows=None, batch=1000, epochs=1)


def write_rows(folder: Path, n: int) -> None:
    """Write X.npy (n, features), normal, and y.npy (n,), 1 outside a sphere."""
    generator = np.random.default_rng(0)
    new = partial(np.lib.format.open_memmap, mode="w+")
    X = new(folder / "X.npy", dtype=np.float64, shape=(n, FEATURES))
    y = new(folder / "y.npy", dtype=np.int64, shape=(n,))
    for i in range(0, n, CHUNK):
        drawn = generator.standard_normal((min(CHUNK, n - i), FEATURES))
        X[i : i + CHUNK] = drawn
        y[i : i + CHUNK] = (drawn**2).sum(axis=1) > FEATURES


def table(curves: dict[str, Curve]) -> str:
    """Return the curves as text; above a ratio of 1, PyTorch is faster."""
    lines = []
    for name, curve in curves.items():
        lines.append(
            f"{name:>12}{'minidl, us':>12}{'eager, us':>12}{'torch, us':>12}"
            f"{'minidl/torch':>14}  quartiles"
        )
        for at, row in curve.items():
            low, middle, high = row["ratio"]
            remark = "  torch is faster" if middle > 1 else ""
            lines.append(
                f"{at:>12}{row['minidl']:>12.1f}{row['eager']:>12.1f}{row['torch']:>12.1f}"
                f"{middle:>14.3f}"
                f"  {low:.3f} - {high:.3f}{remark}"
            )
        lines.append("")
    return "\n".join(lines).rstrip()


CASES = {case.__name__: case for case in (width, depth, batch, networks, rows)}

if __name__ == "__main__":
    sys.exit(command.main("Time of a step over sizes.", CASES, table, repeats=5, quick=3))
