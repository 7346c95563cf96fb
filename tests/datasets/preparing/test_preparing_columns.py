"""Which columns are used, which are left out by default, and how the target is understood."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from minidl.datasets import Dataset, load
from minidl.errors import TableError


@pytest.fixture
def read(tmp_path: Path) -> Any:
    """Write columns as a file, and load it unsplit and unscaled."""

    def write(columns: dict[str, Any], **arguments: Any) -> Dataset:
        lines = [
            ",".join(columns),
            *(",".join(map(str, row)) for row in zip(*columns.values(), strict=True)),
        ]
        (tmp_path / "a.csv").write_text("\n".join(lines), encoding="utf-8")
        return load(tmp_path / "a.csv", **{"test_size": 0, "standardize": False} | arguments)

    return write


N = 20
PLAIN = {
    "a": [k * 0.5 for k in range(N)],
    "b": [k % 3 for k in range(N)],
    "y": [k % 2 for k in range(N)],
}


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        ({}, ("a", "b")),
        ({"features": ["b"]}, ("b",)),
        ({"features": ["b", "a"]}, ("a", "b")),
        ({"features": [1]}, ("b",)),
        ({"drop": ["a"]}, ("b",)),
        ({"drop": [0]}, ("b",)),
        ({"features": ["a", "b"], "drop": ["b"]}, ("a",)),
    ],
)
def test_features_and_drop_choose_the_columns(
    arguments: dict[str, Any], names: tuple[str, ...], read: Any
) -> None:
    assert read(PLAIN, **arguments).feature_names == names


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"features": ["a", "c"]}, "features: no column is called 'c'; there are 'a', 'b', 'y'"),
        ({"drop": ["B"]}, "drop: no column is called 'B'.* Did you mean 'b'?"),
        ({"drop": ["a", "b"]}, "columns: none is left as a feature"),
        ({"drop": ["y"]}, "column 'y': it is the target, and cannot be in drop"),
        ({"features": ["y"]}, "column 'y': it is the target, and cannot be in features"),
    ],
)
def test_columns_that_cannot_be_chosen_are_named(
    arguments: dict[str, Any], words: str, read: Any
) -> None:
    with pytest.raises(TableError, match=words.replace("?", r"\?")):
        read(PLAIN, **arguments)


@pytest.mark.parametrize(
    ("name", "values", "reason"),
    [
        ("id", range(7, 7 + N), "it numbers the rows"),
        ("PassengerId", np.random.default_rng(0).permutation(N), "it numbers the rows"),
        ("sample_id", [f"s{k}" for k in range(N)], "it is another text in each row"),
        ("", range(N), "it numbers the rows"),
        ("", range(100, 100 + 3 * N, 3), "it numbers the rows"),
        ("", [f"car {k}" for k in range(N)], "it is another text in each row"),
        ("row", range(1, N + 1), "it numbers the rows"),
        ("n", range(N), "it counts the rows"),
        ("n", range(1, N + 1), "it counts the rows"),
        ("empty", [""] * N, "it has no values"),
    ],
)
def test_a_column_that_only_numbers_the_rows_is_left_out_and_named(
    name: str, values: Any, reason: str, read: Any
) -> None:
    data = read({name: values, **PLAIN})
    shown = name or "x0"
    assert data.feature_names == ("a", "b")
    assert f"left out   {shown!r}: {reason}" in data.summary()
    if reason.startswith("it number"):
        assert read({name: values, **PLAIN}, features=[shown, "a"]).feature_names == (shown, "a")


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("id", [k // 2 for k in range(N)]),  # not unique: the id of a group
        ("id", [k + 0.5 for k in range(N)]),
        ("year", range(1990, 1990 + N)),
        ("n", [*range(N - 1), N]),
        ("grid", range(5, 5 + N)),
        ("valid", range(5, 5 + N)),
    ],
)
def test_other_numbers_are_features(name: str, values: Any, read: Any) -> None:
    assert read({name: values, **PLAIN}).feature_names == (name, "a", "b")


def test_a_count_in_another_column_than_the_first_is_a_feature(read: Any) -> None:
    assert read({"a": PLAIN["a"], "n": range(N), "y": PLAIN["y"]}).feature_names == ("a", "n")


def test_a_single_column_that_counts_is_kept(read: Any) -> None:
    assert read({"x": range(N), "y": [k * 0.3 for k in range(N)]}).feature_names == ("x",)


@pytest.mark.parametrize(
    ("target", "found"),
    [(2, "'2' (by its name)"), (0, "'5' (column 0)"), (-1, "'y' (column 2)"), ("2", "'2'")],
)
def test_a_number_is_the_name_of_a_column_if_there_is_one(
    target: Any, found: str, read: Any
) -> None:
    columns = {
        "5": [k * 0.5 for k in range(N)],
        "2": [k % 3 + 0.5 for k in range(N)],
        "y": PLAIN["y"],
    }
    data = read(columns, target=target, header=True)
    assert f"target     {found}: " in data.summary()


@pytest.mark.parametrize(
    ("values", "task", "words"),
    [
        (
            [k % 3 for k in range(N)],
            "multiclass",
            "3 different whole numbers in 20 rows, so classes",
        ),
        (
            [k % 5 for k in range(N)],
            "regression",
            "5 different whole numbers in 20 rows, so a regr",
        ),
        (range(60323, 60323 + N), "regression", "20 different whole numbers in 20 rows, so a regr"),
        ([0.5] * 10 + [1.5] * 10, "regression", "numbers, so a regression"),
        (["u", "v"] * 10, "binary", "2 different texts in 20 rows, so classes"),
        (["True", "False"] * 10, "binary", "2 different texts in 20 rows, so classes"),
    ],
)
def test_the_summary_says_why_the_target_is_classes_or_not(
    values: Any, task: str, words: str, read: Any
) -> None:
    data = read({"a": PLAIN["a"], "y": values})
    assert data.task == task
    line = next(line for line in data.summary().splitlines() if line.startswith("target"))
    assert words in line
    if "text" not in words:
        other = "classification" if task == "regression" else "regression"
        assert line.endswith(f"; task={other!r} changes it")
        typed = data.summary(typed=True)
        assert f"; --task {other} changes it" in typed


def test_the_task_that_was_asked_for_is_said(read: Any) -> None:
    data = read(PLAIN, task="regression")
    assert "target     'y' (by its name): as asked for, so a regression" in data.summary()
    truth = read({"a": PLAIN["a"], "y": ["True", "False"] * 10}, task="regression")
    assert sorted(set(truth.y_train)) == [0, 1]


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ([f"{k:c}" for k in range(97, 97 + N)], "text with 20 different values in 20 rows"),
        ([f"t{k % 11}" for k in range(N)], "text with 11 different values in 20 rows"),
        (["Jan 3, 2020", "Feb 4, 2021"] * 10, "dates or times in 20 of 20 rows"),
        (["3 March 2020"] * N, "dates or times"),
        (["2020-01"] * N, "dates or times"),
        (["12:30", "1:15 pm"] * 10, "dates or times"),
        (["2020-01-01T00:00:00Z"] * N, "dates or times"),
        ([1.5] * 19 + ["?!"], "text in 1 of 20 rows of numbers, such as '\\?!' \\(line 21\\)"),
        ([0, 1] * 9 + ["x", 1], "text in 1 of 20 rows of numbers"),
    ],
)
def test_text_that_is_no_category_is_named_for_what_it_is(
    values: list[Any], words: str, read: Any
) -> None:
    cells = [f'"{value}"' for value in values]
    with pytest.raises(TableError, match=rf"column 'k': {words}"):
        read({"a": PLAIN["a"], "k": cells, "y": PLAIN["y"]})


@pytest.mark.parametrize(
    ("values", "categories"),
    [
        (["a", "b"] * 10, ["a", "b"]),
        ([f"t{k % 10}" for k in range(N)], [f"t{k}" for k in range(10)]),
        (["1", "2", "3+", "A"] * 5, ["1", "2", "3+", "A"]),
        ([" a", "a ", "b", "b"] * 5, ["a", "b"]),
    ],
)
def test_text_with_few_values_is_one_hot(
    values: list[str], categories: list[str], read: Any
) -> None:
    data = read({"k": values, "y": PLAIN["y"]})
    assert data.feature_names == tuple(f"k_{name}" for name in categories)
    assert sorted(set(data.X_train.ravel())) == [0, 1]
    assert np.all(data.X_train.sum(axis=1) == 1)
    assert f"one-hot    'k' ({len(categories)})" in data.summary()
