"""Fixtures of several folders, and tests that are run without measuring the coverage."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator

import pytest

from minidl.engine.runner import machine


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
