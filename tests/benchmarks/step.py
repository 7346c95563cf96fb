"""What one optimizer step costs, beside torch, scikit-learn and a naive engine.

Run ``python tests/benchmarks/step.py`` with the `bench` extra installed; it takes a minute or
two. Everything goes through public interfaces and includes the shuffling and the indexing of
batches. Peers that are not installed are left out and named.

How it is measured is told in timing.py, what in workloads.py, and who in peers.py.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import threads

AGAINST = ("torch", "scikit-learn", "naive engine")


def measure(workload: Any, rounds: int, generator: random.Random) -> dict[str, Any]:
    """Time everyone on one workload; return figures that JSON can hold."""
    from peers import PEERS
    from timing import interleave, quartiles, ratio

    found: dict[str, Any] = {}
    peers = {}
    for name, kind in PEERS.items():
        try:
            peers[name] = kind(workload)
        except ImportError:
            found[name] = "not installed"
    times, losses = interleave(peers, rounds, generator)
    for name, peer in peers.items():
        low, middle, high = (1e6 * t for t in quartiles(times[name]))
        loss = quartiles(losses[name])[1]
        found[name] = {
            "us": middle,
            "us_quartiles": [low, high],
            "ratios": {to: ratio(times, name, to) for to in AGAINST if to in times},
            "steps": peer.steps,
            "loss": loss,
            "learned": loss < workload.guessing,
        }
    measured = ratio(times, "minidl, measured", "minidl")
    return {"target": workload.target, "peers": found, "measuring_costs": measured}


def table(results: dict[str, dict[str, Any]]) -> str:
    """Return the figures as text: a block of lines for each workload."""
    head = f"{'us per step':<18}{'median':>9}{'quartiles':>17}"
    lines = [head + "".join(f"{'to ' + to:>16}" for to in AGAINST) + f"{'steps':>8}{'loss':>8}"]
    for name, result in results.items():
        lines.append(f"\n{name}")
        for peer, row in result["peers"].items():
            if isinstance(row, str):
                lines.append(f"  {peer:<16}{row:>26}")
                continue
            low, high = row["us_quartiles"]
            spread = f"{low:.1f} - {high:.1f}"
            ratios = "".join(
                f"{row['ratios'][to][1]:>16.3f}" if to in row["ratios"] else f"{'-':>16}"
                for to in AGAINST
            )
            remark = "" if row["learned"] else "  no better than guessing!"
            lines.append(
                f"  {peer:<16}{row['us']:>9.1f}{spread:>17}{ratios}"
                f"{row['steps']:>8}{row['loss']:>8.4f}{remark}"
            )
        lines.extend(_verdict(result))
    return "\n".join(lines)


def _verdict(result: dict[str, Any]) -> list[str]:
    """Return the target beside what was reached, and the price of measuring each epoch."""
    lines = []
    against_torch = result["peers"]["minidl"]["ratios"].get("torch")
    if against_torch is not None:
        low, middle, high = against_torch
        word = "reached" if middle <= result["target"] else "MISSED"
        spread = f"quartiles {low:.3f} - {high:.3f}"
        lines.append(f"  target {result['target']:.2f} of torch {word}: {middle:.3f}, {spread}")
    percent = 100 * (result["measuring_costs"][1] - 1)
    lines.append(f"  the loss on all rows after each epoch would add {percent:.0f} %")
    return lines


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="What one optimizer step costs.")
    parser.add_argument("--repeats", type=int, default=15, help="rounds per workload (15)")
    parser.add_argument("--seed", type=int, default=0, help="for the order within rounds (0)")
    parser.add_argument("--only", default="", help="workloads whose name contains this")
    parser.add_argument("--lr", type=float, help="another learning rate; it costs the same")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there too")
    return parser.parse_args(arguments)


def main(arguments: list[str] | None = None) -> int:
    """Measure, print the table, write the file."""
    options = _options(arguments)
    threads.pin()
    from workloads import WORKLOADS

    rate = {} if options.lr is None else {"lr": options.lr}
    chosen = [replace(workload, **rate) for workload in WORKLOADS if options.only in workload.name]
    if options.repeats < 1 or not chosen:
        print(
            "--repeats must be at least 1, and --only part of a workload's name: "
            + "; ".join(w.name for w in WORKLOADS),
            file=sys.stderr,
        )
        return 2
    generator = random.Random(options.seed)
    start = time.perf_counter()
    results = {}
    for workload in chosen:
        print(f"measuring {workload.name} ...", file=sys.stderr)
        results[workload.name] = measure(workload, options.repeats, generator)
    facts = {"date": time.strftime("%Y-%m-%d"), "repeats": options.repeats, **threads.machine()}
    for name, value in facts.items():
        print(f"{name}: {value}")
    print(f"\n{table(results)}\n\n{time.perf_counter() - start:.0f} s in all")
    if options.json is not None:
        text = json.dumps({"machine": facts, "workloads": results}, indent=2) + "\n"
        options.json.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
