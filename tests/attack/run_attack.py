"""The whole attack by one command.

    python tests/attack                      # everything: about an hour, see tests/README.md
    python tests/attack --quick              # a sample, in two or three minutes
    python tests/attack --seed 7 --only kill # other instants and inputs; parts with this word

It goes on after a failure, prints one table of what was tried, handled and failed, says how to
repeat each failure, and exits with 1 if there was one.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import time
import traceback
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
import determinism
import files
import fuzzers
import kills
import signal_storm
import stream_ends
import write_faults
from tally import HEAD, Effort, Part, Tally

HERE = Path(__file__).parent
MODULES = (kills, files, write_faults, signal_storm, fuzzers, stream_ends, determinism)
SCRIPTS = ("bad_input.py", "bad_commands.py", "bad_data.py")  # each reads tables
FIGURES = re.compile(
    r"^all +([\d,]+) +[\d,]+ +([\d,]+) *$|tried ([\d,]+), handled [\d,]+, failed ([\d,]+)", re.M
)


def run_script(tally: Tally, effort: Effort, name: str) -> None:
    """Run a script that says how many of its bad inputs were tried, handled and failed."""
    command = [sys.executable, str(HERE / name)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    for row in FIGURES.findall(done.stdout):
        tried, failed = (int(cell.replace(",", "")) for cell in row if cell)
        tally.tried, tally.failed = tally.tried + tried, tally.failed + failed
    if not tally.tried or (done.returncode and not tally.failed):
        tally.note(f"exit code {done.returncode}")
    if done.returncode:
        tally.problems.append(f"python tests/attack/{name}: {(done.stdout + done.stderr)[-400:]}")


def parts(quick: bool = False) -> dict[str, Part]:
    """Return the parts of the attack by their names."""
    found: dict[str, Part] = {}
    for module in MODULES:
        found |= module.PARTS
    if quick:
        found = {n: part for n, part in found.items() if n not in determinism.ONLY_IN_FULL}
    return found | {name: partial(run_script, name=name) for name in SCRIPTS}


def attack(name: str, effort: Effort) -> Tally:
    """Run one part; whatever it raises is a failure, too."""
    tally = Tally(name)
    try:
        parts()[name](tally, effort)
    except KeyboardInterrupt:
        raise
    except BaseException:
        tally.note(f"the part itself failed: {traceback.format_exc()[-450:]}")
    if not tally.tried:
        tally.note("nothing was tried")
    return tally


def main() -> int:
    """Run the parts, print the table and the failures, and return 1 if there were any."""
    parser = argparse.ArgumentParser(prog="python tests/attack", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="try a sample")
    parser.add_argument("--seed", type=int, default=0, help="of instants and inputs")
    parser.add_argument("--jobs", type=int, default=1, help="parts at a time")
    parser.add_argument("--only", default="", help="parts that have this in their name")
    options = parser.parse_args()
    os.environ.setdefault("MPLBACKEND", "Agg")
    effort, start, tallies = Effort(options.quick, options.seed), time.time(), list[Tally]()
    chosen = [name for name in parts(options.quick) if options.only in name]
    print(HEAD, flush=True)
    with ProcessPoolExecutor(options.jobs, get_context("fork")) as pool:
        for tally in pool.map(attack, chosen, [effort] * len(chosen)):
            tallies.append(tally)
            print(tally.row(), flush=True)
    total = Tally("all", sum(t.tried for t in tallies), sum(t.failed for t in tallies))
    print(total.row())
    day, minutes = time.strftime("%Y-%m-%d"), (time.time() - start) / 60
    print(f"\nseed {options.seed}, {day}, {minutes:.0f} minutes")
    words = f"python tests/attack{' --quick' * options.quick} --seed {options.seed}"
    for tally in tallies:
        for problem in tally.problems:
            print(f"\n{tally.part}: {problem}\nrepeat: {words} --only {tally.part!r}")
    return int(total.failed > 0 or not tallies)
