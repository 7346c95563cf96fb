"""``minidl train`` on uneven classes: the accuracy of each, by hand."""

from types import SimpleNamespace

import numpy as np
import pytest

from minidl import Trainer, nn
from minidl.cli import main
from minidl.cli.classes import accuracy_by_class


def words(train, test, predicted, names):
    """What is printed of classes with so many training rows, for these test rows."""
    model = nn.Dense(len(names), len(names), initializer="zeros", bias=False)
    model.weight.data[...] = np.eye(len(names))
    trainer = Trainer(model, "cross_entropy", "gd", lr=0.1)
    y_train = np.repeat(np.arange(len(names)), train)
    data = SimpleNamespace(y_train=y_train, n_classes=len(names), class_names=names)
    return accuracy_by_class(trainer, data, np.eye(len(names))[predicted], np.array(test))


@pytest.mark.parametrize(
    ("rows", "said"),
    [((20, 10), True), ((19, 10), False), ((10, 20), True), ((9, 9), False), ((1, 0), True)],
)
def test_classes_are_uneven_from_twice_the_rows_on(rows, said):
    found = words(rows, [0, 0, 1], [0, 1, 1], ("ham", "spam"))
    assert found == ("ham 0.500 (2 rows), spam 1.000 (1 row)" if said else None)


def test_the_worst_three_are_named_and_the_others_counted():
    test, predicted = [0, 0, 1, 1, 1, 2, 2, 3, 4, 4], [0, 1, 1, 0, 0, 2, 2, 0, 4, 0]
    found = words((9, 9, 9, 9, 3), test, predicted, tuple("abcde"))
    expected = "d 0.000 (1 row), b 0.333 (3 rows), a 0.500 (2 rows); the other 2 have 0.500 or more"
    assert found == expected
    found = words((9, 9, 9, 3), test[:8], predicted[:8], tuple("abcd"))
    assert found == expected.replace("the other 2 have 0.500 or more", "the other class has 1.000")


def test_of_equal_accuracies_that_of_more_rows_is_named_first():
    found = words((9, 2, 2), [0, 0, 1, 2, 2, 2], [1, 1, 0, 0, 0, 1], tuple("abc"))
    assert found == "c 0.000 (3 rows), a 0.000 (2 rows), b 0.000 (1 row)"


def test_classes_without_rows_are_named():
    found = words((9, 2, 2), [0, 2], [0, 0], tuple("abc"))
    assert found == "c 0.000 (1 row), a 1.000 (1 row); no rows of b"
    found = words((9, 2, 2, 2, 2, 2), [0], [0], tuple("abcdef"))
    assert found == "a 1.000 (1 row); no rows of b, c, d and 2 more"


def test_long_names_are_cut():
    found = words((2, 1), [0, 1], [0, 0], ("a" * 31, "b" * 30))
    assert found == f"{'b' * 30} 0.000 (1 row), {'a' * 27}... 1.000 (1 row)"


@pytest.fixture
def rare(tmp_path, monkeypatch):
    """A file in which no feature tells 4 of 40 rows from the others."""
    lines = [f"{k % 5},{'spam' if k % 10 == 0 else 'ham'}" for k in range(40)]
    (tmp_path / "rare.csv").write_text("\n".join(["x,label", *lines]) + "\n")
    monkeypatch.chdir(tmp_path)
    return ["train", "--dataset", "rare.csv", "--epochs", "20", "--quiet"]


@pytest.mark.parametrize(
    ("options", "line"),
    [
        ([], "validation accuracy by class: spam 0.000 (1 row), ham 1.000 (9 rows)"),
        (["--test-size", "0"], "training accuracy by class: spam 0.000 (4 rows), ham 1.000 (36"
                               " rows)"),
        (["--loss", "hinge"], "validation accuracy by class: spam 0.000 (1 row), ham 1.000 (9"
                              " rows)"),
    ],
)  # fmt: skip
def test_a_class_that_is_never_predicted_is_seen_under_the_accuracy(rare, options, line, capsys):
    assert main([*rare, "--lr", "0.01", *options]) == 0
    text = capsys.readouterr().out
    before = " no better than always guessing the largest class, 0.900\n"
    assert f"{before}{line}\n" in text.replace("\n  ", " ")
    assert max(map(len, text.splitlines())) <= 80


def test_even_classes_and_numbers_as_targets_have_no_such_line(rare, capsys):
    for words in (["train", "--quiet"], [*rare, "--loss", "mse"]):
        assert main([*words, "--lr", "0.01", "--epochs", "1"]) == 0
    assert "by class" not in capsys.readouterr().out
