"""Numbers and names as people read them."""

from __future__ import annotations

import math
from collections.abc import Sequence

from minidl.optim import TABLE

__all__ = ["between", "counted", "joined", "number", "probability", "rate", "spoken", "text_table"]

SPOKEN = {
    "nag": "NAG",
    "nag-reformulated": "reformulated NAG",
    "mini-batch": "gradient descent",
    "batch": "batch gradient descent",
    "stochastic": "stochastic gradient descent",
}


def spoken(name: str) -> str:
    """Return how an optimizer is called in a sentence.

    Examples
    --------
    >>> spoken("gd"), spoken("nag"), spoken("my own")
    ('gradient descent', 'NAG', 'my own')
    """
    for entry in TABLE:
        if name in (entry.name, *entry.aliases):
            return SPOKEN.get(entry.name, entry.name)
    return name


def counted(n: int, noun: str) -> str:
    """Return a number with its noun.

    Examples
    --------
    >>> counted(1, "seed"), counted(10, "seed")
    ('1 seed', '10 seeds')
    """
    return f"{n} {noun}{'' if n == 1 else 's'}"


def joined(words: Sequence[str], last: str = "and") -> str:
    """Return words as a list in a sentence.

    Examples
    --------
    >>> joined(["a", "b", "c"]), joined(["a"])
    ('a, b and c', 'a')
    """
    return words[-1] if len(words) < 2 else f"{', '.join(words[:-1])} {last} {words[-1]}"


def number(value: float, never: str) -> str:
    """Return a count, or what stands for infinity.

    Examples
    --------
    >>> number(29.5, ">400"), number(math.inf, ">400"), number(1234567.0, "")
    ('29.5', '>400', '1234567')
    """
    return never if math.isinf(value) else f"{value:.12g}"


def rate(value: float) -> str:
    """Return a learning rate with the digits that tell it from its neighbours.

    Examples
    --------
    >>> rate(2.0**-7), rate(0.1), rate(8.0)
    ('0.00781', '0.1', '8')
    """
    return f"{value:.3g}"


def between(interval: tuple[float, float] | None, never: str, form: str = ".12g") -> str:
    """Return an interval; a dash if there is none.

    Examples
    --------
    >>> between((3.0, math.inf), ">50"), between(None, "")
    ('3..>50', '-')
    """
    if interval is None:
        return "-"
    return "..".join(never if math.isinf(end) else format(end, form) for end in interval)


def probability(p: float) -> str:
    """Return a p-value with two digits.

    Examples
    --------
    >>> probability(0.0391), probability(1.0), probability(0.0000031)
    ('0.039', '1', '3.1e-06')
    """
    return f"{p:.2g}" if p >= 0.001 else f"{p:.1e}"


def text_table(
    lines: Sequence[Sequence[str]], left: Sequence[int] = (0,), last_left: bool = False
) -> str:
    """Return lines of cells as aligned text; numbers to the right.

    Examples
    --------
    >>> print(text_table([["name", "n"], ["a", "10"]]))
    name   n
    a     10
    """
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    to_left = {*left, *([len(widths) - 1] if last_left else [])}
    return "\n".join(
        "  ".join(
            cell.ljust(width) if k in to_left else cell.rjust(width)
            for k, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )
