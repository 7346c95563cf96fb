"""Fitting on the training rows: fills, categories, mean and scale."""

from __future__ import annotations

import numpy as np

from minidl.datasets.preparing.preparation import Feature, Preparation, expanded
from minidl.datasets.preparing.raw import Floats, Raw, Targets
from minidl.errors import DataError

LARGE = 2**18  # numbers whose deviations are computed at once, since that makes a copy
TINY = 1e-7  # a column that varies less, relative to its mean, may be constant
UNKNOWN = -1.0  # the number of a category that no training row has


def fit(raw: Raw, X: Floats, y: Targets, standardize: bool) -> Preparation:
    """Return the preparation that is fitted on training rows X (n, features) and y (n,).

    >>> raw = Raw("t", "regression", np.array([[1.0], [3.0]]), np.array([0.0, 4.0]), ("a",), ())
    >>> fitted = fit(raw, raw.X, raw.y, True)
    >>> fitted.mean, fitted.scale, fitted.y_mean, fitted.y_scale
    (array([2.]), array([1.]), 2.0, 2.0)
    """
    features = _features(raw, X)
    d = sum(1 if f.categories is None else len(f.categories) for f in features)
    mean, scale = np.zeros(d), np.ones(d)
    y_mean, y_scale = 0.0, 1.0
    if standardize:
        numeric = [f.categories is None for f in features for _ in f.categories or (f.name,)]
        mean, scale = fitted_scale(expanded(X, features))
        mean, scale = np.where(numeric, mean, 0.0), np.where(numeric, scale, 1.0)
        if raw.task == "regression":
            y_mean, y_scale = (float(part[0]) for part in fitted_scale(y[:, None]))
    names = raw.target, raw.task, raw.class_names
    return Preparation(features, mean, scale, *names, y_mean, y_scale, raw.decimal)


def _features(raw: Raw, X: Floats) -> tuple[Feature, ...]:
    """Return the features with what fills their gaps and the categories of the training rows."""
    categories = raw.categories or (None,) * X.shape[1]
    fills: list[float | str | None] = [None] * X.shape[1]
    if raw.missing in ("mean", "most_frequent"):
        fills = [_fill(X[:, j], words, raw.missing) for j, words in enumerate(categories)]
    return tuple(
        Feature(name, None, fill) if words is None else _category(name, words, X[:, j], fill)
        for j, (name, words, fill) in enumerate(
            zip(raw.feature_names, categories, fills, strict=True)
        )
    )


def _fill(column: Floats, words: tuple[str, ...] | None, strategy: str) -> float | str:
    """Return the value that SimpleImputer fills into a column (n,), in text the most frequent word.

    Of equally frequent values it is the smallest, and without any value 0. One imputer for each
    column would take a hundred times as long.
    """
    present = column[~np.isnan(column)]
    if not len(present):
        return 0.0 if words is None else UNKNOWN
    if words is None and strategy == "mean":
        return float(np.where(np.isnan(column), 0.0, column).sum() / len(present))
    values, counts = np.unique(present, return_counts=True)
    fill = float(values[counts.argmax()])
    return fill if words is None else words[int(fill)]


def _category(name: str, words: tuple[str, ...], codes: Floats, fill: object) -> Feature:
    """Return a feature with the categories that OneHotEncoder finds in the training rows."""
    from sklearn.preprocessing import OneHotEncoder

    cells = np.array([*words, fill], object)[
        np.where(np.isnan(codes), len(words), codes).astype(int)
    ]
    names = OneHotEncoder(handle_unknown="ignore").fit(cells[:, None]).categories_[0]
    return Feature(name, tuple(map(str, names)), fill if isinstance(fill, str | float) else None)


def recoded(raw: Raw, X: Floats, features: tuple[Feature, ...]) -> Floats:
    """Replace the categories in X, numbered as in `raw`, by their numbers in the features."""
    for j, feature in enumerate(features):
        words = raw.categories[j] if raw.categories else None
        if words is not None and feature.categories is not None:
            place = {word: float(k) for k, word in enumerate(feature.categories)}
            new = np.array([*(place.get(word, UNKNOWN) for word in words), np.nan])
            X[:, j] = new[np.where(np.isnan(X[:, j]), len(words), X[:, j]).astype(int)]
    return X


def fitted_scale(rows: Floats | Targets) -> tuple[Floats, Floats]:
    """Return mean and standard deviation of each column; value and 1 if it is constant."""
    with np.errstate(over="ignore", invalid="ignore"):
        groups = np.array_split(rows, min(rows.shape[1], 1 + rows.size // LARGE), axis=1)
        mean = rows.mean(axis=0)
        scale = np.concatenate([group.std(axis=0) for group in groups])
        doubtful = ~(scale > TINY * np.abs(mean))
    # The rounded mean of equal numbers may differ from them, so that their deviation is not 0.
    for j in np.flatnonzero(doubtful):
        if rows[:, j].min() == rows[:, j].max():
            mean[j], scale[j] = rows[0, j], 1.0
    # Deviations below about 1e-162 have a square of 0, so a varying column may need the 1 too.
    scale[scale == 0.0] = 1.0
    return mean, scale


def check_scaled(
    scaled: Floats | Targets, scale: Floats, title: str, names: tuple[str, ...]
) -> None:
    """Raise if standardised columns, or their scale, are too large for float64."""
    if np.isfinite(scaled).all() and np.isfinite(scale).all():
        return
    usable = np.isfinite(scaled).all(axis=0) & np.isfinite(scale)
    hint = "Rescale the column; in Python, standardize=False leaves it as it is."
    place = f"{title}, {names[int(np.argmin(usable))]}"
    raise DataError(f"{place}: the numbers are too large to standardise", hint=hint)
