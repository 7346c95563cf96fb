"""Median, sign-flip test, probability of superiority and Holm's correction."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from minidl.checks import check_number
from minidl.comparison.stats.hitting import Floats, check_pairs
from minidl.errors import ArgumentError

EXACT = 30  # up to so many differences, all 2^n sign patterns are counted
DRAWS = 100_000


def median(times: Sequence[float]) -> float:
    """Return the median of times or losses, which are inf for runs that did not converge.

    X_((n+1)/2), or (X_(n/2) + X_(n/2+1)) / 2 for an even n, and nan without times. With a
    common budget this is the Kaplan-Meier median (Klein & Moeschberger 2003, section 4.5).

    Examples
    --------
    >>> median([3, 5, math.inf]), median([3, math.inf])
    (5.0, inf)
    """
    return float(statistics.median(times)) if len(times) else math.nan


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
        wrong, hint = d[~np.isfinite(d)][0], "Take the difference of min(T, E), not of T."
        raise ArgumentError(f"must be finite, got {wrong}", argument="differences", hint=hint)
    n = len(d)
    slack = 1e-12 * np.abs(d).sum()  # sums in another order may differ in the last digits
    least = abs(d.sum()) - slack
    if least <= 0:
        return 1.0
    if n <= EXACT:
        first, second = _signed_sums(d[: n // 2]), np.sort(_signed_sums(d[n // 2 :]))
        above = len(second) - np.searchsorted(second, least - first)
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


def holm(p_values: Sequence[float]) -> list[float]:
    """Return the p-values after Holm's correction for multiple comparisons, in the same order.

    p~_(i) = max over j <= i of min(1, (k - j + 1) p_(j)): the smallest is multiplied by k, the next
    by k - 1, and so on, never decreasing (Holm 1979, section 3).

    Examples
    --------
    >>> holm([0.01, 0.04, 0.03])
    [0.03, 0.06, 0.06]
    """
    p = np.array(
        [check_number("a p-value", p, lambda p: 0 <= p <= 1, "in [0, 1]") for p in p_values]
    )
    order = np.argsort(p, kind="stable")
    p[order] = np.maximum.accumulate(np.minimum(1.0, np.arange(len(p), 0, -1) * p[order]))
    return [float(corrected) for corrected in p]
