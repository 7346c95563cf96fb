"""``minidl train`` adds an L2 penalty of 1 / n to a regression on a file, and says so."""

import json

import numpy as np
import pytest

from minidl.cli import main

TRAIN_ROWS = 45  # of 60


@pytest.fixture
def file(tmp_path):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 2)).round(3)
    rows = [f"{a},{b},{a - b + e:.3f}" for (a, b), e in zip(X, rng.normal(size=60), strict=True)]
    path = tmp_path / "rows.csv"
    path.write_text("\n".join(["a,b,y", *rows]))
    return str(path)


@pytest.fixture
def run(capsys):
    def train(*options):
        words = ["--epochs", "3", "--lr", "0.1", "--quiet", "--json", "-"]
        assert main(["train", *words, *options]) == 0
        return json.loads(capsys.readouterr().out)

    return train


def test_the_strength_on_a_file_is_one_by_the_number_of_training_rows(run, file):
    chosen, given = run("--dataset", file), run("--dataset", file, "--l2", str(1 / TRAIN_ROWS))
    assert chosen["settings"]["l2"] == 1 / TRAIN_ROWS
    losses = [record["history"]["columns"]["train_loss"] for record in (chosen, given)]
    assert losses[0] == losses[1]
    without = run("--dataset", file, "--l2", "0")
    assert without["settings"]["l2"] == 0
    assert without["history"]["columns"]["train_loss"][0] < losses[0][0]


@pytest.mark.parametrize(
    "options", ["--l1 0.01", "--weight-decay 0.01", "--optimizer adamw"], ids=str
)
def test_another_penalty_or_decay_takes_its_place(run, file, options):
    assert run("--dataset", file, *options.split())["settings"]["l2"] == 0


def test_a_classification_has_no_penalty(run, tmp_path):
    (tmp_path / "pets.csv").write_text("a,y\n" + "1,cat\n2,dog\n" * 20)
    assert run("--dataset", str(tmp_path / "pets.csv"))["settings"]["l2"] == 0


def test_named_data_sets_have_no_penalty(run, monkeypatch, tmp_path, file):
    assert run("--dataset", "diabetes")["settings"]["l2"] == 0
    monkeypatch.chdir(tmp_path)
    (tmp_path / "diabetes").write_text("a,y\n1,2\n")  # the name is that of the data set
    assert run("--dataset", "diabetes")["settings"]["l2"] == 0


@pytest.mark.parametrize("command", ["train --epochs 1 --quiet", "doctor"])
def test_the_summary_says_why_and_how_to_change_it(capsys, file, command):
    words = f"penalty L2 0.0222, 1 / {TRAIN_ROWS} training rows, is part of the losses; --l2"
    for options, said in (([], True), (["--l2", "0.0222"], False), (["--l1", "1"], False)):
        assert main([*command.split(), "--dataset", file, *options]) == 0
        text = " ".join(capsys.readouterr().out.split())
        assert (f"{words} sets another" in text) is said
        assert ("penalty" in text) is said
