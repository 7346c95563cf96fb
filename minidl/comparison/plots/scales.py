"""Axes of the panels: epochs, shares, logarithms, titles; matplotlib is imported when this is."""

import math
from collections.abc import Mapping, Sequence

from matplotlib import ticker
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb

from minidl.comparison.plots import data
from minidl.comparison.report.words import rate
from minidl.comparison.stats.hitting import Floats
from minidl.plots.figures import count_in_plain_numbers
from minidl.plots.inks import ink

WHOLE: data.Keywords = {"nbins": 6, "integer": True, "steps": [1, 2, 5, 10]}
ROUND = (1, 2, 5), (1, 1.5, 2, 3, 4, 5, 6, 8), (1, 1.2, 1.5, 2, 2.5, 3, 3.5, 4, 4.5, 5, 6, 7, 8, 9)
SMALL = 9  # size of letters inside a panel
Looks = Mapping[str, data.Look]


def entitle(axes: Axes, title: str) -> None:
    """Set a title, in which a $ is a dollar, also if the Axes are a caller's."""
    axes.set_title(title, fontsize=10, parse_math=False)


def light(look: data.Look, share: float) -> tuple[float, ...]:
    """Return so much of a colour, with the background: EPS, for one, does not know `alpha`."""
    mixed = zip(to_rgb(look.line["color"]), to_rgb(ink(0)), strict=True)
    return tuple(share * a + (1 - share) * b for a, b in mixed)


def over_epochs(axes: Axes, end: int, budget: int, scale: int) -> None:
    """Show epochs 0 to `end` on x, or the rows seen if an epoch has several units."""
    shown = "" if end == budget else f" (first {end} of {budget})"
    axes.set(xlim=(-0.01 * end * scale, 1.01 * end * scale), xlabel=f"epochs{shown}")
    axes.xaxis.set_major_locator(ticker.MaxNLocator(**WHOLE))
    if scale > 1:
        axes.xaxis.set_major_formatter(ticker.EngFormatter())
        axes.set_xlabel(f"training rows seen, {scale:,} per epoch")


def over_shares(axes: Axes) -> None:
    """Label y in percent, with room for lines at 0 and 100 %."""
    axes.yaxis.set_major_formatter(ticker.PercentFormatter(1.0, symbol=" %"))
    axes.set_ylim(-0.03, 1.03)


def over_losses(axes: Axes, low: float, high: float) -> None:
    """Show losses from `low` to `high` on a logarithmic y, labelled with plain numbers."""
    axes.set(yscale="log", ylim=(low / 1.1, high * 1.1))
    count_in_plain_numbers(axes.yaxis, low, high)


def over_means(axes: Axes, lowest: float, budget: int) -> None:
    """Show mean epochs on y, from `lowest` to the budget, which is marked."""
    axes.axhline(budget, label="budget", **data.BUDGET)
    offset, shift = (axes.get_yaxis_transform(), "offset points"), (0, 5)  # above the markers
    axes.annotate(f"budget {budget}", (0.02, budget), shift, *offset, fontsize=SMALL)
    if lowest <= 0:
        axes.set_ylim(0, 1.15 * budget)
        return
    high, low = 1.7 * budget, lowest / 1.2
    axes.set(yscale="log", ylim=(low, high))
    axes.set_yticks(_round_numbers(low, budget, (high / low) ** 0.09))
    axes.yaxis.set_major_formatter(ticker.FormatStrFormatter("%g"))
    axes.yaxis.set_minor_locator(ticker.NullLocator())


def _round_numbers(low: float, high: float, factor: float) -> list[float]:
    """Return the roundest numbers in a range, each at least `factor` times the one before."""
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for digits in ROUND:
        numbers = [digit * 10.0**power for power in powers for digit in digits]
        inside = [number for number in numbers if low <= number <= high]
        if len(inside) > 1:
            break
    return data.spaced(inside, factor) if inside else [high]


def leave_room(axes: Axes, share: float) -> None:
    """Leave this share of the height free above what is drawn."""
    scale = axes.yaxis.get_transform()
    low, high = scale.transform(axes.get_ylim())
    axes.set_ylim(*scale.inverted().transform([low, low + (high - low) / (1 - share)]))


def over_powers(axes: Axes, low: float, high: float, ticks: Sequence[float]) -> None:
    """Show powers of 2 from `low` to `high` on x, labelled at these ticks."""
    axes.set_xscale("log", base=2)
    axes.set_xticks(ticks, [rate(tick) for tick in ticks])
    axes.xaxis.set_minor_locator(ticker.NullLocator())
    axes.set_xlim(low, high)


def draw_shares(
    axes: Axes, values: Mapping[str, Floats], start: float, end: float, looks: Looks
) -> None:
    """Draw the share of values <= x for each optimizer."""
    for name in values:
        corners = data.stairs(values[name], start, end)
        axes.plot(*corners, drawstyle="steps-post", label=name, **looks[name].line)
    over_shares(axes)
