"""The panels of a figure, drawn with matplotlib; imported only when something is drawn."""

import math
from collections.abc import Mapping

import numpy as np
from matplotlib import ticker
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure, SubFigure
from matplotlib.lines import Line2D

from minidl.comparison.curves import tuning_curves
from minidl.comparison.plots import data
from minidl.comparison.profile import TAUS, Profile
from minidl.comparison.report.tables import TRIALS
from minidl.comparison.report.words import counted, curve_name, rate
from minidl.comparison.result import Comparison, Study
from minidl.comparison.stats.hitting import Floats, median, restricted_mean
from minidl.comparison.stats.profiles import R_MAX

HEIGHT, ENTRY = 4.2, 0.2  # inches: of a row, and of a line of its legend
RATES = {
    "none": "As given: not tuned",
    "lr": "Effect of the learning rate",
    "lr,momentum": "Rates, at the chosen momentum",
}
WHOLE: data.Keywords = {"nbins": "auto", "integer": True, "steps": [1, 2, 5, 10]}
Looks = dict[str, data.Look]


def draw(study: Study) -> Figure:
    """Return the figure that :func:`minidl.comparison.plots.draw.figure` describes."""
    comparisons, profile = study.comparisons, study.profile
    rows = [data.legend_rows(data.labels(each), explained=True) for each in comparisons]
    if profile is not None:
        rows.append(data.legend_rows(data.area_labels(profile)))
    heights = [HEIGHT + ENTRY * n for n in rows]
    figure = Figure(figsize=(data.WIDTH, sum(heights)), layout="constrained")
    parts = figure.subfigures(len(heights), 1, squeeze=False, height_ratios=heights)[:, 0]
    looks = data.looks_of(comparisons)
    for part, comparison in zip(parts, comparisons, strict=False):
        left, middle, right = part.subplots(1, 3)
        _draw_runs(left, middle, comparison, looks)
        (_draw_trials if comparison.plan.trials else _draw_rates)(right, comparison, looks)
        marked = "best of all trials" if comparison.plan.trials else "chosen learning rate"
        _describe(part, data.title(comparison), data.labels(comparison), looks, marked)
    if profile is not None:
        _draw_profile(parts[-1], profile, looks)
    return figure


def _draw_runs(left: Axes, middle: Axes, comparison: Comparison, looks: Looks) -> None:
    """Draw the curves, and the share of runs that converged, over epochs or samples."""
    plan, target, hits = comparison.plan, data.target_of(comparison), {}
    scale, lowest = data.samples_per_epoch(comparison), target.value
    for c in plan.contestants:
        runs = comparison.evaluation_runs(c, comparison.chosen[c.name].setting)
        if not runs:
            continue
        look, hits[c.name] = looks[c.name], target.times(runs, plan.sustained) * scale
        low, half, high = data.quartiles([run.curves[plan.goal.column] for run in runs])
        lowest, x = min(lowest, float(low.min())), np.arange(len(half)) * scale
        left.fill_between(x, low, high, color=_light(look), alpha=0.6, linewidth=0)
        left.plot(x, half, label=c.name, **look.line)
        if math.isfinite(time := median(hits[c.name].tolist())):
            left.plot([time], [target.value], label=f"{c.name}: median", **look.point)
    left.axhline(target.value, label="target", **data.TARGET)
    if plan.goal.rises:
        left.yaxis.set_major_formatter(ticker.PercentFormatter(1.0, symbol=" %"))
    elif lowest > 0:
        _log_scale(left)
    end, curve, seeds = plan.epochs * scale, curve_name(plan), counted(len(plan.seeds), "seed")
    title = f"{curve[0].upper()}{curve[1:]} of {seeds}: median, quartiles shaded"
    left.set(title=title, ylabel=curve)
    _draw_shares(middle, hits, 0, end, looks)
    middle.set(title=f"Share of {seeds} that converged", ylabel="share of seeds at the target")
    for axes in (left, middle):
        axes.set(xlim=(-0.01 * end, 1.01 * end), xlabel="epochs")
        axes.xaxis.set_major_locator(ticker.MaxNLocator(**WHOLE))
        if scale > 1:
            axes.xaxis.set_major_formatter(ticker.EngFormatter())
            axes.set_xlabel(f"samples (training rows seen; {scale:,} per epoch)")


def _draw_shares(
    axes: Axes, values: Mapping[str, Floats], start: float, end: float, looks: Looks
) -> None:
    """Draw the shares of values <= x, with room for lines at 0 and 100 %."""
    for name in values:
        corners = data.stairs(values[name], start, end)
        axes.plot(*corners, drawstyle="steps-post", label=name, **looks[name].line)
    axes.yaxis.set_major_formatter(ticker.PercentFormatter(1.0, symbol=" %"))
    axes.set_ylim(-0.03, 1.03)


def _draw_rates(axes: Axes, comparison: Comparison, looks: Looks) -> None:
    plan = comparison.plan
    rates = sorted({setting.lr for c in plan.contestants for setting in plan.settings(c)})
    for c in plan.contestants:
        chosen, look = comparison.chosen[c.name], looks[c.name]
        tried = [s for s in plan.settings(c) if s.momentum == chosen.setting.momentum]
        times = [comparison.times(c, setting, plan.tuning_seeds) for setting in tried]
        means = [restricted_mean(row, plan.epochs) for row in times]
        axes.plot([setting.lr for setting in tried], means, label=c.name, **look.marked)
        chaotic = [k for k, setting in enumerate(tried) if setting in comparison.chaotic[c.name]]
        if chaotic:
            points = [tried[k].lr for k in chaotic], [means[k] for k in chaotic]
            axes.plot(*points, label=f"{c.name}: chaotic", **data.CROSS)
        axes.plot([chosen.setting.lr], [chosen.mean], label=f"{c.name}: chosen", **look.point)
    axes.axhline(plan.epochs, label="budget", **data.BUDGET)
    axes.set_xscale("log", base=2)
    low, high = rates[0] / 1.5, rates[-1] * 1.5
    ticks = data.spaced(rates, (high / low) ** (1 / 6))  # as many as there is room for
    axes.set_xticks(ticks, [rate(tick) for tick in ticks])
    axes.xaxis.set_minor_locator(ticker.NullLocator())
    axes.yaxis.set_major_locator(ticker.MaxNLocator(**WHOLE))
    title = f"{RATES[plan.tune]} ({counted(len(plan.tuning_seeds), 'tuning seed')})"
    label = "learning rate" + " (x: chaotic)" * any(comparison.chaotic.values())
    axes.set(title=title, xlabel=label, xlim=(low, high), ylim=(0, plan.epochs * 1.06))
    axes.set_ylabel(f"mean epochs to target, at most {plan.epochs}")


def _draw_trials(axes: Axes, comparison: Comparison, looks: Looks) -> None:
    """Draw the expected best mean of 1, 2, ... random trials, with intervals as bands."""
    plan, total = comparison.plan, len(comparison.plan.trials)
    for name, curve in tuning_curves(comparison).items():
        numbers, look = np.arange(1, total + 1), looks[name]
        axes.fill_between(
            numbers, curve[:, 1], curve[:, 2], color=_light(look), alpha=0.6, linewidth=0
        )
        axes.plot(numbers, curve[:, 0], label=name, **look.line)
        axes.plot([total], [curve[-1, 0]], label=f"{name}: all", **look.point)
    axes.axhline(plan.epochs, label="budget", **data.BUDGET)
    axes.set_xscale("log", base=2)
    ticks = [b for b in TRIALS if b < total / 1.2] + [total]
    axes.set_xticks(ticks, list(map(str, ticks)))
    axes.xaxis.set_minor_locator(ticker.NullLocator())
    axes.yaxis.set_major_locator(ticker.MaxNLocator(**WHOLE))
    seeds = counted(len(plan.tuning_seeds), "tuning seed")
    axes.set(title=f"Best of random trials, 95 % ({seeds})", xlabel="number of trials")
    axes.set(xlim=(0.95, 1.05 * total), ylim=(0, plan.epochs * 1.06))
    axes.set_ylabel(f"expected mean epochs, at most {plan.epochs}")


def _light(look: data.Look) -> tuple[float, ...]:
    """Return the colour of a band; opaque formats such as EPS show it without `alpha`."""
    return tuple(0.7 + 0.3 * part for part in to_rgb(look.line["color"]))


def _log_scale(axes: Axes) -> None:
    """Make y logarithmic, labelled with plain numbers."""
    axes.set_yscale("log")
    low, high = axes.get_ylim()
    labelled = (1.0, 2.0, 5.0) if high < 100 * low else (1.0,)
    axes.yaxis.set_major_locator(ticker.LogLocator(subs=labelled))
    axes.yaxis.set_major_formatter(ticker.FormatStrFormatter("%g"))
    axes.yaxis.set_minor_formatter(ticker.NullFormatter())


def _draw_profile(part: SubFigure, profile: Profile, looks: Looks) -> None:
    left, right = part.subplots(1, 2)
    ratios = dict(zip(profile.optimizers, profile.ratios, strict=True))
    _draw_shares(left, ratios, 1.0, R_MAX, looks)
    title = "Problems solved, by how much slower than the fastest optimizer"
    left.set(title=title, ylabel="share of the problems", xlim=(0.97, R_MAX))
    left.set_xlabel("median epochs to the target, as a multiple of the fastest optimizer's")
    _draw_shares(right, profile.hits, 0.0, 1.0, looks)
    title = f"All targets from gap {TAUS[0]:g} to gap {TAUS[-1]:g}, on all problems and seeds"
    right.set(title=title, ylabel="share of the targets reached", xlim=(-0.01, 1.01))
    right.set_xlabel("share of the epoch budget")
    problems = f"All {len(profile.problems)} problems: {'; '.join(profile.problems)}"
    _describe(part, data.shorten(problems), data.area_labels(profile), looks)


def _describe(
    part: SubFigure, title: str, labels: dict[str, str], looks: Looks, marked: str = ""
) -> None:
    """Add the title, and a legend: optimizers, then, if given, target, what is marked, budget."""
    part.suptitle(title, x=0.01, horizontalalignment="left", fontsize=11)
    rows = data.legend_rows(labels, bool(marked))
    blank: tuple[data.Keywords, str] = {"linestyle": "none"}, ""
    entries = [(looks[name].marked, text) for name, text in labels.items()]
    entries += [blank] * (-len(entries) % rows)  # fill the column
    if marked:
        entries.append((data.TARGET, "target"))
        entries.append((data.MARKER, f"median hitting time; {marked}"))
        entries += [(data.BUDGET, "budget")] + [blank] * (-3 % rows)
    handles = [Line2D([], [], **look) for look, _ in entries]
    # matplotlib leaves out entries that begin with an underscore
    texts = [f" {text}" if text.startswith("_") else text for _, text in entries]
    part.legend(handles, texts, loc="outside lower center", ncols=len(entries) // rows)
