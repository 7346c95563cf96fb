"""The rows of data sets that have a name: generated, or measured and part of scikit-learn."""

import math

import numpy as np

from minidl.checks import check_count, check_number
from minidl.datasets.dataset import LARGEST_SEED
from minidl.datasets.preparing import Floats, Raw, Targets
from minidl.datasets.table import DATASETS, Info, lookup
from minidl.errors import ArgumentError, DataError, DTypeError, ShapeError
from minidl.keywords import answers
from minidl.memory import check_memory
from minidl.values import check_finite, numbers

ROWS = 1000
MANY = 10**6  # rows whose memory is checked first
COPIES = 3  # of all numbers, which generating, splitting and standardising rows take at once


@answers
def generate(
    name: str, *, n: int = ROWS, noise: float | None = None, seed: int = 0
) -> tuple[Floats, Targets]:
    """Return the raw rows of a generated data set, with the arguments of :func:`load`.

    `n` is at least the number of classes, and at least 2. `noise` is a standard deviation, but for
    "classification" the share of rows with a random class, at most 1.

    Returns
    -------
    X : float64 array of shape (n, d)
        Features, not standardised.
    y : array of shape (n,)
        int64 class numbers, or float64 for regression.

    Raises
    ------
    UnknownNameError
        The name is unknown; the message suggests the nearest.
    ArgumentError
        The data set is not a generated one, or an argument is out of range.
    TooLargeError
        The rows would not fit into memory.

    Examples
    --------
    >>> X, y = generate("sine", n=5, noise=0.0)
    >>> X.shape, y.shape
    ((5, 1), (5,))
    """
    info = lookup(name)
    if info.make is None:
        generated = ", ".join(other_name for other_name, entry in DATASETS.items() if entry.make)
        message = f"must be a generated data set ({generated}), got {info.name!r}"
        raise ArgumentError(message, argument="name", hint=f'Use load("{info.name}").')
    n = check_count("n", n, max(info.classes, 2))
    if noise is None:
        noise = info.noise or 0.0
    largest = info.max_noise
    bounds = "finite and >= 0" if math.isinf(largest) else f"in [0, {largest:g}]"
    noise = check_number("noise", noise, lambda x: 0 <= x <= largest and x < math.inf, bounds)
    seed = check_seed("seed", seed)
    if n > MANY:
        sample, _ = numbers(info.make(max(info.classes, 2), noise, seed)[0], "feature")
        check_memory(f"{n} rows of {info.name!r}", COPIES * 8 * n * (1 + sample[:1].size))
    return _checked(info, *info.make(n, noise, seed))


def _checked(info: Info, X: object, y: object) -> tuple[Floats, Targets]:
    """Return generated rows as arrays; a user's data set may have made them."""
    try:
        (X, names), (y, _) = numbers(X, "feature"), numbers(y, "target")
        if X.ndim != 2 or y.shape != X.shape[:1]:
            received = f"X of shape {X.shape}, y of shape {y.shape}"
            raise DataError("the wrong shapes", received=received, expected="(n, d) and (n,)")
        check_finite("feature", X, np.float64, names)
        check_finite("target", y, np.float64)
        targets: Targets = y.astype(np.int64 if info.classes else np.float64)
        if np.any(targets != y) or (info.classes and not 0 <= y.min() <= y.max() < info.classes):
            expected = f"class numbers from 0 to {info.classes - 1}"
            received = f"targets from {y.min()} to {y.max()}"
            raise DataError("a target is not a class", received=received, expected=expected)
    except (DataError, DTypeError, ShapeError) as error:
        raise DataError(f"data set {info.name!r}: {error}") from None
    return np.ascontiguousarray(X, dtype=np.float64), targets


def named_rows(info: Info, n: int | None, noise: float | None, seed: int) -> Raw:
    """Return the rows of a data set that has a name."""
    if info.make is None:
        return _fetch(info)
    X, y = generate(info.name, n=ROWS if n is None else n, noise=noise, seed=seed)
    names = tuple(f"x{j}" for j in range(X.shape[1]))
    return Raw(info.name, info.task, X, y, names, tuple(map(str, range(info.classes))))


def check_seed(argument: str, seed: object) -> int:
    """Return a seed, or raise an error that names the argument."""
    return check_count(argument, seed, 0, LARGEST_SEED)


def _fetch(info: Info) -> Raw:
    """Return a measured data set, which is part of the scikit-learn package."""
    from sklearn import datasets

    # scikit-learn standardises diabetes over all rows by default, the test rows included.
    options = {"scaled": False} if info.name == "diabetes" else {}
    bunch = getattr(datasets, f"load_{info.name}")(**options)
    classes = tuple(map(str, bunch.target_names)) if info.classes else ()
    features = tuple(map(str, bunch.feature_names))
    return Raw(info.name, info.task, bunch.data, bunch.target, features, classes)
