"""The numbers, labels, colours and dashes of a plot, computed without matplotlib."""

import math
from collections.abc import Iterable, Mapping, Sequence
from itertools import cycle, zip_longest
from typing import Any, NamedTuple

import numpy as np

from minidl.comparison.goal import Target
from minidl.comparison.profile import Profile
from minidl.comparison.report.words import counted, rate, target_words
from minidl.comparison.result import Comparison
from minidl.comparison.stats.hitting import Floats
from minidl.comparison.stats.profiles import ecdf_steps
from minidl.errors import DataError
from minidl.plots import style

WIDTH = 14.0  # of the figure, in inches
SIZES = (12, 9.5, 7)  # so that a point on top of another does not hide it
Keywords = dict[str, Any]  # of matplotlib's Line2D
TARGET: Keywords = {"color": "0.35", "linewidth": 1.2, "linestyle": (0, (4, 3))}
BUDGET: Keywords = {"color": "0.35", "linewidth": 1.2, "linestyle": ":"}
POINT: Keywords = {"markeredgecolor": "black", "linestyle": "none"}
CROSS: Keywords = {"color": "black", "marker": "x", "markersize": 9, "linestyle": "none"}
MARKER: Keywords = {"color": "0.7", "marker": "o", "markersize": 9, **POINT}


def target_of(comparison: Comparison) -> Target:
    """Return the target, or raise DataError if an interruption came before it was known."""
    if comparison.target is None:
        wrong = f"the comparison on {comparison.plan.problem} cannot be drawn"
        hint = "Finish its tuning runs: compare with the same file resumes them."
        raise DataError(f"{wrong}: it was interrupted before its target was known", hint=hint)
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
    kept = [rates[0]]
    for lr in rates:
        if lr >= 0.999 * factor * kept[-1]:
            kept.append(lr)
    return kept


def samples_per_epoch(comparison: Comparison) -> int:
    """Return the samples in an epoch if batch sizes differ; 1 if epochs are comparable."""
    sizes = {c.batch_size for c in comparison.plan.contestants}
    return comparison.plan.rows if len(sizes) > 1 else 1


def shorten(text: str, longest: int = 110) -> str:
    """Return the text, cut to `longest` characters."""
    return text if len(text) <= longest else f"{text[: longest - 3]}..."


def title(comparison: Comparison) -> str:
    """Return what was compared, in two lines."""
    plan, sizes = comparison.plan, {c.batch_size for c in comparison.plan.contestants}
    batches = f"batch size {sizes.pop()}" if len(sizes) == 1 else "different batch sizes"
    first = shorten(f"{plan.problem}, {batches}: {plan.network}")
    second = f"target: {target_words(plan, target_of(comparison))}"
    second += f"; budget: {counted(plan.epochs, 'epoch')}"
    second += "" if comparison.complete else "; interrupted: some runs are missing"
    return f"{first}\n{second}"


def labels(comparison: Comparison) -> dict[str, str]:
    """Return the legend entry of each optimizer."""
    entries, rows = {}, {row.optimizer: row for row in comparison.rows}
    for c in comparison.plan.contestants:
        setting = comparison.chosen[c.name].setting
        words = f"{shorten(c.name, 40)}, lr {rate(setting.lr)}"
        words += "" if setting.momentum is None else f", momentum {setting.momentum:g}"
        if samples_per_epoch(comparison) > 1:
            words += ", full batch" if c.batch_size == "full" else f", batch size {c.batch_size}"
        if row := rows.get(c.name):
            words += f": {row.reached} of {row.seeds} converged"
            words += f", {row.diverged} diverged" if row.diverged else ""
        entries[c.name] = words if row else f"{words}: no run yet"
    return entries


def area_labels(profile: Profile) -> dict[str, str]:
    """Return the legend entry of each optimizer of a profile."""
    areas = zip(profile.optimizers, profile.areas, strict=True)
    return {name: f"{shorten(name, 40)}: area on the left {area:.2f}" for name, area in areas}


class Look(NamedTuple):
    """An optimizer's line, line with markers, and single points in every panel."""

    line: Keywords
    marked: Keywords
    point: Keywords


def looks_of(comparisons: Iterable[Comparison]) -> dict[str, Look]:
    """Return the look of each optimizer; of points on top of one another all can be seen."""
    names = dict.fromkeys(c.name for each in comparisons for c in each.plan.contestants)
    looks = {}
    for (name, look), size in zip(style.looks_of(names).items(), cycle(SIZES), strict=False):
        point = {"color": look.color, "marker": look.marker, "markersize": size, **POINT}
        marked = {**look.line, "marker": look.marker}
        looks[name] = Look(look.line, marked, {**point, "zorder": 3, "clip_on": False})
    return looks


def legend_rows(labels: Mapping[str, str], explained: bool = False) -> int:
    """Return the number of lines of a legend, beside three more entries if `explained`."""
    inches = 0.8 + 0.08 * max(map(len, labels.values()))  # of a column, about
    columns = max(1, int((0.65 if explained else 1.0) * WIDTH / inches))
    return max(3 if explained else 1, math.ceil(len(labels) / columns))
