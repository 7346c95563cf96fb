"""The table of names: a row maps a name to an optimizer and to how batches are drawn.

The command line, the comparison and the documentation read this table.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, overload

import numpy as np

from minidl.errors import ArgumentError
from minidl.optim.base import Optimizer, Setting
from minidl.optim.gradient_descent import GradientDescent
from minidl.optim.keywords import checked
from minidl.optim.momentum import NAG, Momentum, ReformulatedNAG
from minidl.registry import Registry

__all__ = ["OPTIMIZERS", "SGD", "TABLE", "BatchSize", "Entry", "lookup"]

BatchSize = int | Literal["full"]


@dataclass(frozen=True)
class Entry:
    """A row of the table: a name, the optimizer, and how batches are drawn for it.

    With ``fixed=True`` the name implies the batch size, so that no other can be given.
    """

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

    def make(self, lr: object, momentum: object = 0.9) -> Optimizer:
        """Return a new optimizer; rules without momentum ignore `momentum`.

        Examples
        --------
        >>> lookup("nag").make(0.1, 0.9), lookup("mini-batch").make(0.1)
        (NAG(lr=0.1, momentum=0.9), GradientDescent(lr=0.1))
        """
        keywords = {"momentum": momentum} if self.has_momentum else {}
        return self.optimizer(lr=lr, **keywords)

    def batches(self, batch_size: BatchSize | None = None) -> BatchSize:
        """Return `batch_size`, by default the row's; an ArgumentError if it is fixed."""
        if batch_size is None or batch_size == self.batch_size:
            return self.batch_size
        if self.fixed:
            raise ArgumentError(
                f"{self.name!r} is gradient descent at batch size {self.batch_size}",
                received=f"batch size {batch_size}",
                hint="For gradient descent at another batch size, use 'mini-batch'.",
            )
        return batch_size


OPTIMIZERS: Registry[Entry] = Registry("optimizer")


class _Table(Sequence[Entry]):
    """The rows of the registry, as a sequence."""

    @overload
    def __getitem__(self, index: int) -> Entry: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Entry]: ...
    def __getitem__(self, index: int | slice) -> Entry | Sequence[Entry]:
        return tuple(OPTIMIZERS.values())[index]

    def __len__(self) -> int:
        return len(OPTIMIZERS)


TABLE = _Table()

for _entry in (
    Entry(
        "batch",
        GradientDescent,
        "full",
        fixed=True,
        aliases=("bgd", "full-batch"),
        summary="gradient descent on all rows at once, one update an epoch",
    ),
    Entry(
        "stochastic",
        GradientDescent,
        1,
        fixed=True,
        aliases=("sgd",),
        summary="gradient descent on one row at a time, in random order",
    ),
    Entry(
        "mini-batch",
        GradientDescent,
        aliases=("minibatch", "gd", "gradient-descent"),
        summary="gradient descent on batches of rows, in random order",
    ),
    Entry(
        "momentum",
        Momentum,
        aliases=("heavy-ball", "classical-momentum"),
        summary="classical momentum (Polyak 1964)",
    ),
    Entry(
        "nag",
        NAG,
        aliases=("nesterov", "nag-look-ahead"),
        summary="Nesterov's accelerated gradient, at the look-ahead point (1983)",
    ),
    Entry(
        "nag-reformulated",
        ReformulatedNAG,
        aliases=("nesterov-reformulated", "keras-nesterov"),
        summary="the same method, storing the look-ahead point (Bengio et al. 2012)",
    ),
):
    OPTIMIZERS.add(_entry.name, _entry, _entry.aliases)


def lookup(name: str) -> Entry:
    """Return the row for a name or an alias; capitals, spaces, ``-`` and ``_`` do not matter.

    ``OPTIMIZERS.add(name, Entry(name, MyOptimizer))`` adds a name.

    Raises
    ------
    UnknownNameError
        The name is not registered; the message suggests the nearest.

    Examples
    --------
    >>> lookup("Nesterov").name, lookup("mini_batch").name
    ('nag', 'mini-batch')
    """
    return OPTIMIZERS[name]


@checked
def SGD(  # noqa: N802
    lr: Setting, momentum: Setting = 0.0, *, nesterov: bool = False
) -> Optimizer:
    """Return the optimizer that Keras and PyTorch call SGD.

    Without momentum it is :class:`GradientDescent`, with it :class:`Momentum`, and with
    ``nesterov=True`` :class:`ReformulatedNAG`: as in Keras and PyTorch, the stored weights are the
    look-ahead point.

    Raises
    ------
    ArgumentError
        ``nesterov=True`` without momentum (Keras, optax and scikit-learn ignore it silently), or a
        value out of range.

    Examples
    --------
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
