"""The table of names: one row maps a flag to an optimizer and to how batches are drawn.

The command line, the comparison and the documentation read this table and no other.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from minidl.checks import check_name
from minidl.errors import ArgumentError
from minidl.optim.base import Optimizer
from minidl.optim.gradient_descent import GradientDescent
from minidl.optim.keywords import checked
from minidl.optim.momentum import NAG, Momentum, ReformulatedNAG

__all__ = ["SGD", "TABLE", "BatchSize", "Entry", "lookup"]

BatchSize = int | Literal["full"]


@dataclass(frozen=True)
class Entry:
    """One row: a name people type, and what it stands for.

    Attributes
    ----------
    name : str
        The name, as printed.
    optimizer : type of Optimizer
        The update rule.
    batch_size : int or "full"
        How batches are drawn unless told otherwise.
    fixed : bool
        Whether the name itself says the batch size, so that it cannot be told otherwise.
    aliases : tuple of str
        Other names for it.
    summary : str
        One line for ``minidl list optimizers``.
    """

    name: str
    optimizer: type[Optimizer]
    batch_size: BatchSize
    fixed: bool
    aliases: tuple[str, ...]
    summary: str

    @property
    def has_momentum(self) -> bool:
        """Whether the rule takes a momentum coefficient."""
        return self.optimizer is not GradientDescent

    def make(self, lr: object, momentum: object = 0.9) -> Optimizer:
        """Return a new optimizer; `momentum` is used only by rules that have one.

        Examples
        --------
        >>> lookup("nag").make(0.1, 0.9)
        NAG(lr=0.1, momentum=0.9)
        >>> lookup("mini-batch").make(0.1)
        GradientDescent(lr=0.1)
        """
        keywords = {"momentum": momentum} if self.has_momentum else {}
        return self.optimizer(lr=lr, **keywords)

    def batches(self, batch_size: BatchSize | None = None) -> BatchSize:
        """Return the batch size to use: `batch_size`, or the row's own if that is None.

        Raises
        ------
        ArgumentError
            The name fixes the batch size and another one was asked for.
        """
        if batch_size is None or batch_size == self.batch_size:
            return self.batch_size
        if self.fixed:
            raise ArgumentError(
                f"{self.name!r} is gradient descent at batch size {self.batch_size}",
                received=f"batch size {batch_size}",
                hint="For gradient descent at a batch size of your own, use 'mini-batch'.",
            )
        return batch_size


TABLE = (
    Entry(
        "batch",
        GradientDescent,
        "full",
        True,
        ("bgd", "full-batch"),
        "gradient descent on all rows at once, one update an epoch",
    ),
    Entry(
        "stochastic",
        GradientDescent,
        1,
        True,
        ("sgd",),
        "gradient descent on one row at a time, in random order",
    ),
    Entry(
        "mini-batch",
        GradientDescent,
        32,
        False,
        ("minibatch", "gd", "gradient-descent"),
        "gradient descent on batches of rows, in random order",
    ),
    Entry(
        "momentum",
        Momentum,
        32,
        False,
        ("heavy-ball", "classical-momentum"),
        "classical momentum (Polyak 1964)",
    ),
    Entry(
        "nag",
        NAG,
        32,
        False,
        ("nesterov", "nag-look-ahead"),
        "Nesterov's accelerated gradient, at the look-ahead point (1983)",
    ),
    Entry(
        "nag-reformulated",
        ReformulatedNAG,
        32,
        False,
        ("nesterov-reformulated", "keras-nesterov"),
        "the same method, storing the look-ahead point (Bengio et al. 2012)",
    ),
)


def lookup(name: str) -> Entry:
    """Return the row for a name or an alias; capitals, spaces and underscores do not matter.

    Raises
    ------
    UnknownNameError
        There is no such name; the message suggests the nearest.

    Examples
    --------
    >>> lookup("Nesterov").name, lookup("mini_batch").name
    ('nag', 'mini-batch')
    """
    rows = {entry.name: entry for entry in TABLE}
    aliases = {alias: entry.name for entry in TABLE for alias in entry.aliases}
    return rows[check_name("optimizer", name, rows, aliases)]


@checked
def SGD(lr: object, momentum: object = 0.0, *, nesterov: bool = False) -> Optimizer:  # noqa: N802
    """Return the optimizer that Keras and PyTorch call SGD.

    Parameters
    ----------
    lr : float, Schedule or sequence of float
        The learning rate.
    momentum : float, Schedule or sequence of float, default 0.0
        The momentum coefficient. 0 gives :class:`GradientDescent`.
    nesterov : bool, default False
        False gives :class:`Momentum`. True gives :class:`ReformulatedNAG`, the form that Keras
        and PyTorch use: it stores the look-ahead point, so weights agree with theirs.

    Raises
    ------
    ArgumentError
        ``nesterov=True`` with ``momentum=0``, which would do nothing (PyTorch refuses it too;
        Keras, optax and scikit-learn ignore it silently), or a value out of range.

    Examples
    --------
    >>> SGD(0.1), SGD(0.1, 0.9)
    (GradientDescent(lr=0.1), Momentum(lr=0.1, momentum=0.9))
    >>> SGD(0.1, 0.9, nesterov=True)
    ReformulatedNAG(lr=0.1, momentum=0.9)
    """
    optimizer = ReformulatedNAG(lr, momentum) if nesterov else Momentum(lr, momentum)
    checked = optimizer.hyperparameters["momentum"]
    if callable(checked) or np.any(checked):
        return optimizer
    if nesterov:
        raise ArgumentError(
            "nesterov=True with momentum=0 would do nothing: it is plain gradient descent",
            received=f"momentum={momentum!r}",
            expected="0 < momentum < 1",
            hint="Give a momentum such as 0.9, or leave nesterov out.",
        )
    return GradientDescent(lr)
