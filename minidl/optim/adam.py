"""Adam, AdamW and AMSGrad: averages of the gradient and of its square.

Their form and their defaults are those of PyTorch.
"""

from __future__ import annotations

import numpy as np

from minidl.optim.averages import WithMoments, like, steps_since_restart, unbiased
from minidl.optim.base import Array, Gradient, Setting
from minidl.optim.hyperparameters import not_negative

__all__ = ["AMSGrad", "Adam", "AdamW"]


class Adam(WithMoments):
    r"""Adam: a moving average of gradients, divided by the root of that of their squares.

    .. math::
        m \leftarrow \beta_1 m + (1 - \beta_1) g, \quad v \leftarrow \beta_2 v + (1 - \beta_2) g^2,
        \quad w \leftarrow w - a \frac{m / (1 - \beta_1^t)}{\sqrt{v / (1 - \beta_2^t)} + \epsilon}

    `lr` is the learning rate a > 0, `beta1` and `beta2` are in [0, 1), `epsilon` > 0, and t is the
    number of the step, from 1. Each is a number, a function of the step count, or one per replica.
    A value out of range is an ArgumentError.

    Kingma and Ba 2015, arXiv 1412.6980, algorithm 1. The division by ``1 - beta^t`` corrects the
    bias of averages that begin at 0. A weight moves about `lr` in a step, whatever the size of the
    gradient, by default 3.2 times as far where the gradient was 0 for long (section 2.1), and at
    most 7.3 times as far: ``(1 - beta1) / sqrt((1 - beta2) (1 - beta1^2 / beta2))``, by the
    Cauchy-Schwarz inequality, which gradients that grow by beta2 / beta1 in each step attain. As
    ``torch.optim.Adam`` and ``optax.adam``. Keras has the paper's *epsilon hat* (end of section 2):
    it is added to the root of v without correction, so it is ``epsilon sqrt(1 - beta2^t)`` in the
    notation above, and by default 1e-7. PyTorch's ``weight_decay`` adds the gradient of a penalty,
    as ``Trainer(..., l2=)`` does; :class:`AdamW` decays without it.

    >>> w, optimizer = np.array([1.0]), Adam(lr=0.1)
    >>> for _ in range(2):
    ...     optimizer.step(w, lambda point: point)  # f(w) = w^2 / 2
    >>> w.round(4)
    array([0.8004])
    """

    def update(self, w: Array, grad: Gradient) -> None:
        """Average g and g^2 with bias correction, then w <- w - lr m / (sqrt(v) + epsilon)."""
        g = grad(w)
        lr, epsilon = like(w, self.lr, self.epsilon)
        m, v = self.moments(g)
        w -= lr * (m / (np.sqrt(v) + epsilon))


class AdamW(WithMoments):
    r"""Adam with decoupled weight decay: the decay is not part of the gradient.

    .. math:: w \leftarrow w - a \lambda w - a \frac{\hat m}{\sqrt{\hat v} + \epsilon}

    with m and v, corrected, as in :class:`Adam`. `weight_decay` is lambda >= 0; the others are as
    there. All weights decay, biases, too.

    Loshchilov and Hutter 2019, arXiv 1711.05101, algorithm 2. There the decay is multiplied by the
    schedule, but not by the rate itself; here by both, as in PyTorch, Keras and optax, so lambda of
    the paper is ``lr * weight_decay`` at the first step. As ``torch.optim.AdamW`` and
    ``optax.adamw`` (lambda 1e-4); Keras has 0.004, and the epsilon hat of its Adam.

    >>> w, optimizer = np.array([1.0]), AdamW(lr=0.1, weight_decay=0.5)
    >>> for _ in range(2):
    ...     optimizer.step(w, lambda point: point)  # f(w) = w^2 / 2
    >>> w.round(4)
    array([0.7082])
    """

    weight_decay = not_negative()

    def __init__(
        self,
        lr: Setting = 0.001,
        beta1: Setting = 0.9,
        beta2: Setting = 0.999,
        epsilon: Setting = 1e-8,
        weight_decay: Setting = 0.01,
    ) -> None:
        super().__init__(lr, beta1, beta2, epsilon)
        self.weight_decay = weight_decay

    def update(self, w: Array, grad: Gradient) -> None:
        """Set w <- (1 - lr weight_decay) w - lr m / (sqrt(v) + epsilon)."""
        g = grad(w)
        lr, epsilon, factor = like(w, self.lr, self.epsilon, 1 - self.lr * self.weight_decay)
        m, v = self.moments(g)
        w *= factor
        w -= lr * (m / (np.sqrt(v) + epsilon))


class AMSGrad(WithMoments):
    r"""AMSGrad: Adam with the largest average of squares so far, so that steps only get shorter.

    .. math::
        u \leftarrow \max(u, v), \quad
        w \leftarrow w - a \frac{m / (1 - \beta_1^t)}{\sqrt{u / (1 - \beta_2^t)} + \epsilon}

    with m and v as in :class:`Adam`, without correction, and u = 0 at the start. Hyperparameters
    are those of Adam.

    Reddi, Kale and Kumar 2018, "On the convergence of Adam and beyond", arXiv 1904.09237, algorithm
    2, which has neither bias correction nor epsilon. It converges on their example of a convex
    problem on which Adam goes the wrong way (section 3). As ``torch.optim.Adam(amsgrad=True)``.
    optax takes the maximum of the *corrected* averages; Keras has the epsilon hat of its Adam.

    >>> w, optimizer = np.array([1.0]), AMSGrad(lr=0.1)
    >>> for _ in range(2):
    ...     optimizer.step(w, lambda point: point)  # f(w) = w^2 / 2
    >>> w.round(4)
    array([0.8004])
    """

    state_names = ("mean", "square_mean", "largest")

    def update(self, w: Array, grad: Gradient) -> None:
        """Set u <- max(u, v); correct m and u; then w <- w - lr m / (sqrt(u) + epsilon)."""
        g, beta1, beta2 = grad(w), self.beta1, self.beta2
        lr, epsilon = like(w, self.lr, self.epsilon)
        m, v = self.take_averages(g)
        u, t = self.state["largest"], self.step_count + 1
        np.maximum(u, v, out=u)
        mean = unbiased(m, beta1, steps_since_restart(self))
        w -= lr * (mean / (np.sqrt(unbiased(u, beta2, t)) + epsilon))
