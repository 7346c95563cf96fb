"""The performance profile of several comparisons: how often an optimizer is near the best."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from minidl.comparison.analysis import Results
from minidl.comparison.duels import Duel, settle_by_holm
from minidl.comparison.goal import Goal
from minidl.comparison.report.words import WIDTH, text_table, verdict_words, wrapped
from minidl.comparison.stats.hitting import Floats
from minidl.comparison.stats.profiles import (
    R_MAX,
    area_intervals,
    ecdf,
    performance_ratios,
    profile_areas,
)

TAUS = (0.5, 0.2, 0.1, 0.05, 0.02, 0.01)
SHARES = (0.05, 0.2, 1.0)  # of the budget, in the printed table


@dataclass(frozen=True)
class Profile:
    """The optimizers that several comparisons have in common; arrays are (optimizers, problems)."""

    optimizers: list[str]
    problems: list[str]
    costs: Floats  # median epochs, tuned; infinite for a problem that most seeds did not solve
    ratios: Floats  # costs divided by the smallest of each problem
    areas: Floats  # (optimizers,), areas under the profiles from 1 to 4, as a share of the maximum
    intervals: Floats  # (optimizers, 2), 95 % intervals of the areas, over seeds
    hits: dict[str, Floats]  # hitting times / budget, of all problems, evaluation seeds and TAUS


def profile(comparisons: Sequence[Results]) -> Profile | None:
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
    intervals = area_intervals([_times(comparison, names) for comparison in comparisons])
    return Profile(names, problems, costs, ratios, profile_areas(ratios), intervals, hits)


def _times(comparison: Results, names: Sequence[str]) -> Floats:
    """Return hitting times at the chosen settings, (optimizers, seeds), of seeds that all have."""
    seeds = [s for s in comparison.plan.seeds if all(s in comparison.seeds[n] for n in names)]
    chosen = [(comparison.plan.contestant(n), comparison.chosen[n].setting) for n in names]
    return np.array([comparison.times(*pair, seeds) for pair in chosen])


def across(comparisons: Sequence[Results]) -> list[list[Duel]]:
    """Return the tuned duels of each comparison, with one Holm correction over all of them.

    Among ten problems, one would show a difference by chance in up to four of ten studies, if each
    problem were corrected alone.
    """
    matches = [comparison.tuned_matches for comparison in comparisons]
    duels = iter(settle_by_holm([match for part in matches for match in part]))
    return [[next(duels) for _ in part] for part in matches]


def _hits(comparison: Results, name: str) -> Floats:
    """Return the hitting times of one optimizer, divided by the budget, for all gaps."""
    target, plan = comparison.target, comparison.plan
    assert target is not None
    runs = comparison.evaluation_runs(plan.contestant(name), comparison.chosen[name].setting)
    start, best = target.initial, target.reference
    gaps = [replace(target, goal=Goal("gap", t), value=best + t * (start - best)) for t in TAUS]
    return np.concatenate([gap.times(runs, plan.sustained) for gap in gaps]) / plan.epochs


def profile_text(profile: Profile | None, width: int = WIDTH) -> str:
    """Return a profile as a table, or the reason why there is none."""
    if profile is None:
        needs = "two or more problems, and two or more optimizers that all have in common"
        return "\n".join(wrapped(f"A profile needs {needs}, at one batch size.", width))
    total, taus = len(profile.problems), ", ".join(f"{tau:g}" for tau in TAUS)
    lines = [["optimizer", f"area to {R_MAX:g}", "95 %", "solved", "best"]]
    lines[0] += [f"{100 * share:.0f} % of E" for share in SHARES]
    for k, name in enumerate(profile.optimizers):
        solved = int(np.isfinite(profile.costs[k]).sum())
        best = int((profile.ratios[k] == 1).sum())
        interval = "..".join(f"{end:.2f}" for end in profile.intervals[k])
        lines.append([name, f"{profile.areas[k]:.2f}", interval])
        lines[-1] += [f"{solved}/{total}", f"{best}/{total}"]
        lines[-1] += [f"{100 * share:.0f} %" for share in ecdf(profile.hits[name], SHARES)]
    title = f"All {total} problems, tuned: performance profile (median epochs to the best"
    title += f" optimizer's), and the share of all seeds times the targets gap {taus} that is"
    title += " reached in so much of the budget E"
    return "\n".join([*wrapped(title, width), text_table(lines, width=width)])


def across_text(comparisons: Sequence[Results], width: int = WIDTH) -> str:
    """Return the verdicts of :func:`across` as a table; empty without any."""
    lines = [["problem", "pair", "difference", "p", "verdict"]]
    parts = list(zip(comparisons, across(comparisons), strict=True))
    for comparison, duels in parts:
        size = comparison.plan.contestants[0].batch_size
        problem = f"{comparison.plan.problem}, {size}"
        for duel in duels:
            p, difference = f"{duel.verdict.p:.2g}", f"{duel.verdict.difference:+.1f}"
            pair = f"{duel.first} - {duel.second}"
            lines.append([problem, pair, difference, p, verdict_words(duel)])
    if len(lines) == 1:
        return ""
    k = max(duel.corrected_for for _, duels in parts for duel in duels)
    title = f"Tuned pairs of all problems (in epochs; p after Holm, for {k} in all)"
    table = text_table(lines, (0, 1, -1), width=width, keys=2)
    return "\n".join([*wrapped(title, width), table])
