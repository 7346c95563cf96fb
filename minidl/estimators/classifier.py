"""The classifier."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import numpy as np
import scipy.sparse
from scipy.special import expit, log_expit, log_softmax, softmax
from sklearn.base import ClassifierMixin
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import _check_partial_fit_first_call
from sklearn.utils.validation import column_or_1d

from minidl.autograd import Array
from minidl.errors import ArgumentError, DataError
from minidl.estimators.compat import checked
from minidl.estimators.labels import form_of, has_probabilities, kind_of, takes_parts
from minidl.estimators.losses import classifier_loss
from minidl.estimators.mlp import BaseMLP, Rows
from minidl.keywords import answers
from minidl.nn import Loss
from minidl.training.weights import ClassWeight, check_class_weight


@answers
class MLPClassifier(ClassifierMixin, BaseMLP):  # type: ignore[misc]
    """A multilayer perceptron that classifies, as an estimator of scikit-learn.

    Parameters and fitted attributes have the names and the meaning that they have in
    :class:`sklearn.neural_network.MLPClassifier`, unless it is said below. It minimises the mean
    log loss plus ``alpha / (2 B) ||W||^2`` for batches of B rows. Initial weights and the order of
    rows are minidl's, so numbers differ from scikit-learn's; ``twin="scikit-learn"`` gives those.

    Parameters
    ----------
    hidden_layer_sizes : int or sequence of int, default (100,)
        Widths of the hidden layers.
    activation : str, Layer or class, default "relu"
        Any activation of minidl, such as "gelu"; "logistic" and "identity" as in scikit-learn.
    solver : str, Optimizer or subclass of Optimizer, default "adam"
        Any name of ``minidl list optimizers``, or ``my_file.py:MyAdam``. "sgd" is scikit-learn's:
        :class:`~minidl.optim.ReformulatedNAG`, with ``nesterovs_momentum=False``
        :class:`~minidl.optim.Momentum`. An optimizer is copied in each fit. "lbfgs" is an error.
    alpha : float, default 0.0001
        L2 penalty; ``Trainer(l2=alpha / B)``, with weights divided by their mean, too.
        scikit-learn divides by the rows of each batch, so in the last, smaller one it is stronger.
    batch_size : int, "auto" or "full", default "auto"
        Rows B per update; "auto" is 200, or all rows if there are fewer.
    learning_rate : {"constant", "invscaling", "adaptive"}, default "constant"
        As in scikit-learn, but for every solver whose rate is a number.
    learning_rate_init : float, optional
        The learning rate, by default the optimizer's own; if it has none, and for "sgd", 0.001.
    power_t : float, default 0.5
        For "invscaling": after t rows the rate is ``learning_rate_init / (t + 1)**power_t``.
    max_iter : int, default 200
        Largest number of epochs.
    shuffle : bool, default True
        Whether rows get a new order in each epoch. If one batch has all rows, they keep theirs.
    random_state : int, RandomState or None, default None
        For weights, order of rows, dropout and validation rows. An integer is the seed of
        ``nn.mlp`` and of the Trainer.
    tol, n_iter_no_change : float, default 0.0001 and 10
        Training ends when in more than `n_iter_no_change` epochs in a row the loss has not been
        better by `tol`; with `early_stopping` the score.
    verbose : bool, default False
        Whether to print the loss of each epoch.
    warm_start : bool, default False
        Whether `fit` continues from the present weights, with a new optimizer.
    momentum, beta_1, beta_2, epsilon : float, optional
        Hyperparameters of the solver, by default the optimizer's own, 0.9 for "sgd". A warning
        names those that a solver does not have; scikit-learn ignores them silently.
    nesterovs_momentum : bool, default True
        For "sgd" only.
    early_stopping : bool, default False
        Whether to hold out rows, measure the accuracy on them, and restore the best weights.
    validation_fraction : float, default 0.1
        Their share; classes have the same shares in both parts, also of three and more classes.
    loss : str or Loss, default "log_loss"
        Or any loss of minidl for classes; without probabilities if that is "hinge".
    class_weight : "balanced" or dict, optional
        Label -> weight, which multiplies `sample_weight`, also in the penalty.
    dropout : float, default 0.0
        Rate of dropout after each hidden layer.
    target_loss : float, optional
        Training ends when the loss on all training rows, measured after each epoch, has reached it.
    callbacks : list of Callback, optional
        Callbacks of minidl; they see every measured epoch. Each `fit` trains with copies, which
        are `callbacks_`: read there what they have noted.
    measure_every : int or "auto", default "auto"
        Epochs between two rows of `history_`; 0 is before training and at the end. "auto" is 1 with
        callbacks or a target loss, else 0, since scikit-learn's attributes need no measurement.
    engine : {"auto", "eager", "compiled"}, default "auto"
        As of :class:`~minidl.Trainer`: "auto" trains in C after the first 64 updates, several times
        faster; "eager" with NumPy alone. A twin is eager.
    twin : {None, "scikit-learn"}, default None
        "scikit-learn" trains exactly as scikit-learn's MLP does, to the last digits; in float32
        only if the targets of a regression are float32, too.

    Attributes
    ----------
    classes_ : ndarray
        The labels.
    loss_, best_loss_, loss_curve_ : float, float or None, list of float
        Mean losses of the batches of an epoch, during which the weights moved: the last, the
        smallest and all.
    validation_scores_, best_validation_score_ : list of float and float, or None
        With `early_stopping`.
    coefs_, intercepts_ : list of ndarray
        Views of the weights in `model_`.
    n_iter_, t_ : int
        Epochs of the last fit, and rows seen in all.
    n_features_in_, feature_names_in_, n_layers_, n_outputs_, out_activation_
        As in scikit-learn.
    history_ : History
        What the Trainer measured: losses, accuracy, gradient norm, updates, seconds.
    callbacks_ : list of Callback
        The copies of `callbacks`; without a twin.
    model_ : Sequential
        The network, for everything else in minidl; its outputs are logits.

    Raises
    ------
    ArgumentError, UnknownNameError, DataError
        A parameter is invalid, a name unknown, or data do not fit: each is a ValueError.

    Warns
    -----
    ConvergenceWarning
        The last epoch was reached.
    DivergenceWarning
        The loss grew beyond all bounds; the weights are those before. scikit-learn goes on.

    Notes
    -----
    With `sample_weight`, a weight of k counts a row k times. Sparse inputs are made dense for
    training, and 8,192 rows at a time for predictions. Three or more classes have one output each
    with the softmax, two classes one logit, several labels one logit each.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> X, y = load_iris(return_X_y=True)
    >>> network = MLPClassifier(16, "tanh", solver="nag", learning_rate_init=0.1, random_state=0)
    >>> model = make_pipeline(StandardScaler(), network).fit(X, y)
    >>> bool(model.score(X, y) > 0.95), network.history_.stopped_by
    (True, 'no improvement')
    """

    classes_: Array

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
        loss: Any = "log_loss",
        class_weight: Any = None,
        dropout: float = 0.0,
        target_loss: float | None = None,
        callbacks: Any = None,
        measure_every: int | str = "auto",
        engine: str = "auto",
        twin: str | None = None,
    ) -> None:
        self._store(locals())

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Return the accuracy."""
        return float(checked(super().score, X, y, sample_weight))

    @available_if(takes_parts)  # type: ignore[untyped-decorator]
    def partial_fit(self, X: Any, y: Any, classes: Any = None, sample_weight: Any = None) -> Self:
        """Train one epoch further; the optimizer keeps its state.

        k calls with the same rows give what ``fit`` with ``max_iter=k`` gives.

        Parameters
        ----------
        X, y, sample_weight
            As for :meth:`fit`.
        classes : array_like, shape (classes,)
            All labels; needed in the first call, in which not all need occur in `y`.

        Returns
        -------
        self
        """
        checked(_check_partial_fit_first_call, self, classes)
        return self._fit(X, y, sample_weight, incremental=True)

    def _targets(self, y: Any, dtype: Any, *, incremental: bool) -> Array:
        """Return 0 or 1 (n, 1), class numbers (n,), or one column for each label (n, labels)."""
        if y.ndim == 2 and y.shape[1] == 1:
            y = checked(column_or_1d, y, warn=True)
        several = kind_of(y) == "multilabel-indicator"
        if y.ndim == 2 and not several:
            problem = "Multioutput target data is not supported"
            hint = "Several columns must be labels that are 0 or 1, or fit one estimator for each."
            raise DataError(problem, received=f"y of shape {y.shape}", hint=hint)
        self._check_form(several, y.shape[1] if several else 1, incremental=incremental)
        self._note_classes(y, several, incremental=incremental)
        if several:
            y = y.toarray() if scipy.sparse.issparse(y) else y
            self.n_outputs_, self.out_activation_ = y.shape[1], "logistic"
            return np.asarray(y, dtype)
        codes = np.searchsorted(self.classes_, y)
        if len(self.classes_) > 2:
            self.n_outputs_, self.out_activation_ = len(self.classes_), "softmax"
            return np.asarray(codes)
        self.n_outputs_, self.out_activation_ = 1, "logistic"
        return np.asarray(codes[:, None], dtype)

    def _check_form(self, several: bool, columns: int, *, incremental: bool) -> None:
        """Raise if a network of another number of labels in each row is trained further."""
        if self._goes_on(incremental):
            labels = self.n_outputs_ if self._multilabel else 1
            if (several, columns) != (self._multilabel, labels):
                forms = [form_of(several, columns), form_of(self._multilabel, labels)]
                self._refuse_targets(*forms)

    def _note_classes(self, y: Any, several: bool, *, incremental: bool) -> None:
        """Note the classes, or compare them with those of the network that is trained further."""
        classes = np.arange(y.shape[1]) if several else np.unique(y)
        if not hasattr(self, "classes_") or not (self.warm_start or incremental):
            self.classes_, self._multilabel = classes, several
        elif incremental:
            if strange := sorted(set(classes.tolist()) - set(self.classes_.tolist())):
                problem = "`y` has classes not in `self.classes_`"
                raise DataError(problem, received=strange, expected=self.classes_.tolist())
            self._multilabel = several  # in the first call of partial_fit
        elif set(classes.tolist()) != set(self.classes_.tolist()):
            raise DataError(
                "warm_start can only be used where `y` has the same classes as in the previous "
                f"call to fit. Previously got {self.classes_}, `y` has {classes}"
            )

    def _loss(self) -> Loss:
        several = not self._multilabel and self.n_outputs_ > 1
        return classifier_loss(self.loss, several=several)

    def _strata(self, t: Array) -> Array | None:
        return None if self._multilabel else self.classes_[t.astype(int).ravel()]

    def _class_weights(self) -> ClassWeight | None:
        weights: ClassWeight | None = self.class_weight
        if not isinstance(weights, Mapping):
            return weights
        check_class_weight(weights, self._trainer.loss)
        classes = self.classes_.tolist()
        if strange := [label for label in weights if label not in classes]:
            problem, received = "names classes that do not occur", f"{strange}"
            expected = f"classes among {classes}"
            raise ArgumentError(
                problem, argument="class_weight", received=received, expected=expected
            )
        return {float(code): weights.get(label, 1.0) for code, label in enumerate(classes)}

    def _mean_weight(self, rows: Rows) -> float:
        """Return the mean product of the weights of rows and of their classes."""
        weights, w = self._class_weights(), 1.0 if rows.w is None else rows.w
        if isinstance(weights, Mapping) and not self._multilabel:
            of_class = np.array([weights[float(k)] for k in range(len(self.classes_))])
            w = w * of_class[rows.t.astype(int).ravel()]
        return float(np.mean(w))

    def _score_of(self, outputs: Array, t: Array, w: Array | None) -> float:
        codes = self._codes(outputs)
        right: Array = np.equal(codes, t.reshape(codes.shape))
        right = np.asarray(right.all(axis=1)) if right.ndim > 1 else right
        return float(np.average(right, weights=w))

    def _codes(self, outputs: Array) -> Array:
        """Return the number of the class of each row (n,), or 0 or 1 of each label (n, labels)."""
        if self._multilabel:
            return (outputs > 0).astype(int)
        if outputs.shape[1] > 1:
            return np.asarray(outputs.argmax(axis=1))
        return np.minimum(outputs[:, 0] > 0, len(self.classes_) - 1).astype(int)

    def decision_function(self, X: Any) -> Array:
        """Return the logits: (n,) of two classes, positive for the second, else (n, outputs)."""
        outputs = self._outputs(X)
        return outputs[:, 0] if outputs.shape[1] == 1 and not self._multilabel else outputs

    def predict(self, X: Any) -> Array:
        """Return the class of each row (n,), or 0 or 1 for each label (n, labels)."""
        codes = self._codes(self._outputs(X))
        return codes if self._multilabel else self.classes_[codes]

    @available_if(has_probabilities)  # type: ignore[untyped-decorator]
    def predict_proba(self, X: Any) -> Array:
        """Return the probability of each class (n, classes), in the order of ``classes_``.

        Those of several labels (n, labels) are each that the row has the label.
        """
        return self._probabilities(X, expit, softmax)

    @available_if(has_probabilities)  # type: ignore[untyped-decorator]
    def predict_log_proba(self, X: Any) -> Array:
        """Return the logarithms of :meth:`predict_proba`, also where that is 0 or 1 by rounding."""
        return self._probabilities(X, log_expit, log_softmax)

    def _probabilities(self, X: Any, of_one: Any, of_several: Any) -> Array:
        outputs = self._outputs(X)
        if self._multilabel:
            return np.asarray(of_one(outputs))
        if outputs.shape[1] > 1:
            return np.asarray(of_several(outputs, axis=1))
        if len(self.classes_) == 1:
            return np.asarray(of_several(outputs, axis=1))  # of one class: 1
        return np.asarray(of_one(outputs * np.array([-1, 1], outputs.dtype)))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = self.class_weight is None
        return tags

    def _more_tags(self) -> dict[str, Any]:  # of scikit-learn 1.5
        return {"multilabel": self.class_weight is None}
