"""The plane of a picture: two features, or the first two principal components of more."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from minidl.datasets import Dataset
from minidl.errors import DataError

Floats = npt.NDArray[np.float64]
MARGIN = 0.06  # of the range of the rows, on each side


@dataclass(frozen=True)
class Plane:
    """The points center + u axes for u (2,); rows of `axes` (2, d) are not always unit vectors.

    `labels` are for the two axes of the picture, `limits` its left, right, lower and upper end.
    """

    center: Floats
    axes: Floats
    labels: tuple[str, ...]
    projected: bool  # whether rows are off the plane and drawn where they are nearest
    limits: tuple[float, float, float, float] = (0.0, 1.0, 0.0, 1.0)

    def coordinates(self, X: Floats) -> Floats:
        """Return the coordinates (n, 2) of the nearest points of the plane; axes are orthogonal."""
        lengths = (self.axes**2).sum(axis=1)
        return np.asarray((X - self.center) @ self.axes.T / lengths)

    def grid(self, size: int) -> Floats:
        """Return the points (size * size, d) of a grid: row by row, from the lower left."""
        left, right, low, high = self.limits
        steps = (np.arange(size) + 0.5) / size  # the middle of each pixel
        u, v = np.meshgrid(left + steps * (right - left), low + steps * (high - low))
        return self.center + np.stack([u.ravel(), v.ravel()], axis=1) @ self.axes


def plane_of(data: Dataset) -> Plane:
    """Return the plane of a data set with two or more features, wide enough for all its rows.

    With two features it has their own units, with more the directions of greatest variance of the
    training rows, through their mean.

    Examples
    --------
    >>> from minidl.datasets import load
    >>> plane_of(load("iris")).labels[0]
    'first principal component (74 % of the variance)'
    """
    if data.n_features == 2:
        center, axes = -data.x_mean / data.x_scale, np.diag(1 / data.x_scale)
        plane = Plane(center, axes, data.feature_names[:2], False)
    else:
        plane = _principal(data.X_train)
    places = plane.coordinates(np.concatenate([data.X_train, data.X_test]))
    low, high = places.min(axis=0), places.max(axis=0)
    margin = np.where(high > low, MARGIN * (high - low), 1.0)
    limits = np.stack([low - margin, high + margin], axis=1).ravel().tolist()
    return Plane(plane.center, plane.axes, plane.labels, plane.projected, tuple(limits))


def _principal(X: Floats) -> Plane:
    """Return the plane of the first two principal components; the largest entries are positive."""
    if len(X) < 3:
        problem = "principal components need at least 3 training rows"
        raise DataError(problem, received=str(len(X)))
    center = X.mean(axis=0)
    _, spread, axes = np.linalg.svd(X - center, full_matrices=False)
    axes = axes[:2] * np.sign(axes[np.arange(2), np.abs(axes[:2]).argmax(axis=1)])[:, None]
    shares = spread**2 / max(float((spread**2).sum()), np.finfo(float).tiny)
    words = zip(("first", "second"), shares, strict=False)
    labels = tuple(f"{k} principal component ({100 * s:.0f} % of the variance)" for k, s in words)
    return Plane(center, axes, labels, True)
