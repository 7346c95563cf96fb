"""Frozen parameters, those with ``requires_grad=False``: they stay as they are in every step."""

import itertools
import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from minidl.autograd import Array
from minidl.nn import ParameterVector
from minidl.optim import Optimizer


class Frozen:
    """The frozen entries of a vector, and the numbers that they keep.

    An optimizer moves the whole vector. To keep these entries in place, their gradient and their
    part of the optimizer's state are set to zero, and the numbers are written back after each step.
    A parameter that is trained again therefore starts without velocity.
    """

    def __init__(self, vector: ParameterVector) -> None:
        sizes = [math.prod(shape) for shape in vector.shapes]
        ends = list(itertools.accumulate(sizes))
        frozen = [not p.requires_grad for p in vector]
        runs = itertools.groupby(range(len(sizes)), frozen.__getitem__)
        parts = [list(indices) for is_frozen, indices in runs if is_frozen]
        self.size = vector.size
        self.parts = [slice(ends[group[0]] - sizes[group[0]], ends[group[-1]]) for group in parts]
        self.kept: list[Array] = [vector.value[..., part].copy() for part in self.parts]

    def write(self, *vectors: Array) -> None:
        """Write the kept numbers into vectors."""
        for vector in vectors:
            for part, numbers in zip(self.parts, self.kept, strict=True):
                vector[..., part] = numbers

    def restore(self, w: Array, optimizer: Optimizer) -> None:
        """Write the kept numbers into `w`, and zero into the optimizer's state."""
        self.write(w)
        self._clear(optimizer.state)

    def clear_state(self, optimizer: Optimizer) -> None:
        """Set the optimizer's state of these entries to zero, also in custom attributes."""
        self._clear(optimizer.state)
        self._clear(optimizer.own_state())

    def _clear(self, state: Mapping[str, Any]) -> None:
        for vector in state.values():
            if isinstance(vector, np.ndarray) and vector.shape[-1:] == (self.size,):
                for part in self.parts:
                    vector[..., part] = 0.0

    def holding(self, gradient: Callable[..., Array], w: Array) -> Callable[..., Array]:
        """Return `gradient`, whose last argument is a point, at that point with the kept numbers.

        `w` is the model's own vector, into which the kept numbers are written; other points are
        copied.
        """

        def gradient_there(*arguments: Any) -> Array:
            *batch, point = arguments
            if point is not w:
                point = point.copy()
            self.write(point)
            return gradient(*batch, point)

        return gradient_there


def frozen_in(vector: ParameterVector) -> Frozen | None:
    """Return the frozen entries of a vector, or None if all of it is trained."""
    return None if all(p.requires_grad for p in vector) else Frozen(vector)


def frozen_step(objective: Any, optimizer: Optimizer, gradient: Callable[..., Array]) -> None:
    """Take a step in which the frozen parameters of the vector stay as they are."""
    w, frozen = objective.vector.value, Frozen(objective.vector)
    optimizer.step(w, frozen.holding(gradient, w))
    frozen.restore(w, optimizer)
