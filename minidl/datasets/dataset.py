"""A data set ready for training: split into two parts, and standardised.

The decision of this file: whatever is measured for standardising is measured on the training
rows alone. The test rows are only ever transformed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from minidl.datasets.split import split
from minidl.errors import DataError

__all__ = ["Dataset", "Raw", "Task", "loss_for", "prepare"]

Array = npt.NDArray[Any]
Task = Literal["binary", "multiclass", "regression"]
LOSS_OF_TASK = {
    "binary": "binary_cross_entropy",
    "multiclass": "softmax_cross_entropy",
    "regression": "mean_squared_error",
}


@dataclass(frozen=True)
class Raw:
    """Rows as they were generated, measured or read, before splitting and standardising.

    Attributes
    ----------
    name, task, feature_names, class_names
        As in :class:`Dataset`.
    X : array of shape (n, d)
        One row per example.
    y : array of shape (n,)
        Class numbers, or real targets for regression.
    """

    name: str
    task: Task
    X: Array
    y: Array
    feature_names: tuple[str, ...]
    class_names: tuple[str, ...]


@dataclass(frozen=True, eq=False, repr=False)
class Dataset:
    """A training part and a test part of one data set.

    Attributes
    ----------
    name : str
        The set's name, or the file's.
    task : "binary", "multiclass" or "regression"
        What is learned.
    X_train, X_test : float64 array of shape (n, d), C-contiguous
        Features, one row per example; the test part may have no rows.
    y_train, y_test : array of shape (n,)
        int64 0 or 1 for binary, int64 class numbers 0..K-1 for multiclass, float64 for regression.
    feature_names : tuple of str
        One name per column of X.
    class_names : tuple of str
        One name per class number; empty for regression.
    x_mean, x_scale : float64 array of shape (d,)
        X is (original - x_mean) / x_scale.
    y_mean, y_scale : float
        The same for y; 0 and 1 for classification.

    Examples
    --------
    >>> from minidl.datasets import load
    >>> data = load("iris")
    >>> data
    Dataset('iris', multiclass, 111 training rows, 39 test rows, 4 features)
    >>> data.class_names
    ('setosa', 'versicolor', 'virginica')
    """

    name: str
    task: Task
    X_train: Array
    y_train: Array
    X_test: Array
    y_test: Array
    feature_names: tuple[str, ...]
    class_names: tuple[str, ...]
    x_mean: Array
    x_scale: Array
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
        """How many outputs a network needs: 1, or one per class for multiclass."""
        return self.n_classes if self.task == "multiclass" else 1

    def __repr__(self) -> str:
        return (
            f"Dataset({self.name!r}, {self.task}, {len(self.X_train)} training rows, "
            f"{len(self.X_test)} test rows, {self.n_features} features)"
        )

    def inverse_y(self, values: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Return targets or predictions of any shape in the original units.

        Examples
        --------
        >>> from minidl.datasets import load
        >>> data = load("diabetes")
        >>> data.inverse_y(data.y_train[:3]).round(6)
        array([ 75., 127., 128.])
        """
        return np.asarray(values, dtype=np.float64) * self.y_scale + self.y_mean

    def summary(self) -> str:
        """Return a few lines about the set.

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
        return "\n".join(
            [
                f"{self.name}: {self.task}, {features}{classes}",
                f"training rows: {self._rows(self.y_train)}",
                f"test rows: {self._rows(self.y_test)}",
            ]
        )

    def _rows(self, y: Array) -> str:
        """Count rows, and rows of each class."""
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

    Raises
    ------
    DataError
        There are too few rows to split, or numbers too large to standardise.

    Examples
    --------
    >>> rows = Raw("two", "regression", np.array([[1.0], [3.0]]), np.array([0.0, 4.0]), ("a",), ())
    >>> data = prepare(rows, test_size=0.0, seed=0, standardize=True)
    >>> data.x_mean, data.x_scale, data.y_mean, data.y_scale
    (array([2.]), array([1.]), 2.0, 2.0)
    """
    train, test = split(raw.y, raw.class_names, test_size=test_size, seed=seed, name=raw.name)
    X = np.asarray(raw.X, dtype=np.float64)
    x_mean, x_scale = np.zeros(X.shape[1]), np.ones(X.shape[1])
    if standardize:
        x_mean, x_scale = _mean_and_scale(X[train])
        X = _scaled(X, x_mean, x_scale, raw.name, [f"column {c!r}" for c in raw.feature_names])
    y = raw.y.astype(np.float64 if raw.task == "regression" else np.int64)
    y_mean, y_scale = np.zeros(1), np.ones(1)
    if standardize and raw.task == "regression":
        y_mean, y_scale = _mean_and_scale(y[train, None])
        y = _scaled(y[:, None], y_mean, y_scale, raw.name, ["the target"])[:, 0]
    # Taking rows by number copies them, in C order whatever the order was before.
    return Dataset(
        name=raw.name,
        task=raw.task,
        X_train=X[train],
        y_train=y[train],
        X_test=X[test],
        y_test=y[test],
        feature_names=raw.feature_names,
        class_names=raw.class_names,
        x_mean=x_mean,
        x_scale=x_scale,
        y_mean=float(y_mean[0]),
        y_scale=float(y_scale[0]),
    )


def _mean_and_scale(columns: Array) -> tuple[Array, Array]:
    """Return each column's mean and standard deviation; of a constant one, its value and 1."""
    # The rounded mean of equal numbers may miss them by a hair, and the deviation then is not 0.
    constant = columns.min(axis=0) == columns.max(axis=0)
    with np.errstate(over="ignore", invalid="ignore"):
        mean = np.where(constant, columns[0], columns.mean(axis=0))
        scale = columns.std(axis=0)
    # A deviation below 1e-162 or so has a square of 0, so a varying column may need the 1 too.
    return mean, np.where(constant | (scale == 0.0), 1.0, scale)


def _scaled(columns: Array, mean: Array, scale: Array, name: str, titles: list[str]) -> Array:
    """Standardise columns, or say which one holds numbers too large for that."""
    with np.errstate(over="ignore", invalid="ignore"):
        scaled = (columns - mean) / scale
    usable = np.isfinite(scaled).all(axis=0) & np.isfinite(scale)
    if not usable.all():
        raise DataError(
            f"{name}, {titles[int(np.argmin(usable))]}: the numbers are too large to standardise",
            expected="numbers whose squares can be added up in float64",
            hint="Rescale the column, or pass standardize=False.",
        )
    return scaled
