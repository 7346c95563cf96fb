"""What goes to which stream, to a pipe or a terminal, and what happens when it is cut off."""

import json
import os
import re
import signal
import subprocess

import pytest
from cli_process import ESCAPE, SMALL_RACE, TIMEOUT, Terminal, run, start

from minidl import __version__

LONGER_RUN = ["train", "--rows", "80", "--epochs", "30"]
BAR = re.compile(r"\d+%\|")


def test_the_package_runs_as_a_module():
    done = run("--version")
    assert (done.returncode, done.stdout, done.stderr) == (0, f"minidl {__version__}\n", "")


@pytest.mark.parametrize("command", [LONGER_RUN, SMALL_RACE])
@pytest.mark.parametrize("variables", [{}, {"FORCE_COLOR": "1"}])
def test_piped_output_is_plain_text_on_both_streams(command, variables):
    done = run(*command, **variables)
    assert done.returncode == 0
    for text in (done.stdout, done.stderr):
        assert text.isascii()
        assert not re.search(r"[\x00-\x09\x0b-\x1f]", text)
        assert "%|" not in text


def test_progress_goes_to_standard_error_and_results_to_standard_output():
    done = run(*LONGER_RUN)
    assert done.stderr.startswith("epoch 0  train_loss ")
    assert len(done.stderr.splitlines()) == 11
    assert "epoch 30: train loss " in done.stdout
    assert "train_loss" not in done.stdout
    assert run(*LONGER_RUN, "--quiet").stderr == ""
    assert run(*SMALL_RACE).stderr == ""


@pytest.mark.parametrize("command", [LONGER_RUN, SMALL_RACE])
def test_json_on_standard_output_is_all_there_is_on_it(command):
    done = run(*command, "--json", "-")
    assert done.returncode == 0
    assert json.loads(done.stdout)["minidl"] == __version__


@pytest.mark.parametrize(("command", "total"), [(LONGER_RUN, "30/30"), (SMALL_RACE, "4/4")])
def test_on_a_terminal_there_is_a_bar(command, total):
    with Terminal() as terminal:
        assert terminal.run(*command) == 0
    assert BAR.search(terminal.text)
    assert total in terminal.text


@pytest.mark.parametrize("command", [LONGER_RUN, SMALL_RACE])
def test_quiet_means_no_bar(command):
    with Terminal() as terminal:
        assert terminal.run(*command, "--quiet") == 0
    assert "%|" not in terminal.text
    assert "30/30" not in terminal.text


@pytest.mark.parametrize(
    ("variables", "bold"), [({}, True), ({"NO_COLOR": ""}, True), ({"NO_COLOR": "1"}, False)]
)
def test_bold_is_for_terminals_without_no_color(variables, bold):
    with Terminal() as terminal:
        assert terminal.run(*LONGER_RUN, "--quiet", **variables) == 0
    assert bool(ESCAPE.search(terminal.text)) is bold
    assert "epoch 30: " in ESCAPE.sub("", terminal.text)


def test_results_that_are_piped_are_plain_though_a_bar_is_on_the_terminal():
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
    assert "interrupted: the history so far is kept" in out
    history = json.loads(file.read_text(encoding="utf-8"))["history"]
    assert history["stopped_by"] == "interrupted"
    epochs = history["columns"]["epoch"]
    assert epochs == list(range(len(epochs)))
    assert f"epoch {epochs[-1]}: train loss " in out
    assert model.exists()


def test_ctrl_c_in_a_race_keeps_the_runs_that_were_finished(tmp_path):
    file = tmp_path / "race.json"
    with Terminal() as terminal:
        process = start(
            ["compare", "--optimizers", "momentum,nag", "--seeds", "5000", "--json", str(file)],
            stdout=subprocess.PIPE,
            stderr=terminal.stream,
        )
        os.close(terminal.stream)
        assert terminal.read_until(r"[1-9]\d*/10000 ")
        process.send_signal(signal.SIGINT)
        terminal.read_until("(?!)")
        out, _ = process.communicate(timeout=TIMEOUT)
    assert process.returncode == 130
    assert "Traceback" not in terminal.text
    runs = json.loads(file.read_text(encoding="utf-8"))["runs"]
    assert runs
    assert f"Interrupted: {len(runs)} of 10000 runs were finished." in out.splitlines()
    assert out.splitlines()[3].startswith("momentum ")


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
def test_a_reader_that_has_seen_enough_is_no_error(command, first):
    with start(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout.readline().startswith(first)
        process.stdout.close()
        err = process.stderr.read()
    assert process.returncode == 0
    assert "Broken" not in err
    assert "Traceback" not in err


@pytest.mark.parametrize("command", [["list", "datasets"], LONGER_RUN, SMALL_RACE])
def test_a_reader_that_left_before_the_first_line_is_no_error(command):
    read, write = os.pipe()
    os.close(read)
    with start(command, stdout=write, stderr=subprocess.PIPE) as process:
        os.close(write)
        err = process.stderr.read()
    assert process.returncode == 0
    assert "Broken" not in err
    assert "Traceback" not in err


def test_a_reader_of_both_streams_may_leave_too():
    with start(LONGER_RUN, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
        assert process.stdout.readline().startswith("epoch 0 ")
        process.stdout.close()
    assert process.returncode in (0, 120)  # 120: Python could not flush what nobody reads
