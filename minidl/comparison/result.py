"""One comparison, and a study of several with their profile, which can be printed and stored."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from minidl.comparison.analysis import Results
from minidl.comparison.goal import Goal
from minidl.comparison.plan import Contestant, Plan
from minidl.comparison.report.tables import report
from minidl.comparison.report.words import text_table
from minidl.comparison.run import Run, Setting
from minidl.comparison.stats.hitting import Floats
from minidl.comparison.stats.profiles import R_MAX, ecdf, performance_ratios, profile_areas
from minidl.comparison.store import read_record, versions, write_record
from minidl.errors import DataError

TAUS = (0.5, 0.2, 0.1, 0.05, 0.02, 0.01)
SHARES = (0.05, 0.2, 1.0)  # of the budget, in the printed table


class Comparison(Results):
    """The result of a comparison; print it for the tables, the verdicts and their meaning.

    All attributes follow from the plan and the finished runs, which are fewer than planned after an
    interruption; a saved comparison gives the same numbers to the last bit. `request` is the plan
    before the grid grew, and what else identifies the comparison, as JSON data.
    """

    @property
    def asked(self) -> dict[str, Any]:
        """The former name of `request`."""
        warnings.warn("Comparison.asked is now Comparison.request", DeprecationWarning, 2)
        return self.request

    def judged(self, contestant: Contestant, setting: Setting) -> list[Run]:
        """Return :meth:`evaluation_runs`, whose former name this is."""
        message = "Comparison.judged is now Comparison.evaluation_runs"
        warnings.warn(message, DeprecationWarning, 2)
        return self.evaluation_runs(contestant, setting)

    def __str__(self) -> str:
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
        return Study([self], self.command, self.versions).to_json(path)

    @classmethod
    def from_json(cls, path: str | Path) -> Comparison:
        """Return the first comparison of a file; a file of something else raises DataError."""
        data = read_record(path)
        comparison = cls.from_dict(data["comparisons"][0])
        comparison.command, comparison.versions = data["command"], data["versions"]
        return comparison


@dataclass(frozen=True)
class Profile:
    """The optimizers that several comparisons have in common; arrays are (optimizers, problems)."""

    optimizers: list[str]
    problems: list[str]
    costs: Floats  # median epochs, tuned; infinite for a problem that most seeds did not solve
    ratios: Floats  # costs divided by the smallest of each problem
    areas: Floats  # (optimizers,), areas under the profiles from 1 to 4, as a share of the maximum
    hits: dict[str, Floats]  # hitting times / budget, of all problems, evaluation seeds and TAUS


def profile(comparisons: Sequence[Comparison]) -> Profile | None:
    """Return the profile, or None without two comparisons, or two optimizers that all include."""
    tables = [{row.optimizer: row for row in comparison.rows} for comparison in comparisons]
    names = [name for name in tables[0] if all(name in rows for rows in tables)]
    sizes = [{rows[name].batch_size for name in names} for rows in tables]
    if len(comparisons) < 2 or len(names) < 2 or any(len(size) > 1 for size in sizes):
        return None  # epochs are comparable at one batch size only
    costs = np.array([[max(rows[name].median, 1.0) for rows in tables] for name in names])
    ratios = performance_ratios(costs)
    hits = {name: np.concatenate([_hits(c, name) for c in comparisons]) for name in names}
    problems = [f"{c.plan.problem}, {c.plan.contestants[0].batch_size}" for c in comparisons]
    return Profile(names, problems, costs, ratios, profile_areas(ratios), hits)


def _hits(comparison: Comparison, name: str) -> Floats:
    """Return the hitting times of one optimizer, divided by the budget, for all gaps."""
    target, plan = comparison.target, comparison.plan
    assert target is not None
    runs = comparison.evaluation_runs(plan.contestant(name), comparison.chosen[name].setting)
    start, best = target.initial, target.reference
    gaps = [replace(target, goal=Goal("gap", t), value=best + t * (start - best)) for t in TAUS]
    return np.concatenate([gap.times(runs, plan.sustained) for gap in gaps]) / plan.epochs


def profile_text(profile: Profile | None) -> str:
    """Return a profile as a table, or the reason why there is none."""
    if profile is None:
        needs = "two or more problems, and two or more optimizers that all have in common"
        return f"A profile needs {needs}, at one batch size."
    total, taus = len(profile.problems), ", ".join(f"{tau:g}" for tau in TAUS)
    lines = [["optimizer", f"area to {R_MAX:g}", "solved", "best"]]
    lines[0] += [f"targets by {100 * share:.0f} % of E" for share in SHARES]
    for k, name in enumerate(profile.optimizers):
        solved = int(np.isfinite(profile.costs[k]).sum())
        best = int((profile.ratios[k] == 1).sum())
        lines.append([name, f"{profile.areas[k]:.2f}", f"{solved}/{total}", f"{best}/{total}"])
        lines[-1] += [f"{100 * share:.0f} %" for share in ecdf(profile.hits[name], SHARES)]
    title = "performance profile (median epochs to the best optimizer's)"
    title += f", and the share of all seeds times the targets gap {taus} that is reached"
    return f"All {total} problems, tuned: {title}\n{text_table(lines)}"


class Study:
    """One or more comparisons, and the profile of the optimizers that all of them include.

    `command` is the command line, `made_by` are the versions that trained the runs, by default
    those installed.
    """

    def __init__(
        self,
        comparisons: Sequence[Comparison],
        command: Sequence[str] = (),
        made_by: dict[str, str] | None = None,
    ) -> None:
        self.comparisons = list(comparisons)
        self.command = list(command)
        self.versions = made_by or versions()

    @cached_property
    def profile(self) -> Profile | None:
        """The performance profile, or None if the comparisons have no two optimizers in common."""
        return profile(self.comparisons)

    def __str__(self) -> str:
        return "\n\n".join(map(str, self.comparisons))

    def profile_text(self) -> str:
        """Return the profile as a table, or the reason why there is none."""
        return profile_text(self.profile)

    def to_json(self, path: str | Path | None = None) -> str:
        """Return the record as JSON, and write it to `path` if that is given."""
        head = {"versions": self.versions, "command": self.command}
        return write_record(head, [comparison.to_dict() for comparison in self.comparisons], path)

    @classmethod
    def from_json(cls, path: str | Path) -> Study:
        """Return the study of a file, equal to the last bit; other files raise DataError."""
        data = read_record(path)
        try:
            comparisons = list(map(Comparison.from_dict, data["comparisons"]))
            return cls(comparisons, data["command"], data["versions"])
        except (DataError, LookupError, TypeError) as error:
            raise DataError(f"{path} is not a saved comparison", received=repr(error)) from None
