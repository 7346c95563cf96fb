"""The Trainer: epochs over batches, one measured row after each.

The inner loop is one line, ``optimizer.step(w, gradient of this batch)``. Everything else here is
about telling the truth: the loss of one set of weights, at the optimizer's iterate, on all rows.
"""

from __future__ import annotations

import math
import sys
import time
import warnings
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from minidl.autograd import Array
from minidl.checks import check_count
from minidl.errors import ArgumentError, DataError, DivergenceWarning
from minidl.nn import Layer, Loss
from minidl.nn import loss as loss_named
from minidl.optim import BatchSize, Optimizer
from minidl.streams import Seed, check_seed, stream
from minidl.training.batches import batches, rows_per_batch
from minidl.training.callbacks import Callback, check_callbacks
from minidl.training.checks import check_first_epoch, check_logits, check_parts
from minidl.training.history import History
from minidl.training.objective import Objective
from minidl.training.requests import Requests, next_of
from minidl.training.rows import Rows, check_rows, pair_of

__all__ = ["Requests", "Trainer"]

DIVERGED = 1e4  # times the initial loss


class Trainer:
    """Trains a model, and keeps the history.

    Parameters
    ----------
    model : Layer
        What :func:`minidl.nn.mlp` returns, or any layer with parameters.
    loss : str or Loss
        A name, such as ``"bce"`` or ``"mse"`` (see :func:`minidl.nn.loss`), or a loss.
    optimizer : Optimizer
        A new one: it holds the state of one run.
    batch_size : "full" or int, default 32
        Rows per update. "full" is all rows at once, in their order; 1 is stochastic.
    seed : int, optional
        For the order of rows and for dropout. None draws fresh numbers. The order depends on the
        seed and the epoch only: never on the optimizer.
    l2 : float, default 0.0
        Strength of the L2 penalty on weights; it is part of the reported losses.
    shuffle : bool, default True
        Whether each epoch has an order of its own.
    measure_every : int, default 1
        After how many epochs the loss on all rows is measured and a row recorded. 0: only before
        training and at the end.
    look_ahead : bool, default False
        Whether a measurement also finds the training loss at the point at which the next step
        will ask for its gradient, :meth:`Optimizer.look_ahead`; column ``look_ahead_loss``. It
        costs a second pass over the rows where that is another point than the iterate.
    callbacks : iterable of Callback, optional
        Called in this order.

    Attributes
    ----------
    history : History
        The record so far, also after an interruption.
    epoch : int
        Epochs completed.

    Raises
    ------
    ArgumentError
        An argument cannot be used, or a model that ends with a sigmoid or softmax meets a loss
        that takes logits.
    UnknownNameError
        There is no loss of that name.

    Examples
    --------
    >>> from minidl import Trainer, datasets, nn, optim
    >>> data = datasets.load("moons", n=200, seed=0)
    >>> trainer = Trainer(nn.mlp(2, 8, 1, seed=0), "bce", optimizer=optim.NAG(0.1), seed=0)
    >>> history = trainer.fit(data.X_train, data.y_train, epochs=5)
    >>> history["epoch"]
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
        self.model = model
        self.loss = loss_named(loss)
        check_logits(model, self.loss)
        self.optimizer = optimizer
        self.batch_size = batch_size
        self.seed = check_seed(seed)
        self.shuffle = bool(shuffle)
        self.measure_every = check_count("measure_every", measure_every, 0)
        self.look_ahead = bool(look_ahead)
        self.callbacks = check_callbacks(callbacks)
        self.objective = Objective(model, self.loss, l2)
        self.history = History()
        self.epoch = self.samples = 0
        self.seconds = 0.0
        self._stored: tuple[Array, Array] | None = None
        self._stop: str | None = None
        self._stochastic = False

    def stop(self, reason: str) -> None:
        """End the run after the present epoch; `reason` becomes ``history.stopped_by``."""
        self._stop = reason

    def fit(
        self,
        X: Any,
        y: Any,
        *,
        epochs: int,
        validation: Sequence[Any] | None = None,
        callbacks: Iterable[Callback] = (),
    ) -> History:
        """Train for some epochs more, and return the history.

        A second call goes on where the first ended, exactly as if there had been one.

        Parameters
        ----------
        X : array_like, shape (n, features)
            Finite numbers; converted to the model's dtype.
        y : array_like, shape (n,) or (n, outputs)
            Targets, as the loss wants them.
        epochs : int
            How many, at least 0.
        validation : (X, y), optional
            Rows to measure as well.
        callbacks : iterable of Callback, optional
            For this call, after the Trainer's own.

        Returns
        -------
        History
            :attr:`history`. ``stopped_by`` says why it ended; at a divergence the model holds the
            weights after the last measured epoch, the last row of the history.

        Raises
        ------
        DataError
            The data are empty, not finite, or no targets for this loss.
        ShapeError
            The data do not fit the model.
        ArgumentError
            `epochs` is negative, `validation` is not a pair or not given in every call, something
            is no callback, or the optimizer has been used in another run, or is one's own and has
            changed no weight in the first epoch although the gradient was not 0.
        KeyboardInterrupt
            Ctrl-C was pressed; what happened until then is in :attr:`history`.
        """
        check_count("epochs", epochs, 0)
        train = check_rows("training", X, y, self.model, self.loss)
        held_out = None
        if validation is not None:
            held_out = check_rows("validation", *pair_of(validation), self.model, self.loss)
        self._begin(held_out)
        self._train(train, held_out, epochs, check_callbacks(callbacks))
        if self.history.diverged:
            warnings.warn(self.history.advice, DivergenceWarning, stacklevel=2)
        return self.history

    def evaluate(self, X: Any, y: Any) -> dict[str, float]:
        """Return the ``loss``, and for classes the ``accuracy``, of the model on these rows.

        Raises
        ------
        DataError, ShapeError
            As for :meth:`fit`.
        """
        rows = check_rows("evaluation", X, y, self.model, self.loss)
        return self.objective.measure(rows.X, rows.t)

    def _begin(self, held_out: Rows | None) -> None:
        """Refuse what cannot be gone on with, and forget how the last call ended."""
        if not len(self.history) and self.optimizer.step_count:
            raise ArgumentError(
                "this optimizer has taken steps in another run and remembers its velocity",
                received=f"{self.optimizer!r} after {self.optimizer.step_count} steps",
                hint="Give each Trainer a new optimizer, or call optimizer.reset().",
            )
        if len(self.history) and ("validation_loss" in self.history) != (held_out is not None):
            raise ArgumentError("validation is for every fit() of a Trainer, or for none")
        if len(self.history) and ("look_ahead_loss" in self.history) != self.look_ahead:
            raise ArgumentError("look_ahead is for all of a run, or for nothing of it")
        self._stop = self.history.stopped_by = self.history.diverged_at = None
        self.history.advice = ""

    def _train(
        self, train: Rows, held_out: Rows | None, epochs: int, more: list[Callback] | None = None
    ) -> None:
        """Train on rows that have been checked: the part of :meth:`fit` that takes time."""
        requests = self._requests(self.epoch + epochs, self.callbacks + (more or []))
        with np.errstate(over="ignore", invalid="ignore"):  # a divergence is told in words
            self._serve(requests, next_of(requests, None), train, held_out)

    def _serve(
        self, requests: Requests, request: str | None, train: Rows, held_out: Rows | None
    ) -> None:
        while request is not None:
            try:
                answer = self._answer(request, train, held_out)
            except BaseException as error:
                requests.throw(error)
            request = next_of(requests, answer)

    def _requests(self, last: int, hooks: list[Callback]) -> Requests:
        """Decide what happens until epoch `last`, and yield what is to be computed.

        "train" asks for an epoch's steps, and is sent the mean of its batches' losses; "measure"
        asks for what :meth:`Objective.measure` finds on the training and on the validation rows.
        """
        try:
            yield from self._epochs(last, hooks)
        except KeyboardInterrupt:
            self.history.stopped_by = "interrupted"
            raise
        finally:
            self._show_iterate()
            for hook in hooks:
                hook.on_fit_end(self)

    def _epochs(self, last: int, hooks: list[Callback]) -> Requests:
        for hook in hooks:
            hook.on_fit_begin(self, last)
        if not len(self.history):
            self._record(math.nan, (yield "measure"), hooks)
        measured = True
        self._stochastic = self.model.stochastic  # once: it asks every layer
        while self.epoch < last and self._stop is None:
            for hook in hooks:
                hook.on_epoch_begin(self, self.epoch + 1)
            if measured:  # otherwise nobody knows yet whether these weights are good
                good = self.model.parameters.value.copy()
            self._hide_iterate()
            running = yield "train"
            self._show_iterate()
            self.epoch += 1
            if self.epoch == 1:
                check_first_epoch(self.optimizer, good, self.model.parameters, running)
            ends = self.epoch == last or self._stop is not None
            measured = ends or (self.measure_every > 0 and self.epoch % self.measure_every == 0)
            if self._too_large(running):
                self._diverge(good, running)
            elif measured:
                reached = self._record(running, (yield "measure"), hooks)
                if self._too_large(reached):
                    self._diverge(good, reached)
        self.history.stopped_by = self._stop or "epochs"

    def _answer(self, request: str, train: Rows, held_out: Rows | None) -> Any:
        if request == "train":
            return self._train_epoch(train)
        X, t = train.X, train.t
        found = self.objective.measure(X, t)
        if self.look_ahead:
            point, here = self.look_ahead_point(), found["loss"]
            found["look_ahead_loss"] = self.objective.loss_at(point, X, t, here=here)
        return found, held_out and self.objective.measure(held_out.X, held_out.t)

    def _train_epoch(self, train: Rows) -> float:
        """Take one epoch's steps; return the mean of the batches' losses."""
        n = len(train.X)
        rows = rows_per_batch(self.batch_size, n)
        shuffled = self.shuffle and rows < n
        order = stream(self.seed, "shuffle", self.epoch + 1) if shuffled else None
        training = stream(self.seed, "dropout", self.epoch + 1) if self._stochastic else True
        objective, step = self.objective, self.optimizer.step
        w = self.model.parameters.value
        total = 0.0
        start = time.perf_counter()
        for X, t in batches(train.X, train.t, rows, order):
            step(w, partial(objective.gradient, X=X, t=t, training=training))
            total += objective.value * len(X)
            self.samples += len(X)
            if not math.isfinite(total):
                break
        self.seconds += time.perf_counter() - start
        return total / n

    def _record(self, running: float, measured: Any, hooks: list[Callback]) -> float:
        """Return the loss on all rows, and record a row unless it is too large to go on."""
        found: dict[str, float] = measured[0]
        other: dict[str, float] | None = measured[1]
        if not len(self.history) and not math.isfinite(found["loss"]):
            raise DataError(
                "the loss is not finite before training has begun",
                received=found["loss"],
                hint="Look at the scale of the data, and at the initial weights.",
            )
        if self._too_large(found["loss"]):
            return found["loss"]
        g = self.model.parameters.grad
        record: dict[str, float] = {
            "epoch": self.epoch,
            "updates": self.optimizer.step_count,
            "gradient_evaluations": self.optimizer.gradient_evaluations,
            "samples": self.samples,
            "seconds": self.seconds,
            "train_loss": found["loss"],
            "running_loss": running,
            "gradient_norm": math.sqrt(float(np.dot(g, g))) if self.epoch else math.nan,
        }
        if self.look_ahead:
            record["look_ahead_loss"] = found["look_ahead_loss"]
        if "accuracy" in found:
            record["train_accuracy"] = found["accuracy"]
        if other is not None:
            record.update({f"validation_{name}": value for name, value in other.items()})
        self.history.append(record)
        for hook in hooks:
            hook.on_epoch_end(self, record)
        return found["loss"]

    def _too_large(self, loss: float) -> bool:
        initial = self.history.entry("train_loss", 0) if len(self.history) else 0.0
        return not loss <= (DIVERGED * initial if initial > 0 else sys.float_info.max)

    def _diverge(self, good: Array, reached: float) -> None:
        """End the run with the last good weights, and say what to do."""
        self.model.parameters.set(good)
        for vector in self.optimizer.state.values():
            vector.fill(0.0)
        self._stored = None
        self._stop = "diverged"
        history = self.history
        history.diverged_at = self.epoch
        first, last = history.row(0), history.row(-1)
        history.advice = (
            f"{self.optimizer!r} diverged in epoch {self.epoch}: the loss became {reached:.4g},"
            f" from {last['train_loss']:.4g} after epoch {last['epoch']} and"
            f" {first['train_loss']:.4g} at the start. Try a learning rate ten times smaller."
        )

    def stored_vector(self) -> Array:
        """Return the vector that the optimizer stores; between epochs, not always the model's."""
        value = self.model.parameters.value
        if self._stored is None:
            return value.copy()
        stored, theta = self._stored
        # Unless somebody has written into the model, the very bits that were stored.
        return stored.copy() if np.array_equal(value, theta) else self.optimizer.stored(value)

    def look_ahead_point(self) -> Array:
        """Return the point at which the next step asks for its gradient."""
        return self.optimizer.look_ahead(self.stored_vector())

    def restore(self, counts: Mapping[str, Any], history: History, stored: Array) -> None:
        """Take over a saved run; the model and the optimizer have been restored already."""
        self.epoch, self.samples = int(counts["epoch"]), int(counts["samples"])
        self.seconds = float(counts["seconds"])
        self.history = history
        self._stored = (stored.copy(), self.model.parameters.value.copy())

    # -- the iterate: what is judged, and what the model holds between epochs ------------------

    def _show_iterate(self) -> None:
        if self._stored is None:
            w = self.model.parameters.value
            theta = self.optimizer.iterate(w)
            if theta is not w:
                self._stored = (w.copy(), theta)
                w[...] = theta

    def _hide_iterate(self) -> None:
        if self._stored is not None:
            self.model.parameters.set(self.stored_vector())
            self._stored = None
