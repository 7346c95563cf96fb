"""The numbers, labels, colours and dashes of a plot, computed without matplotlib."""

import math
from collections.abc import Iterable, Mapping, Sequence
from itertools import zip_longest
from typing import Any, NamedTuple

import numpy as np

from minidl.comparison.analysis import Results
from minidl.comparison.goal import Target
from minidl.comparison.modifiers import modifier_words
from minidl.comparison.profile import Profile
from minidl.comparison.report.answer import headline
from minidl.comparison.report.facts import good_rates, steady_means, times_by_rate
from minidl.comparison.report.screen import network_words
from minidl.comparison.report.words import number, rate, target_words, wrapped
from minidl.comparison.rows import Row
from minidl.comparison.stats.hitting import Floats, restricted_mean
from minidl.comparison.stats.profiles import ecdf_steps
from minidl.errors import DataError, cut
from minidl.plots.inks import ink, inked_looks
from minidl.text import counted

WIDTH, LETTERS = 10.0, 104  # of the figure: in inches, and letters of a title
FINE = 120  # letters of a line below the panels
SIZE = 7  # of all markers of optimizers
NICE = (1, 2, 3, 4, 5, 6, 8, 10)  # first digits of a number of epochs at which an axis may end
Keywords = dict[str, Any]  # of matplotlib's Line2D
Entry = tuple[Keywords, str]  # of a legend
TARGET: Keywords = {"color": "0.5", "linewidth": 1.2, "linestyle": (0, (4, 3))}
BUDGET: Keywords = {"color": "0.5", "linewidth": 1.2, "linestyle": ":"}
POINT: Keywords = {"markeredgecolor": "black", "linestyle": "none"}
CROSS: Keywords = {"marker": "x", "markersize": 8, "linestyle": "none"}
BAND: Keywords = {"linestyle": "-", "linewidth": 9, "solid_capstyle": "round"}
MARKER: Keywords = {"color": "0.7", "marker": "o", "markersize": SIZE, **POINT}


def target_of(comparison: Results) -> Target:
    """Return the target, or raise DataError if an interruption came before it was known."""
    if comparison.target is None:
        problem = f"the comparison on {comparison.plan.problem} cannot be drawn"
        hint = "Finish its tuning runs: compare with the same file resumes them."
        raise DataError(f"{problem}: it was interrupted before its target was known", hint=hint)
    return comparison.target


def quartiles(curves: Sequence[Floats]) -> Floats:
    """Return lower quartile, median and upper quartile per epoch of the curves that go so far."""
    table = np.array(list(zip_longest(*curves, fillvalue=np.nan)))
    return np.asarray(np.nanquantile(table, (0.25, 0.5, 0.75), axis=1))


def stairs(values: Floats, start: float, end: float) -> tuple[Floats, Floats]:
    """Return the corners of the share of values <= x, for x from `start` to `end`."""
    corners, shares = ecdf_steps(values)
    inside = corners <= end
    x = np.concatenate([[start], corners[inside], [end]])
    return x, np.concatenate([[0.0], shares[inside], [np.mean(values <= end)]])


def spaced(rates: Sequence[float], factor: float) -> list[float]:
    """Return the learning rates that are at least `factor` times the one before."""
    apart = [rates[0]]
    for lr in rates:
        if lr >= 0.999 * factor * apart[-1]:
            apart.append(lr)
    return apart


def samples_per_epoch(comparison: Results) -> int:
    """Return the samples in an epoch if batch sizes differ; 1 if epochs are comparable."""
    sizes = {c.batch_size for c in comparison.plan.contestants}
    return comparison.plan.rows if len(sizes) > 1 else 1


def hits(comparison: Results) -> dict[str, Floats]:
    """Return the hitting times of each optimizer with evaluation runs, at its chosen setting."""
    target, times = target_of(comparison), {}
    for c in comparison.plan.contestants:
        if runs := comparison.evaluation_runs(c, comparison.chosen[c.name].setting):
            times[c.name] = target.times(runs, comparison.plan.sustained)
    return times


def last_epoch(times: Iterable[Floats], budget: int) -> int:
    """Return where the axis of epochs ends: a quarter after the last arrival, if all arrive.

    >>> last_epoch([np.array([3.0, 11.0]), np.array([23.0])], 200)
    30
    >>> last_epoch([np.array([3.0, math.inf])], 200)
    200
    """
    latest = 1.25 * max([0.0, *(float(row.max()) for row in times)])
    if not 0 < latest < math.inf:
        return budget
    power = 10.0 ** math.floor(math.log10(latest))
    return int(min(budget, *(digit * power for digit in NICE if digit * power >= latest)))


class Effect(NamedTuple):
    """The effect of the learning rate on one optimizer, at its chosen momentum."""

    means: dict[float, float]  # of min(T, E) over the seeds, by rate
    chaotic: list[float]  # rates at which training is chaotic
    good: list[float]  # rates that are about equally good; empty if most seeds never reach the goal


def effects(comparison: Results) -> dict[str, Effect]:
    """Return the effect for each optimizer, on the seeds of :func:`rated_on`."""
    seeds, chosen, effects = rated_on(comparison), comparison.chosen, {}
    usual = {row.optimizer for row in comparison.rows if math.isfinite(row.median)}
    for name in chosen:
        times, lr = times_by_rate(comparison, name, seeds[name]), chosen[name].setting.lr
        steady = steady_means(comparison, name, times)
        good = good_rates(steady, lr) if name in usual and math.isfinite(steady[lr]) else []
        means = {lr: restricted_mean(row, comparison.plan.epochs) for lr, row in times.items()}
        effects[name] = Effect(means, [lr for lr in means if math.isinf(steady[lr])], good)
    return effects


def rated_on(comparison: Results) -> dict[str, Sequence[int]]:
    """Return the seeds on which rates are compared, for each optimizer.

    The evaluation seeds, as on the screen, if they are finished at all rates; else those of tuning.
    """
    seeds, tuning = comparison.seeds, comparison.plan.tuning_seeds
    tried = {name: times_by_rate(comparison, name, tuning).keys() for name in seeds}
    evaluated = {name: times_by_rate(comparison, name, seeds[name]).keys() for name in seeds}
    judged = all(seeds.values()) and evaluated == tried
    return {name: seeds[name] if judged else tuning for name in seeds}


def title(comparison: Results) -> str:
    """Return the problem, and the answer as on the screen."""
    lines = wrapped(f"{comparison.plan.problem}: {headline(comparison)}", LETTERS)
    return "\n".join(cut(line, LETTERS) for line in lines[:2])


def conditions(comparison: Results) -> str:
    """Return the conditions of the comparison, and the goal."""
    plan, sizes = comparison.plan, {c.batch_size for c in comparison.plan.contestants}
    batches = f"batch {sizes.pop()}" if len(sizes) == 1 else "different batch sizes"
    rows, goal = counted(plan.rows, "training row"), target_words(plan, target_of(comparison))
    batches += modifier_words(plan.modifiers)
    words = [f"{rows}, {network_words(plan)}, {batches}", f"goal: {goal}"]
    return "\n".join(wrapped("; ".join(words), FINE))


def labels(comparison: Results) -> dict[str, str]:
    """Return the legend entry of each optimizer."""
    entries, rows = {}, {row.optimizer: row for row in comparison.rows}
    momenta = {choice.setting.momentum for choice in comparison.chosen.values()} - {None}
    several = len(momenta) > 1 or comparison.plan.tune == "lr,momentum"
    for c in comparison.plan.contestants:
        setting, row = comparison.chosen[c.name].setting, rows.get(c.name)
        words = f"{cut(c.name, 40)}: {_epochs(row, comparison.plan.epochs)}"
        words += f", rate {rate(setting.lr)}"
        if several and setting.momentum is not None:
            words += f", momentum {setting.momentum:g}"
        if samples_per_epoch(comparison) > 1:
            words += ", full batch" if c.batch_size == "full" else f", batch {c.batch_size}"
        entries[c.name] = words
    return entries


def _epochs(row: Row | None, budget: int) -> str:
    """Return the median of an optimizer, and how many runs miss the goal or diverge."""
    if row is None:
        return "no run yet"
    words = f"{number(row.median, f'>{budget}')} epoch{'' if row.median == 1 else 's'}"
    if row.reached < row.seeds:
        words += f" ({row.reached} of {row.seeds} seeds"
        words += f", {row.diverged} diverged)" if row.diverged else ")"
    return words


def area_labels(profile: Profile) -> dict[str, str]:
    """Return the legend entry of each optimizer of a profile."""
    areas = zip(profile.optimizers, profile.areas, strict=True)
    return {name: f"{cut(name, 40)}: area on the left {area:.2f}" for name, area in areas}


class Look(NamedTuple):
    """An optimizer's line, line with markers, and single points in every panel."""

    line: Keywords
    marked: Keywords
    point: Keywords


def looks_of(comparisons: Iterable[Results]) -> dict[str, Look]:
    """Return the look of each optimizer in the present style of Matplotlib."""
    names = dict.fromkeys(c.name for comparison in comparisons for c in comparison.plan.contestants)
    looks = {}
    for name, look in inked_looks(names).items():
        point = {"color": look.color, "marker": look.marker, "markersize": SIZE, **POINT}
        marked = {**look.line, "marker": look.marker}
        looks[name] = Look(look.line, marked, {**point, "zorder": 4, "clip_on": False})
    return looks


def marks(comparison: Results) -> list[Entry]:
    """Return the legend entries of what is marked in a comparison's panels."""
    drawn = effects(comparison).values()
    chosen = "best of all trials" if comparison.plan.trials else "chosen rate"
    entries = [(MARKER, f"median; {chosen}")]
    if comparison.plan.trials:
        return [*entries, ({"color": "0.85", "linewidth": 8}, "95 % interval")]
    if any(len(effect.means) > 1 and effect.good for effect in drawn):
        entries.append(({"color": ink(0.2), **BAND}, "about equally good"))
    if any(effect.chaotic for effect in drawn):
        entries.append(({"color": ink(), **CROSS}, "chaotic"))
    return entries


def legend(
    labels: Mapping[str, str],
    looks: Mapping[str, Look],
    marks: Sequence[Entry],
    columns: int | None = None,
) -> list[list[Entry]]:
    """Return the rows of a legend: optimizers, then marks; as many columns as fit, or so many."""
    lines = [(looks[name].marked, text) for name, text in labels.items()]
    inches = 0.75 + 0.072 * max(len(text) for _, text in [*lines, *marks])  # of a column, about
    n = columns or min(max(len(lines), len(marks)), max(1, int(WIDTH / inches)))
    blank: Entry = {"linestyle": "none"}, ""
    rows = [part[k : k + n] for part in (lines, [*marks]) for k in range(0, len(part), n)]
    return [row + [blank] * (n - len(row)) for row in rows]
