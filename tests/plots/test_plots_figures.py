"""Figures: Matplotlib's state, titles of users, and legends that have room."""

import math
from itertools import cycle

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest

from minidl import plots
from minidl.errors import ArgumentError, DataError
from minidl.plots.figures import axes_of, entitle, explain, new_figure, styled
from minidl.plots.predictions import plot_predictions
from minidl.plots.shades import MARKERS, colours_of

mpl.use("agg")


def test_a_notebook_that_makes_pyplot_interactive_in_the_first_figure_stays_so():
    before = mpl.is_interactive()
    try:
        with styled():
            mpl.interactive(True)  # as the backend of notebooks does when it is loaded
        assert mpl.is_interactive()
        mpl.interactive(False)
        with styled():
            pass
        assert not mpl.is_interactive()
    finally:
        mpl.interactive(before)


def test_names_with_a_dollar_are_no_formulas_in_the_axes_of_a_user():
    figure, ax = plt.subplots()
    axes_of(ax).set(title="$", xlabel="$x_1$", ylabel="$y$")
    assert not any(t.get_parse_math() for t in (ax.title, ax.xaxis.label, ax.yaxis.label))
    figure.canvas.draw()
    plt.close(figure)


def test_a_legend_is_below_the_axes_and_narrower_than_these():
    figure = new_figure(5, 4)
    with styled():
        ax = figure.subplots()
        ax.set_xlabel("epoch")
        lines = [ax.plot([0, k], label=f"optimizer number {k}")[0] for k in range(9)]
        explain(ax, lines)
    figure.draw_without_rendering()
    legend = ax.get_legend().get_window_extent()
    assert legend.y1 < ax.xaxis.label.get_window_extent().y0
    assert legend.y0 >= 0
    assert legend.width <= 1.1 * ax.get_window_extent().width
    columns = {round(text.get_window_extent().x0) for text in ax.get_legend().get_texts()}
    assert len(columns) == 2


def test_in_a_figure_without_layout_the_legend_is_inside():
    figure, ax = plt.subplots()
    explain(ax, ax.plot(np.arange(3), label="a"))
    figure.draw_without_rendering()
    assert ax.get_window_extent().contains(*ax.get_legend().get_window_extent().p0)
    plt.close(figure)


def test_letters_are_smaller_in_small_axes_and_titles_are_wrapped_to_their_width():
    small, large = plt.figure(figsize=(6, 5)).subplots(2, 2)[0, 0], plt.figure().subplots()
    title = "wrong: 20 of 750 training rows, 12 of 250 held-out rows"
    sizes = []
    for ax in (small, large):
        entitle(ax, "", title)
        explain(ax, ax.plot(np.arange(3), label="a"))
        ax.figure.draw_without_rendering()
        sizes.append(ax.get_legend().get_texts()[0].get_fontsize())
        assert ax.title.get_window_extent().width <= 1.1 * ax.get_window_extent().width
        assert ax.get_title().replace("\n", " ") == title
    assert sizes == [6.5, 9]
    assert ("\n" in small.get_title(), "\n" in large.get_title()) == (True, False)
    plt.close("all")


def test_numbers_of_rows_are_whole():
    ax = plot_predictions([1.0, 2.0], ax=new_figure(4, 3).subplots())
    ax.figure.draw_without_rendering()
    assert all(tick.get_text().isdigit() for tick in ax.get_yticklabels())
    ax = plot_predictions(["a", "b"], ["a", "b"], ax=new_figure(4, 3).subplots())
    ax.figure.draw_without_rendering()
    assert all(tick.get_text().isdigit() for tick in ax.get_xticklabels())


def test_rates_are_drawn_without_losses_that_are_not_finite():
    ax = plots.plot_rates([0.1, 1, 10], [2, 1, math.inf], lr=0.1, ax=new_figure(4, 3).subplots())
    assert ax.lines[0].get_xdata().tolist() == [0.1, 1]
    assert (ax.get_xscale(), ax.get_yscale()) == ("log", "log")
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["chosen: 0.1"]


def test_shares_of_predicted_classes_are_of_all_rows():
    ax = plot_predictions(["a", "b", "a", "a"], ["a", "b", "c"], ax=new_figure(4, 3).subplots())
    assert [text.get_text() for text in ax.texts] == ["3 (75 %)", "1 (25 %)", "0 (0 %)"]


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: plots.plot_history(None), ArgumentError, "history must be a History, or a"),
        (lambda: plots.plot_history({"train_loss": [1.0]}, label=5), ArgumentError, "label must"),
        (lambda: plots.plot_paths(None), ArgumentError, "there are no paths to draw"),
        (lambda: plots.plot_steps(3), ArgumentError, "there are no paths to draw"),
        (lambda: plots.plot_rates([1.0], [1.0, 2.0]), DataError, "rates and losses differ"),
        (lambda: plots.plot_rates([0.0, 1.0], [1.0, 2.0]), DataError, "rates must be positive"),
        (lambda: plots.plot_rates([1.0], [math.inf]), DataError, "there is no finite loss"),
        (lambda: plots.plot_predictions(None), ArgumentError, "one class or number for each row"),
        (lambda: plots.plot_predictions(["z"], ["a"]), DataError, "a class is unknown"),
        (lambda: plots.plot_predictions([math.nan, 1.0]), DataError, "must be finite numbers"),
        (lambda: plots.plot_loss_plane("abc", len), ArgumentError, "weights must be arrays"),
        (lambda: plots.plot_loss_plane([[1, 2], [3]], len), ArgumentError, "weights must be array"),
    ],
)
def test_what_cannot_be_drawn_is_a_clear_error_and_leaves_no_figure(call, error, words):
    before = plt.get_fignums()
    with pytest.raises(error, match=words):
        call()
    assert plt.get_fignums() == before


def test_twenty_classes_look_different():
    looks = list(zip(colours_of(20), cycle(MARKERS), strict=False))
    assert len(set(looks)) == 20
