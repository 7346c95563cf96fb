"""Draw a study; matplotlib is imported when a function is called."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from minidl.comparison.plots import data
from minidl.comparison.result import Study
from minidl.plots.figures import check_plot, save, styled

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def plot(study: Study, path: str | Path) -> None:
    """Draw a study into a file; see :func:`figure` for what is drawn.

    An existing file is replaced. With one version of matplotlib, PNG, SVG and PDF files of the same
    study are identical byte for byte. Its global state (backend, ``rcParams``, ``pyplot`` figures)
    is neither used nor changed. Errors are those of :func:`check_plot` and :func:`figure`; and
    DataError, if the file cannot be written.
    """
    check_plot(path)
    save(figure(study), path)


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
    with styled():
        from minidl.comparison.plots.panels import draw

        for comparison in study.comparisons:
            data.target_of(comparison)
        return draw(study)
