"""The command line, the facts about the machine and the JSON file of every part of the benchmark.

A part is a dictionary of named cases, functions that measure and return JSON, and a function that
formats their results as a table.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import threads

Cases = dict[str, dict[str, Any]]


@dataclass(frozen=True)
class Settings:
    """Number of rounds, and the generator of the order within a round."""

    repeats: int
    quick: bool
    generator: random.Random


Case = Callable[[Settings], dict[str, Any]]


def _options(about: str, repeats: int, quick: int, arguments: list[str] | None) -> Any:
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("--repeats", type=int, help=f"rounds per case ({repeats})")
    parser.add_argument("--quick", action="store_true", help=f"smaller sizes, and {quick} rounds")
    parser.add_argument("--seed", type=int, default=0, help="seed of the order within rounds (0)")
    parser.add_argument("--only", default="", help="cases whose name contains this")
    parser.add_argument(
        "--no-facts", action="store_true", help="do not print facts about the machine"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there too")
    return parser.parse_args(arguments)


def main(
    about: str,
    cases: Mapping[str, Case],
    table: Callable[[Cases], str],
    *,
    repeats: int = 15,
    quick: int = 5,
    arguments: list[str] | None = None,
) -> int:
    """Measure the chosen cases, print the table and write the file."""
    threads.pin()
    options = _options(about, repeats, quick, arguments)
    rounds = options.repeats or (quick if options.quick else repeats)
    chosen = {name: case for name, case in cases.items() if options.only in name}
    if rounds < 1 or not chosen:
        print("--repeats must be positive, --only part of: " + "; ".join(cases), file=sys.stderr)
        return 2
    settings = Settings(rounds, options.quick, random.Random(options.seed))
    start = time.perf_counter()
    results: Cases = {}
    for name, case in chosen.items():
        print(f"measuring {name} ...", file=sys.stderr)
        results[name] = case(settings)
    facts = {"date": time.strftime("%Y-%m-%d"), "repeats": rounds, **threads.machine()}
    for name, value in facts.items() if not options.no_facts else ():
        print(f"{name}: {value}")
    print(f"\n{table(results)}\n\n{time.perf_counter() - start:.0f} s in all")
    if options.json is not None:
        text = json.dumps({"machine": facts, "cases": results}, indent=2) + "\n"
        options.json.write_text(text, encoding="utf-8")
    return 0
