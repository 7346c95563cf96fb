"""The view of a picture: one feature, two, or a plane of more; its grid, and the rows in it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from minidl.autograd import Array
from minidl.datasets import Dataset
from minidl.plots.planes import MARGIN, plane_of

CURVE, PIXELS = 160, 3_600_000  # points of a curve; of all surfaces together
LEAST, MOST = 32, 64  # points along a side of a surface
TRAINING, HELD_OUT = 300, 100  # rows that are drawn, at most


@dataclass(frozen=True)
class View:
    """The axes of a picture, and the points at which the network is computed.

    Attributes
    ----------
    labels : tuple of str
        One for each axis: data with one feature have one, otherwise there are two.
    limits : tuple of float
        Lower and upper end of each axis.
    side : int
        Number of points along each axis, ends included.
    inputs : array of shape (side, 1) or (side * side, d)
        The points as rows for the network, row by row from the lower left.
    coordinates : callable
        From rows (n, d) to places (n, number of axes).
    projected : bool
        Whether the plane is that of the first two principal components of more features.

    Examples
    --------
    >>> from minidl import datasets
    >>> view = View.of(datasets.load("moons", seed=0), frames=200)
    >>> view.labels, view.side, view.inputs.shape
    (('x0', 'x1'), 64, (4096, 2))
    """

    labels: tuple[str, ...]
    limits: tuple[float, ...]
    side: int
    inputs: Array
    coordinates: Callable[[Array], Array]
    projected: bool = False

    @classmethod
    def of(cls, data: Dataset, frames: int) -> View:
        """Return the view of a data set; with many frames the grid is coarser."""
        if data.n_features == 1:
            return cls._line(data)
        plane = plane_of(data)
        side = min(max(2 * (math.isqrt(PIXELS // max(frames, 1)) // 2), LEAST), MOST)
        left, right, low, high = plane.limits
        lines = np.linspace(left, right, side), np.linspace(low, high, side)
        grid = np.stack(np.meshgrid(*lines), axis=-1).reshape(-1, 2)
        inputs = plane.center + grid @ plane.axes
        return cls(plane.labels, plane.limits, side, inputs, plane.coordinates, plane.projected)

    @classmethod
    def _line(cls, data: Dataset) -> View:
        """Return the view of data with one feature."""

        def coordinates(X: Array) -> Array:
            return X * data.x_scale + data.x_mean

        places = coordinates(np.concatenate([data.X_train, data.X_test]))
        low, high = float(places.min()), float(places.max())
        room = MARGIN * (high - low or 1.0)
        limits = low - room, high + room
        inputs = (np.linspace(*limits, CURVE)[:, np.newaxis] - data.x_mean) / data.x_scale
        return cls(data.feature_names, limits, CURVE, inputs, coordinates)

    def axes(self) -> list[dict[str, Any]]:
        """Return label and ends of each axis as JSON data."""
        ends = zip(self.labels, self.limits[::2], self.limits[1::2], strict=True)
        return [{"label": label, "low": float(a), "high": float(b)} for label, a, b in ends]

    def points(self, data: Dataset) -> dict[str, Any]:
        """Return rows of a data set in the view as JSON data, a part of them if there are many."""
        parts = []
        for X, y, limit in (
            (data.X_train, data.y_train, TRAINING),
            (data.X_test, data.y_test, HELD_OUT),
        ):
            chosen = np.unique(np.linspace(0, len(X) - 1, min(limit, len(X))).astype(int))
            parts.append((self.coordinates(X[chosen]), y[chosen]))
        places, y = (np.concatenate(part) for part in zip(*parts, strict=True))
        y = data.inverse_y(y) if data.task == "regression" else y
        columns = dict(zip("xy", places.T, strict=False)) | {"target": y}
        shown = {name: [float(f"{v:.4g}") for v in c.tolist()] for name, c in columns.items()}
        return {**shown, "training": len(parts[0][0])}
