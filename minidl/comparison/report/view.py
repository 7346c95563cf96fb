"""The part of a comparison that a report reads."""
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
    """A :class:`minidl.comparison.Comparison`, which documents the attributes.

    A protocol, because a comparison prints itself: it imports the report, not the report it.
    """

    @property
    def plan(self) -> Plan: ...
    @property
    def request(self) -> Mapping[str, Any]: ...
    @property
    def runs(self) -> Sequence[Run]: ...
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
