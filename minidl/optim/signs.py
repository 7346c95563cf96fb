"""Lion and Rprop: rules that use only the sign of a gradient, or of an average of gradients."""

from __future__ import annotations

import numpy as np

from minidl.errors import invalid
from minidl.optim.averages import Value, average, like
from minidl.optim.base import Array, Gradient, Optimizer, Setting
from minidl.optim.hyperparameters import (
    Hyperparameter,
    decay_rate,
    learning_rate,
    not_negative,
    positive,
)

__all__ = ["Lion", "Rprop"]


class Lion(Optimizer):
    r"""Lion: each weight moves by the learning rate, in the direction of an average of gradients.

    .. math::
        w \leftarrow w - a \lambda w - a \operatorname{sign}(\beta_1 m + (1 - \beta_1) g), \quad
        m \leftarrow \beta_2 m + (1 - \beta_2) g

    `lr` is the learning rate a > 0, `beta1` and `beta2` are in [0, 1), and `weight_decay` is
    lambda >= 0: numbers, functions of the step count, or one per replica. A value out of range is
    an ArgumentError. beta1 interpolates for the step, beta2 for the average that is kept.

    Chen et al. 2023, "Symbolic discovery of optimization algorithms", arXiv 2302.06675, algorithm
    2. `lr` is by default 1e-4, as in the code of its authors: 3 to 10 times smaller than Adam's, as
    the steps are larger. As ``keras.optimizers.Lion`` (`lr` 0.001) and ``optax.lion`` (weight decay
    1e-3); PyTorch has no Lion. All multiply the decay by the rate.

    >>> w, optimizer = np.array([1.0]), Lion(lr=0.1)
    >>> for _ in range(2):
    ...     optimizer.step(w, lambda point: point)  # f(w) = w^2 / 2
    >>> w
    array([0.8])
    """

    columns_in_float64 = True
    directions = ("mean",)
    lr = learning_rate()
    beta1 = decay_rate()
    beta2 = decay_rate()
    weight_decay = not_negative()
    state_names = ("mean",)

    def __init__(
        self,
        lr: Setting = 1e-4,
        beta1: Setting = 0.9,
        beta2: Setting = 0.99,
        weight_decay: Setting = 0.0,
    ) -> None:
        super().__init__(lr=lr, beta1=beta1, beta2=beta2, weight_decay=weight_decay)

    def update(self, w: Array, grad: Gradient) -> None:
        """Step by lr along the sign of beta1 m + (1 - beta1) g; then average m with beta2."""
        g, m, beta2 = grad(w), self.state["mean"], self.beta2
        lr, factor = like(w, self.lr, 1 - self.lr * self.weight_decay)
        old, new = like(w, self.beta1, 1 - self.beta1)
        direction = np.sign(old * m + new * g)
        average(m, g, beta2)
        w *= factor
        w -= lr * direction


class Rprop(Optimizer):
    r"""Resilient backpropagation: a step size for each weight, which grows while the sign stays.

    .. math::
        \Delta \leftarrow \begin{cases}
        \min(\eta^+ \Delta, \Delta_{max}) & g g' > 0 \\
        \max(\eta^- \Delta, \Delta_{min}) & g g' < 0, \text{ and then } g := 0
        \end{cases}, \quad w \leftarrow w - \Delta \operatorname{sign}(g)

    g' is the gradient of the step before. `lr` > 0 is the first step size of every weight, and used
    only then; `shrink` eta- is in (0, 1), `grow` eta+ >= 1, and `smallest` and `largest` are limits
    > 0 of every step size, also of the first: ``Rprop(lr=100)`` moves by 50. Each is a number, a
    function of the step count, or one per replica. A value out of range is an ArgumentError, as is
    a `smallest` above `largest`.

    Riedmiller and Braun 1993, "A direct adaptive method for faster backpropagation learning: the
    RPROP algorithm", in the form iRprop- of Igel and Hüsken 2003, "Empirical evaluation of the
    improved Rprop learning algorithms": after a change of sign a weight waits for one step, instead
    of going back. It is for ``batch_size="full"``: the signs of small batches change by chance.
    As ``torch.optim.Rprop``; ``optax.rprop`` (0.2.8) takes each step one step late, so its first is
    0 (optax pull request 1725), and Keras has no Rprop.

    >>> w, optimizer = np.array([1.0]), Rprop(lr=0.1)
    >>> for _ in range(2):
    ...     optimizer.step(w, lambda point: point)  # f(w) = w^2 / 2
    >>> w
    array([0.78])
    """

    columns_in_float64 = True
    lr = learning_rate()
    shrink = Hyperparameter(lambda x: (x > 0) & (x < 1), "a number in (0, 1)")
    grow = Hyperparameter(lambda x: (x >= 1) & np.isfinite(x), "a finite number >= 1")
    smallest = positive()
    largest = positive()
    state_names = ("step_size", "last_sign")

    def __init__(
        self,
        lr: Setting = 0.01,
        shrink: Setting = 0.5,
        grow: Setting = 1.2,
        smallest: Setting = 1e-6,
        largest: Setting = 50.0,
    ) -> None:
        super().__init__(lr=lr, shrink=shrink, grow=grow, smallest=smallest, largest=largest)
        if not any(callable(self.hyperparameters[name]) for name in ("smallest", "largest")):
            self._limits()

    def _limits(self) -> tuple[Value, Value]:
        """Return the limits of the step size; they may have been set one by one."""
        smallest, largest = self.smallest, self.largest
        if np.any(smallest > largest):
            hint = "Set largest, too."
            raise invalid("smallest", smallest, f"at most largest, {largest}", hint)
        return smallest, largest

    def update(self, w: Array, grad: Gradient) -> None:
        """Grow or shrink each step size, within its limits; step against the sign of g."""
        sign = np.sign(grad(w))
        lr, shrink, grow = like(w, self.lr, self.shrink, self.grow)
        smallest, largest = like(w, *self._limits())
        size, last_sign = self.state["step_size"], self.state["last_sign"]
        turned, kept_sign = sign * last_sign < 0, sign * last_sign > 0
        size[...] = np.where(size == 0, lr, size)  # 0: before its first step
        size *= np.where(turned, shrink, np.where(kept_sign, grow, 1)).astype(w.dtype)
        np.clip(size, smallest, largest, out=size)
        last_sign[...] = np.where(turned, 0, sign)
        w -= size * last_sign
