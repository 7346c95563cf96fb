"""Penalties on weights: L1 and L2."""

import math
from typing import ClassVar

import numpy as np

from minidl.autograd import Array, Tensor, ops
from minidl.checks import check_number
from minidl.keywords import Answering
from minidl.nn.layer import Layer
from minidl.nn.parameters import ParameterVector


def check_strength(name: str, value: float) -> float:
    """Return `value` as the strength of a penalty, or raise an ArgumentError that names it."""
    return check_number(name, value, lambda s: 0 <= s < math.inf, "a finite number >= 0")


class Penalty(Answering):
    """The base: a penalty on the weights that is added to the loss; biases do not count.

    `strength` is finite and at least 0, otherwise an ArgumentError.
    """

    _checks: ClassVar = {"strength": lambda strength: check_strength("strength", strength)}

    def __init__(self, strength: float) -> None:
        self.strength = strength

    def __call__(self, model: Layer) -> Tensor:
        """Return the penalty as a Tensor, to be added to a loss."""
        parts = [p for _, p in model.named_parameters() if np.any(p.penalized)]
        terms = [self.of(p if np.all(p.penalized) else p * p.penalized) for p in parts]
        return sum(terms[1:], terms[0]) if terms else Tensor(0.0)

    def of(self, weights: Tensor) -> Tensor:
        """Return the penalty of some weights."""
        raise NotImplementedError

    def value(self, vector: ParameterVector) -> float | Array:
        """Return the penalty of a parameter vector, an array (R,) for replicas."""
        return self.size(vector.value * vector.penalized)

    def size(self, weights: Array) -> float | Array:
        """Return the penalty of an array (P,), or of each row of an array (R, P)."""
        raise NotImplementedError

    def slope(self, weights: Array) -> Array:
        """Return its derivative by each weight."""
        raise NotImplementedError

    def add(self, vector: ParameterVector) -> float | Array:
        """Return the penalty, and add its gradient to ``vector.grad``; frozen ones get none."""
        weights = vector.value * vector.penalized
        vector.grad += self.slope(weights)
        for p in vector:
            if not p.requires_grad:
                vector.gradients[p._order][...] = 0.0
        return self.size(weights)


class L2Penalty(Penalty):
    """Half the strength times the sum of squared weights, (s / 2) ||W||^2; biases do not count.

    It is added to the loss, so s W is added to the gradient: ``torch.optim.SGD(weight_decay=s)``
    for the weights alone, and Keras's ``regularizers.L2(s / 2)``. Keras's ``weight_decay`` differs:
    it shrinks the weights beside the step and never enters the velocity. `strength` is s, finite
    and at least 0, otherwise an ArgumentError.

    >>> from minidl import nn
    >>> L2Penalty(0.1)(nn.Dense(2, 1, initializer="constant:3")).item()
    0.9
    """

    def of(self, weights: Tensor) -> Tensor:
        """Return (s / 2) ||W||^2."""
        half: Tensor = (self.strength / 2) * ops.square(weights).sum()
        return half

    def size(self, weights: Array) -> float | Array:
        """Return (s / 2) ||W||^2."""
        squares: Array = np.vecdot(weights, weights)
        single = weights.ndim == 1
        return 0.5 * self.strength * (squares.item() if single else squares.astype(np.float64))

    def slope(self, weights: Array) -> Array:
        """Return s W."""
        return self.strength * weights


class L1Penalty(Penalty):
    """The strength times the sum of absolute weights, s sum |W|; biases do not count.

    s sign(W) is added to the gradient, 0 for a weight of 0, as by Keras's ``regularizers.L1(s)``,
    and in PyTorch by ``loss + s * W.abs().sum()``. Gradient steps then move small weights around
    0, and rarely to exactly 0. Tibshirani 1996, "Regression shrinkage and selection via the lasso".
    `strength` is s, finite and at least 0, otherwise an ArgumentError.

    >>> from minidl import nn
    >>> L1Penalty(0.1)(nn.Dense(2, 1, initializer="constant:-3")).item()
    0.6000000000000001
    """

    def of(self, weights: Tensor) -> Tensor:
        """Return s sum |W|."""
        total: Tensor = self.strength * ops.absolute(weights).sum()
        return total

    def size(self, weights: Array) -> float | Array:
        """Return s sum |W|."""
        sums: Array = np.abs(weights).sum(axis=-1, dtype=np.float64)
        return self.strength * (sums.item() if sums.ndim == 0 else sums)

    def slope(self, weights: Array) -> Array:
        """Return s sign(W)."""
        return self.strength * np.sign(weights)
