"""Figures: Matplotlib's state, titles of users, and legends that have room."""

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np

from minidl.plots.figures import axes_of, explain, new_figure, styled

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
