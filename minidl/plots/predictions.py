"""Predictions of new rows: how many of each class, or how the predicted values are spread."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from minidl.errors import DataError, cut, invalid
from minidl.keywords import answers
from minidl.plots.figures import axes_of, count_in_whole_numbers, new_figure, styled
from minidl.plots.inks import ink

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLOUR = "0.5"
WIDEST = 40  # letters of a class beside its bar


@answers
def plot_predictions(
    predictions: npt.ArrayLike,
    classes: Sequence[str] = (),
    ax: Axes | None = None,
    *,
    target: str = "target",
) -> Axes:
    """Draw how often each class is predicted, or a histogram of predicted numbers.

    Parameters
    ----------
    predictions : array_like of shape (n,)
        Of :meth:`minidl.Predictor.predict`.
    classes : sequence of str, optional
        The names of all classes, from the top; none for a regression.
    ax : matplotlib Axes, optional
        Where to draw; by default in a new pyplot figure.
    target : str, default "target"
        What is predicted.

    Returns
    -------
    Axes
        With a bar for each class, or for each range of values.

    Raises
    ------
    ArgumentError
        matplotlib is not installed, or the predictions are not of shape (n,).
    DataError
        There are no predictions, one is none of the classes, or a number is not finite.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("agg")  # without windows
    >>> ax = plot_predictions(["a", "b", "a"], ["a", "b", "c"])
    >>> [int(bar.get_width()) for bar in ax.patches]
    [2, 1, 0]
    """
    values = np.asarray(predictions)
    if values.ndim != 1:
        raise invalid("predictions", predictions, "one class or number for each row")
    if not values.size:
        raise DataError("there are no predictions to draw")
    if unknown := sorted(set(map(str, values.tolist())) - set(classes)) if classes else ():
        expected = f"one of {', '.join(classes)}"
        raise DataError("a class is unknown", received=unknown[0], expected=expected)
    if not classes and not (values.dtype.kind in "iuf" and np.isfinite(values).all()):
        raise DataError("predictions without classes must be finite numbers")
    with styled(ax):
        ax = axes_of(ax)
        (_draw_classes if classes else _draw_numbers)(ax, values, classes)
        ax.set_title(f"Predictions of {values.size:,} row{'s' * (values.size != 1)}", fontsize=10)
        (ax.set_ylabel if classes else ax.set_xlabel)(f"predicted {target}")
    return ax


def draw_predictions(predictions: npt.NDArray[Any], classes: Sequence[str], target: str) -> Figure:
    """Return the same as a figure that is high enough and does not belong to pyplot."""
    with styled():
        figure = new_figure(6.4, 1.2 + 0.35 * len(classes) if classes else 4.0)
        plot_predictions(predictions, classes, figure.subplots(), target=target)
        return figure


def _draw_classes(ax: Axes, values: npt.NDArray[Any], classes: Sequence[str]) -> None:
    """Draw a bar for each class, with its number of rows."""
    places, counts = range(len(classes)), [int((values == name).sum()) for name in classes]
    bars = ax.barh(places, counts, color=COLOUR, height=0.7)
    texts = [f"{n:,} ({100 * n / values.size:.0f} %)" for n in counts]
    ax.bar_label(bars, texts, padding=4)
    ax.set_yticks(places, [cut(name, WIDEST) for name in classes])
    for text in ax.get_yticklabels():
        text.set_parse_math(False)
    ax.invert_yaxis()
    ax.margins(x=0.2)
    ax.set_xlabel("rows")
    count_in_whole_numbers(ax.xaxis)


def _draw_numbers(ax: Axes, values: npt.NDArray[Any], _: Sequence[str]) -> None:
    """Draw a histogram."""
    ax.hist(values, "auto", color=COLOUR, edgecolor=ink(0))
    ax.set_ylabel("rows")
    count_in_whole_numbers(ax.yaxis)
