"""Fixtures of several folders, and which cases of a test count for the coverage."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

import pytest

from minidl.engine.runner import machine

MANY, EVERY = 8, 5  # cases


def pytest_collection_modifyitems(items: Sequence[pytest.Item]) -> None:
    """Measure the coverage of one in five cases of a test with many, and of no random examples.

    All are run. They pass through the same lines, which takes twice as long when it is measured.
    What is measured is a part of what is covered, so the threshold does not get lower.
    """
    names = [item.nodeid.partition("[")[0] for item in items]
    cases, seen = Counter(names), Counter[str]()
    for item, name in zip(items, names, strict=True):
        examples = getattr(getattr(item, "obj", None), "is_hypothesis_test", False)
        if examples or (cases[name] >= MANY and seen[name] % EVERY):
            item.add_marker(pytest.mark.no_cover)
        seen[name] += 1


@pytest.fixture
def without_machine(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Run the test as in an installation without a C compiler."""
    with monkeypatch.context() as patched:
        patched.setenv("MINIDL_MACHINE", "none")
        machine.cache_clear()
        yield
    machine.cache_clear()
