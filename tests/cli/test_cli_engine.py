"""``--engine`` of ``minidl train`` and ``compare``, and where the output says which one ran."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from minidl import __version__
from minidl.cli import main
from minidl.cli.run_file import _compare
from minidl.errors import ArgumentError
from minidl.training.engine_choice import NO_MACHINE, instruction_set

TRAIN = ["train", "--lr", "0.03", "--epochs", "10", "--quiet"]
RACE = ["compare", "--quick", "--epochs", "6", "--seeds", "3", "--tuning-seeds", "2"]
RACE += ["--lr", "0.125,0.5", "--sustained", "1", "--jobs", "1", "--optimizers", "gd,nag"]


def printed(capsys: pytest.CaptureFixture[str], *words: str, code: int = 0) -> str:
    assert main(list(words)) == code
    out, err = capsys.readouterr()
    return out if code == 0 else err


def compiled() -> str:
    return f"compiled ({instruction_set()})"


def test_the_version_names_the_engine(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(["--version"])
    assert end.value.code == 0
    assert capsys.readouterr().out == f"minidl {__version__}\nengine: {compiled()}\n"


def test_train_says_which_engine_ran(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    page, record = tmp_path / "page.html", tmp_path / "run.json"
    files = ["--report", str(page), "--json", str(record)]
    out = printed(capsys, *TRAIN, *files)
    assert re.search(rf"^240 updates in .* s, {re.escape(compiled())}$", out, re.MULTILINE)
    assert f"engine: {compiled()}" in page.read_text()
    assert json.loads(record.read_text())["engine"] == compiled()
    assert json.loads(record.read_text())["settings"]["engine"] == "auto"
    assert re.search(r" s, eager$", printed(capsys, *TRAIN, "--engine", "eager"), re.MULTILINE)
    few = printed(capsys, *TRAIN, "--epochs", "2")
    assert "s, eager, because there were too few steps" in few


def test_both_engines_print_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    texts = [
        re.sub(r" in .* s, .*|--engine \w+|  +| \\\n", " ", printed(capsys, *TRAIN, "--engine", e))
        for e in ("auto", "eager", "compiled")
    ]
    assert texts[0] == texts[1] == texts[2]


def test_compare_says_which_engine_ran(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    file, page = str(tmp_path / "race.json"), tmp_path / "race.html"
    out = printed(capsys, *RACE, "--out", file, "--report", str(page))
    assert f"; engine: {compiled()}\n" in out
    assert f"engine: {compiled()}" in page.read_text()
    assert out == printed(capsys, "compare", "--from", file)
    other = printed(capsys, *RACE, "--engine", "eager", "--out", file, code=1)
    assert "engine is 'auto' there, 'eager' requested" in other
    assert "; engine: eager\n" in printed(capsys, *RACE, "--engine", "eager")
    refused = printed(capsys, "compare", "--from", file, "--engine", "eager", code=2)
    assert "on which --engine would have no effect" in refused


def test_a_checkpoint_goes_on_with_the_same_engine_only(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    run = [*TRAIN, "--checkpoint", str(tmp_path / "run.ckpt")]
    printed(capsys, *run)
    words = printed(capsys, *run, "--resume", "--engine", "eager", code=2)
    assert "--engine was auto, now eager" in words
    assert f", {compiled()}\n" in printed(capsys, *run, "--resume")


def test_an_older_checkpoint_is_one_of_the_eager_engine() -> None:
    same: dict[str, Any] = {"rows": "", "code": []}
    old, lr = {"options": {"lr": 0.1}, **same}, {"lr": 0.1}
    _compare("run.ckpt", old, {"options": {**lr, "engine": "eager"}, **same})
    with pytest.raises(ArgumentError, match="--engine was eager, now auto"):
        _compare("run.ckpt", old, {"options": {**lr, "engine": "auto"}, **same})


@pytest.mark.usefixtures("without_machine")
def test_an_installation_without_the_machine(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--version"])
    assert f"engine: eager, because {NO_MACHINE}\n" in capsys.readouterr().out
    out = printed(capsys, *TRAIN).replace("\n  ", " ")
    assert f" s, eager, because {NO_MACHINE}" in out
    assert "engine: eager, because" in printed(capsys, *RACE)
    for command in (TRAIN, RACE):
        words = printed(capsys, *command, "--engine", "compiled", code=2)
        assert "there is no compiled engine" in words
        assert "Install a C compiler" in words


@pytest.mark.parametrize("command", [TRAIN, RACE])
def test_wrong_names_are_an_error(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    words = printed(capsys, *command, "--engine", "fast", code=2)
    assert '--engine must be "auto", "eager" or "compiled", got ' in words
