"""The verdict on a pair of optimizers: points 6 and 9 of the protocol."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import count
from typing import Literal

import numpy as np
import numpy.typing as npt

from minidl.checks import check_count, check_number
from minidl.comparison.stats.hitting import check_pairs, restricted
from minidl.errors import invalid

LEVEL = 0.05
MARGIN = 0.05

Word = Literal["A faster", "B faster", "no difference shown", "equivalent within 5 %"]


def fewest_seeds(comparisons: int = 1) -> int:
    """Return how many seeds it takes to reach p < 0.05 after Holm if all of them agree; 6 or more.

    The smallest n with k 2 / 2^n < 0.05, where k = `comparisons` is the number of pairs (0 counts
    as 1): n seeds that agree have p = 2 / 2^n, and the smallest of k p-values is multiplied by k
    (Holm 1979, section 3).

    Examples
    --------
    >>> fewest_seeds(1), fewest_seeds(2)
    (6, 7)
    """
    k = max(check_count("comparisons", comparisons, 0), 1)
    return next(n for n in count(6) if k * 2 / 2**n < LEVEL)


@dataclass(frozen=True)
class Verdict:
    """The verdict on a pair of optimizers and the numbers that it rests on."""

    word: Word
    seeds: int  # the number of pairs
    enough: int  # how many pairs a verdict needs
    difference: float  # the mean of min(T_A, E) - min(T_B, E), in epochs
    p: float  # its p-value, corrected
    interval: tuple[float, float]
    margin: float  # 5 % of the smaller restricted mean, in epochs

    @property
    def declined(self) -> bool:
        """Whether there are too few seeds for a verdict."""
        return self.seeds < self.enough

    @property
    def reason(self) -> str:
        """Why there are too few seeds for a verdict; empty if there are enough."""
        seeds = f"{self.seeds} seed{' is' if self.seeds == 1 else 's are'}"
        few = f"{seeds} too few to claim a difference; take {self.enough} or more"
        return few if self.declined else ""


def verdict(
    a: npt.ArrayLike,
    b: npt.ArrayLike,
    budget: float,
    p: float,
    interval: tuple[float, float] | None,
    *,
    comparisons: int = 1,
) -> Verdict:
    """Return which of four verdicts the paired times of two optimizers support.

    1. *No difference shown*, if there are fewer than :func:`fewest_seeds` pairs.
    2. *Equivalent within 5 %*, if the interval of the mean of D_s = min(T_As, E) - min(T_Bs, E)
       lies inside +-5 % of the smaller restricted mean, and both optimizers converged on more than
       half of the seeds (Schuirmann 1987: two one-sided tests).
    3. *A faster* or *B faster*, if p < 0.05 and the interval lies on that side of 0. So a printed
       interval never contradicts the verdict; this costs less than one point of power.
    4. Otherwise *no difference shown*, which does not prove that there is none.

    The interval is the printed 95 % one, not the 90 % one that two one-sided tests at 5 % allow, so
    a reader can check the verdict. Where 2 and 3 both hold, there is a difference, too small to
    matter. Two optimizers that rarely converge have equal means because of the budget alone.

    Parameters
    ----------
    a, b : array_like, shape (seeds,)
        Hitting times, paired by seed (ShapeError otherwise); inf for runs that did not converge.
    budget : float
        E, a finite number of epochs > 0.
    p, comparisons
        :func:`~minidl.comparison.sign_flip` of D after :func:`~minidl.comparison.holm`, and the
        number of pairs that this correction counts.
    interval : (float, float) or None
        Of the mean of D, by :func:`~minidl.comparison.bootstrap_interval`; None for one seed.

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
    low, high = (-math.inf, math.inf) if interval is None else interval
    if not low <= high:
        raise invalid("interval", interval, "(low, high) with low <= high")
    cut_x, cut_y = restricted(x, budget), restricted(y, budget)
    margin = MARGIN * float(min(cut_x.mean(), cut_y.mean()))
    converge = all(2 * int(np.sum(times <= budget)) > len(x) for times in (x, y))
    enough = fewest_seeds(comparisons)
    word: Word = "no difference shown"
    if len(x) >= enough:
        if converge and -margin < low and high < margin:
            word = "equivalent within 5 %"
        elif p < LEVEL and (high < 0 or low > 0):
            word = "A faster" if high < 0 else "B faster"
    difference = float(np.mean(cut_x - cut_y))
    return Verdict(word, len(x), enough, difference, p, (low, high), margin)
