"""``minidl predict`` applies what ``minidl train --save`` wrote to the rows of a file."""

import csv

import numpy as np
import pytest

import minidl
from minidl import datasets
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
