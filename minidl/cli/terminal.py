"""How text looks on a terminal, and that it does not look like anything elsewhere."""

from __future__ import annotations

import os
import sys

__all__ = ["bold"]


def bold(text: str) -> str:
    """Return the text in bold if standard output is a terminal and NO_COLOR is not set.

    Examples
    --------
    >>> bold("plain when piped")
    'plain when piped'
    """
    if sys.stdout.isatty() and not os.environ.get("NO_COLOR"):
        return f"\x1b[1m{text}\x1b[0m"
    return text
