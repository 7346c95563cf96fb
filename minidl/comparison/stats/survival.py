"""Times of which some are only known to be later than something: Kaplan-Meier and log-rank.

With one budget for all runs, which is the protocol, the median with infinities and the restricted
mean say the same in fewer words. These are for runs that were stopped at different epochs.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from minidl.comparison.stats.hitting import Floats, check_times
from minidl.errors import ArgumentError, ShapeError

__all__ = ["LogRank", "SurvivalCurve", "kaplan_meier", "kaplan_meier_median", "log_rank"]

HALF = 1e-9  # products of fractions that make 1/2 may be off in the last digits


class SurvivalCurve(NamedTuple):
    """A survival curve: 1 before the first of `times`, then constant between them.

    Attributes
    ----------
    times : ndarray
        When runs arrived, ascending and distinct.
    survival : ndarray
        The share that has not arrived, from each of the times on.
    at_risk, arrived : ndarray of int
        How many runs were known to be still on their way just before it, and how many arrived.
    """

    times: Floats
    survival: Floats
    at_risk: npt.NDArray[np.int64]
    arrived: npt.NDArray[np.int64]


class LogRank(NamedTuple):
    """The log-rank statistic, chi-squared with one degree of freedom, and its p-value."""

    statistic: float
    p: float


def _check_pair(
    times: npt.ArrayLike, observed: npt.ArrayLike
) -> tuple[Floats, npt.NDArray[np.bool_]]:
    found = check_times("times", times)
    seen = np.asarray(observed, dtype=np.bool_)
    if seen.shape != found.shape:
        raise ShapeError("observed does not fit", received=seen.shape, expected=found.shape)
    if bool(np.any(np.isinf(found) & seen)):
        raise ArgumentError("an arrival at infinity was observed", expected="observed = False")
    return found, seen


def kaplan_meier(times: npt.ArrayLike, observed: npt.ArrayLike) -> SurvivalCurve:
    """Return the product-limit estimate of the share that has not arrived yet.

    S(t) = prod over t_i <= t of (1 - d_i / n_i), with d_i arrivals at t_i among the n_i runs whose
    time is t_i or later (Kaplan & Meier 1958, eq. 2b; Klein & Moeschberger 2003, eq. 4.2.1). A run
    that was stopped at t_i still counts in n_i.

    Parameters
    ----------
    times : array_like, shape (runs,)
        When each run arrived or was stopped, 0 or more.
    observed : array_like of bool, shape (runs,)
        Whether it arrived.

    Returns
    -------
    SurvivalCurve
        Its arrays are empty if nothing arrived.

    Raises
    ------
    ArgumentError
        There is no run, a time is no time, or a run arrived at infinity.
    ShapeError
        There is not one `observed` for each time.

    Examples
    --------
    >>> curve = kaplan_meier([2, 3, 3, 5], [True, True, False, True])
    >>> curve.times, curve.survival
    (array([2., 3., 5.]), array([0.75, 0.5 , 0.  ]))
    """
    found, seen = _check_pair(times, observed)
    at = np.unique(found[seen])
    at_risk = (found >= at[:, None]).sum(axis=1)
    arrived = ((found == at[:, None]) & seen).sum(axis=1)
    return SurvivalCurve(at, np.cumprod(1 - arrived / at_risk), at_risk, arrived)


def kaplan_meier_median(times: npt.ArrayLike, observed: npt.ArrayLike) -> float:
    """Return the time by which half of the runs have arrived, by the product-limit estimate.

    The first t_i with S(t_i) < 1/2; if S is 1/2 from t_j until t_i, the middle of the two (Klein &
    Moeschberger 2003, section 4.5). With one budget for all, this is
    :func:`minidl.comparison.median` of times that are infinite where nothing arrived.

    Parameters
    ----------
    times : array_like, shape (runs,)
        When each run arrived or was stopped, 0 or more.
    observed : array_like of bool, shape (runs,)
        Whether it arrived.

    Returns
    -------
    float
        Infinity if S does not get below 1/2.

    Raises
    ------
    ArgumentError
        There is no run, a time is no time, or a run arrived at infinity.
    ShapeError
        There is not one `observed` for each time.

    Examples
    --------
    >>> kaplan_meier_median([2, 4, 6, 6], [True, True, True, False])
    5.0
    """
    curve = kaplan_meier(times, observed)
    below = curve.times[curve.survival < 0.5 - HALF]
    at_half = curve.times[np.abs(curve.survival - 0.5) <= HALF]
    if not below.size:
        return math.inf
    return float((at_half[0] + below[0]) / 2 if at_half.size else below[0])


def log_rank(
    times_a: npt.ArrayLike,
    observed_a: npt.ArrayLike,
    times_b: npt.ArrayLike,
    observed_b: npt.ArrayLike,
) -> LogRank:
    """Return the log-rank test of two groups of runs, whenever each was stopped.

    chi^2 = (sum_i d_Ai - n_Ai d_i / n_i)^2 / V with V = sum_i d_i (n_Ai / n_i) (n_Bi / n_i)
    (n_i - d_i) / (n_i - 1), over the times t_i at which any run arrived (Mantel 1966; Klein &
    Moeschberger 2003, section 7.3); p = erfc(sqrt(chi^2 / 2)). It does not use pairs: where seeds
    are shared, :func:`minidl.comparison.sign_flip` is the stronger test.

    Parameters
    ----------
    times_a, times_b : array_like, shapes (runs,)
        When each run arrived or was stopped, 0 or more.
    observed_a, observed_b : array_like of bool
        Whether it arrived.

    Returns
    -------
    LogRank
        Of statistic 0 and p = 1 if no arrival tells the groups apart.

    Raises
    ------
    ArgumentError
        A group has no run, a time is no time, or a run arrived at infinity.
    ShapeError
        There is not one `observed` for each time.

    Examples
    --------
    >>> result = log_rank([2, 3, 4], [True, True, True], [5, 6, 7], [True, True, False])
    >>> round(result.statistic, 2), round(result.p, 3)
    (5.05, 0.025)
    """
    a, seen_a = _check_pair(times_a, observed_a)
    b, seen_b = _check_pair(times_b, observed_b)
    both = kaplan_meier(np.concatenate([a, b]), np.concatenate([seen_a, seen_b]))
    arrived_a = ((a == both.times[:, None]) & seen_a).sum(axis=1)
    share_a = (a >= both.times[:, None]).sum(axis=1) / both.at_risk
    alike = (both.at_risk - both.arrived) / np.maximum(both.at_risk - 1, 1)
    variance = float(np.sum(both.arrived * share_a * (1 - share_a) * alike))
    if variance == 0:
        return LogRank(0.0, 1.0)
    statistic = float(np.sum(arrived_a - share_a * both.arrived)) ** 2 / variance
    return LogRank(statistic, math.erfc(math.sqrt(statistic / 2)))
