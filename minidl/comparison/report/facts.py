"""Facts that the screen and the details put into words: the fastest, and the verdicts on others."""

import math
from collections.abc import Mapping, Sequence

from minidl.comparison.analysis import Results
from minidl.comparison.duels import Duel
from minidl.comparison.rows import Row
from minidl.comparison.stats.hitting import Floats, restricted_mean
from minidl.comparison.stats.verdicts import CHAOTIC

ALIKE = 1.25  # rates whose mean is at most so many times the best, or one epoch more
Means = dict[float, float]  # by learning rate, in order


def no_verdict(duels: Sequence[Duel]) -> str:
    """Return why no pair has a verdict; empty if any has one."""
    reasons = [duel.verdict.reason for duel in duels if duel.verdict.declined]
    too_few = [reason for reason in reasons if reason != CHAOTIC]
    chaotic = reasons if len(reasons) == len(duels) else []
    return next(iter([*too_few, *chaotic]), "")


def best_row(rows: Sequence[Row], duels: Sequence[Duel]) -> Row | None:
    """Return the row with the smallest mean among those that usually reach the goal."""
    usual = [row for row in _steady(rows, duels) if math.isfinite(row.median)]
    return min(usual, key=lambda row: row.mean, default=None)


def closest_row(rows: Sequence[Row], duels: Sequence[Duel]) -> Row:
    """Return the row that reaches the goal most often, if none usually does."""
    return max(
        _steady(rows, duels) or paired_rows(rows, duels), key=lambda row: row.reached / row.seeds
    )


def _steady(rows: Sequence[Row], duels: Sequence[Duel]) -> list[Row]:
    """Return the rows that are compared with others, and whose training is not chaotic."""
    return [row for row in paired_rows(rows, duels) if not row.chaotic]


def paired_rows(rows: Sequence[Row], duels: Sequence[Duel]) -> list[Row]:
    """Return the rows of the optimizers that are compared with another one."""
    paired = {name for duel in duels for name in (duel.first, duel.second)}
    return [row for row in rows if row.optimizer in paired]


def is_equivalent(duel: Duel) -> bool:
    """Return whether the two need about as many epochs."""
    return duel.verdict.word.startswith("equivalent")


def relation(best: str, rival: str, duels: Sequence[Duel]) -> tuple[str, Duel | None]:
    """Return the verdict on the best optimizer and another, in a word, and their duel.

    "faster", "equivalent", "open" or "chaotic"; "same method" for two forms of NAG, which have no
    duel.
    """
    duel = next((d for d in duels if {d.first, d.second} == {best, rival}), None)
    if duel is None:
        return "same method", None
    if duel.word == "chaotic":
        return "chaotic", duel
    if duel.winner == best:
        return "faster", duel
    return ("equivalent" if is_equivalent(duel) else "open"), duel


def times_by_rate(comparison: Results, name: str, seeds: Sequence[int]) -> dict[float, Floats]:
    """Return hitting times at each learning rate and the chosen momentum, if all are finished."""
    c, momentum = comparison.plan.contestant(name), comparison.chosen[name].setting.momentum
    tried = [s for s in comparison.plan.settings(c) if s.momentum == momentum]
    finished = [s for s in tried if all((name, s, seed) in comparison.table for seed in seeds)]
    return {s.lr: comparison.times(c, s, seeds) for s in sorted(finished)}


def steady_means(comparison: Results, name: str, times: Mapping[float, Floats]) -> Means:
    """Return the mean of min(T, E) by rate, infinite where training is chaotic.

    `times` are those of :func:`times_by_rate`.
    """
    momentum, budget = comparison.chosen[name].setting.momentum, comparison.plan.epochs
    chaotic = {s.lr for s in comparison.chaotic[name] if s.momentum == momentum}
    means = {lr: restricted_mean(row, budget) for lr, row in times.items()}
    return {lr: math.inf if lr in chaotic else mean for lr, mean in means.items()}


def good_rates(means: Means, chosen: float) -> list[float]:
    """Return the rates around the chosen one with about the same mean, in order."""
    limit = max(ALIKE * means[chosen], means[chosen] + 1)
    rates = list(means)
    low = high = rates.index(chosen)
    while low > 0 and means[rates[low - 1]] <= limit:
        low -= 1
    while high < len(rates) - 1 and means[rates[high + 1]] <= limit:
        high += 1
    return rates[low : high + 1]
