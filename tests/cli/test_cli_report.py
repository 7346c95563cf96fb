"""``--report``: the page that train and compare write, and what is told before training."""

import json
import re

import pytest
from cli_process import SMALL_RACE, SMALL_RUN, TINY

from minidl.cli import main


def data_of(path):
    text = re.search(r'id="data">(.*?)</script>', path.read_text("utf-8"), re.S)[1]
    return json.loads(text)


def test_train_writes_the_page_of_its_history(tmp_path, capsys):
    page, record = tmp_path / "run.html", tmp_path / "run.json"
    options = ["--report", str(page), "--json", str(record), "--epochs", "5"]
    assert main([*SMALL_RUN, *options]) == 0
    printed = " ".join(capsys.readouterr().out.split())
    (part,) = data_of(page)["parts"]
    columns = json.loads(record.read_text())["history"]["columns"]
    (one,) = part["runs"]
    for column, _ in part["columns"]:
        assert one["values"][column] == columns[column]
    assert part["headline"].lower().rstrip(".") in printed.lower()
    for row in part["tables"][0]["rows"]:
        assert " ".join(row[:-1]) in printed
    assert f"best {part['open']} " in printed or f"last, best {part['open']} " in printed
    assert data_of(page)["made"]["command"].startswith("minidl train --rows 40 --epochs 1")


def test_compare_writes_the_page_of_its_result(tmp_path, capsys):
    page, record = tmp_path / "race.html", tmp_path / "race.json"
    assert main([*SMALL_RACE, "--out", str(record), "--report", str(page)]) == 0
    printed = " ".join(capsys.readouterr().out.split())
    (part,) = data_of(page)["parts"]
    assert part["headline"] in printed
    runs = json.loads(record.read_text())["comparisons"][0]["runs"]
    seed = int(re.search(r"seed (\d+)", part["seed"])[1])
    for one in part["runs"]:
        same = [r for r in runs if (r["optimizer"], r["seed"]) == (one["name"], seed)]
        curves = [r["curves"]["train_loss"] for r in same if not r.get("twin")]
        assert one["values"]["train_loss"] in curves


def test_a_page_is_written_from_a_file_with_the_data_of_its_command(tmp_path, capsys):
    page, again, record = (tmp_path / name for name in ("a.html", "b.html", "race.json"))
    assert main([*SMALL_RACE, "--out", str(record), "--report", str(page)]) == 0
    assert main(["compare", "--from", str(record), "--report", str(again)]) == 0
    assert data_of(again) == data_of(page)


def test_every_comparison_of_a_study_is_a_part(tmp_path, capsys):
    page, record = tmp_path / "study.html", tmp_path / "study.json"
    race = ["compare", "--problems", "moons,sine", "--optimizers", "gd,nag", "--lr", "0.1", *TINY]
    assert main([*race, "--batch-size", "16,full", "--out", str(record)]) == 0
    assert main(["compare", "--from", str(record), "--report", str(page)]) == 0
    parts = data_of(page)["parts"]
    assert [part["kicker"].split(": ")[1] for part in parts] == ["moons", "moons", "sine", "sine"]
    assert [len(part["picture"]["axes"]) for part in parts] == [2, 2, 1, 1]
    assert ["batch 16" in part["context"][0] for part in parts] == [True, False, True, False]


@pytest.fixture
def nothing_trained(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("minidl.training.Trainer.fit", None)
    monkeypatch.setattr("minidl.comparison.executor.Executor.run", None)


@pytest.mark.usefixtures("nothing_trained")
@pytest.mark.parametrize("command", [SMALL_RUN, SMALL_RACE])
@pytest.mark.parametrize(
    ("file", "said", "code"),
    [("a.pdf", "ends in .html", 2), ("no/a.html", "there is no folder", 1), ("-", "a file", 2)],
)
def test_a_page_that_cannot_be_written_is_told_before_training(command, file, said, code, capsys):
    assert main([*command, "--report", file]) == code
    assert said in capsys.readouterr().err


def test_no_epoch_is_a_page_too(tmp_path, capsys):
    page = tmp_path / "run.html"
    assert main([*SMALL_RUN, "--epochs", "0", "--report", str(page)]) == 0
    assert data_of(page)["parts"][0]["stops"] == [0]


def test_a_sentence_that_starts_with_an_optimizer_keeps_its_name(tmp_path, capsys):
    page = tmp_path / "run.html"
    options = ["--lr", "1e4", "--loss", "mse", "--epochs", "5", "--report", str(page)]
    assert main([*SMALL_RUN, *options]) == 0
    (part,) = data_of(page)["parts"]
    assert part["runs"][0]["diverged"] is not None
    (words,) = [words for words in part["answer"] if "diverged" in words]
    assert words.startswith("nag diverged")
    assert part["headline"].startswith("Validation RMSE")
