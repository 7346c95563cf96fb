"""Equivalence of two optimizers: an interval that allows for ties, and a bound on failures."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from minidl.checks import check_count, check_number
from minidl.comparison.stats.hitting import Floats, check_budget, check_pairs
from minidl.comparison.stats.intervals import RESAMPLES, bootstrap_interval
from minidl.keywords import answers

__all__ = ["equivalence_interval", "failure_bound"]

STEP = 1.0  # epochs: hitting times are whole epochs, so smaller differences cannot be seen


@answers
def failure_bound(failures: int, runs: int, confidence: float = 0.95) -> float:
    """Return the exact upper bound on how often runs fail, after so many failures of so many runs.

    The share q for which so few failures would have probability 1 - confidence:
    P(Binomial(runs, q) <= failures) = 1 - confidence (Clopper & Pearson 1934, one-sided). Without
    any failure it is 1 - (1 - confidence)^(1 / runs): 0 of 20 allows 14 %.

    `failures` is from 0 to `runs`, `runs` is 1 or more, and `confidence` is between 0 and 1;
    otherwise an ArgumentError.

    Examples
    --------
    >>> round(failure_bound(0, 20), 3), round(failure_bound(1, 20), 3), failure_bound(20, 20)
    (0.139, 0.216, 1.0)
    """
    from scipy.special import betaincinv

    n = check_count("runs", runs)
    k = check_count("failures", failures, 0, n)
    level = check_number("confidence", confidence, lambda c: 0 < c < 1, "between 0 and 1")
    return 1.0 if k == n else float(betaincinv(k + 1, n - k, level))


def arrivals(a: Floats, b: Floats, budget: float) -> npt.NDArray[np.bool_]:
    """Return on which seeds both optimizers reached the target within the budget."""
    return np.asarray((a <= budget) & (b <= budget))


def largest_step(differences: Floats) -> float:
    """Return r = max(1 epoch, max |D|), the size of the two pseudo-differences."""
    return float(np.abs(differences).max(initial=STEP))


@answers
def equivalence_interval(
    a: npt.ArrayLike,
    b: npt.ArrayLike,
    budget: float,
    confidence: float = 0.95,
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> tuple[float, float] | None:
    """Return the interval of the mean difference that decides if two optimizers are equivalent.

    :func:`~minidl.comparison.bootstrap_interval` of D_s = T_As - T_Bs over the seeds on which both
    converge, with the pseudo-differences +r and -r appended, r = max(1 epoch, max |D|). Hitting
    times are whole epochs, and if all of a few seeds tie, D has no spread and the plain interval no
    width: it called optimizers equivalent that differ by more than 5 % in up to 36 % of cases. The
    two values say that the next seed may differ as much as any so far did, and at least by one
    epoch, as in the adjusted intervals for a proportion (Agresti & Coull 1998).

    `a` and `b` (seeds,) are hitting times, paired by seed (ShapeError otherwise), inf for runs that
    did not converge; the budget E is a finite number of epochs > 0. The result is None without a
    seed on which both converge.

    Examples
    --------
    >>> low, high = equivalence_interval([20] * 20, [20] * 20, budget=50)
    >>> -0.2 < low < 0 < high < 0.2
    True
    """
    x, y = check_pairs(a, b)
    arrived = arrivals(x, y, check_budget(budget))
    d = x[arrived] - y[arrived]
    if not d.size:
        return None
    r = largest_step(d)
    return bootstrap_interval(np.append(d, [r, -r]), confidence, resamples=resamples, seed=seed)
