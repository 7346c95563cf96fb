"""Draw the way of paths to the minimum, step by step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from minidl.checks import check_count
from minidl.keywords import answers
from minidl.paths import Direction, Path, crossed, measure
from minidl.plots.figures import axes_of, count_in_whole_numbers, explain, styled
from minidl.plots.inks import ink, inked_looks
from minidl.plots.paths import checked, minima_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FEW = 60  # steps that have markers


@answers
def plot_steps(
    paths: Path | Sequence[Path],
    *,
    direction: int = 0,
    steps: int | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw one coordinate of paths against the step, with a ring at each crossing of the minimum.

    Parameters
    ----------
    paths : Path or sequence of Path
        Paths on one surface, from :func:`minidl.paths.descend`.
    direction : int, default 0
        Which coordinate: on a quadratic the eigenvectors of the Hessian are numbered from the
        steepest, see :func:`minidl.paths.measure`; in one dimension there is only 0. On other
        surfaces, the loss is drawn instead, above the lowest one known, and `direction` is unused.
    steps : int, optional
        The last step that is shown, by default the last of the paths.
    ax : matplotlib Axes, optional
        Where to draw, by default in a new figure.

    Errors are those of :func:`~minidl.plots.plot_paths`, and an ArgumentError for a direction or a
    number of steps out of range.

    Examples
    --------
    >>> from minidl import paths, plots
    >>> ax = plots.plot_steps(paths.descend("x**2/2", "momentum", lr=0.5), steps=20)
    >>> ax.get_ylabel()
    'x'
    """
    shown = checked(paths)
    last_step = max(len(path.losses) for path in shown) - 1
    last_step = last_step if steps is None else check_count("steps", steps)
    measured = [measure(path) for path in shown]
    along = all(figures.directions for figures in measured)
    if along:
        check_count("direction", direction, 0, min(len(f.directions) for f in measured) - 1)
    with styled(ax):
        ax = axes_of(ax, 6.4, 4.4)
        if along:
            _draw_coordinates(ax, shown, [f.directions[direction] for f in measured], last_step)
        else:
            _draw_losses(ax, shown, last_step)
        ax.set_xlabel("step")
        count_in_whole_numbers(ax.xaxis)
        explain(ax)
    return ax


def _lines(paths: list[Path], last_step: int) -> list[dict[str, Any]]:
    """Return the keywords of the paths' lines, with markers if the steps are few."""
    looks = inked_looks(path.name for path in paths)
    marked: list[dict[str, Any]] = [
        {"marker": look.marker, "ms": 3.5} if last_step <= FEW else {} for look in looks.values()
    ]
    return [
        {**look.line, **marker, "lw": 1.4, "label": name}
        for (name, look), marker in zip(looks.items(), marked, strict=True)
    ]


def _draw_coordinates(
    ax: Axes, paths: list[Path], directions: list[Direction], last_step: int
) -> None:
    """Draw the coordinate along a direction, from the minimum; in one dimension x itself."""
    h, in_1d = directions[0].curvature, paths[0].surface.dimension == 1
    for path, direction, style in zip(paths, directions, _lines(paths, last_step), strict=True):
        values = path.iterates[:, 0] if in_1d else direction.offsets
        zero = values[0] - direction.offsets[0] * (direction.vector[0] if in_1d else 1.0)
        line = ax.plot(values[: last_step + 1], **style)[0]
        after = crossed(direction.offsets[: last_step + 1])
        before = np.abs(direction.offsets[after - 1])
        steps = after - 1 + before / (before + np.abs(direction.offsets[after]))
        ring: dict[str, Any] = {"ls": "", "marker": "o", "mfc": ink(0), "mec": line.get_color()}
        ring["ms"] = 7 if last_step <= FEW else 5
        ax.plot(steps, np.full(len(steps), zero), **ring, zorder=6, label="_")
        ax.axhline(zero, color=ink(0.55), lw=0.8, zorder=1, label="_")
    ax.plot([], [], **ring | {"mec": ink()}, label="crosses the minimum")
    ax.set_title("x at each step" if in_1d else f"along the direction of curvature {h:.4g}")
    ax.set_ylabel("x" if in_1d else "distance from the minimum")


def _draw_losses(ax: Axes, paths: list[Path], last_step: int) -> None:
    """Draw the losses above the lowest one that is known."""
    place = paths[0].surface
    minima = [float(place.losses(m)) for m in minima_of(paths)]
    lowest = min([*minima, *(float(path.losses.min()) for path in paths)])
    for path, style in zip(paths, _lines(paths, last_step), strict=True):
        heights = path.losses[: last_step + 1] - lowest
        ax.plot(np.where(heights > 0, heights, np.nan), **style)
    ax.set_yscale("log")
    ax.yaxis.set_major_formatter("{x:g}")
    ax.set_title("loss at each step")
    ax.set_ylabel("loss above the minimum" if minima else "loss above the lowest")
