"""The L2 penalty on weights."""

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


class L2Penalty(Answering):
    """Half the strength times the sum of squared weights, (s / 2) ||W||^2; biases do not count.

    It is added to the loss, so s W is added to the gradient: ``torch.optim.SGD(weight_decay=s)``
    for the weights alone, and Keras's ``regularizers.L2(s / 2)``. Keras's ``weight_decay`` differs:
    it shrinks the weights beside the step and never enters the velocity. `strength` is s, finite
    and at least 0, otherwise an ArgumentError.

    >>> from minidl import nn
    >>> L2Penalty(0.1)(nn.Dense(2, 1, initializer="constant:3")).item()
    0.9
    """

    _checks: ClassVar = {"strength": lambda strength: check_strength("strength", strength)}

    def __init__(self, strength: float) -> None:
        self.strength = strength

    def __call__(self, model: Layer) -> Tensor:
        """Return the penalty as a Tensor, to be added to a loss."""
        squares = [ops.square(p).sum() for _, p in model.named_parameters() if p.penalized]
        return (self.strength / 2) * sum(squares[1:], squares[0]) if squares else Tensor(0.0)

    def value(self, vector: ParameterVector) -> float | Array:
        """Return the penalty of a parameter vector, an array (R,) for replicas."""
        weights = vector.value * vector.penalized
        squares: Array = np.vecdot(weights, weights).astype(np.float64)
        half: float = 0.5 * self.strength
        return half * squares.item() if weights.ndim == 1 else half * squares

    def add(self, vector: ParameterVector) -> float | Array:
        """Return the penalty, and add its gradient to ``vector.grad``; frozen ones get none."""
        vector.grad += self.strength * (vector.value * vector.penalized)
        for p in vector:
            if not p.requires_grad:
                vector.gradients[p._order][...] = 0.0
        return self.value(vector)
