"""The Trainer: the training loop for one network, with callbacks and a history."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from minidl.autograd import Array
from minidl.checks import check_count
from minidl.errors import ArgumentError, DivergenceWarning, UntrainedWarning, WorseLossWarning
from minidl.keywords import answers
from minidl.nn import Layer, Loss
from minidl.nn import loss as loss_named
from minidl.optim import BatchSize, Optimizer
from minidl.optim.base import Setting
from minidl.streams import Seed, check_seed
from minidl.training.callbacks import Callback, check_callbacks
from minidl.training.checks import (
    check_logits,
    check_model,
    check_owner,
    parts_of,
    too_large,
    undeclared_state,
)
from minidl.training.choose import check_settings, choose_optimizer
from minidl.training.data import Data, Pair, check_rows, check_validation, validation_rows
from minidl.training.history import History
from minidl.training.hooks import Hooks, end_fit
from minidl.training.interrupts import Interrupts
from minidl.training.loop import Row, Run, run
from minidl.training.measure import Objective
from minidl.training.record import Record
from minidl.training.settings import settings_of
from minidl.training.weights import ClassWeight, check_class_weight


@answers
class Trainer(Run):
    """Train a model and record its history.

    Parameters
    ----------
    model : Layer
        For instance :func:`minidl.nn.mlp`; any layer with parameters.
    loss : str or Loss
        A name, such as ``"bce"`` or ``"mse"`` (see :func:`minidl.nn.loss`), or a loss.
    optimizer : str, Optimizer or subclass of Optimizer
        A name, such as ``"nag"`` (see :func:`minidl.optim.lookup`), or a class, to which `lr` and
        `momentum` are given; or a new optimizer: it holds the state of one run.
    lr, momentum : float or schedule, optional
        Of the optimizer, if it is a name or a class; then `lr` must be given.
    batch_size : "full" or int, default 32
        Rows per update. "full" uses all rows at once, in their order; 1 is stochastic. The names
        ``"batch"`` and ``"stochastic"`` imply "full" and 1; ``"sgd"`` needs one.
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
    class_weight : "balanced" or mapping, optional
        For every call of :meth:`fit` that is given no other.

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
        takes logits; or there is no loss or optimizer of that name.

    Examples
    --------
    >>> from minidl import Trainer, datasets, nn
    >>> data = datasets.load("moons", n=200, seed=0)
    >>> trainer = Trainer(nn.mlp(2, 8, 1, seed=0), "bce", "nag", lr=0.1, seed=0)
    >>> trainer.fit(data.X_train, data.y_train, epochs=5)["epoch"]
    array([0, 1, 2, 3, 4, 5])
    """

    def __init__(
        self,
        model: Layer,
        loss: str | Loss | type[Loss],
        optimizer: str | Optimizer | Callable[..., Optimizer],
        *,
        lr: Setting | None = None,
        momentum: Setting | None = None,
        batch_size: BatchSize | None = None,
        seed: Seed = None,
        l2: float = 0.0,
        shuffle: bool = True,
        measure_every: int = 1,
        look_ahead: bool = False,
        callbacks: Iterable[Callback] = (),
        class_weight: ClassWeight | None = None,
    ) -> None:
        check_model(model)
        criterion = loss_named(loss)
        self.optimizer, self.batch_size = choose_optimizer(optimizer, lr, momentum, batch_size)
        check_logits(model, criterion)
        if class_weight is not None:
            check_class_weight(class_weight, criterion)
        self.class_weight = class_weight
        self.seed = check_seed(seed)
        self.shuffle, self.look_ahead = bool(shuffle), bool(look_ahead)
        self.measure_every = check_count("measure_every", measure_every, 0)
        self.callbacks = check_callbacks(callbacks)
        self.objective = Objective(model, criterion, l2)
        self.may_draw = any(
            type(part).stochastic is not Layer.stochastic for part in parts_of(model)
        )
        self.interrupts = Interrupts()
        self.hooks = Hooks(self.interrupts, self.callbacks)
        self.started_with: dict[str, Any] = {}  # the settings before the first epoch
        self.buffered = next(model.named_buffers(), None) is not None
        self.history = History()
        self.untrained = ""  # which part got no gradient in the first epoch

    @property
    def model(self) -> Layer:
        """The model; another one needs another Trainer, and so does another loss."""
        return self.objective.model

    @model.setter
    def model(self, model: object) -> None:
        raise ArgumentError("cannot be replaced: build a new Trainer", argument="model")

    @property
    def loss(self) -> Loss:
        """The loss."""
        return self.objective.loss

    @loss.setter
    def loss(self, loss: object) -> None:
        raise ArgumentError("cannot be replaced: build a new Trainer", argument="loss")

    @answers
    def stop(self, reason: str) -> None:
        """End the run after the present epoch; `reason` becomes ``history.stopped_by``.

        If several callbacks say so after the same epoch, the reason is the first one's.
        """
        self.stop_reason = self.stop_reason or reason

    @answers
    def fit(
        self,
        X: npt.ArrayLike,
        y: npt.ArrayLike,
        *,
        epochs: int,
        validation: Pair | None = None,
        callbacks: Iterable[Callback] = (),
        sample_weight: npt.ArrayLike | None = None,
        class_weight: ClassWeight | None = None,
    ) -> History:
        """Train for a number of further epochs and return :attr:`history`.

        A second call continues where the first ended, exactly as if there had been one call, also
        for callbacks. An epoch that Ctrl-C has interrupted is finished first, and counts as one of
        the `epochs`.
        ``history.stopped_by`` says why the run ended; after a divergence the model holds the
        weights of the last row of the history, and a DivergenceWarning says so. If the training
        loss is higher than before the first epoch, a WorseLossWarning does.

        Ctrl-C waits for the end of the step, a second time it does not; the next call goes on from
        there, exactly as if there had been no interruption.

        Parameters
        ----------
        X : array_like or DataFrame, shape (n, features)
            Finite numbers; converted to the model's dtype. Lists, arrays and the tables of pandas,
            polars and Arrow are read alike. Text is never read as a number.
        y : array_like or Series, shape (n,) or (n, outputs)
            Targets in the form that the loss takes. Rows of X and y belong together by position.
        epochs : int
            At least 0.
        validation : (X, y) or (X, y, sample_weight), optional
            Rows that are measured but not trained on.
        callbacks : iterable of Callback, optional
            For this call, after the Trainer's own.
        sample_weight : array_like, shape (n,), optional
            A weight w >= 0 for each row. The loss is sum(w l) / sum(w), and so is the accuracy: a
            weight of 2 is a row that occurs twice, a weight of 0 a row that is not there. Equal
            weights are no weights, to the last bit.
        class_weight : "balanced" or mapping, optional
            Class -> weight of its rows, in the labels of `y`, or for one-hot rows in the numbers of
            their columns; 1 for a class that is not named. "balanced" gives all classes the same
            total weight, as in scikit-learn. Multiplied by `sample_weight`. Validation rows have no
            class weights, as in Keras.

        Raises
        ------
        DataError, ShapeError
            The data are empty or not finite, the targets do not suit the loss, the data do not fit
            the model; or weights are negative, all 0 or not one for each row. Values are missing:
            NaN, None, NA, NaT, null, masked, or a text such as "NA", "None" or "" (all those of
            ``pandas.read_csv``, and "?"); rename a class called "None". An integer would be
            rounded, as 2**53 + 1. X and y have the same pandas index in another order, or the
            validation inputs other columns.
        ArgumentError
            `epochs` is negative; `validation` is not a pair, or given in some calls only; a
            callback is not a :class:`Callback`; `class_weight` names no class of `y`, or the loss
            has no classes; a custom loss takes no weights; the optimizer has been used in another
            run; all parameters are frozen; or a custom optimizer has changed no weight in the
            first epoch.
        GraphError
            A parameter can never train: a forward or the loss leaves the graph, or the model does
            not find it. What gets no gradient otherwise is an
            :class:`~minidl.errors.UntrainedWarning`, once, after the first epoch.
        KeyboardInterrupt
            Ctrl-C was pressed; :attr:`history` holds what was recorded.

        Notes
        -----
        In a batch of B rows the loss is sum(w l) / (B m), where m is the mean weight of all rows.
        The batches of an epoch thus add up to the loss above. scikit-learn's networks and PyTorch
        (``CrossEntropyLoss(weight)``) divide by the weights of the batch, which at batch size 1 has
        no effect at all; Keras divides by B, so that larger weights also are a larger learning
        rate. A layer that mixes rows, such as batch norm, does not see the weights.
        """
        check_count("epochs", epochs, 0)
        check_settings(self)
        first = self.epoch == 0
        classes = self.class_weight if class_weight is None else class_weight
        train = check_rows("training", X, y, self.objective, sample_weight, class_weight=classes)
        held_out = validation_rows(validation, self.objective)
        if validation is not None:
            check_validation(X, validation[0])
        # The default is compared, not its truth: an empty list of a wrong type is an error.
        hooks = [*self.callbacks, *(check_callbacks(callbacks) if callbacks != () else ())]
        before = self.model.checksums()
        self.fit_rows(Data(train, held_out), self.epoch + epochs, hooks)
        if self.history.advice:
            category = DivergenceWarning if self.history.diverged else WorseLossWarning
            warnings.warn(self.history.advice, category, stacklevel=3)
        if first and self.untrained:
            warnings.warn(self.untrained, UntrainedWarning, stacklevel=3)
        if message := undeclared_state(self.model, before):
            warnings.warn(message, stacklevel=3)
        return self.history

    @answers
    def evaluate(
        self, X: npt.ArrayLike, y: npt.ArrayLike, sample_weight: npt.ArrayLike | None = None
    ) -> Record:
        """Return ``loss``, and for classes ``accuracy``, on these rows; raises as :meth:`fit`."""
        rows = check_rows("evaluation", X, y, self.objective, sample_weight)
        return Record(self.objective.measure(*rows))

    def fit_rows(self, data: Data, last: int, hooks: list[Callback]) -> None:
        """Train on checked rows until epoch `last`: the part of :meth:`fit` that takes time."""
        self.check_continuation(data.held_out is not None)
        if self.cursor > data.n:  # other rows than those of the interrupted epoch
            self.cursor = 0
        if self.recorded < 0:
            self.started_with = settings_of(self)
        self.seeds = [self.seed]
        self.hooks.take(hooks)
        with self.interrupts:
            try:
                with np.errstate(over="ignore", invalid="ignore"):  # divergence is told in words
                    for hook in self.hooks.callbacks:
                        self.hooks.call(hook.on_fit_begin, self, last)
                    run(self, data, last)
                self.history.stopped_by = self.stop_reason or "epochs"
            except KeyboardInterrupt:
                self.history.stopped_by = self.stop_reason or "interrupted"
                raise
            finally:
                end_fit(self, self.hooks.callbacks)

    def check_continuation(self, validated: bool) -> None:
        """Check that this run can be continued, and reset how the last call ended."""
        history, steps, begun = self.history, self.optimizer.step_count, self.recorded >= 0
        if not begun and steps:
            problem = "this optimizer has already taken steps in another run"
            received = f"{self.optimizer!r} after {steps} steps"
            hint = "Give each Trainer a new optimizer, or call optimizer.reset()."
            raise ArgumentError(problem, received=received, hint=hint)
        if begun and self.recorded == self.epoch and not self.cursor:
            check_owner(self.optimizer, int(history.entry("updates", -1)))
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
            self.model.set_buffers(self.good_buffers)
        self.optimizer.forget()
        self._stored = self.unrecorded = None
        self.stop_reason = "diverged"
        self.history.tell_divergence(repr(self.optimizer), self.epoch, loss)

    def tell(self, network: int, problem: str) -> None:
        """Keep what :meth:`fit` warns of: that a part of the network does not train."""
        self.untrained = problem

    def record(self, row: Row, left: Array) -> Array:
        """Add a row to the history and show it to the callbacks."""
        self.history.append(row)
        self.recorded = self.epoch
        self.hooks.show(self, self.history)
        return left

    def restore(self, counts: Mapping[str, Any], history: History, stored: Array) -> None:
        """Take over a saved run; the model and the optimizer have been restored already."""
        vars(self).update(counts)
        self.history = history
        self.recorded = int(history.entry("epoch", -1)) if len(history) else -1
        self._stored = (stored.copy(), self.objective.vector.value.copy())
