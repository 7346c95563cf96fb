"""The choice of a learning rate and the cost of tuning."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from minidl.checks import check_count, check_number
from minidl.comparison.stats.hitting import Floats, check_budget, check_times
from minidl.comparison.stats.intervals import RESAMPLES, check_confidence, resample_counts
from minidl.errors import ArgumentError, ShapeError
from minidl.keywords import answers
from minidl.streams import check_seed

__all__ = ["choose_rate", "expected_best", "near_best", "stable_range", "trial_weights"]
__all__ += ["near_share", "tuning_curve"]


class Choice(NamedTuple):
    """The setting that :func:`choose_rate` chose.

    `position` is its index among the settings, `rate` its learning rate, and `mean` its restricted
    mean, the whole budget if no setting converged. `edge` is -1 if the rate is the smallest of
    all, 1 if it is the largest, else 0; also 0 for a single rate.
    """

    position: int
    rate: float
    mean: float
    edge: int


@answers
def choose_rate(rates: npt.ArrayLike, times: npt.ArrayLike, budget: float) -> Choice:
    """Return the setting with the smallest restricted mean over the tuning seeds.

    argmin_i mean_s min(T_is, E). Of equal means, the setting with more converged runs is chosen,
    then the smaller learning rate, then the first. The median would choose rates at the edge of
    stability, for it ignores the runs that diverge there.

    `rates` (settings,) are > 0, and `times` (settings, seeds) are hitting times, one row per rate
    (ShapeError otherwise), inf for runs that did not converge. The budget E is finite and > 0.

    Examples
    --------
    >>> choose_rate([0.5, 1.0, 2.0], [[30, 31], [10, 12], [4, math.inf]], budget=40)
    Choice(position=1, rate=1.0, mean=11.0, edge=0)
    """
    lr, table = np.asarray(rates, dtype=np.float64), check_times("times", times, dimensions=2)
    if lr.shape != table.shape[:1]:
        received = f"{lr.size} rates for {len(table)} rows"
        raise ShapeError("times must have one row per rate", received=received)
    if not bool(np.all((lr > 0) & np.isfinite(lr))):
        raise ArgumentError(f"must be finite numbers > 0, got {lr}", argument="rates")
    means = np.minimum(table, check_budget(budget)).mean(axis=1)
    converged = np.isfinite(table).sum(axis=1)  # converging in epoch E is better than not at all
    best = int(np.lexsort((lr, -converged, means))[0])
    edge = int(lr[best] == lr.max()) - int(lr[best] == lr.min())  # 0 if there is one rate
    return Choice(best, float(lr[best]), float(means[best]), edge)


@answers
def near_best(times: npt.ArrayLike, errors: float = 1.0) -> npt.NDArray[np.bool_]:
    """Return which settings are as good as the best, as far as the seeds can tell.

    Those with mean_i <= mean_b + errors sd_b / sqrt(n), where b has the smallest mean and sd_b is
    the standard deviation of its n values: by default within one standard error of the best
    (Breiman, Friedman, Olshen & Stone 1984, section 3.4.3). For one seed, those equal to the best.

    `times` (settings, seeds) are min(T, E), finite; more axes of settings are allowed. The result
    has the shape of the settings.

    Examples
    --------
    >>> near_best([[9, 9, 9], [4, 6, 5], [5, 5, 6], [50, 3, 4]])
    array([False,  True,  True, False])
    """
    table = np.asarray(times, dtype=np.float64)
    if table.ndim < 2 or not table.size:
        raise ShapeError("times must be (settings, seeds)", received=f"shape {table.shape}")
    n, means = table.shape[-1], table.mean(axis=-1)
    best = table.reshape(-1, n)[means.argmin()]
    error = errors * best.std(ddof=1) / math.sqrt(n) if n > 1 else 0.0
    return np.asarray(means <= means.min() + error + 1e-12 * abs(means.min()))


@answers
def stable_range(times: npt.ArrayLike, budget: float) -> tuple[int, int, int]:
    """Return the first, the middle and the last place of the good rates around the best.

    The rates next to each other that hold the best one, are within one standard error of it
    (:func:`near_best`), and converged on as many seeds. A few tuning seeds often put the best rate
    one step below where training fails; in the middle of the range it fails on neither side. Of two
    middles it is the smaller rate.

    `times` (rates, seeds) are hitting times by ascending rate, inf for runs that did not converge;
    the budget E is finite and > 0.

    Examples
    --------
    >>> stable_range([[20, 21], [9, 8], [8, 9], [7, 9], [60, 50]], budget=60)
    (1, 2, 3)
    """
    table = check_times("times", times, dimensions=2)
    cut, converged = np.minimum(table, check_budget(budget)), np.isfinite(table).sum(axis=1)
    means = cut.mean(axis=1)
    best = int(np.lexsort((-converged, means))[0])
    good = near_best(cut) & (converged >= converged[best])
    lowest = highest = best
    while lowest > 0 and good[lowest - 1]:
        lowest -= 1
    while highest + 1 < len(good) and good[highest + 1]:
        highest += 1
    return lowest, (lowest + highest) // 2, highest


@answers
def near_share(means: npt.ArrayLike, within: float = 0.1) -> float:
    """Return the share of settings whose mean is at most 10 % above the smallest.

    #{i : mean_i <= (1 + within) min_k mean_k} / n: how much of the grid will do, and so how little
    the choice of the rate matters (Sivaprasad et al. 2020, "Optimizer benchmarking needs to account
    for hyperparameter tuning", measure the same by the best of random trials).

    `means` (settings,) are restricted means, and `within` is 0 or more.

    Examples
    --------
    >>> near_share([40.0, 10.5, 10.0, 11.5])
    0.5
    """
    x = np.asarray(means, dtype=np.float64)
    if x.ndim != 1 or x.size == 0 or not bool(np.all(np.isfinite(x) & (x >= 0))):
        raise ArgumentError(f"must be one or more finite numbers >= 0, got {x}", argument="means")
    share = check_number("within", within, lambda w: 0 <= w < math.inf, "a finite number >= 0")
    return float(np.mean(x <= (1 + share) * x.min() + 1e-12 * x.min()))


@answers
def trial_weights(n: int, trials: int) -> list[float]:
    """Return how likely the i-th best of n trials is the best of `trials` of them.

    w_i = C(n - i, b - 1) / C(n, b) for i = 1, ..., n - b + 1, with b = `trials`: of the C(n, b)
    subsets, those that hold i and nothing better (Tang et al. 2020). Integers are divided, so each
    weight is the nearest float.

    Examples
    --------
    >>> trial_weights(4, 2)
    [0.5, 0.3333333333333333, 0.16666666666666666]
    """
    n = check_count("n", n)
    b = check_count("trials", trials, 1, n)
    return [math.comb(n - i, b - 1) / math.comb(n, b) for i in range(1, n - b + 2)]


@answers
def expected_best(results: npt.ArrayLike, trials: int) -> float:
    """Return the expected best result of `trials` random trials, drawn without replacement.

    E[min of b] = sum_i x_(i) C(n - i, b - 1) / C(n, b), with x_(1) <= x_(2) <= ...: the mean over
    all subsets of b = `trials` of the n trials. It is unbiased (Tang et al. 2020, "Showing your
    work doesn't always"), unlike the form with replacement of Dodge et al. 2019 ("Show your work").

    Of the `results` (n,), the smallest is the best, and inf is a trial that did not converge;
    `trials` is from 1 to n. The expected best is infinite if that many trials could all be.

    Examples
    --------
    >>> [expected_best([4.0, 1.0, math.inf], b) for b in (1, 2, 3)]
    [inf, 2.0, 1.0]
    """
    x = np.sort(np.asarray(results, dtype=np.float64))
    if x.ndim != 1 or x.size == 0 or not bool(np.all(x > -math.inf)):
        raise ArgumentError(f"must be one or more numbers or inf, got {x}", argument="results")
    weights = trial_weights(len(x), trials)
    best = x[: len(weights)].tolist()
    if math.isinf(best[-1]):
        return math.inf
    return math.fsum(w * value for w, value in zip(weights, best, strict=True))


@answers
def tuning_curve(
    times: npt.ArrayLike,
    budget: float,
    confidence: float = 0.95,
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Floats:
    """Return the expected best mean of 1, 2, ... random trials, each with an interval.

    Row b - 1 is :func:`expected_best` of b trials, of their means of min(T, E), then the ends of
    its interval: e - t s and e + t s, within 0 and E, where t is the quantile of Student's
    distribution with S - 1 degrees of freedom, and s is sqrt(S / (S - 1)) times the standard
    deviation of e when the S seeds are drawn anew with replacement (Efron & Tibshirani 1993,
    chapters 6 and 12).

    Seeds are resampled, trials are not: e is the mean over all choices of b of *these* trials,
    exactly, and trials drawn with replacement would lack the best one in 37 % of the resamples. In
    simulations with 4 and 10 seeds the interval holds the truth in 89 to 95 % of cases (percentiles
    of the resamples: 65 to 95 %). Where runs depend much on the seed, the right end is too small,
    because the best trial is chosen and measured on the same seeds: 72 % for all of 24 trials whose
    times vary by 60 %.

    `times` (trials, seeds) are hitting times, inf for runs that did not converge; the budget E is
    finite and > 0. The result is (trials, 3), with an interval of nan for one seed.

    Examples
    --------
    >>> tuning_curve([[30, 34, 38], [12, 10, 14], [50, 60, math.inf]], 60).round(1).tolist()
    [[34.2, 26.0, 42.5], [19.3, 13.7, 25.0], [12.0, 7.1, 16.9]]
    """
    from scipy.special import stdtrit

    cut = np.minimum(check_times("times", times, dimensions=2), check_budget(budget))
    n, trials = cut.shape[1], range(1, len(cut) + 1)
    weights = np.zeros((len(cut), len(cut)))
    for b in trials:
        weights[: len(cut) + 1 - b, b - 1] = trial_weights(len(cut), b)
    means = cut.mean(axis=1).tolist()
    expected = np.array([expected_best(means, b) for b in trials])
    width = np.full(len(cut), np.nan)
    if n > 1:
        counts = resample_counts(check_seed(seed), resamples, n)
        spread = (np.sort(counts @ cut.T / n, axis=1) @ weights).std(axis=0)
        quantile = -float(stdtrit(n - 1, (1 - check_confidence(confidence)) / 2))
        width = quantile * math.sqrt(n / (n - 1)) * spread
    low, high = np.maximum(expected - width, 0.0), np.minimum(expected + width, budget)
    return np.stack([expected, low, high], axis=1)
