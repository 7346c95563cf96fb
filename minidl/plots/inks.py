"""Colours of text and background, on the Axes of a user whatever their style."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from minidl.plots.style import LOOKS, Look, looks_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

PLAIN = "text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color"
BLACK = LOOKS["gd"].color


def style_of(ax: Axes) -> dict[str, Any]:
    """Return the settings of Matplotlib that make new texts as legible as the title of `ax`."""
    from matplotlib.colors import to_hex, to_rgba

    behind = (ax.get_facecolor(), ax.figure.get_figure(root=True).get_facecolor(), "white")
    paper = next(to_hex(color) for color in behind if to_rgba(color)[3] > 0)
    ink = to_hex(ax.title.get_color())
    settings = {"axes.facecolor": paper, "hatch.color": BLACK, "text.parse_math": False}
    return dict.fromkeys(PLAIN, ink) | settings


def ink(share: float = 1.0) -> str:
    """Return the colour of texts, mixed with that of the background: by default black on white.

    Examples
    --------
    >>> import matplotlib
    >>> with matplotlib.rc_context({"text.color": "white", "axes.facecolor": "black"}):
    ...     ink(), ink(0.2)
    ('#ffffff', '#333333')
    """
    from matplotlib import rcParams
    from matplotlib.colors import to_hex, to_rgb

    text, paper = to_rgb(rcParams["text.color"]), to_rgb(rcParams["axes.facecolor"])
    mixed = [share * a + (1 - share) * b for a, b in zip(text, paper, strict=True)]
    return to_hex((mixed[0], mixed[1], mixed[2]))


def inked_looks(names: Iterable[str]) -> dict[str, Look]:
    """Return the looks of optimizers, in which black is the colour of texts."""
    looks = looks_of(names).items()
    return {n: look._replace(color=ink()) if look.color == BLACK else look for n, look in looks}
