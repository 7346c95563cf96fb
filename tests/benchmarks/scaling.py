"""Where minidl stops being the right tool: its cost per step beside torch's, over sizes.

    python tests/benchmarks/scaling.py

The network is 2-16-16-1 in batches of 32, and one thing at a time grows: width, depth, the batch,
the number of networks (per seed and step, against a loop for torch, in which a few networks stand
for all), the rows of a memory-mapped file. Runs are as long as their first epoch says.
It needs torch.
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
from peers import Minidl, Peer, Torch
from replica_peers import MinidlReplicas, TorchLoop
from timing import interleave, quartiles, ratio, stopwatch
from workloads import CHUNK, MOONS, Array, Workload

SECONDS, LONG = 0.1, 2.0  # what a run takes at least, and from where on two have to do
BASE = Workload("2-16-16-1, batch 32", **MOONS, batch=32, epochs=1)
WIDTHS = (16, 32, 64, 128, 256, 512)
DEPTHS = (1, 2, 4, 8, 16, 32)
BATCHES = (1, 10, 100, 1000, 10_000)
NETWORKS = (1, 4, 16, 64, 256, 1024)
ROWS = (10**3, 10**4, 10**5, 10**6, 10**7)
FEATURES = 10  # 10^7 rows of them are 0.8 GB
LOOPED = 2  # networks that stand for all in a loop
EPOCHS = 20  # of many networks: a call has its costs before and after

Makers = dict[str, Callable[[], Peer]]
Curve = dict[str, dict[str, Any]]  # point -> figures


class MappedRows(Workload):
    """Rows in .npy files in the folder `data`; only the pages that are touched are read."""

    def load(self) -> tuple[Array, Array]:
        """Return the memory maps; writing to them would change the memory, not the files."""
        X, y = (np.load(Path(self.data, f"{name}.npy"), mmap_mode="c") for name in "Xy")
        return X, y


class TorchMeasured(Torch):
    """torch with the loss on all rows at the end, as minidl's fit() has it.

    That is a fifth of the time if there is only one epoch.
    """

    def train(self) -> None:
        super().train()
        with self.torch.no_grad():
            for i in range(0, len(self.rows), CHUNK):
                part = slice(i, i + CHUNK)
                self.loss_function(self.model(self.rows[part]), self.targets[part])


def pair(workload: Workload) -> Makers:
    """Return the two contestants on a workload."""
    return {"minidl": partial(Minidl, workload), "torch": partial(Torch, workload)}


def lengthened(make: Callable[[], Peer], least: int) -> tuple[Peer, float]:
    """Return the contestant with enough epochs, and the seconds that they will take."""
    peer = make()
    seconds = 0.0
    for _ in range(2):  # the first time, something may be imported, and caches are empty
        if seconds < LONG:
            run = peer.prepare(0)
            seconds = stopwatch(run) * peer.steps
    epochs = max(least, math.ceil(SECONDS / seconds))
    peer.lengthen(epochs)
    return peer, epochs * seconds


def point(makers: Makers, settings: command.Settings, least: int = 1) -> dict[str, Any]:
    """Time the two beside each other, for this many epochs at least; long runs less often."""
    prepared = {name: lengthened(make, least) for name, make in makers.items()}
    contestants = {name: peer for name, (peer, _) in prepared.items()}
    long = max(seconds for _, seconds in prepared.values()) > LONG
    repeats = min(settings.repeats, 2) if long else settings.repeats
    times, _ = interleave(contestants, repeats, settings.generator)
    found: dict[str, Any] = {name: 1e6 * quartiles(seconds)[1] for name, seconds in times.items()}
    found["ratio"] = ratio(times, "minidl", "torch")
    return found


def width(settings: command.Settings) -> Curve:
    """Two hidden layers of this many units."""
    return {
        str(units): point(pair(replace(BASE, sizes=(2, units, units, 1))), settings)
        for units in WIDTHS
    }


def depth(settings: command.Settings) -> Curve:
    """This many hidden layers of 16."""
    return {
        str(layers): point(pair(replace(BASE, sizes=(2, *[16] * layers, 1))), settings)
        for layers in DEPTHS
    }


def batch(settings: command.Settings) -> Curve:
    """Batches of this many of 10,000 rows."""
    rows = max(BATCHES)
    return {str(n): point(pair(replace(BASE, rows=rows, batch=n)), settings) for n in BATCHES}


def networks(settings: command.Settings) -> Curve:
    """This many networks at once."""
    found = {}
    for R in NETWORKS[:-1] if settings.quick else NETWORKS:
        makers: Makers = {
            "minidl": partial(MinidlReplicas, BASE, R),
            "torch": partial(TorchLoop, BASE, min(R, LOOPED)),
        }
        found[str(R)] = point(makers, settings, EPOCHS)
    return found


def rows(settings: command.Settings) -> Curve:
    """This many rows of ten features in a memory-mapped file, in batches of 1,000."""
    found = {}
    for n in ROWS[:-1] if settings.quick else ROWS:
        with tempfile.TemporaryDirectory() as folder:
            write_rows(Path(folder), n)
            workload = mapped_rows(Path(folder))
            makers: Makers = {
                "minidl": partial(Minidl, workload),
                "torch": partial(TorchMeasured, workload),
            }
            found[f"{n:,}"] = point(makers, settings)
    return found


def mapped_rows(folder: Path) -> MappedRows:
    """Return the workload for the files that :func:`write_rows` has written."""
    sizes = (FEATURES, 16, 16, 1)
    return MappedRows("a file", str(folder), sizes, "tanh", rows=None, batch=1000, epochs=1)


def write_rows(folder: Path, n: int) -> None:
    """Write X.npy (n, features), normal, and y.npy (n,), the class: on which side of a sphere."""
    generator = np.random.default_rng(0)
    new = partial(np.lib.format.open_memmap, mode="w+")
    X = new(folder / "X.npy", dtype=np.float64, shape=(n, FEATURES))
    y = new(folder / "y.npy", dtype=np.int64, shape=(n,))
    for i in range(0, n, CHUNK):
        drawn = generator.standard_normal((min(CHUNK, n - i), FEATURES))
        X[i : i + CHUNK] = drawn
        y[i : i + CHUNK] = (drawn**2).sum(axis=1) > FEATURES


def table(curves: dict[str, Curve]) -> str:
    """Return the curves as text; a factor above 1 says that torch is the faster."""
    lines = []
    for name, curve in curves.items():
        lines.append(
            f"{name:>12}{'minidl, us':>12}{'torch, us':>12}{'minidl/torch':>14}  quartiles"
        )
        for at, row in curve.items():
            low, middle, high = row["ratio"]
            remark = "  torch is faster" if middle > 1 else ""
            lines.append(
                f"{at:>12}{row['minidl']:>12.1f}{row['torch']:>12.1f}{middle:>14.3f}"
                f"  {low:.3f} - {high:.3f}{remark}"
            )
        lines.append("")
    return "\n".join(lines).rstrip()


CASES = {case.__name__: case for case in (width, depth, batch, networks, rows)}

if __name__ == "__main__":
    sys.exit(command.main("What a step costs over sizes.", CASES, table, repeats=5, quick=3))
