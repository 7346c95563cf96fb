"""NAdam, RAdam and AdaMax: Adam with look-ahead, without warm-up, and with a maximum norm.

Their form and their defaults are those of PyTorch.
"""

from __future__ import annotations

import numpy as np

from minidl.optim.averages import (
    Value,
    WithMoments,
    average,
    each,
    like,
    steps_since_restart,
    unbiased,
)
from minidl.optim.base import Array, Gradient, Optimizer, Setting
from minidl.optim.hyperparameters import decay_rate, learning_rate, not_negative, positive

__all__ = ["AdaMax", "NAdam", "RAdam"]


class NAdam(WithMoments):
    r"""NAdam: Adam with Nesterov's momentum, whose coefficient grows to beta1.

    .. math::
        \mu_t = \beta_1 (1 - 0.96^{t \psi} / 2), \quad
        \bar m = \frac{\mu_{t+1} m}{1 - \prod_{i \le t+1} \mu_i}
        + \frac{(1 - \mu_t) g}{1 - \prod_{i \le t} \mu_i}, \quad
        w \leftarrow w - a \frac{\bar m}{\sqrt{v / (1 - \beta_2^t)} + \epsilon}

    with m and v as in :class:`Adam`. `momentum_decay` is psi >= 0; the others are as there. A
    schedule for `beta1` or `momentum_decay` is also read at the next step.

    Dozat 2016, "Incorporating Nesterov momentum into Adam", ICLR workshop, algorithm 2, where m is
    averaged with mu_t instead of beta1, and v-hat is multiplied by beta2. The gradient is taken at
    the weights: as in :class:`ReformulatedNAG`, the next step's momentum is applied already. As
    ``torch.optim.NAdam``; in Keras psi is 1 (and `lr` 0.001, `epsilon` 1e-7), in ``optax.nadam`` mu
    is beta1 from the start, which is a very large psi.

    >>> w, optimizer = np.array([1.0]), NAdam(lr=0.1)
    >>> for _ in range(2):
    ...     optimizer.step(w, lambda point: point)  # f(w) = w^2 / 2
    >>> w.round(4)
    array([0.82])
    """

    directions = ("mean", "weight")
    momentum_decay = not_negative()
    state_names = ("mean", "square_mean", "weight")  # weight: 1 - the product of all mu

    def __init__(
        self,
        lr: Setting = 0.002,
        beta1: Setting = 0.9,
        beta2: Setting = 0.999,
        epsilon: Setting = 1e-8,
        momentum_decay: Setting = 0.004,
    ) -> None:
        super().__init__(lr, beta1, beta2, epsilon)
        self.momentum_decay = momentum_decay

    def mu(self, step: int) -> Value:
        """Return the momentum of a step, counted from 0, so mu_t for t = step + 1."""
        beta1, decay = (getattr(type(self), n).at(self, step) for n in ("beta1", "momentum_decay"))
        t = steps_since_restart(self) + (step - self.step_count)
        return each(lambda b, psi, t: b * (1 - 0.5 * 0.96 ** (t * psi)), beta1, decay, t)

    def update(self, w: Array, grad: Gradient) -> None:
        """Step along mu_{t+1} m and (1 - mu_t) g, each divided by its 1 - product of mu."""
        g, t, beta2 = grad(w), self.step_count + 1, self.beta2
        lr, epsilon = like(w, self.lr, self.epsilon)
        mu, mu_next = self.mu(t - 1), self.mu(t)
        m, v = self.take_averages(g)
        share, next_, next_share = like(w, 1 - mu, mu_next, 1 - mu_next)
        weight = self.state["weight"]
        average(weight, np.ones_like(w), mu)  # 1 - mu_1 ... mu_t, as it begins at 0
        mean = next_ * m / (next_ * weight + next_share) + share * g / weight
        w -= lr * (mean / (np.sqrt(unbiased(v, beta2, t)) + epsilon))


class RAdam(WithMoments):
    r"""Rectified Adam: as long as the average of squares says little, steps of momentum instead.

    .. math::
        \rho_\infty = \frac{2}{1 - \beta_2} - 1, \quad
        \rho_t = \rho_\infty - \frac{2 t \beta_2^t}{1 - \beta_2^t}, \quad
        r_t = \sqrt{\frac{(\rho_t - 4)(\rho_t - 2) \rho_\infty}
        {(\rho_\infty - 4)(\rho_\infty - 2) \rho_t}}

    .. math::
        w \leftarrow w - a \frac{m}{1 - \beta_1^t} \cdot \begin{cases}
        r_t \sqrt{1 - \beta_2^t} / (\sqrt{v} + \epsilon) & \rho_t > 5 \\ 1 & \text{otherwise}
        \end{cases}

    with m and v as in :class:`Adam`, whose hyperparameters it has. With beta2 = 0.999, the first
    five steps are such.

    Liu et al. 2020, "On the variance of the adaptive learning rate and beyond", arXiv 1908.03265,
    algorithm 2, with the condition rho > 4 and without epsilon. As ``torch.optim.RAdam``, whose
    epsilon is added to the root of v without correction (*epsilon hat*). ``optax.radam`` adds it to
    the corrected one, and its condition is rho >= 5; Keras has no RAdam.

    >>> w, optimizer = np.array([1.0]), RAdam(lr=0.1)
    >>> for _ in range(2):
    ...     optimizer.step(w, lambda point: point)  # f(w) = w^2 / 2
    >>> w.round(4)
    array([0.8053])
    """

    def update(self, w: Array, grad: Gradient) -> None:
        """Set w <- w - lr m, corrected, times r sqrt(1 - beta2^t) / (sqrt(v) + epsilon)."""
        g, t, beta1 = grad(w), self.step_count + 1, self.beta1
        (factor,) = like(w, each(lambda b: _rectification(b, t), self.beta2))
        lr, epsilon = like(w, self.lr, self.epsilon)
        m, v = self.take_averages(g)
        step = unbiased(m, beta1, steps_since_restart(self))
        if np.all(factor > 0):
            step *= factor / (np.sqrt(v) + epsilon)
        elif np.any(factor > 0):  # of some networks
            step *= np.where(factor > 0, factor / (np.sqrt(v) + epsilon), 1)
        w -= lr * step


def _rectification(beta2: float, t: int) -> float:
    """Return r_t sqrt(1 - beta2^t), or 0 where rho_t is at most 5.

    >>> [round(_rectification(0.999, t), 5) for t in (5, 6, 10_000)]
    [0.0, 0.002, 0.99975]
    """
    limit, correction = 2 / (1 - beta2) - 1, 1 - beta2**t
    rho = limit - 2 * t * (1 - correction) / correction
    if rho <= 5:
        return 0.0
    square = (rho - 4) * (rho - 2) * limit / ((limit - 4) * (limit - 2) * rho)
    root: float = (square * correction) ** 0.5
    return root


class AdaMax(Optimizer):
    r"""AdaMax: Adam with a decaying maximum of the gradient in place of the root of squares.

    .. math::
        u \leftarrow \max(\beta_2 u, |g| + \epsilon), \quad
        w \leftarrow w - a \frac{m / (1 - \beta_1^t)}{u}

    with m as in :class:`Adam`, whose hyperparameters it has. u needs no bias correction.

    Kingma and Ba 2015, arXiv 1412.6980, algorithm 2, without epsilon: a weight whose gradient is 0
    from the start would move by 0/0. As ``torch.optim.Adamax`` and ``optax.adamax``; Keras adds
    epsilon (1e-7) to u when it divides, and its `lr` is 0.001.

    >>> w, optimizer = np.array([1.0]), AdaMax(lr=0.1)
    >>> for _ in range(2):
    ...     optimizer.step(w, lambda point: point)  # f(w) = w^2 / 2
    >>> w.round(4)
    array([0.8052])
    """

    columns_in_float64 = True
    directions = ("mean",)
    lr = learning_rate()
    beta1 = decay_rate()
    beta2 = decay_rate()
    epsilon = positive()
    state_names = ("mean", "largest")

    def __init__(
        self,
        lr: Setting = 0.002,
        beta1: Setting = 0.9,
        beta2: Setting = 0.999,
        epsilon: Setting = 1e-8,
    ) -> None:
        super().__init__(lr=lr, beta1=beta1, beta2=beta2, epsilon=epsilon)

    def update(self, w: Array, grad: Gradient) -> None:
        """Set u <- max(beta2 u, |g| + epsilon), then w <- w - lr m / u, with m corrected."""
        g, beta1 = grad(w), self.beta1
        lr, beta2, epsilon = like(w, self.lr, self.beta2, self.epsilon)
        m, u = self.state["mean"], self.state["largest"]
        average(m, g, beta1)
        u *= beta2
        np.maximum(u, np.abs(g) + epsilon, out=u)
        w -= lr * (unbiased(m, beta1, steps_since_restart(self)) / u)
