"""Test mutants of functions in a pytest session that has already collected its tests.

Each test runs once while the minidl functions that it calls are recorded. Then each mutant gets a
forked process, in which the live functions receive their changed code and the tests that call them
run, fastest first, until one fails. So a mutant costs a second, not a minute.
"""

from __future__ import annotations

import functools
import gc
import itertools
import os
import resource
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any

import pytest
from mutants import Mutant

KILLED, SURVIVED, TOO_LONG = "killed", "survived", "too long"
SLOW = 4.0  # seconds; slower tests are left out, which can only lower the rate
BUDGET = 20.0  # seconds of tests for one mutant, likewise
HANGS = 60.0  # seconds after which a mutant is killed; it counts as noticed
MEMORY = 6 << 30  # bytes, the limit for an endless loop
OPTIONS = ["-q", "-n0", "-p", "no:cacheprovider", "-p", "no:faulthandler", "--tb=no"]
OPTIONS += ["-W", "ignore::pytest.PytestAssertRewriteWarning"]  # Hypothesis is loaded already


def codes(code: CodeType) -> Iterator[CodeType]:
    """Yield a code object and all within it, in order."""
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from codes(constant)


def _key(code: CodeType) -> Any:
    return code.co_qualname, code.co_firstlineno, tuple(code.co_positions())


def changed(mutant: Mutant, source: bytes) -> dict[Any, CodeType] | None:
    """Return the new code of each changed function by the key of the old one.

    None if the change is at the top of the module or of a class, which have already run.
    """
    old = list(codes(compile(source, mutant.file, "exec", dont_inherit=True)))
    new = list(codes(compile(mutant.apply(source), mutant.file, "exec", dont_inherit=True)))
    if len(old) != len(new):
        return None
    pairs = list(zip(old, new, strict=True))
    for a, b in pairs:
        function = a.co_flags & 2 and a.co_freevars == b.co_freevars  # CO_NEWLOCALS
        if not function and _meaning(a, within=False) != _meaning(b, within=False):
            return None
    functions = [(a, b) for a, b in pairs if a.co_flags & 2]
    return {_key(a): b for a, b in functions if _meaning(a) != _meaning(b)}


def _meaning(code: CodeType, within: bool = True) -> Any:
    """Return what decides what a code object does, with or without the functions `within` it."""
    constants = [_meaning(c) if isinstance(c, CodeType) else repr(c) for c in code.co_consts]
    kept = [c for c in constants if within or isinstance(c, str)]
    return code.co_code, kept, code.co_names, code.co_varnames, code.co_freevars


def exchange(new: dict[Any, CodeType]) -> None:
    """Give all live functions their new code and clear their caches."""
    for thing in gc.get_objects():
        if isinstance(thing, FunctionType) and (thing.__module__ or "").startswith("minidl"):
            thing.__code__ = new.get(_key(thing.__code__), thing.__code__)
    for cache in caches():
        cache.cache_clear()


def caches() -> list[Any]:
    """Return the lru_cache wrappers of minidl's functions."""
    wrappers = [x for x in gc.get_objects() if isinstance(x, functools._lru_cache_wrapper)]
    return [cache for cache in wrappers if (cache.__module__ or "").startswith("minidl")]


class Session:
    """A pytest plugin that tests mutants instead of the program.

    `fates` has one entry per mutant: KILLED, TOO_LONG, or the names of tests near it if it
    survived or if its code cannot be replaced.
    """

    def __init__(self, mutants: list[Mutant], jobs: int, tell: Callable[..., None]) -> None:
        self.mutants = mutants
        self.jobs = jobs
        self.tell = tell
        self.fates: list[Any] = [None] * len(mutants)
        self.failed: list[str] = []
        self.near: list[list[str]] = []  # mutant -> names of tests near it
        self.names: dict[str, dict[str, Any]] = {}
        self.seconds: dict[Any, float] = {}  # test -> how long it took

    def pytest_runtest_logreport(self, report: Any) -> None:
        """Remember a failed test."""
        if report.failed:
            self.failed.append(report.nodeid)

    def pytest_runtestloop(self, session: Any) -> bool:
        """Record the functions that each test calls, then test every mutant."""
        start = time.perf_counter()
        entered: dict[Any, list[Any]] = {}  # key of a function -> tests that call it
        cleared = caches()
        for item in session.items:
            for cache in cleared:  # so that a cached function is called again
                cache.cache_clear()
            keys = self._record(item)
            if self.failed:
                self._end(f"{item.nodeid} fails without any mutant")
            if self.seconds[item] < SLOW:
                for key in keys:
                    entered.setdefault(key, []).append(item)
        for name in self._unfit(sorted(self.seconds, key=self.seconds.__getitem__)):
            self.tell(f"{name} cannot run in a forked process, and is left out")
            for items in entered.values():
                items[:] = [item for item in items if item.nodeid != name]
        self.tell(f"{len(session.items)} tests recorded in {time.perf_counter() - start:.0f} s")
        self._test_all(entered)
        return True

    def _unfit(self, items: list[Any]) -> list[str]:
        """Return the tests that fail in a fork, or in another order, without any mutant."""
        with tempfile.NamedTemporaryFile() as file:
            if not (process := os.fork()):
                self._be_quiet()
                for item, following in zip(items, [*items[1:], None], strict=True):
                    self._run(item, following)
                Path(file.name).write_text("\n".join(dict.fromkeys(self.failed)))
                os._exit(0)
            os.waitpid(process, 0)
            return Path(file.name).read_text().splitlines()

    def _be_quiet(self) -> None:
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        silence = os.open(os.devnull, os.O_WRONLY)
        os.dup2(silence, 1)
        os.dup2(silence, 2)

    def _end(self, reason: str) -> None:
        self.tell(reason)
        os._exit(1)

    def _record(self, item: Any) -> set[Any]:
        seen: set[CodeType] = set()

        def profile(frame: Any, event: str, _: object) -> None:
            if event == "call":
                seen.add(frame.f_code)

        start = time.perf_counter()
        threading.setprofile(profile)
        sys.setprofile(profile)
        try:
            self._run(item, None)
        finally:
            sys.setprofile(None)
            threading.setprofile(None)  # type: ignore[arg-type]
        self.seconds[item] = time.perf_counter() - start
        root = str(Path("minidl").resolve())
        return {
            (code.co_filename, _key(code)) for code in seen if code.co_filename.startswith(root)
        }

    def _run(self, item: Any, following: Any) -> None:
        if example := getattr(item, "dtest", None):  # a doctest clears its names after a run
            example.globs = dict(self.names.setdefault(item.nodeid, dict(example.globs)))
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)

    def _test_all(self, entered: dict[Any, list[Any]]) -> None:
        running: dict[int, tuple[int, float]] = {}  # process id -> (index of the mutant, start)
        for place, mutant in enumerate(self.mutants):
            path = str(Path(mutant.file).resolve())
            new = changed(mutant, Path(mutant.file).read_bytes())
            items = [] if new is None else self._tests(entered, path, new)
            self.near.append(self._near(entered, path, mutant))
            if new == {}:  # the same program
                self.fates[place] = SURVIVED
            elif new is None or not items:
                self.fates[place] = self.near[place]
            else:
                while len(running) >= self.jobs:
                    self._reap(running)
                running[self._fork(new, items)] = (place, time.monotonic())
        while running:
            self._reap(running)

    def _tests(self, entered: Any, path: str, new: dict[Any, CodeType]) -> list[Any]:
        items = {item for key in new for item in entered.get((path, key), [])}
        return sorted(items, key=self.seconds.__getitem__)

    def _near(self, entered: dict[Any, list[Any]], path: str, mutant: Mutant) -> list[str]:
        """Return the fastest tests that call the mutant's function, or else its file."""
        here = {key: set(items) for (file, key), items in entered.items() if file == path}
        inside = [items for key, items in here.items() if key[0].startswith(mutant.inside)]
        near: set[Any] = set().union(*(inside if mutant.inside and inside else here.values()))
        items = sorted(near, key=self.seconds.__getitem__)
        ends = itertools.accumulate(self.seconds[item] for item in items)
        return [item.nodeid for item, end in zip(items, ends, strict=True) if end < BUDGET]

    def _fork(self, new: dict[Any, CodeType], items: list[Any]) -> int:
        process = os.fork()
        if process:
            return process
        try:
            self._be_quiet()
            exchange(new)
            start = time.monotonic()
            for item, following in zip(items, [*items[1:], None], strict=True):
                self._run(item, following)
                if self.failed or time.monotonic() - start > BUDGET:
                    os._exit(1 if self.failed else 0)
            os._exit(0)
        except MemoryError:
            os._exit(1)
        finally:
            os._exit(2)

    def _reap(self, running: dict[int, tuple[int, float]]) -> None:
        """Collect processes that have ended; kill those that run too long."""
        for process, (place, start) in list(running.items()):
            ended, status = os.waitpid(process, os.WNOHANG)
            if not ended and time.monotonic() - start < HANGS:
                continue
            if ended:
                if (code := os.waitstatus_to_exitcode(status)) == 2:
                    self._end(f"{self.mutants[place]} could not be tested")
                self.fates[place] = KILLED if code else self.near[place]
            else:
                os.kill(process, signal.SIGKILL)
                os.waitpid(process, 0)
                self.fates[place] = TOO_LONG
            del running[process]
            if place % 100 == 0:
                self.tell(f"{place} of {len(self.mutants)}")
        time.sleep(0.01)


def collected(mutants: list[Mutant], tests: list[str], jobs: int, tell: Any) -> list[Any]:
    """Run the session; return the fates."""
    from hypothesis import Phase, settings

    phases = (Phase.explicit, Phase.generate)  # no time for shrinking
    settings.register_profile("mutation", database=None, phases=phases, deadline=None)
    settings.load_profile("mutation")
    sys.path.insert(0, os.getcwd())
    plugin = Session(mutants, jobs, tell)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    pytest.main(["-s", *OPTIONS, *tests], plugins=[plugin])
    if None in plugin.fates:
        sys.exit("the pytest session ended early")
    return plugin.fates
