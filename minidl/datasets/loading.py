"""``load`` returns a data set ready for training; ``generate`` returns raw rows.

A registered name is that data set even if a file has the same name.
"""

import math
from os import PathLike
from pathlib import Path

import numpy as np

from minidl.checks import check_count, check_number
from minidl.datasets.columns import encode
from minidl.datasets.csv_file import read_csv
from minidl.datasets.dataset import Dataset, Floats, Raw, Targets, prepare
from minidl.datasets.npz_file import read_npz
from minidl.datasets.table import DATASETS, Info, lookup
from minidl.errors import ArgumentError, DataError, DTypeError, ShapeError
from minidl.keywords import answers
from minidl.values import check_finite, numbers

ROWS = 1000
LARGEST_SEED = 2**32 - 1  # of scikit-learn's generators
READERS = {".csv": read_csv, ".npz": read_npz}


@answers
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
        arrays ``X`` of shape (n, d), ``y`` of shape (n,) and optionally ``feature_names``.
    n : int, optional
        The number of rows to generate, by default 1000. Generated data sets only.
    noise : float, optional
        The noise, at least 0, by default that of the data set. Generated data sets only.
    seed : int, default 0
        The seed of the rows and, without `split_seed`, of the split; from 0 to 2**32 - 1.
    split_seed : int, optional
        The seed of the split, to split the same rows differently.
    test_size : float, default 0.25
        The share of test rows, in [0, 1). Classes keep their proportions.
    standardize : bool, default True
        Whether to scale features, and the targets of a regression, to mean 0 and standard
        deviation 1 of the training rows.
    target : str or int, optional
        Files only. The target column of a CSV file by name or position (-1 is the last), by
        default the one called target, label, class or y; or the target array of an NPZ file.
    task : "classification", "binary", "multiclass" or "regression", optional
        Files only. By default, text and whole numbers with at most 20 different values are
        classes, and anything else is a regression.

    Raises
    ------
    UnknownNameError
        The data set or the task is unknown; the message suggests the nearest name.
    ArgumentError
        An argument is out of range, or does not apply to this data set.
    DataError
        The file is invalid, values are missing, or there are too few rows to split.

    Notes
    -----
    Missing values, in features and targets alike, are empty cells and the texts that
    ``pandas.read_csv`` takes for missing: "NA", "N/A", "n/a", "#N/A", "#N/A N/A", "#NA", "<NA>",
    "NULL", "null", "None", "NaN", "nan", "-NaN", "-nan", "1.#IND", "-1.#IND", "1.#QNAN" and
    "-1.#QNAN"; also "?", and NA, N/A and NaN in any case. Spaces around them are ignored. Other
    texts, such as "none", are classes; rename a class that is called "None". A feature must be a
    number such as -1.5e3: 1_000, "1,5", 50% and True are errors, and so is an integer that float64
    would round.

    Examples
    --------
    >>> data = load("moons", n=200, seed=3)
    >>> data.X_train.shape, data.X_test.shape
    ((150, 2), (50, 2))
    >>> load("wine", n=100)
    Traceback (most recent call last):
    ...
    minidl.errors.ArgumentError: n applies to generated data sets only, got 100 with 'wine'
    """
    seed = _check_seed("seed", seed)
    split_seed = seed if split_seed is None else _check_seed("split_seed", split_seed)
    test_size = check_number("test_size", test_size, lambda x: 0 <= x < 1, "in [0, 1)")
    info = None if name not in DATASETS and _is_path(name) else lookup(name)
    if info is not None:
        _check_unused("files", name, target=target, task=task)
    if info is None or info.make is None:
        _check_unused("generated data sets", name, n=n, noise=noise)
        raw = _read(Path(name), target, task) if info is None else _fetch(info)
    else:
        X, y = generate(info.name, n=ROWS if n is None else n, noise=noise, seed=seed)
        features = tuple(f"x{j}" for j in range(X.shape[1]))
        raw = Raw(info.name, info.task, X, y, features, tuple(map(str, range(info.classes))))
    return prepare(raw, test_size=test_size, seed=split_seed, standardize=standardize)


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

    Examples
    --------
    >>> X, y = generate("sine", n=5, noise=0.0)
    >>> X.shape, y.shape
    ((5, 1), (5,))
    """
    info = lookup(name)
    if info.make is None:
        generated = ", ".join(known for known, entry in DATASETS.items() if entry.make)
        message = f"must be a generated data set ({generated}), got {info.name!r}"
        raise ArgumentError(message, argument="name", hint=f'Use load("{info.name}").')
    n = check_count("n", n, max(info.classes, 2))
    if noise is None:
        noise = info.noise or 0.0
    largest = info.max_noise
    bounds = "finite and >= 0" if math.isinf(largest) else f"in [0, {largest:g}]"
    noise = check_number("noise", noise, lambda x: 0 <= x <= largest and x < math.inf, bounds)
    return _checked(info, *info.make(n, noise, _check_seed("seed", seed)))


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


def _check_seed(argument: str, seed: object) -> int:
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


def _check_unused(only: str, name: object, **arguments: object) -> None:
    """Raise if an argument was given that does not apply to this data set."""
    for argument, value in arguments.items():
        if value is not None:
            message = f"applies to {only} only, got {value!r} with {str(name)!r}"
            raise ArgumentError(message, argument=argument)


def _is_path(name: object) -> bool:
    """Return True for a Path, and for text with a suffix or a folder, or that names a file."""
    if not isinstance(name, str):
        return isinstance(name, PathLike)
    path = Path(name)
    return bool(path.suffix) or len(path.parts) > 1 or path.is_file()


def _read(path: Path, target: str | int | None, task: str | None) -> Raw:
    """Return the rows of a CSV or NPZ file."""
    reader = READERS.get(path.suffix.lower())
    if reader is None:
        received, expected = f"suffix {path.suffix!r}", " or ".join(READERS)
        raise DataError(f"file {path} has an unknown format", received=received, expected=expected)
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise DataError(f"file {path} does not exist", hint="Check the path.") from None
    except OSError as error:
        raise DataError(f"file {path} cannot be read: {error.strerror}") from error
    if not content:
        raise DataError(f"file {path} is empty")
    columns = reader(f"file {path}", content, target)
    y, task_of_file, class_names = encode(columns, task)
    return Raw(path.name, task_of_file, columns.X, y, columns.feature_names, class_names)
