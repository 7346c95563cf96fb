"""scikit-learn's own tests of its MLP, as installed, run against minidl's estimators."""

from __future__ import annotations

import inspect
import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import sklearn
from sklearn.neural_network.tests import test_mlp as theirs

import minidl

pytestmark = pytest.mark.filterwarnings(
    "ignore::sklearn.exceptions.ConvergenceWarning", "ignore:batch_size=.* is larger"
)
# Not run, and why; all others of scikit-learn 1.9 are in PASS.
OTHERWISE = {
    "test_gradient": "calls private methods of the solver lbfgs",
    "test_fit": "sets private attributes of an estimator that is not fitted",
    "test_lbfgs_classification": "solver lbfgs",
    "test_lbfgs_regression": "solver lbfgs",
    "test_lbfgs_classification_maxfun": "solver lbfgs",
    "test_lbfgs_regression_maxfun": "solver lbfgs",
    "test_multilabel_classification": "solver lbfgs",
    "test_multioutput_regression": "solver lbfgs",
    "test_predict_proba_multilabel": "solver lbfgs",
    "test_sparse_matrices": "solver lbfgs",
    "test_warm_start": "solver lbfgs",
    "test_partial_fit_errors": "solver lbfgs",
    "test_mlp_vs_poisson_glm_equivalent": "solver lbfgs",
    "test_mlp_warm_start_no_convergence": "one of its solvers is lbfgs",
    "test_learning_rate_warmstart": "reads the private _optimizer",
    "test_adaptive_learning_rate": "reads the private _optimizer",
    "test_nonfinite_params": "minidl's message says that the first loss is not finite",
    "test_early_stopping_stratified": "minidl's message names the label, not whether it is one",
    "test_mlp_diverging_loss": "minidl warns, and ends at the divergence",
    "test_mlp_loading_from_joblib_partial_fit": "reaches 1e-4 with some seeds, as theirs",
    "test_n_iter_no_change_inf": "3,000 epochs",
    "test_n_iter_no_change": "takes 2 seconds",
    "test_partial_fit_classification": "takes 2 seconds",
}
PASS = [  # without test_
    "alpha",
    "partial_fit_classes_error",
    "partial_fit_unseen_classes",
    "partial_fit_regression",
    "predict_proba_binary",
    "predict_proba_multiclass",
    "shuffle",
    "tolerance",
    "verbose_sgd",
    "early_stopping",
    "warm_start_full_iteration",
    "mlp_early_stopping_string_labels",
    "mlp_classifier_dtypes_casting",
    "mlp_regressor_dtypes_casting",
    "mlp_param_dtypes",
    "preserve_feature_names",
    "mlp_warm_start_with_early_stopping",
    "mlp_partial_fit_after_fit",
    "mlp_sample_weight_with_early_stopping",
    "minimum_input_sample_size",
]


WITH_ADAM = [  # tests of the solver lbfgs that scikit-learn's own Adam passes, too
    "lbfgs_classification",
    "mlp_warm_start_no_convergence",
    "sparse_matrices",
    "warm_start",
]


def cases(words: list[str]) -> Iterator[Any]:
    """Yield each of their tests with each combination of its parameters."""
    for name in [f"test_{word}" for word in words if hasattr(theirs, f"test_{word}")]:
        function = getattr(theirs, name)
        marks = [m for m in getattr(function, "pytestmark", []) if m.name == "parametrize"]
        several = []
        for mark in marks:
            names = [word.strip() for word in mark.args[0].split(",")]
            values = [v if len(names) > 1 else (v,) for v in mark.args[1]]
            several.append([dict(zip(names, value, strict=True)) for value in values])
        for chosen in itertools.product(*several):
            arguments = {key: value for part in chosen for key, value in part.items()}
            yield pytest.param(function, arguments, id=name)


def test_each_of_their_tests_passes_or_has_a_reason() -> None:
    assert not OTHERWISE.keys() & {f"test_{word}" for word in PASS}
    if sklearn.__version__.startswith("1.9."):
        names = {name for name in vars(theirs) if name.startswith("test_")}
        assert names == {*OTHERWISE, *(f"test_{word}" for word in PASS)}


def run(
    function: Any, arguments: dict[str, Any], request: Any, patch: Any, made: Any = lambda cls: cls
) -> None:
    """Run one of their tests with minidl's classes, as `made` returns them."""
    for kind in ("MLPClassifier", "MLPRegressor"):
        own = made(getattr(minidl, kind))
        patch.setattr(theirs, kind, own)
        for key, value in arguments.items():
            if getattr(value, "__name__", "") == kind:
                arguments = arguments | {key: own}
    fixtures = inspect.signature(function).parameters.keys() - arguments.keys()
    np.random.seed(0)  # noqa: NPY002 (without a random_state, this generator is drawn from)
    function(**arguments, **{word: request.getfixturevalue(word) for word in fixtures})


@pytest.mark.parametrize(("function", "arguments"), list(cases(PASS)))
def test_a_test_of_scikit_learn_passes(
    function: Any, arguments: dict[str, Any], request: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(function, arguments, request, monkeypatch)


@pytest.mark.parametrize(("function", "arguments"), list(cases(WITH_ADAM)))
def test_a_test_of_another_solver_passes_with_adam(
    function: Any, arguments: dict[str, Any], request: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def with_adam(cls: Any) -> Any:
        def make(**given: Any) -> Any:
            return cls(**given | {"solver": "adam"} if given.get("solver") == "lbfgs" else given)

        return make

    run(function, arguments, request, monkeypatch, with_adam)
