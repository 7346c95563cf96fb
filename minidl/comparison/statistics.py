"""The little statistics that an honest race needs. Numbers in, numbers out."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

__all__ = ["EXACT", "holm", "median", "sign_flip"]

EXACT = 14  # up to so many differences, all 2^n signs are enumerated
DRAWS = 100_000


def median(times: Sequence[float]) -> float:
    """Return the ordinary median, in which a run that never arrived counts as infinity.

    With a common budget this is the Kaplan-Meier median.

    Examples
    --------
    >>> median([3, 5, math.inf]), median([3, math.inf])
    (5.0, inf)
    """
    ordered = sorted(times)
    n = len(ordered)
    if n == 0:
        return math.nan
    return float(ordered[(n - 1) // 2] + ordered[n // 2]) / 2


def sign_flip(differences: Sequence[float], seed: int = 0) -> float:
    """Return the two-sided p-value of paired differences under random signs.

    If two optimizers are alike, each difference is as likely with the other sign. p is the share
    of sign patterns whose mean is at least as far from 0 as the one observed (Fisher 1935, "The
    Design of Experiments", section 21). All 2^n patterns are counted for n <= 14; beyond that,
    100,000 drawn ones, with the observed one among them.

    Parameters
    ----------
    differences : sequence of float
        One per seed.
    seed : int, default 0
        For the drawn patterns.

    Returns
    -------
    float
        In (0, 1]; 1 if there are no differences.

    Examples
    --------
    Six seeds that all say the same reach 2 / 2^6:

    >>> sign_flip([-3, -1, -4, -1, -5, -9])
    0.03125
    """
    d = np.asarray(differences, dtype=float)
    n = len(d)
    if n == 0:
        return 1.0
    observed = abs(d.sum())
    slack = 1e-12 * np.abs(d).sum()  # sums in another order may differ in the last digits
    if n <= EXACT:
        patterns = (np.arange(2**n)[:, None] >> np.arange(n)) & 1
        return float(np.mean(np.abs((1 - 2 * patterns) @ d) >= observed - slack))
    signs = np.random.default_rng(seed).integers(0, 2, size=(DRAWS, n), dtype=np.int8)
    count = int(np.sum(np.abs((1 - 2 * signs) @ d) >= observed - slack))
    return (count + 1) / (DRAWS + 1)


def holm(p_values: Sequence[float]) -> list[float]:
    """Return the p-values corrected for having looked at several, in the same order.

    Holm 1979: the smallest is multiplied by k, the next by k - 1, ..., never decreasing.

    Examples
    --------
    >>> holm([0.01, 0.04, 0.03])
    [0.03, 0.06, 0.06]
    """
    k = len(p_values)
    corrected = [1.0] * k
    highest = 0.0
    for rank, i in enumerate(sorted(range(k), key=lambda i: p_values[i])):
        highest = max(highest, min(1.0, (k - rank) * p_values[i]))
        corrected[i] = highest
    return corrected
