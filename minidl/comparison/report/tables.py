"""The printed report: head, tables, the verdicts in words, and notes."""

from __future__ import annotations

import math
from collections.abc import Sequence

from minidl.comparison.analysis import Duel, Row
from minidl.comparison.report.notes import warnings_of
from minidl.comparison.report.sentences import explain
from minidl.comparison.report.view import View
from minidl.comparison.report.words import (
    between,
    counted,
    number,
    probability,
    rate,
    target_words,
    text_table,
)
from minidl.comparison.run import Setting

__all__ = ["report"]

TRIALS = (1, 2, 4, 8)


def report(comparison: View) -> str:
    """Return a comparison as text."""
    sections = [_head(comparison)]
    tuned = comparison.plan.tune != "none"
    if comparison.rows:
        sections.append(_rows(comparison))
        if tuned:
            sections.append(_trials(comparison))
        if tuned and comparison.tuned:
            sections.append(_duels("Tuned against tuned", comparison.tuned))
        if not tuned and len(comparison.flags) < len(comparison.tuned):
            sections.append(_duels("As given", comparison.tuned))
        if comparison.flags:
            sections += [_medians(comparison), _flags(comparison.flags)]
    sections.append("\n".join(explain(comparison)))
    if notes := [f"Note: {note}" for note in warnings_of(comparison)]:
        sections.append("\n".join(notes))
    return "\n\n".join(sections)


def _head(comparison: View) -> str:
    plan, target = comparison.plan, comparison.target
    lines = [f"{plan.problem}: {plan.network}, {plan.loss}, {counted(plan.rows, 'training row')}"]
    if target is not None:
        lines.append(f"converged: {target_words(plan, target)}")
    if target is not None and target.tau is not None:
        lines.append(
            f"           (a fraction {target.tau:g} of the gap from the initial loss,"
            f" {target.initial:.4g}, to the best found, {target.reference:.4g}, is left)"
        )
    seeds = counted(len(plan.tuning_seeds), "tuning seed")
    tuning = (
        f"not tuned; {seeds} for the target"
        if plan.tune == "none"
        else f"tuned: {_grid(comparison)}; {seeds}"
    )
    evaluation = counted(len(plan.seeds), "evaluation seed")
    lines.append(f"{tuning}, {evaluation}; budget {counted(plan.epochs, 'epoch')}")
    return "\n".join(lines)


def _grid(comparison: View) -> str:
    plan = comparison.plan
    grid = f"{len(plan.rates)} learning rates, {rate(plan.rates[0])} to {rate(plan.rates[-1])}"
    requested = comparison.request.get("plan", {}).get("rates", plan.rates)
    if len(requested) < len(plan.rates):
        grid += f" (grown from {len(requested)}, because the best was at an edge)"
    if plan.tune == "lr,momentum":
        grid += f", times momentum {', '.join(f'{m:g}' for m in plan.momenta)}"
    return grid


def _rows(comparison: View) -> str:
    """Return the table of optimizers, without the momentum column if none has momentum."""
    rows = [_cells(comparison, row) for row in comparison.rows]
    if all(("momentum", "-") in cells for cells in rows):
        rows = [[cell for cell in cells if cell[0] != "momentum"] for cells in rows]
    setting = "at its best learning rate" if comparison.plan.tune != "none" else "as given"
    title = (
        f"Each {setting}, on the evaluation seeds (medians; mean of min(epochs, budget);"
        " ERT: epochs spent per converged run)\n"
    )
    head = [column for column, _ in rows[0]]
    return title + text_table([head, *([text for _, text in cells] for cells in rows)])


def _cells(comparison: View, row: Row) -> list[tuple[str, str]]:
    """Return one optimizer's cells, each with the name of its column."""
    plan = comparison.plan
    updates = plan.updates(next(c for c in plan.contestants if c.name == row.optimizer))
    budget = f">{plan.epochs}"
    epochs, diverged = number(row.median, budget), f"{row.diverged}"
    if row.diverged:
        diverged += f" @ {row.diverged_at:g}"
    if 2 * row.diverged > row.seeds:
        epochs = f"diverged @ {row.diverged_at:g}"
    edge = " EDGE" if comparison.chosen[row.optimizer].edge else ""
    return [
        ("optimizer", row.optimizer),
        ("batch", str(row.batch_size)),
        ("lr", rate(row.setting.lr) + edge),
        ("momentum", "-" if row.setting.momentum is None else f"{row.setting.momentum:g}"),
        ("reached", f"{row.reached}/{row.seeds}"),
        ("epochs", epochs),
        ("95 %", between(row.interval, budget)),
        ("mean", f"{row.mean:.1f}"),
        ("95 %", between(row.mean_interval, budget, ".1f")),
        ("first hit", number(row.first_hit, budget)),
        ("ERT", "never" if math.isinf(row.running_time) else f"{row.running_time:.1f}"),
        ("diverged", diverged),
        ("updates", number(row.updates, f">{plan.epochs * updates}")),
        ("samples", number(row.samples, f">{plan.epochs * plan.rows}")),
        ("seconds", "-" if math.isinf(row.seconds) else f"{row.seconds:.3f}"),
    ]


def _trials(comparison: View) -> str:
    """Return the table of the expected best mean after fewer random trials."""
    totals = {chosen.trials for chosen in comparison.chosen.values()}
    numbers = [b for b in TRIALS if b < min(totals)] + sorted(totals)
    lines = [["trials", *map(str, numbers)]]
    for name, chosen in comparison.chosen.items():
        cells = [f"{chosen.expected[b - 1]:.1f}" if b <= chosen.trials else "" for b in numbers]
        lines.append([name, *cells])
    title = "Cost of tuning: expected best mean epochs after that many random trials, tuning seeds"
    return f"{title}\n" + text_table(lines)


def _medians(comparison: View) -> str:
    """Return the table of medians, one line per setting at which flags are swapped."""
    plan = comparison.plan
    names = [c.name for c in plan.contestants if any(c in pair for pair in plan.pairs)]
    label = _flag_label(comparison.flags)
    lines: dict[Setting | None, dict[str, str]] = {}
    for duel in comparison.flags:
        line = lines.setdefault(duel.flag, {})
        for k, name in enumerate((duel.first, duel.second)):
            median = number(duel.medians[k], f">{plan.epochs}")
            line[name] = f"{median} ({duel.reached[k]}/{duel.verdict.seeds})"
    title = "Swap the flag: one learning rate"
    momenta = {duel.flag.momentum for duel in comparison.flags if duel.flag} - {None}
    if momenta:
        title += " and momentum" if len(momenta) > 1 else f", momentum {momenta.pop():g}"
    return f"{title}; median epochs (seeds that converged)\n" + text_table(
        [[label, *names]]
        + [[_flag(flag, label), *(line.get(n, "") for n in names)] for flag, line in lines.items()]
    )


def _flags(flags: Sequence[Duel]) -> str:
    converged = [duel for duel in flags if not duel.nobody]
    title = "Swap the flag, pair by pair"
    if len(converged) < len(flags):
        title += "; settings where neither converged are left out"
    return _duels(title, converged) if converged else f"{title}: neither ever converged"


def _duels(title: str, duels: Sequence[Duel]) -> str:
    """Return the table of pairs, with the shared setting first where flags are swapped."""
    flags = duels[0].flag is not None
    label = _flag_label(duels)
    lines = [
        [_flag(duel.flag, label)] * flags
        + [
            f"{duel.first} - {duel.second}",
            f"{duel.verdict.difference:+.1f}",
            between(duel.verdict.interval if duel.verdict.seeds > 1 else None, "", "+.1f"),
            probability(duel.verdict.p),
            f"{duel.faster:.2f}",
            duel.word,
        ]
        for duel in duels
    ]
    head = [label] * flags + ["pair", "difference", "95 %", "p", "P(first faster)", "verdict"]
    return f"{title} (in epochs; p after Holm, for {duels[0].corrected_for})\n" + text_table(
        [head, *lines], left=(0, 1) if flags else (0,), last_left=True
    )


def _flag_label(duels: Sequence[Duel]) -> str:
    momenta = {duel.flag.momentum for duel in duels if duel.flag}
    return "lr" if len(momenta - {None}) <= 1 else "lr, momentum"


def _flag(flag: Setting | None, label: str) -> str:
    if flag is None:
        return ""
    both = label != "lr" and flag.momentum is not None
    return rate(flag.lr) + (f", {flag.momentum:g}" if both else "")
