"""The adaptive rules in other forms: what libraries do instead, and sums over past gradients.

`LIBRARY_FORMS` are rules whose definition in a library differs from minidl's, written as that
library's papers and sources say, in scalars or whole formulas, without minidl's averages.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from minidl import optim

Array = npt.NDArray[Any]


class _Form(optim.Optimizer):
    """A rule that keeps all gradients so far and takes any hyperparameters."""

    lr = optim.learning_rate()

    def __init__(self, lr: Any = 0.01, **settings: float) -> None:
        super().__init__(lr=lr)
        self.how = settings
        self.gradients: list[Array] = []

    def mean(self, rate: float, power: int = 1) -> Array:
        """Return sum of (1 - rate) rate^(t - i) g_i^power over all steps so far."""
        t = len(self.gradients)
        weights = (1 - rate) * rate ** np.arange(t - 1, -1, -1.0)
        return weights @ np.array(self.gradients) ** power

    def update(self, w: Array, grad: optim.Gradient) -> None:
        self.gradients.append(grad(w).copy())
        w -= self.move(self.gradients[-1], len(self.gradients), **self.how)

    def move(self, g: Array, t: int, **how: float) -> Array:
        """Return the step of the rule."""
        raise NotImplementedError


class SummedAdam(_Form):
    """Adam as a quotient of two weighted means of all past gradients."""

    def move(self, g: Array, t: int, **how: float) -> Array:
        beta1, beta2 = how.get("beta1", 0.9), how.get("beta2", 0.999)
        m = self.mean(beta1) / sum((1 - beta1) * beta1**k for k in range(t))
        v = self.mean(beta2, 2) / sum((1 - beta2) * beta2**k for k in range(t))
        return self.lr * m / (v**0.5 + how.get("epsilon", 1e-8))


class SummedAdaMax(_Form):
    """AdaMax with the largest of beta2^(t - i) (|g_i| + epsilon) over all steps."""

    def move(self, g: Array, t: int, **how: float) -> Array:
        beta1, beta2 = how.get("beta1", 0.9), how.get("beta2", 0.999)
        m = self.mean(beta1) / (1 - beta1**t)
        faded = beta2 ** np.arange(t - 1, -1, -1.0)[:, None]
        sizes = np.abs(self.gradients) + how.get("epsilon", 1e-8)
        return self.lr * m / (faded * sizes).max(axis=0)


class SummedAMSGrad(_Form):
    """AMSGrad with the largest of the means of squares after each step."""

    def move(self, g: Array, t: int, **how: float) -> Array:
        beta1, beta2 = how.get("beta1", 0.9), how.get("beta2", 0.999)
        m = self.mean(beta1) / (1 - beta1**t)
        squares = np.array(self.gradients) ** 2
        means = [
            ((1 - beta2) * beta2 ** np.arange(k - 1, -1, -1.0)) @ squares[:k]
            for k in range(1, t + 1)
        ]
        u = np.max(means, axis=0) / (1 - beta2**t)
        return self.lr * m / (np.sqrt(u) + how.get("epsilon", 1e-8))


class SummedNAdam(_Form):
    """NAdam with the products of all its momenta."""

    def move(self, g: Array, t: int, **how: float) -> Array:
        beta1, beta2 = how.get("beta1", 0.9), how.get("beta2", 0.999)
        psi = how.get("momentum_decay", 0.004)
        mu = [beta1 * (1 - 0.96 ** (k * psi) / 2) for k in range(1, t + 2)]
        v = self.mean(beta2, 2) / (1 - beta2**t)
        ahead = mu[t] * self.mean(beta1) / (1 - np.prod(mu))
        now = (1 - mu[t - 1]) * g / (1 - np.prod(mu[:t]))
        return self.lr * (ahead + now) / (np.sqrt(v) + how.get("epsilon", 1e-8))


class SummedRAdam(_Form):
    """RAdam with rho_t as the paper derives it: from the centre of mass of the weights of g^2."""

    def move(self, g: Array, t: int, **how: float) -> Array:
        beta1, beta2 = how.get("beta1", 0.9), how.get("beta2", 0.999)
        m = self.mean(beta1) / (1 - beta1**t)
        ages = np.arange(1, t + 1)
        centre = (beta2 ** (ages - 1.0) * (1 - beta2) @ ages) / (1 - beta2**t)
        rho, limit = 2 * centre - 1, 2 / (1 - beta2) - 1  # a mean of f values has centre (f + 1)/2
        if rho <= 5:
            return self.lr * m
        variance = (limit - 4) * (limit - 2) * rho / ((rho - 4) * (rho - 2) * limit)
        size = np.sqrt(self.mean(beta2, 2)) + how.get("epsilon", 1e-8)
        return self.lr * m * np.sqrt((1 - beta2**t) / variance) / size


class SummedRMSprop(_Form):
    """RMSprop, also with momentum: b is a weighted sum of all past steps."""

    centered = False

    def move(self, g: Array, t: int, **how: float) -> Array:
        rho, momentum = how.get("rho", 0.99), how.get("momentum", 0.0)
        v = self.mean(rho, 2) - (self.mean(rho) ** 2 if self.centered else 0)
        self.moves = [*getattr(self, "moves", []), self.lr * g / (v**0.5 + how["epsilon"])]
        return momentum ** np.arange(t - 1, -1, -1.0) @ np.array(self.moves)


class SummedCenteredRMSprop(SummedRMSprop):
    """Graves's form: the mean of squares minus the square of the mean."""

    centered = True


class SummedAdagrad(_Form):
    """Adagrad with the norm of each weight's past gradients."""

    def move(self, g: Array, t: int, **how: float) -> Array:
        return self.lr * g / (np.linalg.norm(self.gradients, axis=0) + how.get("epsilon", 1e-10))


class SummedAdadelta(_Form):
    """Adadelta with RMS[x] = sqrt(E[x^2] + epsilon) of all past gradients and steps."""

    def move(self, g: Array, t: int, **how: float) -> Array:
        rho, epsilon = how.get("rho", 0.9), how.get("epsilon", 1e-6)
        past: list[Array] = getattr(self, "past", [])
        weights = (1 - rho) * rho ** np.arange(t - 2, -1, -1.0)
        u = weights @ np.array(past) ** 2 if past else 0.0
        d: Array = np.sqrt(u + epsilon) / np.sqrt(self.mean(rho, 2) + epsilon) * g
        self.past = [*past, d]
        return self.lr * d


class ScalarRprop(_Form):
    """iRprop-, weight by weight, as its authors' pseudocode has it."""

    def move(self, g: Array, t: int, **how: float) -> Array:
        shrink, grow = how.get("shrink", 0.5), how.get("grow", 1.2)
        smallest, largest = how.get("smallest", 1e-6), how.get("largest", 50.0)
        if t == 1:
            self.before, self.sizes = [0.0] * len(g), [self.lr] * len(g)
        move = []
        for i, slope in enumerate(g.tolist()):
            sign = 0.0 if slope == 0 else slope / abs(slope)
            if sign * self.before[i] > 0:
                self.sizes[i] = min(self.sizes[i] * grow, largest)
            elif sign * self.before[i] < 0:
                self.sizes[i] = max(self.sizes[i] * shrink, smallest)
                sign = 0.0
            self.before[i] = sign
            move.append(self.sizes[i] * sign)
        return np.array(move)


class SummedLion(optim.Optimizer):
    """Lion with the sum of all past gradients, and a decay that is taken off at the old point."""

    lr = optim.learning_rate()

    def __init__(self, lr: Any = 1e-4, **settings: float) -> None:
        super().__init__(lr=lr)
        self.how, self.gradients = settings, []

    gradients: list[Array]

    def update(self, w: Array, grad: optim.Gradient) -> None:
        beta1, beta2 = self.how.get("beta1", 0.9), self.how.get("beta2", 0.99)
        self.gradients.append(grad(w).copy())
        t = len(self.gradients)
        weights = beta1 * (1 - beta2) * beta2 ** np.arange(t - 2, -2, -1.0)
        weights[-1] = 1 - beta1
        c = weights @ np.array(self.gradients)
        w -= self.lr * (np.sign(c) + self.how.get("weight_decay", 0.0) * w)


class SummedAdamW(SummedAdam):
    """AdamW: Adam's step and a share of the old weights."""

    def update(self, w: Array, grad: optim.Gradient) -> None:
        decay = self.lr * self.how.get("weight_decay", 0.01) * w
        super().update(w, grad)
        w -= decay


INDEPENDENT: dict[str, Callable[..., optim.Optimizer]] = {
    "adam": SummedAdam, "adamw": SummedAdamW, "nadam": SummedNAdam, "radam": SummedRAdam,
    "amsgrad": SummedAMSGrad, "adamax": SummedAdaMax, "rmsprop": SummedRMSprop,
    "rmsprop-centered": SummedCenteredRMSprop, "adagrad": SummedAdagrad,
    "adadelta": SummedAdadelta, "lion": SummedLion, "rprop": ScalarRprop,
}  # fmt: skip
