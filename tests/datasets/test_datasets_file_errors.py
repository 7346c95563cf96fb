"""Invalid files: each error names the file and, where it can, column and row."""

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
    "-nan": ("a,y\n-nan,0\n1,1\n", {}, "line 2, column 'a': the value is missing: got '-nan'"),
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
    "one class": ("a,y\n1,3\n2,3\n", {}, "column 'y': too few classes: got '3', expected at"),
    "three for two": (
        "a,y\n1,3\n2,4\n3,5\n",
        {"task": "binary"},
        "column 'y': too many classes: got '3', '4', '5', expected 2",
    ),
    "text regression": (
        "a,y\n1,3\n2,four\n",
        {"task": "regression"},
        "line 3, column 'y': text in the target of a regression: got 'four'",
    ),
    "typing error": (
        "a,y\n1,3.5\n2,4.5\n3,x\n",
        {},
        "line 4, column 'y': text in the target of a regression: got 'x'",
    ),
    "no rows": ("a,y\n", {}, "has no rows after the header"),
    "blank": (" \n\n", {}, "has only blank lines"),
    "empty": ("", {}, "is empty"),
    "short row": ("a,b,y\n1,2,0\n1,2\n", {}, "line 3: the wrong number of cells: got 2"),
    "long row": ("a,y\n1,0\n\n1,0,3\n", {}, "line 4: the wrong number of cells: got 3"),
    "after a line end in quotes": (
        'a,y\n1,"x\nx"\nb,z\n',
        {},
        "line 4, column 'a': text in a column of numbers: got 'b'",
    ),
    "row with a line end": ('a,b,y\n1,2,3\n1,"2\n3"\n', {}, "line 3: the wrong number of cells"),
    "same name twice": ("a,b,a,y\n1,2,3,0\n", {}, "line 1, column 3: the name is used twice"),
    "no name": (",a,y\n0,1,0\n", {}, "line 1, column 1: the column has no name"),
    "no header": ("\n5.1,3.5,0\n", {}, "line 2, column 1: a number instead of a name"),
    "one column": ("y\n0\n1\n", {}, "has only one column: got y"),
    "wrong separator": ("a|y\n1|0\n", {}, "has only one column: got a|y"),
    "open quote": ('a,y\n1,0\n"2,1\n3,1\n', {}, "line 3: invalid CSV"),
    "huge cell": ("a,y\n1,0\n" + "1" * 200_000 + ",1\n", {}, "line 3: invalid CSV"),
    "not UTF-8": ("a,y\n1,no\n2,s\xed\n".encode("latin-1"), {}, "line 3: the text is not UTF-8"),
    "UTF-16": ("a,y\n1,0\n".encode("utf-16"), {}, "line 1: the text is not UTF-8"),
    "no target": ("a,b\n1,0\n", {}, "has no columns that may be the target: got columns 'a', 'b'"),
    "two targets": (
        "a,y,Label\n1,0,0\n",
        {},
        "has 2 columns that may be the target: got columns 'a', 'y', 'Label'",
    ),
    "unknown target": (
        "a,y\n1,0\n",
        {"target": "b"},
        "has no column 'b': expected one of the columns 'a', 'y'",
    ),
    "position": (
        "a,y\n1,0\n",
        {"target": 2},
        "has no column 2: expected one of the columns 'a', 'y'",
    ),
    "low position": ("a,y\n1,0\n", {"target": -3}, "has no column -3: expected one of"),
    "bool": ("a,y\n1,0\n", {"target": True}, "has no column True: expected one of"),
    "fraction": ("a,y\n1,0\n", {"target": 1.0}, "has no column 1.0: expected one of"),
}


@pytest.mark.parametrize("case", CSV)
def test_an_error_in_a_csv_file_names_its_place(complaint, case):
    content, arguments, expected = CSV[case]
    separator = ", " if expected.startswith(("line", "column")) else " "
    message = complaint(content, **arguments)
    assert message.startswith(f"file points.csv{separator}{expected}"), message


@pytest.mark.parametrize(
    ("content", "hint"),
    [
        ("a,b\n1,0\n", "Name the target column."),
        ("a;y\n1,5;0\n", "Write decimals with a point and no other signs, such as 1234.5."),
        (",a,y\n0,1,0\n", "Name it, or remove it (pandas: to_csv(..., index=False))."),
        ("a,y\n,0\n", "Fill the gap or remove the row."),
    ],
)
def test_an_error_says_what_to_do(complaint, content, hint):
    assert complaint(content).endswith(hint)


NPZ = {
    "no X": ({"X": None}, {}, " has no array 'X': got arrays 'y'"),
    "no y": ({"y": None}, {}, " has no array 'y': got arrays 'X'"),
    "no target": ({}, {"target": "z"}, " has no array 'z': got arrays 'X', 'y'"),
    "position": ({}, {"target": 1}, " has no array '1': got arrays 'X', 'y'"),
    "1-D X": ({"X": np.ones(3)}, {}, ", array 'X': the wrong shape: got (3,)"),
    "3-D X": ({"X": np.ones((3, 1, 1))}, {}, ", array 'X': the wrong shape: got (3, 1, 1)"),
    "no columns": ({"X": np.ones((3, 0))}, {}, ", array 'X': the wrong shape: got (3, 0)"),
    "2-D y": ({"y": np.ones((3, 1))}, {}, ", array 'y': the wrong shape: got (3, 1)"),
    "lengths": ({"y": [0, 1]}, {}, ": X and y differ in length: got 3 rows of X, 2 of y"),
    "no rows": ({"X": np.ones((0, 2)), "y": []}, {}, " has no rows"),
    "object X": (
        {"X": np.array([[None], [1], [2]])},
        {},
        ", array 'X': an array of Python objects: expected an array of numbers or text",
    ),
    "object y": ({"y": np.array([0, None, {}])}, {}, ", array 'y': an array of Python objects"),
    "complex X": (
        {"X": np.ones((3, 2), complex)},
        {},
        ", array 'X': the wrong type: got dtype complex128, ",
    ),
    "text X": (
        {"X": np.full((3, 2), "a")},
        {},
        ", array 'X': the wrong type: got dtype <U1, expected real numbers",
    ),
    "bytes y": (
        {"y": np.array([b"a", b"b", b"c"])},
        {},
        ", array 'y': the wrong type: got dtype |S1, expected real",
    ),
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
    "one class": ({"y": [4, 4, 4]}, {}, ", array 'y': too few classes: got '4'"),
    "names": ({"feature_names": ["a"]}, {}, ", array 'feature_names': not one name per column"),
    "numbers for names": ({"feature_names": [1, 2]}, {}, ", array 'feature_names': not one name"),
}


@pytest.mark.parametrize("case", NPZ)
def test_an_error_in_an_npz_file_names_its_place(complaint, case):
    arrays, arguments, expected = NPZ[case]
    kept = {k: v for k, v in (GOOD | arrays).items() if v is not None}
    buffer = io.BytesIO()
    np.savez(buffer, **kept)
    message = complaint(buffer.getvalue(), "points.npz", **arguments)
    assert message.startswith(f"file points.npz{expected}"), message


def test_a_file_that_is_not_npz_is_an_error(complaint):
    array = io.BytesIO()
    np.save(array, np.eye(2))
    for content in (b"a,y\n1,0\n", array.getvalue()):
        assert complaint(content, "a.npz").startswith("file a.npz is not an NPZ file")
    assert complaint(b"PK and nothing else", "a.npz").startswith("file a.npz is damaged: ")
    assert complaint(b"", "a.npz") == "file a.npz is empty"


def test_a_member_that_is_not_an_array_is_an_error(complaint):
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
    message = re.escape(f"file {tmp_path / name} does not exist. Check the path.")
    with pytest.raises(DataError, match=f"^{message}$"):
        load(tmp_path / name)


@pytest.mark.parametrize("name", ["points.txt", "points.xlsx", "folder/points"])
def test_an_unknown_suffix_is_an_error(name):
    with pytest.raises(
        DataError,
        match=f"file {name} has an unknown format: got suffix '.*', expected .csv or .npz",
    ):
        load(name)


def test_an_existing_file_without_a_suffix_is_an_error(complaint):
    assert complaint("a,y\n1,0\n", "points").startswith("file points has an unknown format")


def test_a_folder_cannot_be_read(tmp_path):
    (tmp_path / "a.csv").mkdir()
    with pytest.raises(DataError, match=r"a\.csv cannot be read: Is a directory"):
        load(tmp_path / "a.csv")


def test_a_class_with_too_few_rows_names_the_file_and_the_class(complaint):
    message = complaint("a,y\n1,no\n2,no\n3,yes\n")
    assert message.startswith("points.csv: class 'yes' has too few rows to split: got 1 row, ")
    assert message.endswith("or use a test size of 0.")


def test_a_column_too_large_to_standardise_names_the_file_and_the_column(complaint):
    message = complaint("a,y\n1e308,0\n-1e308,1\n", test_size=0)
    assert message.startswith("points.csv, column 'a': the numbers are too large to standardise")
