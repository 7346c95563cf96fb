"""Numbers, names and tables as text."""

import math
import textwrap
from collections.abc import Collection, Sequence

from minidl.comparison.duels import Duel
from minidl.comparison.goal import Target
from minidl.comparison.plan import Plan
from minidl.comparison.run import Setting

WIDTH = 100  # columns of text, unless the terminal has fewer


def method_name(optimizer: str) -> str:
    """Return the name of an optimizer in a sentence: that of its row, but "NAG" for "nag"."""
    return "NAG" if optimizer == "nag" else optimizer


def verdict_words(duel: Duel) -> str:
    """Return the verdict on a pair, such as "NAG faster"."""
    return duel.word if duel.winner is None else f"{method_name(duel.winner)} faster"


def curve_name(plan: Plan) -> str:
    """Return the name of the curve that the target is on, such as "training loss"."""
    return plan.goal.column.replace("_", " ").replace("train ", "training ")


def target_words(plan: Plan, target: Target) -> str:
    """Return the condition for convergence, such as "training loss <= 0.1"."""
    sign = ">=" if plan.goal.rises else "<="
    sustained = f", for {plan.sustained} epochs in a row" if plan.sustained > 1 else ""
    return f"{curve_name(plan)} {sign} {target.value:.4g}{sustained}"


def number(value: float, infinite: str, form: str = ".12g") -> str:
    """Return a count, or `infinite` for infinity."""
    return infinite if math.isinf(value) else format(value, form)


def rate(value: float) -> str:
    """Return a learning rate with three digits."""
    return f"{value:.3g}"


def setting_words(setting: Setting) -> str:
    """Return a setting with three digits of the rate, such as "lr 0.166, momentum 0.9"."""
    return str(Setting(float(rate(setting.lr)), setting.momentum))


def between(interval: tuple[float, float] | None, infinite: str, form: str = ".12g") -> str:
    """Return an interval, or a dash for None."""
    return "..".join(number(end, infinite, form) for end in interval) if interval else "-"


def wrapped(text: str, width: int = WIDTH, indent: str = "") -> list[str]:
    """Return a text in lines of at most `width` columns, broken at spaces."""
    return textwrap.wrap(
        text, width, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    )


def text_table(
    lines: Sequence[Sequence[str]],
    left: Collection[int] = (0,),
    *,
    width: int = WIDTH,
    keys: int = 1,
) -> str:
    """Return cells as aligned text; columns are aligned right, except those in `left`.

    A table that is too wide continues below, with its first `keys` columns again. An interval, in
    a column "95 %", stays with its estimate.

    >>> print(text_table([["name", "n", "mean"], ["ab", "7", "0.125"]], width=12))
    name  n
    ab    7
    <BLANKLINE>
    name   mean
    ab    0.125
    """
    columns = []
    for k, column in enumerate(zip(*lines, strict=True)):
        align = str.ljust if k in left or k - len(lines[0]) in left else str.rjust
        columns.append([align(cell, max(map(len, column))) for cell in column])
    titles, parts = [*lines[0], ""], [columns[:keys]]
    for k in range(keys, len(columns)):
        together = [] if titles[k] == "95 %" else columns[k : k + 1 + (titles[k + 1] == "95 %")]
        if len(parts[-1]) > keys and _columns_of([*parts[-1], *together]) > width:
            parts.append(columns[:keys])
        parts[-1].append(columns[k])
    texts = [["  ".join(cells).rstrip() for cells in zip(*p, strict=True)] for p in parts]
    return "\n\n".join(map("\n".join, texts))


def _columns_of(cells: Sequence[Sequence[str]]) -> int:
    """Return how wide these columns of a table are together."""
    return sum(len(column[0]) + 2 for column in cells) - 2
