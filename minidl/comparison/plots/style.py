"""How the optimizers of a study look in its plot: colours, dashes and markers."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from minidl.comparison.result import Comparison

__all__ = ["BUDGET", "MARKED", "STYLE", "TARGET", "WIDTH", "Look", "legend_rows", "looks_of"]

WIDTH = 14.0  # of the whole, in inches

STYLE = {
    "svg.hashsalt": "minidl",  # or names inside an SVG differ from file to file
    "text.parse_math": False,  # a name may have a $ in it
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
# Okabe & Ito's colours, but for yellow: people who see few colours tell them apart.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
DASHES = ((), (5, 1.5), (5, 1.5, 1, 1.5), (1.5, 1), (5, 1.5, 1, 1.5, 1, 1.5))
MARKERS = "os^DvPX"
SIZES = (12, 9.5, 7)  # so that a point on another does not hide it
GREY = "0.35"
TARGET: dict[str, Any] = {"color": GREY, "linewidth": 1.2, "linestyle": (0, (4, 3))}
BUDGET: dict[str, Any] = {"color": GREY, "linewidth": 1.2, "linestyle": ":"}
MARKED: dict[str, Any] = {"markeredgecolor": "black", "linestyle": "none"}


class Look(NamedTuple):
    """How an optimizer is drawn: the same way in every panel."""

    color: str
    linestyle: Any
    marker: str
    size: float

    @property
    def line(self) -> dict[str, Any]:
        """What a line is drawn with."""
        return {"color": self.color, "linestyle": self.linestyle}

    @property
    def point(self) -> dict[str, Any]:
        """What a single point is drawn with."""
        own = {"color": self.color, "marker": self.marker, "markersize": self.size}
        return {**own, **MARKED, "zorder": 3, "clip_on": False}


def looks_of(comparisons: Iterable[Comparison]) -> dict[str, Look]:
    """Return how each optimizer looks; colours and dashes repeat after different counts."""
    names = dict.fromkeys(c.name for one in comparisons for c in one.plan.contestants)
    found = {}
    for k, name in enumerate(names):
        dashes = DASHES[k % len(DASHES)]
        found[name] = Look(
            COLOURS[k % len(COLOURS)],
            (0, dashes) if dashes else "-",
            MARKERS[k % len(MARKERS)],
            SIZES[k % len(SIZES)],
        )
    return found


def legend_rows(labels: Mapping[str, str], explained: bool = False) -> int:
    """Return how many lines a legend needs, beside three other marks if they are `explained`.

    Examples
    --------
    >>> legend_rows({"gd": "gd", "nag": "nag"}), legend_rows({"gd": "gd"}, explained=True)
    (1, 3)
    """
    wide = 0.8 + 0.08 * max(map(len, labels.values()))  # inches, about
    across = max(1, int((0.65 if explained else 1.0) * WIDTH / wide))
    return max(3 if explained else 1, math.ceil(len(labels) / across))
