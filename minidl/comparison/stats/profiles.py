"""Performance profiles and distribution functions over problems.

Both curves are step functions, so areas under them are sums and need no quadrature.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from minidl.checks import check_count, check_number
from minidl.comparison.stats.hitting import Floats, check_times
from minidl.errors import ArgumentError, ShapeError
from minidl.keywords import answers
from minidl.streams import check_seed

__all__ = ["area_intervals", "ecdf", "ecdf_steps", "performance_ratios", "profile_areas"]

R_MAX = 4.0


@answers
def performance_ratios(costs: npt.ArrayLike) -> Floats:
    """Return each optimizer's cost as a multiple of the best optimizer's, on each problem.

    r_ps = t_ps / min over s of t_ps (Dolan & More 2002, section 2); infinite on a problem that no
    optimizer solves. The profile of an optimizer is the :func:`ecdf` of its row. With more than two
    optimizers, the profile of one depends on the others in the table (Gould & Scott 2016).

    `costs` (optimizers, problems) are > 0, inf for a problem that was not solved.

    Examples
    --------
    >>> performance_ratios([[10, 30, math.inf], [20, 10, math.inf]])
    array([[ 1.,  3., inf],
           [ 2.,  1., inf]])
    """
    table = np.asarray(costs, dtype=np.float64)
    if table.ndim != 2 or table.size == 0 or not bool(np.all(table > 0)):
        raise ArgumentError(f"must be a table of numbers > 0 or inf, got {table}", argument="costs")
    best = table.min(axis=0)
    return np.asarray(table / np.where(np.isfinite(best), best, 1.0))


@answers
def profile_areas(ratios: npt.ArrayLike, r_max: float = R_MAX) -> Floats:
    """Return the area under each performance profile from 1 to r_max, scaled to [0, 1].

    1 / (r_max - 1) integral from 1 to r_max of rho_s(tau) dtau = mean over problems p of
    max(0, r_max - r_ps) / (r_max - 1): a problem that is solved at ratio r adds 1 / n from r on.
    The score of AlgoPerf (Dahl et al. 2023, "Benchmarking neural network training algorithms"),
    whose program takes trapezoids at sampled tau; this is the integral itself.

    `ratios` (optimizers, problems) are those of :func:`performance_ratios`, and r_max is > 1. The
    areas (optimizers,) are 1 for an optimizer that is the best on every problem.

    Examples
    --------
    >>> profile_areas([[1, 3, math.inf], [2, 1, math.inf]])
    array([0.44444444, 0.55555556])
    """
    table = np.asarray(ratios, dtype=np.float64)
    r_max = check_number("r_max", r_max, lambda r: 1 < r < math.inf, "a finite number > 1")
    if table.ndim != 2 or table.size == 0 or not bool(np.all(table >= 1)):
        raise ArgumentError(f"must be a table of numbers >= 1, got {table}", argument="ratios")
    return np.asarray(np.maximum(0.0, r_max - table).mean(axis=1) / (r_max - 1))


@answers
def area_intervals(
    times: Sequence[npt.ArrayLike],
    r_max: float = R_MAX,
    confidence: float = 0.95,
    *,
    resamples: int = 2000,
    seed: int = 0,
) -> Floats:
    """Return the interval of each profile area, (optimizers, 2): how far other seeds may move it.

    Each resample draws the seeds of every problem anew, the same for all optimizers, and takes
    medians, ratios and areas again; the ends are quantiles (Efron 1979). The problems stay as they
    are: it says nothing about others, for which two or three problems are too few.

    `times` has a table (optimizers, seeds) of hitting times for each problem, inf for runs that did
    not converge; times below 1 epoch count as 1, so that ratios exist.

    Examples
    --------
    >>> area_intervals([[[9, 9, 9], [18, 18, 18]], [[5, 5, 5], [5, 5, 5]]])
    array([[1.        , 1.        ],
           [0.83333333, 0.83333333]])
    """
    tables = [check_times("times", table, dimensions=2) for table in times]
    if len({len(table) for table in tables}) != 1:
        received = f"{[len(table) for table in tables]} optimizers"
        raise ShapeError("times must have one row per optimizer in each table", received=received)
    level = check_number("confidence", confidence, lambda c: 0 < c < 1, "between 0 and 1")
    generator, draws = np.random.default_rng(check_seed(seed)), check_count("resamples", resamples)
    costs = []
    for table in tables:
        drawn = generator.integers(0, table.shape[1], size=(draws, table.shape[1]))
        ordered = np.sort(table[:, drawn], axis=-1)
        n = table.shape[1]
        costs.append(np.maximum((ordered[..., (n - 1) // 2] + ordered[..., n // 2]) / 2, 1.0))
    tables_drawn = np.stack(costs, axis=-1)  # (optimizers, resamples, problems)
    ratios = performance_ratios(tables_drawn.reshape(len(tables_drawn), -1))
    areas = profile_areas(ratios.reshape(-1, len(tables)), r_max).reshape(len(tables_drawn), -1)
    ends = np.quantile(areas, [(1 - level) / 2, (1 + level) / 2], axis=1)
    return np.asarray(ends.T)


@answers
def ecdf(values: npt.ArrayLike, at: npt.ArrayLike) -> Floats:
    """Return the empirical distribution function of the pooled values at the points `at`.

    F(x) = #{v : v <= x} / n. Of hitting times over targets and seeds it is the share of (target,
    seed) pairs reached by epoch x (COCO: Hansen et al. 2021, "empirical cumulative distribution
    functions"); of one optimizer's performance ratios it is its profile (Dolan & More 2002).

    `values` of any shape are without nan, inf for runs that did not converge; `at` are the points
    x, of any shape, with one result for each.

    Examples
    --------
    >>> ecdf([[2, 5], [5, math.inf]], [1, 2, 5, 100])
    array([0.  , 0.25, 0.75, 0.75])
    """
    pooled = np.asarray(values, dtype=np.float64).ravel()
    if pooled.size == 0 or bool(np.isnan(pooled).any()):
        raise ArgumentError(f"must be one or more numbers or inf, got {pooled}", argument="values")
    points = np.asarray(at, dtype=np.float64)
    return np.asarray(np.searchsorted(np.sort(pooled), points, side="right") / len(pooled))


@answers
def ecdf_steps(values: npt.ArrayLike) -> tuple[Floats, Floats]:
    """Return the corners of :func:`ecdf`: the distinct finite values, ascending, and F there.

    Both arrays are empty if every value is infinite; `values` and errors are those of :func:`ecdf`.

    Examples
    --------
    >>> ecdf_steps([5, 2, 5, math.inf])
    (array([2., 5.]), array([0.25, 0.75]))
    """
    pooled = np.asarray(values, dtype=np.float64)
    corners = np.unique(pooled[np.isfinite(pooled)])
    return corners, ecdf(pooled, corners)
