"""Pictures on the Axes of a user: their style stays, and everything is legible on a dark one."""

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from minidl import datasets, nn, paths, plots
from minidl.plots.inks import ink, inked_looks
from minidl.plots.style import LOOKS

mpl.use("agg")
HISTORY = {"train_loss": [3.0, 2.0, 1.0], "validation_loss": [3.0, 2.5, 2.0]}
BOTH = [paths.descend("x**2/2 + 3*y**2", n, start=(-4, 2), steps=5, lr=0.1) for n in ("gd", "nag")]
MODEL, MOONS = nn.mlp(2, 4, 1, seed=0), datasets.load("moons", n=40)
WEIGHTS = {"gd": np.random.default_rng(0).normal(size=(5, 4))}
DRAW = {
    "history": lambda ax: plots.plot_history(HISTORY, "loss", ax, label="gd"),
    "one history": lambda ax: plots.plot_history(HISTORY, "loss", ax),
    "boundary": lambda ax: plots.plot_boundary(MODEL, MOONS, ax, resolution=9),
    "paths": lambda ax: plots.plot_paths(BOTH, ax=ax),
    "steps": lambda ax: plots.plot_steps(BOTH, ax=ax),
    "plane": lambda ax: plots.plot_loss_plane(WEIGHTS, lambda w: w @ w, points=5, ax=ax),
    "predictions": lambda ax: plots.plot_predictions([1.0, 2.0, 4.0], ax=ax),
    "rates": lambda ax: plots.plot_rates([0.1, 1.0], [1.0, 3.0], lr=0.1, start=2.0, ax=ax),
    "stability": lambda ax: plots.plot_stability([(0.5, 0.9)], rules=["nag"], ax=[ax])[0],
}


def dark_axes():
    with plt.style.context("dark_background"):
        return Figure(layout="constrained").subplots()


def lightness(color):
    return float(np.dot(to_rgb(color), [0.2126, 0.7152, 0.0722]))


@pytest.mark.parametrize("name", DRAW)
@pytest.mark.parametrize("inside", [True, False])
def test_texts_and_lines_are_light_on_dark_axes(name, inside):
    ax = dark_axes()
    with plt.style.context("dark_background" if inside else "default"):
        before = dict(mpl.rcParams)
        DRAW[name](ax)
        assert dict(mpl.rcParams) == before
    ax.figure.draw_without_rendering()
    legend = ax.get_legend()
    texts = [ax.title, ax.xaxis.label, ax.yaxis.label]
    for each in ax.figure.axes:  # a scale of colours too
        texts += [*each.get_xticklabels(), *each.get_yticklabels(), each.yaxis.label]
    covered = name == "stability"  # its shades are light on all Axes, and so is its legend
    if legend and not covered:
        texts += legend.get_texts()
        for handle in legend.legend_handles:
            edge = handle.get_markeredgecolor() if handle.get_marker() != "None" else None
            assert max(lightness(handle.get_color()), lightness(edge or "black")) > 0.08
    assert all(lightness(text.get_color()) > 0.5 for text in texts if text.get_text())
    if not covered and name != "boundary":
        assert all(lightness(line.get_color()) > 0.08 for line in ax.lines)


def test_the_style_of_the_user_stays_on_their_axes_and_new_figures_have_that_of_minidl():
    with mpl.rc_context({"lines.linewidth": 7.0, "axes.titlesize": 20, "axes.grid": False}):
        ax = plots.plot_history(HISTORY, "loss", Figure().subplots())
        assert ax.lines[0].get_linewidth() == 7
        assert ax.spines.top.get_visible()
        mine = plots.plot_history(HISTORY, "loss")
        assert mine.lines[0].get_linewidth() == 1.8
        assert not mine.spines.top.get_visible()
    plt.close("all")


def test_only_black_becomes_the_colour_of_texts():
    with mpl.rc_context({"text.color": "white", "axes.facecolor": "black"}):
        looks = inked_looks(LOOKS)
        assert looks.pop("gd").color == ink() == "#ffffff"
        assert ink(0) == "#000000"
    assert looks == {name: look for name, look in LOOKS.items() if name != "gd"}
    assert inked_looks(LOOKS) == LOOKS


def test_axes_without_a_background_have_that_of_their_figure():
    figure = Figure(facecolor="#102030")
    ax = figure.subplots()
    ax.set_facecolor("none")
    ax.title.set_color("white")
    plots.plot_history(HISTORY, "loss", ax)
    hollow = [line for line in ax.lines if line.get_markersize() == 7]
    assert [line.get_markerfacecolor() for line in hollow] == ["#102030"]
