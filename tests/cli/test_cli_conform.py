"""``minidl conform``: the report on an optimizer in a file."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path

import pytest

from minidl.cli import conform, main

FILE = '''
import numpy as np


class MyAdam:
    """Adam; bias correction is left to the reader."""

    corrects = True

    def __init__(self, lr=0.001, beta1=0.9, beta2=0.999, eps=1e-8):
        self.lr, self.beta1, self.beta2, self.eps = lr, beta1, beta2, eps
        self.m = self.v = self.t = 0

    def step(self, w, g):
        self.t += 1
        self.m = self.beta1 * self.m + (1 - self.beta1) * g
        self.v = self.beta2 * self.v + (1 - self.beta2) * g**2
        m, v = self.m, self.v
        if self.corrects:
            m, v = m / (1 - self.beta1**self.t), v / (1 - self.beta2**self.t)
        w -= self.lr * m / (np.sqrt(v) + self.eps)


class HastyAdam(MyAdam):
    corrects = False


class HalfMomentum:
    def __init__(self, lr=0.1, momentum=0.9):
        self.lr, self.momentum, self.v = lr, momentum, 0

    def step(self, w, g):
        self.v = self.momentum * self.v + self.lr / 2 * g
        w -= self.v


class NesterovMomentum(HalfMomentum):
    def step(self, w, g):
        self.v = self.momentum * self.v + self.lr * g
        w -= self.v


class Broken(MyAdam):
    def step(self, w, g):
        w -= self.lr * self.velocity


def root(w, g, state, lr=0.1):
    return w - lr * np.sign(g) * np.sqrt(np.abs(g))


class Talks(MyAdam):
    def step(self, w, g):
        print('noise')
        MyAdam.step(self, w, g)


class Exits(MyAdam):
    def step(self, w, g):
        exit()


class Near:
    def __init__(self, lr=0.0123456):
        self.lr, self.t = lr, 0

    def step(self, w, g):
        self.t += 1
        w -= self.lr * g * (1 + 1e-8 * self.t)


def from_zero_adam(w, g, state, lr=0.001):
    t = state["t"] = state.get("t", -1) + 1
    m = state["m"] = 0.9 * state.get("m", 0) + 0.1 * g
    return w - lr * m / (1 - np.float64(0.9) ** t)
'''
HASTY = """\
mine.py:HastyAdam

  result       does not conform: 16 of 23 checks failed
  it is        Adam without bias correction
  expected     Adam, by its name (--as NAME expects another)
  why          Divide m by 1 - beta1**t and v by 1 - beta2**t, with t = 1 in
               the first step.

  hyperparameters                              acts as       given
    lr                                           0.001       0.001
    beta1                                          0.9         0.9
    beta2                                        0.999       0.999
    epsilon                                      1e-08       1e-08

  checks                                      step     expected          got
    FAIL  one gradient, then zeros               1       -0.001     -0.00316
    FAIL  zeros, then one gradient               5    -0.000545     -0.00316
"""


@pytest.fixture(autouse=True)
def file(tmp_path, monkeypatch):
    """A folder, which is the current one, with a file of optimizers."""
    monkeypatch.chdir(tmp_path)
    Path("mine.py").write_text(FILE, encoding="utf-8")


@pytest.fixture
def printed(capsys):
    """Type ``minidl conform`` with these words; return the exit code and what was printed."""

    def run(*words):
        code = main(["conform", *words])
        said = capsys.readouterr()
        assert "Traceback" not in said.out + said.err
        return code, said.out + said.err

    return run


def test_a_right_optimizer_conforms(printed):
    code, text = printed("mine.py:MyAdam")
    assert code == 0
    assert "result       conforms: all 23 checks passed" in text
    assert "it is        Adam\n" in text
    assert "the same as  torch.optim.Adam, optax.adam" in text
    assert "FAIL" not in text


def test_a_fault_is_shown_with_its_first_step_and_both_numbers(printed):
    code, text = printed("mine.py:HastyAdam")
    assert code == 1
    assert text.startswith(HASTY)
    assert text.endswith(
        "\n  Numbers are how far the weight moves in that step, the first that differs.\n"
    )


@pytest.mark.parametrize("name", ["HastyAdam", "NesterovMomentum", "root", "from_zero_adam"])
def test_the_report_fits_eighty_columns(name, printed):
    code, text = printed(f"mine.py:{name}")
    assert code == 1
    assert max(map(len, text.splitlines())) < 80
    assert "..." not in text


def test_another_rule_than_expected_does_not_conform(printed):
    code, text = printed("mine.py:NesterovMomentum")
    assert code == 1
    assert "result       does not conform: 2 of 23 checks failed" in text
    assert "expected     NAG, by its name" in text
    assert "why          It is Momentum, not NAG." in text
    assert "FAIL  gradient at the look-ahead point" in text
    assert printed("mine.py:NesterovMomentum", "--as", "momentum")[0] == 0
    code, text = printed("mine.py:MyAdam", "--as", "adamw")
    assert (code, "It is Adam, not AdamW." in text) == (1, True)
    assert "expected     AdamW, as asked for" in text


def test_both_forms_of_nag_are_nag(printed):
    assert printed("nag-reformulated", "--as", "nag")[0] == 0
    assert printed("nag", "--as", "nag-reformulated")[0] == 1


def test_a_hyperparameter_that_acts_otherwise_fails(printed):
    code, text = printed("mine.py:HalfMomentum")
    assert code == 1
    assert "result       does not conform: 1 of 23 checks failed" in text
    assert "    lr                                            0.05         0.1\n" in text
    assert "FAIL  hyperparameters act as given: lr is 0.1, but acts as 0.05, half of it" in text


def test_what_is_no_rule_is_described(printed):
    code, text = printed("mine.py:root")
    assert code == 1
    assert "it is        no rule that minidl knows" in text
    assert "expected     any rule of minidl (--as NAME expects a certain one)" in text
    assert "It has no memory: when the gradient is 0, it stands still." in text
    assert "It is nearest to: " in text
    code, text = printed("mine.py:from_zero_adam")
    assert "NaN or infinite from step 1 on" in text
    assert "-0.001         -inf" in text


def test_an_error_in_the_file_is_reported_with_its_line(printed):
    code, text = printed("mine.py:Broken")
    assert code == 1
    line = FILE.splitlines().index("        w -= self.lr * self.velocity") + 1
    assert "  result       its code failed\n" in text
    assert f"Step 1 of Broken failed in mine.py, line {line}".lower() in text.lower()
    assert "AttributeError: 'Broken' object" in text
    Path("mine.py").write_text("def step(:\n", encoding="utf-8")
    code, text = printed("mine.py:step")
    assert (code, "mine.py, line 1: invalid syntax" in text) == (1, True)


def test_a_wrong_command_is_another_exit_code(printed):
    for words, answer in (
        (["mine.py:MyAdm"], "Did you mean 'MyAdam'?"),
        (["mine.py:MyAdam", "--as", "adm"], "unknown optimizer 'adm'"),
        (["none.py:MyAdam"], "there is no file none.py"),
        (["mine.py"], "mine.py defines 10 classes and functions. Name one: mine.py:MyAdam."),
        (["adm"], "unknown optimizer 'adm'"),
    ):
        code, text = printed(*words)
        assert (code, answer in text) == (2, True), text
        assert text.startswith("minidl conform: error: ")


def test_the_only_optimizer_of_a_file_needs_no_name(printed):
    Path("one.py").write_text("def step(w, g, state):\n    return w - 0.1 * g\n", encoding="utf-8")
    code, text = printed("one.py")
    assert (code, "it is        GradientDescent\n" in text) == (0, True)
    assert "    lr                                             0.1           -\n" in text


def test_json_has_what_the_report_has(printed):
    code, text = printed("mine.py:HastyAdam", "--json")
    report = json.loads(text)
    assert (code, report["conforms"], report["expected"]) == (1, False, "Adam")
    assert report["answer"]["rule"] == "Adam without bias correction"
    assert report["given"]["beta2"] == 0.999
    failed = [check for check in report["answer"]["checks"] if not check["passed"]]
    assert len(failed) == 16
    assert failed[0]["difference"]["step"] == 1
    code, text = printed("mine.py:from_zero_adam", "--json")
    assert json.loads(text, parse_constant=pytest.fail)["conforms"] is False
    code, text = printed("mine.py:Broken", "--json")
    assert "line" in json.loads(text)["error"]


def test_what_the_code_prints_is_no_part_of_the_report(printed):
    code, text = printed("mine.py:Talks", "--json")
    assert (code, json.loads(text)["conforms"]) == (0, True)


def test_code_that_ends_the_process_does_not_conform(printed):
    code, text = printed("mine.py:Exits")
    assert (code, "  result       its code failed\n" in text) == (1, True)
    code, text = printed("mine.py:Exits", "--json")
    assert (code, json.loads(text)["conforms"]) == (1, False)


def test_two_numbers_that_hardly_differ_are_a_number_and_a_distance(printed):
    code, text = printed("mine.py:Near", "--as", "gd")
    assert (code, max(map(len, text.splitlines())) < 80) == (1, True)
    assert re.search(r"  FAIL  one gradient, .* 1   -0\.0123456  off \d\.\de-\d\d\n", text)
    assert "hyperparameters of the nearest rule, " in text


def test_a_slow_optimizer_says_which_runs_are_done() -> None:
    stream = io.StringIO()
    progress = conform.Progress(stream)
    progress.on_run(1, 10)  # nothing yet
    progress.told_at -= conform.PATIENCE
    progress.on_run(2, 10)
    progress.on_run(3, 10)
    assert stream.getvalue() == "minidl: 2 of 10 runs\n"
    conform.Progress(None).on_run(1, 10)  # a closed stream


def test_progress_is_printed_on_standard_error(tmp_path, capsys, monkeypatch) -> None:
    monkeypatch.setattr(conform, "PATIENCE", 0.0)
    (tmp_path / "mine.py").write_text(FILE)
    assert main(["conform", f"{tmp_path / 'mine.py'}:MyAdam"]) == 0
    printed = capsys.readouterr()
    assert printed.err.splitlines()[-1] == "minidl: 9 of 10 runs"
    assert "10 runs" not in printed.out
