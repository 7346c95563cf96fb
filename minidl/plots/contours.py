"""Contours of a loss in the plane, with paths of optimizers on them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from minidl.errors import ArgumentError
from minidl.plots.inks import ink
from minidl.plots.style import Look

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Array = npt.NDArray[Any]
LEVELS = 14
LOW, LINE = 0.22, 0.38  # shares of the colour of texts, where the loss is low, and in lines
LARGEST = 1e240  # of a loss: Matplotlib's colours end at 1e250
LIFT, MARKED = 5, 60  # drawing order of paths; steps with a marker


def grid(limits: Sequence[tuple[float, float]], points: int) -> Array:
    """Return the points of a grid over a rectangle, shape (points, points, 2)."""
    x, y = (np.linspace(low, high, points) for low, high in limits)
    return np.stack(np.meshgrid(x, y), axis=-1)


def lowest_of(*losses: npt.ArrayLike) -> float:
    """Return the lowest finite loss; raise an ArgumentError if none is finite.

    >>> lowest_of([np.nan, 3.0], [2.0, -np.inf])
    2.0
    """
    all_losses = np.concatenate([np.ravel(np.asarray(part, dtype=float)) for part in losses])
    if not np.isfinite(all_losses).any():
        expected = "a finite loss at one point at least"
        raise ArgumentError("the loss is not finite anywhere in the picture", expected=expected)
    return float(all_losses[np.isfinite(all_losses)].min())


def levels(losses: Array, lowest: float) -> Array:
    """Return contour levels whose heights above the lowest loss are a geometric sequence.

    So a valley and its floor have contours as well as its walls. If no loss is above the lowest by
    more than rounding, there are two levels.

    >>> levels(np.array([0.0, 1.0, 100.0]), 0.0)[-2:].round(1)
    array([ 49.2, 100. ])
    """
    top = float(losses[np.isfinite(losses)].max(initial=lowest)) - lowest
    values: Array = lowest + top * np.geomspace(1e-4, 1.0, LEVELS)
    if not (np.diff(values) > 0).all():
        return np.array([lowest, lowest + max(1.0, 1e-6 * abs(lowest))])
    return values


def draw_contours(ax: Axes, points: Array, losses: Array, lowest: float) -> None:
    """Draw contours of losses (n, n) at the points of a :func:`grid`, the low ones shaded.

    Losses beyond 10^240 in absolute value are drawn as these.
    """
    from matplotlib.colors import LinearSegmentedColormap

    shown = np.where(np.isfinite(losses), losses.clip(-LARGEST, LARGEST), np.nan)
    values = np.ma.masked_invalid(shown)
    heights = levels(shown, float(np.clip(lowest, -LARGEST, LARGEST)))
    shades = LinearSegmentedColormap.from_list("losses", [ink(LOW), ink(0)])(
        np.linspace(0, 1, len(heights) + 1)
    )
    x, y = points[..., 0], points[..., 1]
    ax.contourf(x, y, values, heights, colors=shades, extend="both")
    ax.contour(x, y, values, heights, colors=ink(LINE), linewidths=0.5, linestyles="solid")
    ax.grid(False)
    ax.set_xlim(x.min(), x.max())
    ax.set_ylim(y.min(), y.max())


def draw_paths(ax: Axes, paths: Mapping[str, Array], looks: Mapping[str, Look]) -> None:
    """Draw paths (T + 1, 2), with a marker on each of their first steps."""
    for name, path in paths.items():
        look = looks[name]
        ax.plot(*path.T, **look.line, lw=1.5, zorder=LIFT, label=name)
        style: dict[str, Any] = {
            "ls": "",
            "marker": look.marker,
            "ms": 3.5,
            "mec": ink(0),
            "mew": 0.4,
        }
        ax.plot(*path[1 : MARKED + 1].T, **style, color=look.color, zorder=LIFT + 1, label="_")


def limits_of(
    points: Array, view: Sequence[tuple[float, float]] = (), most: float = 3.0
) -> list[tuple[float, float]]:
    """Return the limits of a picture: `view`, widened to show all points, up to `most` times.

    Without a `view`, they are those of the points with a margin.
    """
    limits = []
    for axis in range(points.shape[1]):
        low, high = points[:, axis].min(), points[:, axis].max()
        left, right = view[axis] if view else (low, high)
        if view:
            room = (most - 1) * (right - left) / 2
            low, high = max(low, left - room), min(high, right + room)
        margin = 0.12 * (high - low) or 1.0
        limits.append((float(min(left, low - margin)), float(max(right, high + margin))))
    return limits
