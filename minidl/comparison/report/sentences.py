"""The paragraph that explains a comparison to a newcomer."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby

from minidl.comparison.analysis import Duel, Row
from minidl.comparison.report.view import View
from minidl.comparison.report.words import counted, joined, method_name, number, rate
from minidl.comparison.stats.verdicts import LEVEL

__all__ = ["explain"]


def explain(comparison: View) -> Iterator[str]:
    """Yield sentences: which optimizer to use, how sure that is, and what the verdicts mean."""
    yield from _interruption(comparison)
    rows, duels = comparison.rows, comparison.tuned
    if not rows:
        return
    tuned = comparison.plan.tune != "none"
    too_few = [duel.verdict.reason for duel in duels if duel.verdict.declined]
    if too_few:
        yield f"{too_few[0]}."
    if all(row.reached == 0 for row in rows):
        where = " at its tuned learning rate" if tuned else ""
        yield (
            f"No optimizer reached the target within {counted(comparison.plan.epochs, 'epoch')}"
            f"{where}, so none is recommended."
        )
    elif not duels:
        yield from _without_pairs(comparison, rows)
        return
    elif not too_few:
        yield " ".join(_recommendation(rows, duels))
    if tuned:
        for duel in duels:
            pair = duel.first, duel.second
            yield from _both_verdicts(
                duel, [flag for flag in comparison.flags if (flag.first, flag.second) == pair]
            )


def _interruption(comparison: View) -> Iterator[str]:
    if comparison.complete:
        return
    plan, runs = comparison.plan, counted(len(comparison.runs), "run")
    if comparison.target is None:
        yield f"Interrupted while tuning, after {runs}: no verdict is supported yet."
        return
    sentence = f"Interrupted after {runs}: tuning is finished"
    if comparison.tuned:
        pairs = min(duel.verdict.seeds for duel in comparison.tuned)
        sentence += f", and the verdicts rest on {pairs} of {len(plan.seeds)} seeds"
    elif plan.pairs:
        sentence += ", but no pair of optimizers has a seed in common yet: no verdict is supported"
    yield f"{sentence}."
    for c in plan.contestants:
        if not comparison.seeds[c.name]:
            yield f"{c.name} has no finished evaluation seed."


def _capital(words: str) -> str:
    return words[:1].upper() + words[1:]


def _equivalent(duel: Duel) -> bool:
    return duel.verdict.word.startswith("equivalent")


def _recommendation(rows: Sequence[Row], duels: Sequence[Duel]) -> Iterator[str]:
    """Yield which optimizer to use, and what the verdicts say of the others against it."""
    paired = {name for duel in duels for name in (duel.first, duel.second)}
    rows = [row for row in rows if row.optimizer in paired]
    candidates = [row for row in rows if math.isfinite(row.median)]
    if not candidates:
        closest = max(rows, key=lambda row: row.reached / row.seeds)
        yield (
            "No optimizer reached the target on most seeds, so none is recommended;"
            f" {method_name(closest.optimizer)} comes closest, with {closest.reached} of"
            f" {closest.seeds}."
        )
        return
    best = min(candidates, key=lambda row: row.mean)
    seeds, setting = counted(best.seeds, "seed"), f"learning rate {rate(best.setting.lr)}"
    if best.setting.momentum is not None:
        setting += f" and momentum {best.setting.momentum:g}"
    epochs = f"{best.median:g} epoch{'' if best.median == 1 else 's'} in the median"
    reached = "" if best.reached == best.seeds else f", and converged on {best.reached} of {seeds}"
    yield (
        f"Use {method_name(best.optimizer)} here, at {setting}: it needs {epochs} and"
        f" {best.mean:.1f} in the mean{reached}."
    )
    groups: dict[str, list[str]] = {"faster": [], "open": [], "equivalent": [], "same method": []}
    for row in rows:
        if row is not best:
            relation, details = _relation(best, row, duels)
            if row.reached < row.seeds:
                details = [*details, f"converged on {row.reached} of {row.seeds}"]
            words = f" ({'; '.join(details)})" if details else ""
            groups[relation].append(method_name(row.optimizer) + words)
    for relation, sentence in {
        "faster": "In the mean of min(epochs, budget) it is faster than {}; p < 0.05 after Holm's"
        " correction.",
        "open": f"Against {{}} no difference is shown with {seeds}, which does not prove them"
        " equal.",
        "equivalent": "{} will do as well: on these seeds the difference is below 5 %.",
        "same method": "{} is the same method in another form.",
    }.items():
        if groups[relation]:
            yield _capital(sentence.format(joined(groups[relation])))


def _relation(best: Row, row: Row, duels: Sequence[Duel]) -> tuple[str, list[str]]:
    """Return the verdict on the best optimizer and another, and by how much the best is faster."""
    for duel in duels:
        if {duel.first, duel.second} == {best.optimizer, row.optimizer}:
            if duel.winner == best.optimizer:
                low, high = sorted(abs(end) for end in duel.verdict.interval)
                form = ".0f" if low >= 10 else ".1f"
                mean = format(abs(duel.verdict.difference), form)
                return "faster", [f"by {mean} epochs on average, {low:{form}} to {high:{form}}"]
            return "equivalent" if _equivalent(duel) else "open", []
    return "same method", []  # the two forms of NAG


def _both_verdicts(duel: Duel, flags: Sequence[Duel]) -> Iterator[str]:
    """Yield what swapping the flag shows for a pair, and whether that contradicts tuning."""
    converged = [flag for flag in flags if not flag.nobody]
    if not converged:
        return
    wins = {name: [f for f in converged if f.winner == name] for name in (duel.first, duel.second)}
    equivalent = sum(map(_equivalent, converged))
    neither = len(converged) - sum(map(len, wins.values())) - equivalent
    parts = [
        f"{method_name(name)} is faster at {len(won)} ({_span(won, flags)})"
        for name, won in wins.items()
        if won
    ]
    if equivalent:
        parts.append(f"they are equivalent within 5 % at {equivalent}")
    if neither:
        verdict = converged[0].verdict
        too_few = f" ({verdict.reason})" if verdict.declined else ""
        parts.append(f"no difference is shown at {neither}{too_few}")
    yield (
        f"{_capital(method_name(duel.first))} and {method_name(duel.second)}: with only the flag"
        f" swapped, at {counted(len(converged), 'setting')}, {joined(parts)}; tuned,"
        f" {_tuned_words(duel)}.{_meaning(duel, wins, flags)}"
    )


def _span(duels: Sequence[Duel], flags: Sequence[Duel]) -> str:
    """Return the learning rates of `duels`, neighbours on the grid of `flags` as a range."""
    rates, grid = ({d.flag.lr for d in some if d.flag is not None} for some in (duels, flags))
    ranges = [list(lrs) for inside, lrs in groupby(sorted(grid), rates.__contains__) if inside]
    ends = [dict.fromkeys((rate(lrs[0]), rate(lrs[-1]))) for lrs in ranges]
    return f"lr {joined([' to '.join(pair) for pair in ends])}"


def _tuned_words(duel: Duel) -> str:
    if duel.winner is not None:
        return f"{method_name(duel.winner)} is faster"
    if _equivalent(duel):
        return "they are equivalent within 5 %"
    small_p = duel.verdict.p < LEVEL and not duel.verdict.declined
    reason = " (p is small, but with other tuning seeds the chosen rates might show none)"
    return "no difference is shown" + reason * small_p


def _meaning(duel: Duel, wins: Mapping[str, Sequence[Duel]], flags: Sequence[Duel]) -> str:
    """Return whether the two verdicts contradict each other, or nothing."""
    against = [name for name, won in wins.items() if won and name != duel.winner]
    if not against:
        return ""
    if duel.winner is not None:
        loser = against[0]
        return (
            f" The two contradict each other at {_span(wins[loser], flags)}: there"
            f" {method_name(loser)} is faster, but {method_name(duel.winner)} is when both are"
            " tuned. A comparison at one learning rate does not show which method is better."
        )
    one_without = None in {setting.momentum for setting in duel.settings}
    gain = " (momentum lengthens steady steps, as a larger rate does)" * one_without
    flag = " So the flag matters at a learning rate that is not tuned"
    if _equivalent(duel):
        return f"{flag}, and tuning the rate achieves as much{gain}."
    return f"{flag}{gain}; whether it still does when both are tuned is not shown."


def _without_pairs(comparison: View, rows: Sequence[Row]) -> Iterator[str]:
    """Yield each optimizer's result where no pair is compared in epochs."""
    if len({row.batch_size for row in rows}) > 1:
        yield from _across_batch_sizes(rows)
        return
    for row in rows:
        epochs = number(row.median, f"more than {comparison.plan.epochs}")
        yield (
            f"{_capital(method_name(row.optimizer))} needs {epochs} epochs in the median, and"
            f" converged on {row.reached} of {counted(row.seeds, 'seed')}."
        )
    yield (
        "The two are one method in two forms, and are not compared with each other."
        if len(rows) > 1
        else "A single optimizer gets no verdict."
    )


def _across_batch_sizes(rows: Sequence[Row]) -> Iterator[str]:
    """Yield which optimizer needs the fewest samples, updates and seconds."""
    converged = [row for row in rows if math.isfinite(row.median)]
    if not converged:
        yield "No optimizer reached the target on more than half of the seeds."
        return
    words = []
    for unit in ("samples", "updates", "seconds"):
        best = min(converged, key=lambda row: getattr(row, unit))
        words.append(f"{method_name(best.optimizer)} needs the fewest {unit}")
    yield (
        f"Across batch sizes: {joined(words)} (medians, not tested; seconds depend on the machine)."
    )
