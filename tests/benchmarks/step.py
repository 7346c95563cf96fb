"""What one optimizer step costs, beside torch, scikit-learn and a naive engine.

    python tests/benchmarks/step.py

Everything goes through public interfaces and includes the shuffling and the indexing of batches.
Peers that are not installed are left out and named; those that can be given weights and orders
must first reach the same loss as minidl.
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
SHUFFLED_ALIKE = ("minidl", "minidl, layers apart", "torch", "naive engine", "NumPy by hand")


def agree(workload: Workload) -> None:
    """Raise unless a few steps give everyone the same loss; digits has all its rows always."""
    few = replace(workload, rows=workload.rows and 72, epochs=2)
    n = len(few.load()[0])
    found, _ = peers.installed({name: partial(peers.PEERS[name], few) for name in SHUFFLED_ALIKE})
    peers.demand_agreement(found, partial(peers.minidl_order, 0, n))


def measure(workload: Workload, settings: command.Settings) -> dict[str, Any]:
    """Time everyone on one workload."""
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
    sys.exit(command.main("What one optimizer step costs.", CASES, report.table))
