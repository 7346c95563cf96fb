"""Learning curves: loss, accuracy or another column of a history, epoch by epoch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from minidl.errors import DataError, UnknownNameError, invalid
from minidl.keywords import answers
from minidl.plots.figures import (
    axes_of,
    count_in_plain_numbers,
    count_in_whole_numbers,
    explain,
    styled,
)
from minidl.plots.inks import ink, inked_looks
from minidl.plots.style import DOTTED, LONG, SOLID, Look
from minidl.text import in_words

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Floats = npt.NDArray[np.float64]
Curves = dict[str, Floats]
WIDE = 10  # a loss that changes by this factor is drawn on a logarithmic scale
PANELS = 10.0, 4.0  # inches of two panels
VALIDATION = "thin: validation"
THIN, MARKED = 0.5, 8  # width of validation curves with a name; markers of the others


@answers
def plot_history(
    history: Any,
    what: str | None = None,
    ax: Axes | None = None,
    *,
    label: str | None = None,
) -> Axes:
    """Draw loss and accuracy after each epoch, on training and validation rows.

    The best epoch has a vertical line: that of the lowest validation loss, or of the lowest
    training loss without validation rows. A loss is drawn on a logarithmic scale if it changes by
    a factor of 10 or more. Values that are not finite are left out.

    Parameters
    ----------
    history : History or mapping
        Columns as in :class:`minidl.History`: ``train_loss``, ``validation_loss`` and so on, over
        ``epoch`` if it is there, else over 0, 1, 2, ...
    what : str, optional
        ``"loss"``, ``"accuracy"`` or the name of a column. By default the loss and, in a new
        figure, beside it the accuracy if there is one.
    ax : matplotlib Axes, optional
        Where to draw; by default in a new pyplot figure.
    label : str, optional
        A name for the legend, to draw several runs into one Axes. That of an optimizer has its
        colour, as in every picture.

    Returns
    -------
    Axes
        That of the loss or of `what`; beside it ``ax.figure.axes[1]`` has the accuracy.

    Raises
    ------
    ArgumentError
        matplotlib is not installed, or `history`, `what`, `label` or `ax` is something else.
    DataError
        The history is empty, or there is no finite value to draw.
    UnknownNameError
        The history has no such column.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("agg")  # without windows
    >>> ax = plot_history({"train_loss": [0.7, 0.4, 0.3], "validation_loss": [0.7, 0.5, 0.6]})
    >>> [text.get_text() for text in ax.get_legend().get_texts()]
    ['training', 'validation', 'best epoch: 1 (0.5)']
    """
    if what is not None and not isinstance(what, str):
        raise invalid("what", what, '"loss", "accuracy" or a column', "Write ax=... for Axes.")
    if label is not None and not isinstance(label, str):
        raise invalid("label", label, 'a name for the legend, such as "nag"')
    _curves(history, what or "loss")  # raises if there is nothing to draw, before a figure
    with styled(ax):
        if what is not None or ax is not None or not has_accuracy(history):
            return _draw(history, what or "loss", axes_of(ax), label)
        import matplotlib.pyplot as plt

        return draw_panels(plt.figure(figsize=PANELS, layout="constrained"), history, label)


def has_accuracy(history: Any) -> bool:
    """Return whether there is an accuracy to draw."""
    return any(name in history for name in _pair("accuracy"))


def draw_panels(figure: Figure, history: Any, label: str | None = None) -> Axes:
    """Draw the loss, and beside it the accuracy if there is one; return the Axes of the loss."""
    columns = ["loss", "accuracy"][: 1 + has_accuracy(history)]
    panels = figure.subplots(1, len(columns), squeeze=False)[0]
    for column, ax in zip(columns, panels, strict=True):
        _draw(history, column, ax, label)
    loss_axes: Axes = panels[0]
    return loss_axes


def _pair(quantity: str) -> tuple[str, str]:
    return f"train_{quantity}", f"validation_{quantity}"


def _curves(history: Any, quantity: str) -> tuple[Floats, Curves]:
    """Return the epochs and the columns to draw, with nan where values are not finite."""
    if not (isinstance(history, Mapping) or hasattr(history, "columns")):
        raise invalid("history", history, "a History, or a mapping of columns")
    columns = list(getattr(history, "columns", history))
    if not columns or len(history[columns[0]]) == 0:
        raise DataError("there is nothing to draw: the history is empty", hint="Call fit first.")
    pair = _pair(quantity)
    names = [name for name in pair if name in columns]
    names = names or [pair[0] if quantity in ("loss", "accuracy") else quantity]
    if names[0] not in columns:
        raise UnknownNameError("column", names[0], columns)
    curves = {name: np.array(history[name], dtype=np.float64) for name in names}
    for curve in curves.values():
        curve[~np.isfinite(curve)] = np.nan
    if all(np.isnan(curve).all() for curve in curves.values()):
        raise DataError(f"column {names[0]!r} has no finite value to draw")
    return np.array(history["epoch"] if "epoch" in columns else range(len(curve))), curves


def _draw(history: Any, quantity: str, ax: Axes, label: str | None) -> Axes:
    """Draw one kind of column into Axes, and return them.

    Of several runs in one Axes, each has one entry in the legend, and validation has one for all.
    """
    epochs, curves = _curves(history, quantity)
    look = Look(ink(0.85), SOLID, "o") if label is None else inked_looks([label])[label]
    best, named = _best(history, quantity, curves, epochs), label is not None
    run = ": ".join([str(label).lstrip("_"), *([best.words] if best else [])])  # no hidden label
    for k, (name, curve) in enumerate(curves.items()):
        words = run if named else in_words(name).removesuffix(f" {quantity}")
        style = _line(look, curve, k > 0, named)
        ax.plot(epochs, curve, label="_hidden" if named and k else words, **style)
    if best:
        _mark(ax, look, best, alone=not named)
    if (diverged := getattr(history, "diverged_at", None)) is not None:
        text = f"{label or ''} diverged in epoch {diverged}".lstrip("_ ")
        ax.axvline(diverged, color=look.color, linestyle=DOTTED, label=text)
    if named and len(curves) > 1:
        for line in [line for line in ax.lines if line.get_label() == VALIDATION]:
            line.remove()  # to be the last entry
        ax.plot([], [], color=ink(0.85), linewidth=_width() * THIN, label=VALIDATION)
    set_scales(ax, quantity, np.concatenate(list(curves.values())))
    ax.set(xlabel="epoch", ylabel=in_words(quantity))
    explain(ax)
    return ax


def _width() -> float:
    """Return the width of a line."""
    from matplotlib import rcParams

    return float(rcParams["lines.linewidth"])


def _line(look: Look, curve: Floats, validation: bool, named: bool) -> dict[str, Any]:
    """Return the keywords of a curve; that of training rows with a name has a few markers."""
    style: dict[str, Any] = {"color": look.color, "linestyle": LONG if validation else SOLID}
    if named:
        style = look.line | {"linewidth": _width() * (THIN if validation else 1)}
    if np.isfinite(curve).sum() == 1:  # one point makes no line
        style |= {"marker": look.marker, "markerfacecolor": ink(0) if validation else look.color}
    elif named and not validation:
        style |= {"marker": look.marker, "markersize": 4, "markevery": -(-len(curve) // MARKED)}
    return style


class Best(NamedTuple):
    """The epoch with the lowest loss: where it is marked, and in words."""

    epoch: float
    value: float
    words: str


def _best(history: Any, quantity: str, curves: Curves, epochs: Floats) -> Best | None:
    """Return the epoch of the lowest validation loss, or else training loss; None without a loss.

    The value is that of the last curve.
    """
    try:
        losses = list(_curves(history, "loss")[1].values())[-1]
    except (DataError, UnknownNameError):
        return None
    if np.isnan(losses).all():
        return None
    best, rows = int(np.nanargmin(losses)), "training"
    if "validation_loss" in history:
        rows = "validation"
    name, curve = list(curves.items())[-1]
    value = f"{100 * curve[best]:.1f} %" if "accuracy" in name else f"{curve[best]:.4g}"
    words = "best epoch:" if quantity == "loss" else f"lowest {rows} loss: epoch"
    return Best(float(epochs[best]), float(curve[best]), f"{words} {epochs[best]:g} ({value})")


def _mark(ax: Axes, look: Look, best: Best, *, alone: bool) -> None:
    """Mark the best epoch; of a single run with a vertical line and an entry in the legend."""
    if alone:
        ax.axvline(best.epoch, color=look.color, linewidth=0.8, alpha=0.5)
    ax.plot(
        best.epoch, best.value, color=look.color, marker=look.marker, markersize=7,
        markerfacecolor=ink(0), markeredgewidth=1.8, linestyle="none",
        label=best.words if alone else "_hidden",
    )  # fmt: skip


def set_scales(ax: Axes, quantity: str, values: Floats) -> None:
    """Count epochs in whole numbers, accuracy in percent, and wide losses logarithmically."""
    from matplotlib import ticker

    count_in_whole_numbers(ax.xaxis)
    low, high = np.nanmin(values), np.nanmax(values)
    if "accuracy" in quantity:
        ax.yaxis.set_major_formatter(ticker.PercentFormatter(1.0, symbol=" %"))
    elif "loss" in quantity and 0 < low < high / WIDE:
        ax.set_yscale("log")
        count_in_plain_numbers(ax.yaxis, low, high)
