"""The Trainer: the training loop for one network, with callbacks and a history."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from minidl.autograd import Array
from minidl.checks import check_count
from minidl.errors import ArgumentError, DivergenceWarning
from minidl.keywords import answers
from minidl.nn import Layer, Loss
from minidl.nn import loss as loss_named
from minidl.optim import BatchSize, Optimizer
from minidl.streams import Seed, check_seed
from minidl.training.callbacks import Callback, check_callbacks
from minidl.training.checks import check_logits, check_parts, parts_of
from minidl.training.data import Data, Pair, check_rows, pair_of, rows_per_batch
from minidl.training.history import History
from minidl.training.loop import Row, Run, run
from minidl.training.measure import Objective

DIVERGED = 1e4  # times the initial loss


@answers
class Trainer(Run):
    """Train a model and record its history.

    Parameters
    ----------
    model : Layer
        For instance :func:`minidl.nn.mlp`; any layer with parameters.
    loss : str or Loss
        A name, such as ``"bce"`` or ``"mse"`` (see :func:`minidl.nn.loss`), or a loss.
    optimizer : Optimizer
        A new one: it holds the state of one run.
    batch_size : "full" or int, default 32
        Rows per update. "full" uses all rows at once, in their order; 1 is stochastic.
    seed : int, optional
        For dropout and the order of rows, which depends on the seed and the epoch only, never on
        the optimizer. None draws a fresh seed.
    l2 : float, default 0.0
        Strength of the L2 penalty on weights; it is part of the reported losses.
    shuffle : bool, default True
        Whether each epoch has its own random order.
    measure_every : int, default 1
        Number of epochs between two rows of the history. 0: only before training and at the end.
    look_ahead : bool, default False
        Whether to record the training loss at the point where the next step evaluates its
        gradient, :meth:`Optimizer.look_ahead`, as column ``look_ahead_loss``. With NAG this costs
        a second pass over the rows.
    callbacks : iterable of Callback, optional
        Called in this order.

    Attributes
    ----------
    history : History
        The record so far, also after an interruption.
    epoch : int
        Number of completed epochs.

    Raises
    ------
    ArgumentError, UnknownNameError
        An argument is invalid, or a model that ends with a sigmoid or softmax is given a loss that
        takes logits; or there is no loss of that name.

    Examples
    --------
    >>> from minidl import Trainer, datasets, nn, optim
    >>> data = datasets.load("moons", n=200, seed=0)
    >>> trainer = Trainer(nn.mlp(2, 8, 1, seed=0), "bce", optimizer=optim.NAG(0.1), seed=0)
    >>> trainer.fit(data.X_train, data.y_train, epochs=5)["epoch"]
    array([0, 1, 2, 3, 4, 5])
    """

    def __init__(
        self,
        model: Layer,
        loss: str | Loss | type[Loss],
        *,
        optimizer: Optimizer,
        batch_size: BatchSize = 32,
        seed: Seed = None,
        l2: float = 0.0,
        shuffle: bool = True,
        measure_every: int = 1,
        look_ahead: bool = False,
        callbacks: Iterable[Callback] = (),
    ) -> None:
        check_parts(model, optimizer)
        rows_per_batch(batch_size, 1)
        self.model, self.optimizer, self.batch_size = model, optimizer, batch_size
        self.loss = loss_named(loss)
        check_logits(model, self.loss)
        self.seed = check_seed(seed)
        self.shuffle, self.look_ahead = bool(shuffle), bool(look_ahead)
        self.measure_every = check_count("measure_every", measure_every, 0)
        self.callbacks = check_callbacks(callbacks)
        self.objective = Objective(model, self.loss, l2)
        self.may_draw = any(
            type(part).stochastic is not Layer.stochastic for part in parts_of(model)
        )
        self.history = History()

    @answers
    def stop(self, reason: str) -> None:
        """End the run after the present epoch; `reason` becomes ``history.stopped_by``."""
        self.stop_reason = reason

    @answers
    def fit(
        self,
        X: npt.ArrayLike,
        y: npt.ArrayLike,
        *,
        epochs: int,
        validation: Pair | None = None,
        callbacks: Iterable[Callback] = (),
    ) -> History:
        """Train for a number of further epochs and return :attr:`history`.

        A second call continues where the first ended, exactly as if there had been one call. An
        epoch that Ctrl-C has interrupted is finished first, and counts as one of the `epochs`.
        ``history.stopped_by`` says why the run ended; after a divergence the model holds the
        weights of the last row of the history.

        Parameters
        ----------
        X : array_like, shape (n, features)
            Finite numbers; converted to the model's dtype.
        y : array_like, shape (n,) or (n, outputs)
            Targets in the form that the loss takes.
        epochs : int
            At least 0.
        validation : (X, y), optional
            Rows that are measured but not trained on.
        callbacks : iterable of Callback, optional
            For this call, after the Trainer's own.

        Raises
        ------
        DataError, ShapeError
            The data are empty or not finite, the targets do not suit the loss, or the data do not
            fit the model.
        ArgumentError
            `epochs` is negative; `validation` is not a pair, or given in some calls only; a
            callback is not a :class:`Callback`; the optimizer has been used in another run; or a
            custom optimizer has changed no weight in the first epoch.
        KeyboardInterrupt
            Ctrl-C was pressed; :attr:`history` holds what was recorded.
        """
        check_count("epochs", epochs, 0)
        train = check_rows("training", X, y, self.objective)
        held_out = None
        if validation is not None:
            held_out = check_rows("validation", *pair_of(validation), self.objective)
        hooks = list(self.callbacks)
        if callbacks != ():  # the default
            hooks += check_callbacks(callbacks)
        self.fit_rows(Data(train, held_out), self.epoch + epochs, hooks)
        if self.history.advice:
            warnings.warn(self.history.advice, DivergenceWarning, stacklevel=3)
        return self.history

    @answers
    def evaluate(self, X: npt.ArrayLike, y: npt.ArrayLike) -> dict[str, float]:
        """Return ``loss``, and for classes ``accuracy``, on these rows; raises as :meth:`fit`."""
        return self.objective.measure(*check_rows("evaluation", X, y, self.objective))

    def fit_rows(self, data: Data, last: int, hooks: list[Callback]) -> None:
        """Train on checked rows until epoch `last`: the part of :meth:`fit` that takes time."""
        self.check_continuation(data.held_out is not None)
        if self.cursor >= data.n:  # other rows than those of the interrupted epoch
            self.cursor = 0
        self.seeds, self._hooks = [self.seed], hooks
        try:
            with np.errstate(over="ignore", invalid="ignore"):  # a divergence is reported in words
                for hook in hooks:
                    hook.on_fit_begin(self, last)
                run(self, data, last)
            self.history.stopped_by = self.stop_reason or "epochs"
        except KeyboardInterrupt:
            self.history.stopped_by = "interrupted"
            raise
        finally:
            for hook in hooks:
                hook.on_fit_end(self)

    def check_continuation(self, validated: bool) -> None:
        """Check that this run can be continued, and reset how the last call ended."""
        history, steps, begun = self.history, self.optimizer.step_count, self.recorded >= 0
        if not begun and steps:
            problem = "this optimizer has already taken steps in another run"
            received = f"{self.optimizer!r} after {steps} steps"
            hint = "Give each Trainer a new optimizer, or call optimizer.reset()."
            raise ArgumentError(problem, received=received, hint=hint)
        if begun and ("validation_loss" in history) != validated:
            problem = "must be given in every fit() of a Trainer, or in none"
            raise ArgumentError(problem, argument="validation")
        if begun and ("look_ahead_loss" in history) != self.look_ahead:
            raise ArgumentError("cannot change during a run", argument="look_ahead")
        self.stop_reason = history.stopped_by = history.diverged_at = None
        history.advice = ""

    def stop_diverged(self, losses: Array) -> Array:
        """Stop if the loss is not finite or too large: end the run with the last good weights."""
        diverged = too_large(losses, self.history.entry("train_loss", 0))
        if diverged[0]:
            self.diverge(float(losses[0]))
        return ~diverged

    def diverge(self, loss: float) -> None:
        """End the run with the last good weights and without velocity, and give advice."""
        if self.good is not None:
            self.objective.vector.set(self.good)
        for vector in self.optimizer.state.values():
            vector.fill(0.0)
        self._stored = None
        self.stop_reason = "diverged"
        history = self.history
        history.diverged_at = self.epoch
        first, last = history.row(0), history.row(-1)
        history.advice = (
            f"{self.optimizer!r} diverged in epoch {self.epoch}: the loss became {loss:.4g},"
            f" from {last['train_loss']:.4g} after epoch {last['epoch']} and"
            f" {first['train_loss']:.4g} at the start. Try a learning rate ten times smaller."
        )

    def record(self, row: Row, left: Array) -> Array:
        """Add a row to the history and run the hooks after an epoch."""
        self.history.append(row)
        self.recorded = self.epoch
        for hook in self._hooks:
            hook.on_epoch_end(self, row)
        return left

    def restore(self, counts: Mapping[str, Any], history: History, stored: Array) -> None:
        """Take over a saved run; the model and the optimizer have been restored already."""
        vars(self).update(counts)
        self.history, self.good = history, None
        self.recorded = int(history.entry("epoch", -1)) if len(history) else -1
        self._stored = (stored.copy(), self.objective.vector.value.copy())


def too_large(losses: Array, initial: npt.ArrayLike) -> Array:
    """Return True where a loss is not finite, or above 10^4 times the initial one."""
    start = np.asarray(initial)
    return ~(losses <= np.where(start > 0, DIVERGED * start, sys.float_info.max))
