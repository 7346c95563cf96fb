"""``minidl doctor``: the screen, what to type next, the range test, files and mistakes."""

import json
import shlex
import sys

import numpy as np
import pytest

from minidl import Trainer, datasets, nn, sharpness
from minidl.cli import main
from minidl.training import find_lr


@pytest.fixture
def shown(capsys):
    """Type these options; return what is printed, of at most 80 columns."""

    def show(*options, command="doctor"):
        assert main([command, *options]) == 0
        out, err = capsys.readouterr()
        assert err == ""
        assert max(map(len, out.splitlines())) <= 80
        return out

    return show


def words_of(text):
    return " ".join(text.split())


def following(text):
    """The words after `next: minidl`."""
    return shlex.split(text.split("next: minidl ")[1].replace("\\\n", " "))


def test_the_screen_says_what_is_wrong_the_number_and_what_to_type(shown):
    text = shown("--dataset", "moons", "--optimizer", "nag", "--lr", "3")
    data = datasets.load("moons", seed=0)
    model = nn.mlp(2, 16, 16, 1, activation="tanh", seed=0)
    top = sharpness(model, "bce", data.X_train, data.y_train).value
    limit = 2 * 1.9 / 2.8
    assert f"lr 3 is too large: lr times sharpness is {3 * top:.4g}, and nag is" in text
    assert f"stable below {limit:.4g}, so each step overshoots further." in words_of(text)
    assert f"sharpness  {top:.4g}, the largest curvature" in text
    assert f"below lr {limit / top:.3g}; with a margin of 2, lr 0.4" in text
    assert "units      0 dead and 0 saturated of 32" in text
    assert "the noise of mini-batches lowers the limit" in words_of(text)
    assert following(text) == ["train", "--dataset", "moons", "--optimizer", "nag", "--lr", "0.4"]
    assert len([line for line in text.splitlines() if line]) <= 16


def test_what_is_typed_next_trains(shown):
    options = [
        "--dataset",
        "sine",
        "--rows",
        "60",
        "--optimizer",
        "momentum",
        "--hidden",
        "8",
        "--lr",
        "40",
    ]
    words = following(shown(*options))
    assert words[0] == "train"
    bad = shown(*options, "--epochs", "20", "--quiet", command="train")
    assert "diverged" in bad or "worse" in bad
    good = shown(*words[1:], "--epochs", "20", "--quiet", command="train")
    assert "diverged" not in good
    assert "worse" not in good


def test_train_gives_the_numbers_after_a_divergence(shown):
    text = words_of(
        shown(*["--rows", "60", "--dataset", "sine", "--lr", "40", "--quiet"], command="train")
    )
    assert "lr 40 is too large: lr times sharpness is" in text
    assert "and nag is stable below 1.357" in text


def test_a_stable_rate_is_kept_and_a_missing_one_is_suggested(shown):
    kept = shown(*["--rows", "60", "--lr", "0.01", "--batch-size", "full"])
    assert "Nothing wrong was found: lr times sharpness is" in kept
    assert "Training may still raise the sharpness." in kept
    assert following(kept) == ["train", "--rows", "60", "--lr", "0.01", "--batch-size", "full"]
    found = shown("--rows", "60")
    assert "lr=" not in found
    assert "the learning rate was not judged" in found
    assert "optimizer  nag, batch size 32" in found
    assert following(found)[:-1] == ["train", "--rows", "60", "--lr"]
    slow = shown(*["--rows", "60", "--lr", "1e-6"])
    assert "lr 1e-06 is small" in slow
    assert float(following(slow)[-1]) > 0.01


def test_without_a_limit_the_range_test_is_next(shown):
    text = shown(*["--rows", "60", "--optimizer", "adam", "--lr", "0.1"])
    assert "no limit is known" in text
    words = following(text)
    assert words == ["doctor", "--rows", "60", "--optimizer", "adam", "--find-lr"]
    assert following(shown(*words[1:]))[:-1] == [
        "train",
        "--rows",
        "60",
        "--optimizer",
        "adam",
        "--lr",
    ]


def test_find_lr_prints_the_number_and_points_of_the_curve(shown):
    text = shown(*["--rows", "60", "--optimizer", "gd", "--find-lr"])
    data = datasets.load("moons", n=60, seed=0)
    model = nn.mlp(2, 16, 16, 1, activation="tanh", seed=0)
    curve = find_lr(Trainer(model, "bce", "gd", lr=0.1, seed=0), data.X_train, data.y_train)
    assert f"lr {curve.lr:g}, a tenth of {curve.lowest:.3g}, where the loss was lowest" in text
    assert following(text)[-2:] == ["--lr", f"{curve.lr:g}"]
    lines = text.split("training loss\n")[1].split("\n\n")[0].splitlines()
    assert lines[0].split() == ["before", f"{curve.start:.4g}"]
    assert lines[-1].split() == [f"{curve.rates[-1]:.3g}", f"{curve.losses[-1]:.4g}"]
    assert len(lines) == 9


@pytest.mark.parametrize(
    ("more", "part"), [(["--find-lr"], "find_lr"), (["--lr", "3"], "diagnosis")]
)
def test_json_has_all_numbers_and_the_next_command(more, part, shown, capsys, tmp_path):
    file = tmp_path / "found.json"
    text = shown("--rows", "60", *more, "--json", str(file))
    record = json.loads(file.read_text())
    assert main(["doctor", "--rows", "60", *more, "--json", "-"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed[part] == record[part]
    assert record[part]["lr"] > 0
    assert record["settings"]["rows"] == 60
    assert shlex.split(record["next"])[1:] == following(text)


def test_the_curve_is_drawn(shown, tmp_path):
    pytest.importorskip("matplotlib")
    file = tmp_path / "rates.png"
    shown("--rows", "60", "--find-lr", "--plot", str(file))
    assert file.read_bytes().startswith(b"\x89PNG")


def test_dead_units_and_columns_of_a_file_are_named(shown, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    rows = np.random.default_rng(0).normal(size=(30, 2))
    np.savez("rows.npz", X=rows, y=(rows[:, 0] > 0).astype(int))
    words = ["--activation", "relu", "--hidden", "4,3", "--lr", "0.1"]
    words += ["--initializer", "constant:-1"]  # the second layer gets numbers below 0 only
    text = shown("--dataset", "rows.npz", *words)
    assert "Dead units, with slope 0 on all rows: 3 of 3 in layer 3." in words_of(text)
    assert "units      3 dead and 0 saturated of 7" in text


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("--find-lr --lr 0.1", "--find-lr tries rates itself, got --lr 0.1. Leave --lr out."),
        ("--plot x.png", "--plot draws the curve of --find-lr. Add --find-lr."),
        ("--find-lr --plot x.gif", "--plot: cannot animate 'x.gif'"),
        ("--lr -1", "--lr must be"),
        ("--optimizer nga", "unknown optimizer 'nga'"),
    ],
)
def test_mistakes_are_sentences(options, message, capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert main(["doctor", *options.split()]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(f"minidl doctor: error: {message}")


@pytest.mark.parametrize("word", ["diagnose", "why"])
def test_other_words_for_the_command_are_known(word, capsys):
    with pytest.raises(SystemExit):
        main([word])
    assert "Did you mean 'doctor'?" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["lr_find"])
    assert "Did you mean 'doctor --find-lr'?" in capsys.readouterr().err


def test_a_plot_without_matplotlib_is_told_before_any_work(monkeypatch, capsys):
    for name in [n for n in sys.modules if n.partition(".")[0] == "matplotlib"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert main(["doctor", "--find-lr", "--plot", "x.png"]) == 2
    assert "matplotlib" in capsys.readouterr().err
