"""Text files as spreadsheets, R, pandas and NumPy write them: the values, or what they are."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from minidl.datasets import Dataset, load
from minidl.errors import ArgumentError, DataError, TableError

PLAIN = "a,b,y\n1.5,3,no\n2.5,4,yes\n3.5,3,no way\n"
NUMERIC = "a,b,y\n1.5,3,0\n2.5,4,1\n3.5,3,0\n"
Write = Callable[..., Dataset]


@pytest.fixture
def read(tmp_path: Path) -> Write:
    """Write a file and load it, unsplit and unscaled."""

    def write(content: str | bytes, name: str = "rows.csv", **arguments: Any) -> Dataset:
        data = content.encode() if isinstance(content, str) else content
        (tmp_path / name).write_bytes(data)
        return load(tmp_path / name, **{"test_size": 0, "standardize": False} | arguments)

    return write


def rows(data: Dataset) -> list[Any]:
    """Return the rows with their targets, sorted."""
    labels = [data.class_names[int(k)] for k in data.y_train] if data.class_names else data.y_train
    return sorted((*x, t) for x, t in zip(data.X_train.tolist(), labels, strict=True))


def zipped(*names: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in names:
            archive.writestr(name, PLAIN)
    return buffer.getvalue()


SAME = {
    "tabs": PLAIN.replace(",", "\t"),
    "semicolons": PLAIN.replace(",", ";"),
    "pipes": PLAIN.replace(",", "|"),
    "spaces": PLAIN.replace("no way", '"no way"').replace(",", " "),
    "runs of spaces": PLAIN.replace("no way", '"no way"').replace(",", "   "),
    "spaces and tabs": " " + PLAIN.replace("no way", '"no way"').replace(",", " \t "),
    "spaces after commas": PLAIN.replace(",", ", "),
    "windows": PLAIN.replace("\n", "\r\n"),
    "old mac": PLAIN.replace("\n", "\r"),
    "mark": b"\xef\xbb\xbf" + PLAIN.encode(),
    "UTF-16": PLAIN.encode("utf-16"),
    "UTF-16 without a mark": PLAIN.encode("utf-16-be"),
    "sep": "sep=;\n" + PLAIN.replace(",", ";"),
    "separators at the end": PLAIN.replace("\n", ",\n"),
    "separators at the end of rows": "a,b,y\n" + PLAIN.partition("\n")[2].replace("\n", ",\n"),
    "empty rows": PLAIN.replace("\n", "\n,,\n\n"),
    "empty columns": PLAIN.replace("\n", ",,\n"),
    "comments before": "# made by hand\n# in 2020, by me\n" + PLAIN,
    "comments between": PLAIN.replace("2.5", "# a half\n2.5"),
    "a title": "My report\n\n" + PLAIN,
    "R": '"a" "b" "y"\n"1" 1.5 3 "no"\n"2" 2.5 4 "yes"\n"3" 3.5 3 "no way"\n',
    "R's csv": '"","a","b","y"\n"1",1.5,3,"no"\n"2",2.5,4,"yes"\n"3",3.5,3,"no way"\n',
    "R's csv2": '"";"a";"b";"y"\n"1";1,5;3;"no"\n"2";2,5;4;"yes"\n"3";3,5;3;"no way"\n',
    "pandas": ",a,b,y\n0,1.5,3,no\n1,2.5,4,yes\n2,3.5,3,no way\n",
    "gzip": gzip.compress(PLAIN.encode()),
    "bzip2": bz2.compress(PLAIN.encode()),
    "xz": lzma.compress(PLAIN.encode()),
    "zip": zipped("rows.csv", "__MACOSX/rows.csv"),
    "single quotes": PLAIN.replace("a,b,y", "'a','b','y'"),
}


@pytest.mark.parametrize("case", SAME)
@pytest.mark.parametrize("name", ["rows.csv", "rows.txt", "rows.data", "rows.csv.gz", "rows"])
def test_a_table_is_read_alike_however_it_is_written_and_called(
    case: str, name: str, read: Write
) -> None:
    decimal = "," if case == "R's csv2" else None
    data = read(SAME[case], name, decimal=decimal)
    assert data.feature_names == ("a", "b")
    assert rows(data) == [(1.5, 3, "no"), (2.5, 4, "yes"), (3.5, 3, "no way")]


@pytest.mark.parametrize(
    "text",
    [NUMERIC, NUMERIC.replace(",", " "), "# " + NUMERIC.replace(",", " "),
     NUMERIC.replace("1.5", "15e-1"), "title\n" + NUMERIC, NUMERIC.replace("\n", "\r\n"),
     "\n\n" + NUMERIC + "\n"],
)  # fmt: skip
def test_plain_numbers_are_read_alike_however_they_are_written(text: str, read: Write) -> None:
    assert rows(read(text)) == [(1.5, 3, "0"), (2.5, 4, "1"), (3.5, 3, "0")]


@pytest.mark.parametrize(
    ("case", "note"),
    [
        ("UTF-16", "encoding   UTF-16"),
        ("sep", "separator  ';', as line 1 says"),
        ("comments before", "left out   2 comment lines before the header"),
        ("comments between", "left out   1 comment line"),
        ("a title", "left out   line 1, which has fewer cells than the others"),
        ("R", "left out   'row names': it numbers the rows; to keep it, name it in features="),
        ("pandas", "left out   'x0': it numbers the rows; to keep it, name it in features="),
    ],
)
def test_what_is_left_out_or_found_out_is_in_the_summary(case: str, note: str, read: Write) -> None:
    assert note in read(SAME[case]).summary().splitlines()


def test_titles_above_a_table_are_one_note(read: Write) -> None:
    data = read("Unemployment\n\nin per cent\nsource,survey\na,b,c,y\n1.5,3,1,no\n2.5,4,2,yes\n")
    lines = "left out   lines 1, 3, 4, which have fewer cells than the others"
    assert [line for line in data.summary().splitlines() if "left out" in line] == [lines]


@pytest.mark.parametrize("comments", [0, 1, 3])
@pytest.mark.parametrize("titles", [1, 2])
def test_titles_are_counted_from_the_comments_on(comments: int, titles: int, read: Write) -> None:
    text = "# by hand\n" * comments + "Title\n" * titles + "a,b,c,y\n1.5,3,1,no\n2.5,4,2,yes\n"
    lines = [str(comments + 1 + k) for k in range(titles)]
    name, have = ("line", "has") if titles == 1 else ("lines", "have")
    left_out = f"left out   {name} {', '.join(lines)}, which {have} fewer cells than the others"
    assert left_out in read(text).summary().splitlines()


def test_text_of_windows_is_read_and_named(read: Write) -> None:
    data = read("größe,y\n1.5,Müll – 1 €\n2.5,no\n".encode("cp1252"))
    assert (data.feature_names, data.class_names) == (("größe",), ("Müll – 1 €", "no"))
    assert "encoding   Windows-1252, since it is not UTF-8" in data.summary()


def test_the_comment_of_savetxt_names_the_columns(read: Write) -> None:
    data = read("# a b y\n1.5 3 0\n2.5 4 1\n")
    assert data.feature_names == ("a", "b")
    assert "names      from the comment in line 1" in data.summary()


def test_a_column_may_be_called_by_a_hash(read: Write) -> None:
    data = read("#,Name,y\n1,x,no\n2,z,yes\n3,x,yes\n4,z,no\n")
    assert data.feature_names == ("Name_x", "Name_z")
    assert "left out   '#': it numbers the rows" in data.summary()


def test_names_that_are_twice_or_absent_are_made(read: Write) -> None:
    data = read("a,a,,y\n1.5,3,1,no\n2.5,4,2,yes\n4,4,2,yes\n")
    assert data.feature_names == ("a", "a.1", "x2")
    assert "renamed    'a.1', since the file has these names twice" in data.summary()


@pytest.mark.parametrize(
    ("cells", "decimal", "values", "note"),
    [
        (["True", "FALSE"], None, [1, 0], "false is 0 and true is 1"),
        (["12%", "3.5 %"], None, [12, 3.5], "read without percent signs"),
        (["$1,200.50", "-$3"], None, [1200.5, -3], "read without currency signs and separators"),
        (["1,234,567", "1"], None, [1234567, 1], "read without separators of thousands"),
        (["1 234.5", "2"], None, [1234.5, 2], "read without separators of thousands"),
        (["1'234'567", "2"], None, [1234567, 2], "read without separators of thousands"),
        (["1,5", "2"], ",", [1.5, 2], ""),
        (["1.234,5", "2,25"], ",", [1234.5, 2.25], "read without separators of thousands"),
        (["1.234.567", "2"], ",", [1234567, 2], "read without separators of thousands"),
        (["2,50 €", "1.000 €"], ",", [2.5, 1000], "read without currency signs and separators"),
    ],
)
def test_numbers_of_people_are_read_and_named(
    cells: list[str], decimal: str | None, values: list[float], note: str, read: Write
) -> None:
    data = read(f'a;y\n"{cells[0]}";no\n"{cells[1]}";yes\n', decimal=decimal)
    assert sorted(data.X_train[:, 0]) == sorted(values)
    assert ("numbers    'a': " in data.summary()) == bool(note)
    assert note in data.summary()


def test_a_comma_that_may_be_a_decimal_one_is_asked_about(read: Write) -> None:
    text = "t;y\n1,234;no\n999;yes\n"
    with pytest.raises(TableError, match=r"commas that may be decimal in 1 of 2 rows"):
        read(text)
    assert read(text, decimal=",").X_train.min() == 1.234
    assert read(text, decimal=".").X_train.max() == 1234
    assert read('t,y\n"1,234",no\n999,yes\n').X_train.max() == 1234  # a comma separates cells


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ("1.5,3,no\n2.5,4,yes\n", -1),
        ("1,2,0\n3,4,1\n5,6,0\n", 2),
        ("5.1,3.5,Iris-setosa\n4.9,3.0,Iris-setosa\n6,3,Iris-virginica\n", -1),
        ("p,x,s\ne,x,y\ne,x,s\np,x,y\n", 0),
    ],
)
def test_a_first_line_that_may_be_a_row_is_asked_about(text: str, target: int, read: Write) -> None:
    with pytest.raises(TableError, match=r"line 1: it may be a row or the header: .*header=False"):
        read(text, target=target, features=[1 - abs(target) // 2 + target % 2])
    data = read(text, target=target, header=False)
    assert len(data.X_train) == text.count("\n")


def test_the_answer_about_the_header_is_taken(read: Write) -> None:
    text = "0,1,2\n3.5,4,1\n5.5,6,0\n"
    with pytest.raises(TableError, match=r"Add header=False for a row, header=True for names\.$"):
        read(text, target=2)
    named = read(text, target=2, header=True)
    assert (named.feature_names, len(named.X_train)) == (("0", "1"), 2)
    rows_only = read(text, target=2, header=False, task="regression")
    assert (rows_only.feature_names, len(rows_only.X_train)) == (("x0", "x1"), 3)


def test_a_target_that_stands_in_the_first_line_makes_it_the_header(read: Write) -> None:
    data = read("150,4,setosa\n5.1,3.5,0\n4.9,3,1\n", target="setosa")
    assert data.feature_names == ("150", "4")


@pytest.mark.parametrize("separator", [";", "tab", "space", "|", "\t"])
def test_the_separator_may_be_given(separator: str, read: Write) -> None:
    sign = {"tab": "\t", "space": " "}.get(separator, separator)
    data = read(f"a,x{sign}y\n1{sign}0\n2{sign}1\n", separator=separator)
    assert data.feature_names == ("a,x",)


@pytest.mark.parametrize("separator", ["", "ab", '"', "\n", ".", 3])
def test_something_else_is_not_a_separator(separator: object, read: Write) -> None:
    with pytest.raises(ArgumentError, match=r"^separator must be one character"):
        read(PLAIN, separator=separator)


def test_quotes_within_cells_are_read_as_excel_and_mysql_write_them(read: Write) -> None:
    for text in ('"He ""B"" x"', '"He \\"B\\" x"'):
        data = read(f"a,y\n1,{text}\n2,z\n")
        assert data.class_names == ('He "B" x', "z")


def excel(member: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("[Content_Types].xml", "")
        archive.writestr(member, "")
    return buffer.getvalue()


FOREIGN = {
    "Parquet": (b"PAR1....", "a Parquet file. Write it as CSV with pandas: pandas.read_parquet("),
    "pickle": (pickle.dumps({"a": 1}), "a pickle, which may run any code when it is read"),
    "xlsx": (excel("xl/workbook.xml"), "an Excel file. Write it as CSV with pandas: pandas.read_"),
    "ods": (excel("content.xml"), "a spreadsheet. Write it as CSV"),
    "xls": (b"\xd0\xcf\x11\xe0\xa1\xb1", "an old Excel file"),
    "JSON": (b'\n{"a": [1]}', "JSON. Write it as CSV with pandas: pandas.read_json("),
    "JSON rows": (b'[{"a": 1}]', "JSON. "),
    "web page": (b"<!DOCTYPE html>", "a web page"),
    "feather": (b"ARROW1\0\0", "an Arrow file"),
    "npy": (b"\x93NUMPY\1\0", "an array of NumPy"),
    "svmlight": (b"1 1:0.5 2:0.25\n0 1:3 2:2\n", "a file in the format of SVMlight"),
    "arff": (b"% title\n@RELATION iris\n", "an ARFF file"),
    "zstd": (b"\x28\xb5\x2f\xfd....", "data compressed by Zstandard"),
    "two files": (zipped("a.csv", "b.csv"), "an archive of 'a.csv', 'b.csv': expected one file"),
    "packed Parquet": (gzip.compress(b"PAR1...."), "a Parquet file"),
}  # fmt: skip


@pytest.mark.parametrize("case", FOREIGN)
@pytest.mark.parametrize("name", ["rows.csv", "rows.txt", "rows.other"])
def test_a_file_of_another_kind_is_named_for_what_it_is(case: str, name: str, read: Write) -> None:
    content, words = FOREIGN[case]
    with pytest.raises(DataError) as caught:
        read(content, name)
    assert f"{name} is {words}" in str(caught.value)


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress])
def test_damaged_compressed_data_are_an_error(pack: Any, read: Write) -> None:
    whole = pack((PLAIN * 50).encode())
    for length in range(10, len(whole) - 1, 9):
        with pytest.raises(DataError, match=r"rows\.csv is damaged: "):
            read(whole[:length])


@pytest.mark.parametrize("content", [b"a,b\0,y\n1,2,3\n", bytes(range(256)) * 4])
def test_binary_data_are_not_text(content: bytes, read: Write) -> None:
    with pytest.raises(DataError, match=r"rows\.csv is not text: it holds \d+ zero bytes?\. Save"):
        read(content)


def test_a_file_may_be_as_large_as_a_third_of_the_memory_it_needs(tmp_path: Path) -> None:
    import tracemalloc

    values = np.random.default_rng(0).normal(size=(60_000, 10))
    np.savetxt(tmp_path / "a.csv", values, "%.8f", ",", header="a,b,c,d,e,f,g,h,i,y", comments="")
    tracemalloc.start()
    try:
        load(tmp_path / "a.csv")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    blocks = 30 * 2**20  # what is being parsed does not grow with the file
    assert peak < 3 * values.nbytes + blocks
