"""Rows of a data set as points: training rows filled, held-out rows hollow, wrong ones crossed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from minidl.datasets import Dataset
from minidl.errors import cut
from minidl.plots.figures import explain
from minidl.plots.inks import ink
from minidl.plots.scores import Scores
from minidl.plots.shades import MARKERS, colours_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Floats = npt.NDArray[np.float64]
MOST = 2000  # rows of a part that are drawn
GREY = "0.35"  # of rows that have no class
SHAPES = {False: "o", True: "D"}  # of rows that are held out or not, where colour is a value
CROSSES = ("white", 3.0), ("black", 1.3)  # colours and widths: black, with a white rim
LONGEST = 24  # letters of a class in the legend


class Part(NamedTuple):
    """Training rows, or held-out rows with `hollow` points."""

    name: str
    X: Floats
    y: npt.NDArray[Any]
    hollow: bool

    @property
    def shown(self) -> npt.NDArray[np.int64]:
        """The positions of the rows that are drawn: at most 2,000, evenly spaced."""
        n = len(self.y)
        return np.unique(np.linspace(0, n - 1, min(n, MOST)).astype(np.int64))

    def draw(self, ax: Axes, places: Floats, colour: Any = GREY, marker: str = "o") -> None:
        """Draw points at their places (n, 2), held-out ones hollow."""
        from matplotlib import rcParams

        size, ring = rcParams["lines.markersize"], 0.26 if self.hollow else 0.1
        look: dict[str, Any] = {"facecolors": colour, "edgecolors": "white"}
        if self.hollow:
            look = {"facecolors": "white", "edgecolors": colour}
        look |= {"s": 0.9 * size**2, "linewidths": ring * size, "zorder": 3 if self.hollow else 2}
        ax.scatter(places[:, 0], places[:, 1], label=self.name, marker=marker, **look)

    def draw_values(self, ax: Axes, places: Floats, colours: Floats) -> None:
        """Draw points at their places (n, 2) in colours (n, 4), held-out ones as diamonds."""
        from matplotlib import rcParams

        look: dict[str, Any] = {"s": 1.2 * rcParams["lines.markersize"] ** 2, "c": colours}
        look |= {"edgecolors": "black", "linewidths": 0.7, "marker": SHAPES[self.hollow]}
        ax.scatter(places[:, 0], places[:, 1], label=self.name, zorder=2 + self.hollow, **look)


def parts_of(data: Dataset) -> list[Part]:
    """Return the training rows, and the held-out rows if there are any."""
    parts = [
        Part("training rows", data.X_train, data.y_train, False),
        Part("held-out rows", data.X_test, data.y_test, True),
    ]
    return parts[: 2 if len(data.y_test) else 1]


class Drawn(NamedTuple):
    """A picture of predictions: what its legend and its title say, and where rows of classes are.

    `places` has an array (n, 2) for each part of the data; none for a regression.
    """

    words: tuple[str, ...]
    handles: tuple[Any, ...] = ()
    places: tuple[Floats, ...] = ()


def draw_classes(ax: Axes, data: Dataset, places: Sequence[Floats]) -> None:
    """Draw each part at its places (n, 2), in the colours and markers of the classes."""
    for part, xy in zip(parts_of(data), places, strict=True):
        for k, colour in enumerate(colours_of(data.n_classes)):
            of_class = part.shown[part.y[part.shown] == k]
            part.draw(ax, xy[of_class], colour, MARKERS[k % len(MARKERS)])


def cross_out(ax: Axes, data: Dataset, places: Sequence[Floats], scores: Scores) -> str:
    """Draw crosses on rows that are predicted wrongly, and return how many these are."""
    counts = []
    for part, xy in zip(parts_of(data), places, strict=True):
        missed = scores.of(part.X).argmax(axis=1) != part.y
        crossed = part.shown[missed[part.shown]]
        for color, width in CROSSES:
            look: dict[str, Any] = {"s": 32, "marker": "x", "color": color, "linewidths": width}
            ax.scatter(xy[crossed, 0], xy[crossed, 1], label="wrong", zorder=5, **look)
        counts.append(f"{missed.sum():,} of {len(missed):,} {part.name}")
    return f"wrong: {', '.join(counts)}"


def legend_of(ax: Axes, data: Dataset, *extra: Any, crosses: bool = False) -> None:
    """Explain points, and `extra` handles, below the Axes."""
    from matplotlib.lines import Line2D

    points: dict[str, Any] = {"linestyle": "none", "markersize": 6}
    valued = bool(ax.images) and not data.n_classes
    handles = list(extra)
    for k, (name, colour) in enumerate(
        zip(data.class_names, colours_of(data.n_classes), strict=True)
    ):
        look: dict[str, Any] = {"color": colour, "marker": MARKERS[k % len(MARKERS)]}
        look |= {"markeredgecolor": "white"}
        handles.append(Line2D([], [], label=class_words(name), **look, **points))
    for part in parts_of(data):
        name = part.name if len(part.y) <= MOST else f"{part.name}: {MOST:,} of {len(part.y):,}"
        ends = ("white", ink(0.65)) if part.hollow else (ink(0.65), "white")
        look = {"marker": "o", "color": ends[0], "markeredgecolor": ends[1]}
        if valued:
            look = {"marker": SHAPES[part.hollow], "color": "0.6", "markeredgecolor": "black"}
        handles.append(Line2D([], [], label=name, **look, **points))
    if crosses:
        handles.append(Line2D([], [], label="predicted wrongly", marker="x", color=ink(), **points))
    explain(ax, handles)


def class_words(name: str) -> str:
    """Return the name of a class for a legend; a number alone says nothing."""
    words = f"class {name}" if name.replace(".", "").lstrip("-").isdigit() else name
    words = cut(words, LONGEST)
    return f" {words}" if words.startswith("_") else words  # matplotlib hides those with _


def target_of(data: Dataset) -> str:
    """Return the name of the target."""
    return (data.preparation.target if data.preparation else "") or "target"
