"""Checks that an adaptive rule is the one it claims to be; each takes its class.

`test_optim_adaptive_faults.py` aims them at wrong rules and says which of them notice.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from adaptive_forms import INDEPENDENT
from numpy.testing import assert_allclose
from optim_problems import network

from minidl import optim

sys.path.insert(0, str(Path(__file__).parent.parent / "golden"))
from optimizer_runs import CASES, is_scheduled

Array = Any
Make = Callable[..., optim.Optimizer]
NET, START = network()
G = np.array([0.5, -2.0, 30.0])
STEPS = 30


def points(optimizer: optim.Optimizer, start: Array, steps: int, gradient: Any) -> Array:
    """Return the points of a run; `gradient` takes the point and the step."""
    w, visited = start.copy(), []
    for step in range(steps):
        optimizer.step(w, lambda point, step=step: gradient(point, step))
        visited.append(w.copy())
    return np.array(visited)


def batch_gradient(point: Array, step: int) -> Array:
    """Return the gradient of the network on the batch of a step."""
    return NET.gradient(point, slice(step % 4 * 5, None))


def check_sums(make: Make, rule: str, case: str) -> None:
    """The points are those of a sum over all past gradients, on a network with mini-batches."""
    how = dict(CASES[rule][case])
    if is_scheduled(case):
        how["lr"] = optim.ExponentialDecay(how["lr"], 0.9)
    if rule.startswith("rmsprop"):
        how.setdefault("epsilon", 1e-8)
    both = (points(m(**how), START, STEPS, batch_gradient) for m in (make, INDEPENDENT[rule]))
    assert_allclose(*both, rtol=0, atol=1e-13)


def check_constant_gradient(make: Make, rule: str) -> None:
    """Under a constant gradient every average is known."""
    expected = np.cumsum([CONSTANT[rule](G, t) for t in range(1, STEPS + 1)], axis=0)
    got = points(make(lr=0.1, **FIXED.get(rule, {})), 0 * G, STEPS, lambda point, step: G)
    assert_allclose(got, -expected, rtol=1e-12)


def check_scaling(make: Make, rule: str) -> None:
    """A gradient and an epsilon that are both 1,000 times larger change nothing.

    Adadelta's epsilon is that of squares; the first steps of RAdam are in proportion to g.
    """
    epsilon = {} if rule in ("lion", "rprop") else {"epsilon": 1e-3}
    larger = {name: 1000 * value for name, value in epsilon.items()}
    one = points(make(lr=0.01, **epsilon), START, STEPS, batch_gradient)
    two = points(make(lr=0.01, **larger), START, STEPS, lambda p, k: 1000 * batch_gradient(p, k))
    assert_allclose(one, two, rtol=0, atol=1e-12)


def check_zero_gradient(make: Make, rule: str) -> None:
    """Where the gradient is 0 from the start, the weight shrinks by its decay or stays."""
    settings = {"weight_decay": 0.5} if rule in ("adamw", "lion") else {}
    got = points(make(lr=0.1, **settings), np.ones(1), 3, lambda point, step: np.zeros(1))
    assert_allclose(got[:, 0], 0.95 ** np.arange(1, 4) if settings else 1.0, rtol=1e-15)


def _sign(g: Array, epsilon: float = 1e-8) -> Array:
    return g / (np.abs(g) + epsilon)


def _radam(g: Array, t: int) -> Array:
    """Section 3.3 of Liu et al. 2020; beta2 = 0.9, so that rho_inf = 19."""
    rho = 19 - 2 * t * 0.9**t / (1 - 0.9**t)
    if rho <= 5:
        return 0.1 * g
    r = np.sqrt((rho - 4) * (rho - 2) * 19 / (15 * 17 * rho))
    return 0.1 * r * _sign(g, 1e-8 / np.sqrt(1 - 0.9**t))


FIXED: dict[str, dict[str, float]] = {
    "nadam": {"momentum_decay": 1e9}, "radam": {"beta2": 0.9},
}  # fmt: skip
CONSTANT: dict[str, Callable[[Array, int], Array]] = {
    "adam": lambda g, t: 0.1 * _sign(g),
    "amsgrad": lambda g, t: 0.1 * _sign(g),
    "adamax": lambda g, t: 0.1 * _sign(g),
    "nadam": lambda g, t: 0.1 * _sign(g) * (
        0.9 * (1 - 0.9**t) / (1 - 0.9 ** (t + 1)) + 0.1 / (1 - 0.9**t)
    ),
    "radam": _radam,
    "rmsprop": lambda g, t: 0.1 * g / (np.abs(g) * np.sqrt(1 - 0.99**t) + 1e-8),
    "rmsprop-centered": lambda g, t: (
        0.1 * g / (np.abs(g) * np.sqrt(0.99**t * (1 - 0.99**t)) + 1e-8)
    ),
    "adagrad": lambda g, t: 0.1 * g / (np.abs(g) * np.sqrt(t) + 1e-10),
    "lion": lambda g, t: 0.1 * np.sign(g),
    "rprop": lambda g, t: np.minimum(0.1 * 1.2 ** (t - 1), 50) * np.sign(g),
}  # fmt: skip


def checks_of(rule: str) -> dict[str, Callable[[Make], None]]:
    """Return the checks of a rule by name."""
    found: dict[str, Callable[[Make], None]] = {
        case: lambda make, case=case: check_sums(make, rule, case) for case in CASES[rule]
    }
    if rule in CONSTANT:
        found["constant gradient"] = lambda make: check_constant_gradient(make, rule)
    if rule in ("adam", "adamw", "rmsprop", "adagrad"):
        found["scaling"] = lambda make: check_scaling(make, rule)
    if rule in ("adam", "adamw", "lion"):
        found["zero gradient"] = lambda make: check_zero_gradient(make, rule)
    return found


CHECKS = {rule: checks_of(rule) for rule in CASES}


def check_loss_went_down(make: Make, rule: str) -> None:
    """What most libraries test, and what every wrong rule here passes."""
    w, optimizer = START.copy(), make(lr={"adadelta": 1.0, "adagrad": 0.1}.get(rule, 0.01))
    for _ in range(300):
        optimizer.step(w, NET.gradient)
    assert NET.loss(w) < 0.95 * NET.loss(START)
