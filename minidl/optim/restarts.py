"""Adaptive restarts: the velocity is cleared when it leads uphill."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from inspect import signature
from types import MappingProxyType
from typing import Any

import numpy as np

from minidl.errors import ArgumentError
from minidl.optim.base import Array, Gradient, Optimizer
from minidl.optim.modifiers import Modifier

__all__ = ["FunctionRestart", "GradientRestart"]


def restarts(rule: Optimizer | type[Optimizer], momentum: Any = None) -> bool:
    """Return whether a rule has a velocity, which a restart clears; with momentum 0 it has none.

    Of a class, the momentum is that given, or its default.

    >>> from minidl.optim import NAG, RMSprop
    >>> restarts(NAG), restarts(RMSprop), restarts(RMSprop, 0.9), restarts(RMSprop(momentum=0.5))
    (True, False, True, True)
    """
    if not any(name in rule.state_names for name in rule.directions):
        return False
    if isinstance(rule, Optimizer):
        momentum = rule.hyperparameters.get("momentum")
    elif momentum is None and (parameter := signature(rule).parameters.get("momentum")):
        momentum = parameter.default
    return momentum is None or callable(momentum) or bool(np.any(momentum))


class _Restart(Modifier):
    """The base of restarts: they clear the velocity, and begin the momentum's schedule again."""

    cleared: tuple[str, ...] = ()  # state of the rule
    # The step count at the last restart of each network:
    own_names: tuple[str, ...] = ("restarted_at",)

    def __init__(self, optimizer: Optimizer) -> None:
        super().__init__(optimizer)
        *outer, rule = optimizer.chain()
        name, received = type(self).__name__, repr(optimizer)
        if any(isinstance(part, _Restart) for part in outer):
            problem = f"{name} needs an optimizer without a restart"
            raise ArgumentError(problem, received=received, hint="Use one restart.")
        if not restarts(rule):
            problem = f"{name} needs an optimizer with a velocity"
            expected = "a rule with momentum, such as NAG or Adam"
            still = "momentum" in rule.hyperparameters
            hint = "Its momentum is 0: set one, such as momentum=0.9." if still else None
            raise ArgumentError(problem, received=received, expected=expected, hint=hint)
        self.cleared = tuple(n for n in rule.directions if n in rule.state_names)

    def step_and_see(self, w: Array, grad: Gradient) -> Array:
        """Take a step; return g . (theta_new - theta), (1,) or (R, 1), g as the rule was given."""
        gradients: list[Array] = []

        def gradient(point: Array) -> Array:
            gradients[:] = [grad(point)]
            return gradients[0]

        self.state.setdefault("restarted_at", np.zeros((*w.shape[:-1], 1), w.dtype))
        with self._since_restart():
            before = self.optimizer.iterate(w).copy()
            self.optimizer.step(w, gradient)
            moved = self.optimizer.iterate(w) - before
        g = gradients[0] if gradients else np.zeros_like(w)
        return np.sum(g * moved, axis=-1, keepdims=True)  # type: ignore[no-any-return]

    def restart(self, w: Array, which: Array) -> None:
        """Clear the velocity of these networks; what they store is then the iterate."""
        if which.any():
            w[...] = np.where(which, self.iterate(w), w)
            for name in self.cleared:
                self.state[name][...] = np.where(which, 0.0, self.state[name])
            restarted_at = self.state["restarted_at"]
            restarted_at[...] = np.where(which, self.step_count, restarted_at)

    @contextmanager
    def _since_restart(self) -> Iterator[None]:
        """Let a schedule of the momentum count from the last restart of each network."""
        settings, restarted_at = self.hyperparameters, self.state.get("restarted_at")
        schedule = settings.get("momentum")
        if not callable(schedule) or restarted_at is None or not restarted_at.any():
            yield
            return
        settings["momentum"] = lambda step: _each(schedule, step, restarted_at)
        try:
            yield
        finally:
            settings["momentum"] = schedule

    def iterate(self, w: Array) -> Array:
        """Return the iterate of the optimizer inside."""
        with self._since_restart():
            return super().iterate(w)

    def stored(self, theta: Array) -> Array:
        """Return the vector that the optimizer inside stores for an iterate."""
        with self._since_restart():
            return super().stored(theta)

    def look_ahead(self, w: Array) -> Array:
        """Return the point where the optimizer inside evaluates its next gradient."""
        with self._since_restart():
            return super().look_ahead(w)


def _each(schedule: Any, step: int, restarted_at: Array) -> Any:
    """Return the value of a schedule that began anew at these steps, for each network."""
    counts = [step - int(start) for start in restarted_at.ravel()]
    if restarted_at.ndim == 1:
        return schedule(counts[0])
    values = [np.ravel(schedule(count)) for count in counts]  # one, or one for each network
    rows = [value[k % len(value)] for k, value in enumerate(values)]
    return np.array(rows, restarted_at.dtype)[:, None]


class GradientRestart(_Restart):
    r"""Adaptive restart by gradient: a step that goes uphill is the last of its velocity.

    .. math:: v \leftarrow 0 \quad \text{if} \quad g \cdot (\theta_{new} - \theta) > 0

    after each step, where g is the gradient of that step, for NAG at the look-ahead point. A
    schedule of the momentum, such as :class:`NesterovMomentum`, begins again, one of the learning
    rate does not. Of Adam and its relatives, the average of gradients is cleared, and the t of its
    bias correction begins again; the average of squares goes on with its own. Each replica restarts
    by itself. A rule without a velocity, or whose momentum is the constant 0, is an ArgumentError,
    as is a restart inside.

    O'Donoghue and Candes 2015, "Adaptive restart for accelerated gradient schemes", arXiv
    1204.3982, section 3.2. With the gradients of small batches, whose signs change by chance, it
    restarts often. PyTorch, Keras and optax have no restarts.

    >>> from minidl.optim import NAG
    >>> w, optimizer = np.array([1.0]), GradientRestart(NAG(lr=0.5))
    >>> optimizer.step(w, lambda point: point)
    >>> w, optimizer.state["velocity"]
    (array([0.5]), array([0.5]))
    >>> optimizer.step(w, lambda point: -point)  # uphill
    >>> w, optimizer.state["velocity"]
    (array([0.075]), array([0.]))
    """

    def update(self, w: Array, grad: Gradient) -> None:
        """Step; then clear the velocity if g . (theta_new - theta) > 0."""
        self.restart(w, self.step_and_see(w, grad) > 0)


class FunctionRestart(_Restart):
    r"""Adaptive restart by function value: when the loss has risen, the velocity is cleared.

    .. math:: v \leftarrow 0 \quad \text{if} \quad f(\theta_k) > f(\theta_{k-1})

    A Trainer tells the optimizer the training loss of each measured epoch; so this is the rule of
    the textbook if the batch is "full", and otherwise there is at most one restart per epoch. In a
    loop of your own, call ``optimizer.note_loss(f(w))`` after each step; without it, nothing is
    restarted. The rest is as for :class:`GradientRestart`.

    O'Donoghue and Candes 2015, arXiv 1204.3982, section 3.2.

    >>> from minidl.optim import Momentum
    >>> w, optimizer, losses = np.array([1.0]), FunctionRestart(Momentum(lr=0.5)), []
    >>> for _ in range(17):
    ...     optimizer.step(w, lambda point: point)
    ...     losses.append(float(w[0] ** 2 / 2))
    ...     optimizer.note_loss(losses[-1])
    >>> round(losses[-1], 4)  # without restarts 0.0188
    0.0009
    """

    own_names = ("restarted_at", "last_loss", "loss_before")
    starts = MappingProxyType({"last_loss": np.inf, "loss_before": np.inf})

    def note_loss(self, loss: Any) -> None:
        """Take note of the loss at the iterate, a number, or one for each replica (R,)."""
        losses = np.array(loss, dtype=float)
        self.state["last_loss"] = losses.reshape(-1, 1) if losses.ndim else losses.reshape(1)

    def update(self, w: Array, grad: Gradient) -> None:
        """Clear the velocity if the last loss is above the one before; then step."""
        state, unknown = self.state, np.full((*w.shape[:-1], 1), np.inf)
        last_loss = state.setdefault("last_loss", unknown)
        self.restart(w, last_loss > state.get("loss_before", unknown))
        state["loss_before"] = last_loss.copy()
        self.step_and_see(w, grad)
