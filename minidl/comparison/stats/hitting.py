"""Hitting times, medians, restricted means, expected running time.

A run that does not reach the target has hitting time infinity, whether its budget ran out or it
diverged. So the epoch of a divergence never enters a mean as if the run had converged then.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from minidl.checks import check_count, check_number
from minidl.errors import ArgumentError, ShapeError
from minidl.keywords import answers

__all__ = ["expected_running_time", "hitting_times", "median", "restricted", "restricted_mean"]

Floats = npt.NDArray[np.float64]


def check_times(name: str, values: npt.ArrayLike, dimensions: int = 1) -> Floats:
    """Return hitting times as an array: 0 or more, and inf if the target was not reached."""
    expected = "must be numbers >= 0, with inf for runs that did not converge"
    try:
        times = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError):
        raise ArgumentError(f"{expected}, got {values!r}", argument=name) from None
    if times.ndim != dimensions:
        raise ShapeError(f"{name} must be {dimensions}-D", received=f"shape {times.shape}")
    invalid = times[~(times >= 0)]
    if invalid.size or not times.size:
        received = float(invalid[0]) if invalid.size else "no times"
        raise ArgumentError(f"{expected}, got {received}", argument=name)
    return times


def check_pairs(a: npt.ArrayLike, b: npt.ArrayLike) -> tuple[Floats, Floats]:
    """Return the hitting times of two optimizers, paired by seed."""
    x, y = check_times("a", a), check_times("b", b)
    if x.shape != y.shape:
        raise ShapeError("a and b must be paired by seed", received=f"{len(x)} and {len(y)} times")
    return x, y


def check_budget(budget: float) -> float:
    """Return the budget E as a finite float > 0."""
    return check_number("budget", budget, lambda e: 0 < e < math.inf, "a finite number > 0")


@answers
def hitting_times(
    epochs: npt.ArrayLike,
    holds: npt.ArrayLike,
    sustained: int = 3,
    *,
    diverged: npt.ArrayLike = False,
) -> Floats:
    """Return the first epoch from which the target holds for `sustained` evaluations in a row.

    T = min {e_i : the target holds at e_i, e_(i+1), ..., e_(i+k-1)}, infinity if there is none.
    k = 1 gives the first hit ("runtime" in COCO, Hansen et al. 2021), which one lucky epoch can
    bring forward. The initial weights, at e = 0, are an evaluation like any other.

    `epochs` (evaluations,) ascend (ArgumentError otherwise); `holds` (..., evaluations) says where
    the target holds, and `diverged` (...) which curves diverged: their time is infinite even if
    they held the target before. The result has the shape (...); other shapes raise ShapeError.

    Examples
    --------
    >>> losses = np.array([9.0, 1.0, 4.0, 1.0, 1.0, 1.0])
    >>> float(hitting_times(range(6), losses <= 2)), float(hitting_times(range(6), losses <= 2, 1))
    (3.0, 1.0)
    """
    sustained = check_count("sustained", sustained)
    numbers = np.asarray(epochs, dtype=np.float64)
    reached, has_diverged = np.asarray(holds, dtype=np.bool_), np.asarray(diverged, dtype=np.bool_)
    if reached.ndim == 0 or numbers.shape != reached.shape[-1:]:
        problem, expected = "holds must have one column per epoch", f"(..., {numbers.size})"
        raise ShapeError(problem, received=reached.shape, expected=expected)
    if not bool(np.all(np.diff(numbers) > 0)):
        raise ArgumentError(f"must ascend, got {numbers}", argument="epochs")
    if has_diverged.shape not in ((), reached.shape[:-1]):
        problem = "diverged must have one value per curve"
        raise ShapeError(problem, received=has_diverged.shape, expected=reached.shape[:-1])
    windows = len(numbers) - sustained + 1
    if windows < 1:
        return np.full(reached.shape[:-1], math.inf)
    window_holds = np.all([reached[..., k : k + windows] for k in range(sustained)], axis=0)
    return np.where(
        window_holds.any(axis=-1) & ~has_diverged, numbers[window_holds.argmax(axis=-1)], math.inf
    )


@answers
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


@answers
def restricted(times: npt.ArrayLike, budget: float) -> Floats:
    """Return min(T, E): a run that did not converge counts as the whole budget.

    `times` (runs,) are hitting times, inf for runs that did not converge; the budget E is a finite
    number of epochs > 0.

    Examples
    --------
    >>> restricted([3, math.inf], 50)
    array([ 3., 50.])
    """
    return np.minimum(check_times("times", times), check_budget(budget))


@answers
def restricted_mean(times: npt.ArrayLike, budget: float) -> float:
    """Return the mean of :func:`restricted`, in epochs.

    The area under the survival curve up to E (Irwin 1949; "restricted mean survival time" in
    Royston & Parmar 2013), for runs that are right-censored at a common budget.

    Examples
    --------
    >>> restricted_mean([10, 20, math.inf], 60)
    30.0
    """
    return float(restricted(times, budget).mean())


@answers
def expected_running_time(times: npt.ArrayLike, budget: float) -> float:
    """Return the epochs spent per converged run, as if failed runs were restarted.

    ERT = sum_s min(T_s, E) / #{s : T_s <= E}, infinity if no run converged (Price 1997; Auger &
    Hansen 2005; COCO: Hansen et al. 2021, "average runtime"). `times`, E: as :func:`restricted`.

    Examples
    --------
    >>> expected_running_time([10, 20, math.inf], 60)
    45.0
    """
    spent = restricted(times, budget)
    reached = int(np.sum(np.asarray(times) <= budget))
    return float(spent.sum()) / reached if reached else math.inf
