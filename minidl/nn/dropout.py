"""Dropout: noise in training, nothing afterwards."""

from __future__ import annotations

from typing import Any

from minidl.checks import check_number
from minidl.nn.layer import Layer, Training
from minidl.streams import Seed, check_seed, stream

__all__ = ["Dropout", "check_rate"]


def check_rate(name: str, value: Any) -> float:
    """Return `value` as the rate of a dropout; `name` is what its user calls it.

    Raises
    ------
    ArgumentError
        It is not in [0, 1).
    """
    return check_number(name, value, lambda r: 0 <= r < 1, "a number from 0 up to, but not, 1")


class Dropout(Layer):
    """Set a random part of the elements to zero in training, and scale up the others.

    With probability `rate` an element becomes 0, otherwise it is divided by 1 - rate, so its
    expectation stays (inverted dropout, as in PyTorch and Keras). Outside training it does
    nothing. Srivastava et al. 2014.

    Parameters
    ----------
    rate : float
        In [0, 1).
    seed : int, optional
        For ``training=True``; without one, that of the :class:`Sequential` around it, if any. A
        generator given as ``training=`` is used instead.

    Raises
    ------
    ArgumentError
        `rate` is not in [0, 1).

    Examples
    --------
    >>> import numpy as np
    >>> Dropout(0.5)(np.ones((1, 4)), training=np.random.default_rng(1))
    array([[2., 2., 0., 2.]])
    """

    def __init__(self, rate: float, *, seed: Seed = None) -> None:
        self.rate = check_rate("rate", rate)
        self.seed = None if seed is None else check_seed(seed)
        self.generator = stream(check_seed(seed), "dropout")

    @property
    def stochastic(self) -> bool:
        """True: this layer draws random numbers in training."""
        return True

    def forward(self, x: Any, training: Training = False) -> Any:
        """Return x, or in training x with noise."""
        if not training or self.rate == 0:
            return x
        generator: Any = training if hasattr(training, "random") else self.generator
        keep = generator.random(x.shape) >= self.rate
        return x * (keep / x.dtype.type(1 - self.rate))

    def __repr__(self) -> str:
        return f"Dropout({self.rate})"
