"""The panels of a figure, each a function of its Axes; matplotlib is imported when this file is."""

import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from matplotlib import ticker
from matplotlib.axes import Axes

from minidl.comparison.analysis import Results
from minidl.comparison.curves import tuning_curves
from minidl.comparison.plots import data
from minidl.comparison.plots.scales import (
    SMALL,
    Looks,
    draw_shares,
    entitle,
    light,
    over_epochs,
    over_losses,
    over_means,
    over_powers,
)
from minidl.comparison.profile import TAUS, Profile
from minidl.comparison.report.tables import TRIALS
from minidl.comparison.report.words import curve_name
from minidl.comparison.stats.hitting import Floats, median
from minidl.comparison.stats.profiles import R_MAX
from minidl.plots.inks import ink
from minidl.text import counted


def draw_loss(axes: Axes, comparison: Results, looks: Looks) -> None:
    """Draw the curve that the goal is on: each seed, median and quartiles, and median arrivals."""
    plan, goal, hits = comparison.plan, data.target_of(comparison).value, data.hits(comparison)
    scale, end = data.samples_per_epoch(comparison), data.last_epoch(hits.values(), plan.epochs)
    ends = [goal]
    for name in hits:
        runs = comparison.evaluation_runs(plan.contestant(name), comparison.chosen[name].setting)
        band = _draw_curves(
            axes, name, [run.curves[plan.goal.column] for run in runs], scale, looks
        )
        ends += band[:, : end + 1].ravel().tolist()
        if math.isfinite(time := median(hits[name].tolist())):
            axes.plot([time * scale], [goal], label=f"{name}: median", **looks[name].point)
    axes.axhline(goal, label="goal", **data.TARGET)
    place = axes.get_yaxis_transform()
    axes.text(1.01, goal, "goal", transform=place, verticalalignment="center", fontsize=SMALL)
    if plan.goal.rises:
        axes.yaxis.set_major_formatter(ticker.PercentFormatter(1.0, symbol=" %"))
    elif min(ends) > 0:
        over_losses(axes, min(ends), max(ends))
    over_epochs(axes, end, plan.epochs, scale)
    curve = curve_name(plan)
    entitle(axes, f"{curve[0].upper()}{curve[1:]}: median, quartiles")


def _draw_curves(axes: Axes, name: str, curves: list[Floats], scale: int, looks: Looks) -> Floats:
    """Draw each seed, the median and the quartiles of an optimizer; return the quartiles."""
    look, bands = looks[name], data.quartiles(curves)
    low, half, high = bands
    for curve in curves:
        x = np.arange(len(curve)) * scale
        axes.plot(x, curve, label=f"{name}: seed", color=light(look, 0.3), linewidth=0.5, zorder=1)
    x = np.arange(len(half)) * scale
    axes.fill_between(x, low, high, color=light(look, 0.35), alpha=0.6, linewidth=0, zorder=2)
    axes.plot(x, half, label=name, zorder=3, **look.line)
    return bands


def draw_arrivals(axes: Axes, comparison: Results, looks: Looks) -> None:
    """Draw the share of seeds that have reached the goal, over epochs or samples."""
    hits, budget = data.hits(comparison), comparison.plan.epochs
    scale, end = data.samples_per_epoch(comparison), data.last_epoch(hits.values(), budget)
    times = {name: row * scale for name, row in hits.items()}
    draw_shares(axes, times, 0, end * scale, looks)
    over_epochs(axes, end, budget, scale)
    seeds = counted(max(map(len, hits.values()), default=0), "seed")
    entitle(axes, f"Share of {seeds} at the goal")


def draw_rates(axes: Axes, comparison: Results, looks: Looks) -> None:
    """Draw what the learning rate does, or, after a random search, what fewer trials would find."""
    (_draw_trials if comparison.plan.trials else _draw_grid)(axes, comparison, looks)


PANELS: Mapping[str, Callable[[Axes, Results, Looks], None]] = {
    "loss": draw_loss,
    "arrivals": draw_arrivals,
    "rates": draw_rates,
}


def _draw_grid(axes: Axes, comparison: Results, looks: Looks) -> None:
    """Draw the mean epochs at each rate, on a band where rates are about equally good."""
    effects, lowest = data.effects(comparison), math.inf
    rates = sorted({lr for effect in effects.values() for lr in effect.means})
    for name, (means, chaotic, good) in effects.items():
        lowest, lr = min(lowest, *means.values()), comparison.chosen[name].setting.lr
        axes.plot(list(means), list(means.values()), label=name, **looks[name].marked)
        if good and len(rates) > 1:
            span = [r for r in means if good[0] <= r <= good[-1]]
            band = {"color": light(looks[name], 0.3), "zorder": 1.5, **data.BAND}
            label = f"{name}: about equally good"
            axes.plot(span, [means[r] for r in span], label=label, **band)
        crosses = chaotic, [means[r] for r in chaotic]
        axes.plot(*crosses, label=f"{name}: chaotic", zorder=5, color=ink(), **data.CROSS)
        axes.plot([lr], [means[lr]], label=f"{name}: chosen", **looks[name].point)
    over_means(axes, lowest, comparison.plan.epochs)
    low, high = rates[0] / 1.5, rates[-1] * 1.5
    over_powers(axes, low, high, data.spaced(rates, (high / low) ** (1 / 4)))
    seeds = data.rated_on(comparison)
    words = "seed" if seeds == comparison.seeds else "tuning seed"
    axes.set_xlabel(f"learning rate ({counted(max(map(len, seeds.values())), words)})")
    entitle(axes, "Mean epochs to the goal")


def _draw_trials(axes: Axes, comparison: Results, looks: Looks) -> None:
    """Draw the expected best mean of 1, 2, ... random trials, with intervals as bands."""
    plan, total, lowest = comparison.plan, len(comparison.plan.trials), math.inf
    for name, curve in tuning_curves(comparison).items():
        numbers, look, lowest = np.arange(1, total + 1), looks[name], min(lowest, curve[:, 1].min())
        band = light(look, 0.3)
        axes.fill_between(numbers, curve[:, 1], curve[:, 2], color=band, alpha=0.6, linewidth=0)
        axes.plot(numbers, curve[:, 0], label=name, **look.line)
        axes.plot([total], [curve[-1, 0]], label=f"{name}: all", **look.point)
    over_means(axes, lowest, plan.epochs)
    ticks = [b for b in TRIALS if b < total / 1.2] + [total]
    over_powers(axes, 0.95, 1.05 * total, ticks)
    seeds = counted(len(plan.tuning_seeds), "tuning seed")
    axes.set_xlabel(f"random trials ({seeds})")
    entitle(axes, "Mean epochs of the best trial")


def draw_profile(axes: Sequence[Axes], profile: Profile, looks: Looks) -> None:
    """Draw how often each optimizer is near the fastest, and how soon it reaches all targets."""
    left, right = axes
    ratios = dict(zip(profile.optimizers, profile.ratios, strict=True))
    draw_shares(left, ratios, 1.0, R_MAX, looks)
    left.set(xlim=(0.97, R_MAX), xlabel="median epochs, as a multiple of the fastest optimizer's")
    entitle(left, f"Share of {len(profile.problems)} problems solved")
    draw_shares(right, profile.hits, 0.0, 1.0, looks)
    right.set(xlim=(-0.01, 1.01), xlabel="share of the epoch budget")
    entitle(right, f"Share of all targets reached: gaps {TAUS[0]:g} to {TAUS[-1]:g}")
