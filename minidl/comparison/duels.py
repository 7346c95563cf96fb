"""A duel: two optimizers on the same seeds, and the verdict on them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from minidl.comparison.run import Setting
from minidl.comparison.stats.hitting import Floats, median, restricted
from minidl.comparison.stats.stepdown import step_down
from minidl.comparison.stats.verdicts import Verdict, faster_probability, holm, verdict

Interval = tuple[float, float]


@dataclass(frozen=True)
class Duel:
    """Two optimizers on the same seeds."""

    first: str
    second: str
    settings: tuple[Setting, Setting]
    flag: Setting | None  # the setting both share when the flag is swapped; None if each is tuned
    reached: tuple[int, int]  # on how many seeds each reached the target
    medians: tuple[float, float]  # their median hitting times
    p_alone: float  # the p-value before the correction
    faster: float  # probability that the first is faster, ties counting one half
    corrected_for: int  # number of pairs that the correction counts
    verdict: Verdict  # mean difference, interval, corrected p-value and the verdict in words

    @property
    def word(self) -> str:
        """The verdict, with the winner's name."""
        return self.verdict.word if self.winner is None else f"{self.winner} faster"

    @property
    def winner(self) -> str | None:
        """The faster optimizer, None if no difference is shown."""
        return {"A faster": self.first, "B faster": self.second}.get(self.verdict.word)

    @property
    def nobody(self) -> bool:
        """Whether neither reached the target on any seed."""
        return self.reached == (0, 0)


@dataclass(frozen=True)
class Match:
    """The runs and p-value of one pair, before the correction for several pairs."""

    names: tuple[str, str]
    settings: tuple[Setting, Setting]
    flag: Setting | None
    seeds: Sequence[int]
    budget: int
    times: tuple[Floats, Floats]  # hitting times (seeds,) of both
    p: float
    interval: Interval | None
    equivalence: Interval | None = None  # None: that of the times
    chaotic: bool = False  # whether training is chaotic at one of the settings
    share: float = 1.0  # of the 5 % error, which its look may spend

    def differences(self) -> Floats:
        """Return min(T, E) of the first minus that of the second, (seeds,)."""
        a, b = (restricted(times, self.budget) for times in self.times)
        return np.asarray(a - b)

    def over_looks(self, p: float) -> float:
        """Return the p-value over all looks, which a false positive at any of them has to pass."""
        return min(1.0, p / self.share)

    def settled(self, p: float, total: int, comparisons: int) -> Duel:
        """Return the duel with this corrected p-value."""
        x, y = self.times
        ruling = verdict(
            x,
            y,
            self.budget,
            p,
            self.interval,
            comparisons=comparisons,
            equivalence=self.equivalence,
            share=self.share,
        )
        if self.chaotic:
            ruling = replace(ruling, word="chaotic")
        reached = int(np.isfinite(x).sum()), int(np.isfinite(y).sum())
        medians = median(x.tolist()), median(y.tolist())
        faster = faster_probability(x, y)
        head = *self.names, self.settings, self.flag, reached, medians
        return Duel(*head, self.p, faster, total, ruling)


def settle_by_holm(matches: Sequence[Match]) -> list[Duel]:
    """Return the duels after Holm's correction.

    It counts the pairs that differ on any seed: if all differences are 0, p is 1 whatever their
    signs, so it can never be a false positive (Tarone 1990).
    """
    differ = [bool(match.differences().any()) and not match.chaotic for match in matches]
    k = max(sum(differ), 1)
    pairs = zip(matches, differ, strict=True)
    corrected = iter(holm([match.over_looks(match.p) for match, differs in pairs if differs]))
    p_values = [next(corrected) if differs else 1.0 for differs in differ]
    return [m.settled(p, k, k) for m, p in zip(matches, p_values, strict=True)]


def settle_together(matches: Sequence[Match]) -> list[Duel]:
    """Return the duels after step-down min-p, with one sign per seed for all of them.

    A seed that a match lacks counts as a difference of 0: it adds nothing to a sum.
    """
    seeds = list(dict.fromkeys(seed for match in matches for seed in match.seeds))
    table = np.zeros((len(matches), len(seeds)))
    for row, match in zip(table, matches, strict=True):
        if not match.chaotic:
            row[[seeds.index(seed) for seed in match.seeds]] = match.differences()
    k = max(int(table.any(axis=1).sum()), 1)
    corrected = step_down(table) if matches else []
    pairs = zip(matches, corrected, strict=True)
    return [match.settled(match.over_looks(max(match.p, p)), k, 1) for match, p in pairs]
