"""About eight epochs of a training run as a table; text of at most 80 columns."""

import re
import textwrap

from minidl.training import History
from minidl.training.epochs import epoch_rows

WIDTH = 80


def table(history: History, best: int) -> str:
    """Return about eight epochs, with the best one beside the last.

    >>> history = History.from_columns({"epoch": [0, 1, 2], "train_loss": [0.7, 0.4, 0.5]})
    >>> print(table(history, best=1))
          epoch  training loss
              0         0.7000
    best      1         0.4000
    last      2         0.5000
    """
    rows = epoch_rows({name: history[name].tolist() for name in history.columns}, best)
    widths = [max(map(len, cells)) for cells in zip(*rows, strict=True)]
    lines = (map(str.rjust, row[1:], widths[1:]) for row in rows)
    return "\n".join(
        "  ".join([row[0].ljust(widths[0]), *line]) for row, line in zip(rows, lines, strict=True)
    )


def wrapped(text: str, indent: int = 0) -> str:
    """Return a text in lines of at most 80 characters, but ``Dense(2, 16)`` on one."""
    unbroken = re.sub(r"(\(\d+,|:) (?=\d)", "\\1\xa0", text)  # spaces at which no line ends
    lines = [
        textwrap.fill(line, WIDTH, subsequent_indent=" " * indent, break_on_hyphens=False)
        for line in unbroken.split("\n")
    ]
    return "\n".join(lines).replace("\xa0", " ")
