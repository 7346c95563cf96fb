"""Figures and files: Matplotlib is imported when a function is called."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from textwrap import wrap
from typing import TYPE_CHECKING, Any

import numpy as np

from minidl.errors import ArgumentError, DataError, invalid
from minidl.files import atomic_write, check_place
from minidl.plots.inks import style_of
from minidl.plots.style import STYLE

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure

FIRST = ("png", "svg", "pdf")  # the formats named first, which are reproducible byte for byte
LABELS = 38  # points below Axes that the labels of their x axis take
LETTERS, SYMBOL = 15, 6  # of a legend, for each inch; what a symbol takes
WIDE = 300  # range of a logarithmic axis on which only powers of ten are labelled
SMALL = 3.0  # inches of Axes that have smaller letters
UNDATED = {"svg": {"Date": None}, "svgz": {"Date": None}, "pdf": {"CreationDate": None}}


@contextmanager
def styled(ax: Axes | None = None) -> Iterator[None]:
    """Give a context with Matplotlib's defaults and `STYLE`; raise if it is not installed.

    On Axes of a user their own style stays, in the colours of `ax`. Whether pyplot is interactive
    stays: a notebook says so when it makes the first figure.
    """
    try:
        import matplotlib.style
    except ImportError:
        problem = "a plot needs matplotlib, which is not installed: pip install 'minidl[plot]'"
        raise ArgumentError(problem) from None
    interactive = matplotlib.is_interactive()
    _check_axes(ax)
    style: list[str | dict[str, Any]] = ["default", STYLE] if ax is None else [style_of(ax)]
    try:
        with matplotlib.style.context(style):
            try:
                yield
            finally:
                interactive = matplotlib.is_interactive()
    finally:
        matplotlib.interactive(interactive)


def _check_axes(ax: Any) -> None:
    """Raise an ArgumentError if `ax` is neither None nor Axes."""
    if ax is None:
        return
    from matplotlib.axes import Axes

    if not isinstance(ax, Axes):
        hint = 'A name for the legend is label="nag".' if isinstance(ax, str) else None
        hint = "Of a figure: ax=figure.add_subplot()." if hasattr(ax, "add_subplot") else hint
        hint = "Give one of them: ax=axes[0]." if hasattr(ax, "__getitem__") and not hint else hint
        raise invalid("ax", ax, "Axes of Matplotlib", hint)


def axes_of(ax: Axes | None, width: float = 6.4, height: float = 4.8) -> Axes:
    """Return `ax`, or the axes of a new pyplot figure of this size in inches.

    A notebook shows figures of pyplot by itself; without a display they can still be saved.
    """
    if ax is not None:
        _check_axes(ax)
        for text in (ax.title, ax.xaxis.label, ax.yaxis.label):
            text.set_parse_math(False)  # names may contain a $
        return ax
    with styled():
        import matplotlib.pyplot as plt

        return plt.subplots(figsize=(width, height), layout="constrained")[1]


def entitle(ax: Axes, *lines: str) -> None:
    """Set the title to those of these lines that are not empty, wrapped to the width of `ax`."""
    inches = _width(ax)
    size, letters = (8, 19) if inches < SMALL else (10, 16.5)
    parts = [wrap(line, int(letters * inches)) or [""] for line in lines if line]
    ax.set_title("\n".join(part for wrapped in parts for part in wrapped), fontsize=size)


def count_in_whole_numbers(axis: Axis) -> None:
    """Label epochs, steps or rows at whole numbers only."""
    from matplotlib.ticker import MaxNLocator

    axis.set_major_locator(MaxNLocator("auto", integer=True, steps=[1, 2, 5, 10]))


def count_in_plain_numbers(axis: Axis, low: float, high: float) -> None:
    """Label a logarithmic axis from `low` to `high` with plain numbers: 0.1, 0.2, 0.5, 1."""
    from matplotlib.ticker import FormatStrFormatter, LogLocator, NullFormatter

    axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0) if high < WIDE * low else (1.0,)))
    axis.set_major_formatter(FormatStrFormatter("%g"))
    axis.set_minor_formatter(NullFormatter())


def _width(ax: Axes) -> float:
    """Return the width of Axes in inches."""
    return float(ax.get_window_extent().width / ax.figure.get_figure(root=True).dpi)


def explain(ax: Axes, handles: Sequence[Any] | None = None) -> None:
    """Add a legend below the Axes, in as many columns as there is room for.

    It is inside if the figure has no layout engine, which would make room for it.
    """
    handles = ax.get_legend_handles_labels()[0] if handles is None else handles
    inches = _width(ax)
    layout: dict[str, Any] = {"handles": handles, "handlelength": 3, "fontsize": 9}
    if ax.figure.get_layout_engine() is None:
        if inches < SMALL:
            layout |= {"fontsize": 6.5, "handlelength": 2, "labelspacing": 0.2, "borderpad": 0.2}
        ax.legend(**layout, frameon=True, framealpha=0.8, edgecolor="none")
        return
    from matplotlib.transforms import ScaledTranslation

    below = ax.transAxes + ScaledTranslation(0, -LABELS / 72, ax.figure.dpi_scale_trans)
    layout |= {"loc": "upper center", "bbox_to_anchor": (0.5, 0), "bbox_transform": below}
    letters = [len(str(handle.get_label())) + SYMBOL for handle in handles]
    splits = (np.array_split(letters, columns) for columns in range(len(letters), 0, -1))
    ax.legend(
        **layout,
        frameon=False,
        ncols=next((len(s) for s in splits if sum(map(max, s)) <= LETTERS * inches), 1),
    )


def new_figure(width: float, height: float) -> Figure:
    """Return a figure of this size in inches that does not belong to pyplot, for a file."""
    with styled():
        from matplotlib.figure import Figure

        return Figure(figsize=(width, height), layout="constrained")


def check_plot(path: str | Path) -> None:
    """Raise if a plot could not be drawn to this file, so that this is known before training.

    ArgumentError: matplotlib is not installed, or cannot write the format of this ending.
    DataError: the file is a folder, or in one that does not exist.

    Examples
    --------
    >>> try:
    ...     check_plot("moons.doc")
    ... except ArgumentError as error:
    ...     print(str(error).split(", .svg")[0])
    cannot draw 'moons.doc': got '.doc', expected a name that ends in .png
    """
    with styled():
        from matplotlib.backend_bases import FigureCanvasBase

    formats = set(FigureCanvasBase.get_supported_filetypes()) - {"pgf"}  # needs LaTeX
    ending = Path(path).suffix
    if ending[1:].lower() not in formats:
        names = ", ".join(f".{name}" for name in (*FIRST, *sorted(formats - {*FIRST})))
        received, expected = repr(ending) if ending else "no ending", f"a name that ends in {names}"
        raise ArgumentError(f"cannot draw {str(path)!r}", received=received, expected=expected)
    check_place(path)


def save(figure: Figure, path: str | Path) -> None:
    """Write a figure to a file, which is replaced; the ending decides on the format.

    With one version of matplotlib, PNG, SVG and PDF files of equal figures are identical byte for
    byte. Errors are those of :func:`check_plot`; and DataError, if the file cannot be written.
    """
    check_plot(path)
    content, ending = BytesIO(), Path(path).suffix[1:].lower()
    with styled():
        figure.savefig(content, format=ending, metadata=UNDATED.get(ending))
    try:
        with atomic_write(path) as file:
            file.write(content.getvalue())
    except OSError as error:
        raise DataError(f"cannot write {path}: {error.strerror}") from None
