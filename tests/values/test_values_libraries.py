"""pandas, polars and Arrow themselves: the same numbers, and the same errors, as in an array."""

from __future__ import annotations

import datetime
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from stand_ins import X, Y, fit

from minidl import Tensor, nn
from minidl.errors import DataError

pd = pytest.importorskip("pandas")
pl = pytest.importorskip("polars")
pa = pytest.importorskip("pyarrow")

INTEGERS = X.astype(int)
DAY = datetime.date(2020, 1, 1)
SAME: dict[str, Any] = {
    "pandas": lambda: pd.DataFrame(X, columns=["a", "a"]),
    "pandas nullable": lambda: pd.DataFrame(INTEGERS, columns=["a", "b"], dtype="Int64"),
    "pandas of several dtypes": lambda: pd.DataFrame(
        {"a": pd.array(INTEGERS[:, 0], "Int64"), "b": pd.array(X[:, 1], "Float32")}
    ),
    "pandas of objects": lambda: pd.DataFrame(X).astype(object),
    "pandas of categories": lambda: pd.DataFrame(X).astype("category"),
    "pandas with Arrow": lambda: pd.DataFrame(INTEGERS, dtype="int64[pyarrow]"),
    "pandas sparse": lambda: pd.DataFrame(X).astype(pd.SparseDtype(float, 0.0)),
    "polars": lambda: pl.DataFrame({"a": INTEGERS[:, 0], "b": X[:, 1]}),
    "polars decimals": lambda: pl.DataFrame(X, ["a", "b"]).cast(pl.Decimal(10, 2)),
    "Arrow": lambda: pa.table({"a": INTEGERS[:, 0], "b": X[:, 1]}),
    "Arrow batch": lambda: pa.record_batch({"a": INTEGERS[:, 0], "b": X[:, 1]}),
    "Arrow dictionary": lambda: pa.table(
        {"a": pa.array(INTEGERS[:, 0]).dictionary_encode(), "b": X[:, 1]}
    ),
    "list of Series": lambda: [pd.Series(X[0]), pl.Series(X[1]), pa.array(X[2]), X[3]],
    "list of scalars": lambda: [list(pa.array(row)) for row in X],
}


@pytest.mark.parametrize("kind", SAME)
def test_the_same_numbers_give_the_same_result(kind: str) -> None:
    inputs, model = SAME[kind](), nn.mlp(2, 1, seed=0)
    for call in (fit, model.predict, lambda rows: model(rows).data, lambda rows: Tensor(rows).data):
        assert_array_equal(call(inputs), call(X))


def column(values: list[Any]) -> dict[str, list[Any]]:
    return {"a": values, "b": X[:, 1].tolist()}


REFUSED: dict[str, tuple[Any, str]] = {
    "pandas None": (lambda: pd.DataFrame(column([1.0, None, 2.0, 3.0])), "row 1, column 'a'"),
    "pandas NA": (lambda: pd.DataFrame(column([1, pd.NA, 2, 3])), "row 1, column 'a'"),
    "pandas Int64": (
        lambda: pd.DataFrame(column([1, None, 2, 3])).astype("Int64"), "null in row 1, column 'a'",
    ),
    "pandas Float64": (
        lambda: pd.DataFrame(column([1, None, 2, 3])).astype("Float64"), "null in row 1",
    ),
    "pandas boolean": (
        lambda: pd.DataFrame(column([True, None, False, True])).astype({"a": "boolean"}),
        "null in row 1, column 'a'",
    ),
    "pandas Arrow": (
        lambda: pd.DataFrame({"a": pd.array([1, None, 2, 3], "int64[pyarrow]")}), "null in row 1",
    ),
    "pandas categories": (
        lambda: pd.DataFrame({"a": pd.Categorical([1, None, 2, 1])}), "null in row 1, column 'a'",
    ),
    "pandas NaT": (lambda: pd.DataFrame(column([pd.NaT] * 4)), "NaT.* in row 0, column 'a'"),
    "pandas text": (lambda: pd.DataFrame(column(["1", "NA", "2", "3"])), "'NA' in row 1"),
    "polars null": (lambda: pl.DataFrame(column([1.0, None, 2.0, 3.0])), "null in row 1, column"),
    "polars integers": (lambda: pl.DataFrame(column([1, None, 2, 3])), "null in row 1, column 'a'"),
    "polars bool": (lambda: pl.DataFrame(column([True, None, False, True])), "null in row 1"),
    "polars text": (lambda: pl.DataFrame(column(["x", None, "y", "z"])), "null in row 1"),
    "polars date": (lambda: pl.DataFrame(column([DAY, None, DAY, DAY])), "null in row 1"),
    "Arrow null": (lambda: pa.table(column([1.0, None, 2.0, 3.0])), "null in row 1, column 'a'"),
    "Arrow integers": (lambda: pa.table(column([1, None, 2, 3])), "null in row 1, column 'a'"),
    "Arrow scalars": (lambda: list(map(list, [pa.array([1, None])] * 4)), "None in row 0"),
    "list of polars": (lambda: [pl.Series([1, None])] * 4, "null in row 0, column 1"),
    "dates of pandas": (lambda: pd.DataFrame(column([pd.Timestamp(DAY)] * 4)), "Count from a day"),
    "dates of polars": (lambda: pl.DataFrame(column([DAY] * 4)), "Count from a day"),
    "dates of Arrow": (lambda: pa.table(column([DAY] * 4)), "Count from a day"),
    "durations": (
        lambda: pl.DataFrame(column([datetime.timedelta(1)] * 4)), "Divide by a unit",
    ),
    "text of pandas": (lambda: pd.DataFrame(column(["1", "2", "3", "4"])), "'1' in row 0"),
    "text of polars": (lambda: pl.DataFrame(column(["1", "2", "3", "4"])), "'1' in row 0"),
    "categories": (
        lambda: pl.DataFrame(column(list("abab"))).cast({"a": pl.Categorical}), "'a' in row 0",
    ),
    "lazy": (lambda: pl.DataFrame(X).lazy(), r"Use \.collect\(\)"),
    "lists": (lambda: pl.DataFrame(column([[1.0], [2.0], [3.0], [4.0]])), "column 'a'"),
    "complex": (lambda: pd.DataFrame(column([1j, 1, 2, 3])), r"Use \.real"),
    "identifiers": (lambda: pl.DataFrame(column([2**53 + 1] * 4)), "would be rounded"),
}  # fmt: skip


@pytest.mark.parametrize("kind", REFUSED)
def test_what_is_missing_or_no_number_is_refused(kind: str) -> None:
    make, words = REFUSED[kind]
    with pytest.raises(DataError, match=words):
        fit(make())
    with pytest.raises((DataError, TypeError), match=words):
        nn.mlp(2, 1, seed=0).predict(make())


@pytest.mark.parametrize("library", ["pandas", "polars", "Arrow"])
def test_targets_are_read_by_the_same_rules(library: str) -> None:
    series = {"pandas": pd.Series, "polars": pl.Series, "Arrow": pa.array}[library]
    assert_array_equal(fit(X, series(Y)), fit(X, Y))
    assert_array_equal(fit(X, series([False, True, False, True])), fit(X, Y))
    for values in ([0, None, 0, 1], [0.0, None, 0.0, 1.0], ["a", None, "a", "b"]):
        with pytest.raises(DataError, match=r"a training target is (missing|not a finite number)"):
            fit(X, series(values))
    with pytest.raises(DataError, match=r"'a' in row 0.*np\.unique"):
        fit(X, series(["a", "b", "a", "b"]))


def test_an_index_in_another_order_is_an_error() -> None:
    frame, target = pd.DataFrame(X, columns=["a", "b"]), pd.Series(Y)
    shuffled = frame.sample(frac=1, random_state=1)
    with pytest.raises(DataError, match=r"same index in another order.*y\.loc\[X\.index\]"):
        fit(shuffled, target)
    assert_array_equal(fit(shuffled, target.loc[shuffled.index]), fit(shuffled, Y[shuffled.index]))
    assert_array_equal(fit(frame.set_index(["a", "b"]).reset_index(), target), fit(X, Y))
    assert np.isfinite(fit(frame.set_index(pd.Index([7, 8, 9, 9])), target)).all()
