"""Fixtures of several folders."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from minidl.engine.runner import machine


@pytest.fixture
def without_machine(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Run the test as in an installation without a C compiler."""
    with monkeypatch.context() as patched:
        patched.setenv("MINIDL_MACHINE", "none")
        machine.cache_clear()
        yield
    machine.cache_clear()
