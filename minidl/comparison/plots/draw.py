"""Draws a study; the only module of the comparison that imports matplotlib, inside functions."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator, Sequence
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from minidl.checks import check_place
from minidl.comparison.many_problems import TAUS, Profile
from minidl.comparison.plots import data, style
from minidl.comparison.report.words import counted, curve_name, rate
from minidl.comparison.result import Comparison
from minidl.comparison.stats.hitting import Floats
from minidl.comparison.stats.profiles import R_MAX
from minidl.comparison.stats.tests import median
from minidl.comparison.study import Study
from minidl.errors import ArgumentError, DataError
from minidl.files import atomic_write

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure, SubFigure

__all__ = ["check_plot", "figure", "plot"]

HEIGHT, ENTRY, DPI = 4.2, 0.2, 100  # inches: of a row, and of a line of its legend
FIRST = ("png", "svg", "pdf")  # the formats named first, which are reproducible byte for byte
NEEDS_LATEX = {"pgf"}
UNDATED = {"svg": {"Date": None}, "svgz": {"Date": None}, "pdf": {"CreationDate": None}}
Looks = dict[str, style.Look]


def check_plot(path: str | Path) -> None:
    """Raise if a plot could not be drawn to this file, so that this is known before training.

    Raises
    ------
    ArgumentError
        matplotlib is not installed, or cannot write the format of this ending.
    DataError
        The file is a folder, or in one that does not exist.

    Examples
    --------
    >>> check_plot("moons.png")
    >>> try:
    ...     check_plot("moons.doc")
    ... except ArgumentError as error:
    ...     print(str(error).split(", .svg")[0])
    cannot draw 'moons.doc': got '.doc', expected a name that ends in .png
    """
    _require_matplotlib()
    from matplotlib.backend_bases import FigureCanvasBase

    formats = set(FigureCanvasBase.get_supported_filetypes()) - NEEDS_LATEX
    ending = Path(path).suffix
    if ending[1:].lower() not in formats:
        endings = (*FIRST, *sorted(formats - {*FIRST}))
        raise ArgumentError(
            f"cannot draw {str(path)!r}",
            received=repr(ending) if ending else "no ending",
            expected="a name that ends in " + ", ".join(f".{name}" for name in endings),
        )
    check_place(path)


def _require_matplotlib() -> None:
    try:
        import matplotlib  # noqa: F401
    except ImportError:
        raise ArgumentError(
            "a plot needs matplotlib, which is not installed: pip install 'minidl[plot]'"
        ) from None


def plot(study: Study, path: str | Path) -> None:
    """Draw a study into a file; see :func:`figure` for what is drawn.

    PNG, SVG and PDF files of the same study are identical byte for byte with one version of
    matplotlib. Its global state (backend, ``rcParams``, ``pyplot`` figures) is neither used nor
    changed.

    Parameters
    ----------
    study : Study
        Not interrupted before its targets were known.
    path : str or Path
        ``.png``, ``.svg``, ``.pdf`` or another format of matplotlib. An existing file is replaced.

    Raises
    ------
    ArgumentError, DataError
        As :func:`check_plot` and :func:`figure`; or the file cannot be written.
    """
    check_plot(path)
    drawn, content = figure(study), BytesIO()
    ending = Path(path).suffix[1:].lower()
    with _style():
        drawn.savefig(content, format=ending, dpi=DPI, metadata=UNDATED.get(ending))
    try:
        with atomic_write(path) as file:
            file.write(content.getvalue())
    except OSError as error:
        raise DataError(f"cannot write {path}: {error.strerror}") from None


def figure(study: Study) -> Figure:
    """Return a figure with a row of three panels for each comparison.

    Left: the curve that the target is on, each optimizer at its chosen setting; median (line) and
    quartiles (band) of the evaluation seeds that have not diverged yet, and a marker at the median
    hitting time. Middle: the share of seeds that converged. Right: the mean of min(T, E) over the
    tuning seeds at each learning rate. Where batch sizes differ, the first two are over samples.

    A study of several comparisons with optimizers in common gets one more row: the performance
    profile, up to 4 times the best, and the share of all targets that are reached. There is no
    window; ``figure(study).savefig("moons.png")`` writes the figure.

    Raises
    ------
    ArgumentError
        matplotlib is not installed.
    DataError
        A comparison was interrupted before its target was known.
    """
    _require_matplotlib()
    comparisons, profile = study.comparisons, study.profile
    for comparison in comparisons:
        data.target_of(comparison)
    with _style():
        from matplotlib.figure import Figure

        rows = [style.legend_rows(data.labels(each), explained=True) for each in comparisons]
        if profile is not None:
            rows.append(style.legend_rows(data.area_labels(profile)))
        heights = [HEIGHT + ENTRY * n for n in rows]
        drawn = Figure(figsize=(style.WIDTH, sum(heights)), dpi=DPI, layout="constrained")
        parts = drawn.subfigures(len(heights), 1, squeeze=False, height_ratios=heights)[:, 0]
        looks = style.looks_of(comparisons)
        for part, comparison in zip(parts, comparisons, strict=False):
            _draw_comparison(part, comparison, looks)
        if profile is not None:
            _draw_profile(parts[-1], profile, looks)
    return drawn


@contextlib.contextmanager
def _style() -> Iterator[None]:
    """Use matplotlib's defaults and `STYLE`, and restore the user's settings afterwards."""
    import matplotlib.style

    with matplotlib.style.context(["default", style.STYLE]):
        yield


def _draw_comparison(part: SubFigure, comparison: Comparison, looks: Looks) -> None:
    left, middle, right = part.subplots(1, 3)
    groups = data.evaluated(comparison)
    _draw_curves(left, comparison, groups, looks)
    _draw_converged(middle, comparison, groups, looks)
    _draw_rates(right, comparison, looks)
    for axes in (left, middle):
        _format_time(axes, comparison)
    _describe(part, data.title(comparison), data.labels(comparison), looks, explained=True)


def _draw_curves(
    axes: Axes, comparison: Comparison, groups: Sequence[data.Evaluated], looks: Looks
) -> None:
    from matplotlib.colors import to_rgb

    plan, target = comparison.plan, data.target_of(comparison)
    scale = data.samples_per_epoch(comparison) or 1
    lowest = target.value
    for name, runs, times in groups:
        look = looks[name]
        low, half, high = data.quartiles([run.curves[plan.goal.column] for run in runs])
        lowest = min(lowest, float(low.min()))
        x = np.arange(len(half)) * scale
        light = tuple(0.7 + 0.3 * part for part in to_rgb(look.color))  # for opaque formats (EPS)
        axes.fill_between(x, low, high, color=light, alpha=0.6, linewidth=0)
        axes.plot(x, half, label=name, **look.line)
        middle = median(times.tolist()) * scale
        if math.isfinite(middle):
            axes.plot([middle], [target.value], label=f"{name}: median", **look.point)
    axes.axhline(target.value, label="target", **style.TARGET)
    if plan.goal.rises:
        _percent(axes)
    elif lowest > 0:
        _log_scale(axes)
    curve, seeds = curve_name(plan), counted(len(plan.seeds), "seed")
    title = f"{curve[0].upper()}{curve[1:]} of {seeds}: median, quartiles shaded"
    axes.set(title=title, ylabel=curve)


def _draw_converged(
    axes: Axes, comparison: Comparison, groups: Sequence[data.Evaluated], looks: Looks
) -> None:
    scale = data.samples_per_epoch(comparison) or 1
    for name, _, times in groups:
        corners = data.stairs(times * scale, 0, comparison.plan.epochs * scale)
        _draw_stairs(axes, name, corners, looks)
    _shares(axes)
    seeds = counted(len(comparison.plan.seeds), "seed")
    axes.set(title=f"Share of {seeds} that converged", ylabel="share of seeds at the target")


def _draw_stairs(axes: Axes, name: str, corners: tuple[Floats, Floats], looks: Looks) -> None:
    axes.plot(*corners, drawstyle="steps-post", label=name, **looks[name].line)


def _draw_rates(axes: Axes, comparison: Comparison, looks: Looks) -> None:
    from matplotlib.ticker import NullLocator

    plan, tried = comparison.plan, set()
    for c in plan.contestants:
        chosen, look = comparison.chosen[c.name], looks[c.name]
        rates, means = data.sensitivity(comparison, c)
        axes.plot(rates, means, label=c.name, marker=look.marker, **look.line)
        axes.plot([chosen.setting.lr], [chosen.mean], label=f"{c.name}: chosen", **look.point)
        tried.update(rates)
    axes.axhline(plan.epochs, label="budget", **style.BUDGET)
    axes.set_xscale("log", base=2)
    low, high = min(tried) / 1.5, max(tried) * 1.5
    ticks = data.spaced(sorted(tried), (high / low) ** (1 / 6))  # as many as there is room for
    axes.set_xlim(low, high)
    axes.set_xticks(ticks, [rate(tick) for tick in ticks])
    axes.xaxis.set_minor_locator(NullLocator())
    _whole_numbers(axes.yaxis)
    title = {
        "none": "As given: not tuned",
        "lr": "Effect of the learning rate",
        "lr,momentum": "Rates, at the chosen momentum",
    }[plan.tune]
    axes.set(
        title=f"{title} ({counted(len(plan.tuning_seeds), 'tuning seed')})",
        xlabel="learning rate",
        ylabel=f"mean epochs to target, at most {plan.epochs}",
        ylim=(0, plan.epochs * 1.06),
    )


def _format_time(axes: Axes, comparison: Comparison) -> None:
    """Format the x axis in epochs, or in samples if batch sizes differ."""
    from matplotlib.ticker import EngFormatter

    scale = data.samples_per_epoch(comparison)
    end = comparison.plan.epochs * (scale or 1)
    axes.set_xlim(-0.01 * end, 1.01 * end)
    _whole_numbers(axes.xaxis)
    axes.set_xlabel("epochs")
    if scale is not None:
        axes.xaxis.set_major_formatter(EngFormatter())
        axes.set_xlabel(f"samples (training rows seen; {scale:,} per epoch)")


def _whole_numbers(axis: Axis) -> None:
    from matplotlib.ticker import MaxNLocator

    axis.set_major_locator(MaxNLocator("auto", integer=True, steps=[1, 2, 5, 10]))


def _percent(axes: Axes) -> None:
    from matplotlib.ticker import PercentFormatter

    axes.yaxis.set_major_formatter(PercentFormatter(1.0, symbol=" %"))


def _shares(axes: Axes) -> None:
    """Show 0 to 100 % and a little more, so that lines at either end are visible."""
    _percent(axes)
    axes.set_ylim(-0.03, 1.03)


def _log_scale(axes: Axes) -> None:
    """Make y logarithmic, labelled with plain numbers."""
    from matplotlib.ticker import FormatStrFormatter, LogLocator, NullFormatter

    axes.set_yscale("log")
    low, high = axes.get_ylim()
    axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0) if high < 100 * low else (1.0,)))
    axes.yaxis.set_major_formatter(FormatStrFormatter("%g"))
    axes.yaxis.set_minor_formatter(NullFormatter())


def _draw_profile(part: SubFigure, profile: Profile, looks: Looks) -> None:
    left, right = part.subplots(1, 2)
    for name, ratios in zip(profile.optimizers, profile.ratios, strict=True):
        _draw_stairs(left, name, data.stairs(ratios, 1.0, R_MAX), looks)
        _draw_stairs(right, name, data.stairs(profile.hits[name], 0.0, 1.0), looks)
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
    problems = f"All {len(profile.problems)} problems: {'; '.join(profile.problems)}"
    _describe(part, data.shorten(problems), data.area_labels(profile), looks)


def _describe(
    part: SubFigure, title: str, labels: dict[str, str], looks: Looks, *, explained: bool = False
) -> None:
    """Add the title, and a legend: optimizers, then, if `explained`, target, marker and budget."""
    from matplotlib.lines import Line2D

    part.suptitle(title, x=0.01, horizontalalignment="left", fontsize=11)
    rows = style.legend_rows(labels, explained)
    entries = [
        (Line2D([], [], marker=looks[name].marker, **looks[name].line), text)
        for name, text in labels.items()
    ]
    blank = (Line2D([], [], linestyle="none"), "")
    entries += [blank] * (-len(entries) % rows)  # fill the column
    if explained:
        marker = Line2D([], [], color="0.7", marker="o", markersize=9, **style.MARKED)
        entries.append((Line2D([], [], **style.TARGET), "target"))
        entries.append((marker, "median hitting time; chosen learning rate"))
        entries.append((Line2D([], [], **style.BUDGET), "budget"))
        entries += [blank] * (-len(entries) % rows)
    handles = [handle for handle, _ in entries]
    # matplotlib leaves out entries that begin with an underscore
    texts = [f" {text}" if text.startswith("_") else text for _, text in entries]
    part.legend(handles, texts, loc="outside lower center", ncols=len(entries) // rows)
