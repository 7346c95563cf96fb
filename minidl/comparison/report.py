"""The comparison in words: a table, and a plain sentence for each pair that can be compared."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from minidl.comparison.experiment import Contestant, Run
from minidl.comparison.statistics import median, sign_flip
from minidl.comparison.verdicts import LEVEL

__all__ = ["Duel", "Row", "counted", "duel", "row", "sentence", "text_table"]


@dataclass(frozen=True)
class Row:
    """One line of the table; medians over seeds, infinite where most seeds never arrived."""

    optimizer: str
    batch_size: str
    lr: float
    reached: int
    seeds: int
    diverged: int
    diverged_at: int | None
    epochs: float
    updates: float
    seconds: float
    final_loss: float


def row(contestant: Contestant, runs: Sequence[Run]) -> Row:
    """Return the line of one contestant."""
    ends = [int(run.history.diverged_at or 0) for run in runs if run.history.diverged]
    finals = [
        math.inf if run.history.diverged else run.history.row(-1)["train_loss"] for run in runs
    ]
    return Row(
        optimizer=contestant.name,
        batch_size=str(contestant.batch_size),
        lr=contestant.lr,
        reached=sum(run.hit is not None for run in runs),
        seeds=len(runs),
        diverged=len(ends),
        diverged_at=sorted(ends)[(len(ends) - 1) // 2] if ends else None,
        epochs=median([run.epochs for run in runs]),
        updates=median([run.at_hit("updates") for run in runs]),
        seconds=median([run.at_hit("seconds") for run in runs]),
        final_loss=median(finals),
    )


def text_table(rows: Sequence[Row], runs: Sequence[Run], budget: int) -> str:
    """Return the table as text: `>E` for never within E epochs, `diverged @ e` for divergence."""
    header = ("optimizer", "batch", "lr", "reached", "epochs", "updates", "seconds", "final loss")
    lines: list[tuple[str, ...]] = [header]
    for r in rows:
        lines.append(_cells(r, [run for run in runs if run.optimizer == r.optimizer], budget))
    widths = [max(len(cells[k]) for cells in lines) for k in range(len(header))]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if k == 0 else cell.rjust(width)
            for k, (cell, width) in enumerate(zip(cells, widths, strict=True))
        ).rstrip()
        for cells in lines
    )


def _cells(r: Row, runs: Sequence[Run], budget: int) -> tuple[str, ...]:
    total = median([run.history.row(-1)["updates"] for run in runs])
    spent = median([run.history.row(-1)["seconds"] for run in runs])
    if math.isfinite(r.epochs):
        how_long = (f"{r.epochs:g}", f"{r.updates:.15g}", f"{r.seconds:.2f}")
    elif 2 * r.diverged >= r.seeds:
        how_long = (f"diverged @ {r.diverged_at}", "-", "-")
    else:
        how_long = (f">{budget}", f">{total:.15g}", f">{spent:.2f}")
    final = f"{r.final_loss:.4f}" if math.isfinite(r.final_loss) else "diverged"
    return (r.optimizer, r.batch_size, f"{r.lr:g}", f"{r.reached}/{r.seeds}", *how_long, final)


@dataclass(frozen=True)
class Duel:
    """Two contestants at one batch size, seed by seed.

    Attributes
    ----------
    first, second : str
        Their names.
    fewer, more, equal : int
        On how many seeds the first needed fewer epochs, more, or as many.
    neither : int
        On how many of the equal ones neither arrived.
    medians : (float, float)
        Median epochs of both; infinite if most seeds never arrived.
    mean_difference : float
        Of min(epochs, budget), first minus second.
    p : float
        Sign-flip p-value of the differences, not corrected.
    reached, diverged : (int, int)
        On how many seeds each arrived, and diverged.
    """

    first: str
    second: str
    fewer: int
    more: int
    equal: int
    neither: int
    medians: tuple[float, float]
    mean_difference: float
    p: float
    reached: tuple[int, int]
    diverged: tuple[int, int]

    @property
    def seeds(self) -> int:
        """The number of pairs."""
        return self.fewer + self.more + self.equal

    def tested(self, fewest: int) -> bool:
        """Whether there are enough seeds, and any difference, for a p-value to be told."""
        return self.seeds >= fewest and self.equal < self.seeds and not self.one_method

    @property
    def one_method(self) -> bool:
        """Whether the two are the two forms of NAG, which must agree and are no rivals."""
        return {self.first, self.second} == {"nag", "nag-reformulated"}


def duel(a: str, b: str, runs: Sequence[Run], budget: int) -> Duel:
    """Compare two contestants on the seeds that both have run.

    A run that never arrived counts as the whole budget, whether it diverged or not.
    """
    times = {(run.optimizer, run.seed): run.epochs for run in runs}
    seeds = [s for (name, s) in times if name == a and (b, s) in times]
    pairs = [(times[a, s], times[b, s]) for s in seeds]
    d = [min(x, budget) - min(y, budget) for x, y in pairs]
    lost = [(run.optimizer, run.seed) for run in runs if run.history.diverged]
    return Duel(
        first=a,
        second=b,
        fewer=sum(x < 0 for x in d),
        more=sum(x > 0 for x in d),
        equal=sum(x == 0 for x in d),
        neither=sum(math.isinf(x) and math.isinf(y) for x, y in pairs),
        medians=(median([x for x, _ in pairs]), median([y for _, y in pairs])),
        mean_difference=sum(d) / len(d) if d else 0.0,
        p=sign_flip(d),
        reached=(sum(x <= budget for x, _ in pairs), sum(y <= budget for _, y in pairs)),
        diverged=(sum((a, s) in lost for s in seeds), sum((b, s) in lost for s in seeds)),
    )


SPOKEN: dict[str, str] = {
    "nag": "NAG",
    "nag-reformulated": "reformulated NAG",
    "mini-batch": "gradient descent",
    "batch": "batch gradient descent",
    "stochastic": "stochastic gradient descent",
}


def sentence(d: Duel, p: float, budget: int, fewest: int = 6) -> str:
    """Return a duel as one plain sentence.

    `p` is the p-value after correction, `fewest` the number of seeds that a claim needs.
    """
    a, b = SPOKEN.get(d.first, d.first), SPOKEN.get(d.second, d.second)
    start = f"{a[0].upper()}{a[1:]} against {b}: "
    if not d.seeds:
        return start + "no seed was run with both, so there is nothing to compare."
    if d.neither == d.seeds:
        return f"{start}{_why_neither(d, budget)}, so no difference shown."
    if d.equal == d.seeds:
        same = " They are one method." if d.one_method else ""
        return f"{start}the same number of epochs on {_all_equal(d)}.{same}"
    counts = (
        f"it needed fewer epochs on {d.fewer} of {counted(d.seeds, 'seed')}, more on {d.more}"
        f" and as many on {d.equal - d.neither}"
        f"{f', and neither arrived on {d.neither}' if d.neither else ''}"
        f" (median {_epochs(d.medians[0], budget)} against {_epochs(d.medians[1], budget)})"
    )
    if d.one_method:
        return (
            f"{start}{counts}. They are one method: here training is so unstable that the"
            " rounding errors, by which alone they differ, grow until they show."
        )
    return f"{start}{counts}{_verdict(d, p, fewest)}"


def _verdict(d: Duel, p: float, fewest: int) -> str:
    if d.seeds < fewest:
        few = f"{counted(d.seeds, 'seed')} {'is' if d.seeds == 1 else 'are'} too few"
        return f", but {few} to claim a difference; take {fewest} or more."
    if p >= LEVEL:
        return f": no difference shown (p = {_probability(p)})."
    size = abs(d.mean_difference)
    word = "fewer" if d.mean_difference < 0 else "more"
    return f": {size:.1f} {word} on average (p = {_probability(p)})."


def _why_neither(d: Duel, budget: int) -> str:
    if d.diverged == (d.seeds, d.seeds):
        return "both diverged on every seed"
    return f"neither reached the target within {counted(budget, 'epoch')}"


def counted(n: int, noun: str) -> str:
    """Return a number with its noun.

    Examples
    --------
    >>> counted(1, "seed"), counted(10, "seed")
    ('1 seed', '10 seeds')
    """
    return f"{n} {noun}{'' if n == 1 else 's'}"


def _all_equal(d: Duel) -> str:
    if d.neither:
        arrived = counted(d.seeds - d.neither, "seed")
        return f"{arrived}, and neither reached the target on {d.neither}"
    return f"all {d.seeds} seeds" if d.seeds > 1 else "the only seed"


def _epochs(value: float, budget: int) -> str:
    return f"{value:g}" if math.isfinite(value) else f">{budget}"


def _probability(p: float) -> str:
    return f"{p:.2g}" if p >= 0.001 else f"{p:.1e}"


def as_dict(value: Any) -> dict[str, Any]:
    """Return a row or a duel as plain data; infinities become None."""
    return {name: _finite(x) for name, x in vars(value).items()}


def _finite(x: Any) -> Any:
    if isinstance(x, tuple):
        return [_finite(each) for each in x]
    return None if isinstance(x, float) and not math.isfinite(x) else x
