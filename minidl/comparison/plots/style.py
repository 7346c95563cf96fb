"""Colours, dashes and markers of a plot."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from minidl.comparison.result import Comparison

__all__ = ["BUDGET", "MARKED", "STYLE", "TARGET", "WIDTH", "Look", "legend_rows", "looks_of"]

WIDTH = 14.0  # of the figure, in inches

STYLE = {
    "svg.hashsalt": "minidl",  # or identifiers inside an SVG differ from file to file
    "text.parse_math": False,  # a name may contain a $
    "font.size": 10,
    "axes.titlesize": 11,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "grid.color": "0.9",
    "lines.linewidth": 1.8,
    "lines.markersize": 5,
    "legend.frameon": False,
    "legend.handlelength": 4,
    "figure.constrained_layout.w_pad": 0.08,
    "figure.constrained_layout.wspace": 0.03,
}
# The palette of Okabe & Ito without yellow: distinguishable with colour blindness.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
DASHES = ((), (5, 1.5), (5, 1.5, 1, 1.5), (1.5, 1), (5, 1.5, 1, 1.5, 1, 1.5))
MARKERS = "os^DvPX"
SIZES = (12, 9.5, 7)  # so that a point on top of another does not hide it
GREY = "0.35"
TARGET: dict[str, Any] = {"color": GREY, "linewidth": 1.2, "linestyle": (0, (4, 3))}
BUDGET: dict[str, Any] = {"color": GREY, "linewidth": 1.2, "linestyle": ":"}
MARKED: dict[str, Any] = {"markeredgecolor": "black", "linestyle": "none"}


class Look(NamedTuple):
    """The colour, dashes and marker of an optimizer in every panel."""

    color: str
    linestyle: str | tuple[int, tuple[float, ...]]
    marker: str
    size: float

    @property
    def line(self) -> dict[str, Any]:
        """Keyword arguments for a line."""
        return {"color": self.color, "linestyle": self.linestyle}

    @property
    def point(self) -> dict[str, Any]:
        """Keyword arguments for a single point."""
        marker = {"color": self.color, "marker": self.marker, "markersize": self.size}
        return {**marker, **MARKED, "zorder": 3, "clip_on": False}


def looks_of(comparisons: Iterable[Comparison]) -> dict[str, Look]:
    """Return the look of each optimizer; colours and dashes repeat with different periods."""
    names = dict.fromkeys(c.name for each in comparisons for c in each.plan.contestants)
    looks = {}
    for k, name in enumerate(names):
        dashes = DASHES[k % len(DASHES)]
        linestyle = (0, dashes) if dashes else "-"
        color, marker = COLOURS[k % len(COLOURS)], MARKERS[k % len(MARKERS)]
        looks[name] = Look(color, linestyle, marker, SIZES[k % len(SIZES)])
    return looks


def legend_rows(labels: Mapping[str, str], explained: bool = False) -> int:
    """Return the number of lines of a legend, beside three more entries if `explained`."""
    inches = 0.8 + 0.08 * max(map(len, labels.values()))  # of a column, about
    columns = max(1, int((0.65 if explained else 1.0) * WIDTH / inches))
    return max(3 if explained else 1, math.ceil(len(labels) / columns))
