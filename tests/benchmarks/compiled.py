"""Time of one step with the compiled engine, beside eager, C written by hand, and others.

    python tests/benchmarks/compiled.py

by_hand.c is compiled for each network with -O3 -march=native -ffast-math. It takes the same batches
in the same order; the compiled engine is timed through `fit`, with recording and comparing, which
rounds after the first find done. JAX compiles before it is timed. In the first round all but
scikit-learn and the loop over networks must find the same losses.
"""

from __future__ import annotations

import ctypes
import subprocess
import sys
import tempfile
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import command
import numpy as np
import peers
import report
from peers import Layers, Minidl, MinidlEager, Peer, ScikitLearn, Torch, minidl_order
from replica_peers import Jax, JaxScan, Many, TorchLoop, minidl_orders
from timing import interleave
from workloads import MOMENTUM, WORKLOADS, Workload, layers_of

import minidl
from minidl.engine import machine

SOURCE = Path(__file__).with_name("by_hand.c")
FLAGS = ["-O3", "-march=native", "-mprefer-vector-width=512", "-ffast-math", "-shared", "-fPIC"]
R = 32


class Compiled(Minidl):
    """The Trainer with engine="compiled"."""

    def build(self) -> None:
        super().build()
        self.trainer.engine = "compiled"


class CompiledMeasured(Compiled):
    """The same with the loss on all rows after every epoch."""

    measure_every = 1


class InC(Peer):
    """by_hand.c, compiled for this network."""

    def __init__(self, workload: Workload) -> None:
        super().__init__(workload)
        strip = min(self.batch, 64 if workload.sizes[-1] > 1 else 40)
        library = Path(tempfile.mkdtemp()) / "by_hand.so"
        sizes = [f"-DD{i}={size}" for i, size in enumerate(workload.sizes)]
        built = [
            "cc",
            *FLAGS,
            *sizes,
            f"-DSTRIP={strip}",
            "-o",
            str(library),
            str(SOURCE),
            "-lmvec",
        ]
        subprocess.run([*built, "-lm"], check=True)
        self.library = ctypes.CDLL(str(library))
        self.epoch = self.library.epoch
        self.epoch.restype = ctypes.c_double
        pointers, numbers = [ctypes.c_void_p] * 5, [ctypes.c_int64] * 2 + [ctypes.c_double] * 2
        self.epoch.argtypes = pointers + numbers
        self.measure = self.library.measure
        self.measure.restype = ctypes.c_double
        self.measure.argtypes = [*pointers[:3], ctypes.c_int64, ctypes.c_void_p]
        self.rows, self.targets = np.ascontiguousarray(self.X), self.y.astype(float)

    def build(self) -> None:
        self.w = flat(self.workload.initial(self.seed))
        self.v = np.zeros_like(self.w)

    def run_epoch(self, w: Any, v: Any, order: Any) -> None:
        address = None if order is None else order.ctypes.data
        data = w.ctypes.data, v.ctypes.data, self.rows.ctypes.data, self.targets.ctypes.data
        self.epoch(*data, address, len(self.X), self.batch, self.workload.lr, MOMENTUM)

    def train(self) -> None:
        n = len(self.X)
        for epoch in range(1, self.workload.epochs + 1):
            order = None if self.batch == n else minidl_order(self.seed, n, epoch)
            self.run_epoch(self.w, self.v, order)
            self.end_epoch()
        self.steps = self.workload.epochs * -(-n // self.batch)

    def end_epoch(self) -> None:
        """Do what comes after an epoch: nothing."""

    def layers(self) -> Layers:
        return unflat(self.w, self.workload.sizes)


class InCMeasured(InC):
    """The same with loss and accuracy on all rows after every epoch."""

    def end_epoch(self) -> None:
        data = (array.ctypes.data for array in (self.w, self.rows, self.targets))
        self.measured = self.measure(*data, len(self.X), ctypes.byref(ctypes.c_double()))


class ManyInC(Many, InC):
    """R networks, one after the other."""

    def __init__(self, workload: Workload, R: int) -> None:
        InC.__init__(self, workload)
        self.R = R

    def build(self) -> None:
        self.w = np.stack([flat(self.workload.initial(seed)) for seed in range(self.R)])
        self.v = np.zeros_like(self.w)

    def train(self) -> None:
        for epoch in range(1, self.workload.epochs + 1):
            self.train_epoch(minidl_orders(self.R, len(self.X), epoch))
        self.count()

    def train_epoch(self, orders: Any) -> None:
        for w, v, order in zip(self.w, self.v, orders, strict=True):
            self.run_epoch(w, v, order)

    def layers(self) -> Layers:
        return unflat(self.w, self.workload.sizes)


class ManyCompiled(Many):
    """train_replicas; the whole call is timed."""

    engine = "compiled"
    jobs = 1

    def build(self) -> None:
        pass

    def train(self) -> None:
        self.replicas = minidl.train_replicas(
            self.workload.network,
            minidl.optim.NAG(lr=self.workload.lr, momentum=MOMENTUM),
            self.X,
            self.y,
            loss=self.workload.loss_name,
            batch_size=self.batch,
            measure_every=0,
            epochs=self.workload.epochs,
            seeds=self.R,
            engine=self.engine,
            jobs=self.jobs,
        )
        self.count()

    def train_epoch(self, orders: Any) -> None:
        raise NotImplementedError

    def layers(self) -> Layers:
        each = [layers_of(replica.model) for replica in self.replicas]
        return [tuple(map(np.stack, zip(*own, strict=True))) for own in zip(*each, strict=True)]  # type: ignore[misc]


class InThreads(ManyCompiled):
    """The same in two threads."""

    jobs = 2


class ManyEager(ManyCompiled):
    """The same, eager."""

    engine = "eager"


def flat(layers: Layers) -> Any:
    return np.concatenate([part.ravel() for pair in layers for part in pair])


def unflat(w: Any, sizes: tuple[int, ...]) -> Layers:
    layers, start = [], 0
    for k, m in pairwise(sizes):
        middle, end = start + k * m, start + k * m + m
        layers.append((w[..., start:middle].reshape(*w.shape[:-1], k, m), w[..., middle:end]))
        start = end
    return layers


def _demand_agreement(contestants: dict[str, Peer], workload: Workload) -> None:
    """Train all with the same orders; raise if losses differ, but where rounding errors grow."""
    losses = {}
    for name, peer in contestants.items():
        n, alone = len(peer.X), isinstance(peer, JaxScan) or not isinstance(peer, Many)
        order = partial(minidl_order, 0, n) if alone else partial(minidl_orders, R, n)
        peer.orders = None if peer.batch == n else order
        if name not in ("scikit-learn", "torch loop") and workload.batch != 1:
            peer.prepare(0)()
            losses[name] = peer.losses()
        peer.orders = None
    for name, loss in losses.items():
        assert np.allclose(loss, losses["C by hand"], 1e-8), (name, losses)


def measure(
    workload: Workload, many: bool, settings: command.Settings, *, long: bool = False
) -> dict[str, Any]:
    """Time the contestants on one workload; of `many` networks for `long` only the machine."""
    kinds: dict[str, Any] = {"compiled": Compiled, "compiled, measured": CompiledMeasured}
    kinds |= {"eager": MinidlEager, "C by hand": InC, "C, measured": InCMeasured}
    kinds |= {"JAX, scan": JaxScan}
    kinds |= {"torch": Torch, "scikit-learn": ScikitLearn}
    makers = {name: partial(kind, workload) for name, kind in kinds.items()}
    if many:
        kinds = {"compiled": ManyCompiled, "compiled, 2 threads": InThreads, "eager": ManyEager}
        kinds |= {"C by hand": ManyInC, "JAX, vmap + scan": Jax}
        kinds |= {"torch loop": TorchLoop} if workload.batch != 1 else {}  # it takes minutes
        if long:
            kinds = {name: kind for name, kind in kinds.items() if "compiled" in name}
        makers = {name: partial(kind, workload, R) for name, kind in kinds.items()}
    contestants, missing = peers.installed(makers)
    if not long:
        _demand_agreement(contestants, workload)
    for name in ("torch", "torch loop", "scikit-learn"):
        if name in contestants and (workload.batch == 1 or many):
            contestants[name].lengthen(1)
    times, _ = interleave(contestants, settings.repeats, settings.generator)
    found = machine()
    notes = [f"instructions {found.instruction_set}" if found else "no machine"]
    against = ("C by hand", "eager", "JAX, vmap + scan" if many else "JAX, scan")
    rows = report.figures(times, ("compiled",) if long else against)
    if not many:
        notes.append(measuring({name: row["median"] for name, row in rows.items()}))
    return {
        "unit": "us per step",
        "contestants": rows,
        "missing": missing,
        "targets": [],
        "notes": notes,
    }


def measuring(medians: dict[str, float]) -> str:
    """Return in words what measuring adds to an epoch, beside what it adds to C by hand."""
    added = medians["compiled, measured"] - medians["compiled"]
    ratio = added / (medians["C, measured"] - medians["C by hand"])
    return f"measuring adds {ratio:.2f} times what the same forward passes add in C"


EPOCHS = {"moons, batch 32": 100, "moons, batch 1": 10, "moons, full batch": 500}
EPOCHS |= {"digits, batch 64": 40}  # in eight, comparing the first steps takes a tenth
CASES = {}
for _workload in WORKLOADS:
    _workload = Workload(**{**vars(_workload), "epochs": EPOCHS.get(_workload.name, 8)})
    CASES[_workload.name] = partial(measure, _workload, False)
    if _workload.name in ("moons, batch 32", "moons, batch 1"):
        _workload = Workload(**{**vars(_workload), "epochs": EPOCHS[_workload.name] // 4})
        CASES[f"{R} of {_workload.name}"] = partial(measure, _workload, True)
        _workload = Workload(**{**vars(_workload), "epochs": 3 * EPOCHS[_workload.name]})
        CASES[f"{R} of {_workload.name}, long"] = partial(measure, _workload, True, long=True)

if __name__ == "__main__":
    sys.exit(command.main("Time of one compiled step.", CASES, report.table))
