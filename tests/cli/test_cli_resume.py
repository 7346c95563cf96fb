"""``minidl train --checkpoint --resume``: killed at any instant, the same bytes at the end."""

import re
import sys
from pathlib import Path

import pytest

from minidl.cli import main

sys.path.insert(0, str(Path(__file__).parents[1] / "attack"))
from kills import COMMANDS, attack, results

RUN = ["train", "--rows", "40", "--epochs", "6", "--quiet", "--checkpoint", "r.ckpt", "--resume"]
RUN += ["--save", "m.npz", "--json", "h.json"]


@pytest.mark.unmeasured
@pytest.mark.parametrize("name", list(COMMANDS)[:4])
def test_a_run_that_is_killed_ends_with_the_same_bytes(name):
    count = attack(name, 3, seed=20)
    assert count["tried"] >= 3
    assert count["failed"] == 0


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("options", [[], ["--schedule", "cosine", "--report", "r.html"]])
def test_a_finished_run_gives_the_same_files_again_without_training(options, folder, capsys):
    assert main([*RUN, *options]) == 0
    first, told = results(folder), capsys.readouterr()
    assert told.err == ("minidl train: there is no checkpoint r.ckpt: the run starts anew\n")
    assert main([*RUN, *options]) == 0
    again = capsys.readouterr()
    assert again.err == "minidl train: the run of r.ckpt is finished\n"
    assert results(folder) == first
    assert again.out == told.out


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--lr", "0.2"], "--lr was not given, now 0.2"),
        (["--hidden", "8", "--seed", "3"], "--hidden was 16,16, now 8"),
        (["--epochs", "5"], "--epochs was 6, now 5. Give the same options as then"),
        (["--noise", "0.3"], "--noise was not given, now 0.3"),
        (["--report", "r.html"], "--report was not given, now given"),
    ],
)
def test_another_command_is_told_what_differs(options, words, folder, capsys):
    assert main(RUN) == 0
    before = results(folder), (folder / "r.ckpt").read_bytes()
    assert main([*RUN, *options]) == 2
    assert words in capsys.readouterr().err
    assert (results(folder), (folder / "r.ckpt").read_bytes()) == before


EARLY = ["--early-stopping", "9"]


@pytest.mark.parametrize(
    "options",
    [
        [],
        ["--early-stopping", "2", "--batch-size", "2"],  # which ends it before its last epoch
        [*EARLY, "--report", "r.html"],
        ["--schedule", "plateau", "--dropout", "0.2", "--optimizer", "adam"],
        ["--target-loss", "0.6"],
    ],
)
def test_more_epochs_of_a_finished_run_give_the_bytes_of_one_run(options, folder, capsys):
    longer = [*RUN, "--lr", "0.1", *options, "--epochs", "11"]
    assert main(longer) == 0
    whole = results(folder)
    (folder / "r.ckpt").unlink()
    assert main([*RUN, "--lr", "0.1", *options]) == 0
    capsys.readouterr()
    assert main(longer) == 0
    ended_before = {"--target-loss", "2"} & set(options)
    place = "is finished" if ended_before else "goes on after epoch 6"
    assert capsys.readouterr().err == f"minidl train: the run of r.ckpt {place}\n"
    assert results(folder) == whole


def test_the_chosen_rate_stays_when_a_run_gets_more_epochs(folder, capsys):
    assert main(RUN) == 0
    (rate,) = re.findall(r"rate +([0-9.]+) of", capsys.readouterr().out)
    assert main([*RUN, "--epochs", "9"]) == 0
    said = f"minidl train: the learning rate {rate} was chosen for fewer epochs, and stays\n"
    assert said in capsys.readouterr().err
    model = results(folder)["m.npz"]
    (folder / "r.ckpt").unlink()
    assert main([*RUN, "--epochs", "9", "--lr", rate]) == 0
    assert results(folder)["m.npz"] == model


def test_a_run_whose_schedule_is_as_long_as_it_gets_no_more_epochs(folder, capsys):
    cosine = [*RUN, "--schedule", "cosine"]
    assert main(cosine) == 0
    assert main([*cosine, "--epochs", "9"]) == 2
    said = "--epochs was 6, now 9; --schedule cosine is as long as the run"
    assert said in capsys.readouterr().err


def test_other_rows_of_the_same_file_are_told(folder, capsys):
    text = "a,b,label\n" + "\n".join(f"{k % 7},{k % 5},{k % 2}" for k in range(40)) + "\n"
    (folder / "rows.csv").write_text(text)
    command = [*RUN[:1], "--dataset", "rows.csv", *RUN[3:]]
    assert main(command) == 0
    (folder / "rows.csv").write_text(text.replace("\n3,3,1", "\n3,4,1", 1))
    assert main(command) == 2
    assert "the rows of rows.csv have changed" in capsys.readouterr().err


def test_a_checkpoint_is_not_replaced_by_a_new_run(folder, capsys):
    assert main(RUN) == 0
    assert main([word for word in RUN if word != "--resume"]) == 2
    assert "there is a run in r.ckpt. Add --resume to go on" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--resume"], "--resume needs --checkpoint"),
        (["--every", "2"], "--every needs --checkpoint"),
        (["--checkpoint", "c", "--every", "0"], "--every must be an integer >= 1"),
        (["--checkpoint", "-"], "--checkpoint needs a file"),
        (["--checkpoint", "no/c"], "--checkpoint: cannot write no/c: there is no folder"),
        (["--checkpoint", "m", "--save", "m"], "--checkpoint would replace 'm'"),
    ],
)
def test_options_of_checkpoints_that_make_no_sense(options, words, folder, capsys):
    assert main(["train", *options]) in (1, 2)
    assert words in capsys.readouterr().err
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("damage", ["cut", "model"])
def test_a_checkpoint_that_is_damaged_or_a_model_is_an_error(damage, folder, capsys):
    assert main(RUN) == 0
    path = folder / "r.ckpt"
    path.write_bytes(path.read_bytes()[:-9] if damage == "cut" else results(folder)["m.npz"])
    assert main(RUN) == 1
    assert re.search("r.ckpt.*(damaged|not written by)", capsys.readouterr().err)


def test_the_rate_that_was_chosen_is_not_searched_again(folder, monkeypatch, capsys):
    assert main(RUN) == 0
    first = capsys.readouterr().out
    monkeypatch.delattr("minidl.cli.train.suggest_lr")
    assert main(RUN) == 0
    assert capsys.readouterr().out == first
