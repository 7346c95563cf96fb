"""Pictures: functions that take data and return Matplotlib's Axes.

Matplotlib (extra ``plot``) is imported when something is drawn. Every function accepts ``ax=``.
"""

from minidl.plots.curves import plot_history

__all__ = [
    "plot_history",
]
