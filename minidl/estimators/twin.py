"""Training as scikit-learn's MLPClassifier and MLPRegressor train, to the last bit.

Here are the order of the rows, the batches, the validation rows and what a warm start goes on from;
the arithmetic of a step is in `twin_steps.py`, stopping and rates are in `bookkeeping.py`.
"""

from __future__ import annotations

import math
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import accuracy_score, r2_score
from sklearn.model_selection import train_test_split
from sklearn.utils import check_random_state, gen_batches, shuffle

from minidl import nn
from minidl.autograd import Array
from minidl.checks import check_count
from minidl.errors import ArgumentError, DataError, invalid, warn
from minidl.estimators.bookkeeping import NOT_CONVERGED, Account, Rules
from minidl.estimators.twin_steps import EpsilonHatAdam, Network
from minidl.optim import Momentum, Optimizer, ReformulatedNAG

ACTIVATIONS = ("identity", "logistic", "tanh", "relu")
HALF = 0.5  # a class whose probability is larger is predicted
AUTO = 200  # rows in a batch
SMALLEST_SET = 2  # rows to score

Rows = tuple[Any, Array, Array | None]  # X, which may be sparse, targets (n, outputs), and weights


def optimizer(params: Any) -> Optimizer:
    """Return the optimizer that scikit-learn calls "sgd" or "adam"."""
    rate = params.learning_rate_init
    if params.solver == "adam":
        return EpsilonHatAdam(rate, params.beta_1, params.beta_2, params.epsilon)
    if params.solver != "sgd":
        hint = "The other optimizers need twin=None."
        raise invalid("solver", params.solver, '"sgd" or "adam" for a twin of scikit-learn', hint)
    rule = ReformulatedNAG if params.nesterovs_momentum else Momentum
    return rule(rate, params.momentum)


class Twin:
    """A network in training, and all that a warm start or `partial_fit` goes on from.

    `model` is a network of minidl that gives logits, or the numbers of a regression, and `account`
    has what scikit-learn records. float32 is the same to the last bit if the targets of a
    regression are float32, too; scikit-learn computes some of it in float64 otherwise.

    Parameters
    ----------
    params : object
        Its attributes are scikit-learn's parameters. An activation or a solver that scikit-learn's
        MLP has not is an ArgumentError.
    sizes : list of int
        Widths of the network from input to output.
    output : {"softmax", "logistic", "identity", "exp"}
        The function of the outputs: for one of several classes, for two classes or several labels,
        for numbers, for the Poisson loss (scikit-learn 1.7).
    dtype : dtype, default float64
        Or float32; that of the inputs.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.neural_network import MLPClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> theirs = MLPClassifier(max_iter=50, tol=1, n_iter_no_change=3, random_state=0).fit(X, y)
    >>> ours = Twin(theirs, [4, 100, 3], "softmax")
    >>> ours.fit(theirs, (X, np.eye(3, dtype=bool)[y], None))
    >>> ours.account.n_iter, np.allclose(ours.account.loss_curve, theirs.loss_curve_, rtol=1e-12)
    (5, True)
    """

    def __init__(self, params: Any, sizes: list[int], output: str, dtype: Any = np.float64) -> None:
        name = params.activation
        if name not in ACTIVATIONS:
            expected = f"one of {', '.join(ACTIVATIONS)} for a twin of scikit-learn"
            raise invalid("activation", name, expected)
        zeros: Any = {"initializer": "zeros", "seed": 0, "dtype": dtype}
        self.model = nn.mlp(*sizes, activation=name, **zeros)
        self.network = Network(self.model, name, output)
        self.account = Account(params.early_stopping)
        self.optimizer: Optimizer | None = None

    def fit(self, params: Any, rows: Rows, *, incremental: bool = False) -> None:
        """Train, from the weights of the call before if there was one.

        Weights that are not finite in the end are a DataError; `incremental` with early stopping
        and fewer than two validation rows are an ArgumentError.

        Parameters
        ----------
        rows : tuple of X, y and sample_weight
            Checked inputs (n, features), which may be sparse; targets (n, outputs), one-hot rows of
            bool, bool for two classes or for labels, or numbers; and weights (n,) or None, as of
            scikit-learn 1.7, before which its MLP has none.
        incremental : bool, default False
            Train for one epoch and with the optimizer of the call before: `partial_fit`.
        """
        random, w, account = check_random_state(params.random_state), self._w, self.account
        if self.optimizer is None:
            self.network.draw(random)
            account.best_weights = w.copy()
        if self.optimizer is None or not incremental:
            self.optimizer = optimizer(params)
        train, held_out = _split(params, rows, random, self.network.output)
        try:
            with np.errstate(over="ignore", invalid="ignore"):  # divergence is an error below
                self._train(params, train, held_out, random, incremental)
        except KeyboardInterrupt:
            warn("Training interrupted by user.")
        if params.early_stopping and account.best_weights is not None:
            w[...] = account.best_weights
            account.best_weights = None  # those of a warm start, until a score is better
        if not np.isfinite(w).all():
            problem = "Solver produced non-finite parameter weights"
            hint = "Scale the inputs, for instance with StandardScaler, or lower the learning rate."
            raise DataError(problem, hint=hint)

    @property
    def _w(self) -> Array:
        return self.model.parameters.value

    def _train(
        self,
        params: Any,
        train: Rows,
        held_out: Rows | None,
        random: np.random.RandomState,
        incremental: bool,
    ) -> None:
        """Train until the loss or the score has not improved for more than `n_iter_no_change`."""
        account, rules, n = self.account, Rules.of(params), len(train[1])
        if params.solver == "adam":
            rules = replace(rules, learning_rate="constant")
        order, size = np.arange(n), _rows_per_batch(params.batch_size, n)
        account.n_iter = 0
        for _ in range(params.max_iter):
            if params.shuffle:
                order = shuffle(order, random_state=random)
            total = self._epoch(train, order if params.shuffle else None, size, params.alpha)
            account.n_iter, account.t = account.n_iter + 1, account.t + n
            account.loss_curve.append(total / n)
            if params.verbose:
                print(f"Iteration {account.n_iter}, loss = {account.loss_curve[-1]:.8f}")
            if held_out is None:
                account.note_loss(account.loss_curve[-1], params.tol)
            else:
                account.note_score(self._score(*held_out), params.tol, self._w)
                if params.verbose:
                    print(f"Validation score: {account.validation_scores[-1]:f}")
            if account.ends(rules, self.optimizer, float(params.learning_rate_init)) or incremental:
                return
        warn(NOT_CONVERGED.format(params.max_iter), ConvergenceWarning)

    def _epoch(self, rows: Rows, order: Array | None, size: int, alpha: float) -> Any:
        """Take a step for each batch; return the sum of their losses, each times its rows."""
        X, y, sample_weight = rows
        assert self.optimizer is not None
        total: Any = 0.0
        for part in gen_batches(len(y), size):
            batch: Any = part if order is None else order[part]
            weights = None if sample_weight is None else sample_weight[batch]
            gradient = partial(self.network.gradient, X[batch], y[batch], weights, alpha)
            self.optimizer.step(self._w, gradient)
            total += self.network.loss * (part.stop - part.start)
        return total

    def _score(self, X: Any, y: Array, sample_weight: Array | None) -> float:
        """Return the accuracy of the predicted classes, or R^2."""
        outputs, score = self.network.predict(X), accuracy_score
        if self.network.output in ("identity", "exp"):
            if not np.isfinite(outputs).all():
                return math.nan
            score = r2_score
        elif self.network.output == "softmax":
            y, outputs = y.argmax(axis=1), outputs.argmax(axis=1)
        else:
            outputs = outputs > HALF
        return float(score(y, outputs, sample_weight=sample_weight))


def _rows_per_batch(batch_size: Any, n: int) -> Any:
    """Return the rows per step, an int64 as in scikit-learn, which makes float32 losses float64."""
    if batch_size == "auto":
        return min(AUTO, n)
    if check_count("batch_size", batch_size) > n:
        message = f"batch_size={batch_size} is larger than the {n} training rows, and means all"
        warn(message)
    return np.clip(batch_size, 1, n)


def _split(
    params: Any, rows: Rows, random: np.random.RandomState, output: str
) -> tuple[Rows, Rows | None]:
    """Return rows to train with and, for early stopping, rows to score."""
    if not params.early_stopping:
        return rows, None
    _, y, w = rows
    parts = train_test_split(
        *(rows[:2] if w is None else rows),
        random_state=random,
        test_size=params.validation_fraction,
        stratify=y if output == "logistic" and y.shape[1] == 1 else None,
    )
    train, held_out = [*parts[::2], None][:3], [*parts[1::2], None][:3]
    if len(held_out[1]) < SMALLEST_SET:
        problem = f"The validation set is too small: {params.validation_fraction} of {len(y)} rows"
        hint = "Increase 'validation_fraction' or the size of your dataset."
        raise ArgumentError(problem, received=len(held_out[1]), expected="2 or more", hint=hint)
    return tuple(train), tuple(held_out)
