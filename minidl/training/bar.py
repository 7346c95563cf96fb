"""Progress bars: a widget in a notebook, elsewhere text."""

import contextlib
import sys
from collections.abc import Callable
from typing import Any, Self


def has_widgets() -> bool:
    """Return whether this is a notebook's kernel that can show a widget.

    >>> has_widgets()
    False
    """
    if "ipykernel.zmqshell" not in sys.modules:  # which a notebook's kernel runs, but no terminal
        return False
    from IPython import get_ipython
    from tqdm.notebook import IProgress

    return IProgress is not None and get_ipython() is not None


def _new_bar(**options: Any) -> Any:
    """Return tqdm's bar with these options; `tqdm.auto` would warn where ipywidgets is missing."""
    if has_widgets():
        from tqdm.notebook import tqdm
    else:
        from tqdm import tqdm
    return tqdm(**options)


class Bar:
    """A progress bar of tqdm with these options; a stream that is closed or full ends no run."""

    def __init__(self, **options: Any) -> None:
        self._bar: Any = None
        with contextlib.suppress(OSError, ValueError):
            self._bar = _new_bar(**options)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def change(self, update: Callable[[Any], object]) -> None:
        """Call a function that changes the bar, if there is one."""
        if self._bar is not None:
            with contextlib.suppress(OSError, ValueError):
                update(self._bar)

    def close(self) -> None:
        """Show the last state, and end the bar."""
        self.change(lambda bar: bar.close())
