"""Numbers, names and tables as text."""

import math
from collections.abc import Collection, Sequence

from minidl.comparison.duels import Duel
from minidl.comparison.goal import Target
from minidl.comparison.plan import Plan


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


def counted(n: int, noun: str) -> str:
    """Return a number with its noun in singular or plural."""
    return f"{n} {noun}{'' if n == 1 else 's'}"


def joined(words: Sequence[str]) -> str:
    """Return words as a list in a sentence: "a, b and c"."""
    return words[-1] if len(words) < 2 else f"{', '.join(words[:-1])} and {words[-1]}"


def number(value: float, infinite: str, form: str = ".12g") -> str:
    """Return a count, or `infinite` for infinity."""
    return infinite if math.isinf(value) else format(value, form)


def rate(value: float) -> str:
    """Return a learning rate with three digits."""
    return f"{value:.3g}"


def between(interval: tuple[float, float] | None, infinite: str, form: str = ".12g") -> str:
    """Return an interval, or a dash for None."""
    return "..".join(number(end, infinite, form) for end in interval) if interval else "-"


def text_table(lines: Sequence[Sequence[str]], left: Collection[int] = (0,)) -> str:
    """Return cells as aligned text; columns are aligned right, except those in `left`."""
    columns = []
    for k, column in enumerate(zip(*lines, strict=True)):
        align = str.ljust if k in left or k - len(lines[0]) in left else str.rjust
        columns.append([align(cell, max(map(len, column))) for cell in column])
    return "\n".join("  ".join(cells).rstrip() for cells in zip(*columns, strict=True))
