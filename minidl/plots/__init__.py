"""Pictures: functions that take data and return Matplotlib's Axes.

Matplotlib (extra ``plot``) is imported when something is drawn. Every function accepts ``ax=``.
"""

from typing import TYPE_CHECKING

from minidl.keywords import attribute_of
from minidl.plots.animation import animate_boundaries
from minidl.plots.boundary import plot_boundary
from minidl.plots.curves import plot_history
from minidl.plots.loss_plane import plot_loss_plane
from minidl.plots.paths import plot_paths
from minidl.plots.predictions import plot_predictions
from minidl.plots.rates import plot_rates
from minidl.plots.stability import plot_stability
from minidl.plots.steps import plot_steps

__all__ = [
    "animate_boundaries",
    "plot_boundary",
    "plot_history",
    "plot_loss_plane",
    "plot_paths",
    "plot_predictions",
    "plot_rates",
    "plot_stability",
    "plot_steps",
]

if not TYPE_CHECKING:
    __getattr__ = attribute_of(__name__)
