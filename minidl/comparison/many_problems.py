"""Several comparisons in one: a performance profile and the share of targets that are reached."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from minidl.comparison.goal import Goal, Target
from minidl.comparison.report.words import text_table
from minidl.comparison.result import Comparison
from minidl.comparison.stats.hitting import Floats
from minidl.comparison.stats.profiles import R_MAX, ecdf, performance_ratios, profile_areas

__all__ = ["TAUS", "Profile", "profile", "profile_text"]

TAUS = (0.5, 0.2, 0.1, 0.05, 0.02, 0.01)
SHARES = (0.05, 0.2, 1.0)  # of the budget


@dataclass(frozen=True)
class Profile:
    """What several comparisons say of the optimizers that are in all of them.

    Attributes
    ----------
    optimizers, problems : list of str
        The names of rows and columns.
    costs : ndarray, shape (optimizers, problems)
        Median epochs, tuned; infinite for a problem that was not solved on most seeds.
    ratios : ndarray, shape (optimizers, problems)
        To the best of each problem.
    areas : ndarray, shape (optimizers,)
        Under the profiles, from 1 to 4, as a share of the whole.
    hits : dict of str to ndarray
        For each optimizer all hitting times as shares of the budget: for every problem, seed that
        judges and tau of `TAUS`.
    """

    optimizers: list[str]
    problems: list[str]
    costs: Floats
    ratios: Floats
    areas: Floats
    hits: dict[str, Floats]


def profile(comparisons: Sequence[Comparison]) -> Profile | None:
    """Return the profile of two or more comparisons that have optimizers in common, or None."""
    names = [
        c.name
        for c in comparisons[0].plan.contestants
        if all(c.name in {row.optimizer for row in one.rows} for one in comparisons)
    ]
    sizes = [{row.batch_size for row in one.rows if row.optimizer in names} for one in comparisons]
    if len(comparisons) < 2 or len(names) < 2 or any(len(one) > 1 for one in sizes):
        return None  # epochs are compared at one batch size only
    found = [{row.optimizer: row for row in one.rows} for one in comparisons]
    costs = np.array([[max(rows[name].median, 1.0) for rows in found] for name in names])
    ratios = performance_ratios(costs)
    hits = {name: np.concatenate([_hits(one, name) for one in comparisons]) for name in names}
    problems = [f"{one.plan.problem}, {one.plan.contestants[0].batch_size}" for one in comparisons]
    return Profile(names, problems, costs, ratios, profile_areas(ratios), hits)


def _hits(comparison: Comparison, name: str) -> Floats:
    """Return hitting times, as shares of the budget, of all seeds and of all TAUS."""
    target = comparison.target
    contestant = next(c for c in comparison.plan.contestants if c.name == name)
    runs = comparison.judged(contestant, comparison.chosen[name].setting)
    assert target is not None
    times = []
    for tau in TAUS:
        value = target.reference + tau * (target.initial - target.reference)
        one = Target(Goal("gap", tau), value, target.initial, target.reference, tau, True)
        times.append(one.times(runs, comparison.plan.sustained))
    return np.concatenate(times) / comparison.plan.epochs


def profile_text(found: Profile) -> str:
    """Return a profile as a table."""
    head = ["optimizer", f"area to {R_MAX:g}", "solved", "best"]
    head += [f"targets by {share:.0%} of E".replace("%", " %") for share in SHARES]
    lines = []
    for k, name in enumerate(found.optimizers):
        solved = int(np.isfinite(found.costs[k]).sum())
        best = int((found.ratios[k] == 1).sum())
        reached = ecdf(found.hits[name], SHARES)
        total = len(found.problems)
        lines.append(
            [name, f"{found.areas[k]:.2f}", f"{solved}/{total}", f"{best}/{total}"]
            + [f"{100 * share:.0f} %" for share in reached]
        )
    taus = ", ".join(f"{tau:g}" for tau in TAUS)
    return (
        f"All {len(found.problems)} problems, tuned: performance profile (median epochs to the best"
        f" optimizer's), and the share of all seeds times the targets gap {taus} that is reached\n"
        + text_table([head, *lines])
    )
