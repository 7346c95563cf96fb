"""Which texts are missing values in files, and which texts are numbers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from minidl.datasets import load
from minidl.errors import DataError, TableError

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
    shown = f" ({label.strip()!r})" if label.strip() else ""
    for cells, where in ((f'"{label}",yes', "column 'a'"), (f'2,"{label}"', "target 'y'")):
        with pytest.raises(TableError) as caught:
            csv(f"a,y\n1,no\n{cells}\n3,yes\n")
        assert f"{where}: missing{shown} in 1 of 3 rows (line 3). " in str(caught.value)
        renamed = "If it is a class, give it another name." in str(caught.value)
        assert renamed == (where == "target 'y'" and label.strip() != "")


@pytest.mark.parametrize("label", [*PANDAS, *MORE])
def test_a_missing_label_is_refused_in_arrays_of_text(tmp_path: Path, label: str) -> None:
    np.savez(tmp_path / "points.npz", X=np.eye(3), y=np.array(["no", label, "yes"]))
    with pytest.raises(TableError, match=r"target 'y': missing .*in 1 of 3 rows \(row 1\)"):
        load(tmp_path / "points.npz", test_size=0)


@pytest.mark.parametrize("label", CLASSES)
def test_any_other_label_is_a_class(csv: Any, tmp_path: Path, label: str) -> None:
    data = csv(f"a,y\n1,other\n2,{label}\n3,other\n")
    assert sorted(data.class_names) == sorted([label, "other"])
    np.savez(tmp_path / "points.npz", X=np.eye(3), y=np.array(["other", label, "other"]))
    named = load(tmp_path / "points.npz", test_size=0).class_names
    assert sorted(named) == sorted([label, "other"])


def test_all_missing_values_of_a_file_are_counted(csv: Any, tmp_path: Path) -> None:
    with pytest.raises(TableError) as caught:
        csv("a,b,y\n1,2,0\n\n,NA,1\n3,4,None\n5,null,0\n6,7,1\n")
    assert str(caught.value).splitlines()[1:] == [
        "  column 'a': missing in 1 of 5 rows (line 4)."
        ' Add missing="drop", "mean" or "most_frequent".',
        "  column 'b': missing ('NA', 'null') in 2 of 5 rows (lines 4, 6)."
        ' Add missing="drop", "mean" or "most_frequent".',
        "  target 'y': missing ('None') in 1 of 5 rows (line 5). If it is a class, give it another"
        " name. Add missing='drop'.",
        "to use it all the same, add: missing='drop'",
    ]
    X = np.array([[0, np.nan], [2, 3], [np.nan, np.nan]])
    np.savez(tmp_path / "points.npz", X=X, y=[0, 1, 1])
    with pytest.raises(TableError, match=r"column 'x1': missing in 2 of 3 rows \(rows 0, 2\)"):
        load(tmp_path / "points.npz", test_size=0)


@pytest.mark.parametrize(
    ("cell", "words"),
    [
        ("1_000", "text in 1 of 3 rows of numbers, such as '1_000' (line 3)"),
        ("12kg", "text in 1 of 3 rows of numbers, such as '12kg' (line 3)"),
        ("50%", "text in 1 of 3 rows of numbers, such as '50%' (line 3)"),
        ("1.234.567", "text in 1 of 3 rows of numbers"),
        ("x0", "text in 1 of 3 rows of numbers"),
        ("1970-01-01", "text in 1 of 3 rows of numbers, such as '1970-01-01' (line 3)"),
        ("12:30", "text in 1 of 3 rows of numbers"),
        ("0x1A", "text in 1 of 3 rows of numbers"),
        ("\u0661", "text in 1 of 3 rows of numbers"),  # an Arabic 1, which Python's float reads
        ("1+2j", "text in 1 of 3 rows of numbers"),
        ("True", "text in 1 of 3 rows of numbers"),
        ("none", "text in 1 of 3 rows of numbers"),
        ("1,5", "decimal commas in 1 of 3 rows, such as '1,5' (line 3). Add decimal=','"),
        ("inf", "infinite in 1 of 3 rows (line 3)"),
        ("-Infinity", "infinite in 1 of 3 rows (line 3)"),
        ("1e400", "infinite in 1 of 3 rows (line 3)"),
        ("9007199254740993", "the integer 9007199254740993 would be rounded to 9007199254740992"),
        ("1" * 400, "infinite in 1 of 3 rows (line 3)"),
    ],
)
def test_text_that_is_no_finite_number_is_refused(csv: Any, cell: str, words: str) -> None:
    with pytest.raises(TableError, match=r"points\.csv, column 'a': ") as caught:
        csv(f'a,y\n1,no\n"{cell}",yes\n3,no\n')
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
    with pytest.raises(DataError, match=r"9007199254740993 in row 0, column 0 would be rounded"):
        load(tmp_path / "ids.npz", test_size=0)
