"""When a curve reaches its target, and what several such times amount to.

Points 4, 5 and 9 of the protocol. A time that never came is infinity, whether the budget ran out
or the run diverged. So nothing here can average the epoch of a divergence in as if it were an
arrival.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from minidl.checks import check_count, check_number
from minidl.errors import ArgumentError, ShapeError

__all__ = [
    "check_budget",
    "check_pairs",
    "check_times",
    "diverged_at",
    "expected_running_time",
    "hitting_times",
    "restricted",
    "restricted_mean",
]

Floats = npt.NDArray[np.float64]


def check_times(name: str, values: npt.ArrayLike, dimensions: int = 1) -> Floats:
    """Return times as an array; they are 0 or more, and infinite where they never came.

    Raises
    ------
    ArgumentError
        There is none, or one is negative or not a number.
    ShapeError
        The array has another number of dimensions.

    Examples
    --------
    >>> check_times("times", [3, math.inf])
    array([ 3., inf])
    """
    try:
        found = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError):
        raise ArgumentError(f"{name} cannot be used", received=repr(values)) from None
    if found.ndim != dimensions:
        raise ShapeError(f"{name} cannot be used", received=found.shape, expected=f"{dimensions}-D")
    if found.size == 0 or not bool(np.all(found >= 0)):
        bad = found[~(found >= 0)]
        raise ArgumentError(
            f"{name} cannot be used",
            received=f"{bad[0]}" if bad.size else "none",
            expected="numbers >= 0, infinite for never",
        )
    return found


def check_pairs(a: npt.ArrayLike, b: npt.ArrayLike) -> tuple[Floats, Floats]:
    """Return the times of two optimizers, one pair for each seed.

    Raises
    ------
    ArgumentError
        There is none, or one is negative or not a number.
    ShapeError
        They are no pairs.

    Examples
    --------
    >>> check_pairs([3, 4], [5, math.inf])
    (array([3., 4.]), array([ 5., inf]))
    """
    x, y = check_times("a", a), check_times("b", b)
    if x.shape != y.shape:
        raise ShapeError("times are no pairs", received=f"{len(x)} and {len(y)} seeds")
    return x, y


def check_budget(budget: float) -> float:
    """Return the budget E as a float.

    Raises
    ------
    ArgumentError
        It is not a finite number above 0.

    Examples
    --------
    >>> check_budget(50)
    50.0
    """
    return check_number("budget", budget, lambda e: 0 < e < math.inf, "a finite number above 0")


def hitting_times(
    epochs: npt.ArrayLike,
    holds: npt.ArrayLike,
    sustained: int = 3,
    *,
    diverged: npt.ArrayLike = False,
) -> Floats:
    """Return the first epoch from which a target holds for several evaluations in a row.

    T = min {e_i : the target holds at e_i, e_(i+1), ..., e_(i+k-1)}, infinity if there is none.
    With k = 1 this is the first hit ("runtime" in COCO, Hansen et al. 2021), which a
    single lucky epoch can bring forward. The initial weights, at e = 0, are an evaluation like
    any other. A row of evaluations that the end of the budget cuts short does not count.

    Parameters
    ----------
    epochs : array_like, shape (evaluations,)
        When the curves were evaluated, ascending; every epoch, or every m-th.
    holds : array_like of bool, shape (..., evaluations)
        Whether the target holds, for any number of curves. A loss that is nan holds no target.
    sustained : int, default 3
        k, the number of evaluations in a row.
    diverged : array_like of bool, shape (...), default False
        Which curves diverged: they never hit, not even if they held the target before.

    Returns
    -------
    ndarray, shape (...)
        One time for each curve; ``float()`` makes a number of the time of one.

    Raises
    ------
    ArgumentError
        The epochs do not ascend, or `sustained` is not an integer of at least 1.
    ShapeError
        There is not one column for each evaluation, or not one `diverged` for each curve.

    Examples
    --------
    >>> losses = np.array([9.0, 1.0, 4.0, 1.0, 1.0, 1.0])
    >>> float(hitting_times(range(6), losses <= 2)), float(hitting_times(range(6), losses <= 2, 1))
    (3.0, 1.0)
    """
    sustained = check_count("sustained", sustained)
    at = np.asarray(epochs, dtype=np.float64)
    held = np.asarray(holds, dtype=np.bool_)
    if held.ndim == 0 or at.shape != held.shape[-1:]:
        raise ShapeError("holds does not fit the epochs", received=held.shape, expected=at.shape)
    if not bool(np.all(np.diff(at) > 0)):
        raise ArgumentError("epochs cannot be used", received=str(at), expected="ascending numbers")
    lost = np.asarray(diverged, dtype=np.bool_)
    if lost.shape not in ((), held.shape[:-1]):
        raise ShapeError("diverged does not fit", received=lost.shape, expected=held.shape[:-1])
    if len(at) < sustained:
        return np.full(held.shape[:-1], math.inf)
    so_far = np.concatenate([np.zeros((*held.shape[:-1], 1), int), held.cumsum(axis=-1)], axis=-1)
    full = so_far[..., sustained:] - so_far[..., :-sustained] == sustained
    hit = full.any(axis=-1) & ~lost
    return np.where(hit, at[full.argmax(axis=-1)], math.inf)


def diverged_at(epochs: npt.ArrayLike, losses: npt.ArrayLike, factor: float = 1e4) -> Floats:
    """Return the first epoch at which a loss is not finite, or beyond all bounds.

    d = min {e_i : L_i is not finite, or L_i > c L_0}, infinity if there is none. An L_0 that is not
    above 0 sets no bound. The rule is that of :class:`minidl.training.Trainer`.

    Parameters
    ----------
    epochs : array_like, shape (evaluations,)
        When the curves were evaluated; the first is e = 0.
    losses : array_like, shape (..., evaluations)
        Any number of curves.
    factor : float, default 1e4
        c, above 1.

    Returns
    -------
    ndarray, shape (...)
        One epoch for each curve.

    Raises
    ------
    ArgumentError
        `factor` is not a finite number above 1.
    ShapeError
        There is not one column for each evaluation.

    Examples
    --------
    >>> diverged_at([0, 1, 2], [[1.0, 0.5, 0.2], [1.0, 3.0, math.nan], [1.0, 2e4, 1.0]])
    array([inf,  2.,  1.])
    """
    factor = check_number("factor", factor, lambda c: 1 < c < math.inf, "a finite number above 1")
    at = np.asarray(epochs, dtype=np.float64)
    curves = np.asarray(losses, dtype=np.float64)
    if curves.ndim == 0 or curves.shape[-1] == 0 or at.shape != curves.shape[-1:]:
        raise ShapeError("losses do not fit the epochs", received=curves.shape, expected=at.shape)
    bound = np.where(curves[..., :1] > 0, factor * curves[..., :1], math.inf)
    out = ~np.isfinite(curves) | (curves > bound)
    return np.where(out.any(axis=-1), at[out.argmax(axis=-1)], math.inf)


def restricted(times: npt.ArrayLike, budget: float) -> Floats:
    """Return min(T, E): a run that never arrived counts as the whole budget.

    Parameters
    ----------
    times : array_like, shape (runs,)
        0 or more; infinite for never.
    budget : float
        E, above 0.

    Raises
    ------
    ArgumentError
        There is no time, a time is no time, or the budget is not finite and above 0.

    Examples
    --------
    >>> restricted([3, math.inf], 50)
    array([ 3., 50.])
    """
    return np.minimum(check_times("times", times), check_budget(budget))


def restricted_mean(times: npt.ArrayLike, budget: float) -> float:
    """Return the mean of min(T, E), which a few runs that never arrived cannot make infinite.

    It is the area under the survival curve up to E (Irwin 1949; "restricted mean survival time" in
    Royston & Parmar 2013), here under a budget that is common to all runs.

    Parameters
    ----------
    times : array_like, shape (runs,)
        0 or more; infinite for never.
    budget : float
        E, above 0.

    Returns
    -------
    float
        In [0, E].

    Raises
    ------
    ArgumentError
        There is no time, a time is no time, or the budget is not finite and above 0.

    Examples
    --------
    >>> restricted_mean([10, 20, math.inf], 60)
    30.0
    """
    return float(restricted(times, budget).mean())


def expected_running_time(times: npt.ArrayLike, budget: float) -> float:
    """Return the epochs that are spent for each arrival, as if failed runs were started again.

    ERT = sum_s min(T_s, E) / #{s : T_s <= E} (Price 1997; Auger & Hansen 2005; COCO: Hansen et al.
    2021, "average runtime").

    Parameters
    ----------
    times : array_like, shape (runs,)
        0 or more; infinite for never.
    budget : float
        E, above 0.

    Returns
    -------
    float
        Infinity if no run arrived.

    Raises
    ------
    ArgumentError
        There is no time, a time is no time, or the budget is not finite and above 0.

    Examples
    --------
    Two arrivals cost 10 + 20 epochs, and the run that failed 60 more:

    >>> expected_running_time([10, 20, math.inf], 60)
    45.0
    """
    found: Any = check_times("times", times)
    reached = int(np.sum(found <= check_budget(budget)))
    return float(restricted(found, budget).sum()) / reached if reached else math.inf
