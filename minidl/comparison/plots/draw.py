"""A study as one picture. The decision of this file: it alone imports matplotlib, and late."""

from __future__ import annotations

import contextlib
import math
import os
from collections.abc import Iterator, Sequence
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from minidl.checks import check_place
from minidl.comparison.many_problems import TAUS, Profile
from minidl.comparison.plots.data import (
    Judged,
    areas_of,
    column_words,
    cut,
    judged,
    labels_of,
    quartiles,
    samples_per_epoch,
    sensitivity,
    spaced,
    stairs,
    target_of,
    title,
)
from minidl.comparison.plots.style import (
    BUDGET,
    MARKED,
    STYLE,
    TARGET,
    WIDTH,
    Look,
    legend_rows,
    looks_of,
)
from minidl.comparison.report.words import counted, rate
from minidl.comparison.result import Comparison
from minidl.comparison.stats.hitting import Floats
from minidl.comparison.stats.profiles import R_MAX
from minidl.comparison.stats.tests import median
from minidl.comparison.study import Study
from minidl.errors import ArgumentError, DataError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure

__all__ = ["check_plot", "figure", "plot"]

HEIGHT, ENTRY, DPI = 4.2, 0.2, 100  # inches: of a row, and of a line of its legend
FIRST = ("png", "svg", "pdf")  # endings to name first; these have the same bytes each time
NEEDS_LATEX = {"pgf"}
UNDATED = {"svg": {"Date": None}, "svgz": {"Date": None}, "pdf": {"CreationDate": None}}


def check_plot(path: str | Path) -> None:
    """Say before training, not after it, that a plot could not be drawn.

    Parameters
    ----------
    path : str or Path
        The file that will be written; its ending is the format.

    Raises
    ------
    ArgumentError
        matplotlib is not installed, or cannot write files that end so.
    DataError
        The file is a folder, or in one that does not exist.

    Examples
    --------
    >>> check_plot("moons.png")
    >>> try:
    ...     check_plot("moons.doc")
    ... except ArgumentError as error:
    ...     print(str(error)[:90])
    cannot draw 'moons.doc': got '.doc', expected a name that ends in .png, .svg, .pdf, .
    """
    _demand_matplotlib()
    from matplotlib.backend_bases import FigureCanvasBase

    known = set(FigureCanvasBase.get_supported_filetypes()) - NEEDS_LATEX
    ending = _ending(path)
    if ending not in known:
        raise ArgumentError(
            f"cannot draw {str(path)!r}",
            received=repr(Path(path).suffix) if ending else "no ending",
            expected="a name that ends in "
            + ", ".join(f".{one}" for one in (*FIRST, *sorted(known - {*FIRST}))),
        )
    check_place(path)


def _demand_matplotlib() -> None:
    try:
        import matplotlib  # noqa: F401
    except ImportError:
        raise ArgumentError(
            "a plot needs matplotlib, which is not installed: pip install 'minidl[plot]'"
        ) from None


def _ending(path: str | Path) -> str:
    return Path(path).suffix[1:].lower()


def plot(study: Study, path: str | Path) -> None:
    """Draw a study into a file; see :func:`figure` for what is drawn.

    PNG, SVG and PDF files of the same study are the same, bit for bit, with one version of
    matplotlib. Its global state (the backend, ``rcParams``, the figures of ``pyplot``) is neither
    used nor changed.

    Parameters
    ----------
    study : Study
        Not interrupted before its targets were known.
    path : str or Path
        ``.png``, ``.svg``, ``.pdf`` or what else matplotlib writes. A file that exists is replaced.

    Raises
    ------
    ArgumentError
        matplotlib is not installed, or cannot write files that end so.
    DataError
        The study has nothing to draw, or the file cannot be written.
    """
    check_plot(path)
    drawn = figure(study)
    ending, file = _ending(path), BytesIO()
    with _style():
        drawn.savefig(file, format=ending, dpi=DPI, metadata=UNDATED.get(ending))
    draft = Path(f"{path}.new")
    try:
        draft.write_bytes(file.getvalue())
        os.replace(draft, path)
    except OSError as error:
        raise DataError(f"cannot write {path}: {error.strerror}") from None


def figure(study: Study) -> Figure:
    """Return a figure with a row of three panels for each comparison.

    Left, the curve that the target is on (the training loss, or an accuracy), each optimizer at its
    chosen setting: the median of the seeds that judge and, as a band, the quartiles, of the runs
    that have not diverged yet; a marker where the median run arrives. In the middle, the share of
    the seeds that have arrived. Right, the mean of min(T, E) over the tuning seeds at each learning
    rate, at the chosen momentum. Where the batch sizes differ, the first two are over samples.

    A study with several comparisons that have optimizers in common gets one more row: the
    performance profile, up to 4 times the best, and the share of all targets that are reached.

    Parameters
    ----------
    study : Study
        Not interrupted before its targets were known.

    Returns
    -------
    matplotlib.figure.Figure
        Without a window; ``figure(study).savefig("moons.png")`` writes it.

    Raises
    ------
    ArgumentError
        matplotlib is not installed.
    DataError
        A comparison was interrupted before its target was known.
    """
    _demand_matplotlib()
    for one in study.comparisons:
        target_of(one)
    with _style():
        from matplotlib.figure import Figure

        heights = [
            HEIGHT + ENTRY * legend_rows(labels_of(one), explained=True)
            for one in study.comparisons
        ]
        if study.profile is not None:
            heights.append(HEIGHT + ENTRY * legend_rows(areas_of(study.profile)))
        whole = Figure(figsize=(WIDTH, sum(heights)), dpi=DPI, layout="constrained")
        parts = whole.subfigures(len(heights), 1, squeeze=False, height_ratios=heights)[:, 0]
        looks = looks_of(study.comparisons)
        for part, one in zip(parts, study.comparisons, strict=False):
            _draw_comparison(part, one, looks)
        if study.profile is not None:
            _draw_profile(parts[-1], study.profile, looks)
    return whole


@contextlib.contextmanager
def _style() -> Iterator[None]:
    """Draw as if nobody had ever set anything, with `STYLE`; leave things as they were."""
    from matplotlib import style

    with style.context(["default", STYLE]):
        yield


def _draw_comparison(part: SubFigure, comparison: Comparison, looks: dict[str, Look]) -> None:
    left, middle, right = part.subplots(1, 3)
    found = judged(comparison)
    _draw_curves(left, comparison, found, looks)
    _draw_arrivals(middle, comparison, found, looks)
    _draw_rates(right, comparison, looks)
    for axes in (left, middle):
        _over_time(axes, comparison)
    _head(part, title(comparison))
    _legend(part, labels_of(comparison), looks, explained=True)


def _draw_curves(
    axes: Axes, comparison: Comparison, found: list[Judged], looks: dict[str, Look]
) -> None:
    goal, target = comparison.plan.goal, target_of(comparison)
    scale = samples_per_epoch(comparison) or 1
    lowest = [target.value]
    for name, runs, times in found:
        look = looks[name]
        low, half, high = quartiles([run.curves[goal.column] for run in runs])
        lowest.append(float(low.min()))
        x = np.arange(len(half)) * scale
        axes.fill_between(x, low, high, color=_lighter(look.color), alpha=0.6, linewidth=0)
        axes.plot(x, half, label=name, **look.line)
        arrival = median(times.tolist()) * scale
        if math.isfinite(arrival):
            axes.plot([arrival], [target.value], label=f"{name}: median", **look.point)
    axes.axhline(target.value, label="target", **TARGET)
    if goal.rises:
        _percent(axes)
    elif min(lowest) > 0:
        _log_scale(axes)
    what = column_words(comparison)
    seeds = counted(len(comparison.plan.seeds), "seed")
    axes.set(title=f"{what[0].upper()}{what[1:]} of {seeds}: median, quartiles shaded", ylabel=what)


def _lighter(colour: str) -> tuple[float, ...]:
    """Return a colour that hides no line of the full one, also where nothing is transparent."""
    from matplotlib.colors import to_rgb

    return tuple(0.7 + 0.3 * part for part in to_rgb(colour))


def _draw_arrivals(
    axes: Axes, comparison: Comparison, found: list[Judged], looks: dict[str, Look]
) -> None:
    scale = samples_per_epoch(comparison) or 1
    for name, _, times in found:
        _draw_stairs(axes, name, times * scale, (0, comparison.plan.epochs * scale), looks)
    _shares(axes)
    seeds = counted(len(comparison.plan.seeds), "seed")
    axes.set(title=f"How many of {seeds} have arrived", ylabel="share of seeds at the target")


def _draw_stairs(
    axes: Axes, name: str, values: Floats, ends: tuple[float, float], looks: dict[str, Look]
) -> None:
    axes.plot(*stairs(values, *ends), drawstyle="steps-post", label=name, **looks[name].line)


def _draw_rates(axes: Axes, comparison: Comparison, looks: dict[str, Look]) -> None:
    from matplotlib.ticker import MaxNLocator

    plan, seen = comparison.plan, set()
    for c in plan.contestants:
        chosen, look = comparison.chosen[c.name], looks[c.name]
        found = sensitivity(comparison, c)
        axes.plot(*found, label=c.name, marker=look.marker, **look.line)
        at = [chosen.setting.lr], [chosen.mean]
        axes.plot(*at, label=f"{c.name}: chosen", **look.point)
        seen.update(found.rates)
    axes.axhline(plan.epochs, label="budget", **BUDGET)
    axes.set_xscale("log", base=2)
    _rate_ticks(axes, sorted(seen))
    axes.yaxis.set_major_locator(MaxNLocator("auto", integer=True, steps=[1, 2, 5, 10]))
    seeds = counted(len(plan.tuning_seeds), "tuning seed")
    what = "As given: nothing was tuned" if plan.tune == "none" else "What the learning rate does"
    if plan.tune == "lr,momentum":
        what = "Rates, at the chosen momentum"
    axes.set(
        title=f"{what} ({seeds})",
        xlabel="learning rate",
        ylabel=f"mean epochs to target, at most {plan.epochs}",
        ylim=(0, plan.epochs * 1.06),
    )


def _rate_ticks(axes: Axes, rates: Sequence[float]) -> None:
    """Label learning rates that were tried, as many as there is room for."""
    from matplotlib.ticker import NullLocator

    low, high = rates[0] / 1.5, rates[-1] * 1.5
    ticks = spaced(rates, (high / low) ** (1 / 6))
    axes.set_xlim(low, high)
    axes.set_xticks(ticks, [rate(one) for one in ticks])
    axes.xaxis.set_minor_locator(NullLocator())


def _over_time(axes: Axes, comparison: Comparison) -> None:
    from matplotlib.ticker import EngFormatter, MaxNLocator

    scale = samples_per_epoch(comparison)
    end = comparison.plan.epochs * (scale or 1)
    axes.set_xlim(-0.01 * end, 1.01 * end)
    axes.xaxis.set_major_locator(MaxNLocator("auto", integer=True, steps=[1, 2, 5, 10]))
    if scale is None:
        axes.set_xlabel("epochs")
    else:
        axes.xaxis.set_major_formatter(EngFormatter())
        axes.set_xlabel(f"samples (training rows seen; {scale:,} in an epoch)")


def _percent(axes: Axes) -> None:
    from matplotlib.ticker import PercentFormatter

    axes.yaxis.set_major_formatter(PercentFormatter(1.0, symbol=" %"))


def _shares(axes: Axes) -> None:
    """Show all of 0 to 100 %, so that a line that does not arrive is seen not to."""
    _percent(axes)
    axes.set_ylim(-0.03, 1.03)


def _log_scale(axes: Axes) -> None:
    """Make y logarithmic, with plain numbers beside it."""
    from matplotlib.ticker import FormatStrFormatter, LogLocator, NullFormatter

    axes.set_yscale("log")
    low, high = axes.get_ylim()
    between = (1.0, 2.0, 5.0) if high < 100 * low else (1.0,)
    axes.yaxis.set_major_locator(LogLocator(subs=between))
    axes.yaxis.set_major_formatter(FormatStrFormatter("%g"))
    axes.yaxis.set_minor_formatter(NullFormatter())


def _draw_profile(part: SubFigure, found: Profile, looks: dict[str, Look]) -> None:
    left, right = part.subplots(1, 2)
    for name, ratios in zip(found.optimizers, found.ratios, strict=True):
        _draw_stairs(left, name, ratios, (1.0, R_MAX), looks)
        _draw_stairs(right, name, found.hits[name], (0.0, 1.0), looks)
    for axes in (left, right):
        _shares(axes)
    left.set(
        title="Problems solved, by how much slower than the fastest optimizer",
        xlabel="median epochs to the target, as a multiple of the fastest optimizer's",
        ylabel="share of the problems",
        xlim=(0.97, R_MAX),
    )
    right.set(
        title=f"All targets from gap {TAUS[0]:g} to gap {TAUS[-1]:g}, on all problems and seeds",
        xlabel="share of the epoch budget",
        ylabel="share of the targets reached",
        xlim=(-0.01, 1.01),
    )
    _head(part, cut(f"All {len(found.problems)} problems: {'; '.join(found.problems)}"))
    _legend(part, areas_of(found), looks)


def _head(part: SubFigure, text: str) -> None:
    part.suptitle(text, x=0.01, horizontalalignment="left", fontsize=11)


def _legend(
    part: SubFigure, labels: dict[str, str], looks: dict[str, Look], explained: bool = False
) -> None:
    """Put what lines mean below the panels, where it hides none of them.

    Optimizers come first, in columns of equal length, then, if `explained`, all other marks.
    """
    from matplotlib.lines import Line2D

    rows = legend_rows(labels, explained)
    entries: list[tuple[Any, str]] = [
        (Line2D([], [], marker=looks[name].marker, **looks[name].line), text)
        for name, text in labels.items()
    ]
    entries += [(Line2D([], [], linestyle="none"), "")] * (-len(entries) % rows)
    if explained:
        point = Line2D([], [], color="0.7", marker="o", markersize=9, **MARKED)
        entries += [
            (Line2D([], [], **TARGET), "target"),
            (point, "median arrival; chosen learning rate"),
            (Line2D([], [], **BUDGET), "budget"),
        ]
        entries += [(Line2D([], [], linestyle="none"), "")] * (-len(entries) % rows)
    handles = [handle for handle, _ in entries]
    # With an underscore in front, an entry would be left out.
    texts = [f" {text}" if text.startswith("_") else text for _, text in entries]
    part.legend(handles, texts, loc="outside lower center", ncols=len(entries) // rows)
