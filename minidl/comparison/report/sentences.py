"""The paragraph that explains a comparison to a newcomer."""

import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from operator import attrgetter

from minidl.comparison.analysis import Results
from minidl.comparison.duels import Duel
from minidl.comparison.looks import decided
from minidl.comparison.report.facts import (
    best_row,
    closest_row,
    is_equivalent,
    no_verdict,
    paired_rows,
    relation,
)
from minidl.comparison.report.words import method_name, number, rate
from minidl.comparison.rows import Row
from minidl.comparison.stats.verdicts import LEVEL
from minidl.text import counted, joined

RELATIONS = {
    "faster": "In the mean of min(epochs, budget) it is faster than {}; p < 0.05 after Holm's"
    " correction.",
    "open": "Against {} no difference is shown with {seeds}, which does not prove them equal.",
    "equivalent": "{} will do as well: where both converge, the difference is below 5 %.",
    "same method": "{} is the same method in another form.",
    "chaotic": "There is no verdict on {}: training is chaotic at every setting that was tried.",
}


def explain(comparison: Results) -> Iterator[str]:
    """Yield sentences: which optimizer to use, how sure that is, and what the verdicts mean."""
    if not comparison.complete:
        yield from interruption(comparison)
    plan, rows, duels = comparison.plan, comparison.rows, comparison.tuned
    if not rows:
        return
    reason = no_verdict(duels)
    if reason:
        yield f"{reason}."
    if all(row.reached == 0 for row in rows):
        budget = counted(plan.epochs, "epoch")
        budget += " at its tuned learning rate" if plan.tune != "none" else ""
        yield f"No optimizer reached the target within {budget}, so none is recommended."
    elif not duels:
        yield from without_pairs(comparison)
    elif not reason:
        yield " ".join(_recommendation(rows, duels))
    if plan.tune != "none":
        for duel in duels:
            yield from _both_verdicts(duel, comparison.flags)


def stopping(comparison: Results) -> Iterator[str]:
    """Yield at which look a comparison with looks ended, and why."""
    seeds, looks = len(comparison.plan.seeds), [str(look) for look in comparison.plan.looks]
    if not looks:
        return
    if not comparison.complete:
        yield f"Looks are planned after {joined(looks)} seeds."
    elif seeds < comparison.plan.looks[-1]:
        chaotic = any(duel.verdict.word == "chaotic" for duel in comparison.tuned)
        pairs = "every pair that is not chaotic" if chaotic else "every pair"
        why = f": {pairs} is decided" if decided(comparison) else ""
        yield f"Stopped after {seeds} of up to {looks[-1]} seeds{why}."
    else:
        words = f"after {joined(looks[:-1])} not every pair was decided"
        yield f"All {seeds} seeds were needed: {words}."


def interruption(comparison: Results) -> Iterator[str]:
    """Yield what an interrupted comparison supports."""
    runs = counted(len(comparison.runs), "run")
    sentence = f"Interrupted after {runs}: tuning is finished"
    if comparison.target is None:
        sentence = f"Interrupted while tuning, after {runs}: no verdict is supported yet"
    elif comparison.tuned:
        seeds, plan = min(duel.verdict.seeds for duel in comparison.tuned), comparison.plan
        total = len(plan.seeds) + len(plan.tuning_seeds) * plan.on_grid
        upto = "up to " if plan.looks else ""
        sentence += f", and the verdicts rest on {seeds} of {upto}{total} seeds"
    elif comparison.plan.pairs:
        sentence += ", but no pair of optimizers has a seed in common yet: no verdict is supported"
    yield f"{sentence}."
    for name, finished in comparison.seeds.items():
        if not finished:
            yield f"{method_name(name)} has no finished evaluation seed."


def _recommendation(rows: Sequence[Row], duels: Sequence[Duel]) -> Iterator[str]:
    """Yield which optimizer to use, and what the verdicts say of the others against it."""
    best = best_row(rows, duels)
    if best is None:
        closest = closest_row(rows, duels)
        name, reached = method_name(closest.optimizer), f"{closest.reached} of {closest.seeds}"
        words = "No optimizer reached the target on most seeds, so none is recommended"
        yield f"{words}; {name} comes closest, with {reached}."
        return
    seeds, setting = counted(best.seeds, "seed"), f"learning rate {rate(best.setting.lr)}"
    if best.setting.momentum is not None:
        setting += f" and momentum {best.setting.momentum:g}"
    epochs = f"{best.median:g} epoch{'' if best.median == 1 else 's'} in the median"
    reached = "" if best.reached == best.seeds else f", and converged on {best.reached} of {seeds}"
    use = f"Use {method_name(best.optimizer)} here, at {setting}"
    yield f"{use}: it needs {epochs} and {best.mean:.1f} in the mean{reached}."
    groups: dict[str, list[str]] = {verdict: [] for verdict in RELATIONS}
    for row in [row for row in paired_rows(rows, duels) if row is not best]:
        verdict, details = _relation(best, row, duels)
        if row.reached < row.seeds and verdict != "equivalent":
            details.append(f"converged on {row.reached} of {row.seeds}")
        words = f" ({'; '.join(details)})" if details else ""
        groups[verdict].append(method_name(row.optimizer) + words)
    for verdict, names in groups.items():
        if names:
            yield RELATIONS[verdict].format(joined(names), seeds=seeds)


def _relation(best: Row, row: Row, duels: Sequence[Duel]) -> tuple[str, list[str]]:
    """Return the verdict on the best optimizer and another, and by how much the best is faster."""
    verdict, duel = relation(best.optimizer, row.optimizer, duels)
    if duel is None or verdict in ("chaotic", "open"):
        return verdict, []
    if verdict == "equivalent":
        return verdict, [duel.verdict.scope]
    low, high = sorted(map(abs, duel.verdict.interval))
    form = ".0f" if low >= 10 else ".1f"
    mean = format(abs(duel.verdict.difference), form)
    return "faster", [f"by {mean} epochs on average, {low:{form}} to {high:{form}}"]


def _both_verdicts(duel: Duel, flags: Sequence[Duel]) -> Iterator[str]:
    """Yield what swapping the flag shows for a pair, and whether that contradicts tuning."""
    flags = [flag for flag in flags if (flag.first, flag.second) == (duel.first, duel.second)]
    converged = [flag for flag in flags if not flag.nobody and flag.word != "chaotic"]
    if not converged:
        return
    wins = {name: [f for f in converged if f.winner == name] for name in (duel.first, duel.second)}
    equivalent = sum(map(is_equivalent, converged))
    neither = len(converged) - sum(map(len, wins.values())) - equivalent
    wins_at = {name: f"at {len(won)} ({_span(won, flags)})" for name, won in wins.items() if won}
    parts = [f"{method_name(name)} is faster {at}" for name, at in wins_at.items()]
    if equivalent:
        parts.append(f"they are equivalent within 5 % at {equivalent}")
    if neither:
        verdict = converged[0].verdict
        too_few = f" ({verdict.reason})" if verdict.declined else ""
        parts.append(f"no difference is shown at {neither}{too_few}")
    pair = f"{method_name(duel.first)} and {method_name(duel.second)}"
    settings, tuned = counted(len(converged), "setting"), _tuned(duel, wins, flags)
    yield f"{pair}: with only the flag swapped, at {settings}, {joined(parts)}; tuned, {tuned}"


def _span(duels: Sequence[Duel], flags: Sequence[Duel]) -> str:
    """Return the rates of `duels`, neighbours among those of `flags` as a range."""
    chosen, all_flags = ([d.flag for d in part if d.flag is not None] for part in (duels, flags))
    word, value = "lr", attrgetter("lr")
    if len({flag.momentum for flag in all_flags}) > 1:
        word, value = "lr / (1 - momentum)", attrgetter("effective")
    rates, grid = set(map(value, chosen)), sorted(set(map(value, all_flags)))
    ranges = [list(lrs) for inside, lrs in groupby(grid, rates.__contains__) if inside]
    ends = [dict.fromkeys((rate(lrs[0]), rate(lrs[-1]))) for lrs in ranges]
    return f"{word} {joined([' to '.join(pair) for pair in ends])}"


def _tuned(duel: Duel, wins: Mapping[str, Sequence[Duel]], flags: Sequence[Duel]) -> str:
    """Return the verdict on a tuned pair, and whether `wins` with the flag contradict it."""
    against = [name for name, won in wins.items() if won and name != duel.winner]
    if duel.winner is not None:
        words = f"{method_name(duel.winner)} is faster."
        for loser in against:
            words += (
                f" The two contradict each other at {_span(wins[loser], flags)}: there"
                f" {method_name(loser)} is faster, but {method_name(duel.winner)} is when both are"
                " tuned. A comparison at one learning rate does not show which method is better."
            )
        return words
    if duel.word == "chaotic":
        return "training is chaotic."
    one_without = None in {setting.momentum for setting in duel.settings}
    gain = " (momentum lengthens steady steps, as a larger rate does)" * one_without
    words = "no difference is shown"
    meaning = f"{gain}; whether it still does when both are tuned is not shown"
    if is_equivalent(duel):
        words = "they are equivalent within 5 %"
        meaning = f", and tuning the rate achieves as much{gain}"
    elif duel.verdict.p < LEVEL and not duel.verdict.declined:
        words += " (p is small, but the interval holds 0: other seeds might show none)"
    if against:
        return f"{words}. So the flag matters at a learning rate that is not tuned{meaning}."
    return f"{words}."


def without_pairs(comparison: Results) -> Iterator[str]:
    """Yield each optimizer's result where no pair is compared in epochs."""
    rows = comparison.rows
    converged = [row for row in rows if math.isfinite(row.median)]
    if len({row.batch_size for row in rows}) == 1:
        for row in rows:
            name, seeds = method_name(row.optimizer), counted(row.seeds, "seed")
            epochs = number(row.median, f"more than {comparison.plan.epochs}") + " epochs"
            yield f"{name} needs {epochs} in the median, and converged on {row.reached} of {seeds}."
        if len(rows) > 1:
            yield "The two are one method in two forms, and are not compared with each other."
        else:
            yield "A single optimizer gets no verdict."
    elif converged:
        parts = []
        for unit in ("samples", "updates", "seconds"):
            best = min(converged, key=lambda row: getattr(row, unit))
            parts.append(f"{method_name(best.optimizer)} needs the fewest {unit}")
        words = f"Across batch sizes: {joined(parts)}"
        yield f"{words} (medians, not tested; seconds depend on the machine)."
    else:
        yield "No optimizer reached the target on more than half of the seeds."
