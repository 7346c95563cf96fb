"""A training run in one figure: what the model predicts, beside how it came to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from minidl.datasets import Dataset
from minidl.plots.boundary import plot_boundary
from minidl.plots.curves import plot_history
from minidl.plots.figures import new_figure, styled

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def draw_run(model: Any, data: Dataset, history: Any, title: str) -> Figure:
    """Return a figure with the boundary on the left, loss and, for classes, accuracy on the right.

    It does not belong to pyplot. Arguments and errors are those of
    :func:`~minidl.plots.plot_boundary` and :func:`~minidl.plots.plot_history`.
    """
    with styled():
        figure = new_figure(11, 5.6)
        columns = ["loss", "accuracy"] if "train_accuracy" in history else ["loss"]
        grid = figure.add_gridspec(len(columns), 2, width_ratios=(1.15, 1))
        left = plot_boundary(model, data, figure.add_subplot(grid[:, 0]))
        left.set_title(left.get_title().removeprefix(f"{data.name}\n"), fontsize=10)  # is above
        for k, column in enumerate(columns):
            plot_history(history, column, figure.add_subplot(grid[k, 1]))
        figure.suptitle(title, x=0.01, horizontalalignment="left", fontsize=12)
        return figure
