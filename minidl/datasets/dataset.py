"""A data set ready for training: split into two parts, and standardised.

Means and standard deviations are those of the training rows; the test rows are only transformed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NoReturn

import numpy as np
import numpy.typing as npt

from minidl.errors import CallError, DataError
from minidl.keywords import answers
from minidl.streams import stream
from minidl.values import numbers

Rows = npt.NDArray[np.intp]
Floats = npt.NDArray[np.float64]
Targets = npt.NDArray[np.float64 | np.int64]
Task = Literal["binary", "multiclass", "regression"]
LOSS_OF_TASK = {
    "binary": "binary_cross_entropy",
    "multiclass": "softmax_cross_entropy",
    "regression": "mean_squared_error",
}


@dataclass(frozen=True)
class Raw:
    """Rows before they are split and standardised; the fields are those of :class:`Dataset`."""

    name: str
    task: Task
    X: Floats
    y: Targets
    feature_names: tuple[str, ...]
    class_names: tuple[str, ...]


@answers
@dataclass(frozen=True, eq=False, repr=False)
class Dataset:
    """A training part and a test part of one data set.

    Attributes
    ----------
    name : str
        The name of the data set or of the file.
    task : "binary", "multiclass" or "regression"
        The kind of target.
    X_train, X_test : float64 array of shape (n, d), C-contiguous
        Features, one row per example; there may be no test rows.
    y_train, y_test : array of shape (n,)
        int64 class numbers, 0 or 1 for binary and 0..K-1 for multiclass; float64 for regression.
    feature_names, class_names : tuple of str
        One name per column of X, and per class number; no class names for regression.
    x_mean, x_scale : float64 array of shape (d,)
        X is (original - x_mean) / x_scale.
    y_mean, y_scale : float
        The same for y; 0 and 1 for classification.

    Examples
    --------
    >>> from minidl.datasets import load
    >>> load("iris")
    Dataset('iris', multiclass, 111 training rows, 39 test rows, 4 features)
    """

    name: str
    task: Task
    X_train: Floats
    y_train: Targets
    X_test: Floats
    y_test: Targets
    feature_names: tuple[str, ...]
    class_names: tuple[str, ...]
    x_mean: Floats
    x_scale: Floats
    y_mean: float
    y_scale: float

    @property
    def n_features(self) -> int:
        """The number of columns of X."""
        return len(self.feature_names)

    @property
    def n_classes(self) -> int:
        """The number of classes; 0 for regression."""
        return len(self.class_names)

    @property
    def n_outputs(self) -> int:
        """The number of outputs a network needs: one per class for multiclass, else 1."""
        return self.n_classes if self.task == "multiclass" else 1

    def __iter__(self) -> NoReturn:
        """Raise an error for ``(X, y), (X_test, y_test) = data``, as Keras writes it."""
        hint = "Write data.X_train, data.y_train, data.X_test and data.y_test."
        raise CallError("a Dataset is not unpacked", hint=hint)

    def __repr__(self) -> str:
        return (
            f"Dataset({self.name!r}, {self.task}, {len(self.X_train)} training rows, "
            f"{len(self.X_test)} test rows, {self.n_features} features)"
        )

    @answers
    def inverse_y(self, values: npt.ArrayLike) -> Floats:
        """Return targets or predictions of any shape in the original units, y y_scale + y_mean.

        Examples
        --------
        >>> from minidl.datasets import load
        >>> data = load("diabetes")
        >>> data.inverse_y(data.y_train[:3]).round(6)
        array([ 75., 127., 128.])
        """
        return numbers(values)[0].astype(np.float64) * self.y_scale + self.y_mean

    def summary(self) -> str:
        """Return three lines: task and sizes, and the rows of each class in both parts.

        Examples
        --------
        >>> from minidl.datasets import load
        >>> print(load("xor", n=40).summary())
        xor: binary, 2 features, 2 classes
        training rows: 30 (0: 15, 1: 15)
        test rows: 10 (0: 5, 1: 5)
        """
        features = f"{self.n_features} feature{'' if self.n_features == 1 else 's'}"
        classes = f", {self.n_classes} classes" if self.n_classes else ""
        return (
            f"{self.name}: {self.task}, {features}{classes}\n"
            f"training rows: {self._count(self.y_train)}\n"
            f"test rows: {self._count(self.y_test)}"
        )

    def _count(self, y: Targets) -> str:
        """Return the number of rows, and of rows of each class."""
        if not self.class_names or len(y) == 0:
            return str(len(y))
        counts = np.bincount(y, minlength=self.n_classes)
        each = ", ".join(f"{c}: {k}" for c, k in zip(self.class_names, counts, strict=True))
        return f"{len(y)} ({each})"


def loss_for(data: Dataset) -> str:
    """Return the name of the usual loss for the task of a data set."""
    return LOSS_OF_TASK[data.task]


def prepare(raw: Raw, *, test_size: float, seed: int, standardize: bool) -> Dataset:
    """Return `raw` split and, if asked for, standardised.

    Examples
    --------
    >>> rows = Raw("two", "regression", np.array([[1.0], [3.0]]), np.array([0.0, 4.0]), ("a",), ())
    >>> data = prepare(rows, test_size=0.0, seed=0, standardize=True)
    >>> data.x_mean, data.x_scale, data.y_mean, data.y_scale
    (array([2.]), array([1.]), 2.0, 2.0)
    """
    train, test = _split(raw, test_size, seed)
    X = np.asarray(raw.X, dtype=np.float64)
    y: Targets = raw.y.astype(np.float64 if raw.task == "regression" else np.int64)
    x_mean, x_scale = np.zeros(X.shape[1]), np.ones(X.shape[1])
    y_mean, y_scale = np.zeros(1), np.ones(1)
    if standardize:
        titles = [f"column {name!r}" for name in raw.feature_names]
        X, x_mean, x_scale = _standardised(X, train, raw.name, titles)
        if raw.task == "regression":
            Y, y_mean, y_scale = _standardised(y[:, None], train, raw.name, ["the target"])
            y = Y[:, 0]
    parts = X[train], y[train], X[test], y[test]  # copies in C order: the indices are arrays
    units = x_mean, x_scale, float(y_mean[0]), float(y_scale[0])
    return Dataset(raw.name, raw.task, *parts, raw.feature_names, raw.class_names, *units)


def _split(raw: Raw, test_size: float, seed: int) -> tuple[Rows, Rows]:
    """Return the training and the test rows in random order; each class is split in proportion."""
    order = stream(seed, "split").permutation(len(raw.y))
    classes = enumerate(raw.class_names)
    groups = [(f"class {name!r}", order[raw.y[order] == k]) for k, name in classes]
    in_test = np.zeros(len(raw.y), dtype=bool)
    for title, rows in groups or [("the set", order)]:
        in_test[rows[: _test_rows(len(rows), test_size, f"{raw.name}: {title}")]] = True
    return order[~in_test[order]], order[in_test[order]]


def _test_rows(count: int, test_size: float, title: str) -> int:
    """Return `test_size` of `count` rows, but with a test at least one and at most all but one."""
    needed = 2 if test_size > 0.0 else 1
    if count < needed:
        raise DataError(
            f"{title} has too few rows" + (" to split" if needed == 2 else ""),
            received=f"{count} row{'' if count == 1 else 's'}",
            expected=f"at least {needed}",
            hint="Add rows, or use a test size of 0." if count else None,
        )
    return min(max(int(count * test_size + 0.5), 1), count - 1) if test_size > 0.0 else 0


def _standardised(
    columns: Targets, train: Rows, name: str, titles: Sequence[str]
) -> tuple[Floats, Floats, Floats]:
    """Return columns, and mean and scale of their training rows: value and 1 if constant."""
    rows = columns[train]
    # The rounded mean of equal numbers may differ from them, so that their deviation is not 0.
    constant = rows.min(axis=0) == rows.max(axis=0)
    with np.errstate(over="ignore", invalid="ignore"):
        mean = np.where(constant, rows[0], rows.mean(axis=0))
        scale = rows.std(axis=0)
        # Deviations below about 1e-162 have a square of 0, so a varying column may need the 1 too.
        scale = np.where(constant | (scale == 0.0), 1.0, scale)
        scaled = (columns - mean) / scale
    usable = np.isfinite(scaled).all(axis=0) & np.isfinite(scale)
    if not usable.all():
        title = f"{name}, {titles[int(np.argmin(usable))]}"
        hint = "Rescale the column; in Python, standardize=False leaves it as it is."
        raise DataError(f"{title}: the numbers are too large to standardise", hint=hint)
    return scaled, mean, scale
