"""Files that cannot be used: each error names the file and, where it can, column and row."""

import io
import re
import zipfile

import numpy as np
import pytest

from minidl.datasets import load
from minidl.errors import DataError

GOOD = {"X": np.arange(6.0).reshape(3, 2), "y": np.array([0, 1, 1])}


@pytest.fixture
def complaint(tmp_path, monkeypatch):
    """Write a file, try to load it, and return what the error says."""
    monkeypatch.chdir(tmp_path)

    def attempt(content, name="points.csv", **arguments):
        content = content.encode() if isinstance(content, str) else content
        (tmp_path / name).write_bytes(content)
        with pytest.raises(DataError) as caught:
            load(name, **arguments)
        return str(caught.value)

    return attempt


def npz(**arrays):
    buffer = io.BytesIO()
    np.savez(buffer, **GOOD | arrays)
    return buffer.getvalue()


# What the file holds, the arguments, and how the message begins. The bad cell is where it says.
CSV = {
    "empty cell": ("a,y\n1,0\n,1\n", {}, "line 3, column 'a': the value is missing: got ''"),
    "question mark": ("a,y\n1,0\n?,1\n", {}, "line 3, column 'a': the value is missing"),
    "NA": ("a,y\nNA,0\n1,1\n", {}, "line 2, column 'a': the value is missing: got 'NA'"),
    "n/a": ("a,y\nn/a,0\n1,1\n", {}, "line 2, column 'a': the value is missing"),
    "nan": ("a,b,y\n1,1,0\n1,NaN,1\n", {}, "line 3, column 'b': the value is missing"),
    "target": ("a,y\n1,0\n2,\n", {}, "line 3, column 'y': the value is missing"),
    "text": (
        "a,height,y\n1,1,0\n1,1,1\n\n1,1,1\n1,1,1\n1,tall,0\n",
        {},
        "line 7, column 'height': text in a column of numbers: got 'tall'",
    ),
    "decimal comma": ("a;y\n1,5;0\n", {}, "line 2, column 'a': text in a column of numbers"),
    "underscore": ("a,y\n1_0,0\n", {}, "line 2, column 'a': text in a column of numbers"),
    "inf": ("a,y\n1,0\n-inf,1\n", {}, "line 3, column 'a': the value is infinite"),
    "overflow": ("a,y\n1,0\n1e999,1\n", {}, "line 3, column 'a': the value is infinite"),
    "target after a gap": ("a,y\n1,0\n\n2,?\n", {}, "line 4, column 'y': the value is missing"),
    "inf target": ("a,y\n1,0.5\n2,inf\n", {}, "line 3, column 'y': the value is infinite"),
    "one class": ("a,y\n1,3\n2,3\n", {}, "column 'y': only one class: got '3', expected at"),
    "three for two": (
        "a,y\n1,3\n2,4\n3,5\n",
        {"task": "binary"},
        "column 'y': too many classes for a binary task: got '3', '4', '5', expected 2",
    ),
    "text regression": (
        "a,y\n1,3\n2,four\n",
        {"task": "regression"},
        "line 3, column 'y': text cannot be a regression's target: got 'four'",
    ),
    "typing error": ("a,y\n1,3.5\n2,4.5\n3,x\n", {}, "line 4, column 'y': text among numbers"),
    "no rows": ("a,y\n", {}, "there are no rows after the header"),
    "blank": (" \n\n", {}, "there is nothing but blank lines"),
    "empty": ("", {}, "the file is empty"),
    "short row": ("a,b,y\n1,2,0\n1,2\n", {}, "line 3: the wrong number of cells: got 2"),
    "long row": ("a,y\n1,0\n\n1,0,3\n", {}, "line 4: the wrong number of cells: got 3"),
    "after a line end in quotes": (
        'a,y\n1,"x\nx"\nb,z\n',
        {},
        "line 4, column 'a': text in a column of numbers: got 'b'",
    ),
    "row with a line end": ('a,b,y\n1,2,3\n1,"2\n3"\n', {}, "line 3: the wrong number of cells"),
    "same name twice": ("a,b,a,y\n1,2,3,0\n", {}, "line 1, column 3: the name comes twice"),
    "no name": (",a,y\n0,1,0\n", {}, "line 1, column 1: the column has no name"),
    "no header": ("\n5.1,3.5,0\n", {}, "line 2, column 1: a number where a name should be"),
    "one column": ("y\n0\n1\n", {}, "only one column: got y"),
    "wrong separator": ("a|y\n1|0\n", {}, "only one column: got a|y"),
    "open quote": ('a,y\n1,0\n"2,1\n3,1\n', {}, "line 3: not valid CSV"),
    "huge cell": ("a,y\n1,0\n" + "1" * 200_000 + ",1\n", {}, "line 3: not valid CSV"),
    "not UTF-8": ("a,y\n1,no\n2,s\xed\n".encode("latin-1"), {}, "line 3: the text is not UTF-8"),
    "UTF-16": ("a,y\n1,0\n".encode("utf-16"), {}, "line 1: the text is not UTF-8"),
    "no target": ("a,b\n1,0\n", {}, "no column looks like the target: got columns 'a', 'b'"),
    "two targets": ("a,y,Label\n1,0,0\n", {}, "more than one column looks like the target"),
    "unknown target": ("a,y\n1,0\n", {"target": "b"}, "there is no column 'b', expected columns"),
    "position": ("a,y\n1,0\n", {"target": 2}, "there is no column 2, expected columns 'a', 'y'"),
    "low position": ("a,y\n1,0\n", {"target": -3}, "there is no column -3, expected columns"),
    "bool": ("a,y\n1,0\n", {"target": True}, "there is no column True, expected columns"),
    "fraction": ("a,y\n1,0\n", {"target": 1.0}, "there is no column 1.0, expected columns"),
}


@pytest.mark.parametrize("case", CSV)
def test_a_csv_file_that_cannot_be_used_is_located(complaint, case):
    content, arguments, expected = CSV[case]
    separator = ", " if expected.startswith(("line", "column")) else ": "
    message = complaint(content, **arguments)
    assert message.startswith(f"file points.csv{separator}{expected}"), message


@pytest.mark.parametrize(
    ("content", "hint"),
    [
        ("a,b\n1,0\n", "Pass target= with a column's name."),
        ("a;y\n1,5;0\n", "Write decimals with a point."),
        (",a,y\n0,1,0\n", "Name it, or remove it (pandas: to_csv(..., index=False))."),
        ("a,y\n,0\n", "Fill the gap or remove the row."),
    ],
)
def test_an_error_says_what_to_do(complaint, content, hint):
    assert complaint(content).endswith(hint)


NPZ = {
    "no X": ({"X": None}, {}, ": there is no array 'X': got arrays 'y'"),
    "no y": ({"y": None}, {}, ": there is no array 'y': got arrays 'X'"),
    "no target": ({}, {"target": "z"}, ": there is no array 'z': got arrays 'X', 'y'"),
    "position": ({}, {"target": 1}, ": there is no array '1': got arrays 'X', 'y'"),
    "1-D X": ({"X": np.ones(3)}, {}, ", array 'X': the wrong shape: got (3,)"),
    "3-D X": ({"X": np.ones((3, 1, 1))}, {}, ", array 'X': the wrong shape: got (3, 1, 1)"),
    "no columns": ({"X": np.ones((3, 0))}, {}, ", array 'X': the wrong shape: got (3, 0)"),
    "2-D y": ({"y": np.ones((3, 1))}, {}, ", array 'y': the wrong shape: got (3, 1)"),
    "lengths": ({"y": [0, 1]}, {}, ": X and y differ in length: got 3 rows of X, 2 of y"),
    "no rows": ({"X": np.ones((0, 2)), "y": []}, {}, ": there are no rows"),
    "object X": (
        {"X": np.array([[None], [1], [2]])},
        {},
        ", array 'X': an array of Python objects, expected an array of numbers or text",
    ),
    "object y": ({"y": np.array([0, None, {}])}, {}, ", array 'y': an array of Python objects"),
    "complex X": ({"X": np.ones((3, 2), complex)}, {}, ", array 'X': not real numbers"),
    "text X": ({"X": np.full((3, 2), "a")}, {}, ", array 'X': not real numbers"),
    "bytes y": ({"y": np.array([b"a", b"b", b"c"])}, {}, ", array 'y': neither real numbers nor"),
    "nan X": (
        {"X": np.array([[0, 1], [2, np.nan], [np.inf, 5]])},
        {},
        ", array 'X', row 1, column 'x1': the value is missing: got nan",
    ),
    "inf X": (
        {"X": np.array([[0, 1], [2, 3], [np.inf, 5]]), "feature_names": ["a", "b"]},
        {},
        ", array 'X', row 2, column 'a': the value is infinite: got inf",
    ),
    "nan y": ({"y": [0.0, 1.0, np.nan]}, {}, ", array 'y', row 2: the value is missing"),
    "inf y": ({"y": [0.5, np.inf, 1.0]}, {}, ", array 'y', row 1: the value is infinite"),
    "gap in text": ({"y": ["a", "", "b"]}, {}, ", array 'y', row 1: the value is missing"),
    "one class": ({"y": [4, 4, 4]}, {}, ", array 'y': only one class: got '4'"),
    "names": ({"feature_names": ["a"]}, {}, ", array 'feature_names': not one name per column"),
    "numbers for names": ({"feature_names": [1, 2]}, {}, ", array 'feature_names': not one name"),
}


@pytest.mark.parametrize("case", NPZ)
def test_an_npz_file_that_cannot_be_used_is_located(complaint, case):
    arrays, arguments, expected = NPZ[case]
    kept = {k: v for k, v in (GOOD | arrays).items() if v is not None}
    buffer = io.BytesIO()
    np.savez(buffer, **kept)
    message = complaint(buffer.getvalue(), "points.npz", **arguments)
    assert message.startswith(f"file points.npz{expected}"), message


def test_files_that_are_no_npz_files_are_refused(complaint):
    array = io.BytesIO()
    np.save(array, np.eye(2))
    for content in (b"a,y\n1,0\n", array.getvalue()):
        assert complaint(content, "a.npz").startswith("file a.npz: not an NPZ file")
    assert complaint(b"PK and nothing else", "a.npz").startswith("file a.npz: the file is damaged")
    assert complaint(b"", "a.npz") == "file a.npz: the file is empty"


def test_a_member_that_is_no_array_is_refused(complaint):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("X", "text")
        archive.writestr("y", "text")
    assert "array 'X': the wrong shape: got ()" in complaint(buffer.getvalue(), "a.npz")


def test_a_file_cut_off_anywhere_is_an_error(complaint):
    whole = npz()
    for length in range(0, len(whole), 7):
        assert complaint(whole[:length], "a.npz").startswith("file a.npz")


def garbled(whole):
    """Yield copies of a file with one byte inverted, or made a bracket, which NumPy parses."""
    for position in range(len(whole)):
        for byte in (whole[position] ^ 0xFF, ord("(")):
            yield whole[:position] + bytes([byte]) + whole[position + 1 :]


def packed(member):
    """Return a zip file with `member` as both arrays and the right checksums."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("X.npy", member)
        archive.writestr("y.npy", member)
    return buffer.getvalue()


def test_a_garbled_file_is_an_error_or_harmless(tmp_path):
    compressed, array = io.BytesIO(), io.BytesIO()
    np.savez_compressed(compressed, **GOOD)
    np.save(array, GOOD["X"])
    files = [*garbled(npz()), *garbled(compressed.getvalue())]
    files += [packed(member) for member in garbled(array.getvalue())]
    path, messages = tmp_path / "a.npz", []
    for content in files:
        path.write_bytes(content)
        try:
            load(path, test_size=0)
        except DataError as error:
            messages.append(str(error))
    assert len(messages) > len(files) / 2
    assert all(message.startswith(f"file {path}") for message in messages)


@pytest.mark.parametrize("name", ["nowhere.csv", "nowhere.npz"])
def test_a_missing_file_is_named(tmp_path, name):
    message = re.escape(f"file {tmp_path / name}: there is no such file. Check the path.")
    with pytest.raises(DataError, match=f"^{message}$"):
        load(tmp_path / name)


@pytest.mark.parametrize("name", ["points.txt", "points.xlsx", "folder/points"])
def test_another_suffix_is_an_unknown_kind_of_file(name):
    with pytest.raises(
        DataError, match=f"file {name}: unknown kind of file.*expected .csv or .npz"
    ):
        load(name)


def test_an_existing_file_without_a_suffix_is_an_unknown_kind_of_file(complaint):
    assert complaint("a,y\n1,0\n", "points").startswith("file points: unknown kind of file")


def test_a_folder_cannot_be_read(tmp_path):
    (tmp_path / "a.csv").mkdir()
    with pytest.raises(DataError, match=r"a\.csv: cannot be read: got Is a directory"):
        load(tmp_path / "a.csv")


def test_a_class_with_too_few_rows_names_the_file_and_the_class(complaint):
    message = complaint("a,y\n1,no\n2,no\n3,yes\n")
    assert message.startswith("points.csv: class 'yes' has too few rows to split: got 1 row;")
    assert message.endswith("or test_size=0 for no test rows.")


def test_a_column_too_large_to_standardise_names_the_file_and_the_column(complaint):
    message = complaint("a,y\n1e308,0\n-1e308,1\n", test_size=0)
    assert message.startswith("points.csv, column 'a': the numbers are too large to standardise")
