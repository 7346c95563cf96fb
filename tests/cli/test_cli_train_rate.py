"""``minidl train`` without --lr chooses a learning rate, and says so."""

import json
import math

import pytest

from minidl import Trainer, datasets, nn, optim
from minidl.cli import main
from minidl.training import suggest, suggest_lr


def settings(capsys, *options):
    assert main(["train", "--rows", "60", "--epochs", "5", "--quiet", "--json", "-", *options]) == 0
    return json.loads(capsys.readouterr().out)


def suggested(optimizer, epochs=5):
    data = datasets.load("moons", n=60, seed=0)
    network = nn.mlp(2, 16, 16, 1, activation="tanh", seed=0)
    trainer = Trainer(network, "bce", optimizer, batch_size=32, seed=0)
    return suggest_lr(trainer, data.X_train, data.y_train, epochs=epochs).lr


@pytest.mark.parametrize(
    ("options", "optimizer"),
    [([], optim.NAG(0.5)), (["--optimizer", "gd"], optim.GradientDescent(0.5))],
)
def test_the_rate_is_that_of_suggest_lr_for_as_many_epochs(options, optimizer, capsys):
    record = settings(capsys, *options)
    lr = suggested(optimizer)
    assert record["settings"]["lr"] == lr
    assert f"lr={lr}" in record["optimizer"]


def test_the_summary_says_which_rate_of_which_and_why(capsys):
    assert main(["train", "--rows", "60", "--epochs", "5", "--quiet"]) == 0
    text = " ".join(capsys.readouterr().out.split())
    lr = suggested(optim.NAG(0.5))
    words = f"rate {lr:g} of 0.0003 to 0.3 predicts held-out training rows best; --lr sets another"
    assert words in text


@pytest.mark.parametrize(
    ("losses", "words"),
    [
        ([9, 8, 7, 6, 5, 4, 3], "rate 0.3 of 0.0003 to 0.3 predicts held-out training rows best; "),
        ([9, 8, 7, 6, 5, 4, math.inf], "rate 0.03 of 0.0003 to 0.3 predicts held-out training rows"
         " best but for 0.1, next to one that diverged; "),
        ([math.inf] * 7, "rate 0.0003, but all of 0.0003 to 0.3 diverged; "),
    ],
)  # fmt: skip
def test_the_summary_says_if_the_best_rate_was_not_chosen(losses, words, capsys, monkeypatch):
    monkeypatch.setattr(suggest, "_losses", lambda *_: losses)
    assert main(["train", "--rows", "60", "--epochs", "1", "--quiet"]) == 0
    assert f"{words}--lr sets another" in " ".join(capsys.readouterr().out.split())


def test_a_rate_that_was_given_is_used_and_not_explained(capsys):
    assert main(["train", "--rows", "60", "--epochs", "1", "--quiet", "--lr", "0.07"]) == 0
    text = capsys.readouterr().out
    assert "NAG(lr=0.07" in text
    assert "predicts held-out" not in text


def test_three_training_rows_are_too_few_to_choose_by(capsys):
    record = settings(capsys, "--dataset", "xor", "--rows", "4")
    assert record["settings"]["lr"] == 0.1


def test_an_optimizer_of_a_file_is_tried_at_smaller_rates(tmp_path, capsys):
    file = tmp_path / "mine.py"
    file.write_text("from minidl.optim import GradientDescent\nclass Mine(GradientDescent): ...\n")
    assert main(["train", "--rows", "60", "--epochs", "2", "--quiet", "--optimizer",
                 f"{file}:Mine"]) == 0  # fmt: skip
    assert " of 0.0003 to 0.3 predicts" in " ".join(capsys.readouterr().out.split())
