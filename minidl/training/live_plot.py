"""A callback that draws the learning curves while they grow."""

import sys
import time
from collections.abc import Callable, Mapping
from io import BytesIO
from typing import Any

from minidl.checks import check_number
from minidl.plots.curves import PANELS, draw_panels
from minidl.plots.figures import new_figure, styled
from minidl.training.callbacks import Callback

Shown = tuple[Any, Callable[[Any], None]]  # a figure, and what shows it


class LivePlot(Callback):
    """Draw loss and accuracy during ``fit``, as :meth:`minidl.History.plot` does.

    In a notebook the picture below the cell is replaced. Elsewhere a window opens if Matplotlib has
    an interactive backend. Without either nothing is shown; the figure is drawn when ``fit`` ends.
    Save it with ``live.figure.savefig("curves.png")``; ``plt.savefig`` does not know this figure.

    Parameters
    ----------
    every : float, default 1.0
        The least number of seconds between two pictures, at least 0. A picture takes about 0.1 s,
        in which nothing is trained. The last state is always drawn.

    Attributes
    ----------
    figure : matplotlib Figure or None
        The last picture; None before the first.

    Raises
    ------
    ArgumentError
        `every` is negative; or, when ``fit`` begins, matplotlib is not installed.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("agg")  # without windows
    >>> from minidl import Trainer, nn
    >>> live = LivePlot()
    >>> trainer = Trainer(nn.mlp(1, 1, seed=0), "mse", "nag", lr=0.1, seed=0, callbacks=[live])
    >>> history = trainer.fit([[0.0], [1.0]], [0.0, 1.0], epochs=3)
    >>> live.figure.axes[0].lines[0].get_xdata().tolist()
    [0, 1, 2, 3]
    """

    not_state = ("figure", "_show", "_next")

    def __init__(self, every: float = 1.0) -> None:
        self.every = check_number("every", every, lambda s: s >= 0, "at least 0")
        self.figure: Any = None
        self._show: Any = None  # what shows the figure, or None
        self._next = 0.0  # when the next picture may be drawn

    def on_fit_begin(self, trainer: Any, epochs: int) -> None:
        """Make the figure where it can be shown."""
        with styled():  # raises if matplotlib is not installed
            self.figure, self._show = _in_notebook() or _in_window() or (new_figure(*PANELS), None)
        self._next = 0.0

    def on_epoch_end(self, trainer: Any, record: Mapping[str, float]) -> None:
        """Draw a picture, if it is time."""
        if self._show is not None and time.monotonic() >= self._next:
            self._draw(trainer)
            self._next = time.monotonic() + self.every

    def on_fit_end(self, trainer: Any) -> None:
        """Draw the last picture."""
        if len(trainer.history) and self.figure is not None:
            self._draw(trainer)
        self._show = None

    def _draw(self, trainer: Any) -> None:
        with styled():
            self.figure.clear()
            draw_panels(self.figure, trainer.history)
            if self._show is not None:
                self._show(self.figure)


def _in_notebook() -> Shown | None:
    """Return a figure and what shows it below the cell of a notebook, if this is one."""
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    if getattr(shell, "kernel", None) is None:
        return None
    from IPython import display

    ipython: Any = display  # its functions have no types
    handles: list[Any] = []

    def show(figure: Any) -> None:
        content = BytesIO()
        figure.savefig(content, format="png", dpi=figure.dpi)
        image = ipython.Image(data=content.getvalue(), format="png")
        if handles:
            handles[0].update(image)
        else:
            handles.append(ipython.display(image, display_id=True))

    return new_figure(*PANELS), show


def _in_window() -> Shown | None:
    """Return a figure of pyplot and what shows it, if Matplotlib's backend has windows."""
    import matplotlib.pyplot as plt

    window = plt.figure(figsize=PANELS, layout="constrained")
    if getattr(window.canvas, "required_interactive_framework", None) is None:
        plt.close(window)
        return None

    def show(figure: Any) -> None:
        figure.show()
        figure.canvas.draw()
        figure.canvas.flush_events()

    return window, show
