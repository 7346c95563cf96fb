"""Facts that the screen and the details put into words: the fastest, and the verdicts on others."""

import math
from collections.abc import Sequence

from minidl.comparison.duels import Duel
from minidl.comparison.rows import Row
from minidl.comparison.stats.verdicts import CHAOTIC


def no_verdict(duels: Sequence[Duel]) -> str:
    """Return why no pair has a verdict; empty if any has one."""
    reasons = [duel.verdict.reason for duel in duels if duel.verdict.declined]
    too_few = [reason for reason in reasons if reason != CHAOTIC]
    chaotic = reasons if len(reasons) == len(duels) else []
    return next(iter([*too_few, *chaotic]), "")


def best_row(rows: Sequence[Row], duels: Sequence[Duel]) -> Row | None:
    """Return the row with the smallest mean among those that usually reach the goal."""
    usual = [row for row in _steady(rows, duels) if math.isfinite(row.median)]
    return min(usual, key=lambda row: row.mean, default=None)


def closest_row(rows: Sequence[Row], duels: Sequence[Duel]) -> Row:
    """Return the row that reaches the goal most often, if none usually does."""
    return max(
        _steady(rows, duels) or paired_rows(rows, duels), key=lambda row: row.reached / row.seeds
    )


def _steady(rows: Sequence[Row], duels: Sequence[Duel]) -> list[Row]:
    """Return the rows that are compared with others, and whose training is not chaotic."""
    return [row for row in paired_rows(rows, duels) if not row.chaotic]


def paired_rows(rows: Sequence[Row], duels: Sequence[Duel]) -> list[Row]:
    """Return the rows of the optimizers that are compared with another one."""
    paired = {name for duel in duels for name in (duel.first, duel.second)}
    return [row for row in rows if row.optimizer in paired]


def is_equivalent(duel: Duel) -> bool:
    """Return whether the two need about as many epochs."""
    return duel.verdict.word.startswith("equivalent")


def relation(best: str, other: str, duels: Sequence[Duel]) -> tuple[str, Duel | None]:
    """Return what the verdict says of the best optimizer and another, and their duel.

    "faster", "equivalent", "open" or "chaotic"; "same method" for two forms of NAG, which have no
    duel.
    """
    duel = next((d for d in duels if {d.first, d.second} == {best, other}), None)
    if duel is None:
        return "same method", None
    if duel.word == "chaotic":
        return "chaotic", duel
    if duel.winner == best:
        return "faster", duel
    return ("equivalent" if is_equivalent(duel) else "open"), duel
