"""Medians, quartiles and ratios of the times, and targets beside the result.

All of it is plain data for JSON; the table is made from the same figures.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from timing import Times, quartiles, ratio


@dataclass(frozen=True)
class Target:
    """The ratio to another contestant's time that `must` be reached, and that is the `aim`."""

    to: str
    must: float
    aim: float | None = None
    name: str = "minidl"


def figures(times: Times, against: Iterable[str], scale: float = 1e6) -> dict[str, dict[str, Any]]:
    """Return each contestant's median time, its quartiles, and its ratios to others."""
    peers = [to for to in against if to in times]
    rows: dict[str, dict[str, Any]] = {}
    for name, seconds in times.items():
        low, middle, high = (scale * t for t in quartiles(seconds))
        ratios = {to: ratio(times, name, to) for to in peers}
        rows[name] = {"median": middle, "quartiles": [low, high], "ratios": ratios}
    return rows


def verdicts(times: Times, targets: Sequence[Target]) -> list[dict[str, Any]]:
    """Return each target with the ratio, and whether it was reached."""
    rows = []
    for target in targets:
        reached = ratio(times, target.name, target.to)
        if reached is not None:
            row = {**asdict(target), "ratio": reached, "reached": reached[1] <= target.must}
            rows.append(row)
    return rows


def table(cases: dict[str, dict[str, Any]]) -> str:
    """Return the figures as text, a block of lines for each case.

    A case may have "contestants" with their "unit", "missing" (names), "targets" and "notes".
    """
    return "\n\n".join("\n".join(_block(name, case)) for name, case in cases.items())


def _block(title: str, case: dict[str, Any]) -> list[str]:
    lines = [title, *(_figures(case) if "contestants" in case else ())]
    lines.extend(f"  {name}: not installed" for name in case.get("missing", ()))
    lines.extend(_sentence(target) for target in case.get("targets", ()))
    lines.extend(f"  {note}" for note in case.get("notes", ()))
    return lines


def _figures(case: dict[str, Any]) -> list[str]:
    """Return a header and a line for each contestant."""
    rows = case["contestants"]
    width = max(map(len, (*rows, case["unit"])))
    against = list(next(iter(rows.values()))["ratios"])
    head = "".join(f"  {'to ' + to:>14}" for to in against)
    lines = [f"  {case['unit']:<{width}}{'median':>9}{'quartiles':>19}{head}"]
    for name, row in rows.items():
        middle, low, high = map(_short, (row["median"], *row["quartiles"]))
        ratios = "".join(f"  {row['ratios'][to][1]:>{max(14, 3 + len(to))}.3f}" for to in against)
        remark = row.get("remark", "")
        lines.append(
            f"  {name:<{width}}{middle:>9}{low + ' - ' + high:>19}{ratios}  {remark}".rstrip()
        )
    return lines


def _short(value: float) -> str:
    """Format a time with one decimal, below 10 with two."""
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def _sentence(row: dict[str, Any]) -> str:
    low, middle, high = row["ratio"]
    aim = "" if row["aim"] is None else f", aim {row['aim']:.3f}"
    word = "reached" if row["reached"] else "MISSED"
    return (
        f"  {row['name']} to {row['to']}: must {row['must']:.3f}{aim}; {word}: {middle:.3f},"
        f" quartiles {low:.3f} - {high:.3f}"
    )
