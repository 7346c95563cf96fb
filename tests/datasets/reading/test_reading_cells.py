"""Columns that are read cell by cell: numbers as long as they are, and words from the start."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from minidl.datasets import load
from minidl.datasets.reading import Numbers, Spelling, Words, cells, content_of, read_text
from minidl.errors import TableError

N = 50


def write(folder: Path, **columns: Any) -> Path:
    rows = [columns, *zip(*columns.values(), strict=True)]
    text = "\n".join(",".join(map(str, row)) for row in rows)
    (folder / "a.csv").write_text(text, encoding="utf-8")
    return folder / "a.csv"


@pytest.mark.parametrize("late", [3, 8, 9, 30, N - 1])
@pytest.mark.parametrize(
    ("cell", "words"),
    [
        ("NA", r"missing \('NA'\) in 1 of 50 rows \(line {}\)"),
        ("", r"missing in 1 of 50 rows \(line {}\)"),
        ("tall", r"text in 1 of 50 rows of numbers, such as 'tall' \(line {}\)"),
        ("inf", r"infinite in 1 of 50 rows \(line {}\)"),
        ("9007199254740993", "the integer 9007199254740993 would be rounded"),
    ],
)
def test_a_cell_that_is_no_number_is_named_wherever_it_is(
    late: int, cell: str, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cells, "CHUNK", 8)
    a: list[Any] = [k / 4 for k in range(N)]
    a[late] = cell
    path = write(tmp_path, k=["u", "v"] * 25, a=a, y=[k % 2 for k in range(N)])
    with pytest.raises(TableError, match=f"column 'a': {words.format(late + 2)}"):
        load(path)


def test_a_column_whose_text_comes_late_keeps_all_its_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cells, "CHUNK", 8)
    codes = ["1", "2", "03"] * 8 + ["x ", " y"] * 13
    path = write(tmp_path, k=["u", "v"] * 25, a=codes, b=range(7, 7 + N), y=[0, 1] * 25)
    read = read_text(content_of(path), Spelling())
    kinds = [type(column) for column in read.columns]
    assert kinds == [Words, Words, Numbers, Numbers]
    column = read.columns[1]
    assert isinstance(column, Words)
    assert [column.words[code] for code in column.codes] == [code.strip() for code in codes]
    assert read.lines is not None
    assert read.lines.tolist() == list(range(2, N + 2))


def test_empty_cells_among_numbers_are_missing(tmp_path: Path) -> None:
    path = write(tmp_path, k=["u", "v"], a=["", "2.5"], y=[0, 1])
    column = read_text(content_of(path), Spelling()).columns[1]
    assert isinstance(column, Numbers)
    assert_array_equal(column.values, [np.nan, 2.5])


@pytest.mark.parametrize("columns", [{"a": ["1", "02"]}, {"a": ["1", "02"], "k": ["u", "v"]}])
def test_columns_that_must_be_text_are_words_also_if_they_are_numbers(
    columns: dict[str, list[str]], tmp_path: Path
) -> None:
    path = write(tmp_path, **columns, y=["1.5", "2.5"])
    read = read_text(content_of(path), Spelling(text=frozenset("a")))
    column = read.columns[0]
    assert isinstance(column, Words)
    assert column.words == ("1", "02")
    assert isinstance(read.columns[-1], Numbers)
