"""A comparison as text: tables, sentences and notes.

May import the rest of the comparison except ``result`` (which prints itself by it), ``study`` and
``plots``; computes no statistics.
"""
# ruff: noqa: D102

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from minidl.comparison.analysis import Chosen, Duel, Row
from minidl.comparison.goal import Target
from minidl.comparison.plan import Plan
from minidl.comparison.run import Run

__all__ = ["View"]


class View(Protocol):
    """A :class:`minidl.comparison.Comparison`; a protocol, because that imports the report."""

    plan: Plan
    request: dict[str, Any]
    runs: list[Run]

    @property
    def target(self) -> Target | None: ...
    @property
    def chosen(self) -> Mapping[str, Chosen]: ...
    @property
    def seeds(self) -> Mapping[str, Sequence[int]]: ...
    @property
    def rows(self) -> Sequence[Row]: ...
    @property
    def tuned(self) -> Sequence[Duel]: ...
    @property
    def flags(self) -> Sequence[Duel]: ...
    @property
    def complete(self) -> bool: ...
