"""The curve of a learning-rate range test."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from minidl.checks import check_number
from minidl.errors import DataError, shown
from minidl.keywords import answers
from minidl.plots.figures import axes_of, explain, styled
from minidl.plots.inks import ink, inked_looks

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@answers
def plot_rates(
    rates: npt.ArrayLike,
    losses: npt.ArrayLike,
    *,
    lr: float | None = None,
    start: float | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw the loss over the learning rate, of a range test: ``training.find_lr``.

    Parameters
    ----------
    rates, losses : array_like, shape (n,)
        The rates, positive, and the loss after a step with each; losses that are not finite are
        left out. Both axes are logarithmic, the second only if all losses are positive.
    lr : float, optional
        The rate that was chosen, a vertical line.
    start : float, optional
        The loss before the first step, a horizontal line.
    ax : matplotlib Axes, optional
        Where to draw, by default in a new figure.

    Raises
    ------
    ArgumentError
        matplotlib is not installed, or `ax` or a number is something else.
    DataError
        Rates and losses differ in length, a rate is not positive, or no loss is finite.

    Examples
    --------
    >>> from minidl import plots
    >>> plots.plot_rates([0.01, 0.1, 1.0], [0.6, 0.2, 3.0], lr=0.01).get_xlabel()
    'learning rate'
    """
    x, y = _checked(rates, losses)
    chosen = None if lr is None else check_number("lr", lr, lambda rate: rate > 0, "positive")
    with styled(ax):
        ax = axes_of(ax, 6.4, 4.4)
        ax.plot(x, y, color=inked_looks(["nag"])["nag"].color, lw=1.8)
        ax.set_xscale("log")
        if (y > 0).all():
            ax.set_yscale("log")
        if start is not None:
            ax.axhline(start, color=ink(0.6), lw=1, ls=":", label="before the first step")
        if chosen is not None:
            ax.axvline(chosen, color=ink(), lw=1.2, ls="--", label=f"chosen: {chosen:g}")
        ax.set_xlabel("learning rate")
        ax.set_ylabel("training loss")
        explain(ax)
    return ax


def _checked(rates: npt.ArrayLike, losses: npt.ArrayLike) -> tuple[npt.NDArray[np.float64], ...]:
    """Return the points that can be drawn, or raise a DataError."""
    try:
        x, y = np.asarray(rates, dtype=float), np.asarray(losses, dtype=float)
    except (TypeError, ValueError):
        raise DataError("rates and losses must be numbers", received=shown(rates)) from None
    if x.ndim != 1 or x.shape != y.shape:
        received = f"shapes {x.shape} and {y.shape}"
        raise DataError("rates and losses differ in length", received=received)
    if not (x > 0).all():
        raise DataError("rates must be positive", received=str(x.min()))
    if not (finite := np.isfinite(y)).any():
        raise DataError("there is no finite loss to draw", received=f"{len(y)} losses")
    return x[finite], y[finite]
