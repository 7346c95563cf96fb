"""Mutation testing: change the source in many small ways and see which change no test notices.

    python tests/mutation/run.py                       # everything: an hour on two cores
    python tests/mutation/run.py --sample 300 --seed 1
    python tests/mutation/run.py --only minidl/optim

`mutants.py` makes the changes. Those inside functions are tested by `live.py` in forks of a process
that has already collected the tests; the others, and those that survive, in a process that imports
the changed module, with the tests that run near it. A mutant that runs too long counts as noticed.
Everything happens in a copy of the checkout. A survivor is a place to look: it needs a test, or it
changes nothing that can be seen, such as the size of a cache or a faster way to the same numbers.
"""

from __future__ import annotations

import argparse
import importlib.abc
import importlib.util
import multiprocessing
import os
import pickle
import random
import resource
import shutil
import sys
import tempfile
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

os.environ |= {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MPLBACKEND": "Agg"}

import live
from live import KILLED, SURVIVED, TOO_LONG
from mutants import Mutant, mutants

ROOT = Path(__file__).parent.parent.parent
FILES = ["minidl/autograd/ops", "minidl/autograd/ops/extra", "minidl/autograd", "minidl/optim"]
TRAINING = [  # without tests that start processes, which hang in a forked process
    str(path.relative_to(ROOT))
    for path in sorted((ROOT / "tests" / "training").glob("test_*.py"))
    if "jobs=" not in path.read_text(encoding="utf-8")
]
TESTS = {
    "minidl/autograd": ["minidl/autograd", "tests/autograd", "tests/nn/test_nn_losses.py"],
    "minidl/optim": ["minidl/optim", "tests/optim", *TRAINING, "tests/test_names.py"],
}
HANGS = 300.0  # seconds
FORK = multiprocessing.get_context("fork")


class Changed(importlib.abc.MetaPathFinder):
    """Import hook that replaces one module by its mutant."""

    def __init__(self, mutant: Mutant) -> None:
        self.mutant = mutant
        self.module = mutant.file.removesuffix(".py").removesuffix("/__init__").replace("/", ".")

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        """Return the mutated module, or None for every other."""
        if name != self.module:
            return None
        source = self.mutant.apply(Path(self.mutant.file).read_bytes())
        loader = type("Loader", (importlib.machinery.SourceFileLoader,), {})(name, self.mutant.file)
        loader.get_code = lambda _: compile(source, self.mutant.file, "exec", dont_inherit=True)
        return importlib.util.spec_from_file_location(name, self.mutant.file, loader=loader)


def test(mutant: Mutant | None, tests: list[str]) -> None:
    """Run tests on a fresh import, then end the process; exit code 0 if they pass."""
    import pytest

    resource.setrlimit(resource.RLIMIT_AS, (live.MEMORY, live.MEMORY))
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 1)
    os.dup2(silence, 2)
    sys.path.insert(0, os.getcwd())
    if mutant is not None:
        sys.meta_path.insert(0, changed := Changed(mutant))
        importlib.import_module(changed.module)  # now, for pytest rewrites what it is given
    os._exit(0 if pytest.main(["-x", *live.OPTIONS, *tests]) == pytest.ExitCode.OK else 1)


def judge(mutant: Mutant | None, tests: list[str]) -> str:
    """Return the fate of a mutant that has to be imported."""
    if not tests:
        return SURVIVED
    process = FORK.Process(target=test, args=(mutant, tests))
    process.start()
    process.join(HANGS)
    if process.exitcode is None:
        process.kill()
        process.join()
        return TOO_LONG
    return KILLED if process.exitcode else SURVIVED


def choose(options: argparse.Namespace) -> list[Mutant]:
    """Return the mutants to test."""
    paths = sorted({path for folder in FILES for path in Path(folder).glob("*.py")})
    chosen = [
        mutant
        for path in paths
        if not options.only or str(path).startswith(tuple(options.only))
        for mutant in mutants(str(path), path.read_bytes())
    ]
    if options.sample and options.sample < len(chosen):
        chosen = sorted(random.Random(options.seed).sample(chosen, options.sample))
    return chosen


def in_functions(chosen: list[Mutant], tests: list[str], jobs: int) -> list[Any]:
    """Return the fates from :mod:`live`, which imports minidl in a separate process."""
    with tempfile.NamedTemporaryFile() as file:

        def work() -> None:
            Path(file.name).write_bytes(pickle.dumps(live.collected(chosen, tests, jobs, tell)))

        process = FORK.Process(target=work)
        process.start()
        process.join()
        if process.exitcode:
            sys.exit(1)  # the reason is printed
        fates: list[Any] = pickle.loads(Path(file.name).read_bytes())
    return fates


def tell(*words: object) -> None:
    """Report progress."""
    print(*words, file=sys.stderr, flush=True)


def report(results: list[tuple[Mutant, str]]) -> None:
    """Print every survivor and every mutant that ran too long, then a table."""
    counts: dict[str, Counter[str]] = {}
    for mutant, fate in results:
        for row in (mutant.file, str(Path(mutant.file).parent) + "/", "total"):
            counts.setdefault(row, Counter())[fate] += 1
        if fate in (SURVIVED, TOO_LONG):
            change = f"{' '.join(mutant.old.split())} -> {' '.join(mutant.new.split())}"
            print(f"{mutant.file}:{mutant.line}: {fate}: {change}")
    print(f"{'file':42}{'mutants':>8}{'noticed':>9}{'rate':>8}{'survived':>10}")
    for row, count in sorted(counts.items()):
        noticed = count.total() - count[SURVIVED]
        rate = noticed / count.total()
        print(f"{row:42}{count.total():8}{noticed:9}{rate:8.1%}{count[SURVIVED]:10}")


def run(options: argparse.Namespace) -> list[tuple[Mutant, str]]:
    """Return every chosen mutant with its fate."""
    chosen = choose(options)
    tests = {t for f in TESTS if any(m.file.startswith(f) for m in chosen) for t in TESTS[f]}
    fates = in_functions(chosen, sorted(tests), options.jobs) if chosen else []
    with ThreadPoolExecutor(options.jobs) as pool:
        places = [place for place, fate in enumerate(fates) if isinstance(fate, list)]
        if judge(None, sorted({name for place in places for name in fates[place]})) != SURVIVED:
            sys.exit("a test fails in a separate process without any mutant")
        tell(f"{len(places)} mutants are imported")
        waiting = [pool.submit(judge, chosen[place], fates[place]) for place in places]
        for place, future in zip(places, waiting, strict=True):
            fates[place] = future.result()
            if fates[place] != KILLED:
                tell(fates[place], chosen[place])
    return list(zip(chosen, fates, strict=True))


def main() -> None:
    """Run all that the command line asks for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--only", nargs="*", help="files or folders, such as minidl/optim")
    parser.add_argument("--sample", type=int, help="test only this many mutants, drawn at random")
    parser.add_argument("--seed", type=int, default=0, help="seed of the sample")
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()
    for name in ("numpy", "scipy.special", "sklearn.datasets", "tqdm", "pytest", "hypothesis"):
        importlib.import_module(name)
    with tempfile.TemporaryDirectory() as copy:
        shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns(".*"), dirs_exist_ok=True)
        os.chdir(copy)
        report(run(options))
        os.chdir(ROOT)


if __name__ == "__main__":
    main()
