"""Draw a study; matplotlib is imported when a function is called."""

from __future__ import annotations

from contextlib import AbstractContextManager
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from minidl.checks import check_place
from minidl.comparison.plots import data
from minidl.comparison.result import Study
from minidl.errors import ArgumentError, DataError
from minidl.files import atomic_write

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FIRST = ("png", "svg", "pdf")  # the formats named first, which are reproducible byte for byte
UNDATED = {"svg": {"Date": None}, "svgz": {"Date": None}, "pdf": {"CreationDate": None}}


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
    _style()
    from matplotlib.backend_bases import FigureCanvasBase

    formats = set(FigureCanvasBase.get_supported_filetypes()) - {"pgf"}  # needs LaTeX
    ending = Path(path).suffix
    if ending[1:].lower() not in formats:
        names = ", ".join(f".{name}" for name in (*FIRST, *sorted(formats - {*FIRST})))
        received, expected = repr(ending) if ending else "no ending", f"a name that ends in {names}"
        raise ArgumentError(f"cannot draw {str(path)!r}", received=received, expected=expected)
    check_place(path)


def plot(study: Study, path: str | Path) -> None:
    """Draw a study into a file; see :func:`figure` for what is drawn.

    An existing file is replaced. With one version of matplotlib, PNG, SVG and PDF files of the same
    study are identical byte for byte. Its global state (backend, ``rcParams``, ``pyplot`` figures)
    is neither used nor changed. Errors are those of :func:`check_plot` and :func:`figure`; and
    DataError, if the file cannot be written.
    """
    check_plot(path)
    drawn, content = figure(study), BytesIO()
    ending = Path(path).suffix[1:].lower()
    with _style():
        drawn.savefig(content, format=ending, metadata=UNDATED.get(ending))
    try:
        with atomic_write(path) as file:
            file.write(content.getvalue())
    except OSError as error:
        raise DataError(f"cannot write {path}: {error.strerror}") from None


def figure(study: Study) -> Figure:
    """Return a figure with a row of three panels for each comparison.

    Left: the curve that the target is on, each optimizer at its chosen setting; median (line) and
    quartiles (band) of the evaluation seeds that have not diverged yet, and a marker at the median
    hitting time. Middle: the share of seeds that converged. Right: the mean of min(T, E) over the
    tuning seeds at each learning rate; after a random search, the expected best mean of fewer
    trials with its 95 % interval. Where batch sizes differ, the first two are over samples.

    A study of several comparisons with optimizers in common gets one more row: the performance
    profile, up to 4 times the best, and the share of all targets that are reached. There is no
    window; ``figure(study).savefig("moons.png")`` writes the figure. ArgumentError: matplotlib is
    not installed; DataError: a comparison was interrupted before its target was known.
    """
    with _style():
        from minidl.comparison.plots.panels import draw

        for comparison in study.comparisons:
            data.target_of(comparison)
        return draw(study)


def _style() -> AbstractContextManager[None]:
    """Return a context with matplotlib's defaults and `STYLE`; raise if it is not installed."""
    try:
        import matplotlib.style
    except ImportError:
        wrong = "a plot needs matplotlib, which is not installed: pip install 'minidl[plot]'"
        raise ArgumentError(wrong) from None
    return matplotlib.style.context(["default", data.STYLE])
