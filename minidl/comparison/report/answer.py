"""The answer in a few sentences: which optimizer is fastest, how sure that is, and its rates."""

import math
from collections.abc import Iterator, Sequence

import numpy as np

from minidl.comparison.analysis import Results
from minidl.comparison.duels import Duel
from minidl.comparison.report.facts import (
    best_row,
    closest_row,
    good_rates,
    no_verdict,
    relation,
    steady_means,
    times_by_rate,
)
from minidl.comparison.report.sentences import interruption, without_pairs
from minidl.comparison.report.words import method_name, number, rate
from minidl.comparison.rows import Row
from minidl.text import counted, joined


def headline(comparison: Results) -> str:
    """Return the first sentence of the answer, after an interruption what it supports."""
    return " ".join(list(answer(comparison))[: 1 if comparison.complete else 2])


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
    if reason := no_verdict(duels):
        yield f"{reason}."
        return
    best = best_row(rows, duels)
    if best is None:
        closest = closest_row(rows, duels)
        yield "No optimizer reached the goal on most seeds;" + (
            f" {method_name(closest.optimizer)} did most often,"
            f" on {closest.reached} of {closest.seeds}."
        )
        return
    rivals = [row for row in rows if row is not best and row.batch_size == best.batch_size]
    sentence = _ranking(best, rivals, duels)
    if len({row.batch_size for row in rows}) > 1:  # which are not compared
        batch = "the full batch" if best.batch_size == "full" else f"batch size {best.batch_size}"
        sentence = f"With {batch}, {sentence}"
    yield sentence
    yield from _trials(comparison, best) if plan.trials else _rates(comparison, best)


def _ranking(best: Row, rivals: Sequence[Row], duels: Sequence[Duel]) -> str:
    """Return the best optimizer, and what the verdicts say of the others against it."""
    by_median = all(best.median <= row.median for row in rivals if not row.chaotic)

    def epochs(row: Row) -> str:
        if by_median:
            return number(row.median, "more than the budget")
        return f"{row.mean:.1f}" if math.isfinite(row.median) else "most seeds failed"

    def named(rows: Sequence[Row]) -> str:
        return joined([f"{method_name(row.optimizer)} ({epochs(row)})" for row in rows])

    relations = ("faster", "equivalent", "open", "same method", "chaotic")
    others_of: dict[str, list[Row]] = {word: [] for word in relations}
    for row in rivals:
        others_of[relation(best.optimizer, row.optimizer, duels)[0]].append(row)
    name, unit = method_name(best.optimizer), "median" if by_median else "mean, not median"
    reached = "" if best.reached == best.seeds else f", on {best.reached} of {best.seeds} seeds"
    noun = "epoch" if epochs(best) == "1" else "epochs"
    amount = f"{epochs(best)} {noun} ({unit}{reached})"
    undecided = [word for word in ("open", "equivalent", "chaotic") if others_of[word]]
    if others_of["faster"] and not undecided:
        times = [f"{epochs(row)} for {method_name(row.optimizer)}" for row in others_of["faster"]]
        return f"{name} is fastest here: {amount}, against {joined(times)}."
    undecided_rows = others_of["open"] + others_of["equivalent"]
    tied = [r for r in undecided_rows if (r.mean, r.median) == (best.mean, best.median)]
    least = joined([name, *(method_name(row.optimizer) for row in tied)])
    parts = [f"{least} {'need' if tied else 'needs'} the fewest epochs here, {amount}"]
    if others_of["faster"]:
        parts.append(f"{name} is faster than {named(others_of['faster'])}")
    if others_of["equivalent"]:
        parts.append(f"{named(others_of['equivalent'])} is equivalent to {name} within 5 %")
    if others_of["open"]:
        seeds = counted(best.seeds, "seed")
        parts.append(f"with {seeds} no difference from {named(others_of['open'])} is shown")
    if others_of["chaotic"]:
        names = joined([method_name(row.optimizer) for row in others_of["chaotic"]])
        parts.append(f"no verdict on {names}, whose training is chaotic")
    return f"{'; '.join(parts)}."


def _rates(comparison: Results, best: Row) -> Iterator[str]:
    """Yield at which learning rates the best optimizer is about equally fast, and which fail."""
    times = times_by_rate(comparison, best.optimizer, comparison.seeds[best.optimizer])
    reached = {lr: int(np.isfinite(row).sum()) for lr, row in times.items()}
    if len(times) < 2:
        return
    means = steady_means(comparison, best.optimizer, times)
    good = good_rates(means, best.setting.lr)
    ends = [rate(good[0]), rate(good[-1])]
    name = method_name(best.optimizer)
    span = f"Rates {ends[0]} to {ends[1]} are about equally good for {name}"
    if len(good) == 1:
        span = f"Only {ends[0]} is a good rate for {name}"
    failing = [lr for lr in means if lr > good[-1] and reached[lr] < best.seeds]
    above = [lr for lr in means if lr > good[-1] and (lr in failing or means[lr] == math.inf)]
    if above and (means[above[0]] == math.inf or not reached[above[0]]):
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
    alike, fewer = round(chosen.forgiving * chosen.trials), max(2, chosen.trials // 4)
    trials, words = f"its {chosen.trials} trials", f"The best of only {fewer}"
    words += f" of {trials}"
    if alike > 1:
        words = f"{alike} of {trials} are within 10 % of its best; the best of only {fewer}"
    times = f"{chosen.expected[fewer - 1] / chosen.expected[-1]:.1f} times as many epochs"
    yield f"{words} would need {times} (average, tuning seeds)."
