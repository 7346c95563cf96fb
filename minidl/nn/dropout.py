"""Dropout: noise in training, nothing afterwards."""

from __future__ import annotations

from minidl.checks import check_number
from minidl.nn.layer import Layer, Training, Value
from minidl.streams import Seed, check_seed, stream

__all__ = ["Dropout", "check_rate"]


def check_rate(name: str, value: float) -> float:
    """Return `value` as a dropout rate, or raise an ArgumentError that calls it `name`."""
    return check_number(name, value, lambda rate: 0 <= rate < 1, "a number in [0, 1)")


class Dropout(Layer):
    """Set a random part of the elements to zero in training, and scale up the others.

    y = x / (1 - rate) with probability 1 - rate, else 0, so the expectation is x (inverted
    dropout, as in PyTorch and Keras). Outside training y = x. Srivastava et al. 2014.

    Parameters
    ----------
    rate : float
        In [0, 1), otherwise an ArgumentError.
    seed : int, optional
        By default that of the :class:`Sequential` around the layer. A generator given as
        ``training=`` is used instead.

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
        self.provisional = seed is None  # a Sequential may give it another generator

    @property
    def stochastic(self) -> bool:
        """True: this layer draws random numbers in training."""
        return True

    def forward(self, x: Value, training: Training = False) -> Value:
        """Return x, or in training x with noise."""
        if not training or self.rate == 0:
            return x
        random = getattr(training, "random", self.generator.random)  # of a generator, or True
        keep = random(x.shape) >= self.rate
        return x * (keep / x.dtype.type(1 - self.rate))

    def __repr__(self) -> str:
        return f"Dropout({self.rate})"
