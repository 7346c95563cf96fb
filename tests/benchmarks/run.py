"""Run the whole benchmark: each part in a separate process, all tables, one file.

    python tests/benchmarks/run.py --out bench.json

It takes about twenty minutes, with --quick about six, and needs the `bench` extra. See README.md.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

PARTS = ("step", "replicas", "scaling", "whole_process", "memory", "protocol", "reading")
FOLDER = Path(__file__).parent
OF_A_PART = ("repeats", "load", "libraries")  # facts that differ between parts


def run_part(name: str, options: list[str]) -> dict[str, Any] | None:
    """Run a part, which prints its table; return its figures, or None if it failed."""
    print(f"\n== {name}", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "figures.json")
        argv = [sys.executable, str(FOLDER / f"{name}.py"), "--no-facts", "--json", str(file)]
        done = subprocess.run([*argv, *options], check=False)
        if done.returncode:
            print(f"{name} failed with exit code {done.returncode}", file=sys.stderr)
            return None
        return dict(json.loads(file.read_text(encoding="utf-8")))


def merged(results: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Return the facts about the machine once, and the results of each part."""
    machine: dict[str, Any] = {}
    parts = {}
    for name, figures in results.items():
        facts = figures["machine"]
        differing = {fact: facts.pop(fact) for fact in OF_A_PART}
        machine = machine or facts
        parts[name] = {**differing, "cases": figures["cases"]}
    return {**machine, "parts": parts}


def main() -> int:
    """Run the chosen parts; return 1 if one of them failed."""
    parser = argparse.ArgumentParser(description="The whole benchmark.")
    parser.add_argument("--out", type=Path, metavar="FILE", help="write all figures there, JSON")
    parser.add_argument("--only", default=",".join(PARTS), help="parts, with commas: %(default)s")
    parser.add_argument("--quick", action="store_true", help="fewer rounds, smaller sizes")
    parser.add_argument("--repeats", help="rounds in every part")
    options = parser.parse_args()
    names = options.only.split(",")
    if unknown := [name for name in names if name not in PARTS]:
        parser.error(f"--only must be some of {', '.join(PARTS)}, got {', '.join(unknown)}")
    more = ["--quick"] * options.quick
    more += ["--repeats", options.repeats] if options.repeats else []
    start = time.perf_counter()
    results = {name: run_part(name, more) for name in names}
    result = merged({name: figures for name, figures in results.items() if figures})
    print(f"\n== all in {time.perf_counter() - start:.0f} s")
    parts = result.pop("parts")
    for fact, value in result.items():
        print(f"{fact}: {value}")
    for name, part in parts.items():
        print(f"{name}:", *(f"{fact} {part[fact]}" for fact in OF_A_PART))
    result["parts"] = parts
    if options.out is not None:
        options.out.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    return int(None in results.values())


if __name__ == "__main__":
    sys.exit(main())
