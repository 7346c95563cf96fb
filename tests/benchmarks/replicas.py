"""Time of many networks at once per network and step, beside PyTorch and JAX.

    python tests/benchmarks/replicas.py

32 networks 2-16-16-1 on moons. Loops train four of them, since each costs the same. All contestants
must first reach the same losses from the same weights and orders.
"""

from __future__ import annotations

import statistics
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import command
import peers
import report
from replica_peers import (
    Jax,
    JaxAlone,
    Many,
    MinidlLoop,
    MinidlProcesses,
    MinidlReplicas,
    TorchLoop,
    TorchVmap,
    minidl_orders,
)
from report import Target
from timing import interleave, stopwatch, wall
from workloads import MOONS, Workload

R, MORE, MANY = 32, 256, 512
FEW = 4  # networks in a loop, and in the check that all agree
AGAINST = ("torch loop", "torch.func.vmap", "jax vmap + scan", "jax, NumPy's orders")
KINDS: dict[str, type[Many]] = {
    "minidl": MinidlReplicas,
    "minidl loop": MinidlLoop,
    "torch loop": TorchLoop,
    "torch.func.vmap": TorchVmap,
    "jax vmap + scan": JaxAlone,
    "jax, NumPy's orders": Jax,
}


@dataclass(frozen=True)
class Load:
    """A batch size, the epochs of a run of each contestant, and the targets."""

    batch: int
    epochs: dict[str, int]
    targets: tuple[Target, ...]

    def workload(self, name: str) -> Workload:
        """Return the workload of a contestant; fast ones get longer runs."""
        return Workload(f"batch {self.batch}", **MOONS, batch=self.batch, epochs=self.epochs[name])

    def contestants(self) -> dict[str, Callable[[], Many]]:
        """Return a constructor for each contestant."""
        makers: dict[str, Callable[[], Many]] = {
            name: partial(kind, self.workload(name), FEW if "loop" in name else R)
            for name, kind in KINDS.items()
        }
        makers[f"minidl, {MORE} networks"] = partial(MinidlReplicas, self.workload("minidl"), MORE)
        return makers


MORE_COST_THE_SAME = Target("minidl", 1.1, 1.0, name=f"minidl, {MORE} networks")
LOADS = {
    f"{R} networks, batch 32": Load(
        32,
        {
            "minidl": 40,
            "minidl loop": 10,
            "torch loop": 5,
            "torch.func.vmap": 5,
            "jax vmap + scan": 20,
            "jax, NumPy's orders": 20,
        },
        (
            Target("torch loop", 0.05, 0.033),
            Target("torch.func.vmap", 0.25, 0.16),
            Target("jax vmap + scan", 0.80, 0.68),
            Target("jax, NumPy's orders", 0.80, 0.68),
            MORE_COST_THE_SAME,
        ),
    ),
    f"{R} networks, batch 1": Load(
        1,
        {
            "minidl": 3,
            "minidl loop": 1,
            "torch loop": 1,
            "torch.func.vmap": 1,
            "jax vmap + scan": 5,
            "jax, NumPy's orders": 5,
        },
        (Target("torch.func.vmap", 0.10, 0.05), MORE_COST_THE_SAME),
    ),
}


def agree(load: Load) -> None:
    """Raise unless all contestants have the same losses after a few steps."""
    few = replace(load.workload("minidl"), rows=72, epochs=2)
    few_each, _ = peers.installed({name: partial(kind, few, FEW) for name, kind in KINDS.items()})
    peers.demand_agreement(few_each, partial(minidl_orders, FEW, 72))


def measure(load: Load, settings: command.Settings) -> dict[str, Any]:
    """Time all contestants with one batch size."""
    agree(load)
    contestants, missing = peers.installed(load.contestants())
    times, _ = interleave(contestants, settings.repeats, settings.generator)
    alone = [fixed_seconds(contestants["minidl"]) for _ in range(3)]
    share = statistics.median(alone) / statistics.median(times["minidl"])
    share /= contestants["minidl"].steps
    return {
        "unit": "us per seed and step",
        "contestants": report.figures(times, AGAINST),
        "missing": missing,
        "targets": report.verdicts(times, load.targets),
        "fixed_share": share,
        "notes": [
            f"of minidl's call of {load.epochs['minidl']} epochs, {100 * share:.0f} % is spent"
            " before and after the steps"
        ],
    }


def fixed_seconds(peer: Any) -> float:
    """Return the seconds of a call without epochs."""

    def run() -> int:
        peer.train_epochs(0)
        return 1

    return stopwatch(run)


def measure_processes(settings: command.Settings) -> dict[str, Any]:
    """Time blocks of networks in one process and in two, by wall time."""
    workload = LOADS[f"{R} networks, batch 32"].workload("minidl")
    kinds = {"one process": MinidlReplicas, "two processes": MinidlProcesses}
    few = replace(workload, rows=72, epochs=2)
    both = {name: kind(few, MANY) for name, kind in kinds.items()}
    peers.demand_agreement(both, partial(minidl_orders, MANY, 72), 0.0)
    contestants = {name: kind(workload, MANY) for name, kind in kinds.items()}
    times, _ = interleave(contestants, settings.repeats, settings.generator, wall)
    return {
        "unit": "us per seed and step",
        "contestants": report.figures(times, ("one process",)),
        "notes": [f"{MANY} networks, the same losses to the bit; ideal on two free cores: 0.5"],
    }


CASES: dict[str, command.Case] = {
    **{name: partial(measure, load) for name, load in LOADS.items()},
    "two processes, batch 32": measure_processes,
}

if __name__ == "__main__":
    sys.exit(command.main("Time of many networks at once.", CASES, report.table))
