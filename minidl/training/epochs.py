"""About eight epochs of a history, chosen for a table."""

from collections.abc import Mapping, Sequence

from minidl.text import in_words

BETWEEN = 6  # epochs of the table between the first and the best
LOSSES = ("train_loss", "train_accuracy", "validation_loss", "validation_accuracy")


def epoch_rows(columns: Mapping[str, Sequence[float]], best: int | None = None) -> list[list[str]]:
    """Return the titles and about eight rows of a history as text, first what they are.

    `best` is the position of the best row, by default none.

    >>> epoch_rows({"epoch": [0, 1, 2], "train_loss": [0.7, 0.4, 0.5]}, best=1)[2]
    ['best', '1', '0.4000']
    """
    names, last_row = [name for name in LOSSES if name in columns], len(columns["epoch"]) - 1
    rows = [["", "epoch", *("accuracy" if "accuracy" in n else in_words(n) for n in names)]]
    ends = {last_row: "last"} if best is None else {best: "best", last_row: "last"}
    if best == last_row:
        ends = {last_row: "last, best"}
    for k in dict.fromkeys([0, *(k for k in between(last_row) if k not in ends), *ends]):
        values = (number(columns[name][k]) for name in names)
        rows.append([ends.get(k, ""), str(int(columns["epoch"][k])), *values])
    return rows


def between(last_epoch: int) -> list[int]:
    """Return epoch 0 and about six round epochs before the last, closer at the start.

    >>> between(100)
    [0, 2, 4, 7, 10, 30, 50]
    """
    if last_epoch <= BETWEEN + 1:
        return list(range(last_epoch))
    powers = (last_epoch ** (k / (BETWEEN + 1)) for k in range(1, BETWEEN + 1))
    return sorted({0, *(int(float(f"{power:.0e}")) for power in powers)})


def number(value: float) -> str:
    """Return a loss or an accuracy with about four digits."""
    return f"{value:.4f}" if value == 0 or 1e-3 <= abs(value) < 1e3 else f"{value:.3g}"
