"""The optimizer of a Trainer, given as a name, as a class or as an object."""

import inspect
from collections.abc import Callable
from functools import partial
from typing import Any

from minidl.checks import check_count, check_flag, check_instance, refuse_class
from minidl.errors import ArgumentError, invalid, shown
from minidl.optim import SGD, BatchSize, Optimizer, lookup
from minidl.optim.base import Setting
from minidl.registry import normalise
from minidl.streams import check_seed
from minidl.training.callbacks import check_callbacks
from minidl.training.data import rows_per_batch
from minidl.training.engine_choice import check_engine
from minidl.training.history import History

EXPECTED = 'a name such as "nag", or an optimizer such as optim.NAG(lr=0.1)'


def choose_optimizer(
    given: Optimizer | Callable[..., Optimizer] | str,
    lr: Setting | None = None,
    momentum: Setting | None = None,
    batch_size: BatchSize | None = None,
) -> tuple[Optimizer, BatchSize]:
    """Return an optimizer and its batch size, by default 32 or what the optimizer's name implies.

    A name, a class or :func:`~minidl.optim.SGD` is called with `lr` and `momentum`; an optimizer is
    returned as it is.

    Raises
    ------
    UnknownNameError, UnknownKeywordError
        There is no optimizer of that name; or it takes no momentum.
    ArgumentError
        A name or a class without `lr`, an optimizer with it, or something else; or the batch size
        is invalid, or another than the name implies; or "sgd", which is two things, without one.

    Examples
    --------
    >>> choose_optimizer("nag", lr=0.1)
    (NAG(lr=0.1, momentum=0.9), 32)
    >>> choose_optimizer("batch", lr=0.1)
    (GradientDescent(lr=0.1), 'full')
    """
    if batch_size is not None:
        rows_per_batch(batch_size, 1)
    both = {"lr": lr, "momentum": momentum}
    settings = {name: value for name, value in both.items() if value is not None}
    if isinstance(given, str):
        entry = lookup(given)
        if normalise(given) == "sgd":
            if batch_size is None:
                hint = "Write batch_size=32, as in Keras, or 1: stochastic gradient descent."
                raise ArgumentError('optimizer "sgd" needs a batch size', hint=hint)
            entry = lookup("gd")
        return _make(entry.optimizer, settings, f'"{given}"'), entry.batches(batch_size)
    if given is SGD or (isinstance(given, type) and issubclass(given, Optimizer)):
        given = _make(given, settings, given.__name__)
    elif not isinstance(given, Optimizer):
        message = "optimizer is neither a name nor an Optimizer"
        raise ArgumentError(message, received=shown(given), expected=EXPECTED)
    elif settings:
        belong = "belongs" if len(settings) == 1 else "belong"
        problem = f"{' and '.join(settings)} {belong} to the optimizer, which already exists"
        hint = f"Set it there, or give the class: optimizer={type(given).__name__}, lr=0.1."
        raise ArgumentError(problem, received=shown(given), hint=hint)
    return given, 32 if batch_size is None else batch_size


def _check_optimizer(optimizer: object) -> Optimizer:
    """Return an optimizer, or raise an ArgumentError."""
    if not isinstance(optimizer, Optimizer):
        refuse_class("optimizer", optimizer, Optimizer)
        raise invalid("optimizer", optimizer, "an optimizer, such as optim.NAG(lr=0.1)")
    return optimizer


def _check_history(history: History) -> History:
    """Return a history, or raise an ArgumentError."""
    check_instance("history", history, History)
    return history


def _check_batch_size(batch_size: BatchSize) -> BatchSize:
    """Return a valid batch size."""
    rows_per_batch(batch_size, 1)
    return batch_size


CHECKS: dict[str, Callable[[Any], Any]] = {  # of the settings of a Trainer
    "optimizer": _check_optimizer,
    "batch_size": _check_batch_size,
    "seed": check_seed,
    "shuffle": partial(check_flag, "shuffle"),
    "look_ahead": partial(check_flag, "look_ahead"),
    "measure_every": lambda every: check_count("measure_every", every, 0),
    "engine": check_engine,
    "callbacks": check_callbacks,
    "schedule_epochs": lambda n: None if n is None else check_count("schedule_epochs", n),
    "history": _check_history,
    "epoch": lambda epoch: check_count("epoch", epoch, 0),
}


def _make(cls: Callable[..., Optimizer], settings: dict[str, Setting], name: str) -> Optimizer:
    """Return a new optimizer, which the user has written as `name`."""
    function = getattr(cls, "__init__") if isinstance(cls, type) else cls  # noqa: B009
    parameters = list(inspect.signature(function).parameters.values())[isinstance(cls, type) :]
    several = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    needed = {p.name for p in parameters if p.default is p.empty and p.kind not in several}
    missing = needed - settings.keys()
    if inspect.isabstract(cls) or missing - {"lr"}:
        refuse_class("optimizer", cls, Optimizer)  # which raises, and says how to make one
    if missing:
        hint = f"Write optimizer={name}, lr=0.1, for instance."
        raise ArgumentError(f"optimizer {name} needs a learning rate", hint=hint)
    return cls(**settings)
