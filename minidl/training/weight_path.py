"""A callback that keeps the weights after every epoch, for pictures of how they moved."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from minidl.autograd import Array
from minidl.training.callbacks import Callback


class WeightPath(Callback):
    """Keep a copy of the weights after each measured epoch.

    Attributes
    ----------
    measured : list of int
        The measured epochs; 0 is before training.
    weights : float64 array of shape (len(measured), P)
        The optimizer's iterate ``trainer.model.parameters.value`` after each of them; P numbers
        per epoch, so a network of 337 parameters takes 270 kB for 100 epochs.

    Examples
    --------
    >>> from minidl import Trainer, nn
    >>> path = WeightPath()
    >>> trainer = Trainer(nn.mlp(1, 1, seed=0), "mse", "nag", lr=0.1, seed=0, callbacks=[path])
    >>> history = trainer.fit(np.ones((4, 1)), np.ones(4), epochs=3)
    >>> path.measured, path.weights.shape
    ([0, 1, 2, 3], (4, 2))
    >>> bool((path.weights[-1] == trainer.model.parameters.value).all())
    True
    """

    def __init__(self) -> None:
        self.measured: list[int] = []
        self._rows: list[Array] = []

    @property
    def weights(self) -> Array:
        """The weights after each measured epoch."""
        return np.array(self._rows)

    def on_epoch_end(self, trainer: Any, record: Mapping[str, float]) -> None:
        """Copy the weights."""
        self.measured.append(int(record["epoch"]))
        self._rows.append(trainer.model.parameters.value.copy())
