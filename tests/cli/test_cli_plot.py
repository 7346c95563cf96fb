"""``--plot`` of train and predict: what is drawn, also when interrupted, and checked before."""

import json

import numpy as np
import pytest
from cli_process import SMALL_RUN

import minidl.cli.predict
import minidl.cli.train
import minidl.cli.train_files
from minidl import datasets
from minidl.cli import main
from minidl.plots.figures import save
from minidl.training import Progress


@pytest.fixture
def drawn(monkeypatch):
    """Keep the figures that the commands write."""
    figures = []

    def kept(figure, path):
        figures.append(figure)
        save(figure, path)

    for module in (minidl.cli.train_files, minidl.cli.predict):
        monkeypatch.setattr(module, "save", kept)
    return figures


def texts(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


@pytest.mark.parametrize(
    ("name", "panels"), [("moons", 4), ("iris", 3), ("diabetes", 2), ("sine", 2)]
)
def test_train_draws_boundary_and_history(name, panels, drawn, tmp_path, capsys):
    file = tmp_path / "run.svg"
    command = ["train", "--dataset", name, "--epochs", "3", "--lr", "0.05", "--quiet"]
    assert main([*command, "--json", "-", "--plot", str(file)]) == 0
    columns = json.loads(capsys.readouterr().out)["history"]["columns"]
    (figure,) = drawn
    assert len(figure.axes) == panels
    titles = [ax.get_title() for ax in figure.axes]
    assert ("wrong: " if panels > 2 else "R² ") in titles[0]
    curves = [ax for ax in figure.axes if ax.get_xlabel() == "epoch"]
    assert [ax.get_ylabel() for ax in curves] == ["loss", "accuracy"][: panels - 1]
    drawn_losses = next(line for line in curves[0].lines if line.get_label() == "validation")
    assert drawn_losses.get_ydata().tolist() == columns["validation_loss"]
    worth = f"loss {columns['validation_loss'][-1]:.4g}"
    if "validation_accuracy" in columns:
        worth = f"accuracy {100 * columns['validation_accuracy'][-1]:.1f} %"
    title = (
        f"{name}, nag, learning rate 0.05: validation {worth} after epoch {columns['epoch'][-1]}"
    )
    assert figure.get_suptitle() == title
    assert file.read_text(encoding="utf-8").startswith("<?xml")


def test_the_title_says_that_a_run_diverged(drawn, tmp_path):
    command = ["train", "--dataset", "sine", "--epochs", "5", "--lr", "30", "--quiet"]
    assert main([*command, "--plot", str(tmp_path / "run.png")]) == 0
    assert drawn[0].get_suptitle().endswith(", diverged in epoch 1")
    curves = drawn[0].axes[1]
    assert "diverged in epoch 1" in texts(curves)


def test_without_held_out_rows_the_title_is_about_the_training_rows(drawn, tmp_path):
    command = [*SMALL_RUN, "--test-size", "0", "--plot", str(tmp_path / "run.png")]
    assert main(command) == 0
    assert ": training accuracy " in drawn[0].get_suptitle()
    assert "held-out rows" not in texts(drawn[0].axes[0])


def test_with_early_stopping_the_title_is_about_the_weights_that_are_drawn(drawn, tmp_path, capsys):
    command = ["train", "--lr", "0.3", "--epochs", "40", "--early-stopping", "3", "--quiet"]
    assert main([*command, "--plot", str(tmp_path / "run.png"), "--json", "-"]) == 0
    columns = json.loads(capsys.readouterr().out)["history"]["columns"]
    best = columns["validation_accuracy"][int(np.argmin(columns["validation_loss"]))]
    epoch = columns["epoch"][int(np.argmin(columns["validation_loss"]))]
    words = f"validation accuracy {100 * best:.1f} % at epoch {epoch}, the best"
    assert drawn[0].get_suptitle().endswith(words)
    wrong = round((1 - best) * 250)
    assert f"{wrong} of 250 held-out rows" in drawn[0].axes[0].get_title()


def test_an_interrupted_run_is_drawn(drawn, tmp_path, monkeypatch):
    def interrupt(self, trainer, record):
        if record["epoch"] == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(Progress, "on_epoch_end", interrupt)
    file = tmp_path / "run.png"
    assert main(["train", "--rows", "60", "--lr", "0.1", "--plot", str(file)]) == 130
    line = drawn[0].axes[-1].lines[0]
    assert line.get_xdata().tolist() == [0, 1, 2]
    assert file.exists()


def test_a_run_that_is_interrupted_before_it_is_measured_has_nothing_to_draw(
    drawn, tmp_path, monkeypatch
):
    def interrupt(self, trainer, epochs):
        raise KeyboardInterrupt

    monkeypatch.setattr(Progress, "on_fit_begin", interrupt)
    command = ["train", "--rows", "60", "--lr", "0.1", "--plot", str(tmp_path / "run.png")]
    assert main(command) == 130
    assert drawn == []


@pytest.mark.parametrize(
    ("file", "message"),
    [
        ("run.doc", "cannot draw"),
        ("run", "got no ending"),
        ("absent/run.png", "--plot: cannot write"),
        ("-", "--plot needs a file: only --json can write to -"),
    ],
)
def test_a_file_that_cannot_be_drawn_is_an_error_before_training(
    file, message, tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr(minidl.cli.train, "_prepare", None)  # would fail
    monkeypatch.chdir(tmp_path)
    assert main([*SMALL_RUN, "--plot", file]) in (1, 2)
    assert message in capsys.readouterr().err


@pytest.fixture(scope="module", params=["iris", "diabetes"])
def saved(request, tmp_path_factory):
    """A network with the rows it was trained on, as a file."""
    folder = tmp_path_factory.mktemp("saved")
    data = datasets.load(request.param, standardize=False, test_size=0.0)
    header = ",".join(name.replace(",", "") for name in data.feature_names)
    np.savetxt(folder / "rows.csv", data.X_train, delimiter=",", header=header, comments="")
    command = ["train", "--dataset", request.param, "--epochs", "3", "--lr", "0.05", "--quiet"]
    assert main([*command, "--save", str(folder / "model.npz")]) == 0
    return request.param, str(folder / "model.npz"), str(folder / "rows.csv")


def test_predict_draws_what_it_predicts_and_prints_the_same(saved, drawn, tmp_path, capsys):
    name, model, rows = saved
    capsys.readouterr()
    assert main(["predict", model, rows]) == 0
    alone = capsys.readouterr().out
    assert main(["predict", model, rows, "--plot", str(tmp_path / "predicted.pdf")]) == 0
    assert capsys.readouterr().out == alone
    predicted = alone.splitlines()[1:]
    (ax,) = drawn[0].axes
    if name == "iris":
        shown = dict(zip((t.get_text() for t in ax.get_yticklabels()), ax.patches, strict=True))
        assert list(shown) == ["setosa", "versicolor", "virginica"]
        for species, bar in shown.items():
            assert bar.get_width() == predicted.count(species)
    else:
        counts = np.histogram(np.array(predicted, dtype=float), "auto")[0]
        assert [bar.get_height() for bar in ax.patches] == counts.tolist()
    assert ax.get_title() == f"Predictions of {len(predicted)} rows"


def test_probabilities_are_printed_beside_the_picture(saved, drawn, tmp_path, capsys):
    name, model, rows = saved
    if name == "iris":
        command = ["predict", model, rows, "--probabilities", "--plot", str(tmp_path / "p.png")]
        assert main(command) == 0
        assert capsys.readouterr().out.startswith("y=setosa,")
        assert len(drawn) == 1
