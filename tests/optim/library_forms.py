"""What PyTorch, Keras and optax compute where their definition of a rule is not minidl's.

Where a hyperparameter of minidl, as a schedule, gives their rule, that is the form; otherwise the
rule is written out here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from minidl import optim

Array = npt.NDArray[Any]
Settings = dict[str, Any]
Form = Callable[..., optim.Optimizer]


def root_of_correction(beta2: float, step: int) -> float:
    """Return sqrt(1 - beta2^t) for t = step + 1."""
    return float(np.sqrt(1 - beta2 ** (step + 1)))


def epsilon_hat(rule: Form) -> Form:
    """Return a rule whose epsilon is added to the root of the average without correction.

    ``sqrt(v / c) + epsilon = (sqrt(v) + epsilon_hat) / sqrt(c)``, so epsilon_hat = epsilon sqrt(c).
    """

    def form(lr: Any, epsilon: float, beta2: float = 0.999, **how: Any) -> optim.Optimizer:
        def scaled(step: int) -> float:
            return epsilon / root_of_correction(beta2, step)

        return rule(lr, epsilon=scaled, beta2=beta2, **how)

    return form


def without_epsilon_hat(lr: Any, epsilon: float, beta2: float = 0.999, **how: Any) -> Any:
    """Return optax's RAdam: epsilon is added to the root of the corrected average."""
    return optim.RAdam(
        lr, epsilon=lambda k: epsilon * root_of_correction(beta2, k), beta2=beta2, **how
    )


def nadam_with(momentum_decay: float) -> Form:
    """Return NAdam with this momentum decay in place of another."""
    return lambda lr, **how: optim.NAdam(lr, **{**how, "momentum_decay": momentum_decay})


def rate_outside(lr: Any, momentum: float, **how: Any) -> optim.Optimizer:
    """Return PyTorch's RMSprop under a schedule: its velocity is scaled by the present rate."""

    def scaled(step: int) -> float:
        return momentum * (lr(step) / lr(step - 1) if step else 1.0)

    return optim.RMSprop(lr, momentum=scaled, **how)


class EpsilonInside(optim.RMSprop):
    """Keras's RMSprop: epsilon is added under the root."""

    centered = False
    state_names = ("square_mean", "mean", "velocity")

    def update(self, w: Array, grad: optim.Gradient) -> None:
        g, rho = grad(w), self.rho
        v, mean, b = (self.state[name] for name in self.state_names)
        v[...] = rho * v + (1 - rho) * g**2
        mean[...] = rho * mean + (1 - rho) * g
        size = v - mean**2 if self.centered else v
        b[...] = self.momentum * b + self.lr * g / np.sqrt(size + self.epsilon)
        w -= b


class CenteredEpsilonInside(EpsilonInside):
    """Keras's centred RMSprop, as Graves's: epsilon is added under the root."""

    centered = True


class EpsilonAtDivision(optim.AdaMax):
    """Keras's AdaMax: epsilon is added to u when it divides."""

    def update(self, w: Array, grad: optim.Gradient) -> None:
        g, m, u = grad(w), self.state["mean"], self.state["largest"]
        m[...] = self.beta1 * m + (1 - self.beta1) * g
        u[...] = np.maximum(self.beta2 * u, np.abs(g))
        w -= self.lr * m / (1 - self.beta1 ** (self.step_count + 1)) / (u + self.epsilon)


class FromATenth(optim.Adagrad):
    """Keras's and optax's Adagrad: the sum begins at 0.1, and epsilon is under the root."""

    def update(self, w: Array, grad: optim.Gradient) -> None:
        g, s = grad(w), self.state["square_sum"]
        s += g * g
        w -= self.lr * g / np.sqrt(0.1 + s + self.epsilon)


class MaximumOfCorrected(optim.AMSGrad):
    """optax's AMSGrad: the maximum is that of the corrected averages."""

    def update(self, w: Array, grad: optim.Gradient) -> None:
        g, t = grad(w), self.step_count + 1
        m, v, u = (self.state[name] for name in self.state_names)
        m[...] = self.beta1 * m + (1 - self.beta1) * g
        v[...] = self.beta2 * v + (1 - self.beta2) * g**2
        u[...] = np.maximum(u, v / (1 - self.beta2**t))
        w -= self.lr * m / (1 - self.beta1**t) / (np.sqrt(u) + self.epsilon)


class OneStepLate(optim.Rprop):
    """optax's Rprop (0.2.8): it computes a step and returns the one before, so the first is 0."""

    state_names = ("step_size", "last_sign", "late")

    def update(self, w: Array, grad: optim.Gradient) -> None:
        last, late = self.state["last_sign"], self.state["late"]
        point = w.copy()
        product = np.sign(grad(point)) * last
        super().update(w, grad)
        step = -self.state["step_size"] * last  # w - point is rounded
        w[...] = point + np.where(product < 0, 0, late)
        late[...] = step


# Library and rule, or its case -> the form; all others are minidl's own.
LIBRARY_FORMS: dict[str, Form] = {
    "torch rmsprop scheduled-momentum": rate_outside,
    "torch rmsprop-centered scheduled-momentum": lambda lr, momentum, **how: optim.CenteredRMSprop(
        lr, momentum=lambda k: momentum * (lr(k) / lr(k - 1) if k else 1.0), **how
    ),
    "keras adam": epsilon_hat(optim.Adam),
    "keras adamw": epsilon_hat(optim.AdamW),
    "keras amsgrad": epsilon_hat(optim.AMSGrad),
    "keras nadam": nadam_with(1.0),
    "keras adamax": EpsilonAtDivision,
    "keras rmsprop": EpsilonInside,
    "keras rmsprop-centered": CenteredEpsilonInside,
    "keras adagrad": FromATenth,
    "optax adagrad": FromATenth,
    "optax nadam": nadam_with(1e9),
    "optax radam": without_epsilon_hat,
    "optax amsgrad": MaximumOfCorrected,
    "optax rprop": OneStepLate,
}
