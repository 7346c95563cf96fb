"""scikit-learn's own checks of an estimator."""

from __future__ import annotations

import warnings
from collections import Counter
from typing import Any

import pytest
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.estimator_checks import check_estimator

import minidl

# How many checks of scikit-learn 1.9 its own MLPs pass, of which none is expected to fail.
THEIRS = {"MLPClassifier": 63, "MLPRegressor": 57}
NOT_RUN = {"check_array_api_input"}  # needs the environment variable SCIPY_ARRAY_API


# The twin of the classifier has no class weights, and one of the checks sets them.
CASES: list[tuple[str, dict[str, Any]]] = [
    ("MLPClassifier", {}),
    ("MLPClassifier", {"class_weight": "balanced"}),
    ("MLPRegressor", {}),
    ("MLPRegressor", {"twin": "scikit-learn"}),
]


@pytest.mark.parametrize(("name", "settings"), CASES)
def test_every_check_of_scikit_learn_passes(name: str, settings: dict[str, Any]) -> None:
    estimator: Any = getattr(minidl, name)(max_iter=100, **settings)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # of 100 epochs
        warnings.simplefilter("ignore", minidl.errors.DivergenceWarning)  # of unscaled data
        checks = check_estimator(estimator, on_skip=None, on_fail="raise")
    status = Counter(check["status"] for check in checks)
    print(f"{name}: {status['passed']} checks of scikit-learn pass, {status['skipped']} not run")
    assert not any(check["expected_to_fail"] for check in checks)
    assert {check["check_name"] for check in checks if check["status"] != "passed"} <= NOT_RUN
    assert status["passed"] >= THEIRS[name]
