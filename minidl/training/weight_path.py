"""The weights after every epoch, and the loss as a function of weights, for pictures."""

import warnings
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from minidl.autograd import Array
from minidl.checks import check_instance
from minidl.errors import ShapeError
from minidl.keywords import answers
from minidl.training.callbacks import Callback
from minidl.training.data import check_rows
from minidl.training.single import SingleRun
from minidl.values import numbers


class WeightPath(Callback):
    """Keep a copy of the weights after each measured epoch.

    Attributes
    ----------
    measured : list of int
        The measured epochs; 0 is before training.
    weights : float64 array of shape (len(measured), P)
        The optimizer's iterate ``trainer.model.parameters.value`` after each of them; P numbers
        per epoch, so a network of 337 parameters takes 270 kB for 100 epochs. Buffers, such as the
        running means of batch norm, are not kept.

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


@answers
def loss_of_weights(
    trainer: Any, X: npt.ArrayLike, y: npt.ArrayLike
) -> Callable[[npt.ArrayLike], float]:
    """Return the loss on these rows as a function of the weights (P,), for a loss plane.

    It is ``trainer.evaluate(X, y)["loss"]`` with these weights, of which the model has P; its own
    are the same before and after. Buffers, such as the running means of batch norm, are those that
    the model has at the call, also for the weights of earlier epochs, about which a UserWarning is
    given: the losses then differ from those of the history.

    Raises
    ------
    ShapeError
        The weights are not of shape (P,). Errors of the rows are those of ``evaluate``.

    Examples
    --------
    >>> from minidl import Trainer, nn
    >>> trainer = Trainer(nn.mlp(1, 1, seed=0), "mse", "nag", lr=0.1)
    >>> loss = loss_of_weights(trainer, np.ones((4, 1)), np.ones(4))
    >>> loss([1.0, 2.0])  # (1 + 2 - 1)^2
    4.0
    """
    check_instance("trainer", trainer, SingleRun)
    if names := [name for name, _ in trainer.model.named_buffers()]:
        message = "the buffers {} have their present values for all weights, so losses of earlier"
        message += " epochs differ from those of the history"
        warnings.warn(message.format(", ".join(names)), stacklevel=3)

    rows = check_rows("evaluation", X, y, trainer.objective)

    def loss(weights: npt.ArrayLike) -> float:
        vector = trainer.model.parameters.value
        before, (array, _) = vector.copy(), numbers(weights, "weight")
        if array.shape != vector.shape:
            problem = "weights have the wrong shape"
            raise ShapeError(problem, received=array.shape, expected=vector.shape)
        try:
            vector[...] = array
            return float(trainer.objective.measure(*rows)["loss"])
        finally:
            vector[...] = before

    return loss
