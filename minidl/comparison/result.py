"""The result of a comparison: plain data, of which tables, sentences and plots are views."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from minidl.comparison.analysis import Chosen, Duel, Row, Table, choose, compare_pairs, summarize
from minidl.comparison.goal import Target, resolve
from minidl.comparison.plan import Contestant, Pairing, Plan
from minidl.comparison.run import Run, Setting
from minidl.comparison.store import read_record, write_record
from minidl.errors import DataError


class Comparison:
    """The result of a comparison; print it for the tables, the verdicts and their meaning.

    All attributes follow from the plan and the finished runs, which are fewer than planned after an
    interruption; a saved comparison gives the same numbers to the last bit. `request` is the plan
    before the grid grew, and what else identifies the comparison, as JSON data.
    """

    def __init__(
        self, plan: Plan, runs: Iterable[Run], request: Mapping[str, Any] | None = None
    ) -> None:
        self.plan = plan
        self.request: dict[str, Any] = json.loads(json.dumps(dict(request or {})))
        self.command: list[str] = []
        self.versions: dict[str, str] | None = None  # None: those installed now
        names = [c.name for c in plan.contestants]
        self.runs = sorted(runs, key=lambda r: (r.seed, names.index(r.optimizer), r.setting))

    @property
    def asked(self) -> dict[str, Any]:
        """The former name of `request`."""
        warnings.warn("Comparison.asked is now Comparison.request", DeprecationWarning, 2)
        return self.request

    @cached_property
    def table(self) -> Table:
        """The runs by optimizer, setting and seed."""
        return {run.key: run for run in self.runs}

    @cached_property
    def target(self) -> Target | None:
        """When a run has converged; None until all tuning runs are finished."""
        plan = self.plan
        tried = [(c.name, setting) for c in plan.contestants for setting in plan.settings(c)]
        runs = [self.table.get((*pair, seed)) for pair in tried for seed in plan.tuning_seeds]
        finished = [run for run in runs if run is not None]
        return resolve(plan.goal, finished, plan.sustained) if len(finished) == len(runs) else None

    @cached_property
    def chosen(self) -> dict[str, Chosen]:
        """The result of tuning, by optimizer; empty without a target."""
        return {} if self.target is None else choose(self.plan, self.table, self.target)

    @cached_property
    def seeds(self) -> dict[str, tuple[int, ...]]:
        """For each optimizer its evaluation seeds that are finished for all it is paired with.

        After an interruption, optimizers without any finished seed do not count.
        """
        finished = {c: self._finished(c) for c in self.plan.contestants if self.chosen}
        seeds = {}
        for c, candidates in finished.items():
            rivals = {rival for pair in self.plan.pairs if c in pair for rival in pair}
            lists = [finished[rival] for rival in rivals if finished[rival]]
            seeds[c.name] = tuple(s for s in candidates if all(s in part for part in lists))
        return seeds

    def _finished(self, contestant: Contestant) -> list[int]:
        """Return the evaluation seeds that are finished at every setting that needs them."""
        name, table = contestant.name, self.table
        settings = self.plan.evaluated(contestant, self.chosen[name].setting)
        return [s for s in self.plan.seeds if all((name, tried, s) in table for tried in settings)]

    def evaluation_runs(self, contestant: Contestant, setting: Setting) -> list[Run]:
        """Return the runs of a contestant at a setting, with its evaluation seeds."""
        keys = [(contestant.name, setting, seed) for seed in self.seeds[contestant.name]]
        return [self.table[key] for key in keys if key in self.table]

    def judged(self, contestant: Contestant, setting: Setting) -> list[Run]:
        """Return :meth:`evaluation_runs`, whose former name this is."""
        message = "Comparison.judged is now Comparison.evaluation_runs"
        warnings.warn(message, DeprecationWarning, 2)
        return self.evaluation_runs(contestant, setting)

    @cached_property
    def rows(self) -> list[Row]:
        """One row per optimizer, at its chosen setting, on the evaluation seeds."""
        plan, target, chosen = self.plan, self.target, self.chosen
        if target is None:
            return []
        groups = [(c, self.evaluation_runs(c, chosen[c.name].setting)) for c in plan.contestants]
        return [summarize(plan, c, runs, target) for c, runs in groups if runs]

    @cached_property
    def tuned(self) -> list[Duel]:
        """The verdict *tuned against tuned*: each pair at one batch size."""
        if self.target is None:
            return []
        best = {c: self.chosen[c.name].setting for c in self.plan.contestants}
        pairings = [Pairing(a, b, (best[a], best[b]), None) for a, b in self.plan.pairs]
        return compare_pairs(self.plan, self.table, self.target, pairings, self.seeds)

    @cached_property
    def flags(self) -> list[Duel]:
        """The verdict *swap the flag*: each pair at each learning rate and momentum of the grid."""
        if self.target is None:
            return []
        pairings = self.plan.flag_pairings()
        return compare_pairs(self.plan, self.table, self.target, pairings, self.seeds)

    @property
    def complete(self) -> bool:
        """Whether all planned runs are finished."""
        counts = {len(self._finished(c)) for c in self.plan.contestants if self.chosen}
        return counts == {len(self.plan.seeds)}

    def __str__(self) -> str:
        from minidl.comparison.report.tables import report

        return report(self)

    def to_dict(self) -> dict[str, Any]:
        """Return plan and runs, with every curve, as JSON data."""
        runs = [run.to_dict() for run in self.runs]
        return {"asked": self.request, "plan": self.plan.to_dict(), "runs": runs}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Comparison:
        """Return the comparison of :meth:`to_dict`; other data raise DataError."""
        try:
            runs = list(map(Run.from_dict, data["runs"]))
            return cls(Plan.from_dict(data["plan"]), runs, data["asked"])
        except (LookupError, TypeError, ValueError) as error:
            raise DataError("this is not a saved comparison", received=repr(error)) from None

    def to_json(self, path: str | Path | None = None) -> str:
        """Return the record as JSON, and write it to `path` if that is given."""
        return write_record([self.to_dict()], self.command, self.versions, path)

    @classmethod
    def from_json(cls, path: str | Path) -> Comparison:
        """Return the first comparison of a file; a file of something else raises DataError."""
        data = read_record(path)
        comparison = cls.from_dict(data["comparisons"][0])
        comparison.command, comparison.versions = data["command"], data["versions"]
        return comparison
