"""The runs of scikit-learn's example on learning strategies, and estimators beside their twins.

The example is https://scikit-learn.org/stable/auto_examples/neural_networks/
plot_mlp_training_curves.html: seven strategies on four data sets.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from sklearn import datasets, neural_network
from sklearn.exceptions import ConvergenceWarning
from sklearn.preprocessing import MinMaxScaler

import minidl

SGD = {"solver": "sgd", "learning_rate_init": 0.2}
PLAIN = {"momentum": 0.0}
CLASSICAL = {"momentum": 0.9, "nesterovs_momentum": False}
NESTEROV = {"momentum": 0.9, "nesterovs_momentum": True}
GALLERY: dict[str, dict[str, Any]] = {
    "constant": {**SGD, **PLAIN},
    "constant, momentum": {**SGD, **CLASSICAL},
    "constant, Nesterov": {**SGD, **NESTEROV},
    "inv-scaling": {**SGD, **PLAIN, "learning_rate": "invscaling"},
    "inv-scaling, momentum": {**SGD, **CLASSICAL, "learning_rate": "invscaling"},
    "inv-scaling, Nesterov": {**SGD, **NESTEROV, "learning_rate": "invscaling"},
    "adam": {"solver": "adam", "learning_rate_init": 0.01},
}
DATA = {
    "iris": datasets.load_iris(return_X_y=True),
    "digits": datasets.load_digits(return_X_y=True),
    "circles": datasets.make_circles(noise=0.2, factor=0.5, random_state=1),
    "moons": datasets.make_moons(noise=0.3, random_state=0),
}
LISTS = ("coefs_", "intercepts_")
CURVES = ("loss_curve_", "loss_", "best_loss_", "validation_scores_", "best_validation_score_")


def rows_of(name: str) -> tuple[Any, Any]:
    """Return inputs between 0 and 1 and classes, as in the example."""
    X, y = DATA[name]
    return MinMaxScaler().fit_transform(X), y


def pair(classify: bool, **params: Any) -> tuple[Any, Any]:
    """Return scikit-learn's estimator and its twin."""
    name = "MLPClassifier" if classify else "MLPRegressor"
    theirs = getattr(neural_network, name)(**params)
    given = theirs.get_params()  # for the defaults that differ
    del given["max_fun"]  # of L-BFGS
    return theirs, getattr(minidl, name)(**given, twin="scikit-learn")


def fitted(classify: bool, X: Any, y: Any, *weights: Any, **params: Any) -> tuple[Any, Any]:
    """Return scikit-learn's estimator and its twin, trained on the same rows."""
    estimators = pair(classify, **params)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        for estimator in estimators:
            estimator.fit(X, y, *weights)
    return estimators


def difference(theirs: Any, ours: Any) -> float:
    """Return the largest relative difference of what training has set; inf if counts differ."""
    counts = [(e.n_iter_, e.t_, len(e.loss_curve_), len(e.coefs_)) for e in (theirs, ours)]
    if counts[0] != counts[1]:
        return np.inf
    pairs = [(getattr(theirs, name), getattr(ours, name)) for name in CURVES]
    for name in LISTS:
        pairs += zip(getattr(theirs, name), getattr(ours, name), strict=True)
    return max(relative(a, b) for a, b in pairs)


def relative(expected: Any, received: Any) -> float:
    """Return the largest difference, as a share of the largest expected number."""
    if expected is None or received is None:
        return 0.0 if expected is received else np.inf
    a, b = np.asarray(expected, dtype=float), np.asarray(received, dtype=float)
    if a.shape != b.shape:
        return np.inf
    if np.array_equal(a, b, equal_nan=True):
        return 0.0
    if a.ndim < 2:  # of a curve, each number counts
        with np.errstate(divide="ignore", invalid="ignore"):
            return float(np.max(np.abs(a - b) / np.abs(a)))
    return float(np.max(np.abs(a - b)) / np.max(np.abs(a)))
