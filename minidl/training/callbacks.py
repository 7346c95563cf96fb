"""Callbacks: hooks that run between epochs, in the order of their list.

After epoch 0, the measurement before training, and after each measured epoch, ``on_epoch_end``
receives the new row of the history; the model then holds the optimizer's iterate. What several
callbacks do together is stated at :class:`Callback`.
"""

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from minidl.autograd import Array
from minidl.checks import check_count, refuse_class
from minidl.errors import ArgumentError, UnknownNameError, invalid, name_hint
from minidl.keywords import Answering
from minidl.optim.attributes import plain
from minidl.training.history import Target


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

    Several callbacks together: each hook runs in the order of the list, the Trainer's callbacks
    before those of ``fit``. Every callback sees every row once, also when an earlier one has
    stopped the run; the reason is that of the first which stopped it. Of two that set the same
    thing, such as a learning rate, the later one holds. At the end the best weights are restored
    before any ``on_fit_end``: those of the :class:`EarlyStopping` that stopped the run, otherwise
    of the first in the list. Every ``on_fit_end`` runs, also if another hook has raised.

    Several calls of ``fit`` with the same callbacks are one run to them: they keep what they count,
    and a checkpoint keeps it too.

    Examples
    --------
    Halve the learning rate whenever the loss has grown:

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

    def on_fit_begin(self, trainer: Any, epochs: int) -> None:
        """Run when fit begins; `epochs` is the number of its last epoch."""

    def on_epoch_begin(self, trainer: Any, epoch: int) -> None:
        """Run before each epoch; the first is 1."""

    def on_epoch_end(self, trainer: Any, record: Mapping[str, float]) -> None:
        """Run after each measured epoch, 0 included, with its row of the history."""

    def on_fit_end(self, trainer: Any) -> None:
        """Run when fit ends, also after an error or Ctrl-C."""

    def state_dict(self) -> dict[str, Any]:
        """Return what a checkpoint saves of this callback, name -> value.

        By default these are its attributes that are numbers, text, None, arrays, random generators,
        or lists, tuples, sets, deques and dicts of these. Others, such as functions, are not saved.
        """
        return {name: value for name, value in vars(self).items() if plain(value)}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Restore what :meth:`state_dict` returned in a saved run; by default as attributes."""
        vars(self).update(state)


def check_callbacks(callbacks: Iterable[Callback]) -> list[Callback]:
    """Return the callbacks as a list, or raise :class:`ArgumentError`."""
    hooks: list[Any] = list(callbacks) if isinstance(callbacks, Iterable) else [None]
    for hook in [callbacks, *hooks]:
        refuse_class("callbacks", hook, Callback)
    if not all(isinstance(hook, Callback) for hook in hooks):
        raise invalid("callbacks", callbacks, "a list of callbacks, such as [EarlyStopping()]")
    return hooks


class StopRule(Callback):
    """A callback that stops on rows of the history alone, so networks can be trained together."""

    reason = "stopped"

    def observe(self, record: Mapping[str, float], w: Array) -> bool:
        """Return True if the run stops, given a row of the history and the weights (P,)."""
        raise NotImplementedError

    def keep_buffers(self, buffers: Mapping[str, Array]) -> None:
        """Copy the buffers of the row that was observed last, if its weights were kept."""

    def on_epoch_end(self, trainer: Any, record: Mapping[str, float]) -> None:
        """Stop the run if :meth:`observe` says so."""
        if self.observe(record, trainer.model.parameters.value):
            trainer.stop(self.reason)
        self.keep_buffers(trainer.buffers())


class StopAtTarget(StopRule):
    """Stop as soon as a loss or an accuracy has been reached.

    Parameters
    ----------
    loss, accuracy : float
        The target; give one of the two, a finite loss or an accuracy in [0, 1]. Anything else is
        an :class:`ArgumentError`.
    on : {"train", "validation"}, default "train"
        The rows on which it is measured.
    sustained : int, default 1
        For how many measured epochs in a row it must hold.
    """

    reason = "target"

    def __init__(
        self, loss: Target = None, *, accuracy: Target = None, on: str = "train", sustained: int = 1
    ) -> None:
        if (loss is None) == (accuracy is None):
            raise ArgumentError("give either loss or accuracy as the target")
        if loss is not None and not math.isfinite(loss):
            raise invalid("loss", loss, "a finite number")
        if accuracy is not None and not 0 <= accuracy <= 1:
            raise invalid("accuracy", accuracy, "in [0, 1]")
        if on not in ("train", "validation"):
            raise invalid("on", on, '"train" or "validation"')
        self.loss, self.accuracy, self.on = loss, accuracy, on
        self.column = f"{on}_accuracy" if loss is None else f"{on}_loss"  # of the history
        self.sustained = check_count("sustained", sustained)
        self.held = 0

    def on_fit_begin(self, trainer: Any, epochs: int) -> None:
        """Count for how many rows the target has held; stop if an earlier fit has reached it."""
        self.held = 0
        for row in trainer.history:
            self.observe(row, trainer.model.parameters.value)
        if self.held >= self.sustained:
            trainer.stop(self.reason)

    def state_dict(self) -> dict[str, Any]:
        """Return nothing: the rows of the history are counted again."""
        return {}

    def observe(self, record: Mapping[str, float], w: Array) -> bool:
        """Return True if the last `sustained` rows reach the target."""
        if self.column not in record:
            raise UnknownNameError("column", self.column, record)
        value, loss, accuracy = record[self.column], self.loss, self.accuracy
        holds = accuracy is not None and value >= accuracy if loss is None else value <= loss
        self.held = self.held + 1 if holds else 0
        return self.held >= self.sustained


class EarlyStopping(StopRule):
    """Stop when a column has stopped improving, and restore the best weights.

    Several calls of ``fit`` are one run: the next call goes on from the weights that training had
    reached, unless the restored ones have been changed since, and a run that was stopped is not
    trained any further with the same rule before :meth:`reset`. A rule that is used for another
    run, or was left out of a call of ``fit``, begins anew.

    Parameters
    ----------
    monitor : str, default "validation_loss"
        A column of the history; a column with "accuracy" in its name is better when larger.
    patience : int, default 10
        Stop after this many measured epochs in a row without improvement, as in Keras.
    min_delta : float, default 0.0
        The smallest change that counts as an improvement.
    restore_best : bool, default True
        Whether the model gets its best weights back at the end.

    Attributes
    ----------
    best : float
        The best value so far; of an accuracy, its negative.
    best_epoch : int
        The epoch of the best value so far.
    waited : int
        Measured epochs since then.
    weights : ndarray or None
        The model's weights after that epoch.
    """

    reason = "early stopping"

    def __init__(
        self,
        monitor: str = "validation_loss",
        *,
        patience: int = 10,
        min_delta: float = 0.0,
        restore_best: bool = True,
    ) -> None:
        if not 0 <= min_delta < math.inf:
            raise invalid("min_delta", min_delta, "a finite number >= 0")
        if not isinstance(monitor, str):
            hint = "Patience has a name: EarlyStopping(patience=5)."
            raise invalid("monitor", monitor, "a column of the history", hint)
        self.monitor = monitor
        self.patience = check_count("patience", patience)
        self.min_delta, self.restore_best = min_delta, restore_best
        self._restored = False  # from a checkpoint
        self.reset()

    def reset(self) -> None:
        """Forget all that was observed, so that a run that was stopped can go on."""
        self.best, self.best_epoch, self.waited = math.inf, -1, 0
        self.weights: Array | None = None
        self.buffers: dict[str, Array] = {}
        self.observed: tuple[int, float] | None = None  # epoch and loss of the last row
        self.paused: dict[str, Array] = {}  # where training was when the best weights were restored

    @property
    def keeps_weights(self) -> bool:
        """Whether the model gets its best weights back when fit ends."""
        return self.restore_best and self.weights is not None

    @property
    def has_stopped(self) -> bool:
        """Whether patience has run out."""
        return self.waited >= self.patience

    def on_fit_begin(self, trainer: Any, epochs: int) -> None:
        """Go on from where an earlier call of fit has ended, or begin anew in another run."""
        row = trainer.history.row(-1) if len(trainer.history) else {}
        if not self._restored and self.observed != (row.get("epoch"), row.get("train_loss")):
            self.reset()
        self._restored = False
        if self.has_stopped:
            trainer.stop(self.reason)
        elif self._holds_best(trainer):
            trainer.go_to(self.paused)
        self.paused = {}

    def _holds_best(self, trainer: Any) -> bool:
        """Return whether the model still has the best weights, which an earlier fit restored."""
        w = trainer.model.parameters.value
        return bool(self.paused) and self.weights is not None and np.array_equal(w, self.weights)

    def observe(self, record: Mapping[str, float], w: Array) -> bool:
        """Keep the weights if they are the best so far; return True if patience has run out."""
        if self.monitor not in record:
            problem = f"EarlyStopping monitors {self.monitor!r}, which is not recorded"
            hint = name_hint("column", self.monitor.strip().lower(), list(record))
            raise ArgumentError(problem, expected=", ".join(record), hint=hint)
        value = record[self.monitor] * (-1.0 if "accuracy" in self.monitor else 1.0)
        self.observed = int(record["epoch"]), record.get("train_loss", math.nan)
        if math.isnan(value) and record["epoch"] == 0:
            return False  # running_loss and gradient_norm begin with epoch 1
        if value < self.best - self.min_delta:
            self.best, self.best_epoch, self.waited = value, int(record["epoch"]), 0
            self.weights = w.copy()
            return False
        self.waited += 1
        return self.has_stopped

    def keep_buffers(self, buffers: Mapping[str, Array]) -> None:
        """Copy the buffers if the row observed last was the best."""
        if self.waited == 0 and self.restore_best:
            self.buffers = {name: array.copy() for name, array in buffers.items()}

    def restore(self, trainer: Any) -> None:
        """Give the model its best weights, and remember where training was."""
        self.paused = trainer.position()
        trainer.model.parameters.set(self.weights)
        trainer.model.set_buffers(self.buffers)

    def state_dict(self) -> dict[str, Any]:
        """Return what was observed, without the settings."""
        names = ("best", "best_epoch", "waited", "weights", "buffers", "observed", "paused")
        return {name: vars(self)[name] for name in names}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Restore it, so that the next call of fit continues to count."""
        self.reset()
        vars(self).update(state, _restored=True)


class LearningRateSchedule(Callback):
    """Set the learning rate before each epoch.

    `rate` takes the number of completed epochs: 0 before the first, 1 before the second. So a
    schedule of :mod:`minidl.optim` counts epochs here as it counts steps in an optimizer, and as
    in PyTorch's ``LambdaLR`` and Keras's ``LearningRateScheduler``. A rate that is not a function
    is an ArgumentError, as is, in training, a rate that is not positive or an optimizer without
    ``lr``. For a rate that changes with each step, give the schedule to the optimizer instead.

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
        optimizer.lr = self.rate(epoch - 1)
