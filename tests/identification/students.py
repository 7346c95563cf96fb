"""Optimizers as students write them: on an array, a list or a dict; with and without a fault."""

from __future__ import annotations

from typing import Any

import numpy as np

Array = np.ndarray


class Student:
    """Gradient descent; the others keep what they need as attributes."""

    def __init__(self, lr: float = 0.1, momentum: float = 0.9) -> None:
        self.lr, self.momentum, self.v, self.t = lr, momentum, 0.0, 0

    def step(self, w: Any, g: Any) -> Any:
        return w - self.lr * g


class Descent:
    """Gradient descent without momentum, in a loop over the weights."""

    def __init__(self, lr: float = 0.1) -> None:
        self.lr, self.t = lr, 0

    def step(self, w: Any, g: Any) -> Any:
        for i in range(len(w)):
            w[i] = w[i] - self.lr * g[i]


class ListMomentum(Student):
    """A list of arrays, changed in place."""

    def step(self, params: Any, grads: Any) -> None:
        self.v = self.v or [np.zeros_like(p) for p in params]  # type: ignore[assignment]
        for i, (p, g) in enumerate(zip(params, grads, strict=True)):
            self.v[i] = self.momentum * self.v[i] - self.lr * g  # type: ignore[index]
            p += self.v[i]  # type: ignore[index]  # noqa: PLW2901


class ListDescent(Descent):
    """A list of arrays; a new one is returned."""

    def update(self, params: Any, grads: Any) -> Any:
        assert isinstance(params, list)
        return [p - self.lr * g for p, g in zip(params, grads, strict=True)]

    step = property()  # type: ignore[assignment]


class DictAdagrad:
    """A dict of arrays, each replaced, as in "Deep learning from scratch"."""

    def __init__(self, lr: float = 0.01) -> None:
        self.lr, self.h = lr, {}

    def update(self, params: Any, grads: Any) -> None:
        for key in params.keys():  # noqa: SIM118
            self.h[key] = self.h.get(key, 0) + grads[key] ** 2
            params[key] = params[key] - self.lr * grads[key] / (np.sqrt(self.h[key]) + 1e-7)


class TorchStyleSGD:
    """Parameters are given to the constructor, and hold data and grad."""

    def __init__(self, params: Any, lr: float = 0.1, momentum: float = 0.9) -> None:
        self.params, self.lr, self.momentum = list(params), lr, momentum
        self.buffers = [0 * p.data for p in self.params]

    def step(self) -> None:
        for k, p in enumerate(self.params):
            self.buffers[k] = self.momentum * self.buffers[k] + p.grad
            p.data = p.data - self.lr * self.buffers[k]


def course_momentum(w: Array, dw: Array, config: Any = None) -> Any:
    """A state that is returned, as in the course CS231n."""
    config = config or {"learning_rate": 1e-2, "momentum": 0.9}
    v = config["momentum"] * config.get("v", 0 * w) - config["learning_rate"] * dw
    return w + v, config | {"v": v}


def cs231n_adam(w: Array, dw: Array, config: Any = None) -> Any:
    """Adam in the same form; "n_adam" in its name does not mean NAdam."""
    c = config or {"m": 0 * w, "v": 0 * w, "t": 0}
    t, m, v = c["t"] + 1, 0.9 * c["m"] + 0.1 * dw, 0.999 * c["v"] + 0.001 * dw**2
    step = m / (1 - 0.9**t) / (np.sqrt(v / (1 - 0.999**t)) + 1e-8)
    return w - 1e-3 * step, {"m": m, "v": v, "t": t}


class DecayRMSprop:
    """Its decay is rho, and no weight decay that has no effect."""

    def __init__(self, lr: float = 0.001, decay: float = 0.9) -> None:
        self.lr, self.decay, self.v = lr, decay, 0.0

    def step(self, w: Array, g: Array) -> None:
        self.v = self.decay * self.v + (1 - self.decay) * g**2
        w -= self.lr * g / (np.sqrt(self.v) + 1e-8)


class DifferenceCenteredRMSprop(DecayRMSprop):
    """With the variance as difference of two averages."""

    mean = 0.0

    def step(self, w: Array, g: Array) -> None:
        self.v = self.decay * self.v + (1 - self.decay) * g**2
        self.mean = self.decay * self.mean + (1 - self.decay) * g
        w -= self.lr * g / (np.sqrt(np.maximum(self.v - self.mean**2, 0)) + 1e-8)


class Adam:
    """Adam; `what` is said by the subclasses."""

    def __init__(self, lr: float = 0.001, beta1: float = 0.9, beta2: float = 0.999) -> None:
        self.lr, self.beta1, self.beta2, self.t = lr, beta1, beta2, 0
        self.m: Any = 0.0
        self.v: Any = 0.0

    def moments(self, g: Array) -> tuple[Array, Array]:
        self.t += 1
        self.m = self.beta1 * self.m + (1 - self.beta1) * g
        self.v = self.beta2 * self.v + (1 - self.beta2) * g * g
        return self.m / (1 - self.beta1**self.t), self.v / (1 - self.beta2**self.t)

    def step(self, w: Array, g: Array) -> Array:
        m, v = self.moments(g)
        return w - self.lr * m / (np.sqrt(v) + 1e-8)


class RuderNAdam(Adam):
    def step(self, w: Array, g: Array) -> Array:
        m, v = self.moments(g)
        ahead = self.beta1 * m + (1 - self.beta1) * g / (1 - self.beta1**self.t)
        return w - self.lr * ahead / (np.sqrt(v) + 1e-8)


class KeepsCorrectedAdam(Adam):
    def step(self, w: Array, g: Array) -> Array:
        self.m, self.v = self.moments(g)
        return w - self.lr * self.m / (np.sqrt(self.v) + 1e-8)


class NoPowerAdam(Adam):
    def step(self, w: Array, g: Array) -> Array:
        self.moments(g)
        m, v = self.m / (1 - self.beta1), self.v / (1 - self.beta2)
        return w - self.lr * m / (np.sqrt(v) + 1e-8)


class RootOfTAdam(Adam):
    def step(self, w: Array, g: Array) -> Array:
        m, v = self.moments(g)
        return w - self.lr / np.sqrt(self.t) * m / (np.sqrt(v) + 1e-8)


class Float32Adam(Adam):
    def moments(self, g: Array) -> tuple[Array, Array]:
        m, v = super().moments(g)
        self.m, self.v = np.float32(self.m), np.float32(self.v)
        return m, v


class Lion:
    def __init__(self, lr: float = 0.001, beta1: float = 0.9, beta2: float = 0.99) -> None:
        self.lr, self.beta1, self.beta2, self.m = lr, beta1, beta2, 0.0

    def step(self, w: Array, g: Array) -> Array:
        self.m = self.beta2 * self.m + (1 - self.beta2) * g
        return w - self.lr * np.sign(self.beta1 * self.m + (1 - self.beta1) * g)


class TwiceMomentum(Student):
    def step(self, w: Array, g: Array) -> Array:
        self.v = self.momentum * self.v + self.lr * g
        return w - self.lr * self.v


class TwiceNesterov(Student):
    def step(self, w: Array, g: Array) -> Array:
        self.v = self.momentum * self.v + self.lr * g
        return w - self.lr * (self.momentum * self.v + self.lr * g)


class CorrectedMomentum(Student):
    def step(self, w: Array, g: Array) -> Array:
        self.t += 1
        self.v = self.momentum * self.v + (1 - self.momentum) * g
        return w - self.lr * self.v / (1 - self.momentum**self.t)


class DecaysOnly(Descent):
    def step(self, w: Array, g: Array) -> Array:
        return w - self.lr * 0.1 * w


class HalvesItsRate(Descent):
    def step(self, w: Array, g: Array) -> Array:
        self.t += 1
        return w - self.lr * 0.5 ** (self.t // 10) * g


class LateMomentum(Student):
    def step(self, w: Array, g: Array) -> Array:
        w = w - self.v
        self.v = self.momentum * self.v + self.lr * g
        return w


class FromAheadNesterov(Student):
    def step(self, w: Array, grad: Any) -> Array:
        ahead = w - self.momentum * self.v
        self.v = self.momentum * self.v + self.lr * grad(ahead)
        return ahead - self.v


class AddingNesterov(Student):
    def step(self, w: Array, g: Array) -> Array:
        old = self.v
        self.v = self.momentum * self.v + self.lr * g
        return w - self.momentum * old - (1 + self.momentum) * self.v


class RootlessRMSprop(DecayRMSprop):
    def step(self, w: Array, g: Array) -> None:
        self.v = self.decay * self.v + (1 - self.decay) * g**2
        w -= self.lr * g / (self.v + 1e-8)


class SummingRMSprop(DecayRMSprop):
    def step(self, w: Array, g: Array) -> None:
        self.v = self.decay * self.v + g**2
        w -= self.lr * g / (np.sqrt(self.v) + 1e-8)


class LateRMSprop(DecayRMSprop):
    def step(self, w: Array, g: Array) -> None:
        w -= self.lr * g / (np.sqrt(self.v) + 1e-8)
        self.v = self.decay * self.v + (1 - self.decay) * g**2


class RootlessAdagrad(Descent):
    s = 0.0

    def step(self, w: Array, g: Array) -> None:
        self.s = self.s + g * g
        w -= self.lr * g / (self.s + 1e-8)


class ReturnsTheStep(Descent):
    def step(self, w: Array, g: Array) -> Array:
        return -self.lr * g


class ClipsTheStep(Descent):
    def step(self, w: Array, g: Array) -> Array:
        return w - np.clip(self.lr * g, -0.05, 0.05)


class DividesItsRate(Descent):
    def step(self, w: Array, g: Array) -> Array:
        self.t += 1
        return w - self.lr / (1 + 0.2 * (self.t - 1)) * g


class ShrinksItsRate(Descent):
    def step(self, w: Array, g: Array) -> Array:
        w = w - self.lr * g
        self.lr *= 0.95
        return w


class ReadsItsRateOnce(Student):
    def __init__(self, lr: float = 0.1, momentum: float = 0.9) -> None:
        super().__init__(lr, momentum)
        self.rate = lr

    def step(self, w: Array, g: Array) -> Array:
        self.v = self.momentum * self.v + self.rate * g
        return w - self.v


class ForgetsItsVelocity(Student):
    def step(self, w: Array, g: Array) -> Array:
        v = self.momentum * np.zeros_like(w) + self.lr * g
        return w - v
