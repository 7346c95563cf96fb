"""One screen: the answer, a line for each optimizer and each pair, and what to beware of."""

import importlib.util
import math
import re
import shlex
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np

from minidl.comparison.analysis import Results
from minidl.comparison.duels import Duel
from minidl.comparison.engine import engine_text
from minidl.comparison.modifiers import modifier_flags, modifier_words
from minidl.comparison.plan import Plan
from minidl.comparison.report.answer import answer
from minidl.comparison.report.facts import best_row
from minidl.comparison.report.pitfalls import warnings_of
from minidl.comparison.report.sentences import stopping
from minidl.comparison.report.words import (
    WIDTH,
    between,
    curve_name,
    method_name,
    number,
    rate,
    text_table,
    verdict_words,
    wrapped,
)
from minidl.comparison.rows import Row
from minidl.comparison.run import Run
from minidl.comparison.stats.hitting import median
from minidl.datasets import DATASETS
from minidl.optim import TABLE
from minidl.text import counted

LINES, BAR = 25, 14
PAIRS, NOTES = 6, 4  # lines of pairs and of notes
PAIR = ["pair", "mean difference", "95 %", "verdict"]
# Options of compare and of train that say what is trained on which rows.
PROBLEM = {"--rows", "--noise", "--test-size", "--hidden", "--activation", "--loss"}
PROBLEM |= {"--target-column", "--task", "--features", "--drop", "--header", "--no-header"}
PROBLEM |= {"--missing", "--categorical", "--separator", "--decimal"}
FULL = {"bar": ""}  # titles, where they are not the names of the cells
SHORT = {**FULL, "epochs to goal": "epochs", "validation: accuracy": "validation: acc."}


def screen(
    comparison: Results, *, commands: bool = False, typed: Sequence[str] = (), width: int = WIDTH
) -> str:
    """Return a comparison on at most 25 lines of at most `width` characters, 80 to 100.

    With `commands`, the last lines say what to type next, on the same problem as the command
    `typed`.
    """
    sections = [head(comparison, width), [f"  {line}" for line in _answer(comparison, width - 2)]]
    if comparison.rows:
        sections.append(_rows(comparison, width))
        sections += [_pairs(comparison, width)] if comparison.tuned else []
    commands_shown = _commands(comparison, typed, width) if commands else []
    room = LINES - sum(map(len, [*sections, commands_shown]))
    plan = comparison.plan
    if room > NOTES and comparison.tuned and plan.on_grid and len(plan.rates) > 1:
        seeds = comparison.tuned[0].verdict.seeds
        note = f"(differences of {seeds} seeds, each at the rates that the others choose)"
        sections[-1].append(note)
        room -= 1
    sections += [_beware(comparison, width, max(1, room)), commands_shown]
    return _fitted([section for section in sections if section])


def _fitted(sections: list[list[str]]) -> str:
    """Return the sections with empty lines between them, as far as these fit on the screen."""
    gaps = LINES - sum(map(len, sections))
    text = ""
    for k, section in enumerate(sections):
        separator = "\n\n" if k and k <= gaps else "\n"
        text += (separator if k else "") + "\n".join(section)
    return text


def network_words(plan: Plan) -> str:
    """Return a network in short, such as "2-16-16-1 tanh", or as it prints."""
    dense = re.findall(r"Dense\((\d+), (\d+)\)", plan.network)
    layers = re.sub(r"Dense\(\d+, \d+\)|Sequential|[(), ]+", " ", plan.network).split()
    chained = all(a[1] == b[0] for a, b in pairwise(dense))
    if not dense or not chained or len(set(layers)) > 1:
        return plan.network if len(plan.network) <= 60 else f"{plan.network[:57]}..."
    widths = [dense[0][0], *(out for _, out in dense)]
    return " ".join(["-".join(widths), *(name.lower() for name in dict.fromkeys(layers))])


def head(comparison: Results, width: int) -> list[str]:
    """Return the lines on what was compared, and on the goal."""
    plan, target = comparison.plan, comparison.target
    sizes = list(dict.fromkeys(str(c.batch_size) for c in plan.contestants))
    batch = f"batch {sizes[0]}" if len(sizes) == 1 else f"batches {', '.join(sizes)}"
    seeds = f"{counted(len(plan.seeds), 'seed')} judge"
    tuning = counted(len(plan.tuning_seeds), "other")
    chose = "chose the trials" if plan.trials else "chose the rates"
    seeds += f", {tuning} {chose if plan.tune != 'none' else 'set the goal'}"
    rows = counted(plan.rows, "training row")
    changed = modifier_words(plan.modifiers)
    words = f"{plan.problem}, {rows}, {network_words(plan)}, {batch}{changed}; {seeds}"
    lines = wrapped(words, width)
    if target is not None:
        sign = ">=" if plan.goal.rises else "<="
        sustained = f", held for {plan.sustained} epochs" if plan.sustained > 1 else ""
        goal = f"Goal: {curve_name(plan)} {sign} {target.value:.4g}{sustained}"
        goal += f", within {counted(plan.epochs, 'epoch')}"
        lines += wrapped(f"{goal}; engine: {engine_text(comparison)}", width)
    return [*lines, *(line for words in stopping(comparison) for line in wrapped(words, width))]


def _answer(comparison: Results, width: int) -> Iterator[str]:
    for sentence in answer(comparison):
        yield from wrapped(sentence, width)


def _rows(comparison: Results, width: int) -> list[str]:
    """Return the table of optimizers, with a bar for the median as far as it fits."""
    table = [cells_of(comparison, row) for row in comparison.rows]
    names = [name for name in table[0] if any(row[name] for row in table)]

    def lines(titles: Mapping[str, str], bar: int) -> list[str]:
        shown = [name for name in names if name != "bar" or bar > 1]
        rows = [[titles.get(name, name) for name in shown]]
        for row in table:
            cells = {**row, "bar": row["bar"][: math.ceil(len(row["bar"]) * bar / BAR)]}
            rows.append([cells[name] for name in shown])
        left = (0, shown.index("bar")) if "bar" in shown else (0,)
        return text_table(rows, left, width=width).split("\n")

    tried = (lines(*look) for look in [(FULL, BAR), (SHORT, BAR), (SHORT, BAR // 2), (SHORT, 0)])
    return next((table_lines for table_lines in tried if "" not in table_lines), lines(SHORT, 0))


def cells_of(comparison: Results, row: Row) -> dict[str, str]:
    """Return the cells of one optimizer by the titles of columns; empty columns are left out."""
    plan, setting, chosen = comparison.plan, row.setting, comparison.chosen
    longest = max((r.median for r in comparison.rows if math.isfinite(r.median)), default=1.0)
    momenta = {r.setting.momentum for r in comparison.rows} - {None}
    several = len(momenta) > 1 or plan.tune == "lr,momentum"
    sizes = len({c.batch_size for c in plan.contestants}) > 1
    budget = f">{plan.epochs}"
    bar = max(1, round(BAR * row.median / longest)) if 0 < row.median < math.inf else 0
    runs = comparison.evaluation_runs(plan.contestant(row.optimizer), setting)
    cells = {
        "optimizer": row.optimizer,
        "batch": str(row.batch_size) if sizes else "",
        "rate": rate(setting.lr) + (" EDGE" if chosen[row.optimizer].edge else ""),
        "momentum": "" if setting.momentum is None or not several else f"{setting.momentum:g}",
        "arrived": f"{row.reached}/{row.seeds}",
        "epochs to goal": _epochs(row, budget),
        "95 %": between(row.interval, budget),
        "bar": "#" * bar,
    }
    twins = [comparison.twins[run.key] for run in runs if run.key in comparison.twins]
    return cells | _held_out(runs, twins if len(twins) == len(runs) else [])


def _held_out(runs: Sequence[Run], twins: Sequence[Run]) -> dict[str, str]:
    """Return the medians at the end; with ~ and two digits if the twins have others."""
    titles = {"validation_accuracy": "validation: accuracy", "validation_loss": "loss"}
    ends = {column: (_at_the_end(runs, column), _at_the_end(twins, column)) for column in titles}
    cells = {titles[column]: end for column, (end, _) in ends.items()}
    if not twins or all(end == of_twins for end, of_twins in ends.values()):
        return cells
    if any("diverged" in pair for pair in ends.values()):
        return cells
    means = {c: np.mean([float(x) for x in pair]) for c, pair in ends.items() if pair[0]}
    return cells | {titles[column]: f"~{mean:.2f}" for column, mean in means.items()}


def _epochs(row: Row, budget: str) -> str:
    """Return the median, or in which epoch most runs diverged."""
    if 2 * row.diverged > row.seeds:
        return f"diverged @ {row.diverged_at:g}"
    return number(row.median, budget)


def _at_the_end(runs: Sequence[Run], column: str) -> str:
    """Return the median of a column after the last epoch; empty if it was not measured."""
    if not runs or any(column not in run.curves for run in runs):
        return ""
    # A run that diverged is worse than every other one; an accuracy then counts as 0.
    worst = 0.0 if "accuracy" in column else math.inf
    ends = [worst if r.diverged_at is not None else float(r.curves[column][-1]) for r in runs]
    return number(median(ends), "diverged", ".3f")


def _pairs(comparison: Results, width: int) -> list[str]:
    """Return the table of pairs; of many, those of the fastest optimizer."""
    duels = comparison.tuned
    best = best_row(comparison.rows, duels)
    shown = duels
    if len(duels) > PAIRS and best is not None:
        shown = [duel for duel in duels if best.optimizer in (duel.first, duel.second)]
    lines = [PAIR, *map(pair_cells, shown[:PAIRS])]
    left = len(duels) - len(lines) + 1
    remark = [f"({counted(left, 'more pair')}: --details)"] if left else []
    return [*text_table(lines, (0, 3), width=width).split("\n"), *remark]


def pair_cells(duel: Duel) -> list[str]:
    """Return the cells of one pair, in the columns `PAIR`."""
    low, high = duel.verdict.interval
    interval = f"{low:+.1f} to {high:+.1f}" if duel.verdict.seeds > 1 else "-"
    numbers = [f"{duel.verdict.difference:+.1f}", interval]
    numbers = ["-", "-"] if duel.word == "chaotic" else numbers
    return [f"{duel.first} - {duel.second}", *numbers, verdict_words(duel)]


def cautions(comparison: Results) -> list[str]:
    """Return the cautions, the most important first."""
    return [*_fastest_is_not_best(comparison), *warnings_of(comparison)]


def _beware(comparison: Results, width: int, room: int) -> list[str]:
    """Return the cautions on at most so many lines, the most important first."""
    texts = [wrapped(f"Beware: {note}", width, "  ") for note in cautions(comparison)]
    if sum(map(len, texts)) <= min(NOTES, room):
        return [line for text in texts for line in text]
    lines: list[str] = []
    for k, text in enumerate(texts):
        if len(lines) + len(text) > min(NOTES, room - 1):
            left = counted(len(texts) - k, "more note")
            return [*lines, f"({left}: --details)"]
        lines += text
    return lines


def _fastest_is_not_best(comparison: Results) -> Iterator[str]:
    rows = {row.optimizer: cells_of(comparison, row)["loss"] for row in comparison.rows}
    best = best_row(comparison.rows, comparison.tuned)
    shown = {name: loss for name, loss in rows.items() if loss not in ("", "diverged")}
    losses = {name: float(loss.removeprefix("~")) for name, loss in shown.items()}
    margin = 1.01 if all("~" not in loss for loss in shown.values()) else 1.1
    if best is None or len(losses) < 2 or best.optimizer not in losses:
        return
    rivals = [loss for name, loss in losses.items() if name != best.optimizer]
    if losses[best.optimizer] > margin * max(rivals):
        name, epochs = method_name(best.optimizer), counted(comparison.plan.epochs, "epoch")
        yield f"fastest is not best: {name} has the highest validation loss after {epochs}."


def _commands(comparison: Results, typed: Sequence[str], width: int) -> list[str]:
    """Return the commands to type next; `typed` is the command that was typed."""
    plan, lines = comparison.plan, []
    best = best_row(comparison.rows, comparison.tuned)
    entries = {name: entry for entry in TABLE for name in (entry.name, *entry.aliases)}
    options = _kept(typed, PROBLEM if plan.problem in DATASETS else {*PROBLEM, "--dataset"})
    if best is not None and best.optimizer in entries and (plan.problem in DATASETS or typed):
        words = ["minidl", "train"]
        if plan.problem in DATASETS and plan.problem != "moons":
            words += ["--dataset", plan.problem]
        words += ["--optimizer", best.optimizer, "--lr", rate(best.setting.lr)]
        if best.setting.momentum not in (None, entries[best.optimizer].default_momentum):
            words += ["--momentum", f"{best.setting.momentum:g}"]
        entry = entries[best.optimizer].optimizer
        words += modifier_flags(plan.modifiers, entry, best.setting.momentum)
        if best.batch_size != entries[best.optimizer].batch_size:
            words += ["--batch-size", str(best.batch_size)]
        runs = comparison.evaluation_runs(plan.contestant(best.optimizer), best.setting)
        classifies = any("train_accuracy" in run.curves for run in runs)
        if plan.problem not in DATASETS and not classifies:
            words += ["--l2", "0"]  # train would add a penalty, and compare has none
        if "--plot" not in options and importlib.util.find_spec("matplotlib"):
            options += ["--plot", f"{Path(plan.problem).stem}-{best.optimizer}.png"]
        line = f"next: {shlex.join([*words, *options])}"
        lines += " \\\n".join(wrapped(line, width - 2, "      ")).split("\n")
    sizes = {c.batch_size for c in plan.contestants}
    batches = "   --batch-sizes full,32,1" if len(sizes) == 1 else ""
    return [*lines, f"more: --details   --plot FILE   --report FILE{batches}"]


def _kept(typed: Sequence[str], flags: Collection[str]) -> list[str]:
    """Return the options of a command that are among `flags`, with their values."""
    options: list[str] = []
    inside = False
    for word in typed:
        if word.startswith("--"):
            inside = word.split("=")[0] in flags
        if inside:
            options.append(word)
    return options
