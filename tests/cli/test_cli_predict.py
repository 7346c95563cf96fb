"""``minidl predict`` applies what ``minidl train --save`` wrote to the rows of a file."""

import csv

import numpy as np
import pytest

import minidl
from minidl import datasets, nn
from minidl.cli import main


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """A file of flowers with their classes, and the network trained on it."""
    folder = tmp_path_factory.mktemp("iris")
    data = datasets.load("iris", standardize=False, test_size=0.0)
    names = ["a", "b", "c", "d", "kind"]
    rows = [[*x, data.class_names[y]] for x, y in zip(data.X_train, data.y_train, strict=True)]
    with (folder / "iris.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([names, *rows])
    command = f"train --dataset {folder / 'iris.csv'} --target-column kind --epochs 30 --lr 0.1"
    assert main([*command.split(), "--quiet", "--save", str(folder / "iris.npz")]) == 0
    return folder, rows


def printed(capsys):
    return [line.split(",") for line in capsys.readouterr().out.splitlines()]


def test_one_class_is_printed_for_each_row_in_their_order(saved, capsys):
    folder, rows = saved
    assert main(["predict", str(folder / "iris.npz"), str(folder / "iris.csv")]) == 0
    head, *lines = printed(capsys)
    assert head == ["kind"]
    assert len(lines) == len(rows) == 150
    assert np.mean([line[0] == row[-1] for line, row in zip(lines, rows, strict=True)]) > 0.9


def test_columns_may_be_in_another_order_and_probabilities_add_up(saved, capsys, tmp_path):
    folder, rows = saved
    turned = tmp_path / "turned.csv"
    with turned.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, delimiter=";").writerows(
            [["d", "b", "c", "a"], *[(d, b, c, a) for a, b, c, d, _ in rows]]
        )
    model = str(folder / "iris.npz")
    assert main(["predict", model, str(turned), "--probabilities"]) == 0
    head, *lines = printed(capsys)
    assert head == ["kind=setosa", "kind=versicolor", "kind=virginica"]
    values = np.array(lines, dtype=float)
    np.testing.assert_allclose(values.sum(axis=1), 1.0)
    expected = minidl.load(model).predict_proba(folder / "iris.csv")
    assert np.array_equal(values, expected)  # every digit is printed


def test_out_writes_the_same_to_a_file_and_prints_nothing(saved, capsys, tmp_path):
    folder, _ = saved
    command = ["predict", str(folder / "iris.npz"), str(folder / "iris.csv")]
    assert main(command) == 0
    shown = capsys.readouterr().out
    assert main([*command, "--out", str(tmp_path / "out.csv")]) == 0
    assert capsys.readouterr().out == ""
    assert (tmp_path / "out.csv").read_text(encoding="utf-8") == shown


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["none.npz", "iris.csv"], "there is no file none.npz"),
        (["iris.npz", "none.csv"], "none.csv does not exist"),
        (["iris.csv", "iris.csv"], "iris.csv is not a saved model"),
        (["iris.npz", "short.csv"], "column 'd': it is absent"),
        (["iris.npz", "iris.csv", "--out", "no/out.csv"], "--out"),
    ],
)
def test_errors_name_the_file_and_columns(options, message, saved, capsys, monkeypatch):
    folder, _ = saved
    monkeypatch.chdir(folder)
    (folder / "short.csv").write_text("a,b\n1,2\n3,4\n", encoding="utf-8")
    assert main(["predict", *options]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert message in err
    assert err.startswith("minidl predict: error: ")


def test_other_words_and_missing_arguments_are_answered(capsys):
    for command, words in (
        (["predict"], "required: MODEL, FILE"),
        (["infer"], "predict model.npz"),
    ):
        with pytest.raises(SystemExit):
            main(command)
        assert words in capsys.readouterr().err


@pytest.fixture(scope="module")
def people(tmp_path_factory):
    """A network of a number and a country, trained with gaps in both, in an own folder."""
    folder = tmp_path_factory.mktemp("people")
    rows = [("", "DE", 0), ("20", "", 1), ("20", "DE", 0), ("40", "FR", 1)] * 4
    with (folder / "people.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("age", "country", "y"), *rows])
    command = f"train --dataset {folder / 'people.csv'} --missing most_frequent --lr 0.1 --quiet"
    assert main([*command.split(), "--epochs", "2", "--save", str(folder / "m.npz")]) == 0
    return folder


@pytest.mark.parametrize(
    ("rows", "notes"),
    [
        ("age,country\n30,DE\n41,FR\n", []),
        ("age,country\n30,XX\n41,YY\n1,XX\n,DE\n",
         ["'age': 1 missing value is filled with 20",
          "'country': 3 rows have 'XX', 'YY': not seen in training, treated as none of the "
          "known values"]),
        ("country,age\nXX,1\nNA,2\n,3\n",
         ["'country': 1 row has 'XX': not seen in training, treated as none of the known "
          "values; 2 missing values are filled with DE"]),
        ("age,country\n" + "".join(f"1,{letter}\n" for letter in "hgfedcba"),
         ["'country': 8 rows have 'h', 'g', 'f', 'e', 'd' and 3 more: not seen in training, "
          "treated as none of the known values"]),
        ("age,country\n1,7\n2,7\n",  # a column of numbers
         ["'country': 2 rows have '7': not seen in training, treated as none of the known "
          "values"]),
    ],
)  # fmt: skip
def test_unknown_and_missing_values_are_told(rows, notes, people, capsys, tmp_path):
    (tmp_path / "new.csv").write_text(rows, encoding="utf-8")
    command = ["predict", str(people / "m.npz"), str(tmp_path / "new.csv")]
    assert main(command) == 0
    out, err = capsys.readouterr()
    assert err.splitlines() == [f"minidl predict: note: column {note}" for note in notes]
    assert len(out.splitlines()) == rows.count("\n")


def test_columns_that_are_not_used_are_told_but_not_the_target(people, capsys, tmp_path):
    model, table = str(people / "m.npz"), tmp_path / "new.csv"
    for names, words in (
        ("id,age,country,y", "column 'id' is"),
        ("id,age,country,day", "columns 'id', 'day' are"),
    ):
        table.write_text(f"{names}\n1,20,DE,3\n2,40,FR,1\n", encoding="utf-8")
        assert main(["predict", model, str(table), "--probabilities"]) == 0
        note = f"minidl predict: note: {words} not used: the model was trained without\n"
        assert capsys.readouterr().err == note


def test_many_absent_columns_are_one_line(saved, capsys, tmp_path):
    data = datasets.load("digits", n=None)
    model = str(tmp_path / "digits.npz")
    minidl.Predictor(nn.mlp(64, 10, seed=0), data.preparation).save(model)
    assert main(["predict", model, str(saved[0] / "iris.csv")]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    names = ", ".join(map(repr, data.feature_names[:5]))
    assert line.endswith(f"columns {names} and 59 more: they are absent")


def test_exchanged_files_are_told(saved, capsys, monkeypatch):
    monkeypatch.chdir(saved[0])
    assert main(["predict", "iris.csv", "iris.npz"]) == 1
    words = "iris.csv is not a saved model. The model comes first: minidl predict iris.npz iris.csv"
    assert capsys.readouterr().err == f"minidl predict: error: {words}\n"
