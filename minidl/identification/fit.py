"""Hyperparameters that make a rule agree with a response: least squares from several starts.

The method of Levenberg and Marquardt, for all starts at once: a simulation of K hyperparameters
takes hardly longer than one of a single hyperparameter.
"""

from collections.abc import Mapping
from itertools import product
from types import MappingProxyType

import numpy as np

from minidl.identification.gradient import Array
from minidl.identification.probes import PLACES
from minidl.identification.rules import Rule
from minidl.identification.simulate import Observed, simulate

FRACTIONS = ("momentum", "beta1", "beta2", "rho", "dampening", "shrink", "lr_factor")  # in [0, 1)
STARTS = {
    "momentum": (0.9, 0.5, 0.98, 0.2), "beta1": (0.9, 0.5), "beta2": (0.999, 0.9, 0.99),
    "rho": (0.9, 0.99, 0.5), "dampening": (0.5, 0.9, 0.1), "epsilon": (1e-8, 1e-6, 1e-4, 1e-10),
    "weight_decay": (0.01, 0.1, 0.001, 1.0), "threshold": (1.0, 5.0, 0.2, 40.0),
    "initial": (0.1, 1.0, 0.01, 1e-7), "lr_decay": (0.01, 0.1, 0.001, 1.0),
    "momentum_decay": (0.004, 1.0, 0.05), "shrink": (0.5, 0.7, 0.3), "grow": (1.2, 1.1, 1.5),
    "lr_factor": (0.95, 0.99, 0.8, 0.5),
    "smallest": (1e-6, 1e-4, 1e-2), "largest": (50.0, 5.0, 1.0),
}  # fmt: skip
HIGHEST = {"momentum_decay": 4.6}  # of log x: above, the momentum is constant
NUDGE = 1e-6
GRID, KEPT = 90, 4  # points of the grid of starts, and how many are followed
ITERATIONS, PATIENCE, ROUGH = 40, 5, 7
EXACT = 1e-13  # root mean square error at which nothing can be improved


def fit(
    rule: Rule,
    observed: Observed,
    fixed: Mapping[str, float] = MappingProxyType({}),
    rough: bool = False,
    near: Mapping[str, float] | None = None,
) -> tuple[dict[str, float], float]:
    """Return the best hyperparameters, and the root mean square of their errors.

    Those in `fixed` keep their values. A `rough` fit ends early unless it improves fast. It
    starts `near` some hyperparameters, or at the best points of a grid.
    """
    names = rule.hyperparameters
    free = np.array([name not in fixed for name in names])
    if near is None:
        u = _starts(rule, observed, names, fixed)
    else:
        u = limited(names, np.array([[to_line(name, near[name]) for name in names]]))
    best, cost, trust = u.copy(), np.full(len(u), np.inf), np.full(len(u), 1e-2)
    slope = np.zeros((len(u), 1, len(names)))
    errors = np.zeros((len(u), 1))
    history: list[float] = []
    for _ in range(ITERATIONS):
        values, slopes = _linearised(rule, observed, names, u)
        new_cost = (values**2).mean(axis=1)
        better = new_cost < cost
        trust = np.clip(np.where(better, trust / 10, trust * 10), 1e-12, 1e8)
        if slope.shape[1] == 1:
            slope, errors = slopes, values
        pick = better[:, None]
        best, cost = np.where(pick, u, best), np.where(better, new_cost, cost)
        slope, errors = np.where(pick[..., None], slopes, slope), np.where(pick, values, errors)
        history.append(float(cost.min()))
        if _finished(history, rough):
            break
        u = limited(names, best + free * np.clip(_step(slope * free, errors, trust), -2, 2))
    chosen = int(cost.argmin())
    numbers = [float(value) for value in from_line(names, best[chosen])]
    return dict(zip(names, numbers, strict=True)), float(cost.min() ** 0.5)


def _starts(
    rule: Rule, observed: Observed, names: tuple[str, ...], fixed: Mapping[str, float]
) -> Array:
    """Return the most promising points (K, n) of a coarse grid."""
    values = [[fixed[n]] if n in fixed else STARTS[n] for n in names[1:]]
    grid = list(product(*values))
    grid = grid[:: max(len(grid) // GRID, 1)]
    u = np.array([[to_line(n, x) for n, x in zip(names[1:], row, strict=True)] for row in grid])
    u = u.reshape(len(grid), len(names) - 1)
    u = np.concatenate([_first_rates(rule, observed, names, u), u], axis=1)
    if len(u) <= KEPT:
        return u
    errors = np.abs(_errors(rule, observed.take(observed.names[:1]), names, u))
    return np.asarray(u[np.argsort(np.minimum(errors, 1).mean(axis=1), kind="stable")[:KEPT]])


def _finished(history: list[float], rough: bool) -> bool:
    """Return whether the fit is exact, or improves too slowly."""
    if len(history) <= PATIENCE:
        return False
    newest = history[-1]
    if newest < EXACT**2:
        return newest > 0.5 * history[-2]
    if rough and len(history) > ROUGH and newest > 0.1 * history[-3]:
        return True
    return newest > 0.98 * history[-1 - PATIENCE]


def _step(slope: Array, errors: Array, trust: Array) -> Array:
    """Return the steps (K, n) that minimise the linearised errors, damped by `trust`."""
    size = np.sqrt((slope**2).sum(axis=1)) + 1e-300
    unit = slope / size[:, None]
    product = unit.mT @ unit + trust[:, None, None] * np.eye(slope.shape[2])
    solution = np.linalg.solve(product, -(unit.mT @ errors[..., None]))[..., 0]
    return np.asarray(np.where(size > 1e-290, solution / size, 0.0))


def _linearised(
    rule: Rule, observed: Observed, names: tuple[str, ...], u: Array
) -> tuple[Array, Array]:
    """Return the errors (K, M) at K points `u`, and their slopes (K, M, n)."""
    count, n = u.shape
    nudged = u[:, None] - NUDGE * np.vstack([np.zeros(n), np.eye(n)])
    flat = _errors(rule, observed, names, nudged.reshape(-1, n)).reshape(count, n + 1, -1)
    slopes = (flat[:, :1] - flat[:, 1:]) / NUDGE
    return flat[:, 0], np.where(np.abs(slopes) < 1e8, slopes, 0).mT


def _errors(rule: Rule, observed: Observed, names: tuple[str, ...], u: Array) -> Array:
    h = dict(zip(names, np.array(from_line(names, u.T))[..., None], strict=True))
    errors = observed.errors(*simulate(rule, h, observed.runs))
    if rule.look is None:
        errors = errors[: observed.runs.steps]
    return np.asarray(errors.transpose(2, 0, 1, 3).reshape(len(u), -1))


def _first_rates(rule: Rule, observed: Observed, names: tuple[str, ...], u: Array) -> Array:
    """Return log learning rates (K, 1) with which the first steps are as long as the response's."""
    h = dict(zip(names[1:], np.array(from_line(names[1:], u.T))[..., None], strict=True))
    h["lr"] = np.ones((len(u), 1))
    main_run = observed.take(observed.names[:1])
    moved = np.abs(main_run.weights[:, 0, PLACES["constant"]])
    start = int(np.argmax(moved > 0))
    simulated = np.abs(simulate(rule, h, main_run.runs)[0][start, 0, :, PLACES["constant"]])
    with np.errstate(all="ignore"):
        rates = moved[start] / simulated
    return np.log(np.where(np.isfinite(rates) & (rates > 0), rates, 0.1))[:, None]


def to_line(name: str, value: float) -> float:
    """Return a hyperparameter as a number without bounds: log x, or log(1 - x) of fractions."""
    return float(np.log(max(1 - value if name in FRACTIONS else value, 1e-300)))


def from_line(names: tuple[str, ...], u: Array) -> list[Array]:
    """Return hyperparameters as they are; `u` has one row, or number, for each name."""
    return [
        1 - np.exp(row) if name in FRACTIONS else np.exp(row)
        for name, row in zip(names, u, strict=True)
    ]


def limited(names: tuple[str, ...], u: Array) -> Array:
    """Return points within what is possible: fractions from 0 to 1 - 1e-7."""
    low = [-16.1 if name in FRACTIONS else -75.0 for name in names]
    high = [0.0 if name in FRACTIONS else HIGHEST.get(name, 30.0) for name in names]
    return np.clip(u, low, high)


def rounded(h: Mapping[str, float], digits: int) -> dict[str, float]:
    """Return hyperparameters with so many digits; of fractions, those of 1 - x if they are fewer.

    >>> rounded({"beta2": 0.99900000001, "lr": 0.030000000001}, 2)
    {'beta2': 0.999, 'lr': 0.03}
    """
    shortened = {}
    for name, value in h.items():
        short = float(f"{value:.{digits}g}")
        if name in FRACTIONS and value > 0.5:
            short = round(1 - float(f"{1 - value:.{digits}g}"), 14)
        shortened[name] = short
    return shortened
