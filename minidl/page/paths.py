"""The paths of the weights in the plane of their first two principal components."""

from collections.abc import Collection, Mapping

import numpy as np

from minidl.autograd import Array
from minidl.plots.loss_plane import plane_of_weights


def weight_paths(
    weights: Mapping[str, Array], diverged: Collection[str] = ()
) -> tuple[dict[str, Array], list[float]]:
    """Return each path (E + 1, 2) from the first one's start, and the shares of the variance.

    The components are those of all weights (E + 1, P) together, without the runs that diverged,
    if there are others.

    >>> weights = {"gd": np.array([[0.0, 0.0], [3.0, 4.0]]), "nag": np.array([[0.0, 0.0]])}
    >>> paths, shares = weight_paths(weights)
    >>> paths["gd"].round(6).tolist(), shares
    ([[0.0, 0.0], [5.0, 0.0]], [1.0, 0.0])
    """
    steady = {name: rows for name, rows in weights.items() if name not in diverged} or weights
    plane = plane_of_weights({n: rows.astype(np.float64) for n, rows in steady.items()})
    directions, shares = np.zeros((2, plane.centre.size)), np.zeros(2)
    significant = plane.shares > 1e-12  # others are noise of the last digits
    directions[: len(significant)][significant] = plane.directions[significant]
    shares[: len(significant)] = np.where(significant, plane.shares, 0.0)
    start = next(iter(steady.values()))[0]
    paths = {name: (rows - start) @ directions.T for name, rows in weights.items()}
    return paths, shares.round(6).tolist()
