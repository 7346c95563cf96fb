"""Many problems and many targets in one curve: point 10 of the protocol.

Both curves are shares that are reached by some point, so both are steps, and areas under them are
sums and no quadrature.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from minidl.checks import check_number
from minidl.comparison.stats.hitting import Floats
from minidl.errors import ArgumentError

__all__ = ["ecdf", "ecdf_steps", "performance_ratios", "profile_areas"]

R_MAX = 4.0


def performance_ratios(costs: npt.ArrayLike) -> Floats:
    """Return how many times the best optimizer's cost each one has, on each problem.

    r_ps = t_ps / min over s of t_ps (Dolan & More 2002, section 2). The profile of an optimizer is
    the :func:`ecdf` of its row. On a problem that nobody solves, all ratios are infinite. With more
    than two optimizers, who else is in the table matters (Gould & Scott 2016).

    Parameters
    ----------
    costs : array_like, shape (optimizers, problems)
        Above 0; infinite for a problem that was not solved.

    Returns
    -------
    ndarray, shape (optimizers, problems)
        1 or more.

    Raises
    ------
    ArgumentError
        There is no cost, a cost is not above 0, or they are no table.

    Examples
    --------
    >>> performance_ratios([[10, 30, math.inf], [20, 10, math.inf]])
    array([[ 1.,  3., inf],
           [ 2.,  1., inf]])
    """
    table = np.asarray(costs, dtype=np.float64)
    if table.ndim != 2 or table.size == 0 or not bool(np.all(table > 0)):
        raise ArgumentError(
            "costs cannot be used",
            received=str(table),
            expected="a table of numbers above 0, infinite for unsolved",
        )
    best = table.min(axis=0)
    ratios = np.full_like(table, math.inf)
    np.divide(table, best, out=ratios, where=np.isfinite(best))
    return ratios


def profile_areas(ratios: npt.ArrayLike, r_max: float = R_MAX) -> Floats:
    """Return the area under each performance profile from 1 to r_max, as a share of the whole.

    1 / (r_max - 1) integral from 1 to r_max of rho_s(tau) dtau = mean over problems p of
    max(0, r_max - r_ps) / (r_max - 1), for a problem that is solved at ratio r adds 1 / n from r
    on. AlgoPerf's score (Dahl et al. 2023, "Benchmarking neural network training algorithms"),
    whose program takes trapezoids at sampled tau; this is the integral itself.

    Parameters
    ----------
    ratios : array_like, shape (optimizers, problems)
        What :func:`performance_ratios` returns.
    r_max : float, default 4
        Above 1. A problem that takes longer than r_max times the best adds nothing.

    Returns
    -------
    ndarray, shape (optimizers,)
        In [0, 1]; 1 for an optimizer that is the best everywhere.

    Raises
    ------
    ArgumentError
        A ratio is below 1, they are no table, or r_max is not a finite number above 1.

    Examples
    --------
    >>> profile_areas([[1, 3, math.inf], [2, 1, math.inf]])
    array([0.44444444, 0.55555556])
    """
    table = np.asarray(ratios, dtype=np.float64)
    r_max = check_number("r_max", r_max, lambda r: 1 < r < math.inf, "a finite number above 1")
    if table.ndim != 2 or table.size == 0 or not bool(np.all(table >= 1)):
        raise ArgumentError(
            "ratios cannot be used", received=str(table), expected="a table of numbers from 1 on"
        )
    return np.asarray(np.maximum(0.0, r_max - table).mean(axis=1) / (r_max - 1))


def ecdf(values: npt.ArrayLike, at: npt.ArrayLike) -> Floats:
    """Return the share of the values that are not above each point.

    F(x) = #{v : v <= x} / n. Of hitting times over many targets and seeds it is the share of
    (target, seed) that is reached by epoch x (COCO: Hansen et al. 2021, "empirical cumulative
    distribution functions"); of one optimizer's performance ratios, it is its profile rho_s (Dolan
    & More 2002, section 2).

    Parameters
    ----------
    values : array_like, any shape
        Not nan; infinite for never. All are pooled.
    at : array_like, any shape
        Where the share is wanted.

    Returns
    -------
    ndarray, shape of `at`
        In [0, 1].

    Raises
    ------
    ArgumentError
        There is no value, or one is nan.

    Examples
    --------
    >>> ecdf([[2, 5], [5, math.inf]], [1, 2, 5, 100])
    array([0.  , 0.25, 0.75, 0.75])
    """
    ordered = _pooled(values)
    points = np.asarray(at, dtype=np.float64)
    return np.asarray(np.searchsorted(ordered, points, side="right") / len(ordered))


def ecdf_steps(values: npt.ArrayLike) -> tuple[Floats, Floats]:
    """Return where the share rises, and to what: the corners of :func:`ecdf`, to be drawn.

    The distinct finite values v_1 < v_2 < ... and F(v_1), F(v_2), ...; F is 0 before v_1 and
    constant between them.

    Parameters
    ----------
    values : array_like, any shape
        Not nan; infinite for never. All are pooled.

    Returns
    -------
    (ndarray, ndarray)
        Both empty if every value is infinite.

    Raises
    ------
    ArgumentError
        There is no value, or one is nan.

    Examples
    --------
    >>> ecdf_steps([5, 2, 5, math.inf])
    (array([2., 5.]), array([0.25, 0.75]))
    """
    ordered = _pooled(values)
    corners = np.unique(ordered[np.isfinite(ordered)])
    return corners, ecdf(ordered, corners)


def _pooled(values: npt.ArrayLike) -> Floats:
    found = np.asarray(values, dtype=np.float64).ravel()
    if found.size == 0 or bool(np.isnan(found).any()):
        raise ArgumentError(
            "values cannot be used", received=str(found), expected="numbers, infinite for never"
        )
    return np.sort(found)
