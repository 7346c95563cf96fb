"""How far a median or a mean could be off: points 6 and 9 of the protocol."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from minidl.checks import check_count, check_number
from minidl.comparison.stats.hitting import check_times
from minidl.errors import ArgumentError, ShapeError
from minidl.streams import check_seed

__all__ = [
    "RESAMPLES",
    "bootstrap_interval",
    "bootstrap_means",
    "median_interval",
    "median_ranks",
    "tuned_interval",
]

RESAMPLES = 10_000
Pair = tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]


def _check_confidence(confidence: float) -> float:
    return check_number("confidence", confidence, lambda c: 0 < c < 1, "0 < confidence < 1")


def median_ranks(n: int, confidence: float = 0.95) -> tuple[int, int] | None:
    """Return which two of n ordered values enclose the median, surely enough.

    Of n values, B ~ Binomial(n, 1/2) lie below the median, so X_(l) to X_(n+1-l) misses it with
    probability 2 P(B <= l - 1) if the distribution is continuous, and less if it is not. l is the
    largest for which that is at most 1 - confidence (Thompson 1936; David & Nagaraja 2003, section
    7.1). Counted in integers, so exact for every n.

    Parameters
    ----------
    n : int
        At least 0.
    confidence : float, default 0.95
        Between 0 and 1.

    Returns
    -------
    (int, int) or None
        Ranks from 1 to n; None if not even the first and the last will do, as for n < 6.

    Raises
    ------
    ArgumentError
        n is not an integer of at least 0, or the confidence is not between 0 and 1.

    Examples
    --------
    >>> [median_ranks(n) for n in (20, 15, 10, 6, 5)]
    [(6, 15), (4, 12), (2, 9), (1, 6), None]
    """
    n = check_count("n", n, 0)
    allowed = (1 - Fraction(_check_confidence(confidence))) * 2**n
    rank, binomial, tail = 0, 1, 1  # tail = sum of C(n, i) for i <= rank
    while 2 * tail <= allowed:
        binomial = binomial * (n - rank) // (rank + 1)
        rank += 1
        tail += binomial
    return (rank, n + 1 - rank) if rank else None


def median_interval(times: npt.ArrayLike, confidence: float = 0.95) -> tuple[float, float] | None:
    """Return the exact interval of a median; an end is infinite if it is a run that never came.

    (X_(l), X_(u)) with the ranks of :func:`median_ranks`. It needs the order of the times only, so
    a censored or diverged run is as good as any other that is later than all that arrived.

    Parameters
    ----------
    times : array_like, shape (runs,)
        0 or more; infinite for never.
    confidence : float, default 0.95
        Between 0 and 1.

    Returns
    -------
    (float, float) or None
        None if there are too few runs for that confidence.

    Raises
    ------
    ArgumentError
        There is no time, a time is no time, or the confidence is not between 0 and 1.

    Examples
    --------
    >>> median_interval([4, 6, 5, 8, 7, math.inf])
    (4.0, inf)
    """
    ordered = np.sort(check_times("times", times))
    ranks = median_ranks(len(ordered), confidence)
    return None if ranks is None else (float(ordered[ranks[0] - 1]), float(ordered[ranks[1] - 1]))


def bootstrap_means(
    values: npt.ArrayLike, resamples: int = RESAMPLES, seed: int = 0
) -> npt.NDArray[np.float64]:
    """Return the means of samples that are drawn from the values, with replacement.

    The r-th mean is (1/n) sum_s x_(i_rs), with i_rs uniform on the n seeds (Efron 1979, section 2).
    Which seeds are drawn depends on n, `resamples` and `seed` only: two optimizers are resampled in
    pairs, and so the difference of their means is the mean of their differences.

    Parameters
    ----------
    values : array_like, shape (n,)
        Finite; one for each seed of training.
    resamples : int, default 10000
        At least 1.
    seed : int, default 0
        Of the drawing.

    Raises
    ------
    ArgumentError
        There is no value, one is not finite, or the numbers are no counts.

    Examples
    --------
    >>> bootstrap_means([1.0, 1.0, 1.0], resamples=2)
    array([1., 1.])
    """
    x = np.asarray(values, dtype=np.float64)
    if x.ndim != 1 or x.size == 0 or not bool(np.isfinite(x).all()):
        raise ArgumentError(
            "values cannot be resampled",
            received=str(x),
            expected="a row of finite numbers",
            hint="Give min(T, E), not T.",
        )
    generator = np.random.default_rng(check_seed(seed))
    drawn = generator.integers(0, len(x), size=(check_count("resamples", resamples), len(x)))
    return np.asarray(x[drawn].mean(axis=1))


def bootstrap_interval(
    values: npt.ArrayLike,
    confidence: float = 0.95,
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> tuple[float, float] | None:
    """Return the interval of a mean by resampling, widened for small samples.

    The quantiles a and 1 - a of the resampled means, with a = Phi(sqrt(n / (n - 1)) t), where t is
    the quantile (1 - confidence) / 2 of Student's distribution with n - 1 degrees of freedom: the
    expanded percentile interval of Hesterberg 2015 ("What teachers should know about the
    bootstrap"), after Efron & Tibshirani 1993, section 13.3.

    Why this one: for differences of censored times it covers in 94 % of cases at n = 20 and n = 10,
    the plain percentile interval in 92 and 89 %, and BCa (section 14.3) in 91 and 87 %; with rare
    divergences under a large budget 92 %, against 89 and 76 %. Of a restricted mean it covers in 93
    and 90 %. ``tests/comparison/test_comparison_coverage.py`` measures all of these. No method
    knows of the rare divergence that a sample does not happen to hold; a median does not mind.

    Parameters
    ----------
    values : array_like, shape (n,)
        Finite; min(T, E), or differences of those, one for each seed.
    confidence : float, default 0.95
        Between 0 and 1.
    resamples : int, default 10000
        At least 1.
    seed : int, default 0
        Of the drawing. The same seed gives the same interval.

    Returns
    -------
    (float, float) or None
        None of a single value.

    Raises
    ------
    ArgumentError
        There is no value, one is not finite, or another argument is out of range.

    Examples
    --------
    >>> low, high = bootstrap_interval([12, 15, 11, 19, 14, 13])
    >>> round(low, 2), round(high, 2)
    (11.67, 17.33)
    """
    means = bootstrap_means(values, resamples, seed)
    tail = _expanded_tail(np.size(np.asarray(values)), _check_confidence(confidence))
    if tail is None:
        return None
    low, high = np.quantile(means, [tail, 1 - tail])
    return float(low), float(high)


def tuned_interval(
    tuning: Pair,
    judging: Pair,
    confidence: float = 0.95,
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> tuple[float, float] | None:
    """Return the interval of the difference of two optimizers, each at the setting tuning chose.

    Which setting is chosen depends on which tuning seeds there happened to be. So in each resample
    the tuning seeds are drawn anew, with replacement, the settings are chosen by their means, and
    the difference is taken there on judging seeds that are drawn anew: Mean_s x_(i*)s -
    Mean_s y_(j*)s, with i* = argmin_i of the tuning means of A, and j* of B. The quantiles are
    those of :func:`bootstrap_interval`, n being the number of seeds that judge. To resample the
    choice together with what it is judged by is Efron 2014 ("Estimation and accuracy after model
    selection").

    Without this, the difference between two lucky choices passes for one between optimizers: of two
    that are equal, one was called faster in 8 to 20 % of simulated comparisons, and with it in 0.2
    to 5 %. Its price is power: a difference of a fifth was found in 4 to 42 % instead of 24 to 54 %
    (``tests/comparison/test_comparison_calibration_tuned.py`` measures all of these).

    Parameters
    ----------
    tuning : pair of ndarray, shape (settings, tuning seeds)
        min(T, E) of A and of B; the number of settings may differ. The first of equal means is
        chosen.
    judging : pair of ndarray, shape (settings, seeds)
        The same on the seeds that judge, which are paired.
    confidence : float, default 0.95
        Between 0 and 1.
    resamples : int, default 10000
        At least 1.
    seed : int, default 0
        Of the drawing.

    Returns
    -------
    (float, float) or None
        None of a single judging seed.

    Raises
    ------
    ArgumentError
        A number is not finite, or another argument is out of range.
    ShapeError
        These are no pairs of tables: settings differ between tuning and judging, or seeds between
        A and B.

    Examples
    --------
    With one setting each it is :func:`bootstrap_interval` of the differences:

    >>> a, b = np.array([[3.0, 5.0, 4.0, 6.0]]), np.array([[9.0, 9.0, 8.0, 9.0]])
    >>> tuned_interval((a, b), (a, b)) == bootstrap_interval((a - b)[0])
    True
    """
    tuning, judging = _tables(tuning, judging)
    n = judging[0].shape[1]
    tail = _expanded_tail(n, _check_confidence(confidence))
    if tail is None:
        return None
    resamples = check_count("resamples", resamples)
    choices = np.random.default_rng([check_seed(seed), 1])
    chosen = _counts(choices, resamples, tuning[0].shape[1])
    judged = _counts(np.random.default_rng(check_seed(seed)), resamples, n)
    each = np.arange(resamples)
    one, other = (
        (judged @ times.T)[each, (chosen @ tuned.T).argmin(axis=1)] / n
        for tuned, times in zip(tuning, judging, strict=True)
    )
    low, high = np.quantile(one - other, [tail, 1 - tail])
    return float(low), float(high)


def _tables(tuning: Pair, judging: Pair) -> tuple[Pair, Pair]:
    """Return what is tuned and judged as arrays of finite numbers that belong together."""
    tables = [np.asarray(one, dtype=np.float64) for one in (*tuning, *judging)]
    shapes = [one.shape for one in tables]
    fit = all(len(shape) == 2 and 0 not in shape for shape in shapes) and (
        [s[0] for s in shapes[:2]] == [s[0] for s in shapes[2:]]
        and shapes[0][1] == shapes[1][1]
        and shapes[2][1] == shapes[3][1]
    )
    if len(tables) != 4 or not fit:
        raise ShapeError(
            "times do not belong together",
            received=", ".join(map(str, shapes)),
            expected="two tables (settings, tuning seeds) and two (settings, seeds)",
        )
    if not all(bool(np.isfinite(one).all()) for one in tables):
        raise ArgumentError("a time is not finite", hint="Give min(T, E), not T.")
    a, b, x, y = tables
    return (a, b), (x, y)


def _counts(generator: np.random.Generator, resamples: int, n: int) -> npt.NDArray[np.float64]:
    """Return how often each of n seeds is in each resample, (resamples, n)."""
    drawn = generator.integers(0, n, size=(resamples, n))
    counts = np.zeros((resamples, n))
    np.add.at(counts, (np.arange(resamples)[:, None], drawn), 1.0)
    return counts


def _expanded_tail(n: int, confidence: float) -> float | None:
    """Return the tail whose quantile of the resampled means is that of Student's interval."""
    from scipy.special import ndtr, stdtrit

    if n < 2:
        return None
    return float(ndtr(math.sqrt(n / (n - 1)) * stdtrit(n - 1, (1 - confidence) / 2)))
