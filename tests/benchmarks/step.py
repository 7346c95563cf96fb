"""Time of one optimizer step, beside PyTorch, scikit-learn, a naive engine and NumPy by hand.

    python tests/benchmarks/step.py

All contestants use public interfaces; shuffling and batching are included. Libraries that are not
installed are named. Contestants that accept weights and orders must first reach the same loss.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from functools import partial
from typing import Any

import command
import peers
import report
from timing import interleave, quartiles, ratio
from workloads import WORKLOADS, Workload

AGAINST = ("torch", "scikit-learn", "naive engine", "NumPy by hand")
SHUFFLED_ALIKE = ("minidl", "torch", "naive engine", "NumPy by hand")


def agree(workload: Workload) -> None:
    """Raise unless all contestants have the same loss after a few steps."""
    few = replace(workload, rows=workload.rows and 72, epochs=2)  # digits keeps its rows
    n = len(few.load()[0])
    alike, _ = peers.installed({name: partial(peers.PEERS[name], few) for name in SHUFFLED_ALIKE})
    peers.demand_agreement(alike, partial(peers.minidl_order, 0, n))


def measure(workload: Workload, settings: command.Settings) -> dict[str, Any]:
    """Time all contestants on one workload."""
    agree(workload)
    contestants, missing = peers.installed(
        {name: partial(kind, workload) for name, kind in peers.PEERS.items()}
    )
    times, losses = interleave(contestants, settings.repeats, settings.generator)
    rows = report.figures(times, AGAINST)
    for name, peer in contestants.items():
        loss = quartiles(losses[name])[1]
        learned = loss < workload.guessing
        rows[name].update(steps=peer.steps, loss=loss, learned=learned)
        rows[name]["remark"] = f"{peer.steps} steps, loss {loss:.4f}" + (
            "" if learned else ", no better than guessing!"
        )
    measured = ratio(times, "minidl, measured", "minidl")
    percent = round(100 * (measured[1] - 1)) if measured else 0
    return {
        "unit": "us per step",
        "contestants": rows,
        "missing": missing,
        "targets": report.verdicts(times, workload.targets),
        "measuring_costs": measured,
        "notes": [f"the loss on all rows after each epoch would add {percent} %"],
    }


CASES = {workload.name: partial(measure, workload) for workload in WORKLOADS}

if __name__ == "__main__":
    sys.exit(command.main("Time of one optimizer step.", CASES, report.table))
