"""Undo a step that an exception has interrupted, so that it can be repeated."""

import copy
from collections.abc import Mapping
from typing import Any

import numpy as np

from minidl.autograd import Array
from minidl.checks import is_minidl
from minidl.optim import Optimizer
from minidl.optim.attributes import plain
from minidl.training.measure import Objective


class Undo:
    """Copies of all that a step changes, made before the step.

    minidl's own optimizers change weights and velocity only when nothing can fail any more, so only
    counts and the states of random generators are copied. For custom optimizers, the weights and
    all attributes are copied, too, and for networks with buffers the buffers. Most runs need only
    the counts.
    """

    def __init__(
        self,
        objective: Objective,
        optimizer: Optimizer,
        generators: Mapping[int, np.random.Generator],
        buffers: Mapping[str, Array],
    ) -> None:
        self.objective, self.optimizer, self.buffers = objective, optimizer, buffers
        self.generators = [generator.bit_generator for generator in generators.values()]
        self.rule = optimizer.chain()[-1]  # which holds state and counts of all modifiers
        self.custom = not all(map(is_minidl, optimizer.chain()))
        self.needed = self.custom or bool(self.generators or buffers)
        self._drawn: list[Any] = []

    def remember(self) -> None:
        """Keep what the next step changes."""
        if self.generators:
            self._drawn = [generator.state for generator in self.generators]
        if self.custom:
            self._w = self.objective.vector.value.copy()
            self._attributes = {
                name: copy.deepcopy(value) if plain(value) else value
                for name, value in vars(self.rule).items()
            }
        if self.buffers:
            self._buffers = self.objective.model.copy_buffers()

    def restore(self, counts: tuple[int, int]) -> None:
        """Restore the copies, and the counts of steps and of gradients."""
        if self.custom:
            self.objective.vector.set(self._w)
            vars(self.rule).clear()
            vars(self.rule).update(self._attributes)
        self.optimizer.step_count, self.optimizer.gradient_evaluations = counts
        for generator, state in zip(self.generators, self._drawn, strict=True):
            generator.state = state
        if self.buffers:
            self.objective.model.set_buffers(self._buffers)
