"""Does some test fail when a rule, the engine or an optimizer is wrong? A mutation run.

    python tests/mutation/run.py                       # everything: an hour and more on two cores
    python tests/mutation/run.py --sample 300 --seed 1
    python tests/mutation/run.py --only minidl/optim

Each mutant of `mutants.py` is tested in a process of its own, forked when NumPy, SciPy and pytest
are loaded already: first by the operation's own cases, then by the files of tests, the fastest
first and most slow ones not at all, until one fails. Running too long counts as failing, and is
said. Everything runs in a copy of the checkout. Survivors that are explained in `survivors.toml`
are not run again; in the rate they count as not killed.
"""

from __future__ import annotations

import argparse
import ast
import importlib.abc
import importlib.util
import multiprocessing
import os
import random
import resource
import shutil
import sys
import tempfile
import time
import tomllib
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

os.environ |= {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MPLBACKEND": "Agg"}

from mutants import Mutant, mutants

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
FILES = ["minidl/autograd/ops", "minidl/autograd", "minidl/optim"]
TESTS = {
    "minidl/autograd": ["tests/autograd/test_*.py", "tests/nn/test_nn_losses.py"],
    "minidl/optim": ["tests/optim/test_*.py", "tests/training/test_*.py", "tests/test_names.py"],
}
SLOW = 8.0  # seconds: files of tests that take longer are left out, which can only lower the rate
MEMORY = 4 << 30  # bytes; a loop without end shall not take the machine's
RULES = "tests/autograd/test_autograd_rules.py"
FORK = multiprocessing.get_context("fork")
KILLED, SURVIVED, TOO_LONG, EXPLAINED = "killed", "survived", "too long", "explained"


class Changed(importlib.abc.MetaPathFinder):
    """Makes the import of one module give its mutant instead."""

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


def passes(*arguments: str) -> bool:
    """Run pytest in this process; tell whether nothing failed."""
    import pytest

    common = ["-x", "-p", "no:cacheprovider", "--tb=no", "-p", "no:faulthandler"]
    common += ["-W", "ignore::pytest.PytestAssertRewriteWarning"]  # Hypothesis is loaded already
    return pytest.main([*common, *arguments]) in (pytest.ExitCode.OK, 5)  # 5: none was selected


def test(mutant: Mutant | None, files: list[str]) -> None:
    """Run the tests, as the whole work of a forked process; its exit code is 0 if all passed."""
    from hypothesis import Phase, settings

    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 1)
    os.dup2(silence, 2)
    phases = (Phase.explicit, Phase.generate)  # no time for shrinking
    settings.register_profile("mutation", database=None, phases=phases, deadline=None)
    settings.load_profile("mutation")
    sys.path.insert(0, os.getcwd())
    good = True
    if mutant is not None:
        sys.meta_path.insert(0, changed := Changed(mutant))
        importlib.import_module(changed.module)  # now, for pytest rewrites what it is given
        files = [mutant.file, *files]  # the doctests of the file
        words = " or ".join(f"[{name}-" for name in operations(mutant))
        good = not words or passes("-k", words, RULES)
        files += [RULES] * ("/ops/" in mutant.file)  # all of it at last, slow as it is
    os._exit(0 if good and all(map(passes, files)) else 1)


def operations(mutant: Mutant) -> list[str]:
    """Return the operation that a mutant is in, or, for what they share, all of its file."""
    if "/ops/" not in mutant.file:
        return []
    for node in ast.parse(Path(mutant.file).read_bytes()).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            names: list[str] = ast.literal_eval(node.value)
            return [mutant.inside] if mutant.inside in names else names
    return []


def judge(mutant: Mutant | None, files: list[str], limit: float) -> str:
    """Return what became of a mutant."""
    if mutant is not None and explained(mutant):
        return EXPLAINED
    process = FORK.Process(target=test, args=(mutant, files))
    process.start()
    process.join(limit)
    if process.exitcode is None:
        process.kill()
        process.join()
        return TOO_LONG
    return KILLED if process.exitcode else SURVIVED


def timed(patterns: list[str]) -> tuple[list[str], float]:
    """Return the test files that are not slow, the fastest first, and their time together."""
    times = {}
    for path in sorted({path for pattern in patterns for path in Path().glob(pattern)}):
        start = time.perf_counter()
        if judge(None, [str(path)], 600) != SURVIVED:
            sys.exit(f"{path} fails without any mutant")
        times[str(path)] = time.perf_counter() - start
    kept = sorted((path for path in times if times[path] < SLOW), key=times.__getitem__)
    return kept, sum(times.values())


def chosen(options: argparse.Namespace) -> list[Mutant]:
    """Return the mutants to be tested."""
    paths = sorted({path for folder in FILES for path in Path(folder).glob("*.py")})
    found = [
        mutant
        for path in paths
        if not options.only or str(path).startswith(tuple(options.only))
        for mutant in mutants(str(path), path.read_bytes())
    ]
    if options.sample and options.sample < len(found):
        found = sorted(random.Random(options.seed).sample(found, options.sample))
    return found


def explained(mutant: Mutant) -> str:
    """Return the reason in `survivors.toml` why no test can kill this mutant, or nothing."""
    line = Path(mutant.file).read_text().splitlines()[mutant.line - 1]
    for entry in tomllib.loads((HERE / "survivors.toml").read_text())["survivor"]:
        same = entry["file"] == mutant.file and entry["old"] == mutant.old
        if same and entry["new"] == mutant.new and entry["line"] in line:
            return str(entry["why"])
    return ""


def report(results: list[tuple[Mutant, str]]) -> None:
    """Print the table, then every survivor and every mutant that ran too long."""
    counts: dict[str, Counter[str]] = {}
    for mutant, fate in results:
        for row in (mutant.file, "total"):
            counts.setdefault(row, Counter())[fate] += 1
        if fate != KILLED:
            change = f"{' '.join(mutant.old.split())} -> {' '.join(mutant.new.split())}"
            print(f"{mutant.file}:{mutant.line}: {fate}: {change}  {explained(mutant)}")
    print(f"{'file':42}{'mutants':>8}{'killed':>8}{'rate':>8}{'explained':>11}{'survived':>10}")
    for row, count in sorted(counts.items()):
        killed = count[KILLED] + count[TOO_LONG]
        rest = f"{count[EXPLAINED]:11}{count[SURVIVED]:10}"
        print(f"{row:42}{count.total():8}{killed:8}{killed / count.total():8.1%}{rest}")


def main() -> None:
    """Run all that the command line asks for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--only", nargs="*", help="files or folders, such as minidl/optim")
    parser.add_argument("--sample", type=int, help="test only this many mutants, drawn at random")
    parser.add_argument("--seed", type=int, default=0, help="of the sample")
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()
    for name in ("numpy", "scipy.special", "sklearn.datasets", "tqdm", "pytest", "hypothesis"):
        importlib.import_module(name)
    with tempfile.TemporaryDirectory() as copy:
        shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns(".*"), dirs_exist_ok=True)
        os.chdir(copy)
        found = chosen(options)
        needed = [f for f in TESTS if any(mutant.file.startswith(f) for mutant in found)]
        tests = {folder: timed(TESTS[folder]) for folder in needed}
        with ProcessPoolExecutor(options.jobs, mp_context=FORK) as pool:
            waiting = []
            for mutant in found:
                folder = next(f for f in TESTS if mutant.file.startswith(f))
                files, seconds = tests[folder]
                waiting.append((mutant, pool.submit(judge, mutant, files, 20 + 2 * seconds)))
            results = []
            for mutant, future in waiting:
                results.append((mutant, future.result()))
                if results[-1][1] != KILLED:
                    print(f"{len(results)}/{len(found)}", mutant, results[-1][1], file=sys.stderr)
        report(results)
        os.chdir(ROOT)


if __name__ == "__main__":
    main()
