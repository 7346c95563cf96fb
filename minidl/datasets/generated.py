"""The ten generated sets: each a function from rows, noise and seed to points and targets.

Sets that scikit-learn has are those of scikit-learn, with `seed` as its ``random_state``, so
anyone can make the same rows without minidl. Its moons and circles are a few lines of NumPy and
are made here, equal in every bit, because to import scikit-learn takes longer than to train on
them. The sets that it does not have are written out here too.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from minidl.streams import stream

__all__ = [
    "BLOB_CENTRES",
    "LINEAR_INTERCEPT",
    "LINEAR_WEIGHTS",
    "Generator",
    "blobs",
    "circles",
    "classification",
    "friedman1",
    "gaussian_quantiles",
    "linear",
    "moons",
    "sine",
    "spirals",
    "xor",
]

Array = npt.NDArray[Any]
Points = tuple[Array, Array]
Generator = Callable[[int, float, int], Points]

# Points and noise draw from streams of their own, so that other noise leaves the points alone.
POINTS, NOISE = 0, 1
# The same for every seed, so that difficulty and the right answer do not depend on the seed.
BLOB_CENTRES = ((0.0, 3.0), (-3.0, -2.0), (3.0, -2.0))
LINEAR_WEIGHTS = (3.0, -2.0, 1.0, 0.5, 0.0)
LINEAR_INTERCEPT = 4.0


def moons(n: int, noise: float, seed: int) -> Points:
    """Return two interleaved half circles; `noise` is the standard deviation around them.

    This is scikit-learn's ``make_moons`` by its own formula: the same bits, without the import.

    Examples
    --------
    >>> moons(4, 0.0, 0)[1]
    array([1, 1, 0, 0])
    """
    t, u = (np.linspace(0.0, np.pi, k) for k in (n // 2, n - n // 2))
    upper = np.column_stack([np.cos(t), np.sin(t)])
    # 1 - sin u - 1/2 and 1/2 - sin u round differently; scikit-learn computes the former.
    lower = np.column_stack([1.0 - np.cos(u), 1.0 - np.sin(u) - 0.5])
    return _scattered(upper, lower, noise, seed)


def circles(n: int, noise: float, seed: int) -> Points:
    """Return a circle of radius 0.5 (class 1) within one of radius 1 (class 0).

    `noise` is the standard deviation around them. This is scikit-learn's ``make_circles`` by its
    own formula: the same bits, without the import.

    Examples
    --------
    >>> X, y = circles(6, 0.0, 0)
    >>> sorted(np.hypot(*X.T).round(12).tolist())
    [0.5, 0.5, 0.5, 1.0, 1.0, 1.0]
    """
    t, u = (np.linspace(0.0, 2.0 * np.pi, k, endpoint=False) for k in (n // 2, n - n // 2))
    outer = np.column_stack([np.cos(t), np.sin(t)])
    inner = np.column_stack([np.cos(u), np.sin(u)]) * 0.5
    return _scattered(outer, inner, noise, seed)


def blobs(n: int, noise: float, seed: int) -> Points:
    """Return three Gaussian clouds around `BLOB_CENTRES`; `noise` is their standard deviation.

    Examples
    --------
    >>> X, y = blobs(3, 0.0, 0)
    >>> X[np.argsort(y)].tolist()
    [[0.0, 3.0], [-3.0, -2.0], [3.0, -2.0]]
    """
    from sklearn.datasets import make_blobs

    X, y = make_blobs(n, centers=np.array(BLOB_CENTRES), cluster_std=noise, random_state=seed)
    return X, y


def xor(n: int, noise: float, seed: int) -> Points:
    """Return points in the square [-1, 1]², class 1 where the coordinates' signs differ.

    Rows are dealt to the four quadrants in turn. `noise` is the standard deviation of a shift
    that comes after the class is decided.

    Examples
    --------
    >>> X, y = xor(8, 0.0, 0)
    >>> bool(np.all((X[:, 0] * X[:, 1] < 0) == (y == 1)))
    True
    """
    rng = stream(seed, "data", POINTS)
    signs = np.array([(1, 1), (-1, 1), (-1, -1), (1, -1)])
    quadrant = rng.permutation(np.arange(n) % 4)
    # 1 - u lies in (0, 1], so no point falls on an axis, where it would have no class.
    X = signs[quadrant] * (1.0 - rng.random((n, 2)))
    return _shifted(X, noise, seed), quadrant % 2


def spirals(n: int, noise: float, seed: int) -> Points:
    """Return two spiral arms of one and a half turns, half a turn apart, out to radius 1.

    A point at the fraction r of its arm has radius r and angle 3πr (+ π for class 1); r is the
    square root of a uniform number, so the arm is covered about evenly. `noise` is the standard
    deviation around it.

    Examples
    --------
    >>> X, y = spirals(100, 0.0, 0)
    >>> bool(np.hypot(*X.T).max() <= 1.0), int(y.sum())
    (True, 50)
    """
    rng = stream(seed, "data", POINTS)
    y = rng.permutation(np.arange(n) % 2)
    radius = np.sqrt(rng.random(n))
    angle = 3.0 * np.pi * radius + np.pi * y
    X = np.column_stack([radius * np.cos(angle), radius * np.sin(angle)])
    return _shifted(X, noise, seed), y


def gaussian_quantiles(n: int, noise: float, seed: int) -> Points:
    """Return a Gaussian cloud cut into three rings of equal count, one class each.

    `noise` is the standard deviation of a shift that comes after the class is decided.

    Examples
    --------
    >>> X, y = gaussian_quantiles(9, 0.0, 0)
    >>> y[np.argsort(np.hypot(*X.T))]
    array([0, 0, 0, 1, 1, 1, 2, 2, 2])
    """
    from sklearn.datasets import make_gaussian_quantiles

    X, y = make_gaussian_quantiles(n_samples=n, n_features=2, n_classes=3, random_state=seed)
    return _shifted(X, noise, seed), y


def classification(n: int, noise: float, seed: int) -> Points:
    """Return two classes of two clusters each: 10 features, 5 informative, 2 mixtures, 3 idle.

    `noise` is the fraction of rows whose class is drawn anew at random, from 0 to 1.

    Examples
    --------
    >>> classification(4, 0.0, 0)[0].shape
    (4, 10)
    """
    from sklearn.datasets import make_classification

    X, y = make_classification(
        n, n_features=10, n_informative=5, n_redundant=2, flip_y=noise, random_state=seed
    )
    return X, y


def friedman1(n: int, noise: float, seed: int) -> Points:
    """Return Friedman's first function of 5 of 10 features, each uniform on [0, 1].

    y = 10 sin(π x0 x1) + 20 (x2 - 1/2)² + 10 x3 + 5 x4, plus Gaussian noise.

    Examples
    --------
    >>> X, y = friedman1(3, 0.0, 0)
    >>> truth = 10 * np.sin(np.pi * X[:, 0] * X[:, 1]) + 20 * (X[:, 2] - 0.5) ** 2
    >>> bool(np.allclose(y, truth + 10 * X[:, 3] + 5 * X[:, 4]))
    True
    """
    from sklearn.datasets import make_friedman1

    X, y = make_friedman1(n, n_features=10, noise=noise, random_state=seed)
    return X, y


def sine(n: int, noise: float, seed: int) -> Points:
    """Return y = sin(x) plus Gaussian noise, with x uniform on [-π, π].

    Examples
    --------
    >>> X, y = sine(3, 0.0, 0)
    >>> bool(np.all(y == np.sin(X[:, 0])))
    True
    """
    X = stream(seed, "data", POINTS).uniform(-np.pi, np.pi, (n, 1))
    return X, _shifted(np.sin(X[:, 0]), noise, seed)


def linear(n: int, noise: float, seed: int) -> Points:
    """Return y = 3 x0 - 2 x1 + x2 + x3/2 + 0 x4 + 4 plus Gaussian noise, features normal.

    Examples
    --------
    >>> X, y = linear(3, 0.0, 0)
    >>> bool(np.allclose(y, X @ np.array(LINEAR_WEIGHTS) + LINEAR_INTERCEPT))
    True
    """
    X = stream(seed, "data", POINTS).standard_normal((n, len(LINEAR_WEIGHTS)))
    return X, _shifted(X @ np.array(LINEAR_WEIGHTS) + LINEAR_INTERCEPT, noise, seed)


def _scattered(first: Array, second: Array, noise: float, seed: int) -> Points:
    """Return the points of two curves, one class each, in random order and plus Gaussian noise.

    Order and noise are drawn as scikit-learn draws them: one after the other, from NumPy's old
    generator, whose numbers are fixed for good.
    """
    random = np.random.RandomState(seed)
    y = np.repeat([0, 1], [len(first), len(second)])
    order = random.permutation(len(y))
    X = np.concatenate([first, second])[order]
    return X + random.normal(scale=noise, size=X.shape), y[order]


def _shifted(values: Array, noise: float, seed: int) -> Array:
    """Return values plus Gaussian noise."""
    return values + noise * stream(seed, "data", NOISE).standard_normal(values.shape)
