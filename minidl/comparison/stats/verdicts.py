"""What may be claimed of two optimizers: points 6 and 9 of the protocol."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from minidl.checks import check_count, check_number
from minidl.comparison.stats.hitting import check_pairs, restricted
from minidl.errors import ArgumentError

__all__ = ["LEVEL", "MARGIN", "Verdict", "Word", "fewest_seeds", "verdict"]

LEVEL = 0.05
MARGIN = 0.05

Word = Literal["A faster", "B faster", "no difference shown", "equivalent within 5 %"]


def fewest_seeds(comparisons: int = 1) -> int:
    """Return how many seeds it takes for unanimous ones to reach p < 0.05 after Holm.

    The smallest n with k 2 / 2^n < 0.05: n seeds that all agree have p = 2 / 2^n, and the smallest
    of k p-values is multiplied by k (Holm 1979, section 3).

    Parameters
    ----------
    comparisons : int, default 1
        k, the number of pairs that are looked at. 0 counts as 1.

    Raises
    ------
    ArgumentError
        It is not an integer of at least 0.

    Examples
    --------
    >>> fewest_seeds(1), fewest_seeds(2)
    (6, 7)
    """
    n, k = 6, max(check_count("comparisons", comparisons, 0), 1)
    while k * 2 / 2**n >= LEVEL:
        n += 1
    return n


@dataclass(frozen=True)
class Verdict:
    """What may be claimed, and what it rests on.

    Attributes
    ----------
    word : str
        One of the four.
    seeds : int
        How many pairs there are.
    enough : int
        How many a claim takes; with fewer, nothing is claimed.
    difference : float
        The mean of min(T_A, E) - min(T_B, E), in epochs.
    p : float
        What was given.
    interval : (float, float)
        Of the difference; what was given.
    margin : float
        5 % of the smaller restricted mean, in epochs.
    """

    word: Word
    seeds: int
    enough: int
    difference: float
    p: float
    interval: tuple[float, float]
    margin: float

    @property
    def declined(self) -> bool:
        """Whether there are too few seeds for any claim."""
        return self.seeds < self.enough

    @property
    def reason(self) -> str:
        """Why nothing is claimed, in words; empty if seeds are not the reason."""
        if not self.declined:
            return ""
        few = f"{self.seeds} seed{' is' if self.seeds == 1 else 's are'} too few"
        return f"{few} to claim a difference; take {self.enough} or more"


def verdict(
    a: npt.ArrayLike,
    b: npt.ArrayLike,
    budget: float,
    p: float,
    interval: tuple[float, float] | None,
    *,
    comparisons: int = 1,
) -> Verdict:
    """Return which of the four verdicts the paired times of two optimizers support.

    1. Fewer than :func:`fewest_seeds` pairs: *no difference shown*, and it says how many would do.
    2. *Equivalent within 5 %*, if the interval of the mean of D_s = min(T_As, E) - min(T_Bs, E)
       lies inside +-5 % of the smaller of the two restricted means, and both optimizers arrived on
       more than half of the seeds (Schuirmann 1987: two one-sided tests).
    3. *A faster* or *B faster*, if p < 0.05 and the interval lies on that side of 0. So no printed
       interval contradicts the verdict; it costs less than one point of power.
    4. Else *no difference shown*, which is no claim that there is none.

    The interval is meant to be the 95 % one that is printed, and not the 90 % one that two
    one-sided tests at 5 % allow. So a reader can check the verdict by the printed numbers; and a
    false claim of equivalence, which Holm's correction does not guard against, is half as likely.
    The smaller restricted mean is the reference, so that swapping A and B changes nothing.
    Equivalence comes before *faster*: where both hold, there is a difference and it is too small to
    matter, and `p` still tells. Two optimizers that seldom arrive are equal by their budget and not
    by their merit, so they are not called equivalent.

    Parameters
    ----------
    a, b : array_like, shape (seeds,)
        Times, paired; 0 or more, infinite for never.
    budget : float
        E, above 0.
    p : float
        Of :func:`minidl.comparison.sign_flip` on D, after :func:`minidl.comparison.holm`.
    interval : (float, float) or None
        Of the mean of D, by :func:`minidl.comparison.bootstrap_interval`. None is for one seed.
    comparisons : int, default 1
        How many pairs were corrected for.

    Raises
    ------
    ArgumentError
        There is no time, a number is out of range, or the interval has its ends exchanged.
    ShapeError
        They are no pairs.

    Examples
    --------
    >>> nag, momentum = [12, 14, 11, 15, 13, 12], [22, 20, 25, 23, 24, 21]
    >>> verdict(nag, momentum, 50, p=0.03125, interval=(-11.7, -7.3)).word
    'A faster'
    >>> verdict(nag[:3], momentum[:3], 50, p=0.25, interval=(-14, -6)).reason
    '3 seeds are too few to claim a difference; take 6 or more'
    """
    x, y = check_pairs(a, b)
    p = check_number("p", p, lambda p: 0 <= p <= 1, "0 <= p <= 1")
    low, high = (-math.inf, math.inf) if interval is None else interval
    if not low <= high:
        raise ArgumentError("interval cannot be used", received=interval, expected="low <= high")
    means = restricted(x, budget).mean(), restricted(y, budget).mean()
    margin = MARGIN * float(min(means))
    difference = float(np.mean(restricted(x, budget) - restricted(y, budget)))
    arrive = all(2 * int(np.sum(times <= budget)) > len(x) for times in (x, y))
    enough = fewest_seeds(comparisons)
    word: Word = "no difference shown"
    if len(x) >= enough:
        if arrive and -margin < low and high < margin:
            word = "equivalent within 5 %"
        elif p < LEVEL and (high < 0 or low > 0):
            word = "A faster" if high < 0 else "B faster"
    return Verdict(word, len(x), enough, difference, p, (low, high), margin)
