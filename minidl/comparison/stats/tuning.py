"""Which learning rate to take, and what the tuning has cost: points 7 and 11 of the protocol."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from minidl.checks import check_count
from minidl.comparison.stats.hitting import check_budget, check_times
from minidl.errors import ArgumentError, ShapeError

__all__ = ["Choice", "choose_rate", "expected_best", "trial_weights"]


class Choice(NamedTuple):
    """The setting that was chosen.

    Attributes
    ----------
    position : int
        Its place among the settings.
    rate : float
        Its learning rate.
    mean : float
        Its restricted mean; the whole budget if no setting ever arrived.
    edge : int
        -1 if no smaller rate was tried, 1 if no larger one was, else 0.
    """

    position: int
    rate: float
    mean: float
    edge: int


def choose_rate(rates: npt.ArrayLike, times: npt.ArrayLike, budget: float) -> Choice:
    """Return the setting with the smallest restricted mean; the smaller learning rate of ties.

    Of equal means that with more arrivals comes first, for an arrival in epoch E is one.

    argmin_i mean_s min(T_is, E), over tuning seeds s. Not by the median, which picks rates at the
    edge of stability: it does not mind the runs that diverge there (protocol, point 7). With a
    momentum grid, a rate occurs once for each momentum; ties at one rate go to the first.

    Parameters
    ----------
    rates : array_like, shape (settings,)
        The learning rate of each setting, above 0.
    times : array_like, shape (settings, seeds)
        0 or more; infinite for never.
    budget : float
        E, above 0.

    Raises
    ------
    ArgumentError
        There is nothing to choose from, or a number is out of range.
    ShapeError
        There is not one row of times for each rate.

    Examples
    --------
    >>> choose_rate([0.5, 1.0, 2.0], [[30, 31], [10, 12], [4, math.inf]], budget=40)
    Choice(position=1, rate=1.0, mean=11.0, edge=0)
    """
    lr = np.asarray(rates, dtype=np.float64)
    found = check_times("times", times, dimensions=2)
    if lr.shape != found.shape[:1]:
        raise ShapeError("rates do not fit the times", received=lr.shape, expected=found.shape[:1])
    if not bool(np.all((lr > 0) & np.isfinite(lr))):
        raise ArgumentError("rates cannot be used", received=str(lr), expected="numbers above 0")
    means = np.minimum(found, check_budget(budget)).mean(axis=1)
    arrived = np.isfinite(found).sum(axis=1)  # an arrival in epoch E is better than none
    best = int(np.lexsort((lr, -arrived, means))[0])
    edge = -1 if lr[best] == lr.min() else int(lr[best] == lr.max())
    return Choice(best, float(lr[best]), float(means[best]), edge)


def trial_weights(n: int, trials: int) -> list[float]:
    """Return how likely the i-th best of n trials is the best of a few of them.

    w_i = C(n - i, b - 1) / C(n, b) for i = 1, ..., n - b + 1: of the C(n, b) subsets, those that
    hold i and nothing better (protocol, point 11; Tang et al. 2020). Integers are
    divided, so each weight is the nearest float, for any n.

    Parameters
    ----------
    n : int
        At least 1.
    trials : int
        b, from 1 to n.

    Returns
    -------
    list of float
        n - b + 1 of them; their sum is 1.

    Raises
    ------
    ArgumentError
        A number is out of range.

    Examples
    --------
    >>> trial_weights(4, 2)
    [0.5, 0.3333333333333333, 0.16666666666666666]
    """
    n = check_count("n", n)
    b = check_count("trials", trials, 1, n)
    subsets, all_subsets = math.comb(n - 1, b - 1), math.comb(n, b)
    weights = []
    for i in range(1, n - b + 2):
        weights.append(subsets / all_subsets)
        subsets = subsets * (n - i - b + 1) // max(n - i, 1)  # C(n - i - 1, b - 1)
    return weights


def expected_best(results: npt.ArrayLike, trials: int) -> float:
    """Return the expected best result of a few random trials, none of them made twice.

    E[min of b] = sum_i x_(i) C(n - i, b - 1) / C(n, b), with x_(1) <= x_(2) <= ...: the mean over
    all subsets of b of the n trials that were made. It is without bias (Tang et al. 2020, "Showing
    your work doesn't always"), unlike the form with replacement of Dodge et al. 2019 ("Show your
    work").

    Parameters
    ----------
    results : array_like, shape (n,)
        What is to be small, one for each trial; infinite for a trial that never arrived.
    trials : int
        b, from 1 to n.

    Returns
    -------
    float
        Infinity as long as b trials could all be infinite.

    Raises
    ------
    ArgumentError
        There is no result, one is nan or -inf, or b is out of range.

    Examples
    --------
    >>> [expected_best([4.0, 1.0, math.inf], b) for b in (1, 2, 3)]
    [inf, 2.0, 1.0]
    """
    x = np.sort(np.asarray(results, dtype=np.float64))
    if x.ndim != 1 or x.size == 0 or not bool(np.all(x > -math.inf)):
        raise ArgumentError(
            "results cannot be used", received=str(x), expected="a row of numbers, inf for never"
        )
    weights = trial_weights(len(x), trials)
    best = [float(value) for value in x[: len(weights)]]
    if math.isinf(best[-1]):
        return math.inf
    return math.fsum(w * value for w, value in zip(weights, best, strict=True))
