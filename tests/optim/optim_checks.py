"""Checks that an update rule is the one it claims to be; each takes a function (a, m) -> optimizer.

They are ordinary functions, so that `test_optim_planted_faults.py` can aim them at wrong rules and
see which of them notice.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from numpy.testing import assert_allclose
from optim_problems import Quadratic, network, random_quadratic

from minidl import optim

Array = npt.NDArray[Any]
Make = Callable[[Any, Any], optim.Optimizer]

A, M = 0.125, 0.9
STEEP = random_quadratic(np.logspace(-2, 0, 6), seed=3)


def gradient_descent(lr: Any, momentum: Any) -> optim.Optimizer:
    """Return gradient descent, from a call that also names a momentum."""
    return optim.GradientDescent(lr)


MAKES: dict[str, Make] = {
    "gradient descent": gradient_descent,
    "momentum": optim.Momentum,
    "nag": optim.NAG,
    "reformulated nag": optim.ReformulatedNAG,
}
# Rules that are not linear in the gradient: test_optim_adaptive*.py
NOT_LINEAR: set[type[optim.Optimizer]] = {
    optim.Adam, optim.AdamW, optim.NAdam, optim.RAdam, optim.AMSGrad, optim.AdaMax,
    optim.RMSprop, optim.CenteredRMSprop, optim.Adagrad, optim.Adadelta, optim.Lion, optim.Rprop,
}  # fmt: skip


def decaying(step: int) -> float:
    """A learning rate that falls by a factor of about 3 in 60 steps."""
    return 0.4 * 0.98**step


def rising(step: int) -> float:
    """A momentum that grows from 0.3 towards 0.95."""
    return 0.95 - 0.65 * 0.97**step


def at(value: Any, step: int) -> float:
    """Return the value of a constant or a schedule."""
    return float(value(step) if callable(value) else value)


def trajectory(
    optimizer: optim.Optimizer, gradient: optim.Gradient, start: Array, steps: int
) -> tuple[Array, Array]:
    """Run and return the stored points and the iterates, each of shape (steps + 1, ...)."""
    w = start.copy()
    stored, iterates = [w.copy()], [optimizer.iterate(w).copy()]
    for _ in range(steps):
        optimizer.step(w, gradient)
        stored.append(w.copy())
        iterates.append(optimizer.iterate(w).copy())
    return np.array(stored), np.array(iterates)


def response(optimizer: optim.Optimizer, gradients: Sequence[float]) -> tuple[Array, Array]:
    """Feed these gradients, whatever the point; return the increments of stored and iterate."""
    feed = iter(gradients)
    start = np.zeros(1)
    both = trajectory(optimizer, lambda w: np.full(1, next(feed)), start, len(gradients))
    stored, iterates = (np.diff(points[:, 0]) for points in both)
    return stored, iterates


def textbook_nag(a: Any, m: Any, gradient: optim.Gradient, start: Array, steps: int) -> Array:
    """Sutskever et al. 2013, eq. 3-4: v' = m v - a g(theta + m v); theta' = theta + v'."""
    theta, v = start.copy(), np.zeros_like(start)
    points = [theta]
    for t in range(steps):
        v = at(m, t) * v - at(a, t) * gradient(theta + at(m, t) * v)
        theta = theta + v
        points.append(theta)
    return np.array(points)


def polyak(a: float, m: float, gradient: optim.Gradient, start: Array, steps: int) -> Array:
    """Polyak 1964, without a velocity: x'' = x' - a g(x') + m (x' - x)."""
    points = [start, start]
    for _ in range(steps):
        points.append(points[-1] - a * gradient(points[-1]) + m * (points[-1] - points[-2]))
    return np.array(points[1:])


def check_fingerprint(make: Make, stored: Sequence[float], iterate: Sequence[float]) -> None:
    """One gradient of 1, then zeros: the increments, in units of -a, identify the rule."""
    got = response(make(A, M), [1.0] + [0.0] * (len(stored) - 1))
    assert_allclose(got[0], -A * np.array(stored), rtol=1e-13, atol=1e-15)
    assert_allclose(got[1], -A * np.array(iterate), rtol=1e-13, atol=1e-15)


def check_lr_is_inside_the_velocity(make: Make) -> None:
    """Two impulses at different rates: each iterate increment keeps the rate of its impulse."""
    early, late = 0.4, 0.1
    gradients = [1.0, 0, 0, 1.0, 0, 0, 0]
    _, got = response(make(lambda k: early if k < 3 else late, M), gradients)
    k = np.arange(7)
    expected = -early * M**k - np.where(k >= 3, late * M ** (k - 3.0), 0)
    assert_allclose(got, expected, rtol=1e-13)


def check_constant_gradient(make: Make) -> None:
    """theta_k = -a g / (1-m) [k - m (1-m^k) / (1-m)] under the gradient g."""
    g = 0.7
    k = np.arange(1, 41)
    _, increments = response(make(A, M), [g] * 40)
    expected = -A * g / (1 - M) * (k - M * (1 - M**k) / (1 - M))
    assert_allclose(np.cumsum(increments), expected, rtol=1e-13)


def check_textbook_nag(make: Make, a: Any = A, m: Any = M) -> None:
    """The iterates are those of the look-ahead form, on a quadratic and on a network."""
    net, start = network()
    for gradient, w in ((STEEP.gradient, np.ones(6)), (net.gradient, start)):
        _, iterates = trajectory(make(a, m), gradient, w, 60)
        assert_allclose(iterates, textbook_nag(a, m, gradient, w, 60), rtol=0, atol=1e-13)


def check_textbook_nag_under_schedules(make: Make) -> None:
    """The same when the learning rate, the momentum, or both change at every step."""
    check_textbook_nag(make, a=decaying)
    check_textbook_nag(make, m=rising)
    check_textbook_nag(make, a=decaying, m=rising)


def check_polyak(make: Make) -> None:
    """The iterates are those of Polyak's form, on a quadratic and on a network."""
    net, start = network()
    for gradient, w in ((STEEP.gradient, np.ones(6)), (net.gradient, start)):
        _, iterates = trajectory(make(A, M), gradient, w, 60)
        assert_allclose(iterates, polyak(A, M, gradient, w, 60), rtol=0, atol=1e-12)


def unit_run(make: Make, x: float, m: float, steps: int) -> Array:
    """Return the iterates on f = w^2 / 2 from 1, at rest; then x = a h is the learning rate."""
    _, iterates = trajectory(make(x, m), lambda w: w.copy(), np.ones(1), steps)
    return iterates[:, 0]


def check_recurrence(
    make: Make, trace: Callable[..., float], constant: Callable[..., float]
) -> None:
    """Along an eigenvector: theta'' = trace theta' - constant theta."""
    for x in (0.001, 0.3, 0.9, 1.2):
        for m in (0.25, 0.9):
            p = unit_run(make, x, m, 60)
            expected = trace(x, m) * p[1:-1] - constant(x, m) * p[:-2]
            assert_allclose(p[2:], expected, rtol=0, atol=1e-14)
            assert_allclose(p[1], 1 - x, rtol=0, atol=1e-15)


def heavy_ball_trace(x: float, m: float) -> float:
    """z^2 - (1 + m - x) z + m = 0."""
    return 1 + m - x


def heavy_ball_constant(x: float, m: float) -> float:
    """The product of the roots is m."""
    return m


def nag_trace(x: float, m: float) -> float:
    """z^2 - (1 + m) q z + m q = 0 with q = 1 - x."""
    return (1 + m) * (1 - x)


def nag_constant(x: float, m: float) -> float:
    """The product of the roots is m q."""
    return m * (1 - x)


def check_batches_add_up(
    batch_gradient: Callable[[Array, slice], Array], w: Array, parts: Sequence[slice], full: Array
) -> None:
    """The batch gradients, each weighted by its share of the rows, add up to the full one."""
    rows = parts[-1].stop
    total = sum((p.stop - p.start) / rows * batch_gradient(w, p) for p in parts)
    assert_allclose(total, full, rtol=0, atol=1e-15)


def check_loss_went_down(make: Make, problem: Quadratic = STEEP) -> None:
    """What most libraries test, and what nearly every wrong rule passes."""
    _, iterates = trajectory(make(A / 2, M), problem.gradient, np.ones(6), 200)
    assert problem.gap(iterates[-1]) < 0.5 * problem.gap(iterates[0])


KINDS: dict[str, dict[str, Callable[[Make], None]]] = {}
_POWERS = M ** np.arange(6)
KINDS["momentum"] = {
    "fingerprint": lambda make: check_fingerprint(make, _POWERS, _POWERS),
    "lr inside": check_lr_is_inside_the_velocity,
    "constant gradient": check_constant_gradient,
    "polyak": check_polyak,
    "recurrence": lambda make: check_recurrence(make, heavy_ball_trace, heavy_ball_constant),
}
_NAG = {
    "lr inside": check_lr_is_inside_the_velocity,
    "constant gradient": check_constant_gradient,
    "textbook": check_textbook_nag,
    "schedules": check_textbook_nag_under_schedules,
    "recurrence": lambda make: check_recurrence(make, nag_trace, nag_constant),
}
KINDS["nag"] = _NAG | {
    "fingerprint": lambda make: check_fingerprint(make, _POWERS, _POWERS),
}
KINDS["reformulated nag"] = _NAG | {
    "fingerprint": lambda make: check_fingerprint(
        make, [1 + M, *(M ** np.arange(2, 7))], [1.0, *(M ** np.arange(1, 6))]
    ),
}
