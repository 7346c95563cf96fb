"""The base of both estimators: a thin layer over ``nn.mlp`` and the Trainer."""

from __future__ import annotations

import copy
from importlib import import_module
from typing import Any, NamedTuple, NoReturn, Self

import numpy as np
import scipy.sparse
from sklearn.base import BaseEstimator, is_regressor
from sklearn.model_selection import train_test_split
from sklearn.utils.validation import _check_sample_weight, check_is_fitted

from minidl.autograd import Array
from minidl.errors import ArgumentError, DataError, UnknownNameError, warn
from minidl.estimators.bookkeeping import Account, AccountingTrainer, Rules
from minidl.estimators.compat import checked, validate
from minidl.estimators.settings import (
    RATE,
    check_parameters,
    choose_solver,
    copies_of,
    hidden_sizes,
    rows_per_batch,
    seed_of,
    twin_parameters,
)
from minidl.keywords import answer_keyword
from minidl.nn import Dense, Layer, Loss, Sequential, mlp
from minidl.training import History, StopAtTarget
from minidl.training.callbacks import Callback, check_callbacks
from minidl.training.weights import ClassWeight, as_weights

CHUNK = 8192  # rows predicted at once


class Rows(NamedTuple):
    """Checked rows: X (n, features), targets as the loss takes them, weights or None."""

    X: Array
    t: Array
    w: Array | None

    def part(self, index: Array) -> Rows:
        """Return some of the rows."""
        return Rows(self.X[index], self.t[index], None if self.w is None else self.w[index])


class BaseMLP(BaseEstimator):  # type: ignore[misc]
    """The base of :class:`MLPClassifier` and :class:`MLPRegressor`."""

    # Set by fit
    model_: Sequential
    history_: History
    n_features_in_: int
    n_outputs_: int
    out_activation_: str
    callbacks_: list[Callback]
    _trainer: AccountingTrainer
    _twin: Any

    def set_params(self, **parameters: Any) -> Self:
        """Set parameters; an unknown one is an :class:`UnknownNameError`, a ValueError."""
        for name in parameters:
            if name.partition("__")[0] not in self._get_param_names():
                raise self._unknown(name)
        return super().set_params(**parameters)  # type: ignore[no-any-return]

    def _unknown(self, name: str) -> UnknownNameError:
        """Return the error for an unknown parameter."""
        return UnknownNameError("parameter", name, self._get_param_names())

    def __setattr__(self, name: str, value: object) -> None:
        parameters = self._get_param_names()
        fitted = name.endswith("_") or name.startswith("_") or hasattr(type(self), name)
        if name not in parameters and not fitted and answer_keyword(name, parameters) is not None:
            raise self._unknown(name)
        super().__setattr__(name, value)

    def _store(self, parameters: dict[str, Any]) -> None:
        """Store the constructor's arguments unchecked, as scikit-learn asks."""
        for name in self._get_param_names():
            setattr(self, name, parameters[name])

    # What classifier and regressor differ in
    def _targets(self, y: Any, dtype: Any, *, incremental: bool) -> Array:
        """Return the targets as the loss takes them."""
        raise NotImplementedError

    def _loss(self) -> Loss:
        """Return a new loss."""
        raise NotImplementedError

    def _strata(self, t: Array) -> Array | None:
        """Return the classes whose shares are the same in training and validation rows."""
        return None

    def _class_weights(self) -> ClassWeight | None:
        """Return class weights as the Trainer takes them."""
        return None

    def _mean_weight(self, rows: Rows) -> float:
        """Return the mean weight of the rows, which the penalty is divided by."""
        return 1.0 if rows.w is None else float(rows.w.mean())

    def _score_of(self, outputs: Array, t: Array, w: Array | None) -> float:
        """Return accuracy or R^2 of the network's outputs."""
        raise NotImplementedError

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Fit the network to the rows, from new weights unless ``warm_start=True``.

        Parameters
        ----------
        X : array_like, sparse matrix or DataFrame, shape (n, features)
            float32 stays float32; all else becomes float64. A sparse matrix is made dense.
        y : array_like, shape (n,) or (n, outputs)
            Labels or numbers.
        sample_weight : array_like, shape (n,), optional
            A weight of k counts a row k times, 0 leaves it out.

        Returns
        -------
        self
        """
        return self._fit(X, y, sample_weight, incremental=False)

    def _fit(self, X: Any, y: Any, sample_weight: Any, *, incremental: bool) -> Self:
        """Train to the end, or one epoch further."""
        check_parameters(self)
        if incremental and self.early_stopping:
            raise ArgumentError("partial_fit does not support early_stopping=True")
        continued = self._goes_on(incremental)
        architecture = self._check_architecture(continued)
        rows = self._rows(X, y, sample_weight, from_scratch=not continued, incremental=incremental)
        if self.twin is not None:  # scikit-learn's arithmetic, on the same checked rows
            self._fit_twin(rows, from_scratch=not continued, incremental=incremental)
            self._architecture = architecture
            return self
        goes_on = continued and incremental and hasattr(self, "_trainer")
        seed = self._trainer.seed if goes_on else seed_of(self.random_state)
        train, held_out = self._split(rows, seed) if self.early_stopping else (rows, None)
        if not continued:
            self.model_, self._architecture = self._network(rows.X.dtype, seed), architecture
        if goes_on:
            self._trainer.batch_size = rows_per_batch(self, len(train.X))
        else:
            self.callbacks_ = copies_of(check_callbacks(self.callbacks or ()))
            self._trainer = self._new_trainer(len(train.X), seed, continued=continued)
        self._train(train, held_out, incremental=incremental)
        return self

    def _goes_on(self, incremental: bool) -> bool:
        """Return True if the present network is trained further."""
        return hasattr(self, "model_") and (self.warm_start or incremental)

    def _refuse_targets(self, received: str, expected: str) -> NoReturn:
        """Raise for targets of another form than those of the fitted network."""
        hint = "A new network needs fit with warm_start=False."
        problem = "y does not fit the network, which is trained further"
        raise DataError(problem, received=received, expected=expected, hint=hint)

    def _check_architecture(self, continued: bool) -> dict[str, Any]:
        """Return the settings of the network; raise if `continued` training would change them."""
        names = ("activation", "hidden_layer_sizes", "dropout")
        new = {name: getattr(self, name) for name in names} | {
            "hidden_layer_sizes": hidden_sizes(self)
        }
        new = {name: repr(value).lower() for name, value in new.items()}
        before = getattr(self, "_architecture", new) if continued else new
        for name in names:
            if new[name] != before[name]:
                problem = "cannot change the network, which is trained further"
                hint = "A new network needs fit with warm_start=False."
                raise ArgumentError(
                    problem, argument=name, received=new[name], expected=before[name], hint=hint
                )
        return new

    def _rows(
        self, X: Any, y: Any, sample_weight: Any, *, from_scratch: bool, incremental: bool
    ) -> Rows:
        """Return the checked rows; note their features if training starts `from_scratch`."""
        numeric = {"y_numeric": True} if is_regressor(self) else {}
        X, y = validate(
            self, X, y, accept_sparse=["csr", "csc"], multi_output=True, reset=from_scratch,
            dtype=(np.float64, np.float32), order="C", **numeric,
        )  # fmt: skip
        w = None
        if sample_weight is not None:
            dtype = X.dtype if self.twin is None else None  # scikit-learn keeps that of weights
            w = checked(_check_sample_weight, sample_weight, X, dtype=dtype)
            as_weights("training", w, w.shape)
        t = self._targets(y, X.dtype, incremental=incremental)
        dense = self.twin is None and scipy.sparse.issparse(X)
        return Rows(X.toarray() if dense else X, t, w)

    def _split(self, rows: Rows, seed: int) -> tuple[Rows, Rows]:
        """Return training rows and validation rows, with classes in the same shares."""
        train, held_out = checked(
            train_test_split, np.arange(len(rows.X)), test_size=self.validation_fraction,
            random_state=seed % 2**32, stratify=self._strata(rows.t),
        )  # fmt: skip
        if len(held_out) < 2:
            hint = "Increase 'validation_fraction' or the size of your dataset."
            problem = "The validation set is too small"
            raise DataError(problem, received=len(held_out), expected="2 rows or more", hint=hint)
        return rows.part(train), rows.part(held_out)

    def _network(self, dtype: Any, seed: int) -> Sequential:
        """Return a new network."""
        activation = self.activation
        if isinstance(activation, Layer):
            activation = copy.deepcopy(activation)  # each fit has its own
        sizes = (self.n_features_in_, *hidden_sizes(self), self.n_outputs_)
        return mlp(*sizes, activation=activation, dropout=self.dropout, seed=seed, dtype=dtype)

    def _new_trainer(self, n: int, seed: int, *, continued: bool) -> AccountingTrainer:
        """Return a Trainer with a new optimizer, and if `continued` with the last one's account."""
        callbacks, interval = list(self.callbacks_), self.measure_every
        if self.target_loss is not None:
            callbacks.append(StopAtTarget(loss=self.target_loss))
        trainer = AccountingTrainer(
            self.model_, self._loss(), choose_solver(self), batch_size=rows_per_batch(self, n),
            seed=seed, shuffle=self.shuffle, callbacks=callbacks, engine=self.engine,
            measure_every=int(bool(callbacks)) if interval == "auto" else interval,
        )  # fmt: skip
        before = self._trainer.account if continued and hasattr(self, "_trainer") else None
        if before is None or before.early_stopping != self.early_stopping:
            before = Account(self.early_stopping)
        trainer.account, trainer.first_rate = before, getattr(trainer.optimizer, "lr", RATE)
        return trainer

    def _fit_twin(self, rows: Rows, *, from_scratch: bool, incremental: bool) -> None:
        """Train with scikit-learn's own arithmetic, and set the fitted attributes."""
        twins = import_module("minidl.estimators.twin")  # which few programs need
        parameters = twin_parameters(self)
        if from_scratch:
            sizes = [self.n_features_in_, *hidden_sizes(self), self.n_outputs_]
            self._twin = twins.Twin(parameters, sizes, self.out_activation_, rows.X.dtype)
            self.model_ = self._twin.model
        elif not hasattr(self, "_twin") or self._twin.model is not self.model_:
            hint = "Set it before the first fit."
            raise ArgumentError("must not be set between two fits", argument="twin", hint=hint)
        columns = rows.t
        if self.out_activation_ == "softmax":
            columns = np.equal(rows.t[:, None], np.arange(self.n_outputs_))
        elif self.out_activation_ == "logistic":
            columns = rows.t.astype(bool)
        self._twin.fit(parameters, (rows.X, columns, rows.w), incremental=incremental)
        losses = self._twin.account.loss_curve
        curves = {"epoch": range(1, len(losses) + 1), "running_loss": losses}
        self._publish(self._twin.account, History.from_columns(curves))

    def _train(self, train: Rows, held_out: Rows | None, *, incremental: bool) -> None:
        """Train one epoch or all, and set the fitted attributes."""
        trainer, validation = self._trainer, None
        trainer.rules = Rules.of(self)
        total = trainer.rows_in_batch(len(train.X)) * self._mean_weight(train)
        trainer.objective.penalty.strength = self.alpha / total if total > 0 else 0.0
        if held_out is not None:
            trainer.score = lambda: self._score_of(trainer.raw(held_out.X), held_out.t, held_out.w)
            validation = held_out if trainer.measure_every else None
        trainer.begin()
        try:
            trainer.fit(
                train.X, train.t, epochs=1 if incremental else self.max_iter,
                validation=validation, sample_weight=train.w, class_weight=self._class_weights(),
            )  # fmt: skip
        except KeyboardInterrupt:
            warn("Training interrupted by user.")
        finally:
            trainer.score = None
        if held_out is not None and trainer.account.best_weights is not None:
            self.model_.parameters.set(trainer.account.best_weights)
        self._publish(trainer.account, trainer.history)
        if not incremental:
            trainer.warn_of_limit(self.max_iter)

    def _publish(self, account: Account, history: History) -> None:
        """Set the fitted attributes from an account."""
        early, self.history_ = self.early_stopping, history
        self.loss_curve_ = account.loss_curve
        self.loss_ = account.loss_curve[-1] if account.loss_curve else np.nan
        self.best_loss_ = None if early else account.best_loss
        self.validation_scores_ = account.validation_scores if early else None
        self.best_validation_score_ = account.best_score if early else None
        self.n_iter_, self.t_ = account.n_iter, account.t
        self.n_layers_ = len(self.coefs_) + 1
        self._no_improvement_count = account.no_improvement

    @property
    def coefs_(self) -> list[Array]:
        """The weight matrices (in, out), as views of ``model_``: writing into them changes it."""
        return [layer.weight.data for layer in self._dense()]

    @property
    def intercepts_(self) -> list[Array]:
        """The biases (out,), as views of ``model_``."""
        return [layer.bias.data for layer in self._dense() if layer.bias is not None]

    def _dense(self) -> list[Dense]:
        if "model_" not in vars(self):
            raise AttributeError(f"this {type(self).__name__} is not fitted yet: call fit first")
        return [layer for layer in self.model_.layers if isinstance(layer, Dense)]

    def _outputs(self, X: Any) -> Array:
        """Return the network's outputs (n, outputs); sparse rows become dense in chunks."""
        check_is_fitted(self)
        X = validate(self, X, accept_sparse="csr", reset=False, dtype=(np.float64, np.float32))
        sparse = scipy.sparse.issparse(X)
        parts = []
        for start in range(0, X.shape[0], CHUNK):
            part = X[start : start + CHUNK]
            parts.append(self.model_.predict(part.toarray() if sparse else part, chunk=CHUNK))
        return np.concatenate(parts)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags
