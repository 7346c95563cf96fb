"""What is trained: the four workloads, and how long a run of each is.

A run has enough steps for what happens once per call to stay small, and few enough for many
rounds to fit into a minute.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from minidl import datasets

MOMENTUM = 0.9


@dataclass(frozen=True)
class Workload:
    """A network, its data and its batches; one output means two classes, more mean softmax."""

    name: str
    data: str
    sizes: tuple[int, ...]
    activation: str
    rows: int | None  # to generate; None for a set of fixed size
    batch: int | None  # None for all rows at once
    epochs: int
    target: float  # ratio to torch that must not be exceeded
    lr: float = 0.1  # with momentum 0.9 too much for batch 1: there, nobody's loss settles

    @property
    def guessing(self) -> float:
        """The loss of a network that knows nothing; one that learns ends below it."""
        return float(np.log(max(2, self.sizes[-1])))

    def load(self) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
        """Return standardised inputs and the numbers of the classes."""
        options: dict[str, Any] = {} if self.rows is None else {"n": self.rows}
        data = datasets.load(self.data, test_size=0.0, **options)
        return data.X_train, data.y_train


MOONS: dict[str, Any] = {
    "data": "moons",
    "sizes": (2, 16, 16, 1),
    "activation": "tanh",
    "rows": 1000,
}
WORKLOADS = (
    Workload("moons, batch 32", **MOONS, batch=32, epochs=20, target=0.20),
    Workload("moons, batch 1", **MOONS, batch=1, epochs=1, target=0.20),
    Workload("moons, full batch", **MOONS, batch=None, epochs=200, target=0.40),
    Workload("digits, batch 64", "digits", (64, 256, 256, 10), "relu", None, 64, 8, target=0.90),
)
