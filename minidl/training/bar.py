"""Progress bars: a widget in a notebook, elsewhere text."""

import sys
from typing import Any


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


def new_bar(**options: Any) -> Any:
    """Return tqdm's bar with these options; `tqdm.auto` would warn where ipywidgets is missing."""
    if has_widgets():
        from tqdm.notebook import tqdm
    else:
        from tqdm import tqdm
    return tqdm(**options)
