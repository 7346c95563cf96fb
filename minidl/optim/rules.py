"""The update rules: gradient descent, momentum, and Nesterov's accelerated gradient in two forms.

The learning rate is inside the velocity (as in Sutskever et al. 2013). PyTorch and optax keep it
outside (``b <- m b + g; w <- w - a b``): equal for a constant learning rate, another method as soon
as it changes, unless their buffer is rescaled by a_{t-1} / a_t (Goyal et al. 2017, arXiv
1706.02677, section 3).
"""

from __future__ import annotations

import numpy as np

from minidl.errors import ArgumentError
from minidl.optim.base import Array, Gradient, Optimizer, Setting
from minidl.optim.hyperparameters import learning_rate, momentum

__all__ = ["NAG", "GradientDescent", "Momentum", "ReformulatedNAG"]


class GradientDescent(Optimizer):
    r"""Gradient descent; batch, mini-batch or stochastic, as the caller draws the batches.

    .. math:: w \leftarrow w - a\, g(w)

    `lr` is the learning rate a > 0: a number, a function of the step count, or one per replica. A
    value out of range is an ArgumentError.

    Cauchy 1847, "Méthode générale pour la résolution des systèmes d'équations simultanées". Along a
    Hessian eigenvalue h it is stable iff ``0 < a h < 2``. As ``torch.optim.SGD(lr)`` and
    ``keras.optimizers.SGD(lr)``.

    >>> w, optimizer = np.array([1.0]), GradientDescent(lr=0.1)
    >>> for _ in range(2):
    ...     optimizer.step(w, lambda point: point)  # f(w) = w^2 / 2
    >>> w
    array([0.81])
    """

    lr = learning_rate()

    def __init__(self, lr: Setting) -> None:
        super().__init__(lr=lr)

    def update(self, w: Array, grad: Gradient) -> None:
        """Set w <- w - lr grad(w)."""
        w -= self.lr * grad(w)


class _WithVelocity(Optimizer):
    """The base of the three: `lr`, `momentum`, and one state vector, the velocity."""

    lr = learning_rate()
    momentum = momentum()
    state_names = ("velocity",)


class Momentum(_WithVelocity):
    r"""Classical momentum, also called the heavy ball.

    .. math:: v \leftarrow m v + a\, g(w), \quad w \leftarrow w - v

    `lr` is the learning rate a > 0 and `momentum` m in [0, 1), by default 0.9: numbers, functions
    of the step count, or one per replica. A value out of range is an ArgumentError.

    Polyak 1964, eq. 9; in this form Sutskever et al. 2013, "On the importance of initialization and
    momentum in deep learning", eq. 1-2 (there v has the other sign). A constant gradient is
    amplified by ``1 / (1 - m)``. Along a Hessian eigenvalue h it is stable iff ``0 < a h < 2 (1 +
    m)``. As ``keras.optimizers.SGD(lr, momentum=m)``, and as ``torch.optim.SGD(lr, momentum=m)``
    for a constant learning rate.

    >>> w, optimizer = np.array([1.0]), Momentum(lr=0.1, momentum=0.9)
    >>> for _ in range(2):
    ...     optimizer.step(w, lambda point: point)  # f(w) = w^2 / 2
    >>> w.round(4)
    array([0.72])
    """

    def __init__(self, lr: Setting, momentum: Setting = 0.9) -> None:
        super().__init__(lr=lr, momentum=momentum)

    def update(self, w: Array, grad: Gradient) -> None:
        """Set v <- m v + lr grad(w), then w <- w - v."""
        step = self.lr * grad(w)
        v = self.state["velocity"]
        v *= self.momentum
        v += step
        w -= v


class NAG(_WithVelocity):
    r"""Nesterov's accelerated gradient: the gradient is taken at the look-ahead point.

    .. math:: v \leftarrow m v + a\, g(w - m v), \quad w \leftarrow w - v

    `lr` and `momentum` as for :class:`Momentum`.

    Nesterov 1983, "A method of solving a convex programming problem with convergence rate
    O(1/k^2)"; in this form Sutskever et al. 2013, eq. 3-4 (there v has the other sign). On a
    quadratic, along a Hessian eigenvalue h, it is classical momentum with the coefficient
    ``m (1 - a h)``: less momentum where the curvature is high. It is stable iff
    ``0 < a h < 2 (1 + m) / (1 + 2 m)``, a *smaller* range than momentum's. PyTorch and Keras
    (``nesterov=True``) store the look-ahead point, as :class:`ReformulatedNAG` does.

    >>> w, optimizer = np.array([1.0]), NAG(lr=0.1, momentum=0.9)
    >>> for _ in range(2):
    ...     optimizer.step(w, lambda point: point)  # f(w) = w^2 / 2
    >>> w.round(4), optimizer.look_ahead(w).round(4)  # w - m v
    (array([0.729]), array([0.5751]))
    """

    def __init__(self, lr: Setting, momentum: Setting = 0.9) -> None:
        super().__init__(lr=lr, momentum=momentum)

    def update(self, w: Array, grad: Gradient) -> None:
        """Set v <- m v + lr grad(w - m v), then w <- w - v."""
        v = self.state["velocity"]
        mv, lr, theta = self.momentum * v, self.lr, w.copy()
        w -= mv  # in place, so that the gradient need not put the model there and back
        try:
            step = lr * grad(w)
        except BaseException:
            w[...] = theta
            raise
        np.add(mv, step, out=v)
        w -= step

    def look_ahead(self, w: Array) -> Array:
        """Return w - m v, a new array; equal to `w` before the first step."""
        v = self.state.get("velocity")
        return w.copy() if v is None else w - self.momentum * v


class ReformulatedNAG(_WithVelocity):
    r"""Nesterov's accelerated gradient, stored at the look-ahead point.

    .. math:: v \leftarrow m_t v + a\, g(w), \quad w \leftarrow w - (m_{t+1} v + a\, g(w))

    `lr` and `momentum` as for :class:`Momentum`. The momentum cannot be assigned after the first
    step, because the rule needs the next momentum: give a schedule.

    Bengio, Boulanger-Lewandowski and Pascanu 2012, arXiv 1212.0901, eq. 7. Proof that it is
    :class:`NAG`: let ``w_t = theta_t - m_t v_t`` be NAG's look-ahead point. NAG says
    ``v_{t+1} = m_t v_t + a_t g(w_t)`` and ``theta_{t+1} = theta_t - v_{t+1}``. Then

        w_{t+1} = theta_{t+1} - m_{t+1} v_{t+1}
                = w_t + m_t v_t - v_{t+1} - m_{t+1} v_{t+1}
                = w_t - a_t g(w_t) - m_{t+1} v_{t+1},

    which is the rule above, with the *next* momentum m_{t+1} (m_t would be another method when
    the momentum changes). Both begin at the same point, since v = 0. :meth:`iterate` recovers
    ``theta = w + m v``. As ``keras.optimizers.SGD(lr, momentum=m, nesterov=True)``, and as
    ``torch.optim.SGD(lr, momentum=m, nesterov=True)`` for a constant learning rate.

    >>> w, optimizer = np.array([1.0]), ReformulatedNAG(lr=0.1, momentum=0.9)
    >>> for _ in range(2):
    ...     optimizer.step(w, lambda point: point)  # f(w) = w^2 / 2
    >>> w.round(4), optimizer.iterate(w).round(4)  # the iterate is NAG's
    (array([0.5751]), array([0.729]))
    """

    def __init__(self, lr: Setting, momentum: Setting = 0.9) -> None:
        super().__init__(lr=lr, momentum=momentum)

    def update(self, w: Array, grad: Gradient) -> None:
        """Set v <- m v + lr grad(w), then w <- w - (m_next v + lr grad(w))."""
        v = self.state["velocity"]
        step = self.lr * grad(w)
        m_next = type(self).momentum.at(self, self.step_count + 1)
        v *= self.momentum
        v += step
        w -= m_next * v + step

    def __setattr__(self, name: str, value: object) -> None:
        if name == "momentum" and getattr(self, "state", None):
            raise ArgumentError(
                "the momentum of ReformulatedNAG cannot be replaced after the first step, which has"
                f" used the next momentum already: got {value!r}, expected a schedule, given to the"
                " constructor. Pass momentum=lambda step: ..., call reset() first, or use NAG."
            )
        super().__setattr__(name, value)

    def iterate(self, w: Array) -> Array:
        """Return theta = w + m v, a new array; equal to `w` before the first step."""
        v = self.state.get("velocity")
        return w.copy() if v is None else w + self.momentum * v

    def stored(self, theta: Array) -> Array:
        """Return w = theta - m v, a new array: the inverse of :meth:`iterate`."""
        v = self.state.get("velocity")
        return theta.copy() if v is None else theta - self.momentum * v
