"""The preparation of features: missing values, categories, scale; fitted on training rows only."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from minidl.datasets.preparing.kinds import kind_of
from minidl.datasets.problems import Problem, check
from minidl.datasets.reading import Column, Numbers, Table, Words
from minidl.datasets.reading.columns import Floats
from minidl.keywords import answers
from minidl.schema import fields as fields_of
from minidl.schema import listed, number, optional, such_that, text
from minidl.sealed import parse
from minidl.values import is_missing

Fill = float | str | None
LISTED = 5  # columns or values that a message names
FEATURE = {"name": text, "categories": optional(listed(text))}
FILL = such_that(lambda v: type(v) in (float, int, str, type(None)), "a number or a text")
TASKS = "binary", "multiclass", "regression"
FIELDS = fields_of(
    {
        "features": listed(fields_of({**FEATURE, "fill": FILL})),
        "target": text,
        "task": such_that(lambda task: task in TASKS, " or ".join(TASKS)),
        "class_names": listed(text),
        "y_mean": number(),
        "y_scale": number(lambda y: 0 < y < math.inf, "a positive number"),
    },
    {"decimal": optional(text)},
)


@dataclass(frozen=True)
class Feature:
    """A column of a table: a number, or one of the sorted `categories`.

    `fill` takes the place of missing values; None if they are an error.
    """

    name: str
    categories: tuple[str, ...] | None = None
    fill: Fill = None


@answers
@dataclass(frozen=True, eq=False)
class Preparation:
    """From the columns of a table to the inputs of a network.

    A missing value is replaced by its column's fill. A number x becomes (x - mean) / scale, a
    category one 1 among zeros, and one that no training row has becomes zeros. That is what
    scikit-learn's SimpleImputer, StandardScaler and OneHotEncoder do (handle_unknown="ignore").

    Attributes
    ----------
    features : tuple of Feature
        The columns, in the order of the table that it was fitted on.
    mean, scale : float64 array of shape (d,)
        For each column of X, of which categories have several; 0 and 1 for categories.
    target, task : str
        The name of the target, and "binary", "multiclass" or "regression".
    class_names : tuple of str
        The classes by number; none for a regression.
    y_mean, y_scale : float
        The same for the targets of a regression.
    decimal : str, optional
        The decimal sign of numbers in text.

    Examples
    --------
    >>> data = Numbers("a", np.array([1.0, 3.0])), Words.of("pet", ["dog", "cat"])
    >>> features = Feature("a"), Feature("pet", ("cat", "dog"))
    >>> preparation = Preparation(features, np.array([2.0, 0, 0]), np.ones(3))
    >>> preparation.transform(Table("t", [*reversed(data)], 2)).tolist()
    [[-1.0, 0.0, 1.0], [1.0, 1.0, 0.0]]
    >>> preparation.names
    ('a', 'pet_cat', 'pet_dog')
    """

    features: tuple[Feature, ...]
    mean: Floats
    scale: Floats
    target: str = ""
    task: str = "regression"
    class_names: tuple[str, ...] = ()
    y_mean: float = 0.0
    y_scale: float = 1.0
    decimal: str | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the columns of X; a category is called as OneHotEncoder does."""
        parts = [[f.name] if f.categories is None else [f"{f.name}_{c}" for c in f.categories]
                 for f in self.features]  # fmt: skip
        return tuple(name for part in parts for name in part)

    @property
    def texts(self) -> frozenset[str]:
        """The names of the columns that must be read as text."""
        return frozenset(f.name for f in self.features if f.categories is not None)

    @answers
    def transform(self, table: Table) -> Floats:
        """Return X (n, d) of a table with the same columns, in any order and beside others.

        Raises
        ------
        TableError
            Columns are absent, or have missing values without a fill, text or infinite values.
        """
        problems: list[Problem] = []
        columns = {column.name: column for column in table.columns}
        absent = [feature.name for feature in self.features if feature.name not in columns]
        if unlisted := len(absent[LISTED:]):
            names = ", ".join(map(repr, absent[:LISTED]))
            problems.append(Problem(f"columns {names} and {unlisted} more", "they are absent"))
        cells = np.empty((table.n, len(self.features)))
        for j, feature in enumerate(self.features):
            message = "" if unlisted else "it is absent"
            if feature.name in columns:
                cells[:, j], message = _cells(columns[feature.name], feature, table, self.decimal)
            if message:
                problems.append(Problem(f"column {feature.name!r}", message))
        check(table.title, [*table.problems, *problems])
        return self.apply(cells)

    def remarks(self, table: Table) -> list[str]:
        """Return a sentence for all that is not used as it is written.

        These are unknown categories, filled missing values, signs that are left out of numbers,
        and what was decided when the file was read.

        >>> preparation = Preparation((Feature("a", None, 2.5),), np.ones(1), np.ones(1))
        >>> preparation.remarks(Table("t", [Numbers("a", np.array([1.0, np.nan]))], 2))
        ["column 'a': 1 missing value is filled with 2.5"]
        """
        columns = {column.name: column for column in table.columns}
        found = [f"{note.title}: {note.text}" for note in table.notes]
        for feature in self.features:
            parts = _remarks(columns[feature.name], feature, table, self.decimal)
            if parts:
                found.append(f"column {feature.name!r}: {'; '.join(parts)}")
        return found

    def unused(self, table: Table) -> list[str]:
        """Return the names of the columns that are neither features nor the target."""
        used = {self.target, *(feature.name for feature in self.features)}
        return [name for name in table.names if name not in used]

    def apply(self, cells: Floats) -> Floats:
        """Return X of cells (n, features), which it may overwrite.

        In the cells, categories are their places in the feature, -1 is an unknown category, and
        NaN is missing.
        """
        X = expanded(cells, self.features)
        with np.errstate(over="ignore", invalid="ignore"):
            X -= self.mean
            X /= self.scale
        return X

    def to_arrays(self) -> dict[str, npt.NDArray[Any]]:
        """Return everything as arrays of floats and one of JSON text, for an NPZ file.

        >>> one = Preparation((Feature("a", None, 2.5),), np.ones(1), np.ones(1), "y")
        >>> Preparation.from_arrays(one.to_arrays()).features == one.features
        True
        """
        fields = {k: v for k, v in vars(self).items() if k not in ("features", "mean", "scale")}
        fields["features"] = [asdict(feature) for feature in self.features]
        return {"mean": self.mean, "scale": self.scale, "fields": np.array(json.dumps(fields))}

    @classmethod
    @answers
    def from_arrays(cls, arrays: dict[str, npt.NDArray[Any]]) -> Preparation:
        """Return the preparation that `to_arrays` saved; a ValueError if it cannot be one."""
        fields = parse(str(arrays["fields"]))
        FIELDS(fields, "preparation")
        features = tuple(
            Feature(
                f["name"], None if f["categories"] is None else tuple(f["categories"]), f["fill"]
            )
            for f in fields.pop("features")
        )
        fields["class_names"] = tuple(fields["class_names"])
        preparation = cls(features, arrays["mean"], arrays["scale"], **fields)
        for name, scale in (("mean", preparation.mean), ("scale", preparation.scale)):
            if scale.shape != (len(preparation.names),) or scale.dtype != float:
                raise ValueError(f"its {name} is {scale.dtype} of shape {scale.shape}")
            if not np.isfinite(scale).all() or (name == "scale" and (scale <= 0).any()):
                raise ValueError(f"its {name} has values that it cannot have")
        return preparation


def _cells(
    column: Column, feature: Feature, table: Table, decimal: str | None
) -> tuple[Floats, str]:
    """Return the cells of a column for `Preparation.apply`, and what is wrong with them."""
    if feature.categories is not None:
        values = _numbered(column, feature.categories)
    else:
        read = kind_of(column, table, decimal)
        values = read.values
        if read.problems or read.categories:
            return values, read.problems[0].what if read.problems else "text instead of numbers"
    gaps = np.isnan(values)
    absent = feature.fill is None and gaps.any()
    return values, f"missing in {table.where(gaps)}" if absent else ""


def _remarks(column: Column, feature: Feature, table: Table, decimal: str | None) -> list[str]:
    """Return which values of a column are not used as they are written, and how."""
    cells, parts = _cells(column, feature, table, decimal)[0], list[str]()
    if feature.categories is not None:
        parts = _unknown(column, cells)
    elif isinstance(column, Words) and (style := kind_of(column, table, decimal).style):
        parts = [style]
    if count := int(np.isnan(cells).sum()):
        fill = f"{feature.fill:.4g}" if isinstance(feature.fill, float) else feature.fill
        words = "value is" if count == 1 else "values are"
        parts.append(f"{count} missing {words} filled with {fill}")
    return parts


def _numbered(column: Column, categories: Sequence[str]) -> Floats:
    """Return the place of each row's category, -1 if it is unknown, and NaN if it is missing.

    An integer may be written with a decimal point, as pandas does if others are missing.
    """
    place = {_bare(name): float(k) for k, name in enumerate(categories)}
    place |= {name: float(k) for k, name in enumerate(categories)}
    words = _as_words(column)
    known = [
        np.nan if is_missing(word) else place.get(word, place.get(_bare(word), -1.0))
        for word in words.words
    ]
    return np.array(known)[words.codes]


def _bare(word: str) -> str:
    """Return an integer such as "1.0" without its point, and any other word as it is."""
    return re.sub(r"^([-+]?\d+)\.0*$", r"\1", word)


def _as_words(column: Column) -> Words:
    if not isinstance(column, Numbers):
        return column
    texts = [str(int(v)) if v.is_integer() else repr(v) for v in column.values.tolist()]
    return Words.of(column.name, texts)


def _unknown(column: Column, cells: Floats) -> list[str]:
    """Return which values no training row had, in how many rows, in a list that may be empty."""
    words = _as_words(column)
    names = [words.words[code] for code in dict.fromkeys(words.codes[cells == -1].tolist())]
    if not names:
        return []
    remainder = f" and {len(names) - LISTED} more" if len(names) > LISTED else ""
    listed = ", ".join(map(repr, names[:LISTED])) + remainder
    rows = int((cells == -1).sum())
    counted = "1 row has" if rows == 1 else f"{rows} rows have"
    return [f"{counted} {listed}: not seen in training, treated as none of the known values"]


def expanded(cells: Floats, features: Sequence[Feature]) -> Floats:
    """Return cells with fills for missing values and a column for each category."""
    if all(f.categories is None and f.fill is None for f in features):
        return cells
    parts = []
    for j, feature in enumerate(features):
        values = cells[:, j]
        fill = feature.fill
        if isinstance(fill, str) and feature.categories is not None:
            fill = float(feature.categories.index(fill))
        if fill is not None:
            values = np.where(np.isnan(values), fill, values)
        if feature.categories is None:
            parts.append(values[:, None])
        else:
            parts.append(np.equal(values[:, None], np.arange(len(feature.categories))))
    return np.ascontiguousarray(np.concatenate(parts, axis=1, dtype=np.float64))
