"""Moving averages, and coefficients that are the same for one network and for many.

A hyperparameter is a float, or a column (R, 1) for R networks. Coefficients such as 1 - beta^t are
computed in float64, and by the same function of Python's floats in both cases, because NumPy's
power rounds otherwise. Then they get the dtype of the weights.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from minidl.optim.base import Array, Optimizer, Setting
from minidl.optim.hyperparameters import decay_rate, learning_rate, positive

Value = float | Array  # of a hyperparameter


def each(formula: Callable[..., float], *values: Value) -> Value:
    """Return `formula` of floats, or a column of its values for each network.

    >>> each(lambda rate: 1 - rate**2, 0.5), each(lambda x: x + 1, np.array([[1.0], [2.0]])).shape
    (0.75, (2, 1))
    """
    if not any(isinstance(value, np.ndarray) for value in values):
        return formula(*values)
    rows = zip(*(column.ravel().tolist() for column in np.broadcast_arrays(*values)), strict=True)
    return np.array([formula(*row) for row in rows])[:, None]


def like(w: Array, *values: Value) -> list[Any]:
    """Return values with which `w` keeps its dtype: floats as they are, columns in this dtype."""
    return [v if isinstance(v, float) else v.astype(w.dtype, copy=False) for v in values]


def average(mean: Array, new: Array, rate: Value) -> None:
    """Set mean <- rate mean + (1 - rate) new."""
    old_share, new_share = like(mean, rate, 1 - rate)
    mean *= old_share
    mean += new_share * new


def steps_since_restart(optimizer: Optimizer) -> Value:
    """Return the number of this step, from 1, counted from the last restart of each network."""
    step, restarted_at = optimizer.step_count + 1, optimizer.state.get("restarted_at")
    if restarted_at is None:
        return step
    return step - (restarted_at[0].item() if restarted_at.ndim == 1 else restarted_at.astype(float))


def unbiased(mean: Array, rate: Value, steps: Value) -> Array:
    """Return mean / (1 - rate^steps): an average that began at 0, as a mean with weights of sum 1.

    Kingma and Ba 2015, section 3: after t steps, the weights (1 - rate) rate^(t - i) of an
    exponential average add up to 1 - rate^t.

    >>> unbiased(np.array([0.75]), 0.5, 2)  # 0.5 * 1 + 0.25 * 1
    array([1.])
    """
    (share,) = like(mean, each(lambda r, t: 1 - r**t, rate, steps))
    corrected: Array = mean / share
    return corrected


class WithMoments(Optimizer):
    """The base of Adam and its relatives: averages of the gradient and of its square."""

    columns_in_float64 = True
    directions: tuple[str, ...] = ("mean",)
    lr = learning_rate()
    beta1 = decay_rate()
    beta2 = decay_rate()
    epsilon = positive()
    state_names: tuple[str, ...] = ("mean", "square_mean")

    def __init__(
        self,
        lr: Setting = 0.001,
        beta1: Setting = 0.9,
        beta2: Setting = 0.999,
        epsilon: Setting = 1e-8,
    ) -> None:
        super().__init__(lr=lr, beta1=beta1, beta2=beta2, epsilon=epsilon)

    def take_averages(self, g: Array) -> tuple[Array, Array]:
        """Add `g` to the averages m and v; return them."""
        beta1, beta2 = self.beta1, self.beta2
        m, v = self.state["mean"], self.state["square_mean"]
        average(m, g, beta1)
        average(v, g * g, beta2)
        return m, v

    def moments(self, g: Array) -> tuple[Array, Array]:
        """Add `g` to the averages; return them with bias correction, as new arrays."""
        m, v = self.take_averages(g)
        mean = unbiased(m, self.beta1, steps_since_restart(self))
        return mean, unbiased(v, self.beta2, self.step_count + 1)
