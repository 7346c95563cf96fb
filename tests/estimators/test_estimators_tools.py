"""Estimators within scikit-learn's tools, on real data and beside scikit-learn's own MLP."""

from __future__ import annotations

from typing import Any

import joblib
import matplotlib as mpl
import numpy as np
import pandas as pd
import polars as pl
import pytest
import sklearn
from distributed import Client, LocalCluster
from numpy.testing import assert_allclose, assert_array_equal
from sklearn import neural_network
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.datasets import (
    load_breast_cancer,
    load_diabetes,
    load_digits,
    load_iris,
    load_wine,
    make_moons,
)
from sklearn.ensemble import BaggingClassifier, StackingClassifier
from sklearn.experimental import enable_halving_search_cv  # noqa: F401 (adds HalvingGridSearchCV)
from sklearn.inspection import DecisionBoundaryDisplay, permutation_importance
from sklearn.metrics import brier_score_loss
from sklearn.model_selection import (
    GridSearchCV,
    HalvingGridSearchCV,
    cross_val_score,
    learning_curve,
    train_test_split,
    validation_curve,
)
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.tree import DecisionTreeClassifier

import minidl

mpl.use("Agg")
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

BOTH = pytest.mark.parametrize("library", [minidl, neural_network], ids=["minidl", "sklearn"])
CANCER = load_breast_cancer(return_X_y=True)
WINE = load_wine(as_frame=True)
MOONS = make_moons(200, noise=0.2, random_state=0)
MLP: dict[str, Any] = {"hidden_layer_sizes": 8, "learning_rate_init": 0.02, "random_state": 0}
MLP |= {"max_iter": 40, "batch_size": 50}


def scaled(library: Any, **parameters: Any) -> Any:
    return make_pipeline(StandardScaler(), library.MLPClassifier(**MLP | parameters))


def minimal(**parameters: Any) -> Any:
    return scaled(minidl, max_iter=6, **parameters)


def table() -> pd.DataFrame:
    frame = WINE.data[["alcohol", "flavanoids", "proline"]].copy()
    hue = pd.cut(WINE.data["hue"], 3, labels=["low", "middle", "high"])
    return frame.assign(hue=hue.astype(str))


def prepared(library: Any) -> Any:
    numbers = ["alcohol", "flavanoids", "proline"]
    words = OneHotEncoder(sparse_output=False)
    columns = ColumnTransformer([("numbers", StandardScaler(), numbers), ("words", words, ["hue"])])
    return make_pipeline(columns, library.MLPClassifier(**MLP))


@BOTH
def test_a_pipeline_of_a_table_with_words(library: Any) -> None:
    names = WINE.target_names[WINE.target]
    train, test, y_train, y_test = train_test_split(table(), names, random_state=0, stratify=names)
    model = prepared(library).set_output(transform="pandas").fit(train, y_train)
    assert model.score(test, y_test) > 0.9
    assert set(model.predict(test)) == set(WINE.target_names)
    assert "words__hue_low" in model[-1].feature_names_in_


def test_polars_and_pandas_are_read_alike() -> None:
    names = WINE.target_names[WINE.target]
    numbers = ["alcohol", "flavanoids", "proline"]
    pandas = prepared(minidl).set_output(transform="pandas").fit(table(), names)
    frame = pl.DataFrame(table().to_dict("list"))
    polars = prepared(minidl).set_output(transform="polars").fit(frame, pl.Series(names))
    assert_allclose(polars.predict_proba(frame), pandas.predict_proba(table()), rtol=1e-9)
    model = minidl.MLPClassifier(**MLP).fit(frame[numbers] / 100, pl.Series(names))
    assert model.feature_names_in_.tolist() == numbers
    with pytest.raises(ValueError, match="feature names should match"):
        model.predict(frame[numbers[::-1]])


def test_a_grid_search_over_optimizers_is_the_same_in_parallel() -> None:
    grid = {"mlpclassifier__solver": ["sgd", "nag", "adam", "rmsprop", minidl.optim.Lion(0.01)]}
    base = scaled(minidl, max_iter=10, learning_rate_init=None)
    one = GridSearchCV(base, grid, cv=2).fit(*CANCER)
    with joblib.parallel_config("threading", n_jobs=2):
        two = GridSearchCV(base, grid, cv=2).fit(*CANCER)
    scores = one.cv_results_["mean_test_score"]
    assert_array_equal(scores, two.cv_results_["mean_test_score"])
    assert scores[3] > 0.95  # RMSprop
    assert scores[3] > scores[0]  # than sgd at its low rate
    assert one.best_estimator_[-1].history_.stopped_by == "epochs"


@BOTH
def test_cross_validation(library: Any) -> None:
    scores = cross_val_score(scaled(library), *CANCER, cv=3)
    assert scores.min() > 0.95


@BOTH
def test_digits(library: Any) -> None:
    X, y = load_digits(return_X_y=True)
    train, test, y_train, y_test = train_test_split(X[:900] / 16, y[:900], random_state=0)
    model = library.MLPClassifier(**MLP | {"hidden_layer_sizes": 32}).fit(train, y_train)
    assert model.score(test, y_test) > 0.93


@BOTH
def test_diabetes(library: Any) -> None:
    X, y = load_diabetes(return_X_y=True)
    network = library.MLPRegressor(**MLP | {"alpha": 1.0})
    model = make_pipeline(StandardScaler(), network)
    scores = cross_val_score(TransformedTargetRegressor(model, transformer=StandardScaler()), X, y)
    assert scores.mean() > 0.4
    assert validation_curve(network, X, y, param_name="alpha", param_range=[1, 2], cv=2)[1].shape


@BOTH
def test_calibration(library: Any) -> None:
    train, test, y_train, y_test = train_test_split(*CANCER, random_state=0)
    model = CalibratedClassifierCV(scaled(library), cv=2).fit(train, y_train)
    assert brier_score_loss(y_test, model.predict_proba(test)[:, 1]) < 0.05


@BOTH
def test_stacking_and_bagging(library: Any) -> None:
    parts = [("mlp", scaled(library)), ("tree", DecisionTreeClassifier(max_depth=3))]
    stacked = StackingClassifier(parts, cv=2).fit(*CANCER)
    assert stacked.score(*CANCER) > 0.97
    bag = BaggingClassifier(scaled(library), n_estimators=3, random_state=0).fit(*CANCER)
    assert bag.score(*CANCER) > 0.97
    rest = OneVsRestClassifier(scaled(library)).fit(*load_iris(return_X_y=True))
    assert rest.score(*load_iris(return_X_y=True)) > 0.95


@BOTH
def test_permutation_importance_finds_the_columns_that_matter(library: Any) -> None:
    X, y = MOONS
    X = np.column_stack([X, np.random.default_rng(0).normal(size=len(X))])
    model = scaled(library).fit(X, y)
    mean = permutation_importance(model, X, y, n_repeats=5, random_state=0).importances_mean
    assert mean[:2].min() > 0.05 > mean[2]


def test_the_decision_boundary_is_that_of_the_probabilities() -> None:
    model = scaled(minidl).fit(*MOONS)
    for method in ("predict_proba", "decision_function", "predict"):
        drawn = DecisionBoundaryDisplay.from_estimator(
            model, MOONS[0], response_method=method, grid_resolution=12
        )
        points = np.column_stack([drawn.xx0.ravel(), drawn.xx1.ravel()])
        expected = getattr(model, method)(points)
        expected = expected[:, 1] if method == "predict_proba" else expected
        assert_allclose(drawn.response.ravel(), expected)
    mpl.pyplot.close("all")


@BOTH
def test_a_learning_curve_rises(library: Any) -> None:
    sizes, _, scores = learning_curve(
        scaled(library), *CANCER, train_sizes=[50, 300], cv=3, shuffle=True, random_state=0
    )
    assert sizes.tolist() == [50, 300]
    assert scores.mean(axis=1)[0] < scores.mean(axis=1)[1] > 0.95


@BOTH
def test_halving_drops_the_rates_that_do_not_train(library: Any) -> None:
    grid = {"mlpclassifier__learning_rate_init": [1e-6, 1e-5, 1e-4, 0.02]}
    search = HalvingGridSearchCV(
        scaled(library, max_iter=15, batch_size=10), grid, cv=2, factor=3, random_state=0
    ).fit(*CANCER)
    assert search.best_params_ == {"mlpclassifier__learning_rate_init": 0.02}
    assert search.best_score_ > 0.94


def test_epochs_as_the_resource_of_halving_train_only_the_best_longer() -> None:
    grid = {"mlpclassifier__solver": ["nag", "adam", "adagrad"]}
    search = HalvingGridSearchCV(
        scaled(minidl), grid, cv=2, resource="mlpclassifier__max_iter", max_resources=9,
        min_resources=3, random_state=0,
    ).fit(*CANCER)  # fmt: skip
    assert search.n_resources_ == [3, 9]
    assert search.best_estimator_[-1].n_iter_ == 9


def test_dask_gives_the_scores_of_one_process() -> None:
    grid = {"mlpclassifier__solver": ["nag", "adam"]}
    alone = GridSearchCV(minimal(), grid, cv=2).fit(*CANCER).cv_results_["mean_test_score"]
    with (
        LocalCluster(n_workers=1, threads_per_worker=2, processes=False, dashboard_address=None)
        as cluster, Client(cluster), joblib.parallel_config("dask"),
    ):  # fmt: skip
        search = GridSearchCV(minimal(), grid, cv=2, n_jobs=2).fit(*CANCER)
    assert_array_equal(search.cv_results_["mean_test_score"], alone)


def test_sample_weights_are_routed() -> None:
    w = np.where(CANCER[1] == 1, 5.0, 1.0)
    with sklearn.config_context(enable_metadata_routing=True):
        model = scaled(minidl)
        model[0].set_fit_request(sample_weight=False)
        model[-1].set_fit_request(sample_weight=True).set_score_request(sample_weight=True)
        model.fit(*CANCER, sample_weight=w)
        scores = cross_val_score(model, *CANCER, cv=2, params={"sample_weight": w})
    X = StandardScaler().fit_transform(CANCER[0])
    direct = minidl.MLPClassifier(**MLP).fit(X, CANCER[1], sample_weight=w)
    assert_array_equal(model.decision_function(CANCER[0]), direct.decision_function(X))
    assert scores.min() > 0.95
