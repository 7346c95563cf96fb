"""What ``minidl train`` leaves behind: files, exit codes, words on a divergence."""

import csv
import json
import os

import numpy as np
import pytest
from cli_process import SMALL_RUN

import minidl
from minidl import Trainer, datasets
from minidl.cli import main
from minidl.optim import lookup


def test_the_history_can_be_written_as_a_table(trained, tmp_path):
    record = trained("--csv", str(tmp_path / "history.csv"), "--epochs", "2")
    with (tmp_path / "history.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    columns = record["history"]["columns"]
    assert list(rows[0]) == list(columns)
    assert [float(row["train_loss"]) for row in rows] == columns["train_loss"]


@pytest.mark.parametrize(
    ("dataset", "extra"),
    [
        ("moons", {"x_mean", "x_scale", "class_names"}),
        ("sine", {"x_mean", "x_scale", "y_mean", "y_scale"}),
    ],
)
def test_a_saved_model_predicts_the_same_and_knows_its_scales(dataset, extra, trained, tmp_path):
    file = tmp_path / "model.npz"
    record = trained("--dataset", dataset, "--epochs", "3", "--save", str(file))
    data = datasets.load(dataset, n=40, seed=0)
    loss = "bce" if dataset == "moons" else "mse"
    model = minidl.load_model(file)
    found = Trainer(model, loss, optimizer=lookup("gd").make(0.1))
    final = record["history"]["columns"]["train_loss"][-1]
    assert found.evaluate(data.X_train, data.y_train)["loss"] == final
    with np.load(file) as arrays:
        assert {f"extra/{name}" for name in extra} <= set(arrays)
        assert np.array_equal(arrays["extra/x_scale"], data.x_scale)


def test_json_replaces_the_file_behind_a_link(tmp_path):
    file, link = tmp_path / "out.json", tmp_path / "link.json"
    file.touch()
    link.symlink_to(file)
    assert main([*SMALL_RUN, "--json", str(link)]) == 0
    assert link.is_symlink()
    assert json.loads(file.read_text(encoding="utf-8"))["settings"]["json"] == str(link)


def test_pipes_and_devices_are_refused_before_training(tmp_path, capsys):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for file, what in ((pipe, "a pipe"), ("/dev/null", "a device"), ("/dev/stdout", "a ")):
        assert main([*SMALL_RUN, "--csv", str(file)]) == 1
        captured = capsys.readouterr()
        assert captured.out == ""
        assert f"--csv: cannot write {file}: it is {what}" in captured.err
        assert "Name a regular file, or leave it out." in captured.err


def write_csv(path):
    generator = np.random.default_rng(0)
    X = generator.normal(size=(40, 2))
    words = np.where(X[:, 0] > X[:, 1], "yes", "no")
    lines = [f"{a:.6f},{word},{b:.6f}" for (a, b), word in zip(X, words, strict=True)]
    path.write_text("\n".join(["height,won,width", *lines, ""]), encoding="utf-8")


@pytest.mark.parametrize("column", ["won", "1", "-2"])
def test_a_file_of_ones_own_is_trained_on(column, tmp_path, capsys):
    write_csv(tmp_path / "games.csv")
    command = ["train", "--dataset", str(tmp_path / "games.csv"), "--target-column", column]
    assert main([*command, "--epochs", "40", "--quiet", "--target-accuracy", "0.95"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("games.csv: binary, 2 features, 2 classes\ntraining rows: 30 (no: ")
    assert "target training accuracy 0.95 reached in epoch" in out


def test_the_task_of_a_file_can_be_said(tmp_path, capsys):
    file = tmp_path / "ages.csv"
    file.write_text("x,target\n" + "".join(f"{i},{i % 4}\n" for i in range(40)), encoding="utf-8")
    for task, said in (("regression", "regression"), ("classification", "multiclass")):
        command = ["train", "--dataset", str(file), "--task", task]
        assert main([*command, "--epochs", "1", "--quiet"]) == 0
        assert capsys.readouterr().out.startswith(f"ages.csv: {said}, 1 feature")


DIVERGING = ["train", "--dataset", "sine", "--optimizer", "gd", "--lr", "5", "--quiet"]


def test_a_divergence_is_told_with_its_epoch_and_advice(capsys):
    assert main(DIVERGING) == 0
    captured = capsys.readouterr()
    words = " ".join(captured.out.split())
    assert "gd diverged in epoch " in words
    assert "Try a learning rate ten times smaller." in words
    command = "minidl train --dataset sine --optimizer gd --lr 0.5 --quiet"
    assert captured.out.splitlines()[-1] == f"next: {command}"
    assert "nan" not in captured.out
    assert captured.err == ""


def test_a_model_saved_after_a_divergence_has_the_last_good_weights_and_it_is_said(
    capsys, tmp_path
):
    file = tmp_path / "model.npz"
    assert main([*DIVERGING, "--save", str(file), "--json", str(tmp_path / "run.json")]) == 0
    told = capsys.readouterr().out.splitlines()[-1]
    columns = json.loads((tmp_path / "run.json").read_text())["history"]["columns"]
    epoch = columns["epoch"][-1]
    assert (
        told == f"saved      {file} has the weights after epoch {epoch}, the last before the run"
        " diverged"
    )
    data = datasets.load("sine", seed=0)
    trainer = Trainer(minidl.load_model(file), "mse", optimizer=lookup("gd").make(0.1))
    assert trainer.evaluate(data.X_train, data.y_train)["loss"] == columns["train_loss"][-1]
    assert main([*DIVERGING, "--save", str(file), "--json", "-"]) == 0
    assert capsys.readouterr().err.strip() == told


def test_a_run_that_ends_above_where_it_began_says_so(capsys):
    assert main(["train", "--lr", "10", "--epochs", "3", "--quiet"]) == 0
    assert "\nnag has made the training loss worse: " in capsys.readouterr().out
    assert main(["train", "--epochs", "3", "--quiet"]) == 0
    assert "worse" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ([*DIVERGING, "--fail-on-diverge"], 3),
        ([*SMALL_RUN, "--fail-on-diverge"], 0),
        ([*SMALL_RUN, "--fail-under-target", "--target-loss", "0.001"], 4),
        ([*SMALL_RUN, "--fail-under-target", "--target-accuracy", "1"], 4),
        ([*SMALL_RUN, "--fail-under-target", "--target-loss", "0.69", "--epochs", "20"], 0),
        ([*SMALL_RUN, "--target-loss", "0.001"], 0),
        ([*DIVERGING, "--fail-on-diverge", "--fail-under-target", "--target-loss", "0.001"], 3),
        ([*DIVERGING, "--fail-under-target", "--target-loss", "0.001"], 4),
    ],
)
def test_the_exit_code_says_what_was_asked_for(options, code, capsys):
    assert main(options) == code


def test_a_failing_exit_code_still_comes_with_the_result(trained, tmp_path):
    file = tmp_path / "model.npz"
    trained("--fail-under-target", "--target-loss", "0.001", "--save", str(file), code=4)
    assert file.exists()


def test_the_same_command_twice_writes_the_same_bytes_but_for_the_seconds(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    texts = []
    for _ in range(2):
        assert main([*SMALL_RUN, "--epochs", "5", "--json", "out.json"]) == 0
        text = (tmp_path / "out.json").read_text(encoding="utf-8")
        before, rest = text.split('"seconds": [')
        texts.append((before, rest.split("]", 1)[1]))
    assert texts[0] == texts[1]
