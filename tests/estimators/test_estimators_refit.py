"""What a failed call leaves as it was, and which parameters and weights a later call may have."""

from __future__ import annotations

import copy
import warnings
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.datasets import load_iris
from sklearn.exceptions import ConvergenceWarning
from sklearn.preprocessing import scale
from twin_checks import fitted

from minidl import MLPClassifier, MLPRegressor, Trainer, nn, optim
from minidl.errors import ArgumentError, DataError, DivergenceWarning, UnknownNameError
from minidl.training import Callback

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X, SPECIES = load_iris(return_X_y=True)
X = scale(X)
TWO = (SPECIES == 2).astype(int)
BOTH = np.column_stack([TWO, SPECIES == 1]).astype(int)
WEIGHTS = np.random.default_rng(0).random(150)


def state(model: Any) -> dict[str, Any]:
    """Return the fitted attributes that a failed call must keep."""
    names = ("classes_", "_multilabel", "n_outputs_", "out_activation_", "loss_curve_", "t_")
    return {n: copy.deepcopy(getattr(model, n)) for n in names if hasattr(model, n)}


@pytest.mark.parametrize(
    ("first", "then", "words"),
    [
        (TWO, BOTH, "got 2 labels of 0 or 1 in each row, expected a class in each row"),
        (BOTH, TWO, "got a class in each row, expected 2 labels of 0 or 1 in each row"),
        (BOTH, BOTH[:, [0, 1, 1]], "got 3 labels .*, expected 2 labels of 0 or 1 in each row"),
    ],
)
@pytest.mark.parametrize("twin", [None, "scikit-learn"])
def test_targets_of_another_form_leave_a_classifier_as_it_was(
    first: Any, then: Any, words: str, twin: Any
) -> None:
    model = MLPClassifier(8, random_state=0, twin=twin, warm_start=True, max_iter=2)
    model.partial_fit(X, first, classes=[0, 1])
    before, predicted = state(model), model.predict(X)
    for again in (model.partial_fit, model.fit):
        with pytest.raises(DataError, match=words):
            again(X, then)
        assert str(state(model)) == str(before)
        assert_array_equal(model.predict(X), predicted)
    model.partial_fit(X, first)


def test_targets_of_another_form_leave_a_regressor_as_it_was() -> None:
    model = MLPRegressor(8, warm_start=True, max_iter=2).fit(X, X[:, 0])
    for again in (model.partial_fit, model.fit):
        with pytest.raises(DataError, match=r"got 2 numbers in each row, expected 1 number in"):
            again(X, X[:, :2])
        assert model.n_outputs_ == 1
    assert model.fit(X, X[:, 0]).predict(X).shape == (150,)


@pytest.mark.parametrize("loss", ["hinge", "Hinge", "HINGE", nn.Hinge, nn.Hinge()])
def test_no_spelling_of_the_hinge_loss_has_probabilities(loss: Any) -> None:
    model = MLPClassifier(4, loss=loss, max_iter=1).fit(X, TWO)
    assert not hasattr(model, "predict_proba")
    assert not hasattr(model, "predict_log_proba")


def test_a_wrong_loss_is_an_error_of_fit_alone() -> None:
    assert hasattr(MLPClassifier(loss="foo"), "predict_proba")


@pytest.mark.parametrize("w", [None, WEIGHTS], ids=["alone", "product"])
@pytest.mark.parametrize("y", [TWO, SPECIES], ids=["two", "three"])
def test_class_weights_are_sample_weights_with_a_penalty(w: Any, y: Any) -> None:
    how: dict[str, Any] = {"alpha": 20.0, "max_iter": 5, "random_state": 0, "batch_size": 32}
    by_class = MLPClassifier(6, class_weight={0: 5, 1: 1}, **how).fit(X, y, w)
    by_row = np.where(y == 0, 5.0, 1.0) * (1.0 if w is None else w)
    by_row = MLPClassifier(6, **how).fit(X, y, by_row)
    assert_allclose(by_class.loss_curve_, by_row.loss_curve_, rtol=1e-10)
    assert_allclose(by_class.coefs_[0], by_row.coefs_[0], rtol=1e-8)


@pytest.mark.parametrize("twin", [None, "scikit-learn"])
@pytest.mark.parametrize(
    ("name", "value"), [("activation", "tanh"), ("hidden_layer_sizes", (5, 5)), ("dropout", 0.5)]
)
def test_the_network_cannot_change_between_two_calls(twin: Any, name: str, value: Any) -> None:
    if twin and name == "dropout":
        return  # a twin has none
    model = MLPClassifier(5, warm_start=True, max_iter=1, twin=twin).fit(X, TWO)
    model.set_params(**{name: value})
    for again in (model.fit, model.partial_fit):
        with pytest.raises(ArgumentError, match=f"{name} cannot change the network, which is"):
            again(X, TWO)
    model.set_params(warm_start=False).fit(X, TWO)
    same = MLPClassifier((5,), warm_start=True, max_iter=1).fit(X, TWO)
    same.set_params(hidden_layer_sizes=5, activation="ReLU").fit(X, TWO)


def test_a_twin_in_float32_takes_weights_in_float64() -> None:
    how = {"hidden_layer_sizes": (4,), "max_iter": 5, "random_state": 0}
    for dtype in (np.float64, np.float32):
        theirs, ours = fitted(True, X.astype("f"), SPECIES, WEIGHTS.astype(dtype), **how)
        assert theirs.loss_curve_ == ours.loss_curve_
        assert_array_equal(theirs.coefs_[0], ours.coefs_[0])


def test_a_twin_refuses_weights_that_are_negative() -> None:
    with pytest.raises(DataError, match=r"not a finite number >= 0: got -1.0 in row 3"):
        MLPClassifier(twin="scikit-learn").fit(X, TWO, np.where(np.arange(150) == 3, -1.0, 1.0))


class Counts(Callback):
    """Count the epochs."""

    def __init__(self) -> None:
        self.epochs: list[int] = []

    def on_epoch_end(self, trainer: Any, record: Any) -> None:
        """Note the epoch."""
        self.epochs.append(trainer.epoch)


class Held(Counts):
    """A callback that cannot be copied."""

    def __deepcopy__(self, memo: Any) -> Held:
        raise TypeError("cannot pickle a file")


def test_each_fit_trains_with_copies_of_the_callbacks() -> None:
    counts, held = Counts(), Held()
    first = MLPClassifier(4, max_iter=3, callbacks=[counts, held]).fit(X, TWO)
    second = MLPClassifier(4, max_iter=2, callbacks=[counts]).fit(X, TWO)
    assert counts.epochs == []
    assert first.callbacks_[0].epochs == held.epochs != second.callbacks_[0].epochs
    assert first.callbacks_[1] is held
    parts = MLPClassifier(4, callbacks=[counts])
    for _ in range(2):
        parts.partial_fit(X, TWO, [0, 1])
    assert parts.callbacks_[0].epochs == second.callbacks_[0].epochs


def diverging() -> None:
    MLPRegressor(6, "identity", solver="sgd", learning_rate_init=3.0).fit(X, 100 * X[:, 0])


WARNINGS: list[tuple[Any, Any]] = [
    (ConvergenceWarning, lambda: MLPClassifier(4, max_iter=1).fit(X, TWO)),
    (ConvergenceWarning, lambda: MLPClassifier(4, max_iter=1, twin="scikit-learn").fit(X, TWO)),
    (UserWarning, lambda: MLPClassifier(4, momentum=0.5).partial_fit(X, TWO, [0, 1])),
    (UserWarning, lambda: MLPClassifier(4, momentum=0.5, max_iter=1).fit(X, TWO)),
    (UserWarning, lambda: MLPClassifier(4, batch_size=999).partial_fit(X, TWO, [0, 1])),
    (UserWarning, lambda: MLPClassifier(4, batch_size=999, twin="scikit-learn").fit(X, TWO)),
    (DivergenceWarning, diverging),
]


@pytest.mark.parametrize(("category", "call"), WARNINGS)
def test_a_warning_points_to_the_line_that_called_minidl(category: Any, call: Any) -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        call()
    assert any(issubclass(w.category, category) for w in caught)
    assert {w.filename for w in caught} == {__file__}


TWIN = {"twin": "scikit-learn"}


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"target_loss": "x"}, "target_loss must be a finite number, or None, got 'x'"),
        ({"random_state": 2**40, **TWIN}, "random_state must be an integer from 0 to 4294967295"),
        ({"dropout": np.array([0.1, 0.2]), **TWIN}, r"dropout must be a number in \[0, 1\)"),
        ({"class_weight": np.array([1, 2]), **TWIN}, "scikit-learn has no class_weight"),
    ],
)
def test_a_strange_parameter_is_named(parameters: Any, words: str) -> None:
    with pytest.raises(ArgumentError, match=words):
        MLPClassifier(4, **parameters).fit(X, TWO)


def test_an_activation_is_checked_without_a_hidden_layer() -> None:
    with pytest.raises(UnknownNameError, match="'foo'"):
        MLPClassifier((), activation="foo").fit(X, TWO)
    with pytest.raises(UnknownNameError, match="'foo'"):
        nn.mlp(2, 1, activation="foo")
    with pytest.raises(ArgumentError, match="dropout must be a number"):
        MLPClassifier((), dropout=2).fit(X, TWO)


def test_a_validation_score_has_the_weights_of_its_rows() -> None:
    how: dict[str, Any] = {"early_stopping": True, "max_iter": 1, "random_state": 3}
    w = np.where(SPECIES == 1, 0.1, 1.0)
    model = MLPClassifier(4, **how).fit(X, SPECIES, w)
    _, held_out = model._split(model._rows(X, SPECIES, w, from_scratch=False, incremental=False), 3)
    right = model.predict(held_out.X) == held_out.t
    assert model.validation_scores_ == [np.average(right, weights=held_out.w)]
    assert model.validation_scores_ != [right.mean()]


def test_the_validation_rows_are_those_of_the_seed() -> None:
    model = MLPClassifier(4, early_stopping=True).fit(X, SPECIES)
    checked = model._rows(X, SPECIES, None, from_scratch=False, incremental=False)
    parts = [model._split(checked, seed)[1].X for seed in (1, 1, 2)]
    assert_array_equal(parts[0], parts[1])
    assert not np.array_equal(parts[0], parts[2])


def test_a_warm_start_keeps_no_account_of_the_other_way_to_stop() -> None:
    model = MLPClassifier(4, warm_start=True, max_iter=3).fit(X, SPECIES)
    model.set_params(early_stopping=True).fit(X, SPECIES)
    assert len(model.loss_curve_) == len(model.validation_scores_) == 3
    model.fit(X, SPECIES)
    assert len(model.loss_curve_) == len(model.validation_scores_) == 6


def test_partial_fit_takes_a_new_batch_size() -> None:
    model = MLPClassifier(4, batch_size=50, random_state=0, solver="sgd")
    model.partial_fit(X, SPECIES, [0, 1, 2]).set_params(batch_size=30).partial_fit(X, SPECIES)
    assert model.history_["updates"][-1] == 3 + 5


def test_a_divergence_goes_back_to_the_weights_before_this_call() -> None:
    how: dict[str, Any] = {"solver": optim.GradientDescent(0.1), "batch_size": "full"}
    model = MLPRegressor((), "identity", **how).partial_fit(X, X[:, 0])
    model.model_.parameters.value[...] = 2.0  # what the user has set between two calls
    model._trainer.optimizer.lr = 1e200
    with pytest.warns(DivergenceWarning):
        model.partial_fit(X, X[:, 0])
    assert_array_equal(model.model_.parameters.value, np.full(5, 2.0))


def test_switches_of_a_trainer_are_true_or_false() -> None:
    for name in ("shuffle", "look_ahead"):
        with pytest.raises(ArgumentError, match=f"{name} must be True or False, got 'no'"):
            Trainer(nn.mlp(2, 1), "mse", "gd", lr=0.1, **{name: "no"})  # type: ignore[arg-type]
