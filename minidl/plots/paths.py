"""Paths of optimizers on a loss surface, as :func:`minidl.paths.descend` records them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from minidl.checks import check_count
from minidl.errors import ArgumentError
from minidl.keywords import answers
from minidl.paths import Path, crossed, measure
from minidl.plots import contours
from minidl.plots.figures import axes_of, explain, styled
from minidl.plots.inks import ink, inked_looks
from minidl.plots.style import Look

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Array = npt.NDArray[Any]
POINTS = 241  # of a grid, each way
ACROSS, AHEAD = "first point across the minimum", "look-ahead point"
VISIBLE = 0.015  # of the picture: shorter arrows are left out
LONGEST = 45  # characters of a formula in a title


@answers
def plot_paths(
    paths: Path | Sequence[Path], *, half_steps: int = 6, ax: Axes | None = None
) -> Axes:
    """Draw paths on their surface: a map of the loss, or in one dimension the loss curve.

    Parameters
    ----------
    paths : Path or sequence of Path
        Paths on one surface, from :func:`minidl.paths.descend`.
    half_steps : int, default 6
        For so many steps of NAG, show its two halves: a dashed arrow along the velocity to the
        look-ahead point, a hollow one, and a solid arrow for the correction by the gradient there.
    ax : matplotlib Axes, optional
        Where to draw, by default in a new figure.

    Returns
    -------
    matplotlib Axes
        In two dimensions contours of the loss, at heights that are a geometric sequence, so that
        valleys are visible. In one dimension the loss against x, with a ring around the first
        point after each crossing of the minimum.

    Raises
    ------
    ArgumentError
        There is no path, or they are on several surfaces, or two have one name; `half_steps` is
        negative; matplotlib is not installed.

    Examples
    --------
    >>> from minidl import paths, plots
    >>> both = [paths.descend("valley", name, lr=0.025) for name in ("momentum", "nag")]
    >>> ax = plots.plot_paths(both)
    >>> [text.get_text() for text in ax.get_legend().get_texts()]
    ['momentum', 'nag', 'look-ahead point', 'start', 'minimum']
    """
    shown, half_steps = checked(paths), check_count("half_steps", half_steps, 0)
    place = shown[0].surface
    with styled(ax):
        looks = inked_looks(path.name for path in shown)
        ax = axes_of(ax, 6.4, 4.4)
        if place.dimension == 1:
            _draw_curve(ax, shown, looks)
        else:
            _draw_map(ax, shown, looks, half_steps)
        ax.set_xlabel("x")
        typed = place.name == place.formula.text or len(place.formula.text) > LONGEST
        ax.set_title(place.name if typed else f"{place.name}: {place.formula.text}")
        explain(ax)
    return ax


def checked(paths: Path | Sequence[Path]) -> list[Path]:
    """Return paths as a list, or raise an ArgumentError."""
    shown = list(paths) if isinstance(paths, Sequence) else [paths]
    if not shown or not all(isinstance(path, Path) for path in shown):
        expected, received = "paths that minidl.paths.descend returned", repr(paths)[:80]
        raise ArgumentError("there are no paths to draw", received=received, expected=expected)
    names = sorted({path.surface.formula.text for path in shown})
    if len(names) > 1:
        received = " and ".join(names)
        raise ArgumentError("paths in one picture need one surface", received=received)
    if len({path.name for path in shown}) < len(shown):
        received, hint = ", ".join(path.name for path in shown), "Give descend(..., name=...)."
        raise ArgumentError("paths need different names", received=received, hint=hint)
    return shown


def minima_of(paths: Sequence[Path]) -> Array:
    """Return the known minima of a surface, or those at which its paths end: shape (count, d)."""
    place = paths[0].surface
    if place.minima:
        return np.array(place.minima)
    minima: list[Array] = []
    for path in paths:
        minimum = measure(path).minimum
        if minimum is not None and not any(np.allclose(minimum, m, atol=1e-6) for m in minima):
            minima.append(minimum)
    return np.array(minima).reshape(-1, place.dimension)


def _mark(ax: Axes, start: Sequence[Any] | Array, minima: Array) -> None:
    """Mark the start by a ring, and each minimum by a star."""
    style: dict[str, Any] = {"ls": "", "mfc": ink(0), "mec": ink(), "zorder": 9}
    ax.plot(*start, **style, marker="o", ms=8, mew=1.4, label="start")
    for i, minimum in enumerate(minima):
        ax.plot(*minimum, **style, marker="*", ms=13, label="_" if i else "minimum")


def _draw_map(ax: Axes, paths: list[Path], looks: dict[str, Look], half_steps: int) -> None:
    """Draw the contours of a surface, the paths, the half-steps, the start and the minima."""
    place, minima = paths[0].surface, minima_of(paths)
    ahead = [
        half[1][np.newaxis] for path in paths for half in islice(path.half_steps(), half_steps)
    ]
    visited = np.concatenate([*(path.iterates for path in paths), *ahead, minima])
    points = contours.grid(contours.limits_of(visited, place.view), POINTS)
    losses = place.losses(points)
    lowest = contours.lowest_of(losses, *(path.losses for path in paths), place.losses(minima))
    contours.draw_contours(ax, points, losses, lowest)
    contours.draw_paths(ax, {path.name: path.iterates for path in paths}, looks)
    for path in paths:
        _draw_half_steps(ax, path, half_steps, looks[path.name])
    _mark(ax, paths[0].iterates[0], minima)
    ax.set_ylabel("y")


def _draw_half_steps(ax: Axes, path: Path, count: int, look: Look) -> None:
    """Draw the two halves of the first `count` steps that ask for the gradient elsewhere."""
    labels = ax.get_legend_handles_labels()[1]
    size = np.array([np.ptp(ax.get_xlim()), np.ptp(ax.get_ylim())])
    for start, ahead, target in islice(path.half_steps(), count):
        if np.abs((ahead - start) / size).max() < VISIBLE:
            continue
        for begin, end, dashes in ((start, ahead, (0, (2, 1.5))), (ahead, target, "-")):
            arrow: dict[str, Any] = {
                "arrowstyle": "-|>",
                "color": look.color,
                "lw": 1.1,
                "linestyle": dashes,
            }
            arrow |= {"shrinkA": 0, "shrinkB": 0, "mutation_scale": 9}
            ax.annotate("", tuple(end), tuple(begin), arrowprops=arrow, zorder=7)
        label = "_" if AHEAD in labels else AHEAD
        style: dict[str, Any] = {
            "ls": "",
            "marker": "o",
            "ms": 6,
            "mfc": ink(0),
            "mec": look.color,
            "mew": 1.2,
        }
        ax.plot(*ahead, **style, zorder=8, label=label)
        labels = [AHEAD]


def _draw_curve(ax: Axes, paths: list[Path], looks: dict[str, Look]) -> None:
    """Draw a loss of x, the paths on it, and rings around their first points across a minimum."""
    place, minima = paths[0].surface, minima_of(paths)
    visited = np.concatenate([*(path.iterates for path in paths), minima])
    x = np.linspace(*contours.limits_of(visited, place.view)[0], 400)
    ax.plot(x, place.losses(x[:, np.newaxis]), color=ink(0.4), lw=1.0, zorder=2, label="_")
    label = ACROSS
    for path in paths:
        look = looks[path.name]
        style: dict[str, Any] = {"ls": "", "marker": look.marker, "ms": 4, "color": look.color}
        ax.plot(path.iterates[:, 0], path.losses, **style, zorder=contours.LIFT, label=path.name)
        for direction in measure(path).directions:
            across = crossed(direction.offsets)
            ring: dict[str, Any] = {
                "ls": "",
                "marker": "o",
                "ms": 9,
                "mfc": "none",
                "mec": look.color,
            }
            ax.plot(path.iterates[across, 0], path.losses[across], **ring, zorder=7, label=label)
            label = "_"
    lows = np.stack([minima[:, 0], place.losses(minima)], axis=1)
    _mark(ax, (paths[0].iterates[0, 0], paths[0].losses[0]), lows)
    ax.set_ylabel("loss")
