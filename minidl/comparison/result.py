"""The result of a comparison: plain data, of which tables, sentences and plots are views."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from minidl.comparison.analysis import Chosen, Duel, Row, Table, choose, compare_pairs, summarize
from minidl.comparison.goal import Target, resolve
from minidl.comparison.journal import write_whole
from minidl.comparison.plan import Contestant, Plan
from minidl.comparison.report.tables import report
from minidl.comparison.run import Run, Setting
from minidl.comparison.store import read_record, record_text
from minidl.errors import DataError

__all__ = ["Comparison"]


class Comparison:
    """What a comparison gave; print it to see the tables, the verdicts and what they mean.

    All attributes follow from the plan and the runs. So a comparison that was saved says the same
    when it is loaded, to the last bit.

    Parameters
    ----------
    plan : Plan
        What was compared, and how.
    runs : iterable of Run
        The runs there are; after an interruption, fewer than planned.
    asked : mapping, optional
        What was asked for, before the grid grew: plain data, by which a file is known again.

    Attributes
    ----------
    target : Target or None
        What counts as converged; None until all tuning runs are there.
    chosen : dict of str to Chosen
        What tuning chose, by the name of the optimizer.
    rows : list of Row
        One for each optimizer, at its chosen setting, on the seeds that judge.
    tuned : list of Duel
        The verdict *tuned against tuned*: each pair at one batch size.
    flags : list of Duel
        The verdict *swap the flag*: each pair at each learning rate and momentum of the grid.
    """

    def __init__(
        self, plan: Plan, runs: Iterable[Run], asked: Mapping[str, Any] | None = None
    ) -> None:
        self.plan = plan
        self.asked = json.loads(json.dumps(dict(asked or {})))
        self.command: list[str] = []
        self.versions: dict[str, str] | None = None  # of what made it: those installed now
        self.runs = sorted(runs, key=self._place)

    def _place(self, run: Run) -> tuple[Any, ...]:
        names = [c.name for c in self.plan.contestants]
        momentum = -1.0 if run.setting.momentum is None else run.setting.momentum
        return run.seed, names.index(run.optimizer), run.setting.lr, momentum

    @cached_property
    def table(self) -> Table:
        """The runs by optimizer, setting and seed."""
        return {run.key: run for run in self.runs}

    @cached_property
    def target(self) -> Target | None:
        """What counts as converged."""
        plan = self.plan
        keys = [
            (c.name, setting, seed)
            for c in plan.contestants
            for setting in plan.settings(c)
            for seed in plan.tuning_seeds
        ]
        if any(key not in self.table for key in keys):
            return None
        return resolve(plan.goal, [self.table[key] for key in keys], plan.sustained)

    @cached_property
    def chosen(self) -> dict[str, Chosen]:
        """What tuning chose."""
        return {} if self.target is None else choose(self.plan, self.table, self.target)

    @cached_property
    def seeds(self) -> dict[str, tuple[int, ...]]:
        """For each optimizer the seeds that judge it: those that its rivals have as well.

        After an interruption, an optimizer that no such seed was finished of is no rival.
        """
        found = {c: self._finished(c) for c in self.plan.contestants if self.chosen}
        seeds = {}
        for c, own in found.items():
            rivals = {other for pair in self.plan.pairs if c in pair for other in pair}
            lists = [found[other] for other in rivals if found[other]]
            seeds[c.name] = tuple(s for s in own if all(s in one for one in lists))
        return seeds

    def _finished(self, contestant: Contestant) -> list[int]:
        """Return the seeds that judge at every setting at which they have to."""
        chosen = self.chosen[contestant.name].setting
        settings = self.plan.judged(contestant, chosen)
        keys = {s: [(contestant.name, one, s) for one in settings] for s in self.plan.seeds}
        return [s for s, found in keys.items() if all(key in self.table for key in found)]

    def judged(self, contestant: Contestant, setting: Setting) -> list[Run]:
        """Return the runs of a contestant at a setting, with the seeds that judge it."""
        keys = [(contestant.name, setting, seed) for seed in self.seeds[contestant.name]]
        return [self.table[key] for key in keys if key in self.table]

    @cached_property
    def rows(self) -> list[Row]:
        """One row for each optimizer."""
        found = []
        for c in self.plan.contestants if self.target else ():
            runs = self.judged(c, self.chosen[c.name].setting)
            if runs and self.target:
                found.append(summarize(self.plan, c, runs, self.target))
        return found

    @cached_property
    def tuned(self) -> list[Duel]:
        """The verdict *tuned against tuned*."""
        if self.target is None:
            return []
        settings = {name: chosen.setting for name, chosen in self.chosen.items()}
        meetings = [(a, settings[a.name], b, settings[b.name], None) for a, b in self.plan.pairs]
        return compare_pairs(self.plan, self.table, self.target, meetings, self.seeds)

    @cached_property
    def flags(self) -> list[Duel]:
        """The verdict *swap the flag*."""
        if self.target is None:
            return []
        return compare_pairs(self.plan, self.table, self.target, self.plan.meetings(), self.seeds)

    @property
    def complete(self) -> bool:
        """Whether all runs that were planned are there."""
        return bool(self.chosen) and all(
            len(self._finished(c)) == len(self.plan.seeds) for c in self.plan.contestants
        )

    def __str__(self) -> str:
        return report(self)

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain data, with every curve."""
        runs = [run.to_dict() for run in self.runs]
        return {"asked": self.asked, "plan": self.plan.to_dict(), "runs": runs}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Comparison:
        """Return the comparison that :meth:`to_dict` described.

        Raises
        ------
        DataError
            It is none.
        """
        try:
            runs = list(map(Run.from_dict, data["runs"]))
            return cls(Plan.from_dict(data["plan"]), runs, data["asked"])
        except (LookupError, TypeError, ValueError) as error:
            raise DataError("this is not a saved comparison", received=repr(error)) from None

    def to_json(self, path: str | Path | None = None) -> str:
        """Return the record as JSON, and write it to `path` if that is given."""
        text = record_text([self.to_dict()], self.command, self.versions)
        if path is not None:
            write_whole(path, text)
        return text

    @classmethod
    def from_json(cls, path: str | Path) -> Comparison:
        """Return the comparison of a file, the first if there are several.

        Raises
        ------
        DataError
            The file is not a saved comparison.
        """
        data = read_record(path)
        found = cls.from_dict(data["comparisons"][0])
        found.command, found.versions = data["command"], data["versions"]
        return found
