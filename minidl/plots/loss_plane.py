"""The loss of a trained network over the plane in which its weights moved most."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from minidl.checks import check_count
from minidl.errors import ArgumentError, invalid
from minidl.keywords import answers
from minidl.plots import contours
from minidl.plots.figures import axes_of, explain, styled
from minidl.plots.inks import ink, inked_looks

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Array = npt.NDArray[Any]
ONE = "weights"  # the name of a single path


class WeightPlane(NamedTuple):
    """A plane in the space of weights, see :func:`plane_of_weights`."""

    centre: Array
    directions: Array
    shares: Array


def plane_of_weights(weights: Mapping[str, Array]) -> WeightPlane:
    """Return the plane of the first two principal components of paths, each (T + 1, P).

    `centre` (P,) is the mean of all weights, `directions` (2, P) are orthonormal, and `shares` (2,)
    are their shares of the variance of the weights. The first path goes forward in both.

    Examples
    --------
    >>> found = plane_of_weights({"a": np.array([[0.0, 0, 0], [4, 0, 0], [0, 2, 0], [4, 2, 0]])})
    >>> found.centre, found.shares.round(2)
    (array([2., 1., 0.]), array([0.8, 0.2]))
    """
    rows = np.concatenate(list(weights.values()))
    centre = rows.mean(axis=0)
    _, sizes, directions = np.linalg.svd(rows - centre, full_matrices=False)
    total = (sizes**2).sum() or 1.0
    path = next(iter(weights.values()))
    forward = np.where(directions[:2] @ (path[-1] - path[0]) < 0, -1.0, 1.0)
    return WeightPlane(centre, directions[:2] * forward[:, np.newaxis], sizes[:2] ** 2 / total)


@answers
def plot_loss_plane(
    weights: npt.ArrayLike | Mapping[str, npt.ArrayLike],
    loss: Callable[[Array], float],
    *,
    points: int = 41,
    ax: Axes | None = None,
) -> Axes:
    """Draw the loss over the plane in which the weights moved most, with their paths.

    The plane goes through the mean of all weights and is spanned by the first two principal
    components of the paths. The paths are projected onto it; the title says that the other
    directions are left out, and the labels what share of the movement (the variance) each axis has
    (Lorch 2016, "Visualizing deep network training trajectories with PCA"; Li et al. 2018, arXiv
    1712.09913, section 7, which centres at the last weights instead).

    Parameters
    ----------
    weights : array_like of shape (T + 1, P), or mapping from names to such arrays
        The weights of a network before training and after each epoch, as
        :class:`minidl.training.WeightPath` keeps them; names such as "nag" choose the looks.
    loss : callable
        The loss as a function of weights (P,), such as :func:`minidl.training.loss_of_weights`,
        which takes buffers, such as the running means of batch norm, as the network has them now.
    points : int, default 41
        The loss is computed at points x points places, so with 41 it is called 1,681 times.
    ax : matplotlib Axes, optional
        Where to draw, by default in a new figure.

    Raises
    ------
    ArgumentError
        The weights are not such arrays of finite numbers, or did not move in two directions;
        `points` is below 3; the loss is nowhere finite; matplotlib is not installed.

    Examples
    --------
    >>> from minidl import Trainer, datasets, nn, plots
    >>> from minidl.training import WeightPath, loss_of_weights
    >>> data, path = datasets.load("moons", n=100, seed=0), WeightPath()
    >>> model = nn.mlp(2, 8, 1, seed=0)
    >>> trainer = Trainer(model, "bce", "nag", lr=0.1, callbacks=[path], seed=0)
    >>> history = trainer.fit(data.X_train, data.y_train, epochs=10)
    >>> loss = loss_of_weights(trainer, data.X_train, data.y_train)
    >>> ax = plots.plot_loss_plane({"nag": path.weights}, loss, points=5)
    >>> ax.get_title().splitlines()[1]  # doctest: +ELLIPSIS
    'the other 31 directions, with ... % of the movement, are left out'
    """
    check_count("points", points, 3)
    if not callable(loss):
        hint = "The weights come first, then the loss." if callable(weights) else None
        raise invalid("loss", loss, "a function of weights", hint)
    paths = _checked(weights)
    plane = plane_of_weights(paths)
    if not plane.shares[1] > 1e-12:
        hint = "Give the weights of at least three epochs."
        raise ArgumentError(
            "the weights moved along a line at most, which spans no plane", hint=hint
        )
    drawn = {name: (rows - plane.centre) @ plane.directions.T for name, rows in paths.items()}
    spots = contours.grid(contours.limits_of(np.concatenate(list(drawn.values()))), points)
    places = plane.centre + spots.reshape(-1, 2) @ plane.directions
    losses = np.array([loss(place) for place in places], dtype=float).reshape(points, points)
    lowest = contours.lowest_of(losses)
    with styled(ax):
        ax = axes_of(ax, 6.4, 4.8)
        contours.draw_contours(ax, spots, losses, lowest)
        contours.draw_paths(ax, drawn, inked_looks(drawn))
        _label(ax, drawn, plane)
        explain(ax)
    return ax


def _checked(weights: npt.ArrayLike | Mapping[str, npt.ArrayLike]) -> dict[str, Array]:
    """Return paths of weights as arrays by name, or raise an ArgumentError."""
    named = weights if isinstance(weights, Mapping) else {ONE: weights}
    expected = "arrays of shape (epochs + 1, weights), as WeightPath.weights"
    try:
        paths = {str(name): np.asarray(rows, dtype=float) for name, rows in named.items()}
    except (TypeError, ValueError):
        raise invalid("weights", weights, expected) from None
    shapes = [rows.shape for rows in paths.values()]
    if not shapes or any(len(s) != 2 or s[0] < 1 or s[1:] != shapes[0][1:] for s in shapes):
        received = ", ".join(map(str, shapes)) or "none"
        raise ArgumentError("weights have the wrong shape", received=received, expected=expected)
    if shapes[0][1] < 2:
        raise ArgumentError("a plane needs at least two weights", received=shapes[0][1])
    if not all(np.isfinite(rows).all() for rows in paths.values()):
        hint = "Leave out the epochs in which the run diverged."
        raise ArgumentError("weights are not finite numbers", hint=hint)
    return paths


def _label(ax: Axes, paths: Mapping[str, Array], plane: WeightPlane) -> None:
    """Mark starts and ends, and write the title and the shares."""
    ring: dict[str, Any] = {"ls": "", "mfc": ink(0), "mec": ink(), "zorder": 9}
    for i, path in enumerate(paths.values()):
        ax.plot(*path[0], **ring, marker="o", ms=8, mew=1.4, label="_" if i else "before training")
    for i, path in enumerate(paths.values()):
        ax.plot(*path[-1], **ring, marker="X", ms=9, mew=1.2, label="_" if i else "after training")
    x_share, y_share = map(percent, plane.shares)
    ax.set_xlabel(f"first direction, {x_share} of the movement")
    ax.set_ylabel(f"second direction, {y_share} of the movement")
    left, left_out = percent(max(0.0, 1 - plane.shares.sum())), len(plane.centre) - 2
    title = "loss in the plane in which the weights moved most"
    if left_out:
        title += f"\nthe other {left_out:,} directions, with {left} of the movement, are left out"
    ax.set_title(title)


def percent(share: float) -> str:
    """Return a share in percent.

    >>> percent(0.874), percent(0.0012)
    ('87 %', '0.1 %')
    """
    return f"{100 * share:.0f} %" if share >= 0.01 or share == 0 else f"{100 * share:.1g} %"
