"""``minidl train``: every flag reaches what it names, and the result is told and written."""

import json
import shlex

import numpy as np
import pytest
from cli_process import SMALL_RUN

import minidl
from minidl import Trainer, datasets, nn
from minidl.cli import main
from minidl.optim import TABLE, lookup

ISSUE = (
    "train --dataset moons --optimizer nag --lr 0.1 --momentum 0.9 --hidden 16,16"
    " --activation tanh --epochs 100 --batch-size 32 --seed 0 --target-loss 0.05"
    " --json out.json --save model.npz"
)


def by_hand(epochs=100, target=None):
    data = datasets.load("moons", seed=0)
    model = nn.mlp(2, 16, 16, 1, activation="tanh", seed=0)
    optimizer = lookup("nag").make(0.1, 0.9)
    trainer = Trainer(model, "bce", optimizer=optimizer, batch_size=32, seed=0)
    trainer.fit(data.X_train, data.y_train, epochs=epochs, validation=(data.X_test, data.y_test))
    return model, trainer.history


def test_the_command_of_the_manual_trains_what_the_library_would(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(shlex.split(ISSUE)) == 0
    model, history = by_hand()
    record = json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))
    expected = history.to_dict()["columns"]
    assert list(record["history"]["columns"]) == list(expected)
    for name in set(expected) - {"seconds"}:
        assert record["history"]["columns"][name] == expected[name]
    X = np.random.default_rng(0).normal(size=(9, 2))
    saved = minidl.load_model(tmp_path / "model.npz")
    assert np.array_equal(saved(X).data, model(X).data)
    last = history.row(-1)
    shown = capsys.readouterr().out.splitlines()
    assert shown[:6] == [
        "moons: binary, 2 features, 2 classes",
        "training rows: 750 (0: 375, 1: 375)",
        "test rows: 250 (0: 125, 1: 125)",
        "model      Sequential(Dense(2, 16), Tanh(), Dense(16, 16), Tanh(),",
        "           Dense(16, 1)), 337 parameters",
        "optimizer  nag: NAG(lr=0.1, momentum=0.9), batch size 32",
    ]
    names = ("train_loss", "train_accuracy", "validation_loss", "validation_accuracy")
    row = next(line.split() for line in shown if line.startswith("last"))
    assert row == ["last", "100", *(f"{last[name]:.4f}" for name in names)]
    assert any(line.startswith("2400 updates in ") for line in shown)
    assert "target training loss 0.05 not reached" in shown


@pytest.mark.parametrize(
    ("typed", "name"),
    [(word, e.name) for e in TABLE for word in (e.name, *e.aliases, e.name.upper())],
)
def test_every_name_and_alias_of_the_table_is_an_optimizer(typed, name, trained):
    entry = lookup(name)
    record = trained("--optimizer", typed)
    assert record["optimizer"] == repr(entry.make(0.1))
    assert record["batch_size"] == entry.batch_size


@pytest.mark.parametrize(
    ("options", "key", "expected"),
    [
        ("--lr 0.03", "optimizer", "NAG(lr=0.03, momentum=0.9)"),
        ("--momentum 0.5", "optimizer", "NAG(lr=0.1, momentum=0.5)"),
        ("--optimizer gd", "optimizer", "GradientDescent(lr=0.1)"),
        ("--batch-size 7", "batch_size", 7),
        ("--batch-size full", "batch_size", "full"),
        ("--batch-size FULL", "batch_size", "full"),
        ("--optimizer batch --batch-size full", "batch_size", "full"),
        ("--loss hinge", "loss", "Hinge()"),
        ("--loss mse", "loss", "MeanSquaredError()"),
        ("--dataset iris --rows 40", "loss", None),
        ("--hidden 5", "model", "Sequential(Dense(2, 5), Tanh(), Dense(5, 1))"),
        ("--hidden none", "model", "Sequential(Dense(2, 1))"),
        (
            "--hidden 3,4 --activation relu",
            "model",
            "Sequential(Dense(2, 3), ReLU(), Dense(3, 4), ReLU(), Dense(4, 1))",
        ),
        (
            "--hidden 4 --dropout 0.25",
            "model",
            "Sequential(Dense(2, 4), Tanh(), Dropout(0.25), Dense(4, 1))",
        ),
    ],
)
def test_an_option_reaches_what_it_names(options, key, expected, trained, capsys):
    if expected is None:  # rows cannot be chosen for a measured set
        assert main([*SMALL_RUN, *options.split()]) == 2
        assert "--rows applies to generated data sets only" in capsys.readouterr().err
    else:
        assert trained(*options.split())[key] == expected


def test_options_left_out_have_the_values_that_help_states(trained):
    assert trained()["settings"] == {
        "dataset": "moons",
        "rows": 40,
        "noise": None,
        "test_size": 0.25,
        "target_column": None,
        "task": None,
        "features": None,
        "drop": None,
        "missing": None,
        "categorical": None,
        "header": False,
        "no_header": False,
        "separator": None,
        "decimal": None,
        "optimizer": "nag",
        "lr": 0.1,
        "momentum": 0.9,
        "batch_size": None,
        "hidden": [16, 16],
        "activation": "tanh",
        "loss": None,
        "initializer": None,
        "dropout": 0.0,
        "l1": 0.0,
        "l2": 0.0,
        "epochs": 1,
        "engine": "auto",
        "seed": 0,
        "schedule": None,
        "clip_norm": None,
        "clip_value": None,
        "weight_decay": None,
        "restart": None,
        "target_loss": None,
        "target_accuracy": None,
        "early_stopping": None,
        "json": "-",
        "csv": None,
        "report": None,
        "save": None,
        "plot": None,
        "quiet": True,
        "fail_on_diverge": False,
        "fail_under_target": False,
    }


def initial_loss(record):
    return record["history"]["columns"]["train_loss"][0]


def test_the_seed_the_noise_and_the_rows_make_other_data(trained):
    losses = [
        initial_loss(trained(*options.split()))
        for options in ("", "--seed 1", "--noise 0", "--rows 41", "--dataset circles")
    ]
    assert len(set(losses)) == 5


def test_the_seed_is_that_of_rows_weights_and_order(trained):
    data = datasets.load("moons", n=40, seed=3)
    model = nn.mlp(2, 16, 16, 1, activation="tanh", seed=3)
    trainer = Trainer(model, "bce", optimizer=lookup("nag").make(0.1), batch_size=8, seed=3)
    losses = trainer.fit(data.X_train, data.y_train, epochs=2)["train_loss"].tolist()
    record = trained("--seed", "3", "--batch-size", "8", "--epochs", "2")
    assert record["history"]["columns"]["train_loss"] == losses


def test_zero_weights_begin_at_the_loss_of_a_coin(trained):
    assert initial_loss(trained("--initializer", "zeros")) == pytest.approx(np.log(2))


@pytest.mark.parametrize("penalty", ["--l2", "--l1"])
def test_the_penalty_is_part_of_the_loss(penalty, trained):
    assert initial_loss(trained(penalty, "1")) > initial_loss(trained()) + 1


def test_epochs_are_as_many_as_were_asked_for(trained):
    assert trained("--epochs", "3")["history"]["columns"]["epoch"] == [0, 1, 2, 3]
    assert trained("--epochs", "0")["history"]["columns"]["epoch"] == [0]


def test_without_test_rows_nothing_is_validated(trained):
    assert "validation_loss" in trained()["history"]["columns"]
    assert "validation_loss" not in trained("--test-size", "0")["history"]["columns"]


@pytest.mark.parametrize(
    ("target", "column"),
    [(["--target-loss", "0.4"], "train_loss"), (["--target-accuracy", "0.8"], "train_accuracy")],
)
def test_training_stops_at_the_target(target, column, trained, capsys):
    record = trained(*target, "--epochs", "200")
    values = record["history"]["columns"][column]
    assert record["history"]["stopped_by"] == "target"
    sign = 1 if column == "train_loss" else -1
    assert sign * values[-1] <= sign * float(target[1])
    assert all(sign * value > sign * float(target[1]) for value in values[:-1])
    assert main([*SMALL_RUN, *target, "--epochs", "200"]) == 0
    goal = f"target training {column.removeprefix('train_')} {target[1]}"
    assert f"{goal} reached in epoch {len(values) - 1}\n" in capsys.readouterr().out


def test_a_part_that_gets_no_gradient_is_told_on_standard_error(capsys):
    arguments = "train --hidden 4 --activation relu --initializer zeros --epochs 2 --quiet"
    assert main(shlex.split(arguments)) == 0
    told = capsys.readouterr().err
    assert told.startswith("minidl train: warning: the gradient of 0.weight, 0.bias was")
    assert told.count("\n") == 1


@pytest.mark.parametrize(
    ("typed", "momentum"),
    [
        (["--optimizer", "rmsprop"], 0.0),
        (["--optimizer", "rmsprop", "--momentum", "0.5"], 0.5),
        (["--optimizer", "momentum"], 0.9),
        (["--optimizer", "adam"], None),
    ],
)
def test_a_momentum_left_out_is_that_of_the_rule(typed, momentum, trained):
    record = trained(*typed, "--lr", "0.01")
    assert record["settings"]["momentum"] == momentum
    if momentum is not None:
        assert f"momentum={momentum}" in record["optimizer"]


def test_a_momentum_for_a_rule_without_one_is_an_error(capsys):
    """It would do nothing, silently."""
    assert main(["train", "--optimizer", "adam", "--momentum", "0.5", "--epochs", "1"]) == 2
    assert "adam has no momentum: got --optimizer adam --momentum 0.5" in capsys.readouterr().err
