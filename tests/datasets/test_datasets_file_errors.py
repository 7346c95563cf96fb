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


# What the file holds, the arguments, and what the message says. The cell is where it says.
CSV = {
    "empty cell": ("a,y\n1,0\n,1\n", {}, ", column 'a': missing in 1 of 2 rows (line 3). Add"),
    "NA": ("a,y\nNA,0\n1,1\n", {}, ", column 'a': missing ('NA') in 1 of 2 rows (line 2)"),
    "NaN": ("a,b,y\n1,1,0\n1,NaN,1", {}, ", column 'b': missing ('NaN') in 1 of 2 rows"),
    "target": ("a,y\n1,0\n2,\n3,1\n", {}, ", target 'y': missing in 1 of 3 rows (line 3)"),
    "text": (
        "a,height,y\n1,1,0\n1,1,1\n\n1,1,1\n1,1,1\n1,tall,0\n",
        {},
        ", column 'height': text in 1 of 5 rows of numbers, such as 'tall' (line 7). Add drop=",
    ),
    "decimal comma": (
        "a;y\n1,5;0\n2,5;1",
        {},
        ", column 'a': decimal commas in 2 of 2 rows, such as '1,5' (line 2). Add decimal=','.",
    ),
    "comma": ("a;y\n1,500;0\n2;1", {}, ", column 'a': commas that may be decimal"),
    "inf": ("a,y\n1,0\n-inf,1\n", {}, ", column 'a': infinite in 1 of 2 rows (line 3)"),
    "overflow": ("a,y\n1,0\n1e999,1\n", {}, ", column 'a': infinite in 1 of 2 rows (line 3)"),
    "after a gap": ("a,y\n1,0\n\n2,?\n3,1", {}, "'y': missing ('?') in 1 of 3 rows (line 4)"),
    "inf target": ("a,y\n1,0.5\n2,inf\n", {}, ", target 'y': infinite in 1 of 2 rows (line 3)"),
    "one class": ("a,y\n1,3\n2,3\n", {}, ", target 'y': too few classes, '3'; expected at least"),
    "no target value": ("a,y\n1,\n2,\n", {}, ", target 'y': it has no values"),
    "three for two": (
        "a,y\n1,3\n2,4\n3,5\n",
        {"task": "binary"},
        ", target 'y': too many classes, '3', '4', '5'; expected 2",
    ),
    "text regression": (
        "a,y\n1,3\n2,four\n",
        {"task": "regression"},
        ", target 'y': text such as 'four' in 1 of 2 rows (line 3) of a regression",
    ),
    "typing error": (
        "a,y\n1,3.5\n2,4.5\n3,x\n",
        {},
        ", target 'y': text such as 'x' in 1 of 3 rows (line 4) of a regression",
    ),
    "dates": ("a,y\n1,2020-01-01\n2,2020-01-02", {}, ", target 'y': dates or times in 2 of 2 rows"),
    "no rows": ("a,y\n", {}, " has no rows after the header"),
    "blank": (" \n\n", {}, " has only blank lines"),
    "empty": ("", {}, " is empty"),
    "short row": ("a,b,y\n1,2,0\n1,2\n2,3,1", {}, ", target 'y': missing in 1 of 3 rows (line 3)"),
    "long row": ("a,y\n1,0\n\n1,0,3\n1,1", {}, ", line 4: more than 2 cells in 1 line. Correct"),
    "after a line end in quotes": (
        'a,y\n1,"x\nx"\nb,z\n',
        {},
        ", column 'a': text in 1 of 2 rows of numbers, such as 'b' (line 4)",
    ),
    "row with a line end": ('a,y\n1,0\n"2\n3",1\n', {}, "such as '2\\n3' (line 3)"),
    "no header": ("\n5.1,3.5,0\n5,3,1\n", {"target": 2}, ", line 2: it may be a row or the header"),
    "one column": ("y\n0\n1\n", {}, ", columns: only one, 'y'. Say what separates columns"),
    "open quote": ('a,y\n1,0\n"2,1\n3,1\n', {}, ", line 3: invalid CSV"),
    "huge cell": ("a,y\n1,0\n" + "1" * 200_000 + ",1\n", {}, ", line 3: invalid CSV"),
    "no target": (
        "a,b\n1,0\n",
        {},
        ", target: no columns are called target, label, class, y; there are 'a', 'b'. Add target=",
    ),
    "two targets": ("a,y,Label\n1,0,0\n", {}, ", target: 2 columns are called target, label,"),
    "unknown target": (
        "a,height\n1,0\n2,1\n",
        {"target": "hieght"},
        "no column is called 'hieght'; there are 'a', 'height'. Did you mean 'height'?",
    ),
    "position": ("a,y\n1,0\n", {"target": 2}, ", target: no column is called 2; there are"),
    "low position": ("a,y\n1,0\n", {"target": -3}, ", target: no column is called -3"),
    "bool": ("a,y\n1,0\n", {"target": True}, ", target: no column is called True"),
    "fraction": ("a,y\n1,0\n", {"target": 1.0}, ", target: no column is called 1.0"),
}  # fmt: skip


@pytest.mark.parametrize("case", CSV)
def test_an_error_in_a_csv_file_names_its_place(complaint, case):
    content, arguments, expected = CSV[case]
    message = complaint(content, test_size=0, **arguments)
    assert message.startswith("file points.csv"), message
    assert "\n" not in message, message
    assert expected in message, message


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
    "bytes y": (
        {"y": np.array([b"a", b"b", b"c"])},
        {},
        ", array 'y': the wrong type: got dtype |S1, expected real",
    ),
    "nan X": (
        {"X": np.array([[0, 1], [2, np.nan], [3, 5]])},
        {},
        ", column 'x1': missing in 1 of 3 rows (row 1). Add missing=",
    ),
    "inf X": (
        {"X": np.array([[0, 1], [2, 3], [np.inf, 5]]), "feature_names": ["a", "b"]},
        {},
        ", column 'a': infinite in 1 of 3 rows (row 2). Add drop=['a'].",
    ),
    "nan y": ({"y": [0.0, 1.0, np.nan]}, {}, ", target 'y': missing in 1 of 3 rows (row 2)"),
    "inf y": ({"y": [0.5, np.inf, 1.0]}, {}, ", target 'y': infinite in 1 of 3 rows (row 1)"),
    "gap in text": ({"y": ["a", "", "b"]}, {}, ", target 'y': missing in 1 of 3 rows (row 1)"),
    "one class": ({"y": [4, 4, 4]}, {}, ", target 'y': too few classes, '4'"),
    "names": ({"feature_names": ["a"]}, {}, ", array 'feature_names': not one name per column"),
    "numbers for names": ({"feature_names": [1, 2]}, {}, ", array 'feature_names': not one name"),
}


@pytest.mark.parametrize("case", NPZ)
def test_an_error_in_an_npz_file_names_its_place(complaint, case):
    arrays, arguments, expected = NPZ[case]
    kept = {k: v for k, v in (GOOD | arrays).items() if v is not None}
    buffer = io.BytesIO()
    np.savez(buffer, **kept)
    message = complaint(buffer.getvalue(), "points.npz", test_size=0, **arguments)
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


@pytest.mark.parametrize("name", ["nowhere.csv", "nowhere.npz", "nowhere.txt"])
def test_a_missing_file_is_named(tmp_path, name):
    message = re.escape(f"file {tmp_path / name} does not exist. Check the path.")
    with pytest.raises(DataError, match=f"^{message}$"):
        load(tmp_path / name)


def test_a_folder_cannot_be_read(tmp_path):
    (tmp_path / "a.csv").mkdir()
    with pytest.raises(DataError, match=r"cannot read .*a\.csv: it is a folder"):
        load(tmp_path / "a.csv")


def test_a_class_with_too_few_rows_names_the_file_and_the_class(complaint):
    message = complaint("a,y\n1,no\n2,no\n3,yes\n")
    assert message.startswith("file points.csv, target 'y': 1 class with one row, too few to split")
    assert message.endswith("('yes'). Add test_size=0.")


def test_a_rare_count_suggests_a_regression(complaint):
    rows = "".join(f"{k},{k % 2}\n" for k in range(14)) + "1,2\n"
    message = complaint(f"a,y\n{rows}")
    assert message.endswith("too few to split ('2'). Add task='regression'.")


def test_a_column_too_large_to_standardise_names_the_file_and_the_column(complaint):
    message = complaint("a,y\n1e308,0\n-1e308,1\n", test_size=0)
    assert message.startswith("points.csv, column 'a': the numbers are too large to standardise")
