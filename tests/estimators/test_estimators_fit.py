"""Estimators against the same network trained by hand, and scikit-learn's account of a fit."""

from __future__ import annotations

import copy
import inspect
import pickle
import warnings
from typing import Any

import numpy as np
import pytest
import scipy.sparse
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.datasets import load_diabetes, load_iris, make_multilabel_classification
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.linear_model import PoissonRegressor
from sklearn.metrics import log_loss, mean_poisson_deviance
from sklearn.preprocessing import scale

from minidl import MLPClassifier, MLPRegressor, Trainer, nn, optim
from minidl.errors import ArgumentError, DataError, DivergenceWarning, UnknownNameError
from minidl.estimators.losses import HalfPoissonDeviance, HalfSquaredError
from minidl.training import Callback, EarlyStopping

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

IRIS, SPECIES = load_iris(return_X_y=True)
IRIS = scale(IRIS)
TWO, VERSICOLOR = IRIS[50:], SPECIES[50:] == 2
NAMES = np.array(["setosa", "versicolor", "virginica"])[SPECIES]
BODIES, PROGRESS = load_diabetes(return_X_y=True)
BODIES, PROGRESS = scale(BODIES), scale(PROGRESS)
TARGETS = np.column_stack([PROGRESS, BODIES[:, 2] ** 2])
POINTS, LABELS = make_multilabel_classification(60, 5, n_classes=3, random_state=0)
POINTS = scale(POINTS)


CASES = {
    "three classes": (MLPClassifier, IRIS, NAMES, SPECIES, "cross_entropy", 3),
    "two classes": (MLPClassifier, TWO, VERSICOLOR, VERSICOLOR.astype(int), "bce", 1),
    "numbers": (MLPRegressor, BODIES, PROGRESS, PROGRESS, HalfSquaredError(), 1),
    "two targets": (MLPRegressor, BODIES, TARGETS, TARGETS, HalfSquaredError(), 2),
}
SOLVERS: dict[str, tuple[Any, dict[str, Any], Any]] = {
    "sgd": ("sgd", {}, optim.ReformulatedNAG(0.01, 0.9)),
    "momentum": ("sgd", {"momentum": 0.5, "nesterovs_momentum": False}, optim.Momentum(0.01, 0.5)),
    "descent": ("sgd", {"momentum": 0.0}, optim.GradientDescent(0.01)),
    "adam": ("adam", {"beta_1": 0.8, "beta_2": 0.9, "epsilon": 1e-3},
             optim.Adam(0.01, 0.8, 0.9, 1e-3)),
    "rmsprop": ("rmsprop", {}, optim.RMSprop(0.01)),
    "lion": (optim.Lion, {}, optim.Lion(0.01)),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("name", SOLVERS)
def test_an_estimator_is_the_network_that_a_trainer_trains(case: str, name: str) -> None:
    kind, X, y, t, loss, outputs = CASES[case]
    solver, settings, optimizer = SOLVERS[name]
    estimator = kind(
        6, "tanh", solver=solver, learning_rate_init=0.01, batch_size=20, alpha=0.5, max_iter=4,
        random_state=5, **settings,
    ).fit(X, y)  # fmt: skip
    network = nn.mlp(X.shape[1], 6, outputs, activation="tanh", seed=5)
    rule = copy.deepcopy(optimizer)
    trainer = Trainer(network, loss, rule, batch_size=20, seed=5, l2=0.5 / 20)
    losses = trainer.fit(X, t, epochs=4)["running_loss"][1:]
    assert_allclose(estimator.loss_curve_, losses, rtol=1e-12)
    assert_array_equal(estimator.model_.parameters.value, network.parameters.value)
    scores = network.predict(X)
    if kind is MLPClassifier:
        assert_allclose(estimator.decision_function(X), np.squeeze(scores), rtol=1e-12)
    else:
        assert_allclose(estimator.predict(X), np.squeeze(scores), rtol=1e-12)


def test_counts_have_half_the_poisson_deviance() -> None:
    counts = np.random.default_rng(0).poisson(np.exp(1 + 0.5 * BODIES[:, 2])).astype(float)
    t, z = np.column_stack([counts, counts[::-1]]), np.zeros((len(counts), 2))
    w = np.random.default_rng(1).random(len(counts))
    loss = HalfPoissonDeviance()
    both = [mean_poisson_deviance(t[:, k], np.exp(z[:, k])) for k in (0, 1)]
    assert_allclose(loss(z, t).item(), sum(both) / 2, rtol=1e-12)
    both = [mean_poisson_deviance(t[:, k], np.exp(z[:, k]), sample_weight=w) for k in (0, 1)]
    assert_allclose(loss(z, t, sample_weight=w).item(), sum(both) / 2, rtol=1e-12)
    linear = PoissonRegressor(alpha=0, tol=1e-9).fit(BODIES, counts)
    model = MLPRegressor(
        (), loss="poisson", solver="nag", learning_rate_init=0.1, batch_size="full", alpha=0.0,
        max_iter=500, tol=0.0, n_iter_no_change=np.inf, random_state=0,
    ).fit(BODIES, counts)  # fmt: skip
    assert model.out_activation_ == "exp"
    assert_allclose(model.predict(BODIES), linear.predict(BODIES), rtol=1e-5)
    with pytest.raises(DataError, match=r"Poisson loss takes counts.*got -1"):
        model.fit(BODIES, -np.ones(len(BODIES)))


def test_several_labels_have_the_sum_of_their_losses() -> None:
    settings = {"alpha": 0.0, "max_iter": 1, "random_state": 5, "batch_size": "full"}
    model = MLPClassifier(6, "tanh", solver="sgd", **settings).fit(POINTS, LABELS)
    start = nn.mlp(5, 6, 3, activation="tanh", seed=5).predict(POINTS)
    probabilities = 1 / (1 + np.exp(-start))
    expected = sum(log_loss(LABELS[:, k], probabilities[:, k]) for k in range(3))
    assert_allclose(model.loss_, expected, rtol=1e-12)
    p = model.predict_proba(POINTS)
    assert p.shape == LABELS.shape
    assert_array_equal(model.predict(POINTS), p > 0.5)
    assert_allclose(model.predict_log_proba(POINTS), np.log(p), rtol=1e-9)


def test_the_losses_and_the_gradient_are_those_of_scikit_learn_s_formulas() -> None:
    t, p = np.array([[1.0, 2.0], [0.0, 4.0], [3.0, 1.0]]), np.zeros((3, 2))
    w = np.array([1.0, 2.0, 0.5])
    loss = HalfSquaredError()
    assert loss(p, t).item() == 0.5 * (t**2).sum() / 3
    assert_allclose(loss(p, t, sample_weight=w).item(), 0.5 * (w @ (t**2).sum(1)) / w.sum())


@pytest.mark.parametrize("case", CASES)
def test_a_weight_of_k_counts_a_row_k_times(case: str) -> None:
    kind, X, y, *_ = CASES[case]
    w = np.random.default_rng(0).integers(0, 4, len(X))
    settings = {"solver": "sgd", "alpha": 0.3, "max_iter": 15, "random_state": 0}
    weighted = kind(6, "tanh", batch_size="full", **settings).fit(X, y, sample_weight=w)
    again = kind(6, "tanh", batch_size="full", **settings).fit(X.repeat(w, 0), y.repeat(w, 0))
    assert_allclose(weighted.loss_curve_, again.loss_curve_, rtol=1e-10)
    assert_allclose(
        weighted.model_.parameters.value, again.model_.parameters.value, rtol=1e-8, atol=1e-10
    )


def test_balanced_classes_have_the_same_total_weight() -> None:
    rows = np.r_[0:50, 50:60, 100:120]
    X, y = IRIS[rows], NAMES[rows]
    settings: dict[str, Any] = {"max_iter": 5, "random_state": 0, "batch_size": 16}
    balanced = MLPClassifier(6, class_weight="balanced", **settings).fit(X, y)
    w = np.select([y == "setosa", y == "versicolor"], [1 / 50, 1 / 10], 1 / 20)
    same = MLPClassifier(6, **settings).fit(X, y, sample_weight=w * len(w) / w.sum())
    by_label = MLPClassifier(
        6,
        class_weight={"setosa": 2 / 3.75, "versicolor": 10 / 3.75, "virginica": 5 / 3.75},
        **settings,
    ).fit(X, y)
    assert_allclose(balanced.loss_curve_, same.loss_curve_, rtol=1e-12)
    assert_allclose(by_label.loss_curve_, balanced.loss_curve_, rtol=1e-12)
    settings["alpha"] = 0.5  # the penalty counts both weights
    some = MLPClassifier(6, class_weight={"setosa": 3.0}, **settings).fit(X, y)
    w = np.where(y == "setosa", 3.0, 1.0)
    same = MLPClassifier(6, **settings).fit(X, y, sample_weight=w)
    assert_allclose(some.loss_curve_, same.loss_curve_, rtol=1e-12)
    with pytest.raises(ArgumentError, match=r"class_weight names classes that do not occur.*'b'"):
        MLPClassifier(class_weight={"b": 1.0}).fit(X, y)
    assert not hasattr(MLPClassifier(class_weight="balanced"), "partial_fit")


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("solver", ["sgd", "adam"])
def test_calls_of_partial_fit_are_one_fit(case: str, solver: str) -> None:
    kind, X, y, *_ = CASES[case]
    settings = {"solver": solver, "batch_size": 32, "random_state": 3, "dropout": 0.2}
    whole = kind(6, max_iter=4, **settings).fit(X, y)
    parts = kind(6, **settings)
    first: Any = {"classes": np.unique(y)} if kind is MLPClassifier else {}
    for k in range(4):
        parts = pickle.loads(pickle.dumps(parts.partial_fit(X, y, **({} if k else first))))
    assert parts.loss_curve_ == whole.loss_curve_
    assert_array_equal(parts.model_.parameters.value, whole.model_.parameters.value)
    assert (parts.t_, parts.n_iter_, whole.n_iter_) == (4 * len(X), 1, 4)
    assert_array_equal(parts.predict(X), whole.predict(X))


def test_a_warm_start_goes_on_with_a_new_optimizer() -> None:
    model = MLPClassifier(6, solver="nag", max_iter=3, random_state=0, warm_start=True)
    model.fit(IRIS, NAMES)
    weights = model.model_.parameters.value.copy()
    network = copy.deepcopy(model.model_)
    model.set_params(solver="adam", learning_rate_init=0.01).fit(IRIS, NAMES)
    trainer = Trainer(
        network, "cross_entropy", optim.Adam(0.01), batch_size=150, seed=0, l2=1e-4 / 150
    )
    assert_allclose(trainer.fit(IRIS, SPECIES, epochs=3)["running_loss"][1:], model.loss_curve_[3:])
    assert not np.array_equal(model.model_.parameters.value, weights)
    assert (len(model.loss_curve_), model.n_iter_, model.t_) == (6, 3, 900)
    with pytest.raises(ValueError, match="warm_start can only be used where `y` has the same"):
        model.fit(IRIS[:100], NAMES[:100])
    model.set_params(warm_start=False).fit(IRIS[:100], NAMES[:100])
    assert (len(model.loss_curve_), model.classes_.tolist()) == (3, ["setosa", "versicolor"])


@pytest.mark.parametrize("kind", [MLPClassifier, MLPRegressor])
def test_early_stopping_restores_the_best_weights(kind: Any) -> None:
    X, y = (IRIS, NAMES) if kind is MLPClassifier else (BODIES, PROGRESS)
    model = kind(
        8, solver="nag", learning_rate_init=0.02, early_stopping=True, validation_fraction=0.3,
        max_iter=300, n_iter_no_change=5, random_state=2, alpha=0.0, batch_size=20, tol=0.02,
    ).fit(X, y)  # fmt: skip
    scores = model.validation_scores_
    highest, waited = -np.inf, []
    for score in scores:
        waited.append(waited[-1] + 1 if waited and score < highest + 0.02 else 0)
        highest = max(highest, score)
    assert waited[-1] == 6 > max(waited[:-1])
    assert model.n_iter_ == len(scores) == len(model.loss_curve_) < 300
    assert model.best_validation_score_ == max(scores)
    assert model.best_loss_ is None
    assert model.history_.stopped_by == "no improvement"
    assert model.t_ == model.n_iter_ * (len(X) - int(np.ceil(0.3 * len(X))))
    best = scores.index(max(scores)) + 1
    again = clone(model).set_params(max_iter=best).fit(X, y)
    assert_array_equal(again.model_.parameters.value, model.model_.parameters.value)


def test_training_stops_as_in_scikit_learn() -> None:
    model = MLPClassifier(6, solver="sgd", tol=0.01, n_iter_no_change=4, random_state=0)
    model.set_params(max_iter=1000).fit(IRIS, NAMES)
    best, waited = np.inf, 0
    epochs = 0
    for loss in model.loss_curve_:
        epochs += 1
        waited = waited + 1 if loss > best - 0.01 else 0
        best = min(best, loss)
        if waited > 4:
            break
    assert epochs == model.n_iter_ < 1000
    assert model.best_loss_ == min(model.loss_curve_) == best
    assert model.history_.stopped_by == "no improvement"


def test_the_rates_are_those_of_scikit_learn() -> None:
    class Rates(Callback):
        def on_epoch_begin(self, trainer: Any, epoch: int) -> None:
            seen.append(trainer.optimizer.lr)

    seen: list[float] = []
    how: dict[str, Any] = {"callbacks": [Rates()], "random_state": 0, "hidden_layer_sizes": 4}
    how |= {"learning_rate_init": 0.1, "solver": "sgd"}
    MLPClassifier(learning_rate="invscaling", power_t=0.25, max_iter=3, **how).fit(IRIS, NAMES)
    assert_allclose(seen, [0.1, 0.1 / 151**0.25, 0.1 / 301**0.25], rtol=1e-15)
    seen.clear()
    model = MLPClassifier(learning_rate="adaptive", tol=10.0, n_iter_no_change=2, **how)
    model.fit(IRIS, NAMES)
    # The first epoch improves on infinity, so the first rate has four epochs, each other three.
    expected = [0.1] * 4 + [0.1 / 5**k for k in range(1, 9) for _ in range(3)]
    assert_allclose(seen, expected, rtol=1e-12)
    assert expected[-1] < 1e-6 < expected[-4]
    with pytest.raises(ArgumentError, match="learning_rate needs a solver whose learning rate is"):
        MLPClassifier(
            solver=optim.NAG(optim.StepDecay(0.1, every=5)), learning_rate="adaptive"
        ).fit(IRIS, NAMES)


def test_a_target_loss_ends_training_and_is_measured() -> None:
    model = MLPClassifier(8, solver="nag", learning_rate_init=0.1, target_loss=0.3, random_state=0)
    model.fit(IRIS, NAMES)
    losses = model.history_["train_loss"]
    assert model.history_.stopped_by == "target"
    assert losses[-1] <= 0.3 < losses[-2]
    assert len(losses) == model.n_iter_ + 1
    assert_allclose(
        losses[-1] - 1e-4 / 300 * sum((W**2).sum() for W in model.coefs_),
        log_loss(NAMES, model.predict_proba(IRIS)), rtol=1e-12,
    )  # fmt: skip


def test_only_what_is_asked_for_is_measured() -> None:
    assert MLPClassifier(4, max_iter=9).fit(IRIS, NAMES).history_["epoch"].tolist() == [0, 9]
    model = MLPClassifier(4, max_iter=9, measure_every=4).fit(IRIS, NAMES)
    assert model.history_["epoch"].tolist() == [0, 4, 8, 9]
    assert_allclose(model.history_["running_loss"][[1, 3]], np.array(model.loss_curve_)[[3, 8]])


@pytest.mark.parametrize("make", [scipy.sparse.csr_matrix, scipy.sparse.csc_array])
def test_sparse_inputs_give_what_dense_ones_give(make: Any) -> None:
    X = np.where(IRIS > 0.5, IRIS, 0.0)
    dense = MLPClassifier(6, max_iter=5, random_state=0).fit(X, NAMES)
    sparse = MLPClassifier(6, max_iter=5, random_state=0).fit(make(X), NAMES)
    assert_array_equal(dense.predict_proba(X), sparse.predict_proba(make(X)))


@pytest.mark.parametrize("case", CASES)
def test_float32_stays_float32(case: str) -> None:
    kind, X, y, *_ = CASES[case]
    model = kind(6, max_iter=3, random_state=0).fit(X.astype(np.float32), y)
    assert {a.dtype for a in [*model.coefs_, *model.intercepts_]} == {np.dtype(np.float32)}
    outputs = model.predict_proba if kind is MLPClassifier else model.predict
    assert outputs(X).dtype == np.float32
    wide = kind(6, max_iter=3, random_state=0).fit(X, y)
    assert_allclose(model.loss_curve_, wide.loss_curve_, rtol=1e-4)


def test_probabilities_are_exact_in_the_logarithm() -> None:
    model = MLPClassifier(6, max_iter=1, random_state=0).fit(TWO, VERSICOLOR)
    model.coefs_[-1][...] = 1e4  # a view: the network changes
    logs, z = model.predict_log_proba(TWO), model.decision_function(TWO)
    assert np.isfinite(logs).all()
    assert_allclose(logs[:, 1], -np.logaddexp(0, -z), rtol=1e-12)
    assert_allclose(model.predict_proba(TWO).sum(axis=1), 1)


def test_the_rows_of_a_class_keep_their_share_in_the_validation_set() -> None:
    with pytest.raises(ValueError, match="least populated class"):
        MLPClassifier(early_stopping=True).fit([[1], [2], [3], [4]], ["a", "a", "a", "b"])
    with pytest.raises(DataError, match=r"validation set is too small: got 1, expected 2 rows"):
        MLPRegressor(early_stopping=True).fit([[1], [2], [3]], [1, 2, 3])
    with pytest.raises(ArgumentError, match="partial_fit does not support early_stopping=True"):
        MLPRegressor(early_stopping=True).partial_fit([[1], [2], [3]], [1, 2, 3])


def test_the_optimizer_and_the_activation_of_the_user_stay_unused() -> None:
    solver, activation = optim.NAG(0.05), nn.LeakyReLU(0.2)
    model = MLPClassifier(6, activation, solver=solver, max_iter=3, random_state=0)
    first = model.fit(IRIS, NAMES).loss_curve_
    assert (solver.step_count, model.solver) == (0, solver)
    assert clone(model).fit(IRIS, NAMES).loss_curve_ == model.fit(IRIS, NAMES).loss_curve_ == first
    assert model.model_[1] is not activation
    by_class = clone(model).set_params(solver=optim.NAG, learning_rate_init=0.05)
    assert by_class.fit(IRIS, NAMES).loss_curve_ == first


@pytest.mark.parametrize("name", sorted(optim.OPTIMIZERS))
def test_every_optimizer_of_the_table_is_a_solver(name: str) -> None:
    size: Any = "auto" if optim.lookup(name).fixed else 15
    own = inspect.signature(optim.lookup(name).optimizer).parameters["lr"].default
    rate = 0.05 if own is inspect.Parameter.empty else None
    model = MLPClassifier(
        8, "tanh", solver=name, batch_size=size, learning_rate_init=rate, max_iter=30,
        random_state=0, n_iter_no_change=np.inf,
    ).fit(IRIS, NAMES)  # fmt: skip
    assert model.loss_curve_[-1] < 0.9 * model.loss_curve_[0]


WRONG: list[tuple[dict[str, Any], type[ValueError], str]] = [
    ({"solver": "nesterv"}, UnknownNameError, "unknown solver 'nesterv'.*mean 'nesterov'"),
    ({"solver": "lbfgs"}, ArgumentError, "solver 'lbfgs' is not an optimizer of minidl.*\"adam\""),
    ({"solver": 3}, ArgumentError, 'solver must be a name such as "adam", or an optimizer'),
    ({"activation": "rleu"}, UnknownNameError, "unknown activation 'rleu'.*Did you mean 'relu'"),
    ({"learning_rate": 0.1}, ArgumentError, "learning_rate must be one of.*learning_rate_init"),
    ({"learning_rate_init": 0}, ArgumentError, "learning_rate_init must be a positive"),
    ({"hidden_layer_sizes": (5, 0)}, ArgumentError, "hidden_layer_sizes must be integers > 0"),
    ({"hidden_layer_sizes": "5"}, ArgumentError, "hidden_layer_sizes must be integers > 0"),
    ({"batch_size": 0}, ArgumentError, "batch_size must be an integer >= 1"),
    ({"batch_size": "all"}, ArgumentError, "batch_size must be an integer >= 1"),
    ({"alpha": -1}, ArgumentError, "alpha must be a finite number >= 0"),
    ({"max_iter": 0}, ArgumentError, "max_iter must be an integer >= 1"),
    ({"validation_fraction": 1}, ArgumentError, r"validation_fraction must be a number in \(0, 1"),
    ({"n_iter_no_change": 0.5}, ArgumentError, "n_iter_no_change must be an integer >= 1"),
    ({"measure_every": "never"}, ArgumentError, "measure_every must be an integer"),
    ({"engine": "fast"}, ArgumentError, "engine must be .* got 'fast'"),
    ({"loss": "log"}, UnknownNameError, "unknown loss 'log'.*log_loss"),
    ({"loss": "mse"}, ArgumentError, "does not take classes as targets"),
    ({"dropout": 1.5}, ArgumentError, r"dropout must be a number in \[0, 1\)"),
    ({"twin": "sklearn"}, ArgumentError, 'twin must be None or "scikit-learn"'),
    ({"callbacks": 3}, ArgumentError, "callbacks must be a list of callbacks"),
    ({"callbacks": EarlyStopping()}, ArgumentError, "callbacks must be a list of callbacks"),
    ({"random_state": -1}, ArgumentError, "random_state must be an integer >= 0"),
    ({"solver": "stochastic", "batch_size": 5}, ArgumentError, "gradient descent at batch size 1"),
]


@pytest.mark.parametrize(("parameters", "error", "words"), WRONG)
def test_a_wrong_parameter_is_an_error_of_fit(parameters: Any, error: Any, words: str) -> None:
    with pytest.raises(error, match=words):
        MLPClassifier(**parameters).fit(IRIS, NAMES)


def test_wrong_weights_are_an_error() -> None:
    with pytest.raises(DataError, match=r"weight is not a finite number >= 0: got -1.0 in row 0"):
        MLPClassifier().fit(IRIS, NAMES, sample_weight=-np.ones(150))
    with pytest.raises(ValueError, match=r"0|zero"):
        MLPClassifier().fit(IRIS, NAMES, sample_weight=np.zeros(150))


def test_a_callback_sees_the_rows_held_out() -> None:
    early = EarlyStopping("validation_loss", patience=2)
    model = MLPClassifier(
        8, solver="nag", learning_rate_init=0.5, early_stopping=True, n_iter_no_change=np.inf,
        callbacks=[early], random_state=0,
    ).fit(IRIS, NAMES)  # fmt: skip
    assert model.history_.stopped_by == "early stopping"
    assert model.n_iter_ == model.callbacks_[0].best_epoch + 2 < 200
    assert_allclose(model.history_["validation_accuracy"][1:], model.validation_scores_)


def test_parameters_that_a_solver_does_not_have_are_named() -> None:
    with pytest.warns(UserWarning, match="solver 'adam' does not use momentum=0.5"):
        MLPClassifier(4, max_iter=1, momentum=0.5).fit(IRIS, NAMES)
    with pytest.warns(UserWarning, match=r"solver NAG\(.*does not use learning_rate_init=0.5"):
        MLPClassifier(4, solver=optim.NAG(0.1), max_iter=1, learning_rate_init=0.5).fit(IRIS, NAMES)
    with pytest.warns(UserWarning, match='solver "sgd" does not use beta_1=0.5, epsilon=0.1'):
        MLPRegressor(4, solver="sgd", max_iter=1, beta_1=0.5, epsilon=0.1).fit(BODIES, PROGRESS)
    with pytest.warns(UserWarning, match="batch_size=999 is larger than the 150 training rows"):
        MLPClassifier(4, max_iter=1, batch_size=999).fit(IRIS, NAMES)


def test_a_divergence_leaves_the_weights_before_it() -> None:
    model = MLPRegressor(
        6, "identity", solver="sgd", learning_rate_init=3.0, random_state=0, early_stopping=True
    )
    with pytest.warns(DivergenceWarning, match="Try a learning rate ten times smaller"):
        model.fit(BODIES, 100 * PROGRESS)
    assert np.isnan(model.validation_scores_[-1])
    assert np.isfinite(model.model_.parameters.value).all()
    assert model.history_.stopped_by == "diverged"
    assert model.n_iter_ == len(model.loss_curve_)


def test_a_twin_takes_no_engine() -> None:
    with pytest.raises(ArgumentError, match=r"scikit-learn has no engine.*got engine='compiled'"):
        MLPClassifier(8, twin="scikit-learn", engine="compiled").fit(IRIS, NAMES)
    settings = {"twin": "scikit-learn", "max_iter": 2, "random_state": 0}
    one, two = (MLPClassifier(8, engine=e, **settings).fit(IRIS, NAMES) for e in ("auto", "eager"))
    assert one.loss_curve_ == two.loss_curve_


def test_a_divergence_goes_back_to_weights_whose_loss_was_seen() -> None:
    weights: list[Any] = []

    class Watch(Callback):
        def on_epoch_begin(self, trainer: Any, epoch: int) -> None:
            weights.append(trainer.model.parameters.value.copy())

    model = MLPRegressor(
        (), solver="gd", learning_rate_init=1.5, batch_size="full", callbacks=[Watch()],
        random_state=0, measure_every=0,
    )  # fmt: skip
    with pytest.warns(DivergenceWarning):
        model.fit(BODIES, PROGRESS)
    losses = np.array(model.loss_curve_)
    assert len(losses) > 3
    last = model.model_.parameters.value
    assert_array_equal(last, weights[-2])
    seen = 0.5 * np.mean((model.predict(BODIES) - PROGRESS) ** 2)  # that before the epoch
    assert_allclose(seen + 0.5 * 1e-4 / 442 * last[:-1] @ last[:-1], losses[-2])


def test_ctrl_c_keeps_what_has_been_trained() -> None:
    class CtrlC(Callback):
        def on_epoch_end(self, trainer: Any, record: Any) -> None:
            if record["epoch"] == 3:
                raise KeyboardInterrupt

    model = MLPClassifier(4, random_state=0, callbacks=[CtrlC()], max_iter=5)
    with pytest.warns(UserWarning, match="Training interrupted by user"):
        model.fit(IRIS, NAMES)
    assert (model.n_iter_, len(model.loss_curve_)) == (3, 3)
    whole = MLPClassifier(4, random_state=0, max_iter=5).fit(IRIS, NAMES)
    for _ in range(2):
        model.partial_fit(IRIS, NAMES)
    assert model.loss_curve_ == whole.loss_curve_


def test_reaching_the_last_epoch_is_a_convergence_warning() -> None:
    words = r"Maximum iterations \(2\) reached and the optimization hasn't converged"
    with pytest.warns(ConvergenceWarning, match=words):
        MLPClassifier(4, max_iter=2).fit(IRIS, NAMES)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        MLPClassifier(4).partial_fit(IRIS, NAMES, np.unique(NAMES))
        MLPClassifier(4, tol=10.0, max_iter=12).fit(IRIS, NAMES)


def test_classes_are_those_of_the_first_call() -> None:
    model = MLPClassifier(4, random_state=0).partial_fit(IRIS[:9], NAMES[:9], np.unique(NAMES))
    assert model.predict_proba(IRIS).shape == (150, 3)
    with pytest.raises(ValueError, match=r"`y` has classes not in `self\.classes_`"):
        model.partial_fit(IRIS[:2], ["setosa", "rose"])
    with pytest.raises(ValueError, match="Multioutput target data is not supported"):
        MLPClassifier().fit(IRIS, np.column_stack([SPECIES, SPECIES]))
    with pytest.raises(DataError, match=r"labels of several types .* int and str\. Write y ="):
        MLPClassifier().fit(IRIS, np.array(["a", 1] * 75, dtype=object))
    with pytest.raises(
        DataError, match=r"y has missing labels.*got NoneType and str\. Leave these"
    ):
        MLPClassifier().fit(IRIS, np.array(["a", None] * 75, dtype=object))
    with pytest.raises(DataError, match=r"must be text or numbers: got bytes_\. Write y ="):
        MLPClassifier().fit(IRIS, np.array([b"a", b"b"] * 75))
    one = MLPClassifier(4, max_iter=2).fit(IRIS, ["a"] * 150)
    assert (one.predict(IRIS) == "a").all()
    assert one.predict_proba(IRIS).tolist() == [[1.0]] * 150


def test_the_hinge_loss_has_scores_but_no_probabilities() -> None:
    model = MLPClassifier(6, loss="hinge", random_state=0, learning_rate_init=0.01).fit(
        TWO, VERSICOLOR
    )
    assert model.score(TWO, VERSICOLOR) > 0.9
    assert not hasattr(model, "predict_proba")
    assert hasattr(MLPClassifier(), "predict_proba")
    huber = MLPRegressor(6, loss="huber", random_state=0, learning_rate_init=0.01)
    assert huber.fit(BODIES, PROGRESS).score(BODIES, PROGRESS) > 0.4


def test_before_fit_there_is_nothing_to_predict_with() -> None:
    model = MLPClassifier()
    assert not hasattr(model, "coefs_")
    with pytest.raises(NotFittedError):
        model.predict(IRIS)


@pytest.mark.parametrize("state", [np.random.RandomState, lambda seed: None])
def test_a_random_state_is_drawn_from(state: Any) -> None:
    def losses() -> Any:
        np.random.seed(4)  # noqa: NPY002 (scikit-learn's None is this generator)
        return MLPClassifier(4, max_iter=2, random_state=state(4)).fit(IRIS, NAMES).loss_curve_

    assert losses() == losses()


@pytest.mark.parametrize("name", ["shuffle", "warm_start", "nesterovs_momentum", "early_stopping"])
def test_a_switch_is_true_or_false(name):
    """Text such as "no" would count as True."""
    X, y = load_iris(return_X_y=True)
    with pytest.raises(ArgumentError, match=f"{name} must be True or False, got 'no'"):
        MLPClassifier(**{name: "no"}).fit(X, y)


def test_class_weights_of_a_regression_name_the_weights_of_rows():
    with pytest.raises(TypeError, match=r"Write fit\(X, y, sample_weight=\.\.\.\)"):
        MLPRegressor(class_weight="balanced")


@pytest.mark.parametrize("twin", [None, "scikit-learn"])
def test_a_regressor_takes_numbers_only(twin: str | None) -> None:
    model = MLPRegressor(4, max_iter=1, twin=twin)
    days = np.arange("2024-01-01", "2024-05-30", dtype="datetime64[D]")
    with pytest.raises(DataError, match=r"must be numbers: got ndarray of datetime64\[D\]"):
        model.fit(IRIS, days)
    with pytest.raises(DataError, match=r"Labels are for MLPClassifier; write y\.astype\(float\)"):
        model.fit(IRIS, np.array(["1", "2"] * 75))
    with pytest.raises(DataError, match=r"y must be dense: got csr_matrix\. Write y\.toarray"):
        model.fit(IRIS, scipy.sparse.csr_matrix(np.ones((150, 1))))
    for numbers in (SPECIES > 0, SPECIES.astype("i1"), SPECIES.astype(object)):
        model.fit(IRIS, numbers)


def test_a_generator_is_no_random_state() -> None:
    with pytest.raises(ArgumentError, match=r"an integer >= 0, a numpy\.random\.RandomState or"):
        MLPClassifier(4, random_state=np.random.default_rng(0)).fit(IRIS, SPECIES)


def test_a_logit_of_0_is_the_first_class_as_in_scikit_learn() -> None:
    model = MLPClassifier(4, max_iter=1, random_state=0).fit(TWO, VERSICOLOR)
    model.model_.parameters.set(0 * model.model_.parameters.value)
    assert (model.decision_function(TWO) == 0).all()
    assert set(model.predict(TWO)) == {model.classes_[0]}


def test_a_batch_is_by_default_200_rows() -> None:
    X, y = np.vstack([IRIS, IRIS]), np.tile(SPECIES, 2)
    auto, of_200 = (
        MLPClassifier(4, max_iter=2, random_state=0, **given).fit(X, y)
        for given in ({}, {"batch_size": 200})
    )
    assert_array_equal(auto.coefs_[0], of_200.coefs_[0])


def test_an_optimizer_that_was_used_before_begins_anew() -> None:
    used, fresh = optim.Momentum(0.01), optim.Momentum(0.01)
    size = MLPClassifier(4, max_iter=1, random_state=0).fit(IRIS, SPECIES).model_.parameters.size
    used.step(np.zeros(size), lambda point: np.ones(size))
    fits = [
        MLPClassifier(4, max_iter=2, random_state=0, solver=solver).fit(IRIS, SPECIES)
        for solver in (used, fresh)
    ]
    assert_array_equal(fits[0].coefs_[0], fits[1].coefs_[0])
    assert used.step_count == 1
