"""SIGTERM, SIGHUP and a second Ctrl-C; workers whose parent is killed; streams that fail."""

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time

import pytest
from cli_process import HEARING, MINIDL, SMALL_RACE, TIMEOUT, environment, nobody_left, signalled

from minidl.cli import main
from minidl.training import load

LONG = ["train", "--rows", "80", "--lr", "0.1", "--epochs", "10000000"]
SHORT = ["train", "--rows", "40", "--lr", "0.1", "--epochs", "3", "--save", "m.npz"]
# Signals itself again when the model is about to be written, and in every later file.
AGAIN = """
import os
from minidl import files
for name in ("fsync", "replace"):
    def again(*arguments, function=getattr(os, name), **options):
        os.kill(os.getpid(), signal.SIGINT)
        return function(*arguments, **options)
    setattr(os, name, again)
"""


@contextlib.contextmanager
def run(arguments, folder, before="", **options):
    """Start a command in a folder, after a script; end it if the test fails meanwhile."""
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
    options["env"] = {**environment(), **options.get("env", {})}
    script = [sys.executable, "-c", HEARING + before + MINIDL, *arguments]
    with subprocess.Popen(script, cwd=folder, text=True, **options) as process:
        try:
            yield process
        except BaseException:
            process.kill()
            raise


def written(path):
    """When a file was last written; None if there is none."""
    return path.stat().st_mtime_ns if path.exists() else None


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_is_answered_like_ctrl_c_and_the_run_goes_on(number, tmp_path):
    command = [*LONG, "--save", "m.npz", "--json", "h.json", "--checkpoint", "r.ckpt"]
    ends = []
    for _ in range(2):
        with run([*command, "--resume"], tmp_path) as process:
            assert "r.ckpt" in process.stderr.readline()
            before = written(tmp_path / "r.ckpt")
            while written(tmp_path / "r.ckpt") == before:
                time.sleep(0.01)
            process.send_signal(number)
            out, err = process.communicate(timeout=TIMEOUT)
        assert process.returncode == 128 + number
        assert "Traceback" not in err
        history = json.loads((tmp_path / "h.json").read_text(encoding="utf-8"))["history"]
        assert history["stopped_by"] == "interrupted"
        ends.append(history["columns"]["epoch"][-1])
        assert f"interrupted after epoch {ends[-1]}" in out
        suggested = out.partition("next: ")[2].replace("\\", "").split()
        assert "--checkpoint r.ckpt --resume" in " ".join(suggested)
        load(tmp_path / "m.npz")
    assert ends[0] < ends[1]
    assert history["columns"]["epoch"] == list(range(ends[1] + 1))


def test_further_ctrl_c_does_not_lose_the_model(tmp_path):
    with run([*LONG, "--save", "m.npz", "--csv", "h.csv"], tmp_path, AGAIN) as process:
        assert process.stderr.readline().startswith("epoch 0")
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=TIMEOUT)
    assert process.returncode == 130
    assert "Traceback" not in err
    load(tmp_path / "m.npz")
    assert (tmp_path / "h.csv").exists()


def test_ignored_signals_stay_ignored(tmp_path):
    """As with nohup."""
    before = "signal.signal(signal.SIGHUP, signal.SIG_IGN)\n"
    with run(LONG, tmp_path, before) as process:
        assert process.stderr.readline().startswith("epoch 0")
        process.send_signal(signal.SIGHUP)
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=TIMEOUT)
    assert process.returncode == 143


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_a_comparison_answers_sigterm_too(jobs):
    command = [*SMALL_RACE, "--lr", "0.1", "--target", "loss:0.3", "--seeds", "68", "--jobs", jobs]
    process, out, err = signalled(command, signal.SIGTERM, 7)
    assert (process.returncode, err) == (143, "")
    assert "Interrupted after" in out
    assert nobody_left(process.pid)


def test_workers_end_with_a_parent_that_is_killed(tmp_path):
    script = """
import os, signal
from minidl.comparison.journal import Journal
Journal.add = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
"""
    command = [*SMALL_RACE, "--seeds", "68", "--jobs", "2"]
    with run(command, tmp_path, script, start_new_session=True) as process:
        assert process.wait(TIMEOUT) == -signal.SIGKILL
        assert nobody_left(process.pid)


def test_workers_without_a_task_end_with_a_parent_that_is_killed(tmp_path):
    script = """
import os, signal
from joblib.externals.loky.process_executor import _ExecutorManagerThread as Manager
Manager.add_call_item_to_queue = lambda self: os.kill(os.getpid(), signal.SIGKILL)
"""
    command = [*SMALL_RACE, "--jobs", "2"]
    with run(command, tmp_path, script, start_new_session=True) as process:
        assert process.wait(TIMEOUT) == -signal.SIGKILL
        assert nobody_left(process.pid)


def test_a_signal_at_the_end_of_a_command_keeps_its_number(monkeypatch):
    def signalled(code, closed):
        os.kill(os.getpid(), signal.SIGHUP)
        return code

    monkeypatch.setattr(sys.modules["minidl.cli.main"], "flushed", signalled)
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    try:
        assert main(["list", "losses"]) == 128 + signal.SIGHUP
    finally:
        signal.signal(signal.SIGHUP, before)


@pytest.mark.parametrize(("streams", "code"), [(">/dev/full", 1), (">&-", 1), ("| head -0", 141)])
@pytest.mark.parametrize("words", [["train", "--help"], ["--version"]])
@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_help_that_cannot_be_printed_is_no_success(unbuffered, words, streams, code):
    shell = f'"$@" {streams}; exit ${{PIPESTATUS[0]}}'
    command = ["bash", "-c", shell, "bash", sys.executable, "-m", "minidl", *words]
    known = environment() | {"PYTHONUNBUFFERED": unbuffered}
    done = subprocess.run(command, env=known, capture_output=True, text=True, check=False)
    assert done.returncode == code
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("streams", "code"),
    [
        ("2>&1 | head -1", 141),
        ("| head -0", 141),
        (">/dev/full", 1),
        (">/dev/full 2>&1", 1),
        (">&-", 1),
        ("<&- >&- 2>&-", 1),
        ("2>/dev/full", 0),
        ("2>&-", 0),
    ],
)
def test_a_stream_that_fails_loses_no_model(streams, code, tmp_path):
    shell = f'"$@" {streams}; exit ${{PIPESTATUS[0]}}'
    command = [sys.executable, "-m", "minidl", *SHORT, "--csv", "h.csv"]
    done = subprocess.run(
        ["bash", "-c", shell, "bash", *command],
        cwd=tmp_path, env=environment(), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == code
    assert "Traceback" not in done.stderr + done.stdout
    load(tmp_path / "m.npz")
    assert (tmp_path / "h.csv").exists()
    if code == 1 and "2>" not in streams:
        assert "error: cannot write to standard output: " in done.stderr


def test_a_class_that_the_terminal_cannot_show_is_printed_as_an_escape(tmp_path):
    rows = "\n".join(f"{k % 7},{k % 5},{'中é'[k % 2]}" for k in range(40))
    (tmp_path / "rows.csv").write_text(f"a,b,label\n{rows}\n", encoding="utf-8")
    command = ["train", "--dataset", "rows.csv", *SHORT[3:]]
    with run(command, tmp_path, env={"PYTHONIOENCODING": "ascii"}) as process:
        out, err = process.communicate(timeout=TIMEOUT)
    assert process.returncode == 0, err
    assert "\\u4e2d" in out
    load(tmp_path / "m.npz")


def test_each_file_is_tried_though_another_failed(tmp_path):
    """A folder takes the place of the model while the run trains."""
    before = """
from minidl.training import Trainer
fit = Trainer.fit
def fit_and_block(self, *arguments, **options):
    os.mkdir("m.npz")
    return fit(self, *arguments, **options)
Trainer.fit = fit_and_block
"""
    with run([*SHORT, "--csv", "h.csv"], tmp_path, "import os\n" + before) as process:
        out, err = process.communicate(timeout=TIMEOUT)
    assert process.returncode == 1
    assert re.search("error: --save: cannot write 'm.npz': it is a folder", err)
    assert os.path.exists(tmp_path / "h.csv")
    assert "validation accuracy" in out
    assert "saved " not in out
