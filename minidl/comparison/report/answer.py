"""The answer in a few sentences: which optimizer is fastest, how sure that is, and its rates."""

import math
from collections.abc import Iterator, Sequence

import numpy as np

from minidl.comparison.analysis import Results
from minidl.comparison.duels import Duel
from minidl.comparison.report.sentences import interruption, without_pairs
from minidl.comparison.report.words import counted, joined, method_name, number, rate
from minidl.comparison.rows import Row
from minidl.comparison.stats.verdicts import CHAOTIC

ALIKE = 1.25  # rates whose mean is at most so many times the best, or one epoch more


def answer(comparison: Results) -> Iterator[str]:
    """Yield sentences that agree with every number on the screen."""
    if not comparison.complete:
        yield from interruption(comparison)
    plan, rows, duels = comparison.plan, comparison.rows, comparison.tuned
    if not rows:
        return
    if all(row.reached == 0 for row in rows):
        yield f"No optimizer reached the goal within {counted(plan.epochs, 'epoch')}."
        return
    if not duels:
        yield from without_pairs(comparison)
        return
    reasons = [duel.verdict.reason for duel in duels if duel.verdict.declined]
    few = [reason for reason in reasons if reason != CHAOTIC]
    if few or len(reasons) == len(duels):
        yield f"{[*few, *reasons][0]}."
        return
    best = best_row(rows, duels)
    if best is None:
        steady = [row for row in rows if not row.chaotic] or rows
        most = max(steady, key=lambda row: row.reached / row.seeds)
        yield "No optimizer reached the goal on most seeds;" + (
            f" {method_name(most.optimizer)} did most often, on {most.reached} of {most.seeds}."
        )
        return
    yield _ranking(best, [row for row in rows if row is not best], duels)
    yield from _trials(comparison, best) if plan.trials else _rates(comparison, best)


def best_row(rows: Sequence[Row], duels: Sequence[Duel]) -> Row | None:
    """Return the row with the smallest mean among those that usually reach the goal."""
    paired = {name for duel in duels for name in (duel.first, duel.second)}
    paired_rows = [row for row in rows if row.optimizer in paired and not row.chaotic]
    usual = [row for row in paired_rows if math.isfinite(row.median)]
    return min(usual, key=lambda row: row.mean, default=None)


def _ranking(best: Row, others: Sequence[Row], duels: Sequence[Duel]) -> str:
    """Return the best optimizer, and what the verdicts say of the others against it."""
    by_median = all(best.median <= row.median for row in others if not row.chaotic)

    def epochs(row: Row) -> str:
        if by_median:
            return number(row.median, "more than the budget")
        return f"{row.mean:.1f}"

    kinds = ("slower", "equivalent", "open", "same", "chaotic")
    groups: dict[str, list[str]] = {kind: [] for kind in kinds}
    for row in others:
        words = f"{epochs(row)} for {method_name(row.optimizer)}"
        kind = relation(best.optimizer, row.optimizer, duels)
        groups[kind].append(method_name(row.optimizer) if kind == "chaotic" else words)
    name, unit = method_name(best.optimizer), "median" if by_median else "mean"
    reached = "" if best.reached == best.seeds else f", on {best.reached} of {best.seeds} seeds"
    amount = f"{epochs(best)} epochs ({unit}{reached})"
    seeds = counted(best.seeds, "seed")
    first = f"{name} needs the fewest epochs here, {amount}"
    if groups["slower"] and not (groups["open"] or groups["equivalent"] or groups["chaotic"]):
        return f"{name} is fastest here: {amount}, against {joined(groups['slower'])}."
    parts = []
    if groups["slower"]:
        parts.append(f"it is faster than {joined(groups['slower'])}")
    if groups["equivalent"]:
        parts.append(f"{joined(groups['equivalent'])} is equivalent within 5 %")
    if groups["open"]:
        parts.append(f"with {seeds} no difference is shown to {joined(groups['open'])}")
    if groups["chaotic"]:
        parts.append(f"no verdict on {joined(groups['chaotic'])}, whose training is chaotic")
    return f"{first}; {'; '.join(parts)}." if parts else f"{first}."


def relation(best: str, other: str, duels: Sequence[Duel]) -> str:
    """Return the verdict on the best optimizer and another one, in a word."""
    duel = next((d for d in duels if {d.first, d.second} == {best, other}), None)
    if duel is None:
        return "same"  # two forms of one method, or another batch size
    if duel.winner == best:
        return "slower"
    if duel.word == "chaotic":
        return "chaotic"
    return "equivalent" if duel.verdict.word.startswith("equivalent") else "open"


def _rates(comparison: Results, best: Row) -> Iterator[str]:
    """Yield at which learning rates the best optimizer is about equally fast, and which fail."""
    means, reached = _by_rate(comparison, best)
    if len(means) < 2:
        return
    good = good_rates(means, best.setting.lr)
    ends = [rate(good[0]), rate(good[-1])]
    span = f"Rates {ends[0]} to {ends[1]} are about equally good for it"
    if len(good) == 1:
        span = f"Only the rate {ends[0]} is that good for it"
    settings = comparison.chaotic[best.optimizer]
    chaotic = {s.lr for s in settings if s.momentum == best.setting.momentum}
    failing = [lr for lr in means if lr > good[-1] and reached[lr] < best.seeds]
    above = [lr for lr in means if lr > good[-1] and (lr in failing or lr in chaotic)]
    if above and (above[0] in chaotic or not reached[above[0]]):
        span += f"; {rate(above[0])} is too large"
    elif failing:
        misses = best.seeds - reached[failing[0]]
        span += f"; {rate(failing[0])} fails on {misses} of {counted(best.seeds, 'seed')}"
    yield f"{span}."


def _trials(comparison: Results, best: Row) -> Iterator[str]:
    """Yield how many trials of the best optimizer do as well, and what fewer would have found."""
    chosen = comparison.chosen[best.optimizer]
    if not chosen.arrived or chosen.trials < 4 or chosen.expected[-1] == 0:
        return
    alike, few = round(chosen.forgiving * chosen.trials), max(2, chosen.trials // 4)
    trials, words = f"its {chosen.trials} trials", f"The best of only {few}"
    words += f" of {trials}"
    if alike > 1:
        words = f"{alike} of {trials} are within 10 % of its best; the best of only {few}"
    times = f"{chosen.expected[few - 1] / chosen.expected[-1]:.1f} times as many epochs"
    yield f"{words} would need {times} (average, tuning seeds)."


def _by_rate(comparison: Results, best: Row) -> tuple[dict[float, float], dict[float, int]]:
    """Return the mean of min(T, E), and how often the goal was reached, by learning rate."""
    plan, target = comparison.plan, comparison.target
    contestant = plan.contestant(best.optimizer)
    means: dict[float, float] = {}
    reached: dict[float, int] = {}
    for setting in plan.settings(contestant):
        runs = comparison.evaluation_runs(contestant, setting)
        if target is None or setting.momentum != best.setting.momentum or len(runs) < best.seeds:
            continue
        times = target.times(runs, plan.sustained)
        mean = float(np.minimum(times, plan.epochs).mean())
        means[setting.lr] = math.inf if setting in comparison.chaotic[best.optimizer] else mean
        reached[setting.lr] = int(np.isfinite(times).sum())
    return dict(sorted(means.items())), reached


def good_rates(means: dict[float, float], chosen: float) -> list[float]:
    """Return the rates around the chosen one with about the same mean, in order."""
    limit = max(ALIKE * means[chosen], means[chosen] + 1)
    rates = list(means)
    low = high = rates.index(chosen)
    while low > 0 and means[rates[low - 1]] <= limit:
        low -= 1
    while high < len(rates) - 1 and means[rates[high + 1]] <= limit:
        high += 1
    return rates[low : high + 1]
