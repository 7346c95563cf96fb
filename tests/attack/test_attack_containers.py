"""``fit``, ``evaluate``, ``predict`` and calls read the same objects, and refuse the same."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import scipy.sparse as sp

sys.path.insert(0, str(Path(__file__).parent))
from bad_parts import X, network, trainer, y

from minidl.errors import MinidlError
from minidl.training import sharpness

TABLE = {name: X[:, k] for k, name in enumerate("abc")}
READ: dict[str, Callable[[], Any]] = {
    "array": lambda: X,
    "columns first": lambda: np.asfortranarray(X),
    "object array": lambda: X.astype(object),
    "list of rows": X.tolist,
    "tuple of tuples": lambda: tuple(map(tuple, X.tolist())),
    "list of arrays": lambda: list(X),
    "masked array, nothing masked": lambda: np.ma.masked_array(X),
    "DataFrame": lambda: pd.DataFrame(TABLE),
    "DataFrame of objects": lambda: pd.DataFrame(TABLE).astype(object),
    "polars": lambda: pl.DataFrame(TABLE),
    "Arrow": lambda: pa.table(TABLE),
    "memoryview": lambda: memoryview(X),
}
REFUSED: dict[str, Callable[[], Any]] = {
    "one row": lambda: X[0],
    "one number": lambda: 5,
    "None": lambda: None,
    "text": lambda: "moons",
    "bytes": lambda: b"abc",
    "texts": lambda: X.astype(str),
    "lists of texts": lambda: X.astype(str).tolist(),
    "ragged rows": lambda: [[1, 2, 3], [4, 5]],
    "NaN": lambda: np.where(X > 1, np.nan, X),
    "infinity": lambda: np.where(X > 1, np.inf, X),
    "a missing value": lambda: np.where(X > 1, None, X),
    "masked values": lambda: np.ma.masked_greater(X, 1),
    "complex": lambda: X * 1j,
    "dates": lambda: X.astype("datetime64[s]"),
    "another width": lambda: X[:, :2],
    "another table": lambda: pd.DataFrame({"a": ["x"] * 20, "b": 1, "c": 2}),
    "categories": lambda: pd.DataFrame({"a": pd.Categorical(["x"] * 20), "b": 1, "c": 2}),
    "sparse matrix": lambda: sp.csr_matrix(X),
    "sparse array": lambda: sp.coo_array(X),
    "dictionary": lambda: dict(TABLE),
    "set": lambda: {1, 2, 3},
    "iterator": lambda: iter(X),
    "generator": lambda: (row for row in X),
    "lazy frame": lambda: pl.DataFrame(TABLE).lazy(),
    "too large an integer": lambda: [[10**30] * 3] * 20,
    "object": object,
}
CALLS: dict[str, Callable[[Any], Any]] = {
    "fit": lambda rows: trainer().fit(rows, y, epochs=1),
    "validation": lambda rows: trainer().fit(X, y, epochs=1, validation=(rows, y)),
    "evaluate": lambda rows: trainer().evaluate(rows, y),
    "predict": lambda rows: network().predict(rows),
    "sharpness": lambda rows: sharpness(network(), "mse", rows, y, tolerance=0.1),
}


@pytest.mark.parametrize("name", READ)
def test_what_is_read_is_read_by_all(name: str) -> None:
    rows = READ[name]
    np.testing.assert_array_equal(network().predict(rows()), network().predict(X))
    assert trainer().evaluate(rows(), y) == trainer().evaluate(X, y)
    first, second = trainer(), trainer()
    first.fit(rows(), y, epochs=2)
    second.fit(X, y, epochs=2, validation=(rows(), y))
    np.testing.assert_array_equal(first.model.predict(X), second.model.predict(X))


@pytest.mark.parametrize("name", REFUSED)
@pytest.mark.parametrize("call", CALLS)
def test_what_is_refused_is_refused_by_all(name: str, call: str) -> None:
    with pytest.raises(MinidlError) as caught:
        CALLS[call](REFUSED[name]())
    assert len(str(caught.value)) < 400
    if "sparse" in name:
        assert ".toarray()" in str(caught.value)


@pytest.mark.parametrize(
    "name", [n for n in REFUSED if n not in ("one row", "one number", "another width")]
)
def test_fit_and_predict_give_the_same_reason(name: str) -> None:
    reasons = []
    for call in ("fit", "evaluate", "predict"):
        with pytest.raises(MinidlError) as caught:
            CALLS[call](REFUSED[name]())
        text = str(caught.value).removeprefix("the training inputs are not a table of numbers: ")
        text = text.removeprefix("the evaluation inputs are not a table of numbers: ")
        reasons.append(
            text.replace("a training input", "an input").replace("an evaluation input", "an input")
        )
    assert reasons[0] == reasons[1] == reasons[2]
