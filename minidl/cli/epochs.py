"""About eight epochs of a training run as a table; text of at most 80 columns."""

import re
import textwrap

from minidl.training import History

WIDTH, BETWEEN = 80, 6  # epochs of the table between the first and the best
LOSSES = ("train_loss", "train_accuracy", "validation_loss", "validation_accuracy")


def table(history: History, best: int) -> str:
    """Return about eight epochs, with the best one beside the last.

    >>> history = History.from_columns({"epoch": [0, 1, 2], "train_loss": [0.7, 0.4, 0.5]})
    >>> print(table(history, best=1))
          epoch  training loss
              0         0.7000
    best      1         0.4000
    last      2         0.5000
    """
    names, last = [name for name in LOSSES if name in history], int(history.entry("epoch", -1))
    rows = [["", "epoch", *("accuracy" if "accuracy" in n else in_words(n) for n in names)]]
    ends = {best: "best", last: "last" if best < last else "last, best"}
    for epoch in dict.fromkeys([0, *(e for e in between(last) if e not in ends), *ends]):
        values = (number(history.entry(name, epoch)) for name in names)
        rows.append([ends.get(epoch, ""), str(epoch), *values])
    widths = [max(map(len, cells)) for cells in zip(*rows, strict=True)]
    lines = (map(str.rjust, row[1:], widths[1:]) for row in rows)
    return "\n".join(
        "  ".join([row[0].ljust(widths[0]), *line]) for row, line in zip(rows, lines, strict=True)
    )


def between(last: int) -> list[int]:
    """Return epoch 0 and about six round epochs before the last, closer at the start.

    >>> between(100)
    [0, 2, 4, 7, 10, 30, 50]
    """
    if last <= BETWEEN + 1:
        return list(range(last))
    powers = (last ** (k / (BETWEEN + 1)) for k in range(1, BETWEEN + 1))
    return sorted({0, *(int(float(f"{power:.0e}")) for power in powers)})


def in_words(column: str) -> str:
    """Return the name of a column, such as "training loss"."""
    return column.replace("train", "training").replace("_", " ")


def number(value: float) -> str:
    """Return a loss or an accuracy with about four digits."""
    return f"{value:.4f}" if value == 0 or 1e-3 <= abs(value) < 1e3 else f"{value:.3g}"


def wrapped(text: str, indent: int = 0) -> str:
    """Return a text in lines of at most 80 characters, but ``Dense(2, 16)`` on one."""
    kept = re.sub(r"(\(\d+,|:) (?=\d)", "\\1\xa0", text)  # spaces at which no line ends
    lines = [
        textwrap.fill(line, WIDTH, subsequent_indent=" " * indent, break_on_hyphens=False)
        for line in kept.split("\n")
    ]
    return "\n".join(lines).replace("\xa0", " ")
