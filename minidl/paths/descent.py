"""Optimizers on a surface: where they go, and where they ask for gradients."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from minidl.checks import check_count, refuse_class
from minidl.errors import ArgumentError, invalid
from minidl.keywords import answers
from minidl.optim import Optimizer, lookup
from minidl.paths.surfaces import Surface, check_start, surface
from minidl.paths.theory import Rule, rule_of

Array = npt.NDArray[Any]
GROWTH = 1e4  # a run has diverged if its loss has risen by so many times the spread of losses
FALL = 1e8  # or has fallen by so many times the first loss
SHARE = 0.5  # of 1 / (largest curvature on the way), the learning rate if none is given
WITHOUT_CURVATURE = 0.1  # the learning rate on a plane


@dataclass(frozen=True)
class Path:
    """The path of one optimizer on a surface.

    Attributes
    ----------
    surface : Surface
        Where it went.
    name : str
        What the optimizer is called in texts and pictures.
    optimizer : Optimizer
        The optimizer, as it is after the last step.
    iterates : ndarray of shape (T + 1, d)
        The start, and the point after each of T steps.
    losses : ndarray of shape (T + 1,)
        The losses there.
    asked : tuple of T ndarrays of shape (calls, d)
        For each step the points at which the optimizer asked for the gradient.
    diverged : int or None
        The step at which it diverged: loss or point was not finite; or the loss had risen by more
        than 10^4 times the largest of 1, the first loss L_0 in absolute value, and L_0 minus the
        lowest loss so far; or it had fallen by more than 10^8 max(1, |L_0|). The path ends there,
        with its last finite point.
    """

    surface: Surface
    name: str
    optimizer: Optimizer
    iterates: Array
    losses: Array
    asked: tuple[Array, ...]
    diverged: int | None

    @property
    def rule(self) -> Rule | None:
        """The rule of theory that the optimizer applies, see :mod:`minidl.paths.theory`."""
        return rule_of(self.optimizer)

    def half_steps(self) -> Iterator[tuple[Array, Array, Array]]:
        """Yield (point, look-ahead point, next point) of each step that asks elsewhere, once.

        NAG's step is these two: along the velocity, w - m v, where it asks for the gradient, and
        then the correction - lr g. Gradient descent and momentum ask where they are.
        """
        for point, points, next_point in zip(
            self.iterates[:-1], self.asked, self.iterates[1:], strict=False
        ):
            if len(points) == 1 and not np.array_equal(points[0], point):
                yield point, points[0], next_point


MOST_STEPS = 10**7  # each is recorded


@answers
def descend(
    on: str | Surface,
    optimizer: str | Optimizer,
    start: npt.ArrayLike | None = None,
    steps: int | None = None,
    *,
    lr: float | None = None,
    momentum: float | None = None,
    name: str | None = None,
) -> Path:
    """Run an optimizer on a surface, and record where it goes and where it asks for gradients.

    Parameters
    ----------
    on : str or Surface
        A surface, its name, or a formula such as ``"50*x**2 + y**2/2"``.
    optimizer : str or Optimizer
        A name such as ``"nag"`` or ``"my_file.py:MyAdam"``, made with `lr` and `momentum`; or an
        optimizer, which is reset first. Batching has no meaning here: ``"batch"``,
        ``"mini-batch"`` and ``"stochastic"`` are gradient descent.
    start : float or (float, float), optional
        Where to start, by default `surface(on).start`.
    steps : int, optional
        The number of steps, from 1 to 10,000,000, by default `surface(on).steps`: 100, or 1000 on
        rosenbrock.
    lr : float
        The learning rate; needed with a name, and only there. :func:`common_lr` finds one.
    momentum : float, optional
        The momentum coefficient, for rules that have one; by default 0.9, of RMSprop 0.
    name : str, optional
        What the path is called, by default the optimizer's name or class.

    Raises
    ------
    ArgumentError, UnknownNameError
        An argument is none of these, or the loss at the start is not finite.

    Examples
    --------
    NAG asks for the gradient at the look-ahead point, so it brakes earlier than momentum:

    >>> path = descend("x**2/2", "nag", start=1.0, steps=2, lr=0.1)
    >>> path.iterates.ravel().round(3), np.concatenate(path.asked).ravel().round(3)
    (array([1.   , 0.9  , 0.729]), array([1.  , 0.81]))
    >>> descend("x**2/2", "momentum", start=1.0, steps=2, lr=0.1).iterates.ravel().round(3)
    array([1.  , 0.9 , 0.72])
    """
    place = surface(on)
    steps = check_count("steps", place.steps if steps is None else steps, 1, MOST_STEPS)
    instance, called = _made(optimizer, lr, momentum)
    w = check_start(place, start)
    with np.errstate(all="ignore"):
        iterates, losses, points, diverged = _run(place, instance, w, steps)
    return Path(place, name or called, instance, iterates, losses, points, diverged)


def _run(
    place: Surface, optimizer: Optimizer, w: Array, steps: int
) -> tuple[Array, Array, tuple[Array, ...], int | None]:
    """Return iterates, losses, the points of gradients, and the step of divergence."""
    iterates, losses, asked_points = [w.copy()], [float(place.losses(w))], []
    diverged = None
    for step in range(1, steps + 1):
        points: list[Array] = []

        def gradient(point: Array, points: list[Array] = points) -> Array:
            points.append(point.copy())
            return place.gradients(point)

        optimizer.step(w, gradient)
        point = optimizer.iterate(w).copy()
        loss = float(place.losses(point))
        finite = bool(np.isfinite(point).all()) and np.isfinite(loss)
        if finite:
            iterates.append(point)
            losses.append(loss)
            asked_points.append(np.array(points).reshape(-1, len(w)))
        if not finite or _unbounded(losses):
            diverged = step
            break
    return np.array(iterates), np.array(losses), tuple(asked_points), diverged


def _unbounded(losses: Sequence[float]) -> bool:
    """Return whether the last loss is far above the first for the spread so far, or far below."""
    initial, rise = losses[0], losses[-1] - losses[0]
    size = max(1.0, abs(initial))
    return rise > GROWTH * max(size, initial - min(losses)) or -rise > FALL * size


def _made(
    optimizer: str | Optimizer, lr: float | None, momentum: float | None
) -> tuple[Optimizer, str]:
    """Return an optimizer that has taken no step, and its name."""
    if isinstance(optimizer, str):
        entry = lookup(optimizer)
        if lr is None:
            hint = f'Write descend(..., "{optimizer}", lr=0.1), or lr=common_lr(...).lr.'
            raise ArgumentError(f'optimizer "{optimizer}" needs a learning rate', hint=hint)
        name = entry.name if ":" in optimizer else optimizer
        return entry.make(lr, momentum), name
    if not isinstance(optimizer, Optimizer):
        refuse_class("optimizer", optimizer, Optimizer)
        raise invalid("optimizer", optimizer, 'a name such as "nag", or an Optimizer')
    if lr is not None:
        problem = "lr belongs to the optimizer, which already exists"
        raise ArgumentError(problem, received=repr(optimizer), hint="Set it there.")
    optimizer.reset()
    return optimizer, type(optimizer).__name__


@dataclass(frozen=True)
class CommonRate:
    """A learning rate `lr` = 0.5 / `curvature`, see :func:`common_lr`."""

    lr: float
    curvature: float


@answers
def common_lr(
    on: str | Surface,
    optimizers: Sequence[str],
    start: npt.ArrayLike | None = None,
    steps: int | None = None,
    *,
    momentum: float | None = None,
) -> CommonRate:
    """Return one learning rate for several optimizers: 0.5 / L.

    L is the largest curvature (absolute eigenvalue of the Hessian). On a quadratic it is constant;
    elsewhere L is first that at the start, and grows, at most twofold at a time, until no path at
    this learning rate meets a larger one. With lr L = 0.5 gradient descent, momentum and NAG are
    all stable on quadratics. Without any curvature the learning rate is 0.1.

    Errors are those of :func:`descend`.

    Examples
    --------
    >>> common_lr("valley", ["momentum", "nag"])
    CommonRate(lr=0.025, curvature=20.0)
    """
    place = surface(on)
    for name in optimizers:
        lookup(name)  # a quadratic runs none of them
    largest = float(place.curvatures(check_start(place, start)))
    for _ in range(60):
        lr = SHARE / largest if 0 < largest < np.inf else WITHOUT_CURVATURE
        if place.quadratic:
            break
        steepest = largest
        for name in optimizers:
            path = descend(place, name, start, steps, lr=lr, momentum=momentum)
            points = np.concatenate([path.iterates, *path.asked])
            steepest = max(steepest, float(place.curvatures(points).max()))
        if steepest <= largest * (1 + 1e-9):
            break
        largest = min(steepest, 2 * largest) if largest > 0 else steepest
    return CommonRate(lr, largest)
