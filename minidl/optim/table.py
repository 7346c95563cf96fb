"""The table of names, which the command line and the comparison read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from minidl.errors import ArgumentError
from minidl.keywords import answers
from minidl.optim.base import Optimizer, Setting
from minidl.optim.rules import NAG, GradientDescent, Momentum, ReformulatedNAG
from minidl.registry import Registry

__all__ = ["OPTIMIZERS", "SGD", "TABLE", "BatchSize", "Entry", "lookup"]

BatchSize = int | Literal["full"]


@answers
@dataclass(frozen=True)
class Entry:
    """A row of the table; with ``fixed=True`` the name implies the batch size."""

    name: str
    optimizer: type[Optimizer]
    batch_size: BatchSize = 32
    fixed: bool = False
    aliases: tuple[str, ...] = ()
    summary: str = ""

    @property
    def has_momentum(self) -> bool:
        """Whether the rule takes a momentum coefficient."""
        return hasattr(self.optimizer, "momentum")

    @answers
    def make(self, lr: object, momentum: object = 0.9) -> Optimizer:
        """Return a new optimizer; rules without momentum ignore `momentum`."""
        return self.optimizer(lr=lr, **({"momentum": momentum} if self.has_momentum else {}))

    @answers
    def batches(self, batch_size: BatchSize | None = None) -> BatchSize:
        """Return `batch_size`, by default the row's; an ArgumentError if it is fixed."""
        if batch_size is None or batch_size == self.batch_size:
            return self.batch_size
        if self.fixed:
            message = f"{self.name!r} is gradient descent at batch size {self.batch_size}"
            hint = "For gradient descent at another batch size, use 'gd'."
            raise ArgumentError(message, received=f"batch size {batch_size}", hint=hint)
        return batch_size


OPTIMIZERS: Registry[Entry] = Registry("optimizer")


class _Table(Sequence[Entry]):
    """The rows of the registry, as a sequence."""

    def __getitem__(self, index: Any) -> Any:
        return tuple(OPTIMIZERS.values())[index]

    def __len__(self) -> int:
        return len(OPTIMIZERS)


TABLE = _Table()

_ROWS = (  # name, optimizer, batch size, whether it is fixed, aliases, summary
    ("batch", GradientDescent, "full", True, ("bgd", "full-batch"),
     "gradient descent on all rows at once, one update an epoch"),
    ("stochastic", GradientDescent, 1, True, ("sgd",),
     "gradient descent on one row at a time, in random order"),
    ("gd", GradientDescent, 32, False, ("mini-batch", "gradient-descent"),
     "gradient descent on batches of rows, in random order"),
    ("momentum", Momentum, 32, False, ("heavy-ball", "classical-momentum"),
     "classical momentum (Polyak 1964)"),
    ("nag", NAG, 32, False, ("nesterov", "nag-look-ahead"),
     "Nesterov's accelerated gradient, at the look-ahead point (1983)"),
    ("nag-reformulated", ReformulatedNAG, 32, False, ("nesterov-reformulated", "keras-nesterov"),
     "the same method, storing the look-ahead point (Bengio et al. 2012)"),
)  # fmt: skip
for _row in _ROWS:
    _entry = Entry(*_row)
    OPTIMIZERS.add(_entry.name, _entry, _entry.aliases)


@answers
def lookup(name: str) -> Entry:
    """Return the row for a name or an alias; capitals, spaces, ``-`` and ``_`` do not matter.

    ``OPTIMIZERS.add(name, Entry(name, MyOptimizer))`` adds a name. An unknown one is an
    UnknownNameError that suggests the nearest.

    >>> lookup("mini_batch").name, lookup("Nesterov").make(0.1)
    ('gd', NAG(lr=0.1, momentum=0.9))
    """
    return OPTIMIZERS[name]


@answers
def SGD(  # noqa: N802
    lr: Setting, momentum: Setting = 0.0, *, nesterov: bool = False
) -> Optimizer:
    """Return the optimizer that Keras and PyTorch call SGD.

    Without momentum it is :class:`GradientDescent`, with it :class:`Momentum`, and with
    ``nesterov=True`` :class:`ReformulatedNAG`: as in Keras and PyTorch, the stored weights are the
    look-ahead point. ``nesterov=True`` without momentum is an ArgumentError (Keras, optax and
    scikit-learn ignore it silently), as is a value out of range.

    >>> SGD(0.1), SGD(0.1, 0.9)
    (GradientDescent(lr=0.1), Momentum(lr=0.1, momentum=0.9))
    >>> SGD(0.1, 0.9, nesterov=True)
    ReformulatedNAG(lr=0.1, momentum=0.9)
    """
    optimizer = ReformulatedNAG(lr, momentum) if nesterov else Momentum(lr, momentum)
    setting = optimizer.hyperparameters["momentum"]
    if callable(setting) or np.any(setting):
        return optimizer
    if nesterov:
        raise ArgumentError(
            "nesterov=True with momentum=0 would do nothing: it is plain gradient descent",
            received=f"momentum={momentum!r}",
            expected="0 < momentum < 1",
            hint="Give a momentum such as 0.9, or leave nesterov out.",
        )
    return GradientDescent(lr)
