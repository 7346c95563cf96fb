"""A twin repeats the training of scikit-learn's MLPClassifier and MLPRegressor."""

from __future__ import annotations

import copy
import inspect
import pickle
import warnings
from typing import Any

import numpy as np
import pytest
import scipy.sparse
import twin_checks
from hypothesis import given, reject, settings
from hypothesis import strategies as st
from sklearn.datasets import load_diabetes
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier
from sklearn.preprocessing import scale
from twin_checks import GALLERY, difference, fitted, pair, rows_of

import minidl
from minidl.estimators.twin import Twin

RTOL = 1e-12
SMALL = {"hidden_layer_sizes": (7,), "max_iter": 12, "random_state": 3, "batch_size": 16}
HAS_WEIGHTS = "sample_weight" in inspect.signature(MLPClassifier.fit).parameters  # since 1.7
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def iris(rows: int = 150) -> tuple[Any, Any]:
    """Return rows of all three classes."""
    X, y = rows_of("iris")
    order = np.random.default_rng(0).permutation(len(y))[:rows]
    return X[order], y[order]


def diabetes(outputs: int) -> tuple[Any, Any]:
    X, y = load_diabetes(return_X_y=True)
    y = scale(y)
    return X[:90] * 20, y[:90] if outputs == 1 else np.column_stack([y[:90], X[:90, 2] - y[:90]])


@pytest.mark.parametrize("row", GALLERY)
@pytest.mark.parametrize("name", twin_checks.DATA)
def test_the_rows_of_the_example_on_learning_strategies(name: str, row: str) -> None:
    X, y = (rows[:500] for rows in rows_of(name))  # all of digits are in twin_full.py
    epochs = 4 if name == "digits" else 50
    theirs, ours = fitted(True, X, y, **GALLERY[row], random_state=0, max_iter=epochs)
    assert ours.n_iter_ == theirs.n_iter_
    assert difference(theirs, ours) <= RTOL
    np.testing.assert_allclose(
        ours.predict_proba(X), theirs.predict_proba(X), rtol=1e-12, atol=1e-15
    )
    np.testing.assert_array_equal(ours.predict(X), theirs.predict(X))


def test_a_twin_has_scikit_learn_s_defaults() -> None:
    X, y = iris(60)
    names = np.array(["setosa", "versicolor", "virginica"])[y]
    for solver in ("sgd", "adam"):
        params = {"solver": solver, "max_iter": 5, "random_state": 0}
        theirs = MLPClassifier(**params).fit(X, names)
        ours = minidl.MLPClassifier(**params, twin="scikit-learn").fit(X, names)
        assert difference(theirs, ours) <= RTOL
        np.testing.assert_array_equal(ours.predict(X), theirs.predict(X))
        assert ours.history_["running_loss"].tolist() == ours.loss_curve_


@pytest.mark.parametrize("row", GALLERY)
@pytest.mark.parametrize("outputs", [1, 2])
def test_the_same_strategies_for_regression(outputs: int, row: str) -> None:
    X, y = diabetes(outputs)
    params = GALLERY[row] | {"learning_rate_init": 0.01}
    theirs, ours = fitted(False, X, y, **SMALL, **params)
    assert difference(theirs, ours) <= RTOL
    np.testing.assert_allclose(ours.predict(X), theirs.predict(X), rtol=1e-12)


@pytest.mark.unmeasured
@pytest.mark.parametrize("early_stopping", [False, True])
@pytest.mark.parametrize("activation", ["identity", "logistic", "tanh", "relu"])
@pytest.mark.parametrize("sizes", [(), 6, (5, 4, 3)])
def test_networks(sizes: Any, activation: str, early_stopping: bool) -> None:
    X, y = iris()
    labels = np.column_stack([y == 0, y > 0, X[:, 1] > 0.4]).astype(int)
    params = SMALL | {"hidden_layer_sizes": sizes, "activation": activation, "max_iter": 25}
    params |= {"early_stopping": early_stopping, "n_iter_no_change": 4, "tol": 1e-3}
    params["learning_rate_init"] = 0.02
    for targets in (y, y > 0, labels):
        assert difference(*fitted(True, X, targets, **params)) <= RTOL
    for outputs in (1, 2):
        assert difference(*fitted(False, *diabetes(outputs), **params)) <= RTOL


@pytest.mark.parametrize("shuffle", [True, False])
@pytest.mark.parametrize("batch_size", ["auto", 1, 7, 40, 50])
def test_the_last_batch_may_be_smaller(batch_size: Any, shuffle: bool) -> None:
    X, y = iris(50)
    params = SMALL | {"batch_size": batch_size, "shuffle": shuffle, "alpha": 0.3}
    assert difference(*fitted(True, X, y, **params)) <= RTOL


@pytest.mark.parametrize("solver", ["sgd", "adam"])
@pytest.mark.parametrize("rate", ["constant", "invscaling", "adaptive"])
def test_rates_and_the_epoch_in_which_training_stops(rate: str, solver: str) -> None:
    X, y = iris(60)
    params = SMALL | {"learning_rate": rate, "solver": solver, "learning_rate_init": 0.1}
    params |= {"max_iter": 300, "tol": 1e-3, "n_iter_no_change": 2, "power_t": 0.3}
    theirs, ours = fitted(True, X, y, **params)
    assert difference(theirs, ours) <= RTOL
    assert theirs.n_iter_ < 300
    assert (
        difference(*fitted(True, X, y, **params | {"n_iter_no_change": np.inf, "max_iter": 20}))
        <= RTOL
    )


def test_without_tolerance_a_loss_that_stays_the_same_does_not_stop() -> None:
    X, y = iris(50)
    params = SMALL | {"tol": 0.0, "max_iter": 60, "n_iter_no_change": 1, "solver": "sgd"}
    for rate in (1e-20, 0.001, 30.0):  # nothing changes; the loss falls; it jumps
        params |= {"learning_rate_init": rate, "shuffle": rate > 1e-9}
        assert difference(*fitted(True, X, y > 0, **params)) <= RTOL


def test_the_last_bit_where_training_is_chaotic() -> None:
    params = {"solver": "sgd", "learning_rate_init": 3.0, "activation": "tanh", "random_state": 0}
    X, y = rows_of("moons")
    theirs, ours = fitted(True, X, y, **params, max_iter=300, n_iter_no_change=300)
    assert difference(theirs, ours) == 0


def test_saturated_probabilities_are_clipped() -> None:
    X, y = iris(60)
    params = SMALL | {"solver": "sgd", "learning_rate_init": 20.0, "activation": "tanh"}
    for targets in (y, y > 0):
        theirs, ours = fitted(True, X, targets, **params)
        assert max(theirs.loss_curve_) > 1
        assert difference(theirs, ours) <= RTOL


@pytest.mark.parametrize("classify", [True, False])
@pytest.mark.parametrize("early_stopping", [False, True])
@pytest.mark.parametrize("solver", ["sgd", "adam"])
def test_a_warm_start_goes_on_as_theirs(solver: str, early_stopping: bool, classify: bool) -> None:
    X, y = iris() if classify else diabetes(1)
    params = SMALL | {"warm_start": True, "solver": solver, "early_stopping": early_stopping}
    params |= {"learning_rate": "invscaling", "learning_rate_init": 0.1, "n_iter_no_change": 3}
    theirs, ours = pair(classify, **params)
    for _ in range(4):
        theirs.fit(X, y)
        ours.fit(X, y)
        assert difference(theirs, ours) <= RTOL
    for random_state in (9, 10):
        for estimator in (theirs, ours):
            estimator.set_params(random_state=random_state).fit(X[:70], y[:70])
        assert difference(theirs, ours) <= RTOL


@pytest.mark.parametrize("row", GALLERY)
def test_partial_fit_takes_one_epoch_with_the_same_optimizer(row: str) -> None:
    X, y = iris()
    theirs, ours = pair(True, **SMALL, **GALLERY[row])
    for start in range(0, 150, 30):
        for estimator in (theirs, ours):
            estimator.partial_fit(X[start : start + 30], y[start : start + 30], classes=[0, 1, 2])
        assert difference(theirs, ours) <= RTOL
    ours = pickle.loads(pickle.dumps(copy.deepcopy(ours)))
    for estimator in (theirs, ours):
        estimator.partial_fit(X, y)
    assert difference(theirs, ours) <= RTOL
    for estimator in (theirs, ours):
        estimator.fit(X, y)
        estimator.partial_fit(X[:40], y[:40])
    assert difference(theirs, ours) <= RTOL


def test_random_states() -> None:
    X, y = iris(40)
    theirs, ours = pair(True, **SMALL | {"random_state": None})
    for estimator in (theirs, ours):
        np.random.seed(5)  # noqa: NPY002
        estimator.fit(X, y)
    assert difference(theirs, ours) <= RTOL
    theirs, ours = pair(True, **SMALL)
    for estimator in (theirs, ours):
        estimator.set_params(random_state=np.random.RandomState(2)).fit(X, y)
        estimator.fit(X, y)  # the same generator, which has moved on
    assert difference(theirs, ours) <= RTOL


@pytest.mark.parametrize("solver", ["sgd", "adam"])
@pytest.mark.parametrize("early_stopping", [False, True])
def test_float32_stays_float32(early_stopping: bool, solver: str) -> None:
    X, y = iris()
    params = SMALL | {"early_stopping": early_stopping, "solver": solver}
    params["learning_rate"] = "invscaling"
    theirs, ours = fitted(True, X.astype(np.float32), y, **params)
    assert ours.coefs_[0].dtype == np.float32
    assert difference(theirs, ours) <= RTOL
    X, y = diabetes(1)
    assert difference(*fitted(False, X.astype("f"), y.astype("f"), **params)) <= RTOL


def test_rows_in_other_layouts() -> None:
    X, y = iris()
    for rows in (np.asfortranarray(X), scipy.sparse.csr_matrix(X), scipy.sparse.csc_matrix(X)):
        for shuffle in (True, False):
            assert difference(*fitted(True, rows, y, **SMALL, shuffle=shuffle)) <= RTOL


@pytest.mark.parametrize("early_stopping", [False, True])
@pytest.mark.parametrize("classify", [True, False] if HAS_WEIGHTS else [])
def test_sample_weights_as_of_scikit_learn_1_7(classify: bool, early_stopping: bool) -> None:
    X, y = iris() if classify else diabetes(2)
    weights = np.random.default_rng(4).gamma(1.0, size=len(X))
    for row in ("constant, Nesterov", "adam"):
        params = SMALL | GALLERY[row] | {"early_stopping": early_stopping, "alpha": 0.1}
        params["learning_rate_init"] = 0.02
        assert difference(*fitted(classify, X, y, weights, **params)) <= RTOL


@pytest.mark.parametrize("early_stopping", [False, True])
@pytest.mark.parametrize("outputs", [1, 2] if HAS_WEIGHTS else [])
def test_the_poisson_loss_as_of_scikit_learn_1_7(outputs: int, early_stopping: bool) -> None:
    X, y = diabetes(outputs)
    y, weights = np.maximum(np.exp(y) - 0.5, 0), np.linspace(0.1, 1, len(y))
    for w in ((), (weights,)):
        params = SMALL | {"loss": "poisson", "alpha": 0.2, "early_stopping": early_stopping}
        theirs, ours = fitted(False, X, y, *w, **params)
        assert difference(theirs, ours) <= RTOL
        np.testing.assert_allclose(ours.predict(X), theirs.predict(X), rtol=1e-12)


@pytest.mark.parametrize("solver", ["sgd", "adam"])
def test_a_weight_counts_how_often_a_row_occurs(solver: str) -> None:
    X, y = iris(30)
    times = np.arange(30) % 4
    params = SMALL | {"batch_size": "auto", "shuffle": False, "alpha": 0.7, "solver": solver}
    theirs, ours = pair(True, **params)
    theirs.fit(np.repeat(X, times, axis=0), np.repeat(y, times))
    ours.fit(X, y, sample_weight=times)
    np.testing.assert_allclose(ours.loss_curve_, theirs.loss_curve_, rtol=1e-9)


@pytest.mark.parametrize("early_stopping", [False, True])
def test_verbose_prints_the_same_lines(capsys: Any, early_stopping: bool) -> None:
    X, y = iris(60)
    theirs, ours = pair(True, **SMALL, verbose=True, early_stopping=early_stopping)
    theirs.fit(X, y)
    expected = capsys.readouterr().out
    ours.fit(X, y)
    assert capsys.readouterr().out == expected


def test_the_same_warning_if_training_has_not_converged() -> None:
    X, y = iris(40)
    for max_iter, expected in ((3, True), (200, False)):
        for estimator in pair(True, **SMALL | {"max_iter": max_iter, "tol": 1e-1}):
            with warnings.catch_warnings(record=True) as told:
                warnings.simplefilter("always")
                estimator.fit(X, y)
            assert [w.category is ConvergenceWarning for w in told] == [True] * expected


def test_a_run_that_diverges_is_an_error_in_both() -> None:
    X, y = diabetes(1)
    params = SMALL | {"solver": "sgd", "learning_rate_init": 1e5, "activation": "identity"}
    for estimator in pair(False, **params):
        with np.errstate(all="ignore"), pytest.raises(ValueError, match="finite"):
            estimator.fit(X, y)
    if HAS_WEIGHTS:  # as of 1.7, R^2 is nan and the weights before are kept
        theirs, ours = fitted_quietly(X, y, **params, early_stopping=True)
        assert difference(theirs, ours) <= RTOL


def fitted_quietly(X: Any, y: Any, **params: Any) -> tuple[Any, Any]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        return fitted(False, X, y, **params)


def test_what_their_network_has_not_is_an_error() -> None:
    X, y = iris(30)
    values = {"activation": "gelu", "solver": "nag", "batch_size": "full", "momentum": 1.0}
    for name, value in (values | {"validation_fraction": 0.03}).items():
        given = {"solver": "sgd", name: value, "early_stopping": name.startswith("valid")}
        ours = minidl.MLPClassifier(twin="scikit-learn", **SMALL | given)
        with pytest.raises(ValueError, match=name):
            ours.fit(X, y)
    ours = minidl.MLPClassifier(twin="scikit-learn", dropout=0.5)
    with pytest.raises(ValueError, match="scikit-learn has no dropout"):
        ours.fit(X, y)
    ours = minidl.MLPClassifier(warm_start=True, max_iter=2).fit(X, y)
    with pytest.raises(ValueError, match="twin must not be set between two fits"):
        ours.set_params(twin="scikit-learn").fit(X, y)
    with pytest.raises(ValueError, match="partial_fit does not support early_stopping"):
        pair(True, early_stopping=True)[1].partial_fit(X, y, classes=[0, 1, 2])


def test_a_batch_larger_than_the_data_is_told() -> None:
    X, y = iris(30)
    for estimator in pair(True, **SMALL | {"batch_size": 31}):
        with pytest.warns(UserWarning, match="larger than"):
            estimator.fit(X, y)


def test_an_interruption_ends_training_as_theirs(monkeypatch: Any) -> None:
    X, y = iris(50)

    def interrupt(self: Any, *arguments: Any) -> Any:
        if len(self.loss_curve_ if hasattr(self, "loss_curve_") else self.account.loss_curve) == 3:
            raise KeyboardInterrupt
        return right[type(self)](self, *arguments)

    theirs, ours = pair(True, **SMALL)
    right = {type(theirs): MLPClassifier._backprop, Twin: Twin._epoch}
    monkeypatch.setattr(MLPClassifier, "_backprop", interrupt)
    monkeypatch.setattr(Twin, "_epoch", interrupt)
    for estimator in (theirs, ours):
        with pytest.warns(UserWarning, match="interrupted"):
            estimator.fit(X, y)
    assert theirs.n_iter_ == 3
    assert difference(theirs, ours) <= RTOL


PARAMS = st.fixed_dictionaries(
    {
        "hidden_layer_sizes": st.lists(st.integers(1, 5), max_size=2).map(tuple),
        "activation": st.sampled_from(["identity", "logistic", "tanh", "relu"]),
        "solver": st.sampled_from(["sgd", "adam"]),
        "alpha": st.sampled_from([0.0, 1e-4, 0.7]),
        "batch_size": st.integers(1, 12) | st.just("auto"),
        "learning_rate": st.sampled_from(["constant", "invscaling", "adaptive"]),
        "learning_rate_init": st.floats(1e-4, 0.3),
        "power_t": st.floats(0.0, 1.0),
        "max_iter": st.integers(1, 12),
        "shuffle": st.booleans(),
        "random_state": st.integers(0, 2**32 - 1),
        "tol": st.sampled_from([0.0, 1e-4, 0.1]),
        "momentum": st.floats(0.0, 0.99),
        "nesterovs_momentum": st.booleans(),
        "early_stopping": st.booleans(),
        "validation_fraction": st.floats(0.2, 0.5),
        "beta_1": st.floats(0.0, 0.99),
        "beta_2": st.floats(0.0, 0.9999),
        "epsilon": st.floats(1e-10, 0.1),
        "n_iter_no_change": st.integers(1, 4),
    }
)


@settings(max_examples=40, deadline=None)
@given(PARAMS, st.sampled_from(["two", "three", "labels", "number", "numbers"]))
def test_any_parameters(params: dict[str, Any], task: str) -> None:
    X, y = iris(24)
    targets = {"two": y > 0, "three": y, "labels": np.column_stack([y > 0, y > 1]).astype(int)}
    targets |= {"number": X[:, 3] - y, "numbers": X[:, 2:] - X[:, :2]}
    try:
        pair("number" not in task, **params)[0].fit(X, targets[task])
    except (RuntimeWarning, ValueError):  # scikit-learn's own diverges
        reject()
    estimators = fitted("number" not in task, X, targets[task], **params)
    assert difference(*estimators) <= RTOL
