"""The paragraph that a newcomer reads, written from the numbers."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from minidl.comparison.analysis import Duel, Row
from minidl.comparison.report.words import counted, joined, number, rate, spoken
from minidl.comparison.stats.verdicts import LEVEL

if TYPE_CHECKING:
    from minidl.comparison.result import Comparison

__all__ = ["explain"]


def explain(comparison: Comparison) -> Iterator[str]:
    """Yield sentences: which optimizer to use, how sure that is, and what the verdicts mean."""
    yield from _interruption(comparison)
    rows, duels = comparison.rows, comparison.tuned
    if not rows:
        return
    tuned = comparison.plan.tune != "none"
    few = [duel for duel in duels if duel.verdict.declined]
    if few:
        yield f"{_capital(few[0].verdict.reason)}."
    if all(row.reached == 0 for row in rows):
        where = " at the rate that tuning took" if tuned else ""
        yield (
            f"Nobody reached the target within {counted(comparison.plan.epochs, 'epoch')}{where},"
            " so none can be recommended."
        )
    elif not duels:
        yield from _without_pairs(comparison, rows)
        return
    elif not few:
        yield _advice(comparison, rows, duels)
    if tuned:
        for duel in duels:
            yield from _both_verdicts(duel, _of_pair(comparison.flags, duel))


def _interruption(comparison: Comparison) -> Iterator[str]:
    if comparison.complete:
        return
    plan = comparison.plan
    done = counted(len(comparison.runs), "run")
    if comparison.target is None:
        yield f"Interrupted while tuning, after {done}: no verdict is supported yet."
        return
    words = f"Interrupted after {done}: tuning is finished"
    if comparison.tuned:
        pairs = min(duel.verdict.seeds for duel in comparison.tuned)
        words += f", and the verdicts rest on {pairs} of {len(plan.seeds)} seeds"
    elif plan.pairs:
        words += ", but no pair of optimizers has a seed in common yet: no verdict is supported"
    yield words + "."
    for c in plan.contestants:
        if not comparison.seeds[c.name]:
            yield f"Of {c.name}, no seed is finished that could judge it."


def _capital(words: str) -> str:
    return words[:1].upper() + words[1:]


def _advice(comparison: Comparison, rows: Sequence[Row], duels: Sequence[Duel]) -> str:
    """Return which optimizer to use here, and how sure that is."""
    met = {name for duel in duels for name in (duel.first, duel.second)}
    mine = [row for row in rows if row.optimizer in met]
    sure = [row for row in mine if math.isfinite(row.median)]
    if not sure:
        nearest = max(mine, key=lambda row: row.reached / row.seeds)
        return (
            "No optimizer reached the target on most seeds, so none can be recommended;"
            f" {spoken(nearest.optimizer)} comes nearest, with {nearest.reached} of"
            f" {nearest.seeds}."
        )
    best = min(sure, key=lambda row: row.mean)
    found: dict[str, list[str]] = {"faster": [], "equivalent": [], "open": [], "one method": []}
    for row in mine:
        if row is not best:
            kind = _word(duels, best, row)
            told = _difference(duels, best, row) if kind == "faster" else ""
            lost = "" if row.reached == row.seeds else f"arrived on {row.reached} of {row.seeds}"
            more = "; ".join(filter(None, (told, lost)))
            found[kind].append(spoken(row.optimizer) + (f" ({more})" if more else ""))
    return " ".join(_sentences(best, found))


def _sentences(best: Row, found: dict[str, list[str]]) -> Iterator[str]:
    momentum = best.setting.momentum
    at = f"learning rate {rate(best.setting.lr)}"
    at += "" if momentum is None else f" and momentum {momentum:g}"
    epochs = f"{best.median:g} epoch{'' if best.median == 1 else 's'} in the median"
    epochs += f" and {best.mean:.1f} in the mean"
    yield f"Use {spoken(best.optimizer)} here, at {at}: it needs {epochs}" + (
        "."
        if best.reached == best.seeds
        else f", and arrived on {best.reached} of {counted(best.seeds, 'seed')}."
    )
    if found["faster"]:
        yield (
            f"That is shown to be faster, in the mean of min(epochs, budget), than"
            f" {joined(found['faster'])}; chance alone would seldom show that."
        )
    if found["open"]:
        yield (
            f"Against {joined(found['open'])} no difference is shown:"
            f" {counted(best.seeds, 'seed')} cannot tell them apart, which does not prove them"
            " equal."
        )
    if found["equivalent"]:
        yield (
            f"{_capital(joined(found['equivalent']))} will do as well: on these seeds the"
            " difference is below 5 %."
        )
    if found["one method"]:
        yield f"{_capital(joined(found['one method']))} is the same method in another form."


def _word(duels: Sequence[Duel], best: Row, other: Row) -> str:
    for duel in duels:
        if {duel.first, duel.second} == {best.optimizer, other.optimizer}:
            if duel.winner == best.optimizer:
                return "faster"
            return "equivalent" if duel.verdict.word.startswith("equivalent") else "open"
    return "one method"  # the two forms of NAG


def _difference(duels: Sequence[Duel], best: Row, other: Row) -> str:
    for duel in duels:
        if {duel.first, duel.second} == {best.optimizer, other.optimizer}:
            low, high = sorted(abs(end) for end in duel.verdict.interval)
            form = ".0f" if low >= 10 else ".1f"
            told = (format(x, form) for x in (abs(duel.verdict.difference), low, high))
            return "by {} on average, {} to {}".format(*told)
    return ""


def _of_pair(flags: Sequence[Duel], duel: Duel) -> list[Duel]:
    return [f for f in flags if (f.first, f.second) == (duel.first, duel.second)]


def _both_verdicts(duel: Duel, flags: Sequence[Duel]) -> Iterator[str]:
    """Say what swapping the flag shows of a pair, and whether that contradicts tuning."""
    a, b = spoken(duel.first), spoken(duel.second)
    told = [flag for flag in flags if not flag.nobody]
    if not told:
        return
    wins = {name: [f for f in told if f.winner == name] for name in (duel.first, duel.second)}
    alike = sum(flag.verdict.word.startswith("equivalent") for flag in told)
    neither = len(told) - sum(map(len, wins.values())) - alike
    few = f" ({told[0].verdict.reason})" if told[0].verdict.declined else ""
    parts = [
        f"{spoken(name)} is faster at {len(found)} ({_span(found, flags)})"
        for name, found in wins.items()
        if found
    ]
    if alike:
        parts.append(f"they are equivalent within 5 % at {alike}")
    if neither:
        parts.append(
            f"{'neither is shown to be' if parts else 'no difference is shown'} at {neither}{few}"
        )
    words = (
        f"{_capital(a)} and {b}: with only the flag swapped, at {counted(len(told), 'setting')},"
        f" {joined(parts)}; tuned, {_tuned_words(duel)}."
    )
    yield words + _meaning(duel, wins, flags)


def _span(some: Sequence[Duel], flags: Sequence[Duel]) -> str:
    """Return the learning rates of some flags in words, neighbours on the grid as a range."""
    rates, grid = ({f.flag.lr for f in found if f.flag is not None} for found in (some, flags))
    runs: list[list[float]] = []
    after = False  # whether the rate before this one was among them
    for lr in sorted(grid):
        if lr in rates:
            runs = [*runs[:-1], [*runs[-1], lr]] if after else [*runs, [lr]]
        after = lr in rates
    words = [rate(r[0]) if len(r) == 1 else f"{rate(r[0])} to {rate(r[-1])}" for r in runs]
    return f"lr {joined(words)}"


def _tuned_words(duel: Duel) -> str:
    if duel.winner is not None:
        return f"{spoken(duel.winner)} is faster"
    if duel.verdict.word.startswith("equivalent"):
        return "they are equivalent within 5 %"
    lucky = duel.verdict.p < LEVEL and not duel.verdict.declined
    other = " (p is small, but other tuning seeds might have chosen rates that show none)"
    return "no difference is shown" + other * lucky


def _meaning(duel: Duel, wins: dict[str, list[Duel]], flags: Sequence[Duel]) -> str:
    """Say whether the two verdicts contradict each other."""
    against = [name for name, found in wins.items() if found and name != duel.winner]
    momenta = {setting.momentum for setting in duel.settings}
    if duel.winner is not None and against:
        loser = against[0]
        return (
            f" The two contradict each other at {_span(wins[loser], flags)}: there"
            f" {spoken(loser)} wins, but {spoken(duel.winner)} does when each has the rate that"
            " suits it. A flag that is swapped at one rate does not say which method is better."
        )
    if duel.winner is None and against:
        gain = " (momentum makes steady steps longer, as a larger rate does)" * (None in momenta)
        helps = " So the flag matters at a learning rate that is not tuned"
        if duel.verdict.word.startswith("equivalent"):
            return f"{helps}, and a well chosen rate does as much{gain}."
        return f"{helps}{gain}; that it still does when both are tuned is not shown."
    return ""


def _without_pairs(comparison: Comparison, rows: Sequence[Row]) -> Iterator[str]:
    """Say what can be said where no two may be compared in epochs."""
    if len({row.batch_size for row in rows}) > 1:
        yield from _across(rows)
        return
    for row in rows:
        never = f"more than {comparison.plan.epochs}"
        yield (
            f"{_capital(spoken(row.optimizer))} needs {number(row.median, never)} epochs in the"
            f" median, and arrived on {row.reached} of {counted(row.seeds, 'seed')}."
        )
    one_method = len(rows) > 1
    yield (
        "The two are one method in two forms, and are not tested against each other."
        if one_method
        else "With nothing beside it, there is no verdict."
    )


def _across(rows: Sequence[Row]) -> Iterator[str]:
    """Say who needs least of what, where batch sizes differ."""
    arrived = [row for row in rows if math.isfinite(row.median)]
    if not arrived:
        yield "None of these reached the target on more than half of the seeds."
        return
    words = []
    for name in ("samples", "updates", "seconds"):
        best = min(arrived, key=lambda row: getattr(row, name))
        words.append(f"{spoken(best.optimizer)} needs the fewest {name}")
    yield (
        f"Across batch sizes: {joined(words)} (medians; no test is made, and seconds belong to"
        " this machine)."
    )
