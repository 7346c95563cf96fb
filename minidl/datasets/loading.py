"""The two doors: ``load`` a set ready for training, or ``generate`` raw rows.

The decision of this file: a name in the table is that set, even when a file is called the same;
anything else that looks like a path is a file.
"""

from __future__ import annotations

import sys
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from minidl.checks import check_count, check_number
from minidl.datasets.dataset import Dataset, Raw, prepare
from minidl.datasets.files import is_path, read
from minidl.datasets.table import TABLE, Info, find, lookup
from minidl.errors import ArgumentError

__all__ = ["generate", "load"]

Array = npt.NDArray[Any]
ROWS = 1000
LARGEST_SEED = 2**32 - 1  # of scikit-learn's generators


def load(
    name: str | PathLike[str],
    *,
    n: int | None = None,
    noise: float | None = None,
    seed: int = 0,
    split_seed: int | None = None,
    test_size: float = 0.25,
    standardize: bool = True,
    target: str | int | None = None,
    task: str | None = None,
) -> Dataset:
    """Return a data set, split and standardised.

    Parameters
    ----------
    name : str or Path
        One of :func:`names`, or a path to a ``.csv`` file with a header or an ``.npz`` file with
        arrays ``X`` of shape (n, d), ``y`` of shape (n,) and perhaps ``feature_names``.
    n : int, optional
        How many rows to generate, by default 1000. Generated sets only.
    noise : float, optional
        How noisy, 0 or more, by default the set's own. Generated sets only.
    seed : int, default 0
        The seed of the rows and, without `split_seed`, of the split; 0 to 2**32 - 1.
    split_seed : int, optional
        The seed of the split, to split the same rows differently.
    test_size : float, default 0.25
        The fraction of test rows, in [0, 1); 0 gives none. Classes keep their proportions.
    standardize : bool, default True
        Whether features, and a regression's targets, are brought to mean 0 and standard
        deviation 1, both measured on the training rows.
    target : str or int, optional
        Files only. The target column of a CSV file, by name or position (-1 is the last), by
        default the one called target, label, class or y; or the target array of an NPZ file.
    task : "classification", "binary", "multiclass" or "regression", optional
        Files only. By default, text and whole numbers with at most 20 different values are
        classes, and anything else is regression.

    Raises
    ------
    UnknownNameError
        There is no such set or task; the message suggests the nearest name.
    ArgumentError
        An argument is out of range, or does not apply to this set.
    DataError
        The file cannot be used, or there are too few rows to split.

    Examples
    --------
    >>> data = load("moons", n=200, seed=3)
    >>> data.X_train.shape, data.X_test.shape
    ((150, 2), (50, 2))
    >>> load("wine", n=100)
    Traceback (most recent call last):
    ...
    minidl.errors.ArgumentError: n is for generated sets; received n=100 with 'wine'
    """
    seed = check_count("seed", seed, 0, LARGEST_SEED)
    split_seed = (
        seed if split_seed is None else check_count("split_seed", split_seed, 0, LARGEST_SEED)
    )
    test_size = check_number("test_size", test_size, lambda x: 0 <= x < 1, "0 <= test_size < 1")
    info = find(name)
    if info is not None:
        _refuse("files", name, target=target, task=task)
    if info is not None and info.make is not None:
        raw = _generated(info, n, noise, seed)
    else:
        _refuse("generated sets", name, n=n, noise=noise)
        if info is None and is_path(name):
            raw = read(Path(name), target, task)
        else:
            raw = _real(lookup(name))
    return prepare(raw, test_size=test_size, seed=split_seed, standardize=standardize)


def generate(
    name: str, *, n: int = ROWS, noise: float | None = None, seed: int = 0
) -> tuple[Array, Array]:
    """Return the raw rows of a generated set: X of shape (n, d) and y of shape (n,).

    Parameters
    ----------
    name : str
        The name of a generated set.
    n : int, default 1000
        How many rows, at least one per class, and at least 2.
    noise : float, optional
        How noisy, 0 or more, by default the set's own: a standard deviation, but for
        "classification" the fraction of rows with a random class, at most 1.
    seed : int, default 0
        The same seed gives the same rows; 0 to 2**32 - 1.

    Returns
    -------
    X : float64 array of shape (n, d)
        Features, not standardised.
    y : array of shape (n,)
        int64 class numbers, or float64 for regression.

    Raises
    ------
    UnknownNameError
        There is no such set; the message suggests the nearest.
    ArgumentError
        The set is not a generated one, or an argument is out of range.

    Examples
    --------
    >>> X, y = generate("sine", n=5, noise=0.0)
    >>> X.shape, y.shape
    ((5, 1), (5,))
    """
    info = lookup(name)
    if info.make is None or info.noise is None:
        raise ArgumentError(
            f"{info.name!r} was measured and cannot be generated",
            expected="one of: " + ", ".join(row.name for row in TABLE if row.make),
            hint=f'Use load("{info.name}").',
        )
    n = check_count("n", n, max(info.classes, 2))
    if noise is None:
        noise = info.noise
    largest = min(info.max_noise, sys.float_info.max)
    words = "a finite number >= 0" if info.max_noise == np.inf else f"0 <= noise <= {largest:g}"
    noise = check_number("noise", noise, lambda x: 0 <= x <= largest, words)
    X, y = info.make(n, noise, check_count("seed", seed, 0, LARGEST_SEED))
    dtype = np.int64 if info.classes else np.float64
    return np.ascontiguousarray(X, dtype=np.float64), y.astype(dtype)


def _generated(info: Info, n: int | None, noise: float | None, seed: int) -> Raw:
    """Generate a set, with names for its columns and classes."""
    X, y = generate(info.name, n=ROWS if n is None else n, noise=noise, seed=seed)
    features = tuple(f"x{j}" for j in range(X.shape[1]))
    return Raw(info.name, info.task, X, y, features, tuple(map(str, range(info.classes))))


def _real(info: Info) -> Raw:
    """Fetch a measured set from the scikit-learn package; nothing is downloaded."""
    from sklearn import datasets

    # As scikit-learn scales it, diabetes was standardised over all rows, the test rows included.
    raw_units = {"scaled": False} if info.name == "diabetes" else {}
    found = getattr(datasets, f"load_{info.name}")(**raw_units)
    classes = tuple(map(str, found.target_names)) if info.classes else ()
    features = tuple(map(str, found.feature_names))
    return Raw(info.name, info.task, found.data, found.target, features, classes)


def _refuse(only: str, name: object, **arguments: object) -> None:
    """Raise for an argument that was given and does not apply to this set."""
    for argument, value in arguments.items():
        if value is not None:
            raise ArgumentError(
                f"{argument} is for {only}", received=f"{argument}={value!r} with {str(name)!r}"
            )
