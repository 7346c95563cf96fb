"""The numbers and labels of a plot, computed without matplotlib."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from minidl.comparison.goal import Target
from minidl.comparison.many_problems import Profile
from minidl.comparison.plan import Contestant
from minidl.comparison.report.words import counted, rate, target_words
from minidl.comparison.result import Comparison
from minidl.comparison.run import Run
from minidl.comparison.stats.hitting import Floats, restricted_mean
from minidl.comparison.stats.profiles import ecdf_steps
from minidl.errors import DataError

__all__ = [
    "Evaluated", "area_labels", "evaluated", "labels", "quartiles", "samples_per_epoch",
    "sensitivity", "shorten", "spaced", "stairs", "target_of", "title",
]  # fmt: skip

LONGEST = 110  # characters of a title


def target_of(comparison: Comparison) -> Target:
    """Return the target, or raise DataError if an interruption came before it was known."""
    if comparison.target is None:
        raise DataError(
            f"the comparison on {comparison.plan.problem} cannot be drawn: it was interrupted"
            " before its target was known",
            hint="Finish its tuning runs: compare with the same file resumes them.",
        )
    return comparison.target


class Evaluated(NamedTuple):
    """The runs of one optimizer on the evaluation seeds, at its chosen setting, and their times."""

    name: str
    runs: list[Run]
    times: Floats


def evaluated(comparison: Comparison) -> list[Evaluated]:
    """Return the optimizers that have at least one run with an evaluation seed."""
    plan, target, groups = comparison.plan, target_of(comparison), []
    for c in plan.contestants:
        if runs := comparison.evaluation_runs(c, comparison.chosen[c.name].setting):
            groups.append(Evaluated(c.name, runs, target.times(runs, plan.sustained)))
    return groups


def quartiles(curves: Sequence[Floats]) -> Floats:
    """Return lower quartile, median and upper quartile per epoch of the curves that go so far."""
    table = np.full((len(curves), max(map(len, curves))), np.nan)
    for row, curve in zip(table, curves, strict=True):
        row[: len(curve)] = curve
    return np.asarray(np.nanquantile(table, (0.25, 0.5, 0.75), axis=0))


def stairs(values: Floats, start: float, end: float) -> tuple[Floats, Floats]:
    """Return the corners of the share of values <= x, for x from `start` to `end`."""
    corners, shares = ecdf_steps(values)
    inside = corners <= end
    x = np.concatenate([[start], corners[inside], [end]])
    return x, np.concatenate([[0.0], shares[inside], [np.mean(values <= end)]])


def sensitivity(comparison: Comparison, c: Contestant) -> tuple[list[float], list[float]]:
    """Return the learning rates and their restricted means, at the chosen momentum."""
    plan, target = comparison.plan, target_of(comparison)
    momentum = comparison.chosen[c.name].setting.momentum
    settings = [setting for setting in plan.settings(c) if setting.momentum == momentum]
    means = []
    for setting in settings:
        runs = [comparison.table[c.name, setting, seed] for seed in plan.tuning_seeds]
        means.append(restricted_mean(target.times(runs, plan.sustained), plan.epochs))
    return [setting.lr for setting in settings], means


def spaced(rates: Sequence[float], factor: float) -> list[float]:
    """Return the learning rates that are at least `factor` times the one before."""
    kept = [rates[0]]
    for lr in rates:
        if lr >= 0.999 * factor * kept[-1]:
            kept.append(lr)
    return kept


def samples_per_epoch(comparison: Comparison) -> int | None:
    """Return the samples in an epoch if batch sizes differ; None if epochs are comparable."""
    sizes = {c.batch_size for c in comparison.plan.contestants}
    return comparison.plan.rows if len(sizes) > 1 else None


def shorten(text: str, longest: int = LONGEST) -> str:
    """Return the text, cut to `longest` characters."""
    return text if len(text) <= longest else f"{text[: longest - 3]}..."


def title(comparison: Comparison) -> str:
    """Return what was compared, in two lines."""
    plan = comparison.plan
    sizes = {c.batch_size for c in plan.contestants}
    batches = f"batch size {sizes.pop()}" if len(sizes) == 1 else "different batch sizes"
    target = target_words(plan, target_of(comparison))
    parts = [f"target: {target}", f"budget: {counted(plan.epochs, 'epoch')}"]
    if not comparison.complete:
        parts.append("interrupted: some runs are missing")
    return f"{shorten(f'{plan.problem}, {batches}: {plan.network}')}\n{'; '.join(parts)}"


def labels(comparison: Comparison) -> dict[str, str]:
    """Return the legend entry of each optimizer."""
    return {c.name: _label(comparison, c) for c in comparison.plan.contestants}


def _label(comparison: Comparison, c: Contestant) -> str:
    setting = comparison.chosen[c.name].setting
    words = f"{shorten(c.name, 40)}, lr {rate(setting.lr)}"
    if setting.momentum is not None:
        words += f", momentum {setting.momentum:g}"
    if samples_per_epoch(comparison) is not None:
        words += ", full batch" if c.batch_size == "full" else f", batch size {c.batch_size}"
    row = next((row for row in comparison.rows if row.optimizer == c.name), None)
    if row is None:
        return f"{words}: no run yet"
    diverged = f", {row.diverged} diverged" if row.diverged else ""
    return f"{words}: {row.reached} of {row.seeds} converged{diverged}"


def area_labels(profile: Profile) -> dict[str, str]:
    """Return the legend entry of each optimizer of a profile."""
    areas = zip(profile.optimizers, profile.areas, strict=True)
    return {name: f"{shorten(name, 40)}: area on the left {area:.2f}" for name, area in areas}
