"""All problems of a table at once, and the options that make it train when they are typed."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from minidl.cli import main
from minidl.datasets import load
from minidl.errors import ArgumentError, TableError, UnknownNameError

HARD = """\
rowid;species;weight;sex;found;price;note;share
1;Adelie;3,5;m;2007-11-11;$200;fat;12%
2;Adelie;;f;2007-11-12;$300;lost a wing;3%
3;Gentoo;4,25;f;2007-11-13;$400;tame;4%
4;Gentoo;5,5;;2007-11-14;$1;shy;50%
5;Adelie;3;m;2007-11-15;$20;old;6%
6;Gentoo;5;m;2007-11-16;$35;NA;7%
"""
WAYS = 'Add missing="drop", "mean" or "most_frequent".'


@pytest.fixture
def hard(tmp_path: Path) -> Path:
    (tmp_path / "birds.csv").write_text(HARD, encoding="utf-8")
    return tmp_path / "birds.csv"


def test_one_pass_names_column_rows_and_option_of_every_problem(hard: Path) -> None:
    with pytest.raises(TableError) as caught:
        load(hard, target="species")
    assert str(caught.value).splitlines() == [
        f"file {hard} has 5 problems:",
        "  column 'weight': decimal commas in 3 of 6 rows, such as '3,5' (line 2)."
        " Add decimal=','.",
        "  column 'found': dates or times in 6 of 6 rows, such as '2007-11-11' (line 2)."
        " Add drop=['found'].",
        "  column 'note': text with 5 different values in 6 rows, such as 'fat' (line 2)."
        " Add drop=['note'].",
        f"  column 'weight': missing in 1 of 6 rows (line 3). {WAYS}",
        f"  column 'sex': missing in 1 of 6 rows (line 5). {WAYS}",
        "to use it all the same, add: decimal=',', drop=['found', 'note'], missing='mean'",
    ]


def typed_options(error: str) -> list[str]:
    """Return the options that an error of the command line proposes."""
    last = error.splitlines()[-1]
    return shlex.split(re.sub(r"^to use it all the same, add: |; the others need.*", "", last))


def test_the_options_that_are_proposed_make_it_train(
    hard: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["train", "--dataset", str(hard), "--target-column", "species", "--epochs", "1"]
    assert main([*command, "--quiet"]) == 1
    printed = capsys.readouterr().err
    assert "Add --missing drop|mean|most_frequent." in printed
    options = typed_options(printed)
    assert options == ["--decimal", ",", "--drop", "found,note", "--missing", "mean"]
    assert main([*command, "--quiet", *options]) == 0
    lines = capsys.readouterr().out.replace("\n           ", " ").splitlines()
    assert lines[3:9] == [
        "target     'species': 2 different texts in 6 rows, so classes",
        "left out   'rowid': it numbers the rows; to keep it, name it in --features",
        "one-hot    'sex' (2)",
        "numbers    'price': read without currency signs",
        "numbers    'share': read without percent signs",
        "missing    2 values in 2 columns, filled with the mean of the training rows"
        " (of text, the most frequent)",
    ]


NAMES = """"a b","it's, me",y\n2020-01-01,x,0\n2020-01-02,z,1\n2020-01-03,w,0\n2020-01-04,v,1\n"""


def test_names_with_commas_and_quotes_can_be_typed_as_they_are_proposed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.csv").write_text(NAMES.replace("\n", ",1\n").replace("y,1", "y,c", 1))
    command = ["train", "--dataset", str(tmp_path / "a.csv"), "--epochs", "1", "--quiet"]
    assert main(command) == 1
    options = typed_options(capsys.readouterr().err)
    assert options == ["--drop", 'a b,"it\'s, me"']
    assert main([*command, *options]) == 0


@pytest.mark.parametrize(
    ("text", "arguments", "typed"),
    [
        ("1.5,3,0\n2.5,4,1\n3,4,0\n1,4,1", {"target": -1}, "--no-header"),
        ("0,1,2\n2.5,4,1\n3,4,0\n1,4,1\n1,2,0\n", {"target": -1}, "--header"),
        ("a,y\n1,p\n2,q\n3,p\n", {}, "--test-size 0"),
        ("a,y\n1,2.5\n2,x\n3,4.5\n4,x\n5,5\n6,5\n7,2.5\n8,4.5\n", {}, "--task classification"),
        ("a,y\n,1.5\n2,\n3,2.5\n4,5\n5,7.5\n", {}, "--missing drop"),
        ("a,b,y\n,1,1.5\n,2,\n3,3,2.5\n,4,5\n5,5,7.5\n", {}, "--drop a --missing drop"),
        # Without a, which is to be dropped, there are complete rows of both classes.
        ("a,b,y\n,1,u\n7,2,\n,3,v\n,4,u\n,5,v\n", {}, ": --drop a --missing drop"),
        ("k,y\na,1.5\nb,2\na,3\nb,1\n", {"categorical": "error"}, "--categorical onehot"),
        ("a,b\n1,0\n2,1\n3,0\n4,1\n", {}, "--target-column NAME"),
    ],
)
def test_each_problem_has_the_option_that_deals_with_it(
    text: str, arguments: dict[str, object], typed: str, tmp_path: Path
) -> None:
    (tmp_path / "a.csv").write_text(text)
    with pytest.raises(TableError) as caught:
        load(tmp_path / "a.csv", **arguments)
    message = caught.value.typed
    assert typed in message.splitlines()[-1], message
    assert "need another file" not in message


def test_a_problem_without_an_option_is_said_to_need_another_file(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("a,b,y\n1,2020-01-01,3\n2,2020-01-02,3\n")
    with pytest.raises(TableError) as caught:
        load(tmp_path / "a.csv")
    last = "to use it all the same, add: drop=['b']; the others need another file"
    assert str(caught.value).splitlines()[-1] == last
    assert caught.value.typed.splitlines()[-1] == last.replace("drop=['b']", "--drop b")


def test_many_rows_and_columns_are_listed_in_short(tmp_path: Path) -> None:
    rows = "".join(f"{'' if i % 2 else i},{i % 3},{i % 2}\n" for i in range(100))
    (tmp_path / "a.csv").write_text("a,b,y\n" + rows)
    with pytest.raises(TableError, match=r"in 50 of 100 rows \(lines 3, 5, 7, 9, 11 and 45 more\)"):
        load(tmp_path / "a.csv")
    names = ",".join(f"c{k}" for k in range(40))
    (tmp_path / "b.csv").write_text(f"{names}\n{','.join('1' * 40)}\n")
    with pytest.raises(TableError, match=r"'c10', 'c11' and 28 more"):
        load(tmp_path / "b.csv")


@pytest.mark.parametrize(
    ("argument", "value", "kind"),
    [
        ("missing", "median", ArgumentError),
        ("categorical", "ordinal", ArgumentError),
        ("task", "clasification", UnknownNameError),
        ("decimal", ";", ArgumentError),
        ("features", "a", ArgumentError),
        ("drop", [1.5], ArgumentError),
    ],
)
def test_an_unknown_way_is_an_error_before_the_file_is_read(
    argument: str, value: object, kind: type[Exception], tmp_path: Path
) -> None:
    with pytest.raises(kind, match=argument):
        load(tmp_path / "none.csv", **{argument: value})
