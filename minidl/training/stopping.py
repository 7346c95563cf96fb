"""Callbacks that end a run by its history alone: a target, or early stopping."""

import math
from collections.abc import Mapping
from functools import partial
from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np

from minidl.autograd import Array
from minidl.checks import check_count, check_flag, check_number
from minidl.errors import ArgumentError, DataError, UnknownNameError, invalid, name_hint
from minidl.schema import Schema, mapped, optional, such_that
from minidl.training.callbacks import Callback
from minidl.training.history import Target


def count(least: int = 0) -> Schema:
    """Return a schema for counts, Python's or NumPy's."""
    return such_that(lambda v: _is_number(v, Integral) and v >= least, f"an integer >= {least}")


def _is_number(value: object, cls: type) -> bool:
    return isinstance(value, cls) and not isinstance(value, bool)


VALUE = such_that(lambda v: _is_number(v, Real) and not math.isnan(v), "a number")
ARRAY = such_that(
    lambda v: isinstance(v, np.ndarray) and v.dtype.kind in "biuf", "an array of numbers"
)
ARRAYS = mapped(ARRAY)
OBSERVED = such_that(
    lambda pair: len(pair) == 2 and all(_is_number(v, Real) for v in pair), "a pair"
)


class StopRule(Callback):
    """A callback that needs only rows of the history, so networks can be trained together."""

    reason = "stopped"

    def observe(self, record: Mapping[str, float], w: Array) -> bool:
        """Return whether to stop the run, given a row of the history and the weights (P,)."""
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
        The target: either a finite loss or an accuracy in [0, 1], otherwise an
        :class:`ArgumentError`.
    on : {"train", "validation"}, default "train"
        The rows on which it is measured.
    sustained : int, default 1
        Number of measured epochs in a row in which the target must be met.
    """

    reason = "target"
    _checks: ClassVar = {"sustained": partial(check_count, "sustained")}

    def __init__(
        self, loss: Target = None, *, accuracy: Target = None, on: str = "train", sustained: int = 1
    ) -> None:
        if (loss is None) == (accuracy is None):
            raise ArgumentError("give either loss or accuracy as the target")
        if loss is not None:
            check_number("loss", loss, math.isfinite, "a finite number")
        if accuracy is not None:
            check_number("accuracy", accuracy, lambda a: 0 <= a <= 1, "in [0, 1]")
        if on not in ("train", "validation"):
            raise invalid("on", on, '"train" or "validation"')
        self.loss, self.accuracy, self.on = loss, accuracy, on
        self.column = f"{on}_accuracy" if loss is None else f"{on}_loss"  # of the history
        self.sustained = sustained
        self.held = 0

    def on_fit_begin(self, trainer: Any, epochs: int) -> None:
        """Count the rows that already meet the target; stop if an earlier fit has reached it."""
        self.held = 0
        for row in trainer.history:
            self.observe(row, trainer.model.parameters.value)
        if self.held >= self.sustained:
            trainer.stop(self.reason)

    def state_dict(self) -> dict[str, Any]:
        """Return nothing: the rows of the history are counted again."""
        return {}

    def observe(self, record: Mapping[str, float], w: Array) -> bool:
        """Return whether the last `sustained` rows meet the target."""
        if self.column not in record:
            raise UnknownNameError("column", self.column, record)
        value, loss, accuracy = record[self.column], self.loss, self.accuracy
        holds = accuracy is not None and value >= accuracy if loss is None else value <= loss
        self.held = self.held + 1 if holds else 0
        return self.held >= self.sustained


class EarlyStopping(StopRule):
    """Stop when a column has stopped improving, and restore the best weights.

    Several calls of ``fit`` are one run. The next call continues from the weights that training had
    reached, not from the restored ones, unless you have changed these. After it has stopped a run,
    further calls of ``fit`` with it train nothing until :meth:`reset`. Used in another run, or left
    out of one call, it starts over.

    Parameters
    ----------
    monitor : str, default "validation_loss"
        A column of the history. A column with "accuracy" in its name should increase, any other
        decrease.
    patience : int, default 10
        Stop after this many measured epochs in a row without improvement, as in Keras.
    min_delta : float, default 0.0
        An improvement must be larger than this.
    restore_best : bool, default True
        Whether to restore the best weights when ``fit`` ends.

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

    Examples
    --------
    >>> from minidl import Trainer, datasets, nn
    >>> from minidl.training import EarlyStopping
    >>> data = datasets.load("moons", n=200, seed=0)
    >>> early = EarlyStopping("validation_loss", patience=3)
    >>> trainer = Trainer(nn.mlp(2, 8, 1, seed=0), "bce", "nag", lr=0.5, seed=0)
    >>> history = trainer.fit(
    ...     data.X_train, data.y_train, epochs=100, validation=(data.X_test, data.y_test),
    ...     callbacks=[early])
    >>> history.stopped_by, trainer.epoch == early.best_epoch + 3
    ('early stopping', True)
    """

    reason = "early stopping"
    state_form: ClassVar = {
        "best": VALUE, "best_epoch": count(-1), "waited": count(),
        "weights": optional(ARRAY),
        "buffers": ARRAYS, "paused": ARRAYS, "observed": optional(OBSERVED),
    }  # fmt: skip
    _checks: ClassVar = {
        "patience": partial(check_count, "patience"),
        "restore_best": partial(check_flag, "restore_best"),
        "min_delta": lambda value: check_number(
            "min_delta", value, lambda d: 0 <= d < math.inf, "a finite number >= 0"
        ),
    }

    def __init__(
        self,
        monitor: str = "validation_loss",
        *,
        patience: int = 10,
        min_delta: float = 0.0,
        restore_best: bool = True,
    ) -> None:
        if not isinstance(monitor, str):
            hint = "Patience has a name: EarlyStopping(patience=5)."
            raise invalid("monitor", monitor, "a column of the history", hint)
        self.monitor = monitor
        self.patience, self.min_delta, self.restore_best = patience, min_delta, restore_best
        self._restored = False  # from a checkpoint
        self.reset()

    def reset(self) -> None:
        """Forget all observations, so that a stopped run can continue."""
        self.best, self.best_epoch, self.waited = math.inf, -1, 0
        self.weights: Array | None = None
        self.buffers: dict[str, Array] = {}
        self.observed: tuple[int, float] | None = None  # epoch and loss of the last row
        self.paused: dict[str, Array] = {}  # where training was when the best weights were restored

    @property
    def keeps_weights(self) -> bool:
        """Whether the best weights are restored when fit ends."""
        return self.restore_best and self.weights is not None

    @property
    def has_stopped(self) -> bool:
        """Whether patience has run out."""
        return self.waited >= self.patience

    def on_fit_begin(self, trainer: Any, epochs: int) -> None:
        """Continue where the last call of fit ended, or start over in another run."""
        rows = len(trainer.history)
        rows -= any(hook is self for hook in trainer.hooks.waiting)  # for the last one
        row = trainer.history.row(rows - 1) if rows else {}
        if not self._restored and self.observed != (row.get("epoch"), row.get("train_loss")):
            self.reset()
        if self._restored:
            self.check_fits(trainer)
        self._restored = False
        if self.has_stopped:
            trainer.stop(self.reason)
        elif self._holds_best(trainer):
            trainer.go_to(self.paused)
        self.paused = {}

    def check_fits(self, trainer: Any) -> None:
        """Raise a DataError if restored weights or buffers do not fit; and forget them."""
        position = trainer.position()
        shapes = {name: np.shape(array) for name, array in position.items()}
        buffers = {n.removeprefix("buffer/"): s for n, s in shapes.items() if "/" in n}
        for noun, stored, expected in (
            ("weights", {"iterate": self.weights}, {"iterate": shapes["iterate"]}),
            ("buffers", self.buffers, buffers),
            ("paused", self.paused, shapes),
        ):
            received = {n: np.shape(array) for n, array in stored.items() if array is not None}
            if received and received != expected:
                self.reset()
                problem = f"the {noun} of EarlyStopping are those of another model"
                raise DataError(problem, received=received, expected=expected)

    def _holds_best(self, trainer: Any) -> bool:
        """Return whether the model still has the best weights, which an earlier fit restored."""
        w = trainer.model.parameters.value
        return bool(self.paused) and self.weights is not None and np.array_equal(w, self.weights)

    def observe(self, record: Mapping[str, float], w: Array) -> bool:
        """Keep the weights if they are the best so far; return whether patience has run out."""
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
        if not self._holds_best(trainer):
            self.paused = trainer.position()
        trainer.model.parameters.set(self.weights)
        trainer.model.set_buffers(self.buffers)

    def state_dict(self) -> dict[str, Any]:
        """Return the observations, without the settings."""
        names = ("best", "best_epoch", "waited", "weights", "buffers", "observed", "paused")
        return {name: vars(self)[name] for name in names}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Restore the observations, so that the next call of fit continues from them."""
        self._check_state(state)
        self.reset()
        vars(self).update(state, _restored=True)
