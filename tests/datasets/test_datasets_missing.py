"""Which texts are missing values in files, and which texts are numbers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from minidl.datasets import load
from minidl.errors import DataError

# STR_NA_VALUES of pandas 3.1, which pandas.read_csv reads as missing.
PANDAS = ["", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND"]
PANDAS += ["1.#QNAN", "<NA>", "N/A", "NA", "NULL", "NaN", "None", "n/a", "nan", "null"]
MORE = ["?", "na", "NAN", "Nan", "+nan", "  ", " NULL ", "\tNA", "N/a"]
CLASSES = ["none", "NONE", "Null", "nil", "missing", "-", ".", "0", "unknown", "NANA", "not a"]


@pytest.fixture
def csv(tmp_path: Path) -> Any:
    def write(text: str, **arguments: Any) -> Any:
        (tmp_path / "points.csv").write_text(text, encoding="utf-8")
        return load(tmp_path / "points.csv", **{"test_size": 0, "standardize": False} | arguments)

    return write


@pytest.mark.parametrize("label", [*PANDAS, *MORE])
def test_a_missing_value_is_refused_in_features_and_targets(csv: Any, label: str) -> None:
    for cells, where in ((f'"{label}",yes', "line 3, column 'a'"), (f'2,"{label}"', "column 'y'")):
        with pytest.raises(DataError) as caught:
            csv(f"a,y\n1,no\n{cells}\n3,yes\n")
        expected = f"{where}: the value is missing: got {label.strip()!r}. Fill the gap or remove"
        assert expected in str(caught.value)
        renamed = "If it is a class, give it another name." in str(caught.value)
        assert renamed == (where == "column 'y'" and label.strip() != "")


@pytest.mark.parametrize("label", [*PANDAS, *MORE])
def test_a_missing_label_is_refused_in_arrays_of_text(tmp_path: Path, label: str) -> None:
    np.savez(tmp_path / "points.npz", X=np.eye(3), y=np.array(["no", label, "yes"]))
    with pytest.raises(DataError, match="array 'y', row 1: the value is missing"):
        load(tmp_path / "points.npz", test_size=0)


@pytest.mark.parametrize("label", CLASSES)
def test_any_other_label_is_a_class(csv: Any, tmp_path: Path, label: str) -> None:
    data = csv(f"a,y\n1,other\n2,{label}\n3,other\n")
    assert sorted(data.class_names) == sorted([label, "other"])
    np.savez(tmp_path / "points.npz", X=np.eye(3), y=np.array(["other", label, "other"]))
    named = load(tmp_path / "points.npz", test_size=0).class_names
    assert sorted(named) == sorted([label, "other"])


def test_all_missing_values_of_a_file_are_counted(csv: Any, tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        csv("a,b,y\n1,2,0\n\n,NA,1\n3,4,None\n5,null,0\n")
    assert str(caught.value).endswith(
        "line 4, column 'a': the value is missing: got ''. 4 of 12 values are missing, in lines 4,"
        " 5, 6; columns 'a' (1), 'b' (2), 'y' (1). Fill the gap or remove the row."
    )
    X = np.array([[0, np.nan], [2, 3], [np.nan, np.nan]])
    np.savez(tmp_path / "points.npz", X=X, y=[0, 1, 1])
    with pytest.raises(DataError, match=r"3 of 6 values are missing, in rows 0, 2; columns 'x0'"):
        load(tmp_path / "points.npz")


@pytest.mark.parametrize(
    ("cell", "words"),
    [
        ("1_000", "text in a column of numbers: got '1_000'. Write decimals with a point and no"),
        ("1,5", "Write decimals with a point and no other signs, such as 1234.5"),
        ("1,000", "Write decimals with a point and no other signs"),
        ("1 000", "Write decimals with a point and no other signs"),
        ("50%", "Write decimals with a point and no other signs"),
        ("$3", "Write decimals with a point and no other signs"),
        ("12kg", "Write decimals with a point and no other signs"),
        ("1.234.567", "Write decimals with a point and no other signs"),
        ("x0", "Encode text as numbers"),
        ("A-12", "Encode text as numbers"),
        ("1970-01-01", "Write dates and times as numbers, such as the days since the first one."),
        ("31.12.1999", "Write dates and times as numbers"),
        ("2/28/24", "Write dates and times as numbers"),
        ("12:30", "Write dates and times as numbers"),
        ("0x1A", "text in a column of numbers"),
        ("\u0661", "text in a column of numbers"),  # an Arabic 1, which Python's float reads
        ("1+2j", "text in a column of numbers"),
        ("2020-01-01", "text in a column of numbers"),
        ("True", "Encode text as numbers; fill the gap if it means a missing value."),
        ("none", "Encode text as numbers; fill the gap if it means a missing value."),
        ("inf", "the value is infinite"),
        ("-Infinity", "the value is infinite"),
        ("1e400", "the value is infinite"),
        ("9007199254740993", "the integer 9007199254740993 would be rounded to 9007199254740992"),
        ("1" * 400, "the value is infinite"),
    ],
)
def test_text_that_is_no_finite_number_is_refused(csv: Any, cell: str, words: str) -> None:
    with pytest.raises(DataError, match="line 3, column 'a'") as caught:
        csv(f'a,y\n1,no\n"{cell}",yes\n')
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("cell", "value"),
    [("+1", 1), (" 2 ", 2), ("1e3", 1000), (".5", 0.5), ("5.", 5), ("-0", 0), ("007", 7)],
)
def test_numbers_may_be_written_as_in_python(csv: Any, cell: str, value: float) -> None:
    assert csv(f"a,y\n-1,no\n{cell},yes\n").X_train.max() == value


@pytest.mark.parametrize("name", ["points.csv", "points.npz"])
def test_long_integers_are_not_merged_into_one_class(tmp_path: Path, name: str) -> None:
    labels = [2**53, 2**53 + 1, 2**53]
    if name.endswith("csv"):
        (tmp_path / name).write_text("a,y\n" + "".join(f"1,{y}\n" for y in labels))
    else:
        np.savez(tmp_path / name, X=np.eye(3), y=labels)
    with pytest.raises(DataError, match=r"9007199254740993 .*would be rounded to 9007199254740992"):
        load(tmp_path / name, test_size=0)
    np.savez(tmp_path / "ids.npz", X=np.full((3, 1), 2**53 + 1), y=[0, 1, 1])
    with pytest.raises(DataError, match=r"array 'X': 9007199254740993 in row 0, column 0 would"):
        load(tmp_path / "ids.npz", test_size=0)
