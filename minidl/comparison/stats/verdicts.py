"""From paired times to a verdict: sign-flip test, Holm's correction, four verdicts.

The README of the comparison explains them, with an example.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from typing import Literal

import numpy as np
import numpy.typing as npt

from minidl.checks import check_count, check_number
from minidl.comparison.stats.equivalence import arrivals, equivalence_interval, failure_bound
from minidl.comparison.stats.hitting import Floats, check_pairs, restricted
from minidl.errors import ArgumentError, invalid
from minidl.keywords import answers

__all__ = ["Verdict", "faster_probability", "fewest_seeds", "holm", "sign_flip", "verdict"]

EXACT = 30  # up to so many differences, all 2^n sign patterns are counted
DRAWS = 100_000
LEVEL = 0.05
MARGIN = 0.05

FEWEST = 6  # seeds: five that agree have p = 2 / 2^5 = 0.0625

Interval = tuple[float, float]
Word = Literal["A faster", "B faster", "no difference shown", "equivalent within 5 %", "chaotic"]
CHAOTIC = "Training is chaotic, so no verdict rests on it: try smaller learning rates"


@answers
def sign_flip(differences: Sequence[float], seed: int = 0) -> float:
    """Return the two-sided p-value of paired differences, one per seed, under random signs.

    If two optimizers are equal, each difference is as likely with the opposite sign. p is the
    share of sign patterns whose mean is at least as far from 0 as the observed one,
    p = #{s in {-1, 1}^n : |sum s_i d_i| >= |sum d_i|} / 2^n (Fisher 1935, "The Design of
    Experiments", section 21). For n <= 30 all patterns are counted: each sum is one of the first
    half of the differences plus one of the second half, which is looked up in sorted order. Beyond
    that, 100,000 patterns are drawn with `seed`, and the observed one is added (Phipson & Smyth
    2010). All differences must be finite.

    Examples
    --------
    >>> sign_flip([-3, -1, -4, -1, -5, -9])
    0.03125
    """
    d = np.asarray(differences, dtype=float)
    if not bool(np.isfinite(d).all()):
        value, hint = d[~np.isfinite(d)][0], "Take the difference of min(T, E), not of T."
        raise ArgumentError(f"must be finite, got {value}", argument="differences", hint=hint)
    n = len(d)
    slack = 1e-12 * np.abs(d).sum()  # sums in another order may differ in the last digits
    least = abs(d.sum()) - slack
    if least <= 0:
        return 1.0
    if n <= EXACT:
        left, right = _signed_sums(d[: n // 2]), np.sort(_signed_sums(d[n // 2 :]))
        above = len(right) - np.searchsorted(right, least - left)
        return 2 * int(above.sum()) / (1 << n)  # as many are below -least
    signs = np.random.default_rng(seed).integers(0, 2, size=(DRAWS, n), dtype=np.int8)
    count = int(np.sum(np.abs((1 - 2 * signs) @ d) >= least))
    return (count + 1) / (DRAWS + 1)


def _signed_sums(d: Floats) -> Floats:
    """Return the 2^n sums of the numbers with all signs."""
    sums = np.zeros(1)
    for x in d:
        sums = np.concatenate([sums + x, sums - x])
    return sums


@answers
def faster_probability(a: npt.ArrayLike, b: npt.ArrayLike) -> float:
    """Return how likely A is faster than B with the same seed; ties count half.

    (#{s : T_As < T_Bs} + #{s : T_As = T_Bs} / 2) / n: the paired probability of superiority
    (McGraw & Wong 1992; ties as in Vargha & Delaney 2000). Two runs that do not converge are a tie.
    `a` and `b` (seeds,) are hitting times, paired by seed (ShapeError otherwise).

    Examples
    --------
    >>> faster_probability([3, 5, math.inf, math.inf], [4, 5, 9, math.inf])
    0.5
    """
    x, y = check_pairs(a, b)
    return float(np.mean((x < y) + (x == y) / 2))


@answers
def holm(p_values: Sequence[float]) -> list[float]:
    """Return the p-values after Holm's correction for multiple comparisons, in the same order.

    p~_(i) = max over j <= i of min(1, (k - j + 1) p_(j)): the smallest is multiplied by k, the next
    by k - 1, and so on, never decreasing (Holm 1979, section 3).

    Examples
    --------
    >>> holm([0.01, 0.04, 0.03])
    [0.03, 0.06, 0.06]
    """
    checked = [check_number("a p-value", p, lambda p: 0 <= p <= 1, "in [0, 1]") for p in p_values]
    p = np.array(checked)
    order = np.argsort(p, kind="stable")
    p[order] = np.maximum.accumulate(np.minimum(1.0, np.arange(len(p), 0, -1) * p[order]))
    return [float(corrected) for corrected in p]


def confidence_of(share: float) -> float:
    """Return the confidence of an interval that may spend this share of the 5 % error."""
    return 1 - LEVEL * share


@answers
def fewest_seeds(comparisons: int = 1, share: float = 1.0) -> int:
    """Return how many seeds it takes to reach p < 0.05 after Holm if all of them agree; 6 or more.

    The smallest n with k 2 / 2^n < 0.05 `share`, where k = `comparisons` is the number of pairs (0
    counts as 1): n seeds that agree have p = 2 / 2^n, and the smallest of k p-values is multiplied
    by k (Holm 1979, section 3). `share` is that of :func:`~minidl.comparison.error_share`.

    Examples
    --------
    >>> fewest_seeds(1), fewest_seeds(2)
    (6, 7)
    """
    k = max(check_count("comparisons", comparisons, 0), 1)
    part = check_number("share", share, lambda share: 0 < share <= 1, "in (0, 1]")
    return next(n for n in count(FEWEST) if k * 2 / 2**n < LEVEL * part)


@answers
@dataclass(frozen=True)
class Verdict:
    """The verdict on a pair of optimizers and the numbers that it rests on.

    Attributes
    ----------
    word : str
        "A faster", "B faster", "no difference shown" or "equivalent within 5 %"; "chaotic" in a
        comparison in which runs do not repeat.
    seeds, enough : int
        The number of pairs, and how many a verdict needs.
    difference, p, interval
        The mean of min(T_A, E) - min(T_B, E) in epochs, its corrected p-value and its interval.
    margin : float
        5 % of the smaller mean over the seeds on which both converge, in epochs; nan without any.
    failures : tuple of int
        The runs of A and of B that did not converge.
    failure_bound : float
        The exact 95 % upper bound on the share of such runs, for the one that has more of them.
    """

    word: Word
    seeds: int
    enough: int
    difference: float
    p: float
    interval: tuple[float, float]
    margin: float
    failures: tuple[int, int]
    failure_bound: float

    @property
    def declined(self) -> bool:
        """Whether there is no verdict: too few seeds, or training that is chaotic."""
        return self.seeds < self.enough or self.word == "chaotic"

    @property
    def reason(self) -> str:
        """Why there is no verdict; empty if there is one."""
        if self.word == "chaotic":
            return CHAOTIC
        seeds = f"{self.seeds} seed{' is' if self.seeds == 1 else 's are'}"
        too_few = f"{seeds} too few to claim a difference; take {self.enough} or more"
        return too_few if self.declined else ""

    @property
    def scope(self) -> str:
        """A sentence that qualifies *equivalent*: how often one of the two may still fail."""
        bound, worst = f"{100 * self.failure_bound:.0f} %", max(self.failures)
        return f"{worst} of {self.seeds} runs failed, which allows up to {bound}"


@answers
def verdict(
    a: npt.ArrayLike,
    b: npt.ArrayLike,
    budget: float,
    p: float,
    interval: Interval | None,
    *,
    comparisons: int = 1,
    equivalence: Interval | None = None,
    share: float = 1.0,
) -> Verdict:
    """Return which of four verdicts the paired times of two optimizers support.

    1. *No difference shown*, if there are fewer than :func:`fewest_seeds` pairs.
    2. *A faster* or *B faster*, if p < 0.05 and the interval of the mean of D_s = min(T_As, E) -
       min(T_Bs, E) lies on that side of 0. So a printed interval never contradicts the verdict;
       this costs less than one point of power.
    3. *Equivalent within 5 %*, if `equivalence` lies inside +-5 % of the smaller mean of the seeds
       on which both converge, 6 or more and more than half of all (Schuirmann 1987: two one-sided
       tests). It is a claim about runs that converge; `failure_bound` says how often others may
       fail. A difference that 2 shows is ignored here if no run failed: it is too small to matter.
    4. Otherwise *no difference shown*, which does not prove that there is none.

    The intervals are 95 % ones, not the 90 % ones that two one-sided tests at 5 % allow.

    `a` and `b` (seeds,) are hitting times, paired by seed (ShapeError otherwise), inf for runs that
    did not converge; the budget E is a finite number of epochs > 0. p is the corrected p-value, and
    `comparisons` the number of pairs that Holm's correction counts. `interval` is that of the mean
    of D, by :func:`~minidl.comparison.bootstrap_interval`; None for one seed. `equivalence` is by
    default :func:`~minidl.comparison.equivalence_interval`. At one of several looks, `share` is its
    :func:`~minidl.comparison.error_share`, p has been divided by it, and intervals have the
    confidence 1 - 0.05 share.

    Examples
    --------
    >>> nag, momentum = [12, 14, 11, 15, 13, 12], [22, 20, 25, 23, 24, 21]
    >>> verdict(nag, momentum, 50, p=0.03125, interval=(-11.7, -7.3)).word
    'A faster'
    >>> verdict(nag[:3], momentum[:3], 50, p=0.25, interval=(-14, -6)).reason
    '3 seeds are too few to claim a difference; take 6 or more'
    """
    x, y = check_pairs(a, b)
    p = check_number("p", p, lambda p: 0 <= p <= 1, "in [0, 1]")
    low, high = _ends("interval", interval)
    difference = float(np.mean(restricted(x, budget) - restricted(y, budget)))
    finite, enough = arrivals(x, y, budget), fewest_seeds(comparisons, share)
    margin = MARGIN * float(min(x[finite].mean(), y[finite].mean())) if finite.any() else math.nan
    failures = int(np.sum(x > budget)), int(np.sum(y > budget))
    equal = _equal(x, y, budget, margin, equivalence, share=share)
    word: Word = "no difference shown"
    if len(x) >= enough:
        if equal and not any(failures):
            word = "equivalent within 5 %"
        elif p < LEVEL and (high < 0 or low > 0):
            word = "A faster" if high < 0 else "B faster"
        elif equal:
            word = "equivalent within 5 %"
    bound = failure_bound(max(failures), len(x), confidence_of(share))
    return Verdict(word, len(x), enough, difference, p, (low, high), margin, failures, bound)


def _equal(
    x: Floats, y: Floats, budget: float, margin: float, interval: Interval | None, *, share: float
) -> bool:
    """Return whether the runs that converge differ by less than the margin."""
    finite = arrivals(x, y, budget)
    _ends("equivalence", interval)
    if finite.sum() < FEWEST or 2 * finite.sum() <= len(x):
        return False
    if interval is None and abs(float(np.mean(x[finite] - y[finite]))) >= margin:
        return False  # no interval around that mean is inside
    interval = interval or equivalence_interval(x, y, budget, confidence_of(share))
    low, high = _ends("equivalence", interval)
    return -margin < low and high < margin


def _ends(name: str, interval: Interval | None) -> Interval:
    """Return both ends of an interval, infinite for None."""
    low, high = (-math.inf, math.inf) if interval is None else interval
    if not low <= high:
        raise invalid(name, interval, "(low, high) with low <= high")
    return low, high
