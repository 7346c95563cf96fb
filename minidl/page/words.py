"""Names, numbers, tables and looks as JSON data."""

import math
from collections.abc import Sequence
from typing import Any

from minidl.autograd import Array
from minidl.plots.style import Look

LEFT = ("optimizer", "pair", "verdict", "")  # columns of text


def at(values: Array, epochs: Sequence[int], digits: int | None = None) -> list[float | None]:
    """Return the values at these epochs as far as there are any; None if not finite.

    All digits are kept, or so many.
    """
    numbers = [float(values[epoch]) for epoch in epochs if epoch < len(values)]
    if digits is not None:
        numbers = [float(f"{value:.{digits}g}") for value in numbers]
    return [value if math.isfinite(value) else None for value in numbers]


def table(caption: str, head: Sequence[str], rows: Sequence[Sequence[str]]) -> dict[str, Any]:
    """Return a table; `text` are the places of the columns that are not numbers."""
    text = [k for k, title in enumerate(head) if title in LEFT]
    return {"caption": caption, "head": list(head), "rows": list(map(list, rows)), "text": text}


def look_of(look: Look) -> dict[str, Any]:
    """Return colour, dashes in widths of the line, and marker.

    >>> from minidl.plots.style import looks_of
    >>> look_of(looks_of(["momentum"])["momentum"])
    {'color': '#D55E00', 'dashes': [5, 1.5], 'marker': 's'}
    """
    dashes = [] if isinstance(look.dashes, str) else list(look.dashes[1])
    return {"color": look.color, "dashes": dashes, "marker": look.marker}
