"""Figures of a path, such as crossings and overshoot, and those that theory predicts."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from minidl.checks import check_instance, check_number
from minidl.errors import ShapeError
from minidl.keywords import answers
from minidl.paths.descent import Path
from minidl.paths.theory import Rule, closed_form, crossing_limit, spectral_radius, stability_limit
from minidl.values import numbers

Array = npt.NDArray[Any]
TOLERANCE = 1e-3  # of the start distance


@dataclass(frozen=True)
class Swing:
    """The way of one coordinate to its minimum, as shares of the distance at the start.

    Attributes
    ----------
    crossings : int
        How often the coordinate changes sides, among its points outside the tolerance.
    overshoot : float
        The largest distance on the other side, as a share of the distance at the start.
    settled : int or None
        The first step from which on the distance is below the tolerance, None if it never is.
    rate : float
        The factor per step by which the distance shrinks in the long run; NaN if there is none.
    """

    crossings: int
    overshoot: float
    settled: int | None
    rate: float


@dataclass(frozen=True)
class Direction:
    """A path along one direction, an eigenvector of the Hessian.

    Attributes
    ----------
    vector : ndarray of shape (d,)
        The direction, from the minimum towards the start.
    curvature : float
        The eigenvalue h.
    offsets : ndarray of shape (T + 1,)
        The coordinate along it, from the minimum.
    measured : Swing
        The figures of the path.
    predicted : Swing or None
        Those of theory's closed form, for gradient descent, momentum and NAG with constant
        hyperparameters on a quadratic.
    lr_limit : float or None
        With a prediction: the rule is stable if and only if lr is below it; None if never.
    never_crosses : bool or None
        With a prediction: whether the rule cannot cross the minimum, in any number of steps.
    """

    vector: Array
    curvature: float
    offsets: Array
    measured: Swing
    predicted: Swing | None = None
    lr_limit: float | None = None
    never_crosses: bool | None = None


@dataclass(frozen=True)
class Figures:
    """The figures of a path, see :func:`measure`."""

    minimum: Array | None
    directions: tuple[Direction, ...]
    settled: int | None
    length: float
    uphill: int


@answers
def measure(path: Path, tolerance: float = TOLERANCE) -> Figures:
    """Return the figures of a path.

    Parameters
    ----------
    path : Path
        What :func:`~minidl.paths.descend` returned.
    tolerance : float in (0, 1), default 0.001
        What counts as arrived: this share of the distance at the start.

    Returns
    -------
    Figures
        `minimum`, of shape (d,), the one that belongs to the last point, or None;
        `directions`, on a quadratic the eigenvectors of the Hessian along which the start is not
        at the minimum, those with the largest |eigenvalue| first; in one dimension that one;
        otherwise none;
        `settled`, the first step from which on the distance to the minimum is below the
        tolerance, or None; `length` of the path; `uphill`, the number of steps in which the loss
        rose by more than a millionth of what there was to descend.

    Examples
    --------
    >>> from minidl.paths import descend
    >>> for name in ("momentum", "nag"):
    ...     found = measure(descend("x**2/2", name, lr=0.5)).directions[0].measured
    ...     print(f"{name}: {found.crossings} crossings, overshoot {found.overshoot:.3f}")
    momentum: 24 crossings, overshoot 0.842
    nag: 4 crossings, overshoot 0.202
    """
    check_instance("path", path, Path, "paths.descend(...) returns it.")
    tolerance = check_number("tolerance", tolerance, lambda t: 0 < t < 1, "a number in (0, 1)")
    place, losses = path.surface, path.losses
    minimum = place.minimum(path.iterates[-1])
    settled = None
    if minimum is not None:
        distances = np.linalg.norm(path.iterates - minimum, axis=1)
        settled = _settled(distances, tolerance) if distances[0] > 0 else 0
    lowest = losses.min() if minimum is None else min(losses.min(), float(place.losses(minimum)))
    uphill = int((np.diff(losses) > 1e-6 * (losses[0] - lowest)).sum())
    length = float(np.linalg.norm(np.diff(path.iterates, axis=0), axis=1).sum())
    return Figures(minimum, _directions(path, minimum, tolerance), settled, length, uphill)


def swing(offsets: Array, tolerance: float = TOLERANCE) -> Swing:
    """Return the figures of coordinates from the minimum, shape (T + 1,); the first is not 0.

    >>> swing(np.array([2.0, -1.0, 0.5, 0.0])).crossings
    2
    """
    z = offsets / offsets[0]
    crossings = len(crossed(offsets, tolerance))
    return Swing(crossings, float(max(0.0, -z.min())), _settled(np.abs(z), tolerance), _rate(z))


def crossed(offsets: Array, tolerance: float = TOLERANCE) -> Array:
    """Return the steps, shape (crossings,), whose points are the first on the other side.

    Points within the tolerance are on neither side.

    >>> crossed(np.array([2.0, -1.0, 0.0, 0.5]))
    array([1, 3])
    """
    offsets, _ = numbers(offsets, "offset")
    if offsets.ndim != 1 or not len(offsets):
        raise ShapeError("offsets must be numbers of one axis", received=f"shape {offsets.shape}")
    outside = np.flatnonzero(np.abs(offsets) >= tolerance * abs(offsets[0]))
    sides = np.sign(offsets[outside])
    crossings: Array = outside[1:][sides[1:] != sides[:-1]]
    return crossings


def _settled(distances: Array, tolerance: float) -> int | None:
    """Return the first step from which on a distance is below its share of the first."""
    far = np.flatnonzero(~(distances < tolerance * distances[0]))
    return None if far[-1] + 1 == len(distances) else int(far[-1]) + 1


def _rate(z: Array) -> float:
    """Return the larger root's modulus of the recurrence z_{k+1} = t z_k - c z_{k-1} that fits."""
    scale = np.maximum(np.abs(z[1:-1]), np.abs(z[:-2]))
    clear = scale > 1e-7  # smaller ones are rounding errors of the start
    if clear.sum() < 2:
        return float("nan")
    scale = scale[clear]
    before = np.stack([z[1:-1][clear], z[:-2][clear]], axis=1) / scale[:, np.newaxis]
    after = z[2:][clear] / scale
    (t, minus_c), *_ = np.linalg.lstsq(before, after, rcond=1e-10)
    if np.abs(before @ [t, minus_c] - after).max() > 1e-6:
        return float("nan")
    return float(np.abs(np.roots([1, -t, -minus_c])).max())


def _directions(path: Path, minimum: Array | None, tolerance: float) -> tuple[Direction, ...]:
    """Return the directions along which a path can be measured."""
    place = path.surface
    centre = place.stationary(path.iterates[0]) if place.quadratic else minimum
    if centre is None or (place.dimension > 1 and not place.quadratic):
        return ()
    eigenvalues, vectors = np.linalg.eigh(place.hessians(centre))
    directions = []
    upward_first = zip(eigenvalues[::-1], vectors.T[::-1], strict=True)
    for h, either in sorted(upward_first, key=lambda pair: -float(f"{abs(pair[0]):.9g}")):
        vector = -either if (path.iterates[0] - centre) @ either < 0 else either
        offsets = (path.iterates - centre) @ vector
        if offsets[0] > 1e-12 * np.linalg.norm(path.iterates[0] - centre):
            rule = path.rule if place.quadratic else None
            theory = {} if rule is None else _theory(rule, float(h), len(offsets) - 1, tolerance)
            measured = swing(offsets, tolerance)
            directions.append(Direction(vector, float(h), offsets, measured, **theory))
    return tuple(directions)


def _theory(rule: Rule, h: float, steps: int, tolerance: float) -> dict[str, Any]:
    """Return the predictions of theory for a rule along a direction of curvature h."""
    name, lr, m = rule
    x = lr * h
    expected = swing(closed_form(name, x, m, steps), tolerance)
    rate = float(spectral_radius(name, x, m))
    limit = float(stability_limit(name, m)) / h if h > 0 else None
    never = x <= crossing_limit(name, m) or (name == "nag" and x == 1)
    return {
        "predicted": Swing(expected.crossings, expected.overshoot, expected.settled, rate),
        "lr_limit": limit,
        "never_crosses": bool(never),
    }
