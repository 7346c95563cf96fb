"""Callbacks: hooks that run between epochs, in the order of their list.

After epoch 0, the measurement before training, and after each measured epoch, ``on_epoch_end``
receives the new row of the history; the model then holds the optimizer's iterate. What several
callbacks do together is stated at :class:`Callback`.
"""

import inspect
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, ClassVar

from minidl.checks import call, is_minidl, refuse_class
from minidl.errors import ArgumentError, DataError, invalid
from minidl.keywords import Answering
from minidl.optim.attributes import plain
from minidl.schema import MisfitError, Schema, anything, fields


class Callback(Answering):  # Trainer imports this file, so here hooks take Any
    """Base class of callbacks: hooks that do nothing.

    `trainer` is the :class:`~minidl.Trainer`. Hooks may read its ``epoch`` (completed epochs),
    ``samples``, ``seconds``, ``history``, ``seed``, ``model``, ``loss``, ``optimizer``,
    ``batch_size`` and ``objective``. ``trainer.model.parameters.value`` is the optimizer's iterate
    in every hook, and ``.grad`` the gradient of the last batch.

    They may change hyperparameters (``trainer.optimizer.lr = 0.01``), weights
    (``trainer.model.parameters.set(w)``), ``batch_size``, ``shuffle``, the penalty, a dropout rate
    or ``requires_grad``; the change holds from the next epoch on. ``trainer.stop("why")`` ends the
    run after the present epoch. :func:`minidl.train_replicas` trains networks with callbacks one
    after the other, except for :class:`StopAtTarget` and :class:`EarlyStopping`.

    With several callbacks, each hook runs in the order of the list, first the Trainer's, then those
    of ``fit``. Each callback sees each row of the history once, even after another has stopped the
    run; the first reason is kept. If two set the same thing, such as a learning rate, the later one
    wins. The best weights are restored before any ``on_fit_end``: those of the
    :class:`EarlyStopping` that stopped the run, or else of the first one in the list. Every
    ``on_fit_end`` runs, even if another hook has raised.

    Several calls of ``fit`` with the same callbacks are one run: callbacks keep their state between
    them, and a checkpoint saves it.

    Examples
    --------
    Halve the learning rate whenever the loss has increased:

    >>> import numpy as np
    >>> class Halving(Callback):
    ...     def on_epoch_end(self, trainer, record):
    ...         losses = trainer.history["train_loss"]
    ...         if len(losses) > 1 and losses[-1] > losses[-2]:
    ...             trainer.optimizer.lr = trainer.optimizer.lr / 2
    >>> from minidl import Trainer, nn, optim
    >>> X = np.linspace(-1, 1, 50)[:, None]
    >>> trainer = Trainer(
    ...     nn.mlp(1, 8, 1, seed=0), "mse", optimizer=optim.Momentum(0.5), callbacks=[Halving()],
    ...     seed=0)
    >>> history = trainer.fit(X, np.sin(3 * X), epochs=20)
    >>> bool(trainer.optimizer.lr < 0.5)
    True
    """

    not_state: tuple[str, ...] = ()  # attributes that are not state, such as a figure
    state_form: ClassVar[Mapping[str, Schema]] = {}  # what each entry of a saved state must be

    def on_fit_begin(self, trainer: Any, epochs: int) -> None:
        """Run when fit begins; `epochs` is the number of the last epoch to be trained."""

    def on_epoch_begin(self, trainer: Any, epoch: int) -> None:
        """Run before each epoch; the first is 1."""

    def on_epoch_end(self, trainer: Any, record: Mapping[str, float]) -> None:
        """Run after each measured epoch, including epoch 0, with its row of the history."""

    def on_fit_end(self, trainer: Any) -> None:
        """Run when fit ends, also after an error or Ctrl-C."""

    def __repr__(self) -> str:
        """Return the class and its settings."""
        names = [name for name in inspect.signature(type(self)).parameters if name in vars(self)]
        pairs = ", ".join(f"{name}={vars(self)[name]!r}" for name in names)
        return f"{type(self).__name__}({pairs})"

    def state_dict(self) -> dict[str, Any]:
        """Return the state that a checkpoint saves, name -> value.

        By default, these are the attributes that hold numbers, text, None, arrays, random
        generators, or lists, tuples, sets, deques and dicts of them, and the states of callbacks
        among the attributes. Only those that changed in the run are saved. A warning names any
        other attribute that changed, unless it is listed in `not_state`.
        """
        state: dict[str, Any] = {n: v for n, v in vars(self).items() if plain(v)}
        inner = {n: v for n, v in vars(self).items() if isinstance(v, Callback)}
        return state | {name: callback.state_dict() for name, callback in inner.items()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Restore what :meth:`state_dict` returned; by default, set each entry as an attribute."""
        self._check_state(state)
        for name, value in state.items():
            current = vars(self).get(name)
            if isinstance(current, Callback):
                current.load_state_dict(value)
            else:
                vars(self)[name] = value

    def _check_state(self, state: Mapping[str, Any]) -> None:
        """Raise a DataError if a saved state would replace a method, or does not fit its form."""
        if methods := [name for name in state if callable(getattr(type(self), name, None))]:
            problem = f"this state is not that of {type(self).__name__}"
            raise DataError(problem, received=", ".join(methods))
        try:
            if self.state_form:
                fields({}, self.state_form, rest=None if is_minidl(self) else anything)(state, "")
        except MisfitError as error:
            raise DataError(f"the state of {type(self).__name__} does not fit: {error}") from None


def check_callbacks(callbacks: Iterable[Callback]) -> list[Callback]:
    """Return the callbacks as a list, or raise :class:`ArgumentError`."""
    hooks: list[Any] = list(callbacks) if isinstance(callbacks, Iterable) else [None]
    for hook in [callbacks, *hooks]:
        refuse_class("callbacks", hook, Callback)
    if not all(isinstance(hook, Callback) for hook in hooks):
        raise invalid("callbacks", callbacks, "a list of callbacks, such as [EarlyStopping()]")
    return hooks


def check_paths(hooks: Iterable[Callback]) -> None:
    """Raise an ArgumentError if two callbacks, such as those of two networks, write one file.

    Only the file of the last one would be left.
    """
    written: set[Path] = set()
    for hook in hooks:
        path = vars(hook).get("path")
        if not isinstance(path, Path):
            continue
        place = path.resolve()
        if place in written:
            hint = "Give each its own file, such as Checkpoint(next(names))."
            problem = f"would write {path} twice, the second over the first"
            raise ArgumentError(problem, argument="callbacks", hint=hint)
        written.add(place)


class LearningRateSchedule(Callback):
    """Set the learning rate before each epoch.

    `rate` is called with the number of completed epochs: 0 before the first epoch, 1 before the
    second, as in PyTorch's ``LambdaLR`` and Keras's ``LearningRateScheduler``. A schedule of
    :mod:`minidl.optim` thus counts epochs here; for a rate that changes with each step, give it to
    the optimizer instead. An ArgumentError is raised if `rate` is not a function, and during
    training if it returns a rate that is not positive or if the optimizer has no ``lr``.

    >>> from minidl import Trainer, nn, optim
    >>> rates = LearningRateSchedule(optim.StepDecay(0.1, every=2, factor=0.5))
    >>> trainer = Trainer(nn.Dense(1, 1), "mse", optimizer=optim.NAG(1.0), callbacks=[rates])
    >>> for epoch in (1, 2, 3):
    ...     _ = trainer.fit([[1.0]], [1.0], epochs=1)
    ...     print(epoch, trainer.optimizer.lr)
    1 0.1
    2 0.1
    3 0.05
    """

    def __init__(self, rate: Callable[[int], float]) -> None:
        refuse_class("rate", rate, object)
        if not callable(rate):
            expected = "a function of the number of completed epochs, such as optim.StepDecay(...)"
            raise invalid("rate", rate, expected)
        self.rate = rate

    def on_epoch_begin(self, trainer: Any, epoch: int) -> None:
        """Set the rate of this epoch."""
        optimizer = trainer.optimizer
        if not hasattr(optimizer, "lr"):
            problem = "LearningRateSchedule sets lr, which the optimizer does not have"
            hint = "Declare it in the class: lr = minidl.optim.learning_rate()."
            raise ArgumentError(problem, received=repr(optimizer), hint=hint)
        form = "of the number of completed epochs"
        optimizer.lr = call("rate", self.rate, epoch - 1, form=form)
