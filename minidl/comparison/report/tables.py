"""The printed report: head, tables, the verdicts in words, and notes."""

import math
from collections.abc import Iterable, Iterator, Sequence

from minidl.comparison.analysis import Results
from minidl.comparison.curves import tuning_curves
from minidl.comparison.duels import Duel
from minidl.comparison.engine import engine_text
from minidl.comparison.modifiers import modifier_words
from minidl.comparison.report.pitfalls import warnings_of
from minidl.comparison.report.sentences import explain, stopping
from minidl.comparison.report.words import (
    WIDTH,
    between,
    number,
    rate,
    target_words,
    text_table,
    verdict_words,
    wrapped,
)
from minidl.comparison.rows import Row
from minidl.comparison.run import Setting
from minidl.comparison.stats.spending import error_share
from minidl.comparison.stats.verdicts import confidence_of
from minidl.text import counted

TRIALS = (1, 2, 4, 8, 16)


def report(comparison: Results, width: int = WIDTH) -> str:
    """Return a comparison as text of at most `width` columns."""
    tuned, flags = comparison.plan.tune != "none", comparison.flags
    sections = [_head(comparison, width)]
    if comparison.rows:
        sections.append(_rows(comparison, width))
        if tuned:
            sections.append(_trials(comparison, width))
        if comparison.tuned and (tuned or len(flags) < len(comparison.tuned)):
            title = "Tuned against tuned" if tuned else "As given"
            if comparison.plan.trials:
                title += ": trials chosen on the tuning seeds, tested on the evaluation seeds"
            sections.append(_duels(title, comparison.tuned, width))
        if flags:
            sections += [_medians(comparison, width), _flags(flags, width)]
    sections.append(_paragraph(explain(comparison), width))
    if notes := [f"Note: {note}" for note in warnings_of(comparison)]:
        sections.append(_paragraph(notes, width))
    return "\n\n".join(sections)


def _paragraph(sentences: Iterable[str], width: int) -> str:
    """Return each sentence on separate lines."""
    return "\n".join(line for words in sentences for line in wrapped(words, width, "  "))


def _titled(title: str, width: int, table: str) -> str:
    return "\n".join([*wrapped(title, width), table])


def _head(comparison: Results, width: int) -> str:
    plan, target = comparison.plan, comparison.target
    lines = [f"{plan.problem}: {plan.network}, {plan.loss}, {counted(plan.rows, 'training row')}"]
    lines[0] += modifier_words(plan.modifiers)
    if target is not None:
        lines.append(f"converged: {target_words(plan, target)}")
        if target.tau is not None:
            start, best = f"{target.initial:.4g}", f"{target.reference:.4g}"
            gap = f"the gap from the initial loss, {start}, to the best found, {best}"
            lines.append(f"  (a fraction {target.tau:g} of {gap}, is left)")
    seeds = counted(len(plan.tuning_seeds), "tuning seed")
    tuning = f"not tuned; {seeds} for the target"
    if plan.tune != "none":
        tuning = f"tuned: {_tried(comparison)}; {seeds}"
    evaluation = counted(len(plan.seeds), "evaluation seed")
    lines.append(f"{tuning}, {evaluation}; budget {counted(plan.epochs, 'epoch')}")
    lines.append(f"engine: {engine_text(comparison)}")
    return _paragraph([*lines, *stopping(comparison), *_spending(comparison)], width)


def _spending(comparison: Results) -> Iterator[str]:
    """Yield what the look at which a comparison ended has done to p and intervals."""
    plan = comparison.plan
    if plan.looks and comparison.complete:
        share = error_share(plan.looks, len(plan.seeds))
        times, percent = f"{1 / share:.3g}", f"{100 * confidence_of(share):.4g} %"
        words = f"At this look p is multiplied by {times}, and intervals have {percent} confidence"
        yield f"{words}: over all looks that is an error of at most 5 %."


def _tried(comparison: Results) -> str:
    """Return the settings tried for each optimizer: a grid, or random trials."""
    plan, rates = comparison.plan, comparison.plan.rates
    span = f"{rate(rates[0])} to {rate(rates[-1])}"
    momenta = ", ".join(f"{momentum:g}" for momentum in plan.momenta)
    if plan.trials:
        trials = counted(len(plan.trials), "random trial")
        return f"{trials}, lr / (1 - momentum) from {span}, momentum {momenta}"
    tried = f"{len(rates)} learning rates, {span}"
    requested = len(comparison.request.get("plan", {}).get("rates", rates))
    if requested < len(rates):
        tried += f" (grown from {requested}, because the best was at an edge)"
    return f"{tried}, times momentum {momenta}" if momenta else tried


def _rows(comparison: Results, width: int) -> str:
    """Return the table of optimizers, without the momentum column if none has momentum."""
    rows = [_cells(comparison, row) for row in comparison.rows]
    if all(("momentum", "-") in cells for cells in rows):
        rows = [[cell for cell in cells if cell[0] != "momentum"] for cells in rows]
    plan, setting = comparison.plan, "as given"
    if plan.tune != "none":
        setting = "at its best trial" if plan.trials else "at its best learning rate"
    explained = "medians; mean of min(epochs, budget); ERT: epochs spent per converged run"
    table = [[title for title, _ in rows[0]], *([cell for _, cell in row] for row in rows)]
    title = f"Each {setting}, on the evaluation seeds ({explained})"
    return _titled(title, width, text_table(table, width=width))


def _cells(comparison: Results, row: Row) -> list[tuple[str, str]]:
    """Return one optimizer's cells, each with the name of its column."""
    plan = comparison.plan
    updates, budget = plan.updates(plan.contestant(row.optimizer)), f">{plan.epochs}"
    epoch = f" @ {row.diverged_at:g}" if row.diverged else ""
    diverged = 2 * row.diverged > row.seeds
    edge = " EDGE" if comparison.chosen[row.optimizer].edge else ""
    edge += " chaotic" if row.chaotic else ""
    return [
        ("optimizer", row.optimizer),
        ("batch", str(row.batch_size)),
        ("lr", rate(row.setting.lr) + edge),
        ("momentum", "-" if row.setting.momentum is None else f"{row.setting.momentum:g}"),
        ("reached", f"{row.reached}/{row.seeds}"),
        ("epochs", f"diverged{epoch}" if diverged else number(row.median, budget)),
        ("95 %", between(row.interval, budget)),
        ("mean", f"{row.mean:.1f}"),
        ("95 %", between(row.mean_interval, budget, ".1f")),
        ("first hit", number(row.first_hit, budget)),
        ("ERT", number(row.running_time, "never", ".1f")),
        ("diverged", f"{row.diverged}{epoch}"),
        ("updates", number(row.updates, f">{plan.epochs * updates}")),
        ("samples", number(row.samples, f">{plan.epochs * plan.rows}")),
        ("seconds", number(row.seconds, "-", ".3f")),
    ]


def _trials(comparison: Results, width: int) -> str:
    """Return the table of the expected best mean after fewer random trials, with intervals."""
    curves = tuning_curves(comparison)
    totals = {len(curve) for curve in curves.values()}
    numbers = [b for b in TRIALS if b < min(totals)] + sorted(totals)
    lines = [["trials", *(word for name in curves for word in (name, "95 %"))]]
    for b in numbers:
        cells = [str(b)]
        for curve in curves.values():
            best, low, high = curve[b - 1] if b <= len(curve) else (math.nan,) * 3
            cells.append("" if math.isnan(best) else f"{best:.1f}")
            cells.append("" if math.isnan(low) else between((low, high), "", ".1f"))
        lines.append(cells)
    title = "Cost of tuning: expected best mean epochs after that many random trials, tuning seeds"
    return _titled(title, width, text_table(lines, left=(), width=width))


def _medians(comparison: Results, width: int) -> str:
    """Return the table of medians, one line per setting at which flags are swapped."""
    plan, flags = comparison.plan, comparison.flags
    swapped = {name for duel in flags for name in (duel.first, duel.second)}
    names = [c.name for c in plan.contestants if c.name in swapped]
    title = "Swap the flag: one learning rate"
    momenta = {duel.flag.momentum for duel in flags if duel.flag} - {None}
    if momenta:
        title += " and momentum" if len(momenta) > 1 else f", momentum {momenta.pop():g}"
    title += ", by lr / (1 - momentum)" * bool(plan.trials)
    label, *settings = _settings(flags)
    words = {duel.flag: setting for duel, setting in zip(flags, settings, strict=True)}
    lines: dict[Setting | None, list[str]] = {}
    for duel, flag in [(d, flag) for d in flags for flag in _lines_of(d.flag, words)]:
        line = lines.setdefault(flag, [words[flag]] + [""] * len(names))
        for k, name in enumerate((duel.first, duel.second)):
            median = number(duel.medians[k], f">{plan.epochs}")
            cell = f"{median} ({duel.reached[k]}/{duel.verdict.seeds})"
            chaotic = duel.settings[k] in comparison.chaotic[name]
            line[1 + names.index(name)] = "chaotic" if chaotic else cell
    table = text_table([[label, *names], *lines.values()], width=width)
    return _titled(f"{title}; median epochs (seeds that converged)", width, table)


def _lines_of(flag: Setting | None, flags: Iterable[Setting | None]) -> list[Setting | None]:
    """Return the lines of a pair's setting: without momentum, those of others at that rate."""
    if flag is None or flag.momentum is not None:
        return [flag]
    return [f for f in flags if f and f.lr == flag.lr and f.momentum is not None] or [flag]


def _flags(flags: Sequence[Duel], width: int) -> str:
    steady = [duel for duel in flags if duel.word != "chaotic"]
    converged = [duel for duel in steady if not duel.nobody]
    title = "Swap the flag, pair by pair"
    if len(converged) < len(steady):
        title += "; settings where neither converged are left out"
    if len(steady) < len(flags):
        title += "; chaotic settings are left out"
    if not converged:
        return _paragraph([f"{title}: neither ever converged" if steady else title], width)
    return _duels(title, converged, width)


def _duels(title: str, duels: Sequence[Duel], width: int) -> str:
    """Return the table of pairs, with the shared setting first where flags are swapped."""
    lines = [["pair", "difference", "95 %", "p", "P(first faster)", "verdict"]]
    for duel in duels:
        chaotic = duel.word == "chaotic"
        interval = duel.verdict.interval if duel.verdict.seeds > 1 and not chaotic else None
        pair, difference = f"{duel.first} - {duel.second}", f"{duel.verdict.difference:+.1f}"
        difference = "-" if chaotic else difference
        p, faster = probability(duel.verdict.p), f"{duel.faster:.2f}"
        lines.append([pair, difference, between(interval, "", "+.1f"), p, faster])
        lines[-1].append(verdict_words(duel))
    if duels[0].flag is not None:
        lines = [[setting, *line] for setting, line in zip(_settings(duels), lines, strict=True)]
    keys, method = (1, "Holm") if duels[0].flag is None else (2, "step-down")
    table = text_table(lines, (0, -6, -1), width=width, keys=keys)  # setting, pair and verdict
    title += f" (in epochs; p after {method}, for {duels[0].corrected_for})"
    return _titled(title, width, table)


def probability(p: float) -> str:
    """Return a p-value with two digits."""
    return f"{p:.2g}" if p >= 0.001 else f"{p:.1e}"


def _settings(duels: Sequence[Duel]) -> list[str]:
    """Return the title of the column of shared settings, and its cells."""
    flags = [duel.flag for duel in duels if duel.flag is not None]
    if len({flag.momentum for flag in flags} - {None}) <= 1:
        return ["lr", *(rate(flag.lr) for flag in flags)]
    momenta = ["" if flag.momentum is None else f", {flag.momentum:g}" for flag in flags]
    return ["lr, momentum", *(rate(f.lr) + m for f, m in zip(flags, momenta, strict=True))]
