"""RMSprop, plain and centred, Adagrad and Adadelta: a learning rate for each weight.

Their form and their defaults are those of PyTorch, except that RMSprop's learning rate is inside
the velocity, as in :mod:`minidl.optim.rules`.
"""

from __future__ import annotations

import numpy as np

from minidl.optim.averages import average, like
from minidl.optim.base import Array, Gradient, Optimizer, Setting
from minidl.optim.hyperparameters import decay_rate, learning_rate, momentum, positive

__all__ = ["Adadelta", "Adagrad", "CenteredRMSprop", "RMSprop"]


class _RootMeanSquare(Optimizer):
    """The base of both forms of RMSprop: their hyperparameters."""

    columns_in_float64 = True
    lr = learning_rate()
    rho = decay_rate()
    epsilon = positive()
    momentum = momentum()

    def __init__(
        self,
        lr: Setting = 0.01,
        rho: Setting = 0.99,
        epsilon: Setting = 1e-8,
        momentum: Setting = 0.0,
    ) -> None:
        super().__init__(lr=lr, rho=rho, epsilon=epsilon, momentum=momentum)


class RMSprop(_RootMeanSquare):
    r"""RMSprop: the gradient divided by the root of a moving average of its square.

    .. math::
        v \leftarrow \rho v + (1 - \rho) g^2, \quad
        b \leftarrow m b + a \frac{g}{\sqrt{v} + \epsilon}, \quad w \leftarrow w - b

    `lr` is the learning rate a > 0, `rho` in [0, 1) the decay rate, `epsilon` > 0, and `momentum` m
    in [0, 1), by default 0. Each is a number, a function of the step count, or one per replica. A
    value out of range is an ArgumentError.

    Tieleman and Hinton 2012, "Lecture 6.5: rmsprop", Coursera, with rho 0.9 and without epsilon.
    There is no bias correction: the first step is ``lr / sqrt(1 - rho)`` long. As
    ``torch.optim.RMSprop`` for a constant learning rate; PyTorch's is outside the velocity b. Keras
    and optax have it inside, but add epsilon (1e-7 and 1e-8) to v under the root, and rho is 0.9.

    >>> w, optimizer = np.array([1.0]), RMSprop(lr=0.01)
    >>> for _ in range(2):
    ...     optimizer.step(w, lambda point: point)  # f(w) = w^2 / 2
    >>> w.round(4)
    array([0.8329])
    """

    state_names = ("square_mean", "velocity")

    def update(self, w: Array, grad: Gradient) -> None:
        """Average g^2 as v, set b <- m b + lr g / (sqrt(v) + epsilon), then w <- w - b."""
        g, rho = grad(w), self.rho
        lr, epsilon, m = like(w, self.lr, self.epsilon, self.momentum)
        v, b = self.state["square_mean"], self.state["velocity"]
        average(v, g * g, rho)
        b *= m
        b += lr * (g / (np.sqrt(v) + epsilon))  # lr g may overflow
        w -= b


class CenteredRMSprop(_RootMeanSquare):
    r"""RMSprop whose divisor is the standard deviation of recent gradients.

    .. math::
        v \leftarrow \rho v + \rho (1 - \rho) (g - \bar g)^2, \quad
        \bar g \leftarrow \rho \bar g + (1 - \rho) g, \quad
        b \leftarrow m b + a \frac{g}{\sqrt{v} + \epsilon}, \quad w \leftarrow w - b

    Hyperparameters are those of :class:`RMSprop`.

    Graves 2013, "Generating sequences with recurrent neural networks", arXiv 1308.0850, eq. 38-45,
    writes v as s - h^2, where s is the average of squares, and g-bar and h are the averages of
    gradients before and after the step. It is the same v,

        rho s + (1 - rho) g^2 - h^2 = rho (s - g-bar^2) + rho (1 - rho) (g - g-bar)^2

    but a difference of rounded numbers, which may be below 0 when gradients hardly change. As
    ``torch.optim.RMSprop(centered=True)`` for a constant learning rate. Graves, Keras and optax add
    epsilon to v under the root.

    >>> w, optimizer = np.array([1.0]), CenteredRMSprop(lr=0.01)
    >>> for _ in range(2):
    ...     optimizer.step(w, lambda point: point)  # f(w) = w^2 / 2
    >>> w.round(4)
    array([0.8318])
    """

    state_names = ("mean", "variance", "velocity")

    def update(self, w: Array, grad: Gradient) -> None:
        """Update variance v and mean; b <- m b + lr g / (sqrt(v) + epsilon); then w <- w - b."""
        g, rho = grad(w), self.rho
        lr, epsilon, m = like(w, self.lr, self.epsilon, self.momentum)
        mean, v, b = (self.state[name] for name in self.state_names)
        old, new = like(w, rho, rho * (1 - rho))
        v *= old
        v += new * (g - mean) ** 2
        average(mean, g, rho)
        b *= m
        b += lr * (g / (np.sqrt(v) + epsilon))  # lr g may overflow
        w -= b


class Adagrad(Optimizer):
    r"""Adagrad: the gradient divided by the root of the sum of its squares so far.

    .. math:: s \leftarrow s + g^2, \quad w \leftarrow w - a \frac{g}{\sqrt{s} + \epsilon}

    `lr` is the learning rate a > 0, and `epsilon` > 0: numbers, functions of the step count, or one
    per replica. A value out of range is an ArgumentError. s is 0 at the start.

    Duchi, Hazan and Singer 2011, "Adaptive subgradient methods for online learning and stochastic
    optimization", JMLR 12, figure 1, diagonal form, where epsilon is delta. As
    ``torch.optim.Adagrad``. In Keras and optax s begins at 0.1, and epsilon (1e-7) is under the
    root.

    >>> w, optimizer = np.array([1.0]), Adagrad(lr=0.1)
    >>> for _ in range(2):
    ...     optimizer.step(w, lambda point: point)  # f(w) = w^2 / 2
    >>> w.round(4)
    array([0.8331])
    """

    columns_in_float64 = True
    lr = learning_rate()
    epsilon = positive()
    state_names = ("square_sum",)

    def __init__(self, lr: Setting = 0.01, epsilon: Setting = 1e-10) -> None:
        super().__init__(lr=lr, epsilon=epsilon)

    def update(self, w: Array, grad: Gradient) -> None:
        """Set s <- s + g^2, then w <- w - lr g / (sqrt(s) + epsilon)."""
        g, s = grad(w), self.state["square_sum"]
        lr, epsilon = like(w, self.lr, self.epsilon)
        s += g * g
        w -= lr * (g / (np.sqrt(s) + epsilon))


class Adadelta(Optimizer):
    r"""Adadelta: steps in proportion to the recent steps, so that no learning rate is needed.

    .. math::
        v \leftarrow \rho v + (1 - \rho) g^2, \quad
        d = \frac{\sqrt{u + \epsilon}}{\sqrt{v + \epsilon}} g, \quad
        u \leftarrow \rho u + (1 - \rho) d^2, \quad w \leftarrow w - a d

    `rho` in [0, 1) is the decay rate, and `epsilon` > 0; it also sets the size of the first steps.
    `lr` is a > 0, which the paper does not have, so that it is 1. Each is a number, a function of
    the step count, or one per replica. A value out of range is an ArgumentError.

    Zeiler 2012, "ADADELTA: an adaptive learning rate method", arXiv 1212.5701, algorithm 1, with
    rho 0.95 in its experiments. As ``torch.optim.Adadelta`` and ``optax.adadelta``; in Keras `lr`
    is 0.001, `rho` 0.95 and `epsilon` 1e-7.

    >>> w, optimizer = np.array([1.0]), Adadelta()
    >>> for _ in range(2):
    ...     optimizer.step(w, lambda point: point)  # f(w) = w^2 / 2
    >>> w.round(4)
    array([0.9936])
    """

    columns_in_float64 = True
    lr = learning_rate()
    rho = decay_rate()
    epsilon = positive()
    state_names = ("square_mean", "step_square_mean")

    def __init__(self, lr: Setting = 1.0, rho: Setting = 0.9, epsilon: Setting = 1e-6) -> None:
        super().__init__(lr=lr, rho=rho, epsilon=epsilon)

    def update(self, w: Array, grad: Gradient) -> None:
        """Average g^2 as v; d = g sqrt(u + epsilon) / sqrt(v + epsilon); average d^2; step lr d."""
        g, rho = grad(w), self.rho
        lr, epsilon = like(w, self.lr, self.epsilon)
        v, u = self.state["square_mean"], self.state["step_square_mean"]
        average(v, g * g, rho)
        d = g * np.sqrt((u + epsilon) / (v + epsilon))
        average(u, d * d, rho)
        w -= lr * d
