"""Figures of comparisons; matplotlib is imported when a function is called."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from minidl.comparison.analysis import Results
from minidl.comparison.plots import data
from minidl.comparison.profile import Profile
from minidl.errors import cut, invalid
from minidl.plots.figures import axes_of, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

HEIGHT, LINE = 3.2, 0.21  # inches: of panels, and of a line of text above or below them
PLACES: dict[str, Any] = {"loss": "upper right", "arrivals": "lower right", "rates": "upper center"}


def plot_panel(comparison: Results, what: str, ax: Axes | None) -> Axes:
    """Draw the panel of this name, with a legend inside; see `Comparison.plot`."""
    if what not in PLACES:
        hint = "To write a file: comparison.plot()[0].figure.savefig('race.png')."
        expected = f"one of {', '.join(PLACES)}"
        raise invalid("what", what, expected, hint if "." in str(what) else None)
    if isinstance(ax, (list, tuple, np.ndarray)):
        raise invalid("ax", ax, "a single Axes for a single panel")
    data.target_of(comparison)
    with styled(ax):
        from minidl.comparison.plots.panels import PANELS
        from minidl.comparison.plots.scales import leave_room

        axes, looks = axes_of(ax), data.looks_of([comparison])
        labels, full = data.labels(comparison), what == "loss"
        labels = labels if full else {name: cut(name, 40) for name in labels}
        PANELS[what](axes, comparison, looks)
        rates = what == "rates"  # where no corner is free
        marks = data.marks(comparison)[1:] if rates else []
        rows = data.legend(labels, looks, marks, columns=1 + rates)
        leave_room(axes, (0.03 + 0.055 * len(rows)) * rates)
        layout = {"loc": PLACES[what], "ncols": 1 + rates, "handlelength": 3, "columnspacing": 1}
        axes.legend(*_by_columns(rows), **layout)
    return axes


def plot_panels(comparison: Results, ax: Any) -> Any:
    """Draw all panels of a comparison, into three Axes or into a new pyplot figure."""
    if ax is None:
        return plot_study([comparison], None)[0]
    axes = np.ravel(ax)
    if len(axes) != len(PLACES):
        hint = 'For a single one, name the panel: comparison.plot("loss", ax=ax).'
        raise invalid("ax", ax, "three Axes", hint)
    for panel, axes_of_panel in zip(PLACES, axes, strict=True):
        plot_panel(comparison, panel, axes_of_panel)
    return axes


def plot_study(comparisons: Sequence[Results], profile: Profile | None) -> Any:
    """Draw a row of panels for each comparison into a new pyplot figure; return them (n, 3)."""
    with styled():
        parts = _parts(comparisons, profile)
        import matplotlib.pyplot as plt

        return _draw(plt.figure(**_size(parts)), parts)


def figure(comparisons: Sequence[Results], profile: Profile | None) -> Figure:
    """Return the figure of :func:`plot_study`; pyplot, its backend and state are not touched."""
    with styled():
        parts = _parts(comparisons, profile)
        from matplotlib.figure import Figure

        drawn = Figure(**_size(parts))
        _draw(drawn, parts)
        return drawn


class _Part(NamedTuple):
    """A row of a figure, and the words above and below it."""

    shown: Results | Profile
    looks: dict[str, data.Look]
    title: str
    words: str
    legend: list[list[data.Entry]]


def _parts(comparisons: Sequence[Results], profile: Profile | None) -> list[_Part]:
    """Return the rows of a figure; DataError if one cannot be drawn."""
    looks, parts = data.looks_of(comparisons), []
    for comparison in comparisons:
        words = data.conditions(comparison)
        legend = data.legend(data.labels(comparison), looks, data.marks(comparison))
        parts.append(_Part(comparison, looks, data.title(comparison), words, legend))
    if profile is not None:
        words = cut("; ".join(profile.problems), data.FINE)
        legend = data.legend(data.area_labels(profile), looks, [])
        parts.append(
            _Part(profile, looks, f"{len(profile.problems)} problems together", words, legend)
        )
    return parts


def _size(parts: Sequence[_Part]) -> dict[str, Any]:
    """Return the keywords of a new figure."""
    return {"figsize": (data.WIDTH, sum(map(_height, parts))), "layout": "constrained"}


def _height(part: _Part) -> float:
    """Return the height of a row in inches."""
    return HEIGHT + LINE * (f"{part.title}\n{part.words}".count("\n") + 1 + len(part.legend))


def _draw(figure: Figure, parts: Sequence[_Part]) -> Any:
    """Draw the rows into a figure; return the Axes of the comparisons (n, 3)."""
    from minidl.comparison.plots.panels import PANELS, draw_profile

    heights, rows = list(map(_height, parts)), []
    places: Any = [figure]  # a subfigure has no savefig
    if len(parts) > 1:
        places = figure.subfigures(len(parts), 1, height_ratios=heights)
    for place, (shown, looks, title, words, legend) in zip(places, parts, strict=True):
        if isinstance(shown, Profile):
            draw_profile(place.subplots(1, 2), shown, looks)
        else:
            rows.append(place.subplots(1, len(PANELS)))
            for axes, draw in zip(rows[-1], PANELS.values(), strict=True):
                draw(axes, shown, looks)
        place.suptitle(title, x=0.01, horizontalalignment="left", fontsize=12)
        layout = {"loc": "outside lower left", "ncols": len(legend[0]), "alignment": "left"}
        place.legend(*_by_columns(legend), title=words, **layout)
    return np.array(rows)


def _by_columns(rows: Sequence[Sequence[data.Entry]]) -> tuple[list[Any], list[str]]:
    """Return the lines and the texts of a legend, which matplotlib fills column by column."""
    from matplotlib.lines import Line2D

    entries = [entry for column in zip(*rows, strict=True) for entry in column]
    # matplotlib leaves out entries that begin with an underscore
    texts = [f" {text}" if text.startswith("_") else text for _, text in entries]
    return [Line2D([], [], **look) for look, _ in entries], texts
