"""Output to pipes and terminals, progress bars, Ctrl-C, and readers that close the pipe."""

import json
import os
import re
import signal
import subprocess
from pathlib import Path

import pytest
from cli_process import (
    ESCAPE,
    MINIDL,
    SMALL_RACE,
    TIMEOUT,
    Terminal,
    nobody_left,
    python,
    signalled,
    start,
)

from minidl import __version__
from minidl.cli import main
from minidl.comparison import Study

LONGER_RUN = ["train", "--rows", "80", "--epochs", "30"]
BAR = re.compile(r"\d+%\|")


def test_the_package_runs_as_a_module():
    done = python(MINIDL.replace("runpy", "import runpy; runpy", 1), "--version")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"minidl {__version__}\nengine: ")


@pytest.mark.parametrize("command", [LONGER_RUN, SMALL_RACE])
@pytest.mark.parametrize("color", [None, "1"])
def test_output_without_a_terminal_is_plain_text_on_both_streams(
    command, color, capsys, monkeypatch
):
    if color:
        monkeypatch.setenv("FORCE_COLOR", color)
    assert main(command) == 0
    for text in capsys.readouterr():
        assert text.isascii()
        assert not re.search(r"[\x00-\x09\x0b-\x1f]", text)
        assert "%|" not in text


def test_progress_goes_to_standard_error_and_results_to_standard_output(capsys):
    assert main(LONGER_RUN) == 0
    out, err = capsys.readouterr()
    assert err.startswith("epoch 0  train_loss ")
    assert len(err.splitlines()) == 11
    assert re.search(r"^last.* 30 ", out, re.MULTILINE)
    assert "train_loss" not in out
    for command in ([*LONGER_RUN, "--quiet"], SMALL_RACE):
        assert main(command) == 0
        assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("command", "versions"),
    [
        ([*LONGER_RUN, "--json", "-"], lambda data: data),
        ([*SMALL_RACE, "--out", "-"], lambda data: data["versions"]),
    ],
)
def test_json_on_standard_output_is_all_there_is_on_it(command, versions, capsys):
    assert main(command) == 0
    assert versions(json.loads(capsys.readouterr().out))["minidl"] == __version__


@pytest.mark.parametrize(
    ("command", "total"),
    [(LONGER_RUN, "30/30"), (SMALL_RACE, r"100%\|.*\| (\d+) of \1 runs \[[0-9:]+<00:00")],
)
def test_on_a_terminal_there_is_a_bar(command, total):
    with Terminal() as terminal:
        assert terminal.run(*command) == 0
    assert BAR.search(terminal.text)
    assert re.search(total, terminal.text)  # of a comparison with the time that is left


def test_the_bar_counts_finished_runs_and_those_from_the_file(tmp_path):
    """A grid that grows has more runs than were planned, and never fewer than are finished."""
    file = str(tmp_path / "race.json")
    signalled([*SMALL_RACE, "--out", file], signal.SIGKILL, 3)
    with Terminal() as terminal:
        assert terminal.run(*SMALL_RACE, "--out", file) == 0
    counts = [
        (int(n), int(of)) for n, of in re.findall(r"\| *(\d+) of (\d+) runs \[", terminal.text)
    ]
    assert counts[0][0] > 0
    assert all(n <= of for n, of in counts)
    assert counts[-1][0] == counts[-1][1] == len(Study.from_json(file).comparisons[0].runs)


@pytest.mark.parametrize("command", [LONGER_RUN, SMALL_RACE])
def test_quiet_means_no_bar(command):
    with Terminal() as terminal:
        assert terminal.run(*command, "--quiet") == 0
    assert "%|" not in terminal.text
    assert "30/30" not in terminal.text


@pytest.mark.parametrize(
    ("variables", "bold"), [({}, True), ({"NO_COLOR": ""}, True), ({"NO_COLOR": "1"}, False)]
)
def test_bold_is_for_terminals_unless_no_color_is_set(variables, bold):
    with Terminal() as terminal:
        assert terminal.run(*LONGER_RUN, "--quiet", **variables) == 0
    assert bool(ESCAPE.search(terminal.text)) is bold
    assert re.search(r"\nlast.* 30 ", ESCAPE.sub("", terminal.text))


@pytest.mark.parametrize("columns", [60, 80, 90, 100, 200])
@pytest.mark.parametrize(
    "command", [["list"], [*SMALL_RACE, "--details", "--quiet"], [*SMALL_RACE, "--quiet"]]
)
def test_output_fits_the_terminal(command, columns):
    """Of at least 80 columns; and wider than 100, lines would be hard to read."""
    with Terminal(columns) as terminal:
        assert terminal.run(*command) == 0
    lines = ESCAPE.sub("", terminal.text).replace("\r", "").split("\n")
    assert min(max(columns, 80), 100) - 12 < max(map(len, lines)) <= min(max(columns, 80), 100)


@pytest.mark.parametrize("command", [["list"], [*SMALL_RACE, "--details"], SMALL_RACE])
def test_output_in_a_pipe_has_lines_of_at_most_100_characters(command, capsys):
    assert main(command) == 0
    assert max(map(len, capsys.readouterr().out.split("\n"))) <= 100


def test_piped_results_are_plain_beside_a_bar_on_the_terminal():
    with Terminal() as terminal:
        process = start(LONGER_RUN, stdout=subprocess.PIPE, stderr=terminal.stream)
        os.close(terminal.stream)
        terminal.read_until("(?!)")
        out, _ = process.communicate(timeout=TIMEOUT)
    assert BAR.search(terminal.text)
    assert not ESCAPE.search(out)
    assert "\r" not in out


def test_ctrl_c_while_training_keeps_the_history(tmp_path):
    file, model = tmp_path / "out.json", tmp_path / "model.npz"
    process = start(
        ["train", "--epochs", "10000000", "--json", str(file), "--save", str(model)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stderr.readline().startswith("epoch 0 ")
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=TIMEOUT)
    assert process.returncode == 130
    assert "Traceback" not in err
    history = json.loads(file.read_text(encoding="utf-8"))["history"]
    assert history["stopped_by"] == "interrupted"
    epochs = history["columns"]["epoch"]
    assert epochs == list(range(len(epochs)))
    assert f"\ninterrupted after epoch {epochs[-1]}: the history so far is kept\n" in out
    assert model.exists()


LONGER_RACE = [*SMALL_RACE, "--lr", "0.1", "--target", "loss:0.3", "--seeds", "68"]


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_ctrl_c_in_a_comparison_prints_supported_verdicts_and_keeps_runs(jobs, tmp_path):
    file = tmp_path / "race.json"
    command = [*LONGER_RACE, "--out", str(file), "--jobs", jobs]
    process, out, err = signalled(command, signal.SIGINT, 7 if jobs == "1" else 8)
    assert process.returncode == 130
    assert err == f"minidl: the same command continues from {file}.part\n"
    lines = Path(f"{file}.part").read_text(encoding="utf-8").splitlines()
    kept = [one for line in lines[1:] for one in json.loads(line)["runs"]]
    runs = sum("twin" not in one for one in kept)
    assert re.search(rf"Interrupted after {runs} runs: .*? \d+ of 68\s+seeds", out, re.DOTALL)
    assert re.search(r"\npair +mean difference", out)
    assert not file.exists()
    assert nobody_left(process.pid)


def test_ctrl_c_while_tuning_supports_no_verdict():
    process, out, err = signalled(SMALL_RACE, signal.SIGINT, 1)
    assert process.returncode == 130
    assert err == ""
    assert re.search(r"Interrupted while tuning, after \d runs: no verdict is supported", out)


def test_ctrl_c_with_out_on_standard_output_still_prints_only_json():
    process, out, err = signalled([*SMALL_RACE, "--out", "-"], signal.SIGINT, 1)
    assert (process.returncode, err) == (130, "")
    assert len(json.loads(out)["comparisons"][0]["runs"]) > 0


def test_ctrl_c_with_json_on_standard_output_still_prints_only_json():
    process = start(
        ["train", "--epochs", "10000000", "--json", "-"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stderr.readline().startswith("epoch 0 ")
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=TIMEOUT)
    assert process.returncode == 130
    assert json.loads(out)["history"]["stopped_by"] == "interrupted"


@pytest.mark.parametrize(
    ("command", "first"),
    [
        (["train", "--rows", "20", "--batch-size", "full", "--epochs", "1500", "--json", "-"], "{"),
        (["list", "datasets"], "moons "),
    ],
)
def test_after_a_reader_that_closes_the_pipe_there_is_no_message(command, first):
    with start(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout.readline().startswith(first)
        process.stdout.close()
        err = process.stderr.read()
    short = {0} if command[0] == "list" else set()  # which the pipe has taken before it is closed
    assert process.returncode in {141, *short}  # as of a tool that SIGPIPE has ended
    assert "Broken" not in err
    assert "Traceback" not in err


@pytest.mark.parametrize("command", [["list", "datasets"], LONGER_RUN, SMALL_RACE])
def test_after_a_pipe_closed_before_the_first_line_there_is_no_message(command):
    read, write = os.pipe()
    os.close(read)
    with start(command, stdout=write, stderr=subprocess.PIPE) as process:
        os.close(write)
        err = process.stderr.read()
    assert process.returncode == 141  # as of a tool that SIGPIPE has ended
    assert "Broken" not in err
    assert "Traceback" not in err


def test_closing_the_pipe_of_both_streams_has_the_same_exit_code():
    with start(LONGER_RUN, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
        assert process.stdout.readline().startswith("epoch 0 ")
        process.stdout.close()
    assert process.returncode == 141
