"""The preparation: that of scikit-learn, fitted on training rows only, for any table by name."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import LabelEncoder, OneHotEncoder, StandardScaler

from minidl.datasets import Dataset, Preparation, load
from minidl.datasets.preparing import Choices
from minidl.datasets.preparing.selection import rows_of
from minidl.datasets.preparing.split import split
from minidl.datasets.reading import Numbers, Table, Words
from minidl.errors import TableError

N = 200
GENERATOR = np.random.default_rng(5)
A, B = GENERATOR.normal(7, 3, N), GENERATOR.integers(0, 9, N).astype(float)
KINDS, COLOURS = (GENERATOR.choice(list(words), N).tolist() for words in ("pqr", "xyz"))
LABELS = np.array(["one", "two", "three"])[GENERATOR.integers(0, 3, N)].tolist()
HOLES = {"a": GENERATOR.random(N) < 0.1, "k": GENERATOR.random(N) < 0.1}


def table(holes: bool = True, **changed: Any) -> Table:
    a = np.where(HOLES["a"], np.nan, A) if holes else A
    k = ["NA" if gone and holes else kind for gone, kind in zip(HOLES["k"], KINDS, strict=True)]
    columns: dict[str, Any] = {"a": a, "k": k, "b": B, "c": COLOURS, "y": LABELS} | changed
    made = [
        Numbers(name, np.asarray(data)) if isinstance(data, np.ndarray) else Words.of(name, data)
        for name, data in columns.items()
    ]
    return Table("the table", made, len(columns["a"]))


def prepared(data: Table, way: str, **options: Any) -> Dataset:
    from minidl.datasets.dataset import prepare

    raw = rows_of(data, "t", Choices(target="y", missing=way), 0.25)
    return prepare(raw, **{"test_size": 0.25, "seed": 3, "standardize": True} | options)


@pytest.mark.parametrize("way", ["mean", "most_frequent"])
@pytest.mark.parametrize("standardize", [True, False])
def test_the_values_are_those_of_a_pipeline_of_scikit_learn(way: str, standardize: bool) -> None:
    data = prepared(table(), way, standardize=standardize)
    y = LabelEncoder().fit_transform(LABELS)
    train, test = split(y, data.class_names, 0.25, 3, "t")
    scaler = [StandardScaler()] if standardize else []
    numbers = make_pipeline(SimpleImputer(strategy=way), *scaler)
    encoder = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    words = make_pipeline(SimpleImputer(strategy="most_frequent"), encoder)
    both = ColumnTransformer([("n", numbers, [0, 2]), ("w", words, [1, 3])])
    rows = np.empty((N, 4), object)
    rows[:, 0], rows[:, 2] = np.where(HOLES["a"], np.nan, A), B
    rows[:, 1] = [np.nan if gone else k for gone, k in zip(HOLES["k"], KINDS, strict=True)]
    rows[:, 3] = COLOURS
    expected = both.fit_transform(rows[train]).astype(float), both.transform(rows[test])
    order = [data.feature_names.index(name) for name in
             ("a", "b", "k_p", "k_q", "k_r", "c_x", "c_y", "c_z")]  # fmt: skip
    assert_allclose(data.X_train[:, order], expected[0], rtol=1e-12, atol=1e-12)
    assert_allclose(data.X_test[:, order], expected[1].astype(float), rtol=1e-12, atol=1e-12)
    assert_array_equal(data.y_train, y[train])
    assert data.class_names == ("one", "three", "two")


@pytest.mark.parametrize("column", ["a", "k", "b"])
def test_nothing_that_is_fitted_depends_on_the_test_rows(column: str) -> None:
    y = LabelEncoder().fit_transform(LABELS)
    _, test = split(y, ("one", "three", "two"), 0.25, 3, "t")
    changed: dict[str, Any] = {"a": A.copy(), "b": B.copy(), "k": [*KINDS]}
    for row in test:
        changed[column][row] = "q" if column == "k" else 1e6
    before, after = (prepared(t, "mean") for t in (table(), table(**{column: changed[column]})))
    if column == "k":  # the gaps of the training rows stay
        kept = ["NA" if HOLES["k"][i] and i not in test else w for i, w in enumerate(changed["k"])]
        after = prepared(table(k=kept), "mean")
    if column == "a":
        kept = np.where(HOLES["a"] & ~np.isin(np.arange(N), test), np.nan, changed["a"])
        after = prepared(table(a=kept), "mean")
    assert before.preparation is not None
    assert after.preparation is not None
    assert before.preparation.features == after.preparation.features
    assert_array_equal(before.x_mean, after.x_mean)
    assert_array_equal(before.x_scale, after.x_scale)
    assert_array_equal(before.X_train, after.X_train)


def test_a_category_that_only_test_rows_have_is_all_zeros() -> None:
    y = LabelEncoder().fit_transform(LABELS)
    _, test = split(y, ("one", "three", "two"), 0.25, 3, "t")
    words = ["new" if i in test else word for i, word in enumerate(COLOURS)]
    data = prepared(table(c=words), "mean")
    assert "c_new" not in data.feature_names
    columns = [j for j, name in enumerate(data.feature_names) if name.startswith("c_")]
    assert_array_equal(data.X_test[:, columns], 0)
    assert_array_equal(data.X_train[:, columns].sum(axis=1), 1)


def whole(data: Dataset) -> Preparation:
    assert data.preparation is not None
    return data.preparation


def test_another_table_is_transformed_by_the_names_of_its_columns() -> None:
    fitted = whole(prepared(table(), "mean"))
    _, test = split(LabelEncoder().fit_transform(LABELS), ("one", "three", "two"), 0.25, 3, "t")
    again = table()
    columns = [Numbers("more", B), *reversed(again.columns[:-1])]  # without the target
    X = fitted.transform(Table("new", columns, N))
    assert_allclose(X[test], prepared(table(), "mean").X_test, rtol=1e-13, atol=1e-13)


def test_unknown_categories_and_missing_values_are_treated_as_in_training() -> None:
    data = prepared(table(), "mean")
    new = [Numbers("a", np.array([np.nan, 7.0])), Words.of("k", ["zebra", ""]),
           Words.of("b", ["1", "True"]), Words.of("c", ["x", "x"])]  # fmt: skip
    new[2] = Words.of("b", ["1.0", "2"])
    X = dict(zip(data.feature_names, whole(data).transform(Table("new", new, 2)).T, strict=True))
    fills = {feature.name: feature.fill for feature in whole(data).features}
    assert X["a"][0] == pytest.approx(0.0, abs=0.2)
    assert [X["k_p"][0], X["k_q"][0], X["k_r"][0]] == [0, 0, 0]
    assert X[f"k_{fills['k']}"][1] == 1


def test_wrong_columns_are_all_named() -> None:
    fitted = whole(prepared(table(holes=False), "error"))
    new = [Numbers("k", np.array([1.0, np.nan])), Words.of("a", ["1", "x"]), Numbers("b", A[:2])]
    with pytest.raises(TableError) as caught:
        fitted.transform(Table("file new.csv", new, 2))
    assert [line.strip() for line in str(caught.value).splitlines()[1:]] == [
        "column 'a': text in 1 of 2 rows of numbers, such as 'x' (row 1)",
        "column 'k': missing in row 1",
        "column 'c': it is absent",
    ]


@pytest.mark.parametrize("way", ["mean", "most_frequent", "drop"])
def test_a_preparation_is_saved_as_plain_arrays(way: str) -> None:
    fitted = whole(prepared(table(), way))
    buffer = io.BytesIO()
    np.savez(buffer, **fitted.to_arrays())  # type: ignore[arg-type]
    with np.load(io.BytesIO(buffer.getvalue()), allow_pickle=False) as file:
        again = Preparation.from_arrays(dict(file))
    assert (again.features, again.names) == (fitted.features, fitted.names)
    assert (again.class_names, again.task, again.target) == (fitted.class_names, "multiclass", "y")
    full = table(holes=way != "drop")
    assert_array_equal(again.transform(full), fitted.transform(full))


def test_rows_with_missing_values_can_be_left_out_before_the_split() -> None:
    labels = ["" if i < 5 else label for i, label in enumerate(LABELS)]
    data = prepared(table(y=labels), "drop")
    kept = int((~(HOLES["a"] | HOLES["k"] | (np.arange(N) < 5))).sum())
    assert len(data.X_train) + len(data.X_test) == kept
    assert f"missing    {N - kept} of {N} rows left out, since a value is missing" in data.summary()


def test_classes_that_only_dropped_rows_have_are_no_classes() -> None:
    labels = ["four" if hole else label for hole, label in zip(HOLES["a"], LABELS, strict=True)]
    assert prepared(table(y=labels), "mean").class_names == ("four", "one", "three", "two")
    data = prepared(table(y=labels), "drop")
    assert data.class_names == ("one", "three", "two")
    assert sorted(set(data.y_train)) == [0, 1, 2]
    two = ["no" if hole else "yes" for hole in HOLES["a"]]
    with pytest.raises(TableError, match="only one class is left without rows that have a missing"):
        prepared(table(y=two), "drop")


def test_targets_that_are_missing_can_only_be_left_out() -> None:
    labels = ["" if i < 5 else label for i, label in enumerate(LABELS)]
    with pytest.raises(TableError, match=r"target 'y': missing in 5 of 200 rows .*missing='drop'"):
        prepared(table(y=labels), "mean")


def test_regression_targets_keep_their_units() -> None:
    data = prepared(table(y=A * 3), "mean")
    assert (whole(data).y_mean, whole(data).y_scale) == (data.y_mean, data.y_scale)
    assert_allclose(np.sort(data.inverse_y(np.r_[data.y_train, data.y_test])), np.sort(A * 3))


def test_a_column_that_is_missing_in_all_training_rows_is_filled_all_the_same(
    tmp_path: Path,
) -> None:
    rows = [[str(k), "", "", str(k % 2)] for k in range(40)]
    rows[7][1], rows[7][2] = "3.5", "u"
    lines = [",".join(row) for row in rows]
    (tmp_path / "a.csv").write_text("\n".join(["a,b,k,y", *lines]))
    for seed in range(6):  # the row with values is a training row or a test row
        data = load(tmp_path / "a.csv", missing="mean", seed=seed, drop=["k"])
        assert np.isfinite(data.X_train).all()
        assert np.isfinite(data.X_test).all()
