"""Fixtures of several folders, and which cases of a test count for the coverage."""

from __future__ import annotations

import sys
import threading
from collections import Counter
from collections.abc import Iterator, Sequence

import pytest

from minidl.engine.runner import machine

# Where many cases pass through the same lines: of tests with MANY, one in EVERY is measured.
MANY, EVERY = 8, 5
ALIKE = tuple(
    f"tests/{name}"
    for name in ("engine/", "autograd/test_autograd_rules",
                 "autograd/test_autograd_random_programs", "training/test_training_many",
                 "training/test_training_norms", "training/test_training_modifiers",
                 "training/test_training_continued")
)  # fmt: skip


def pytest_collection_modifyitems(items: Sequence[pytest.Item]) -> None:
    """Mark cases that are run without measuring the coverage, which doubles their time.

    What is measured is a part of what is covered, so the threshold does not get lower.
    """
    names = [item.nodeid.partition("[")[0] for item in items]
    cases, seen = Counter(names), Counter[str]()
    for item, name in zip(items, names, strict=True):
        if name.startswith(ALIKE) and cases[name] >= MANY and seen[name] % EVERY:
            item.add_marker(pytest.mark.unmeasured)
        seen[name] += 1


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """Run unmeasured tests without a trace function.

    The marker no_cover of pytest-cov stops one measurement in a worker of xdist, but goes on with
    another that it has begun before.
    """
    if item.get_closest_marker("unmeasured") is None:
        return (yield)
    here, in_threads = sys.gettrace(), threading.gettrace()
    sys.settrace(None)
    threading.settrace(None)  # type: ignore[arg-type]
    try:
        return (yield)
    finally:
        sys.settrace(here)
        threading.settrace(in_threads)  # type: ignore[arg-type]


@pytest.fixture
def without_machine(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Run the test as in an installation without a C compiler."""
    with monkeypatch.context() as patched:
        patched.setenv("MINIDL_MACHINE", "none")
        machine.cache_clear()
        yield
    machine.cache_clear()
