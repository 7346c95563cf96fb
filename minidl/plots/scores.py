"""Scores of a model for rows: the probability of each class, or the predicted target.

A model is a network, anything that holds one as ``model`` (a Trainer, a Predictor, a Replica), or
anything with ``predict_proba`` or ``predict``, such as an estimator of scikit-learn.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, cast

import numpy as np
import numpy.typing as npt

from minidl.datasets import Dataset, Preparation, Task
from minidl.datasets.new_rows import new_rows
from minidl.datasets.preparing.preparation import Feature
from minidl.errors import DataError, ShapeError, invalid
from minidl.nn import (
    BinaryCrossEntropy,
    KLDivergence,
    Layer,
    Loss,
    Sigmoid,
    Softmax,
    SoftmaxCrossEntropy,
)

Floats = npt.NDArray[np.float64]
MODEL = "a network, a Trainer, a Predictor, or an estimator with predict"


class Scores(NamedTuple):
    """The function from inputs X (n, d) to probabilities (n, K) or to targets (n,).

    Targets are in their own units. Of a model that gives no probabilities, the predicted class has
    1 and the others 0; `probable` is then False.
    """

    of: Callable[[Floats], Floats]
    probable: bool


def network_of(model: Any) -> Layer | None:
    """Return the network of a model, or None if it has none; an ArgumentError for other objects."""
    network = model if isinstance(model, Layer) else getattr(model, "model", None)
    if isinstance(network, Layer):
        return network
    if isinstance(model, type) or not hasattr(model, "predict"):
        swapped = isinstance(model, (Dataset, tuple))
        raise invalid("model", model, MODEL, "The model comes first." if swapped else None)
    return None


def dataset_of(model: Any, data: Any) -> Dataset:
    """Return the data: a Dataset as it is, or a pair (X, y) as training rows without a scale.

    X has the rows that the model takes; those of a Predictor are in their own units.
    """
    if isinstance(data, Dataset):
        return data
    if not (isinstance(data, (tuple, list)) and len(data) == 2):
        raise invalid("data", data, "a Dataset or a pair (X, y)")
    preparation = getattr(model, "preparation", None)
    if isinstance(preparation, Preparation):
        form, X = preparation, new_rows(data[0], preparation)
    else:
        form, X = _as_given(model, *data), np.asarray(data[0], dtype=np.float64)
    y = _column(data[1])
    if X.ndim != 2 or len(X) != len(y) or not len(X):
        shapes = f"{X.shape} and {np.shape(data[1])}"
        raise ShapeError("X and y do not fit", received=shapes, expected="(n, d) and (n,)")
    y = _numbered(y, form.class_names) if form.class_names else (y - form.y_mean) / form.y_scale
    return Dataset(
        "", cast(Task, form.task), X, y, X[:0], y[:0], form.names, form.class_names,
        form.mean, form.scale, form.y_mean, form.y_scale, form,
    )  # fmt: skip


def _as_given(model: Any, X: Any, y: Any) -> Preparation:
    """Return the preparation that leaves features as they are, for the classes in `y`, if any."""
    d, targets = np.shape(X)[-1] if np.ndim(X) else 0, _column(y)
    names = [str(name) for name in getattr(X, "columns", [f"x{k}" for k in range(d)])]
    classes: Any = np.unique(getattr(model, "classes_", targets))
    classes = _classes(network_of(model), X, classes) if _classifies(model, targets) else ()
    task = "multiclass" if len(classes) > 2 else "binary" if len(classes) else "regression"
    features = tuple(map(Feature, names))
    return Preparation(features, np.zeros(d), np.ones(d), "y", task, tuple(map(str, classes)))


def _classes(network: Layer | None, X: Any, present: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return all classes of a network; `y` may have only some of them."""
    if network is None or present.dtype.kind not in "iuf":
        return present
    outputs = np.shape(network.predict(np.asarray(X, dtype=np.float64)[:1]))[-1]
    numbers = [-1, 1] if outputs == 1 and present[0] < 0 else range(max(outputs, 2))
    all_classes = np.array(numbers, dtype=present.dtype)
    return all_classes if np.isin(present, all_classes).all() else present


def _column(y: Any) -> npt.NDArray[Any]:
    """Return targets (n,), also of a column or of one-hot rows."""
    targets: npt.NDArray[Any] = np.asarray(y)
    if targets.ndim == 2:
        return np.asarray(targets.argmax(axis=1) if targets.shape[1] > 1 else targets[:, 0])
    return targets


def _classifies(model: Any, y: npt.NDArray[Any]) -> bool:
    """Return whether the targets of a model are classes."""
    if network_of(model) is not None:
        loss = getattr(model, "loss", None)
        discrete = y.dtype.kind != "f" or set(y) <= {0.0, 1.0}
        return loss.classifies if isinstance(loss, Loss) else discrete
    if hasattr(model, "predict_proba") or hasattr(model, "classes_"):
        return True
    from sklearn.base import is_regressor

    return y.dtype.kind != "f" and not is_regressor(model)


def _numbered(y: npt.NDArray[Any], names: Sequence[str]) -> npt.NDArray[np.int64]:
    """Return the number of each class by its name."""
    numbers = {name: number for number, name in enumerate(names)}
    labels = [str(label) for label in y.tolist()]
    if unknown := sorted(set(labels) - set(numbers)):
        expected = f"one of {', '.join(names)}"
        raise DataError("a class is unknown", received=unknown[0], expected=expected)
    return np.array([numbers[label] for label in labels], dtype=np.int64)


def scores_of(model: Any, data: Dataset) -> Scores:
    """Return the scores of a model that takes rows like ``data.X_train``."""
    network, K = network_of(model), data.n_classes
    if network is None:
        return _of_estimator(model, data)
    sizes = (K, 1)[: 1 + (K == 2)] if K else (1,)

    def outputs(X: Floats) -> Floats:
        z = network.predict(X).astype(np.float64)
        if z.ndim != 2 or z.shape[1] not in sizes:
            expected = f"(n, {' or '.join(map(str, sizes))}) for {data.task} targets"
            raise ShapeError("outputs do not fit the data", received=z.shape, expected=expected)
        return z

    if not K:
        return Scores(lambda X: data.inverse_y(outputs(X)[:, 0]), False)
    loss = getattr(model, "loss", None)
    probable, threshold = getattr(model, "probabilistic", True), getattr(model, "threshold", 0.0)
    if isinstance(loss, Loss):
        probable = type(loss) in (BinaryCrossEntropy, SoftmaxCrossEntropy, KLDivergence)
        threshold = 0.0 if loss.classifies else 0.5

    def of(X: Floats) -> Floats:
        z = outputs(X)
        if z.shape[1] == 1:
            second = np.asarray(Sigmoid()(z)) if probable else np.where(z > threshold, 1.0, 0.0)
            return np.concatenate([1 - second, second], axis=1)
        return np.asarray(Softmax()(z)) if probable else np.eye(K)[z.argmax(axis=1)]

    return Scores(of, probable)


def _of_estimator(model: Any, data: Dataset) -> Scores:
    """Return the scores of an estimator, whose classes are class numbers or their names."""
    K = data.n_classes
    if not K:
        return Scores(lambda X: data.inverse_y(np.ravel(model.predict(X))), False)
    probable = hasattr(model, "predict_proba")

    def of(X: Floats) -> Floats:
        if probable:
            shares = np.asarray(model.predict_proba(X), dtype=np.float64)
            scores = np.zeros((len(X), K))
            classes = getattr(model, "classes_", range(shares.shape[1]))
            scores[:, _places(classes, data.class_names)] = shares
            return scores
        return np.eye(K)[_places(_column(model.predict(X)), data.class_names)]

    return Scores(of, probable)


def _places(labels: Any, names: Sequence[str]) -> npt.NDArray[np.int64]:
    """Return class numbers for labels that are numbers from 0 to K - 1, or names."""
    values = np.asarray(labels)
    if values.dtype.kind in "iu" and values.min() >= 0 and values.max() < len(names):
        return values.astype(np.int64)
    return _numbered(values, names)
