"""A comparison as text: what was asked, two verdicts in tables, and what they mean in words."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from minidl.comparison.analysis import Duel, Row
from minidl.comparison.report.notes import warnings_of
from minidl.comparison.report.sentences import explain
from minidl.comparison.report.words import between, counted, number, probability, rate, text_table
from minidl.comparison.run import Setting

if TYPE_CHECKING:
    from minidl.comparison.result import Comparison

__all__ = ["report"]


def report(comparison: Comparison) -> str:
    """Return a comparison as text."""
    parts = [_head(comparison)]
    if comparison.rows:
        parts.append(_rows(comparison))
        if comparison.plan.tune != "none":
            parts.append(_trials(comparison))
        if comparison.plan.tune != "none" and comparison.tuned:
            parts.append(_duels("Tuned against tuned", comparison.tuned))
        if comparison.plan.tune == "none" and len(comparison.flags) < len(comparison.tuned):
            parts.append(_duels("As given", comparison.tuned))
        if comparison.flags:
            parts += [_medians(comparison), _duels(*_flag_head(comparison.flags))]
    parts.append("\n".join(explain(comparison)))
    if notes := list(warnings_of(comparison)):
        parts.append("\n".join(f"Note: {note}" for note in notes))
    return "\n\n".join(parts)


def _head(comparison: Comparison) -> str:
    plan, target = comparison.plan, comparison.target
    lines = [f"{plan.problem}: {plan.network}, {plan.loss}, {counted(plan.rows, 'training row')}"]
    if target is not None:
        lines.append(f"converged: {_target_words(comparison)}")
    judges = f"{counted(len(plan.seeds), 'other')} {'judges' if len(plan.seeds) == 1 else 'judge'}"
    budget = f"budget {counted(plan.epochs, 'epoch')}"
    tuning = len(plan.tuning_seeds)
    if plan.tune == "none":
        settle = f"{counted(tuning, 'seed')} {'settles' if tuning == 1 else 'settle'} the target"
        lines.append(f"nothing is tuned; {settle}, {judges}; {budget}")
    else:
        lines.append(
            f"tuned: {_grid(comparison)}; {counted(tuning, 'tuning seed')}, {judges}; {budget}"
        )
    return "\n".join(lines)


def _grid(comparison: Comparison) -> str:
    plan = comparison.plan
    grid = f"{len(plan.rates)} learning rates, {rate(plan.rates[0])} to {rate(plan.rates[-1])}"
    asked = comparison.asked.get("plan", {}).get("rates", plan.rates)
    if len(asked) < len(plan.rates):
        grid += f" (grown from {len(asked)}, the best having been at an edge)"
    if plan.tune == "lr,momentum":
        grid += f", times momentum {', '.join(f'{m:g}' for m in plan.momenta)}"
    return grid


def _target_words(comparison: Comparison) -> str:
    plan, target = comparison.plan, comparison.target
    assert target is not None
    sign = ">=" if plan.goal.rises else "<="
    what = plan.goal.column.replace("_", " ").replace("train ", "training ")
    held = f", for {plan.sustained} epochs in a row" if plan.sustained > 1 else ""
    words = f"{what} {sign} {target.value:.4g}{held}"
    if target.tau is not None:
        words += (
            f"\n           (a share of {target.tau:g} is left of the way from {target.initial:.4g}"
            f" at the start to {target.reference:.4g}, the best found)"
        )
    return words


def _rows(comparison: Comparison) -> str:
    plan = comparison.plan
    tuned = plan.tune != "none"
    head = ["optimizer", "batch", "lr", "momentum", "reached", "epochs", "95 %", "mean", "95 %"]
    head += ["first hit", "ERT", "diverged", "updates", "samples", "seconds"]
    lines = [_cells(comparison, row) for row in comparison.rows]
    if all(line[3] == "-" for line in lines):
        head, lines = _without(head, 3), [_without(line, 3) for line in lines]
    title = "Each at its best learning rate" if tuned else "Each as given"
    title += ", on the seeds that judge (medians; mean of min(epochs, budget);"
    return f"{title} ERT: epochs spent for an arrival)\n" + text_table([head, *lines])


TRIALS = (1, 2, 4, 8)


def _trials(comparison: Comparison) -> str:
    """Return what fewer random trials would have given: the expected best mean on tuning seeds."""
    all_of_them = {chosen.trials for chosen in comparison.chosen.values()}
    numbers = [b for b in TRIALS if b < min(all_of_them)] + sorted(all_of_them)
    lines = [["trials", *map(str, numbers)]]
    for name, chosen in comparison.chosen.items():
        cells = [f"{chosen.expected[b - 1]:.1f}" if b <= chosen.trials else "" for b in numbers]
        lines.append([name, *cells])
    title = "What tuning costs: expected best mean epochs of so many random trials, tuning seeds"
    return f"{title}\n" + text_table(lines)


def _without(cells: Sequence[str], k: int) -> list[str]:
    return [*cells[:k], *cells[k + 1 :]]


def _cells(comparison: Comparison, row: Row) -> list[str]:
    E = comparison.plan.epochs
    edge = " EDGE" if comparison.chosen[row.optimizer].edge else ""
    lost = f"{row.diverged}" if not row.diverged else f"{row.diverged} @ {row.diverged_at:g}"
    never = f">{E}"
    total = E * comparison.plan.updates(
        next(c for c in comparison.plan.contestants if c.name == row.optimizer)
    )
    epochs = number(row.median, never)
    if 2 * row.diverged > row.seeds:
        epochs = f"diverged @ {row.diverged_at:g}"
    return [
        row.optimizer,
        str(row.batch_size),
        rate(row.setting.lr) + edge,
        "-" if row.setting.momentum is None else f"{row.setting.momentum:g}",
        f"{row.reached}/{row.seeds}",
        epochs,
        between(row.interval, never),
        f"{row.mean:.1f}",
        between(row.mean_interval, never, ".1f"),
        number(row.first_hit, never),
        "never" if math.isinf(row.running_time) else f"{row.running_time:.1f}",
        lost,
        number(row.updates, f">{total}"),
        number(row.samples, f">{E * comparison.plan.rows}"),
        "-" if math.isinf(row.seconds) else f"{row.seconds:.3f}",
    ]


def _flag_head(flags: Sequence[Duel]) -> tuple[str, list[Duel]]:
    told = [duel for duel in flags if not duel.nobody]
    where = "" if len(told) == len(flags) else "; where neither ever arrived, nothing is said"
    return f"Swap the flag, pair by pair{where}", told


def _medians(comparison: Comparison) -> str:
    """Return the table of medians, a line for each setting at which flags are swapped."""
    plan = comparison.plan
    names = [c.name for c in plan.contestants if any(c in pair for pair in plan.pairs)]
    label = _flag_label(comparison.flags)
    found: dict[Setting | None, dict[str, str]] = {}
    for duel in comparison.flags:
        line = found.setdefault(duel.flag, {})
        for k, name in enumerate((duel.first, duel.second)):
            reached = duel.reached[k]
            cell = number(duel.medians[k], f">{plan.epochs}")
            line[name] = f"{cell} ({reached}/{duel.verdict.seeds})"
    lines = [
        [_flag(flag, label), *(cells.get(name, "") for name in names)]
        for flag, cells in found.items()
    ]
    title = "Swap the flag: one learning rate"
    momenta = {duel.flag.momentum for duel in comparison.flags if duel.flag} - {None}
    if momenta:
        title += " and momentum" if len(momenta) > 1 else f", momentum {momenta.pop():g}"
    title += "; median epochs, and on how many seeds it arrived"
    return f"{title}\n" + text_table([[label, *names], *lines])


def _flag_label(duels: Sequence[Duel]) -> str:
    momenta = {duel.flag.momentum for duel in duels if duel.flag}
    return "lr" if len(momenta - {None}) <= 1 else "lr, momentum"


def _flag(flag: Setting | None, label: str) -> str:
    if flag is None:
        return ""
    both = label != "lr" and flag.momentum is not None
    return rate(flag.lr) + (f", {flag.momentum:g}" if both else "")


def _duels(title: str, duels: Sequence[Duel]) -> str:
    if not duels:
        return f"{title}: none of the pairs ever arrived"
    flags = duels[0].flag is not None
    head = ["pair", "difference", "95 %", "p", "P(first faster)", "verdict"]
    lines = [
        [
            f"{duel.first} - {duel.second}",
            f"{duel.verdict.difference:+.1f}",
            between(duel.verdict.interval if duel.verdict.seeds > 1 else None, "", "+.1f"),
            probability(duel.verdict.p),
            f"{duel.faster:.2f}",
            duel.word,
        ]
        for duel in duels
    ]
    if flags:
        label = _flag_label(duels)
        head = [label, *head]
        lines = [[_flag(duel.flag, label), *line] for duel, line in zip(duels, lines, strict=True)]
    return f"{title} (in epochs; p after Holm, for {duels[0].corrected_for})\n" + text_table(
        [head, *lines], left=(0, 1) if flags else (0,), last_left=True
    )
