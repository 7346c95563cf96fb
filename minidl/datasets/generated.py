"""The ten generated data sets: functions from rows, noise and seed to points and targets.

Those of scikit-learn are its own, with `seed` as its ``random_state``. Its moons and circles are
written out in NumPy, equal in every bit, because importing scikit-learn takes longer than training
on them.
"""

from collections.abc import Callable

import numpy as np

from minidl.datasets.preparing import Floats, Targets
from minidl.streams import stream

Points = tuple[Floats, Targets]
Generator = Callable[[int, float, int], Points]

POINTS, NOISE = 0, 1  # separate streams, so that noise does not change the points
# The same for every seed, so that the difficulty does not depend on it.
BLOB_CENTRES = ((0.0, 3.0), (-3.0, -2.0), (3.0, -2.0))
LINEAR_WEIGHTS = (3.0, -2.0, 1.0, 0.5, 0.0)
LINEAR_INTERCEPT = 4.0


def moons(n: int, noise: float, seed: int) -> Points:
    """Return two interleaved half circles, as ``sklearn.datasets.make_moons``."""
    t, u = (np.linspace(0.0, np.pi, k) for k in (n // 2, n - n // 2))
    upper = np.column_stack([np.cos(t), np.sin(t)])
    # 1 - sin u - 1/2 and 1/2 - sin u round differently; scikit-learn computes the former.
    lower = np.column_stack([1.0 - np.cos(u), 1.0 - np.sin(u) - 0.5])
    return _scattered(upper, lower, noise, seed)


def circles(n: int, noise: float, seed: int) -> Points:
    """Return a circle of radius 0.5 (class 1) in one of radius 1, as ``make_circles``."""
    t, u = (np.linspace(0.0, 2.0 * np.pi, k, endpoint=False) for k in (n // 2, n - n // 2))
    outer = np.column_stack([np.cos(t), np.sin(t)])
    inner = np.column_stack([np.cos(u), np.sin(u)]) * 0.5
    return _scattered(outer, inner, noise, seed)


def blobs(n: int, noise: float, seed: int) -> Points:
    """Return three Gaussian clouds around `BLOB_CENTRES`; `noise` is their standard deviation."""
    centres = np.array(BLOB_CENTRES)
    return _made("blobs", n_samples=n, centers=centres, cluster_std=noise, random_state=seed)


def xor(n: int, noise: float, seed: int) -> Points:
    """Return points in the square [-1, 1]², class 1 where the coordinates' signs differ.

    The four quadrants have equal counts; noise is added after the class is set.
    """
    rng = stream(seed, "data", POINTS)
    signs = np.array([(1, 1), (-1, 1), (-1, -1), (1, -1)])
    quadrant = rng.permutation(np.arange(n) % 4)
    # 1 - u is in (0, 1], so that no point is on an axis.
    X = signs[quadrant] * (1.0 - rng.random((n, 2)))
    return _shifted(X, noise, seed), quadrant % 2


def spirals(n: int, noise: float, seed: int) -> Points:
    """Return two spiral arms of one and a half turns, half a turn apart, out to radius 1.

    A point has radius r and angle 3πr (+ π for class 1), where r² is uniform on [0, 1).
    """
    rng = stream(seed, "data", POINTS)
    y = rng.permutation(np.arange(n) % 2)
    radius = np.sqrt(rng.random(n))
    angle = 3.0 * np.pi * radius + np.pi * y
    X = np.column_stack([radius * np.cos(angle), radius * np.sin(angle)])
    return _shifted(X, noise, seed), y


def gaussian_quantiles(n: int, noise: float, seed: int) -> Points:
    """Return a Gaussian cloud cut into three rings of equal count; noise is added afterwards."""
    X, y = _made("gaussian_quantiles", n_samples=n, n_features=2, n_classes=3, random_state=seed)
    return _shifted(X, noise, seed), y


def classification(n: int, noise: float, seed: int) -> Points:
    """Return two classes of two clusters each: 10 features, 5 informative and 2 redundant.

    `noise` is the share of rows with a random class, from 0 to 1.
    """
    sizes = {"n_samples": n, "n_features": 10, "n_informative": 5, "n_redundant": 2}
    return _made("classification", **sizes, flip_y=noise, random_state=seed)


def friedman1(n: int, noise: float, seed: int) -> Points:
    """Return Friedman's first function of 5 of 10 features, each uniform on [0, 1].

    y = 10 sin(π x0 x1) + 20 (x2 - 1/2)² + 10 x3 + 5 x4, plus Gaussian noise.
    """
    return _made("friedman1", n_samples=n, n_features=10, noise=noise, random_state=seed)


def sine(n: int, noise: float, seed: int) -> Points:
    """Return y = sin(x) plus Gaussian noise, with x uniform on [-π, π]."""
    X = stream(seed, "data", POINTS).uniform(-np.pi, np.pi, (n, 1))
    return X, _shifted(np.sin(X[:, 0]), noise, seed)


def linear(n: int, noise: float, seed: int) -> Points:
    """Return y = 3 x0 - 2 x1 + x2 + x3/2 + 0 x4 + 4 plus Gaussian noise, features normal."""
    X = stream(seed, "data", POINTS).standard_normal((n, len(LINEAR_WEIGHTS)))
    return X, _shifted(X @ np.array(LINEAR_WEIGHTS) + LINEAR_INTERCEPT, noise, seed)


def _made(name: str, **arguments: object) -> Points:
    """Return the points and targets of a generator of scikit-learn."""
    from sklearn import datasets

    points: Points = getattr(datasets, f"make_{name}")(**arguments)
    return points


def _scattered(curve_0: Floats, curve_1: Floats, noise: float, seed: int) -> Points:
    """Return two curves, one class each, with order and noise drawn as scikit-learn does."""
    random = np.random.RandomState(seed)
    y = np.repeat([0, 1], [len(curve_0), len(curve_1)])
    order = random.permutation(len(y))
    X = np.concatenate([curve_0, curve_1])[order]
    return X + random.normal(scale=noise, size=X.shape), y[order]


def _shifted(values: Floats, noise: float, seed: int) -> Floats:
    """Return values plus Gaussian noise."""
    return values + noise * stream(seed, "data", NOISE).standard_normal(values.shape)
