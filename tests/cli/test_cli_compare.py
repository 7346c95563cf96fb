"""``minidl compare``: the race of the library, with every flag, printed and written."""

import json
from pathlib import Path

import pytest
from cli_process import SMALL_RACE

from minidl import datasets
from minidl.cli import commands, main
from minidl.comparison import Comparison, Experiment, compare
from minidl.optim import TABLE


def without_seconds(value):
    if isinstance(value, dict):
        return {k: without_seconds(v) for k, v in value.items() if k != "seconds"}
    return [without_seconds(v) for v in value] if isinstance(value, list) else value


def test_circles_with_all_six_prints_a_line_for_each_and_two_plain_sentences(capsys):
    assert main(["compare", "--dataset", "circles", "--seeds", "6", "--epochs", "8"]) == 0
    captured = capsys.readouterr()
    head, empty, header, *rest = captured.out.splitlines()
    assert head == (
        "circles, hidden 16,16 tanh: epochs until the training loss 0.1 has held for 3 epochs,"
        " at most 8; medians over 6 seeds"
    )
    assert empty == ""
    assert " ".join(header.split()) == (
        "optimizer batch lr reached epochs updates seconds final loss"
    )
    assert [line.split()[0] for line in rest[:6]] == [entry.name for entry in TABLE]
    assert [line.split()[1] for line in rest[:6]] == ["full", "1", "32", "32", "32", "32"]
    assert rest[4].split()[3:] == rest[5].split()[3:6] + rest[4].split()[6:]  # NAG and NAG
    assert rest[7].startswith("NAG against momentum: ")
    assert rest[8].startswith("NAG against gradient descent: ")
    assert rest[9].startswith("NAG against reformulated NAG: the same number of epochs on ")
    assert captured.err == ""


def test_it_is_the_race_of_the_library(raced):
    data = raced()
    settings = data["settings"]
    assert settings.pop("data") == {
        "rows": None,
        "noise": None,
        "test_size": 0.25,
        "target_column": None,
        "task": None,
    }
    library = compare("moons", optimizers=["momentum", "nag"], seeds=2, epochs=4)
    assert without_seconds(data) == without_seconds(json.loads(library.to_json()))


def test_options_left_out_have_the_values_that_help_states(monkeypatch, capsys):
    monkeypatch.setattr(Experiment, "runs", lambda self: iter(()))
    assert main(["compare", "--json", "-"]) == 0
    settings = json.loads(capsys.readouterr().out)["settings"]
    assert (settings["problem"], settings["epochs"], settings["sustained"]) == ("moons", 50, 3)
    assert settings["seeds"] == list(range(10))
    assert (settings["target_loss"], settings["target_accuracy"]) == (0.1, None)
    assert (settings["hidden"], settings["activation"]) == ([16, 16], "tanh")
    assert [
        (o["name"], o["lr"], o["momentum"], o["batch_size"]) for o in settings["optimizers"]
    ] == [
        ("batch", 0.1, None, "full"),
        ("stochastic", 0.1, None, 1),
        ("mini-batch", 0.1, None, 32),
        ("momentum", 0.1, 0.9, 32),
        ("nag", 0.1, 0.9, 32),
        ("nag-reformulated", 0.1, 0.9, 32),
    ]


@pytest.mark.parametrize(
    ("options", "key", "expected"),
    [
        ("--dataset circles", "problem", "circles"),
        ("--hidden 5", "hidden", [5]),
        ("--hidden none", "hidden", []),
        ("--activation relu", "activation", "relu"),
        ("--loss hinge", "loss", "hinge"),
        ("--epochs 2", "epochs", 2),
        ("--seeds 1", "seeds", [0]),
        ("--seeds 4,2", "seeds", [4, 2]),
        ("--seeds 4,", "seeds", [4]),
        ("--target-loss 0.2", "target_loss", 0.2),
        ("--target-accuracy 0.9", "target_accuracy", 0.9),
        ("--sustained 1", "sustained", 1),
    ],
)
def test_an_option_reaches_the_setting_that_it_names(options, key, expected, raced):
    assert raced(*options.split())["settings"][key] == expected


def test_rates_and_batches_are_those_of_every_contestant(raced):
    options = ["--lr", "0.2", "--momentum", "0.8", "--batch-size", "full"]
    data = raced(*options, "--optimizers", "Nesterov,gd,batch")
    assert data["settings"]["optimizers"] == [
        {"name": "nag", "lr": 0.2, "momentum": 0.8, "batch_size": "full"},
        {"name": "mini-batch", "lr": 0.2, "momentum": None, "batch_size": "full"},
        {"name": "batch", "lr": 0.2, "momentum": None, "batch_size": "full"},
    ]
    assert [run["history"]["columns"]["updates"][-1] for run in data["runs"]] == [4] * 6


def test_options_for_the_data_make_the_data(raced, monkeypatch):
    asked, really_load = [], datasets.load

    def load(name, **options):
        asked.append(options)
        return really_load(name, **options)

    monkeypatch.setattr(commands.datasets, "load", load)
    data = raced("--rows", "60", "--noise", "0.05", "--test-size", "0.5", "--seeds", "3,8")
    assert [(o["n"], o["noise"], o["test_size"]) for o in asked] == [(60, 0.05, 0.5)] * 2
    assert [(o["seed"], o["split_seed"]) for o in asked] == [(0, 3), (0, 8)]
    assert data["runs"][0]["history"]["columns"]["samples"][1] == 30
    assert data["settings"]["data"]["rows"] == 60


def test_a_file_of_ones_own_is_raced_on(tmp_path, capsys):
    rows = "".join(f"{i % 7},{i % 3},{'ab'[i % 7 > 3]}\n" for i in range(60))
    file = tmp_path / "own.csv"
    file.write_text(f"x,y,kind\n{rows}", encoding="utf-8")
    assert main([*SMALL_RACE, "--dataset", str(file), "--target-column", "kind"]) == 0
    assert capsys.readouterr().out.startswith("own.csv, hidden 16,16 tanh: epochs until ")


def test_the_record_is_written_beside_the_printed_table(tmp_path, capsys):
    file = tmp_path / "race.json"
    assert main([*SMALL_RACE, "--json", str(file)]) == 0
    assert capsys.readouterr().out == f"{Comparison.from_json(file)}\n"


def test_the_same_race_twice_prints_the_same_but_for_the_seconds(raced):
    first, second = raced(), raced()
    assert json.dumps(without_seconds(first)) == json.dumps(without_seconds(second))


DIVERGING = ["--dataset", "sine", "--lr", "5", "--optimizers", "gd,nag"]


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ([*DIVERGING, "--fail-on-diverge"], 3),
        (["--fail-on-diverge"], 0),
        (DIVERGING, 0),
        (["--fail-under-target", "--target-loss", "0.001"], 4),
        (["--fail-under-target", "--target-loss", "0.4", "--epochs", "12"], 0),
        (["--target-loss", "0.001"], 0),
        ([*DIVERGING, "--fail-on-diverge", "--fail-under-target"], 3),
        ([*DIVERGING, "--fail-under-target"], 4),
    ],
)
def test_the_exit_code_says_what_was_asked_for(options, code, raced):
    raced(*options, code=code)


@pytest.mark.parametrize("where", ["-", "race.json"])
def test_ctrl_c_after_three_runs_keeps_three(where, monkeypatch, tmp_path, capsys):
    monkeypatch.chdir(tmp_path)
    whole = Experiment.runs

    def cut(self):
        for number, run in enumerate(whole(self)):
            if number == 3:
                raise KeyboardInterrupt
            yield run

    monkeypatch.setattr(Experiment, "runs", cut)
    assert main([*SMALL_RACE, "--json", where]) == 130
    out = capsys.readouterr().out
    text = out if where == "-" else Path(where).read_text(encoding="utf-8")
    assert len(json.loads(text)["runs"]) == 3
    assert ("Interrupted: 3 of 4 runs were finished." in out) is (where != "-")
