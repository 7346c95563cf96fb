"""Files before words: no stream, letter or signal loses a file that was asked for."""

import importlib
import json
import os
import signal
import subprocess
import sys

import pytest
from cli_process import (
    HEARING,
    MINIDL,
    SMALL_RACE,
    SMALL_RUN,
    TIMEOUT,
    environment,
    signalled,
)

from minidl.cli import main
from minidl.comparison import Study
from minidl.training.bar import Bar

RACE = [*SMALL_RACE, "--out", "r.json", "--plot", "p.svg", "--report", "r.html"]
FOUR = {
    "compare": (RACE, ["r.json", "p.svg", "r.html"]),
    "from": (["compare", "--from", "old.json", "--plot", "p.svg"], ["p.svg"]),
    "paths": (
        ["paths", "--steps", "9", "--plot", "p.svg", "--stability", "s.svg"], ["p.svg", "s.svg"]
    ),
    "predict": (["predict", "m.npz", "rows.csv", "--plot", "p.svg"], ["p.svg"]),
    "doctor": (
        ["doctor", "--find-lr", "--json", "d.json", "--plot", "p.svg"], ["d.json", "p.svg"]
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A folder with a model, rows, and a comparison that is finished."""
    folder = tmp_path_factory.mktemp("made")
    lines = "\n".join(f"{k % 7},{k % 5},{'中é'[k % 2]}" for k in range(40))
    (folder / "rows.csv").write_text(f"a,b,label\n{lines}\n", encoding="utf-8")
    before = os.getcwd()
    os.chdir(folder)
    try:
        assert (
            main([*SMALL_RUN[:1], "--dataset", "rows.csv", *SMALL_RUN[3:], "--save", "m.npz"]) == 0
        )
        assert main([*SMALL_RACE, "--out", "old.json"]) == 0
    finally:
        os.chdir(before)
    return folder


@pytest.fixture
def here(made, tmp_path, monkeypatch):
    for file in made.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("streams", "code"), [("2>&1 | head -0", 141), (">/dev/full 2>&1", 1), ("<&- >&- 2>&-", 1)]
)
@pytest.mark.parametrize("command", FOUR)
def test_a_stream_that_fails_loses_no_file(command, streams, code, here):
    words, files = FOUR[command]
    shell = f'"$@" {streams}; exit ${{PIPESTATUS[0]}}'
    typed = ["bash", "-c", shell, "bash", sys.executable, "-m", "minidl", *words]
    done = subprocess.run(typed, env=environment(), capture_output=True, text=True, check=False)
    assert "Traceback" not in done.stderr + done.stdout
    assert done.returncode == code
    assert [name for name in files if not (here / name).stat().st_size] == []


@pytest.mark.parametrize("command", ["predict", "compare"])
def test_a_terminal_without_the_letters_of_a_class_loses_no_file(command, here):
    words, files = FOUR[command]
    if command == "compare":
        at = words.index("--rows")
        words = [*words[:at], "--dataset", "rows.csv", *words[at + 2 :]]
    done = subprocess.run(
        [sys.executable, "-m", "minidl", *words], env=environment(PYTHONIOENCODING="ascii"),
        capture_output=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0
    assert b"Traceback" not in done.stderr
    assert all((here / name).exists() for name in files)
    assert command == "compare" or b"\\u4e2d" in done.stdout


@pytest.mark.parametrize("command", FOUR)
def test_each_file_is_tried_though_another_failed(command, here, monkeypatch, capsys):
    """A folder takes the place of the first picture while it is drawn."""
    words, files = FOUR[command]
    draw = "minidl.plots.figures.save" if command != "predict" else "minidl.cli.predict.save"
    module, _, name = draw.rpartition(".")
    save = getattr(importlib.import_module(module), name)

    def save_and_block(figure, file):
        (here / "p.svg").mkdir(exist_ok=True)
        save(figure, file)

    monkeypatch.setattr(draw, save_and_block)
    assert main(words) == 1
    out, err = capsys.readouterr()
    assert f"minidl {words[0]}: error: --plot: cannot write" in err
    assert all((here / name).is_file() for name in files if name != "p.svg")
    assert out


def test_an_interrupted_comparison_writes_what_can_be_written(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    longer = [*RACE, "--lr", "0.1", "--target", "loss:0.3", "--seeds", "68"]
    process, out, err = signalled(longer, signal.SIGTERM, 8)
    assert process.returncode == 143
    assert err == "minidl: the same command continues from r.json.part\n"
    assert "Interrupted after" in out
    assert sorted(file.name for file in tmp_path.iterdir()) == ["p.svg", "r.html", "r.json.part"]


def test_a_comparison_interrupted_while_tuning_says_which_files_it_cannot_write(
    tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    process, out, err = signalled(RACE, signal.SIGINT, 1)
    assert process.returncode == 130
    assert "Interrupted while tuning" in out
    assert "error: --plot: the comparison on moons cannot be drawn: it was interrupted" in err
    assert "error: --report: the comparison was interrupted before" in err
    assert [file.name for file in tmp_path.iterdir()] == ["r.json.part"]


def test_a_second_ctrl_c_does_not_lose_the_result():
    again = """
import os
from minidl.comparison.executor import Executor
from minidl.comparison.journal import Journal
result = Executor.result
def result_and_signal(self, plan=None):
    os.kill(os.getpid(), signal.SIGINT)
    return result(self, plan)
def signal_in_block(self, number, runs):
    Executor.result = result_and_signal
    os.kill(os.getpid(), signal.SIGINT)
Journal.add = signal_in_block
"""
    command = [sys.executable, "-c", HEARING + again + MINIDL, *SMALL_RACE]
    done = subprocess.run(
        command, env=environment(), capture_output=True, text=True, timeout=TIMEOUT, check=False
    )
    assert (done.returncode, done.stderr) == (130, "")
    assert "Interrupted while tuning" in done.stdout


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_page_that_is_made_and_nothing_else(number, here, monkeypatch, capsys):
    def make(*_):
        os.kill(os.getpid(), number)
        raise AssertionError  # not reached

    monkeypatch.setattr("minidl.cli.report_comparison.race", make)
    assert main(RACE) == 128 + number
    out, err = capsys.readouterr()
    assert err == "minidl compare: --report: interrupted, so it is not written\n"
    assert out.startswith(f"{Study.from_json(here / 'r.json')}\n")
    assert (here / "p.svg").exists()
    assert not (here / "r.html").exists()


def test_a_bar_on_a_stream_that_is_gone_ends_nothing():
    class Gone:
        encoding = "utf-8"

        def write(self, text):
            raise OSError(5, "Input/output error")

        flush = isatty = lambda self: None

    with Bar(total=1, file=Gone()) as shown:
        shown.change(lambda bar: bar.update(1))
        shown.change(lambda bar: bar.refresh())


def test_the_numbers_of_a_diagnosis_are_the_same_in_the_file_and_printed(here, capsys):
    for place in ("-", "d.json"):
        assert main(["doctor", "--rows", "40", "--json", place]) == 0
    out = capsys.readouterr().out
    printed, _ = json.JSONDecoder().raw_decode(out)
    written = json.loads((here / "d.json").read_text(encoding="utf-8"))
    assert printed["diagnosis"] == written["diagnosis"]
