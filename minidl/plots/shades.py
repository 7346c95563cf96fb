"""Probabilities as colours: the colour of the most probable class, faded by its probability."""

from __future__ import annotations

from itertools import cycle, islice
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.image import AxesImage

Floats = npt.NDArray[np.float64]
Limits = tuple[float, float, float, float]
# Of Tol's muted scheme, distinguishable with colour blindness; markers differ for print in grey.
PALETTE = (
    "#332288", "#C28E0E", "#117733", "#CC6677", "#44AA99",
    "#882255", "#88CCEE", "#999933", "#AA4499", "#777777",
)  # fmt: skip
MARKERS = "os^Dv<>ph"  # nine, beside ten colours: 90 classes look different
STRONGEST = 0.5  # share of the colour where a class is certain


def colours_of(classes: int) -> list[str]:
    """Return a colour for each class."""
    return list(islice(cycle(PALETTE), classes))


def shade(probabilities: Floats) -> Floats:
    """Return the colours (..., 3) of probabilities (..., K): white where all are equal.

    >>> shade(np.array([[0.5, 0.5], [1.0, 0.0]])).round(2).tolist()
    [[1.0, 1.0, 1.0], [0.6, 0.57, 0.77]]
    """
    K = probabilities.shape[-1]
    colours = np.array([[int(c[i : i + 2], 16) for i in (1, 3, 5)] for c in colours_of(K)]) / 255
    strength = STRONGEST * (probabilities.max(axis=-1) * K - 1) / (K - 1)
    return np.asarray(1 - strength[..., None] * (1 - colours[probabilities.argmax(axis=-1)]))


def draw_shade(ax: Axes, probabilities: Floats, limits: Limits) -> AxesImage:
    """Draw probabilities (rows from below, columns, K), and lines between the classes."""
    image = ax.imshow(
        shade(probabilities), extent=limits, origin="lower", aspect="auto", interpolation="nearest"
    )
    draw_lines(ax, probabilities, limits)
    return image


def draw_lines(ax: Axes, probabilities: Floats, limits: Limits) -> list[object]:
    """Draw lines where the most probable class changes, and return them."""
    left, right, low, high = limits
    rows, columns, K = probabilities.shape
    x = left + (np.arange(columns) + 0.5) / columns * (right - left)
    y = low + (np.arange(rows) + 0.5) / rows * (high - low)
    lines: list[object] = []
    for k in range(K if K > 2 else 1):
        lead = probabilities[..., k] - np.delete(probabilities, k, axis=-1).max(axis=-1)
        if lead.min() < 0 < lead.max():
            lines.append(ax.contour(x, y, lead, [0.0], colors="0.1", linewidths=1.4, zorder=4))
    return lines
