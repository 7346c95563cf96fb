"""Several comparisons in one: a performance profile, and the share of targets reached."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from minidl.comparison.goal import Goal
from minidl.comparison.result import Comparison
from minidl.comparison.stats.hitting import Floats
from minidl.comparison.stats.profiles import performance_ratios, profile_areas

TAUS = (0.5, 0.2, 0.1, 0.05, 0.02, 0.01)


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
