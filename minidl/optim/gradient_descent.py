"""Gradient descent: the gradient at the present point, times the learning rate."""

from __future__ import annotations

from minidl.optim.base import Array, Gradient, Optimizer, Setting, learning_rate

__all__ = ["GradientDescent"]


class GradientDescent(Optimizer):
    r"""Gradient descent; batch, mini-batch or stochastic, as the caller draws the batches.

    .. math:: w \leftarrow w - a\, g(w)

    Parameters
    ----------
    lr : float, Schedule or sequence of float
        The learning rate a > 0: a number, a function of the step count, or one per replica.

    Raises
    ------
    ArgumentError
        `lr` is not a positive finite number.

    Notes
    -----
    Cauchy 1847, "Méthode générale pour la résolution des systèmes d'équations simultanées". Along a
    Hessian eigenvalue h it is stable iff ``0 < a h < 2``. As ``torch.optim.SGD(lr)`` and
    ``keras.optimizers.SGD(lr)``.

    Examples
    --------
    >>> import numpy as np
    >>> w = np.array([1.0])
    >>> optimizer = GradientDescent(lr=0.1)
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
