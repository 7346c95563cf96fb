"""Arrays and DataFrames as data sets: the same content gives the same data as a file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from numpy.testing import assert_array_equal

from minidl import compare
from minidl.datasets import Dataset, load
from minidl.errors import ArgumentError, DataError, MinidlError, TableError

N = 48
GENERATOR = np.random.default_rng(0)
X = GENERATOR.normal(size=(N, 2))
K = GENERATOR.choice(["p", "q"], N)
Y = np.where(X[:, 0] > 0, "up", "down")
FRAME = pd.DataFrame({"a": X[:, 0], "b": X[:, 1], "k": K, "y": Y})


def same(one: Dataset, other: Dataset) -> None:
    assert one.feature_names == other.feature_names
    assert one.class_names == other.class_names
    for name in ("X_train", "y_train", "X_test", "y_test"):
        assert_array_equal(getattr(one, name), getattr(other, name))


@pytest.mark.parametrize("make", [lambda f: f, pl.from_pandas, pa.Table.from_pandas])
def test_a_table_in_memory_is_read_like_its_file(make: Any, tmp_path: Path) -> None:
    FRAME.to_csv(tmp_path / "a.csv", index=False)
    same(load(make(FRAME), target="y"), load(tmp_path / "a.csv", target="y"))


def test_the_types_of_pandas_are_understood() -> None:
    frame = FRAME.assign(
        id=range(N), t=X[:, 0] > 0, c=pd.Categorical(K), n=pd.array(range(N), dtype="Int64"),
        s=pd.array(K, dtype="string"), when=pd.date_range("2020", periods=N),
    )  # fmt: skip
    frame.loc[3, "n"] = pd.NA
    with pytest.raises(TableError) as caught:
        load(frame, target="y")
    assert "column 'when': dates or times in 48 of 48 rows, such as '2020-01-01" in str(
        caught.value
    )
    assert "column 'n': missing in 1 of 48 rows (row 3)." in str(caught.value)
    data = load(frame, target="y", drop=["when"], missing="mean")
    assert data.feature_names == ("a", "b", "k_p", "k_q", "t", "c_p", "c_q", "n", "s_p", "s_q")
    assert data.name == "table"
    assert "left out   'id': it numbers the rows" in data.summary()


def test_a_table_has_no_form_and_no_generated_rows() -> None:
    for argument, value in (("separator", ";"), ("header", False)):
        with pytest.raises(ArgumentError, match=rf"^{argument} applies to text files only"):
            load(FRAME, target="y", **{argument: value})
    with pytest.raises(ArgumentError, match=r"^n applies to generated data sets only, got 5 with"):
        load(FRAME, target="y", n=5)
    twice = pd.DataFrame(np.ones((3, 2)), columns=["a", "a"])
    with pytest.raises(DataError, match=r"the table has two columns that are called 'a'"):
        load(twice, target="a")


@pytest.mark.parametrize("kind", [np.asarray, np.ndarray.tolist, pd.DataFrame, np.asfortranarray])
def test_arrays_lists_and_frames_are_the_same_data(kind: Any) -> None:
    data = Dataset.from_arrays(kind(X), Y, feature_names=None, seed=4)
    named = pd.DataFrame(X, columns=list(data.feature_names)).assign(y=Y)
    same(data, load(named, target="y", seed=4))
    assert data.name == "arrays"
    assert data.X_train.flags.c_contiguous


def test_names_and_ways_are_taken() -> None:
    cells = np.array([*X.T, K], object).T
    cells[5, 0] = None
    data = Dataset.from_arrays(
        cells, Y, name="mine", feature_names=["a", "b", "k"], missing="most_frequent",
        test_size=0.5, standardize=False, task="binary",
    )  # fmt: skip
    assert (data.name, data.feature_names) == ("mine", ("a", "b", "k_p", "k_q"))
    assert len(data.X_train) == len(data.X_test)
    assert np.isfinite(data.X_train).all()
    assert data.X_train[:, 1].mean() != pytest.approx(0)


def test_the_given_arrays_are_not_changed() -> None:
    before = X.copy()
    data = Dataset.from_arrays(X, X[:, 1])
    data.X_train[...] = 0
    assert_array_equal(X, before)


@pytest.mark.parametrize(
    ("inputs", "targets", "words"),
    [
        (X, Y[:-1], "X and y differ in length: got 48 rows of X, 47 of y"),
        (X[:, 0], Y, r"X must be \(n, d\), with d >= 1: got shape \(48,\). One feature is X.resha"),
        (X, X, r"y must be \(n,\), such as y.ravel\(\): got \(48, 2\)"),
        (X[:0], Y[:0], "arrays has no rows"),
        (np.where(X > 2, np.nan, X), Y, r"column 'x1': missing in 1 of 48 rows \(row \d+\)"),
        (np.where(X > 2, np.inf, X), Y, r"column 'x1': infinite in 1 of 48 rows"),
        (X, np.where(X[:, 1] > 2, np.nan, X[:, 1]), r"target 'y': missing in 1 of 48 rows"),
        (X * 1j, Y, "complex"),
        ([*X.tolist()[:-1], [1.0]], Y, "row 0 has 2 entries and row 47 has 1"),
    ],
)
def test_wrong_arrays_are_errors_without_the_arrays(inputs: Any, targets: Any, words: str) -> None:
    assert (X > 2).sum() == 1
    with pytest.raises(MinidlError, match=words) as caught:
        Dataset.from_arrays(inputs, targets)
    assert len(str(caught.value)) < 300


def test_a_pair_of_arrays_is_compared_like_its_data_sets() -> None:
    how: dict[str, Any] = {"optimizers": ["momentum", "nag"], "lr": [0.1, 0.3], "epochs": 6}
    how |= {"seeds": 3, "tuning_seeds": 2}
    pair = compare((X, Y), **how)
    each = compare(lambda seed: Dataset.from_arrays(X, Y, seed=seed), **how)
    assert str(pair) == str(each)
    assert pair.plan.problem == "arrays"


@pytest.mark.parametrize("wrong", [X, [X, Y], (X, Y, Y), FRAME, {"X": X}])
def test_what_cannot_be_compared_is_named_in_short(wrong: Any) -> None:
    with pytest.raises(ArgumentError, match=r"must be a name.*\(X, y\)|must be a name") as caught:
        compare(wrong, optimizers=["nag"], lr=0.1, epochs=3, seeds=2, tuning_seeds=1)
    assert len(str(caught.value)) < 300
