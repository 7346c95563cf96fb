"""Sensitivity of the answer: the verdicts at other targets and budgets."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from minidl.checks import check_count
from minidl.comparison.analysis import Results
from minidl.comparison.duels import Duel
from minidl.comparison.goal import Goal
from minidl.comparison.profile import TAUS
from minidl.comparison.report.words import text_table
from minidl.errors import ArgumentError
from minidl.keywords import answers

PARTS = (0.25, 0.5, 1.0)  # of the budget


@answers
@dataclass(frozen=True)
class Cell:
    """The tuned verdicts at one target and one budget."""

    tau: float  # the share of the gap that was requested
    used: float  # the share that was used; larger if few runs reached that, nan without a gap
    budget: int
    duels: tuple[Duel, ...]  # empty without a gap


@answers
def verdicts_by_target(
    comparison: Results, taus: Sequence[float] = TAUS, budgets: Sequence[int] | None = None
) -> list[Cell]:
    """Return the tuned verdicts that other targets and budgets would have given.

    A comparison keeps every curve, so each cell is what ``compare(target=f"gap:{tau}",
    epochs=budget)`` at the same rates would say, without training: rates are chosen anew, and the
    target is that of the shorter curves. `taus` are shares between 0 and 1, by default 0.5 to 0.01;
    `budgets` are epochs, from `sustained` to the budget of the comparison, by default a quarter,
    a half and all of it. Each cell has its own correction for several pairs.

    After a random search, a pair is left out where another trial would be chosen that has no
    evaluation runs: without momentum, only the chosen one has some.

    Raises ArgumentError for other numbers. Empty before tuning is finished.
    """
    plan = comparison.plan
    default = dict.fromkeys(max(plan.sustained, math.ceil(s * plan.epochs)) for s in PARTS)
    chosen = list(default) if budgets is None else budgets
    ends = [check_count("budgets", b, plan.sustained, plan.epochs) for b in chosen]
    goals = [Goal.parse(f"gap:{tau!r}") for tau in taus]
    if comparison.target is None:
        return []
    cells = []
    for budget in ends:
        runs = [run.shortened(budget) for run in comparison.all_runs()]
        for goal in goals:
            part = Results(replace(plan, epochs=budget, goal=goal), runs)
            cells.append(_cell(part, goal.number, budget))
    return cells


def _cell(part: Results, tau: float, budget: int) -> Cell:
    try:
        target = part.target
    except ArgumentError:  # no gap: nothing improved so soon
        return Cell(tau, math.nan, budget, ())
    assert target is not None
    assert target.tau is not None
    return Cell(tau, target.tau, budget, tuple(part.tuned))


def contradictions(cells: Sequence[Cell]) -> list[tuple[str, str]]:
    """Return the pairs whose winner depends on the target or the budget."""
    winners: dict[tuple[str, str], set[str | None]] = {}
    for duel in [duel for cell in cells for duel in cell.duels]:
        winners.setdefault((duel.first, duel.second), set()).add(duel.winner)
    return [pair for pair, names in winners.items() if names.issuperset(pair)]


@answers
def target_table(cells: Sequence[Cell]) -> str:
    """Return the verdicts as a table: a line per target and budget, a column per pair."""
    pairs = list(dict.fromkeys((d.first, d.second) for cell in cells for d in cell.duels))
    lines = [["gap", "budget", *(f"{a} - {b}" for a, b in pairs)]]
    for cell in cells:
        words = {(d.first, d.second): d.word for d in cell.duels}
        loose = f" (used {cell.used:g})" if cell.used > cell.tau else ""
        verdicts = [words.get(pair, "-") for pair in pairs]
        lines.append([f"{cell.tau:g}{loose}", str(cell.budget), *verdicts])
    table = text_table(lines, left=(0, *range(2, 2 + len(pairs))))
    contradicted = [f"{a} and {b}" for a, b in contradictions(cells)]
    note = f"The winner depends on them for {', '.join(contradicted)}." if contradicted else ""
    return f"Tuned verdicts by target and budget\n{table}\n{note}".rstrip()
