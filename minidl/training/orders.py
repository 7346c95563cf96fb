"""The order in which an epoch takes the rows."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from minidl.autograd import Array
from minidl.streams import stream
from minidl.training.data import permutation


class Orders:
    """Orders of rows, from the stream "shuffle" of each seed; the next ones may be drawn ahead."""

    def __init__(self) -> None:
        self._ahead: dict[tuple[int, int, int], Array] = {}  # by seed, epoch and number of rows

    def of(self, seeds: Sequence[int], epoch: int, n: int) -> Array:
        """Return the order of n rows for each network (R, n), or (n,) if all have the same.

        Whatever else was drawn ahead is forgotten.
        """
        self.draw_ahead(seeds, epoch, n)
        drawn, self._ahead = self._ahead, {}
        if len(set(seeds)) == 1:
            return drawn[seeds[0], epoch, n]
        return np.stack([drawn[seed, epoch, n] for seed in seeds])

    def are_drawn(self, seeds: Sequence[int], epoch: int, n: int) -> bool:
        """Return whether all orders of an epoch have been drawn ahead."""
        return all((seed, epoch, n) in self._ahead for seed in seeds)

    def forget(self) -> None:
        """Forget what was drawn ahead."""
        self._ahead = {}

    def draw_ahead(self, seeds: Sequence[int], epoch: int, n: int) -> None:
        """Draw the orders of an epoch, but for those that have been drawn."""
        for seed in seeds:
            if (seed, epoch, n) not in self._ahead:
                self._ahead[seed, epoch, n] = permutation(stream(seed, "shuffle", epoch), n)
