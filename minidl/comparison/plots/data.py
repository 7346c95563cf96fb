"""What the lines of a plot are, in numbers and in words; no matplotlib is needed for that."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from minidl.comparison.goal import Target
from minidl.comparison.many_problems import Profile
from minidl.comparison.plan import Contestant
from minidl.comparison.report.words import counted, rate
from minidl.comparison.result import Comparison
from minidl.comparison.run import Run
from minidl.comparison.stats.hitting import Floats, restricted_mean
from minidl.comparison.stats.profiles import ecdf_steps
from minidl.errors import DataError

__all__ = [
    "Judged",
    "Sensitivity",
    "areas_of",
    "column_words",
    "cut",
    "judged",
    "labels_of",
    "quartiles",
    "samples_per_epoch",
    "sensitivity",
    "spaced",
    "stairs",
    "target_of",
    "title",
]

LONGEST = 110  # letters of a title


def target_of(comparison: Comparison) -> Target:
    """Return the target of a comparison.

    Raises
    ------
    DataError
        It was interrupted before that was known.
    """
    if comparison.target is None:
        raise DataError(
            f"the comparison on {comparison.plan.problem} cannot be drawn: it was interrupted"
            " before its target was known",
            hint="Let its tuning runs finish; with a file, compare goes on where it stopped.",
        )
    return comparison.target


class Judged(NamedTuple):
    """One optimizer at its chosen setting, on the seeds that judge.

    Attributes
    ----------
    name : str
        The optimizer.
    runs : list of Run
        At least one.
    times : ndarray, shape (runs,)
        Epochs until the target held; infinite for never.
    """

    name: str
    runs: list[Run]
    times: Floats


def judged(comparison: Comparison) -> list[Judged]:
    """Return the optimizers that have any run with a seed that judges."""
    target, found = target_of(comparison), []
    for c in comparison.plan.contestants:
        runs = comparison.judged(c, comparison.chosen[c.name].setting)
        if runs:
            found.append(Judged(c.name, runs, target.times(runs, comparison.plan.sustained)))
    return found


def quartiles(curves: Sequence[Floats]) -> Floats:
    """Return the quartiles and the median, epoch by epoch, of the curves that go so far.

    Examples
    --------
    >>> quartiles([np.array([4.0, 2.0]), np.array([8.0])])
    array([[5., 2.],
           [6., 2.],
           [7., 2.]])
    """
    table = np.full((len(curves), max(map(len, curves))), np.nan)
    for row, curve in zip(table, curves, strict=True):
        row[: len(curve)] = curve
    found: Floats = np.nanquantile(table, (0.25, 0.5, 0.75), axis=0)
    return found


def stairs(values: Floats, start: float, end: float) -> tuple[Floats, Floats]:
    """Return the corners of the share of values that are not above x, from `start` to `end`.

    Examples
    --------
    >>> stairs(np.array([2.0, 5.0, 9.0, np.inf]), 0, 6)
    (array([0., 2., 5., 6.]), array([0.  , 0.25, 0.5 , 0.5 ]))
    """
    corners, shares = ecdf_steps(values)
    inside = corners <= end
    x = np.concatenate([[start], corners[inside], [end]])
    return x, np.concatenate([[0.0], shares[inside], [np.mean(values <= end)]])


class Sensitivity(NamedTuple):
    """The restricted mean of one optimizer at each learning rate, with the tuning seeds."""

    rates: list[float]
    means: list[float]


def sensitivity(comparison: Comparison, c: Contestant) -> Sensitivity:
    """Return what each learning rate gave, at the momentum that was chosen."""
    plan, target = comparison.plan, target_of(comparison)
    momentum = comparison.chosen[c.name].setting.momentum
    settings = [one for one in plan.settings(c) if one.momentum == momentum]
    means = []
    for one in settings:
        runs = [comparison.table[c.name, one, seed] for seed in plan.tuning_seeds]
        means.append(restricted_mean(target.times(runs, plan.sustained), plan.epochs))
    return Sensitivity([one.lr for one in settings], means)


def spaced(rates: Sequence[float], apart: float) -> list[float]:
    """Return the learning rates that are `apart` times the one before, or more: room for a label.

    Examples
    --------
    >>> spaced([0.1, 0.11, 0.25, 0.5, 1.0], 2)
    [0.1, 0.25, 0.5, 1.0]
    """
    found = [rates[0]]
    for one in rates:
        if one >= 0.999 * apart * found[-1]:
            found.append(one)
    return found


def samples_per_epoch(comparison: Comparison) -> int | None:
    """Return how many samples an epoch has, if they are what is counted; None for epochs.

    Where batch sizes differ, an epoch is not the same work.
    """
    sizes = {c.batch_size for c in comparison.plan.contestants}
    return comparison.plan.rows if len(sizes) > 1 else None


def column_words(comparison: Comparison) -> str:
    """Return the curve that the target is on, in words."""
    return comparison.plan.goal.column.replace("_", " ").replace("train ", "training ")


def cut(text: str, longest: int = LONGEST) -> str:
    """Return a text, or its beginning if it is long.

    Examples
    --------
    >>> cut("a long word", 9)
    'a long...'
    """
    return text if len(text) <= longest else f"{text[: longest - 3]}..."


def title(comparison: Comparison) -> str:
    """Return what was compared, in two lines."""
    plan, target = comparison.plan, target_of(comparison)
    sizes: list[Any] = list({c.batch_size for c in plan.contestants})
    batches = f"batch size {sizes[0]}" if len(sizes) == 1 else "different batch sizes"
    sign = ">=" if plan.goal.rises else "<="
    held = f" for {plan.sustained} epochs in a row" if plan.sustained > 1 else ""
    parts = [
        f"target: {column_words(comparison)} {sign} {target.value:.4g}{held}",
        f"budget: {counted(plan.epochs, 'epoch')}",
    ]
    if not comparison.complete:
        parts.append("interrupted: some runs are missing")
    return f"{cut(f'{plan.problem}, {batches}: {plan.network}')}\n{'; '.join(parts)}"


def labels_of(comparison: Comparison) -> dict[str, str]:
    """Return what the legend says of each optimizer."""
    return {c.name: _label(comparison, c) for c in comparison.plan.contestants}


def areas_of(found: Profile) -> dict[str, str]:
    """Return what the legend of a profile says of each optimizer."""
    areas = zip(found.optimizers, found.areas, strict=True)
    return {name: f"{cut(name, 40)}: area on the left {area:.2f}" for name, area in areas}


def _label(comparison: Comparison, c: Contestant) -> str:
    setting = comparison.chosen[c.name].setting
    words = f"{cut(c.name, 40)}, lr {rate(setting.lr)}"
    if setting.momentum is not None:
        words += f", momentum {setting.momentum:g}"
    if samples_per_epoch(comparison) is not None:
        words += ", full batch" if c.batch_size == "full" else f", batch size {c.batch_size}"
    row = next((row for row in comparison.rows if row.optimizer == c.name), None)
    if row is None:
        return f"{words}: no run yet"
    lost = f", {row.diverged} diverged" if row.diverged else ""
    return f"{words}: {row.reached} of {row.seeds} arrived{lost}"
