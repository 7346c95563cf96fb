"""The classifier."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import numpy as np
import scipy.sparse
from scipy.special import expit, log_expit, log_softmax, softmax
from sklearn.base import ClassifierMixin
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import (
    _check_partial_fit_first_call,
    check_classification_targets,
    type_of_target,
    unique_labels,
)
from sklearn.utils.validation import column_or_1d

from minidl.autograd import Array
from minidl.errors import ArgumentError, DataError
from minidl.estimators.losses import classifier_loss
from minidl.estimators.mlp import BaseMLP
from minidl.keywords import answers
from minidl.nn import Loss
from minidl.nn.losses import Hinge
from minidl.training.weights import ClassWeight, check_class_weight


def _has_probabilities(estimator: MLPClassifier) -> bool:
    """Return True, or raise an AttributeError if the outputs are not logits of probabilities."""
    if estimator.loss == "hinge" or estimator.loss is Hinge or isinstance(estimator.loss, Hinge):
        raise AttributeError("the scores of the hinge loss are not probabilities")
    return True


@answers
class MLPClassifier(ClassifierMixin, BaseMLP):  # type: ignore[misc]
    """A multilayer perceptron, as an estimator of scikit-learn."""

    classes_: Array

    def __init__(
        self,
        hidden_layer_sizes: Any = (100,),
        activation: Any = "relu",
        *,
        solver: Any = "sgd",
        alpha: float = 0.0001,
        batch_size: int | str = "auto",
        learning_rate: str = "constant",
        learning_rate_init: float = 0.001,
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
        twin: str | None = None,
    ) -> None:
        self._store(locals())

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
        if self.class_weight == "balanced":
            hint = "Give the weights: sklearn.utils.class_weight.compute_class_weight, as a dict."
            problem = "'balanced' needs all rows, and partial_fit has some"
            raise ArgumentError(problem, argument="class_weight", hint=hint)
        _check_partial_fit_first_call(self, classes)
        return self._fit(X, y, sample_weight, incremental=True)

    def _targets(self, y: Any, dtype: Any, *, incremental: bool) -> Array:
        """Return 0 or 1 (n, 1), class numbers (n,), or one column for each label (n, labels)."""
        check_classification_targets(y)
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        several = type_of_target(y).startswith("multilabel")
        if y.ndim == 2 and not several:
            problem = "Multioutput target data is not supported"
            hint = "Several columns must be labels that are 0 or 1, or fit one estimator for each."
            raise DataError(problem, received=f"y of shape {y.shape}", hint=hint)
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

    def _note_classes(self, y: Any, several: bool, *, incremental: bool) -> None:
        """Note the classes, or compare them with those of the network that is trained further."""
        classes = unique_labels(y)
        if not hasattr(self, "classes_") or not (self.warm_start or incremental):
            self.classes_, self._multilabel = classes, several
        elif incremental:
            if strange := sorted(set(classes.tolist()) - set(self.classes_.tolist())):
                problem = "`y` has classes not in `self.classes_`"
                raise DataError(problem, received=strange, expected=self.classes_.tolist())
            self._multilabel = several
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
        given: ClassWeight | None = self.class_weight
        if not isinstance(given, Mapping):
            return given
        check_class_weight(given, self._trainer.loss)
        classes = self.classes_.tolist()
        if strange := [label for label in given if label not in classes]:
            problem, received = "names classes that do not occur", f"{strange}"
            expected = f"classes among {classes}"
            raise ArgumentError(
                problem, argument="class_weight", received=received, expected=expected
            )
        return {float(code): given.get(label, 1.0) for code, label in enumerate(classes)}

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

    @available_if(_has_probabilities)  # type: ignore[untyped-decorator]
    def predict_proba(self, X: Any) -> Array:
        """Return the probability of each class (n, classes), in the order of ``classes_``.

        Those of several labels (n, labels) are each that the row has the label.
        """
        return self._probabilities(X, expit, softmax)

    @available_if(_has_probabilities)  # type: ignore[untyped-decorator]
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
        tags.classifier_tags.multi_label = True
        return tags

    def _more_tags(self) -> dict[str, Any]:  # of scikit-learn 1.5
        return {"multilabel": True}
