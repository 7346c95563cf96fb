"""Clipping, decay, restarts and schedules on the command line."""

from __future__ import annotations

import json

import pytest

from minidl.cli import main

SMALL = ["train", "--quiet", "--epochs", "3", "--rows", "80", "--lr", "0.3"]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--clip-norm", "0.5"], "ClipByNorm(NAG(lr=0.3, momentum=0.9), clip_norm=0.5)"),
        (["--restart", "function"], "FunctionRestart(NAG(lr=0.3, momentum=0.9))"),
        (
            ["--weight-decay", "0.1", "--optimizer", "adamw"],
            "AdamW(lr=0.3, beta1=0.9, beta2=0.999, epsilon=1e-08, weight_decay=0.1)",
        ),
        (
            ["--schedule", "cosine", "--clip-value", "1"],
            "ClipByValue(NAG(lr=CosineDecay(start=0.3, steps=6, end=0.003), momentum=0.9), "
            "clip_value=1.0)",
        ),
    ],
)
def test_options_reach_the_optimizer(options: list[str], expected: str, capsys) -> None:
    assert main([*SMALL, *options, "--json", "-"]) == 0
    assert json.loads(capsys.readouterr().out)["optimizer"] == expected


@pytest.mark.parametrize("schedule", ["cosine", "plateau"])
def test_a_run_with_a_schedule_that_diverges_suggests_a_smaller_start(schedule, capsys) -> None:
    arguments = ["train", "--quiet", "--epochs", "9", "--lr", "50", "--schedule", schedule]
    assert main(arguments) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert f"--schedule {schedule}" in out.partition("next:")[2]
    assert "--lr 5" in out.partition("next:")[2]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--clip-norm", "0"], "--clip-norm must be a positive finite number, got 0"),
        (["--restart", "loss"], '--restart must be "function" or "gradient", got \'loss\''),
        (["--schedule", "cosin"], "unknown schedule 'cosin'"),
        (["--restart", "gradient", "--optimizer", "gd"], "needs an optimizer with a velocity"),
        (["--clip-norm", "1", "--clip-value", "1"], "two ways to clip the gradient"),
    ],
)
def test_wrong_values_are_errors_of_the_option(options: list[str], message: str, capsys) -> None:
    assert main([*SMALL, *options]) == 2
    assert message in capsys.readouterr().err


def test_a_comparison_says_its_modifiers_and_keeps_them_in_the_next_command(capsys) -> None:
    words = "compare --quiet --rows 80 --optimizers gd,nag --lr 0.3 --seeds 6 --tuning-seeds 2"
    words += " --epochs 6 --sustained 1 --clip-norm 2 --schedule cosine --restart gradient"
    assert main(words.split()) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert "clip norm 2, restart gradient, schedule cosine" in out
    following = out.partition("next: ")[2]
    assert not following or "--clip-norm 2" in following
