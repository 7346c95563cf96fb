"""Pictures of a regression: the fitted curve or surface, or predicted against true targets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from minidl.datasets import Dataset
from minidl.plots.inks import ink
from minidl.plots.planes import MARGIN, plane_of
from minidl.plots.points import Drawn, parts_of, target_of
from minidl.plots.scores import Scores

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Floats = npt.NDArray[np.float64]
COLOURS = "cividis"  # of a predicted target: its lightness rises evenly


def curve_of(data: Dataset, scores: Scores, size: int) -> tuple[Floats, Floats]:
    """Return values of the only feature, in its own units, and the scores there."""
    rows = np.concatenate([part.X for part in parts_of(data)])
    margin = MARGIN * np.ptp(rows) or 1.0
    inputs = np.linspace(rows.min() - margin, rows.max() + margin, size)[:, None]
    return (inputs * data.x_scale + data.x_mean)[:, 0], scores.of(inputs)


def _draw_curve(ax: Axes, data: Dataset, scores: Scores, size: int) -> Drawn:
    """Draw the predicted target over the only feature."""
    x, predicted = curve_of(data, scores, size)
    (line,) = ax.plot(x, predicted, color=ink(0.9), linewidth=2.2, label="fitted curve", zorder=4)
    for part in parts_of(data):
        x_of_rows = part.X[:, 0] * data.x_scale + data.x_mean
        part.draw(ax, np.stack([x_of_rows, data.inverse_y(part.y)], axis=1)[part.shown])
    ax.set(xlabel=data.feature_names[0], ylabel=target_of(data))
    return Drawn((_quality(data, scores),), (line,))


def _draw_surface(ax: Axes, data: Dataset, scores: Scores, size: int) -> Drawn:
    """Draw the predicted target over two features, and rows in the colour of the true one."""
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize

    plane, parts = plane_of(data), parts_of(data)
    predicted = scores.of(plane.grid(size)).reshape(size, size)
    true = np.concatenate([data.inverse_y(part.y) for part in parts])
    norm = Normalize(true.min(), true.max())  # so that a row on its own colour is predicted well
    colours = ScalarMappable(norm, COLOURS)
    layout: dict[str, Any] = {"extent": plane.limits, "origin": "lower", "aspect": "auto"}
    ax.imshow(predicted, cmap=COLOURS, norm=norm, **layout)
    for part in parts:
        shown = part.shown
        colours_of_rows = colours.to_rgba(data.inverse_y(part.y[shown]))
        part.draw_values(ax, plane.coordinates(part.X[shown]), colours_of_rows)
    ax.set(xlabel=plane.labels[0], ylabel=plane.labels[1])
    return Drawn((_quality(data, scores),))


def _draw_against(ax: Axes, data: Dataset, scores: Scores, _: int) -> Drawn:
    """Draw predicted against true targets."""
    ends: list[float] = []
    for part in parts_of(data):
        places = np.stack([data.inverse_y(part.y), scores.of(part.X)], axis=1)
        part.draw(ax, places[part.shown])
        ends += [places.min(), places.max()]
    corners = [min(ends), max(ends)]
    look: dict[str, Any] = {"color": ink(0.9), "linestyle": "--", "zorder": 4}
    (line,) = ax.plot(corners, corners, label="predicted = true", **look)
    target = target_of(data)
    ax.set(xlabel=f"true {target}", ylabel=f"predicted {target}")
    words = f"{data.n_features} features: predicted against true targets"
    return Drawn((words, _quality(data, scores)), (line,))


FITS = _draw_curve, _draw_surface, _draw_against  # with one feature, two, or more


def keep_limits(ax: Axes, data: Dataset) -> None:
    """Set limits that depend on the rows alone, for pictures of several predictions."""
    true = np.concatenate([data.inverse_y(part.y) for part in parts_of(data)])
    margin = 0.1 * np.ptp(true) or 1.0
    ax.set_ylim(true.min() - margin, true.max() + margin)
    if data.n_features > 2:
        ax.set_xlim(ax.get_ylim())


def _quality(data: Dataset, scores: Scores) -> str:
    """Return the share of the variance that is explained, on each part."""
    words = []
    for part in parts_of(data):
        y = data.inverse_y(part.y)
        spread, residual = ((y - y.mean()) ** 2).sum(), ((y - scores.of(part.X)) ** 2).sum()
        if spread > 0:
            words.append(f"{1 - residual / spread:.2f} on {part.name}")
    return f"R² {', '.join(words)}" if words else ""
