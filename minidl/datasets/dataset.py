"""A data set ready for training: split into two parts, and prepared.

Everything that is fitted, such as means, is fitted on the training rows; the test rows are only
transformed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, NoReturn

import numpy as np
import numpy.typing as npt

from minidl.checks import check_count, check_flag, check_number
from minidl.datasets.preparing import (
    Choices,
    Floats,
    Preparation,
    Raw,
    Targets,
    Task,
    check_scaled,
    fit,
    recoded,
    rows_of,
    split,
)
from minidl.datasets.problems import Note, note_text
from minidl.datasets.reading import arrays_table
from minidl.errors import CallError, invalid
from minidl.html import settings
from minidl.keywords import answers
from minidl.values import numbers

NAMED = 12  # features that a notebook shows by name
LARGEST_SEED = 2**32 - 1  # of scikit-learn's generators
LOSS_OF_TASK = {
    "binary": "binary_cross_entropy",
    "multiclass": "softmax_cross_entropy",
    "regression": "mean_squared_error",
}


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
    preparation : Preparation, optional
        What was fitted on the training rows; it transforms other tables with the same columns.
    notes : tuple of Note
        What was decided about the columns of a file; :meth:`summary` prints them.

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
    preparation: Preparation | None = None
    notes: tuple[Note, ...] = ()

    @classmethod
    @answers
    def from_arrays(
        cls,
        X: Any,
        y: Any,
        *,
        name: str = "arrays",
        feature_names: Sequence[str] | None = None,
        task: str | None = None,
        missing: str | None = None,
        categorical: str | None = None,
        test_size: float = 0.25,
        seed: int = 0,
        standardize: bool = True,
    ) -> Dataset:
        """Return features and targets as a data set, split and prepared as a file is.

        Parameters
        ----------
        X : array, list of rows or DataFrame of shape (n, d)
            Features: numbers, or text with few different values.
        y : array, list or Series of shape (n,)
            Targets: text, whole numbers, or other numbers for a regression.
        name : str, default "arrays"
            The name of the data set.
        feature_names : sequence of str, optional
            By default x0, x1, ..., or those of the DataFrame.
        task, missing, categorical, test_size, seed, standardize
            As for :func:`minidl.datasets.load`.

        Raises
        ------
        DataError, DTypeError
            The shapes do not fit, or columns need an option; the message lists all problems.
        ArgumentError, UnknownNameError
            An argument is invalid.

        Examples
        --------
        >>> Dataset.from_arrays([[1.0], [2.0], [4.0], [5.0]], ["a", "b", "a", "b"])
        Dataset('arrays', binary, 2 training rows, 2 test rows, 1 feature)
        """
        if not isinstance(name, str):
            raise invalid("name", name, "a text")
        choices = Choices(task=task, missing=missing, categorical=categorical)
        raw = raw_arrays(X, y, choices, test_size, name=name, names=feature_names)
        return prepare(raw, test_size=test_size, seed=seed, standardize=standardize)

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
            f"{len(self.X_test)} test rows, {self._features})"
        )

    @property
    def _features(self) -> str:
        """The number of features in words."""
        return f"{self.n_features} feature{'' if self.n_features == 1 else 's'}"

    def _repr_html_(self) -> str:
        """Return the contents of :meth:`summary` as a table, for notebooks."""
        names = self.feature_names[:NAMED]
        remainder = f" and {self.n_features - NAMED} more" if self.n_features > NAMED else ""
        rows = [("task", self.task), (self._features, ", ".join(names) + remainder)]
        rows += [("training rows", self._count(self.y_train))]
        rows += [("test rows", self._count(self.y_test))]
        notes = [(note.title, note_text(note, typed=False)) for note in self.notes]
        rows += [(title, text.removeprefix(title).strip()) for title, text in notes]
        return settings(rows, self.name)

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

    def summary(self, *, typed: bool = False) -> str:
        """Return three lines, on task, sizes and classes, and one for each note.

        The notes name arguments, or with `typed` the options of the command line.

        Examples
        --------
        >>> from minidl.datasets import load
        >>> print(load("xor", n=40).summary())
        xor: binary, 2 features, 2 classes
        training rows: 30 (0: 15, 1: 15)
        test rows: 10 (0: 5, 1: 5)
        """
        classes = f", {self.n_classes} classes" if self.n_classes else ""
        lines = [
            f"{self.name}: {self.task}, {self._features}{classes}",
            f"training rows: {self._count(self.y_train)}",
            f"test rows: {self._count(self.y_test)}",
        ]
        return "\n".join(lines + [note_text(note, typed) for note in self.notes])

    def _count(self, y: Targets) -> str:
        """Return the number of rows, and of rows of each class."""
        if not self.class_names or len(y) == 0:
            return str(len(y))
        counts = np.bincount(y, minlength=self.n_classes)
        per_class = ", ".join(f"{c}: {k}" for c, k in zip(self.class_names, counts, strict=True))
        return f"{len(y)} ({per_class})"


def loss_for(data: Dataset) -> str:
    """Return the name of the usual loss for the task of a data set."""
    return LOSS_OF_TASK[data.task]


def raw_arrays(
    X: Any, y: Any, choices: Choices, test_size: float, *, name: str = "arrays", names: Any = None
) -> Raw:
    """Return features and targets before they are split; errors as for `Dataset.from_arrays`."""
    table = arrays_table(name, X, y, names, "y")
    return rows_of(table, name, replace(choices, target=table.names[-1]), test_size)


def prepare(raw: Raw, *, test_size: float, seed: int, standardize: bool) -> Dataset:
    """Return `raw` split and prepared; without `standardize`, numbers stay as they are.

    Examples
    --------
    >>> rows = Raw("two", "regression", np.array([[1.0], [3.0]]), np.array([0.0, 4.0]), ("a",), ())
    >>> data = prepare(rows, test_size=0.0, seed=0, standardize=True)
    >>> data.x_mean, data.x_scale, data.y_mean, data.y_scale
    (array([2.]), array([1.]), 2.0, 2.0)
    """
    test_size = check_number("test_size", test_size, lambda x: 0 <= x < 1, "in [0, 1)")
    seed = check_count("seed", seed, 0, LARGEST_SEED)
    standardize = check_flag("standardize", standardize)
    train, test = split(raw.y, raw.class_names, test_size, seed, raw.name)
    y: Targets = raw.y.astype(np.float64 if raw.task == "regression" else np.int64)
    X = np.ascontiguousarray(raw.X, np.float64)
    X_train = X.take(train, axis=0)
    fitted = fit(raw, X_train, y[train], standardize)
    X_train = fitted.apply(recoded(raw, X_train, fitted.features))
    X_test = fitted.apply(recoded(raw, X.take(test, axis=0), fitted.features))
    if raw.task == "regression":
        with np.errstate(over="ignore", invalid="ignore"):
            y = np.asarray((y - fitted.y_mean) / fitted.y_scale, np.float64)
    if standardize:
        titles = tuple(f"column {name!r}" for name in fitted.names)
        for part in (X_train, X_test):
            check_scaled(part, fitted.scale, raw.name, titles)
        check_scaled(y[:, None], np.array([fitted.y_scale]), raw.name, ("the target",))
    parts = X_train, y[train], X_test, y[test]
    return Dataset(
        raw.name, raw.task, *parts, fitted.names, raw.class_names, fitted.mean, fitted.scale,
        fitted.y_mean, fitted.y_scale, fitted, raw.notes,
    )  # fmt: skip
