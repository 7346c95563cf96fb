"""The Trainer: the training loop for one network, with callbacks and a history."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from minidl.checks import check_count
from minidl.errors import ArgumentError, invalid, warn
from minidl.keywords import Answering, answers
from minidl.nn import Layer, Loss
from minidl.nn import loss as loss_named
from minidl.nn.layer import parts_of
from minidl.optim import BatchSize, Optimizer
from minidl.optim.base import Setting
from minidl.optim.named import modified
from minidl.streams import Seed, check_seed
from minidl.training.callbacks import Callback, check_callbacks
from minidl.training.checks import (
    check_continuation,
    check_logits,
    check_model,
    warnings_after,
)
from minidl.training.choose import CHECKS, choose_optimizer
from minidl.training.compilable import is_ours
from minidl.training.compiled import Compiled
from minidl.training.data import Data, Pair, check_rows, check_validation, validation_rows
from minidl.training.engine_choice import WARM, WARM_CUSTOM
from minidl.training.history import History
from minidl.training.hooks import Hooks, end_fit
from minidl.training.interrupts import Interrupts
from minidl.training.loop import run
from minidl.training.measure import Objective
from minidl.training.rates import begin_schedule, check_schedule
from minidl.training.record import MOST_EPOCHS, Record
from minidl.training.run_file import load_run, save_run
from minidl.training.settings import settings_of
from minidl.training.shown import in_a_line, trainer_settings
from minidl.training.single import SingleRun
from minidl.training.weights import ClassWeight, check_class_weight


class Trainer(SingleRun, Answering):
    """Train a model and record its history.

    Parameters
    ----------
    model : Layer
        For instance :func:`minidl.nn.mlp`; any layer with parameters.
    loss : str or Loss
        A name, such as ``"bce"`` or ``"mse"`` (see :func:`minidl.nn.loss`), or a loss.
    optimizer : str, Optimizer or subclass of Optimizer
        A name, such as ``"nag"`` (see :func:`minidl.optim.lookup`), or a class; or an unused
        optimizer, because it holds the state of one run.
    lr, momentum : float or schedule, optional
        Passed to the optimizer if you give its name or class; `lr` is then required.
    batch_size : "full" or int, default 32
        Rows per update. "full" uses all rows at once, in their order. The names ``"batch"`` and
        ``"stochastic"`` imply "full" and 1; ``"sgd"`` needs a batch size.
    seed : int, optional
        For dropout and the order of rows, which depends on the seed and the epoch only, never on
        the optimizer. None draws a fresh seed.
    l2 : float, default 0.0
        Adds l2 / 2 times the sum of the squared weights, but not biases, to every loss, reported
        ones included. PyTorch's ``weight_decay=l2`` counts biases, too; Keras's ``L2(l2 / 2)`` and
        scikit-learn's ``alpha = l2 * batch_size`` give the same gradient.
    l1 : float, default 0.0
        Adds l1 times the sum of the absolute weights, but not biases, in the same way: Keras's
        ``L1(l1)``. The slope of a weight of 0 is 0. See :class:`~minidl.nn.L1Penalty`.
    shuffle : bool, default True
        Whether the rows get a new random order in each epoch.
    measure_every : int, default 1
        Number of epochs between two rows of the history. 0: only before training and at the end.
    look_ahead : bool, default False
        Whether to record the training loss at the point where the next step evaluates its
        gradient, :meth:`Optimizer.look_ahead`, as column ``look_ahead_loss``. With NAG this costs
        a second pass over the rows.
    callbacks : iterable of Callback, optional
        Called in this order in each call of :meth:`fit`.
    class_weight : "balanced" or mapping, optional
        Default for calls of :meth:`fit` without one.
    clip_norm, clip_value, weight_decay : float or schedule, optional
        Put the optimizer into :class:`~minidl.optim.ClipByNorm`,
        :class:`~minidl.optim.ClipByValue` or :class:`~minidl.optim.DecoupledWeightDecay`, which
        also decays biases; `l2` does not. AdamW and Lion use their own weight decay.
    restart : {"gradient", "function"}, optional
        Put it into :class:`~minidl.optim.GradientRestart` or ``FunctionRestart``.
    schedule : str, optional
        How the learning rate changes, such as ``"cosine"``: ``minidl list schedules``. It lasts for
        the epochs of the first :meth:`fit`; set `schedule_epochs` before for another length.
    engine : {"auto", "eager", "compiled"}, default "auto"
        What takes the steps: NumPy, or a recorded step replayed in C, equal up to rounding. "auto"
        is compiled after 64 steps (1,024 with custom parts), where it can be. With "compiled", the
        first step that cannot be replayed is an ArgumentError. :attr:`engine_used` says which.

    Attributes
    ----------
    history : History
        The record so far, also after an interruption.
    epoch : int
        Number of completed epochs.
    engine_used : str
        Which engine has taken the steps, such as "compiled (AVX2)" or "eager, because ...".

    Raises
    ------
    ArgumentError, UnknownNameError
        An argument is invalid; the model ends with a sigmoid or softmax that the loss contains
        already; there is no loss or optimizer of that name; or no compiled engine.

    Examples
    --------
    >>> from minidl import Trainer, datasets, nn
    >>> data = datasets.load("moons", n=200, seed=0)
    >>> trainer = Trainer(nn.mlp(2, 8, 1, seed=0), "bce", "nag", lr=0.1, seed=0)
    >>> trainer.fit(data.X_train, data.y_train, epochs=5)["epoch"]
    array([0, 1, 2, 3, 4, 5])
    """

    _checks: ClassVar = CHECKS

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
        l1: float = 0.0,
        shuffle: bool = True,
        measure_every: int = 1,
        look_ahead: bool = False,
        callbacks: Iterable[Callback] = (),
        class_weight: ClassWeight | None = None,
        clip_norm: Setting | None = None,
        clip_value: Setting | None = None,
        weight_decay: Setting | None = None,
        restart: str | None = None,
        schedule: str | None = None,
        engine: str = "auto",
    ) -> None:
        check_model(model)
        criterion = loss_named(loss)
        made, self.batch_size = choose_optimizer(optimizer, lr, momentum, batch_size)
        self.optimizer = modified(made, clip_norm, clip_value, weight_decay, restart)
        check_logits(model, criterion)
        check_class_weight(class_weight, criterion)
        self.class_weight, self.seed = class_weight, check_seed(seed)
        self.shuffle, self.look_ahead = shuffle, look_ahead
        self.measure_every, self.engine = measure_every, engine
        self.schedule, on_plateaus = check_schedule(schedule)
        self.callbacks = [*check_callbacks(callbacks), *on_plateaus]
        self.objective = Objective(model, criterion, l2, l1)
        self.may_draw, self.buffered = _traits(model)
        self.warm = WARM if is_ours(self.objective, self.optimizer) else WARM_CUSTOM
        self.interrupts, self.history, self.started_with = Interrupts(), History(), {}
        self.hooks, self.compiled = Hooks(self.interrupts, self.callbacks), Compiled()

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

        If several callbacks call it in one epoch, the first reason is kept.
        """
        if not isinstance(reason, str) or not reason:
            raise invalid("reason", reason, 'a text, such as "the loss is small enough"')
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

        A second call continues where the first ended, exactly as if there had been one call;
        callbacks, too, keep their state. ``history.stopped_by`` says why the run ended. After a
        divergence, the model holds the weights of the last row of the history, and a
        DivergenceWarning is given. If the training loss is higher at the end than before the first
        epoch, a WorseLossWarning is given.

        Ctrl-C lets the current step finish; a second Ctrl-C stops at once. The next call first
        finishes the interrupted epoch, which counts as one of its `epochs`, exactly as if there had
        been no interruption.

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
            Rows on which loss and accuracy are measured, but which are not trained on.
        callbacks : iterable of Callback, optional
            For this call only; they run after those of the Trainer.
        sample_weight : array_like, shape (n,), optional
            A weight w >= 0 for each row. Loss and accuracy are weighted means, sum(w l) / sum(w): a
            weight of 2 counts a row twice, a weight of 0 leaves it out. Equal weights give bit for
            bit the result without weights.
        class_weight : "balanced" or mapping, optional
            A dictionary from class to weight. A class is a label in `y`, or a column number if `y`
            is one-hot; unlisted classes have weight 1. "balanced" gives all classes the same total
            weight, as in scikit-learn. Multiplied by `sample_weight`; not applied to validation
            rows, as in Keras.

        Raises
        ------
        DataError, ShapeError
            - X is empty or does not fit the model, or y does not suit the loss.
            - A value is infinite or missing: NaN, None, NA, NaT, null, masked, "?", or a text that
              ``pandas.read_csv`` takes for missing. Rename a class called "None".
            - An integer is too large for float64, such as 2**53 + 1.
            - X and y have the same pandas index in another order, or validation has other columns.
            - There is not one weight for each row, a weight is negative, or all are 0.
        ArgumentError
            - `epochs`, `callbacks` or `validation` is invalid, or `validation` is given in some
              calls of a run only.
            - `class_weight` names no class of `y`, or the loss has no classes or takes no weights.
            - The optimizer has been used in another run, or is a custom one that has changed no
              weight in the first epoch; or all parameters are frozen.
        GraphError
            A parameter can never train, because a forward or the loss leaves the graph, or the
            model does not find it. Other parameters without a gradient are named in one
            :class:`~minidl.errors.UntrainedWarning` after the first epoch.
        KeyboardInterrupt
            Ctrl-C was pressed; :attr:`history` holds what was recorded.

        Notes
        -----
        The loss of a batch of B rows is sum(w l) / (B m), where m is the mean weight of all rows,
        so that the batches of an epoch add up to the loss above. scikit-learn's networks and
        PyTorch (``CrossEntropyLoss(weight)``) divide by the weights of the batch, so at batch size
        1 weights have no effect. Keras divides by B, so larger weights act like a larger learning
        rate. Layers that mix rows, such as batch norm, do not use the weights.
        """
        check_count("epochs", epochs, 0, MOST_EPOCHS)
        check_callbacks(self.callbacks)
        classes = self.class_weight if class_weight is None else class_weight
        train = check_rows("training", X, y, self.objective, sample_weight, class_weight=classes)
        held_out = validation_rows(validation, self.objective)
        if validation is not None:
            check_validation(X, validation[0])
        # The default is compared, not its truth: an empty list of a wrong type is an error.
        hooks = [*self.callbacks, *(check_callbacks(callbacks) if callbacks != () else ())]
        self.note_rows(train.digest())
        before = self.model.checksums()
        self.fit_rows(Data(train, held_out), self.epoch + epochs, hooks)
        told, self._told = self._told, self.untrained
        for message, category in warnings_after(self, before, told):
            warn(message, category)
        return self.history

    @answers
    def evaluate(
        self, X: npt.ArrayLike, y: npt.ArrayLike, sample_weight: npt.ArrayLike | None = None
    ) -> Record:
        """Return a dictionary of the ``loss`` and, for classes, the ``accuracy`` on these rows.

        Raises the same errors as :meth:`fit`. Write ``trainer.evaluate(X, y)["accuracy"]``; for the
        accuracy on each class, :func:`~minidl.training.class_accuracy`.
        """
        rows = check_rows("evaluation", X, y, self.objective, sample_weight)
        return Record(self.objective.measure(*rows))

    @answers
    def save(self, path: str | Path) -> None:
        """Save the run, also within an interrupted epoch: :func:`~minidl.training.save_run`."""
        save_run(self, path)

    @answers
    def resume(self, path: str | Path) -> None:
        """Take over a saved run, which ``fit`` continues: :func:`~minidl.training.load_run`."""
        load_run(self, path)

    def fit_rows(self, data: Data, last: int, hooks: list[Callback]) -> None:
        """Train on checked rows until epoch `last`: the part of :meth:`fit` that takes time."""
        check_continuation(self, data.held_out is not None)
        begin_schedule(self, data.n, last)
        if self.cursor > data.n or self._other_rows:  # than those of the interrupted epoch
            self.cursor, self.hooks.begun = 0, []
        if self.recorded < 0:
            self.started_with = settings_of(self)
        self.seeds = [self.seed]
        self.hooks.take(hooks)
        with self.interrupts:
            try:
                self.fitting = True
                with np.errstate(over="ignore", invalid="ignore"):  # divergence is told in words
                    for hook in self.hooks.callbacks:
                        self.hooks.call(hook.on_fit_begin, self, last)
                    run(self, data, last)
                self.history.stopped_by = self.stop_reason or "epochs"
            except KeyboardInterrupt:
                self.history.stopped_by = self.stop_reason or "interrupted"
                raise
            finally:
                self.fitting = False
                end_fit(self, self.hooks.callbacks)

    def __repr__(self) -> str:
        parts = f"{self.model!r}, {self.loss!r}, {self.optimizer!r}"
        return f"Trainer({parts}, batch_size={self.batch_size!r}; {in_a_line(self.history)})"

    def _repr_html_(self) -> str:
        return trainer_settings(self)


def _traits(model: Layer) -> tuple[bool, bool]:
    """Return whether a layer says itself if it is stochastic, and whether there are buffers."""
    may_draw = any(type(part).stochastic is not Layer.stochastic for part in parts_of(model))
    return may_draw, next(model.named_buffers(), None) is not None
