"""An optimizer of a user's file in ``minidl train`` and ``minidl compare``."""

import json
import signal
from pathlib import Path

import pytest
from cli_process import SMALL_RACE, SMALL_RUN, signalled

from minidl.cli import main
from minidl.comparison import compare
from minidl.comparison.executor import Executor

HELPERS = """
def root(x):
    return x**0.5 + 1e-8
"""
ADAM = """
from helpers import root
from minidl.optim import Optimizer, learning_rate, momentum

BETAS = 0.9, 0.999


class Adaptive(Optimizer):
    lr = learning_rate()
    state_names = ("m", "v")

    def __init__(self, lr):
        super().__init__(lr=lr)

    def update(self, w, grad):
        g, m, v, t = grad(w), self.state["m"], self.state["v"], self.step_count + 1
        m += (1 - BETAS[0]) * (g - m)
        v += (1 - BETAS[1]) * (g * g - v)
        w -= self.lr * (m / (1 - BETAS[0]**t)) / root(v / (1 - BETAS[1]**t))


class Momentum(Optimizer):
    lr = learning_rate()
    momentum = momentum()
    state_names = ("v",)

    def __init__(self, lr, momentum=0.9):
        super().__init__(lr=lr, momentum=momentum)

    def update(self, w, grad):
        v = self.state["v"]
        v *= self.momentum
        v += self.lr * grad(w)
        w -= v


class Torch:
    def __init__(self, params, lr=0.1): ...
"""


@pytest.fixture(autouse=True)
def files(tmp_path, monkeypatch):
    """A folder, which is the current one, with two files."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    Path("helpers.py").write_text(HELPERS, encoding="utf-8")
    Path("mine.py").write_text(ADAM, encoding="utf-8")


def plain(record):
    """Return the runs of a record without their seconds."""
    runs = record["comparisons"][0]["runs"]
    return [{name: value for name, value in run.items() if name != "seconds"} for run in runs]


OWN = ["--optimizers", "mine.py:Adaptive,nag"]


def test_it_is_trained_with_the_rate_that_is_given(trained):
    record = trained("--optimizer", "mine.py:Adaptive", "--lr", "0.03", "--epochs", "3")
    assert (record["optimizer"], record["batch_size"]) == ("Adaptive(lr=0.03)", 32)
    losses = record["history"]["columns"]["train_loss"]
    assert losses[-1] < losses[0]


def test_its_row_has_the_name_of_the_class(capsys):
    assert main([*SMALL_RACE, *OWN, "--details"]) == 0
    printed = capsys.readouterr().out
    rows = [line.split()[0] for line in printed.splitlines() if line]
    assert rows.count("Adaptive") >= 3  # on the screen, and in the details
    assert "\nnag - Adaptive " in printed
    assert "mine.py" not in printed


def test_workers_that_cannot_import_the_file_train_it(raced):
    one, two = (raced(*OWN, "--jobs", jobs) for jobs in "12")
    assert plain(one) == plain(two)
    assert {run["optimizer"] for run in plain(two)} == {"Adaptive", "nag"}


def test_workers_that_were_started_earlier_find_the_modules_beside_the_file(raced):
    raced("--jobs", "2")  # starts workers, before there is the folder
    Path("later").mkdir()
    Path("later/beside_the_file.py").write_text(HELPERS, encoding="utf-8")
    text = ADAM.replace("from helpers import", "from beside_the_file import")
    Path("later/mine.py").write_text(text, encoding="utf-8")
    own = ["--optimizers", "later/mine.py:Adaptive,nag"]
    one, two = (raced(*own, "--jobs", jobs) for jobs in "12")
    assert plain(one) == plain(two)


def test_a_rule_written_anew_gives_the_numbers_of_the_built_in_one(raced):
    """The own one is called after its file, since momentum is a name of minidl."""
    found = raced("--optimizers", "momentum,mine.py:Momentum", "--momentum", "0.5")
    curves = {}
    for run in plain(found):
        curves[run["optimizer"], *run["setting"], run["seed"]] = run["curves"]["train_loss"]
    names = {name for name, *_ in curves}
    assert names == {"momentum", "mine.Momentum"}
    for (name, *rest), losses in curves.items():
        assert rest[1] == 0.5
        assert losses == pytest.approx(curves[("momentum", *rest)], rel=1e-9), name


def test_its_momentum_is_tuned_if_it_has_one(raced):
    options = ["--tune", "lr,momentum", "--momentum", "0.5,0.9"]
    found = raced("--optimizers", "mine.py:Momentum,mine.py:Adaptive", *options)
    settings = {(run["optimizer"], run["setting"][1]) for run in plain(found)}
    assert {("mine.Momentum", 0.5), ("mine.Momentum", 0.9), ("Adaptive", None)} == settings


def test_two_files_with_a_class_of_one_name_are_told_apart(capsys):
    Path("other.py").write_text(ADAM.replace("0.999", "0.99"), encoding="utf-8")
    assert main([*SMALL_RACE, "--optimizers", "mine.py:Adaptive,other.py:Adaptive"]) == 0
    assert "\nother.Adaptive - Adaptive " in capsys.readouterr().out


def test_the_same_class_twice_is_an_error(capsys):
    assert main([*SMALL_RACE, "--optimizers", "mine.py:Adaptive,./mine.py:Adaptive"]) == 2
    assert "'./mine.py:Adaptive' and 'Adaptive' are the same." in capsys.readouterr().err


def test_a_file_of_results_is_shown_without_the_class(capsys):
    assert main([*SMALL_RACE, *OWN, "--out", "race.json"]) == 0
    printed = capsys.readouterr().out
    Path("mine.py").unlink()
    assert main(["compare", "--from", "race.json"]) == 0
    assert capsys.readouterr().out == printed


def test_a_killed_comparison_is_continued():
    command = [*SMALL_RACE, *OWN, "--out"]
    process, _, err = signalled([*command, "killed.json"], signal.SIGKILL, 3)
    assert (process.returncode, err) == (-signal.SIGKILL, "")
    kept = [
        json.loads(line)["runs"] for line in Path("killed.json.part").read_text().splitlines()[1:]
    ]
    assert main([*command, "killed.json"]) == 0
    assert main([*command, "whole.json"]) == 0
    killed, whole = (json.loads(Path(f"{name}.json").read_text()) for name in ("killed", "whole"))
    assert plain(killed) == plain(whole)
    seconds = {run["seconds"] for run in killed["comparisons"][0]["runs"]}
    assert {run["seconds"] for block in kept for run in block} <= seconds


@pytest.mark.parametrize(
    ("file", "change", "code"),
    [
        ("mine.py", ("0.999", "0.99"), 1),  # a constant of the module
        ("mine.py", ("self.lr * (m", "2 * self.lr * (m"), 1),
        ("helpers.py", ("1e-8", "1e-4"), 1),
        ("mine.py", ("class Adaptive", "# best\nclass Adaptive"), 0),
    ],
)
def test_results_of_other_code_are_not_continued(file, change, code, capsys, monkeypatch):
    command = [*SMALL_RACE, *OWN, "--out", "race.json"]
    assert main(command) == 0
    text = Path(file).read_text(encoding="utf-8")
    assert change[0] in text
    Path(file).write_text(text.replace(*change), encoding="utf-8")
    Path("mine.py").write_text(Path("mine.py").read_text() + "\n", encoding="utf-8")  # run anew
    monkeypatch.setattr(Executor, "run", None)
    capsys.readouterr()
    assert main(command) == code
    err = capsys.readouterr().err
    assert ("race.json holds another comparison" in err) is bool(code)
    assert ("code of Adaptive is '" in err) is bool(code)


def test_in_python_the_place_is_a_name_too():
    found = compare(
        "moons", optimizers=["mine.py:Adaptive", "nag"], lr=[0.1, 0.2], epochs=4, seeds=2,
        tuning_seeds=1,
    )  # fmt: skip
    assert [row.optimizer for row in found.rows] == ["Adaptive", "nag"]
    assert found.plan.contestant("Adaptive").own.momentum is None
    assert "code of Adaptive" in found.request


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("mine.py:Torch", "Torch is not derived from minidl.optim.Optimizer. Write class Torch(O"),
        (
            "mine.py:Adaptve",
            "unknown optimizer in mine.py 'Adaptve': expected one of: Adaptive, Momentum. Did",
        ),
        ("nine.py:Adaptive", "there is no file nine.py: expected FILE.py:CLASS"),
        ("broken.py:Adaptive", "broken.py, line 1: invalid syntax: class Adaptive Optimizer"),
        ("yogi", "A class in a file is also a name: my_file.py:Yogi."),
    ],
)
@pytest.mark.parametrize("command", [[*SMALL_RUN, "--optimizer"], [*SMALL_RACE, "--optimizers"]])
def test_a_mistake_is_told_before_training(command, typed, said, capsys):
    Path("broken.py").write_text("class Adaptive Optimizer\n", encoding="utf-8")
    assert main([*command, typed]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert said in err
    assert err.count("\n") == 1
