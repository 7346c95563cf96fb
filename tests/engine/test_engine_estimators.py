"""Estimators with the compiled engine have the losses that they have with the eager one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.datasets import load_diabetes, load_iris
from sklearn.preprocessing import scale

from minidl import MLPClassifier, MLPRegressor

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

IRIS, SPECIES = load_iris(return_X_y=True)
IRIS = scale(IRIS)
NAMES = np.array(["setosa", "versicolor", "virginica"])[SPECIES]
BODIES, PROGRESS = map(scale, load_diabetes(return_X_y=True))


@pytest.mark.parametrize("solver", ["sgd", "adam"])
@pytest.mark.parametrize("early_stopping", [False, True])
def test_the_compiled_engine_has_the_same_losses(solver: str, early_stopping: bool) -> None:
    settings: dict[str, Any] = {"early_stopping": early_stopping, "solver": solver, "alpha": 0.01}
    settings |= {"batch_size": 16, "learning_rate_init": 0.01, "max_iter": 40, "random_state": 0}
    settings |= {"n_iter_no_change": 20, "learning_rate": "adaptive", "tol": 0.0}
    one, two = (MLPClassifier(8, engine=engine, **settings) for engine in ("eager", "compiled"))
    for model in (one, two):
        model.fit(IRIS, NAMES)
    assert_allclose(two.loss_curve_, one.loss_curve_, rtol=1e-10)
    assert two.n_iter_ == one.n_iter_
    assert_array_equal(two.predict(IRIS), one.predict(IRIS))
    trainer = two._trainer
    assert trainer.compiled.steps_taken > 0.8 * trainer.optimizer.step_count
    rest = {name: settings[name] for name in ("batch_size", "learning_rate_init", "random_state")}
    first, second = (
        MLPRegressor(8, engine=engine, max_iter=9, **rest).fit(BODIES, PROGRESS)
        for engine in ("eager", "compiled")
    )
    assert_allclose(second.loss_curve_, first.loss_curve_, rtol=1e-10)
