"""Files of ``minidl compare``: written, shown again, gone on with, and refused."""

import json
import re
import signal
import sys
from pathlib import Path

import pytest
from cli_process import SMALL_RACE, signalled

from minidl.cli import main
from minidl.comparison import Comparison, Study
from minidl.comparison.executor import Executor
from minidl.comparison.plots import draw
from minidl.errors import ArgumentError
from minidl.plots import figures
from minidl.sealed import seal_json


def records(path):
    """What a file says, without the seconds that runs took and the command."""
    data = json.loads(path.read_text(encoding="utf-8"))
    for comparison in data["comparisons"]:
        for one in comparison["runs"]:
            del one["seconds"]
    return {**data, "command": None, "sha256": None}


def sealed_again(text):
    """A record that was changed, with the checksum that is right now."""
    return seal_json(re.sub(r',"sha256":"[0-9a-f]{64}"\}\n$', "}", text))


def plain(message):
    """Return a message with lists as they are typed: 0,1 for [0, 1]."""
    return re.sub(r"\[(.*?)\]", lambda found: found[1].replace(", ", ","), message)


def part_of(file):
    part = Path(f"{file}.part")
    return part.read_text(encoding="utf-8").splitlines() if part.exists() else []


@pytest.fixture
def never_trained(monkeypatch):
    monkeypatch.setattr("minidl.comparison.executor.train_many", None)


@pytest.fixture
def saved(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main([*SMALL_RACE, "--out", "race.json"]) == 0
    return tmp_path / "race.json", capsys.readouterr().out


def test_the_record_is_written_beside_what_is_printed(saved):
    file, printed = saved
    assert printed.startswith(f"{Comparison.from_json(file)}\n")
    data = json.loads(file.read_text(encoding="utf-8"))
    assert data["command"] == ["minidl", *SMALL_RACE, "--out", "race.json"]
    assert not file.with_name("race.json.part").exists()


def test_the_same_command_again_shows_the_file_without_training(saved, never_trained, capsys):
    file, printed = saved
    before = file.read_bytes()
    assert main([*SMALL_RACE, "--out", "race.json", "--jobs", "2"]) == 0
    assert capsys.readouterr() == (printed, "")
    assert file.read_bytes() == before


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--epochs", "5"], "epochs is 4 there, 5 requested. "),
        (["--seeds", "3"], "seeds is 0,1 there, 0,1,2 requested. "),
        (
            ["--target", "loss:0.1"],
            "goal is 'gap',0.1 there, 'loss',0.1 requested. ",
        ),
        (["--noise", "0.3"], "data and weights differ. "),
        (["--problems", "moons,circles"], "the number of comparisons"),
    ],
)
def test_a_file_of_another_command_is_not_overwritten(options, said, saved, never_trained, capsys):
    file, _ = saved
    before = file.read_bytes()
    assert main([*SMALL_RACE, *options, "--out", "race.json"]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert "race.json holds another comparison, and is not overwritten: " in err
    assert said in plain(err)
    assert file.read_bytes() == before


def test_a_file_of_something_else_is_not_overwritten(tmp_path, never_trained, capsys):
    file = tmp_path / "notes.json"
    file.write_text("[1, 2]", encoding="utf-8")
    assert main([*SMALL_RACE, "--out", str(file)]) == 1
    assert "notes.json is not a saved comparison" in capsys.readouterr().err
    assert file.read_text(encoding="utf-8") == "[1, 2]"


def test_from_prints_what_the_run_printed_bit_for_bit(saved, never_trained, capsys):
    file, printed = saved
    assert main(["compare", "--from", str(file)]) == 0
    assert capsys.readouterr() == (printed, "")
    assert main(["compare", "--from", str(file), "--out", "-"]) == 0
    assert capsys.readouterr().out == file.read_text(encoding="utf-8")
    assert main(["compare", "--from", str(file), "--fail-under-target"]) == 4


def test_from_prints_a_study_and_its_profile(tmp_path, capsys):
    file = tmp_path / "study.json"
    options = ["--problems", "moons,circles", "--profile"]
    assert main([*SMALL_RACE, "--lr", "0.5", *options, "--out", str(file)]) == 0
    printed = capsys.readouterr().out
    assert "All 2 problems" in printed
    assert main(["compare", "--from", str(file), "--profile"]) == 0
    assert capsys.readouterr().out == printed


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda text: text[:900], "or is damaged: invalid or incomplete JSON, from line 2 on"),
        (lambda text: "", "from line 1 on"),
        (lambda text: '{"a": 1}', "or is damaged: the JSON has other contents"),
        (lambda text: "[]", "or is damaged: the JSON has other contents"),
        (lambda text: text.replace('"epochs":', '"epoch":'), "its bytes are not those"),
        (lambda text: text.replace('"protocol":3', '"protocol":4'), "its bytes are not those"),
        (lambda text: text.rstrip(), "its checksum is missing"),
        (lambda text: sealed_again(text.replace('"epochs":', '"epoch":')), "epochs is None"),
        (lambda text: sealed_again(text.replace('"curves":', '"curve":')), "curves is None"),
        (lambda text: sealed_again(text.replace('"protocol":3', '"protocol":4')),
         "race.json has another protocol version: got 4, expected 1, 2 or 3"),
    ],
)  # fmt: skip
def test_from_says_what_is_wrong_with_a_file(change, said, saved, capsys):
    file, _ = saved
    file.write_text(change(file.read_text(encoding="utf-8")), encoding="utf-8")
    assert main(["compare", "--from", "race.json"]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("minidl compare: error: --from: race.json ")
    assert said in err
    assert len(err.splitlines()) == 1


def test_from_says_that_a_file_is_missing_or_no_text(tmp_path, capsys):
    assert main(["compare", "--from", str(tmp_path / "no.json")]) == 1
    assert "there is no file " in capsys.readouterr().err
    (tmp_path / "image.json").write_bytes(b"\xff\xfe\x00")
    assert main(["compare", "--from", str(tmp_path / "image.json")]) == 1
    assert "it is not UTF-8 text" in capsys.readouterr().err
    assert main(["compare", "--from", ""]) == 1


@pytest.mark.parametrize("blocks", [1, 4])
def test_a_killed_command_goes_on_and_ends_as_if_it_had_not_been(blocks, tmp_path):
    whole, killed = tmp_path / "whole.json", tmp_path / "killed.json"
    command = [*SMALL_RACE, "--out"]
    process, out, err = signalled([*command, str(killed)], signal.SIGKILL, blocks)
    assert (process.returncode, out, err) == (-signal.SIGKILL, "", "")
    assert not killed.exists()
    lines = part_of(killed)
    assert len(lines) == 1 + blocks  # a header, and a line for each block
    with Path(f"{killed}.part").open("a", encoding="utf-8") as file:
        file.write('[0,[{"optimizer":"na')  # the kill came in the middle of a line
    assert main([*command, str(killed)]) == 0
    assert main([*command, str(whole)]) == 0
    assert records(killed) == records(whole)
    kept = [one["seconds"] for line in lines[1:] for one in json.loads(line)["runs"]]
    runs = Study.from_json(killed).comparisons[0].all_runs()
    assert set(kept) <= {one.seconds for one in runs}  # these were not trained again
    assert not part_of(killed)


def test_a_part_of_another_command_is_kept_and_told(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    part = tmp_path / "race.json.part"

    def killed(self):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Executor, "run", killed)
        assert main([*SMALL_RACE, "--out", "race.json"]) == 130
    before = part.read_bytes()
    capsys.readouterr()
    assert main([*SMALL_RACE, "--seeds", "3", "--out", "race.json"]) == 1
    err = capsys.readouterr().err
    said = "race.json.part belongs to another comparison: seeds is 0,1 there, 0,1,2 requested. "
    assert said in plain(err)
    assert part.read_bytes() == before


@pytest.fixture
def plots(monkeypatch):
    """Plots that are not drawn but noted."""
    noted = []
    monkeypatch.setattr(figures, "check_plot", lambda path: noted.append(f"check {path}"))
    monkeypatch.setattr(draw, "figure", lambda comparisons, profile: len(comparisons))
    monkeypatch.setattr(figures, "save", lambda count, path: noted.append(f"plot {count} {path}"))
    return noted


def test_a_plot_is_checked_before_training_and_drawn_after_it(saved, plots, monkeypatch):
    assert main(["compare", "--from", "race.json", "--plot", "race.svg"]) == 0
    assert main([*SMALL_RACE, "--plot", "race.png"]) == 0
    assert plots == ["check race.svg", "plot 1 race.svg", "check race.png", "plot 1 race.png"]

    def check(path):
        raise ArgumentError("a plot needs matplotlib")

    monkeypatch.setattr(figures, "check_plot", check)
    monkeypatch.setattr(Executor, "run", None)
    assert main([*SMALL_RACE, "--plot", "race.png"]) == 2


def test_a_picture_is_drawn_from_a_file(saved):
    assert main(["compare", "--from", "race.json", "--plot", "race.png"]) == 0
    assert Path("race.png").read_bytes().startswith(b"\x89PNG")


def test_a_plot_that_cannot_be_drawn_is_told_before_training(monkeypatch, capsys, never_trained):
    monkeypatch.setattr(Executor, "run", None)
    assert main([*SMALL_RACE, "--plot", "race.txt"]) == 2
    assert "cannot draw 'race.txt': got '.txt', expected a name that" in capsys.readouterr().err
    monkeypatch.setitem(sys.modules, "matplotlib", None)  # as if it were not installed
    assert main([*SMALL_RACE, "--plot", "race.png"]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert "needs matplotlib, which is not installed: pip install 'minidl[plot]'" in said.err
    assert not Path("race.png").exists()
