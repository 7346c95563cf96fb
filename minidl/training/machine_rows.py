"""Rows as the machine reads them: matrices of the dtype of the weights."""

from __future__ import annotations

import numpy as np

from minidl.autograd import Array
from minidl.training.data import Rows
from minidl.training.measure import Objective


class Sources:
    """The rows of each set as matrices of the model's dtype, made once for each part of the data.

    Each is a dictionary of "X", "t", "weights", and of "plain", the weights without those that the
    loss gives, if it gives some.
    """

    def __init__(self) -> None:
        self._kept: list[tuple[Rows, list[dict[str, Array]]]] = []

    def of(self, rows: Rows, sets: Array | None, objective: Objective) -> list[dict[str, Array]]:
        """Return the matrices of each set."""
        for known, made in self._kept:
            if known is rows:
                return made
        dtype, weighs = objective.vector.value.dtype, objective.weighs(rows.t)
        made = []
        for place in [...] if sets is None else range(len(rows.X)):
            X, t, w = rows.X[place], rows.t[place], None if rows.w is None else rows.w[place]
            named = {"X": X, "t": t, "weights": w}
            named |= {"plain": objective.without_own(t, w)} if weighs else {}
            arrays = {name: array for name, array in named.items() if array is not None}
            made.append(
                {
                    name: np.ascontiguousarray(array.reshape(len(array), -1), dtype)
                    for name, array in arrays.items()
                }
            )
        self._kept = [*self._kept[-1:], (rows, made)]  # of training and validation
        return made

    def forget(self) -> None:
        """Forget the rows."""
        self._kept.clear()
