"""The regressor."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import scipy.sparse
from sklearn.base import RegressorMixin
from sklearn.metrics import r2_score

from minidl.autograd import Array
from minidl.errors import DataError
from minidl.estimators.compat import checked
from minidl.estimators.losses import regressor_loss
from minidl.estimators.mlp import BaseMLP
from minidl.keywords import answers
from minidl.nn import Loss
from minidl.text import counted


@answers
class MLPRegressor(RegressorMixin, BaseMLP):  # type: ignore[misc]
    """A multilayer perceptron that predicts numbers, as an estimator of scikit-learn.

    Parameters and fitted attributes are those of :class:`MLPClassifier`, without `classes_` and
    `class_weight`. It minimises the mean of half the squared error, summed over outputs, plus
    ``alpha / (2 B) ||W||^2`` for batches of B rows. scikit-learn takes the same gradient, but
    reports the mean over outputs. Early stopping measures R^2.

    Parameters
    ----------
    hidden_layer_sizes, activation, solver, alpha, batch_size, learning_rate, learning_rate_init, \
power_t, max_iter, shuffle, random_state, tol, verbose, warm_start, momentum, nesterovs_momentum, \
early_stopping, validation_fraction, beta_1, beta_2, epsilon, n_iter_no_change, dropout, \
target_loss, callbacks, measure_every, engine, twin
        As in :class:`MLPClassifier`.
    loss : str or Loss, default "squared_error"
        Or "poisson", for counts, half the deviance of rates e^z of the outputs z, as in
        scikit-learn; or any loss of minidl for numbers, such as "huber"; "mse" is twice the default
        of one output.

    Raises
    ------
    ArgumentError, UnknownNameError, DataError
        A parameter is invalid, a name unknown, or data do not fit: each is a ValueError.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn.preprocessing import scale
    >>> X, y = load_diabetes(return_X_y=True)
    >>> model = MLPRegressor(8, solver="nag", learning_rate_init=0.01, tol=1e-3, random_state=0)
    >>> bool(model.fit(scale(X), scale(y)).score(scale(X), scale(y)) > 0.5)
    True
    """

    out_activation_: str

    def __init__(
        self,
        hidden_layer_sizes: Any = (100,),
        activation: Any = "relu",
        *,
        solver: Any = "adam",
        alpha: float = 0.0001,
        batch_size: int | str = "auto",
        learning_rate: str = "constant",
        learning_rate_init: float | None = None,
        power_t: float = 0.5,
        max_iter: int = 200,
        shuffle: bool = True,
        random_state: Any = None,
        tol: float = 1e-4,
        verbose: bool = False,
        warm_start: bool = False,
        momentum: float | None = None,
        nesterovs_momentum: bool = True,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        beta_1: float | None = None,
        beta_2: float | None = None,
        epsilon: float | None = None,
        n_iter_no_change: float = 10,
        loss: Any = "squared_error",
        dropout: float = 0.0,
        target_loss: float | None = None,
        callbacks: Any = None,
        measure_every: int | str = "auto",
        engine: str = "auto",
        twin: str | None = None,
    ) -> None:
        self._store(locals())

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Return the R^2."""
        return float(checked(super().score, X, y, sample_weight))

    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train one epoch further; the optimizer keeps its state.

        k calls with the same rows give what ``fit`` with ``max_iter=k`` gives.

        Parameters
        ----------
        X, y, sample_weight
            As for :meth:`fit`.

        Returns
        -------
        self
        """
        return self._fit(X, y, sample_weight, incremental=True)

    def predict(self, X: Any) -> Array:
        """Return the predictions (n,), or (n, outputs) if `y` had several columns."""
        outputs = self._rates(self._outputs(X))
        return outputs[:, 0] if outputs.shape[1] == 1 else outputs

    def _targets(self, y: Any, dtype: Any, *, incremental: bool) -> Array:
        if scipy.sparse.issparse(y):
            raise DataError("y must be dense", received=type(y).__name__, hint="Write y.toarray().")
        if np.asarray(y).dtype.kind not in "fiub":  # object is float by now
            received = f"{type(y).__name__} of {np.asarray(y).dtype}"
            hint = "Labels are for MLPClassifier; write y.astype(float) if these are numbers."
            raise DataError("y must be numbers", received=received, hint=hint)
        t: Array = checked(np.asarray, y, dtype)
        t = t[:, None] if t.ndim == 1 else t
        if self._goes_on(incremental) and t.shape[1] != self.n_outputs_:
            forms = [f"{counted(n, 'number')} in each row" for n in (t.shape[1], self.n_outputs_)]
            self._refuse_targets(*forms)
        self.n_outputs_ = t.shape[1]
        self.out_activation_ = "exp" if getattr(self._loss(), "log_input", False) else "identity"
        return t

    def _rates(self, outputs: Array) -> Array:
        """Return the predictions: the outputs, or what they are the logarithms of."""
        return np.exp(outputs) if self.out_activation_ == "exp" else outputs

    def _loss(self) -> Loss:
        return regressor_loss(self.loss)

    def _score_of(self, outputs: Array, t: Array, w: Array | None) -> float:
        return float(r2_score(t, self._rates(outputs), sample_weight=w))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags

    def _more_tags(self) -> dict[str, Any]:  # of scikit-learn 1.5
        return {"multioutput": True}
