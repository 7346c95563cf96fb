"""Colours, dashes and markers of a plot."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from itertools import cycle
from typing import Any, NamedTuple

from minidl.comparison.result import Comparison

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
DASHES = ((5, 1.5), (5, 1.5, 1, 1.5), (1.5, 1), (5, 1.5, 1, 1.5, 1, 1.5))
LINES = ("-", *((0, dashes) for dashes in DASHES))
MARKERS = "os^DvPX"
SIZES = (12, 9.5, 7)  # so that a point on top of another does not hide it
Keywords = dict[str, Any]  # of matplotlib's Line2D
TARGET: Keywords = {"color": "0.35", "linewidth": 1.2, "linestyle": (0, (4, 3))}
BUDGET: Keywords = {"color": "0.35", "linewidth": 1.2, "linestyle": ":"}
POINT: Keywords = {"markeredgecolor": "black", "linestyle": "none"}
MARKER: Keywords = {"color": "0.7", "marker": "o", "markersize": 9, **POINT}


class Look(NamedTuple):
    """An optimizer's line, line with markers, and single points in every panel."""

    line: Keywords
    marked: Keywords
    point: Keywords


def looks_of(comparisons: Iterable[Comparison]) -> dict[str, Look]:
    """Return the look of each optimizer; colours and dashes repeat with different periods."""
    names = dict.fromkeys(c.name for each in comparisons for c in each.plan.contestants)
    looks, values = {}, zip(*map(cycle, (COLOURS, LINES, MARKERS, SIZES)), strict=True)
    for name, (color, dashes, marker, size) in zip(names, values, strict=False):
        line = {"color": color, "linestyle": dashes}
        point = {"color": color, "marker": marker, "markersize": size, **POINT}
        marked = {**line, "marker": marker}
        looks[name] = Look(line, marked, {**point, "zorder": 3, "clip_on": False})
    return looks


def legend_rows(labels: Mapping[str, str], explained: bool = False) -> int:
    """Return the number of lines of a legend, beside three more entries if `explained`."""
    inches = 0.8 + 0.08 * max(map(len, labels.values()))  # of a column, about
    columns = max(1, int((0.65 if explained else 1.0) * WIDTH / inches))
    return max(3 if explained else 1, math.ceil(len(labels) / columns))
