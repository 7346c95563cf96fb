"""Learning curves: the numbers of the history, its best epoch, and clear errors."""

import math
import subprocess
import sys

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest

import minidl
from minidl import History, Trainer, nn, plots
from minidl.errors import ArgumentError, DataError, UnknownNameError
from minidl.plots.style import looks_of

mpl.use("agg")
COLUMNS = {
    "epoch": [0, 5, 10, 15],
    "train_loss": [0.9, 0.5, 0.2, 0.1],
    "validation_loss": [0.9, 0.4, 0.3, 0.6],
    "train_accuracy": [0.5, 0.8, 0.9, 1.0],
    "validation_accuracy": [0.5, 0.7, 0.75, 0.8],
}


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


def history(**others):
    return History.from_columns({**COLUMNS, **others})


def data(line):
    return [np.asarray(values).tolist() for values in line.get_data()]


def lines(ax):
    return {line.get_label(): line for line in ax.lines}


def texts(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


def test_loss_and_accuracy_are_drawn_beside_each_other():
    ax = history().plot()
    left, right = ax.figure.axes
    assert ax is left
    for panel, what in ((left, "loss"), (right, "accuracy")):
        for rows, name in (("train", "training"), ("validation", "validation")):
            found = data(lines(panel)[name])
            assert found == [COLUMNS["epoch"], COLUMNS[f"{rows}_{what}"]]
        assert (panel.get_xlabel(), panel.get_ylabel()) == ("epoch", what)
    assert lines(left)["validation"].is_dashed()
    assert not lines(left)["training"].is_dashed()


def test_both_panels_mark_the_epoch_with_the_lowest_validation_loss():
    left, right = history().plot().figure.axes
    assert data(lines(left)["best epoch: 10 (0.3)"]) == [[10], [0.3]]
    assert data(lines(right)["lowest validation loss: epoch 10 (75.0 %)"]) == [[10], [0.75]]
    assert all([10, 10] in [data(line)[0] for line in ax.lines] for ax in (left, right))


def test_without_validation_rows_the_training_loss_says_which_epoch_is_the_best():
    ax = plots.plot_history({"train_loss": [3.0, 1.0, 2.0], "train_accuracy": [0.1, 0.2, 0.9]})
    assert texts(ax) == ["training", "best epoch: 1 (1)"]
    assert texts(ax.figure.axes[1]) == ["training", "lowest training loss: epoch 1 (20.0 %)"]


def test_one_kind_or_given_axes_have_one_panel():
    ax = history().plot("accuracy")
    assert len(ax.figure.axes) == 1
    assert ax.get_ylabel() == "accuracy"
    ax = plt.figure().subplots()
    assert history().plot(ax=ax) is ax
    assert ax.figure.axes == [ax]
    assert data(lines(ax)["training"])[1] == COLUMNS["train_loss"]


def test_any_column_can_be_drawn():
    ax = history(gradient_norm=[math.nan, 3.0, 2.0, 1.0]).plot("gradient_norm")
    x, y = data(lines(ax)["gradient norm"])
    assert x == [0, 5, 10, 15]
    assert math.isnan(y[0])
    assert y[1:] == [3, 2, 1]
    assert "lowest validation loss: epoch 10 (2)" in texts(ax)


def test_runs_with_labels_share_axes_in_the_colours_of_their_optimizers():
    ax = history().plot("loss", label="nag")
    history().plot("loss", ax=ax, label="momentum")
    history().plot("loss", ax=ax, label="_$x")
    ends = [f"{name}: best epoch: 10 (0.3)" for name in ("nag", "momentum", "$x")]
    assert texts(ax) == [*ends, "thin: validation"]
    for name, text in zip(("nag", "momentum"), ends, strict=False):
        look, training = looks_of([name])[name], lines(ax)[text]
        assert training.get_color() == look.color
        assert training.get_marker() == look.marker  # also in the legend
        (validation,) = [
            line for line in ax.lines
            if data(line)[1] == COLUMNS["validation_loss"] and line.get_color() == look.color
        ]  # fmt: skip
        dashes = [line.get_linestyle() for line in (training, validation)]
        assert dashes[0] == dashes[1] == ("-" if name == "nag" else "--")
        assert training.is_dashed() == validation.is_dashed() == (name != "nag")
        assert validation.get_linewidth() <= 0.6 * training.get_linewidth()
        assert validation.get_marker() == "None"
    ax.figure.canvas.draw()  # a dollar is no formula


@pytest.mark.parametrize(
    ("losses", "scale"),
    [
        ([1.0, 0.5, 0.2], "linear"),
        ([1.0, 0.5, 0.05], "log"),
        ([1.0, 0.5, 0.0], "linear"),
        ([1.0, math.inf, 1e9], "log"),
    ],
)
def test_a_loss_that_changes_much_is_drawn_logarithmically(losses, scale):
    assert plots.plot_history({"train_loss": losses}).get_yscale() == scale


def test_values_that_are_not_finite_are_left_out():
    ax = plots.plot_history({"train_loss": [1.0, math.nan, 0.5, math.inf]})
    y = np.asarray(lines(ax)["training"].get_ydata(), dtype=float)
    np.testing.assert_array_equal(y, [1.0, math.nan, 0.5, math.nan])
    assert "best epoch: 2 (0.5)" in texts(ax)


def test_a_divergence_is_marked():
    run, X = Trainer(nn.mlp(1, 1, seed=0), "mse", "gd", lr=30.0, seed=0), np.arange(9.0)
    with pytest.warns(minidl.errors.DivergenceWarning):
        found = run.fit(X[:, None], X, epochs=9)
    line = lines(found.plot())[f"diverged in epoch {found.diverged_at}"]
    assert data(line)[0] == [found.diverged_at] * 2


def test_a_single_epoch_is_a_point_that_is_hollow_for_validation_rows():
    ax = plots.plot_history({"train_loss": [1.0], "validation_loss": [2.0]})
    points = [lines(ax)[name] for name in ("training", "validation")]
    assert [point.get_marker() for point in points] == ["o", "o"]
    assert points[0].get_markerfacecolor() == points[0].get_color()
    assert points[1].get_markerfacecolor() == "#ffffff"


@pytest.mark.parametrize("empty", [{}, {"train_loss": []}, History()])
def test_an_empty_history_is_an_error(empty):
    with pytest.raises(DataError, match=r"nothing to draw: the history is empty. Call fit first"):
        plots.plot_history(empty)


def test_columns_that_cannot_be_drawn_are_errors():
    with pytest.raises(DataError, match="'train_loss' has no finite value"):
        plots.plot_history({"train_loss": [math.nan, math.inf]})
    with pytest.raises(UnknownNameError, match="no accuracy: the targets of this loss"):
        plots.plot_history({"train_loss": [1.0]}, "accuracy")
    with pytest.raises(UnknownNameError, match="Did you mean 'validation_loss'"):
        history().plot("val_loss")
    with pytest.raises(ArgumentError, match=r"what must be .*Write ax="):
        history().plot(plt.figure().subplots())
    for ax, hint in (
        ("nag", 'label="nag"'),
        (plt.figure(), r"add_subplot"),
        (plt.figure().subplots(1, 2), r"ax=axes\[0\]"),
        (3, "3"),
    ):
        with pytest.raises(ArgumentError, match=f"ax must be Axes of Matplotlib, got .*{hint}"):
            history().plot("loss", ax)


def test_the_state_of_matplotlib_stays_as_it_is():
    before = dict(mpl.rcParams)
    history().plot()
    assert dict(mpl.rcParams) == before


def run_python(script):
    return subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    ).stdout.strip()


def test_importing_the_plots_does_not_import_matplotlib():
    script = "import minidl, sys; minidl.plots.plot_history; print('matplotlib' in sys.modules)"
    assert run_python(script) == "False"


def test_without_matplotlib_the_error_names_the_extra():
    script = """if True:
        import sys
        sys.modules["matplotlib"] = None
        from minidl import History
        try:
            History.from_columns({"train_loss": [1.0]}).plot()
        except ValueError as error:
            print(error)
    """
    wrong = "a plot needs matplotlib, which is not installed: pip install 'minidl[plot]'"
    assert run_python(script) == wrong
